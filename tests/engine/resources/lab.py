"""A furnished installation for tests that walk the whole API: hosts, storage, a template, VMs, a user, events, jobs.

Does: make one of everything that can be made, once per module. Does not: test.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.installation import Installation, installation, until

GIB = 1 << 30


def fault_of(answer: httpx.Response) -> dict[str, str]:
    """Reason and detail of a refusal; an action's document holds them as `fault`."""
    found: dict[str, Any] = answer.json()
    fault: dict[str, str] = found.get("fault", found)
    return fault


def made(answer: httpx.Response) -> dict[str, Any]:
    """The object of a successful add."""
    assert answer.status_code in (200, 201, 202), answer.text
    found: dict[str, Any] = answer.json()
    return found


def named(client: httpx.Client, collection: str, name: str) -> dict[str, Any]:
    """The one object of a root collection with a name."""
    listed = client.get(f"/{collection}?search=name%3D{name}").json()
    (found,) = next(iter(listed.values()))
    return dict(found)


def is_status(client: httpx.Client, path: str, status: str) -> dict[str, Any]:
    """Wait for an object's status."""
    until(lambda: client.get(path).json().get("status") == status, f"{path} {status}")
    return dict(client.get(path).json())


def add_vm(client: httpx.Client, name: str, *, disk: bool = True, **values: Any) -> str:
    """A VM with a NIC and, if wanted, a disk; its id."""
    body = {"name": name, "cluster": {"name": "Default"}, "template": {"name": "Blank"}, **values}
    vm = made(client.post("/vms", json=body))["id"]
    profiles = client.get("/vnicprofiles").json()["vnic_profile"]
    profile = next((p for p in profiles if p["name"] == "ovirtmgmt"), profiles[0])["id"]
    made(client.post(f"/vms/{vm}/nics", json={"name": "nic1", "vnic_profile": {"id": profile}}))
    if disk:
        attachment = {
            "disk": {
                "name": f"{name}_disk",
                "format": "cow",
                "provisioned_size": str(GIB),
                "storage_domains": {"storage_domain": [{"name": "data"}]},
            },
            "interface": "virtio",
            "bootable": "true",
            "active": "true",
        }
        disk_id = made(client.post(f"/vms/{vm}/diskattachments", json=attachment))["id"]
        is_status(client, f"/disks/{disk_id}", "ok")
    is_status(client, f"/vms/{vm}", "down")
    return str(vm)


def furnish(place: Installation) -> None:
    """One of everything."""
    with place.client() as client:
        golden = add_vm(client, "golden")
        path = f"/vms/{golden}/snapshots"
        snapshot = made(client.post(path, json={"description": "fresh"}))["id"]
        until(lambda: client.get(f"{path}/{snapshot}").json()["snapshot_status"] == "ok", "a snapshot")
        template = made(client.post("/templates", json={"name": "tpl", "vm": {"id": golden}}))["id"]
        is_status(client, f"/templates/{template}", "ok")
        pool = {"name": "desks", "cluster": {"name": "Default"}, "template": {"name": "tpl"}, "size": "0"}
        made(client.post("/vmpools", json=pool))
        running = add_vm(client, "running", memory=str(GIB), comment="all of it")
        made(client.post(f"/vms/{running}/watchdogs", json={"model": "i6300esb", "action": "reset"}))
        node = {"index": "0", "memory": "1024", "cpu": {"cores": {"core": [{"index": "0"}]}}}
        made(client.post(f"/vms/{running}/numanodes", json=node))
        made(client.post(f"/vms/{running}/start", json={}))
        is_status(client, f"/vms/{running}", "up")
        mediated = {"spec_params": {"property": [{"name": "mdevType", "value": "sim-4"}]}}
        for owner in (f"/vms/{running}", f"/templates/{template}"):
            made(client.post(f"{owner}/mediateddevices", json=mediated))
        tag = made(client.post("/tags", json={"name": "blue", "description": "a colour"}))["id"]
        host = client.get("/hosts").json()["host"][0]["id"]
        for owner in (f"/vms/{running}", f"/hosts/{host}", f"/templates/{template}"):
            made(client.post(f"{owner}/tags", json={"id": tag}))
        user = made(client.post("/users", json={"user_name": "jane@internal"}))["id"]
        role = named_role(client, "UserRole")
        made(client.post(f"/vms/{running}/permissions", json={"role": {"id": role}, "user": {"id": user}}))
        made(client.post(f"/users/{user}/tags", json={"id": tag}))
        made(client.post(f"/users/{user}/options", json={"name": "theme", "content": '"dark"'}))
        center = named(client, "datacenters", "Default")["id"]
        quota = made(client.post(f"/datacenters/{center}/quotas", json={"name": "team"}))["id"]
        for limits, limit in (("quotaclusterlimits", {"vcpu_limit": "4"}), ("quotastoragelimits", {"limit": "100"})):
            made(client.post(f"/datacenters/{center}/quotas/{quota}/{limits}", json=limit))
        vlan = {"name": "blue-net", "data_center": {"id": center}, "vlan": {"id": "7"}, "mtu": "9000"}
        network = made(client.post("/networks", json=vlan))["id"]
        made(client.post(f"/networks/{network}/networklabels", json={"id": "blue"}))
        cluster = named(client, "clusters", "Default")["id"]
        made(client.post(f"/clusters/{cluster}/networks", json={"id": network, "required": "false"}))
        label = made(client.post("/affinitylabels", json={"name": "gold"}))["id"]
        made(client.post(f"/affinitylabels/{label}/vms", json={"id": golden}))
        made(client.post(f"/affinitylabels/{label}/hosts", json={"id": host}))
        rule = {"enabled": "true", "positive": "true", "enforcing": "false"}
        members = {"vms": {"vm": [{"id": golden}]}, "hosts": {"host": [{"id": host}]}}
        labels = {"vm_labels": {"affinity_label": [{"id": label}]}, "host_labels": {"affinity_label": [{"id": label}]}}
        group = {"name": "close", "vms_rule": rule, "hosts_rule": rule, **members, **labels}
        made(client.post(f"/clusters/{cluster}/affinitygroups", json=group))
        agent = {"type": "ipmilan", "address": "127.0.0.1", "username": "u", "password": "p", "order": "1"}
        made(client.post(f"/hosts/{host}/fenceagents", json=agent))
        kind = f"/instancetypes/{named(client, 'instancetypes', 'Tiny')['id']}"
        made(client.post(f"{kind}/nics", json={"name": "nic1"}))
        made(client.post(f"{kind}/graphicsconsoles", json={"protocol": "vnc"}))
        made(client.post(f"{kind}/watchdogs", json={"model": "i6300esb", "action": "reset"}))
        made(client.post("/bookmarks", json={"name": "mine", "value": "Vms: status = up"}))
        event = {"origin": "lab", "severity": "alert", "custom_id": "1", "description": "a test", "vm": {"id": running}}
        made(client.post("/events", json=event))
        job = made(client.post("/jobs", json={"description": "elsewhere"}))["id"]
        step = {"type": "executing", "description": "half way", "external_type": "gluster"}
        made(client.post(f"/jobs/{job}/steps", json=step))
        until(
            lambda: any(
                "ips" in d for d in client.get(f"/vms/{running}/reporteddevices").json().get("reported_device", ())
            ),
            "an address of the guest",
        )


def named_role(client: httpx.Client, name: str) -> str:
    """Id of a role."""
    return next(str(r["id"]) for r in client.get("/roles").json()["role"] if r["name"] == name)


@contextmanager
def furnished(folder: Path, *, db: str = "") -> Iterator[Installation]:
    """A running, furnished installation."""
    with installation(folder, hosts=2, storage=True, db=db) as place:
        furnish(place)
        yield place
