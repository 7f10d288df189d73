"""1,000 VM starts through an engine on 100 simulated hosts that hold exactly 1,000: decisions a second, and no host overbooked.

Does: a whole installation on SQLite; VMs of which ten fit a host, made through the API, then all started at once by many callers; what runs
where. The floor is the decision alone, on paper, over as many hosts (scheduling.py). Takes HOSTSxVMS from OVIS_BENCH_RACK (100x10).
"""

import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.starts import cpu_of
from ovis.cli.api import ApiFault, Client, at_once
from ovis.cli.simulated import CALLS
from ovis.engine.scheduling.decision import decide
from ovis.engine.scheduling.hosts import Hosts
from ovis.engine.scheduling.policies import SHIPPED, policy_of
from ovis.engine.scheduling.world import VmFacts, World
from tests.installation import Installation, installation

MIB = 1 << 20
_HOST_MIB, _OF_VM = 523967, 64 + 8  # what a simulated host may promise; its share of a VM beside memory
_PAUSE, _LONGEST = 0.5, 600.0


def _floor(hosts: int) -> float:
    """Seconds of one decision on paper."""
    policy = policy_of(SHIPPED[0])
    row = {"cores": 64, "memory": _HOST_MIB, "free": _HOST_MIB, "schedulable": _HOST_MIB}
    world = World(
        hosts=Hosts.of([{"id": str(n), "name": str(n), **row} for n in range(hosts)]),
        vm=VmFacts(),
        params=policy.params,
    )
    begun = time.perf_counter()
    for _ in range(200):
        decide(world, policy)
    return (time.perf_counter() - begun) / 200


def _measure(place: Installation, hosts: int, each: int) -> None:
    assert place.engine is not None
    client = Client(place.url, Path(place.ca), "admin@internal", place.password)
    client.login()
    memory = (_HOST_MIB // each - _OF_VM) * 512 // 513 - 1
    body = {"cluster": {"name": "Default"}, "template": {"name": "Blank"}, "memory": memory * MIB}
    model = client.post("/vms", {"name": "model", "os": {"boot": {"devices": {"device": ["network"]}}}, **body})
    profile = client.list("/vnicprofiles")[0]["id"]
    client.post(f"/vms/{model['id']}/nics", {"name": "nic1", "vnic_profile": {"id": profile}})
    template = client.post("/templates", {"name": "model", "vm": {"id": model["id"]}})
    client.wait(f"/templates/{template['id']}", lambda t: t["status"] == "ok", _LONGEST, "the template")

    def create(number: int) -> str:
        made = {**body, "name": f"bench-{number:04}", "template": {"name": "model"}}
        return str(client.post("/vms", made)["id"])

    refused = []

    def start(vm: str) -> None:
        try:
            client.post(f"/vms/{vm}/start")
        except ApiFault as err:
            refused.append(err)

    ids = at_once(create, range(hosts * each + hosts), CALLS)
    begun, before = time.monotonic(), cpu_of(place.engine.pid)
    at_once(start, ids, CALLS)
    took, spent = time.monotonic() - begun, cpu_of(place.engine.pid) - before
    deadline = time.monotonic() + _LONGEST
    while (count := len(ids) - len(refused)) and time.monotonic() < deadline:
        up = client.list("/vms", search="name=bench-* and status=up", max=str(len(ids)))
        if len(up) == count:
            break
        time.sleep(_PAUSE)
    on_host = Counter(vm["host"]["id"] for vm in up)
    floor = _floor(hosts)
    print(
        f"{len(ids)} starts on {hosts} hosts with room for {hosts * each}: {len(ids) / took:.0f} decisions/s, engine CPU "
        f"{spent / len(ids) * 1e3:.1f} ms each, {spent / len(ids) / floor:.0f}x a decision on paper ({floor * 1e3:.2f} ms)"
    )
    print(
        f"run {len(up)}, refused {len(refused)}; hosts in use {len(on_host)}, overbooked hosts "
        f"{sum(n > each for n in on_host.values())} (goal 0)"
    )


def main() -> None:
    """Measure and print."""
    hosts, each = (int(n) for n in os.environ.get("OVIS_BENCH_RACK", "100x10").split("x"))
    with tempfile.TemporaryDirectory() as name, installation(Path(name), hosts=hosts) as place:
        _measure(place, hosts, each)


if __name__ == "__main__":
    main()
