"""Starts and migrations that go wrong: another host, the reason, one copy."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.kill import QUICK
from tests.faults.rack import Rack
from tests.faults.record import saw
from tests.installation import installation, until

GIB = 1 << 30


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder: Path = tmp_path_factory.mktemp("moves")
    with installation(folder, hosts=3, storage=True, **QUICK) as place, place.client() as client:
        yield Rack(place, client)


@pytest.fixture
def rack(whole: Rack) -> Iterator[Rack]:
    yield whole
    whole.clean()
    whole.at_rest()


def others(rack: Rack, home: str) -> list[str]:
    return [h["name"] for h in rack.hosts() if h["name"] != home]


def test_a_migration_whose_target_dies_leaves_the_vm_on_its_source_and_says_why(rack: Rack) -> None:
    vm = rack.up("mover")
    home = rack.host(vm)
    target = others(rack, home)[0]
    with rack.faulty(home, migration_seconds=8):
        assert rack.act(vm, "migrate", host={"name": target}).status_code == 200
        assert rack.status(vm) == "migrating"
        with rack.faulty(target, off=True):
            rack.becomes(vm, "up")
            assert rack.host(vm) == home
            assert rack.alive(vm) == [home]
            assert "connection" in rack.texts(vm, 65)[0] or "reach" in rack.texts(vm, 65)[0]
    saw(
        "migration-target-dies",
        fault="The target of a migration loses its power",
        seen="The guest goes on at its source; event 65 tells of the lost connection",
        do="Migrates it elsewhere",
    )


def test_a_migration_that_its_target_refuses_leaves_the_vm_on_its_source(rack: Rack) -> None:
    vm = rack.up("unwelcome")
    home = rack.host(vm)
    with rack.faulty(*others(rack, home), refuse_incoming="no room at the inn"):
        assert rack.act(vm, "migrate").status_code == 200
        rack.becomes(vm, "up")
        assert "no room at the inn" in rack.texts(vm, 65)[0]
        assert rack.alive(vm) == [home]


def test_a_migration_whose_source_dies_is_settled_when_the_host_is_cleared(rack: Rack) -> None:
    vm = rack.up("orphan")
    home = rack.host(vm)
    with rack.faulty(home, migration_seconds=20):
        assert rack.act(vm, "migrate").status_code == 200
    with rack.faulty(home, off=True):
        rack.host_becomes(home, "non_responsive")
        rack.becomes(vm, "unknown")
        cleared = rack.client.post(f"/hosts/{rack.host_id(home)}/fence", json={"fence_type": "manual"})
        assert cleared.status_code == 200, cleared.text
        rack.becomes(vm, "down")
        until(lambda: rack.alive(vm) == [], "no copy")
        assert rack.act(vm, "start").status_code == 200
        rack.becomes(vm, "up")
        assert rack.host(vm) != home
    saw(
        "migration-source-dies",
        fault="The source of a migration loses its power",
        seen="The VM is `unknown` until the host is fenced or confirmed, then `down`; no copy is left at the target",
        do="Confirms, and starts it again if it is not highly available",
    )


def test_a_cancelled_migration_leaves_the_vm_on_its_source(rack: Rack) -> None:
    vm = rack.up("waverer")
    home = rack.host(vm)
    with rack.faulty(home, migration_seconds=20):
        assert rack.act(vm, "migrate").status_code == 200
        until(lambda: rack.act(vm, "cancelmigration").status_code == 200, "a migration to cancel")
        rack.becomes(vm, "up")
    assert (rack.host(vm), rack.alive(vm)) == (home, [home])
    assert rack.act(vm, "cancelmigration").status_code == 409


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.5, 0.6])
def test_a_cancel_that_meets_the_end_leaves_one_copy(rack: Rack, seconds: float) -> None:
    vm = rack.up("racer")
    home = rack.host(vm)
    with rack.faulty(home, migration_seconds=seconds):
        assert rack.act(vm, "migrate").status_code == 200
        until(lambda: rack.act(vm, "cancelmigration").status_code == 409, "an end of the migration", 20)
    rack.becomes(vm, "up")
    assert rack.alive(vm) == [rack.host(vm)]


def test_a_vm_that_is_stopped_while_it_migrates_is_down_everywhere(rack: Rack) -> None:
    vm = rack.up("doomed")
    with rack.faulty(rack.host(vm), migration_seconds=20):
        assert rack.act(vm, "migrate").status_code == 200
        stopped = rack.act(vm, "stop", **{"async": "false"})
        assert stopped.status_code == 200, stopped.text
        rack.becomes(vm, "down")
    until(lambda: rack.alive(vm) == [], "no copy")


def test_a_start_that_fails_is_tried_on_another_host(rack: Rack) -> None:
    vm = rack.add("persistent")
    hosts = [h["name"] for h in rack.hosts()]
    with rack.faulty(*hosts[:2], fail_start="no KVM today"):
        assert rack.act(vm, "start").status_code == 200
        rack.becomes(vm, "up")
        assert rack.host(vm) == hosts[2]


def test_a_start_that_fails_everywhere_leaves_the_vm_down_with_the_reason(rack: Rack) -> None:
    vm = rack.add("hopeless")
    with rack.faulty(*(h["name"] for h in rack.hosts()), fail_start="out of luck"):
        answer = rack.act(vm, "start", **{"async": "false"})
        assert answer.status_code >= 400
        assert "out of luck" in answer.text
        rack.becomes(vm, "down")
        assert "out of luck" in rack.texts(vm, 54)[0]
    saw(
        "start-fails-everywhere",
        fault="A VM fails to start on three hosts",
        seen="It is `down`; the client's answer and event 54 have the reason of each host",
        do="Removes the reason",
    )


def test_a_host_that_falls_silent_in_a_start_is_not_given_a_second_copy(rack: Rack) -> None:
    vm = rack.add("split")
    names = [h["name"] for h in rack.hosts()]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(rack.act, vm, "start")
        until(lambda: rack.status(vm) != "down", "a start")
        home = rack.host(vm)
        with rack.faulty(home, partitioned=True):
            answer.result()
            rack.host_becomes(home, "non_responsive")
            rack.becomes(vm, "unknown")
    rack.becomes(vm, "up", "down")
    assert len(rack.alive(vm)) <= 1
    assert home in names


def test_a_stop_wins_against_a_start_on_its_way(rack: Rack) -> None:
    vm = rack.add("hesitant")
    for _ in range(5):
        until(lambda: rack.act(vm, "start").status_code == 200, "the end of the start before")
        assert rack.act(vm, "stop", **{"async": "false"}).status_code == 200
        rack.becomes(vm, "down")
        until(lambda: rack.alive(vm) == [], "no copy")
        assert rack.status(vm) == "down"


def test_removal_while_starting_is_refused(rack: Rack) -> None:
    vm = rack.add("wanted")
    assert rack.act(vm, "start").status_code == 200
    refused = rack.client.delete(f"/vms/{vm}")
    assert refused.status_code == 409, refused.text
    rack.becomes(vm, "up")


def test_of_many_who_ask_at_once_one_is_served(rack: Rack) -> None:
    vm = rack.add("popular")
    with ThreadPoolExecutor(6) as pool:
        codes = sorted(r.status_code for r in pool.map(lambda _: rack.act(vm, "start"), range(6)))
    assert codes == [200, 409, 409, 409, 409, 409]
    rack.becomes(vm, "up")


def test_starts_at_once_never_promise_more_memory_than_hosts_have(rack: Rack) -> None:
    memory = str(200 * GIB)  # a simulated host has 512 GiB
    names = [rack.add(f"fat{n}", memory=memory) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(r.status_code for r in pool.map(lambda vm: rack.act(vm, "start"), names))
    assert codes == [200] * 6 + [409] * 2
    for vm in names:
        rack.becomes(vm, "up", "down")
    assert sum(rack.status(vm) == "up" for vm in names) == 6
