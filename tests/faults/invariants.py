"""What must hold of an installation at rest: the API, the store and what hosts report say the same.

Does: wait for rest, then list everything that is wrong, in words. Does not: repair, or know what happened before.
Use: `violations(place)` after anything; an empty list is the proof.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ovis.agent.main.identity import Identity
from ovis.agent.rpc.client import AgentClient
from ovis.contract import statuses as st
from ovis.contract.errors import VerbError
from ovis.engine.commands.table import OPEN, CommandRow, LockRow
from ovis.engine.main.composition import open_store
from ovis.engine.main.settings import Settings
from ovis.engine.model.enums import DiskStatus, HostStatus, JobStatus, SnapshotStatus, TemplateStatus, VmStatus
from ovis.engine.model.types import Cluster, Disk, Host, Job, StorageDomain, Template, Vm
from ovis.engine.resources.disks.tables import DiskImage, TemplateDisk, VmDisk
from ovis.engine.resources.mac_pools import MacUse
from ovis.engine.resources.storage_domains.tables import Attachment
from ovis.engine.resources.vms.snapshots.layers import chain
from ovis.engine.resources.vms.snapshots.tables import DiskLayer, SnapshotDisk, VmSnapshot
from ovis.engine.resources.vms.state import VmNic, VmRuntime
from ovis.engine.store.session import Reader
from ovis.engine.store.store import Store
from tests.installation import Installation

NOWHERE = "00000000-0000-0000-0000-000000000000"
AT_REST = frozenset({VmStatus.DOWN, VmStatus.UP, VmStatus.SUSPENDED, VmStatus.PAUSED})
PLACED = frozenset({VmStatus.UP, VmStatus.PAUSED})


@dataclass
class Seen:
    """What all hosts say. vms: VM id -> (host's name, status) pairs. volumes: domain -> (image, volume) pairs."""

    vms: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    volumes: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)

    @property
    def alive(self) -> dict[str, list[str]]:
        """VM id -> hosts on which a guest really runs."""
        return {
            vm_id: [host for host, status in rows if status not in (st.DOWN, st.MIGRATION_DESTINATION)]
            for vm_id, rows in self.vms.items()
        }


def observe(place: Installation) -> Seen:
    """Ask every simulated host."""
    return asyncio.run(_observe(place))


async def _observe(place: Installation) -> Seen:
    seen = Seen()
    for number in range(1, place.hosts + 1):
        name = f"sim-host-{number:03d}"
        identity = Identity(place.folder / "rack" / name)
        try:
            client = await AgentClient.connect(
                "127.0.0.1", place.base_port + number - 1, identity.client_context(), timeout=10
            )
        except VerbError:
            seen.silent.append(name)
            continue
        try:
            for row in await client.call("Host.getAllVmStats", {}, 10):
                seen.vms.setdefault(row["vmId"], []).append((name, row["status"]))
            if not seen.volumes:
                seen.volumes = await _volumes(client)
        except VerbError:
            seen.silent.append(name)
        finally:
            await client.close()
    return seen


async def _volumes(client: AgentClient) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for domain in await client.call("Host.getStorageDomains", {}, 10):
        rows = found.setdefault(domain, set())
        for image in await client.call("StorageDomain.getImages", {"storagedomainID": domain}, 10):
            ids = {"storagedomainID": domain, "storagepoolID": NOWHERE, "imageID": image}
            for volume in await client.call("StorageDomain.getVolumes", ids, 10):
                rows.add((image, volume))
    return found


class Records:
    """The engine's store, read from outside."""

    def __init__(self, place: Installation) -> None:
        self._store: Store = open_store(Settings(data=str(place.folder), db=place.db))

    def read(self, run: Any) -> Any:
        """One consistent look."""
        self._store.cache = type(self._store.cache)()  # nobody tells this process of changes
        return self._store.read_now(run)

    def close(self) -> None:
        """Let go."""
        self._store.engine.dispose()


def violations(place: Installation, *, patience: float = 30.0, hosts_up: bool = True) -> list[str]:
    """Everything that is wrong once nothing moves any more; what is still moving after `patience` seconds is wrong, too."""
    records = Records(place)
    try:
        end = time.monotonic() + patience
        while True:
            wrong = _moving(records, hosts_up=hosts_up)
            if not wrong:
                # Reports and the store are two looks; a difference counts when it is there again.
                wrong = _differences(place, records)
            if not wrong or time.monotonic() > end:
                return wrong
            time.sleep(0.3)
    finally:
        records.close()


def _moving(records: Records, *, hosts_up: bool) -> list[str]:
    def look(rd: Reader) -> list[str]:
        wrong: list[str] = []
        for row in rd.find(CommandRow, status=[s.value for s in OPEN]):
            wrong.append(f"command {row.name} {row.id} is {row.status} at step {row.step}: {row.problem}")
        wrong += [f"lock {row.id} is held" for row in rd.select(LockRow)]
        wrong += [
            f"job {job.description!r} is {job.status}"
            for job in rd.select(Job)
            if job.status in (JobStatus.STARTED, JobStatus.UNKNOWN) and not job.external
        ]
        wrong += [f"VM {vm.name} is {vm.status}" for vm in rd.select(Vm) if vm.status not in AT_REST]
        if hosts_up:
            wrong += [f"host {h.name} is {h.status}" for h in rd.select(Host) if h.status is not HostStatus.UP]
        return wrong

    found: list[str] = records.read(look)
    return found


def _differences(place: Installation, records: Records) -> list[str]:
    seen = observe(place)

    def look(rd: Reader) -> list[str]:
        return [
            *_of_vms(rd, seen),
            *_of_storage(rd, seen),
            *_of_rows(rd),
            *_of_promises(rd),
        ]

    wrong: list[str] = records.read(look)
    return wrong + [f"host {name} does not answer" for name in seen.silent] + _of_api(place, records)


def _of_vms(rd: Reader, seen: Seen) -> Iterable[str]:
    """One running copy where the engine believes it, none of what is down, and no remains."""
    hosts = {str(h.id): str(h.name) for h in rd.select(Host)}
    vms = {str(vm.id): vm for vm in rd.select(Vm)}
    runtimes: Mapping[str, VmRuntime] = {r.id: r for r in rd.select(VmRuntime)}
    alive = seen.alive
    for vm_id, vm in vms.items():
        runtime = runtimes.get(vm_id)
        if runtime is None:
            yield f"VM {vm.name} has no runtime row"
            continue
        here = hosts.get(runtime.host_id or "", "nowhere")
        there = alive.get(vm_id, [])
        if vm.status in PLACED:
            if there != [here]:
                yield f"VM {vm.name} is {vm.status} on {here}; it runs on {there}"
            if vm.host is None or vm.host.id != runtime.host_id:
                yield f"VM {vm.name} shows host {vm.host}, its runtime says {runtime.host_id}"
        else:
            if there:
                yield f"VM {vm.name} is {vm.status}, yet it runs on {there}"
            if runtime.host_id is not None or vm.host is not None:
                yield f"VM {vm.name} is {vm.status} and still has a host"
        if runtime.target_id is not None:
            yield f"VM {vm.name} still has a migration target"
        if runtime.stopping and vm.status is not VmStatus.UP:
            yield f"VM {vm.name} is marked as stopping while {vm.status}"
        if (runtime.saved is not None) != (vm.status is VmStatus.SUSPENDED):
            yield f"VM {vm.name} is {vm.status} with saved memory {runtime.saved}"
        if runtime.attempts and vm.status is not VmStatus.PAUSED:
            yield f"VM {vm.name} is {vm.status} and still counts attempts {runtime.attempts}"
    for vm_id, rows in seen.vms.items():
        if vm_id not in vms:
            yield f"hosts have a VM that the engine does not know: {vm_id} {rows}"
        for host, status in rows:
            if status in (st.DOWN, st.MIGRATION_DESTINATION):
                yield f"host {host} keeps a remainder of VM {vm_id}: {status}"


def _of_storage(rd: Reader, seen: Seen) -> Iterable[str]:
    """Every volume belongs to a disk or to a suspended VM, and every disk has its volume."""
    wanted: dict[str, set[tuple[str, str]]] = {str(d.id): set() for d in rd.select(StorageDomain)}
    disks = {str(d.id): d for d in rd.select(Disk)}
    for image in rd.select(DiskImage):
        if image.id not in disks:
            yield f"image {image.id} belongs to no disk"
        wanted.setdefault(image.domain_id, set()).add((image.image_id, image.volume_id))
        for volume in {v for row in rd.find(SnapshotDisk, disk_id=image.id) for v in chain(rd, row.volume_id)}:
            wanted[image.domain_id].add((image.image_id, volume))
        for volume in chain(rd, image.volume_id):
            wanted[image.domain_id].add((image.image_id, volume))
    for snapshot in rd.select(VmSnapshot):
        if snapshot.status is SnapshotStatus.LOCKED:
            yield f"snapshot {snapshot.description} is locked"
        if snapshot.memory is not None:
            for _, domain, image_id, volume in (snapshot.memory.memory, snapshot.memory.configuration):
                wanted.setdefault(domain, set()).add((image_id, volume))
    yield from (f"layer {layer.id} is left to be deleted" for layer in rd.select(DiskLayer) if layer.doomed)
    for runtime in rd.select(VmRuntime):
        if runtime.saved is not None:
            for _, domain, image_id, volume in (runtime.saved.memory, runtime.saved.configuration):
                wanted.setdefault(domain, set()).add((image_id, volume))
    for disk in disks.values():
        if disk.status is not DiskStatus.OK:
            yield f"disk {disk.alias} is {disk.status}"
        if rd.get(DiskImage, str(disk.id)) is None:
            yield f"disk {disk.alias} has no image"
    for domain in wanted.keys() | seen.volumes.keys():
        there = seen.volumes.get(domain)
        if there is None:
            yield f"storage domain {domain} is not on any storage"
            continue
        if domain not in wanted:
            yield f"storage has a domain that the engine does not know: {domain}"
            continue
        for orphan in sorted(there - wanted[domain]):
            yield f"orphan volume on {domain}: {orphan}"
        for missing in sorted(wanted[domain] - there):
            yield f"missing volume on {domain}: {missing}"
    for row in rd.select(Attachment):
        if row.status.value in ("locked", "activating", "detaching", "preparing_for_maintenance"):
            yield f"storage domain {row.storage_domain_id} is {row.status}"


def _of_rows(rd: Reader) -> Iterable[str]:
    """No row without its owner; MAC addresses used once, and used ones counted."""
    vms = {str(vm.id) for vm in rd.select(Vm)}
    templates = {str(t.id): t for t in rd.select(Template)}
    disks = {str(d.id) for d in rd.select(Disk)}
    for runtime in rd.select(VmRuntime):
        if runtime.id not in vms:
            yield f"runtime of a VM that is gone: {runtime.id}"
    for template in templates.values():
        if template.status is not TemplateStatus.OK:
            yield f"template {template.name} is {template.status}"
    for owner, disk in [(r.vm_id, r.disk_id) for r in rd.select(VmDisk)]:
        if owner not in vms or disk not in disks:
            yield f"attachment without its ends: {owner} {disk}"
    for held in rd.select(TemplateDisk):
        if held.template_id not in templates or held.disk_id not in disks:
            yield f"template attachment without its ends: {held.template_id} {held.disk_id}"
    macs = Counter((n.nic.mac.address or "").lower() for n in rd.select(VmNic) if n.nic.mac)
    yield from (f"MAC {mac} is used {count} times" for mac, count in macs.items() if count > 1)
    used = {use.address.lower() for use in rd.select(MacUse)}
    yield from (f"MAC {mac} is counted as used by nobody" for mac in sorted(used - macs.keys()))
    yield from (f"MAC {mac} is used and not counted" for mac in sorted(macs.keys() - used))
    yield from _of_permissions(rd, vms, set(templates), disks)


def _of_permissions(rd: Reader, vms: set[str], templates: set[str], disks: set[str]) -> Iterable[str]:
    sizes = rd.schema.sql["instance_types"]  # instance types are templates to permissions
    templates = templates | {row[0] for row in rd.rows(sa.select(sizes.c.id))}
    known = {"vm": vms, "template": templates, "disk": disks}
    table = rd.schema.sql["permissions"]
    for kind, object_id in rd.rows(sa.select(table.c.object_type, table.c.object_id)):
        if kind in known and object_id not in known[kind]:
            yield f"permission on a {kind} that is gone: {object_id}"


def _of_promises(rd: Reader) -> Iterable[str]:
    """No host has promised more memory than it has and its cluster allows."""
    clusters = {str(c.id): c for c in rd.select(Cluster)}
    hosts = {str(h.id): h for h in rd.select(Host)}
    promised = dict.fromkeys(hosts, 0)
    runtimes = {r.id: r for r in rd.select(VmRuntime)}
    for vm in rd.select(Vm):
        runtime = runtimes.get(str(vm.id))
        memory = (vm.memory_policy.guaranteed if vm.memory_policy else None) or vm.memory or 0
        for place in {runtime.host_id, runtime.target_id} if runtime is not None else ():
            if place in promised:
                promised[place] += memory
    for host_id, taken in promised.items():
        host = hosts[host_id]
        policy = clusters[str(host.cluster.id)].memory_policy if host.cluster else None
        share = (policy.over_commit.percent if policy and policy.over_commit else None) or 100
        if taken > (host.memory or 0) * share // 100:
            yield f"host {host.name} promises {taken} of {host.memory} bytes"


def _of_api(place: Installation, records: Records) -> list[str]:
    """Lists show what the store has."""
    wrong = []
    with place.client() as client:
        for path, type_ in (("vms", Vm), ("disks", Disk), ("templates", Template), ("hosts", Host)):
            body = client.get(f"/{path}").json()
            listed = {str(row["id"]): row.get("status") for row in next(iter(body.values()), [])}
            stored = records.read(
                lambda rd, t=type_: {str(row.id): row.status.value if row.status else None for row in rd.select(t)}
            )
            if listed != stored:
                wrong.append(f"/{path} shows {listed}, the store has {stored}")
    return wrong
