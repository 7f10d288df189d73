"""Another format for a disk: POST /disks/ID/convert.

Does: a volume of the other format or allocation beside the present one, with its data; then the disk is that one, and the
old one goes. Does not: disks that snapshots or templates stand on, or that a VM runs with.
Follows: status matrix `convert`; permit of DiskService.convert. The disk goes over in one transaction: before it the old
volume has everything, after it the new one.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Refusal, refuse
from ovis.engine.declare.resource import Started
from ovis.engine.events import Audit
from ovis.engine.model.enums import DiskFormat, DiskStatus, LogSeverity, QcowVersion
from ovis.engine.model.types import Action, Disk, StorageDomain, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.disks import volumes
from ovis.engine.resources.disks.commands import set_status
from ovis.engine.resources.disks.tables import DiskImage, TemplateDisk, VmDisk
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR
_EMPTY = 1 << 20  # bytes that a sparse volume takes at first


class ConvertParams(Struct, kw_only=True, frozen=True):
    """old, new: volumes. format, sparse: as the disk is to be."""

    disk_id: str
    old: str
    new: str
    format: DiskFormat
    sparse: bool


def words(rd: Reader, params: ConvertParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The disk."""
    return {"disk": rd.get(Disk, params.disk_id) or params.disk_id, "form": form(params.format, params.sparse)}


def form(fmt: DiskFormat, sparse: bool) -> str:
    """In words. Pure."""
    return f"{fmt.value}, {'sparse' if sparse else 'preallocated'}"


def refusals(rd: Reader, disk: Disk, fmt: DiskFormat, sparse: bool) -> list[Refusal]:
    """Everything that is against it."""
    from ovis.engine.resources.vms.snapshots.tables import DiskLayer, SnapshotDisk

    disk_id, found = str(disk.id), []
    for row in rd.find(VmDisk, disk_id=disk_id):
        vm = rd.need(Vm, row.vm_id)
        if vm.host is not None:
            text = f"VM {vm.name} runs with it."
            found.append(Refusal("ACTION_TYPE_FAILED_VM_IS_RUNNING", text, "Shut it down first."))
    if rd.count(TemplateDisk, disk_id=disk_id):
        text = f"Disk {disk.alias} belongs to a template."
        found.append(Refusal("ACTION_TYPE_FAILED_TEMPLATE_DISK", text, "Convert a copy of it."))
    image = rd.need(DiskImage, disk_id)
    layered = rd.count(DiskLayer, disk_id=disk_id) or rd.count(SnapshotDisk, disk_id=disk_id)
    if layered or image.parent or rd.count(DiskImage, parent=disk_id):
        text = f"Disk {disk.alias} is one of several layers."
        found.append(Refusal("ACTION_TYPE_FAILED_DISK_WITH_CHAIN", text, "Remove its snapshots, or convert a copy."))
    if (fmt, sparse) == (disk.format, bool(disk.sparse)):
        text = f"Disk {disk.alias} is {form(fmt, sparse)} already."
        found.append(Refusal("ACTION_TYPE_FAILED_DISK_CONVERSION_NOT_NEEDED", text))
    return found


def convert(tx: Tx, call: Call, action: Action) -> Started:
    """The action."""
    from ovis.engine.resources.disks import resource as disks

    disk = tx.need(Disk, call.ids[-1])
    if disk.status is DiskStatus.LOCKED:
        raise refuse("ACTION_TYPE_FAILED_DISK_IS_LOCKED", f"Disk {disk.alias} is locked.", "Wait for its task to end.")
    disks.require_ok(disk)
    wish = action.disk or Disk()
    fmt = wish.format or disk.format or DiskFormat.RAW
    sparse = wish.sparse if wish.sparse is not None else fmt is DiskFormat.COW or bool(disk.sparse)
    if fmt is DiskFormat.COW and not sparse:
        raise refuse("ACTION_TYPE_FAILED_DISK_CONFIGURATION_NOT_SUPPORTED", "A cow disk must be sparse.", bad=True)
    if fmt is DiskFormat.COW and disk.shareable:
        text = "A shareable disk must be raw."
        raise refuse("SHAREABLE_DISK_IS_NOT_SUPPORTED_BY_VOLUME_FORMAT", text, bad=True)
    image = tx.need(DiskImage, str(disk.id))
    domain, _ = disks.active_domain(tx, StorageDomain(id=image.domain_id))
    needed = disk.actual_size or _EMPTY if sparse else disk.provisioned_size or 0
    bodies.raise_all(refusals(tx, disk, fmt, sparse) + disks.space_refusals(domain, needed))
    tx.update(replace(disk, status=DiskStatus.LOCKED))
    users = [row.vm_id for row in tx.find(VmDisk, disk_id=str(disk.id))]
    return begin(
        tx,
        CONVERT,
        ConvertParams(disk_id=str(disk.id), old=image.volume_id, new=bodies.new_id(), format=fmt, sparse=bool(sparse)),
        call=call,
        locks=(Lock("disk", str(disk.id)), *(Lock("vm", vm_id, shared=True) for vm_id in users)),
        subjects=(("disk", str(disk.id)),),
    )


# -- steps ------------------------------------------------------------------------------------------------------------


def _begin(tx: Tx, ctx: Context) -> None:
    """The disk was locked with the request."""


def _ok(tx: Tx, ctx: Context) -> None:
    disk = tx.get(Disk, ctx.params.disk_id)
    if disk is not None and disk.status is DiskStatus.LOCKED:
        set_status(tx, ctx.params.disk_id, DiskStatus.OK)


def _as_wanted(disk: Disk, p: ConvertParams) -> Disk:
    version = QcowVersion.QCOW2_V3 if p.format is DiskFormat.COW else None
    return replace(disk, format=p.format, sparse=p.sparse, qcow_version=version, image_id=p.new)


async def _make(ctx: Context) -> None:
    """The new volume, with the data."""
    p: ConvertParams = ctx.params
    disk, image = await ctx.read(lambda rd: (rd.need(Disk, p.disk_id), rd.need(DiskImage, p.disk_id)))
    target = replace(image, volume_id=p.new)
    await volumes.create(ctx, _as_wanted(disk, p), target)
    await volumes.copy(ctx, replace(image, volume_id=p.old), target, bodies.derived_id("convert", ctx.command_id))


async def _unmake(ctx: Context) -> None:
    """The new volume goes, unless the disk is that one."""
    image = await ctx.read(lambda rd: rd.get(DiskImage, ctx.params.disk_id))
    if image is not None and image.volume_id != ctx.params.new:
        await volumes.delete_layers(ctx, image, [ctx.params.new])


def _go_over(tx: Tx, ctx: Context) -> None:
    p: ConvertParams = ctx.params
    tx.update(replace(tx.need(DiskImage, p.disk_id), volume_id=p.new))
    tx.update(_as_wanted(tx.need(Disk, p.disk_id), p))


async def _finish(ctx: Context) -> Callable[[Tx], None]:
    """The old volume goes."""
    p: ConvertParams = ctx.params
    image = await ctx.read(lambda rd: rd.need(DiskImage, p.disk_id))
    await volumes.delete_layers(ctx, image, [p.old])
    info = await volumes.exists(ctx, image)

    def save(tx: Tx) -> None:
        disk = tx.need(Disk, p.disk_id)
        tx.update(replace(volumes.sizes(disk, info) if info else disk, status=DiskStatus.OK))

    return save


CONVERT = Command(
    name="disk.convert",
    params=ConvertParams,
    title="Converting disk {disk} to {form}",
    words=words,
    steps=(
        Step("begin", _begin, undo=_ok, undo_own=True),
        Step("copy", _make, undo=_unmake, undo_own=True, title="Writing it anew"),
        Step("go_over", _go_over, title="Going over to the new volume"),
        Step("finish", _finish, phase="finalizing", title="Deleting the old volume"),
    ),
    done=Audit(code=20011, severity=N, text="Disk {disk} was converted: it is {form} now."),
    failed=Audit(code=20012, severity=E, text="Disk {disk} could not be converted to {form}: {reason}"),
)
COMMANDS = (CONVERT,)
