"""Move a running VM: POST /vms/ID/migrate and cancelmigration.

Does: picks a target, lets the source's agent move the guest, follows it to its end. Whatever happens, one running copy
is left, and an event says why. Follows: flows, section 7; status matrix `migrate`.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.contract.errors import Code
from ovis.contract.statuses import ExitReason
from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Action as ApiAction, Need, Started
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import HostStatus, LogSeverity
from ovis.engine.model.types import Action, Cluster, Host, Vm
from ovis.engine.resources import bodies, migration_policies
from ovis.engine.resources.vms import life, monitoring, placement, rules
from ovis.engine.resources.vms.state import S, VmRuntime
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)
N, E, W = LogSeverity.NORMAL, LogSeverity.ERROR, LogSeverity.WARNING
DONE = Audit(
    code=63,
    severity=N,
    text="Migration completed (VM: {vm}, Source: {source}, Destination: {host}, Total: {seconds} s, Downtime: {downtime} ms).",
)
STARTED = Audit(
    code=62, severity=N, text="Migration started (VM: {vm}, Source: {source}, Destination: {host}, User: {user})."
)
CANCELLED = Audit(code=161, severity=N, text="Migration of VM {vm} was cancelled by {user}.")
_LOST = 60.0  # seconds without an answer of either side before the outcome is left to what hosts report


class MigrateParams(Struct, kw_only=True, frozen=True):
    """source, target: hosts. before: the status the VM had."""

    vm_id: str
    source: str
    target: str
    before: str = "up"


def words(rd: Reader, params: MigrateParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """VM and hosts of titles and events."""
    source = rd.get(Host, params.source)
    return {
        "vm": rd.get(Vm, params.vm_id),
        "host": rd.get(Host, params.target),
        "source": source.name if source else params.source,
    }


def migrate(tx: Tx, call: Call, action: Action) -> Started:
    """The action."""
    vm = tx.need(Vm, call.ids[0])
    runtime = tx.get(VmRuntime, str(vm.id)) or VmRuntime(id=str(vm.id))
    bodies.raise_all(
        rules.refusals_to_migrate(
            vm, forced=bool(action.force) or action.host is not None, pause_code=runtime.pause_code
        )
    )
    only: tuple[str, ...] = ()
    if action.host is not None and (action.host.id or action.host.name):
        wanted = bodies.resolve(tx, Host, action.host)
        if wanted.id == runtime.host_id:
            raise refuse(
                "ACTION_TYPE_FAILED_MIGRATION_TO_SAME_HOST", f"VM {vm.name} runs on host {wanted.name} already."
            )
        only = (str(wanted.id),)
    return begin_migration(tx, vm, runtime, call=call, only=only)


def begin_migration(
    tx: Tx,
    vm: Vm,
    runtime: VmRuntime,
    *,
    call: Call | None = None,
    only: tuple[str, ...] = (),
    correlation_id: str = "",
) -> Started:
    """Place and begin; also for hosts that go into maintenance."""
    source = str(runtime.host_id)
    target = placement.require_host(tx, vm, "migrate", only=only, excluded=(source,))
    before = (vm.status or S.UP).value
    tx.update(replace(vm, status=S.MIGRATING))
    tx.put(replace(runtime, target_id=target.id))
    params = MigrateParams(vm_id=str(vm.id), source=source, target=target.id, before=before)
    started = begin(
        tx,
        MIGRATE,
        params,
        call=call,
        locks=(Lock("vm", str(vm.id)),),
        subjects=(("vm", str(vm.id)), ("host", target.id)),
        correlation_id=correlation_id,
    )
    host = tx.get(Host, source)
    record(tx, STARTED, call=call, vm=vm, host=tx.get(Host, target.id), source=host.name if host else source)
    return started


async def _ask(ctx: Context) -> None:
    """VM.migrate on the source, unless it is under way or over."""
    p: MigrateParams = ctx.params
    target, how = await ctx.read(lambda rd: (rd.need(Host, p.target), _how(rd, p.vm_id)))
    row = await _row(ctx, p.source, p.vm_id)
    if row is None:
        raise HostUnreachable("the source host does not answer", host_id=p.source)
    if not row or row.get("status") in ("Migration Source", "Down"):
        return
    try:
        await ctx.services.hosts.call(
            p.source,
            "VM.migrate",
            {
                "vmID": p.vm_id,
                "params": {
                    "vmId": p.vm_id,
                    "dst": f"{target.address}:{target.port or 54321}",
                    "method": "online",
                    "abortOnError": True,
                    "consoleAddress": target.address,
                    **how,
                },
            },
            correlation_id=ctx.correlation_id,
        )
    except HostError as err:
        if err.code != Code.MIGRATION_IN_PROGRESS:
            raise


def _how(rd: Reader, vm_id: str) -> dict[str, Any]:
    vm = rd.need(Vm, vm_id)
    return migration_policies.parameters(vm, rd.need(Cluster, vm.cluster.id if vm.cluster else None))


async def _follow(ctx: Context) -> Callable[[Tx], None]:
    """Until the source says how it ended, or is silent for so long that others have to say."""
    p: MigrateParams = ctx.params
    clock = asyncio.get_running_loop().time
    begun = heard = clock()
    wait = 0.1
    while True:
        row = await _row(ctx, p.source, p.vm_id)
        if not row:  # silent, or it has forgotten the VM: then the guest is where it runs
            if _runs(await _row(ctx, p.target, p.vm_id)):
                return await _arrived(ctx, p, begun)
            if row == {}:
                raise Fault("the source host does not know the VM any more")
            if clock() - heard > _LOST or await ctx.read(partial(_given_up, p)):
                raise Fault("the source host does not answer")
        else:
            heard = clock()
            status = row.get("status")
            if status == "Down":
                if int(row.get("exitReason") or 0) == ExitReason.MIGRATION_SUCCEEDED:
                    return await _arrived(ctx, p, begun)
                raise Fault(str(row.get("exitMessage") or "the VM ended while it migrated"))
            if status != "Migration Source" and clock() - begun > 0.5:
                raise Fault(await _why(ctx, p, row))
            if row.get("migrationProgress") is not None:
                await ctx.progress(int(row["migrationProgress"]))
        await ctx.services.hosts.live.vm_changes(p.vm_id, wait)
        wait = min(wait * 1.3, 1.0)


def _runs(row: Mapping[str, Any] | None) -> bool:
    """Whether a row says that the guest runs there, and is not just on its way."""
    return bool(row) and row is not None and row.get("status") in ("Up", "Powering up", "Paused")


def _given_up(p: MigrateParams, rd: Reader) -> bool:
    """The VM is stopped, or its source host is lost: nothing more will be heard from there soon."""
    vm, host = rd.need(Vm, p.vm_id), rd.get(Host, p.source)
    return vm.status is not S.MIGRATING or host is None or host.status is HostStatus.NON_RESPONSIVE


async def _row(ctx: Context, host_id: str, vm_id: str) -> dict[str, Any] | None:
    """The VM's row on a host; {} if the host does not know it, None if it does not answer."""
    try:
        rows = await ctx.services.hosts.call(host_id, "VM.getStats", {"vmID": vm_id}, timeout=20)
    except HostError as err:
        if err.code == Code.NO_SUCH_VM:
            return {}
        raise
    except HostUnreachable:
        return None
    return dict(rows[0]) if rows else {}


async def _why(ctx: Context, p: MigrateParams, row: Mapping[str, Any]) -> str:
    try:
        found = await ctx.services.hosts.call(p.source, "VM.getMigrationStatus", {"vmID": p.vm_id}, timeout=20)
    except (HostError, HostUnreachable):
        return str(row.get("exitMessage") or "the migration ended")
    status = found.get("status") if isinstance(found, dict) else None
    return str((status or {}).get("message") or row.get("exitMessage") or "the migration ended")


async def _arrived(ctx: Context, p: MigrateParams, begun: float) -> Callable[[Tx], None]:
    downtime = 0
    try:
        found = await ctx.services.hosts.call(p.source, "VM.getMigrationStatus", {"vmID": p.vm_id}, timeout=20)
        downtime = int((found or {}).get("downtime") or 0)
    except (HostError, HostUnreachable) as err:
        log.info("no downtime known", vm=p.vm_id, error=str(err))
    there = await _row(ctx, p.target, p.vm_id)
    await _forget_at(ctx, p.source, p.vm_id)
    seconds = round(asyncio.get_running_loop().time() - begun, 1)

    def save(tx: Tx) -> None:
        vm, runtime = tx.get(Vm, p.vm_id), tx.get(VmRuntime, p.vm_id)
        if vm is None or runtime is None:
            return
        source, target = tx.get(Host, p.source), tx.get(Host, p.target)
        if vm.status not in (S.MIGRATING, S.UNKNOWN):  # stopped meanwhile
            tx.put(replace(runtime, target_id=None))
            return
        _moved(tx, vm, runtime, p, there)
        record(
            tx,
            DONE,
            correlation_id=ctx.correlation_id,
            user=ctx.user,
            vm=tx.need(Vm, p.vm_id),
            host=target,
            source=source.name if source else p.source,
            seconds=seconds,
            downtime=downtime,
        )

    return save


def _moved(tx: Tx, vm: Vm, runtime: VmRuntime, p: MigrateParams, there: Mapping[str, Any] | None) -> None:
    """The VM is at its target, as the target's row says (if it is known)."""
    row = there or {"status": "Paused" if p.before == "paused" else "Up"}
    if row.get("status") == "Migration Destination":  # its first event as an ordinary VM is just coming
        row = {**row, "status": "Paused" if p.before == "paused" else "Up"}
    moved = replace(runtime, host_id=p.target, target_id=None, previous_host_id=p.source)
    shown = replace(vm, status=S.MIGRATING, host=Host(id=p.target))
    found = life.apply(shown, moved, row, p.target, life.utc_now())
    monitoring.save(tx, vm, runtime, found, tx.get(Host, p.target))


async def _forget_at(ctx: Context, host_id: str, vm_id: str) -> None:
    """A host drops what is left of the VM; one that does not answer does so when it reports."""
    try:
        await ctx.services.hosts.call(host_id, "VM.destroy", {"vmID": vm_id}, timeout=20)
    except (HostError, HostUnreachable) as err:
        log.info("a remainder was not cleared", vm=vm_id, host=host_id, error=str(err))


async def _settled_source(ctx: Context, p: MigrateParams) -> dict[str, Any] | None:
    """The source's row once it does not migrate any more: a migration that nobody follows is called off."""
    row: dict[str, Any] | None = None
    for _ in range(50):
        try:
            row = await _row(ctx, p.source, p.vm_id)
        except HostError as err:
            log.info("the source's copy is not known", vm=p.vm_id, error=str(err))
            return None
        if not row or row.get("status") != "Migration Source":
            return row
        try:
            await ctx.services.hosts.call(p.source, "VM.migrateCancel", {"vmID": p.vm_id}, timeout=20)
        except (HostError, HostUnreachable) as err:
            log.info("a migration was not called off", vm=p.vm_id, error=str(err))
        await asyncio.sleep(0.2)
    return row


async def _stays(ctx: Context) -> Callable[[Tx], None]:
    """It failed: the target forgets its copy unless the guest runs there; the engine believes what hosts say."""
    p: MigrateParams = ctx.params
    here = await _settled_source(ctx, p)
    there = None
    try:
        there = await _row(ctx, p.target, p.vm_id)
    except HostError as err:
        log.info("the target's copy is not known", vm=p.vm_id, error=str(err))
    handed_over = bool(here) and here is not None and int(here.get("exitReason") or 0) == ExitReason.MIGRATION_SUCCEEDED
    runs_there = _runs(there) and (not here or handed_over)
    if there and not runs_there:
        await _forget_at(ctx, p.target, p.vm_id)
    if here and here.get("status") == "Down":
        await _forget_at(ctx, p.source, p.vm_id)

    def save(tx: Tx) -> None:
        vm, runtime = tx.get(Vm, p.vm_id), tx.get(VmRuntime, p.vm_id)
        if vm is None or runtime is None:
            return
        back = replace(runtime, target_id=None)
        source = tx.get(Host, p.source)
        if vm.status not in (S.MIGRATING, S.UNKNOWN):  # stopped meanwhile
            tx.put(back)
        elif runs_there:
            _moved(tx, vm, runtime, p, there)
        elif here == {}:
            monitoring.save(tx, vm, runtime, life.vanished(vm, back, life.utc_now()), source)
        elif here is None:
            monitoring.save(tx, vm, runtime, life.lost(vm, back), source)
        else:
            found = life.apply(replace(vm, status=S.MIGRATING), back, here, p.source, life.utc_now())
            monitoring.save(tx, vm, runtime, found, source)

    return save


MIGRATE = Command(
    name="vm.migrate",
    params=MigrateParams,
    title="Migrating VM {vm} from {source} to {host}",
    words=words,
    steps=(
        Step("ask", _ask, undo=_stays, undo_own=True, title="Preparing the migration"),
        Step("follow", _follow, title="Moving the memory"),
    ),
    failed=Audit(
        code=65, severity=E, text="Migration failed: {reason} (VM: {vm}, Source: {source}, Destination: {host})."
    ),
)


async def cancel(services: Services, call: Call, action: Action) -> None:
    """POST cancelmigration."""

    def look(rd: Reader) -> tuple[Vm, str]:
        vm = rd.need(Vm, call.ids[0])
        bodies.raise_all(rules.CANCEL_MIGRATION.refusals(vm))
        return vm, str(rd.need(VmRuntime, str(vm.id)).host_id)

    vm, source = await services.store.read(look)
    try:
        await services.hosts.call(source, "VM.migrateCancel", {"vmID": vm.id}, correlation_id=call.correlation_id)
    except (HostError, HostUnreachable) as err:
        raise refuse("VM_CANNOT_CANCEL_MIGRATION", f"The migration cannot be cancelled: {err}") from err
    await services.store.write(lambda tx: record(tx, CANCELLED, call=call, vm=vm))


ACTIONS = (
    ApiAction(
        name="migrate", run=migrate, needs=(Need(Permit.MIGRATE_VM),), body=("async", "cluster", "force", "host")
    ),
    ApiAction(name="cancelmigration", run=cancel, needs=(Need(Permit.MIGRATE_VM),), body=("async",)),
)
COMMANDS = (MIGRATE,)
