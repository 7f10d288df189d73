"""What the engine does by itself with hosts: fences those that are lost, spares those that live, sets aside those that
fail."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.kill import QUICK
from tests.faults.rack import Rack
from tests.faults.record import saw
from tests.faults.test_power import give_agent, guests, told
from tests.installation import installation, until

SETTINGS = {
    "fence_quiet_after_start_seconds": "0",
    "fence_quiet_seconds": "2",
    "soft_fence_command": "",
    "failed_start_minutes": "0.1",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder: Path = tmp_path_factory.mktemp("fencing")
    with installation(folder, hosts=3, storage=True, **(QUICK | SETTINGS)) as place, place.client() as client:
        yield Rack(place, client)


@pytest.fixture
def rack(whole: Rack) -> Iterator[Rack]:
    yield whole
    policy(whole)
    whole.clean()
    whole.at_rest()


def policy(rack: Rack, **values: Any) -> None:
    """The fencing policy of the cluster."""
    whole = {
        "enabled": True,
        "skip_if_sd_active": {"enabled": False},
        "skip_if_connectivity_broken": {"enabled": False, "threshold": 50},
    }
    cluster = rack.client.get("/clusters").json()["cluster"][0]["id"]
    answer = rack.client.put(f"/clusters/{cluster}", json={"fencing_policy": whole | values})
    assert answer.status_code == 200, answer.text


def test_a_lost_host_is_fenced_by_itself_and_what_it_ran_runs_elsewhere_once(rack: Rack) -> None:
    vm = rack.up("needed", high_availability={"enabled": True, "priority": 10})
    home = rack.host(vm)
    give_agent(rack, home)
    for file in rack.place.folder.glob("engine.db*"):
        assert b"sesame" not in file.read_bytes(), "a password lies in the database as it was given"
    with rack.faulty(home, partitioned=True):
        until(lambda: rack.status(vm) == "up" and rack.host(vm) != home, "a VM that was restarted elsewhere", 60)
        until(lambda: told(rack, 121), "the fencing told")
        assert guests(rack, vm) == [rack.host(vm)]
    rack.host_becomes(home, "up")
    saw(
        "host-lost-power-managed",
        fault="A host with power management is silent",
        seen="It is switched off through another host, its highly available VMs start elsewhere, once, and it is switched on; "
        "event 121",
    )


def test_a_host_that_still_writes_to_its_storage_is_spared_if_the_cluster_says_so(rack: Rack) -> None:
    policy(rack, skip_if_sd_active={"enabled": True})
    vm = rack.up("alive", high_availability={"enabled": True, "priority": 10})
    home = rack.host(vm)
    give_agent(rack, home)
    with rack.faulty(home, partitioned=True):
        until(lambda: told(rack, 9014), "that it is spared", 60)
        assert rack.status(vm) == "unknown"
        assert guests(rack, vm) == [home]
    rack.host_becomes(home, "up")
    rack.becomes(vm, "up")
    assert rack.host(vm) == home
    saw(
        "host-lost-spared",
        fault="A host is silent, yet renews its leases on storage, and the cluster's policy spares such hosts",
        seen="It is not fenced: event 9014; its VMs are `unknown` until it answers, and are started nowhere else",
        do="Repairs the network",
    )


@pytest.mark.long  # each decision by itself is in tests/engine/resources/hosts/test_fence.py
def test_without_policy_without_power_management_or_as_one_of_many_it_is_told_and_left(rack: Rack) -> None:
    policy(rack, enabled=False)
    vm = rack.up("patient")
    home = rack.host(vm)
    with rack.faulty(home, partitioned=True):
        until(lambda: told(rack, 9016), "that fencing is off", 60)
        policy(rack, skip_if_connectivity_broken={"enabled": True, "threshold": 30})
        until(lambda: told(rack, 9013), "that the network may be broken", 60)
        assert (rack.status(vm), guests(rack, vm)) == ("unknown", [home])
    rack.host_becomes(home, "up")
    rack.becomes(vm, "up")
    saw(
        "host-lost-not-fenced",
        fault="A host is silent; fencing is off in its cluster, or more of its hosts are silent than the policy allows",
        seen="It is not fenced: events 9016 or 9013; its VMs are `unknown`",
        do="Sees that it is off, then confirms (`fence`, `manual`); or repairs the network",
    )


def test_a_host_on_which_starts_fail_is_set_aside_for_a_while(rack: Rack) -> None:
    bad = rack.hosts()[0]["name"]
    with rack.faulty(bad, fail_start="no KVM today"):
        for n in range(3):
            others = [h["name"] for h in rack.hosts() if h["name"] != bad]
            vm = rack.add(f"tries{n}", placement_policy={"hosts": {"host": [{"name": bad}, {"name": others[0]}]}})
            assert rack.act(vm, "start").status_code == 200
            rack.becomes(vm, "up", "down")
            if any(h["name"] == bad and h["status"] == "error" for h in rack.hosts()):
                break
        failed_there = [h for h in rack.hosts() if h["name"] == bad and h["status"] == "error"]
        if not failed_there:
            pin = {"hosts": {"host": [{"name": bad}]}}
            for n in range(3):
                vm = rack.add(f"pinned{n}", placement_policy=pin)
                rack.act(vm, "start", **{"async": "false"})
        rack.host_becomes(bad, "error")
        assert told(rack, 500)
    rack.host_becomes(bad, "up")  # its time is over
    saw(
        "host-starts-fail",
        fault="Three starts of VMs fail on a host within 30 minutes",
        seen="The VMs start on other hosts where they may; the host is in `error` and gets no VMs, event 500; after "
        "as long (`failed_start_minutes`) it is tried again",
        do="Looks after the host, or activates it before that time",
    )
