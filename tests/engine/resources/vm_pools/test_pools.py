"""A pool's life over the API: made with its VMs, given to a user and back, grown, kept warm, taken apart."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.engine.resources.lab import add_vm, fault_of, is_status, made, named_role
from tests.engine.resources.test_permits import user_command
from tests.faults.kill import QUICK
from tests.installation import Installation, installation, until

PASSWORD = "of-a-user"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("pools"), hosts=1, storage=True, **QUICK) as found:
        yield found


@pytest.fixture
def admin(place: Installation) -> Iterator[httpx.Client]:
    with place.client() as client:
        yield client


def jane_of(place: Installation, admin: httpx.Client) -> tuple[str, httpx.Client]:
    """A user, and what she sends with."""
    user_command(place, "add", "jane", password=PASSWORD)
    user = made(admin.post("/users", json={"user_name": "jane@internal"}))["id"]
    client = place.client()
    client.auth = httpx.BasicAuth("jane@internal", PASSWORD)
    return str(user), client


def vms_of(admin: httpx.Client, pool: str) -> list[dict[str, Any]]:
    """The VMs of a pool, by name."""
    found: list[dict[str, Any]] = admin.get("/vms?search=pool%3D" + pool + "+sortby+name").json().get("vm", [])
    return found


def test_the_life_of_a_pool(place: Installation, admin: httpx.Client) -> None:
    golden = add_vm(admin, "golden")
    tpl = made(admin.post("/templates", json={"name": "desk-template", "vm": {"id": golden}}))["id"]
    is_status(admin, f"/templates/{tpl}", "ok")
    body = {"name": "desk-??", "cluster": {"name": "Default"}, "template": {"name": "desk-template"}, "size": "2"}
    blank = admin.post("/vmpools", json={**body, "template": {"name": "Blank"}})
    assert blank.status_code == 400 and "Blank" in fault_of(blank)["detail"]
    body["vm"] = {"memory": str(512 << 20), "comment": "of a pool"}
    pool = made(admin.post("/vmpools", json=body))["id"]
    twice = admin.post("/vmpools", json=body)
    assert twice.status_code == 409 and "already used" in fault_of(twice)["detail"]
    until(lambda: all(vm["status"] == "down" for vm in vms_of(admin, "desk-??")), "VMs made")
    first, second = vms_of(admin, "desk-??")
    assert (first["name"], second["name"], first["stateless"]) == ("desk-01", "desk-02", "true")
    assert (first["memory"], first["comment"], first["vm_pool"]["id"]) == (str(512 << 20), "of a pool", pool)
    shown = admin.get(f"/vmpools/{pool}").json()
    assert (shown["size"], shown["type"], shown["max_user_vms"], shown["stateful"]) == ("2", "automatic", "1", "false")

    # Its VMs are not anybody's to give or remove.
    user, jane = jane_of(place, admin)
    role = {"role": {"id": named_role(admin, "UserRole")}, "user": {"id": user}}
    refused = admin.post(f"/vms/{first['id']}/permissions", json=role)
    assert refused.status_code == 409 and "pool" in fault_of(refused)["detail"]
    assert admin.delete(f"/vms/{first['id']}").status_code == 409

    # A user takes one, by name of the pool alone; what she writes is gone when she is done.
    assert jane.get(f"/vmpools/{pool}").status_code == 404
    made(admin.post(f"/vmpools/{pool}/permissions", json=role))
    with closing(jane):
        taken = made(jane.post(f"/vmpools/{pool}/allocatevm", json={}))
        vm = taken["vm"]["id"]
        assert vm == first["id"]
        is_status(jane, f"/vms/{vm}", "up")
        assert [s["snapshot_type"] for s in admin.get(f"/vms/{vm}/snapshots").json()["snapshot"]].count(
            "stateless"
        ) == 1
        more = jane.post(f"/vmpools/{pool}/allocatevm", json={})
        assert more.status_code == 409 and "as many" in fault_of(more)["detail"]
        assert jane.post(f"/vms/{vm}/suspend", json={}).status_code == 409
        assert jane.post(f"/vms/{vm}/stop", json={}).status_code == 200
        until(lambda: jane.get(f"/vms/{vm}").status_code == 404, "the VM goes back")

        # One that was started beforehand is there at once.
        changed = admin.put(f"/vmpools/{pool}", json={"prestarted_vms": "1", "max_user_vms": "2", "size": "3"})
        assert changed.status_code in (200, 202), changed.text
        assert changed.json()["size"] == "3"
        until(lambda: any(vm["status"] == "up" for vm in vms_of(admin, "desk-??")), "one started beforehand")
        (ready,) = (vm["id"] for vm in vms_of(admin, "desk-??") if vm["status"] == "up")
        taken = made(jane.post(f"/vmpools/{pool}/allocatevm", json={}))
        assert (taken["vm"]["id"], taken["status"]) == (ready, "complete")
        until(lambda: sum(vm["status"] == "up" for vm in vms_of(admin, "desk-??")) == 2, "the next one started")
        assert [vm["name"] for vm in vms_of(admin, "desk-??")] == ["desk-01", "desk-02", "desk-03"]

    for wrong, code in (
        ({"size": "1"}, 409),
        ({"prestarted_vms": "9"}, 400),
        ({"cluster": {"name": "nowhere"}}, 404),
        ({"type": "manual"}, 409),
    ):
        assert admin.put(f"/vmpools/{pool}", json=wrong).status_code == code, wrong

    # Nothing is started any more; one VM leaves the pool and is like any other.
    assert admin.put(f"/vmpools/{pool}", json={"prestarted_vms": "0"}).status_code == 200
    (down,) = (vm["id"] for vm in vms_of(admin, "desk-??") if vm["status"] == "down")
    assert admin.post(f"/vms/{ready}/detach", json={}).status_code == 409
    assert admin.post(f"/vms/{down}/detach", json={}).status_code == 200
    freed = admin.get(f"/vms/{down}").json()
    assert (freed.get("vm_pool"), freed["stateless"]) == (None, "false")
    with place.client("/api", "xml") as v3:
        text = v3.get(f"/vmpools/{pool}").text
        assert (
            text.startswith("<?xml") and "<vmpool " in text and "<size>2</size>" in text and 'rel="allocatevm"' in text
        )

    # The pool goes with its VMs, running ones too; what left it stays.
    assert admin.delete(f"/templates/{tpl}").status_code == 409
    assert admin.delete(f"/vmpools/{pool}").status_code == 200
    assert admin.get(f"/vmpools/{pool}").status_code == 404
    assert [vm["name"] for vm in admin.get("/vms?search=name%3Ddesk*").json()["vm"]] == [freed["name"]]
    codes = {event["code"] for event in admin.get("/events?max=200").json()["event"]}
    assert {"302", "344", "316", "308", "321", "304"} <= codes
