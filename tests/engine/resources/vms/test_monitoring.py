"""What reports of hosts do to VMs that they come too late for."""

import asyncio
from pathlib import Path

from ovis.engine.model.types import Vm
from ovis.engine.resources.vms.monitoring import vm_rows
from ovis.engine.resources.vms.state import VmRuntime
from tests.engine.resources.vms.snapshots import scenes
from tests.faults.house import house


async def test_a_report_from_before_a_vm_was_stopped_does_not_raise_it_from_the_dead(tmp_path: Path) -> None:
    async with asyncio.timeout(60), house(tmp_path) as place:
        vm_id = await scenes.vm(place, up=True)
        host = await place.read(lambda rd: rd.need(VmRuntime, vm_id).host_id)
        await scenes.halt(place, vm_id)
        await vm_rows(place.engine.services, str(host), [{"vmId": vm_id, "status": "Up"}], full=False)
        assert await place.read(lambda rd: rd.need(Vm, vm_id).status) == "down"
        assert await place.violations() == []
