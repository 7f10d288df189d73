"""A watchdog and a second console go from a VM to its template, and from there to new VMs."""

import httpx
import pytest

from tests.engine.resources.lab import add_vm, is_status, made
from tests.engine.resources.walk import Walker


@pytest.fixture
def api(walker: Walker) -> httpx.Client:
    return walker.client(4, "json")


def protocols(api: httpx.Client, path: str) -> list[str]:
    return [c["protocol"] for c in api.get(f"{path}/graphicsconsoles").json()["graphics_console"]]


def test_devices_go_from_vm_to_template_to_vm(api: httpx.Client) -> None:
    vm = add_vm(api, "model", disk=False)
    made(api.post(f"/vms/{vm}/watchdogs", json={"model": "i6300esb", "action": "poweroff"}))
    made(api.post(f"/vms/{vm}/graphicsconsoles", json={"protocol": "spice"}))
    template = made(api.post("/templates", json={"name": "modelled", "vm": {"id": vm}}))["id"]
    is_status(api, f"/templates/{template}", "ok")
    (watchdog,) = api.get(f"/templates/{template}/watchdogs").json()["watchdog"]
    assert (watchdog["action"], watchdog["model"]) == ("poweroff", "i6300esb")
    assert api.get(f"/templates/{template}/watchdogs/{watchdog['id']}").status_code == 200
    assert protocols(api, f"/templates/{template}") == ["spice", "vnc"]
    body = {"name": "copy", "cluster": {"name": "Default"}, "template": {"id": template}}
    copy = made(api.post("/vms", json=body))["id"]
    is_status(api, f"/vms/{copy}", "down")
    assert protocols(api, f"/vms/{copy}") == ["spice", "vnc"]
    assert [w["action"] for w in api.get(f"/vms/{copy}/watchdogs").json()["watchdog"]] == ["poweroff"]
    for path in (f"/vms/{copy}", f"/templates/{template}", f"/vms/{vm}"):
        assert api.delete(path).status_code == 200, path
