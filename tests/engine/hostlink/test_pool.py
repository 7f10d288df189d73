"""The storage pool's manager: election, tasks, loss, hand-over; against simulated hosts that share a rack."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ovis.engine.hostlink.errors import HostError
from ovis.engine.hostlink.pool import NoManager
from ovis.engine.hostlink.pool_table import PoolManager
from ovis.engine.model.enums import HostStatus
from ovis.engine.model.types import Host, Spm
from tests.engine.hostlink.lab import DATA_CENTER, DOMAIN, Lab, laboratory

IMAGE, VOLUME = "im", "vo"


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with laboratory(tmp_path) as made:
        for name in ("h1", "h2"):
            await made.add(name)
            await made.observer.until("answers", name)
        await made.hosts.call(
            "h1",
            "StorageDomain.create",
            {"storagedomainID": DOMAIN, "domainType": 4, "typeArgs": "/x", "name": "d", "domainClass": 1},
        )
        yield made


def _volume(**more: Any) -> dict[str, Any]:
    return {
        "storagepoolID": DATA_CENTER,
        "storagedomainID": DOMAIN,
        "imageID": IMAGE,
        "volumeID": VOLUME,
        "size": str(1 << 30),
        "volFormat": 4,
        "preallocate": 2,
        "diskType": "DATA",
        "desc": "{}",
        "srcImgUUID": "",
        "srcVolUUID": "",
        **more,
    }


async def _manager(lab: Lab) -> str | None:
    row = await lab.store.read(lambda rd: rd.get(PoolManager, DATA_CENTER))
    return row.host_id if row else None


async def test_a_pool_verb_elects_a_manager_once(lab: Lab) -> None:
    results = await asyncio.gather(
        *(lab.hosts.spm_call(DATA_CENTER, "StoragePool.getInfo", {"storagepoolID": DATA_CENTER}) for _ in range(5))
    )
    assert len(results) == 5
    manager = await _manager(lab)
    assert manager in ("h1", "h2") and lab.hosts.spm(DATA_CENTER) == manager
    assert [s for s in lab.observer.seen if s[:2] == ("pool", "up")] == [("pool", "up", manager)]


async def test_priority_decides_and_a_host_may_be_excluded(lab: Lab) -> None:
    def rank(tx: Any) -> None:
        tx.update(replace(tx.need(Host, "h1"), spm=Spm(priority=-1)))
        tx.update(replace(tx.need(Host, "h2"), spm=Spm(priority=1)))

    await lab.store.write(rank)
    assert await lab.hosts.elect_spm(DATA_CENTER) == "h2"


async def test_a_task_verb_is_followed_to_its_end_and_cleared(lab: Lab) -> None:
    status = await lab.hosts.task(DATA_CENTER, "Volume.create", _volume())
    assert status["taskState"] == "finished"
    manager = await _manager(lab)
    assert await lab.hosts.call(str(manager), "Host.getAllTasksStatuses") == {}
    assert not lab.hosts.pool_busy(DATA_CENTER)
    info = await lab.hosts.spm_call(
        DATA_CENTER,
        "Volume.getInfo",
        {"storagepoolID": DATA_CENTER, "storagedomainID": DOMAIN, "imageID": IMAGE, "volumeID": VOLUME},
    )
    assert info["capacity"] == str(1 << 30)


async def test_a_failed_task_raises_with_the_hosts_code_and_is_cleared(lab: Lab) -> None:
    manager = await lab.hosts.elect_spm(DATA_CENTER)
    (lab.folder / manager / "faults.json").write_text('{"full": true}')
    await lab.hosts.call(manager, "Host.getStats")  # the simulated host reads its faults here
    with pytest.raises(HostError) as caught:
        await lab.hosts.task(DATA_CENTER, "Volume.create", _volume())
    assert caught.value.code == 552
    assert await lab.hosts.call(manager, "Host.getAllTasksStatuses") == {}


async def test_the_role_moves_to_a_preferred_host_and_can_be_given_up(lab: Lab) -> None:
    first = await lab.hosts.elect_spm(DATA_CENTER)
    other = "h2" if first == "h1" else "h1"
    assert await lab.hosts.elect_spm(DATA_CENTER, other) == other
    status = await lab.hosts.call(other, "StoragePool.getSpmStatus", {"storagepoolID": DATA_CENTER})
    assert status["spmStatus"] == "SPM"
    await lab.hosts.stop_spm(DATA_CENTER)
    assert await _manager(lab) is None
    status = await lab.hosts.call(other, "StoragePool.getSpmStatus", {"storagepoolID": DATA_CENTER})
    assert status["spmStatus"] == "Free"


async def test_when_the_manager_is_gone_the_next_call_finds_another(lab: Lab) -> None:
    first = await lab.hosts.elect_spm(DATA_CENTER)
    agent = lab.agents[first]
    assert agent.driver is not None
    agent.driver.spm.clear()  # its lease ends with it
    await agent.stop()
    await lab.observer.until("silent", first)
    await lab.hosts.host_lost(first)
    other = "h2" if first == "h1" else "h1"
    info = await lab.hosts.spm_call(DATA_CENTER, "StoragePool.getInfo", {"storagepoolID": DATA_CENTER})
    assert info and lab.hosts.spm(DATA_CENTER) == other


async def test_a_manager_that_lost_its_role_is_noticed_at_the_next_look(lab: Lab) -> None:
    first = await lab.hosts.elect_spm(DATA_CENTER)
    await lab.hosts.call(first, "StoragePool.spmStop", {"storagepoolID": DATA_CENTER})
    await lab.hosts.look_at_pool(DATA_CENTER)
    assert ("pool", "problematic", None) in lab.observer.seen
    manager = str(lab.hosts.spm(DATA_CENTER))
    status = await lab.hosts.call(manager, "StoragePool.getSpmStatus", {"storagepoolID": DATA_CENTER})
    assert status["spmStatus"] == "SPM"


async def test_without_a_host_that_is_up_there_is_no_manager(lab: Lab) -> None:
    def down(tx: Any) -> None:
        for name in ("h1", "h2"):
            tx.update(replace(tx.need(Host, name), status=HostStatus.MAINTENANCE))

    await lab.store.write(down)
    with pytest.raises(NoManager):
        await lab.hosts.spm_call(DATA_CENTER, "StoragePool.getInfo", {"storagepoolID": DATA_CENTER})
    assert ("pool", "problematic", None) in lab.observer.seen


async def test_finished_tasks_of_an_engine_that_died_are_cleared(lab: Lab) -> None:
    manager = await lab.hosts.elect_spm(DATA_CENTER)
    task = await lab.hosts.call(manager, "Volume.create", _volume(), pool=True)
    for left in (True, False):
        await lab.hosts.look_at_pool(DATA_CENTER)
        known = await lab.hosts.call(manager, "Host.getAllTasksStatuses", {}, pool=True)
        assert (task in known) is left
