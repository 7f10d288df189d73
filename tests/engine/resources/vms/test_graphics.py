"""Graphics consoles and the watchdog of a VM: kept, shown, and in the domain that the host gets."""

import xml.etree.ElementTree as ET

import httpx
import pytest

from ovis.engine.model.types import Vm
from ovis.engine.resources.vms.domain import domain_xml
from ovis.engine.resources.vms.state import VmRuntime
from ovis.engine.store.store import Store
from tests.engine.resources.lab import add_vm, is_status, made
from tests.engine.resources.walk import Walker
from tests.installation import Installation

SPICE, VNC = b"spice".hex(), b"vnc".hex()


@pytest.fixture
def api(walker: Walker) -> httpx.Client:
    return walker.client(4, "json")


def consoles(api: httpx.Client, vm: str, query: str = "") -> list[str]:
    rows = api.get(f"/vms/{vm}/graphicsconsoles{query}").json().get("graphics_console", ())
    return [str(c["protocol"]) for c in rows]


def domain_of(lab: Installation, vm_id: str) -> ET.Element:
    """What the VM would be started with."""
    from ovis.engine.main.composition import Engine
    from ovis.engine.main.settings import load
    from ovis.engine.main.setup import instance_id

    engine = Engine(load({"data": str(lab.folder)}, {}), instance_id(lab.folder))
    store: Store = engine.store
    try:
        xml = store.read_now(lambda rd: domain_xml(rd, rd.need(Vm, vm_id), VmRuntime(id=vm_id)))
    finally:
        store.close()
    return ET.fromstring(xml)


def devices(lab: Installation, vm_id: str) -> ET.Element:
    """Its devices."""
    found = domain_of(lab, vm_id).find("devices")
    assert found is not None
    return found


def test_consoles_come_and_go_and_the_last_one_leaves_a_headless_vm(api: httpx.Client, lab: Installation) -> None:
    vm = add_vm(api, "consoles")
    assert consoles(api, vm) == ["vnc"]
    assert made(api.post(f"/vms/{vm}/graphicsconsoles", json={"protocol": "spice"}))["id"] == SPICE
    assert api.post(f"/vms/{vm}/graphicsconsoles", json={"protocol": "spice"}).status_code == 409
    assert consoles(api, vm) == ["spice", "vnc"]
    assert api.get(f"/vms/{vm}").json()["display"]["type"] == "vnc"
    given = devices(lab, vm)
    assert sorted(str(g.get("type")) for g in given.findall("graphics")) == ["spice", "vnc"]
    assert given.find("channel[@type='spicevmc']") is not None
    made(api.post(f"/vms/{vm}/start", json={}))
    is_status(api, f"/vms/{vm}", "up")
    assert api.delete(f"/vms/{vm}/graphicsconsoles/{VNC}").status_code == 409
    assert consoles(api, vm) == ["spice", "vnc"]
    made(api.post(f"/vms/{vm}/stop", json={}))
    is_status(api, f"/vms/{vm}", "down")
    assert api.delete(f"/vms/{vm}/graphicsconsoles/{VNC}").status_code == 200
    assert consoles(api, vm) == ["spice"]
    assert api.get(f"/vms/{vm}").json()["display"]["type"] == "spice"
    assert api.delete(f"/vms/{vm}/graphicsconsoles/{VNC}").status_code == 404
    assert api.delete(f"/vms/{vm}/graphicsconsoles/{SPICE}").status_code == 200
    assert consoles(api, vm) == []
    given = devices(lab, vm)
    assert given.findall("graphics") == []
    assert [m.get("type") for m in given.findall("video/model")] == ["none"]
    assert api.put(f"/vms/{vm}", json={"display": {"type": "vnc"}}).status_code == 200
    assert consoles(api, vm) == ["vnc"]
    assert api.delete(f"/vms/{vm}").status_code == 200


def test_a_vm_has_one_watchdog_of_its_architecture(api: httpx.Client, lab: Installation) -> None:
    vm = add_vm(api, "watched", disk=False)
    path = f"/vms/{vm}/watchdogs"
    assert api.post(path, json={"model": "diag288", "action": "reset"}).status_code == 400
    assert api.post(path, json={"model": "i6300esb"}).status_code == 400
    watchdog = made(api.post(path, json={"model": "i6300esb", "action": "reset"}))["id"]
    assert api.post(path, json={"model": "i6300esb", "action": "none"}).status_code == 409
    assert api.put(f"{path}/{watchdog}", json={"action": "pause"}).status_code == 200
    (device,) = devices(lab, vm).findall("watchdog")
    assert (device.get("model"), device.get("action")) == ("i6300esb", "pause")
    assert api.get(f"/vms/{vm}?follow=watchdogs").json()["watchdogs"]["watchdog"][0]["action"] == "pause"
    assert api.delete(f"{path}/{watchdog}").status_code == 200
    assert devices(lab, vm).findall("watchdog") == []
    made(api.post(path, json={"model": "i6300esb", "action": "reset"}))
    assert api.delete(f"/vms/{vm}").status_code == 200
