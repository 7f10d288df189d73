"""Every command of hosts, storage, disks, templates and VMs: each step repeated, failing, and cut off.

After each variant: nothing is locked or half done, storage and hosts hold what the store says; after a failure the store
is as before (what cannot be taken back is said below).
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ovis.agent.simulated import driver as simulated
from ovis.engine.commands import Command, CommandStatus
from ovis.engine.commands.locks import locked_ids
from ovis.engine.model.enums import BootDevice, DiskFormat, DiskInterface, StorageType
from ovis.engine.model.types import (
    Action,
    Boot,
    Cluster,
    DataCenter,
    Disk,
    DiskAttachment,
    Host,
    HostStorage,
    Nic,
    OperatingSystem,
    Snapshot,
    StorageDomain,
    Template,
    Vm,
    VnicProfile,
)
from ovis.engine.resources.disks import attachments, commands as disk_commands, convert, copy, move, resource as disks
from ovis.engine.resources.disks.tables import VmDisk
from ovis.engine.resources.hosts import resource as hosts
from ovis.engine.resources.storage_domains import attached, commands as domain_commands, resource as domains
from ovis.engine.resources.templates import commands as template_commands, resource as templates
from ovis.engine.resources.vms import hot, nics, plug, provision, resource as vms
from ovis.engine.resources.vms.actions import guest, hot_set, migrate, start, stop, suspend
from ovis.engine.resources.vms.state import VmNic
from tests.commands_harness import _cut_function, _failing, _twice
from tests.faults import record
from tests.faults.house import House, house, with_step

MIB = 1 << 20
NUMBERS = itertools.count(1)
Begin = Callable[[], Awaitable[Any]]
Scene = Callable[[House], Awaitable[Begin]]


def name() -> str:
    return f"thing{next(NUMBERS)}"


def new_disk(size: int = 64 * MIB) -> Disk:
    return Disk(name=name(), format=DiskFormat.COW, provisioned_size=size, storage_domains=[StorageDomain(name="data")])


async def disk(place: House) -> str:
    made = await place.run(disks.add, place.call(), new_disk())
    return str(made.id)


async def vm(place: House, *, status: str = "down") -> str:
    boot = OperatingSystem(boot=Boot(devices=[BootDevice.NETWORK, BootDevice.HD]))
    body = Vm(name=name(), cluster=Cluster(name="Default"), template=Template(name="Blank"), memory=256 * MIB, os=boot)
    made = await place.run(vms.add, place.call(), body)
    vm_id = str(made.id)
    disk = DiskAttachment(disk=new_disk(), interface=DiskInterface.VIRTIO, bootable=True)
    await place.run(attachments._attached, place.call(vm_id), disk)
    profile = await place.read(lambda rd: rd.select(VnicProfile)[0])
    await place.begin(lambda tx, call, b: nics.create(tx, tx.need(Vm, vm_id), b), place.call(vm_id), _nic(profile))
    if status != "down":
        # A NIC to boot from is there, so nothing but a host is needed.
        await place.run(start.start, place.call(vm_id), Action())
        await place.vm_becomes(vm_id, "up")
    if status == "suspended":
        await place.run(suspend.suspend, place.call(vm_id), Action())
        await place.vm_becomes(vm_id, "suspended")
    return vm_id


def _nic(profile: VnicProfile) -> Nic:
    return Nic(name="nic1", vnic_profile=VnicProfile(id=profile.id))


async def template(place: House) -> str:
    made = await place.run(templates.add, place.call(), Template(name=name(), vm=Vm(id=await vm(place))))
    return str(made.id)


async def center(place: House) -> str:
    return str((await place.read(lambda rd: rd.one(DataCenter, name_key="default"))).id)


async def domain(place: House, *, status: str = "") -> str:
    """A second storage domain: unattached, active or in maintenance."""
    host = await place.read(lambda rd: rd.select(Host)[0])
    storage = HostStorage(type=StorageType.POSIXFS, path=f"/srv/{name()}", vfs_type="none")
    body = StorageDomain(name=name(), host=Host(id=host.id), storage=storage)
    made = await place.run(domains.add, place.call(), body)
    if status:
        await place.run(attached.add, place.call(await center(place)), StorageDomain(id=made.id))
    if status == "maintenance":
        await place.run(attached.deactivate, place.call(await center(place), str(made.id)), Action())
    return str(made.id)


async def on(place: House, operation: Any, *ids: str, body: Any = None, **params: str) -> Begin:
    return lambda: place.begin(operation, place.call(*ids, **params), body if body is not None else Action())


async def add_domain(place: House) -> Begin:
    host = await place.read(lambda rd: rd.select(Host)[0])
    storage = HostStorage(type=StorageType.POSIXFS, path=f"/srv/{name()}", vfs_type="none")
    body = StorageDomain(name=name(), host=Host(id=host.id), storage=storage)
    return await on(place, domains.add, body=body)


async def paused(place: House) -> str:
    vm_id = await vm(place)
    await place.run(start.start, place.call(vm_id), Action(pause=True))
    await place.vm_becomes(vm_id, "paused")
    return vm_id


async def thin(place: House) -> Begin:
    body = Vm(name=name(), cluster=Cluster(name="Default"), template=Template(id=await template(place)))
    return await on(place, vms.add, body=body)


async def idle_host(place: House) -> Begin:
    """A host with a VM that must leave."""
    for each in await place.read(lambda rd: rd.select(Host)):
        if each.status == "maintenance":
            await place.begin(hosts.activate, place.call(str(each.id)), Action())
    await place.until(lambda rd: all(h.status == "up" for h in rd.select(Host)), "hosts up")
    vm_id = await vm(place, status="up")
    running: Vm = await place.read(lambda rd: rd.need(Vm, vm_id))
    home = str(running.host.id) if running.host else ""
    return await on(place, hosts.deactivate, home)


SCENES: dict[str, tuple[Command, Scene]] = {
    "disk.add": (disk_commands.ADD, lambda p: on(p, disks.add, body=new_disk())),
    "disk.remove": (disk_commands.REMOVE, lambda p: _with(p, disk, disks.remove)),
    "disk.extend": (disk_commands.EXTEND, lambda p: _grow(p)),
    "disk.move": (move.MOVE, lambda p: _move(p, "down")),
    "disk.move (live)": (move.MOVE, lambda p: _move(p, "up")),
    "disk.copy": (copy.COPY, lambda p: _copy(p)),
    "disk.convert": (convert.CONVERT, lambda p: _convert(p)),
    "disk.sparsify": (copy.SPARSIFY, lambda p: _with(p, disk, copy.sparsify)),
    "vm.add": (provision.ADD, thin),
    "vm.remove": (provision.REMOVE, lambda p: _with(p, vm, vms.remove)),
    "vm.start": (start.START, lambda p: _with(p, vm, start.start)),
    "vm.start (suspended)": (start.START, lambda p: _with(p, lambda q: vm(q, status="suspended"), start.start)),
    "vm.resume": (start.RESUME, lambda p: _with(p, paused, start.start)),
    "vm.stop": (stop.STOP, lambda p: _with(p, lambda q: vm(q, status="up"), stop.stop)),
    "vm.stop_suspended": (stop.STOP_SUSPENDED, lambda p: _with(p, lambda q: vm(q, status="suspended"), stop.stop)),
    "vm.shutdown": (stop.SHUTDOWN, lambda p: _with(p, lambda q: vm(q, status="up"), stop.shutdown)),
    "vm.reboot": (stop.REBOOT, lambda p: _with(p, lambda q: vm(q, status="up"), stop.reboot)),
    "vm.reset": (stop.RESET, lambda p: _with(p, lambda q: vm(q, status="up"), stop.reset)),
    "vm.suspend": (suspend.SUSPEND, lambda p: _with(p, lambda q: vm(q, status="up"), suspend.suspend)),
    "vm.migrate": (migrate.MIGRATE, lambda p: _with(p, lambda q: vm(q, status="up"), migrate.migrate)),
    "vm.plug_disk": (plug.PLUG_DISK, lambda p: plugging_disk(p, plugged=True)),
    "vm.unplug_disk": (plug.UNPLUG_DISK, lambda p: plugging_disk(p, plugged=False)),
    "vm.plug_nic": (plug.PLUG_NIC, lambda p: plugging_nic(p, "plug")),
    "vm.unplug_nic": (plug.UNPLUG_NIC, lambda p: plugging_nic(p, "unplug")),
    "vm.update_nic": (plug.UPDATE_NIC, lambda p: plugging_nic(p, "change")),
    "vm.hot_set": (hot_set.HOT_SET, lambda p: hot_setting(p)),
    "vm.freeze": (guest.FREEZE, lambda p: _with(p, lambda q: vm(q, status="up"), guest._starting("freeze"))),
    "vm.thaw": (guest.THAW, lambda p: _with(p, lambda q: vm(q, status="up"), guest._starting("thaw"))),
    "template.add": (template_commands.ADD, lambda p: _template(p)),
    "template.remove": (template_commands.REMOVE, lambda p: _with(p, template, templates.remove)),
    "storage_domain.add": (domain_commands.ADD, add_domain),
    "storage_domain.attach": (domain_commands.ATTACH, lambda p: _attach(p)),
    "storage_domain.activate": (domain_commands.ACTIVATE, lambda p: _attached(p, "maintenance", attached.activate)),
    "storage_domain.deactivate": (domain_commands.DEACTIVATE, lambda p: _attached(p, "active", attached.deactivate)),
    "storage_domain.detach": (domain_commands.DETACH, lambda p: _attached(p, "maintenance", attached.detach)),
    "storage_domain.remove": (domain_commands.REMOVE, lambda p: _remove_domain(p)),
    "host.maintenance": (hosts.MAINTENANCE, idle_host),
}
# What a failure cannot take back: (command, step) -> why.
ONE_WAY = {
    ("disk.remove", "delete"): "a volume may be half gone: the disk is illegal",
    ("vm.remove", "disks"): "volumes may be half gone: the disks are illegal",
    ("template.remove", "disks"): "volumes may be half gone: the disks are illegal",
    ("vm.suspend", "settle"): "the memory is saved, the guest is gone",
    ("vm.start (suspended)", "settle"): "the guest ran: its saved memory is worth nothing, it is down",
    ("host.maintenance", "leave"): "its VMs have left",
    ("host.maintenance", "empty"): "its VMs may have left",
    ("storage_domain.activate", "refresh"): "it is active",
    ("storage_domain.deactivate", "release"): "it is in maintenance",
    ("storage_domain.remove", "forget"): "its storage is formatted",
    ("vm.migrate", "follow"): "the guest has moved",
    ("disk.convert", "finish"): "the disk is the new volume; the old one is left",
    ("disk.move (live)", "finish"): "the guest writes to the new storage domain",
}


async def _with(place: House, make: Any, operation: Any) -> Begin:
    return await on(place, operation, await make(place))


async def plugging_disk(place: House, *, plugged: bool) -> Begin:
    """A running VM's second disk, which is (or is not) plugged."""
    vm_id = await vm(place)
    second = DiskAttachment(disk=new_disk(), interface=DiskInterface.VIRTIO, bootable=False, active=not plugged)
    await place.run(attachments._attached, place.call(vm_id), second)
    await place.run(start.start, place.call(vm_id), Action())
    await place.vm_becomes(vm_id, "up")
    rows = await place.read(lambda rd: rd.find(VmDisk, vm_id=vm_id))
    row = next(r for r in rows if not r.attachment.bootable)
    return lambda: place.begin(
        lambda tx, call, _: plug.begin_disk(tx, call, tx.need(VmDisk, row.id), plugged=plugged), place.call(), None
    )


async def plugging_nic(place: House, what: str) -> Begin:
    """plug, unplug or change (its link) the NIC of a running VM."""
    vm_id = await vm(place, status="up")
    (row,) = await place.read(lambda rd: rd.find(VmNic, vm_id=vm_id))
    call = place.call(vm_id, row.id)
    if what == "plug":
        started = await place.begin(nics._change, call, Nic(plugged=False))
        await place.engine.runner.wait(started.command_id)
    wish = {"plug": Nic(plugged=True), "unplug": Nic(plugged=False), "change": Nic(linked=False)}[what]
    return lambda: place.begin(nics._change, call, wish)


async def hot_setting(place: House) -> Begin:
    """CPUs and memory into a running VM."""
    vm_id = await vm(place, status="up")
    change = hot.Change(now=Vm(), sockets=2, plug=128 * MIB)
    return lambda: place.begin(
        lambda tx, call, _: hot_set.begin_hot(tx, call, tx.need(Vm, vm_id), change), place.call(), None
    )


async def _grow(place: House) -> Begin:
    disk_id = await disk(place)
    return lambda: place.begin(
        lambda tx, call, body: disks.extend(tx, call, tx.need(Disk, disk_id), 128 * MIB), place.call(disk_id), None
    )


async def _move(place: House, status: str) -> Begin:
    """A disk of a VM with a layer upon it, to another storage domain."""
    from ovis.engine.resources.vms.snapshots import take

    vm_id = await vm(place, status=status)
    await place.run(take.add, place.call(vm_id), Snapshot(description="below", persist_memorystate=False))
    await place.until(lambda rd: not locked_ids(rd, "vm", [vm_id]), "the snapshot's end")
    (attached,) = await place.read(lambda rd: rd.find(VmDisk, vm_id=vm_id))
    disk_id: str = attached.disk_id
    body = Action(storage_domain=StorageDomain(id=await domain(place, status="active")))
    return await on(place, move.move, disk_id, body=body)


async def _copy(place: House) -> Begin:
    body = Action(storage_domain=StorageDomain(id=await domain(place, status="active")), disk=Disk(name=name()))
    return await on(place, copy.copy, await disk(place), body=body)


async def _convert(place: House) -> Begin:
    return await on(
        place, convert.convert, await disk(place), body=Action(disk=Disk(format=DiskFormat.RAW, sparse=True))
    )


async def _template(place: House) -> Begin:
    return await on(place, templates.add, body=Template(name=name(), vm=Vm(id=await vm(place))))


async def _attach(place: House) -> Begin:
    return await on(place, attached.add, await center(place), body=StorageDomain(id=await domain(place)))


async def _attached(place: House, status: str, operation: Any) -> Begin:
    return await on(place, operation, await center(place), await domain(place, status=status))


async def _remove_domain(place: House) -> Begin:
    host = await place.read(lambda rd: rd.select(Host)[0])
    return await on(place, domains.remove, await domain(place), host=str(host.name), format="true")


# Their likes are proved in each check; these when asked.
LONG = frozenset(
    ("vm.unplug_disk", "vm.plug_nic", "vm.unplug_nic", "vm.update_nic", "vm.hot_set", "vm.freeze", "vm.thaw")
) | {"vm.reset", "vm.reboot", "vm.shutdown", "vm.resume", "disk.sparsify", "disk.extend", "storage_domain.activate"}


@pytest.mark.parametrize(
    "scene", [pytest.param(scene, marks=pytest.mark.long) if scene in LONG else scene for scene in SCENES]
)
async def test_steps(scene: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in ("BOOT_SECONDS", "SHUTDOWN_SECONDS", "SAVE_SECONDS", "MIGRATION_SECONDS"):
        monkeypatch.setattr(simulated, seconds, 0.05)
    command, prepare = SCENES[scene]
    left: set[str] = set()  # what failures could not take back, by ONE_WAY

    async def wrong(place: House) -> list[str]:
        return [what for what in await place.violations(left) if what not in left]

    async with asyncio.timeout(150), house(tmp_path) as place:
        for n, step in enumerate(command.steps):
            told = f"{scene}, step {step.name}"
            row = await place.broken(with_step(command, n, _twice(step).run), await prepare(place))
            assert row.status is CommandStatus.SUCCEEDED, f"{told} run twice: {row.problem}"
            assert await wrong(place) == [], f"{told} run twice"

            begin = await prepare(place)
            before = await place.picture()
            row = await place.broken(with_step(command, n, _failing(step).run), begin)
            assert row.status is CommandStatus.FAILED, f"{told} failing"
            await place.at_rest()
            if (scene, step.name) in ONE_WAY:
                left |= set(await place.violations())
            else:
                assert await wrong(place) == [], f"{told} failing"
                assert await place.pictures(before) == before, f"{told} failing"

            for when in ("before", "after"):
                row = await place.cut(with_step(command, n, _cut_function(step.run, when)), await prepare(place))
                assert row.status is CommandStatus.SUCCEEDED, f"{told} cut {when}: {row.problem}"
                await place.at_rest()
                assert await wrong(place) == [], f"{told} cut {when}"
    record.deaths("engine", scene, steps=[step.name for step in command.steps])
