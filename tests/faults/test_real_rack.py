"""On real hosts: a cable is cut in the middle of a migration, agents are killed in the middle of work on storage; one
guest is left, with everything that it wrote.

What takes minutes is asked for; the same on simulated hosts is in each check (test_moves, test_agents_die).
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.agent.rack import console, missing, ticks
from tests.faults import record
from tests.installation import until
from tests.real_rack import MIB, Place, real_place
from tests.test_real_hosts import _host, _slow
from tests.test_real_snapshots import becomes, gone, guest, holds, put, reads, snap, start, volumes, write
from tests.test_real_storage import at_rest, domains_of, images, move

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
    pytest.mark.long,
]
MOMENTS = (0.05, 0.3, 0.8, 1.6)  # seconds after an operation began


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with real_place(tmp_path_factory.mktemp("real")) as made:
        second = made.rack.shared / "second"
        second.mkdir()
        made.engine.add_storage("second", path=str(second))
        yield made


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with place.engine.client() as made:
        yield made


@pytest.fixture
def system(place: Place) -> Iterator[Any]:
    with place.engine.sdk() as made:
        yield made


# -- cables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["target", "source"])
def test_a_cable_cut_in_a_migration_leaves_one_running_copy(place: Place, client: httpx.Client, cut: str) -> None:
    vm = place.add_guest(client, f"cut-{cut}", memory=256 * MIB)
    place.start(client, vm, "h1")
    before = ticks(console(place.agents["h1"], vm))[-1]
    host = {"target": "h2", "source": "h1"}[cut]
    _slow(client, 2)
    try:
        assert client.post(f"/vms/{vm}/migrate", json={}).status_code < 300
        until(lambda: place.domains("h2"), "a domain on the target")
        until(lambda: place.status(client, vm) == "migrating", "a VM that migrates")
        place.rack.hostlab("link", host, "down")
        until(lambda: _host(client, host)["status"] == "non_responsive", "a host that is lost", 120)
        after = ("up", "powering_up") if cut == "target" else ("unknown",)
        until(lambda: place.status(client, vm) in after, f"a VM that is {after[0]}", 180)
        refused = client.post(f"/vms/{vm}/start", json={})
        assert refused.status_code == 409, refused.text
    finally:
        place.rack.hostlab("link", host, "up")
        _slow(client, None)
    until(lambda: _host(client, host)["status"] == "up", "the host back", 180)
    until(lambda: place.status(client, vm) in ("up", "powering_up"), "a VM that runs", 180)
    home = place.host_of(client, vm)
    until(lambda: [place.domains(h) for h in ("h1", "h2")].count([f"cut-{cut}"]) == 1, "one copy", 120)
    assert place.domains(home) == [f"cut-{cut}"]
    assert ticks(console(place.agents[home], vm))[-1] > before
    why = place.event(client, 65 if home == "h1" else 63)
    assert f"cut-{cut}" in why and len(why) > 60, why
    client.post(f"/vms/{vm}/stop", json={})
    until(lambda: place.status(client, vm) == "down", "a VM that is down")
    assert client.delete(f"/vms/{vm}").status_code < 300
    record.saw(
        f"cable-cut-{cut}",
        fault=f"The {cut}'s cable is cut while a guest migrates, and mended",
        seen=f"The {cut} is `non_responsive`, the VM {'goes on' if cut == 'target' else 'is `unknown`'} and is started "
        f"nowhere; afterwards one copy runs, on the {'source' if home == 'h1' else 'target'}, with all it had; "
        f"event {65 if home == 'h1' else 63} says why",
        do="Mends the network; may migrate it again",
        real=True,
    )


# -- agents -----------------------------------------------------------------------------------------------------------


def kill_after(place: Place, client: httpx.Client, host: str, seconds: float) -> None:
    """kill -9 of a host's agent some time after now; it is started again at once."""
    time.sleep(seconds)
    place.agents[host].kill()
    place.agents[host].start()
    until(lambda: _host(client, host)["status"] == "up", "the host up", 120)


def manager(client: httpx.Client) -> str:
    """The host that manages the storage."""
    return str(
        until(
            lambda: next((h["name"] for h in client.get("/hosts").json()["host"] if h["spm"]["status"] == "spm"), ""),
            "a manager",
        )
    )


def settled(client: httpx.Client, vm: str) -> None:
    """Nothing is locked, and no job runs."""

    def look() -> bool:
        jobs = client.get("/jobs?max=50").json().get("job", [])
        snapshots = client.get(f"/vms/{vm}/snapshots").json().get("snapshot", [])
        disks = [d["id"] for d in client.get(f"/vms/{vm}/diskattachments").json().get("disk_attachment", [])]
        return (
            all(j["status"] != "started" for j in jobs)
            and all(s["snapshot_status"] != "locked" for s in snapshots)
            and all(client.get(f"/disks/{d}").json()["status"] == "ok" for d in disks)
        )

    until(look, "that everything has ended", 240)


def end(client: httpx.Client, service: Any, vm: str) -> None:
    """Power it off, once its host is heard of: on a busy machine an agent that was killed is missed for a while."""
    until(lambda: client.post(f"/vms/{vm}/stop", json={}).status_code < 300, "a VM that is stopped", 120)
    becomes(service, "down")


Operation = Callable[[Place, httpx.Client, Any, str, str], Any]


def _take(place: Place, client: httpx.Client, service: Any, vm: str, disk: str) -> None:
    client.post(f"/vms/{vm}/snapshots", json={"description": "again", "persist_memorystate": False})


def _merge(place: Place, client: httpx.Client, service: Any, vm: str, disk: str) -> None:
    (first,) = (s["id"] for s in client.get(f"/vms/{vm}/snapshots").json()["snapshot"] if s["description"] == "below")
    client.delete(f"/vms/{vm}/snapshots/{first}?async=true")


def _migrate_storage(place: Place, client: httpx.Client, service: Any, vm: str, disk: str) -> None:
    client.post(f"/disks/{disk}/move", json={"storage_domain": {"name": "second"}, "async": "true"})


LIVE: dict[str, Operation] = {
    "take a snapshot of a running VM": _take,
    "merge a snapshot under a running VM": _merge,
    "move a disk under a running VM": _migrate_storage,
}


@pytest.mark.parametrize("name", LIVE)
def test_the_agent_of_a_running_guest_dies_in(place: Place, client: httpx.Client, system: Any, name: str) -> None:
    done = 0
    for number, moment in enumerate(MOMENTS):
        label = f"{name.split()[0]}{number}"
        vm, disk = guest(place, client, label, 128 * MIB)
        service = system.vms_service().vm_service(vm)
        start(service)
        write(place, client, vm, disk, m1=1, m9=1)
        snap(service, "below")
        write(place, client, vm, disk, m2=2, m9=2)
        host = place.host_of(client, vm)
        becomes(service, "up")
        LIVE[name](place, client, service, vm, disk)
        kill_after(place, client, host, moment)
        settled(client, vm)
        until(lambda s=service: str(s.get().status) in ("up", "powering_up"), "a running VM", 60)  # type: ignore[misc]
        reads(place, client, vm, disk, m1=1, m2=2, m9=2)
        write(place, client, vm, disk, m3=3)
        assert not service.get().has_illegal_images
        where = domains_of(client, disk)
        assert len(where) == 1
        other = {"data": "second", "second": "data"}[where[0]]
        assert images(place, other, disk) == []
        count = len([s for s in service.snapshots_service().list() if str(s.snapshot_type) == "regular"])
        done += {"take": count == 2, "merg": count == 0, "move": where == ["second"]}[name[:4]]
        assert len(images(place, where[0], disk)) == count + 1
        end(client, service, vm)
        start(service)
        reads(place, client, vm, disk, m1=1, m2=2, m3=3, m9=2)
        end(client, service, vm)
        service.remove()
    record.deaths(
        "agents", f"{name} (real)", real=True, deaths=len(MOMENTS), succeeded=done, failed=len(MOMENTS) - done
    )


def test_the_managers_agent_dies_while_a_disk_is_moved_and_copied(
    place: Place, client: httpx.Client, system: Any
) -> None:
    done = 0
    for number, moment in enumerate(MOMENTS):
        vm, disk = guest(place, client, f"cold{number}", 128 * MIB)
        service = system.vms_service().vm_service(vm)
        put(place, client, disk, m1=1)
        snapshot = snap(service, "below")
        put(place, client, disk, m2=2)
        spm = manager(client)
        move(system, disk, "second")
        kill_after(place, client, spm, moment)
        settled(client, vm)
        (where,) = domains_of(client, disk)
        assert len(images(place, where, disk)) == 2
        assert images(place, {"data": "second", "second": "data"}[where], disk) == []
        done += where == "second"
        if where == "second":
            move(system, disk, "data")
            until(lambda d=disk: at_rest(client, d), "the move's end", 120)  # type: ignore[misc]
        holds(place, client, disk, m1=1, m2=2)
        snapshot.remove()
        until(lambda s=snapshot: gone(s), "a snapshot that is gone", 90)  # type: ignore[misc]
        holds(place, client, disk, m1=1, m2=2)
        assert volumes(place, client, disk) == 1
        service.remove()
    record.deaths(
        "agents", "move a disk (real)", real=True, deaths=len(MOMENTS), succeeded=done, failed=len(MOMENTS) - done
    )
