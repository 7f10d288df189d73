"""What rules cannot say about v3, outwards: a small function beside a type's tree.

Does: rework the node of one object, given the object and the shims' context. Does not: read the store.
Follows: shims of the v3 server of engine 4.x.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ovis.engine.wire.tree3 import Context, Long, Node

Shim = Callable[[Any, Node, Context, str], None]
_OF_ATTACHMENT = ("interface", "bootable", "active", "read_only", "uses_scsi_reservation", "logical_name")


def _os(o: Any, node: Node, context: Context, base: str) -> None:
    if o.boot is not None:
        node.drop("boot")
        node.children += [Node("boot", {"dev": dev.value}, many=True) for dev in o.boot.devices or ()]


def _vm_base(o: Any, node: Node, context: Context, base: str) -> None:
    if o.time_zone is not None and o.time_zone.name:
        node.children.append(Node("timezone", value=o.time_zone.name))
    attachments = node.child("disk_attachments")
    if attachments is None:
        return
    if node.child("disks") is not None:
        node.drop("disk_attachments")
    attachments.tag = "disks"


def _vm(o: Any, node: Node, context: Context, base: str) -> None:
    _vm_base(o, node, context, base)
    ips = context.addresses.get(str(o.id), [])
    if not ips and not o.fqdn:
        return
    info = Node("guest_info")
    if ips:
        rows = [
            Node("ip", {"address": ip.address, **({"version": ip.version.value} if ip.version else {})}, many=True)
            for ip in ips
        ]
        info.children.append(Node("ips", children=rows, wrapper=True))
    if o.fqdn:
        info.children.append(Node("fqdn", value=o.fqdn))
    node.children.append(info)


def _snapshot(o: Any, node: Node, context: Context, base: str) -> None:
    _vm(o, node, context, base)
    node.drop("type", "snapshot_type")
    if o.snapshot_type is not None:
        node.children.append(Node("type", value=o.snapshot_type.value))


def _placement(o: Any, node: Node, context: Context, base: str) -> None:
    if o.hosts and len(o.hosts) == 1:
        id_ = o.hosts[0].id
        node.children.append(Node("host", {"href": f"{base}/hosts/{id_}", "id": id_}))


def _nic(o: Any, node: Node, context: Context, base: str) -> None:
    if o.plugged is not None:
        node.children.append(Node("active", value=o.plugged))
    profile = o.vnic_profile.id if o.vnic_profile else None
    network = context.networks.get(profile or "")
    if not network:
        return
    where = {"href": f"{base}/networks/{network}", "id": network}
    node.drop("network")
    node.children.append(Node("network", where))
    if profile in context.mirrored:
        inner = Node("network", dict(where), many=True)
        node.children.append(Node("port_mirroring", children=[Node("networks", children=[inner], wrapper=True)]))


def _disk(o: Any, node: Node, context: Context, base: str) -> None:
    if o.provisioned_size is not None:
        node.children.append(Node("size", value=Long(o.provisioned_size)))
    attachment = context.attachments.get(str(o.id))
    if attachment is not None:
        join_disk(node, attachment)


def join_disk(node: Node, attachment: Any) -> None:
    """Show a disk's attachment inside its node."""
    node.drop(*_OF_ATTACHMENT)
    for name in _OF_ATTACHMENT:
        value = getattr(attachment, name)
        if value is not None:
            node.children.append(Node(name, value=getattr(value, "value", value)))
    vm = attachment.vm.id if attachment.vm is not None else None
    if vm and node.child("vm") is None and "href" in node.attrs:
        prefix, found, _ = str(node.attrs["href"]).partition(f"/vms/{vm}/")
        if found:
            node.children.append(Node("vm", {"href": f"{prefix}/vms/{vm}", "id": vm}))


def _host(o: Any, node: Node, context: Context, base: str) -> None:
    if o.spm is not None:
        manager = Node("storage_manager", value=o.spm.status is not None and o.spm.status.value == "spm")
        if o.spm.priority is not None:
            manager.attrs["priority"] = o.spm.priority
        node.children.append(manager)
    kind = node.child("type")
    if kind is not None and kind.value == "rhev_h":
        kind.value = "rhev-h"
    if node.attrs.get("href") and o.status is not None:
        node.children.append(Node("live_snapshot_support", value=True))


def _statistic(o: Any, node: Node, context: Context, base: str) -> None:
    values = node.child("values")
    if values is not None and o.type is not None:
        values.attrs["type"] = o.type.value.upper()


def _tag(o: Any, node: Node, context: Context, base: str) -> None:
    parent = node.child("parent")
    if parent is not None:
        parent.children = [Node("tag", parent.attrs, parent.children)]
        parent.attrs = {}


def _attachment(o: Any, node: Node, context: Context, base: str) -> None:
    """`in_sync` sits inside `reported_configurations`."""
    shown = node.child("reported_configurations")
    if shown is not None and o.in_sync is not None:
        node.drop("in_sync")
        shown.children.insert(0, Node("in_sync", value=o.in_sync))


def _cluster(o: Any, node: Node, context: Context, base: str) -> None:
    shown = node.child("scheduling_policy")
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


def _product(o: Any, node: Node, context: Context, base: str) -> None:
    if o.version is not None and o.version.full_version:
        node.children.append(Node("full_version", value=o.version.full_version))


def _special(o: Any, node: Node, context: Context, base: str) -> None:
    node.children = [
        Node("link", {"href": f"{base}/{path}/{given.id}", "rel": rel}, many=True)
        for given, rel, path in ((o.blank_template, "templates/blank", "templates"), (o.root_tag, "tags/root", "tags"))
        if given is not None
    ]


SHIMS: Mapping[str, Shim] = {
    "Cluster": _cluster,
    "Disk": _disk,
    "DiskSnapshot": _disk,
    "Host": _host,
    "InstanceType": _vm_base,
    "NetworkAttachment": _attachment,
    "Nic": _nic,
    "OperatingSystem": _os,
    "ProductInfo": _product,
    "Snapshot": _snapshot,
    "SpecialObjects": _special,
    "Statistic": _statistic,
    "Tag": _tag,
    "Template": _vm_base,
    "Vm": _vm,
    "VmPlacementPolicy": _placement,
}
