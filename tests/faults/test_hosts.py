"""Agents that die, hosts that are cut off or lose their power: VMs are told the truth and never started twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.kill import QUICK
from tests.faults.rack import Rack
from tests.faults.record import saw
from tests.installation import installation, until


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder: Path = tmp_path_factory.mktemp("hosts")
    with installation(folder, hosts=3, storage=True, **QUICK) as place, place.client() as client:
        yield Rack(place, client)


@pytest.fixture
def rack(whole: Rack) -> Iterator[Rack]:
    yield whole
    whole.clean()
    whole.at_rest()


def test_guests_go_on_while_their_agent_is_dead_and_are_reported_again(rack: Rack) -> None:
    vm = rack.up("survivor")
    home = rack.host(vm)
    rack.place.kill_rack()
    rack.host_becomes(home, "non_responsive")
    assert rack.status(vm) == "unknown"
    assert rack.act(vm, "start").status_code == 409
    rack.place.start_rack(rack.place.hosts)
    rack.becomes(vm, "up")
    assert rack.host(vm) == home
    assert rack.alive(vm) == [home]
    saw(
        "agent-away",
        fault="A host's agent is dead for a while",
        seen="The host is `connecting`, then `non_responsive`, its VMs are `unknown` and are started nowhere; when it is "
        "back, the guests that ran on are reported where they were",
    )


def test_a_host_that_is_cut_off_keeps_its_vms_unknown_until_it_answers(rack: Rack) -> None:
    vm = rack.up("islander")
    home = rack.host(vm)
    with rack.faulty(home, partitioned=True):
        rack.host_becomes(home, "connecting")
        rack.host_becomes(home, "non_responsive")
        assert rack.status(vm) == "unknown"
        refused = rack.act(vm, "start")
        assert refused.status_code == 409, refused.text
        assert rack.act(vm, "stop").status_code == 409
    rack.host_becomes(home, "up")
    rack.becomes(vm, "up")
    assert (rack.host(vm), rack.alive(vm)) == (home, [home])
    saw(
        "host-cut-off",
        fault="A host is cut off from the engine",
        seen="`connecting`, then `non_responsive`; its VMs are `unknown`, and no start or stop of them is accepted; all is "
        "as it was when it answers",
        do="Mends the network; or sees that it is off, and confirms (`fence`, `manual`)",
    )


def test_a_host_that_lost_its_power_returns_without_its_vms(rack: Rack) -> None:
    vm = rack.up("victim")
    home = rack.host(vm)
    with rack.faulty(home, off=True):
        rack.host_becomes(home, "non_responsive")
        assert rack.status(vm) == "unknown"
        assert rack.alive(vm) == []
    rack.host_becomes(home, "up")
    rack.becomes(vm, "down")
    assert rack.texts(vm, 119)
    saw(
        "host-without-power",
        fault="A host loses its power and comes back",
        seen="Its VMs are `unknown` until it answers, then `down`; event 119 for each",
        do="Starts them again, if they are not highly available",
    )


def test_a_confirmed_reboot_clears_the_vms_and_a_highly_available_one_restarts_elsewhere(rack: Rack) -> None:
    important = rack.up("important", high_availability={"enabled": "true", "priority": "50"})
    home = rack.host(important)
    policy = {"hosts": {"host": [{"name": home}]}}
    ordinary = rack.up("ordinary", placement_policy=policy)
    assert rack.host(ordinary) == home
    with rack.faulty(home, off=True):
        rack.host_becomes(home, "non_responsive")
        assert (rack.status(important), rack.status(ordinary)) == ("unknown", "unknown")
        confirmed = rack.client.post(f"/hosts/{rack.host_id(home)}/fence", json={"fence_type": "manual"})
        assert confirmed.status_code == 200, confirmed.text
        assert rack.status(ordinary) == "down"
        rack.becomes(important, "up")
        assert rack.host(important) != home
        assert rack.status(ordinary) == "down"
    rack.host_becomes(home, "up")
    assert len(rack.alive(important)) == 1
    saw(
        "host-confirmed",
        fault="A host lost its power, and the administrator confirms that",
        seen="Its VMs are `down`; highly available ones start on other hosts, once, event 9602",
        do="Confirms (`fence`, `manual`), having seen that it is off",
    )


def test_a_highly_available_vm_that_a_user_stops_stays_down(rack: Rack) -> None:
    vm = rack.up("obedient", high_availability={"enabled": "true"})
    assert rack.act(vm, "stop", **{"async": "false"}).status_code == 200
    assert rack.status(vm) == "down"
    assert not rack.texts(vm, 9602)


@pytest.mark.long  # waits for leases
def test_a_manager_that_is_cut_off_is_replaced_once_it_is_cleared(rack: Rack) -> None:
    manager = next(h["name"] for h in rack.hosts() if h["spm"]["status"] == "spm")
    with rack.faulty(manager, off=True):
        rack.host_becomes(manager, "non_responsive")
        until(
            lambda: any(h["spm"]["status"] == "spm" and h["name"] != manager for h in rack.hosts()),
            "another storage pool manager",
        )
    rack.host_becomes(manager, "up")
    saw(
        "manager-lost",
        fault="The host that manages the storage (SPM) is lost",
        seen="Another host takes over once the old one's lease is over; work on storage waits meanwhile",
    )
