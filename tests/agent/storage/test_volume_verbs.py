"""Volumes and images with real qemu-img: formats, layers, growth, deletion, full disks."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ovis.contract.errors import Code
from tests.agent.storage.lab import BLANK, MIB, Host, Pool, new_id, qemu_img, qemu_io, same_content


async def test_formats_and_allocations_are_what_was_asked_for(host: Host, pool: Pool) -> None:
    rows = {}
    for form, preallocate in ((4, 2), (5, 2), (5, 1), ("COW", "SPARSE"), ("RAW", "PREALLOCATED")):
        image, volume = await pool.volume(4 * MIB, form=form, preallocate=preallocate)
        info = await pool.info(image, volume)
        seen = await host.call("Volume.getQemuImageInfo", **pool.ids(image, volume))
        rows[form, preallocate] = (info["format"], info["type"], seen["format"], int(info["truesize"]) >= 4 * MIB)
        assert (info["capacity"], seen["virtualsize"]) == (str(4 * MIB), 4 * MIB)
        size = await host.call("Volume.getSize", **pool.ids(image, volume))
        assert size == {"apparentsize": info["apparentsize"], "truesize": info["truesize"]}
        path = await host.storage.volume_path(pool.id, pool.domain, image, volume)
        assert path == pool.file(image, volume)
        assert await host.storage.volume_format(pool.id, pool.domain, image, volume) == seen["format"]
        assert await host.call("Image.prepare", **pool.ids(image, volume)) == {"path": str(path)}
        await host.call("Image.teardown", **pool.ids(image, volume))
        await host.storage.release(pool.id, pool.domain, image, volume)
    assert rows == {
        (4, 2): ("COW", "SPARSE", "qcow2", False),
        (5, 2): ("RAW", "SPARSE", "raw", False),
        (5, 1): ("RAW", "PREALLOCATED", "raw", True),
        ("COW", "SPARSE"): ("COW", "SPARSE", "qcow2", False),
        ("RAW", "PREALLOCATED"): ("RAW", "PREALLOCATED", "raw", True),
    }


async def test_getinfo_says_what_vdsm_says(host: Host, pool: Pool) -> None:
    image, volume = await pool.volume(MIB + 1, form=5)
    info = await pool.info(image, volume)
    assert info["capacity"] == str(MIB + 512)  # whole sectors
    assert int(info["ctime"]) > 1_700_000_000
    fixed = {k: v for k, v in info.items() if k not in ("capacity", "ctime", "truesize", "apparentsize")}
    assert fixed == {
        "uuid": volume,
        "image": image,
        "domain": pool.domain,
        "pool": pool.id,
        "format": "RAW",
        "type": "SPARSE",
        "allocType": "SPARSE",
        "parent": BLANK,
        "children": [],
        "disktype": "DATA",
        "description": '{"DiskAlias":"d","DiskDescription":""}',
        "legality": "LEGAL",
        "generation": 0,
        "sequence": 0,
        "mtime": "0",
        "voltype": "LEAF",
        "status": "OK",
        "lease": {},
    }


async def test_an_initial_size_is_allocated_and_no_more(pool: Pool) -> None:
    image, volume = await pool.volume(64 * MIB, form=5, preallocate=1, initialSize=str(MIB))
    info = await pool.info(image, volume)
    assert MIB <= int(info["truesize"]) < 8 * MIB
    assert info["apparentsize"] == str(64 * MIB)


async def test_the_same_creation_again_is_no_error_another_one_is(host: Host, pool: Pool) -> None:
    image, volume = new_id(), new_id()
    wanted = pool.creation(image, volume, MIB)
    first, second = await asyncio.gather(host.call("Volume.create", **wanted), host.call("Volume.create", **wanted))
    assert first == second  # the same work runs once
    assert (await host.end(first))["taskResult"] == "success"
    await host.done("Volume.create", **wanted)
    qemu_io(pool.file(image, volume), "write -P 5 0 64k", form="qcow2")
    status = await host.outcome("Volume.create", **(wanted | {"volFormat": 5}))
    assert (status["code"], status["taskResult"]) == (Code.VOLUME_EXISTS, "cleanSuccess")
    qemu_io(pool.file(image, volume), "read -P 5 0 64k", form="qcow2")  # nothing was overwritten


async def test_layers_are_relative_so_that_the_data_moves(host: Host, pool: Pool, tmp_path: Path) -> None:
    base = await pool.volume(8 * MIB, form=5)
    qemu_io(pool.file(*base), "write -P 1 0 1M", form="raw")
    thin = await pool.volume(8 * MIB, parent=base)
    top = (thin[0], new_id())
    qemu_io(pool.file(*thin), "write -P 2 1M 1M", form="qcow2")
    await host.done("Volume.create", **pool.creation(*top, 8 * MIB, parent=thin))
    qemu_io(pool.file(*top), "read -P 1 0 1M", "read -P 2 1M 1M", form="qcow2")
    roles = [(await pool.info(*v))["voltype"] for v in (base, thin, top)]
    assert roles == ["SHARED", "INTERNAL", "LEAF"]
    assert (await pool.info(*thin))["children"] == [top[1]]
    assert (await pool.info(*top))["parent"] == thin[1]
    moved = tmp_path / "moved"
    pool.folder.rename(moved)
    path = moved / pool.domain / "images" / top[0] / top[1]
    qemu_io(path, "read -P 1 0 1M", "read -P 2 1M 1M", form="qcow2")
    moved.rename(pool.folder)


async def test_what_carries_others_is_not_deleted(host: Host, pool: Pool) -> None:
    base = await pool.volume(MIB, form=5)
    thin = await pool.volume(MIB, parent=base)
    top = (thin[0], new_id())
    await host.done("Volume.create", **pool.creation(*top, MIB, parent=thin))
    deletion = {"postZero": False, "force": True}
    refused = await host.outcome("Image.delete", **pool.ids(base[0]), **deletion)
    assert (refused["code"], refused["taskResult"]) == (Code.VOLUME_SHARED, "cleanSuccess")
    refused = await host.outcome("Image.deleteVolumes", **pool.ids(thin[0]), volumeList=[thin[1]], **deletion)
    assert refused["code"] == Code.VOLUME_HAS_CHILDREN
    for _ in range(2):
        await host.done("Image.deleteVolumes", **pool.ids(thin[0]), volumeList=[top[1]], **deletion)
    assert (await pool.info(*thin))["voltype"] == "LEAF"
    await host.done("Volume.delete", **pool.ids(*thin), **deletion)
    assert (await pool.info(*base))["voltype"] == "LEAF"
    assert not pool.file(*thin).parent.exists()
    await host.done("Image.delete", **pool.ids(base[0]), **deletion)
    assert await host.code("Image.delete", **pool.ids(base[0]), **deletion) == Code.IMAGE_MISSING
    assert await host.code("Volume.getInfo", **pool.ids(*base)) == Code.VOLUME_NOT_FOUND
    assert os.listdir(pool.folder / pool.domain / "images") == []


async def test_a_wrong_parent_is_refused_and_leaves_nothing(host: Host, pool: Pool) -> None:
    base = await pool.volume(2 * MIB, form=5)
    image, volume = new_id(), new_id()

    async def refused(**changes: object) -> int:
        wanted = pool.creation(image, volume, 2 * MIB, parent=base) | changes
        return int((await host.outcome("Volume.create", **wanted))["code"])

    assert await refused(volFormat=5) == Code.VOLUME_FORMAT
    assert await refused(size=str(MIB)) == Code.VOLUME_SIZE
    assert await refused(srcVolUUID=new_id()) == Code.VOLUME_NOT_FOUND
    await host.call("Volume.setLegality", **pool.ids(*base), legality="ILLEGAL")
    assert await refused() == Code.PARENT_ILLEGAL
    assert await host.code("Image.prepare", **pool.ids(*base)) == Code.VOLUME_ILLEGAL
    await host.call("Image.prepare", **pool.ids(*base), allowIllegal=True)
    assert await host.call("StorageDomain.getImages", storagedomainID=pool.domain) == [base[0]]


async def test_volumes_grow_and_never_shrink(host: Host, pool: Pool) -> None:
    for form in (4, 5):
        image, volume = await pool.volume(2 * MIB, form=form)
        for _ in range(2):
            await host.done("Volume.extendSize", **pool.ids(image, volume), newSize=str(6 * MIB))
        info = await pool.info(image, volume)
        seen = await host.call("Volume.getQemuImageInfo", **pool.ids(image, volume))
        assert (info["capacity"], seen["virtualsize"]) == (str(6 * MIB), 6 * MIB)
        shrunk = await host.outcome("Volume.extendSize", **pool.ids(image, volume), newSize=str(MIB))
        assert shrunk["code"] == Code.VOLUME_RESIZE
    image, volume = await pool.volume(2 * MIB, form=5, preallocate=1)
    await host.done("Volume.extendSize", **pool.ids(image, volume), newSize=str(6 * MIB))
    assert int((await pool.info(image, volume))["truesize"]) >= 6 * MIB


async def test_a_disk_that_grew_under_its_guest_is_reported_so(host: Host, pool: Pool) -> None:
    image, volume = await pool.volume(2 * MIB)
    qemu_img("resize", "-q", str(pool.file(image, volume)), "8M")
    assert (await pool.info(image, volume))["capacity"] == str(8 * MIB)


async def test_a_volume_in_use_is_busy(host: Host, pool: Pool) -> None:
    image, volume = await pool.volume(2 * MIB)
    guest = await asyncio.create_subprocess_exec(
        "qemu-io", "-f", "qcow2", str(pool.file(image, volume)), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert guest.stdout is not None and guest.stdin is not None
    guest.stdin.write(b"read 0 512\n")
    await guest.stdout.readuntil(b"read 512/512")
    busy = await host.outcome("Volume.extendSize", **pool.ids(image, volume), newSize=str(6 * MIB))
    seen = await host.call("Volume.getQemuImageInfo", **pool.ids(image, volume))
    await guest.communicate(b"quit\n")
    assert (busy["code"], busy["taskResult"]) == (Code.VOLUME_BUSY, "cleanSuccess")
    assert seen["virtualsize"] == 2 * MIB
    await host.done("Volume.extendSize", **pool.ids(image, volume), newSize=str(6 * MIB))


async def test_descriptions_and_legality_are_kept(host: Host, pool: Pool) -> None:
    image, volume = await pool.volume(MIB)
    text = '{"DiskAlias":"Größe=1","DiskDescription":"a\\nb"}'
    await host.call("Volume.setDescription", **pool.ids(image, volume), description=text)
    assert (await pool.info(image, volume))["description"] == text
    await host.call("Volume.setDescription", **pool.ids(image, volume), description="a\nLEGALITY=FAKE\rb")
    found = await pool.info(image, volume)
    assert (found["description"], found["legality"]) == ("a LEGALITY=FAKE b", "LEGAL")
    await host.call("Volume.setLegality", **pool.ids(image, volume), legality="ILLEGAL")
    assert (await pool.info(image, volume))["status"] == "ILLEGAL"
    assert await host.code("Volume.setLegality", **pool.ids(image, volume), legality="NICE") == 91
    await host.call("StorageDomain.setDescription", storagedomainID=pool.domain, description="new\nROLE=x")
    found = await host.call("StorageDomain.getInfo", storagedomainID=pool.domain)
    assert (found["name"], found["role"]) == ("new ROLE=x", "Master")
    await host.call("StoragePool.setDescription", storagepoolID=pool.id, description="named")
    assert (await host.call("StoragePool.getInfo", storagepoolID=pool.id))["info"]["name"] == "named"
    await host.call("StorageDomain.validate", storagedomainID=pool.domain)


async def test_a_copy_is_whole_and_stands_alone(host: Host, pool: Pool) -> None:
    base = await pool.volume(4 * MIB, form=5)
    qemu_io(pool.file(*base), "write -P 1 0 1M", form="raw")
    top = await pool.volume(4 * MIB, parent=base)
    qemu_io(pool.file(*top), "write -P 2 1M 1M", form="qcow2")
    for form, kind in (("COW", "SHARED"), ("RAW", "LEAF")):
        target = (new_id(), new_id())
        params = pool.ids(*top) | {
            "dstSdUUID": pool.domain,
            "dstImgUUID": target[0],
            "dstVolUUID": target[1],
            "desc": "copied",
            "volType": kind,
            "volFormat": form,
            "preallocate": "SPARSE",
            "postZero": "false",
            "force": "false",
        }
        for _ in range(2):
            await host.done("Volume.copy", **params)
        info = await pool.info(*target)
        assert (info["parent"], info["voltype"], info["description"]) == (BLANK, kind, "copied")
        forms = {"COW": "qcow2", "RAW": "raw"}
        assert same_content(pool.file(*top), "qcow2", pool.file(*target), forms[form])


async def test_measure_tells_layers_from_chains(host: Host, pool: Pool) -> None:
    base = await pool.volume(8 * MIB, form=5)
    qemu_io(pool.file(*base), "write -P 1 0 4M", form="raw")
    top = await pool.volume(8 * MIB, parent=base)
    qemu_io(pool.file(*top), "write -P 2 6M 64k", form="qcow2")
    whole = await host.call("Volume.measure", **pool.ids(*top), dstVolFormat=4, backing_chain=True)
    layer = await host.call("Volume.measure", **pool.ids(*top), dstVolFormat="COW", backing_chain=False)
    assert layer["required"] + 3 * MIB < whole["required"] < 8 * MIB


async def test_metadata_follows_the_files_after_a_merge(host: Host, pool: Pool) -> None:
    base = await pool.volume(4 * MIB, form=5)
    middle, leaf = (base[0], new_id()), (base[0], new_id())
    await host.done("Volume.create", **pool.creation(*middle, 4 * MIB, parent=base))
    await host.done("Volume.create", **pool.creation(*leaf, 4 * MIB, parent=middle))
    chain = {"storagepoolID": pool.id, "storagedomainID": pool.domain, "imageID": base[0], "leafVolID": leaf[1]}
    assert await host.call("Image.reconcileVolumeChain", **chain) == [base[1], middle[1], leaf[1]]
    qemu_img("rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", base[1], str(pool.file(*leaf)))
    assert await host.call("Image.reconcileVolumeChain", **chain) == [base[1], leaf[1]]
    assert (await pool.info(*leaf))["parent"] == base[1]
    await host.done("Image.deleteVolumes", **pool.ids(base[0]), volumeList=middle[1], postZero=False, force=False)
    assert await host.call("Image.getVolumes", **pool.ids(base[0])) == sorted((base[1], leaf[1]))


async def test_a_stopped_task_leaves_nothing(host: Host, pool: Pool) -> None:
    lock = host.storage.core.image_lock(pool.domain, image := new_id())
    async with lock:  # the task waits behind another one on the image
        task_id = await host.call("Volume.create", **pool.creation(image, new_id(), MIB))
        assert await host.code("Task.clear", taskID=task_id) == Code.TASK_NOT_FINISHED
        assert await host.code("StoragePool.spmStop", storagepoolID=pool.id) == Code.TASKS_RUNNING
        await host.call("Task.stop", taskID=task_id)
    status = await host.end(task_id)
    assert (status["code"], status["taskResult"]) == (Code.TASK_ABORTED, "cleanSuccess")
    assert await host.call("StorageDomain.getImages", storagedomainID=pool.domain) == []


@pytest.fixture
async def small(host: Host) -> AsyncIterator[Pool]:
    """A pool on a file system of 24 MiB, mounted by the agent."""
    pool = Pool(host, Path("/ovis-small"), kind=6, params={"vfs_type": "tmpfs", "mnt_options": "size=24m"})
    rows = await host.call(
        "StoragePool.connectStorageServer", storagepoolID=pool.id, domainType=6, connectionParams=[pool.connection]
    )
    if rows[0]["status"] == Code.MOUNT_FAILED:
        pytest.skip(f"nothing can be mounted here: {rows[0]['message']}")
    await pool.create()
    pool.folder = host.data / "rhev/data-center/mnt/_ovis-small"
    yield pool
    await host.call("StoragePool.spmStop", storagepoolID=pool.id)
    answer = await host.call(
        "StoragePool.disconnectStorageServer", storagepoolID=pool.id, domainType=6, connectionParams=[pool.connection]
    )
    assert answer[0]["status"] == 0, answer
    assert not os.path.ismount(pool.folder)


async def test_a_full_disk_is_552_and_the_remains_are_gone(host: Host, small: Pool) -> None:
    full = small.creation(new_id(), new_id(), 64 * MIB, form=5, preallocate=1)
    status = await host.outcome("Volume.create", **full)
    assert (status["code"], status["taskResult"]) == (552, "cleanSuccess")
    assert os.listdir(small.folder / small.domain / "images") == []

    kept = await small.volume(4 * MIB, form=5, preallocate=1)
    status = await host.outcome("Volume.extendSize", **small.ids(*kept), newSize=str(64 * MIB))
    assert status["code"] == 552
    assert (await small.info(*kept))["capacity"] == str(4 * MIB)

    source = await small.volume(32 * MIB)
    qemu_io(small.file(*source), "write -P 3 0 12M", form="qcow2")
    target = await small.volume(32 * MIB)
    job = new_id()
    await host.call("SDM.copy_data", job_id=job, source=small.end(*source), destination=small.end(*target))
    row, _ = await host.job(job)
    assert (row["status"], row["error"]["code"]) == ("failed", 552)
    info = await small.info(*target)
    assert (info["generation"], info["legality"]) == (0, "ILLEGAL")
    await host.done("Image.delete", **small.ids(target[0]), postZero=False, force=True)
    await host.done("Image.delete", **small.ids(source[0]), postZero=False, force=True)
    await small.volume(8 * MIB, form=5, preallocate=1)
