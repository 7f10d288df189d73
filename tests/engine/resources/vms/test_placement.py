"""Policies, affinity and explanations over real HTTP with simulated hosts."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.engine.resources.balancing.burst import exactly_those_that_fit_run
from tests.engine.resources.lab import GIB, fault_of, is_status, made, named
from tests.installation import Installation, installation

NONE_POLICY = "b4ed2332-a7ac-4d5f-9596-99a439cb2812"
CPU_UNIT = "6d636bf6-a35c-4f9d-b68d-0731f720cddc"
GUESTS = "3ba8c988-f779-42c0-90ce-caa8243edee7"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Three simulated hosts of 512 GiB."""
    with installation(tmp_path_factory.mktemp("placement"), hosts=3, storage=True) as made_:
        yield made_


@pytest.fixture
def client(place: Installation) -> Iterator[httpx.Client]:
    with place.client() as found:
        yield found


def _vm(client: httpx.Client, name: str, **values: Any) -> str:
    body = {"name": name, "cluster": {"name": "Default"}, "template": {"name": "Blank"}, **values}
    body["os"] = {"boot": {"devices": {"device": ["network"]}}}
    vm = str(made(client.post("/vms", json=body))["id"])
    profile = client.get("/vnicprofiles").json()["vnic_profile"][0]["id"]
    made(client.post(f"/vms/{vm}/nics", json={"name": "nic1", "vnic_profile": {"id": profile}}))
    return vm


def _start(client: httpx.Client, vm: str) -> str:
    answer = client.post(f"/vms/{vm}/start", json={})
    assert answer.status_code in (200, 202), answer.text
    is_status(client, f"/vms/{vm}", "up")
    return str(client.get(f"/vms/{vm}").json()["host"]["id"])


def _remove(client: httpx.Client, *vms: str) -> None:
    for vm in vms:
        client.post(f"/vms/{vm}/stop", json={})
        is_status(client, f"/vms/{vm}", "down")
        assert client.delete(f"/vms/{vm}").status_code in (200, 202)


def test_an_explanation_names_every_host_with_weights_or_reason(client: httpx.Client) -> None:
    vm = _vm(client, "asked", memory=str(GIB))
    found = client.post(f"/vms/{vm}/explainplacement", json={})
    assert found.status_code == 200, found.text
    rows = found.json()["placement_hosts"]["placement_host"]
    assert len(rows) == 3 and [r["fits"] for r in rows] == ["true"] * 3
    assert {w["unit"] for w in rows[0]["weights"]["placement_weight"]} >= {
        "OptimalForCpuEvenDistribution",
        "OptimalForMemoryEvenDistribution",
    }
    totals = [sum(float(w["total"]) for w in r["weights"]["placement_weight"]) for r in rows]
    assert totals == [float(r["total"]) for r in rows]
    chosen = next(r for r in rows if r["selected"] == "true")
    assert chosen["rank"] == "1"
    assert _start(client, vm) == chosen["host_id"]
    kept = client.get(f"/vms/{vm}/placements").json()["placement"]
    assert kept[0]["purpose"] == "start" and kept[0]["host"]["id"] == chosen["host_id"]
    xml = client.get(f"/vms/{vm}/placements", headers={"Accept": "application/xml"}).text
    assert "<placement_host>" in xml and "<points>" in xml
    _remove(client, vm)


def test_a_vm_that_does_not_exist_is_explained_and_not_made(client: httpx.Client) -> None:
    body = {"name": "huge", "cluster": {"name": "Default"}, "memory": str(600 * GIB)}
    found = client.post("/explainplacement", json=body).json()
    assert found["error"] == "SCHEDULING_ALL_HOSTS_FILTERED_OUT"
    rows = found["placement_hosts"]["placement_host"]
    assert {r["filter"] for r in rows} == {"Memory"} and all("MiB" in r["detail"] for r in rows)
    assert "vm" not in client.get("/vms?search=name%3Dhuge").json()


def test_a_start_that_fits_nowhere_names_each_host(client: httpx.Client) -> None:
    vm = _vm(client, "big", memory=str(600 * GIB))
    answer = client.post(f"/vms/{vm}/start", json={})
    assert answer.status_code == 409
    for host in client.get("/hosts").json()["host"]:
        assert f"{host['name']}: it has" in fault_of(answer)["detail"]
    assert client.delete(f"/vms/{vm}").status_code in (200, 202)


def test_a_copied_policy_is_edited_used_and_then_stays(client: httpx.Client) -> None:
    locked = client.put(f"/schedulingpolicies/{NONE_POLICY}", json={"description": "mine"})
    assert locked.status_code == 409 and "locked" in locked.json()["detail"]
    stray = {"name": "stray", "properties": {"property": [{"name": "HighUtilization", "value": "80"}]}}
    assert client.post("/schedulingpolicies", json=stray).status_code == 400
    policy = made(client.post("/schedulingpolicies", json={"name": "copy"}))["id"]
    path = f"/schedulingpolicies/{policy}"
    added = client.post(f"{path}/filters", json={"scheduling_policy_unit": {"id": CPU_UNIT}, "position": "-1"})
    assert added.status_code == 200, added.text
    twice = client.post(f"{path}/filters", json={"scheduling_policy_unit": {"id": CPU_UNIT}})
    assert twice.status_code == 400 and "twice" in twice.json()["detail"]
    wrong = client.post(f"{path}/weights", json={"scheduling_policy_unit": {"id": CPU_UNIT}})
    assert wrong.status_code == 400 and "no weight unit" in wrong.json()["detail"]
    assert client.post(f"{path}/weights", json={"scheduling_policy_unit": {"id": GUESTS}, "factor": "3"}).is_success
    cluster = named(client, "clusters", "Default")["id"]
    bad = {
        "scheduling_policy": {"id": policy},
        "custom_scheduling_policy_properties": {"property": [{"name": "SpmVmGrace", "value": "x"}]},
    }
    assert client.put(f"/clusters/{cluster}", json=bad).status_code == 400
    good = {**bad, "custom_scheduling_policy_properties": {"property": [{"name": "SpmVmGrace", "value": "0"}]}}
    assert client.put(f"/clusters/{cluster}", json=good).status_code == 200
    used = client.delete(path)
    assert used.status_code == 409 and "Default" in used.json()["detail"]
    assert client.put(f"/clusters/{cluster}", json={"scheduling_policy": {"name": "none"}}).status_code == 200
    values = client.get(f"/clusters/{cluster}").json()["custom_scheduling_policy_properties"]["property"]
    assert {p["name"]: p["value"] for p in values} == {"CpuOverCommitDurationMinutes": "2", "HighUtilization": "80"}
    assert client.delete(f"{path}/filters/{CPU_UNIT}").status_code == 200
    assert client.delete(path).status_code == 200


def test_vms_of_a_negative_group_run_apart_and_those_of_a_positive_one_together(client: httpx.Client) -> None:
    cluster = named(client, "clusters", "Default")["id"]
    vms = [_vm(client, f"aff{i}") for i in range(4)]
    path = f"/clusters/{cluster}/affinitygroups"
    apart = {"name": "apart", "vms_rule": {"enabled": "true", "positive": "false", "enforcing": "true"}}
    group = made(client.post(path, json={**apart, "vms": {"vm": [{"id": v} for v in vms]}}))["id"]
    places = [_start(client, v) for v in vms[:3]]
    assert len(set(places)) == 3
    fourth = client.post(f"/vms/{vms[3]}/start", json={})
    assert fourth.status_code == 409 and "must not be together" in fault_of(fourth)["detail"]
    both = {"name": "both", "vms_rule": {"enabled": "true", "positive": "true", "enforcing": "true"}}
    clash = client.post(path, json={**both, "vms": {"vm": [{"id": v} for v in vms[:2]]}})
    assert clash.status_code == 409 and "together and apart" in clash.json()["detail"]
    assert client.delete(f"{path}/{group}").status_code == 200
    made(client.post(path, json={**both, "vms": {"vm": [{"id": vms[0]}, {"id": vms[3]}]}}))
    assert _start(client, vms[3]) == places[0]
    shown = client.get(f"{path}?follow=vms").json()["affinity_group"][0]
    assert {v["id"] for v in shown["vms"]["vm"]} == {vms[0], vms[3]} and shown["broken"] == "false"
    assert client.delete(f"{path}/{shown['id']}").status_code == 200
    _remove(client, *vms)


def test_labels_lie_on_vms_and_hosts_and_count_in_groups(client: httpx.Client) -> None:
    cluster = named(client, "clusters", "Default")["id"]
    vm = _vm(client, "labelled")
    host = client.get("/hosts").json()["host"][2]["id"]
    label = made(client.post("/affinitylabels", json={"name": "gold"}))["id"]
    made(client.post(f"/affinitylabels/{label}/hosts", json={"id": host}))
    made(client.post(f"/vms/{vm}/affinitylabels", json={"id": label}))
    assert [x["id"] for x in client.get(f"/affinitylabels/{label}/vms").json()["vm"]] == [vm]
    assert [x["id"] for x in client.get(f"/hosts/{host}/affinitylabels").json()["affinity_label"]] == [label]
    rule = {"enabled": "true", "positive": "true", "enforcing": "true"}
    group = made(client.post(f"/clusters/{cluster}/affinitygroups", json={"name": "golden_hosts", "hosts_rule": rule}))
    path = f"/clusters/{cluster}/affinitygroups/{group['id']}"
    for side in ("vmlabels", "hostlabels"):
        made(client.post(f"{path}/{side}", json={"id": label}))
    assert _start(client, vm) == host
    assert client.delete(f"/affinitylabels/{label}").status_code == 409
    assert client.delete(path).status_code == 200
    assert client.delete(f"/affinitylabels/{label}").status_code == 200
    _remove(client, vm)


def test_of_200_starts_at_once_exactly_those_that_fit_run(client: httpx.Client, place: Installation) -> None:
    exactly_those_that_fit_run(place, client)
    for vm in client.get("/vms?search=status%3Dup&max=500").json()["vm"]:
        client.post(f"/vms/{vm['id']}/stop", json={})
