"""VMs with snapshots in a house: what tests of this room begin with."""

from typing import Any

from ovis.engine.model.types import Action, Disk, DiskAttachment, Snapshot, Vm
from ovis.engine.resources.disks.tables import DiskImage
from ovis.engine.resources.vms.actions import start, stop
from ovis.engine.resources.vms.snapshots import preview, remove, state, take
from ovis.engine.resources.vms.snapshots.layers import chain
from ovis.engine.resources.vms.snapshots.tables import VmSnapshot
from tests.faults.house import House
from tests.faults.test_steps import vm as plain_vm


async def vm(place: House, *, up: bool = False) -> str:
    """A VM with a disk and a NIC."""
    return await plain_vm(place, status="up" if up else "down")


async def boot(place: House, vm_id: str) -> None:
    """Start it."""
    await place.run(start.start, place.call(vm_id), Action())
    await place.vm_becomes(vm_id, "up")


async def halt(place: House, vm_id: str) -> None:
    """Stop it."""
    await place.run(stop.stop, place.call(vm_id), Action())
    await place.vm_becomes(vm_id, "down")


async def snap(place: House, vm_id: str, name: str, *, memory: bool | None = False, disks: Any = None) -> str:
    """A snapshot that is taken; its id."""
    chosen = [DiskAttachment(disk=Disk(id=d)) for d in disks] if disks is not None else None
    body = Snapshot(description=name, persist_memorystate=memory, disk_attachments=chosen)
    made = await place.run(take.add, place.call(vm_id), body)
    return str(made.id)


async def snapped(
    place: House, *, up: bool = False, count: int = 3, memory: bool | None = False
) -> tuple[str, list[str]]:
    """(VM, its snapshots s1, s2, ..., oldest first)."""
    vm_id = await vm(place, up=up)
    return vm_id, [await snap(place, vm_id, f"s{n + 1}", memory=memory) for n in range(count)]


async def drop(place: House, vm_id: str, snapshot: str) -> None:
    """Remove a snapshot."""
    await place.run(remove.remove, place.call(vm_id, snapshot), None)


def look_at(snapshot: str, **more: Any) -> Action:
    """The body of a preview."""
    return Action(snapshot=Snapshot(id=snapshot), **more)


async def previewed(place: House, vm_id: str, snapshot: str, **more: Any) -> None:
    """A VM in a preview."""
    await place.run(preview.preview, place.call(vm_id), look_at(snapshot, **more))


async def volumes(place: House, vm_id: str) -> dict[str, list[str]]:
    """Each disk's chain, top first, as the store has it."""

    def look(rd: Any) -> dict[str, list[str]]:
        return {r.disk_id: list(chain(rd, i.volume_id)) for r, _, i in state.attached_to(rd, vm_id)}

    found: dict[str, list[str]] = await place.read(look)
    return found


async def stored(place: House, disk_id: str) -> dict[str, str]:
    """Volumes of a disk's image on storage, with what they lie upon."""
    image: DiskImage = await place.read(lambda rd: rd.need(DiskImage, disk_id))
    rows = place.rack.state["domains"][image.domain_id]["images"][image.image_id]
    return {volume: row["parent"] for volume, row in rows.items()}


async def rows(place: House, vm_id: str) -> list[tuple[str, str, str]]:
    """(description, type, status) of the recorded snapshots."""
    found: list[VmSnapshot] = await place.read(lambda rd: state.of_vm(rd, vm_id))
    return [(r.description, r.kind.value, r.status.value) for r in found]


async def the_vm(place: House, vm_id: str) -> Vm:
    """Its document."""
    found: Vm = await place.read(lambda rd: rd.need(Vm, vm_id))
    return found
