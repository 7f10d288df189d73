"""What happens to disks over time: created, grown, removed. Steps that look first."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.grants import forget_object
from ovis.engine.commands import Command, Context, Step
from ovis.engine.declare.faults import Fault
from ovis.engine.events import Audit
from ovis.engine.model.enums import DiskStatus, LogSeverity
from ovis.engine.model.types import Disk, Vm
from ovis.engine.resources.disks import volumes
from ovis.engine.resources.disks.tables import DiskImage, TemplateDisk, VmDisk
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)
N, E = LogSeverity.NORMAL, LogSeverity.ERROR


class DiskParams(Struct, kw_only=True, frozen=True):
    """size: bytes, of an extension. vm_id: the running VM that is to see the growth, or the new disk."""

    disk_id: str
    size: int = 0
    vm_id: str = ""


def words(rd: Reader, params: DiskParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The disk's name, kept once it is gone."""
    disk = rd.get(Disk, params.disk_id)
    return {"disk": disk.name if disk else state.get("name", params.disk_id)}


def forget_disk(tx: Tx, disk_id: str) -> None:
    """Every row of a disk."""
    for row in tx.find(VmDisk, disk_id=disk_id):
        tx.delete(VmDisk, row.id)
    for held in tx.find(TemplateDisk, disk_id=disk_id):
        tx.delete(TemplateDisk, held.id)
    if tx.get(DiskImage, disk_id) is not None:
        tx.delete(DiskImage, disk_id)
    forget_object(tx, "disk", disk_id)
    if tx.get(Disk, disk_id) is not None:
        tx.delete(Disk, disk_id)


def set_status(tx: Tx, disk_id: str, status: DiskStatus) -> None:
    """Move a disk's status, if it is still there."""
    disk = tx.get(Disk, disk_id)
    if disk is not None and disk.status is not status:
        tx.update(replace(disk, status=status))


def _begin(tx: Tx, ctx: Context) -> None:
    disk = tx.get(Disk, ctx.params.disk_id)
    ctx.state["name"] = disk.name if disk else ""


def _ok(tx: Tx, ctx: Context) -> None:
    """It is as it was, unless something else became of it."""
    disk = tx.get(Disk, ctx.params.disk_id)
    if disk is not None and disk.status is DiskStatus.LOCKED:
        set_status(tx, ctx.params.disk_id, DiskStatus.OK)


def _forget(tx: Tx, ctx: Context) -> None:
    forget_disk(tx, ctx.params.disk_id)


async def _create(ctx: Context) -> Callable[[Tx], None]:
    disk, image = await _both(ctx)
    info = await volumes.create(ctx, disk, image)

    def save(tx: Tx) -> None:
        found = tx.need(Disk, str(disk.id))
        tx.update(replace(volumes.sizes(found, info), status=DiskStatus.OK))

    return save


async def _uncreate(ctx: Context) -> None:
    _, image = await _both(ctx)
    await volumes.delete_for_sure(ctx, image)


async def _plug(ctx: Context) -> Callable[[Tx], None] | None:
    """Into the running VM it was made for; a disk that cannot be plugged is there all the same, inactive."""
    from ovis.engine.resources.vms.domain import hotplug_disk_xml
    from ovis.engine.resources.vms.plug import ask_host

    p: DiskParams = ctx.params
    if not p.vm_id:
        return None

    def look(rd: Reader) -> tuple[Vm | None, VmDisk | None, str]:
        vm, row = rd.get(Vm, p.vm_id), rd.one(VmDisk, vm_id=p.vm_id, disk_id=p.disk_id)
        return vm, row, hotplug_disk_xml(rd, vm, row) if vm is not None and row is not None else ""

    vm, row, xml = await ctx.read(look)
    if vm is None or row is None:
        return None
    try:
        await ask_host(ctx, p.vm_id, "VM.hotplugDisk", {"vmId": p.vm_id, "xml": xml})
    except Fault as err:
        log.warning("a new disk was not plugged", vm=p.vm_id, disk=p.disk_id, error=str(err))
        if not ctx.state.get("doubt"):
            return None

    def save(tx: Tx) -> None:
        now = tx.get(VmDisk, row.id)
        if now is not None:
            tx.update(replace(now, attachment=replace(now.attachment, active=True)))

    return save


async def _both(ctx: Context) -> tuple[Disk, DiskImage]:
    return await ctx.read(lambda rd: (rd.need(Disk, ctx.params.disk_id), rd.need(DiskImage, ctx.params.disk_id)))


ADD = Command(
    name="disk.add",
    params=DiskParams,
    title="Creating disk {disk}",
    words=words,
    steps=(
        Step("begin", _begin, undo=_forget, undo_own=True),
        Step("create", _create, undo=_uncreate, undo_own=True, title="Creating the volume"),
        Step("plug", _plug, phase="finalizing"),
    ),
    done=Audit(code=2021, severity=N, text="Disk {disk} was added by {user}."),
    failed=Audit(code=2022, severity=E, text="Disk {disk} could not be added: {reason}"),
)


async def _delete(ctx: Context) -> Callable[[Tx], None]:
    image = await ctx.read(lambda rd: rd.get(DiskImage, ctx.params.disk_id))
    if image is not None:
        await volumes.delete_for_sure(ctx, image)
    return lambda tx: forget_disk(tx, ctx.params.disk_id)


def _illegal(tx: Tx, ctx: Context) -> None:
    """A removal that failed in the middle leaves a disk that nobody may use."""
    set_status(tx, ctx.params.disk_id, DiskStatus.ILLEGAL)


REMOVE = Command(
    name="disk.remove",
    params=DiskParams,
    title="Removing disk {disk}",
    words=words,
    steps=(
        Step("begin", _begin, undo=_ok, undo_own=True),
        Step("delete", _delete, undo=_illegal, undo_own=True, title="Deleting the volume"),
    ),
    done=Audit(code=2014, severity=N, text="Disk {disk} was removed by {user}."),
    failed=Audit(code=2015, severity=E, text="Disk {disk} could not be removed: {reason}"),
)


async def _extend(ctx: Context) -> Callable[[Tx], None]:
    disk, image = await _both(ctx)
    p: DiskParams = ctx.params
    vm = await ctx.read(lambda rd: rd.get(Vm, p.vm_id)) if p.vm_id else None
    if vm is not None and vm.host is not None:
        host_id, drive = str(vm.host.id), image.pdiv() | {"device": "disk"}
        wanted = {"vmID": p.vm_id, "driveSpecs": drive, "newSize": str(p.size)}
        await volumes.patiently(lambda: ctx.services.hosts.call(host_id, "VM.diskSizeExtend", wanted))
    else:
        await volumes.extend(ctx, image, p.size)

    def save(tx: Tx) -> None:
        tx.update(replace(tx.need(Disk, str(disk.id)), provisioned_size=p.size, status=DiskStatus.OK))

    return save


EXTEND = Command(
    name="disk.extend",
    params=DiskParams,
    title="Extending disk {disk}",
    words=words,
    steps=(Step("begin", _begin, undo=_ok, undo_own=True), Step("extend", _extend, title="Extending the volume")),
    done=Audit(code=371, severity=N, text="Disk {disk} was extended by {user}."),
    failed=Audit(code=372, severity=E, text="Disk {disk} could not be extended: {reason}"),
)
COMMANDS = (ADD, REMOVE, EXTEND)
