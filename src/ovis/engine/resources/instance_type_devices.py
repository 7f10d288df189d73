"""What an instance type has beside its sizes: NICs, graphics consoles, a watchdog, below /instancetypes/ID.

Does: keep them; give console and watchdog to VMs that name the type. Its NICs are what dialogs begin with: a VM gets those of
its template and those that it is given, as in engine 4.5. Does not: know sizes (`instance_types`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.model.enums import DisplayType, GraphicsType, NicInterface
from ovis.engine.model.types import Display, GraphicsConsole, InstanceType, Nic, Vm, VnicProfile, Watchdog
from ovis.engine.resources import bodies
from ovis.engine.resources.vms import nics as vm_nics
from ovis.engine.resources.vms.graphics import console_id, protocol_of
from ovis.engine.resources.vms.state import VmConsole
from ovis.engine.resources.vms.watchdogs import VmWatchdog, check as check_watchdog
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table


class TypeDevices(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A row of instance_type_devices. id: the type's. protocols: of its consoles, where it says any."""

    id: str
    type_id: str
    watchdog: Watchdog | None = None
    protocols: tuple[str, ...] = ()


class TypeNic(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A row of instance_type_nics: the API's document and the type it belongs to."""

    id: str
    type_id: str
    nic: Nic


DEVICES = Table(
    name="instance_type_devices",
    type=TypeDevices,
    columns=(Column(name="type_id", references="instance_types", on_delete="cascade", unique=True),),
)
NICS = Table(
    name="instance_type_nics",
    type=TypeNic,
    columns=(
        Column(name="type_id", references="instance_types", on_delete="cascade"),
        Column(name="name_key", path="nic.name", key=True),
        Column(name="vnic_profile_id", path="nic.vnic_profile.id", references="vnic_profiles"),
    ),
    unique=(("type_id", "name_key"),),
)
TABLES = (DEVICES, NICS)


def give(tx: Tx, vm: Vm, type_id: str) -> Vm:
    """A new VM gets the type's watchdog and consoles, where neither its template nor its body has given it any."""
    row = tx.get(TypeDevices, type_id)
    if row is None:
        return vm
    if row.watchdog is not None and not tx.count(VmWatchdog, vm_id=str(vm.id)):
        tx.insert(VmWatchdog(id=bodies.new_id(), vm_id=str(vm.id), watchdog=row.watchdog))
    if row.protocols and not tx.count(VmConsole, vm_id=str(vm.id)):
        own = vm.display.type.value if vm.display and vm.display.type else None
        if own not in row.protocols:
            display = replace(vm.display or Display(), type=DisplayType(row.protocols[0]))
            vm = tx.update(replace(vm, display=display))
        for protocol in row.protocols if len(row.protocols) > 1 else ():
            console = GraphicsConsole(protocol=GraphicsType(protocol))
            tx.insert(VmConsole(id=f"{vm.id}/{protocol}", vm_id=str(vm.id), console=console))
    return vm


def _row(rd: Reader, type_id: str) -> TypeDevices:
    rd.need(InstanceType, type_id)
    return rd.get(TypeDevices, type_id) or TypeDevices(id=type_id, type_id=type_id)


# -- watchdog -----------------------------------------------------------------------------------------------------


def _shown_watchdog(row: TypeDevices) -> list[Watchdog]:
    if row.watchdog is None:
        return []
    id_ = bodies.derived_id("watchdog", row.type_id)
    return [replace(row.watchdog, id=id_, instance_type=InstanceType(id=row.type_id))]


def _watchdogs(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Watchdog]]:
    rows = rd.get_many(TypeDevices, parents)
    return {p: _shown_watchdog(rows[p]) if p in rows else [] for p in parents}


def _watchdog(rd: Reader, call: Call) -> TypeDevices:
    row = _row(rd, call.ids[0])
    if not _shown_watchdog(row) or _shown_watchdog(row)[0].id != call.ids[1]:
        raise NotFound(f"Watchdog: id={call.ids[1]}")
    return row


def _add_watchdog(tx: Tx, call: Call, body: Watchdog) -> Watchdog:
    row = _row(tx, call.ids[0])
    check_watchdog(body)
    if row.watchdog is not None:
        raise refuse("WATCHDOG_ALREADY_EXISTS", "The instance type already has a watchdog.", "Change that one.")
    watchdog = Watchdog(name=body.name or "watchdog", model=body.model, action=body.action)
    return _shown_watchdog(tx.put(replace(row, watchdog=watchdog)))[0]


def _update_watchdog(tx: Tx, call: Call, body: Watchdog) -> Watchdog:
    row = _watchdog(tx, call)
    assert row.watchdog is not None
    new = bodies.merge(row.watchdog, body, keep=("vm", "template", "instance_type"))
    check_watchdog(new)
    return _shown_watchdog(tx.put(replace(row, watchdog=new)))[0]


def _remove_watchdog(tx: Tx, call: Call, body: Any) -> None:
    tx.put(replace(_watchdog(tx, call), watchdog=None))


# -- consoles -----------------------------------------------------------------------------------------------------


def _shown_console(type_id: str, protocol: str) -> GraphicsConsole:
    return GraphicsConsole(
        id=console_id(protocol), protocol=GraphicsType(protocol), instance_type=InstanceType(id=type_id)
    )


def _consoles(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[GraphicsConsole]]:
    rows = rd.get_many(TypeDevices, parents)
    return {p: [_shown_console(p, protocol) for protocol in rows[p].protocols] if p in rows else [] for p in parents}


def _add_console(tx: Tx, call: Call, body: GraphicsConsole) -> GraphicsConsole:
    row = _row(tx, call.ids[0])
    assert body.protocol is not None
    protocol = body.protocol.value
    if protocol in row.protocols:
        raise refuse("VALIDATION_GRAPHICS_DEVICE_EXISTS", f"The instance type already has a {protocol} console.")
    tx.put(replace(row, protocols=tuple(sorted((*row.protocols, protocol)))))
    return _shown_console(row.type_id, protocol)


def _remove_console(tx: Tx, call: Call, body: Any) -> None:
    row, protocol = _row(tx, call.ids[0]), protocol_of(call.ids[1])
    if protocol not in row.protocols:
        raise NotFound(f"GraphicsConsole: id={call.ids[1]}")
    tx.put(replace(row, protocols=tuple(p for p in row.protocols if p != protocol)))


# -- NICs ---------------------------------------------------------------------------------------------------------


def _shown_nic(row: TypeNic) -> Nic:
    return replace(row.nic, id=row.id, instance_type=InstanceType(id=row.type_id))


def _nics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Nic]]:
    out: dict[str, list[Nic]] = {p: [] for p in parents}
    for row in rd.find(TypeNic, type_id=list(parents)):
        out[row.type_id].append(_shown_nic(row))
    return out


def _check_nic(rd: Reader, type_id: str, nic: Nic, own_id: str = "") -> None:
    bodies.raise_all(bodies.text_refusals(nic.name, "name", vm_nics.NAME_RULE))
    for other in rd.find(TypeNic, type_id=type_id, name_key=(nic.name or "").lower()):
        if other.id != own_id:
            raise refuse(
                "NETWORK_INTERFACE_NAME_ALREADY_IN_USE", f"The instance type already has an interface {nic.name}."
            )


def _profile(rd: Reader, body: Nic) -> VnicProfile | None:
    """A profile that the body names. Networks are those of a cluster, and an instance type has none."""
    given = body.vnic_profile
    if given is None or (given.id is None and given.name is None):
        return None
    return VnicProfile(id=bodies.resolve(rd, VnicProfile, given).id)


def _add_nic(tx: Tx, call: Call, body: Nic) -> Nic:
    type_id = str(tx.need(InstanceType, call.ids[0]).id)
    nic = Nic(
        name=body.name,
        comment=body.comment,
        interface=body.interface or NicInterface.VIRTIO,
        linked=body.linked is not False,
        plugged=body.plugged is not False,
        vnic_profile=_profile(tx, body),
    )
    _check_nic(tx, type_id, nic)
    return _shown_nic(tx.insert(TypeNic(id=bodies.new_id(), type_id=type_id, nic=nic)))


def _nic(rd: Reader, call: Call) -> TypeNic:
    row = rd.get(TypeNic, call.ids[1])
    if row is None or row.type_id != call.ids[0]:
        raise NotFound(f"Nic: id={call.ids[1]}")
    return row


def _update_nic(tx: Tx, call: Call, body: Nic) -> Nic:
    row = _nic(tx, call)
    given = replace(body, network=None, vnic_profile=None, mac=None, vm=None, template=None, instance_type=None)
    new = bodies.merge(row.nic, given)
    if body.vnic_profile is not None:
        new = replace(new, vnic_profile=_profile(tx, body))
    _check_nic(tx, row.type_id, new, row.id)
    return _shown_nic(tx.update(replace(row, nic=new)))


def _remove_nic(tx: Tx, call: Call, body: Any) -> None:
    tx.delete(TypeNic, _nic(tx, call).id)


_EDIT = (Need(Permit.EDIT_VM_PROPERTIES),)
_NETWORK = (Need(Permit.CONFIGURE_TEMPLATE_NETWORK),)
_PROFILE = Need(
    Permit.CONFIGURE_TEMPLATE_NETWORK,
    "vnic_profile",
    when=lambda n: n is not None and n.vnic_profile is not None and n.vnic_profile.id is not None,
)
SUBS = (
    Resource(
        type=GraphicsConsole,
        collection="graphicsconsoles",
        list=Op(run=_consoles, needs=PUBLIC),
        get=Op(needs=PUBLIC),
        add=Op(run=_add_console, needs=(Need(Permit.EDIT_VM_PROPERTIES, "parent"),), mandatory=("protocol",)),
        remove=Op(run=_remove_console, needs=_EDIT),
    ),
    Resource(
        type=Nic,
        collection="nics",
        v3_context=vm_nics.v3_context,
        list=Op(run=_nics, needs=PUBLIC),
        get=Op(needs=PUBLIC),
        add=Op(
            run=_add_nic,
            needs=(Need(Permit.CONFIGURE_TEMPLATE_NETWORK, "parent"), _PROFILE),
            mandatory=("name",),
        ),
        update=Op(run=_update_nic, needs=(*_NETWORK, _PROFILE)),
        remove=Op(run=_remove_nic, needs=_NETWORK),
    ),
    Resource(
        type=Watchdog,
        collection="watchdogs",
        list=Op(run=_watchdogs, needs=PUBLIC),
        get=Op(needs=PUBLIC),
        add=Op(run=_add_watchdog, needs=(Need(Permit.EDIT_VM_PROPERTIES, "parent"),), mandatory=("action", "model")),
        update=Op(run=_update_watchdog, needs=_EDIT),
        remove=Op(run=_remove_watchdog, needs=_EDIT),
    ),
)
