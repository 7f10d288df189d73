"""Devices of simulated guests are in their XML, as on real hosts, with the same refusals."""

from xml.etree.ElementTree import fromstring

from ovis.contract.domain.builder import build_hotplug
from ovis.contract.errors import Code
from tests.agent.rack import nic
from tests.agent.wire.test_simulated import Simulated, host

__all__ = ("host",)
MIB = 1 << 20


def params(vm_id: str, size: int, id_: str = "d1") -> dict[str, object]:
    return {"vmId": vm_id, "memory": {"size": size, "node": 0, "deviceId": id_, "alias": f"ua-{id_}"}}


async def test_memory_comes_and_goes_by_its_name(host: Simulated) -> None:
    vm_id = await host.vm(memory=256 * MIB, max_memory=512 * MIB, guaranteed=128 * MIB)
    for _ in range(2):  # twice is no error
        await host("VM.hotplugMemory", vmID=vm_id, params=params(vm_id, 128))
    xml = (await host("Host.dumpxmls", vmList=[vm_id]))[vm_id]
    assert [m.findtext("target/size") for m in fromstring(xml).findall("devices/memory")] == [str(128 * 1024)]
    assert await host.code("VM.hotplugMemory", vmID=vm_id, params=params(vm_id, 512, "d2")) == Code.MEMORY_PLUG
    assert await host.code("VM.hotplugMemory", vmID=vm_id, params=params(vm_id, 0, "d3")) == Code.MEMORY_PLUG
    for _ in range(2):
        await host("VM.hotunplugMemory", vmID=vm_id, params=params(vm_id, 128))
    assert "<memory model" not in (await host("Host.dumpxmls", vmList=[vm_id]))[vm_id]


async def test_cpus_are_plugged_up_to_the_maximum_and_not_unplugged(host: Simulated) -> None:
    vm_id = await host.vm()
    await host("VM.setNumberOfCpus", vmID=vm_id, numberOfCpus="2")
    assert (await host("VM.getStats", vmID=vm_id))[0]["vcpuCount"] == "2"
    assert await host.code("VM.setNumberOfCpus", vmID=vm_id, numberOfCpus="1") == Code.SET_CPUS
    assert await host.code("VM.setNumberOfCpus", vmID=vm_id, numberOfCpus="4096") == Code.SET_CPUS


async def test_nics_are_plugged_changed_and_unplugged(host: Simulated) -> None:
    vm_id = await host.vm()
    extra = nic()
    given = {"vmId": vm_id, "xml": build_hotplug(nic=extra)}
    await host("VM.hotplugNic", vmID=vm_id, params=given)
    assert extra.mac in (await host("Host.dumpxmls", vmList=[vm_id]))[vm_id]
    await host("VM.updateDevice", vmID=vm_id, params={**given, "deviceType": "interface"})
    await host("VM.hotunplugNic", vmID=vm_id, params=given)
    assert extra.mac not in (await host("Host.dumpxmls", vmList=[vm_id]))[vm_id]
    changed = {**given, "deviceType": "interface"}
    assert await host.code("VM.updateDevice", vmID=vm_id, params=changed) == Code.UPDATE_DEVICE


async def test_file_systems_and_what_a_plain_vm_does_not_have(host: Simulated) -> None:
    vm_id = await host.vm()
    await host("VM.freeze", vmID=vm_id)
    await host("VM.freeze", vmID=vm_id)
    await host("VM.thaw", vmID=vm_id)
    assert await host.code("VM.getExternalData", vmID=vm_id, kind="tpm") == Code.EXTERNAL_DATA
    assert await host.code("VM.getExternalData", vmID=vm_id, kind="disk") == Code.INVALID_PARAMETER
