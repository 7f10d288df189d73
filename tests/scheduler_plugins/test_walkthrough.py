"""Users' modules in a policy on a cluster, from the file in the folder to VMs that go elsewhere."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engine.resources.lab import add_vm
from tests.installation import Installation, free_port, installation, program, until
from tests.scheduler_proxy.proxy import Proxy, serving

SHIPPED = Path(__file__).parents[2] / "scheduler_plugins"
NONE = "b4ed2332-a7ac-4d5f-9596-99a439cb2812"
GIB = 1 << 30
NETWORK = {"boot": {"devices": {"device": ["network"]}}}


@dataclass
class Place:
    """An installation whose engine asks a proxy."""

    engine: Installation
    proxy: Proxy
    client: httpx.Client
    cluster: str

    def unit(self, kind: str, name: str) -> dict[str, Any]:
        """A unit of users, once it is shown."""

        def look() -> dict[str, Any] | None:
            units = self.client.get("/schedulingpolicyunits").json()["scheduling_policy_unit"]
            return next((u for u in units if u["name"] == name and u.get("type") == kind), None)

        found: dict[str, Any] = until(look, f"the unit {name}")
        return found

    def policy(self, name: str, *, filters: Any = (), weights: Any = (), balance: str = "", **params: str) -> str:
        """A copy of `none` with more; the cluster uses it."""
        copied: dict[str, Any] = {"name": name}
        for part in ("filters", "weights"):
            rows = self.client.get(f"/schedulingpolicies/{NONE}/{part}").json()
            copied[part] = dict(rows)
        made = self.client.post("/schedulingpolicies", json={"name": name})
        assert made.status_code == 201, made.text
        id_ = str(made.json()["id"])
        for row in next(iter(copied["filters"].values())):
            self._put(f"/schedulingpolicies/{id_}/filters", row["id"], position=row["position"])
        for row in next(iter(copied["weights"].values())) if not weights else ():
            self._put(f"/schedulingpolicies/{id_}/weights", row["id"], factor=row["factor"])
        for unit in filters:
            self._put(f"/schedulingpolicies/{id_}/filters", unit, position=0)
        for unit, factor in weights:
            self._put(f"/schedulingpolicies/{id_}/weights", unit, factor=factor)
        if balance:
            self._put(f"/schedulingpolicies/{id_}/balances", balance)
        properties = {"property": [{"name": n, "value": v} for n, v in params.items()]}
        body = {"scheduling_policy": {"id": id_}, "custom_scheduling_policy_properties": properties}
        changed = self.client.put(f"/clusters/{self.cluster}", json=body)
        assert changed.status_code == 200, changed.text
        return id_

    def _put(self, path: str, unit: str, **values: Any) -> None:
        body = {"scheduling_policy_unit": {"id": unit}, **{k: str(v) for k, v in values.items()}}
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text

    def vm(self, name: str, **values: Any) -> str:
        """A small VM."""
        return add_vm(self.client, name, disk=False, memory=str(GIB // 4), os=NETWORK, **values)

    def start(self, vm: str, *, host: str = "") -> httpx.Response:
        """Start it, and wait until it runs, if it is not refused."""
        on = {"vm": {"placement_policy": {"hosts": {"host": [{"id": host}]}}}} if host else {}
        answer = self.client.post(f"/vms/{vm}/start", json=on)
        print(answer.text)
        if answer.status_code < 300:
            until(partial(self._is, vm, "up"), f"{vm} up")
        return answer

    def _is(self, vm: str, status: str) -> bool:
        return bool(self.client.get(f"/vms/{vm}").json()["status"] == status)

    def host_of(self, vm: str) -> str:
        """Where it runs."""
        return str(self.client.get(f"/vms/{vm}").json()["host"]["id"])

    def hosts(self) -> list[str]:
        """Ids of the hosts."""
        return [h["id"] for h in self.client.get("/hosts").json()["host"]]

    def clear(self) -> None:
        """As at the beginning."""
        changed = self.client.put(
            f"/clusters/{self.cluster}",
            json={"scheduling_policy": {"id": NONE}, "custom_scheduling_policy_properties": {"property": []}},
        )
        assert changed.status_code == 200, changed.text
        vms = [v["id"] for v in self.client.get("/vms").json().get("vm", ())]
        for vm in vms:
            self.client.post(f"/vms/{vm}/stop", json={})
        for vm in vms:
            until(partial(self._is, vm, "down"), f"{vm} down")
            removed = self.client.delete(f"/vms/{vm}")
            assert removed.is_success, removed.text
        until(lambda: not self.client.get("/vms").json().get("vm"), "no VMs")
        for file in self.proxy.folder.glob("*.py"):
            file.unlink()

    def events(self, code: int) -> list[str]:
        """What events of a code say."""
        found = self.client.get("/events?max=500").json().get("event", ())
        return [e["description"] for e in found if int(e["code"]) == code]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    port, folder = free_port(), tmp_path_factory.mktemp("plugins")
    with ExitStack() as stack:
        engine = stack.enter_context(
            installation(
                folder / "engine",
                hosts=2,
                scheduler_proxy_url=f"http://127.0.0.1:{port}/",
                scheduler_proxy_look_seconds="0.3",
                scheduler_proxy_seconds="20",
                balance_seconds="3600",
            )
        )
        client = stack.enter_context(engine.client())
        cluster = client.get("/clusters?search=name%3DDefault").json()["cluster"][0]["id"]
        flags = ["--engine-url", f"{engine.url}/api", "--engine-user", "admin@internal"]
        flags += ["--engine-password-file", str(engine.folder / "admin-password"), "--engine-ca-file", engine.ca]
        proxy = stack.enter_context(serving(folder / "proxy/plugins", *flags, "--seconds", "15", port=port))
        yield Place(engine, proxy, client, str(cluster))


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    """The same for all tests, each of which finds no VM, no module, and the cluster's first policy."""
    try:
        yield shared
    finally:
        shared.clear()


def add(place: Place, name: str) -> None:
    """A shipped module into the folder."""
    place.proxy.add(name, (SHIPPED / name / f"{name}.py").read_text())


def test_the_talks_walk_through(place: Place) -> None:
    add(place, "max_vms")
    unit = place.unit("filter", "max_vms")
    assert (unit["enabled"], unit["internal"]) in (("true", "false"), (True, False))
    (pattern,) = unit["properties"]["property"]
    assert (pattern["name"], pattern["value"]) == ("maximum_vm_count", "[0-9]+")
    place.policy("max_vms", filters=[unit["id"]], maximum_vm_count="3")
    first, second = place.hosts()
    vms = [place.vm(f"vm{n}") for n in range(7)]
    for vm in vms[:3]:
        assert place.start(vm, host=first).status_code == 200
    refused = place.start(vms[3], host=first)
    assert refused.status_code == 409
    assert "the module max_vms drops it" in refused.text
    for vm in vms[3:6]:
        assert place.start(vm).status_code == 200
        assert place.host_of(vm) == second
    last = place.start(vms[6])
    assert last.status_code == 409
    names = [h["name"] for h in place.client.get("/hosts").json()["host"]]
    for name in names:
        assert f"{name}: the module max_vms drops it (external filter max_vms)" in last.text
    explained = place.client.post(f"/vms/{vms[6]}/explainplacement", json={}).json()
    assert {h["filter"] for h in explained["placement_hosts"]["placement_host"]} == {"max_vms"}
    unborn = {"name": "unborn", "cluster": {"id": place.cluster}, "memory": str(GIB)}
    explained = place.client.post("/explainplacement", json=unborn).json()
    assert {h["filter"] for h in explained["placement_hosts"]["placement_host"]} == {"max_vms"}


def test_even_vm_distribution(place: Place) -> None:
    add(place, "even_vm_distribution")
    unit = place.unit("weight", "even_vm_distribution")
    place.policy("even", weights=[(unit["id"], 3)])
    first, second = place.hosts()
    vms = [place.vm(f"vm{n}") for n in range(5)]
    for vm in vms[:2]:
        assert place.start(vm, host=first).status_code == 200
    for vm in vms[2:4]:
        assert place.start(vm).status_code == 200
        assert place.host_of(vm) == second
    explained = place.client.post(f"/vms/{vms[4]}/explainplacement", json={}).json()
    weights = [
        h["placement_weights"] if "placement_weights" in h else h["weights"]
        for h in explained["placement_hosts"]["placement_host"]
    ]
    assert "even_vm_distribution" in str(weights)


def test_gpu_limit(place: Place) -> None:
    set_up = [program("ovis-engine"), "config", "--data", str(place.engine.folder)]
    subprocess.run([*set_up, "merge", "UserDefinedVMProperties", "gpu=^(true|false)$"], check=True, timeout=60)
    add(place, "gpu_limit")
    unit = place.unit("filter", "gpu_limit")
    place.policy("gpus", filters=[unit["id"]], gpus_per_host="1")
    card = {"custom_properties": {"custom_property": [{"name": "gpu", "value": "true"}]}}
    vms = [until(partial(_with_card, place, f"gpu{n}", card), "the property is known") for n in range(3)]
    plain = place.vm("plain")
    assert place.start(vms[0]).status_code == 200
    assert place.start(vms[1]).status_code == 200
    assert {place.host_of(v) for v in vms[:2]} == set(place.hosts())
    refused = place.start(vms[2])
    assert refused.status_code == 409
    assert "the module gpu_limit drops it" in refused.text
    assert place.start(plain).status_code == 200


def _with_card(place: Place, name: str, card: dict[str, Any]) -> str | None:
    """A VM with the property, once the engine knows that."""
    try:
        return place.vm(name, **card)
    except AssertionError:
        return None


@pytest.mark.long  # a balancing round by the clock
def test_memory_balance(place: Place) -> None:
    add(place, "memory_balance")
    unit = place.unit("load_balancing", "memory_balance")
    first, second = place.hosts()
    vms = [place.vm(f"vm{n}") for n in range(2)]
    for vm in vms:
        assert place.start(vm, host=first).status_code == 200
    room = {h["id"]: int(h["max_scheduling_memory"]) for h in place.client.get("/hosts").json()["host"]}
    least = (room[first] - GIB // 4) >> 20  # room for one of the two VMs on each host
    add(place, "even_vm_distribution")  # has the last word, and prefers the other host
    even = place.unit("weight", "even_vm_distribution")
    place.policy("memory", weights=[(even["id"], 1)], balance=unit["id"], minimum_free_mib=str(least))
    balanced = place.client.post(f"/clusters/{place.cluster}/balance", json={})
    assert balanced.status_code == 200, balanced.text
    until(lambda: second in [place.host_of(v) for v in vms], "a VM moved")
    assert any("a module wants it" in text for text in place.events(12001))


def test_units_go_and_come_and_a_proxy_that_is_away_holds_up_nothing(place: Place) -> None:
    place.proxy.add("picky", "class picky:\n    def do_filter(self, h, v, p): return []\n")
    unit = place.unit("filter", "picky")
    place.policy("picky", filters=[unit["id"]])
    vm = place.vm("one")
    assert place.start(vm).status_code == 409
    (place.proxy.folder / "picky.py").unlink()
    until(lambda: str(place.unit("filter", "picky")["enabled"]).lower() == "false", "it is off")
    place.proxy.add("picky", "class picky:\n    def do_filter(self, h, v, p): raise KeyError('no host')\n")
    until(lambda: str(place.unit("filter", "picky")["enabled"]).lower() == "true", "it is on again")
    assert place.start(vm).status_code == 200
    told = until(lambda: place.events(10500), "an event names the module")
    assert "The scheduling module picky failed: picky.py: KeyError: 'no host' (line 2 of picky.py)." in told
    shown = place.client.get(f"/vms/{vm}/placements").json()["placement"][0]
    (failure,) = shown["placement_failures"]["placement_failure"]
    assert failure["unit"] == "picky"
    place.proxy.process.terminate()  # for good: this test is the last one
    until(lambda: place.events(9920), "an event tells that the proxy is away")
    second = place.vm("two")
    assert place.start(second).status_code == 200
