"""Defaults, limits, well-known ids and refusals of networks, profiles, clusters, data centers, MAC pools, tags, roles, events."""

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.engine.resources.lab import add_vm, fault_of, is_status, made, named, named_role
from tests.engine.resources.walk import Walker

EMPTY = "00000000-0000-0000-0000-000000000000"
_COUNT = itertools.count(1)


@pytest.fixture
def api(walker: Walker) -> httpx.Client:
    """JSON, v4."""
    return walker.client(4, "json")


@pytest.fixture
def center(api: httpx.Client) -> Iterator[str]:
    """A data center of the test's own."""
    id_ = made(api.post("/datacenters", json={"name": f"own-{next(_COUNT)}", "local": "false"}))["id"]
    yield id_
    assert api.delete(f"/datacenters/{id_}").status_code == 200


def refused(answer: httpx.Response, status: int, word: str = "") -> None:
    """A fault of this status that says the word."""
    assert answer.status_code == status, answer.text
    assert word.lower() in fault_of(answer)["detail"].lower()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"/templates/{EMPTY}", "Blank"),
        (f"/tags/{EMPTY}", "root"),
        ("/networks/00000000-0000-0000-0000-000000000009", "ovirtmgmt"),
        ("/vnicprofiles/0000000a-000a-000a-000a-000000000398", "ovirtmgmt"),
        ("/macpools/58ca604b-017d-0374-0220-00000000014e", "Default"),
        ("/cpuprofiles/58ca604e-01a7-003f-01de-000000000250", "Default"),
        ("/networkfilters/d2370ab4-fee3-11e9-a310-8c1645ce738e", "vdsm-no-mac-spoofing"),
        ("/roles/00000000-0000-0000-0000-000000000001", "SuperUser"),
        ("/roles/00000000-0000-0000-0001-000000000001", "UserRole"),
        ("/roles/00000000-0000-0000-0001-000000000002", "PowerUserRole"),
        ("/schedulingpolicies/b4ed2332-a7ac-4d5f-9596-99a439cb2812", "none"),
        ("/groups/eee00000-0000-0000-0000-123456789eee", "Everyone"),
    ],
)
def test_well_known_ids(api: httpx.Client, path: str, name: str) -> None:
    assert api.get(path).json()["name"] == name


# -- networks and profiles -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"vlan": {"id": "0"}}, 201),
        ({"vlan": {"id": "4094"}}, 201),
        ({"vlan": {"id": "4095"}}, 400),
        ({"vlan": {"id": "-1"}}, 400),
        ({"mtu": "0"}, 201),
        ({"mtu": "67"}, 400),
        ({"mtu": "68"}, 201),
        ({"mtu": "9000"}, 201),
        ({"mtu": "99999999999"}, 400),
        ({"name": "n" * 256}, 201),
        ({"name": "n" * 257}, 400),
        ({"description": "d" * 4001}, 400),
    ],
)
def test_limits_of_a_network(api: httpx.Client, center: str, values: dict[str, Any], status: int) -> None:
    answer = api.post("/networks", json={"name": "limits", "data_center": {"id": center}, **values})
    assert answer.status_code == status, answer.text


def test_a_network_is_born_with_a_profile_that_stops_spoofing(api: httpx.Client, center: str) -> None:
    network = made(api.post("/networks", json={"name": "fresh", "data_center": {"id": center}}))
    assert network["usages"] == {"usage": ["vm"]}
    assert network["mtu"] == "0"
    assert network["vdsm_name"] == "fresh"
    (profile,) = api.get(f"/networks/{network['id']}/vnicprofiles").json()["vnic_profile"]
    assert profile["name"] == "fresh"
    assert profile["port_mirroring"] == "false"
    assert profile["pass_through"] == {"mode": "disabled"}
    shown = api.get(f"/vnicprofiles/{profile['id']}?follow=network_filter").json()
    assert shown["network_filter"]["name"] == "vdsm-no-mac-spoofing"
    long = made(api.post("/networks", json={"name": "far-too-long-for-a-bridge", "data_center": {"id": center}}))
    assert long["vdsm_name"] == "on" + long["id"].replace("-", "")[:13]
    bare = {"name": "bare", "data_center": {"id": center}, "usages": {"usage": []}}
    made_bare = made(api.post("/networks", json=bare))
    assert api.get(f"/networks/{made_bare['id']}/vnicprofiles").json() == {}


def test_the_same_name_is_possible_in_another_data_center_only(api: httpx.Client, center: str) -> None:
    refused(api.post("/networks", json={"name": "OVIRTMGMT", "data_center": {"id": center}}), 409, "already used")
    made(api.post("/networks", json={"name": "blue-net", "data_center": {"id": center}}))


def test_the_management_network_stays(api: httpx.Client) -> None:
    management = "/networks/00000000-0000-0000-0000-000000000009"
    refused(api.delete(management), 409, "management network")
    refused(api.put(management, json={"name": "other"}), 409, "renamed")
    cluster = named(api, "clusters", "Default")["id"]
    refused(api.delete(f"/clusters/{cluster}/networks/00000000-0000-0000-0000-000000000009"), 409, "management")
    (shown,) = [n for n in api.get(f"/clusters/{cluster}/networks").json()["network"] if n["name"] == "ovirtmgmt"]
    assert shown["required"] == "true"
    assert set(shown["usages"]["usage"]) == {"management", "display", "migration", "default_route", "vm"}


def test_a_profile_in_use_stays(api: httpx.Client) -> None:
    refused(api.delete("/vnicprofiles/0000000a-000a-000a-000a-000000000398"), 409, "used by")


# -- data centers and clusters -----------------------------------------------------------------------------------


def test_a_new_data_center_waits_for_storage(api: httpx.Client, center: str) -> None:
    shown = api.get(f"/datacenters/{center}").json()
    assert shown["status"] == "uninitialized"
    assert shown["quota_mode"] == "disabled"
    assert shown["storage_format"] == "v5"
    assert shown["version"] == {"major": "4", "minor": "8"}
    (quota,) = api.get(f"/datacenters/{center}/quotas").json()["quota"]
    assert (quota["name"], quota["cluster_soft_limit_pct"], quota["storage_hard_limit_pct"]) == ("Default", "80", "20")
    assert [n["name"] for n in api.get(f"/datacenters/{center}/networks").json()["network"]] == ["ovirtmgmt"]
    default = named(api, "datacenters", "Default")
    assert default["status"] == "up"
    refused(api.delete(f"/datacenters/{default['id']}"), 409, "is up")


@pytest.mark.parametrize("name", ["d" * 41, "with space", "ümlaut", "a/b"])
def test_names_of_data_centers_are_plain(api: httpx.Client, name: str) -> None:
    refused(api.post("/datacenters", json={"name": name, "local": "false"}), 400)


def test_defaults_of_a_cluster(api: httpx.Client, center: str) -> None:
    body = {"name": "plain", "data_center": {"id": center}}
    cluster = made(api.post("/clusters", json=body))
    try:
        assert cluster["memory_policy"]["over_commit"] == {"percent": "100"}
        assert cluster["error_handling"] == {"on_error": "migrate"}
        assert (cluster["switch_type"], cluster["firewall_type"]) == ("legacy", "firewalld")
        assert (cluster["virt_service"], cluster["gluster_service"]) == ("true", "false")
        assert cluster["ksm"] == {"enabled": "true", "merge_across_nodes": "true"}
        assert cluster["required_rng_sources"] == {"required_rng_source": ["urandom"]}
        assert cluster["scheduling_policy"]["id"] == "b4ed2332-a7ac-4d5f-9596-99a439cb2812"
        assert cluster["mac_pool"]["id"] == "58ca604b-017d-0374-0220-00000000014e"
        assert cluster["migration"]["policy"]["id"] == "80554327-0569-496b-bdeb-fcbbf52b827b"
        assert cluster["vnc_encryption"] == "true"
        profiles = api.get(f"/clusters/{cluster['id']}/cpuprofiles").json()["cpu_profile"]
        assert [p["name"] for p in profiles] == ["plain"]
        refused(api.delete(f"/cpuprofiles/{profiles[0]['id']}"), 409, "only profile")
        own = f"/clusters/{cluster['id']}"
        refused(api.put(own, json={"version": {"major": "3", "minor": "6"}}), 400, "not supported")
        refused(api.put(own, json={"version": {"major": "4", "minor": "2"}}), 409, "lower")
        refused(api.put(own, json={"memory_policy": {"over_commit": {"percent": "0"}}}), 400, "over-commit")
        other = named(api, "datacenters", "Default")["id"]
        refused(api.put(own, json={"data_center": {"id": other}}), 409, "another data center")
        refused(api.post("/clusters", json={**body, "name": "Plain"}), 409, "already used")
    finally:
        assert api.delete(f"/clusters/{cluster['id']}").status_code == 200
    assert named(api, "clusters", "Default")["vnc_encryption"] == "false"
    refused(api.delete(f"/clusters/{named(api, 'clusters', 'Default')['id']}"), 409)


# -- MAC pools ---------------------------------------------------------------------------------------------------


def test_addresses_go_round_the_pool(api: httpx.Client) -> None:
    vm = add_vm(api, "macs", disk=False)
    nics = f"/vms/{vm}/nics"
    first = api.get(nics).json()["nic"][0]
    assert first["mac"]["address"].startswith("56:6f:")
    assert api.delete(f"{nics}/{first['id']}").status_code == 200
    second = made(api.post(nics, json={"name": "two"}))
    assert second["mac"]["address"] > first["mac"]["address"], "a freed address is not given out at once"
    taken = {"name": "three", "mac": {"address": second["mac"]["address"]}}
    refused(api.post(nics, json=taken), 409, "in use")
    for wrong in ("01:00:00:00:00:01", "00:00:00:00:00:00", "56:6f", "zz:zz:zz:zz:zz:zz"):
        refused(api.post(nics, json={"name": "four", "mac": {"address": wrong}}), 400)
    assert api.delete(f"/vms/{vm}").status_code == 200


def test_the_default_pool_stays_and_ranges_are_ranges(api: httpx.Client) -> None:
    refused(api.delete("/macpools/58ca604b-017d-0374-0220-00000000014e"), 409, "default")
    for ranges in (
        {"range": [{"from": "00:1a:4a:00:00:ff", "to": "00:1a:4a:00:00:00"}]},
        {"range": [{"from": "01:1a:4a:00:00:00", "to": "01:1a:4a:00:00:ff"}]},
        {"range": [{"from": "nonsense", "to": "00:1a:4a:00:00:ff"}]},
    ):
        refused(api.post("/macpools", json={"name": "bad", "ranges": ranges}), 400)


# -- tags ----------------------------------------------------------------------------------------------------------


def test_tags_are_a_tree_and_a_search_finds_what_lies_below(api: httpx.Client) -> None:
    above = made(api.post("/tags", json={"name": "above"}))
    below = made(api.post("/tags", json={"name": "below", "parent": {"id": above["id"]}}))
    assert above["parent"]["id"] == EMPTY
    vm = named(api, "vms", "golden")["id"]
    assert made(api.post(f"/vms/{vm}/tags", json={"name": "below"}))["id"] == below["id"]
    for name in ("above", "below", "bel*"):
        assert vm in [v["id"] for v in api.get(f"/vms?search=tag%3D{name}").json()["vm"]]
    refused(api.put(f"/tags/{above['id']}", json={"parent": {"id": below["id"]}}), 400, "below itself")
    refused(api.put(f"/tags/{EMPTY}", json={"name": "other"}), 409)
    refused(api.delete(f"/tags/{EMPTY}"), 409)
    refused(api.post("/tags", json={"name": "two words"}), 400)
    assert api.delete(f"/tags/{above['id']}").status_code == 200
    assert api.get(f"/tags/{below['id']}").status_code == 404
    assert api.get(f"/vms/{vm}/tags").json() == {}


# -- roles ----------------------------------------------------------------------------------------------------------


def test_roles_of_users_hold_no_administrative_permit(api: httpx.Client) -> None:
    permits = {"permit": [{"id": "400"}]}
    refused(api.post("/roles", json={"name": "wrong", "administrative": "false", "permits": permits}), 400)
    role = made(
        api.post("/roles", json={"name": "right", "administrative": "false", "permits": {"permit": [{"id": "1"}]}})
    )
    own = f"/roles/{role['id']}"
    assert {p["name"] for p in api.get(f"{own}/permits").json()["permit"]} == {"create_vm", "login"}
    refused(api.post(f"{own}/permits", json={"id": "400"}), 400)
    made(api.post(f"{own}/permits", json={"name": "run_vm"}))
    assert api.delete(f"{own}/permits/22").status_code == 200
    vm = named(api, "vms", "golden")["id"]
    user = next(u["id"] for u in api.get("/users").json()["user"] if u["user_name"] == "jane@internal")
    grant = made(api.post(f"/vms/{vm}/permissions", json={"role": {"id": role["id"]}, "user": {"id": user}}))
    refused(api.delete(own), 409, "in use")
    assert api.delete(f"/vms/{vm}/permissions/{grant['id']}").status_code == 200
    assert api.delete(own).status_code == 200
    shipped = f"/roles/{named_role(api, 'UserRole')}"
    refused(api.put(shipped, json={"description": "mine"}), 409, "cannot change")
    refused(api.delete(shipped), 409)
    refused(api.post("/roles", json={"name": "userrole", "administrative": "false"}), 409, "already used")


def test_the_last_super_user_stays(api: httpx.Client) -> None:
    rows = api.get("/permissions").json()["permission"]
    (last,) = [p for p in rows if p["role"]["id"] == "00000000-0000-0000-0000-000000000001"]
    refused(api.delete(f"/permissions/{last['id']}"), 409, "last SuperUser")


# -- events ---------------------------------------------------------------------------------------------------------


def test_events_of_other_systems_have_codes_by_severity_and_alerts_come_back(api: httpx.Client) -> None:
    body = {"origin": "limits", "custom_id": "1", "description": "of the test"}
    codes = {"normal": "9801", "warning": "9802", "error": "9803", "alert": "9804"}
    found = {s: made(api.post("/events", json={**body, "severity": s})) for s in codes}
    assert {s: e["code"] for s, e in found.items()} == codes
    ids = [int(found[s]["id"]) for s in codes]
    assert ids == sorted(ids)
    refused(api.post("/events", json={**body, "severity": "normal", "origin": "oVirt"}), 400, "own")
    alert = f"/events/{found['alert']['id']}"
    assert api.delete(alert).status_code == 200
    assert api.get(alert).status_code == 404
    assert api.post("/events/undelete", json={}).status_code == 200
    assert api.get(alert).json()["description"] == "of the test"


# -- options --------------------------------------------------------------------------------------------------------


def test_options_have_values_for_all_or_for_each_level(api: httpx.Client) -> None:
    (one,) = api.get("/options/MaxVmNameLength").json()["values"]["system_option_value"]
    assert one == {"value": "64", "version": "general"}
    rows = api.get("/options/MaxNumOfVmSockets").json()["values"]["system_option_value"]
    assert {r["version"]: r["value"] for r in rows}["4.5"] == "16"
    (one,) = api.get("/options/MaxNumOfVmSockets?version=4.8").json()["values"]["system_option_value"]
    assert one["value"] == "10000"
    (one,) = api.get("/options/ServerCPUList?version=4.7").json()["values"]["system_option_value"]
    assert "1:Intel Nehalem Family:vmx,nx,model_Nehalem:Nehalem:x86_64" in one["value"].split("; ")
    assert api.get("/options/NoSuchOption").status_code == 404


def test_a_disk_keeps_its_storage_when_it_is_changed(api: httpx.Client) -> None:
    disk = next(d for d in api.get("/disks").json()["disk"] if d["name"] == "golden_disk")
    answer = api.put(f"/disks/{disk['id']}", json={"description": "changed"})
    assert answer.status_code == 200
    shown = is_status(api, f"/disks/{disk['id']}", "ok")
    assert shown["storage_domains"] == disk["storage_domains"]
