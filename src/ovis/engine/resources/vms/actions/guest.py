"""A look into a running guest, and its file systems held still: POST /vms/ID/screenshot, freezefilesystems, thawfilesystems.

Does: ask the VM's host. Does not: keep pictures, or thaw by itself what a user froze.
Follows: status matrix `screenshot`, `freeze / thaw filesystems`; verbs VM.screenshot, VM.freeze, VM.thaw.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ovis.contract.errors import Code
from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault, Refusal
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Action as ApiAction, Need, Started
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Action, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.vms import rules
from ovis.engine.resources.vms.graphics import protocols_of
from ovis.engine.resources.vms.state import VmRuntime
from ovis.engine.store.session import Reader, Tx

N, W, E = LogSeverity.NORMAL, LogSeverity.WARNING, LogSeverity.ERROR
TAKEN = Audit(code=13502, severity=N, text="{user} took a screenshot of VM {vm}.")
NOT_TAKEN = Audit(code=13503, severity=E, text="{user} could not take a screenshot of VM {vm}: {why}")


class GuestParams(Struct, kw_only=True, frozen=True):
    """The VM."""

    vm_id: str


def words(rd: Reader, params: GuestParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The VM of titles and events."""
    return {"vm": rd.get(Vm, params.vm_id)}


async def screenshot(services: Services, call: Call, action: Action) -> Action:
    """What its first screen shows, as a PNG in base64 in the action's `image`."""

    def look(rd: Reader) -> tuple[Vm, VmRuntime]:
        vm = rd.need(Vm, call.ids[0])
        found = rules.SCREENSHOT.refusals(vm)
        if not protocols_of(rd, [vm])[str(vm.id)]:
            found.append(
                Refusal(
                    "ACTION_TYPE_FAILED_CANNOT_SCREENSHOT_HEADLESS_VM",
                    f"VM {vm.name} is headless: there is nothing to see.",
                    "Give it a graphics console.",
                )
            )
        bodies.raise_all(found)
        return vm, rd.need(VmRuntime, str(vm.id))

    vm, runtime = await services.store.read(look)
    try:
        shot = await services.hosts.call(
            str(runtime.host_id), "VM.screenshot", {"vmID": vm.id}, correlation_id=call.correlation_id
        )
    except (HostError, HostUnreachable) as err:
        why = str(err)
        await services.store.write(lambda tx: record(tx, NOT_TAKEN, call=call, vm=vm, why=why))
        raise Fault(f"[The host could not take the picture: {err}]", status=409) from err
    await services.store.write(lambda tx: record(tx, TAKEN, call=call, vm=vm))
    return Action(image=str(shot["data"]))


def _starting(command: str) -> Any:
    def run(tx: Tx, call: Call, action: Action) -> Started:
        vm = tx.need(Vm, call.ids[0])
        bodies.raise_all(rules.FREEZE.refusals(vm))
        return begin(
            tx,
            {"freeze": FREEZE, "thaw": THAW}[command],
            GuestParams(vm_id=str(vm.id)),
            call=call,
            locks=(Lock("vm", str(vm.id)),),
            subjects=(("vm", str(vm.id)),),
        )

    return run


def _asking(verb: str) -> Any:
    async def run(ctx: Context) -> None:
        runtime = await ctx.read(lambda rd: rd.need(VmRuntime, ctx.params.vm_id))
        try:
            await ctx.services.hosts.call(
                str(runtime.host_id), verb, {"vmID": ctx.params.vm_id}, correlation_id=ctx.correlation_id
            )
        except HostError as err:
            if err.code == Code.GUEST_AGENT_SILENT:
                raise Fault("its guest agent does not answer") from err
            raise

    return run


async def _thawed_again(ctx: Context) -> None:
    """Nobody knows whether it is frozen: a guest must not stay so for a request that failed."""
    runtime = await ctx.read(lambda rd: rd.get(VmRuntime, ctx.params.vm_id))
    if runtime is None or runtime.host_id is None:
        return
    try:
        await ctx.services.hosts.call(runtime.host_id, "VM.thaw", {"vmID": ctx.params.vm_id})
    except (HostError, HostUnreachable):
        return  # it has no agent, or its host is silent: whoever asked is told of the failure


FREEZE = Command(
    name="vm.freeze",
    params=GuestParams,
    title="Freezing the file systems of VM {vm}",
    words=words,
    steps=(
        Step("freeze", _asking("VM.freeze"), undo=_thawed_again, undo_own=True, title="Asking the guest to hold still"),
    ),
    done=Audit(code=10767, severity=N, text="File systems of VM {vm} were frozen by {user}."),
    failed=Audit(code=10769, severity=W, text="File systems of VM {vm} could not be frozen (User: {user}): {reason}"),
)
THAW = Command(
    name="vm.thaw",
    params=GuestParams,
    title="Thawing the file systems of VM {vm}",
    words=words,
    steps=(Step("thaw", _asking("VM.thaw"), title="Asking the guest to go on"),),
    done=Audit(code=10768, severity=N, text="File systems of VM {vm} were thawed by {user}."),
    failed=Audit(code=10770, severity=W, text="File systems of VM {vm} could not be thawed (User: {user}): {reason}"),
)
_MAY = (Need(Permit.CONFIGURE_VM_STORAGE),)
ACTIONS = (
    ApiAction(name="screenshot", run=screenshot, needs=(Need(Permit.CONNECT_TO_VM),), v3=False),
    ApiAction(name="freezefilesystems", run=_starting("freeze"), needs=_MAY, body=("async",), sync=True),
    ApiAction(name="thawfilesystems", run=_starting("thaw"), needs=_MAY, body=("async",), sync=True),
)
COMMANDS = (FREEZE, THAW)
