"""A simulated host serves what the real one serves, with results of the declared shapes."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ovis.agent.main.identity import Identity
from ovis.agent.main.settings import AgentSettings
from ovis.agent.simulated.driver import SimulatedDriver
from ovis.agent.simulated.rack import SimulatedRack
from ovis.agent.verbs.dispatch import Dispatcher
from ovis.contract.errors import Code, VerbError
from ovis.contract.verbs import VERBS
from tests.agent.rack import domain, nic
from tests.agent.wire import keys

MIB = 1 << 20


class Simulated:
    """One simulated host."""

    def __init__(self, folder: Path) -> None:
        settings = AgentSettings(data=str(folder / "h"), address="127.0.0.1", driver="simulated")
        self.driver = SimulatedDriver(settings, Identity(folder / "h"), SimulatedRack(folder))
        self.dispatcher = Dispatcher(self.driver)
        self.events: list[tuple[str, Any]] = []

    async def __call__(self, verb: str, **params: Any) -> Any:
        """A result that fits its shape."""
        value = await self.dispatcher.call(verb, params)
        assert keys.misfits(verb, value) == []
        return value

    async def code(self, verb: str, **params: Any) -> int:
        """The code of a refusal."""
        with pytest.raises(VerbError) as caught:
            await self.dispatcher.call(verb, params)
        return caught.value.code

    async def until(self, vm_id: str, status: str) -> dict[str, Any]:
        """The VM's row, once it is so."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            row = dict((await self("VM.getStats", vmID=vm_id))[0])
            if row["status"] == status:
                return row
            await asyncio.sleep(0.02)
        raise AssertionError(f"the VM is {row['status']}")

    async def vm(self, **more: Any) -> str:
        """A running VM."""
        vm_id, xml = domain(nics=[nic()], graphics=["vnc"], **more)
        await self("VM.create", vmID=vm_id, vmParams={"vmId": vm_id, "xml": xml})
        await self.until(vm_id, "Up")
        return vm_id


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Simulated]:
    found = Simulated(tmp_path)
    await found.driver.start(lambda event, body: found.events.append((event, body)))
    yield found
    await found.driver.stop()


def test_every_served_verb_is_simulated(host: Simulated) -> None:
    missing = [v.name for v in VERBS.values() if v.served and not hasattr(host.driver, v.method)]
    assert missing == []


async def test_reports_have_every_key(host: Simulated) -> None:
    assert keys.absent(await host("Host.getCapabilities"), keys.CAPABILITIES) == []
    stats = await host("Host.getStats")
    assert keys.absent(stats, keys.STATISTICS) == []
    assert all(keys.absent(row, keys.NIC) == [] for row in stats["network"].values())


async def test_rows_of_vms_have_every_key_up_and_down(host: Simulated) -> None:
    vm_id = await host.vm()
    (row,) = await host("Host.getAllVmStats")
    assert keys.absent(row, [k for k in keys.VM if k not in ("appsList", "netIfaces", "disksUsage")]) == []
    for verb in ("VM.getInfo", "VM.screenshot", "VM.getMigrationStatus"):
        await host(verb, vmID=vm_id)
    await host("VM.shutdown", vmID=vm_id)
    await host.until(vm_id, "Down")
    (row,) = await host("Host.getAllVmStats")
    assert keys.absent(row, keys.DOWN) == []
    await host("VM.destroy", vmID=vm_id)
    assert await host("Host.getAllVmStats") == []


async def test_what_can_be_asked_without_arguments_answers_in_its_shape(host: Simulated) -> None:
    await host.vm()
    asked = [v.name for v in VERBS.values() if v.served and not any(p.mandatory for p in v.params)]
    for name in asked:
        await host(name)
    assert len(asked) > 20


async def test_networks_by_themselves_are_those_of_the_reports(host: Simulated) -> None:
    capabilities = await host("Host.getCapabilities")
    networks = await host("Host.getNetworkCapabilities")
    assert networks["networks"] == capabilities["networks"]
    assert set((await host("Host.getNetworkStatistics"))["network"]) == {"eth0", "eth1", "ovirtmgmt"}
    assert set(await host("Host.getLldp", filter={"devices": ["eth1"]})) == {"eth1"}


async def test_limits_of_disks_are_kept_and_read_back(host: Simulated) -> None:
    vm_id = await host.vm(disks=[])
    assert await host("VM.getIoTune", vmID=vm_id) == []
    wrong = [{"name": "vdz", "ioTune": {"total_iops_sec": 5}}]
    assert await host.code("VM.setIoTune", vmID=vm_id, tunables=wrong) == Code.IO_TUNE
    assert await host.code("VM.updateVmPolicy", vmID=vm_id, params={}) == Code.MISSING_PARAMETER
    await host("VM.updateVmPolicy", vmID=vm_id, params={"vcpuLimit": 50})
    assert await host("Host.getAllVmIoTunePolicies") == {vm_id: {"policy": [], "current_values": []}}


async def test_refusals_have_the_codes_of_a_real_host(host: Simulated) -> None:
    vm_id = await host.vm()
    assert await host.code("VM.desktopLock", vmID=vm_id) == Code.GUEST_AGENT_SILENT
    assert await host.code("VM.changeFloppy", vmID=vm_id, driveSpec={"path": ""}) == Code.CHANGE_DISK
    assert await host.code("Host.setMOMPolicy", policy="(set x 1)") == Code.MOM_POLICY
    assert await host.code("Host.setLogLevel", level="LOUD") == Code.INVALID_PARAMETER
    assert await host.code("Host.hostdevReattach", deviceName="pci_0000_00_00_0") == Code.GENERAL
    assert await host.code("VM.getIoTune", vmID=str(uuid.uuid4())) == Code.NO_SUCH_VM
    assert await host.code("Host.registerSecrets", secrets=[{"uuid": ""}]) == Code.SECRET_WRONG
    assert await host.code("VM.seal", vmID=vm_id, job_id="j", sp_id="p", images=[]) == Code.UNEXPECTED


async def test_calls_that_are_replayed_change_nothing_more(host: Simulated) -> None:
    vm_id, xml = domain()
    given = {"vmID": vm_id, "vmParams": {"vmId": vm_id, "xml": xml}}
    await asyncio.gather(*(host("VM.create", **given) for _ in range(5)))
    await host.until(vm_id, "Up")
    assert len(await host("Host.getVMList")) == 1
    for _ in range(3):
        await host("VM.pause", vmID=vm_id)
    await host("VM.create", **given)
    assert (await host.until(vm_id, "Paused"))["vmId"] == vm_id
    for _ in range(3):
        await host("VM.cont", vmID=vm_id)
    await host.until(vm_id, "Up")
    await host("VM.destroy", vmID=vm_id)
    assert await host.code("VM.destroy", vmID=vm_id) == Code.NO_SUCH_VM
    assert await host("Host.getVMList") == []


async def test_garbage_gets_clear_refusals(host: Simulated) -> None:
    vm_id = await host.vm()
    call = host.dispatcher.call
    assert await keys.unclear(lambda verb, **given: call(verb, given), vm_id) == []
