"""An agent is killed at every call of every long operation: the operation ends, nothing is lost, nothing stays locked."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ovis.agent.simulated import driver as simulated
from ovis.engine.commands import CommandStatus
from ovis.engine.declare.resource import Started
from ovis.engine.model.enums import DataCenterStatus, HostStatus
from ovis.engine.model.types import DataCenter, Host
from ovis.engine.resources.disks import resource as disks
from ovis.engine.resources.storage_domains.tables import Attachment
from ovis.engine.resources.vms import resource as vms
from ovis.engine.resources.vms.actions import migrate, start, stop, suspend
from ovis.engine.store.session import Reader
from tests.engine.resources.vms.snapshots import test_steps as snapshots
from tests.faults import record, test_steps as steps
from tests.faults.agents import Death, watched
from tests.faults.house import House, house

SCENES: dict[str, Any] = {
    "start": lambda p: steps._with(p, steps.vm, start.start),
    "stop": lambda p: steps._with(p, lambda q: steps.vm(q, status="up"), stop.stop),
    "hibernate": lambda p: steps._with(p, lambda q: steps.vm(q, status="up"), suspend.suspend),
    "wake up": lambda p: steps._with(p, lambda q: steps.vm(q, status="suspended"), start.start),
    "migrate": lambda p: steps._with(p, lambda q: steps.vm(q, status="up"), migrate.migrate),
    "take a live snapshot with memory": lambda p: snapshots.taking(p, up=True, memory=True),
    "take a live snapshot": lambda p: snapshots.taking(p, up=True),
    "preview": lambda p: snapshots.previewing(p, "preview"),
    "commit": lambda p: snapshots.previewing(p, "commit"),
    "undo": lambda p: snapshots.previewing(p, "undo"),
    "remove a snapshot under a running VM": lambda p: snapshots.removing(p, up=True, which=0),
    "remove a snapshot": lambda p: snapshots.removing(p, up=False, which=0),
    "clone": lambda p: snapshots.cloning(p, up=False),
    "clone a running VM": lambda p: snapshots.cloning(p, up=True),
    "make a template of a snapshot": snapshots.templating,
    "add a disk": lambda p: steps.on(p, disks.add, body=steps.new_disk()),
    "grow a disk": lambda p: steps._grow(p),
    "copy a disk": lambda p: steps._copy(p),
    "convert a disk": lambda p: steps._convert(p),
    "move a disk": lambda p: steps._move(p, "down"),
    "move a disk under a running VM": lambda p: steps._move(p, "up"),
    "remove a disk": lambda p: steps._with(p, steps.disk, disks.remove),
    "plug a disk": lambda p: steps.plugging_disk(p, plugged=True),
    "unplug a disk": lambda p: steps.plugging_disk(p, plugged=False),
    "plug a NIC": lambda p: steps.plugging_nic(p, "plug"),
    "unplug a NIC": lambda p: steps.plugging_nic(p, "unplug"),
    "change a NIC": lambda p: steps.plugging_nic(p, "change"),
    "plug CPUs and memory": lambda p: steps.hot_setting(p),
    "remove a VM": lambda p: steps._with(p, steps.vm, vms.remove),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in ("BOOT_SECONDS", "SHUTDOWN_SECONDS", "SAVE_SECONDS", "MIGRATION_SECONDS"):
        monkeypatch.setattr(simulated, seconds, 0.05)


async def deaths_in(place: House, scene: str) -> list[Death]:
    """What an agent is asked in an operation that nobody disturbs."""
    begin = await SCENES[scene](place)
    with watched(place) as watch:
        started = await begin()
        assert isinstance(started, Started)
        await place.engine.runner.wait(started.command_id)
        await place.at_rest()
    return watch.deaths()


def _well(rd: Reader) -> bool:
    return all(h.status is HostStatus.UP for h in rd.select(Host)) and all(
        c.status is DataCenterStatus.UP for c in rd.select(DataCenter) if rd.count(Attachment, data_center_id=str(c.id))
    )


async def survive(place: House, scene: str, death: Death) -> CommandStatus:
    """One death; how the operation ended."""
    begin = await SCENES[scene](place)
    with watched(place, death) as watch:
        started = await begin()
        row = await place.engine.runner.wait(started.command_id, quiet=True)
        if watch.died:
            async with asyncio.timeout(30):
                await watch.back.wait()
        await place.engine.hosts.look_at_pool(await steps.center(place))  # now, not at the next round
        await place.until(_well, "hosts and data center that are up")
        await place.at_rest()
    told = f"{scene}: the agent died {death}; it ended {row.status}: {row.problem}"
    assert watch.died, f"{scene}: nobody was asked {death}"
    wrong = await place.violations()
    assert wrong == [], told + "; " + "; ".join(wrong)
    return row.status


# One death for each kind of operation in each check: where an operation hangs on the dead agent most.
ALWAYS: dict[str, Death] = {
    "migrate": Death("VM.cont"),
    "hibernate": Death("VM.hibernate"),
    "take a live snapshot with memory": Death("VM.snapshot"),
    "commit": Death("Task.getStatus", when="before"),
    "remove a snapshot under a running VM": Death("VM.merge"),
    "move a disk under a running VM": Death("VM.diskReplicateStart"),
    "plug a disk": Death("VM.hotplugDisk"),
    "stop": Death("VM.destroy"),
    "remove a disk": Death("Image.delete"),
}


async def test_operations_outlive_the_death_of_their_agent(tmp_path: Path) -> None:
    async with asyncio.timeout(300), house(tmp_path) as place:
        for scene, death in ALWAYS.items():
            await survive(place, scene, death)


@pytest.mark.long
@pytest.mark.parametrize("scene", SCENES)
async def test_deaths(scene: str, tmp_path: Path) -> None:
    ends: Counter[str] = Counter()
    async with asyncio.timeout(1200), house(tmp_path) as place:
        deaths = await deaths_in(place, scene)
        for death in deaths:
            ends[(await survive(place, scene, death)).value] += 1
    record.deaths("agents", scene, deaths=len(deaths), succeeded=ends["succeeded"], failed=ends["failed"])
