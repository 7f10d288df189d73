"""The v3 dialect: the same structs in 3.x shapes, by rules and a few shims.

Does: turn a struct into a tree of v3 elements (for XML or JSON), and a v3 body's tree into v4's. Does not: read the
store; shims that need more than the object find it in `context` (see `Context`).
Follows: rules and shims of the v3 server of engine 4.x.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ovis.engine.declare.resource import Resource
from ovis.engine.declare.shape import Attribute, attributes, names_of
from ovis.engine.wire import text
from ovis.engine.wire.layout import Layout, collection_name
from ovis.engine.wire.reading import TEXT, Tree
from ovis.engine.wire.writers import is_bare

# v4 attribute names that are XML attributes in v3, by type (JSON keys are the same).
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "Agent": frozenset({"type"}),
    "Console": frozenset({"enabled"}),
    "Core": frozenset({"index", "socket"}),
    "Cpu": frozenset({"type"}),
    "CpuTopology": frozenset({"sockets", "cores", "threads"}),
    "CustomProperty": frozenset({"name", "value", "regexp"}),
    "Ip": frozenset({"address", "netmask", "gateway", "version"}),
    "Mac": frozenset({"address"}),
    "MemoryOverCommit": frozenset({"percent"}),
    "NumaNodePin": frozenset({"pinned", "index"}),
    "OperatingSystem": frozenset({"type"}),
    "Option": frozenset({"name", "value", "type"}),
    "Payload": frozenset({"type"}),
    "PowerManagement": frozenset({"type"}),
    "Qos": frozenset({"type"}),
    "SchedulingPolicyUnit": frozenset({"type"}),
    "VcpuPin": frozenset({"vcpu", "cpu_set"}),
    "Version": frozenset({"major", "minor", "build", "revision", "full_version"}),
    "VirtioScsi": frozenset({"enabled"}),
}
# Properties of v3's type Status: <P><state>X</state><detail>..</detail></P>.
STATUS: Mapping[str, frozenset[str]] = {
    name: frozenset({"status", "external_status"})
    for name in (
        "Action Creation DataCenter Disk GlusterBrick GlusterHook GlusterServerHook GlusterVolume Host HostNic Job Network "
        "PowerManagement Spm Step StorageDomain Vm VmPool Template InstanceType Snapshot VmBase"
    ).split()
}
UPPER_STATUS = frozenset({"Job", "Step"})
RENAMES: Mapping[tuple[str, str], str] = {
    ("Vm", "vm_pool"): "vmpool",
    ("Permission", "vm_pool"): "vmpool",
    ("Host", "se_linux"): "selinux",
    ("MemoryPolicy", "over_commit"): "overcommit",
    ("Cpu", "type"): "id",
    ("Network", "network_labels"): "labels",
    ("HostNic", "network_labels"): "labels",
    ("Statistic", "kind"): "type",
}
ITEMS: Mapping[tuple[str, str], str] = {
    ("Cluster", "required_rng_sources"): "source",
    ("HardwareInformation", "supported_rng_sources"): "source",
    ("Action", "modified_labels"): "label",
    ("Action", "removed_labels"): "label",
    ("Network", "network_labels"): "label",
    ("HostNic", "network_labels"): "label",
}
UNWRAPPED = frozenset(
    {
        ("CpuTune", "vcpu_pins"),
        ("HostStorage", "logical_units"),
        ("VolumeGroup", "logical_units"),
        ("Action", "iscsi_targets"),
        ("EntityProfileDetail", "profile_details"),
        ("ProfileDetail", "statistics"),
        ("ProfileDetail", "block_statistics"),
        ("ProfileDetail", "fop_statistics"),
        ("BlockStatistic", "statistics"),
        ("FopStatistic", "statistics"),
    }
)
# v4 attributes that v3 never shows, beside sub-collections without a v3 link.
HIDDEN = frozenset(
    {
        ("Vm", "affinity_labels"),
        ("Vm", "dynamic_cpu"),
        ("Vm", "has_illegal_images"),
        ("Vm", "mediated_devices"),
        ("Vm", "original_template"),
        ("Vm", "status_detail"),
        ("Host", "status_detail"),
        ("Vm", "fqdn"),
        ("Statistic", "type"),
        ("Disk", "qcow_version"),
        ("Api", "authenticated_user"),
        ("Api", "effective_user"),
        ("Api", "engine_backup"),
    }
)
ROOTS: Mapping[str, tuple[str, str]] = {
    "VmPool": ("vmpool", "vmpools"),
    "HostStorage": ("storage", "host_storage"),
    "NetworkLabel": ("label", "labels"),
    "SeLinux": ("selinux", "selinuxs"),
    "OperatingSystemInfo": ("operating_system", "operating_systems"),
    "ApiSummary": ("summary", "summaries"),
}
_LONG = frozenset(
    "memory max guaranteed provisioned_size actual_size total_size size speed available used committed".split()
    + ["max_scheduling_memory", "expiry"]
)


def names3(type_: type) -> tuple[str, str]:
    """Element names of one object and of a list in v3."""
    found = names_of(type_)
    return ROOTS.get(type_.__name__, (found.one, found.many))


@dataclass(slots=True)
class Node:
    """An element: attributes, then either children or a scalar. many: member of an array in JSON."""

    tag: str
    attrs: dict[str, Any] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    value: Any = None
    many: bool = False
    wrapper: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What shims need of the store, by object id. disks: attachments with their disk, by VM. networks: by vNIC profile.

    mirrored: profiles that mirror their port. addresses: of a VM's guest. policies: scheduling policy by id.
    """

    networks: Mapping[str, str] = field(default_factory=dict)
    mirrored: frozenset[str] = frozenset()
    addresses: Mapping[str, list[Any]] = field(default_factory=dict)
    policies: Mapping[str, Any] = field(default_factory=dict)
    attachments: Mapping[str, Any] = field(default_factory=dict)


Shim = Callable[["Dialect3", Any, Node, Context, str], None]


class Dialect3:
    """Writer of trees for one layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def tree(
        self,
        o: Any,
        *,
        tag: str,
        base: str,
        href: str | None,
        resource: Resource | None,
        context: Context,
        many: bool = False,
    ) -> Node:
        """The v3 tree of a struct."""
        type_ = type(o)
        name = type_.__name__
        node = Node(tag, many=many)
        id_ = getattr(o, "id", None)
        if isinstance(id_, str):
            if href:
                node.attrs["href"] = href
            node.attrs["id"] = id_
        if href and resource is not None:
            self._around(node, resource, href)
        rows = attributes(type_)
        ordered = [r for n in ("name", "description", "comment") for r in rows if r.name == n]
        ordered += [r for r in rows if r.name not in ("name", "description", "comment")]
        for row in ordered:
            value = getattr(o, row.name)
            if value is None or (name, row.name) in HIDDEN or (row.name == "id" and row.kind == "str"):
                continue
            self._attribute(o, name, row, value, node, base, href, context)
        shim = SHIMS.get(name)
        if shim is not None:
            shim(self, o, node, context, base)
        return node

    def _around(self, node: Node, resource: Resource, href: str) -> None:
        around = self.layout.around(resource, 3)
        if around.actions:
            rows = [Node("link", {"href": f"{href}/{a}", "rel": a}, many=True) for a in around.actions]
            node.children.append(Node("actions", children=rows))
        node.children += [Node("link", {"href": f"{href}/{r}", "rel": r}, many=True) for r in around.links]

    def _attribute(
        self, o: Any, name: str, row: Attribute, value: Any, node: Node, base: str, href: str | None, context: Context
    ) -> None:
        tag = RENAMES.get((name, row.name), row.tag)
        if row.many:
            item = ITEMS.get((name, row.name), row.item)
            below = f"{href}/{row.rel}" if href and row.rel and self.layout.sub(type(o), row.rel) else None
            members = [self._value(row, v, item, base, below, context) for v in value]
            for member in members:
                member.many = True
            if (name, row.name) in UNWRAPPED:
                node.children += members
            else:
                node.children.append(Node(tag, children=members, wrapper=True))
            return
        if row.name in ATTRIBUTES.get(name, ()) or row.xml_attribute:
            node.attrs[tag] = _scalar(row, value)
            return
        if row.name in STATUS.get(name, ()) and row.kind in ("enum", "str"):
            state = value if isinstance(value, str) else value.value
            status = Node(tag, children=[Node("state", value=state.upper() if name in UPPER_STATUS else state)])
            detail = getattr(o, "status_detail", None)
            if detail and row.name == "status":
                status.children.append(Node("detail", value=detail))
            node.children.append(status)
            return
        if name == "Statistic" and row.name in ("kind", "unit"):
            node.children.append(Node(tag, value=value.value.upper()))
            return
        node.children.append(self._value(row, value, tag, base, None, context))

    def _value(self, row: Attribute, value: Any, tag: str, base: str, rel_href: str | None, context: Context) -> Node:
        if row.kind != "struct":
            return Node(tag, value=_scalar(row, value))
        id_ = getattr(value, "id", None)
        href = None
        if isinstance(id_, str):
            path = self.layout.paths.get(type(value))
            own = getattr(value, "href", None)
            if own:
                href = own if own.startswith(base) else base + own
            else:
                href = f"{rel_href}/{id_}" if rel_href else f"{base}{path}/{id_}" if path else None
            if is_bare(value):
                return Node(tag, ({"href": href} if href else {}) | {"id": id_})
        resource = self.layout.by_type.get(type(value)) if href else None
        return self.tree(value, tag=tag, base=base, href=href, resource=resource, context=context)


class Long(int):
    """A 64-bit number: v3's JSON shows it as a number, others as strings."""


def _scalar(row: Attribute, value: Any) -> Any:
    if row.kind == "enum":
        return value.value
    if row.kind == "int" and row.name in _LONG:
        return Long(value)
    return value


# -- shims, out ----------------------------------------------------------------------------------------------


def _child(node: Node, tag: str) -> Node | None:
    return next((c for c in node.children if c.tag == tag), None)


def _os(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    boot = _child(node, "boot")
    if boot is not None:
        node.children.remove(boot)
        devices = o.boot.devices or ()
        node.children += [Node("boot", {"dev": dev.value}, many=True) for dev in devices]


def _vm(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    if o.time_zone is not None and o.time_zone.name:
        node.children.append(Node("timezone", value=o.time_zone.name))
    ips = context.addresses.get(str(o.id), [])
    fqdn = getattr(o, "fqdn", None)
    if ips or fqdn:
        info = Node("guest_info")
        if ips:
            rows = [
                Node("ip", {"address": ip.address, **({"version": ip.version.value} if ip.version else {})}, many=True)
                for ip in ips
            ]
            info.children.append(Node("ips", children=rows, wrapper=True))
        if fqdn:
            info.children.append(Node("fqdn", value=fqdn))
        node.children.append(info)


def _placement(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    if o.hosts and len(o.hosts) == 1:
        id_ = o.hosts[0].id
        node.children.append(Node("host", {"href": f"{base}/hosts/{id_}", "id": id_}))


def _nic(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    if o.plugged is not None:
        node.children.append(Node("active", value=o.plugged))
    profile = o.vnic_profile.id if o.vnic_profile else None
    network = context.networks.get(profile or "")
    if network:
        link = Node("network", {"href": f"{base}/networks/{network}", "id": network})
        node.children.append(link)
        if profile in context.mirrored:
            inner = Node("network", {"href": f"{base}/networks/{network}", "id": network}, many=True)
            node.children.append(Node("port_mirroring", children=[Node("networks", children=[inner], wrapper=True)]))


def _disk(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    if o.provisioned_size is not None:
        node.children.append(Node("size", value=Long(o.provisioned_size)))
    attachment = context.attachments.get(str(o.id))
    if attachment is not None:
        for name in ("bootable", "interface", "logical_name", "active", "uses_scsi_reservation", "read_only"):
            value = getattr(attachment, name)
            known = _child(node, name)
            if known is not None:
                node.children.remove(known)
            if value is not None:
                node.children.append(Node(name, value=getattr(value, "value", value)))


def _host(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    if o.spm is not None:
        manager = Node("storage_manager", value=str(o.spm.status == "spm").lower())
        if o.spm.priority is not None:
            manager.attrs["priority"] = o.spm.priority
        node.children.append(manager)
    kind = _child(node, "type")
    if kind is not None and kind.value == "rhev_h":
        kind.value = "rhev-h"
    if node.attrs.get("href") and o.status is not None:
        node.children.append(Node("live_snapshot_support", value=True))


def _statistic(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    values = _child(node, "values")
    if values is not None and o.type is not None:
        values.attrs["type"] = o.type.value.upper()


def _tag(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    parent = _child(node, "parent")
    if parent is not None:
        inner = Node("tag", parent.attrs)
        node.children[node.children.index(parent)] = Node("parent", children=[inner])


def _snapshot(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    for tag in ("type", "snapshot_type"):
        known = _child(node, tag)
        if known is not None:
            node.children.remove(known)
    if o.snapshot_type is not None:
        node.children.append(Node("type", value=o.snapshot_type.value))


def _cluster(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    shown = _child(node, "scheduling_policy")
    policy = context.policies.get(o.scheduling_policy.id) if o.scheduling_policy else None
    if shown is None or policy is None:
        return
    shown.children.append(Node("policy", value=policy.name))
    values = {p.name: p.value for p in policy.properties or ()}
    limits = {
        "low": values.get("LowUtilization"),
        "high": values.get("HighUtilization"),
        "duration": values.get("CpuOverCommitDurationMinutes"),
    }
    if any(limits.values()):
        shown.children.append(Node("thresholds", {k: v for k, v in limits.items() if v is not None}))


def _product(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    if o.version is not None and o.version.full_version:
        node.children.append(Node("full_version", value=o.version.full_version))


def _special(d: Dialect3, o: Any, node: Node, context: Context, base: str) -> None:
    node.children = []
    for given, rel, path in ((o.blank_template, "templates/blank", "templates"), (o.root_tag, "tags/root", "tags")):
        if given is not None:
            node.children.append(Node("link", {"href": f"{base}/{path}/{given.id}", "rel": rel}, many=True))


SHIMS: Mapping[str, Shim] = {
    "OperatingSystem": _os,
    "Vm": _vm,
    "Template": _vm,
    "VmPlacementPolicy": _placement,
    "Nic": _nic,
    "Disk": _disk,
    "Host": _host,
    "Statistic": _statistic,
    "Tag": _tag,
    "Snapshot": _snapshot,
    "Cluster": _cluster,
    "ProductInfo": _product,
    "SpecialObjects": _special,
}


# -- writing trees -------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return text.decimal(value)
    if hasattr(value, "isoformat"):
        return text.xml_date(value)
    return text.escape(str(getattr(value, "value", value)))


def to_xml(node: Node, out: list[str], indent: str = "") -> None:
    """Append a tree, one element a line."""
    head = f"{indent}<{node.tag}" + "".join(f' {k}="{_text(v)}"' for k, v in node.attrs.items())
    if node.value is not None:
        out.append(f"{head}>{_text(node.value)}</{node.tag}>\n")
    elif not node.children:
        out.append(head + "/>\n")
    else:
        out.append(head + ">\n")
        for child in node.children:
            to_xml(child, out, indent + "  ")
        out.append(f"{indent}</{node.tag}>\n")


def _json_scalar(value: Any) -> str:
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    if isinstance(value, Long):
        return str(int(value))
    if isinstance(value, int):
        return f'"{value}"'
    if isinstance(value, float):
        return text.decimal(value)
    if hasattr(value, "timestamp"):
        return text.json_date(value)
    return text.json_string(str(getattr(value, "value", value)))


def to_json(node: Node) -> str:
    """A tree's content as a JSON value: attributes and elements are keys, repeated elements arrays."""
    if node.value is not None and not node.attrs:
        return _json_scalar(node.value)
    parts = [f"{text.json_string(k)}:{_json_scalar(v)}" for k, v in node.attrs.items()]
    if node.value is not None:
        parts.append(f'"value":{_json_scalar(node.value)}')
    arrays: dict[str, list[str]] = {}
    for child in node.children:
        if child.wrapper and not child.children and not child.attrs:
            continue
        if child.many:
            arrays.setdefault(child.tag, []).append(to_json(child))
        else:
            parts.append(f"{text.json_string(child.tag)}:{to_json(child)}")
    parts += [f"{text.json_string(k)}:[{','.join(v)}]" for k, v in arrays.items()]
    return "{" + ",".join(parts) + "}"


# -- bodies in -----------------------------------------------------------------------------------------------

_RENAMED_IN = {(t, new): old for (t, old), new in RENAMES.items()}


def upgrade(type_: type, tree: Tree) -> Tree:
    """One level of a v3 body in v4's form. v4 spellings are taken too."""
    name = type_.__name__
    tree = dict(tree)
    for row in attributes(type_):
        key = (name, row.name)
        renamed = RENAMES.get(key)
        if renamed and renamed in tree and row.tag not in tree:
            tree[row.tag] = tree.pop(renamed)
        if key in ITEMS and row.tag in tree:
            tree[row.tag] = [_renamed_item(v, ITEMS[key], row.item) for v in tree[row.tag]]
        if key in UNWRAPPED and row.tag not in tree and row.item in tree:
            tree[row.tag] = [{row.item: tree.pop(row.item)}]
        if row.name in STATUS.get(name, ()) and row.tag in tree:
            tree[row.tag] = [_state(v) for v in tree[row.tag]]
    shim = _UPGRADES.get(name)
    return shim(tree) if shim else tree


def _renamed_item(wrapper: Any, old: str, new: str) -> Any:
    if isinstance(wrapper, dict) and old in wrapper and new not in wrapper:
        return {**{k: v for k, v in wrapper.items() if k != old}, new: wrapper[old]}
    return wrapper


def _state(value: Any) -> Any:
    if isinstance(value, dict) and "state" in value:
        found = value["state"][-1]
        return found.lower() if isinstance(found, str) else found
    return value


def _up_os(tree: Tree) -> Tree:
    boots = [b for b in tree.get("boot", []) if isinstance(b, dict) and "dev" in b]
    if boots:
        tree["boot"] = [{"devices": [{"device": [b["dev"][-1] for b in boots]}]}]
    return tree


def _up_vm(tree: Tree) -> Tree:
    zone = tree.pop("timezone", None)
    if zone and "time_zone" not in tree:
        tree["time_zone"] = [{"name": zone}]
    return tree


def _up_placement(tree: Tree) -> Tree:
    host = tree.pop("host", None)
    if host and "hosts" not in tree:
        tree["hosts"] = [{"host": host}]
    return tree


def _up_nic(tree: Tree) -> Tree:
    active = tree.pop("active", None)
    if active and "plugged" not in tree:
        tree["plugged"] = active
    return tree


def _up_disk(tree: Tree) -> Tree:
    size = tree.pop("size", None)
    if size and "provisioned_size" not in tree:
        tree["provisioned_size"] = size
    return tree


def _up_data_center(tree: Tree) -> Tree:
    kind = tree.pop("storage_type", None)
    if kind and "local" not in tree:
        tree["local"] = ["true" if str(kind[-1]).lower() == "localfs" else "false"]
    return tree


def _up_host(tree: Tree) -> Tree:
    manager = tree.pop("storage_manager", None)
    if manager and "spm" not in tree:
        found = manager[-1]
        priority = found.get("priority") if isinstance(found, dict) else None
        tree["spm"] = [{"priority": priority}] if priority else []
    if tree.get("type") and str(tree["type"][-1]) == "rhev-h":
        tree["type"] = ["rhev_h"]
    return tree


def _up_tag(tree: Tree) -> Tree:
    parent = tree.get("parent")
    if parent and isinstance(parent[-1], dict) and "tag" in parent[-1]:
        tree["parent"] = parent[-1]["tag"]
    return tree


def _up_snapshot(tree: Tree) -> Tree:
    kind = tree.pop("type", None)
    if kind:
        tree["snapshot_type"] = kind
    return tree


def _up_policy(tree: Tree) -> Tree:
    name = tree.pop("policy", None)
    if name and "id" not in tree and "name" not in tree:
        tree["name"] = name
    tree.pop("thresholds", None)
    return tree


def _up_cpu(tree: Tree) -> Tree:
    mode = tree.get("mode")
    if mode and str(mode[-1]).lower() not in ("custom", "host_model", "host_passthrough"):
        tree["mode"] = ["custom"]
    return tree


_UPGRADES: Mapping[str, Callable[[Tree], Tree]] = {
    "OperatingSystem": _up_os,
    "Vm": _up_vm,
    "Template": _up_vm,
    "VmPlacementPolicy": _up_placement,
    "Nic": _up_nic,
    "Disk": _up_disk,
    "DataCenter": _up_data_center,
    "Host": _up_host,
    "Tag": _up_tag,
    "Snapshot": _up_snapshot,
    "SchedulingPolicy": _up_policy,
    "Cpu": _up_cpu,
}
__all__ = ["TEXT", "Context", "Dialect3", "Node", "collection_name", "names3", "to_json", "to_xml", "upgrade"]
