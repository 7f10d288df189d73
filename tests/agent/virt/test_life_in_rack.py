"""The life of VMs on a real libvirt: start, failures, pause, reset, ends, hibernation, recovery after kill -9."""

import asyncio
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ovis.contract.errors import Code, VerbError
from ovis.contract.statuses import ExitReason
from tests.agent.rack import (
    MIB,
    Agent,
    Lab,
    base64_of,
    connect,
    console,
    create,
    domain,
    nic,
    ticks,
)

# Powers itself off through ACPI: out 0x604, 0x2000.
POWER_OFF = bytes.fromhex("ba0406b80020effa f4".replace(" ", ""))
# Writes sectors of the disk for ever: int 13h, ah=3, one sector a cylinder on.
WRITER = bytes.fromhex("31c08ed88ec0bb007cb9020130f6b280b80103cd1380c501ebf4")


def disk_of(code: bytes, size: int = MIB) -> bytes:
    """A bootable disk."""
    return code.ljust(510, b"\0") + b"\x55\xaa" + bytes(size - 512)


def qemu_pid(lab: Lab, agent: Agent, vm_id: str) -> int:
    """A VM's QEMU, as this machine numbers it."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if b"qemu-system" in command.split(b"\0")[0] and vm_id.encode() in command:
            return int(entry.name)
    raise AssertionError("no QEMU of that VM")


async def test_a_vm_starts_ticks_pauses_resets_and_is_destroyed(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(disks=[await lab.guest(client)], nics=[nic(), nic(None)], graphics=["vnc"])
        assert (await create(client, vm_id, xml))["status"] == "WaitForLaunch"
        assert (await create(client, vm_id, xml))["vmId"] == vm_id  # the same call again
        row = await client.until(vm_id, "Powering up")
        display = row["displayInfo"][0]
        assert display["type"] == "vnc" and int(display["port"]) >= 5900
        assert display["ipAddress"] == client.agent.address
        assert await asyncio.to_thread(ticks, console(client.agent, vm_id))
        live = (await client("Host.dumpxmls", vmList=[vm_id]))[vm_id]
        assert "<domain type='qemu'" in live and ";vdsmdummy;" in live and "OS-NAME:" not in live

        await client("VM.pause", vmID=vm_id)
        assert (await client.stats(vm_id))["status"] == "Paused"
        await client("VM.cont", vmID=vm_id)
        assert (await client.stats(vm_id))["status"] == "Powering up"

        before = len(client.statuses(vm_id))
        await client("VM.reset", vmID=vm_id)
        await client.until(vm_id, "Powering up")
        await asyncio.sleep(2)  # the other REBOOT events of this reset come now
        assert client.statuses(vm_id)[before:] == ["RebootInProgress", "Powering up"]

        await client("VM.destroy", vmID=vm_id)
        with pytest.raises(VerbError) as caught:
            await client("VM.destroy", vmID=vm_id)
        assert caught.value.code == Code.NO_SUCH_VM
        assert vm_id not in lab.rack.virsh("h1", "list", "--all", "--uuid")
        assert not console(client.agent, vm_id).exists()


async def test_statistics_of_a_running_vm(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        disk, plug = await lab.guest(client), nic()
        vm_id, xml = domain(disks=[disk], nics=[plug])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        row: dict[str, object] = {}
        for _ in range(20):
            rows = await client("Host.getAllVmStats")
            row = next(r for r in rows if r["vmId"] == vm_id)
            if float(str(row["cpuUser"])) > 0:
                break
            await asyncio.sleep(1)
        assert float(str(row["cpuUser"])) > 0
        network = row["network"]
        assert isinstance(network, dict)
        assert [n["macAddr"] for n in network.values()] == [plug.mac]
        disks = row["disks"]
        assert isinstance(disks, dict)
        assert disks["vda"]["imageID"] == disk.image_id and int(disks["vda"]["readOps"]) >= 1
        assert row["monitorResponse"] == "0" and row["vcpuCount"] == "1" and row["hash"]
        stats = await client("Host.getStats")
        assert stats["vmCount"] == 1 and stats["memCommitted"] >= 32
        assert lab.storage.domain in stats["storageDomains"]


async def test_a_paused_start_waits_for_cont(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(disks=[await lab.guest(client)], paused=True)
        await create(client, vm_id, xml)
        await client.until(vm_id, "Paused")
        await client("VM.cont", vmID=vm_id)
        await client.until(vm_id, "Powering up")
        assert client.statuses(vm_id)[0] == "Paused"


async def test_a_start_that_fails_leaves_a_down_vm_with_the_reason(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(nics=[nic("nowhere")])
        await create(client, vm_id, xml)
        row = await client.until(vm_id, "Down")
        assert (row["exitCode"], row["exitReason"]) == (1, ExitReason.GENERIC_ERROR)
        assert "nowhere" in row["exitMessage"]
        with pytest.raises(VerbError) as caught:
            await create(client, vm_id, xml)
        assert caught.value.code == Code.VM_EXISTS
        await client("VM.destroy", vmID=vm_id)
        gone = await lab.guest(client)
        (await lab.storage.path(client, gone)).unlink()
        for more, said in (({"disks": [gone]}, "volume"), ({"machine": "isapc", "q35": False}, "")):
            vm_id, xml = domain(**more)
            await create(client, vm_id, xml)
            row = await client.until(vm_id, "Down")
            assert row["exitCode"] == 1 and said in row["exitMessage"] and row["exitMessage"]
            await client("VM.destroy", vmID=vm_id)
        assert lab.rack.virsh("h1", "list", "--all", "--uuid").strip() == ""


@pytest.mark.parametrize("params", [{}, {"xml": 3}, {"xml": "<x"}, {"xml": "<domain><uuid>other</uuid></domain>"}])
async def test_what_is_no_vm_is_refused_at_once(lab: Lab, params: dict[str, object]) -> None:
    async with lab.clients("h1") as (client,):
        with pytest.raises(VerbError) as caught:
            await client("VM.create", vmID="5c1f0f5e-1d2b-4c8e-9a51-7b1f0c3d0001", vmParams=params)
        assert caught.value.code > 0
        assert await client("Host.getVMList") == []


@pytest.mark.parametrize("cpu", ["hostPassthrough", "SapphireRapids,+md-clear", "Cascadelake-Server,+spec-ctrl"])
async def test_cpus_that_emulation_lacks_start_all_the_same(lab: Lab, cpu: str) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(cpu=cpu, machine="pc-q35-rhel9.6.0")
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")


async def test_a_guest_that_powers_off_is_a_user_shutdown(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        disk = await lab.storage.volume(client, MIB, disk_of(POWER_OFF))
        vm_id, xml = domain(disks=[disk])
        await create(client, vm_id, xml)
        row = await client.until(vm_id, "Down")
        assert (row["exitCode"], row["exitReason"]) == (0, ExitReason.USER_SHUTDOWN)
        assert vm_id in [r["vmId"] for r in await client("Host.getAllVmStats")]  # until destroy
        await client("VM.destroy", vmID=vm_id)
        assert await client("Host.getAllVmStats") == []


async def test_a_killed_qemu_is_a_lost_one(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(disks=[await lab.guest(client)])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        os.kill(qemu_pid(lab, client.agent, vm_id), signal.SIGKILL)
        row = await client.until(vm_id, "Down")
        assert (row["exitCode"], row["exitReason"]) == (1, ExitReason.LOST_QEMU_CONNECTION)


async def test_a_full_disk_pauses_the_vm_until_there_is_room(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        folder = client.agent.run_dir / "full"
        folder.mkdir(exist_ok=True)
        lab.rack.hostlab("exec", "h1", "--", "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder))
        try:
            image = str(folder / "disk")
            script = f"import sys; f=open({image!r},'wb'); f.write(bytes.fromhex({disk_of(WRITER, 512).hex()!r})); f.truncate(64<<20)"
            lab.rack.hostlab("exec", "h1", "--", "python3", "-c", script)
            vm_id, xml = domain()
            disk = (
                f"<disk type='file' device='disk'><driver name='qemu' type='raw' cache='writethrough' error_policy='stop'/>"
                f"<source file='{image}'/><target dev='vda' bus='virtio'/><boot order='1'/></disk></devices>"
            )
            await create(client, vm_id, xml.replace("</devices>", disk))
            row = await client.until(vm_id, "Paused")
            assert row["pauseCode"] == "ENOSPC"
            lab.rack.hostlab("exec", "h1", "--", "mount", "-o", "remount,size=128m", str(folder))
            await client("VM.cont", vmID=vm_id)
            row = await client.until(vm_id, "Powering up")
            assert row["pauseCode"] == "NOERR"
            await client("VM.destroy", vmID=vm_id)
        finally:
            lab.rack.hostlab("exec", "h1", "--", "umount", "-l", str(folder))


async def test_a_guest_that_ignores_shutdown_is_up_again_or_forced(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(disks=[await lab.guest(client)])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        await client("VM.shutdown", vmID=vm_id, delay=0, message="", reboot=False, timeout=1, force=False)
        assert (await client.stats(vm_id))["status"] == "Powering down"
        await client.until(vm_id, "Up")
        await client("VM.shutdown", vmID=vm_id, delay="0", message="", reboot="false", timeout=1, force=True)
        row = await client.until(vm_id, "Down")
        assert (row["exitCode"], row["exitReason"]) == (0, ExitReason.ADMIN_SHUTDOWN)


async def test_destroy_on_reboot_ends_the_run_as_such(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(disks=[await lab.guest(client)])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        await client("VM.setDestroyOnReboot", vmID=vm_id)
        await client("VM.reset", vmID=vm_id)
        row = await client.until(vm_id, "Down")
        assert (row["exitCode"], row["exitReason"]) == (0, ExitReason.DESTROYED_ON_REBOOT)


async def test_hibernate_and_restore_go_on_where_the_guest_was(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(disks=[await lab.guest(client)], nics=[nic()], payload={"a": base64_of("b")})
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        seen = (await asyncio.to_thread(ticks, console(client.agent, vm_id), 20))[-1]
        memory = await lab.storage.volume(client, 96 * MIB)
        setup = await lab.storage.volume(client, MIB)
        with pytest.raises(VerbError):
            await client("VM.hibernate", vmID=vm_id, hibernationVolHandle="a,b")
        ids = (
            memory.domain_id,
            memory.pool_id,
            memory.image_id,
            memory.volume_id,
            setup.image_id,
            setup.volume_id,
        )
        await client("VM.hibernate", vmID=vm_id, hibernationVolHandle=",".join(ids))
        row = await client.until(vm_id, "Down")
        assert (row["exitCode"], row["exitReason"]) == (0, ExitReason.SAVE_STATE_SUCCEEDED)
        assert "Saving State" in client.statuses(vm_id)
        await client("VM.destroy", vmID=vm_id)
        keys = ("poolID", "domainID", "imageID", "volumeID")
        volumes = {
            name: dict(zip(keys, (d.pool_id, d.domain_id, d.image_id, d.volume_id), strict=True))
            for name, d in (("memoryDumpVolume", memory), ("memoryConfVolume", setup))
        }
        assert (await create(client, vm_id, xml, **volumes))["status"] == "Restoring state"
        await client.until(vm_id, "Up")
        now = (await asyncio.to_thread(ticks, console(client.agent, vm_id)))[0]
        assert seen < now < seen + 2000  # it did not begin anew
        other, other_xml = domain()
        await create(client, other, other_xml, **volumes)
        assert "another VM" in (await client.until(other, "Down"))["exitMessage"]


async def test_an_agent_killed_finds_its_vms_again(lab: Lab) -> None:
    agent = lab.agents["h1"]
    async with lab.clients("h1") as (client,):
        running, xml = domain(disks=[await lab.guest(client)])
        await create(client, running, xml)
        await client.until(running, "Powering up")
        paused, xml = domain(paused=True)
        await create(client, paused, xml)
        await client.until(paused, "Paused")
        failed, xml = domain(nics=[nic("nowhere")])
        await create(client, failed, xml)
        await client.until(failed, "Down")
        crashed, xml = domain()
        await create(client, crashed, xml)
        await client.until(crashed, "Powering up")
        starting, late = domain()
        foreign = agent.data / "foreign.xml"
        foreign.write_text(
            "<domain type='qemu'><name>not-ours</name><memory unit='MiB'>16</memory>"
            "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"
        )
        lab.rack.virsh("h1", "create", str(foreign))
        try:
            await create(client, starting, late)
            pid = qemu_pid(lab, agent, crashed)
            agent.kill()
            os.kill(pid, signal.SIGKILL)
            assert await asyncio.to_thread(ticks, console(agent, running))  # guests go on
            agent.start()
            again = await connect(agent)
            try:
                rows = {r["vmId"]: r for r in await again("Host.getAllVmStats")}
                assert rows[running]["status"] == "Powering up" and rows[paused]["status"] == "Paused"
                assert rows[failed]["status"] == "Down" and "nowhere" in rows[failed]["exitMessage"]
                assert (rows[crashed]["status"], rows[crashed]["exitCode"]) == ("Down", 1)
                assert rows[starting]["status"] in ("Down", "Powering up")
                assert len(rows) == 5
                await again("VM.cont", vmID=paused)
                await again.until(paused, "Powering up")
                os.kill(qemu_pid(lab, agent, paused), signal.SIGKILL)
                await again.until(paused, "Down")  # it follows them again
                for vm_id in rows:
                    await again("VM.destroy", vmID=vm_id)
                assert "not-ours" in lab.rack.virsh("h1", "list", "--name")
                assert not list((agent.run_dir / "vms").glob("*.json"))
            finally:
                await again.close()
        finally:
            lab.rack.virsh("h1", "destroy", "not-ours")


async def test_libvirtd_restarted_under_the_agent_loses_nothing(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(disks=[await lab.guest(client)])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        await asyncio.to_thread(lab.rack.hostlab, "libvirtd", "h1", "restart")
        end = time.monotonic() + 20
        while True:
            try:
                await client("VM.pause", vmID=vm_id)
                break
            except VerbError:
                assert time.monotonic() < end, client.agent.told()
                await asyncio.sleep(0.2)
        assert (await client.stats(vm_id))["status"] == "Paused"
        os.kill(qemu_pid(lab, client.agent, vm_id), signal.SIGKILL)
        await client.until(vm_id, "Down")


async def test_a_libvirt_that_hangs_does_not_stall_the_agent(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(disks=[await lab.guest(client)])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        pid = _libvirtd(lab)
        os.kill(pid, signal.SIGSTOP)
        try:
            hanging = [asyncio.create_task(client("VM.pause", vmID=vm_id)) for _ in range(3)]
            for _ in range(5):
                assert await client("Host.ping2", within=5) is True
                assert (await client("VM.getStats", within=5, vmID=vm_id))[0]["vmId"] == vm_id
            assert not any(t.done() for t in hanging)
        finally:
            os.kill(pid, signal.SIGCONT)
        await asyncio.gather(*hanging, return_exceptions=True)
        await client.until(vm_id, "Paused")


def _libvirtd(lab: Lab) -> int:
    """libvirtd of h1, as this machine numbers it: a child of the host's init."""
    init = json.loads((lab.rack.dir / "h1" / "init.json").read_text())["pid"]
    for child in Path(f"/proc/{init}/task/{init}/children").read_text().split():
        if Path(f"/proc/{child}/comm").read_text().strip() == "libvirtd":
            return int(child)
    raise AssertionError("no libvirtd in h1")


async def test_console_tickets_change_the_live_password(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(graphics=["vnc"])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        ticket = {"deviceType": "graphics", "graphicsType": "vnc", "password": "opensesame", "ttl": 120, "params": {}}
        await client("VM.updateDevice", vmID=vm_id, params=ticket)
        live = lab.rack.virsh("h1", "dumpxml", "--security-info", vm_id)
        found = re.search(r"passwd='(\w+)' passwdValidTo='(\d{4})", live)
        assert found is not None and found.group(1) == "opensesa" and int(found.group(2)) > 2020
        await client("VM.setTicket", vmID=vm_id, password="x", ttl=1, existingConnAction="keep", params={})
        for bad in (ticket | {"graphicsType": "spice"}, ticket | {"ttl": "soon"}, ticket | {"password": ""}):
            with pytest.raises(VerbError) as caught:
                await client("VM.updateDevice", vmID=vm_id, params=bad)
            assert caught.value.code == Code.TICKET_FAILED


async def test_the_ticket_opens_the_console_over_the_network(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(graphics=["vnc"])
        await create(client, vm_id, xml)
        row = await client.until(vm_id, "Powering up")
        at = row["displayInfo"][0]
        ticket = {"deviceType": "graphics", "graphicsType": "vnc", "password": "secret12", "ttl": 60, "params": {}}
        assert not await _vnc(at["ipAddress"], int(at["port"]), "secret12")  # it expired in 1970
        await client("VM.updateDevice", vmID=vm_id, params=ticket)

        async def shown() -> None:
            await client.until(vm_id, "Powering up", clientIp=lab.rack.report["gateway"], limit=10)

        assert await _vnc(at["ipAddress"], int(at["port"]), "secret12", shown)
        await client.until(vm_id, "Powering up", clientIp="", limit=10)
        assert not await _vnc(at["ipAddress"], int(at["port"]), "wrong")


async def _vnc(host: str, port: int, password: str, meanwhile: Callable[[], Awaitable[None]] | None = None) -> bool:
    """Whether a VNC server takes the password. meanwhile: run while connected."""
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 10)
    try:
        await reader.readexactly(12)
        writer.write(b"RFB 003.008\n")
        kinds = await reader.readexactly((await reader.readexactly(1))[0])
        assert 2 in kinds
        writer.write(b"\x02")
        challenge = await asyncio.wait_for(reader.readexactly(16), 10)
        key = bytes(int(f"{b:08b}"[::-1], 2) for b in password.encode().ljust(8, b"\0")[:8])
        encrypt = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()
        writer.write(encrypt.update(challenge) + encrypt.finalize())
        taken = (await asyncio.wait_for(reader.readexactly(4), 10)) == b"\0\0\0\0"
        if taken and meanwhile is not None:
            writer.write(b"\x01")
            await meanwhile()
        return taken
    finally:
        writer.close()


async def test_a_screenshot_is_a_picture(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(graphics=["vnc"])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        found = await client("VM.screenshot", vmID=vm_id)
        assert found["encoding"] == "base64" and found["mime_type"].startswith("image/") and len(found["data"]) > 100


async def test_a_disk_grows_under_the_guest_and_a_cd_changes(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        disk = await lab.guest(client)
        vm_id, xml = domain(disks=[disk])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        drive = {
            "poolID": disk.pool_id,
            "domainID": disk.domain_id,
            "imageID": disk.image_id,
            "volumeID": disk.volume_id,
        }
        assert await client("VM.diskSizeExtend", vmID=vm_id, driveSpecs=drive, newSize=str(4 * MIB)) == {
            "size": str(4 * MIB)
        }
        info = await client(
            "Volume.getInfo",
            volumeID=disk.volume_id,
            storagepoolID=disk.pool_id,
            storagedomainID=disk.domain_id,
            imageID=disk.image_id,
        )
        assert int(info["capacity"]) == 4 * MIB
        with pytest.raises(VerbError, match="cannot shrink"):
            await client("VM.diskSizeExtend", vmID=vm_id, driveSpecs=drive, newSize=str(MIB))
        iso = lab.rack.shared / "a.iso"
        iso.write_bytes(bytes(65536))
        for path, there in ((str(iso), True), ("", False)):
            before = (await client.stats(vm_id))["hash"]
            await client("VM.changeCD", vmID=vm_id, driveSpec={"iface": "sata", "index": "2", "path": path})
            live = (await client("Host.dumpxmls", vmList=[vm_id]))[vm_id]
            assert (str(iso) in live) is there
            assert (await client.stats(vm_id))["hash"] != before
        with pytest.raises(VerbError) as caught:
            await client("VM.changeCD", vmID=vm_id, driveSpec={"iface": "sata", "index": "2", "path": "/no.iso"})
        assert caught.value.code == Code.CHANGE_DISK


async def test_devices_are_plugged_and_networks_change_live(lab: Lab) -> None:
    from msgspec.structs import replace

    from ovis.contract.domain.builder import build_hotplug

    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(disks=[await lab.guest(client)], max_memory=64 * MIB)
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        extra = replace(await lab.storage.volume(client, MIB), bootable=False)
        document = build_hotplug(disk=extra)
        for _ in range(2):  # the same disk again is no error
            await client("VM.hotplugDisk", vmID=vm_id, params={"vmId": vm_id, "xml": document})
        plug = nic()
        await client("VM.hotplugNic", vmID=vm_id, params={"vmId": vm_id, "xml": build_hotplug(nic=plug)})
        live = (await client("Host.dumpxmls", vmList=[vm_id]))[vm_id]
        assert live.count(extra.image_id) >= 2 and plug.mac in live
        metadata = live[live.index("<metadata") : live.index("</metadata>")]
        assert extra.volume_id in metadata and plug.mac in metadata
        down = build_hotplug(nic=replace(plug, linked=False, bridge=None))
        await client("VM.updateDevice", vmID=vm_id, params={"deviceType": "interface", "xml": down})
        live = (await client("Host.dumpxmls", vmList=[vm_id]))[vm_id]
        assert "<link state='down'/>" in live and ";vdsmdummy;" in live
        await client("VM.setNumberOfCpus", vmID=vm_id, numberOfCpus="2")
        assert (await client.stats(vm_id))["vcpuCount"] == "2"
        for verb, values, code in (
            ("VM.hotplugNic", {"params": {"xml": build_hotplug(nic=nic("nowhere"))}}, Code.NIC_PLUG),
            ("VM.updateDevice", {"params": {"deviceType": "interface", "xml": build_hotplug(nic=nic())}}, Code.UPDATE_DEVICE),
            ("VM.updateDevice", {"params": {"deviceType": "floppy"}}, Code.UPDATE_DEVICE),
            ("VM.hotplugDisk", {"params": {"xml": "<hotplug/>"}}, Code.INVALID_PARAMETER),
            ("VM.setNumberOfCpus", {"numberOfCpus": 1}, Code.SET_CPUS),
            ("VM.setNumberOfCpus", {"numberOfCpus": "many"}, Code.INVALID_PARAMETER),
        ):  # fmt: skip
            with pytest.raises(VerbError) as caught:
                await client(verb, vmID=vm_id, **values)
            assert caught.value.code == code, verb


@pytest.mark.parametrize(
    "values",
    [
        {"firmware": "uefi"},
        {"firmware": "uefi-secure"},
        {"graphics": ["spice"]},
        {"machine": "pc", "q35": False},
        {"usb": True, "graphics": ["vnc"]},
        {"rng": "hwrng", "iothreads": 1, "sockets": 2, "cores": 2},
    ],
)
async def test_kinds_of_machines_start(lab: Lab, values: dict[str, object]) -> None:
    if values.get("firmware") and not Path("/usr/share/OVMF").is_dir():
        pytest.skip("UEFI firmware (package ovmf) is not installed")
    async with lab.clients("h1") as (client,):
        given: dict[str, Any] = {
            "disks": [await lab.guest(client)],
            "memory": 64 * MIB,
            "max_memory": 64 * MIB,
            **values,
        }
        vm_id, xml = domain(**given)
        await create(client, vm_id, xml)
        row = await client.until(vm_id, "Powering up")
        assert [d["type"] for d in row["displayInfo"]] == values.get("graphics", [])


async def test_start_costs_little_more_than_libvirts_own(lab: Lab) -> None:
    """No limit is asserted: the figures are printed (pytest -s)."""
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(disks=[await lab.guest(client)])
        begun = time.perf_counter()
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        ours = time.perf_counter() - begun
        live = lab.rack.virsh("h1", "dumpxml", "--inactive", vm_id)
        await client("VM.destroy", vmID=vm_id)
        file = lab.rack.dir / "same.xml"
        file.write_text(live)
        begun = time.perf_counter()
        done = await asyncio.to_thread(
            subprocess.run, ["virsh", "-c", lab.rack.host("h1")["uri_unix"], "create", str(file)], capture_output=True
        )
        theirs = time.perf_counter() - begun
        lab.rack.virsh("h1", "destroy", vm_id)
        assert done.returncode == 0, done.stderr
        print(f"start: {ours:.2f} s by VM.create, {theirs:.2f} s by virsh")
