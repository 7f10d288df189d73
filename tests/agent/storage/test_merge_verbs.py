"""Layers are merged while nobody uses them: any layer of a chain, with the same data before and after, at every crash."""

from typing import Any

import pytest

from ovis.contract.errors import Code
from tests.agent.storage.lab import MIB, Host, Pool, new_id, qemu_img, qemu_io

SIZE = 8 * MIB


async def chain(pool: Pool, form: int = 5) -> tuple[str, list[str]]:
    """An image of three layers, base first; layer n wrote n + 1 at n MiB, and its own number into the last MiB."""
    image, base = await pool.volume(SIZE, form=form)
    volumes = [base]
    for _ in range(2):
        volume = new_id()
        parent = (image, volumes[-1])
        await pool.host.done("Volume.create", **pool.creation(image, volume, SIZE, parent=parent))
        volumes.append(volume)
    for n, volume in enumerate(volumes):
        kind = "qcow2" if n or form == 4 else "raw"
        qemu_io(pool.file(image, volume), f"write -P {n + 1} {n}M 1M", f"write -P {n + 1} 7M 1M", form=kind)
    return image, volumes


def shows(pool: Pool, image: str, leaf: str, form: str = "qcow2") -> None:
    """The leaf shows what all three layers wrote."""
    commands = [f"read -P {n + 1} {n}M 1M" for n in range(3)] + ["read -P 3 7M 1M", "read -P 0 3M 4M"]
    qemu_io(pool.file(image, leaf), *commands, form=form)


async def merge(host: Host, pool: Pool, image: str, base: str, top: str, **more: Any) -> dict[str, Any]:
    """The three verbs as the engine sends them; the job's last row."""
    subchain = {"sd_id": pool.domain, "img_id": image, "base_id": base, "top_id": top, **more}
    await host.done("StoragePool.prepareMerge", storagepoolID=pool.id, subchainInfo=subchain)
    job = new_id()
    await host.call("SDM.merge", job_id=job, subchain_info=subchain)
    row, _ = await host.job(job)
    if row["status"] == "done":
        await host.done("StoragePool.finalizeMerge", storagepoolID=pool.id, subchainInfo=subchain)
    return dict(row)


@pytest.mark.parametrize("form", [4, 5])
async def test_a_middle_layer_goes_into_the_base(host: Host, pool: Pool, form: int) -> None:
    image, (base, middle, leaf) = await chain(pool, form)
    assert (await merge(host, pool, image, base, middle))["status"] == "done"
    assert (await pool.info(image, middle))["legality"] == "ILLEGAL"
    assert (await pool.info(image, leaf))["parent"] == base
    await host.done("Image.deleteVolumes", **pool.ids(image), volumeList=[middle], postZero=False, force=True)
    shows(pool, image, leaf)
    assert await host.call("Image.reconcileVolumeChain", **pool.ids(image), leafVolID=leaf) == [base, leaf]
    assert (await pool.info(image, base))["generation"] == 1


async def test_the_leaf_goes_into_the_layer_below(host: Host, pool: Pool) -> None:
    image, (base, middle, leaf) = await chain(pool)
    assert (await merge(host, pool, image, middle, leaf))["status"] == "done"
    assert (await pool.info(image, leaf))["legality"] == "ILLEGAL"
    assert await host.call("Image.reconcileVolumeChain", **pool.ids(image), leafVolID=leaf) == [base, middle]
    await host.done("Image.deleteVolumes", **pool.ids(image), volumeList=[leaf], postZero=False, force=True)
    shows(pool, image, middle)
    assert (await pool.info(image, middle))["voltype"] == "LEAF"


async def test_a_base_grows_to_its_layer(host: Host, pool: Pool) -> None:
    image, (_base, middle, leaf) = await chain(pool)
    await host.done("Volume.extendSize", **pool.ids(image, leaf), newSize=str(2 * SIZE))
    qemu_io(pool.file(image, leaf), f"write -P 9 {SIZE} 1M", form="qcow2")
    assert (await merge(host, pool, image, middle, leaf))["status"] == "done"
    shows(pool, image, middle)
    qemu_io(pool.file(image, middle), f"read -P 9 {SIZE} 1M", form="qcow2")
    assert int((await pool.info(image, middle))["capacity"]) == 2 * SIZE


async def test_every_step_may_run_twice_and_after_a_restart(host: Host, pool: Pool) -> None:
    image, (base, middle, leaf) = await chain(pool)
    subchain = {"sd_id": pool.domain, "img_id": image, "base_id": base, "top_id": middle}
    for _ in range(2):
        await host.done("StoragePool.prepareMerge", storagepoolID=pool.id, subchainInfo=subchain)
    await host.restart()
    await pool.connect(host)
    await pool.manage(host)
    for _ in range(2):
        job = new_id()
        await host.call("SDM.merge", job_id=job, subchain_info=subchain)
        assert (await host.job(job))[0]["status"] == "done"
    # A crash in the middle of the last step: files say it, metadata does not.
    qemu_img("rebase", "-u", "-f", "qcow2", "-b", base, "-F", "raw", str(pool.file(image, leaf)))
    for _ in range(2):
        await host.done("StoragePool.finalizeMerge", storagepoolID=pool.id, subchainInfo=subchain)
    await host.done("Image.deleteVolumes", **pool.ids(image), volumeList=[middle], postZero=False, force=True)
    shows(pool, image, leaf)


async def test_what_does_not_fit_is_refused_and_nothing_changes(host: Host, pool: Pool) -> None:
    image, (base, middle, leaf) = await chain(pool)
    row = await merge_only(host, pool, image, base, leaf)
    assert row["error"]["code"] == Code.MERGE_FAILED
    row = await merge_only(host, pool, image, base, middle, base_generation=4)
    assert row["error"]["code"] == Code.GENERATION_MISMATCH
    branch = new_id()
    await host.done("Volume.create", **pool.creation(image, branch, SIZE, parent=(image, base)))
    row = await merge_only(host, pool, image, base, middle)
    assert row["error"]["code"] == Code.VOLUME_HAS_CHILDREN
    wrong = {"sd_id": pool.domain, "img_id": image, "base_id": base, "top_id": new_id()}
    assert await host.code("StoragePool.prepareMerge", storagepoolID=pool.id, subchainInfo=wrong) == 201
    assert await host.code("StoragePool.prepareMerge", storagepoolID=pool.id, subchainInfo="x") == 91
    shows(pool, image, leaf)


async def merge_only(host: Host, pool: Pool, image: str, base: str, top: str, **more: Any) -> dict[str, Any]:
    """SDM.merge alone."""
    job = new_id()
    subchain = {"sd_id": pool.domain, "img_id": image, "base_id": base, "top_id": top, **more}
    await host.call("SDM.merge", job_id=job, subchain_info=subchain)
    return dict((await host.job(job))[0])


async def test_a_leaf_that_a_guest_left_behind_is_no_part_of_the_chain(host: Host, pool: Pool) -> None:
    image, (base, middle, leaf) = await chain(pool)
    await host.call("Volume.setLegality", **pool.ids(image, leaf), legality="ILLEGAL")
    assert await host.call("Image.reconcileVolumeChain", **pool.ids(image), leafVolID=leaf) == [base, middle]
    assert await host.code("Image.prepare", **pool.ids(image, leaf)) == Code.VOLUME_ILLEGAL
