"""End a run: POST /vms/ID/stop, shutdown, reboot, reset.

Does: tell the host; the status follows by event. Stopping what is down succeeds; stopping a suspended VM drops its memory.
Follows: flows, section 6; status matrix `stop`, `shutdown`, `reboot`, `reset`.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.contract.errors import Code
from ovis.engine.commands import Command, Context, Lock, Step, begin, locked
from ovis.engine.declare.call import Call
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Action as ApiAction, Need, Started
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import HostStatus, LogSeverity
from ovis.engine.model.types import Action, Host, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.vms import external, life, monitoring, rules
from ovis.engine.resources.vms.memory import without_memory
from ovis.engine.resources.vms.next_run import apply_next_run
from ovis.engine.resources.vms.state import S, VmRuntime
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR
# Statuses of a host that fell silent and is not given up yet.
_ANSWERS_SOON = frozenset({HostStatus.UP, HostStatus.CONNECTING, HostStatus.UNASSIGNED, HostStatus.INITIALIZING})
ALREADY = Audit(code=1040, severity=N, text="VM {vm} is already down.")


class StopParams(Struct, kw_only=True, frozen=True):
    """force: without asking the guest. reboot: come up again."""

    vm_id: str
    reboot: bool = False
    force: bool = False
    reason: str = ""


def words(rd: Reader, params: StopParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """VM and host of titles and events."""
    vm = rd.get(Vm, params.vm_id)
    host_id = state.get("host") or (vm.host.id if vm and vm.host else None)
    return {"vm": vm, "host": rd.get(Host, host_id)}


def _begin(tx: Tx, call: Call | None, command: Command, vm: Vm, *, wait: bool = True, **params: Any) -> Started:
    runtime = tx.get(VmRuntime, str(vm.id)) or VmRuntime(id=str(vm.id))
    return begin(
        tx,
        command,
        StopParams(vm_id=str(vm.id), **params),
        call=call,
        locks=() if locked(tx, "vm", str(vm.id)) and command is STOP else (Lock("vm", str(vm.id)),),
        subjects=(("vm", str(vm.id)),),
        wait=wait,
        state={"host": runtime.host_id},
    )


def stop(tx: Tx, call: Call, action: Action) -> Started | None:
    """Power off, at once."""
    vm = tx.need(Vm, call.ids[0])
    bodies.raise_all(rules.STOP.refusals(vm))
    if vm.status is S.DOWN:
        _no_restart(tx, vm)
        record(tx, ALREADY, call=call, vm=vm)
        return None
    _mark(tx, vm, action)
    return _begin(tx, call, STOP_SUSPENDED if vm.status is S.SUSPENDED else STOP, vm)


def power_off(tx: Tx, vm: Vm) -> bool:
    """The engine itself ends a run, as a part of something larger; whether it had to be asked for."""
    runtime = tx.get(VmRuntime, str(vm.id)) or VmRuntime(id=str(vm.id))
    if runtime.stopping or (vm.status is S.SUSPENDED and locked(tx, "vm", str(vm.id))):
        return False
    _mark(tx, vm, Action())
    _begin(tx, None, STOP_SUSPENDED if vm.status is S.SUSPENDED else STOP, vm)
    return True


def _no_restart(tx: Tx, vm: Vm) -> None:
    """A user wants it down: a restart that is due for a failure is not wanted any more."""
    runtime = tx.get(VmRuntime, str(vm.id))
    if runtime is not None and runtime.restart_at is not None:
        tx.put(replace(runtime, restart_at=None, restarts=0))


def _mark(tx: Tx, vm: Vm, action: Action) -> None:
    runtime = tx.get(VmRuntime, str(vm.id)) or VmRuntime(id=str(vm.id))
    tx.put(replace(runtime, stopping=True, restart_at=None, restarts=0))
    if action.reason:
        tx.update(replace(vm, stop_reason=action.reason))


def _not_stopping(tx: Tx, ctx: Context) -> None:
    """The host could not do it: what ends now was not asked for."""
    runtime = tx.get(VmRuntime, ctx.params.vm_id)
    if runtime is not None and runtime.stopping:
        tx.put(replace(runtime, stopping=False))


async def _destroy(ctx: Context) -> Callable[[Tx], None]:
    p: StopParams = ctx.params
    runtime = await ctx.read(lambda rd: rd.get(VmRuntime, p.vm_id))
    places = [runtime.host_id, runtime.target_id] if runtime else []
    for host_id in [place for place in places if place is not None]:
        await external.fetch(ctx.services, host_id, p.vm_id)
        await _destroy_on(ctx, host_id)

    def save(tx: Tx) -> None:
        vm, now = tx.get(Vm, p.vm_id), tx.get(VmRuntime, p.vm_id)
        if vm is None or now is None or vm.status is S.DOWN:
            return
        row = {"exitCode": 0, "exitReason": 6, "exitMessage": "Admin shut down from the engine"}
        found = life.down(vm, now, row, life.utc_now())
        found.events.clear()  # this command's own event says it
        monitoring.save(tx, vm, now, found, None)

    return save


async def _destroy_on(ctx: Context, host_id: str) -> None:
    """The host has been told, and has answered: a VM that ends for an order whose answer was lost did not crash. Who cannot
    be asked at all is told of at once."""
    vm_id, asked, wait = ctx.params.vm_id, False, 0.2
    while True:
        try:
            await ctx.services.hosts.call(host_id, "VM.destroy", {"vmID": vm_id}, correlation_id=ctx.correlation_id)
            return
        except HostError as err:
            if err.code != Code.NO_SUCH_VM:
                raise
            return
        except HostUnreachable as err:
            asked = asked or err.sent
            host = await ctx.read(lambda rd: rd.get(Host, host_id))
            if not asked or host is None or host.status not in _ANSWERS_SOON:
                raise
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, 3.0)


STOP = Command(
    name="vm.stop",
    params=StopParams,
    title="Stopping VM {vm}",
    words=words,
    steps=(Step("destroy", _destroy, undo=_not_stopping, undo_own=True, title="Powering the VM off"),),
    done=Audit(code=33, severity=N, text="VM {vm} was powered off by {user} (Host: {host})."),
    failed=Audit(code=56, severity=E, text="Failed to power off VM {vm} (User: {user}): {reason}"),
)


def _forget_memory(tx: Tx, ctx: Context) -> None:
    vm, runtime = tx.get(Vm, ctx.params.vm_id), tx.get(VmRuntime, ctx.params.vm_id)
    if runtime is not None:
        tx.put(replace(without_memory(tx, runtime), stopping=False))
    if vm is not None and vm.status is S.SUSPENDED:
        tx.update(apply_next_run(tx, replace(vm, status=S.DOWN)))


STOP_SUSPENDED = Command(
    name="vm.stop_suspended",
    params=StopParams,
    title="Stopping suspended VM {vm}",
    words=words,
    steps=(Step("memory", _forget_memory, undo=_not_stopping, undo_own=True, title="Dropping the saved memory"),),
    done=Audit(code=111, severity=N, text="Suspended VM {vm} was stopped by {user}."),
    failed=Audit(code=112, severity=E, text="Suspended VM {vm} could not be stopped: {reason}"),
)


def shutdown(tx: Tx, call: Call, action: Action) -> Started | None:
    """Ask the guest to end."""
    vm = tx.need(Vm, call.ids[0])
    bodies.raise_all(rules.SHUTDOWN.refusals(vm))
    if vm.status is S.DOWN:
        _no_restart(tx, vm)
        record(tx, ALREADY, call=call, vm=vm)
        return None
    _mark(tx, vm, action)
    if vm.status is S.SUSPENDED:
        return _begin(tx, call, STOP_SUSPENDED, vm)
    return _begin(tx, call, SHUTDOWN, vm, reason=action.reason or "")


async def _shutdown(ctx: Context) -> Callable[[Tx], None]:
    p: StopParams = ctx.params
    runtime = await ctx.read(lambda rd: rd.need(VmRuntime, p.vm_id))
    await ctx.services.hosts.call(
        str(runtime.host_id),
        "VM.shutdown",
        {
            "vmID": p.vm_id,
            "delay": 0,
            "message": p.reason or "Virtual Machine shutdown",
            "reboot": p.reboot,
            "timeout": 30,
            "force": p.force,
        },
        correlation_id=ctx.correlation_id,
    )
    target = S.REBOOT_IN_PROGRESS if p.reboot else S.POWERING_DOWN

    def save(tx: Tx) -> None:
        vm = tx.get(Vm, p.vm_id)
        if vm is not None and vm.status in (S.UP, S.POWERING_UP) and life.may_move(vm.status, target):
            tx.update(replace(vm, status=target))

    return save


SHUTDOWN = Command(
    name="vm.shutdown",
    params=StopParams,
    title="Shutting down VM {vm}",
    words=words,
    steps=(Step("shutdown", _shutdown, undo=_not_stopping, undo_own=True, title="Asking the guest to shut down"),),
    done=Audit(code=73, severity=N, text="VM shutdown was initiated by {user} on VM {vm} (Host: {host})."),
    failed=Audit(code=74, severity=E, text="Failed to shut down VM {vm} (User: {user}): {reason}"),
)
REBOOT = Command(
    name="vm.reboot",
    params=StopParams,
    title="Rebooting VM {vm}",
    words=words,
    steps=(Step("reboot", _shutdown, title="Asking the guest to reboot"),),
    done=Audit(code=157, severity=N, text="VM {vm} was rebooted by {user}."),
    failed=Audit(code=158, severity=E, text="Failed to reboot VM {vm} (User: {user}): {reason}"),
)


def reboot(tx: Tx, call: Call, action: Action) -> Started:
    """Ask the guest to restart."""
    vm = tx.need(Vm, call.ids[0])
    bodies.raise_all(rules.REBOOT.refusals(vm))
    return _begin(tx, call, REBOOT, vm, reboot=True, force=bool(action.force))


def reset(tx: Tx, call: Call, action: Action) -> Started:
    """Press the reset button."""
    vm = tx.need(Vm, call.ids[0])
    bodies.raise_all(rules.RESET.refusals(vm))
    return _begin(tx, call, RESET, vm)


async def _reset(ctx: Context) -> None:
    runtime = await ctx.read(lambda rd: rd.need(VmRuntime, ctx.params.vm_id))
    await ctx.services.hosts.call(str(runtime.host_id), "VM.reset", {"vmID": ctx.params.vm_id})


RESET = Command(
    name="vm.reset",
    params=StopParams,
    title="Resetting VM {vm}",
    words=words,
    steps=(Step("reset", _reset, title="Resetting the VM"),),
    done=Audit(code=221, severity=N, text="VM {vm} was reset by {user}."),
    failed=Audit(code=222, severity=E, text="Failed to reset VM {vm} (User: {user}): {reason}"),
)
ACTIONS = (
    ApiAction(name="stop", run=stop, needs=(Need(Permit.STOP_VM),), body=("async", "force", "reason"), sync=True),
    ApiAction(
        name="shutdown", run=shutdown, needs=(Need(Permit.SHUT_DOWN_VM),), body=("async", "force", "reason"), sync=True
    ),
    ApiAction(name="reboot", run=reboot, needs=(Need(Permit.REBOOT_VM),), body=("async", "force"), sync=True),
    ApiAction(name="reset", run=reset, needs=(Need(Permit.RESET_VM),), body=("async",), sync=True, v3=False),
)
COMMANDS = (STOP, STOP_SUSPENDED, SHUTDOWN, REBOOT, RESET)
