"""What a real host answers has the declared shapes; the smaller verbs on real guests."""

import asyncio
import base64
import json
import os
import socket
import uuid
from pathlib import Path
from typing import Any

import pytest

from ovis.contract.checks import result
from ovis.contract.domain.specs import Disk
from ovis.contract.errors import Code, VerbError
from ovis.contract.shapes.events import shape_of
from ovis.contract.verbs import VERBS
from tests.agent.rack import MIB, Client, Lab, create, domain, nic
from tests.agent.wire import keys


async def ask(client: Client, verb: str, **params: Any) -> Any:
    """A result that fits its shape."""
    value = await client(verb, **params)
    assert keys.misfits(verb, value) == []
    return value


async def code(client: Client, verb: str, **params: Any) -> int:
    """The code of a refusal."""
    with pytest.raises(VerbError) as caught:
        await client(verb, **params)
    return caught.value.code


async def told(client: Client, event: str) -> None:
    """Wait for an event."""
    async with asyncio.timeout(30):
        while event not in [name for name, _ in client.events]:
            await asyncio.sleep(0.05)


def ids(disk: Disk) -> dict[str, str]:
    """A disk as verbs name it."""
    return {
        "device": "disk",
        "poolID": str(disk.pool_id),
        "domainID": str(disk.domain_id),
        "imageID": str(disk.image_id),
        "volumeID": str(disk.volume_id),
    }


async def test_every_report_has_its_keys_and_types(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        disk = await lab.guest(client)
        vm_id, xml = domain(disks=[disk], nics=[nic()], graphics=["vnc"])
        assert keys.misfits("VM.create", await create(client, vm_id, xml)) == []
        await client.until(vm_id, "Powering up")
        assert keys.absent(await ask(client, "Host.getCapabilities"), keys.CAPABILITIES) == []
        stats = await ask(client, "Host.getStats")
        assert keys.absent(stats, keys.STATISTICS) == []
        assert all(keys.absent(row, keys.NIC) == [] for row in stats["network"].values())
        assert all(keys.absent(row, keys.DOMAIN) == [] for row in stats["storageDomains"].values())
        for _ in range(3):
            (row,) = await ask(client, "Host.getAllVmStats")
            assert keys.absent(row, keys.VM) == []
            await asyncio.sleep(0.1)
        assert int(row["pid"]) > 1 and row["displayInfo"][0]["port"] == row["displayPort"]
        asked = [v.name for v in VERBS.values() if v.served and not any(p.mandatory for p in v.params)]
        for name in asked:
            await ask(client, name)
        for verb in ("VM.getInfo", "VM.getMigrationStatus", "VM.screenshot", "VM.pause", "VM.cont", "VM.getIoTune"):
            await ask(client, verb, vmID=vm_id)
        await client("VM.destroy", vmID=vm_id)


async def test_garbage_gets_clear_refusals_and_the_vm_runs_on(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(disks=[await lab.guest(client)], nics=[nic()])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        assert await keys.unclear(client, vm_id) == []
        await client("VM.cont", vmID=vm_id)
        assert (await client.stats(vm_id))["status"] in ("Powering up", "Up")


async def test_events_have_their_shapes_and_networks_that_change_are_told(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        await asyncio.sleep(3)  # a host that has just been switched on finds its own addresses
        client.events.clear()
        vm_id, xml = domain(disks=[await lab.guest(client)], nics=[nic()])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        await client("VM.destroy", vmID=vm_id)
        await asyncio.sleep(2)  # longer than the watch waits
        seen = list(client.events)
        assert "|net|host_conn|no_id" not in [name for name, _ in seen]  # guests' own NICs are no news
        assert f"|virt|VM_status|{vm_id}" in [name for name, _ in seen]
        for verb in ("add", "del"):
            client.events.clear()
            lab.rack.hostlab("exec", "h1", "--", "ip", "addr", verb, "192.0.2.77/32", "dev", "eth1")
            await told(client, "|net|host_conn|no_id")
        for event, body in [*seen, *client.events]:
            assert isinstance(body.pop("notify_time"), int)
            assert list(result(shape_of(event), body)) == [], (event, body)


async def test_a_vm_that_went_down_has_its_end_until_it_is_destroyed(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(nics=[nic("nowhere")])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Down")
        (row,) = await ask(client, "Host.getAllVmStats")
        assert keys.absent(row, keys.DOWN) == [] and (row["exitCode"], row["exitReason"]) == (1, 1)
        await ask(client, "VM.destroy", vmID=vm_id)
        assert await ask(client, "Host.getAllVmStats") == []


async def test_limits_of_disks_hold_in_qemu_and_stay_with_the_vm(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        disk = await lab.guest(client)
        vm_id, xml = domain(disks=[disk])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        (row,) = await ask(client, "VM.getIoTune", vmID=vm_id)
        assert row["name"] == "vda" and set(row["ioTune"].values()) == {0}

        tunables = [{"path": row["path"], "ioTune": {"read_bytes_sec": 1 << 20, "write_iops_sec": "500"}}]
        assert await ask(client, "VM.setIoTune", vmID=vm_id, tunables=tunables) == {"code": 0, "message": "Done"}
        (now,) = await ask(client, "VM.getIoTune", vmID=vm_id)
        assert (now["ioTune"]["read_bytes_sec"], now["ioTune"]["write_iops_sec"]) == (1 << 20, 500)
        shown = lab.rack.virsh("h1", "blkdeviotune", vm_id, "vda")
        assert "write_iops_sec : 500" in " ".join(shown.split())
        assert (await client.stats(vm_id))["ioTune"] == [now]

        for bad in (
            [{"name": "vdz", "ioTune": {}}],
            [{"name": "vda", "ioTune": {"speed": 1}}],
            [{"name": "vda", "ioTune": {"total_iops_sec": -1}}],
            [{"name": "vda", "ioTune": {"total_iops_sec": 5, "read_iops_sec": 5}}],
            [{"name": "vda", "ioTune": {"total_iops_sec": 9}}, {"name": "vdz", "ioTune": {}}],
        ):
            assert await code(client, "VM.setIoTune", vmID=vm_id, tunables=bad) in (64, 91)
        assert (await ask(client, "VM.getIoTune", vmID=vm_id))[0]["ioTune"] == now["ioTune"]

        limits = {"maximum": {"total_iops_sec": 700}, "guaranteed": {"total_iops_sec": 100}}
        await ask(client, "VM.updateVmPolicy", vmID=vm_id, params={"ioTune": [ids(disk) | limits], "vcpuLimit": "50"})
        (policy,) = await ask(client, "VM.getIoTunePolicy", vmID=vm_id)
        assert policy == {"name": "vda", "path": row["path"], **limits}
        whole = await ask(client, "Host.getAllVmIoTunePolicies")
        assert whole[vm_id]["policy"] == [policy]
        assert whole[vm_id]["current_values"][0]["ioTune"]["total_iops_sec"] == 700
        live = (await client("Host.dumpxmls", vmList=[vm_id]))[vm_id]
        assert (await client.stats(vm_id))["vcpuUserLimit"] == 50
        assert "vcpuLimit>50<" in live and "ovirt-vm:vm" in live
        await ask(client, "VM.updateVmPolicy", vmID=vm_id, params={"vcpuLimit": 60})
        assert await ask(client, "VM.getIoTunePolicy", vmID=vm_id) == [policy]
        assert await code(client, "VM.updateVmPolicy", vmID=vm_id, params={}) == Code.MISSING_PARAMETER
        assert await code(client, "VM.updateVmPolicy", vmID=vm_id, params={"vcpuLimit": -5}) == Code.VM_POLICY
        # A rack's hosts have no cgroups: the refusal is told as such.
        assert await code(client, "VM.setCpuTuneQuota", vmID=vm_id, quota=50_000) == Code.CPU_TUNE


async def test_floppies_change_and_machines_without_a_drive_say_so(lab: Lab, tmp_path: Path) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain(q35=False, machine="pc")
        drive = "<disk type='file' device='floppy'><driver name='qemu' type='raw'/><target dev='fda' bus='fdc'/></disk>"
        await create(client, vm_id, xml.replace("<devices>", "<devices>" + drive, 1))
        await client.until(vm_id, "Powering up")
        image = lab.rack.shared / "floppy.img"
        image.write_bytes(bytes(1440 * 1024))
        row = await ask(client, "VM.changeFloppy", vmID=vm_id, driveSpec={"path": str(image)})
        assert row["vmId"] == vm_id
        assert str(image) in (await client("Host.dumpxmls", vmList=[vm_id]))[vm_id]
        await ask(client, "VM.changeFloppy", vmID=vm_id, driveSpec="")
        assert str(image) not in (await client("Host.dumpxmls", vmList=[vm_id]))[vm_id]
        missing = {"path": "/nowhere.img"}
        assert await code(client, "VM.changeFloppy", vmID=vm_id, driveSpec=missing) == Code.CHANGE_DISK
        without, xml = domain()
        await create(client, without, xml)
        await client.until(without, "Powering up")
        assert await code(client, "VM.changeFloppy", vmID=without, driveSpec={"path": str(image)}) == Code.CHANGE_DISK


async def test_desktops_need_a_guest_agent_that_listens(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        vm_id, xml = domain()
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        secret = "Not-In-Any-Log-7"
        login = {"domain": "d", "username": "u", "password": secret}
        for verb, more in (
            ("VM.desktopLogin", login),
            ("VM.desktopLock", {}),
            ("VM.desktopLogoff", {"force": "false"}),
            ("VM.desktopSendHcCommand", {"message": "x"}),
        ):
            assert await code(client, verb, vmID=vm_id, **more) == Code.GUEST_AGENT_SILENT
        assert secret not in client.agent.log.read_text(errors="replace")


async def test_a_disks_sizes_and_alignment(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        table = bytearray(512)
        table[446:462] = (
            bytes([0x80, 0, 0, 0, 0x83, 0, 0, 0]) + (2048).to_bytes(4, "little") + (100).to_bytes(4, "little")
        )
        table[462:478] = bytes([0, 0, 0, 0, 0x83, 0, 0, 0]) + (2211).to_bytes(4, "little") + (100).to_bytes(4, "little")
        table[510:512] = b"\x55\xaa"
        disk = await lab.storage.volume(client, 2 * MIB, bytes(table))
        vm_id, xml = domain(disks=[disk])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        sizes = await ask(client, "VM.refresh_disk", vmID=vm_id, drive=ids(disk))
        assert sizes["apparentsize"] == 2 * MIB
        found = await ask(client, "VM.getDiskAlignment", vmID=vm_id, disk=ids(disk))
        assert found == {"/dev/sda1": True, "/dev/sda2": False}
        other = ids(disk) | {"imageID": str(uuid.uuid4())}
        assert await code(client, "VM.refresh_disk", vmID=vm_id, drive=other) == Code.IMAGE_NOT_FOUND


async def test_sealing_is_refused_where_it_cannot_be_done(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        disk = await lab.guest(client)
        image = {"sd_id": disk.domain_id, "img_id": disk.image_id, "vol_id": disk.volume_id}
        given: dict[str, Any] = {"job_id": str(uuid.uuid4()), "sp_id": lab.storage.pool, "images": [image]}
        vm_id, xml = domain(disks=[disk])
        await create(client, vm_id, xml)
        assert await code(client, "VM.seal", vmID=vm_id, **given) == Code.UNEXPECTED
        with pytest.raises(VerbError, match="virt-sysprep is not installed") as caught:
            await client("VM.seal", vmID=str(uuid.uuid4()), **given)
        assert caught.value.code == Code.GENERAL


async def test_secrets_are_in_libvirt_and_in_no_log(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        word = "Kept-To-Itself-42"
        one, two = str(uuid.uuid4()), str(uuid.uuid4())
        row = {"uuid": one, "usageType": "ceph", "usageID": f"ovirt/{one}", "description": "key of a pool"}
        given = row | {"password": base64.b64encode(word.encode()).decode()}
        await ask(client, "Host.registerSecrets", secrets=[given])
        await ask(client, "Host.registerSecrets", secrets=[given])  # the same again
        assert one in lab.rack.virsh("h1", "secret-list")
        assert "private='yes'" in lab.rack.virsh("h1", "secret-dumpxml", one)
        second = given | {"uuid": two, "usageID": f"ovirt/{two}"}
        await ask(client, "Host.registerSecrets", secrets=[second], clear=True)
        listed = lab.rack.virsh("h1", "secret-list")
        assert two in listed and one not in listed
        for bad in ({"password": "%%%"}, {"usageType": "tape"}, {"usageID": ""}, {"uuid": "x"}):
            assert await code(client, "Host.registerSecrets", secrets=[given | bad]) == Code.SECRET_WRONG
        await ask(client, "Host.unregisterSecrets", uuids=[two, one])
        assert two not in lab.rack.virsh("h1", "secret-list")
        log = client.agent.log.read_text(errors="replace")
        assert one in log and word not in log and str(given["password"]) not in log


async def test_devices_that_cannot_be_split_or_given_back_are_refused_clearly(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        change = {"deviceName": "pci_0000_ff_1f_7", "numvfs": 2}
        assert await code(client, "Host.hostdevChangeNumvfs", **change) == Code.GENERAL
        wrong = {"deviceName": "../../etc", "numvfs": 1}
        assert await code(client, "Host.hostdevChangeNumvfs", **wrong) == Code.INVALID_PARAMETER
        assert await code(client, "Host.hostdevReattach", deviceName="pci_0000_ff_1f_7") == Code.GENERAL
        guid = "36001405" + "0" * 24
        assert await ask(client, "Host.getDevicesVisibility", guidList=[guid, "../sda"]) == {
            guid: False,
            "../sda": False,
        }


async def test_the_log_gets_louder_and_quieter_and_takes_a_mark(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        mark = f"here I am {uuid.uuid4()}"
        assert await ask(client, "Host.echo", message=mark) == mark
        assert mark in client.agent.log.read_text(errors="replace")
        await ask(client, "Host.setLogLevel", level="ERROR")
        quiet = f"not told {uuid.uuid4()}"
        await ask(client, "Host.echo", message=quiet)
        await ask(client, "Host.setLogLevel", level="DEBUG")
        await ask(client, "Host.getVMList")
        log = client.agent.log.read_text(errors="replace")
        assert quiet not in log and '"verb":"Host.getVMList"' in log
        await ask(client, "Host.setLogLevel", level="INFO")
        assert await code(client, "Host.setLogLevel", level="LOUD") == Code.INVALID_PARAMETER
        assert await code(client, "Host.setLogLevel", level="INFO", name="vds") == Code.INVALID_PARAMETER
        assert await code(client, "Host.setMOMPolicy", policy="x") == Code.MOM_POLICY
        assert await code(client, "Host.setKsmTune", tuningParams={"speed": 1}) == Code.INVALID_PARAMETER


async def test_storage_can_be_looked_at(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        disk = await lab.guest(client)
        pool, store = lab.storage.pool, lab.storage.domain
        assert await ask(client, "Host.getConnectedStoragePools") == [pool]
        image = {"storagepoolID": pool, "imageID": disk.image_id}
        assert await ask(client, "StoragePool.getDomainsContainingImage", **image) == [store]
        image["imageID"] = str(uuid.uuid4())
        assert await ask(client, "StoragePool.getDomainsContainingImage", **image) == []
        dump = await ask(client, "StorageDomain.dump", sd_id=store)
        assert dump["metadata"]["uuid"] == store
        row = dump["volumes"][disk.volume_id]
        assert (row["image"], row["status"], row["capacity"]) == (disk.image_id, "OK", 2 * MIB)
        files = {"storagedomainID": store, "pattern": "*", "caseSensitive": True}
        assert await code(client, "StorageDomain.getFileStats", **files) == Code.FILE_STATS
        await ask(client, "Host.startMonitoringDomain", sdUUID=store, hostID=1)
        await ask(client, "Host.stopMonitoringDomain", sdUUID=store)
        assert store in await ask(client, "Host.getStorageRepoStats")  # its pool still uses it
        unknown = {"sdUUID": str(uuid.uuid4()), "hostID": 1}
        assert await code(client, "Host.startMonitoringDomain", **unknown) == Code.STORAGE_DOMAIN_MISSING


async def test_an_iso_domains_files(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        folder, iso = lab.rack.shared / "isos", str(uuid.uuid4())
        folder.mkdir(exist_ok=True)
        server = [{"id": str(uuid.uuid4()), "connection": str(folder)}]
        await client(
            "StoragePool.connectStorageServer", storagepoolID=lab.storage.pool, domainType=4, connectionParams=server
        )
        made: dict[str, Any] = {
            "storagedomainID": iso,
            "domainType": 4,
            "typeArgs": str(folder),
            "name": "isos",
            "domainClass": 2,
        }
        await client("StorageDomain.create", **made, version=0)
        files = folder / iso / "images" / "11111111-1111-1111-1111-111111111111"
        files.mkdir(parents=True, exist_ok=True)
        (files / "Debian.ISO").write_bytes(b"x" * 10)
        (files / "notes.txt").write_bytes(b"")
        (files / "evil.iso").symlink_to("/etc/passwd")
        given = {"storagedomainID": iso, "pattern": "*.iso"}
        found = await ask(client, "StorageDomain.getFileStats", **given, caseSensitive=False)
        assert found.keys() == {"Debian.ISO"} and found["Debian.ISO"]["size"] == 10
        assert await ask(client, "StorageDomain.getFileStats", **given, caseSensitive=True) == {}


async def test_a_channel_of_the_guest_agent_gets_one_line(tmp_path: Path) -> None:
    from ovis.agent.virt.desktop import say

    path = tmp_path / "channel"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        await say(str(path), {"__name__": "login", "username": "u@d", "password": "p"})
        with server.accept()[0] as guest:
            line = guest.recv(4096)
    assert json.loads(line) == {"__name__": "login", "username": "u@d", "password": "p"} and line.endswith(b"\n")
    os.unlink(path)
    with pytest.raises(VerbError) as caught:
        await say(str(path), {"__name__": "lock-screen"})
    assert caught.value.code == Code.GUEST_AGENT_SILENT
