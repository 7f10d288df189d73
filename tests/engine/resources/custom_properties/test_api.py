"""Through the API of a running engine: defined by its command line at once, given in both versions, refused, shown."""

import subprocess
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import fromstring

import httpx
import pytest

from tests.engine.resources.lab import add_vm, is_status, made, named
from tests.installation import Installation, installation, program, until

_INVALID = "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_"
XML = {"Content-Type": "application/xml", "Accept": "application/xml"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("place"), hosts=1, storage=True) as found:
        config(found, "set", "UserDefinedVMProperties", "macspoof=^(true|false)$;note=.*")
        config(found, "set", "UserDefinedVMProperties", "note=.*", "--cver", "4.6")
        config(found, "merge", "CustomDeviceProperties", "{type=interface;prop={fast=^(true|false)$}}")
        yield found


@pytest.fixture
def client(place: Installation) -> Iterator[httpx.Client]:
    with place.client() as found:
        yield found


def config(place: Installation, *args: str) -> subprocess.CompletedProcess[str]:
    command = [program("ovis-engine"), "config", *args, "--data", str(place.folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


def body(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"custom_properties": {"custom_property": [{"name": n, "value": v} for n, v in pairs]}}


def values(shown: Any) -> dict[str, str]:
    rows = shown.get("custom_properties", {}).get("custom_property", ())
    return {r["name"]: r.get("value", "") for r in rows}


def refused(answer: httpx.Response, words: str) -> None:
    assert answer.status_code == 400, answer.text
    assert words in answer.text


def test_a_vm_takes_them_keeps_them_and_refuses_others(client: httpx.Client) -> None:
    vm = add_vm(client, "props", disk=False, **body(("macspoof", "true"), ("sndbuf", "0")))
    path = f"/vms/{vm}"
    assert values(client.get(path).json()) == {"macspoof": "true", "sndbuf": "0"}
    assert values(client.put(path, json={"comment": "x"}).json()) == {"macspoof": "true", "sndbuf": "0"}
    refused(client.put(path, json=body(("macspoof", "maybe"))), "macspoof as ^(true|false)$")
    refused(client.put(path, json=body(("unknown", "1"))), "unknown is not defined at level")
    refused(client.put(path, json=body(("note", "a"), ("note", "b"))), "note is given twice")
    refused(client.put(path, json=body(("note", "a;b"))), "not well formed")
    both = client.put(path, json=body(("macspoof", "x"), ("unknown", "1"))).text
    assert "macspoof" in both and "unknown" in both
    assert values(client.get(path).json()) == {"macspoof": "true", "sndbuf": "0"}
    assert values(client.put(path, json=body(("note", ""))).json()) == {"note": ""}
    assert values(client.put(path, json=body()).json()) == {}
    new = {"name": "never", "cluster": {"name": "Default"}, "template": {"name": "Blank"}}
    refused(client.post("/vms", json={**new, **body(("unknown", "1"))}), "unknown")


def test_version_3_writes_and_shows_them_as_attributes(place: Installation, client: httpx.Client) -> None:
    vm = add_vm(client, "old", disk=False)
    headers = {**XML, "Version": "3"}
    text = '<vm><custom_properties><custom_property name="note" value="a&amp;b"/></custom_properties></vm>'
    answer = client.put(f"/vms/{vm}", content=text, headers=headers)
    assert answer.status_code == 200, answer.text
    (row,) = fromstring(client.get(f"/vms/{vm}", headers=headers).content).findall("custom_properties/custom_property")
    assert row.attrib == {"name": "note", "value": "a&b"}
    (row,) = fromstring(client.get(f"/vms/{vm}", headers=XML).content).findall("custom_properties/custom_property")
    assert (row.findtext("name"), row.findtext("value")) == ("note", "a&b")
    bad = text.replace("note", "unknown")
    assert client.put(f"/vms/{vm}", content=bad, headers=headers).status_code == 400


def test_capabilities_and_options_show_what_is_defined_at_each_level(client: httpx.Client) -> None:
    headers = {**XML, "Version": "3"}
    found = {}
    for version in fromstring(client.get("/capabilities", headers=headers).content):
        level = f"{version.get('major')}.{version.get('minor')}"
        rows = version.findall("custom_properties/custom_property")
        found[level] = {r.get("name"): r.get("regexp") for r in rows}
    assert found["4.8"]["macspoof"] == "^(true|false)$"
    assert found["4.8"]["viodiskcache"] == "^(none|writeback|writethrough)$"
    assert "macspoof" not in found["4.6"]
    assert found["4.6"]["note"] == ".*"
    assert "nvram_template" not in found["4.3"]
    assert found["4.3"]["vhost"] != found["4.4"]["vhost"]
    option = client.get("/options/UserDefinedVMProperties?version=4.6").json()
    assert option["values"]["system_option_value"] == [{"value": "note=.*", "version": "4.6"}]


def test_profiles_take_those_of_interfaces(client: httpx.Client) -> None:
    network = named(client, "networks", "ovirtmgmt")["id"]
    new = {"name": "quick", "network": {"id": network}}
    refused(client.post("/vnicprofiles", json={**new, **body(("macspoof", "true"))}), "macspoof is not defined")
    refused(client.post("/vnicprofiles", json={**new, **body(("fast", "very"))}), "fast as ^(true|false)$")
    profile = made(client.post("/vnicprofiles", json={**new, **body(("fast", "true"))}))
    assert values(client.get(f"/vnicprofiles/{profile['id']}").json()) == {"fast": "true"}
    refused(client.put(f"/vnicprofiles/{profile['id']}", json=body(("fast", "no"))), "fast as")


def test_templates_and_instance_types_take_those_of_vms(client: httpx.Client) -> None:
    vm = add_vm(client, "golden", disk=False, **body(("macspoof", "true")))
    template = made(client.post("/templates", json={"name": "tpl", "vm": {"id": vm}}))["id"]
    is_status(client, f"/templates/{template}", "ok")
    assert values(client.get(f"/templates/{template}").json()) == {"macspoof": "true"}
    refused(client.put(f"/templates/{template}", json=body(("unknown", "1"))), "Custom properties of template tpl")
    new = {"name": "copy", "cluster": {"name": "Default"}, "template": {"id": template}}
    copy = made(client.post("/vms", json=new))["id"]
    assert values(client.get(f"/vms/{copy}").json()) == {"macspoof": "true"}
    refused(client.post("/instancetypes", json={"name": "odd", **body(("unknown", "1"))}), "instance type odd")
    kind = made(client.post("/instancetypes", json={"name": "fine", **body(("note", "x"))}))
    assert values(kind) == {"note": "x"}


def test_those_of_one_run_count_for_that_run(client: httpx.Client) -> None:
    vm = add_vm(client, "once", **body(("note", "always")))
    refused(client.post(f"/vms/{vm}/start", json={"vm": body(("unknown", "1"))}), "unknown is not defined")
    made(client.post(f"/vms/{vm}/start", json={"vm": body(("note", "today"))}))
    is_status(client, f"/vms/{vm}", "up")
    assert values(client.get(f"/vms/{vm}").json()) == {"note": "always"}
    # What a running VM is given waits for its next run.
    client.put(f"/vms/{vm}", json=body(("note", "tomorrow")))
    assert client.get(f"/vms/{vm}").json()["next_run_configuration_exists"] == "true"
    assert values(client.get(f"/vms/{vm}?next_run=true").json()) == {"note": "tomorrow"}
    client.post(f"/vms/{vm}/stop", json={})
    is_status(client, f"/vms/{vm}", "down")


def test_a_cluster_keeps_the_level_that_its_vms_properties_need(client: httpx.Client) -> None:
    low, high = {"major": 4, "minor": 6}, {"major": 4, "minor": 8}
    center = made(client.post("/datacenters", json={"name": "older", "local": False, "version": low}))["id"]
    new = {"name": "level", "data_center": {"id": center}, "cpu": {"type": "Intel Nehalem Family"}, "version": high}
    cluster = made(client.post("/clusters", json=new))["id"]
    vm = {"cluster": {"id": cluster}, "template": {"name": "Blank"}}
    made(client.post("/vms", json={**vm, "name": "needs", **body(("macspoof", "true"))}))
    older, own = {"version": low}, {"custom_compatibility_version": low}
    refused(client.post("/vms", json={**vm, **own, "name": "x", **body(("macspoof", "true"))}), "at level 4.6")
    made(client.post("/vms", json={**vm, **own, "name": "settled", **body(("note", "mine"))}))
    answer = client.put(f"/clusters/{cluster}", json=older)
    refused(answer, "Custom properties of VM needs: macspoof is not defined at level 4.6")
    assert "settled" not in answer.text
    client.put(f"/vms/{named(client, 'vms', 'needs')['id']}", json=body())
    assert client.put(f"/clusters/{cluster}", json=older).status_code == 200


def test_a_definition_counts_without_a_restart_and_taking_it_away_names_who_has_it(
    place: Installation, client: httpx.Client
) -> None:
    vm = add_vm(client, "late", disk=False)
    refused(client.put(f"/vms/{vm}", json=body(("fresh", "1"))), "fresh is not defined")
    config(place, "merge", "UserDefinedVMProperties", "fresh=^[0-9]$")
    until(lambda: client.put(f"/vms/{vm}", json=body(("fresh", "1"))).status_code == 200, "the new property")
    told = config(place, "set", "UserDefinedVMProperties", "macspoof=^(true|false)$;note=.*")
    assert "VM late" in told.stderr
    until(lambda: client.put(f"/vms/{vm}", json={"comment": "y"}).status_code == 400, "the property is gone")


def test_changing_them_needs_a_permit_of_its_own(place: Installation, client: httpx.Client) -> None:
    command = [program("ovis-engine"), "user", "add", "jane", "--data", str(place.folder)]
    subprocess.run(command, input="Secret-1234\n", check=True, capture_output=True, text=True, timeout=120)
    vm = add_vm(client, "shared", disk=False)
    jane = made(client.post("/users", json={"user_name": "jane@internal"}))["id"]
    role = next(r["id"] for r in client.get("/roles").json()["role"] if r["name"] == "UserVmManager")
    made(client.post(f"/vms/{vm}/permissions", json={"role": {"id": role}, "user": {"id": jane}}))
    with httpx.Client(
        base_url=client.base_url,
        verify=place.ca,
        auth=("jane@internal", "Secret-1234"),
        headers={"Accept": "application/json", "Filter": "true"},
        timeout=60,
    ) as hers:
        assert hers.put(f"/vms/{vm}", json={"comment": "hers"}).status_code == 200
        assert hers.put(f"/vms/{vm}", json=body(("note", "x"))).status_code == 403
