"""kill -9 of the agent at work: what ran is finished or undone, and says so."""

import asyncio
import os
from pathlib import Path

import pytest

from ovis.contract.errors import Code
from tests.agent.storage.lab import MIB, Host, HostProcess, Pool, new_id

_SIZE = 384 * MIB


async def until(found: object, what: str) -> None:
    """Wait for a file-system fact."""
    assert callable(found)
    for _ in range(20000):
        if found():
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"never seen: {what}")


def running_on(path: Path) -> list[str]:
    """Programs that have a path among their arguments."""
    found = []
    for process in os.listdir("/proc"):
        if process.isdigit():
            try:
                line = Path(f"/proc/{process}/cmdline").read_bytes()
            except OSError:
                continue
            if str(path).encode() in line and b"qemu-img" in line:
                found.append(process)
    return found


class Work:
    """A pool whose manager runs in another process, with a volume that takes a while to copy."""

    def __init__(self, pool: Pool, process: HostProcess, source: tuple[str, str]) -> None:
        self.pool, self.process, self.source = pool, process, source

    async def crash(self) -> Host:
        """kill -9, then the same host again, here."""
        await self.process.kill()
        return await Host(self.process.data, self.process.number).start()


@pytest.fixture
async def work(tmp_path: Path, shared: Path) -> Work:
    """The pool is made by a host here; its folder then belongs to the process."""
    maker = await Host(tmp_path / "agent", 1).start()
    pool = await Pool(maker, shared).create()
    source = await pool.volume(_SIZE, form=5)
    with pool.file(*source).open("r+b") as out:
        for _ in range(_SIZE // MIB):
            out.write(b"\1" * MIB)
    await maker.stop()
    return Work(pool, await HostProcess(maker.data, 1).start(), source)


async def test_a_killed_copy_is_a_failed_job_and_no_new_generation(work: Work) -> None:
    pool, target = work.pool, (new_id(), new_id())
    await work.process.done("Volume.create", **pool.creation(*target, _SIZE, form=5))
    job = new_id()
    ends = {"source": pool.end(*work.source), "destination": pool.end(*target)}
    await work.process.call("SDM.copy_data", job_id=job, **ends)
    await until(lambda: running_on(pool.file(*target)), "the copy")
    host = await work.crash()
    row = (await host.call("Host.getJobs", job_type="storage", job_ids=[job]))[job]
    assert (row["status"], row["error"]["code"]) == ("failed", Code.GENERAL)
    await until(lambda: not running_on(pool.file(*target)), "the copy's end with its agent")
    pool.host = host
    info = await pool.info(*target)
    assert (info["generation"], info["legality"]) == (0, "ILLEGAL")
    again = new_id()
    await host.call("SDM.copy_data", job_id=again, **ends)
    assert (await host.job(again))[0]["status"] == "done"
    info = await pool.info(*target)
    assert (info["generation"], info["legality"]) == (1, "LEGAL")
    await host.stop()


async def test_a_killed_creation_is_undone(work: Work) -> None:
    pool, target = work.pool, (new_id(), new_id())
    copying = pool.ids(*work.source) | {
        "dstSdUUID": pool.domain, "dstImgUUID": target[0], "dstVolUUID": target[1], "desc": "", "volType": "LEAF",
        "volFormat": "RAW", "preallocate": "SPARSE", "postZero": False, "force": False,
    }  # fmt: skip
    task_id = await work.process.call("Volume.copy", **copying)
    await until(lambda: running_on(pool.file(*target)), "the copy")
    host = await work.crash()
    status = await host.end(task_id)
    assert (status["taskState"], status["taskResult"], status["code"]) == (
        "finished",
        "cleanSuccess",
        Code.TASK_ABORTED,
    )
    assert not pool.file(*target).parent.exists()
    await host.done("Volume.copy", **copying)
    await host.stop()


async def test_what_was_begun_and_must_go_on_is_finished(work: Work) -> None:
    pool = work.pool
    await work.process.kill()
    host = await Host(work.process.data, 1).start()
    pool.host = host
    image, volume = await pool.volume(MIB)
    kept = await pool.volume(MIB)
    await host.stop()
    folder = host.data / "storage/tasks"
    ids = {}
    for verb, args in (
        ("Image.delete", {"domain": pool.domain, "image": image}),
        ("Volume.extendSize", {"domain": pool.domain, "image": kept[0], "volume": kept[1], "size": 4 * MIB}),
        ("Volume.create", {"domain": pool.domain, "image": kept[0], "volume": kept[1]}),
        ("StoragePool.spmStart", {"pool": pool.id}),
        ("Somebody.else", {}),
    ):
        ids[verb] = new_id()
        (folder / f"{ids[verb]}.json").write_text(
            '{"id":"%s","verb":"%s","pool":"%s","args":%s,"state":"running"}'  # noqa: UP031
            % (ids[verb], verb, pool.id, str(args).replace("'", '"'))
        )
    (folder / ".half.tmp").write_text("{")
    (folder / "broken.json").write_text("{")
    await host.restart()
    ends = {verb: await host.end(task_id) for verb, task_id in ids.items()}
    assert {verb: end["taskResult"] for verb, end in ends.items()} == {
        "Image.delete": "success",
        "Volume.extendSize": "success",
        "Volume.create": "success",
        "StoragePool.spmStart": "success",
        "Somebody.else": "cleanSuccess",
    }
    assert not pool.file(image, volume).parent.exists()
    assert (await pool.info(*kept))["capacity"] == str(4 * MIB)
    await host.stop()


async def test_a_host_that_lost_the_pool_leaves_the_remains_to_its_successor(work: Work) -> None:
    pool, target = work.pool, (new_id(), new_id())
    copying = pool.ids(*work.source) | {
        "dstSdUUID": pool.domain, "dstImgUUID": target[0], "dstVolUUID": target[1], "desc": "", "volType": "LEAF",
        "volFormat": "COW", "preallocate": "SPARSE", "postZero": False, "force": False,
    }  # fmt: skip
    task_id = await work.process.call("Volume.copy", **copying)
    await until(lambda: running_on(pool.file(*target)), "the copy")
    await work.process.kill()
    heir = await Host(work.process.data.with_name("heir"), 2).start()
    await pool.connect(heir)
    await pool.manage(heir)
    assert not pool.file(*target).parent.exists()
    back = await Host(work.process.data, 1).start()
    status = await back.end(task_id)
    assert (status["code"], status["taskResult"]) == (Code.TASK_ABORTED, "cleanFailure")
    assert (await pool.status(back), await pool.status(heir)) == ("Free", "SPM")
    await back.stop()
    await heir.stop()
