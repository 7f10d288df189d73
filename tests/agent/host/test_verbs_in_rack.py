"""What a real host reports, and the verbs about it."""

import pytest

from ovis.contract.errors import VerbError
from tests.agent.rack import Lab


async def test_capabilities_tell_the_truth(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        caps = await client("Host.getCapabilities")
        assert (caps["kvmEnabled"], caps["emulation"]) == ("false", True)  # /dev/kvm is hidden in the rack
        flags = caps["cpuFlags"].split(",")
        assert "model_Nehalem" in flags and "sse4_2" in flags
        assert caps["clusterLevels"][-2:] == ["4.7", "4.8"]
        assert "q35" in caps["emulatedMachines"]
        assert int(caps["memSize"]) > 500 and int(caps["cpuThreads"]) == len(caps["onlineCpus"].split(","))
        assert caps["networks"]["ovirtmgmt"]["addr"] == client.agent.address
        assert caps["networks"]["ovirtmgmt"]["ports"] == ["eth0"]
        assert set(caps["nics"]) == {"eth0", "eth1"} and caps["nics"]["eth1"]["hwaddr"]
        assert caps["packages2"]["libvirt"]["version"] and caps["operatingSystem"]["name"]
        assert caps["uuid"] == client.agent.identity.uuid()


async def test_hardware_has_an_id_even_without_dmi(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        found = await client("Host.getHardwareInfo")
        assert len(found["systemUUID"]) == 36 and found["systemManufacturer"]


async def test_statistics_are_numbers_of_now(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        first = await client("Host.getStats")
        second = await client("Host.getStats")
        total = sum(float(second[k]) for k in ("cpuUser", "cpuSys", "cpuIdle"))
        assert 99.9 < total < 100.1
        assert 0 <= int(second["memUsed"]) <= 100 and int(second["memFree"]) > 0
        now, before = second["network"]["ovirtmgmt"], first["network"]["ovirtmgmt"]
        assert now["sampleTime"] > before["sampleTime"] and int(now["rx"]) >= int(before["rx"]) > 0
        assert not [n for n in second["network"] if n.startswith("vnet")]
        row = second["storageDomains"][lab.storage.domain]
        assert row["code"] == 0


async def test_ping_and_devices(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        assert await client("Host.ping") is True and await client("Host.ping2") is True
        found = await client("Host.hostdevListByCaps")
        assert all(d["params"]["capability"] in ("pci", "usb_device", "scsi") for d in found.values())


@pytest.mark.parametrize("agent", ["ipmilan_that_is_not_here", "../sh", ""])
async def test_a_fence_agent_that_is_not_installed_is_told(lab: Lab, agent: str) -> None:
    async with lab.clients("h1") as (client,):
        with pytest.raises(VerbError, match="is not installed") as caught:
            await client(
                "Host.fenceNode",
                addr="192.0.2.1",
                port=0,
                agent=agent,
                username="a",
                password="b",
                action="status",
            )
        assert caught.value.code == 100
