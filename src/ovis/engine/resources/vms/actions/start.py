"""Start a VM: POST /vms/ID/start.

Does: picks a host, asks its agent for the domain; tries up to three hosts. A paused VM resumes, a suspended one is
restored. Does not: wait for the guest; `up` arrives later, by event.
Follows: flows, section 5; status matrix `start`.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.contract.errors import Code
from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault, Refusal
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Action as ApiAction, Need, Started
from ovis.engine.events import Audit
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import DiskStatus, HostStatus, LogSeverity, StorageDomainStatus
from ovis.engine.model.types import Action, Cluster, Host, StorageDomain, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.custom_properties import checks as custom_checks
from ovis.engine.resources.disks.attachments import disks_of_vm
from ovis.engine.resources.hosts.trouble import start_failed
from ovis.engine.resources.quotas import consumption as quotas
from ovis.engine.resources.storage_domains.connect import is_up
from ovis.engine.resources.storage_domains.tables import Attachment
from ovis.engine.resources.vms import external, life, monitoring, placement, rules
from ovis.engine.resources.vms.domain import domain_xml
from ovis.engine.resources.vms.memory import without_memory
from ovis.engine.resources.vms.snapshots import stateless
from ovis.engine.resources.vms.snapshots.layers import NewLayer
from ovis.engine.resources.vms.state import S, VmCdrom, VmNic, VmRuntime
from ovis.engine.store.session import Reader, Tx

TRIES = 3
_THIS_RUN = str(uuid.uuid4())  # tells a command that this process began from one that it took up
_STARTING = (S.WAIT_FOR_LAUNCH, S.RESTORING_STATE, S.UNKNOWN)
_GIVEN_UP = (HostStatus.NON_RESPONSIVE, HostStatus.MAINTENANCE, HostStatus.DOWN, HostStatus.REBOOT)
_NOT_YET = ("WaitForLaunch", "Restoring state", "Migration Source", "Saving State")
_RUN_ONCE = (
    "os bios display cpu custom_properties initialization boot stateless custom_emulated_machine custom_cpu_model "
    "memory memory_policy serial_number"
).split()


class StartParams(Struct, kw_only=True, frozen=True):
    """only: the host that the user chose. cloud_init: attach a config drive. resume: of a suspended VM. stateless:
    layers of the disks that this run alone writes to."""

    vm_id: str
    only: str = ""
    paused: bool = False
    cloud_init: bool = False
    resume: bool = False
    stateless: tuple[NewLayer, ...] = ()


def words(rd: Reader, params: StartParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """VM and host of titles and events."""
    runtime = rd.get(VmRuntime, params.vm_id)
    host_id = runtime.host_id if runtime else None
    return {"vm": rd.get(Vm, params.vm_id), "host": rd.get(Host, host_id)}


def checks(rd: Reader, vm: Vm) -> list[Refusal]:
    """Everything that stops a start besides a host."""
    cdrom = rd.one(VmCdrom, vm_id=str(vm.id))
    cluster = rd.get(Cluster, vm.cluster.id) if vm.cluster else None
    data_center_id = str(cluster.data_center.id) if cluster and cluster.data_center else ""
    attached = [(r, d, i) for r, d, i in disks_of_vm(rd, str(vm.id)) if r.attachment.active]
    disks = [(r, d) for r, d, _ in attached]
    states = rd.get_many(Attachment, {f"{i.pool_id}/{i.domain_id}" for _, _, i in attached})
    off = {i.domain_id for _, _, i in attached if not _usable(states.get(f"{i.pool_id}/{i.domain_id}"))}
    return rules.refusals_to_start(
        vm,
        inactive_domains=sorted(str(d.name) for d in rd.get_many(StorageDomain, off).values()),
        disks=len(disks),
        boot_disks=sum(bool(r.attachment.bootable) for r, _ in disks),
        nics=len([n for n in rd.find(VmNic, vm_id=str(vm.id)) if n.nic.plugged is not False]),
        cd=bool(cdrom and cdrom.cdrom.file and cdrom.cdrom.file.id),
        locked_disks=[str(d.alias) for _, d in disks if d.status is DiskStatus.LOCKED],
        illegal_disks=[str(d.alias) for _, d in disks if d.status is DiskStatus.ILLEGAL],
        data_center_up=is_up(rd, data_center_id),
    )


def _usable(row: Attachment | None) -> bool:
    return row is not None and row.status is StorageDomainStatus.ACTIVE


def start(tx: Tx, call: Call, action: Action) -> Started:
    """The action: checked, placed and begun in one transaction, so that nothing is promised twice."""
    vm = tx.need(Vm, call.ids[0])
    bodies.raise_all(rules.START.refusals(vm))
    if vm.status is S.PAUSED:
        return begin(
            tx,
            RESUME,
            StartParams(vm_id=str(vm.id)),
            call=call,
            locks=(Lock("vm", str(vm.id)),),
            subjects=(("vm", str(vm.id)),),
            wait=True,
        )
    only = ""
    runtime = tx.get(VmRuntime, str(vm.id)) or VmRuntime(id=str(vm.id))
    once = run_once_of(action.vm) if action.vm is not None else None
    if action.vm is not None and action.vm.placement_policy is not None:
        named = next(iter(action.vm.placement_policy.hosts or ()), None)
        only = str(bodies.resolve(tx, Host, named).id) if named is not None else ""
    if once is not None:
        runtime = replace(runtime, run_once=once)
    use_init = action.use_cloud_init or action.use_initialization
    return _launch(tx, vm, runtime, call=call, only=only, pause=bool(action.pause), use_init=use_init)


def start_again(tx: Tx, vm: Vm, runtime: VmRuntime) -> Started:
    """The engine itself starts a VM that failed; refused like a user's start."""
    return _launch(tx, vm, runtime, keep_restart=True)


def _launch(
    tx: Tx,
    vm: Vm,
    runtime: VmRuntime,
    *,
    call: Call | None = None,
    only: str = "",
    pause: bool = False,
    use_init: bool | None = None,
    keep_restart: bool = False,
) -> Started:
    """Check, place, write down, begin. keep_restart: another try is due if this one fails."""
    effective = with_run_once(vm, runtime)
    once = runtime.run_once is not None
    own = rules.value_refusals(effective) + custom_checks.of_vm(tx, effective) if once else []
    bodies.raise_all(checks(tx, effective) + own)
    quotas.run(tx, call, effective)
    host = placement.require_host(
        tx,
        effective,
        "start",
        only=(only,) if only else (),
        preferred=runtime.previous_host_id if runtime.saved else None,
    )
    resume = vm.status is S.SUSPENDED
    layers = stateless.planned(tx, vm) if effective.stateless and not resume else ()
    first = vm.start_time is None and vm.stop_time is None
    cloud_init = effective.initialization is not None and (bool(use_init) or (use_init is None and first))
    if not keep_restart:
        runtime = replace(runtime, restart_at=None, restarts=0)
    place_on(tx, vm, runtime, host.id, run_once=once)
    return begin(
        tx,
        START,
        StartParams(
            vm_id=str(vm.id),
            only=only,
            paused=bool(pause or effective.start_paused),
            cloud_init=cloud_init and not resume,
            resume=resume,
            stateless=layers,
        ),
        call=call,
        locks=(Lock("vm", str(vm.id)), *(Lock("disk", layer.disk_id) for layer in layers)),
        subjects=(("vm", str(vm.id)), ("host", host.id)),
        state={"suspended": resume, "engine": _THIS_RUN},
    )


def run_once_of(given: Vm) -> Vm:
    """The part of a body that counts for one run."""
    return Vm(**{name: getattr(given, name) for name in _RUN_ONCE if hasattr(given, name)})


def with_run_once(vm: Vm, runtime: VmRuntime) -> Vm:
    """The VM as it runs this time."""
    return bodies.merge(vm, runtime.run_once) if runtime.run_once is not None else vm


def place_on(tx: Tx, vm: Vm, runtime: VmRuntime, host_id: str, *, run_once: bool = False) -> None:
    """Write down where a VM is about to run, before anybody is asked."""
    tx.update(
        replace(
            vm, status=S.WAIT_FOR_LAUNCH, host=Host(id=host_id), run_once=run_once, stop_reason=None, status_detail=None
        )
    )
    tx.put(
        replace(
            runtime,
            host_id=host_id,
            target_id=None,
            stopping=False,
            started=False,
            boot_time=None,
            attempts=(*runtime.attempts, host_id),
        )
    )


async def _create(ctx: Context) -> None:
    """VM.create on the written-down host; on its refusal the next best, three at most.

    Silence proves nothing: before another host is asked, the silent one must have said that it has no such VM, unless
    nobody ever asked it.
    """
    p: StartParams = ctx.params
    failures: list[str] = []
    while True:
        vm, runtime, xml = await ctx.read(lambda rd: _document(rd, p))
        if vm.status not in _STARTING or runtime.stopping or runtime.host_id is None:
            raise Fault("it was stopped while it started")
        host_id = runtime.host_id
        try:
            try:
                await _create_on(ctx, host_id, p, xml, runtime)
            except HostUnreachable as err:
                if not err.sent and ctx.state.get("engine") == _THIS_RUN and not ctx.state.get("asked"):
                    raise HostError(Code.UNAVAILABLE, str(err), verb="VM.create") from err
                await _truth(ctx, host_id, p.vm_id)
                await _outcome(ctx, host_id, p.vm_id)
        except HostError as err:
            failures.append(err.message)
            if await ctx.read(partial(_starts, p.vm_id)):  # one that was stopped meanwhile says nothing about the host
                ctx.state.setdefault("failed_on", []).append(host_id)
            await _clear(ctx, host_id, p.vm_id)
        else:
            await _still_wanted(ctx, host_id, p.vm_id)
            ctx.state["ran"] = True
            if ctx.state.get("failed_on"):
                await ctx.write(lambda tx: _blame(tx, ctx, elsewhere=True))
            return
        if len(runtime.attempts) >= TRIES or p.only:
            raise Fault("; ".join(failures))
        if not await ctx.write(partial(_rerun, p, set(runtime.attempts))):
            raise Fault("; ".join(failures))
        ctx.state["asked"] = False


def _document(rd: Reader, p: StartParams) -> tuple[Vm, VmRuntime, str]:
    vm, runtime = rd.need(Vm, p.vm_id), rd.need(VmRuntime, p.vm_id)
    effective = with_run_once(vm, runtime)
    return vm, runtime, domain_xml(rd, effective, runtime, cloud_init=p.cloud_init, paused=p.paused)


async def _create_on(ctx: Context, host_id: str, p: StartParams, xml: str, runtime: VmRuntime) -> None:
    kept = await ctx.read(lambda rd: external.given(rd, rd.need(Vm, p.vm_id)))
    params: dict[str, Any] = {"vmId": p.vm_id, "xml": xml, **kept}
    if p.resume and runtime.saved is not None:
        names = ("poolID", "domainID", "imageID", "volumeID")
        pool, domain, image, volume = runtime.saved.memory
        params["memoryDumpVolume"] = dict(zip(names, (pool, domain, image, volume), strict=True))
        params["memoryConfVolume"] = dict(zip(names, runtime.saved.configuration, strict=True))
        params["restoreFromSnapshot"] = runtime.saved.shared
    await monitoring.cleared(host_id, p.vm_id)
    arguments = {"vmID": p.vm_id, "vmParams": params}
    try:
        await ctx.services.hosts.call(host_id, "VM.create", arguments, correlation_id=ctx.correlation_id)
    except HostError as err:
        if err.code != Code.VM_EXISTS:
            raise
        # What is left of its last run there (it is down; one that runs answers): the engine was away when it ended.
        await ctx.services.hosts.call(host_id, "VM.destroy", {"vmID": p.vm_id}, correlation_id=ctx.correlation_id)
        await ctx.services.hosts.call(host_id, "VM.create", arguments, correlation_id=ctx.correlation_id)
    ctx.state["asked"] = True
    await _outcome(ctx, host_id, p.vm_id)


async def _outcome(ctx: Context, host_id: str, vm_id: str) -> None:
    """Wait until the domain runs or failed: VM.create answers before either."""
    wait = 0.2
    while True:
        try:
            rows = await ctx.services.hosts.call(host_id, "VM.getStats", {"vmID": vm_id}, timeout=20)
        except HostError as err:
            if err.code == Code.NO_SUCH_VM:
                vm = await ctx.read(lambda rd: rd.need(Vm, vm_id))
                if vm.status not in _STARTING:
                    return  # it was stopped, or ran, ended and was cleared meanwhile
                raise HostError(Code.CREATE_FAILED, "the host does not know the VM", verb="VM.create") from err
            raise
        row = rows[0] if rows else {}
        status = row.get("status")
        if status == "Down" and int(row.get("exitCode") or 0) != 0:
            raise HostError(Code.CREATE_FAILED, str(row.get("exitMessage") or "the VM did not start"), verb="VM.create")
        if status not in ("WaitForLaunch", "Restoring state"):
            return
        await ctx.services.hosts.live.vm_changes(vm_id, wait)
        wait = min(wait * 1.5, 2.0)


async def _truth(ctx: Context, host_id: str, vm_id: str) -> None:
    """Return once a host that fell silent says that it has the VM. HostError if it says that it has not; Fault if the
    host is given up: then nobody knows, and the VM stays where it was asked for."""
    wait = 0.5
    while True:
        try:
            await ctx.services.hosts.call(host_id, "VM.getStats", {"vmID": vm_id}, timeout=20)
            return
        except HostUnreachable as err:
            vm, host = await ctx.read(lambda rd: (rd.need(Vm, vm_id), rd.get(Host, host_id)))
            if host is None or host.status in _GIVEN_UP or vm.status not in (S.WAIT_FOR_LAUNCH, S.RESTORING_STATE):
                ctx.state["doubt"] = True
                raise Fault(f"host {host.name if host else host_id} was lost while the VM started") from err
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, 5.0)


async def _still_wanted(ctx: Context, host_id: str, vm_id: str) -> None:
    """A user's stop may have met the host before VM.create did: then what was made is taken away."""
    if await ctx.read(partial(_starts, vm_id)):
        return
    await _clear(ctx, host_id, vm_id)
    raise Fault("it was stopped while it started")


async def _clear(ctx: Context, host_id: str, vm_id: str) -> None:
    """The host forgets what failed; one that does not answer is cleared when it reports."""
    try:
        await ctx.services.hosts.call(host_id, "VM.destroy", {"vmID": vm_id})
    except (HostError, HostUnreachable):
        return


def _starts(vm_id: str, rd: Reader) -> bool:
    vm, runtime = rd.need(Vm, vm_id), rd.need(VmRuntime, vm_id)
    return vm.status in _STARTING and not runtime.stopping


def _blame(tx: Tx, ctx: Context, *, elsewhere: bool) -> None:
    """Hosts on which it did not start; once, as the list is taken."""
    window = ctx.services.settings.failed_start_minutes * 60
    start_failed(tx, ctx.state.pop("failed_on", []), ctx.params.vm_id, elsewhere=elsewhere, window=window)


def _rerun(p: StartParams, tried: set[str], tx: Tx) -> bool:
    vm, runtime = tx.need(Vm, p.vm_id), tx.need(VmRuntime, p.vm_id)
    if runtime.stopping or vm.status not in _STARTING:
        return False
    decision = placement.place(tx, with_run_once(vm, runtime), excluded=tried)
    if decision.host is None:
        return False
    place_on(tx, vm, runtime, decision.host.id, run_once=bool(vm.run_once))
    return True


async def _undo_create(ctx: Context) -> Callable[[Tx], None]:
    """No host took it, or what took it is taken away: down (or still suspended), with the reason. In doubt the VM stays
    where it was asked for. Memory that a guest has run on from is worth nothing any more."""
    vm_id = ctx.params.vm_id
    vm, runtime = await ctx.read(lambda rd: (rd.get(Vm, vm_id), rd.get(VmRuntime, vm_id)))
    doubt = bool(ctx.state.get("doubt"))
    if vm is not None and runtime is not None and vm.status in _STARTING and runtime.host_id and not doubt:
        await _clear(ctx, runtime.host_id, vm_id)

    def save(tx: Tx) -> None:
        _blame(tx, ctx, elsewhere=False)
        vm, runtime = tx.get(Vm, vm_id), tx.get(VmRuntime, vm_id)
        if vm is None or runtime is None or vm.status not in _STARTING:
            return
        if doubt and runtime.host_id is not None:
            left = replace(runtime, attempts=())
            monitoring.save(tx, vm, left, life.lost(vm, left), tx.get(Host, runtime.host_id))
            tx.put(left)
            return
        stays = ctx.params.resume and not ctx.state.get("ran")
        tx.update(replace(vm, status=S.SUSPENDED if stays else S.DOWN, host=None, run_once=False))
        tx.put(
            replace(
                runtime if stays else without_memory(tx, runtime),
                host_id=None,
                attempts=(),
                run_once=None,
                stopping=False,
                exit_code=1,
                exit_message=ctx.problem,
                previous_host_id=runtime.host_id,
            )
        )

    return save


async def _undo_request(ctx: Context) -> Callable[[Tx], None]:
    """The VM is what it was before the request, and so are its disks."""
    not_created = await _undo_create(ctx)

    def save(tx: Tx) -> None:
        not_created(tx)
        stateless.give_up(tx, ctx)

    return save


async def _settle(ctx: Context) -> Callable[[Tx], None]:
    """It runs: the VM becomes what its host says, in the same transaction that ends the start. A restored VM's saved
    memory goes."""
    vm_id = ctx.params.vm_id
    live = ctx.services.hosts.live

    def save(tx: Tx) -> None:
        vm, runtime = tx.get(Vm, vm_id), tx.get(VmRuntime, vm_id)
        if vm is None or runtime is None or runtime.host_id is None or vm.status not in _STARTING:
            return  # it was stopped meanwhile
        runtime = tx.put(replace(without_memory(tx, runtime), restart_at=None, restarts=0))
        row = live.vm_stats.get(vm_id)
        if row is None or live.vm_host.get(vm_id) != runtime.host_id or row.get("status") in _NOT_YET:
            row = {"status": "Paused" if ctx.params.paused else "Powering up"}
        host_id = str(runtime.host_id)
        monitoring.save(tx, vm, runtime, life.apply(vm, runtime, row, host_id, life.utc_now()), tx.get(Host, host_id))

    return save


START = Command(
    name="vm.start",
    params=StartParams,
    title="Launching VM {vm}",
    words=words,
    steps=(
        Step("stateless", stateless.begin, undo=_undo_request, undo_own=True, title="Preparing its disks"),
        Step("create", _create, undo=_undo_create, undo_own=True, title="Starting the VM on a host"),
        Step("settle", _settle, phase="finalizing"),
    ),
    done=Audit(code=32, severity=LogSeverity.NORMAL, text="VM {vm} was started by {user} (Host: {host})."),
    failed=Audit(code=54, severity=LogSeverity.ERROR, text="Failed to run VM {vm} (User: {user}): {reason}"),
)


async def _cont(ctx: Context) -> None:
    runtime = await ctx.read(lambda rd: rd.need(VmRuntime, ctx.params.vm_id))
    await ctx.services.hosts.call(str(runtime.host_id), "VM.cont", {"vmID": ctx.params.vm_id})


RESUME = Command(
    name="vm.resume",
    params=StartParams,
    title="Resuming VM {vm}",
    words=words,
    steps=(Step("cont", _cont, title="Resuming the VM"),),
    done=Audit(code=40, severity=LogSeverity.NORMAL, text="VM {vm} was resumed by {user} (Host: {host})."),
)
ACTION = ApiAction(
    name="start",
    run=start,
    needs=(
        Need(Permit.RUN_VM),
        Need(
            Permit.EDIT_ADMIN_VM_PROPERTIES,
            when=lambda a: a is not None and a.vm is not None and a.vm.placement_policy is not None,
        ),
        Need(
            Permit.CHANGE_VM_CUSTOM_PROPERTIES,
            when=lambda a: a is not None and a.vm is not None and bool(a.vm.custom_properties),
        ),
    ),
    body=("async", "filter", "pause", "use_cloud_init", "use_initialization", "use_sysprep", "vm", "volatile"),
)
COMMANDS = (START, RESUME)
