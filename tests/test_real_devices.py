"""Through the API on a real host: what changes on running guests, and what keeps their state beside their disks.

One rack, two guests: Linux with its agent, and a ticking one under UEFI with a TPM.
"""

import base64
import glob
import os
import socket
import struct
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import httpx
import ovirtsdk4
import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from ovirtsdk4 import types

from ovis.cli.guest import Guest, NotBuilt, build
from tests.agent.rack import ROOT, missing
from tests.installation import until
from tests.real_rack import MIB, Place, real_place

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
    pytest.mark.long,  # hosts by themselves plug the same in tests/agent/virt/test_life_in_rack.py
]
HOST = "h1"


@pytest.fixture(scope="module")
def image() -> Guest:
    try:
        return build(ROOT / "tools/make-guest-image.sh")
    except NotBuilt as err:
        pytest.skip(f"the Linux guest cannot be made here: {err}")


@pytest.fixture(scope="module")
def place(image: Guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with real_place(tmp_path_factory.mktemp("real"), 1) as made:
        yield made


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with place.engine.client() as made:
        yield made


@pytest.fixture
def system(place: Place) -> Iterator[Any]:
    with place.engine.sdk() as made:
        yield made


def profile(client: httpx.Client) -> str:
    """The profile of the management network."""
    return str(client.get("/vnicprofiles").json()["vnic_profile"][0]["id"])


def live(place: Place, name: str) -> ET.Element:
    """The domain as libvirt runs it."""
    return ET.fromstring(place.rack.virsh(HOST, "dumpxml", name))


def becomes(service: Any, status: str, seconds: float = 120) -> None:
    until(lambda: str(service.get().status) == status, f"a VM that is {status}", seconds)


def _disk_of(place: Place, client: httpx.Client, service: Any, image: Guest) -> None:
    """A disk with the image's file system, which the guest mounts."""
    made = service.disk_attachments_service().add(
        types.DiskAttachment(
            disk=types.Disk(
                name="linux-disk",
                format=types.DiskFormat.RAW,
                provisioned_size=96 * MIB,
                storage_domains=[types.StorageDomain(name="data")],
            ),
            interface=types.DiskInterface.VIRTIO,
            bootable=True,
            active=True,
        )
    )
    found = until(lambda: (d := client.get(f"/disks/{made.id}").json())["status"] == "ok" and d, "a disk that is ok")
    (path,) = glob.glob(f"{place.rack.shared}/data/*/images/*/{found['image_id']}")
    command = ["qemu-img", "convert", "-n", "-O", "raw", str(image.disk), path]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="module")
def linux(place: Place, image: Guest) -> Iterator[tuple[str, Any]]:
    """(its name, its service): up because its agent answered, named by its config drive."""
    with place.engine.client() as client, place.engine.sdk() as system:
        vms = system.vms_service()
        topology = types.CpuTopology(sockets=1, cores=1, threads=1)
        vm = vms.add(
            types.Vm(
                name="linux",
                cluster=types.Cluster(name="Default"),
                template=types.Template(name="Blank"),
                memory=256 * MIB,
                memory_policy=types.MemoryPolicy(max=1024 * MIB, guaranteed=128 * MIB),
                cpu=types.Cpu(topology=topology),
                console=types.Console(enabled=True),
                os=types.OperatingSystem(
                    kernel=str(image.kernel), initrd=str(image.initrd), cmdline="console=ttyS0 quiet panic=5",
                    boot=types.Boot(devices=[types.BootDevice.NETWORK]),
                ),
                initialization=types.Initialization(host_name="named-by-drive"),
            )
        )  # fmt: skip
        service = vms.vm_service(vm.id)
        _disk_of(place, client, service, image)
        nic = types.Nic(name="nic1", vnic_profile=types.VnicProfile(id=profile(client)))
        service.nics_service().add(nic)
        service.start(use_cloud_init=True)
        becomes(service, "up")
        yield "linux", service
        service.stop()
        becomes(service, "down")


def test_a_guest_without_ahci_reads_its_config_drive(linux: tuple[str, Any]) -> None:
    _, service = linux
    assert until(lambda: service.get().fqdn, "the guest's name", 60) == "named-by-drive"


def test_a_disk_comes_and_goes(place: Place, linux: tuple[str, Any]) -> None:
    name, service = linux
    attachments = service.disk_attachments_service()
    made = attachments.add(
        types.DiskAttachment(
            disk=types.Disk(
                name="extra",
                format=types.DiskFormat.RAW,
                provisioned_size=4 * MIB,
                storage_domains=[types.StorageDomain(name="data")],
            ),
            interface=types.DiskInterface.VIRTIO_SCSI,
            bootable=False,
            active=True,
        )
    )
    one = attachments.attachment_service(made.id)

    def serials() -> list[str | None]:
        return [s.text for s in live(place, name).findall("devices/disk/serial")]

    until(lambda: made.id in serials(), "the disk in the guest", 60)
    until(lambda: one.get().active, "an active disk")
    one.update(types.DiskAttachment(active=False))
    assert made.id not in serials()
    one.update(types.DiskAttachment(active=True))
    assert made.id in serials()
    one.update(types.DiskAttachment(active=False))
    one.remove(detach_only=True)


def test_a_nic_comes_changes_and_goes(place: Place, linux: tuple[str, Any], client: httpx.Client) -> None:
    name, service = linux
    nics = service.nics_service()
    extra = nics.add(types.Nic(name="nic2", vnic_profile=types.VnicProfile(id=profile(client))))
    one = nics.nic_service(extra.id)

    def state() -> str:
        for nic in live(place, name).findall("devices/interface"):
            if nic.find("mac").get("address") == extra.mac.address:  # type: ignore[union-attr]
                return nic.find("link").get("state") or ""  # type: ignore[union-attr]
        return "unplugged"

    def addresses() -> int:
        return sum(1 for d in service.reported_devices_service().list() if d.ips)

    assert state() == "up"
    until(lambda: addresses() == 2, "an address for the new NIC", 60)
    one.update(types.Nic(linked=False))
    assert state() == "down"
    one.update(types.Nic(vnic_profile=types.VnicProfile(id=None, name=None), linked=True))
    one.deactivate()
    assert state() == "unplugged"
    one.activate()
    assert state() in ("up", "down")
    one.deactivate()
    one.remove()


def test_cpus_and_memory_are_plugged(place: Place, linux: tuple[str, Any], client: httpx.Client) -> None:
    name, service = linux
    found = service.update(types.Vm(cpu=types.Cpu(topology=types.CpuTopology(sockets=2)), memory=384 * MIB))
    assert (found.cpu.topology.sockets, found.memory, found.next_run_configuration_exists) == (2, 384 * MIB, False)
    root = live(place, name)
    assert root.find("vcpu").get("current") == "2"  # type: ignore[union-attr]
    assert [m.findtext("target/size") for m in root.findall("devices/memory")] == [str(128 * 1024)]
    with pytest.raises(ovirtsdk4.Error, match="steps of 128 MiB"):
        service.update(types.Vm(memory=400 * MIB))
    found = service.update(types.Vm(memory=256 * MIB))
    dimms = live(place, name).findall("devices/memory")
    if dimms:  # the guest may keep what it uses: then that is told, and it waits
        assert (found.memory, found.next_run_configuration_exists) == (384 * MIB, True)
        assert place.event(client, 2047)
    else:
        assert (found.memory, found.next_run_configuration_exists) == (256 * MIB, False)
    found = service.update(types.Vm(cpu=types.Cpu(topology=types.CpuTopology(sockets=1))))
    assert (found.cpu.topology.sockets, found.next_run_configuration_exists) == (2, True)
    assert place.domains(HOST) == [name]


def test_a_cd_is_changed_and_ejected(place: Place, linux: tuple[str, Any]) -> None:
    name, service = linux
    iso = place.rack.shared / "tools.iso"
    iso.write_bytes(bytes(64 * 1024))
    drive = service.cdroms_service().cdrom_service("00000000-0000-0000-0000-000000000000")

    def inside() -> str:
        (found,) = (d for d in live(place, name).findall("devices/disk") if d.find("target").get("dev") == "sdc")  # type: ignore[union-attr]
        source = found.find("source")
        return (source.get("file") or "") if source is not None else ""

    drive.update(types.Cdrom(file=types.File(id=str(iso))), current=True)
    assert inside() == str(iso)
    assert drive.get(current=True).file.id == str(iso)
    drive.update(types.Cdrom(file=types.File(id="")), current=True)
    assert inside() == ""
    with pytest.raises(ovirtsdk4.Error, match="no file"):
        drive.update(types.Cdrom(file=types.File(id="/nowhere/x.iso")), current=True)


def test_file_systems_hold_still_and_the_screen_is_seen(
    place: Place, linux: tuple[str, Any], client: httpx.Client
) -> None:
    name, service = linux
    service.freeze_filesystems()
    answer = place.rack.virsh(HOST, "qemu-agent-command", name, '{"execute":"guest-fsfreeze-status"}')
    assert "frozen" in answer
    service.freeze_filesystems()  # again: no error
    service.thaw_filesystems()
    answer = place.rack.virsh(HOST, "qemu-agent-command", name, '{"execute":"guest-fsfreeze-status"}')
    assert "thawed" in answer
    shot = client.post(f"/vms/{service.get().id}/screenshot", json={})
    assert shot.status_code == 200, shot.text
    assert base64.b64decode(shot.json()["image"])[:4] in (b"\x89PNG", b"P6\n7", b"P6\n6", b"P6\n1")


def _answers(address: tuple[str, int], password: str) -> bool:
    """Whether a VNC server lets a password in (RFB 3.8, security type 2)."""
    with socket.create_connection(address, timeout=20) as link:
        stream = link.makefile("rwb", buffering=0)
        stream.read(12)
        stream.write(b"RFB 003.008\n")
        count = stream.read(1)[0]
        assert 2 in stream.read(count)
        stream.write(b"\x02")
        challenge = b""
        while len(challenge) < 16:
            challenge += stream.read(16 - len(challenge))
        key = bytes(int(f"{b:08b}"[::-1], 2) for b in password.encode()[:8].ljust(8, b"\0"))
        des = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()
        stream.write(des.update(challenge))
        return bool(struct.unpack(">I", stream.read(4))[0] == 0)


def test_a_ticket_opens_the_console_for_its_time(linux: tuple[str, Any]) -> None:
    _, service = linux
    consoles = service.graphics_consoles_service()
    (console,) = consoles.list(current=True)
    where = (console.address, console.port)
    given = service.ticket(ticket=types.Ticket(value="abc12345", expiry=4))
    begun = time.monotonic()
    assert _answers(where, "abc12345")
    assert not _answers(where, "wrong")
    assert given.value == "abc12345"
    time.sleep(max(0.0, begun + 6 - time.monotonic()))
    assert not _answers(where, "abc12345"), "its time is over"
    file = consoles.console_service(console.id).remote_viewer_connection_file()
    password = next(line.partition("=")[2] for line in file.splitlines() if line.startswith("password="))
    assert _answers(where, password)


def test_a_vm_started_paused_runs_on_when_it_is_started_again(place: Place, client: httpx.Client, system: Any) -> None:
    vm = place.add_guest(client, "calm")
    service = system.vms_service().vm_service(vm)
    service.start(pause=True)
    becomes(service, "paused")
    assert place.rack.virsh(HOST, "domstate", "calm").strip() == "paused"
    service.start()
    until(lambda: str(service.get().status) in ("up", "powering_up"), "a running VM")
    assert place.rack.virsh(HOST, "domstate", "calm").strip() == "running"
    service.stop()
    becomes(service, "down")
    service.remove()


def test_pinning_numa_and_a_watchdog_are_the_domains(place: Place, client: httpx.Client, system: Any) -> None:
    vm = place.add_guest(client, "tuned")
    service = system.vms_service().vm_service(vm)
    pins = [types.VcpuPin(vcpu=0, cpu_set="0")]
    service.update(types.Vm(cpu=types.Cpu(cpu_tune=types.CpuTune(vcpu_pins=pins)), cpu_shares=512))
    service.numa_nodes_service().add(
        types.VirtualNumaNode(index=0, memory=64, cpu=types.Cpu(cores=[types.Core(index=0)]))
    )
    watchdog = types.Watchdog(model=types.WatchdogModel.I6300ESB, action=types.WatchdogAction.RESET)
    service.watchdogs_service().add(watchdog)
    service.start()
    until(lambda: str(service.get().status) in ("up", "powering_up"), "a running VM")
    root = live(place, "tuned")
    assert [(p.get("vcpu"), p.get("cpuset")) for p in root.findall("cputune/vcpupin")] == [("0", "0")]
    assert [w.get("action") for w in root.findall("devices/watchdog")] == ["reset"]
    service.stop()
    becomes(service, "down")
    service.remove()


@pytest.mark.skipif(not os.path.exists("/usr/bin/swtpm"), reason="swtpm is not installed")
def test_firmware_and_tpm_keep_their_state(place: Place, client: httpx.Client, system: Any) -> None:
    vm = place.add_guest(client, "sealed", memory=128 * MIB)
    service = system.vms_service().vm_service(vm)
    service.update(types.Vm(bios=types.Bios(type=types.BiosType.Q35_SECURE_BOOT), tpm_enabled=True))
    service.start()
    until(lambda: str(service.get().status) in ("up", "powering_up"), "a running VM")
    root = live(place, "sealed")
    assert root.find("devices/tpm/backend").get("type") == "emulator"  # type: ignore[union-attr]
    assert root.find("os/loader").get("secure") == "yes"  # type: ignore[union-attr]
    service.stop()
    becomes(service, "down")
    service.remove()
