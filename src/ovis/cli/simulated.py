"""`ovis up --hosts simulated:HxV`: H hosts in one process, over the true protocol, and V running VMs on each.

Does: start `ovis-agent simulate`, let it join, then make storage, template and VMs through the API like any client.
Does not: make them again; VMs that a user stopped or removed stay so.
"""

import socket
import time
import zlib
from collections.abc import Callable

from ovis.cli.api import ApiFault, Client, Document, at_once
from ovis.cli.engine import client as session, program, say
from ovis.cli.enrol import await_hosts, token
from ovis.cli.faults import CliFault
from ovis.cli.instance import Instance
from ovis.cli.objects import GIB, remove_vm, storage_domain, template, vm_with_disk

FIRST_PORT, LAST_PORT = 20000, 32000  # below the ports that Linux gives to outgoing connections
AGENT = "agent"
CALLS = 8
"""Calls in flight: enough to keep the engine busy, few enough not to queue in it."""


def numbers(hosts: str) -> tuple[int, int]:
    """H and V of `simulated:HxV`."""
    many, each = hosts.removeprefix("simulated:").split("x")
    return int(many), int(each)


def vm_name(number: int) -> str:
    """Name of the sample VM of that number, from 1."""
    return f"sim-vm-{number:04d}"


def bring(instance: Instance) -> None:
    """Hosts first, then their objects, once."""
    hosts, each = numbers(instance.choices.hosts)
    child = None
    if instance.processes.find(AGENT) is None:
        if not instance.choices.base_port:
            instance.choices.base_port = free_ports(hosts, zlib.crc32(str(instance.data).encode()))
            instance.save()
        folder = instance.folder("agent")
        joined = sum((folder / f"sim-host-{n:03d}/pki/vdsm/certs/cacert.pem").exists() for n in range(1, hosts + 1))
        secret = token(instance, hosts - joined) if joined < hosts else "-"
        say(f"Starting {hosts} simulated hosts ...")
        child = instance.processes.start(
            AGENT,
            [
                *program("ovis-agent"),
                "simulate",
                *("--data", str(folder), "--hosts", str(hosts), "--base-port", str(instance.choices.base_port)),
                instance.url,
                secret,
            ],
        )
    elif instance.choices.seeded == instance.choices.hosts:
        return
    api = session(instance)
    found = await_hosts(api, hosts, child, limit=60 + hosts)
    if instance.choices.seeded == instance.choices.hosts:
        return
    storage_domain(api, "/simulated/data", found[0]["name"])
    if each:
        fill(api, hosts * each)
    instance.choices.seeded = instance.choices.hosts
    instance.save()


def free_ports(count: int, seed: int) -> int:
    """The first of `count` neighbouring loopback ports that nobody uses; `seed` spreads instances apart."""
    span = LAST_PORT - FIRST_PORT - count
    for step in range(200):
        first = FIRST_PORT + (seed + step * 1009) % span
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise CliFault(f"No {count} neighbouring free ports on the loopback address.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def fill(api: Client, count: int) -> None:
    """Template `tiny` and `count` VMs of it, all running."""
    disk = {"name": "tiny", "format": "cow", "sparse": True, "provisioned_size": GIB, **_on_data()}
    if api.find("/templates", "tiny") is None:
        model = vm_with_disk(api, "tiny-model", memory=GIB // 4, disk=disk)
        template(api, "tiny", model, "A sample of a simulated rack: it starts, but nothing runs in it")
    remove_vm(api, "tiny-model")
    there = {vm["name"]: vm for vm in sample_vms(api, count)}
    begun = time.monotonic()
    say(f"Creating {count} VMs ...")
    at_once(lambda name: create(api, name), [n for n in names_of(count) if n not in there], CALLS)
    rows = await_vms(api, count, lambda vm: vm["status"] != "image_locked", "have their disks")
    say(f"{count} VMs are there, {time.monotonic() - begun:.1f} s after the first was asked for. Starting them ...")
    begun = time.monotonic()
    at_once(lambda vm: start(api, vm), [vm for vm in rows if vm["status"] == "down"], CALLS)
    await_vms(api, count, lambda vm: vm["status"] == "up", "are up")
    say(f"{count} VMs are up, {time.monotonic() - begun:.1f} s after the first was started.")


def names_of(count: int) -> list[str]:
    """Names of the sample VMs."""
    return [vm_name(n) for n in range(1, count + 1)]


def await_vms(api: Client, count: int, wanted: Callable[[Document], bool], what: str) -> list[Document]:
    """Wait until as many sample VMs are as wanted; all sample VMs."""
    limit = 60 + count / 20
    deadline = time.monotonic() + limit
    while True:
        rows = sample_vms(api, count)
        fit = sum(wanted(row) for row in rows)
        if fit >= count:
            return rows
        if time.monotonic() > deadline:
            raise CliFault(f"Only {fit} of {count} VMs {what} after {limit:.0f} s. See `ovis logs`.")
        time.sleep(0.3)


def sample_vms(api: Client, count: int) -> list[Document]:
    """The sample VMs that are there."""
    return api.list("/vms", search="name=sim-vm-*", max=str(count + 1000))


def _on_data() -> Document:
    return {"storage_domains": {"storage_domain": [{"name": "data"}]}}


def create(api: Client, name: str) -> None:
    """A VM of `tiny`."""
    api.post("/vms", {"name": name, "cluster": {"name": "Default"}, "template": {"name": "tiny"}})


def start(api: Client, vm: Document) -> None:
    """Start a VM, unless an interrupted call did."""
    path = f"/vms/{vm['id']}"
    try:
        api.post(path + "/start")
    except ApiFault as err:
        if err.code != 409 or api.get(path)["status"] == "down":
            raise
