"""Rounds on demand and hosts that are emptied, on simulated hosts."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.engine.resources.balancing.burst import exactly_those_that_fit_run
from tests.engine.resources.lab import is_status, made, named
from tests.installation import Installation, installation, until


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("balancing"), hosts=3, balance_seconds="3600") as made_:
        yield made_


@pytest.fixture(scope="module")
def client(place: Installation) -> Iterator[httpx.Client]:
    with place.client() as found:
        yield found


def test_of_200_starts_at_once_exactly_those_that_fit_run(place: Installation, client: httpx.Client) -> None:
    exactly_those_that_fit_run(place, client)
    vms = [v["id"] for v in client.get("/vms?search=status%3Dup&max=500").json()["vm"]]
    for vm in vms:
        client.post(f"/vms/{vm}/stop", json={})
    for vm in vms:
        is_status(client, f"/vms/{vm}", "down")


def _running(client: httpx.Client, name: str, host: str) -> str:
    boot = {"boot": {"devices": {"device": ["network"]}}}
    body = {"name": name, "cluster": {"name": "Default"}, "template": {"name": "Blank"}, "os": boot}
    vm = str(made(client.post("/vms", json=body))["id"])
    profile = client.get("/vnicprofiles").json()["vnic_profile"][0]["id"]
    made(client.post(f"/vms/{vm}/nics", json={"name": "nic1", "vnic_profile": {"id": profile}}))
    only: dict[str, Any] = {"vm": {"placement_policy": {"hosts": {"host": [{"id": host}]}}}}
    assert client.post(f"/vms/{vm}/start", json=only).is_success
    is_status(client, f"/vms/{vm}", "up")
    return vm


def _places(client: httpx.Client, vms: list[str]) -> list[str]:
    def settled() -> list[str]:
        rows = [client.get(f"/vms/{v}").json() for v in vms]
        return [r["host"]["id"] for r in rows] if all(r["status"] == "up" for r in rows) else []

    found: list[str] = until(settled, "VMs are up")
    return found


def test_guests_are_evened_out_one_a_round_with_the_reason_in_an_event_and_stay(client: httpx.Client) -> None:
    cluster = named(client, "clusters", "Default")["id"]
    hosts = [h["id"] for h in client.get("/hosts").json()["host"]]
    vms = [_running(client, f"guest{i}", hosts[0]) for i in range(3)]
    values = {"HighVmCount": "2", "MigrationThreshold": "2", "SpmVmGrace": "0"}
    policy = {
        "scheduling_policy": {"name": "vm_evenly_distributed"},
        "custom_scheduling_policy_properties": {"property": [{"name": n, "value": v} for n, v in values.items()]},
    }
    assert client.put(f"/clusters/{cluster}", json=policy).status_code == 200
    assert client.post(f"/clusters/{cluster}/balance", json={}).status_code == 200
    places = _places(client, vms)
    assert places.count(hosts[0]) == 2
    texts = [e["description"] for e in client.get("/events?search=sortby%20time%20desc&max=50").json()["event"]]
    assert any("load balancing" in t and "has 3 VMs" in t for t in texts)

    def again() -> bool:
        client.post(f"/clusters/{cluster}/balance", json={})
        return _places(client, vms).count(hosts[0]) == 1

    until(again, "the second VM moved")
    for _ in range(3):
        client.post(f"/clusters/{cluster}/balance", json={})
    assert sorted(_places(client, vms)) == sorted(hosts)
    for vm in vms:
        client.post(f"/vms/{vm}/stop", json={})
        is_status(client, f"/vms/{vm}", "down")


def test_vms_that_belong_together_leave_an_emptied_host_for_the_same_one(client: httpx.Client) -> None:
    cluster = named(client, "clusters", "Default")["id"]
    hosts = [h["id"] for h in client.get("/hosts").json()["host"]]
    vms = [_running(client, f"pair{i}", hosts[1]) for i in range(2)]
    rule = {"enabled": "true", "positive": "true", "enforcing": "true"}
    body = {"name": "pair", "vms_rule": rule, "vms": {"vm": [{"id": v} for v in vms]}}
    made(client.post(f"/clusters/{cluster}/affinitygroups", json=body))
    answer = client.post(f"/hosts/{hosts[1]}/deactivate", json={})
    assert answer.is_success, answer.text
    is_status(client, f"/hosts/{hosts[1]}", "maintenance")
    places = _places(client, vms)
    assert len(set(places)) == 1 and places[0] != hosts[1]
