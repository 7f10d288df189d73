"""Rounds on demand, and hosts that are emptied, on simulated hosts: what moves, what stays, what is told."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.engine.resources.lab import add_vm, made, named
from tests.faults.kill import QUICK
from tests.faults.rack import Rack
from tests.faults.test_power import give_agent
from tests.installation import installation, until

GIB = 1 << 30
A, B, C = "sim-host-001", "sim-host-002", "sim-host-003"
NETWORK = {"boot": {"devices": {"device": ["network"]}}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder = tmp_path_factory.mktemp("balancing")
    with (
        installation(folder, hosts=3, storage=False, balance_seconds="3600", **QUICK) as place,
        place.client() as client,
    ):
        yield Rack(place, client)


@pytest.fixture
def rack(whole: Rack) -> Iterator[Rack]:
    """Three hosts that are up, no VM, no group, no balancing."""
    yield whole
    use(whole, "none")
    for host in whole.hosts():
        if host["status"] == "maintenance":
            whole.client.post(f"/hosts/{host['id']}/activate", json={})
    whole.clean()
    path = f"/clusters/{cluster(whole)}/affinitygroups"
    for group in whole.client.get(path).json().get("affinity_group", ()):
        assert whole.client.delete(f"{path}/{group['id']}").is_success


def cluster(rack: Rack) -> str:
    return str(named(rack.client, "clusters", "Default")["id"])


def use(rack: Rack, policy: str, **values: str) -> None:
    """The cluster's policy."""
    properties = {"property": [{"name": n, "value": v} for n, v in values.items()]}
    body = {"scheduling_policy": {"name": policy}, "custom_scheduling_policy_properties": properties}
    changed = rack.client.put(f"/clusters/{cluster(rack)}", json=body)
    assert changed.status_code == 200, changed.text


def start(rack: Rack, name: str, host: str, **values: Any) -> str:
    """A VM that is up on a host."""
    vm = add_vm(rack.client, name, disk=False, os=NETWORK, **values)
    only = {"vm": {"placement_policy": {"hosts": {"host": [{"id": rack.host_id(host)}]}}}}
    made(rack.client.post(f"/vms/{vm}/start", json=only))
    rack.becomes(vm, "up")
    return vm


def balance(rack: Rack) -> None:
    """A round; whatever it moved has arrived."""
    assert rack.client.post(f"/clusters/{cluster(rack)}/balance", json={}).status_code == 200
    until(
        lambda: all(v["status"] == "up" for v in rack.client.get("/vms?search=status!%3Ddown").json().get("vm", ())),
        "up",
    )


def balance_until(rack: Rack, done: Callable[[], bool]) -> None:
    """Rounds, as the minutes bring them: one that begins before hosts have told that a migration ended leaves them alone."""

    def round_() -> bool:
        balance(rack)
        return done()

    until(round_, "what balancing does")


def told(rack: Rack, code: int) -> list[str]:
    """Events of a kind, the newest first."""
    rows = rack.client.get("/events?max=200").json().get("event", [])
    return [e["description"] for e in rows if int(e["code"]) == code]


def test_guests_are_evened_out_one_a_round_with_the_reason_in_an_event_and_none_goes_back(rack: Rack) -> None:
    vms = [start(rack, name, A) for name in ("one", "two")]
    use(rack, "vm_evenly_distributed", HighVmCount="2", MigrationThreshold="2", SpmVmGrace="0")
    balance_until(rack, lambda: {rack.host(v) for v in vms} != {A})
    moved, stayed = sorted(vms, key=rack.host, reverse=True)  # the one that uses less at the moment
    assert (rack.host(moved), rack.host(stayed)) == (B, A)
    assert "has 2 VMs" in told(rack, 12001)[0]
    start(rack, "bound", B, placement_policy={"affinity": "pinned", "hosts": {"host": [{"id": rack.host_id(B)}]}})
    made(rack.act(stayed, "stop"))
    rack.becomes(stayed, "down")
    balance_until(rack, lambda: rack.host(moved) != B)
    assert rack.host(moved) == C  # host A has no VM and comes first, but that is where it came from
    balance(rack)
    assert rack.host(moved) == C


def test_memory_is_evened_out(rack: Rack) -> None:
    large, larger = start(rack, "large", A, memory=str(150 * GIB)), start(rack, "larger", A, memory=str(200 * GIB))
    start(rack, "other", B, memory=str(100 * GIB))
    low = {"MaxFreeMemoryForOverUtilized": str(200 << 10), "MinFreeMemoryForUnderUtilized": str(210 << 10)}
    use(rack, "evenly_distributed", **low)
    with rack.faulty(A, stats={"cpuUser": "45", "cpuSys": "5"}):  # else its CPUs may speak for staying
        balance_until(rack, lambda: rack.host(large) != A)
    assert (rack.host(large), rack.host(larger)) == (C, A)
    assert "MiB left to promise" in told(rack, 12001)[0]
    balance(rack)
    assert (rack.host(large), rack.host(larger)) == (C, A)


def test_affinity_is_enforced_one_vm_a_round(rack: Rack) -> None:
    vms = [start(rack, f"vm{i}", host) for i, host in enumerate((A, A, B, C))]
    rule = {"enabled": "true", "positive": "true", "enforcing": "true"}
    body = {"name": "as_one", "vms_rule": rule, "vms": {"vm": [{"id": v} for v in vms[:3]]}}
    made(rack.client.post(f"/clusters/{cluster(rack)}/affinitygroups", json=body))
    balance(rack)
    assert [rack.host(v) for v in vms] == [A, A, A, C]
    assert "affinity group as_one" in told(rack, 12000)[0] and "vm2" in told(rack, 12000)[0]
    apart = {"name": "apart", "vms_rule": rule | {"positive": "false"}, "vms": {"vm": [{"id": vms[0]}, {"id": vms[3]}]}}
    made(rack.client.post(f"/clusters/{cluster(rack)}/affinitygroups", json=apart))
    balance(rack)
    assert [rack.host(v) for v in vms] == [A, A, A, C]


def test_vms_that_belong_together_leave_an_emptied_host_for_the_same_one(rack: Rack) -> None:
    vms = [start(rack, f"pair{i}", B) for i in range(2)]
    rule = {"enabled": "true", "positive": "true", "enforcing": "true"}
    body = {"name": "pair", "vms_rule": rule, "vms": {"vm": [{"id": v} for v in vms]}}
    made(rack.client.post(f"/clusters/{cluster(rack)}/affinitygroups", json=body))
    answer = rack.client.post(f"/hosts/{rack.host_id(B)}/deactivate", json={})
    assert answer.is_success, answer.text
    rack.host_becomes(B, "maintenance")
    until(lambda: all(rack.status(v) == "up" for v in vms), "they are up")
    assert len({rack.host(v) for v in vms}) == 1 and rack.host(vms[0]) != B


def fitting(rack: Rack, vm: str = "", **values: Any) -> dict[str, str]:
    """Host -> the filter that drops it, or nothing: of a VM, or of one that does not exist."""
    path = f"/vms/{vm}/explainplacement" if vm else "/explainplacement"
    body = {} if vm else {"name": "new", "cluster": {"name": "Default"}, "memory": str(GIB), **values}
    answer = rack.client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return {h["host_name"]: h.get("filter", "") for h in answer.json()["placement_hosts"]["placement_host"]}


def test_huge_pages_numa_nodes_leases_and_cpu_models_of_hosts_count(rack: Rack) -> None:
    def custom(**values: str) -> dict[str, Any]:
        return {"custom_property": [{"name": n, "value": v} for n, v in values.items()]}

    def node(free: int) -> dict[str, Any]:
        return {"memFree": str(free), "memPercent": 0}

    numa = {str(n): {"cpus": [n], "totalMemory": "200000", "hugepages": {}} for n in range(2)}
    stats = {
        "hugepages": {"2048": {"free_hugepages": 600}},
        "numaNodeMemFree": {"0": node(900), "1": node(150000)},
        "storageDomains": {"here": {"acquired": True}, "away": {"acquired": False}},
    }
    vm = add_vm(
        rack.client, "pages", disk=False, os=NETWORK, memory=str(GIB), custom_properties=custom(hugepages="2048")
    )
    pinned = add_vm(rack.client, "numa", disk=False, os=NETWORK, memory=str(GIB))
    bound = {"index": "0", "memory": "1024", "cpu": {"cores": {"core": [{"index": "0"}]}}}
    bound |= {"numa_node_pins": {"numa_node_pin": [{"index": "1"}]}, "numa_tune_mode": "strict"}
    made(rack.client.post(f"/vms/{pinned}/numanodes", json=bound))
    with rack.faulty(B, stats=stats, caps={"numaNodes": numa, "cpuFlags": "vme,model_Only"}):
        made(rack.client.post(f"/hosts/{rack.host_id(B)}/refresh", json={}))
        until(lambda: fitting(rack, vm)[B] == "", "its statistics")
        assert fitting(rack, vm) == {A: "HugePages", B: "", C: "HugePages"}
        until(lambda: fitting(rack, pinned)[B] == "", "its nodes")
        assert fitting(rack, pinned) == {A: "NUMA", B: "", C: "NUMA"}
        assert fitting(rack, lease={"storage_domain": {"id": "away"}})[B] == "VM leases ready"
        assert fitting(rack, lease={"storage_domain": {"id": "here"}})[B] == ""
        model = fitting(rack, custom_cpu_model="Only")
        assert model == {A: "CPU-Level", B: "", C: "CPU-Level"}
    hangs = {"point": "before_vm_start", "script": "slow", "since": 0}
    with rack.faulty(B, stats=stats, hook=hangs):
        made(rack.act(vm, "start"))  # most pages are promised to it, though the host reports them as free
        pages = custom(hugepages="2048")
        assert fitting(rack, custom_properties=pages) == {A: "HugePages", B: "HugePages", C: "HugePages"}
        assert fitting(rack, memory=str(GIB // 8), custom_properties=pages)[B] == ""
    rack.becomes(vm, "up")
    assert rack.host(vm) == B
    made(rack.client.post(f"/hosts/{rack.host_id(B)}/refresh", json={}))


def test_devices_and_parts_of_devices_go_to_as_many_vms_as_there_are(rack: Rack) -> None:
    here = {"affinity": "pinned", "hosts": {"host": [{"id": rack.host_id(B)}]}}
    with_key = [add_vm(rack.client, f"key{i}", disk=False, os=NETWORK, placement_policy=here) for i in range(2)]
    for vm in with_key:
        made(rack.client.post(f"/vms/{vm}/hostdevices", json={"name": "usb_1_1"}))
    assert fitting(rack, with_key[0])[B] == ""
    made(rack.act(with_key[0], "start"))
    assert fitting(rack, with_key[1])[B] == "HostDevice"
    kind = {"spec_params": {"property": [{"name": "mdevType", "value": "sim-8"}]}}
    with_parts = [add_vm(rack.client, f"gpu{i}", disk=False, os=NETWORK) for i in range(4)]
    for vm, many in zip(with_parts, (1, 2, 2, 3), strict=True):
        for _ in range(many):
            made(rack.client.post(f"/vms/{vm}/mediateddevices", json=kind))
    only = {"vm": {"placement_policy": {"hosts": {"host": [{"id": rack.host_id(A)}]}}}}
    made(rack.client.post(f"/vms/{with_parts[0]}/start", json=only))
    assert fitting(rack, with_parts[1]) == {A: "MDevice", B: "", C: ""}  # one of two is left on the first host
    assert fitting(rack, with_parts[3]) == dict.fromkeys((A, B, C), "MDevice")
    for vm in with_parts[1:3]:
        made(rack.act(vm, "start"))
    for vm in (with_key[0], *with_parts[:3]):
        rack.becomes(vm, "up")
    assert {rack.host(v) for v in with_parts[1:3]} == {B, C}
    last = add_vm(rack.client, "last", disk=False, os=NETWORK)
    made(rack.client.post(f"/vms/{last}/mediateddevices", json=kind))
    assert fitting(rack, last) == {A: "", B: "MDevice", C: "MDevice"}


def test_cpus_that_a_vm_has_for_itself_are_nobody_elses(rack: Rack) -> None:
    def cpus(count: int) -> dict[str, Any]:
        return {"topology": {"sockets": "1", "cores": str(count), "threads": "1"}}

    start(rack, "alone", B, cpu=cpus(28), cpu_pinning_policy="dedicated")
    assert fitting(rack, cpu=cpus(5)) == {A: "", B: "CPU", C: ""}
    assert fitting(rack, cpu=cpus(4))[B] == ""
    assert fitting(rack, cpu=cpus(5), cpu_pinning_policy="dedicated") == {A: "", B: "CpuPinning", C: ""}
    assert fitting(rack, cpu=cpus(4), cpu_pinning_policy="dedicated")[B] == ""


def test_power_saving_gathers_vms_switches_empty_hosts_off_and_wakes_them_when_it_needs_them(rack: Rack) -> None:
    for name in (A, B, C):
        give_agent(rack, name)
        managed = {"power_management": {"enabled": "true", "automatic_pm_enabled": "true"}}
        changed = rack.client.put(f"/hosts/{rack.host_id(name)}", json=managed)
        assert changed.status_code == 200, changed.text
    vms = [start(rack, f"low{i}", host) for i, host in enumerate((A, A, B))]
    saving = {"LowUtilization": "20", "HostsInReserve": "0", "EnableAutomaticHostPowerManagement": "true"}
    use(rack, "power_saving", **saving)
    balance_until(rack, lambda: len({rack.host(v) for v in vms}) == 1)
    home = rack.host(vms[0])

    def status() -> dict[str, str]:
        return {str(h["name"]): str(h["status"]) for h in rack.hosts()}

    def rests() -> bool:
        balance(rack)
        return status() == dict.fromkeys((A, B, C), "down") | {home: "up"}

    until(rests, "the empty hosts are off")
    assert len(told(rack, 10250)) == len(told(rack, 10251)) == 2
    assert rests() and {rack.host(v) for v in vms} == {home}
    use(rack, "power_saving", **saving | {"HostsInReserve": "2"})

    def awake() -> bool:
        balance(rack)
        return set(status().values()) == {"up"}

    until(awake, "two hosts in reserve", 120)
    assert len(told(rack, 10252)) == 2
