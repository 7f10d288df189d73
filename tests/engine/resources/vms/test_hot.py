"""What a running VM takes at once of an update: planned by pure rules, and done on a simulated host."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ovis.engine.model.enums import VmStatus
from ovis.engine.model.types import Cpu, CpuTopology, MemoryPolicy, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.vms import hot
from ovis.engine.resources.vms.state import Dimm
from tests.engine.resources.lab import add_vm, is_status, made
from tests.faults.rack import Rack
from tests.installation import installation

MIB = 1 << 20
VM = Vm(
    id="v",
    name="x",
    status=VmStatus.UP,
    memory=1024 * MIB,
    memory_policy=MemoryPolicy(max=4096 * MIB, guaranteed=512 * MIB),
    cpu=Cpu(topology=CpuTopology(sockets=1, cores=2, threads=1)),
)
DIMMS = (Dimm(id="a", size=256 * MIB), Dimm(id="b", size=128 * MIB), Dimm(id="c", size=512 * MIB))


def planned(given: Vm, *, before: Vm = VM, dimms: tuple[Dimm, ...] = (), wait: bool = False) -> hot.Change:
    return hot.plan(before, bodies.merge(before, given), given, dimms, wait=wait)


def test_more_sockets_are_plugged_and_other_topologies_wait() -> None:
    more = planned(Vm(cpu=Cpu(topology=CpuTopology(sockets=3))))
    assert (more.sockets, more.later, more.hot, hot.cpus_with(VM, 3)) == (3, None, True, 6)
    for topology in (CpuTopology(sockets=3, cores=4), CpuTopology(cores=4)):
        waits = planned(Vm(cpu=Cpu(topology=topology)))
        assert (waits.hot, waits.later is not None) == (False, True)
    two = hot.with_sockets(VM, 2)
    assert planned(Vm(cpu=Cpu(topology=CpuTopology(sockets=1))), before=two).hot is False


def test_memory_grows_in_steps_up_to_what_it_was_started_with() -> None:
    grows = planned(Vm(memory=1280 * MIB))
    assert (grows.plug, grows.later, grows.refusals) == (256 * MIB, None, [])
    odd = planned(Vm(memory=1100 * MIB))
    assert [r.code for r in odd.refusals] == ["ACTION_TYPE_FAILED_HOT_PLUGGED_MEMORY_MUST_BE_DIVIDABLE_BY"]
    beyond = planned(Vm(memory=8192 * MIB, memory_policy=MemoryPolicy(max=16384 * MIB)))
    assert (beyond.plug, beyond.later is not None) == (0, True)


@pytest.mark.parametrize(
    ("size", "taken"), [(512, ("c",)), (128, ("b",)), (384, ("b", "a")), (896, ("c", "b", "a")), (64, ()), (1024, ())]
)
def test_memory_goes_by_whole_dimms(size: int, taken: tuple[str, ...]) -> None:
    assert hot.fitting(DIMMS, size * MIB) == taken


def test_less_memory_without_fitting_dimms_waits() -> None:
    less = Vm(memory=768 * MIB)
    assert planned(less, dimms=DIMMS[:1]).unplug == ("a",)
    waits = planned(less)
    assert (waits.hot, waits.later is not None) == (False, True)


def test_the_promise_changes_at_once_and_next_run_waits_with_all() -> None:
    lower = planned(Vm(memory_policy=MemoryPolicy(guaranteed=256 * MIB)))
    assert lower.now.memory_policy is not None
    assert (lower.now.memory_policy.guaranteed, lower.later) == (256 * MIB, None)
    both = planned(Vm(memory=1280 * MIB, description="now"), wait=True)
    assert (both.hot, both.now.description, both.now.memory) == (False, "now", 1024 * MIB)
    assert both.later is not None and both.later.memory == 1280 * MIB


@pytest.mark.parametrize("status", [s for s in VmStatus if s is not VmStatus.UP])
def test_only_a_vm_that_is_up_is_asked(status: VmStatus) -> None:
    before = bodies.merge(VM, Vm(status=status))
    change = planned(Vm(memory=1280 * MIB, cpu=Cpu(topology=CpuTopology(sockets=2))), before=before)
    assert (change.hot, change.later is not None) == (False, True)


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder: Path = tmp_path_factory.mktemp("hot")
    with installation(folder, hosts=1, storage=True) as place, place.client() as client:
        yield Rack(place, client)


def running(client: httpx.Client, name: str) -> str:
    body: dict[str, Any] = {
        "memory": str(512 * MIB),
        "memory_policy": {"max": str(2048 * MIB), "guaranteed": str(128 * MIB)},
    }
    vm = add_vm(client, name, **body)
    made(client.post(f"/vms/{vm}/start", json={}))
    is_status(client, f"/vms/{vm}", "up")
    return vm


def codes(client: httpx.Client) -> list[int]:
    return [int(e["code"]) for e in client.get("/events?max=20").json()["event"]]


def put(client: httpx.Client, vm: str, body: dict[str, Any], query: str = "") -> dict[str, Any]:
    answer = client.put(f"/vms/{vm}{query}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_cpus_and_memory_of_a_running_vm(rack: Rack) -> None:
    api = rack.client
    vm = running(api, "hot")
    found = put(api, vm, {"cpu": {"topology": {"sockets": "2"}}, "memory": str(768 * MIB)})
    assert (found["cpu"]["topology"]["sockets"], found["memory"]) == ("2", str(768 * MIB))
    assert found["next_run_configuration_exists"] == "false"
    assert {2033, 2039} <= set(codes(api))
    refused = api.put(f"/vms/{vm}", json={"memory": str(800 * MIB)})
    assert refused.status_code == 409 and "steps of 128 MiB" in refused.text
    found = put(api, vm, {"memory": str(512 * MIB)})
    assert found["memory"] == str(512 * MIB) and 2046 in codes(api)
    found = put(api, vm, {"memory": str(384 * MIB), "description": "later"})
    assert (found["memory"], found["description"]) == (str(512 * MIB), "later")
    assert found["next_run_configuration_exists"] == "true"
    assert api.get(f"/vms/{vm}?next_run=true").json()["memory"] == str(384 * MIB)
    found = put(api, vm, {"memory": str(512 * MIB)})
    assert found["next_run_configuration_exists"] == "false"
    found = put(api, vm, {"cpu": {"topology": {"sockets": "3"}}}, "?next_run=true")
    assert found["cpu"]["topology"]["sockets"] == "3", "the answer shows the next run"
    assert api.get(f"/vms/{vm}").json()["cpu"]["topology"]["sockets"] == "2"
    made(api.post(f"/vms/{vm}/stop", json={}))
    found = is_status(api, f"/vms/{vm}", "down")
    assert (found["cpu"]["topology"]["sockets"], found["next_run_configuration_exists"]) == ("3", "false")


def test_what_the_host_refuses_waits_and_is_told(rack: Rack) -> None:
    api = rack.client
    vm = running(api, "cold")
    put(api, vm, {"memory": str(640 * MIB)})
    with rack.faulty(rack.host(vm), fail_plug="no room here", keep_memory=True):
        found = put(api, vm, {"cpu": {"topology": {"sockets": "2"}}})
        assert (found["cpu"]["topology"]["sockets"], found["next_run_configuration_exists"]) == ("1", "true")
        found = put(api, vm, {"memory": str(512 * MIB)})
        assert found["memory"] == str(640 * MIB)
        told = [e["description"] for e in api.get("/events?max=10").json()["event"] if int(e["code"]) in (2034, 2047)]
        assert any("no room here" in t for t in told) and any("refused" in t for t in told), told
        later = api.get(f"/vms/{vm}?next_run=true").json()
        assert (later["cpu"]["topology"]["sockets"], later["memory"]) == ("2", str(512 * MIB))
