"""A hook script that hangs on a host is named in the VM's job."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ovis.engine.model.types import Action
from ovis.engine.resources import jobs
from ovis.engine.resources.vms.actions import start
from tests.faults.house import House, house
from tests.faults.test_steps import vm


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[House]:
    async with asyncio.timeout(120), house(tmp_path) as made:
        yield made


async def test_a_script_that_hangs_is_named_in_the_vms_job_until_it_ends(place: House) -> None:
    vm_id = await vm(place)
    files = [Path(agent.driver.settings.data) / "faults.json" for agent in place.agents]  # type: ignore[union-attr]
    for file in files:
        file.write_text(json.dumps({"hook": {"point": "before_vm_start", "script": "50_hangs", "since": 3600}}))
    begun: Any = await place.begin(start.start, place.call(vm_id), Action())

    def words(rd: Any) -> list[str]:
        call = place.call(begun.command_id)
        return [str(s.description) for s in jobs.steps(rd, call, [begun.command_id])[begun.command_id]]

    named = "Starting the VM on a host (a hook runs: 50_hangs of before_vm_start, since 01:00:00 UTC)"
    await place.until(lambda rd: named in words(rd), "the script is named")
    for file in files:
        file.unlink()
    await place.engine.runner.wait(begun.command_id)
    await place.vm_becomes(vm_id, "up")
    assert "Starting the VM on a host" in await place.read(words)
