"""Suspend a VM to storage: POST /vms/ID/suspend.

Does: makes two volumes for memory and configuration, lets the host save into them. A start restores and drops them.
Follows: flows, section 8; status matrix `suspend`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.contract.errors import Code
from ovis.contract.statuses import ExitReason
from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Action as ApiAction, Need, Started
from ovis.engine.events import Audit
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Action, Host, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.vms import external, life, memory, monitoring, rules
from ovis.engine.resources.vms.memory import without_memory
from ovis.engine.resources.vms.snapshots import state as snapshots
from ovis.engine.resources.vms.state import S, VmRuntime
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)


class SuspendParams(Struct, kw_only=True, frozen=True):
    """The VM."""

    vm_id: str


def words(rd: Reader, params: SuspendParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """VM and host of titles and events."""
    vm = rd.get(Vm, params.vm_id)
    return {"vm": vm, "host": rd.get(Host, state.get("host"))}


def suspend(tx: Tx, call: Call, action: Action) -> Started:
    """The action."""
    vm = tx.need(Vm, call.ids[0])
    bodies.raise_all(rules.refusals_to_suspend(vm) + snapshots.in_preview(tx, vm))
    runtime = tx.need(VmRuntime, str(vm.id))
    tx.put(replace(runtime, saved=memory.planned(tx, vm)))
    tx.update(replace(vm, status=S.SAVING_STATE))
    return begin(
        tx,
        SUSPEND,
        SuspendParams(vm_id=str(vm.id)),
        call=call,
        locks=(Lock("vm", str(vm.id)),),
        subjects=(("vm", str(vm.id)),),
        state={"host": runtime.host_id},
    )


async def _volumes(ctx: Context) -> None:
    saved = (await ctx.read(lambda rd: rd.need(VmRuntime, ctx.params.vm_id))).saved
    assert saved is not None
    await memory.make(ctx, saved)


def _undo_volumes(tx: Tx, ctx: Context) -> None:
    """It runs on; the volumes go."""
    vm, runtime = tx.get(Vm, ctx.params.vm_id), tx.get(VmRuntime, ctx.params.vm_id)
    if runtime is not None:
        tx.put(without_memory(tx, runtime))
    if vm is not None and vm.status is S.SAVING_STATE:
        tx.update(replace(vm, status=S.UP))


async def _hibernate(ctx: Context) -> None:
    """Save on the host, unless that is under way, and wait for the end, however long the host is silent: the volumes
    are its while nobody knows."""
    runtime = await ctx.read(lambda rd: rd.need(VmRuntime, ctx.params.vm_id))
    assert runtime.saved is not None
    handle = memory.handle(runtime.saved)
    vm_id, host_id = ctx.params.vm_id, str(ctx.state.get("host"))
    call = ctx.services.hosts.call
    wait, asked = 0.2, False
    while True:
        try:
            row = (await call(host_id, "VM.getStats", {"vmID": vm_id}))[0]
            if row.get("status") == "Down":
                if int(row.get("exitReason") or 0) == ExitReason.SAVE_STATE_SUCCEEDED:
                    return
                raise Fault(str(row.get("exitMessage") or "the VM ended before it was saved"))
            if row.get("status") != "Saving State":
                if asked:
                    raise Fault(str(row.get("exitMessage") or "the host could not save the VM"))
                await call(host_id, "VM.hibernate", {"vmID": vm_id, "hibernationVolHandle": handle})
                asked = True
        except HostError as err:
            if err.code != Code.NO_SUCH_VM:
                raise
            if await ctx.read(lambda rd: rd.need(Vm, vm_id).status) is S.SUSPENDED:
                return  # seen and cleared by monitoring
            raise Fault("the host does not know the VM any more") from err
        except HostUnreachable as err:
            now = await ctx.read(lambda rd: rd.need(VmRuntime, vm_id))
            if now.host_id != host_id:
                raise Fault("its host was lost") from err
        await ctx.services.hosts.live.vm_changes(vm_id, wait)
        wait = min(wait * 1.5, 2.0)


async def _settle(ctx: Context) -> Callable[[Tx], None]:
    """The host forgets the run; the VM is suspended in the same transaction that ends the command."""
    vm_id, host_id = ctx.params.vm_id, str(ctx.state.get("host"))
    await external.fetch(ctx.services, host_id, vm_id)
    try:
        await ctx.services.hosts.call(host_id, "VM.destroy", {"vmID": vm_id})
    except HostError as err:
        if err.code != Code.NO_SUCH_VM:
            raise
    except HostUnreachable as err:  # its memory is on storage; what is left there is cleared when it reports
        log.info("the remainder of a suspended VM was not cleared", vm=vm_id, host=host_id, error=str(err))

    def save(tx: Tx) -> None:
        vm, runtime = tx.get(Vm, vm_id), tx.get(VmRuntime, vm_id)
        if vm is None or runtime is None or vm.status not in (S.SAVING_STATE, S.UNKNOWN):
            return
        row = {"exitCode": 0, "exitReason": int(ExitReason.SAVE_STATE_SUCCEEDED), "exitMessage": ""}
        monitoring.save(tx, vm, runtime, life.down(vm, runtime, row, life.utc_now()), tx.get(Host, host_id))

    return save


SUSPEND = Command(
    name="vm.suspend",
    params=SuspendParams,
    title="Suspending VM {vm}",
    words=words,
    steps=(
        Step("volumes", _volumes, undo=_undo_volumes, undo_own=True, title="Making volumes for the memory"),
        Step("hibernate", _hibernate, title="Saving the memory"),
        Step("settle", _settle, phase="finalizing"),
    ),
    done=Audit(code=512, severity=LogSeverity.NORMAL, text="Suspending VM {vm} was completed."),
    failed=Audit(code=521, severity=LogSeverity.ERROR, text="Suspending VM {vm} failed: {reason}"),
)
ACTION = ApiAction(name="suspend", run=suspend, needs=(Need(Permit.HIBERNATE_VM),), body=("async",))
COMMANDS = (SUSPEND,)
