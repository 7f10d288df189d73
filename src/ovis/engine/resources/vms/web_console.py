"""A VM's console in the browser: tickets for it, and who looks at it. POST ovis/console/VM/KIND, GET ovis/console/VM.

Does: check permits and status, set the display's password on the host, hand out a ticket that opens a WebSocket once;
events of those who come and go at the serial console (the host tells of the screen's).
Does not: carry bytes (http.consoles). Follows: docs/reference/console.md; permits of engine 4.5.
"""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import Struct

from ovis.contract.consoles import KINDS, Ask
from ovis.engine.access.check import require, visible_ids
from ovis.engine.access.consoles import TICKET_SECONDS, Grant
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Malformed, NotFound, refuse
from ovis.engine.declare.page import Asked, Page
from ovis.engine.declare.permits import Permit
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Host, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.vms import rules
from ovis.engine.resources.vms.consoles import give_ticket
from ovis.engine.resources.vms.graphics import protocols_of
from ovis.engine.resources.vms.state import VmRuntime
from ovis.engine.store.session import Reader, Tx

SERIAL_CONNECTED = Audit(
    code=9931, severity=LogSeverity.NORMAL, text="{user} is connected to the serial console of VM {vm}."
)
SERIAL_LEFT = Audit(code=9932, severity=LogSeverity.NORMAL, text="{user} left the serial console of VM {vm}.")
_SIGHT = 120  # seconds that the display's password is valid, at most


class Opening(Struct):
    """The body of POST. take: whoever is at the serial console now is sent away."""

    take: bool = False


def _seen(rd: Reader, call: Call, vm_id: str) -> Vm:
    """The VM, if the caller may see it."""
    vm = rd.get(Vm, vm_id)
    if vm is not None and call.filtered:
        visible = visible_ids(rd, call.principal, "vm")
        if visible is not None and vm_id not in visible:
            vm = None
    if vm is None:
        raise NotFound(f"Vm: id={vm_id}")
    return vm


async def _ticket(services: Services, asked: Asked) -> dict[str, Any]:
    """POST: a ticket."""
    call = asked.call
    vm_id, kind = call.ids[0].lower(), call.ids[1]
    if kind not in KINDS:
        raise NotFound(f"Console: {kind}")
    opening = _opening(asked.body)
    vm, host_id = await services.store.read(lambda rd: _allowed(rd, call, vm_id, kind, opening))
    password = ""
    if kind == "vnc":
        _, _, password, _ = await give_ticket(services, replace(call, ids=(vm_id,)), "vnc", None, _SIGHT)

    async def told(here: bool) -> None:
        if kind == "serial":
            event = SERIAL_CONNECTED if here else SERIAL_LEFT
            await asyncio.shield(services.store.write(lambda tx: _record(tx, event, call, vm)))

    ask = Ask(vm_id, kind, opening.take)
    grant = Grant(ask, host_id, call.principal.name, call.principal.user_id, alive=asked.alive, told=told)
    return {
        "ticket": services.consoles.issue(grant),
        "path": f"/ovirt-engine/console/{vm_id}/{kind}",
        "expires_in": TICKET_SECONDS,
        "password": password or None,
    }


def _record(tx: Tx, event: Audit, call: Call, vm: Vm) -> None:
    record(tx, event, call=call, vm=vm)


def _opening(body: bytes) -> Opening:
    try:
        return msgspec.json.decode(body, type=Opening) if body.strip() else Opening()
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise Malformed(str(err)) from err


def _allowed(rd: Reader, call: Call, vm_id: str, kind: str, opening: Opening) -> tuple[Vm, str]:
    vm = _seen(rd, call, vm_id)
    permit = Permit.CONNECT_TO_VM if kind == "vnc" else Permit.CONNECT_TO_SERIAL_CONSOLE
    require(rd, call, permit, "vm", vm_id)
    if opening.take:
        require(rd, call, Permit.RECONNECT_TO_VM, "vm", vm_id)
    bodies.raise_all(rules.CONSOLE_FILE.refusals(vm))
    runtime = rd.need(VmRuntime, vm_id)
    if kind == "serial" and not (vm.console and vm.console.enabled):
        raise refuse("ACTION_TYPE_FAILED_VM_HAS_NO_CONSOLE", f"VM {vm.name} has no serial console.")
    if runtime.host_id is None:
        raise refuse("ACTION_TYPE_FAILED_VM_IS_NOT_RUNNING", f"VM {vm.name} is on no host.")
    return vm, runtime.host_id


async def _about(services: Services, asked: Asked) -> dict[str, Any]:
    """GET: what consoles there are, and who looks."""
    call = asked.call
    vm_id = call.ids[0].lower()

    def look(rd: Reader) -> dict[str, Any]:
        vm = _seen(rd, call, vm_id)
        runtime = rd.get(VmRuntime, vm_id)
        host = rd.get(Host, runtime.host_id) if runtime and runtime.host_id else None
        live = [c.protocol for c in runtime.consoles] if runtime else []
        return {
            "id": vm_id,
            "name": vm.name,
            "status": vm.status.value if vm.status else None,
            "host": {"id": host.id, "name": host.name} if host else None,
            "graphics": sorted(set(live)) or protocols_of(rd, [vm])[vm_id],
            "serial": bool(vm.console and vm.console.enabled),
        }

    about = await services.store.read(look)
    viewers = [
        {"user": g.user, "kind": g.ask.kind, "since": round(g.since * 1000)} for g in services.consoles.viewers(vm_id)
    ]
    return {**about, "viewers": viewers}


PAGES = (
    Page(name="console", run=_ticket, method="POST", ids=2, doc="A ticket for a VM's console (vnc or serial)."),
    Page(name="console", run=_about, ids=1, doc="A VM's consoles and who looks at them."),
)
