"""A data domain that is detached takes out of the engine what lies on it alone, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.engine.resources.lab import GIB, add_vm, is_status, made, named
from tests.installation import Installation, installation, until


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path, hosts=1, storage=True) as made_place:
        made_place.add_storage("second", "/srv/second")
        yield made_place


def add_disk(client: httpx.Client, vm: str, name: str, domain: str) -> str:
    body = {
        "disk": {
            "name": name,
            "format": "cow",
            "provisioned_size": str(GIB),
            "storage_domains": {"storage_domain": [{"name": domain}]},
        },
        "interface": "virtio",
        "active": "true",
    }
    disk = str(made(client.post(f"/vms/{vm}/diskattachments", json=body))["id"])
    is_status(client, f"/disks/{disk}", "ok")
    return disk


def names(client: httpx.Client, path: str) -> set[str]:
    return {str(o["name"]) for o in next(iter(client.get(path).json().values()), ())}


def test_detaching_takes_along_what_lies_there_alone(place: Installation) -> None:
    with place.client() as client:
        stays, goes, both = (add_vm(client, n, disk=False) for n in ("stays", "goes", "both"))
        add_disk(client, stays, "s1", "data")
        add_disk(client, goes, "g1", "second")
        add_disk(client, both, "b1", "data")
        add_disk(client, both, "b2", "second")
        template = made(client.post("/templates", json={"name": "tpl", "vm": {"id": goes}}))["id"]
        is_status(client, f"/templates/{template}", "ok")
        center = named(client, "datacenters", "Default")["id"]
        domain = named(client, "storagedomains", "second")["id"]
        assert names(client, f"/storagedomains/{domain}/vms") == {"goes", "both"}
        assert names(client, f"/storagedomains/{domain}/templates") == {"tpl"}
        assert client.get(f"/storagedomains/{domain}/vms?unregistered=true").json() == {}
        (attached,) = client.get(f"/storagedomains/{domain}/vms/{goes}/diskattachments").json()["disk_attachment"]
        assert names(client, f"/storagedomains/{domain}/vms/{goes}/disks") == {"g1"}
        assert len(client.get(f"/storagedomains/{domain}/templates/{template}/disks").json()["disk"]) == 1
        place_of = f"/datacenters/{center}/storagedomains/{domain}"
        disks = f"{place_of}/disks/{attached['id']}"
        assert client.get(f"{disks}/statistics").json()["statistic"]
        assert client.get(f"{disks}/permissions").status_code == 200
        assert client.delete(place_of).status_code == 409
        made(client.post(f"{place_of}/deactivate", json={}))
        is_status(client, place_of, "maintenance")
        assert client.put(f"/vms/{goes}", json={"delete_protected": "true"}).status_code == 200
        refused = client.delete(place_of)
        assert refused.status_code == 409
        assert "goes" in refused.text
        assert names(client, "/vms") == {"stays", "goes", "both"}
        assert client.put(f"/vms/{goes}", json={"delete_protected": "false"}).status_code == 200
        macs = client.get(f"/vms/{goes}/nics").json()["nic"][0]["mac"]["address"]
        assert client.delete(place_of).status_code == 200
        until(lambda: client.get(place_of).status_code == 404, "the domain detached")
        assert names(client, "/vms") == {"stays", "both"}
        assert names(client, "/templates") == {"Blank"}
        assert names(client, "/disks") == {"s1", "b1"}
        left = client.get(f"/vms/{both}/diskattachments?follow=disk").json()["disk_attachment"]
        assert [a["disk"]["name"] for a in left] == ["b1"]
        # Its MAC address is free again.
        nic = {"name": "again", "mac": {"address": macs}}
        made(client.post(f"/vms/{both}/nics", json=nic))
        assert client.get(f"/storagedomains/{domain}").json()["status"] == "unattached"
