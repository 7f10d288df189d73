"""Power management: a host's power through another host, and what becomes of its VMs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.kill import QUICK
from tests.faults.rack import Rack
from tests.faults.record import saw
from tests.installation import installation, until


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder: Path = tmp_path_factory.mktemp("power")
    with installation(folder, hosts=2, storage=True, **QUICK) as place, place.client() as client:
        yield Rack(place, client)


@pytest.fixture
def rack(whole: Rack) -> Iterator[Rack]:
    yield whole
    whole.clean()
    whole.at_rest()


def agents(rack: Rack, host: str) -> str:
    return f"/hosts/{rack.host_id(host)}/fenceagents"


def give_agent(rack: Rack, host: str) -> None:
    """A fence agent, if the host has none."""
    if rack.client.get(agents(rack, host)).json().get("agent"):
        return
    body = {"address": host, "order": 1, "type": "simulated", "username": "admin", "password": "open-sesame"}
    made = rack.client.post(agents(rack, host), json=body)
    assert made.status_code == 201, made.text
    assert "sesame" not in made.text
    assert "sesame" not in rack.client.get(agents(rack, host)).text


def fence(rack: Rack, host: str, kind: str) -> tuple[int, str]:
    answer = rack.client.post(f"/hosts/{rack.host_id(host)}/fence", json={"fence_type": kind})
    return answer.status_code, answer.text


def told(rack: Rack, code: int) -> bool:
    """Whether an event was written."""
    return any(int(e["code"]) == code for e in rack.client.get("/events?max=100").json().get("event", []))


def guests(rack: Rack, vm: str) -> list[str]:
    """Hosts on which the guest is, also those that nobody reaches: each guest is a file of its host."""
    return [file.parent.parent.name for file in sorted((rack.place.folder / "rack").glob(f"*/vms/{vm}.json"))]


def test_without_an_agent_nothing_is_fenced(rack: Rack) -> None:
    status, text = fence(rack, "sim-host-001", "restart")
    assert status == 409, text
    assert "not configured" in text


def test_wrong_agents_are_refused(rack: Rack) -> None:
    body = {"address": "x", "order": 1, "type": "hammer", "username": "a", "password": "b\nc"}
    answer = rack.client.post(agents(rack, "sim-host-001"), json=body)
    assert answer.status_code == 400
    assert "hammer" in answer.text
    status, text = fence(rack, "sim-host-001", "kick")
    assert status == 400, text


def test_a_host_that_is_up_is_not_stopped_and_tells_its_power(rack: Rack) -> None:
    give_agent(rack, "sim-host-001")
    status, text = fence(rack, "sim-host-001", "stop")
    assert status == 409, text
    status, text = fence(rack, "sim-host-001", "status")
    assert status == 200, text
    assert '"on"' in text


def test_a_lost_host_is_restarted_and_its_highly_available_vm_runs_elsewhere_once(rack: Rack) -> None:
    vm = rack.up("needed", high_availability={"enabled": True, "priority": 10})
    home = rack.host(vm)
    give_agent(rack, home)
    with rack.faulty(home, partitioned=True):
        rack.host_becomes(home, "non_responsive")
        rack.becomes(vm, "unknown")
        assert guests(rack, vm) == [home]  # it runs on, unseen: nobody may start it
        other = next(h["name"] for h in rack.hosts() if h["name"] != home)
        with rack.faulty(other, fail_fence="the switch does not answer"):
            status, text = fence(rack, home, "restart")
            assert status in (200, 202), text
            until(lambda: told(rack, 107), "the failure told")
            assert rack.status(vm) == "unknown"
            assert guests(rack, vm) == [home]
        status, text = fence(rack, home, "restart")
        assert status in (200, 202), text
        until(lambda: rack.status(vm) == "up" and rack.host(vm) == other, "a VM that was restarted", 60)
        assert guests(rack, vm) == [other]
    rack.host_becomes(home, "up")
    assert rack.alive(vm) == [other]
    saw(
        "fence-agent-fails",
        fault="The fence agent of a lost host fails",
        seen="Events 9021 and 107; its VMs stay `unknown` and are started nowhere; a later try that succeeds starts the "
        "highly available ones elsewhere, once",
        do="Tries again, or confirms by hand",
    )
