"""v3 bodies in v4's form, one level at a time, as `reading.build` asks for it.

Does: rename, unwrap and reshape a tree; collect the flags that v4 has as URL parameters. v4's spellings are taken too.
Does not: look anything up; references by name stay names.
Follows: rules and shims of the v3 server of engine 4.x, inwards.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ovis.engine.declare.shape import Attribute, attributes
from ovis.engine.wire.facts3 import STATUS, item3, renamed, unwrapped
from ovis.engine.wire.reading import TEXT, Tree

# (v4 type, property or list, flag) -> v4 parameter; a flag inside a list stands in the list's wrapper.
FLAGS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "Action": (("", "detach", "detach_only"), ("snapshots", "collapse_snapshots", "collapse_snapshots")),
    "Host": (("", "reboot_after_installation", "reboot"),),
    "StorageDomain": (("", "format", "format"), ("", "destroy", "destroy")),
    "Template": (("permissions", "clone", "clone_permissions"),),
    "Vm": (
        ("disks", "clone", "clone"),
        ("disks", "detach_only", "detach_only"),
        ("permissions", "clone", "clone_permissions"),
        ("snapshots", "collapse_snapshots", "collapse_snapshots"),
    ),
}
_OF_ATTACHMENT = frozenset(
    "interface bootable active read_only uses_scsi_reservation logical_name pass_discard".split()
)


def upgrade(type_: type, tree: Tree, params: dict[str, str] | None = None) -> Tree:
    """One level of a v3 body in v4's form. params: takes the flags that v4 has in the URL."""
    name = type_.__name__
    tree = dict(tree)
    if params is not None and name in FLAGS:
        _collect(name, tree, params)
    shim = _UPGRADES.get(name)
    if shim is not None:
        tree = shim(tree)
    for row in attributes(type_):
        _attribute(name, row, tree)
    return tree


def _attribute(name: str, row: Attribute, tree: Tree) -> None:
    tag3 = renamed(name, row.name)
    if tag3 and tag3 in tree and row.tag not in tree:
        tree[row.tag] = tree.pop(tag3)
    if row.many:
        if unwrapped(name, row.name) and row.tag not in tree and row.item in tree:
            tree[row.tag] = [{row.item: tree.pop(row.item)}]
        item = item3(name, row)
        if item != row.item and row.tag in tree:
            tree[row.tag] = [_renamed_item(v, item, row.item) for v in tree[row.tag]]
    if row.name in STATUS.get(name, ()) and row.tag in tree:
        given = tree[row.tag]
        tree[row.tag] = [_state(v) for v in given]
        detail = _detail(given[-1]) if given else None
        if row.name == "status" and name in ("Vm", "Host", "Snapshot") and detail and "status_detail" not in tree:
            tree["status_detail"] = detail


def _collect(name: str, tree: Tree, params: dict[str, str]) -> None:
    for where, flag, parameter in FLAGS[name]:
        holders = [tree] if not where else [w for w in tree.get(where, ()) if isinstance(w, dict)]
        for holder in holders:
            found = holder.get(flag)
            if found and isinstance(found[-1], (str, bool)):
                value = found[-1]
                params[parameter] = value.strip() if isinstance(value, str) else str(value).lower()


def _renamed_item(wrapper: Any, old: str, new: str) -> Any:
    if isinstance(wrapper, dict) and old in wrapper and new not in wrapper:
        return {**{k: v for k, v in wrapper.items() if k != old}, new: wrapper[old]}
    return wrapper


def _state(value: Any) -> Any:
    if isinstance(value, dict) and value.get("state"):
        found = value["state"][-1]
        return found.lower() if isinstance(found, str) else found
    return value


def _detail(value: Any) -> list[Any] | None:
    return value.get("detail") if isinstance(value, dict) else None


def _last(tree: Tree, key: str) -> Any:
    found = tree.get(key)
    return found[-1] if found else None


def _os(tree: Tree) -> Tree:
    boots = [b for b in tree.get("boot", ()) if isinstance(b, dict) and b.get("dev")]
    if boots:
        tree["boot"] = [{"devices": [{"device": [b["dev"][-1] for b in boots]}]}]
    if str(_last(tree, "type")).lower() == "unassigned":  # what `other` was called before 3.3
        tree["type"] = ["other"]
    return tree


def _vm(tree: Tree) -> Tree:
    zone = tree.pop("timezone", None)
    if zone and "time_zone" not in tree:
        tree["time_zone"] = [{"name": zone}]
    return tree


def _vm_with_disks(tree: Tree) -> Tree:
    tree = _vm(tree)
    disks = tree.pop("disks", None)
    if disks is not None and "disk_attachments" not in tree:
        members: list[Any] = []
        for wrapper in disks:
            if isinstance(wrapper, dict):
                members += wrapper.get("disk", ())
            elif isinstance(wrapper, list):
                members += wrapper
        if members:
            tree["disk_attachments"] = [{"disk_attachment": [split_disk(d) for d in members]}]
    return tree


def split_disk(disk: Any) -> Any:
    """v3's one disk as an attachment with its disk."""
    if not isinstance(disk, dict) or "disk" in disk:
        return disk
    attachment: Tree = {k: v for k, v in disk.items() if k in _OF_ATTACHMENT or k == "id"}
    attachment["disk"] = [{k: v for k, v in disk.items() if k not in _OF_ATTACHMENT}]
    return attachment


def _placement(tree: Tree) -> Tree:
    host = tree.pop("host", None)
    if host and "hosts" not in tree:
        tree["hosts"] = [{"host": host}]
    return tree


def _nic(tree: Tree) -> Tree:
    active = tree.pop("active", None)
    if active and "plugged" not in tree:
        tree["plugged"] = active
    return tree


def _disk(tree: Tree) -> Tree:
    size = tree.pop("size", None)
    if size and "provisioned_size" not in tree:
        tree["provisioned_size"] = size
    return tree


def _data_center(tree: Tree) -> Tree:
    kind = _last(tree, "storage_type")
    tree.pop("storage_type", None)
    if kind and "local" not in tree:
        tree["local"] = ["true" if str(kind).strip().lower() == "localfs" else "false"]
    return tree


def _host(tree: Tree) -> Tree:
    manager = _last(tree, "storage_manager")
    tree.pop("storage_manager", None)
    if manager is not None and "spm" not in tree:
        spm: Tree = {}
        state = manager
        if isinstance(manager, dict):
            state = _last(manager, TEXT) or _last(manager, "value")
            if manager.get("priority"):
                spm["priority"] = manager["priority"]
        if str(state).strip().lower() in ("true", "false"):
            spm["status"] = ["spm" if str(state).strip().lower() == "true" else "none"]
        tree["spm"] = [spm]
    if str(_last(tree, "type")).strip().lower() == "rhev-h":
        tree["type"] = ["rhev_h"]
    return tree


def _tag(tree: Tree) -> Tree:
    parent = _last(tree, "parent")
    if isinstance(parent, dict) and parent.get("tag"):
        tree["parent"] = parent["tag"]
    return tree


def _snapshot(tree: Tree) -> Tree:
    tree = _vm(tree)
    kind = tree.pop("type", None)
    if kind and "snapshot_type" not in tree:
        tree["snapshot_type"] = kind
    return tree


def _statistic(tree: Tree) -> Tree:
    values = _last(tree, "values")
    if "kind" not in tree and "type" in tree:
        tree["kind"] = tree.pop("type")
    if "type" not in tree and isinstance(values, dict) and values.get("type"):
        tree["type"] = values["type"]
    return tree


def _attachment(tree: Tree) -> Tree:
    shown = _last(tree, "reported_configurations")
    if isinstance(shown, dict) and shown.get("in_sync") and "in_sync" not in tree:
        tree["in_sync"] = shown["in_sync"]
    return tree


def _policy(tree: Tree) -> Tree:
    name = tree.pop("policy", None)
    if name and "id" not in tree and "name" not in tree:
        tree["name"] = name
    tree.pop("thresholds", None)
    return tree


def _cpu(tree: Tree) -> Tree:
    mode = _last(tree, "mode")
    if mode and str(mode).strip().lower() not in ("custom", "host_model", "host_passthrough"):
        tree["mode"] = ["custom"]
    return tree


def _network_provider(tree: Tree) -> Tree:
    if "type" not in tree:
        tree["type"] = ["neutron"]
    return tree


def _reference(tree: Tree, *names: str) -> Tree:
    """The members of a tree that point at something."""
    return {n: tree[n] for n in names if tree.get(n) and str(tree[n][-1]).strip()}


def _addresses(nic: Tree) -> Tree:
    """What a host NIC says of its address, as an attachment says it."""
    method, ip = str(_last(nic, "boot_protocol") or "").strip().lower(), _last(nic, "ip")
    if not method and not isinstance(ip, dict):
        return {}
    given: Tree = {"assignment_method": [method or "static"]}
    if isinstance(ip, dict) and method in ("", "static"):
        given["ip"] = [ip]
    return {"ip_address_assignments": [{"ip_address_assignment": [given]}]}


def _attached(nic: Tree) -> Tree | None:
    """The network of a host NIC as an attachment; None if it has none."""
    network = _last(nic, "network")
    target = _reference(network, "id", "name") if isinstance(network, dict) else {}
    if not target:
        return None
    base = _reference(nic, "base_interface").get("base_interface")
    below = {"name": base} if base else _reference(nic, "id", "name")
    return {"network": [target], "host_nic": [below], **_reference(nic, "properties"), **_addresses(nic)}


def _action(tree: Tree) -> Tree:
    """Host NICs in one picture, or a network for a NIC, are attachments and bonds."""
    wrappers, network = tree.pop("host_nics", None), tree.pop("network", None)
    if wrappers is not None:
        nics = [n for w in wrappers if isinstance(w, dict) for n in w.get("host_nic", ()) if isinstance(n, dict)]
        attachments = [a for n in nics if (a := _attached(n)) is not None]
        bonds = [_reference(n, "id", "name", "bonding") for n in nics if isinstance(_last(n, "bonding"), dict)]
        tree["modified_network_attachments"] = [{"network_attachment": attachments}]
        tree["modified_bonds"] = [{"host_nic": bonds}]
    elif network and "modified_network_attachments" not in tree:
        tree["modified_network_attachments"] = [{"network_attachment": [{"network": network}]}]
    return tree


_UPGRADES: Mapping[str, Callable[[Tree], Tree]] = {
    "Action": _action,
    "Cpu": _cpu,
    "DataCenter": _data_center,
    "Disk": _disk,
    "DiskSnapshot": _disk,
    "Host": _host,
    "InstanceType": _vm,
    "NetworkAttachment": _attachment,
    "Nic": _nic,
    "OpenStackNetworkProvider": _network_provider,
    "OperatingSystem": _os,
    "SchedulingPolicy": _policy,
    "Snapshot": _snapshot,
    "Statistic": _statistic,
    "Tag": _tag,
    "Template": _vm_with_disks,
    "Vm": _vm_with_disks,
    "VmPlacementPolicy": _placement,
}
