"""A Linux guest with qemu-guest-agent and ACPI: what only a guest that cooperates can show.

The image is made by tools/make-guest-image.sh (Debian packages); tests skip where it cannot be made.
"""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from ovis.cli.guest import Guest, NotBuilt, build
from ovis.contract.domain.builder import build_hotplug
from ovis.contract.errors import Code, VerbError
from ovis.contract.statuses import ExitReason
from tests.agent.rack import MIB, ROOT, Client, Lab, create, domain, nic

_BOOT = 55.0


@pytest.fixture(scope="session")
def guest() -> Guest:
    """Built once, kept in the user's cache."""
    try:
        return build(ROOT / "tools/make-guest-image.sh")
    except NotBuilt as err:
        pytest.skip(f"the Linux guest cannot be made here: {err}")


async def boot(client: Client, guest: Guest, **values: Any) -> str:
    """A guest that has booted: Up because its agent answered, before the minute is over."""
    given: dict[str, Any] = {
        "memory": 256 * MIB,
        "max_memory": 512 * MIB,
        "guaranteed": 128 * MIB,
        "kernel": str(guest.kernel),
        "initrd": str(guest.initrd),
        "cmdline": "console=ttyS0 quiet panic=5",
        "nics": [nic()],
        "virtio_scsi": True,
        **values,
    }
    vm_id, xml = domain("linux", **given)
    await create(client, vm_id, xml)
    await client.until(vm_id, "Up", limit=_BOOT)
    return vm_id


async def until_address(client: Client, vm_id: str) -> dict[str, Any]:
    for _ in range(200):
        row = await client.stats(vm_id)
        if row.get("guestIPs"):
            return row
        await asyncio.sleep(0.1)
    raise AssertionError(f"no address: {row}")


@pytest.mark.long
async def test_the_agent_tells_of_the_guest_and_devices_come_and_go(lab: Lab, guest: Guest) -> None:
    async with lab.clients("h1") as (client,):
        deaf = asyncio.create_task(_unplugged_in_vain(lab, client))
        plug = nic()
        vm_id = await boot(client, guest, nics=[plug])
        row = await until_address(client, vm_id)
        first = row["netIfaces"][0]
        assert first["hw"] == plug.mac and first["inet"][0] in row["guestIPs"]
        assert row["guestIPs"].startswith(client.agent.address.rsplit(".", 1)[0])
        assert row["guestName"] and row["guestOsInfo"]["type"] == "linux"
        assert any(a.startswith("qemu-guest-agent-") for a in row["appsList"])
        assert client.statuses(vm_id)[:2] == ["Powering up", "Up"]

        for interface in ("virtio", "virtio_scsi"):
            disk = await lab.storage.volume(client, MIB)
            document = build_hotplug(disk=replace(disk, bootable=False, interface=interface))
            params = {"vmId": vm_id, "xml": document}
            await client("VM.hotplugDisk", vmID=vm_id, params=params)
            assert disk.volume_id in (await client("Host.dumpxmls", vmList=[vm_id]))[vm_id]
            await client("VM.hotunplugDisk", vmID=vm_id, params=params)
            assert disk.volume_id not in (await client("Host.dumpxmls", vmList=[vm_id]))[vm_id]
            await client("VM.hotunplugDisk", vmID=vm_id, params=params)  # again: no error
        extra = nic()
        params = {"vmId": vm_id, "xml": build_hotplug(nic=extra)}
        await client("VM.hotplugNic", vmID=vm_id, params=params)
        for _ in range(150):
            if len([n for n in (await client.stats(vm_id))["netIfaces"] if n["inet"]]) == 2:
                break
            await asyncio.sleep(0.1)
        assert extra.mac in [n["hw"] for n in (await client.stats(vm_id))["netIfaces"]]
        await client("VM.hotunplugNic", vmID=vm_id, params=params)
        assert extra.mac not in (await client("Host.dumpxmls", vmList=[vm_id]))[vm_id]

        await client("VM.setBalloonTarget", vmID=vm_id, target=192 * 1024)
        await deaf
        before = len(client.statuses(vm_id))
        await client("VM.shutdown", vmID=vm_id, delay=0, message="", reboot="true", timeout=30, force=False)
        await client.until(vm_id, "Powering up")
        await client.until(vm_id, "Up", limit=_BOOT)
        told = client.statuses(vm_id)[before:]
        assert [s for i, s in enumerate(told) if i == 0 or told[i - 1] != s] == [
            "RebootInProgress",
            "Powering up",
            "Up",
        ]
        await client("VM.shutdown", vmID=vm_id, delay=0, message="bye", reboot=False, timeout=30, force=False)
        row = await client.until(vm_id, "Down")
        assert (row["exitCode"], row["exitReason"]) == (0, ExitReason.ADMIN_SHUTDOWN)


async def _unplugged_in_vain(lab: Lab, client: Client) -> None:
    """A guest that does not let a device go: an error after the wait, and the device stays."""
    plug = nic()
    vm_id, xml = domain(disks=[await lab.guest(client)], nics=[plug])
    await create(client, vm_id, xml)
    await client.until(vm_id, "Powering up")
    with pytest.raises(VerbError, match="did not let the device go") as caught:
        await client("VM.hotunplugNic", vmID=vm_id, params={"vmId": vm_id, "xml": build_hotplug(nic=plug)})
    assert caught.value.code == Code.NIC_UNPLUG
    assert plug.mac in (await client("Host.dumpxmls", vmList=[vm_id]))[vm_id]
