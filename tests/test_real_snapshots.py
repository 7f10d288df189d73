"""Through the API on real hosts, with the real client: what a guest wrote is where it belongs after snapshots, previews,
merges of any layer, memory, copies, templates and stateless runs; 3.x forms by plain HTTP."""

import glob
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.agent.rack import console, missing, ticks
from tests.agent.storage.lab import qemu_io
from tests.installation import until
from tests.real_rack import MIB, Place, real_place

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")
SIZE = 16 * MIB


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with real_place(tmp_path_factory.mktemp("real")) as made:
        yield made


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with place.engine.client() as made:
        yield made


@pytest.fixture
def system(place: Place) -> Iterator[Any]:
    with place.engine.sdk() as made:
        yield made


def guest(place: Place, client: httpx.Client, name: str, size: int = SIZE) -> tuple[str, str]:
    """(VM, its data disk): the ticking guest with a disk that tests write to."""
    vm = place.add_guest(client, name)
    disk = {
        "name": f"{name}-data",
        "format": "raw",
        "provisioned_size": size,
        "storage_domains": {"storage_domain": [{"name": "data"}]},
    }
    body = {"interface": "virtio", "bootable": False, "active": True, "disk": disk}
    made = client.post(f"/vms/{vm}/diskattachments", json=body)
    assert made.status_code < 300, made.text
    disk_id = str(made.json()["id"])
    until(lambda: client.get(f"/disks/{disk_id}").json()["status"] == "ok", "a disk")
    return vm, disk_id


def becomes(service: Any, status: str) -> None:
    """Wait for a VM's status."""
    until(lambda: str(service.get().status) == status, f"a VM that is {status}", 90)


def running(service: Any) -> None:
    """Wait for a guest."""
    until(lambda: str(service.get().status) in ("up", "powering_up"), "a running VM", 90)


def start(service: Any) -> None:
    """Start it."""
    service.start()
    running(service)


def halt(service: Any) -> None:
    """Power it off."""
    service.stop()
    becomes(service, "down")


def snap(service: Any, name: str, *, memory: bool = False) -> Any:
    """Take a snapshot; its service."""
    from ovirtsdk4 import types as t

    snapshots = service.snapshots_service()
    made = snapshots.add(t.Snapshot(description=name, persist_memorystate=memory))
    found = snapshots.snapshot_service(made.id)
    until(lambda: str(found.get().snapshot_status) == "ok", f"snapshot {name}", 90)
    return found


def gone(service: Any) -> bool:
    """Whether an object is not there any more."""
    import ovirtsdk4

    try:
        service.get()
    except ovirtsdk4.NotFoundError:
        return True
    return False


def device(place: Place, client: httpx.Client, vm: str, disk: str) -> tuple[str, str]:
    """(libvirt's address, QEMU's name of the guest's device)."""
    uri = str(place.rack.host(place.host_of(client, vm))["uri_unix"])
    return uri, f"/machine/peripheral/ua-{disk}/virtio-backend"


def through(place: Place, client: httpx.Client, vm: str, disk: str, command: str) -> str:
    """A read or write through a running guest's own disk."""
    uri, name = device(place, client, vm, disk)
    done = subprocess.run(
        ["virsh", "-c", uri, "qemu-monitor-command", vm, "--hmp", f'qemu-io -d {name} "{command}"'],
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = done.stdout + done.stderr
    assert "rror" not in told and "not found" not in told and "failed" not in told, (command, told)
    return told


def write(place: Place, client: httpx.Client, vm: str, disk: str, **at: int) -> None:
    """Numbers at mebibytes: m3=7 writes 7 to the third."""
    for where, number in at.items():
        through(place, client, vm, disk, f"write -P {number} {where[1:]}M 1M")


def reads(place: Place, client: httpx.Client, vm: str, disk: str, **at: int) -> None:
    """The running guest finds these numbers."""
    for where, number in at.items():
        through(place, client, vm, disk, f"read -P {number} {where[1:]}M 1M")


def holds(place: Place, client: httpx.Client, disk: str, **at: int) -> None:
    """The disk of a VM that is down holds these numbers."""
    found = client.get(f"/disks/{disk}").json()
    (path,) = glob.glob(f"{place.rack.shared}/data/*/images/*/{found['image_id']}")
    form = {"cow": "qcow2", "raw": "raw"}[found["format"]]
    qemu_io(Path(path), *(f"read -P {number} {where[1:]}M 1M" for where, number in at.items()), form=form)


def put(place: Place, client: httpx.Client, disk: str, **at: int) -> None:
    """Write into the disk of a VM that is down."""
    found = client.get(f"/disks/{disk}").json()
    (path,) = glob.glob(f"{place.rack.shared}/data/*/images/*/{found['image_id']}")
    form = {"cow": "qcow2", "raw": "raw"}[found["format"]]
    qemu_io(Path(path), *(f"write -P {number} {where[1:]}M 1M" for where, number in at.items()), form=form)


def volumes(place: Place, client: httpx.Client, disk: str) -> int:
    """How many volumes the disk's image has on storage."""
    image = Path(glob.glob(f"{place.rack.shared}/data/*/images/*/{client.get(f'/disks/{disk}').json()['image_id']}")[0])
    return len([f for f in image.parent.iterdir() if "." not in f.name])


def counter(place: Place, client: httpx.Client, vm: str) -> int:
    """What the guest counts now."""
    return ticks(console(place.agents[place.host_of(client, vm)], vm))[-1]


def test_any_snapshot_of_a_running_guest_is_removed_and_nothing_is_lost(
    place: Place, client: httpx.Client, system: Any
) -> None:
    vm, disk = guest(place, client, "layers")
    service = system.vms_service().vm_service(vm)
    start(service)
    write(place, client, vm, disk, m1=1, m9=1)
    snapshots = []
    for number in (2, 3, 4, 5):
        snapshots.append(snap(service, f"s{number - 1}"))
        write(place, client, vm, disk, **{f"m{number}": number, "m9": number})
    assert volumes(place, client, disk) == 5
    expected = {"m1": 1, "m2": 2, "m3": 3, "m4": 4, "m5": 5, "m9": 5}
    for which in (1, 0):  # a middle one, the base
        snapshots[which].remove()
        until(lambda w=which: gone(snapshots[w]), "a snapshot that is gone", 90)  # type: ignore[misc]
        reads(place, client, vm, disk, **expected)
    # The engine dies while the layer that the guest writes to is merged.
    snapshots[3].remove(query={"async": "true"})
    place.engine.kill_engine()
    place.engine.start_engine()
    with place.engine.sdk() as again:
        service = again.vms_service().vm_service(vm)
        left = service.snapshots_service()
        until(lambda: len(left.list()) == 2, "the active one and s3", 120)
        until(lambda: all(str(s.snapshot_status) == "ok" for s in left.list()), "snapshots at rest", 60)
        reads(place, client, vm, disk, **expected)
        assert counter(place, client, vm) > 0
        assert not service.get().has_illegal_images
        halt(service)
        holds(place, client, disk, **expected)
        assert volumes(place, client, disk) == 2
        last = left.snapshot_service(next(s.id for s in left.list() if str(s.snapshot_type) == "regular"))
        last.remove()  # cold
        until(lambda: gone(last), "the last snapshot gone", 60)
        holds(place, client, disk, **expected)
        assert volumes(place, client, disk) == 1
        assert client.get(f"/disks/{disk}").json()["format"] == "raw"
        start(service)
        reads(place, client, vm, disk, **expected)
        halt(service)
        service.remove()


@pytest.mark.parametrize("victim", ["agent", "guest"])
@pytest.mark.long  # simulated hosts show it in vms/snapshots
def test_a_merge_survives_the_death_of_its_agent_and_of_its_guest(
    place: Place, client: httpx.Client, system: Any, victim: str
) -> None:
    vm, disk = guest(place, client, f"{victim}-dies", 512 * MIB)
    service = system.vms_service().vm_service(vm)
    start(service)
    write(place, client, vm, disk, m1=1)
    snapshot = snap(service, "large")
    through(place, client, vm, disk, "write -P 5 100M 256M")
    write(place, client, vm, disk, m1=7, m2=2)
    host = place.host_of(client, vm)
    snapshot.remove(query={"async": "true"})
    until(lambda: "mirror" in place.rack.virsh(host, "dumpxml", vm) or gone(snapshot), "a merge that runs")
    if victim == "agent":
        place.agents[host].kill()
        place.agents[host].start()
    else:
        place.rack.virsh(host, "destroy", vm)
    until(lambda: gone(snapshot), "a snapshot that is gone", 120)
    until(lambda: str(service.get().status) in ("up", "powering_up", "down"), "a VM at rest", 60)
    if victim == "agent":
        through(place, client, vm, disk, "read -P 5 100M 256M")
        reads(place, client, vm, disk, m1=7, m2=2)
        assert counter(place, client, vm) > 0
        until(lambda: client.get("/hosts?search=name%3D" + host).json()["host"][0]["status"] == "up", "the host", 60)
        halt(service)
    becomes(service, "down")
    holds(place, client, disk, m1=7, m2=2, m100=5, m355=5)
    assert volumes(place, client, disk) == 1
    assert not service.get().has_illegal_images
    service.remove()


@pytest.mark.long  # simulated hosts show it in vms/snapshots
def test_a_preview_shows_what_was_undo_what_is_commit_stays(place: Place, client: httpx.Client, system: Any) -> None:
    from ovirtsdk4 import types as t

    vm, disk = guest(place, client, "looks")
    service = system.vms_service().vm_service(vm)
    put(place, client, disk, m1=1)
    snapshot = snap(service, "then")
    put(place, client, disk, m1=7, m2=7)
    service.update(t.Vm(memory=128 * MIB, memory_policy=t.MemoryPolicy(max=128 * MIB, guaranteed=128 * MIB)))
    newer = snap(service, "newer")

    service.preview_snapshot(snapshot=t.Snapshot(id=snapshot.get().id))
    until(lambda: str(snapshot.get().snapshot_status) == "in_preview", "a preview", 60)
    holds(place, client, disk, m1=1, m2=0)
    assert service.get().memory == 64 * MIB
    start(service)
    reads(place, client, vm, disk, m1=1)
    write(place, client, vm, disk, m3=3)
    halt(service)
    service.undo_snapshot()
    until(lambda: str(snapshot.get().snapshot_status) == "ok", "the preview undone", 60)
    holds(place, client, disk, m1=7, m2=7, m3=0)
    assert service.get().memory == 128 * MIB

    service.preview_snapshot(snapshot=t.Snapshot(id=snapshot.get().id))
    until(lambda: str(snapshot.get().snapshot_status) == "in_preview", "a preview", 60)
    service.commit_snapshot()
    until(lambda: str(snapshot.get().snapshot_status) == "ok", "a commit", 60)
    assert gone(newer)
    holds(place, client, disk, m1=1, m2=0)
    assert volumes(place, client, disk) == 2
    snapshot.remove()
    until(lambda: gone(snapshot), "no snapshot", 60)
    holds(place, client, disk, m1=1, m2=0)
    start(service)
    reads(place, client, vm, disk, m1=1)
    halt(service)
    service.remove()


@pytest.mark.long  # simulated hosts show it in vms/snapshots
def test_the_guest_goes_on_where_its_memory_was_saved(place: Place, client: httpx.Client, system: Any) -> None:
    from ovirtsdk4 import types as t

    vm, disk = guest(place, client, "dreams")
    service = system.vms_service().vm_service(vm)
    start(service)
    write(place, client, vm, disk, m1=1)
    before = counter(place, client, vm)
    snapshot = snap(service, "asleep", memory=True)
    after = counter(place, client, vm)
    assert after > before
    assert snapshot.get().persist_memorystate
    write(place, client, vm, disk, m1=7)
    until(lambda: counter(place, client, vm) > after + 60, "a guest that has gone on")
    halt(service)
    service.preview_snapshot(snapshot=t.Snapshot(id=snapshot.get().id), restore_memory=True)
    becomes(service, "suspended")
    start(service)
    reads(place, client, vm, disk, m1=1)
    back = ticks(console(place.agents[place.host_of(client, vm)], vm))[0]
    assert before <= back <= after + 50, (before, after, back)
    halt(service)
    service.commit_snapshot()
    until(lambda: str(snapshot.get().snapshot_status) == "ok", "a commit", 60)
    holds(place, client, disk, m1=1)
    snapshot.remove()
    until(lambda: gone(snapshot), "no snapshot", 60)
    service.remove()


@pytest.mark.long  # simulated hosts show it in vms/snapshots
def test_copies_and_templates_have_the_data_and_are_their_own(place: Place, client: httpx.Client, system: Any) -> None:
    from ovirtsdk4 import types as t

    vm, disk = guest(place, client, "origin")
    vms = system.vms_service()
    service = vms.vm_service(vm)
    start(service)
    write(place, client, vm, disk, m1=1)
    snapshot = snap(service, "of data")
    write(place, client, vm, disk, m1=7)

    service.clone(vm=t.Vm(name="copy"))  # of a guest that runs
    (copy,) = until(lambda: vms.list(search="name=copy"), "a copy")
    copied = vms.vm_service(copy.id)
    becomes(copied, "down")
    until(lambda: len(service.snapshots_service().list()) == 2, "the copy's snapshot gone", 60)
    assert str(service.get().status) in ("up", "powering_up")
    reads(place, client, vm, disk, m1=7)
    data = next(a.id for a in copied.disk_attachments_service().list() if not a.bootable)
    holds(place, client, data, m1=7)
    put(place, client, data, m1=9)
    reads(place, client, vm, disk, m1=7)

    body = t.Vm(
        name="of-then",
        cluster=t.Cluster(name="Default"),
        template=t.Template(name="Blank"),
        snapshots=[t.Snapshot(id=snapshot.get().id)],
    )
    then = vms.vm_service(vms.add(body, clone=True).id)
    becomes(then, "down")
    data = next(a.id for a in then.disk_attachments_service().list() if not a.bootable)
    holds(place, client, data, m1=1)

    made = system.templates_service().add(
        t.Template(name="of-snapshot", vm=t.Vm(id=vm, snapshots=[t.Snapshot(id=snapshot.get().id)]))
    )
    template = system.templates_service().template_service(made.id)
    until(lambda: str(template.get().status) == "ok", "a template", 90)
    thin = vms.add(t.Vm(name="thin", cluster=t.Cluster(name="Default"), template=t.Template(name="of-snapshot")))
    boots = vms.vm_service(thin.id)
    becomes(boots, "down")
    start(boots)
    assert counter(place, client, thin.id) > 0
    data = next(a.id for a in boots.disk_attachments_service().list() if not a.bootable)
    reads(place, client, thin.id, data, m1=1)
    for each in (boots, service):
        halt(each)
    for each in (boots, then, copied, service):
        each.remove()
    template.remove()


@pytest.mark.long  # simulated hosts show it in vms/snapshots
def test_a_stateless_run_leaves_nothing(place: Place, client: httpx.Client, system: Any) -> None:
    from ovirtsdk4 import types as t

    vm, disk = guest(place, client, "forgets")
    service = system.vms_service().vm_service(vm)
    put(place, client, disk, m1=1)
    service.start(vm=t.Vm(stateless=True))
    running(service)
    kinds = [str(s.snapshot_type) for s in service.snapshots_service().list()]
    assert kinds == ["active", "stateless"]
    write(place, client, vm, disk, m1=7)
    halt(service)
    holds(place, client, disk, m1=1)
    until(lambda: volumes(place, client, disk) == 1, "one volume", 60)
    service.remove()


@pytest.mark.long  # simulated hosts show it in vms/snapshots
def test_the_forms_of_3x(place: Place, client: httpx.Client) -> None:
    vm, disk = guest(place, client, "elder")
    put(place, client, disk, m1=1)
    with place.engine.client("/api", "xml", Version="3") as old:

        def post(path: str, body: str) -> httpx.Response:
            answer = old.post(path, content=body)
            assert answer.status_code < 300, answer.text
            return answer

        def status(snapshot: str) -> str:
            text = old.get(f"/vms/{vm}/snapshots/{snapshot}").text
            found = re.search(r"<snapshot_status>(\w+)</snapshot_status>", text)
            assert found is not None, text
            return found[1]

        made = post(f"/vms/{vm}/snapshots", "<snapshot><description>old</description></snapshot>").text
        found = re.search(r'<snapshot href="/api/vms/[^"]+" id="([^"]+)"', made)
        assert found is not None, made
        snapshot = found[1]
        until(lambda: status(snapshot) == "ok", "a snapshot", 60)
        put(place, client, disk, m1=7)
        listed = old.get(f"/vms/{vm}/snapshots", headers={"All-Content": "true"}).text
        assert "<type>active</type>" in listed and "<type>regular</type>" in listed and "ovf:" in listed
        disks = old.get(f"/vms/{vm}/snapshots/{snapshot}/disks").text
        assert "<interface>virtio</interface>" in disks and disk in disks
        look = f'<action><snapshot id="{snapshot}"/><disks><disk id="{disk}"/></disks></action>'
        post(f"/vms/{vm}/preview_snapshot", look)
        until(lambda: status(snapshot) == "in_preview", "a preview", 60)
        holds(place, client, disk, m1=1)
        post(f"/vms/{vm}/undo_snapshot", "<action/>")
        until(lambda: status(snapshot) == "ok", "an undo", 60)
        holds(place, client, disk, m1=7)
        post(f"/vms/{vm}/snapshots/{snapshot}/restore", "<action><restore_memory>false</restore_memory></action>")
        until(lambda: status(snapshot) == "ok", "a restore", 60)
        holds(place, client, disk, m1=1)
        clone = post(f"/vms/{vm}/clone", "<action><vm><name>younger</name></vm></action>").text
        assert "complete" in clone
        until(lambda: "<state>down</state>" in old.get("/vms?search=name%3Dyounger").text, "a copy", 60)
        assert old.delete(f"/vms/{vm}/snapshots/{snapshot}").status_code < 300
        until(lambda: old.get(f"/vms/{vm}/snapshots/{snapshot}").status_code == 404, "no snapshot", 60)
    holds(place, client, disk, m1=1)
    assert volumes(place, client, disk) == 1


@pytest.mark.long  # simulated hosts show it in vms/snapshots
def test_a_cold_merge_survives_the_death_of_the_agent_at_it(place: Place, client: httpx.Client, system: Any) -> None:
    vm, disk = guest(place, client, "cold", 512 * MIB)
    service = system.vms_service().vm_service(vm)
    put(place, client, disk, m1=1)
    snapshot = snap(service, "large")
    for at in range(100, 356, 8):
        put(place, client, disk, **{f"m{at}": 5})
    put(place, client, disk, m1=7)
    snapshot.remove(query={"async": "true"})
    until(lambda: at_merge() or gone(snapshot), "a merge that runs")
    for agent in place.agents.values():
        agent.kill()
        agent.start()
    until(lambda: gone(snapshot), "a snapshot that is gone", 120)
    until(lambda: str(service.get().status) == "down", "a VM at rest", 60)
    holds(place, client, disk, m1=7, m100=5, m348=5)
    assert volumes(place, client, disk) == 1
    assert not service.get().has_illegal_images
    service.remove()


def at_merge() -> bool:
    """Whether some host runs the program that merges."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(w.endswith(b"qemu-img") for w in words) and b"commit" in words:
            return True
    return False
