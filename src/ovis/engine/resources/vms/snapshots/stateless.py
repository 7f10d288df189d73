"""Stateless runs: a snapshot is taken at the start and undone when the VM is down again, however that comes.

Does: layers for one run, dropped with everything that was written in it. Does not: start or stop the VM.
Follows: defaults of engine 4.5 (a hidden snapshot at start; meanwhile no snapshots, no suspension, no clones).
"""

from collections.abc import Callable

from ovis.engine.commands import Context
from ovis.engine.model.enums import SnapshotStatus, SnapshotType, VmStatus
from ovis.engine.model.types import Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.disks.tables import DiskImage
from ovis.engine.resources.vms.snapshots import layers, rules, state
from ovis.engine.resources.vms.snapshots.layers import NewLayer
from ovis.engine.resources.vms.snapshots.tables import VmSnapshot
from ovis.engine.resources.vms.snapshots.take import room
from ovis.engine.store.session import Reader, Tx

_DESCRIPTION = "Before a stateless run"


def planned(rd: Reader, vm: Vm) -> tuple[NewLayer, ...]:
    """What a stateless start needs. Refused if there is no room, or snapshots are in the way."""
    attached = state.copied(state.attached_to(rd, str(vm.id)))
    rows = state.of_vm(rd, str(vm.id))
    reasons = rules.busy(vm, [r.kind for r in rows], [r.status for r in rows])
    bodies.raise_all(reasons + room(rd, [image for _, _, image in attached]))
    return layers.planned((held.disk_id, image.volume_id) for held, _, image in attached)


async def begin(ctx: Context) -> Callable[[Tx], None] | None:
    """A step of the start: layers that this run writes to."""
    p = ctx.params
    if not p.stateless:
        return None
    await layers.make(ctx, p.stateless)

    def save(tx: Tx) -> None:
        vm = tx.need(Vm, p.vm_id)
        snapshot_id = bodies.derived_id("stateless", ctx.command_id)
        wanted = {layer.disk_id for layer in p.stateless}
        held = [row for row in state.attached_to(tx, p.vm_id) if row[0].disk_id in wanted]
        state.insert(
            tx,
            vm,
            snapshot_id,
            SnapshotType.STATELESS,
            held,
            description=_DESCRIPTION,
            status=SnapshotStatus.OK,
        )
        layers.known(tx, p.stateless)
        for layer in p.stateless:
            layers.use(tx, layer.disk_id, layer.volume)

    return save


def give_up(tx: Tx, ctx: Context) -> None:
    """The start failed. If a guest may run nevertheless, its end ends the run."""
    p = ctx.params
    vm = tx.get(Vm, p.vm_id)
    if not p.stateless or vm is None or vm.status is not VmStatus.DOWN:
        return
    if not ended(tx, p.vm_id):
        layers.drop(tx, p.vm_id, p.stateless)


def ended(tx: Tx, vm_id: str) -> bool:
    """The VM is down: its disks are what they were before a stateless run. False if it was none."""
    rows = [row for row in state.of_vm(tx, vm_id) if row.kind is SnapshotType.STATELESS]
    for row in rows:
        written = []
        for held in state.disks_of(tx, row.id):
            image = tx.get(DiskImage, held.disk_id)
            if image is not None and image.volume_id != held.volume_id:
                written.append(NewLayer(held.disk_id, held.volume_id, image.volume_id))
                layers.use(tx, held.disk_id, held.volume_id, held.disk)
        layers.drop(tx, vm_id, written)
        tx.delete(VmSnapshot, row.id)
    return bool(rows)
