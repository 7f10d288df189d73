"""Copies of data and changes of volumes as jobs of a host."""

import asyncio

from ovis.agent.storage import jobs
from ovis.contract.errors import Code
from tests.agent.storage.lab import MIB, Host, Pool, new_id, qemu_io, same_content


async def test_a_copy_tells_its_progress_and_raises_the_generation(host: Host, pool: Pool) -> None:
    source = await pool.volume(96 * MIB, form=5)
    qemu_io(pool.file(*source), "write -P 7 0 64M", form="raw")
    target = await pool.volume(128 * MIB)
    job = new_id()
    for _ in range(2):  # the same id is the same job
        await host.call("SDM.copy_data", job_id=job, source=pool.end(*source), destination=pool.end(*target))
    row, seen = await host.job(job)
    assert row == {"id": job, "job_type": "storage", "description": "copy_data", "status": "done", "progress": 100}
    assert seen == sorted(seen)
    info = await pool.info(*target)
    assert (info["generation"], info["legality"], info["capacity"]) == (1, "LEGAL", str(128 * MIB))
    qemu_io(pool.file(*target), "read -P 7 0 64M", "read -P 0 64M 64M", form="qcow2")
    assert await host.call("Host.getJobs", job_type="v2v", job_ids=[]) == {}
    await host.call("SDM.copy_data", job_id=job, source=pool.end(*source), destination=pool.end(*target))
    assert (await pool.info(*target))["generation"] == 1
    await host.restart()
    assert (await host.call("Host.getJobs", job_type="storage", job_ids=[]))[job]["status"] == "done"


async def test_every_pair_of_formats_shows_the_same(host: Host, pool: Pool) -> None:
    forms = {4: "qcow2", 5: "raw"}
    base = await pool.volume(8 * MIB, form=5)
    qemu_io(pool.file(*base), "write -P 1 0 1M", form="raw")
    layered = await pool.volume(8 * MIB, parent=base)
    qemu_io(pool.file(*layered), "write -P 2 2M 1M", form="qcow2")
    for form, preallocate in ((4, 2), (5, 2), (5, 1)):
        target = await pool.volume(8 * MIB, form=form, preallocate=preallocate)
        job = new_id()
        await host.call("SDM.copy_data", job_id=job, source=pool.end(*layered), destination=pool.end(*target))
        assert (await host.job(job))[0]["status"] == "done"
        assert same_content(pool.file(*layered), "qcow2", pool.file(*target), forms[form])
    assert int((await pool.info(*target))["truesize"]) >= 8 * MIB  # the preallocated one stays so


async def test_a_layer_is_copied_without_what_is_below(host: Host, pool: Pool) -> None:
    base = await pool.volume(32 * MIB, form=5)
    qemu_io(pool.file(*base), "write -P 1 0 16M", form="raw")
    source = await pool.volume(32 * MIB, parent=base)
    qemu_io(pool.file(*source), "write -P 2 20M 64k", form="qcow2")
    target = await pool.volume(32 * MIB, parent=base)
    job = new_id()
    await host.call("SDM.copy_data", job_id=job, source=pool.end(*source), destination=pool.end(*target))
    assert (await host.job(job))[0]["status"] == "done"
    assert int((await pool.info(*target))["truesize"]) < 2 * MIB
    assert same_content(pool.file(*source), "qcow2", pool.file(*target), "qcow2")


async def test_what_must_not_be_overwritten_is_not(host: Host, pool: Pool) -> None:
    source = await pool.volume(4 * MIB, form=5)
    qemu_io(pool.file(*source), "write -P 1 0 4M", form="raw")
    small = await pool.volume(2 * MIB)
    base = await pool.volume(4 * MIB)
    await pool.volume(4 * MIB, parent=base)

    async def failure(source_end: object, target_end: object) -> int:
        job = new_id()
        await host.call("SDM.copy_data", job_id=job, source=source_end, destination=target_end)
        row, _ = await host.job(job)
        assert row["status"] == "failed"
        return int(row["error"]["code"])

    assert await failure(pool.end(*source), pool.end(*base, generation=3)) == Code.GENERATION_MISMATCH
    assert await failure(pool.end(*source), pool.end(*small)) == Code.TARGET_TOO_SMALL
    assert await failure(pool.end(*source), pool.end(*base)) == Code.VOLUME_HAS_CHILDREN
    assert await failure(pool.end(*source), pool.end(*source)) == Code.INVALID_PARAMETER
    assert await failure(pool.end(*source), pool.end(new_id(), new_id())) == Code.VOLUME_NOT_FOUND
    await host.call("Volume.setLegality", **pool.ids(*source), legality="ILLEGAL")
    assert await failure(pool.end(*source), pool.end(*base)) != 0
    for target in (small, base):
        assert (await pool.info(*target))["generation"] == 0
        assert (await pool.info(*target))["legality"] == "LEGAL"


async def test_a_copy_that_is_aborted_keeps_the_generation(host: Host, pool: Pool) -> None:
    source = await pool.volume(4 * MIB, form=5)
    target = await pool.volume(4 * MIB)
    job = new_id()
    async with host.storage.core.image_lock(pool.domain, target[0]):  # it waits behind another job
        await host.call("SDM.copy_data", job_id=job, source=pool.end(*source), destination=pool.end(*target))
        while (await host.call("Host.getJobs", job_ids=[job]))[job]["status"] != "running":
            await asyncio.sleep(0.005)
        await host.storage.core.jobs.abort(job)
    row, _ = await host.job(job)
    assert (row["status"], row["error"]["code"]) == ("aborted", Code.TASK_ABORTED)
    assert (await pool.info(*target))["generation"] == 0


async def test_update_volume_changes_and_fences(host: Host, pool: Pool) -> None:
    volume = await pool.volume(MIB)

    async def update(believed: int, **attributes: object) -> str:
        job = new_id()
        await host.call(
            "SDM.update_volume", job_id=job, vol_info=pool.end(*volume, generation=believed), vol_attr=attributes
        )
        return str((await host.job(job))[0]["status"])

    assert await update(0, legality="ILLEGAL", description="x", type="SHARED") == "done"
    info = await pool.info(*volume)
    assert (info["generation"], info["legality"], info["description"], info["voltype"]) == (1, "ILLEGAL", "x", "SHARED")
    assert await update(0, legality="LEGAL") == "failed"
    assert await update(1, generation=5) == "done"  # fence a lost job
    assert (await pool.info(*volume))["generation"] == 5
    for wrong in ({}, {"legality": "NICE"}, {"generation": "x"}):
        code = await host.code("SDM.update_volume", job_id=new_id(), vol_info=pool.end(*volume), vol_attr=wrong)
        assert code == Code.INVALID_PARAMETER


async def test_old_jobs_are_forgotten(host: Host, pool: Pool) -> None:
    volume = await pool.volume(MIB)
    job = new_id()
    await host.call("SDM.update_volume", job_id=job, vol_info=pool.end(*volume), vol_attr={"description": "x"})
    await host.job(job)
    folder = host.data / "storage/jobs"
    row = (folder / f"{job}.json").read_text()
    ended = row.split('"ended":')[1].split(",")[0]
    await host.stop()
    (folder / f"{job}.json").write_text(row.replace(ended, str(float(ended) - jobs.KEPT - 1)))
    await host.start()
    await host.storage.core.jobs.load()
    assert await host.call("Host.getJobs", job_ids=[]) == {}
    assert not (folder / f"{job}.json").exists()
