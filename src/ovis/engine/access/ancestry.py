"""Where a permission on a parent reaches: VM, cluster, data center, system, and the other chains.

Does: find the objects whose permissions count for an object, and the objects below one. Does not: know roles.
Follows: inheritance of engine 4.5.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from ovis.engine.access.predefined import SYSTEM_ID
from ovis.engine.store.session import Reader

ObjectRef = tuple[str, str]
SYSTEM: ObjectRef = ("system", SYSTEM_ID)


@dataclass(frozen=True, slots=True)
class Up:
    """A way up: rows of `table` join a child (column `child`) with its parent (column `parent`)."""

    parent_type: str
    table: str
    child: str
    parent: str


WAYS: dict[str, tuple[Up, ...]] = {
    "cluster": (Up("data_center", "clusters", "id", "data_center_id"),),
    "host": (Up("cluster", "hosts", "id", "cluster_id"),),
    "vm": (Up("cluster", "vms", "id", "cluster_id"),),
    "vm_pool": (Up("cluster", "vm_pools", "id", "cluster_id"),),
    "template": (Up("disk_of_template", "template_disk_attachments", "template_id", "disk_id"),),
    # Steps that lead on but are nobody's object here: a permission on the storage domain itself does not count.
    "disk_of_template": (Up("domain_of_template", "disks", "id", "storage_domain_id"),),
    "domain_of_template": (Up("data_center", "storage_domain_attachments", "storage_domain_id", "data_center_id"),),
    "storage_domain": (Up("data_center", "storage_domain_attachments", "storage_domain_id", "data_center_id"),),
    "disk": (
        Up("vm", "disk_attachments", "disk_id", "vm_id"),
        Up("storage_domain", "disks", "id", "storage_domain_id"),
    ),
    "network": (Up("data_center", "networks", "id", "data_center_id"),),
    "vnic_profile": (Up("network", "vnic_profiles", "id", "network_id"),),
    "disk_profile": (Up("storage_domain", "disk_profiles", "id", "storage_domain_id"),),
    "cpu_profile": (Up("cluster", "cpu_profiles", "id", "cluster_id"),),
    "quota": (Up("data_center", "quotas", "id", "data_center_id"),),
}
# Types whose rows live in a table of this name, for "everything below".
TABLE_OF = {
    "data_center": "data_centers",
    "cluster": "clusters",
    "host": "hosts",
    "vm": "vms",
    "vm_pool": "vm_pools",
    "template": "templates",
    "storage_domain": "storage_domains",
    "disk": "disks",
    "network": "networks",
    "vnic_profile": "vnic_profiles",
    "disk_profile": "disk_profiles",
    "cpu_profile": "cpu_profiles",
    "mac_pool": "mac_pools",
    "quota": "quotas",
}


def lineage(rd: Reader, object_type: str, object_id: str) -> set[ObjectRef]:
    """The object itself and everything whose permissions count for it, system included."""
    return lineages(rd, object_type, (object_id,))[object_id]


def lineages(rd: Reader, object_type: str, ids: Iterable[str]) -> dict[str, set[ObjectRef]]:
    """The lineage of each object of a set; the number of queries does not grow with the set."""
    wanted = tuple(ids)
    above: dict[ObjectRef, set[ObjectRef]] = {}
    waiting: set[ObjectRef] = {(object_type, id_) for id_ in wanted}
    while waiting:
        grouped = types_of(waiting)
        above.update((ref, set()) for ref in waiting)
        waiting = set()
        for kind, members in grouped.items():
            for way in WAYS.get(kind, ()):
                if way.table not in rd.schema.sql:
                    continue
                sql = rd.schema.sql[way.table]
                child, parent = sql.c[way.child], sql.c[way.parent]
                for child_id, parent_id in rd.rows(sa.select(child, parent).where(rd.among(child, sorted(members)))):
                    if parent_id is not None:
                        above[(kind, child_id)].add((way.parent_type, parent_id))
            waiting |= {ref for member in members for ref in above[(kind, member)]}
        waiting -= above.keys()
    return {id_: _closure(above, (object_type, id_)) for id_ in wanted}


def _closure(above: dict[ObjectRef, set[ObjectRef]], start: ObjectRef) -> set[ObjectRef]:
    found: set[ObjectRef] = {SYSTEM}
    waiting = [start]
    while waiting:
        ref = waiting.pop()
        if ref not in found:
            found.add(ref)
            waiting += above[ref]
    return found


def below(rd: Reader, object_type: str, held: dict[str, set[str]]) -> set[str]:
    """Ids of all objects of a type that lie at or below the held ones (object type -> ids)."""
    found = set(held.get(object_type, ()))
    for way in WAYS.get(object_type, ()):
        if way.table not in rd.schema.sql:
            continue
        parents = below(rd, way.parent_type, held)
        if parents:
            sql = rd.schema.sql[way.table]
            below_them = rd.among(sql.c[way.parent], parents)
            found |= {row[0] for row in rd.rows(sa.select(sql.c[way.child]).where(below_them)) if row[0] is not None}
    return found


def types_of(refs: Iterable[ObjectRef]) -> dict[str, set[str]]:
    """References grouped by type."""
    grouped: dict[str, set[str]] = {}
    for kind, id_ in refs:
        grouped.setdefault(kind, set()).add(id_)
    return grouped
