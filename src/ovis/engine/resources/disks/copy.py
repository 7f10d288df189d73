"""Copies and thinner disks: POST /disks/ID/copy, sparsify, reduce.

Does: a new disk with another's present data in the form that the client wants; zeros given back to the storage. Does not:
take along snapshots; shrink volumes of block storage (there is none).
Follows: flows, section 4.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.grants import grant_on_creation
from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Refusal, refuse
from ovis.engine.declare.resource import Started
from ovis.engine.events import Audit
from ovis.engine.model.enums import DiskFormat, DiskStatus, LogSeverity
from ovis.engine.model.types import Action, Disk, StorageDomain, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.disks import copies, sets, volumes
from ovis.engine.resources.disks.commands import DiskParams, set_status
from ovis.engine.resources.disks.tables import DiskImage, TemplateDisk, VmDisk
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR


class CopyParams(Struct, kw_only=True, frozen=True):
    """source_id: whose data. disk_id: the new disk."""

    source_id: str
    disk_id: str


def _users(rd: Reader, disk: Disk) -> list[Vm]:
    return [rd.need(Vm, row.vm_id) for row in rd.find(VmDisk, disk_id=str(disk.id))]


def _at_rest(users: list[Vm]) -> list[Refusal]:
    """A disk that a VM writes to is not read or changed by others."""
    return [
        Refusal("ACTION_TYPE_FAILED_VM_IS_NOT_DOWN", f"VM {vm.name} runs with it.", "Shut it down first.")
        for vm in users
        if vm.host is not None
    ]


def copy(tx: Tx, call: Call, action: Action) -> Started:
    """A new, floating disk with the data that another has now."""
    from ovis.engine.resources.disks import resource as disks

    source = tx.need(Disk, call.ids[-1])
    image = tx.need(DiskImage, str(source.id))
    disks.require_ok(source)
    if tx.count(TemplateDisk, disk_id=str(source.id)):
        raise refuse(
            "ACTION_TYPE_FAILED_TEMPLATE_DISK",
            f"Disk {source.alias} belongs to a template, which has its disks in one place.",
            "Make a VM of the template, and move that one's disk.",
        )
    users = _users(tx, source)
    bodies.raise_all(_at_rest(users))
    wish = action.disk or Disk()
    if wish.format is DiskFormat.COW and wish.sparse is False:
        raise refuse("ACTION_TYPE_FAILED_DISK_CONFIGURATION_NOT_SUPPORTED", "A cow disk must be sparse.", bad=True)
    place = bodies.resolve(tx, StorageDomain, action.storage_domain)
    disk, made = copies.planned(
        tx, call, source, image, replace(wish, storage_domains=None, storage_domain=None), place=place
    )
    profile = disks.profile_for(tx, action.disk_profile, place)
    disk = replace(disk, disk_profile=profile, description=wish.description or source.description)
    bodies.raise_all(disks.value_refusals(disk))
    tx.insert(disk)
    tx.insert(made)
    grant_on_creation(tx, call, "disk", str(disk.id))
    return begin(
        tx,
        COPY,
        CopyParams(source_id=str(source.id), disk_id=str(disk.id)),
        call=call,
        locks=(
            Lock("disk", str(source.id), shared=True),
            Lock("disk", str(disk.id)),
            *(Lock("vm", str(vm.id), shared=True) for vm in users),
        ),
        subjects=(("disk", str(source.id)),),
    )


def words(rd: Reader, params: CopyParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Both disks."""
    made = rd.get(Disk, params.disk_id)
    return {"disk": rd.get(Disk, params.source_id), "copy": made.name if made else state.get("name", "")}


def _begin(tx: Tx, ctx: Context) -> None:
    disk = tx.get(Disk, ctx.params.disk_id)
    ctx.state["name"] = disk.name if disk else ""


def _forget(tx: Tx, ctx: Context) -> None:
    sets.forget(tx, [ctx.params.disk_id])


async def _make(ctx: Context) -> Callable[[Tx], None]:
    return await sets.make(ctx, [(ctx.params.source_id, ctx.params.disk_id)])


async def _unmake(ctx: Context) -> None:
    await sets.delete(ctx, [ctx.params.disk_id])


COPY = Command(
    name="disk.copy",
    params=CopyParams,
    title="Copying disk {disk} to {copy}",
    words=words,
    steps=(
        Step("begin", _begin, undo=_forget, undo_own=True),
        Step("copy", _make, undo=_unmake, undo_own=True, title="Copying the data"),
    ),
    done=Audit(code=2006, severity=N, text="Disk {disk} was copied to {copy}."),
    failed=Audit(code=2007, severity=E, text="Disk {disk} could not be copied to {copy}: {reason}"),
)


def sparsify(tx: Tx, call: Call, action: Action) -> Started:
    """Give zeros back to the storage."""
    from ovis.engine.resources.disks import resource as disks

    disk = tx.need(Disk, call.ids[-1])
    disks.require_ok(disk)
    users = _users(tx, disk)
    bodies.raise_all(_at_rest(users))
    if not disk.sparse:
        raise refuse(
            "ACTION_TYPE_FAILED_DISK_SPARSIFY_NOT_SUPPORTED_BY_DISK_CONFIGURATION",
            f"Disk {disk.alias} is preallocated.",
        )
    if tx.count(TemplateDisk, disk_id=str(disk.id)) or tx.count(DiskImage, parent=str(disk.id)):
        raise refuse("ACTION_TYPE_FAILED_DETECTED_DERIVED_DISKS", f"Other disks may lie upon disk {disk.alias}.")
    domain, _ = disks.active_domain(tx, StorageDomain(id=tx.need(DiskImage, str(disk.id)).domain_id))
    bodies.raise_all(disks.space_refusals(domain, disk.actual_size or 0))  # both lie there for a while
    tx.update(replace(disk, status=DiskStatus.LOCKED))
    return begin(
        tx,
        SPARSIFY,
        DiskParams(disk_id=str(disk.id)),
        call=call,
        locks=(Lock("disk", str(disk.id)), *(Lock("vm", str(vm.id), shared=True) for vm in users)),
        subjects=(("disk", str(disk.id)),),
    )


def _ok(tx: Tx, ctx: Context) -> None:
    disk = tx.get(Disk, ctx.params.disk_id)
    if disk is not None and disk.status is DiskStatus.LOCKED:
        set_status(tx, ctx.params.disk_id, DiskStatus.OK)


def _nothing(tx: Tx, ctx: Context) -> None:
    """The disk was locked with the request."""


async def _sparsify(ctx: Context) -> Callable[[Tx], None]:
    image = await ctx.read(lambda rd: rd.need(DiskImage, ctx.params.disk_id))
    await volumes.sparsify(ctx, image)
    info = await volumes.exists(ctx, image)

    def save(tx: Tx) -> None:
        disk = tx.need(Disk, ctx.params.disk_id)
        taken = int((info or {}).get("truesize") or disk.actual_size or 0)
        below = max(0, (disk.total_size or 0) - (disk.actual_size or 0))
        tx.update(replace(disk, status=DiskStatus.OK, actual_size=taken, total_size=taken + below))

    return save


SPARSIFY = Command(
    name="disk.sparsify",
    params=DiskParams,
    title="Sparsifying disk {disk}",
    steps=(Step("begin", _nothing, undo=_ok, undo_own=True), Step("sparsify", _sparsify, title="Writing it anew")),
    done=Audit(code=1326, severity=N, text="Disk {disk} was sparsified."),
    failed=Audit(code=1327, severity=E, text="Disk {disk} could not be sparsified: {reason}"),
)


def reduce(tx: Tx, call: Call, action: Action) -> None:
    """Volumes of file storage take no more than their data anyway."""
    disk = tx.need(Disk, call.ids[-1])
    raise refuse(
        "ACTION_TYPE_FAILED_CANT_REDUCE_IMAGE_ON_FILE_STORAGE",
        f"Disk {disk.alias} is on file storage, whose volumes take no more than their data.",
        "Use sparsify.",
    )


COMMANDS = (COPY, SPARSIFY)
