"""Looks into a running guest, its file systems, its interfaces' addresses, who and what is in it."""

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.engine.resources.lab import is_status, made
from tests.faults.rack import Rack
from tests.installation import installation


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder: Path = tmp_path_factory.mktemp("guest")
    with installation(folder, hosts=1, storage=True) as place, place.client() as client:
        yield Rack(place, client)


def test_a_screenshot_is_a_picture_and_headless_vms_have_none(rack: Rack) -> None:
    api = rack.client
    vm = rack.up("seen")
    shot = api.post(f"/vms/{vm}/screenshot", json={})
    assert shot.status_code == 200, shot.text
    assert base64.b64decode(shot.json()["image"]).startswith(b"\x89PNG")
    assert rack.texts(vm, 13502)
    with rack.place.client("/api", "xml") as old:
        assert old.post(f"/vms/{vm}/screenshot", content="<action/>").status_code == 404
    made(rack.act(vm, "stop"))
    rack.becomes(vm, "down")
    assert rack.act(vm, "screenshot").status_code == 409
    assert api.delete(f"/vms/{vm}/graphicsconsoles/{b'vnc'.hex()}").status_code == 200
    made(rack.act(vm, "start"))
    rack.becomes(vm, "up")
    refused = rack.act(vm, "screenshot")
    assert refused.status_code == 409 and "headless" in refused.text


@pytest.mark.parametrize("base", ["/ovirt-engine/api", "/api"])
def test_file_systems_are_frozen_and_thawed(rack: Rack, base: str) -> None:
    vm = rack.up(f"still{len(base)}")
    with rack.place.client(base, "xml") as client:
        for action, code in (("freezefilesystems", 10767), ("thawfilesystems", 10768)):
            done = client.post(f"/vms/{vm}/{action}", content="<action/>")
            assert done.status_code == 200 and "complete" in done.text, done.text
            assert rack.texts(vm, code)
    with rack.faulty(rack.host(vm), fail_freeze="a file system is busy"):
        rack.act(vm, "freezefilesystems")
    assert "a file system is busy" in rack.texts(vm, 10769)[0]
    made(rack.act(vm, "stop"))
    rack.becomes(vm, "down")
    assert rack.act(vm, "freezefilesystems").status_code == 409


def test_macs_follow_the_order_of_names(rack: Rack) -> None:
    api = rack.client
    vm = rack.add("ordered")
    macs = {"nic10": "56:6f:00:00:00:01", "nic2": "56:6f:00:00:00:09", "nic1": None}
    first = api.get(f"/vms/{vm}/nics").json()["nic"][0]
    for name, mac in macs.items():
        if name != "nic1":
            made(api.post(f"/vms/{vm}/nics", json={"name": name, "mac": {"address": mac}}))
    assert rack.act(vm, "reordermacaddresses").status_code == 200
    found = {n["name"]: n["mac"]["address"] for n in api.get(f"/vms/{vm}/nics").json()["nic"]}
    assert [found[n] for n in ("nic1", "nic2", "nic10")] == sorted(found.values())
    assert set(found.values()) == {first["mac"]["address"], "56:6f:00:00:00:01", "56:6f:00:00:00:09"}
    made(rack.act(vm, "start"))
    rack.becomes(vm, "up")
    assert rack.act(vm, "reordermacaddresses").status_code == 409


def test_applications_are_what_the_agent_says(rack: Rack) -> None:
    api = rack.client
    vm = rack.up("filled")
    names = [a["name"] for a in api.get(f"/vms/{vm}/applications").json()["application"]]
    assert names == ["kernel-5.14.0", "qemu-guest-agent-9.1.0"]
    first = api.get(f"/vms/{vm}/applications").json()["application"][0]
    assert api.get(f"/vms/{vm}/applications/{first['id']}").json()["name"] == names[0]
    assert api.get(f"/vms/{vm}/sessions").status_code == 200


def test_a_disk_has_figures_while_its_vm_runs(rack: Rack) -> None:
    api: httpx.Client = rack.client
    from tests.engine.resources.lab import add_vm

    vm = add_vm(api, "busy")
    made(rack.act(vm, "start"))
    is_status(api, f"/vms/{vm}", "up")
    disk = api.get(f"/vms/{vm}/diskattachments").json()["disk_attachment"][0]["id"]

    def rate() -> float:
        rows = api.get(f"/disks/{disk}/statistics").json()["statistic"]
        found = next(s for s in rows if s["name"] == "data.current.read")
        return float(found["values"]["value"][0]["datum"])

    from tests.installation import until

    until(lambda: rate() > 0, "a rate of reading")
