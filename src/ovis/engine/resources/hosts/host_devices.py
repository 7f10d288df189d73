"""Devices that hosts could give to guests: /hosts/ID/devices; and those that VMs have: /vms/ID/hostdevices.

Does: show what a host reports, keep which of them a VM gets at its next start. Does not: ask hosts (monitoring reads the list
when a host comes up), or plug devices live.
Follows: VDSM's list of devices by name; permits of VmHostDevicesService; a VM with devices runs on one host only.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from ovis.contract.domain.hostdevs import HostDevice as Spec
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, Refusal, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Host, HostDevice, MDevType, Product, Vendor, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.hosts.report import number
from ovis.engine.resources.live import LIVE, capabilities
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table

N = LogSeverity.NORMAL
ADDED = Audit(code=10800, severity=N, text="Host devices {names} were attached to VM {vm} by {user}.")
REMOVED = Audit(code=10801, severity=N, text="Host devices {names} were detached from VM {vm} by {user}.")
_KEY = "hostDevices"  # beside what the host's capabilities say
_KINDS = {"pci": "pci", "usb_device": "usb"}
Params = Mapping[str, Any]


class VmHostDevice(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A device that a VM gets. name: the host's. placeholder: it only goes along, as one of an IOMMU group."""

    id: str
    vm_id: str
    name: str
    placeholder: bool = False


TABLE = Table(
    name="vm_host_devices",
    type=VmHostDevice,
    columns=(Column(name="vm_id", references="vms", on_delete="cascade"),),
)


async def read(services: Services, host_id: str) -> None:
    """Ask a host that comes up for its devices; one that cannot say has none."""
    try:
        found = await services.hosts.call(host_id, "Host.hostdevListByCaps", {}, timeout=30)
    except (HostError, HostUnreachable):
        return
    live = LIVE["live"]
    live.host_caps[host_id] = {**live.host_caps.get(host_id, {}), _KEY: found or {}}


def devices_of(host_id: str) -> dict[str, Params]:
    """What a host reported, by name."""
    return {name: row.get("params") or {} for name, row in (capabilities(host_id).get(_KEY) or {}).items()}


def device_id(host_id: str, name: str) -> str:
    """Stable."""
    return bodies.derived_id("host_device", host_id, name)


def shown(host_id: str, name: str, params: Params) -> HostDevice:
    """A device as the API shows it."""
    parent = str(params.get("parent") or "")
    function = str(params.get("physfn") or "")
    mediated = params.get("mdev") or {}
    return HostDevice(
        id=device_id(host_id, name),
        name=name,
        capability=str(params.get("capability") or ""),
        driver=str(params["driver"]) if params.get("driver") else None,
        iommu_group=int(number(params["iommu_group"])) if params.get("iommu_group") not in (None, "") else None,
        product=Product(id=str(params.get("product_id") or ""), name=str(params.get("product") or "")),
        vendor=Vendor(id=str(params.get("vendor_id") or ""), name=str(params.get("vendor") or "")),
        virtual_functions=int(number(params["totalvfs"])) if params.get("totalvfs") else None,
        parent_device=HostDevice(id=device_id(host_id, parent)) if parent else None,
        physical_function=HostDevice(id=device_id(host_id, function), name=function) if function else None,
        m_dev_types=[
            MDevType(
                name=kind,
                human_readable_name=str(row.get("name") or ""),
                description=str(row.get("description") or ""),
                available_instances=int(number(row.get("available_instances"))),
            )
            for kind, row in mediated.items()
        ]
        or None,
        host=Host(id=host_id),
    )


def _of_hosts(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[HostDevice]]:
    return {p: [shown(p, name, params) for name, params in sorted(devices_of(p).items())] for p in parents}


# -- of VMs ---------------------------------------------------------------------------------------------------------------


def pinned_to(rd: Reader, vm: Vm) -> str:
    """The one host that a VM may run on; empty if there are more."""
    hosts = (vm.placement_policy.hosts if vm.placement_policy else None) or []
    found = [rd.get(Host, h.id) if h.id else rd.one(Host, name_key=(h.name or "").lower()) for h in hosts]
    ids = {str(h.id) for h in found if h is not None}
    return ids.pop() if len(ids) == 1 else ""


def _of_vms(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[HostDevice]]:
    out: dict[str, list[HostDevice]] = {p: [] for p in parents}
    vms = rd.get_many(Vm, list(parents))
    for row in rd.find(VmHostDevice, vm_id=list(parents)):
        host_id = pinned_to(rd, vms[row.vm_id])
        params = devices_of(host_id).get(row.name, {}) if host_id else {}
        found = shown(host_id, row.name, params)
        out[row.vm_id].append(
            HostDevice(
                **{
                    f: getattr(found, f)
                    for f in found.__struct_fields__
                    if f not in ("id", "vm", "placeholder", "host")
                },
                id=row.id,
                vm=Vm(id=row.vm_id),
                host=Host(id=host_id) if host_id else None,
                placeholder=row.placeholder,
            )
        )
    return out


def group_of(devices: Mapping[str, Params], name: str) -> list[str]:
    """A PCI device with all that share its IOMMU group, which only go together. Pure."""
    group = devices[name].get("iommu_group")
    if devices[name].get("capability") != "pci" or group in (None, ""):
        return [name]
    return sorted(n for n, p in devices.items() if p.get("iommu_group") == group and p.get("capability") == "pci")


def add(tx: Tx, call: Call, body: HostDevice) -> HostDevice:
    """POST: by id or name; at the next start."""
    vm = tx.need(Vm, call.ids[0])
    host_id = pinned_to(tx, vm)
    if not host_id:
        raise refuse(
            "ACTION_TYPE_FAILED_VM_NOT_PINNED_TO_HOST",
            f"VM {vm.name} may run on several hosts; devices are of one.",
            "Pin it to exactly one host first.",
        )
    devices = devices_of(host_id)
    name = next((n for n in devices if body.id == device_id(host_id, n) or (not body.id and body.name == n)), None)
    if name is None:
        raise NotFound(f"HostDevice: {body.id or body.name}", named=True)
    reasons: list[Refusal] = []
    if devices[name].get("capability") not in _KINDS or str(devices[name].get("is_assignable", "true")) == "false":
        text = f"Device {name} cannot be given to a guest."
        reasons.append(Refusal("ACTION_TYPE_FAILED_HOST_DEVICE_NOT_ATTACHABLE", text, "Only PCI and USB devices can."))
    known = {row.name: row for row in tx.find(VmHostDevice, vm_id=str(vm.id))}
    if name in known and not known[name].placeholder:
        reasons.append(Refusal("ACTION_TYPE_FAILED_HOST_DEVICE_ALREADY_ATTACHED", f"VM {vm.name} has {name} already."))
    bodies.raise_all(reasons)
    for one in group_of(devices, name):
        id_ = bodies.derived_id("vm_host_device", str(vm.id), one)
        if one == name or one not in known:
            tx.put(VmHostDevice(id=id_, vm_id=str(vm.id), name=one, placeholder=one != name))
    record(tx, ADDED, call=call, vm=vm, names=name)
    wanted = bodies.derived_id("vm_host_device", str(vm.id), name)
    return next(d for d in _of_vms(tx, call, [str(vm.id)])[str(vm.id)] if d.id == wanted)


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE; what only went along with it goes, too."""
    row = tx.get(VmHostDevice, call.ids[1])
    if row is None or row.vm_id != call.ids[0]:
        raise NotFound(f"HostDevice: id={call.ids[1]}")
    vm = tx.need(Vm, row.vm_id)
    tx.delete(VmHostDevice, row.id)
    devices = devices_of(pinned_to(tx, vm))
    left = tx.find(VmHostDevice, vm_id=row.vm_id)
    needed = {n for r in left if not r.placeholder and r.name in devices for n in group_of(devices, r.name)}
    for other in left:
        if other.placeholder and other.name not in needed:
            tx.delete(VmHostDevice, other.id)
    record(tx, REMOVED, call=call, vm=vm, names=row.name)


def specs(rd: Reader, vm: Vm) -> list[Spec]:
    """The devices for the VM's document; those that the host does not report any more are left out."""
    devices = devices_of(pinned_to(rd, vm))
    return [
        Spec(id=row.id, kind=_KINDS[str(params["capability"])], address=dict(params.get("address") or {}))
        for row in sorted(rd.find(VmHostDevice, vm_id=str(vm.id)), key=lambda r: r.name)
        if (params := devices.get(row.name)) is not None and params.get("capability") in _KINDS
    ]


DEVICES_OF_HOST = Resource(
    type=HostDevice, collection="devices", list=Op(run=_of_hosts, needs=PUBLIC), get=Op(needs=PUBLIC)
)
DEVICES_OF_VM = Resource(
    type=HostDevice,
    collection="hostdevices",
    list=Op(run=_of_vms, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=(Need(Permit.EDIT_ADMIN_VM_PROPERTIES, "parent"),), mandatory=("id|name",)),
    remove=Op(run=remove, needs=(Need(Permit.EDIT_ADMIN_VM_PROPERTIES),)),
)
