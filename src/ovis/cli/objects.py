"""What a fresh installation gets through the API: an active storage domain, a template, VMs.

Does: make what is missing, by name, so that an interrupted call goes on where it stopped. Does not: touch what is there.
"""

from ovis.cli.api import Client, Document

STORAGE = "data"
ATTACH_S, DISK_S = 120, 300
MIB, GIB = 1 << 20, 1 << 30


def storage_domain(client: Client, path: str, host: str) -> Document:
    """The storage domain `data`, a POSIX file system at `path`, active in data center `Default`."""
    found = client.find("/storagedomains", STORAGE)
    if found is None:
        storage = {"type": "posixfs", "path": path, "vfs_type": "none"}
        body = {"name": STORAGE, "type": "data", "host": {"name": host}, "storage": storage}
        found = client.post("/storagedomains", body)
    client.wait(
        f"/storagedomains/{found['id']}",
        lambda d: d.get("status") != "locked",
        ATTACH_S,
        f"Making storage domain {STORAGE}",
    )
    data_center = client.list("/datacenters", search="name=Default")[0]
    attached = f"/datacenters/{data_center['id']}/storagedomains"
    if not any(row["id"] == found["id"] for row in client.list(attached)):
        client.post(attached, {"id": found["id"]})
    client.wait(
        f"{attached}/{found['id']}",
        lambda d: d["status"] == "active",
        ATTACH_S,
        f"Attaching storage domain {STORAGE}",
    )
    client.wait(
        f"/datacenters/{data_center['id']}", lambda d: d["status"] == "up", ATTACH_S, "Data center Default to be up"
    )
    return found


def vm_with_disk(client: Client, name: str, *, memory: int, disk: Document, os: str = "other_linux") -> Document:
    """A VM of template Blank in cluster Default with a NIC in ovirtmgmt and one bootable virtio disk that is ready."""
    vm = client.find("/vms", name)
    if vm is None:
        vm = client.post(
            "/vms",
            {
                "name": name,
                "cluster": {"name": "Default"},
                "template": {"name": "Blank"},
                "memory": memory,
                "memory_policy": {"guaranteed": memory, "max": 4 * memory},
                "os": {"type": os},
            },
        )
    path = f"/vms/{vm['id']}"
    if not client.list(path + "/nics"):
        client.post(path + "/nics", {"name": "nic1", "interface": "virtio", "vnic_profile": _profile(client)})
    if not client.list(path + "/diskattachments"):
        client.post(path + "/diskattachments", {"bootable": True, "interface": "virtio", "active": True, "disk": disk})
    attachment = client.list(path + "/diskattachments")[0]
    client.wait(f"/disks/{attachment['id']}", lambda d: d["status"] == "ok", DISK_S, f"Making the disk of VM {name}")
    return vm


def _profile(client: Client) -> Document:
    found = next(row for row in client.list("/vnicprofiles") if row["name"] == "ovirtmgmt")
    return {"id": found["id"]}


def template(client: Client, name: str, vm: Document, description: str) -> Document:
    """A template made of a VM that is down."""
    found = client.find("/templates", name)
    if found is None:
        found = client.post("/templates", {"name": name, "description": description, "vm": {"id": vm["id"]}})
    return client.wait(f"/templates/{found['id']}", lambda t: t["status"] == "ok", DISK_S, f"Making template {name}")


def remove_vm(client: Client, name: str) -> None:
    """Remove a VM with its disks, if it is there."""
    found = client.find("/vms", name)
    if found is not None:
        client.delete(f"/vms/{found['id']}")
