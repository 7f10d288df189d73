"""Disks of VMs through the API: attached, plugged, grown, detached, destroyed, in both dialects."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.engine.resources.lab import add_vm, is_status, made
from tests.faults.rack import Rack
from tests.faults.workload import MIB, disk_body
from tests.installation import installation, until


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder: Path = tmp_path_factory.mktemp("attachments")
    with installation(folder, hosts=1, storage=True) as place, place.client() as client:
        yield Rack(place, client)


def attach(client: httpx.Client, vm: str, body: dict[str, object]) -> dict[str, str]:
    return made(client.post(f"/vms/{vm}/diskattachments", json={"interface": "virtio", "bootable": "false"} | body))


def test_a_new_disk_is_attached_under_an_id_that_can_be_used(rack: Rack) -> None:
    vm = rack.add("one")
    row = attach(rack.client, vm, {"disk": disk_body("a")})
    assert row["id"] == row["disk"]["id"]  # type: ignore[index]
    is_status(rack.client, f"/disks/{row['id']}", "ok")
    shown = rack.client.get(f"/vms/{vm}/diskattachments/{row['id']}").json()
    assert (shown["active"], shown["interface"]) == ("true", "virtio")


@pytest.mark.parametrize(("active", "wanted"), [(None, "false"), ("false", "false"), ("true", "true")])
def test_into_a_running_vm_a_new_disk_is_plugged_only_if_the_client_says_so(
    rack: Rack, active: str | None, wanted: str
) -> None:
    vm = rack.up(f"live-{active}")
    row = attach(rack.client, vm, {"disk": disk_body("b")} | ({"active": active} if active else {}))
    is_status(rack.client, f"/disks/{row['id']}", "ok")
    until(
        lambda: rack.client.get(f"/vms/{vm}/diskattachments/{row['id']}").json()["active"] == wanted, f"active {wanted}"
    )


def test_only_virtio_is_plugged_live(rack: Rack) -> None:
    vm = rack.up("sata")
    row = attach(rack.client, vm, {"disk": disk_body("c"), "interface": "sata"})
    is_status(rack.client, f"/disks/{row['id']}", "ok")
    refused = rack.client.put(f"/vms/{vm}/diskattachments/{row['id']}", json={"active": "true"})
    assert refused.status_code == 409, refused.text


def test_a_disk_grows_under_a_running_vm_and_never_shrinks(rack: Rack) -> None:
    vm = add_vm(rack.client, "grower")
    row = rack.client.get(f"/vms/{vm}/diskattachments").json()["disk_attachment"][0]
    made(rack.client.post(f"/vms/{vm}/start", json={}))
    rack.becomes(vm, "up")
    path = f"/vms/{vm}/diskattachments/{row['id']}"
    assert rack.client.put(path, json={"disk": {"provisioned_size": str(2048 * MIB)}}).status_code == 200
    disk = is_status(rack.client, f"/disks/{row['id']}", "ok")
    assert int(disk["provisioned_size"]) == 2048 * MIB
    assert rack.client.put(path, json={"disk": {"provisioned_size": str(MIB)}}).status_code == 400
    changed = rack.client.put(path, json={"read_only": "true"})
    assert changed.status_code == 409, changed.text


def test_v4_detaches_and_v3_destroys_unless_it_says_detach(rack: Rack) -> None:
    vm = rack.add("leaver")
    ids = []
    for name in ("d4", "d3", "gone"):
        row = attach(rack.client, vm, {"disk": disk_body(name)})
        is_status(rack.client, f"/disks/{row['id']}", "ok")
        ids.append(row["id"])
    assert rack.client.delete(f"/vms/{vm}/diskattachments/{ids[0]}").status_code == 200
    with rack.place.client("/api", "xml") as old:
        kept = old.request("DELETE", f"/vms/{vm}/disks/{ids[1]}", content="<action><detach>true</detach></action>")
        assert kept.status_code == 200, kept.text
        destroyed = old.request("DELETE", f"/vms/{vm}/disks/{ids[2]}")
        assert destroyed.status_code in (200, 202), destroyed.text
    until(lambda: rack.client.get(f"/disks/{ids[2]}").status_code == 404, "the disk's end")
    assert [rack.client.get(f"/disks/{i}").status_code for i in ids[:2]] == [200, 200]
    assert not rack.client.get(f"/vms/{vm}/diskattachments").json().get("disk_attachment")
