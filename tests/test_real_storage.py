"""Through the API on real hosts, with the real client: disks move under running guests with their data, a full storage
pauses a guest that goes on when it grows, and a highly available VM comes back once its host is surely dead."""

import glob
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.agent.rack import Rack, missing
from tests.faults.record import saw
from tests.installation import until
from tests.real_rack import MIB, Place, real_place
from tests.test_real_snapshots import becomes, gone, guest, halt, holds, put, reads, snap, start, through, write

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")
SMALL = 24 * MIB  # of the storage that gets full
BLOCK = 32  # sectors that the writing guest writes at once
FIRST, LAST = 128, 40 * MIB // 512 - 256  # sectors


def mount_small(rack: Rack) -> None:
    """A storage of its own size, seen by all hosts."""
    folder = rack.dir / "shared/small"
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL},mode=777", "small", str(folder)], check=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    small: list[Path] = []

    def before(rack: Rack) -> None:
        mount_small(rack)
        small.append(rack.dir / "shared/small")

    try:
        with real_place(tmp_path_factory.mktemp("real"), before=before) as made:
            second = made.rack.shared / "second"
            second.mkdir()
            made.engine.add_storage("second", path=str(second))
            yield made
    finally:
        for folder in small:
            subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with place.engine.client() as made:
        yield made


@pytest.fixture
def system(place: Place) -> Iterator[Any]:
    with place.engine.sdk() as made:
        yield made


def domains_of(client: httpx.Client, disk: str) -> list[str]:
    """Names of the storage domains that a disk is on."""
    found = client.get(f"/disks/{disk}").json()["storage_domains"]["storage_domain"]
    return [str(client.get(f"/storagedomains/{d['id']}").json()["name"]) for d in found]


def images(place: Place, name: str, disk: str) -> list[str]:
    """Volumes of a disk in a storage folder."""
    folder = place.rack.shared / name
    return [f for f in glob.glob(f"{folder}/*/images/{disk}/*") if "." not in Path(f).name]


def at_rest(client: httpx.Client, disk: str) -> bool:
    """Whether nothing holds the disk."""
    return bool(client.get(f"/disks/{disk}").json()["status"] == "ok")


def move(system: Any, disk: str, to: str) -> None:
    """Begin the move."""
    from ovirtsdk4 import types as t

    system.disks_service().disk_service(disk).move(storage_domain=t.StorageDomain(name=to), async_=True)


@pytest.mark.long  # a minute of emulation; simulated hosts show it
def test_a_disk_with_a_snapshot_moves_under_its_running_guest_and_back_when_it_is_down(
    place: Place, client: httpx.Client, system: Any
) -> None:
    vm, disk = guest(place, client, "mover", 256 * MIB)
    service = system.vms_service().vm_service(vm)
    start(service)
    through(place, client, vm, disk, "write -P 3 100M 100M")
    write(place, client, vm, disk, m1=1, m9=1)
    snapshot = snap(service, "below")
    write(place, client, vm, disk, m2=2, m9=2)
    becomes(service, "up")
    move(system, disk, "second")
    write(place, client, vm, disk, m4=4)  # while it moves
    until(lambda: at_rest(client, disk), "the move's end", 120)
    assert domains_of(client, disk) == ["second"], client.get("/events?max=20").text
    assert len(images(place, "second", disk)) == 2
    assert images(place, "data", disk) == []
    expected = {"m1": 1, "m2": 2, "m4": 4, "m9": 2, "m150": 3}
    reads(place, client, vm, disk, **expected)
    write(place, client, vm, disk, m5=5)
    expected["m5"] = 5
    assert place.event(client, 2010)
    halt(service)
    start(service)
    reads(place, client, vm, disk, **expected)
    halt(service)
    move(system, disk, "data")  # cold
    until(lambda: at_rest(client, disk), "the move's end", 120)
    assert domains_of(client, disk) == ["data"]
    assert images(place, "second", disk) == []
    snapshot.remove()
    until(lambda: gone(snapshot), "a snapshot that is gone", 90)
    start(service)
    reads(place, client, vm, disk, **expected)
    halt(service)
    service.remove()


@pytest.mark.long  # simulated hosts show it in tests/faults
def test_a_disk_is_converted_there_and_back_with_its_data(place: Place, client: httpx.Client) -> None:
    vm, disk = guest(place, client, "converted")
    put(place, client, disk, m1=1, m9=9)
    for form, sparse in (("cow", True), ("raw", False), ("raw", True)):
        body = {"disk": {"format": form, "sparse": sparse}}
        answer = client.post(f"/disks/{disk}/convert", json=body)
        assert answer.status_code < 300, answer.text
        until(lambda: at_rest(client, disk), "the conversion's end", 90)
        found = client.get(f"/disks/{disk}").json()
        assert (found["format"], found["sparse"]) == (form, str(sparse).lower()), found
        holds(place, client, disk, m1=1, m9=9, m3=0)
        assert len(images(place, "data", disk)) == 1
    assert client.delete(f"/vms/{vm}").status_code < 300


@pytest.mark.long
@pytest.mark.parametrize("victim", ["engine", "agent", "guest"])
def test_a_move_survives_death(place: Place, client: httpx.Client, system: Any, victim: str) -> None:
    vm, disk = guest(place, client, f"{victim}-ends", 512 * MIB)
    service = system.vms_service().vm_service(vm)
    start(service)
    through(place, client, vm, disk, "write -P 3 100M 300M")
    write(place, client, vm, disk, m1=1)
    host = place.host_of(client, vm)
    becomes(service, "up")
    move(system, disk, "second")
    until(lambda: "job='copy'" in place.rack.virsh(host, "dumpxml", vm) or at_rest(client, disk), "a mirror", 60)
    if victim == "engine":
        place.engine.kill_engine()
        place.engine.start_engine()
    elif victim == "agent":
        place.agents[host].kill()
        place.agents[host].start()
    else:
        place.rack.virsh(host, "destroy", vm)
    with place.engine.sdk() as again, place.engine.client() as other:
        service = again.vms_service().vm_service(vm)
        until(lambda: at_rest(other, disk), "the move's end", 180)
        (where,) = domains_of(other, disk)
        if victim != "guest":
            assert where == "second", other.get("/events?max=20").text
            until(lambda: str(service.get().status) in ("up", "powering_up"), "a running VM", 60)
            reads(place, other, vm, disk, m1=1, m150=3)
            halt(service)
        becomes(service, "down")
        assert len(images(place, where, disk)) == 1
        assert images(place, {"data": "second", "second": "data"}[where], disk) == []
        start(service)
        reads(place, other, vm, disk, m1=1, m150=3)
        halt(service)
        service.remove()
    saw(
        f"move-{victim}-dies",
        fault=f"The {victim} {'ends' if victim == 'guest' else 'dies'} while a disk moves under a guest",
        seen="The disk is whole in one of the two storage domains, the other is clean"
        if victim == "guest"
        else "The move ends by itself; the guest runs on with all that it wrote",
        do="Moves it again if the job failed" if victim == "guest" else "Nothing",
        real=True,
    )


# -- a full storage -----------------------------------------------------------------------------------------------


def writer() -> bytes:
    """The first sector of a guest that writes its own disk, block by block, each beginning with its number."""
    head = bytes.fromhex("FA31C08ED88EC08ED0BC007CFBBF0010B90040B0ABFCF3AA")
    code = 0x7C00 + len(head)
    size = 4 + 4 + 3 + 3 + 2 + 2 + 2 + 6 + 9 + 2 + 3
    packet = code + size
    number = struct.pack("<H", packet + 8)
    body = b"\x66\xa1" + number  # mov eax, [number]
    body += bytes.fromhex("66A30010")  # mov [0x1000], eax
    body += b"\xbe" + struct.pack("<H", packet) + bytes.fromhex("B80043B280CD13")  # write
    body += b"\x72" + struct.pack("b", -(len(body) + 2))  # again if it failed
    body += b"\x66\x83\x06" + number + bytes([BLOCK])  # add
    body += b"\x66\x81\x3e" + number + struct.pack("<I", LAST)  # cmp
    body += b"\x72" + struct.pack("b", -(len(body) + 2))
    body += bytes.fromhex("F4EBFD")  # halt
    assert len(body) == size
    return (head + body + struct.pack("<BBHHHQ", 16, 0, BLOCK, 0x1000, 0, FIRST)).ljust(510, b"\0") + b"\x55\xaa"


def blocks(file: Path) -> int:
    """How many blocks are there as the guest wrote them, from the first on."""
    with file.open("rb") as disk:
        for number in range(FIRST, LAST, BLOCK):
            disk.seek(number * 512)
            block = disk.read(BLOCK * 512)
            if block != struct.pack("<I", number) + b"\xab" * (len(block) - 4):
                return (number - FIRST) // BLOCK
    return len(range(FIRST, LAST, BLOCK))


def test_a_full_storage_pauses_the_guest_and_it_goes_on_when_the_storage_grows(
    place: Place, client: httpx.Client, system: Any
) -> None:
    folder = place.rack.shared / "small"
    host = client.get("/hosts").json()["host"][0]
    body = {
        "name": "small",
        "type": "data",
        "host": {"id": host["id"]},
        "critical_space_action_blocker": 0,
        "storage": {"type": "posixfs", "path": str(folder), "vfs_type": "none"},
    }
    domain = client.post("/storagedomains", json=body).json()["id"]
    center = client.get("/datacenters?search=name%3DDefault").json()["data_center"][0]["id"]
    attached = f"/datacenters/{center}/storagedomains"
    assert client.post(attached, json={"id": domain}).status_code < 300
    until(lambda: client.get(f"{attached}/{domain}").json().get("status") == "active", "an active domain", 60)
    vm = client.post(
        "/vms",
        json={"name": "eater", "cluster": {"name": "Default"}, "template": {"name": "Blank"}, "memory": 64 * MIB},
    ).json()["id"]
    disk = {
        "name": "eater-disk",
        "format": "raw",
        "provisioned_size": 40 * MIB,
        "storage_domains": {"storage_domain": [{"name": "small"}]},
    }
    attachment = {"interface": "virtio", "bootable": True, "active": True, "disk": disk}
    disk_id = client.post(f"/vms/{vm}/diskattachments", json=attachment).json()["id"]
    until(lambda: at_rest(client, disk_id), "a disk")
    (file,) = map(Path, images(place, "small", disk_id))
    with file.open("r+b") as boot:
        boot.write(writer())
    service = system.vms_service().vm_service(vm)
    service.start()
    until(lambda: str(service.get().status) == "paused", "a guest without space", 120)
    assert service.get().status_detail == "enospc"
    assert place.event(client, 138)
    before = blocks(file)
    assert before < len(range(FIRST, LAST, BLOCK))
    subprocess.run(["mount", "-o", f"remount,size={8 * SMALL}", str(folder)], check=True)
    until(lambda: str(service.get().status) in ("up", "powering_up"), "a guest that goes on", 90)
    until(lambda: blocks(file) == len(range(FIRST, LAST, BLOCK)), "all its blocks", 90)
    halt(service)
    service.remove()
    saw(
        "storage-full",
        fault="A storage domain gets full under a guest that writes, and grows",
        seen="The guest is `paused`, detail `enospc`, event 138; it goes on by itself (`auto_resume`), and every block that "
        "it wrote is there",
        do="Makes room",
        real=True,
    )


# -- high availability --------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_highly_available_vm_is_restarted_only_once_its_host_is_surely_dead(
    place: Place, client: httpx.Client, system: Any
) -> None:
    from ovirtsdk4 import types as t

    vm = place.add_guest(client, "needed")
    service = system.vms_service().vm_service(vm)
    service.update(t.Vm(high_availability=t.HighAvailability(enabled=True, priority=50)))
    place.start(client, vm, "h2")
    assert place.host_of(client, vm) == "h2"
    place.rack.hostlab("power", "h2", "off")
    hosts = system.hosts_service()
    lost = hosts.host_service(next(h.id for h in hosts.list() if h.name == "h2"))
    until(lambda: str(lost.get().status) == "non_responsive", "a lost host", 120)
    until(lambda: str(service.get().status) == "unknown", "an unknown VM", 30)
    assert place.domains("h1") == []  # nobody knows whether it runs there
    lost.fence(fence_type="manual")
    until(
        lambda: str(service.get().status) in ("up", "powering_up") and place.host_of(client, vm) == "h1",
        "a VM that was restarted",
        90,
    )
    assert place.domains("h1") == ["needed"]
    assert place.event(client, 9602)
    # A guest that ends by itself, against everybody's will, is restarted; one that a user stops is not.
    place.rack.virsh("h1", "destroy", vm)
    until(lambda: place.domains("h1") == [], "no guest")
    until(lambda: place.domains("h1") == ["needed"], "a guest again", 90)
    until(lambda: str(service.get().status) in ("up", "powering_up"), "a VM that was restarted", 60)
    halt(service)
    saw(
        "highly-available",
        fault="The host of a highly available VM loses its power; later its QEMU ends against everybody's will",
        seen="It is `unknown` until the host is confirmed to be off, then starts on another host, once, event 9602; after "
        "QEMU's end it starts again",
        do="Confirms that the host is off; nothing for QEMU",
        real=True,
    )
