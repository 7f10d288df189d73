"""Remove a snapshot: DELETE /vms/ID/snapshots/ID, while the VM runs or not.

Does: for each of its disks the layer above is merged into the snapshot's volume; then its rows and memory go. What is
merged stays merged: a failure leaves the snapshot with the disks that are left, and it can be removed again.
Follows: status matrix `snapshot remove`; flows, section 9.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from ovis.engine.access.check import require
from ovis.engine.commands import Command, Context, Step, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Started
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity, SnapshotStatus, SnapshotType
from ovis.engine.model.types import Disk, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.vms import memory
from ovis.engine.resources.vms.snapshots import layers, merge, rules, state
from ovis.engine.resources.vms.snapshots.tables import SnapshotDisk, VmSnapshot
from ovis.engine.resources.vms.snapshots.take import room, words
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR
DISK_BEGUN = Audit(
    code=373, severity=N, text="Removal of disk {disk} from snapshot {snapshot} of VM {vm} was begun by {user}."
)
BEGUN = Audit(code=342, severity=N, text="Removal of snapshot {snapshot} of VM {vm} was begun by {user}.")


class RemoveParams(Struct, kw_only=True, frozen=True):
    """disks: of the snapshot, which are held meanwhile. only: the one row that goes, of all the snapshot's disks."""

    vm_id: str
    snapshot_id: str
    disks: tuple[str, ...] = ()
    was: str = "down"
    only: str = ""


def remove(tx: Tx, call: Call, body: Any) -> Started:
    """The operation."""
    vm = tx.need(Vm, call.ids[0])
    row = state.snapshot_of(tx, vm, call.ids[1])
    reasons = rules.REMOVE.refusals(vm) + state.refusals(tx, vm)
    if row.kind is not SnapshotType.REGULAR:
        reasons.append(rules.of_another_type(row.description))
    held = state.disks_of(tx, row.id)
    reasons += state.unusable(tx.get_many(Disk, [d.disk_id for d in held]).values())
    bodies.raise_all(reasons)
    bodies.raise_all(_room(tx, held))
    params = RemoveParams(
        vm_id=str(vm.id),
        snapshot_id=row.id,
        disks=tuple(d.disk_id for d in held),
        was=vm.status.value if vm.status else "down",
    )
    state.lock(tx, vm, params.disks)
    state.set_status(tx, row.id, SnapshotStatus.LOCKED)
    record(tx, BEGUN, call=call, vm=vm, snapshot=row.description)
    return begin(
        tx,
        REMOVE,
        params,
        call=call,
        locks=state.locks(str(vm.id), params.disks),
        subjects=(("vm", str(vm.id)),),
        state={"snapshot": row.description},
    )


def remove_disk(tx: Tx, call: Call, body: Any) -> Started:
    """DELETE /disks/ID/disksnapshots/ID: the snapshot goes on without that disk."""
    held = [row for row in tx.find(SnapshotDisk, disk_id=call.ids[0]) if row.volume_id == call.ids[1]]
    if not held:
        raise NotFound(f"DiskSnapshot: id={call.ids[1]}")
    row = tx.need(VmSnapshot, held[0].snapshot_id)
    vm = tx.need(Vm, row.vm_id)
    require(tx, call, Permit.MANIPULATE_VM_SNAPSHOTS, "vm", row.vm_id)
    disk = tx.need(Disk, call.ids[0])
    reasons = rules.REMOVE.refusals(vm) + state.refusals(tx, vm) + state.unusable([disk])
    if row.kind is not SnapshotType.REGULAR:
        reasons.append(rules.of_another_type(row.description))
    bodies.raise_all(reasons)
    bodies.raise_all(_room(tx, held[:1]))
    params = RemoveParams(
        vm_id=str(vm.id),
        snapshot_id=row.id,
        disks=(call.ids[0],),
        was=vm.status.value if vm.status else "down",
        only=held[0].id,
    )
    state.lock(tx, vm, params.disks)
    state.set_status(tx, row.id, SnapshotStatus.LOCKED)
    record(tx, DISK_BEGUN, call=call, vm=vm, snapshot=row.description, disk=disk.alias)
    return begin(
        tx,
        REMOVE_DISK,
        params,
        call=call,
        locks=state.locks(str(vm.id), params.disks),
        subjects=(("vm", str(vm.id)),),
        state={"snapshot": row.description, "disk": disk.alias or call.ids[0]},
    )


def _room(rd: Reader, held: list[SnapshotDisk]) -> list[Any]:
    """A base may grow by what its layer takes before the layer goes."""
    folds = [found for d in held if (found := merge.fold_of(rd, d)) is not None]
    needed = {}
    for found in folds:
        disk = rd.get(Disk, found.row.disk_id)
        needed[found.image.id] = (
            (disk.actual_size or 0) if disk is not None and found.top == found.image.volume_id else 0
        )
    return room(rd, [found.image for found in folds], needed)


def _begin(tx: Tx, ctx: Context) -> None:
    """Everything was locked with the request."""


def _let_go(tx: Tx, ctx: Context) -> None:
    """It stays, with the disks that are left."""
    p: RemoveParams = ctx.params
    state.set_status(tx, p.snapshot_id, SnapshotStatus.OK)
    state.unlock(tx, p.vm_id, p.disks, p.was)


async def _merge(ctx: Context) -> Callable[[Tx], None]:
    p: RemoveParams = ctx.params
    for row in await ctx.read(lambda rd: state.disks_of(rd, p.snapshot_id)):
        if p.only in ("", row.id):
            await merge.fold(ctx, p.vm_id, row)
    await merge.sweep(ctx, p.disks)
    sizes = await layers.measured(ctx, p.disks)

    def save(tx: Tx) -> None:
        sizes(tx)
        if p.only:
            state.set_status(tx, p.snapshot_id, SnapshotStatus.OK)
        else:
            forget(tx, p.snapshot_id)
        state.mark_illegal(tx, p.vm_id)
        state.unlock(tx, p.vm_id, p.disks, p.was)

    return save


def forget(tx: Tx, snapshot_id: str) -> None:
    """The snapshot's rows go, and its memory."""
    row = tx.get(VmSnapshot, snapshot_id)
    if row is None:
        return
    if row.memory is not None:
        memory.drop(tx, row.vm_id, row.memory)
    tx.delete(VmSnapshot, snapshot_id)


REMOVE = Command(
    name="snapshot.remove",
    params=RemoveParams,
    title="Removing a snapshot of VM {vm}",
    words=words,
    steps=(
        Step("begin", _begin, undo=_let_go, undo_own=True),
        Step("merge", _merge, title="Merging layers"),
    ),
    done=Audit(code=356, severity=N, text="Snapshot {snapshot} of VM {vm} was removed."),
    failed=Audit(code=357, severity=E, text="Snapshot {snapshot} of VM {vm} could not be removed: {reason}"),
)
REMOVE_DISK = Command(
    name="snapshot.remove_disk",
    params=RemoveParams,
    title="Removing a disk from a snapshot of VM {vm}",
    words=words,
    steps=REMOVE.steps,
    done=Audit(code=375, severity=N, text="Disk {disk} was removed from snapshot {snapshot} of VM {vm}."),
    failed=Audit(
        code=376, severity=E, text="Disk {disk} could not be removed from snapshot {snapshot} of VM {vm}: {reason}"
    ),
)
COMMANDS = (REMOVE, REMOVE_DISK)
