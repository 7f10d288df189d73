"""Look at a snapshot and stay there, or come back: previewsnapshot, commitsnapshot, undosnapshot, /snapshots/ID/restore.

Does: a preview gives the VM the snapshot's configuration and, for the chosen disks (all unless some are named), a layer
upon the snapshot's volumes; what was is kept as a snapshot of type `preview`. Undo brings that back; commit drops it with
the snapshots that are newer. With memory the VM is suspended: its next start goes on where the snapshot was taken.
Disks that were added after the snapshot are not on the VM in a preview of all; committed, they stay as disks of no VM.
Disks that were not chosen stay as they are, in snapshots that are newer, too.
Follows: status matrix `snapshot preview`, `commit / undo / restore`.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.commands import Command, Context, Step, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Refusal, Refused
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Action as ApiAction, Need, Started
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity, SnapshotStatus, SnapshotType
from ovis.engine.model.types import Action, Disk, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.disks.tables import DiskImage, VmDisk
from ovis.engine.resources.vms import memory
from ovis.engine.resources.vms.memory import without_memory
from ovis.engine.resources.vms.snapshots import layers, rules, state
from ovis.engine.resources.vms.snapshots.layers import NewLayer
from ovis.engine.resources.vms.snapshots.tables import DiskLayer, SnapshotDisk, VmSnapshot, active_id
from ovis.engine.resources.vms.snapshots.take import room, words
from ovis.engine.resources.vms.state import S, VmRuntime
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR
BEFORE = "Active VM before the preview"
_BEGUN = {
    "preview": Audit(code=46, severity=N, text="Preview of snapshot {snapshot} of VM {vm} was begun by {user}."),
    "commit": Audit(code=94, severity=N, text="Commit of snapshot {snapshot} of VM {vm} was begun by {user}."),
    "undo": Audit(
        code=650, severity=N, text="Undo of the preview of snapshot {snapshot} of VM {vm} was begun by {user}."
    ),
    "restore": Audit(code=1190, severity=N, text="Restoring VM {vm} to snapshot {snapshot} was begun by {user}."),
}


class PreviewParams(Struct, kw_only=True, frozen=True):
    """layers: upon the volumes that are looked at. sources: for each, the snapshot that says what the disk was.
    covers: the snapshot that keeps what was. whole: all disks. was: the VM's status before."""

    vm_id: str
    snapshot_id: str
    layers: tuple[NewLayer, ...] = ()
    sources: tuple[str, ...] = ()
    covers: str = ""
    whole: bool = True
    memory: bool = False
    was: str = "down"
    touched: tuple[str, ...] = ()

    @property
    def disks(self) -> list[str]:
        """Ids of every disk that is held meanwhile."""
        return list(self.touched)


# -- requests ---------------------------------------------------------------------------------------------------------


def preview(tx: Tx, call: Call, action: Action) -> Started:
    """POST /vms/ID/previewsnapshot."""
    vm = tx.need(Vm, call.ids[0])
    named = action.snapshot.id if action.snapshot is not None else None
    return _look_at(tx, call, action, vm, named, PREVIEW, "preview")


def restore(tx: Tx, call: Call, action: Action) -> Started:
    """POST /vms/ID/snapshots/ID/restore: a preview and its commit in one."""
    vm = tx.need(Vm, call.ids[0])
    return _look_at(tx, call, action, vm, call.ids[1], RESTORE, "restore")


def _look_at(tx: Tx, call: Call, action: Action, vm: Vm, named: str | None, command: Command, what: str) -> Started:
    bodies.raise_all(rules.PREVIEW.refusals(vm) + state.refusals(tx, vm))
    row = state.snapshot_of(tx, vm, named)
    if row.kind is not SnapshotType.REGULAR:
        raise Refused([rules.of_another_type(row.description)])
    if row.vm is None:
        text = f"Snapshot {row.description} has no configuration."
        raise Refused([Refusal("ACTION_TYPE_FAILED_VM_SNAPSHOT_HAS_NO_CONFIGURATION", text)])
    whole = not action.disks
    chosen = state.disks_of(tx, row.id) if whole else _chosen(tx, vm, row, action.disks or [])
    now = state.attached_to(tx, str(vm.id))
    present = {held.disk_id: disk for held, disk, _ in now}
    all_disks = tx.get_many(Disk, {c.disk_id for c in chosen} | set(present))
    images = tx.get_many(DiskImage, [c.disk_id for c in chosen])
    reasons = state.unusable(all_disks.values(), {c.disk_id for c in chosen if c.illegal})
    reasons += room(tx, list(images.values())) + _elsewhere(tx, vm, chosen)
    bodies.raise_all(reasons)
    params = PreviewParams(
        vm_id=str(vm.id),
        snapshot_id=row.id,
        layers=tuple(NewLayer(c.disk_id, c.volume_id, bodies.new_id(), c.disk.provisioned_size or 0) for c in chosen),
        sources=tuple(c.snapshot_id for c in chosen),
        covers=bodies.new_id(),
        whole=whole,
        memory=bool(action.restore_memory) and row.memory is not None and whole,
        was=vm.status.value if vm.status else "down",
        touched=tuple(sorted(all_disks)),
    )
    return _begin_command(tx, call, vm, row, command, params, what)


def _chosen(rd: Reader, vm: Vm, row: VmSnapshot, wanted: list[Disk]) -> list[SnapshotDisk]:
    """The disks that a body names, each from the snapshot or volume that it names, else from this one."""
    mine = {s.id: state.disks_of(rd, s.id) for s in state.of_vm(rd, str(vm.id))}
    found: dict[str, SnapshotDisk] = {}
    for disk in wanted:
        source = disk.snapshot.id if disk.snapshot is not None and disk.snapshot.id else None
        if source == active_id(str(vm.id)):
            continue  # it stays as it is
        pool = (
            [s for rows in mine.values() for s in rows]
            if disk.image_id and source is None
            else mine.get(source or row.id, [])
        )
        match = [s for s in pool if s.disk_id == disk.id and disk.image_id in (None, "", s.volume_id)]
        if not match:
            raise Refused([rules.no_such_disk(f"{disk.id or disk.name} ({disk.image_id or row.description})")])
        found[match[0].disk_id] = match[0]
    return list(found.values())


def _elsewhere(rd: Reader, vm: Vm, chosen: list[SnapshotDisk]) -> list[Refusal]:
    """Disks that another VM has meanwhile."""
    return [
        Refusal(
            "ACTION_TYPE_FAILED_NOT_SHAREABLE_DISK_ALREADY_ATTACHED",
            f"Disk {row.disk.alias} is attached to another VM.",
        )
        for row in chosen
        if any(held.vm_id != vm.id for held in rd.find(VmDisk, disk_id=row.disk_id))
    ]


def commit(tx: Tx, call: Call, action: Action) -> Started:
    """POST /vms/ID/commitsnapshot."""
    return _settle(tx, call, COMMIT, "commit")


def undo(tx: Tx, call: Call, action: Action) -> Started:
    """POST /vms/ID/undosnapshot."""
    return _settle(tx, call, UNDO, "undo")


def _settle(tx: Tx, call: Call, command: Command, what: str) -> Started:
    vm = tx.need(Vm, call.ids[0])
    reasons = rules.SETTLE.refusals(vm)
    rows = state.of_vm(tx, str(vm.id))
    looked_at = next((r for r in rows if r.status is SnapshotStatus.IN_PREVIEW), None)
    covers = next((r for r in rows if r.kind is SnapshotType.PREVIEW), None)
    if looked_at is None or covers is None:
        raise Refused([*reasons, rules.not_in_preview(vm)])
    held = {row.disk_id for r in rows for row in state.disks_of(tx, r.id)}
    held |= {row[0].disk_id for row in state.attached_to(tx, str(vm.id))}
    bodies.raise_all(reasons + state.unusable(tx.get_many(Disk, held).values()))
    before = {row.disk_id: row.volume_id for row in state.disks_of(tx, covers.id)}
    now = tx.get_many(DiskImage, held)
    changed = [d for d, image in now.items() if before.get(d) != image.volume_id]
    params = PreviewParams(
        vm_id=str(vm.id),
        snapshot_id=looked_at.id,
        covers=covers.id,
        layers=tuple(NewLayer(d, "", now[d].volume_id) for d in sorted(changed)),
        was=vm.status.value if vm.status else "down",
        touched=tuple(sorted(held)),
    )
    return _begin_command(tx, call, vm, looked_at, command, params, what)


def _begin_command(
    tx: Tx, call: Call, vm: Vm, row: VmSnapshot, command: Command, params: PreviewParams, what: str
) -> Started:
    state.lock(tx, vm, params.touched)
    state.set_status(tx, row.id, SnapshotStatus.LOCKED)
    record(tx, _BEGUN[what], call=call, vm=vm, snapshot=row.description)
    return begin(
        tx,
        command,
        params,
        call=call,
        locks=state.locks(str(vm.id), params.touched),
        subjects=(("vm", str(vm.id)),),
        state={"snapshot": row.description, "after": params.was},
    )


# -- steps ------------------------------------------------------------------------------------------------------------


def _begin(tx: Tx, ctx: Context) -> None:
    """Everything was locked with the request."""


def _let_go(tx: Tx, ctx: Context) -> None:
    """The VM and its snapshot are as they were, unless a later step has gone through."""
    p: PreviewParams = ctx.params
    state.unlock(tx, p.vm_id, p.disks, str(ctx.state.get("after") or p.was))
    row = tx.get(VmSnapshot, p.snapshot_id)
    if row is not None and row.status is SnapshotStatus.LOCKED:
        covered = tx.get(VmSnapshot, p.covers) is not None
        state.set_status(tx, p.snapshot_id, SnapshotStatus.IN_PREVIEW if covered else SnapshotStatus.OK)


async def _make(ctx: Context) -> None:
    await layers.make(ctx, ctx.params.layers)


async def _unmake(ctx: Context) -> None:
    """Layers go that the VM does not stand on by now."""
    images = await ctx.read(lambda rd: rd.get_many(DiskImage, [layer.disk_id for layer in ctx.params.layers]))
    used = {image.volume_id for image in images.values()}
    await layers.unmake(ctx, [layer for layer in ctx.params.layers if layer.volume not in used])


def _go(tx: Tx, ctx: Context) -> None:
    """The VM is what the snapshot says; what it was is kept."""
    p: PreviewParams = ctx.params
    vm, row = tx.need(Vm, p.vm_id), tx.need(VmSnapshot, p.snapshot_id)
    recorded = replace(vm, status=S(p.was))
    now = state.attached_to(tx, p.vm_id)
    state.insert(tx, recorded, p.covers, SnapshotType.PREVIEW, now, description=BEFORE, status=SnapshotStatus.OK)
    vm = state.put_back(tx, vm, row)
    layers.known(tx, p.layers)
    chosen = {layer.disk_id for layer in p.layers}
    if p.whole:
        for held, _, _ in now:
            if held.disk_id not in chosen and held.disk_id not in _shared(tx, p.vm_id):
                tx.delete(VmDisk, held.id)
    for layer, source in zip(p.layers, p.sources, strict=True):
        recorded_disk = tx.need(SnapshotDisk, f"{source}/{layer.disk_id}")
        state.attach_again(tx, p.vm_id, recorded_disk)
        layers.use(tx, layer.disk_id, layer.volume)
        disk = tx.need(Disk, layer.disk_id)
        tx.update(replace(disk, provisioned_size=recorded_disk.disk.provisioned_size or disk.provisioned_size))
    state.set_status(tx, p.snapshot_id, SnapshotStatus.IN_PREVIEW)
    after = S.DOWN
    if p.memory and row.memory is not None:
        runtime = tx.get(VmRuntime, p.vm_id) or VmRuntime(id=p.vm_id)
        tx.put(replace(runtime, saved=replace(row.memory, shared=True)))
        after = S.SUSPENDED
    ctx.state["after"] = after.value


def _go_and_show(tx: Tx, ctx: Context) -> None:
    """It can be started."""
    p: PreviewParams = ctx.params
    _go(tx, ctx)
    state.unlock(tx, p.vm_id, p.disks, str(ctx.state["after"]))


def _shared(rd: Reader, vm_id: str) -> set[str]:
    """Disks that snapshots leave out."""
    return {held.disk_id for held, disk, _ in state.attached_to(rd, vm_id) if disk.shareable}


def _stay(tx: Tx, ctx: Context) -> None:
    """The snapshot's state is the VM's: what was covered goes, and the snapshots that are newer."""
    p: PreviewParams = ctx.params
    row = tx.need(VmSnapshot, p.snapshot_id)
    before = {held.disk_id: held.volume_id for held in state.disks_of(tx, p.covers)}
    images = tx.get_many(DiskImage, before)
    untouched = {d for d, volume in before.items() if d in images and images[d].volume_id == volume}
    attached = {held.disk_id for held, _, _ in state.attached_to(tx, p.vm_id)}
    kept = untouched & attached
    tx.delete(VmSnapshot, p.covers)
    for other in state.of_vm(tx, p.vm_id):
        if other.id == row.id or (other.date, other.id) <= (row.date, row.id):
            continue
        disks = state.disks_of(tx, other.id)
        still = [d for d in disks if d.disk_id in kept]
        if not still:
            if other.memory is not None:
                memory.drop(tx, p.vm_id, other.memory)
            tx.delete(VmSnapshot, other.id)
            continue
        for disk in disks:
            if disk.disk_id not in kept:
                tx.delete(SnapshotDisk, disk.id)
        if other.memory is not None:  # it is no state of all disks any more
            memory.drop(tx, p.vm_id, other.memory)
            tx.update(replace(other, memory=None))
    for disk_id in p.touched:
        layers.doom_unneeded(tx, disk_id)
    state.set_status(tx, p.snapshot_id, SnapshotStatus.LOCKED)
    state.mark_illegal(tx, p.vm_id)


def _come_back(tx: Tx, ctx: Context) -> None:
    """What was covered is the VM again."""
    p: PreviewParams = ctx.params
    covers = tx.need(VmSnapshot, p.covers)
    state.put_back(tx, tx.need(Vm, p.vm_id), covers)
    runtime = tx.get(VmRuntime, p.vm_id)
    if runtime is not None:
        tx.put(without_memory(tx, runtime))
    held = state.disks_of(tx, p.covers)
    wanted = {row.disk_id for row in held}
    for attachment in tx.find(VmDisk, vm_id=p.vm_id):
        if attachment.disk_id not in wanted:
            tx.delete(VmDisk, attachment.id)
    for row in held:
        state.attach_again(tx, p.vm_id, row)
        image = tx.need(DiskImage, row.disk_id)
        if image.volume_id != row.volume_id:
            layers.use(tx, row.disk_id, row.volume_id, row.disk)
    tx.delete(VmSnapshot, p.covers)
    for layer in p.layers:  # of disks that were not on the VM before the preview, too
        left = tx.get(DiskImage, layer.disk_id)
        if left is not None and left.volume_id == layer.volume:
            below = tx.need(DiskLayer, layer.volume).parent
            source = next((r for r in tx.find(SnapshotDisk, disk_id=layer.disk_id) if r.volume_id == below), None)
            layers.use(tx, layer.disk_id, below, source.disk if source is not None else None)
    for disk_id in p.touched:
        layers.doom_unneeded(tx, disk_id)
    state.set_status(tx, p.snapshot_id, SnapshotStatus.LOCKED)
    state.mark_illegal(tx, p.vm_id)
    ctx.state["after"] = S.DOWN.value


async def _delete(ctx: Context) -> Callable[[Tx], None]:
    p: PreviewParams = ctx.params
    gone = await layers.delete_doomed(ctx, p.touched)
    sizes = await layers.measured(ctx, p.touched)

    def save(tx: Tx) -> None:
        gone(tx)
        sizes(tx)
        state.set_status(tx, p.snapshot_id, SnapshotStatus.OK)
        state.unlock(tx, p.vm_id, p.disks, str(ctx.state.get("after") or p.was))

    return save


def _command(name: str, title: str, steps: tuple[Step, ...], done: Audit, failed: Audit) -> Command:
    first = Step("begin", _begin, undo=_let_go, undo_own=True)
    return Command(
        name=name, params=PreviewParams, title=title, words=words, steps=(first, *steps), done=done, failed=failed
    )


_VOLUMES = Step("volumes", _make, undo=_unmake, undo_own=True, title="Making new layers")
_DELETE = Step("delete", _delete, title="Deleting layers", phase="finalizing")
PREVIEW = _command(
    "snapshot.preview",
    "Previewing a snapshot of VM {vm}",
    (_VOLUMES, Step("go", _go_and_show, title="Going to the snapshot")),
    Audit(code=71, severity=N, text="VM {vm} shows snapshot {snapshot} now."),
    Audit(code=99, severity=E, text="Snapshot {snapshot} of VM {vm} could not be previewed: {reason}"),
)
COMMIT = _command(
    "snapshot.commit",
    "Committing a snapshot of VM {vm}",
    (Step("stay", _stay, title="Dropping what was before"), _DELETE),
    Audit(code=95, severity=N, text="VM {vm} was committed to snapshot {snapshot}."),
    Audit(code=96, severity=E, text="VM {vm} could not be committed to snapshot {snapshot}: {reason}"),
)
UNDO = _command(
    "snapshot.undo",
    "Undoing the preview of a snapshot of VM {vm}",
    (Step("back", _come_back, title="Going back"), _DELETE),
    Audit(code=651, severity=N, text="VM {vm} is again what it was before the preview of snapshot {snapshot}."),
    Audit(code=652, severity=E, text="The preview of snapshot {snapshot} of VM {vm} could not be undone: {reason}"),
)


def _go_and_stay(tx: Tx, ctx: Context) -> None:
    _go(tx, ctx)
    _stay(tx, ctx)


RESTORE = _command(
    "snapshot.restore",
    "Restoring VM {vm} to a snapshot",
    (_VOLUMES, Step("stay", _go_and_stay, title="Going to the snapshot"), _DELETE),
    Audit(code=100, severity=N, text="VM {vm} was restored to snapshot {snapshot}."),
    Audit(code=101, severity=E, text="VM {vm} could not be restored to snapshot {snapshot}: {reason}"),
)
_MAY = (Need(Permit.MANIPULATE_VM_SNAPSHOTS),)
ACTIONS = (
    ApiAction(
        name="previewsnapshot",
        v3_name="preview_snapshot",
        run=preview,
        needs=_MAY,
        body=("async", "disks", "restore_memory", "snapshot", "vm"),
        mandatory=("snapshot.id",),
    ),
    ApiAction(name="commitsnapshot", v3_name="commit_snapshot", run=commit, needs=_MAY, body=("async",)),
    ApiAction(name="undosnapshot", v3_name="undo_snapshot", run=undo, needs=_MAY, body=("async",)),
)
RESTORE_ACTION = ApiAction(name="restore", run=restore, needs=_MAY, body=("async", "disks", "restore_memory"))
COMMANDS = (PREVIEW, COMMIT, UNDO, RESTORE)
