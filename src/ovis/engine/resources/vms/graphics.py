"""Which graphics consoles a VM has, and adding and removing them: POST and DELETE of /vms/ID/graphicsconsoles.

Does: one console of each protocol; a VM without any is headless. Does not: say where they listen (`consoles`).
Rows are kept only where a VM differs from the one console that its display type means. Follows: flows, section 12.
"""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, refuse
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import DisplayType, GraphicsType, LogSeverity
from ovis.engine.model.types import Display, GraphicsConsole, Vm
from ovis.engine.resources.vms.state import S, VmConsole
from ovis.engine.store.session import Reader, Tx

CHANGED = Audit(code=35, severity=LogSeverity.NORMAL, text="VM {vm} configuration was updated by {user}.")


def console_id(protocol: str) -> str:
    """`vnc` is 766e63."""
    return protocol.encode().hex()


def protocol_of(id_: str) -> str:
    """The protocol of a console's id; NotFound if it is none."""
    try:
        return GraphicsType(bytes.fromhex(id_).decode()).value
    except ValueError as err:
        raise NotFound(f"GraphicsConsole: id={id_}") from err


def protocols_of(rd: Reader, vms: Collection[Vm]) -> dict[str, list[str]]:
    """Protocols of each VM's consoles, in order; none: it is headless."""
    rows: dict[str, list[str]] = {}
    for row in rd.find(VmConsole, vm_id=[str(vm.id) for vm in vms]):
        if row.console.protocol is not None:
            rows.setdefault(row.vm_id, []).append(row.console.protocol.value)
    return {str(vm.id): _chosen(vm, rows.get(str(vm.id), [])) for vm in vms}


def _chosen(vm: Vm, kept: Sequence[str]) -> list[str]:
    """A display type that was changed since counts more than what was kept before."""
    main = vm.display.type.value if vm.display and vm.display.type else None
    if main is None:
        return []
    return sorted(kept) if main in kept else [main]


def _change(tx: Tx, call: Call, vm: Vm, protocols: list[str]) -> None:
    if vm.status not in (S.DOWN, S.IMAGE_LOCKED):
        raise refuse(
            "ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL",
            f"Consoles of VM {vm.name} change only while it is down.",
            "Shut it down first.",
        )
    for row in tx.find(VmConsole, vm_id=str(vm.id)):
        tx.delete(VmConsole, row.id)
    display = vm.display or Display()
    main = display.type.value if display.type else None
    if main not in protocols:
        main = protocols[0] if protocols else None
        vm = tx.update(replace(vm, display=replace(display, type=DisplayType(main) if main else None)))
    if len(protocols) > 1:
        for protocol in protocols:
            console = GraphicsConsole(protocol=GraphicsType(protocol))
            tx.insert(VmConsole(id=f"{vm.id}/{protocol}", vm_id=str(vm.id), console=console))
    record(tx, CHANGED, call=call, vm=vm)


def add(tx: Tx, call: Call, body: GraphicsConsole) -> GraphicsConsole:
    """POST: a console of another protocol, from the next start on."""
    vm = tx.need(Vm, call.ids[0])
    assert body.protocol is not None
    protocol, has = body.protocol.value, protocols_of(tx, [vm])[str(vm.id)]
    if protocol in has:
        raise refuse("VALIDATION_GRAPHICS_DEVICE_EXISTS", f"VM {vm.name} already has a {protocol} console.")
    _change(tx, call, vm, sorted([*has, protocol]))
    return GraphicsConsole(id=console_id(protocol), protocol=body.protocol, vm=Vm(id=vm.id))


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE: the last one makes the VM headless."""
    vm = tx.need(Vm, call.ids[0])
    protocol, has = protocol_of(call.ids[1]), protocols_of(tx, [vm])[str(vm.id)]
    if protocol not in has:
        raise NotFound(f"GraphicsConsole: id={call.ids[1]}")
    _change(tx, call, vm, [p for p in has if p != protocol])
