"""A running guest takes snapshots and loses layers again: any of them, also when the agent dies in between."""

import asyncio
import re
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ovis.contract.domain.chains import chains_of
from ovis.contract.domain.specs import Disk
from ovis.contract.errors import VerbError
from tests.agent.rack import MIB, Client, Lab, connect, console, create, domain, missing, rack_of, ticks
from tests.agent.storage.lab import qemu_io

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")
_body = rack_of(1)
SIZE = 16 * MIB


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    yield from _body()


async def layer(lab: Lab, client: Client, disk: Disk, parent: str) -> str:
    """A new volume upon one of the disk's."""
    volume = str(uuid.uuid4())
    task = await client(
        "Volume.create",
        volumeID=volume,
        storagepoolID=disk.pool_id,
        storagedomainID=disk.domain_id,
        imageID=disk.image_id,
        size=str(SIZE),
        volFormat=4,
        preallocate=2,
        diskType="DATA",
        desc="",
        srcImgUUID=disk.image_id,
        srcVolUUID=parent,
    )
    await lab.storage.task(client, task)
    return volume


async def job(client: Client, job_id: str) -> dict[str, Any]:
    """A job's last row."""
    while True:
        row = (await client("Host.getJobs", job_ids=[job_id])).get(job_id)
        if row is not None and row["status"] not in ("pending", "running"):
            return dict(row)
        await asyncio.sleep(0.1)


async def snapshot(client: Client, vm_id: str, disk: Disk, base: str, volume: str, **more: Any) -> dict[str, Any]:
    """VM.snapshot to its end."""
    job_id = str(uuid.uuid4())
    drive = {"domainID": disk.domain_id, "imageID": disk.image_id, "baseVolumeID": base, "volumeID": volume}
    await client("VM.snapshot", vmID=vm_id, snapDrives=[drive], jobUUID=job_id, **more)
    return await job(client, job_id)


async def volumes(client: Client, vm_id: str, disk: Disk) -> tuple[str, ...]:
    """The disk's chain as the host tells it, top first."""
    return chains_of((await client("Host.dumpxmls", vmList=[vm_id]))[vm_id])[disk.image_id].volumes


async def merge(client: Client, vm_id: str, disk: Disk, base: str, top: str) -> str:
    """Begin VM.merge; the job's id."""
    job_id = str(uuid.uuid4())
    drive = {"poolID": disk.pool_id, "domainID": disk.domain_id, "imageID": disk.image_id, "volumeID": top}
    await client("VM.merge", vmID=vm_id, drive=drive, baseVolUUID=base, topVolUUID=top, jobUUID=job_id, bandwidth="0")
    return job_id


async def merged(client: Client, vm_id: str, job_id: str) -> None:
    """Wait until the job is gone."""
    for _ in range(400):
        if job_id not in (await client.stats(vm_id))["vmJobs"]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(client.agent.told())


async def write(lab: Lab, vm_id: str, number: int) -> None:
    """A MiB of a number, written through the guest's own device, so into whatever layer is active."""
    uri = str(lab.rack.host("h1")["uri_unix"])
    blocks = await asyncio.to_thread(monitor, uri, vm_id, "info block")
    device = re.search(r"(/machine/peripheral/\S+/virtio-backend)", blocks)
    assert device is not None, blocks
    command = f'qemu-io -d {device[1]} "write -P {number} {number}M 1M"'
    told = await asyncio.to_thread(monitor, uri, vm_id, command)
    assert "Permission" not in told and "rror" not in told, told


def monitor(uri: str, vm_id: str, command: str) -> str:
    """A command of QEMU's monitor."""
    done = subprocess.run(
        ["virsh", "-c", uri, "qemu-monitor-command", vm_id, "--hmp", command],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


async def guest(lab: Lab, client: Client) -> tuple[str, str, Disk]:
    """(id, its XML, its disk) of a ticking guest with room to write."""
    disk = await lab.guest(client)
    path = await lab.storage.path(client, disk)
    with path.open("r+b") as file:
        file.truncate(SIZE)
    vm_id, xml = domain(disks=[disk])
    await create(client, vm_id, xml)
    await client.until(vm_id, "Powering up", "Up")
    return vm_id, xml, disk


async def test_any_layer_is_merged_under_a_running_guest(lab: Lab) -> None:
    async with asyncio.timeout(170), lab.clients() as (client,):
        vm_id, _, disk = await guest(lab, client)
        chain = [disk.volume_id]
        for number in range(2, 6):
            await write(lab, vm_id, number)
            volume = await layer(lab, client, disk, chain[-1])
            row = await snapshot(client, vm_id, disk, chain[-1], volume)
            assert row["status"] == "done", (row, client.agent.told())
            chain.append(volume)
        assert await volumes(client, vm_id, disk) == tuple(reversed(chain))
        await write(lab, vm_id, 6)
        # middle, base, active
        for at in (2, 1, 2):
            base, top = chain[at - 1], chain.pop(at)
            await merged(client, vm_id, await merge(client, vm_id, disk, base, top))
            assert await volumes(client, vm_id, disk) == tuple(reversed(chain)), client.agent.told()
            await merge(client, vm_id, disk, base, top)  # again: nothing to do
        assert ticks(console(lab.agents["h1"], vm_id))
        assert (await client.stats(vm_id))["status"] in ("Up", "Powering up")
        assert "Paused" not in client.statuses(vm_id)
        await client("VM.destroy", vmID=vm_id)
        path = await lab.storage.path(client, disk)
        qemu_io(path.with_name(chain[-1]), *(f"read -P {n} {n}M 1M" for n in range(2, 7)), form="qcow2")


@pytest.mark.long
async def test_an_agent_that_is_killed_finds_its_snapshot_and_its_merge(lab: Lab) -> None:
    async with asyncio.timeout(170), lab.clients() as (client,):
        vm_id, _, disk = await guest(lab, client)
        await write(lab, vm_id, 2)
        volume = await layer(lab, client, disk, disk.volume_id)
        job_id = str(uuid.uuid4())
        drive = {
            "domainID": disk.domain_id, "imageID": disk.image_id, "baseVolumeID": disk.volume_id, "volumeID": volume,
        }  # fmt: skip
        await client("VM.snapshot", vmID=vm_id, snapDrives=[drive], jobUUID=job_id)
        client = await again(lab, client)
        row = await job(client, job_id)
        used = await volumes(client, vm_id, disk) == (volume, disk.volume_id)
        assert (row["status"] == "done") == used, row
        if not used:
            assert (await snapshot(client, vm_id, disk, disk.volume_id, volume))["status"] == "done"
        await write(lab, vm_id, 3)
        merging = await merge(client, vm_id, disk, disk.volume_id, volume)
        client = await again(lab, client)
        await merged(client, vm_id, merging)
        if await volumes(client, vm_id, disk) != (disk.volume_id,):
            await merged(client, vm_id, await merge(client, vm_id, disk, disk.volume_id, volume))
        assert await volumes(client, vm_id, disk) == (disk.volume_id,), client.agent.told()
        assert ticks(console(lab.agents["h1"], vm_id))
        path = await lab.storage.path(client, disk)
        await client("VM.destroy", vmID=vm_id)
        qemu_io(path, "read -P 2 2M 1M", "read -P 3 3M 1M", form="raw")
        await client.close()


async def again(lab: Lab, client: Client) -> Client:
    """The same host after its agent was killed."""
    agent = lab.agents["h1"]
    await client.close()
    await asyncio.to_thread(agent.kill)
    agent.start()
    fresh = await connect(agent)
    await lab.storage.connect(fresh, lab.folder, 1)
    return fresh


async def test_memory_is_part_of_a_snapshot_and_the_guest_goes_on_from_it(lab: Lab) -> None:
    async with asyncio.timeout(170), lab.clients() as (client,):
        vm_id, xml, disk = await guest(lab, client)
        seen = ticks(console(lab.agents["h1"], vm_id))[-1]
        dump, setup = await lab.storage.volume(client, 128 * MIB), await lab.storage.volume(client, MIB)
        handle = ",".join(
            (dump.domain_id, dump.pool_id, dump.image_id, dump.volume_id, setup.image_id, setup.volume_id)
        )
        volume = await layer(lab, client, disk, disk.volume_id)
        row = await snapshot(client, vm_id, disk, disk.volume_id, volume, snapMemory=handle)
        assert row["status"] == "done", (row, client.agent.told())
        assert ticks(console(lab.agents["h1"], vm_id))[-1] > seen
        assert "Paused" not in client.statuses(vm_id)
        later = ticks(console(lab.agents["h1"], vm_id))[-1]
        await asyncio.sleep(2)
        await client("VM.destroy", vmID=vm_id)
        preview = await layer(lab, client, disk, disk.volume_id)
        ids = ("poolID", "domainID", "imageID", "volumeID")
        place = dict(zip(ids, (dump.pool_id, dump.domain_id, dump.image_id, dump.volume_id), strict=True))
        conf = place | {"imageID": setup.image_id, "volumeID": setup.volume_id}
        await create(client, vm_id, xml.replace(disk.volume_id, preview), memoryDumpVolume=place, memoryConfVolume=conf)
        await client.until(vm_id, "Up", "Powering up")
        assert await volumes(client, vm_id, disk) == (preview, disk.volume_id)
        back = ticks(console(lab.agents["h1"], vm_id))[0]
        assert seen <= back <= later + 20
        await client("VM.destroy", vmID=vm_id)


async def test_what_does_not_fit_is_refused(lab: Lab) -> None:
    async with asyncio.timeout(120), lab.clients() as (client,):
        vm_id, _, disk = await guest(lab, client)
        row = await snapshot(client, vm_id, disk, str(uuid.uuid4()), str(uuid.uuid4()))
        assert (row["status"], row["error"]["code"]) == ("failed", 48)
        with pytest.raises(VerbError, match="does not use volume"):
            await merge(client, vm_id, disk, str(uuid.uuid4()), disk.volume_id)
        with pytest.raises(VerbError, match="list"):
            await client("VM.snapshot", vmID=vm_id, snapDrives="all", jobUUID=str(uuid.uuid4()))
        assert await volumes(client, vm_id, disk) == (disk.volume_id,)
        await client("VM.destroy", vmID=vm_id)
