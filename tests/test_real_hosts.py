"""Through the API on real hosts: a ticking guest moves, stays where it is when that fails, and outlives engine and agent."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.agent.rack import console, missing, ticks
from tests.installation import until
from tests.real_rack import MIB, Place, real_place

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with real_place(tmp_path_factory.mktemp("real")) as made:
        yield made


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with place.engine.client() as made:
        yield made


def _slow(client: httpx.Client, mbps: int | None) -> None:
    """Migrations of the cluster at so many Mbps, or as fast as usual."""
    cluster = client.get("/clusters?search=name%3DDefault").json()["cluster"][0]["id"]
    method = {"assignment_method": "custom", "custom_value": mbps} if mbps else {"assignment_method": "auto"}
    answer = client.put(f"/clusters/{cluster}", json={"migration": {"bandwidth": method}})
    assert answer.status_code == 200, answer.text


def _remove(place: Place, client: httpx.Client, vm: str) -> None:
    client.post(f"/vms/{vm}/stop", json={})
    until(lambda: place.status(client, vm) == "down", "a VM that is down")
    assert client.delete(f"/vms/{vm}").status_code < 300


def test_a_ticking_guest_moves_and_its_downtime_is_told(place: Place, client: httpx.Client) -> None:
    vm = place.add_guest(client, "mover")
    place.start(client, vm, "h1")
    before = ticks(console(place.agents["h1"], vm))[-1]
    assert client.post(f"/vms/{vm}/migrate", json={}).status_code < 300
    until(
        lambda: place.status(client, vm) in ("up", "powering_up") and place.host_of(client, vm) == "h2",
        "the guest on h2",
    )
    after = ticks(console(place.agents["h2"], vm))[-1]
    assert after > before
    assert place.domains("h1") == []
    told = place.event(client, 63)
    found = re.search(r"Downtime: (\d+) ms", told)
    assert found and int(found[1]) > 0, told
    print(told)
    _remove(place, client, vm)


def test_a_cancelled_migration_leaves_the_guest_and_a_clean_target(place: Place, client: httpx.Client) -> None:
    vm = place.add_guest(client, "stayer", memory=256 * MIB)
    place.start(client, vm, "h1")
    _slow(client, 2)
    try:
        assert client.post(f"/vms/{vm}/migrate", json={}).status_code < 300
        until(lambda: place.domains("h2"), "a domain on the target")
        assert place.status(client, vm) == "migrating"
        assert client.post(f"/vms/{vm}/cancelmigration", json={}).status_code < 300
        until(lambda: place.status(client, vm) in ("up", "powering_up"), "a running VM")
        until(lambda: not place.domains("h2"), "a clean target")
        assert place.host_of(client, vm) == "h1"
        assert ticks(console(place.agents["h1"], vm))
    finally:
        _slow(client, None)
    _remove(place, client, vm)


def test_a_killed_engine_finds_guests_running(place: Place, client: httpx.Client) -> None:
    vm = place.add_guest(client, "steady")
    place.start(client, vm, "h1")
    place.engine.kill_engine()
    assert ticks(console(place.agents["h1"], vm))
    place.engine.start_engine()
    until(lambda: place.status(client, vm) in ("up", "powering_up"), "the VM known to run")
    assert place.domains("h1") == ["steady"]
    _remove(place, client, vm)


def test_a_killed_agent_leaves_guests_and_reports_them_again(place: Place, client: httpx.Client) -> None:
    vm = place.add_guest(client, "calm")
    place.start(client, vm, "h2")
    before = ticks(console(place.agents["h2"], vm))[-1]
    place.agents["h2"].kill()
    until(lambda: _host(client, "h2")["status"] != "up", "a host that is missed", 40)
    place.agents["h2"].start()
    until(lambda: _host(client, "h2")["status"] == "up", "the host back", 60)
    until(lambda: place.status(client, vm) in ("up", "powering_up"), "the VM known to run", 40)
    assert place.domains("h2") == ["calm"]
    assert ticks(console(place.agents["h2"], vm))[-1] > before
    _remove(place, client, vm)


@pytest.mark.long  # simulated hosts show it in tests/faults
def test_a_target_that_loses_power_leaves_one_copy_on_the_source(place: Place, client: httpx.Client) -> None:
    vm = place.add_guest(client, "survivor", memory=256 * MIB)
    place.start(client, vm, "h1")
    _slow(client, 2)
    try:
        assert client.post(f"/vms/{vm}/migrate", json={}).status_code < 300
        until(lambda: place.domains("h2"), "a domain on the target")
        place.rack.hostlab("power", "h2", "off")
        until(lambda: place.status(client, vm) in ("up", "powering_up"), "a running VM", 90)
        assert place.host_of(client, vm) == "h1"
        assert place.domains("h1") == ["survivor"]
        assert ticks(console(place.agents["h1"], vm))
        told = place.event(client, 65)
        print(told)
        assert "survivor" in told and len(told) > len("Migration failed:  (VM: survivor, Source: h1, Destination: h2).")
        until(lambda: _host(client, "h2")["status"] == "non_responsive", "a lost host", 90)
    finally:
        _slow(client, None)
        place.agents["h2"].stop()
        place.rack.up()
        place.agents["h2"].start()
    until(lambda: _host(client, "h2")["status"] == "up", "the host back", 90)
    _remove(place, client, vm)


@pytest.mark.long  # simulated hosts show it in tests/faults
def test_guests_of_a_host_without_power_are_unknown_and_not_started_twice(place: Place, client: httpx.Client) -> None:
    vm = place.add_guest(client, "lonely")
    place.start(client, vm, "h2")
    place.rack.hostlab("power", "h2", "off")
    try:
        until(lambda: place.status(client, vm) == "unknown", "a VM that nobody knows of", 90)
        refused = client.post(f"/vms/{vm}/start", json={})
        assert refused.status_code == 409, refused.text
        assert place.domains("h1") == []
    finally:
        place.agents["h2"].stop()
        place.rack.up()
        place.agents["h2"].start()
    until(lambda: _host(client, "h2")["status"] == "up", "the host back", 90)
    until(lambda: place.status(client, vm) == "down", "a VM that went with its host", 60)
    assert client.delete(f"/vms/{vm}").status_code < 300


def _host(client: httpx.Client, name: str) -> dict[str, str]:
    found: dict[str, str] = client.get(f"/hosts?search=name%3D{name}").json()["host"][0]
    return found
