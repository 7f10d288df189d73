"""The manager's lease: one host at a time, through crashes, restarts, frozen and foreign hosts."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from ovis.agent.storage import lease
from ovis.agent.storage.lease import Lease, SpmLease, read
from ovis.contract.errors import Code, VerbError
from tests.agent.storage.conftest import MakeHost
from tests.agent.storage.lab import MIB, Host, HostProcess, Pool, new_id

MakeProcess = Callable[[str, int], Awaitable[HostProcess]]


@pytest.fixture
async def make_process(tmp_path: Path) -> AsyncIterator[MakeProcess]:
    """Hosts in processes of their own."""
    made: list[HostProcess] = []

    async def make(name: str, number: int) -> HostProcess:
        process = await HostProcess(tmp_path / name, number).start()
        made.append(process)
        return process

    yield make
    for process in made:
        await process.kill()


async def join(pool: Pool, process: HostProcess) -> None:
    """Connect another process to the pool."""
    await process.call(
        "StoragePool.connectStorageServer",
        storagepoolID=pool.id,
        domainType=pool.kind,
        connectionParams=[pool.connection],
    )
    await process.call(
        "StoragePool.connect",
        storagepoolID=pool.id,
        hostID=process.number,
        scsiKey=pool.id,
        masterSdUUID=pool.domain,
        masterVersion=1,
        domainDict={pool.domain: "active"},
    )


async def test_one_of_two_hosts_manages_and_the_other_is_told(pool: Pool, make_host: MakeHost) -> None:
    first, second = pool.host, await make_host("second", 2)
    await pool.connect(second)
    assert await second.call("StoragePool.getSpmStatus", storagepoolID=pool.id) == {
        "spmStatus": "Free",
        "spmLver": 0,
        "spmId": 1,
    }
    assert (await second.outcome("StoragePool.spmStart", **pool.election()))["code"] == Code.SPM_LOCK
    image = new_id()
    ids = {"storagedomainID": pool.domain, "storagepoolID": pool.id}
    for verb, params in (
        ("Volume.create", pool.creation(image, image, MIB)),
        ("Image.delete", pool.ids(image) | {"postZero": False, "force": False}),
        ("StorageDomain.activate", ids),
        ("StorageDomain.attach", ids),
        ("StorageDomain.detach", ids | {"force": False}),
        ("StoragePool.setDescription", {"storagepoolID": pool.id, "description": "x"}),
    ):
        assert await second.code(verb, **params) == 654, verb
    image, volume = await pool.volume(MIB)
    assert (await second.call("Volume.getInfo", **pool.ids(image, volume)))["status"] == "OK"
    assert await second.storage.volume_path(pool.id, pool.domain, image, volume) == pool.file(image, volume)

    await first.call("StoragePool.spmStop", storagepoolID=pool.id)
    assert (await first.call("StoragePool.getSpmStatus", storagepoolID=pool.id))["spmId"] == -1
    await pool.manage(second)
    assert await pool.status(first) == "Free"
    assert await first.code("Volume.create", **pool.creation(new_id(), new_id(), MIB)) == 654
    assert (await first.call("StoragePool.getSpmStatus", storagepoolID=pool.id))["spmLver"] == 1
    assert await first.code("StoragePool.destroy", storagepoolID=pool.id, hostID=1, scsiKey="") == Code.SPM_LOCK


async def test_a_domain_that_left_can_be_formatted_by_a_host_that_was_not_told(
    pool: Pool, make_host: MakeHost, tmp_path: Path
) -> None:
    first, second = pool.host, await make_host("second", 2)
    (tmp_path / "other").mkdir()
    other = Pool(first, tmp_path / "other")
    await other.add_domain(first, other.domain)
    await other.connect_server(second)
    ids = {"storagedomainID": other.domain, "storagepoolID": pool.id}
    await first.call("StorageDomain.attach", **ids)
    await pool.connect(second, others={other.domain: "active"})
    erased = {"storagedomainID": other.domain, "autoDetach": True}
    assert await second.code("StorageDomain.format", **erased) == Code.STORAGE_DOMAIN_FORMAT_ATTACHED
    await first.call("StorageDomain.detach", **ids, force=False)
    assert other.domain in second.storage.repo_stats()
    await second.call("StorageDomain.format", **(erased | {"autoDetach": False}))
    assert set(second.storage.repo_stats()) == {pool.domain}
    assert list((tmp_path / "other").iterdir()) == []


async def test_a_moved_master_is_followed_before_an_election(pool: Pool, make_host: MakeHost, tmp_path: Path) -> None:
    first, second = pool.host, await make_host("second", 2)
    await pool.connect(second)
    (tmp_path / "other").mkdir()
    other = Pool(first, tmp_path / "other")
    await other.add_domain(first, other.domain)
    await other.connect_server(second)
    for verb in ("StorageDomain.attach", "StorageDomain.activate"):
        await first.call(verb, storagedomainID=other.domain, storagepoolID=pool.id)
    change = {"oldMasterUUID": pool.domain, "newMasterUUID": other.domain, "masterVersion": 2}
    await first.done("StoragePool.switchMaster", storagepoolID=pool.id, **change)
    assert (await second.outcome("StoragePool.spmStart", **pool.election()))["code"] == Code.SPM_LOCK
    assert (await second.call("StoragePool.getSpmStatus", storagepoolID=pool.id))["spmId"] == 1


async def test_two_agents_on_one_folder_never_both_hold_it(
    pool: Pool, make_process: MakeProcess, tmp_path: Path
) -> None:
    await pool.host.call("StoragePool.spmStop", storagepoolID=pool.id)
    rivals = [await make_process(f"rival{n}", n) for n in (2, 3, 4)]
    for rival in rivals:
        await join(pool, rival)
    log = tmp_path / "log"
    await asyncio.gather(*(r.call("contend", election=pool.election(), log=str(log), seconds=3) for r in rivals))
    rows = [line.split() for line in log.read_text().splitlines()]
    holder = None
    for _, who, what in rows:  # appended in the order in which it happened
        if what == "in":
            assert holder is None, rows
            holder = who
        else:
            assert what == "out" and holder == who, rows
            holder = None
    assert len({who for _, who, _ in rows}) > 1, "only one ever got it"
    assert read(pool.folder / pool.domain / "dom_md").lver == len(rows) // 2


async def test_a_killed_manager_is_replaced_and_its_remains_go(pool: Pool, make_process: MakeProcess) -> None:
    await pool.host.call("StoragePool.spmStop", storagepoolID=pool.id)
    dying = await make_process("dying", 2)
    await join(pool, dying)
    await dying.done("StoragePool.spmStart", **pool.election())
    with pytest.raises(VerbError):
        await pool.host.call("StorageDomain.activate", storagedomainID=pool.domain, storagepoolID=pool.id)
    await dying.kill()
    images = pool.folder / pool.domain / "images"
    image, volume, half = new_id(), new_id(), new_id()
    (images / image).mkdir()
    (images / image / volume).write_bytes(b"half written")
    (images / image / f"{volume}.creating").touch()
    (images / f"_remove_me_{half}").mkdir()
    (images / f"_remove_me_{half}" / half).write_bytes(b"half gone")
    await pool.manage(pool.host)
    assert list(images.iterdir()) == []
    assert await pool.status(pool.host) == "SPM"


async def test_a_killed_agent_finds_its_lease_again(pool: Pool, make_process: MakeProcess) -> None:
    await pool.host.call("StoragePool.spmStop", storagepoolID=pool.id)
    dying = await make_process("dying", 2)
    await join(pool, dying)
    await dying.done("StoragePool.spmStart", **pool.election())
    await dying.kill()
    again = await make_process("dying", 2)
    status = await again.call("StoragePool.getSpmStatus", storagepoolID=pool.id)
    assert (status["spmStatus"], status["spmId"]) == ("SPM", 2)
    assert (await pool.host.outcome("StoragePool.spmStart", **pool.election()))["code"] == Code.SPM_LOCK
    await again.kill()
    await pool.manage(pool.host)  # somebody else took over meanwhile
    late = await make_process("dying", 2)
    assert (await late.call("StoragePool.getSpmStatus", storagepoolID=pool.id))["spmStatus"] == "Free"
    assert await pool.status(pool.host) == "SPM"


async def test_a_frozen_manager_gives_up_when_it_wakes(host: Host, shared: Path, make_process: MakeProcess) -> None:
    pool = await Pool(host, shared).create(lease=3, renewal=1)
    await host.call("StoragePool.spmStop", storagepoolID=pool.id)
    frozen = await make_process("frozen", 2)
    await join(pool, frozen)
    await frozen.done("StoragePool.spmStart", **pool.election())
    frozen.freeze(signal.SIGSTOP)
    assert (await host.outcome("StoragePool.spmStart", **pool.election()))["code"] == Code.SPM_LOCK
    await asyncio.sleep(3.0)
    frozen.freeze(signal.SIGCONT)
    with pytest.raises(VerbError) as refused:
        await frozen.call("Volume.create", **pool.creation(new_id(), new_id(), MIB))
    assert refused.value.code == Code.NOT_SPM
    while (await host.outcome("StoragePool.spmStart", **pool.election()))["code"] != 0:
        await asyncio.sleep(0.1)
    assert await pool.status(host) == "SPM"


def foreign(count: int = 0) -> Lease:
    """What a host with another kernel writes."""
    return Lease(
        host_id=9, host_uuid=new_id(), boot_id=new_id(), token="t", lver=4, count=count, seconds=1.5, renewed=0.0
    )


async def test_a_foreign_host_that_renews_is_not_robbed(tmp_path: Path) -> None:
    path = tmp_path / "spm.lease"
    path.write_bytes(msgspec.json.encode(foreign()))

    async def renew() -> None:
        for count in range(1, 1000):
            await asyncio.sleep(0.1)
            path.write_bytes(msgspec.json.encode(foreign(count)))

    living = asyncio.create_task(renew())
    with pytest.raises(VerbError) as refused:
        await SpmLease(tmp_path, new_id()).acquire(1, 60.0, 0.2)
    living.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await living
    assert refused.value.code == Code.SPM_LOCK
    assert read(tmp_path).host_id == 9


async def test_a_foreign_host_that_is_silent_is_succeeded(tmp_path: Path) -> None:
    path = tmp_path / "spm.lease"
    path.write_bytes(msgspec.json.encode(foreign()))
    mine = SpmLease(tmp_path, new_id())
    taken = await mine.acquire(1, 60.0, 0.2)
    assert (taken.host_id, taken.lver) == (1, 5)
    assert read(tmp_path) == taken and mine.valid
    await mine.renew()
    assert read(tmp_path).count == 1
    path.write_bytes(msgspec.json.encode(foreign()))  # it was only partitioned, and writes over us
    with pytest.raises(VerbError):
        await mine.renew()
    assert not mine.valid
    await mine.release()
    assert read(tmp_path).host_id == 9  # what is not ours is not given back


async def test_where_locks_do_not_reach_the_last_writer_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_ONE_KERNEL", frozenset())
    monkeypatch.setattr(lease, "_SETTLE", 0.5)
    mine = SpmLease(tmp_path, new_id())
    path = tmp_path / "spm.lease"

    async def overwrite() -> None:
        while not path.exists():
            await asyncio.sleep(0.005)
        path.write_bytes(msgspec.json.encode(foreign()))

    rival = asyncio.create_task(overwrite())
    with pytest.raises(VerbError) as refused:
        await mine.acquire(1, 60.0, 0.2)
    await rival
    assert refused.value.code == Code.SPM_LOCK
    assert not mine.valid and read(tmp_path).host_id == 9
    path.unlink()
    await mine.acquire(1, 60.0, 0.2)
    assert mine.valid and read(tmp_path).host_id == 1
    await mine.release()
    assert read(tmp_path).host_id == -1


async def test_a_manager_that_cannot_renew_stops_managing(host: Host, shared: Path) -> None:
    pool = await Pool(host, shared).create(lease=3, renewal=1)
    async with host.storage.core.image_lock(pool.domain, image := new_id()):
        task_id = await host.call("Volume.create", **pool.creation(image, new_id(), MIB))
        path = pool.folder / pool.domain / "dom_md" / "spm.lease"
        path.write_bytes(msgspec.json.encode(foreign()))
        status = await host.end(task_id)  # what needs the lease is stopped with it
    assert (status["code"], status["taskResult"]) == (Code.TASK_ABORTED, "cleanSuccess")
    assert await pool.status(host) == "Free"
    assert await host.code("Volume.create", **pool.creation(image, new_id(), MIB)) == 654
