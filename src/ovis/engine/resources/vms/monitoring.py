"""VMs as hosts report them, written into the store; called by the engine's observer.

Does: compare wanted with seen, row by row, in one write per report that changes something; answer Down VMs with
VM.destroy. Keeps no memory of its own: a restart loses nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from msgspec.structs import replace

from ovis.contract.statuses import ExitReason
from ovis.engine.commands import locked
from ovis.engine.commands.services import Services
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Host, User, Vm
from ovis.engine.resources.vms import external, ha, life
from ovis.engine.resources.vms.memory import without_memory
from ovis.engine.resources.vms.next_run import apply_next_run
from ovis.engine.resources.vms.snapshots import stateless
from ovis.engine.resources.vms.state import ON_HOST, S, VmRuntime
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)
N, W, E = LogSeverity.NORMAL, LogSeverity.WARNING, LogSeverity.ERROR
EVENTS: Mapping[str, Audit] = {
    "started": Audit(code=153, severity=N, text="VM {vm} started on Host {host}."),
    "down": Audit(code=61, severity=N, text="VM {vm} is down. Exit message: {message}"),
    "down_error": Audit(code=119, severity=E, text="VM {vm} is down with error. Exit message: {message}"),
    "suspended": Audit(code=503, severity=N, text="VM {vm} on Host {host} is suspended."),
    "not_responding": Audit(code=126, severity=W, text="VM {vm} is not responding."),
    "paused": Audit(code=1025, severity=N, text="VM {vm} is paused."),
    "paused_enospc": Audit(code=138, severity=E, text="VM {vm} is paused: no storage space is left."),
    "paused_eio": Audit(code=145, severity=E, text="VM {vm} is paused because of a storage I/O error."),
    "paused_eperm": Audit(code=146, severity=E, text="VM {vm} is paused because of a storage permission error."),
    "unknown": Audit(
        code=142, severity=W, text="VM {vm} was set to the unknown status: its host {host} does not answer."
    ),
    "watchdog": Audit(code=9901, severity=W, text="The watchdog of VM {vm} on host {host} fired; action: {action}."),
    "console_connected": Audit(code=167, severity=N, text="{viewer} is connected to VM {vm}."),
    "console_left": Audit(code=168, severity=N, text="{viewer} is disconnected from VM {vm}."),
    "recovered": Audit(code=196, severity=N, text="VM {vm} on Host {host} was seen again."),
    "foreign": Audit(
        code=602, severity=W, text="VM {vm} was found on host {host}, too; its remainder there was destroyed."
    ),
}
# While a command holds a VM in one of these, the command moves it on, together with its own end.
_FOLLOWED = frozenset({S.WAIT_FOR_LAUNCH, S.SAVING_STATE})
_GRACE = timedelta(seconds=10)  # a VM that is being created may be missing from a report sent before
_clearing: dict[tuple[str, str], asyncio.Task[None]] = {}


async def vm_rows(services: Services, host_id: str, rows: Sequence[Mapping[str, Any]], full: bool) -> None:
    """Apply rows of a host; `full`: they are all its VMs.

    What is not all was told because it is new: the writer looks at it. A reader might see a VM as it was before a start
    that ends just now, with an older row, and nothing would be told again.
    """
    by_id = {str(r["vmId"]): r for r in rows}

    def interesting(rd: Reader) -> bool:
        return bool(_changes(rd, host_id, by_id, full))

    if full and not await services.store.read(interesting):
        return
    to_destroy = await services.store.write(lambda tx: _write(tx, host_id, by_id, full))
    for vm_id in to_destroy:
        key = (host_id, vm_id)
        task = _clearing[key] = asyncio.create_task(_destroy(services, host_id, vm_id))
        task.add_done_callback(lambda t, k=key: _clearing.pop(k, None) if _clearing.get(k) is t else None)  # type: ignore[misc]


async def cleared(host_id: str, vm_id: str) -> None:
    """Return when the host has been told to forget the VM's last run: a new one must not meet that call."""
    task = _clearing.get((host_id, vm_id))
    if task is not None:
        await asyncio.wait({task})


async def vm_event(services: Services, host_id: str, vm_id: str, row: Mapping[str, Any]) -> None:
    """Apply one event."""
    await vm_rows(services, host_id, [{**row, "vmId": vm_id}], full=False)


def host_lost(tx: Tx, host: Host) -> None:
    """A host became non-responsive: its VMs are unknown in the same step, never started elsewhere by that alone."""
    for vm, runtime in _placed(tx, str(host.id)):
        if runtime.target_id is None:  # else its migration finds out
            save(tx, vm, runtime, life.lost(vm, runtime), host)


async def host_cleared(services: Services, host_id: str) -> None:
    """A host was fenced, or an administrator confirmed its reboot: its VMs are down."""

    await services.store.write(lambda tx: clear_host(tx, host_id))


def clear_host(tx: Tx, host_id: str) -> None:
    """Nothing runs there any more, for sure."""
    host = tx.get(Host, host_id)
    for vm, runtime in _placed(tx, host_id):
        save(tx, vm, runtime, life.vanished(vm, runtime, life.utc_now()), host)


def _placed(tx: Tx, host_id: str) -> list[tuple[Vm, VmRuntime]]:
    """The VMs whose place is this host."""
    vms = tx.find(Vm, host_id=host_id)
    runtimes = tx.get_many(VmRuntime, [str(vm.id) for vm in vms])
    return [(vm, runtimes.get(str(vm.id)) or VmRuntime(id=str(vm.id))) for vm in vms]


async def _destroy(services: Services, host_id: str, vm_id: str) -> None:
    await external.fetch(services, host_id, vm_id)
    try:
        await services.hosts.call(host_id, "VM.destroy", {"vmID": vm_id})
    except (HostError, HostUnreachable) as err:
        log.info("a VM that is down could not be cleared", vm=vm_id, host=host_id, error=str(err))


_Change = tuple[Vm, VmRuntime, life.Next]


def _changes(
    rd: Reader, host_id: str, rows: Mapping[str, Mapping[str, Any]], full: bool
) -> list[_Change | tuple[str, str]]:
    """Changes that the rows bring; a pair ("destroy", VM) where only the host is to act."""
    now = life.utc_now()
    vms = rd.get_many(Vm, rows)
    runtimes = rd.get_many(VmRuntime, rows)
    out: list[_Change | tuple[str, str]] = []
    for vm_id, row in rows.items():
        vm = vms.get(vm_id)
        if vm is None:
            continue
        runtime = runtimes.get(vm_id) or VmRuntime(id=vm_id)
        ended = row.get("status") == "Down"
        if runtime.target_id is not None:
            continue  # its migration follows it
        if runtime.host_id != host_id:
            if ended:
                out.append(("destroy", vm_id))
            elif vm.status is S.DOWN and vm.stop_time is not None and now - vm.stop_time < _GRACE:
                continue  # the row is from before its end; if it really runs, the next report says so again
            elif runtime.host_id is None and vm.status in (S.DOWN, S.UNKNOWN) and not locked(rd, "vm", vm_id):
                found = life.apply(
                    msg_status(vm, S.UNKNOWN), runtime, row, host_id, now
                )  # it runs, whatever was thought
                out.append((vm, runtime, found))
            continue
        if ended and _number(row.get("exitReason")) == ExitReason.MIGRATION_SUCCEEDED:
            continue
        if (vm.status in _FOLLOWED or (ended and vm.status is S.UNKNOWN)) and locked(rd, "vm", vm_id):
            continue  # the command that starts or suspends it says how that ends
        found = life.apply(vm, runtime, row, host_id, now)
        if found.vm != vm or found.runtime != runtime or found.destroy:
            out.append((vm, runtime, found))
    if full:
        here = [vm for vm in rd.find(Vm, host_id=host_id) if str(vm.id) not in rows and vm.status in ON_HOST]
        absent = rd.get_many(VmRuntime, [str(vm.id) for vm in here])
        for vm in here:
            runtime = absent.get(str(vm.id)) or VmRuntime(id=str(vm.id))
            if runtime.target_id is not None or runtime.host_id != host_id:
                continue
            if locked(rd, "vm", str(vm.id)) or (runtime.boot_time and now - runtime.boot_time < _GRACE):
                continue
            out.append((vm, runtime, life.vanished(vm, runtime, now)))
    return out


def msg_status(vm: Vm, status: Any) -> Vm:
    """The VM as if in another status."""
    return replace(vm, status=status)


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return -1


def _write(tx: Tx, host_id: str, rows: Mapping[str, Mapping[str, Any]], full: bool) -> list[str]:
    host = tx.get(Host, host_id)
    destroy = []
    for change in _changes(tx, host_id, rows, full):
        if len(change) == 2:
            destroy.append(change[1])
            continue
        vm, runtime, found = change
        save(tx, vm, runtime, found, host)
        if found.destroy:
            destroy.append(str(vm.id))
    return destroy


def save(tx: Tx, vm: Vm, runtime: VmRuntime, found: life.Next, host: Host | None) -> None:
    """Write what follows from a row, with its events."""
    after, now = found.vm, found.runtime
    if after.status is S.DOWN and vm.status is not S.DOWN:
        after = apply_next_run(tx, after)
        now = without_memory(tx, now)
        stateless.ended(tx, str(after.id))
        if "down_error" in found.events:
            now = ha.to_restart(after, now, life.utc_now())
    if after != vm:
        tx.update(after)
    if now != runtime or tx.get(VmRuntime, runtime.id) is None:
        tx.put(now)
    words: dict[str, Any] = {
        "message": now.exit_message or "",
        "action": now.watchdog_action,
        "viewer": _viewer(tx, now, found.events),
    }
    for name in found.events:
        record(tx, EVENTS[name], vm=after, host=host, **words)


def _viewer(tx: Tx, runtime: VmRuntime, events: Sequence[str]) -> str:
    """Who was given the console's ticket, if that is to be told."""
    if not any(name.startswith("console_") for name in events):
        return ""
    user = tx.get(User, runtime.console_user) if runtime.console_user else None
    return (user.user_name if user is not None else None) or "Somebody"
