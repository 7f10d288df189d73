"""Which tables' changes pages are told of, as what, and who may see them.

Does: derive it from the resources' declarations; name the few tables whose rows are shown as a part of another object.
Does not: encode or keep anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ovis.engine.access.ancestry import TABLE_OF
from ovis.engine.declare.resource import AdminOnly, Resource
from ovis.engine.declare.shape import attributes

EVENTS, JOBS, COMMANDS = "events", "jobs", "commands"
RIGHTS = frozenset(("permissions", "roles"))
# Of objects whose rows are completed when they are read, what is the same in the row itself.
_AS_STORED = frozenset(("name", "description", "comment", "status", "cluster", "data_center", "host", "alias"))
_MADE_ELSEWHERE = frozenset((("storagedomains", "status"), ("storagedomains", "data_center")))
_NEVER_TOLD = frozenset(("initialization",))  # may hold passwords


@dataclass(frozen=True, slots=True)
class Kind:
    """A root collection whose rows live in a table.

    object_type: what decides who sees a row; "" everybody. compared: (attribute, its name in JSON). told: attributes whose
    values are sent.
    """

    collection: str
    object_type: str
    administrators: bool
    compared: tuple[tuple[str, str], ...]
    told: frozenset[str]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are shown below another object. column: that holds its id (or `object_id` with its type)."""

    collection: str
    column: str
    fields: tuple[str, ...]


PARTS: dict[str, tuple[Part, ...]] = {
    "vm_nics": (Part("vms", "vm_id", ("nics",)),),
    "vm_snapshots": (Part("vms", "vm_id", ("snapshots",)),),
    "vm_cdroms": (Part("vms", "vm_id", ("cdroms",)),),
    "vm_consoles": (Part("vms", "vm_id", ("graphics_consoles",)),),
    "vm_watchdogs": (Part("vms", "vm_id", ("watchdogs",)),),
    "vm_numa_nodes": (Part("vms", "vm_id", ("numa_nodes",)),),
    "vm_runtime": (Part("vms", "id", ("reported_devices", "graphics_consoles", "sessions")),),
    "disk_attachments": (Part("vms", "vm_id", ("disk_attachments",)), Part("disks", "disk_id", ("vms",))),
    "template_disk_attachments": (Part("templates", "template_id", ("disk_attachments",)),),
    "template_nics": (Part("templates", "template_id", ("nics",)),),
    "template_devices": (Part("templates", "template_id", ("watchdogs", "cdroms", "graphics_consoles")),),
    "cluster_networks": (Part("clusters", "cluster_id", ("networks",)), Part("networks", "network_id", ("clusters",))),
    "affinity_groups": (Part("clusters", "cluster_id", ("affinity_groups",)),),
    "network_labels": (Part("networks", "network_id", ("network_labels",)),),
    "host_attachments": (Part("hosts", "host_id", ("network_attachments", "nics")),),
    "host_nic_labels": (Part("hosts", "host_id", ("nics",)),),
    "fence_agents": (Part("hosts", "host_id", ("agents",)),),
    "storage_domain_attachments": (
        Part("storagedomains", "storage_domain_id", ("status", "data_centers")),
        Part("datacenters", "data_center_id", ("storage_domains",)),
    ),
}
# Rows that name the type and the id of what they are on, and what they are there.
ON_ANYTHING = {"tag_assignments": "tags", "permissions": "permissions"}
# What of a row has to differ, where most of it is nobody's business.
WORTH: dict[str, tuple[str, ...]] = {"vm_runtime": ("consoles", "guest_nics", "console_user")}


def kinds_of(resources: Sequence[Resource]) -> dict[str, Kind]:
    """By table."""
    found = {}
    for resource in resources:
        table = resource.table
        own = table is not None and table.type is resource.type and resource.in_v4
        if not own or resource.collection in (EVENTS, JOBS) or resource.list is None:
            continue
        rows = [row for row in attributes(resource.type) if row.name != "id"]
        compared = tuple((row.name, row.tag) for row in rows)
        names = {name for name, _ in compared if name not in _NEVER_TOLD}
        told = names if resource.derive is None else names & _AS_STORED
        collection = resource.collection
        found[table.name] = Kind(
            collection=collection,
            object_type=resource.object_type if resource.object_type in TABLE_OF else "",
            administrators=isinstance(resource.list.needs, AdminOnly),
            compared=compared,
            told=frozenset(name for name in told if (collection, name) not in _MADE_ELSEWHERE),
        )
    return found


def collections_of(resources: Sequence[Resource]) -> dict[str, str]:
    """Root collections by what permissions and tags call their objects."""
    found = {"user": "users", "group": "groups"}
    for resource in resources:
        if resource.object_type and resource.object_type not in found:
            found[resource.object_type] = resource.collection
    return found


def worth(table: str, document: Any, previous: Any) -> bool:
    """Whether a change of a part's row is one that anybody sees."""
    names = WORTH.get(table)
    if names is None or document is None or previous is None:
        return True
    return any(getattr(document, name) != getattr(previous, name) for name in names)
