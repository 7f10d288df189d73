"""Commands of pools: each step repeated, failing, and cut off."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ovis.agent.simulated import driver as simulated
from ovis.engine.commands import Command, CommandStatus
from ovis.engine.model.types import Cluster, Template, VmPool
from ovis.engine.resources.vm_pools import commands, resource as pools
from tests.commands_harness import _cut_function, _failing, _twice
from tests.faults.house import House, house, with_step
from tests.faults.test_steps import name, template


def body(base: str) -> VmPool:
    """A pool with one VM."""
    return VmPool(name=name(), cluster=Cluster(name="Default"), template=Template(id=base), size=1)


async def making(place: House, base: str) -> Any:
    return lambda: place.begin(pools.add, place.call(), body(base))


async def removing(place: House, base: str) -> Any:
    """A pool whose VM runs, for somebody."""
    pool = await place.run(pools.add, place.call(), body(base))
    await place.run(pools.allocate, place.call(str(pool.id)), None)
    await place.at_rest()
    return lambda: place.begin(pools.remove, place.call(str(pool.id)), None)


SCENES: dict[str, tuple[Command, Any]] = {
    "add": (commands.ADD, making),
    "remove": (commands.REMOVE, removing),
}


@pytest.mark.parametrize("scene", SCENES)
async def test_steps(scene: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in ("BOOT_SECONDS", "SHUTDOWN_SECONDS"):
        monkeypatch.setattr(simulated, seconds, 0.05)
    command, prepare = SCENES[scene]
    async with asyncio.timeout(150), house(tmp_path) as place:
        base = await template(place)
        for n, step in enumerate(command.steps):
            told = f"{scene}, step {step.name}"
            row = await place.broken(with_step(command, n, _twice(step).run), await prepare(place, base))
            assert row.status is CommandStatus.SUCCEEDED, f"{told} run twice: {row.problem}"
            await place.at_rest()
            assert await place.violations() == [], f"{told} run twice"

            for when in ("before", "after"):
                row = await place.cut(with_step(command, n, _cut_function(step.run, when)), await prepare(place, base))
                assert row.status is CommandStatus.SUCCEEDED, f"{told} cut {when}: {row.problem}"
                await place.at_rest()
                assert await place.violations() == [], f"{told} cut {when}"

            # VMs that are made stay, and so do those that were powered off already.
            row = await place.broken(with_step(command, n, _failing(step).run), await prepare(place, base))
            assert row.status is CommandStatus.FAILED, f"{told} failing"
            await place.at_rest()
            if (scene, step.name) != ("remove", "disks"):  # disks that may be half gone are illegal, and say so
                assert await place.violations() == [], f"{told} failing"
