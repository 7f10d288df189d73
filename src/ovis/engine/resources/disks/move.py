"""Move a disk to another storage domain: POST /disks/ID/move, also while a VM runs with it.

Does: the whole chain, volume by volume; a running guest's own layer is mirrored, and the guest goes over. Every step looks
first. From the moment that the guest has gone over, the target is the disk, whoever dies. Does not: change its format.
Follows: flows, sections 4 and 11 (no snapshot is needed: only the guest's own layer changes, and that is mirrored).
"""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.contract.domain.chains import Chain
from ovis.contract.errors import Code
from ovis.engine.access.check import require
from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault, Refusal
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Started
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import DiskStatus, LogSeverity
from ovis.engine.model.types import Action, Disk, DiskProfile, StorageDomain, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.disks import volumes
from ovis.engine.resources.disks.commands import set_status
from ovis.engine.resources.disks.tables import DiskImage, TemplateDisk, VmDisk
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)
N, W, E = LogSeverity.NORMAL, LogSeverity.WARNING, LogSeverity.ERROR
LEFTOVERS = Audit(
    code=2052, severity=W, text="Disk {disk} was moved, but volumes stayed on storage domain {storage_domain}: {reason}"
)
_LONGEST_PAUSE = 1.0


class MoveParams(Struct, kw_only=True, frozen=True):
    """image: where the disk was. target: domain it goes to. chain: its volumes, base first. vm_id: the VM that runs with
    it plugged; empty if nobody does."""

    disk_id: str
    image: DiskImage
    target: str
    profile_id: str
    old_profile_id: str
    chain: tuple[str, ...]
    vm_id: str = ""


def move(tx: Tx, call: Call, action: Action) -> Started:
    """Check and begin."""
    from ovis.engine.resources.disks import resource as disks
    from ovis.engine.resources.vms import rules
    from ovis.engine.resources.vms.snapshots import state

    disk = tx.need(Disk, call.ids[-1])
    image = tx.need(DiskImage, str(disk.id))
    domain, pool = disks.active_domain(tx, action.storage_domain)
    require(tx, call, Permit.CREATE_DISK, "storage_domain", str(domain.id))
    disks.require_ok(disk)
    origin, _ = disks.active_domain(tx, StorageDomain(id=image.domain_id))
    reasons = _place_refusals(tx, disk, image, domain, origin, pool)
    users = [tx.need(Vm, row.vm_id) for row in tx.find(VmDisk, disk_id=str(disk.id))]
    running = [vm for vm in users if vm.host is not None]
    live = running[0] if running and _plugged(tx, running[0], disk) else None
    for vm in users:
        bodies.raise_all(state.in_preview(tx, vm))
    if running:
        reasons += rules.DISK_MIGRATE.refusals(running[0])
        if len(running) > 1 or disk.shareable:
            reasons.append(
                Refusal(
                    "ACTION_TYPE_FAILED_SHAREABLE_DISK_NOT_SUPPORTED",
                    f"Disk {disk.alias} is shareable and VM {running[0].name} runs with it.",
                    "Shut its VMs down first.",
                )
            )
    reasons += disks.space_refusals(domain, disk.total_size or disk.actual_size or 0)
    bodies.raise_all(reasons)
    profile = disks.profile_for(tx, action.disk_profile, domain)
    tx.update(replace(disk, status=DiskStatus.LOCKED))
    held = [lock for vm in users for lock in (Lock("vm", str(vm.id)), Lock(state.CHAINS, str(vm.id)))]
    return begin(
        tx,
        MOVE,
        MoveParams(
            disk_id=str(disk.id),
            image=image,
            target=str(domain.id),
            profile_id=str(profile.id) if profile is not None else "",
            old_profile_id=str(disk.disk_profile.id) if disk.disk_profile is not None else "",
            chain=_chain(tx, image),
            vm_id=str(live.id) if live is not None else "",
        ),
        call=call,
        locks=(Lock("disk", str(disk.id)), *held),
        subjects=(("disk", str(disk.id)), *(("vm", str(vm.id)) for vm in running[:1])),
    )


def _place_refusals(
    rd: Reader, disk: Disk, image: DiskImage, domain: StorageDomain, origin: StorageDomain, pool: str
) -> list[Refusal]:
    """Why the disk cannot lie there."""
    found = []
    if domain.id == origin.id:
        text = f"Disk {disk.alias} is on storage domain {domain.name} already."
        found.append(Refusal("ACTION_TYPE_FAILED_SOURCE_AND_TARGET_SAME", text, "Choose another one."))
    if pool != image.pool_id:
        text = f"Storage domain {domain.name} belongs to another data center."
        found.append(Refusal("ACTION_TYPE_FAILED_STORAGE_DOMAIN_NOT_IN_STORAGE_POOL", text, "Choose another one."))
    if image.parent is not None:
        text = f"Disk {disk.alias} lies upon a template's disk, which is not on storage domain {domain.name}."
        found.append(Refusal("ACTION_TYPE_FAILED_TEMPLATE_NOT_FOUND_ON_DESTINATION_DOMAIN", text, "Clone the VM."))
    if rd.count(TemplateDisk, disk_id=str(disk.id)):
        text = f"Disk {disk.alias} belongs to a template."
        found.append(Refusal("ACTION_TYPE_FAILED_TEMPLATE_DISK", text, "Disks of templates stay where they are."))
    return found


def _plugged(rd: Reader, vm: Vm, disk: Disk) -> bool:
    row = rd.one(VmDisk, vm_id=str(vm.id), disk_id=str(disk.id))
    return row is not None and bool(row.attachment.active)


def _chain(rd: Reader, image: DiskImage) -> tuple[str, ...]:
    from ovis.engine.resources.vms.snapshots import layers

    return tuple(reversed(list(layers.chain(rd, image.volume_id))))


# -- steps ------------------------------------------------------------------------------------------------------------


def _begin(tx: Tx, ctx: Context) -> None:
    disk = tx.get(Disk, ctx.params.disk_id)
    ctx.state["name"] = disk.name if disk else ""


def _ok(tx: Tx, ctx: Context) -> None:
    disk = tx.get(Disk, ctx.params.disk_id)
    if disk is not None and disk.status is DiskStatus.LOCKED:
        set_status(tx, ctx.params.disk_id, DiskStatus.OK)


async def _copy(ctx: Context) -> None:
    """Volumes there, base first, with their data; of what a guest writes to, the volume alone."""
    p: MoveParams = ctx.params
    parent: DiskImage | None = None
    for volume in p.chain:
        source = replace(p.image, volume_id=volume)
        target = replace(source, domain_id=p.target)
        ctx.stop_if_cancelled()
        info = await volumes.exists(ctx, source)
        if info is None:
            raise Fault(f"volume {volume} of the disk is missing")
        made = await volumes.create_like(ctx, target, info, parent=parent)
        mirrored = bool(p.vm_id) and volume == p.chain[-1]
        if not mirrored and int(made.get("generation") or 0) == 0:
            job = bodies.derived_id("move", ctx.command_id, volume)
            await volumes.copy(ctx, source, target, job, cancellable=True)
        parent = target


async def _sweep(ctx: Context) -> None:
    """The place where the disk is not is cleared."""
    p: MoveParams = ctx.params
    image = await ctx.read(lambda rd: rd.get(DiskImage, p.disk_id))
    if image is None:
        return
    other = p.target if image.domain_id == p.image.domain_id else p.image.domain_id
    await volumes.delete_for_sure(ctx, replace(p.image, domain_id=other))


def _switch(tx: Tx, p: MoveParams) -> None:
    _place(tx, p, p.target, p.profile_id)


def _place(tx: Tx, p: MoveParams, domain_id: str, profile_id: str) -> None:
    """The disk is there now, its snapshots, too."""
    from ovis.engine.resources.vms.snapshots.tables import SnapshotDisk

    image, disk = tx.need(DiskImage, p.disk_id), tx.need(Disk, p.disk_id)
    place = [StorageDomain(id=domain_id)]
    if image.domain_id != domain_id:
        tx.update(replace(image, domain_id=domain_id))
        profile = DiskProfile(id=profile_id) if profile_id else None
        tx.update(replace(disk, storage_domains=place, disk_profile=profile))
    for row in tx.find(SnapshotDisk, disk_id=p.disk_id):
        if row.disk.storage_domains != place:
            tx.update(replace(row, disk=replace(row.disk, storage_domains=place)))


async def _go_over(ctx: Context) -> Callable[[Tx], None]:
    """The guest goes over, if there is one; from then on the target is the disk."""
    p: MoveParams = ctx.params
    if p.vm_id and not await _mirror(ctx):
        raise Fault("the VM ended while its disk was being moved")
    return lambda tx: _switch(tx, p)


async def _mirror(ctx: Context) -> bool:
    """Whether the target has all data. False if the guest ended before. Fault if the mirror failed or is not wanted."""
    p: MoveParams = ctx.params
    asked, wait = False, 0.1
    while True:
        try:
            host_id, chain = await _guest(ctx)
            if chain is None:
                return await _left_behind(ctx)
            if chain.domain == p.target:
                return True
            ctx.stop_if_cancelled()
            if not chain.mirroring:
                if asked:
                    raise Fault("the mirror of the disk ended before it was complete")
                asked = True
                await _tell(ctx, host_id, "VM.diskReplicateStart", p.target)
                continue
            asked = True
            if chain.ready:
                await _tell(ctx, host_id, "VM.diskReplicateFinish", p.target)
                continue
            await _progress(ctx, host_id)
        except HostError as err:
            if err.code not in (Code.NO_SUCH_VM, Code.VM_IS_DOWN, Code.REPLICATION_NOT_READY, Code.UNAVAILABLE):
                raise Fault(err.message) from err
        except HostUnreachable as err:
            log.info("the host is silent while a disk moves", vm=p.vm_id, error=str(err))
        await ctx.services.hosts.live.vm_changes(p.vm_id, wait)
        wait = min(wait * 1.3, _LONGEST_PAUSE)


async def _stay(ctx: Context) -> Callable[[Tx], None] | None:
    """Give the mirror up, for sure. A guest that has gone over stays there: then the disk has moved after all."""
    p: MoveParams = ctx.params
    if not p.vm_id:
        return await _back(ctx)
    wait = 0.1
    while True:
        try:
            host_id, chain = await _guest(ctx)
            if chain is None:
                there = await _left_behind(ctx)
            else:
                there = chain.domain == p.target
                if not there and chain.mirroring:
                    try:
                        await _tell(ctx, host_id, "VM.diskReplicateFinish", p.image.domain_id)
                    except HostError as err:
                        if err.code != Code.REPLICATION:
                            raise
                        await _tell(ctx, host_id, "VM.diskReplicateFinish", p.target)  # it has gone over
                    continue
            return (lambda tx: _switch(tx, p)) if there else None
        except (HostError, HostUnreachable) as err:
            log.info("a mirror is not given up yet", vm=p.vm_id, error=str(err))
        await ctx.services.hosts.live.vm_changes(p.vm_id, wait)
        wait = min(wait * 1.3, _LONGEST_PAUSE)


async def _back(ctx: Context) -> Callable[[Tx], None] | None:
    """Without a guest: the disk is where it was, as long as all of it is there."""
    p: MoveParams = ctx.params
    for volume in p.chain:
        if await volumes.exists(ctx, replace(p.image, volume_id=volume)) is None:
            return None
    return lambda tx: _place(tx, p, p.image.domain_id, p.old_profile_id)


async def _guest(ctx: Context) -> tuple[str, Chain | None]:
    """(host, the disk as the guest has it); None if there certainly is no guest any more. HostUnreachable if nobody knows."""
    from ovis.engine.resources.vms.snapshots.take import live_chains, runs
    from ovis.engine.resources.vms.state import S, VmRuntime

    p: MoveParams = ctx.params
    vm, runtime = await ctx.read(lambda rd: (rd.get(Vm, p.vm_id), rd.get(VmRuntime, p.vm_id)))
    host_id = runtime.host_id if runtime is not None else None
    if vm is None or host_id is None or vm.status in (S.DOWN, S.IMAGE_LOCKED, S.SUSPENDED):
        return "", None
    chain = (await live_chains(ctx, host_id, p.vm_id)).get(p.image.image_id)
    if chain is not None and await runs(ctx, host_id, p.vm_id):
        return host_id, chain
    raise HostError(Code.NO_SUCH_VM, "the host does not show the VM with its disk", verb="Host.dumpxmls")


async def _left_behind(ctx: Context) -> bool:
    """Of a guest that has ended: whether it had gone over. The host marks the source just before."""
    leaf = replace(ctx.params.image, volume_id=ctx.params.chain[-1])
    info = await volumes.exists(ctx, leaf)
    return info is None or info.get("legality") == "ILLEGAL"


async def _tell(ctx: Context, host_id: str, verb: str, domain_id: str) -> None:
    p: MoveParams = ctx.params
    source = p.image.pdiv() | {"volumeID": p.chain[-1], "device": "disk", "diskType": "file"}
    params: dict[str, Any] = {"vmID": p.vm_id, "srcDisk": source, "dstDisk": source | {"domainID": domain_id}}
    if verb.endswith("Start"):
        params["needExtend"] = False
    await ctx.services.hosts.call(host_id, verb, params, correlation_id=ctx.correlation_id)


async def _progress(ctx: Context, host_id: str) -> None:
    row = (await ctx.services.hosts.call(host_id, "VM.getStats", {"vmID": ctx.params.vm_id}))[0]
    image = ctx.params.image.image_id
    job = next((j for j in (row.get("vmJobs") or {}).values() if j["imgUUID"] == image), None)
    if job is not None and int(job.get("end") or 0):
        await ctx.progress(round(99 * int(job.get("cur") or 0) / int(job["end"])))


async def _finish(ctx: Context) -> Callable[[Tx], None]:
    """The old place is cleared; what its storage does not give away stays there and is told."""
    left = ""
    try:
        await _sweep(ctx)
    except HostError as err:
        left = err.message
        log.warning("a moved disk left volumes behind", disk=ctx.params.disk_id, error=left)

    def save(tx: Tx) -> None:
        _ok(tx, ctx)
        if left:
            old = tx.get(StorageDomain, ctx.params.image.domain_id)
            record(tx, LEFTOVERS, disk=tx.get(Disk, ctx.params.disk_id), storage_domain=old, reason=left)

    return save


def words(rd: Reader, params: MoveParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The disk and where it goes."""
    disk, domain = rd.get(Disk, params.disk_id), rd.get(StorageDomain, params.target)
    return {"disk": disk or state.get("name", params.disk_id), "storage_domain": domain or params.target}


MOVE = Command(
    name="disk.move",
    params=MoveParams,
    title="Moving disk {disk} to storage domain {storage_domain}",
    words=words,
    cancellable=True,
    steps=(
        Step("begin", _begin, undo=_ok, undo_own=True),
        Step("copy", _copy, undo=_sweep, undo_own=True, title="Copying the volumes"),
        Step("go_over", _go_over, undo=_stay, undo_own=True, title="Going over to the new storage domain"),
        Step("finish", _finish, phase="finalizing", title="Deleting the volumes in the old storage domain"),
    ),
    done=Audit(code=2010, severity=N, text="Disk {disk} was moved to storage domain {storage_domain}."),
    failed=Audit(code=2011, severity=E, text="Disk {disk} could not be moved to {storage_domain}: {reason}"),
)
COMMANDS = (MOVE,)
