"""What snapshots do to a VM's configuration and volumes, and when they are refused; on simulated hosts."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ovis.engine.commands import CommandFailed
from ovis.engine.declare.faults import Fault, Refused
from ovis.engine.model.enums import VmStatus
from ovis.engine.model.types import Action, Cluster, Disk, Nic, Snapshot, Template, Vm, VnicProfile
from ovis.engine.resources.disks.tables import DiskImage, VmDisk
from ovis.engine.resources.vms import nics, resource as vms
from ovis.engine.resources.vms.actions import clone, start, suspend
from ovis.engine.resources.vms.snapshots import preview, remove, show, state, take
from ovis.engine.resources.vms.snapshots.tables import active_id
from ovis.engine.resources.vms.state import VmNic, VmRuntime
from tests.engine.resources.vms.snapshots import scenes
from tests.faults.house import House, house
from tests.faults.test_steps import MIB, name, new_disk

S = VmStatus


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[House]:
    async with asyncio.timeout(120), house(tmp_path) as made:
        yield made


async def sound(place: House) -> None:
    """Storage, hosts and store say the same."""
    assert await place.violations() == []


async def refused(place: House, operation: Any, *ids: str, body: Any = None) -> list[str]:
    """Codes with which an operation is refused."""
    with pytest.raises(Refused) as caught:
        await place.begin(operation, place.call(*ids), body if body is not None else Action())
    return [reason.code for reason in caught.value.reasons]


async def change(place: House, vm_id: str, **values: Any) -> None:
    """Another configuration."""
    await place.engine.store.write(lambda tx: tx.update(replace(tx.need(Vm, vm_id), **values)))


async def add_nic(place: House, vm_id: str, called: str) -> None:
    """One more NIC."""
    profile = (await place.read(lambda rd: rd.select(VnicProfile)))[0]
    body = Nic(name=called, vnic_profile=VnicProfile(id=profile.id))
    await place.begin(lambda tx, call, b: nics.create(tx, tx.need(Vm, vm_id), b), place.call(vm_id), body)


async def macs(place: House, vm_id: str) -> dict[str, str]:
    """Addresses by NIC."""
    rows = await place.read(lambda rd: rd.find(VmNic, vm_id=vm_id))
    return {str(r.nic.name): str(r.nic.mac.address) for r in rows}


async def test_layers_follow_each_other_and_any_of_them_goes(place: House) -> None:
    vm_id, (first, second, third) = await scenes.snapped(place)
    ((disk_id, chain),) = (await scenes.volumes(place, vm_id)).items()
    assert len(chain) == 4
    assert await scenes.rows(place, vm_id) == [(f"s{n}", "regular", "ok") for n in (1, 2, 3)]
    await scenes.drop(place, vm_id, second)
    middle = await scenes.volumes(place, vm_id)
    assert middle[disk_id] == [chain[0], chain[2], chain[3]]  # the layer above went into the snapshot's volume
    await scenes.drop(place, vm_id, first)
    await scenes.drop(place, vm_id, third)
    assert await scenes.volumes(place, vm_id) == {disk_id: [chain[3]]}
    assert await scenes.stored(place, disk_id) == {chain[3]: "00000000-0000-0000-0000-000000000000"}
    assert await scenes.rows(place, vm_id) == []
    await sound(place)


async def test_a_running_guest_keeps_its_place_while_layers_come_and_go(place: House) -> None:
    vm_id, snapshots = await scenes.snapped(place, up=True)
    ((_, chain),) = (await scenes.volumes(place, vm_id)).items()
    for which in (1, 0, 2):
        await scenes.drop(place, vm_id, snapshots[which])
        assert (await scenes.the_vm(place, vm_id)).status is S.UP
    assert list((await scenes.volumes(place, vm_id)).values()) == [[chain[3]]]
    await sound(place)
    await scenes.halt(place, vm_id)
    await scenes.boot(place, vm_id)
    await sound(place)


async def test_a_preview_shows_what_was_and_undo_brings_back_what_is(place: House) -> None:
    vm_id = await scenes.vm(place)
    before = await scenes.the_vm(place, vm_id)
    snapshot = await scenes.snap(place, vm_id, "then")
    await change(place, vm_id, memory=512 * MIB, description="now")
    await add_nic(place, vm_id, "nic2")
    addresses, volumes = await macs(place, vm_id), await scenes.volumes(place, vm_id)
    await scenes.previewed(place, vm_id, snapshot)
    shown = await scenes.the_vm(place, vm_id)
    assert (shown.memory, shown.description, shown.name) == (before.memory, "now", before.name)
    assert list(await macs(place, vm_id)) == ["nic1"]
    assert await scenes.rows(place, vm_id) == [
        ("then", "regular", "in_preview"),
        ("Active VM before the preview", "preview", "ok"),
    ]
    await scenes.boot(place, vm_id)
    await sound(place)
    assert "ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL" in await refused(place, preview.undo, vm_id)
    await scenes.halt(place, vm_id)
    await place.run(preview.undo, place.call(vm_id), Action())
    after = await scenes.the_vm(place, vm_id)
    assert (after.memory, after.status) == (512 * MIB, S.DOWN)
    assert await macs(place, vm_id) == addresses
    assert await scenes.volumes(place, vm_id) == volumes
    assert await scenes.rows(place, vm_id) == [("then", "regular", "ok")]
    await sound(place)


async def test_a_commit_drops_what_is_newer(place: House) -> None:
    vm_id, snapshots = await scenes.snapped(place)
    old = await scenes.volumes(place, vm_id)
    await scenes.previewed(place, vm_id, snapshots[0])
    await place.run(preview.commit, place.call(vm_id), Action())
    assert await scenes.rows(place, vm_id) == [("s1", "regular", "ok")]
    ((disk_id, chain),) = (await scenes.volumes(place, vm_id)).items()
    assert chain[1:] == old[disk_id][-1:]
    assert set(await scenes.stored(place, disk_id)) == set(chain)
    await sound(place)
    await scenes.drop(place, vm_id, snapshots[0])
    assert list((await scenes.volumes(place, vm_id)).values()) == [old[disk_id][-1:]]
    await sound(place)


async def test_restore_is_both_in_one(place: House) -> None:
    vm_id, snapshots = await scenes.snapped(place)
    await change(place, vm_id, memory=512 * MIB)
    await place.run(preview.restore, place.call(vm_id, snapshots[1]), Action())
    assert await scenes.rows(place, vm_id) == [("s1", "regular", "ok"), ("s2", "regular", "ok")]
    assert (await scenes.the_vm(place, vm_id)).memory == 256 * MIB
    await sound(place)


async def two_disks(place: House) -> tuple[str, list[str]]:
    """A VM with two disks, and the disks."""
    from ovis.engine.model.enums import DiskInterface
    from ovis.engine.model.types import DiskAttachment
    from ovis.engine.resources.disks import attachments

    vm_id = await scenes.vm(place)
    body = DiskAttachment(disk=new_disk(), interface=DiskInterface.VIRTIO)
    await place.run(attachments._attached, place.call(vm_id), body)
    return vm_id, list(await scenes.volumes(place, vm_id))


async def test_a_part_of_the_disks_goes_back_and_the_rest_stays_with_its_snapshots(place: House) -> None:
    vm_id, (one, two) = await two_disks(place)
    first, _ = [await scenes.snap(place, vm_id, f"s{n}") for n in (1, 2)]
    old = await scenes.volumes(place, vm_id)
    await scenes.previewed(place, vm_id, first, disks=[Disk(id=one)])
    now = await scenes.volumes(place, vm_id)
    assert now[two] == old[two] and now[one][1:] == old[one][2:]
    await place.run(preview.commit, place.call(vm_id), Action())
    assert await scenes.rows(place, vm_id) == [("s1", "regular", "ok"), ("s2", "regular", "ok")]
    rows = await place.read(lambda rd: state.of_vm(rd, vm_id))
    kept = await place.read(lambda rd: [d.disk_id for d in state.disks_of(rd, rows[1].id)])
    assert kept == [two]
    await sound(place)
    for row in rows:
        await scenes.drop(place, vm_id, row.id)
    assert {d: len(c) for d, c in (await scenes.volumes(place, vm_id)).items()} == {one: 1, two: 1}
    await sound(place)


async def test_chosen_disks_alone_are_snapped_and_each_may_come_from_another_snapshot(place: House) -> None:
    vm_id, (one, two) = await two_disks(place)
    first = await scenes.snap(place, vm_id, "only one", disks=[one])
    second = await scenes.snap(place, vm_id, "both")
    assert [len(c) for c in (await scenes.volumes(place, vm_id)).values()] == [3, 2]
    chosen = [Disk(id=one, snapshot=Snapshot(id=first)), Disk(id=two, snapshot=Snapshot(id=second))]
    old = await scenes.volumes(place, vm_id)
    await scenes.previewed(place, vm_id, second, disks=chosen)
    now = await scenes.volumes(place, vm_id)
    assert (now[one][1:], now[two][1:]) == (old[one][2:], old[two][1:])
    await place.run(preview.undo, place.call(vm_id), Action())
    assert await scenes.volumes(place, vm_id) == old
    wrong = scenes.look_at(first, disks=[Disk(id=two)])
    assert await refused(place, preview.preview, vm_id, body=wrong) == ["ACTION_TYPE_FAILED_DISK_NOT_EXIST"]
    await sound(place)


async def test_disks_that_came_later_leave_with_a_preview_and_come_back_with_its_undo(place: House) -> None:
    vm_id, snapshots = await scenes.snapped(place, count=1)
    from ovis.engine.model.enums import DiskInterface
    from ovis.engine.model.types import DiskAttachment
    from ovis.engine.resources.disks import attachments

    body = DiskAttachment(disk=new_disk(), interface=DiskInterface.VIRTIO)
    await place.run(attachments._attached, place.call(vm_id), body)
    both = await scenes.volumes(place, vm_id)
    await scenes.previewed(place, vm_id, snapshots[0])
    assert len(await scenes.volumes(place, vm_id)) == 1
    await place.run(preview.undo, place.call(vm_id), Action())
    assert await scenes.volumes(place, vm_id) == both
    await place.run(preview.restore, place.call(vm_id, snapshots[0]), Action())
    (left,) = both.keys() - (await scenes.volumes(place, vm_id)).keys()
    assert await place.read(lambda rd: rd.get(Disk, left)) is not None
    assert await place.read(lambda rd: rd.find(VmDisk, disk_id=left)) == []
    await sound(place)


async def test_memory_is_kept_with_the_snapshot_however_often_it_is_gone_on_from(place: House) -> None:
    vm_id = await scenes.vm(place, up=True)
    snapshot = await scenes.snap(place, vm_id, "awake", memory=None)
    await scenes.halt(place, vm_id)
    for end in (preview.undo, preview.commit):
        await scenes.previewed(place, vm_id, snapshot, restore_memory=True)
        assert (await scenes.the_vm(place, vm_id)).status is S.SUSPENDED
        await scenes.boot(place, vm_id)
        await scenes.halt(place, vm_id)
        await place.run(end, place.call(vm_id), Action())
        assert (await scenes.the_vm(place, vm_id)).status is S.DOWN
        await sound(place)
    await scenes.previewed(place, vm_id, snapshot, restore_memory=True)
    await place.run(preview.commit, place.call(vm_id), Action())
    assert (await scenes.the_vm(place, vm_id)).status is S.SUSPENDED
    assert await place.read(lambda rd: rd.need(VmRuntime, vm_id).saved is not None)
    await scenes.boot(place, vm_id)
    await scenes.drop(place, vm_id, snapshot)  # its memory goes with it
    await place.at_rest()
    await sound(place)


async def test_a_stateless_run_leaves_nothing(place: House) -> None:
    vm_id = await scenes.vm(place)
    before = await scenes.volumes(place, vm_id)
    await change(place, vm_id, stateless=True)
    for _ in range(2):
        await scenes.boot(place, vm_id)
        assert await scenes.rows(place, vm_id) == [("Before a stateless run", "stateless", "ok")]
        assert [len(c) for c in (await scenes.volumes(place, vm_id)).values()] == [2]
        await sound(place)
        assert "ACTION_TYPE_FAILED_VM_RUNNING_STATELESS" in await refused(
            place, take.add, vm_id, body=Snapshot(description="no")
        )
        assert "ACTION_TYPE_FAILED_VM_RUNNING_STATELESS" in await refused(
            place, clone.clone, vm_id, body=Action(vm=Vm(name=name()))
        )
        assert "VM_CANNOT_SUSPEND_STATELESS_VM" in await refused(place, suspend.suspend, vm_id)
        await scenes.halt(place, vm_id)
        assert await scenes.volumes(place, vm_id) == before
        assert await scenes.rows(place, vm_id) == []
        await place.at_rest()
        await sound(place)


async def test_one_thing_at_a_time(place: House) -> None:
    vm_id, (snapshot,) = await scenes.snapped(place, count=1)
    assert await refused(place, preview.commit, vm_id) == ["ACTION_TYPE_FAILED_VM_SNAPSHOT_NOT_IN_PREVIEW"]
    await scenes.previewed(place, vm_id, snapshot)
    preview_code = "ACTION_TYPE_FAILED_VM_IN_PREVIEW"
    assert preview_code in await refused(place, take.add, vm_id, body=Snapshot(description="x"))
    assert preview_code in await refused(place, remove.remove, vm_id, snapshot)
    assert preview_code in await refused(place, preview.preview, vm_id, body=scenes.look_at(snapshot))
    assert preview_code in await refused(place, start.start, vm_id, body=Action(vm=Vm(stateless=True)))
    await place.run(preview.undo, place.call(vm_id), Action())
    held = await place.begin(take.add, place.call(vm_id), Snapshot(description="held"))
    reasons = await refused(place, take.add, vm_id, body=Snapshot(description="x"))
    assert "ACTION_TYPE_FAILED_VM_IS_DURING_SNAPSHOT" in reasons
    assert "ACTION_TYPE_FAILED_DISKS_LOCKED" in reasons
    await place.engine.runner.wait(held.command_id)
    for strange in ("6a5d1f62-0000-4000-8000-00000000dead", active_id(vm_id)):
        codes = await refused(place, preview.preview, vm_id, body=scenes.look_at(strange))
        assert codes == ["ACTION_TYPE_FAILED_VM_SNAPSHOT_DOES_NOT_EXIST"]
    await sound(place)


def fault(place: House, **faults: Any) -> None:
    """Something is wrong on every simulated host, or nothing."""
    for agent in place.agents:
        file = Path(agent.driver.settings.data) / "faults.json"  # type: ignore[union-attr]
        if faults:
            file.write_text(json.dumps(faults))
        else:
            file.unlink(missing_ok=True)


@pytest.mark.parametrize("up", [False, True])
async def test_a_merge_that_breaks_off_leaves_the_vm_and_is_ended_by_another_removal(place: House, up: bool) -> None:
    vm_id, (snapshot,) = await scenes.snapped(place, up=up, count=1)
    volumes = await scenes.volumes(place, vm_id)
    fault(place, fail_merge="no luck")
    with pytest.raises(CommandFailed):
        await scenes.drop(place, vm_id, snapshot)
    vm = await scenes.the_vm(place, vm_id)
    assert (vm.has_illegal_images, vm.status) == (True, S.UP if up else S.DOWN)
    assert await scenes.volumes(place, vm_id) == volumes
    assert await scenes.rows(place, vm_id) == [("s1", "regular", "ok")]
    if not up:
        codes = await refused(place, preview.preview, vm_id, body=scenes.look_at(snapshot))
        assert codes == ["ACTION_TYPE_FAILED_DISKS_ILLEGAL"]
    fault(place)
    await scenes.drop(place, vm_id, snapshot)
    assert (await scenes.the_vm(place, vm_id)).has_illegal_images is False
    await sound(place)


async def test_a_snapshot_that_fails_leaves_nothing(place: House) -> None:
    vm_id = await scenes.vm(place, up=True)
    before = await scenes.volumes(place, vm_id)
    fault(place, fail_snapshot="no luck")
    with pytest.raises(Fault, match="no luck"):
        await scenes.snap(place, vm_id, "never", memory=None)
    fault(place)
    assert await scenes.volumes(place, vm_id) == before
    assert await scenes.rows(place, vm_id) == []
    await sound(place)


async def test_a_guest_that_ends_while_its_layers_are_merged_is_no_loss(place: House) -> None:
    vm_id, snapshots = await scenes.snapped(place, up=True, count=2)
    begun = await place.begin(remove.remove, place.call(vm_id, snapshots[0]), None)
    for agent in place.agents:
        agent.driver.power_cut()  # type: ignore[union-attr]
    from ovis.engine.resources.vms.monitoring import host_cleared

    runtime = await place.read(lambda rd: rd.need(VmRuntime, vm_id))
    await host_cleared(place.engine.services, str(runtime.host_id))
    await place.engine.runner.wait(begun.command_id)
    assert [d for d, _, _ in await scenes.rows(place, vm_id)] == ["s2"]
    await place.until(lambda rd: rd.need(Vm, vm_id).status is S.DOWN, "down")
    await sound(place)


def _images(rd: Any, vm_id: str) -> list[DiskImage]:
    return [rd.need(DiskImage, row.disk_id) for row in rd.find(VmDisk, vm_id=vm_id)]


async def test_copies_are_independent(place: House) -> None:
    vm_id, (snapshot, _) = await scenes.snapped(place, up=True, count=2)
    made = await place.begin(clone.clone, place.call(vm_id), Action(vm=Vm(name=name())))
    await place.engine.runner.wait(made.command_id)
    body = Vm(
        name=name(),
        cluster=Cluster(name="Default"),
        template=Template(name="Blank"),
        snapshots=[Snapshot(id=snapshot)],
    )
    second = await place.run(vms.add, place.call(), body)
    for copy_id in (str(made.entity.id), str(second.id)):
        copy = await scenes.the_vm(place, copy_id)
        assert (copy.status, copy.memory) == (S.DOWN, 256 * MIB)
        assert await scenes.rows(place, copy_id) == []
        assert [len(c) for c in (await scenes.volumes(place, copy_id)).values()] == [1]
        assert not set((await macs(place, copy_id)).values()) & set((await macs(place, vm_id)).values())
        held = await place.read(partial(_images, vm_id=copy_id))
        assert [i.parent for i in held] == [None]
    assert len(await scenes.rows(place, vm_id)) == 2
    assert (await scenes.the_vm(place, vm_id)).status is S.UP
    await sound(place)


async def test_what_the_api_shows(place: House) -> None:
    vm_id, (snapshot,) = await scenes.snapped(place, count=1)
    await add_nic(place, vm_id, "nic2")
    call = place.call(vm_id, all_content="true")
    rows = await place.read(lambda rd: show.listed(rd, call, [vm_id])[vm_id])
    assert [(r.description, r.snapshot_type) for r in rows] == [("Active VM", "active"), ("s1", "regular")]
    assert all(r.initialization.configuration.type == "ovf" for r in rows)
    assert "256 MB of memory" in rows[1].initialization.configuration.data
    ids = [str(r.id) for r in rows]
    found = await place.read(lambda rd: show.disks(rd, call, ids))
    now, then = found[ids[0]][0], found[ids[1]][0]
    assert now.id == then.id and now.image_id != then.image_id
    assert then.snapshot.id == snapshot
    counts = await place.read(lambda rd: [len(v) for v in show.nics(rd, call, ids).values()])
    assert counts == [2, 1]
    assert [len(v) for v in (await place.read(lambda rd: show.cdroms(rd, call, ids))).values()] == [1, 1]
    volumes = await place.read(lambda rd: show.disk_snapshots(rd, place.call(include_active="true"), [str(now.id)]))
    assert [v.id for v in volumes[str(now.id)]] == [then.image_id, now.image_id]
    assert volumes[str(now.id)][1].parent.id == then.image_id
