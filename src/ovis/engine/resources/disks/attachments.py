"""Disks of a VM: /vms/ID/diskattachments, and v3's /vms/ID/disks.

Does: attach, create inline, change, plug and detach. Does not: draw up domain XML (`vms.domain`).
Follows: API facts on disk attachments: the attachment's id is the disk's; PUT with a larger size grows the disk.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.access.check import require
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, Refused, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Action as ApiAction, Need, Op, Resource, Started
from ovis.engine.events import record
from ovis.engine.model.enums import DiskInterface
from ovis.engine.model.types import Action, Disk, DiskAttachment, Statistic, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.disks import resource as disks
from ovis.engine.resources.disks.tables import DiskImage, TemplateDisk, VmDisk
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.store.session import Reader, Tx
from ovis.engine.wire.dialect3 import Context as V3Context

_FIXED = ("interface", "bootable", "read_only", "pass_discard", "uses_scsi_reservation")  # of a plugged disk
_SUPPORTED = (DiskInterface.VIRTIO, DiskInterface.VIRTIO_SCSI, DiskInterface.SATA, DiskInterface.IDE)


def row_id(owner: str, disk_id: str) -> str:
    """Key of an attachment's row."""
    return f"{owner}/{disk_id}"


def shown(row: VmDisk) -> DiskAttachment:
    """The attachment as the API shows it."""
    return replace(row.attachment, id=row.disk_id, disk=Disk(id=row.disk_id), vm=Vm(id=row.vm_id))


def _list(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[DiskAttachment]]:
    out: dict[str, list[DiskAttachment]] = {p: [] for p in parents}
    for row in rd.select(VmDisk, rd.sql(VmDisk).c.vm_id.in_(list(parents)), order=[rd.sql(VmDisk).c.version]):
        out[row.vm_id].append(shown(row))
    return out


def disks_of_vm(rd: Reader, vm_id: str) -> list[tuple[VmDisk, Disk, DiskImage]]:
    """A VM's disks with their attachment and place, in the order they were attached."""
    rows = rd.find_in_order(VmDisk, ("version",), vm_id=vm_id)
    found = rd.get_many(Disk, [r.disk_id for r in rows])
    images = rd.get_many(DiskImage, [r.disk_id for r in rows])
    return [(r, found[r.disk_id], images[r.disk_id]) for r in rows if r.disk_id in images]


def check_interface(attachment: DiskAttachment) -> None:
    """Refuse an interface that no domain here can have."""
    if attachment.interface is not None and attachment.interface not in _SUPPORTED:
        raise refuse(
            "ACTION_TYPE_FAILED_DISK_INTERFACE_UNSUPPORTED",
            f"Interface {attachment.interface.value} is not supported.",
            "Use virtio, virtio_scsi or sata.",
            bad=True,
        )


def attach(tx: Tx, vm: Vm, disk: Disk, given: DiskAttachment) -> VmDisk:
    """Store an attachment; one disk of a VM boots."""
    check_interface(given)
    rows = tx.find(VmDisk, vm_id=str(vm.id))
    if any(r.disk_id == disk.id for r in rows):
        raise refuse("ACTION_TYPE_FAILED_DISK_ALREADY_ATTACHED", f"Disk {disk.alias} is already attached to {vm.name}.")
    if not disk.shareable and tx.count(VmDisk, disk_id=str(disk.id)):
        raise refuse(
            "ACTION_TYPE_FAILED_NOT_SHAREABLE_DISK_ALREADY_ATTACHED", f"Disk {disk.alias} is attached to another VM."
        )
    if given.bootable and any(r.attachment.bootable for r in rows):
        raise refuse("ACTION_TYPE_FAILED_DISK_BOOT_IN_USE", f"VM {vm.name} already has a bootable disk.")
    running = vm.host is not None
    active = bool(given.active) if running else given.active is not False
    return tx.insert(
        VmDisk(
            id=row_id(str(vm.id), str(disk.id)),
            vm_id=str(vm.id),
            disk_id=str(disk.id),
            attachment=DiskAttachment(
                active=active,
                bootable=bool(given.bootable),
                interface=given.interface or DiskInterface.VIRTIO,
                pass_discard=bool(given.pass_discard),
                read_only=bool(given.read_only),
                uses_scsi_reservation=bool(given.uses_scsi_reservation),
            ),
        )
    )


async def _add(services: Services, call: Call, body: DiskAttachment) -> DiskAttachment | Started:
    """POST: attach what is there, or make a disk; into a running VM it is plugged only if the body says so."""
    result = await services.store.write(lambda tx: _attached(tx, call, body))
    if isinstance(result, Started) or not body.active or result.active:
        return result  # it is there, or is plugged by the command that makes it
    row = await services.store.read(lambda rd: rd.need(VmDisk, row_id(call.ids[0], str(result.id))))
    try:
        await plug(services, call, row, plugged=True, fresh=True)
    except Refused:
        await services.store.write(lambda tx: tx.delete(VmDisk, row.id))
        raise
    return shown(await services.store.read(lambda rd: rd.need(VmDisk, row.id)))


def _attached(tx: Tx, call: Call, body: DiskAttachment) -> DiskAttachment | Started:
    from ovis.engine.resources.vms import rules
    from ovis.engine.resources.vms.snapshots.state import in_preview

    vm = tx.need(Vm, call.ids[0])
    bodies.raise_all(in_preview(tx, vm))
    given = body.disk or Disk()
    if given.id is not None:
        bodies.raise_all(rules.DISK_ATTACH.refusals(vm))
        disk = tx.need(Disk, given.id)
        require(tx, call, Permit.ATTACH_DISK, "disk", given.id)
        disks.require_ok(disk)
        running = vm.host is not None  # then it is active once its host has it
        return shown(attach(tx, vm, disk, replace(body, active=False) if running else body))
    if body.interface is None and call.dialect == 4:
        raise refuse(
            "ACTION_TYPE_FAILED_DISK_INTERFACE_MISSING", "An interface is needed.", "For example virtio.", bad=True
        )
    if given.provisioned_size is None:
        raise refuse("ACTION_TYPE_FAILED_DISK_SIZE_ZERO", "A disk needs a provisioned_size.", bad=True)
    number = tx.count(VmDisk, vm_id=str(vm.id)) + 1
    disk, _ = disks.prepare(tx, call, given, alias=f"{vm.name}_Disk{number}")
    later = vm.host is not None and bool(body.active)
    row = attach(tx, vm, disk, replace(body, active=False) if later else body)
    started = disks.begin_add(tx, call, disk, plug_into=str(vm.id) if later else "")
    return replace_entity(started, shown(row))


def replace_entity(started: Started, entity: Any) -> Started:
    """The same command with another entity to answer."""
    return Started(command_id=started.command_id, entity=entity, wait=started.wait, result=started.result)


def _row(rd: Reader, call: Call) -> VmDisk:
    row = rd.get(VmDisk, row_id(call.ids[0], call.ids[1]))
    if row is None:
        raise NotFound(f"DiskAttachment: id={call.ids[1]}")
    return row


async def _update(services: Services, call: Call, body: DiskAttachment) -> DiskAttachment | Started:
    def look(rd: Reader) -> tuple[VmDisk, Vm]:
        row = _row(rd, call)
        return row, rd.need(Vm, row.vm_id)

    row, vm = await services.store.read(look)
    wants = body.active
    if wants is not None and wants != bool(row.attachment.active):
        bodies.raise_all(_plug_rule().refusals(vm))
    if wants is not None and wants != bool(row.attachment.active) and vm.host is not None:
        await plug(services, call, row, plugged=wants)

    def change(tx: Tx) -> DiskAttachment | Started:
        now = _row(tx, call)
        check_interface(body)
        owner = tx.need(Vm, now.vm_id)
        attachment = bodies.merge(
            now.attachment, replace(body, disk=None, vm=None, template=None), keep=("logical_name",)
        )
        if owner.host is not None and now.attachment.active:
            fixed = [f for f in _FIXED if getattr(attachment, f) != getattr(now.attachment, f)]
            if fixed:
                raise refuse(
                    "ACTION_TYPE_FAILED_VM_IS_NOT_DOWN",
                    f"{', '.join(fixed)} of a plugged disk change only while VM {owner.name} is down.",
                    "Shut it down, or deactivate the disk first.",
                )
        if attachment.bootable and not now.attachment.bootable:
            others = [r for r in tx.find(VmDisk, vm_id=now.vm_id) if r.attachment.bootable and r.id != now.id]
            if others:
                raise refuse("ACTION_TYPE_FAILED_DISK_BOOT_IN_USE", "The VM already has a bootable disk.")
        if attachment != now.attachment:
            if owner.host is None and attachment.active != now.attachment.active:
                _told(tx, call, owner, now.disk_id, active=bool(attachment.active))
            now = tx.update(replace(now, attachment=attachment))
        if body.disk is not None:
            require(tx, call, Permit.EDIT_DISK_PROPERTIES, "disk", now.disk_id)
            disk = tx.need(Disk, now.disk_id)
            patch = replace(body.disk, id=None)
            merged = bodies.without_subs(bodies.merge(disk, patch, keep=disks._KEEP))
            merged = replace(merged, storage_domains=disk.storage_domains)
            if patch.alias or patch.name:
                merged = replace(merged, alias=patch.alias or patch.name, name=patch.alias or patch.name)
            bodies.raise_all(disks.value_refusals(merged))
            if merged != disk:
                tx.update(merged)
            if patch.provisioned_size is not None:
                started = disks.extend(tx, call, tx.need(Disk, now.disk_id), patch.provisioned_size)
                if started is not None:
                    return replace_entity(started, shown(now))
        return shown(now)

    return await services.store.write(change)


def _told(tx: Tx, call: Call, vm: Vm, disk_id: str, *, active: bool) -> None:
    """A disk of a VM that is down changed sides; one of a VM that runs is told of by the command that plugs it."""
    from ovis.engine.resources.vms import plug as plugging

    record(tx, plugging.PLUGGED if active else plugging.UNPLUGGED, call=call, vm=vm, disk=tx.get(Disk, disk_id))


def _plug_rule() -> Any:
    from ovis.engine.resources.vms import rules

    return rules.DISK_PLUG


async def plug(services: Services, call: Call, row: VmDisk, *, plugged: bool, fresh: bool = False) -> None:
    """Hot-plug or unplug on the VM's host, to the end; a fresh attachment goes again if that fails."""
    from ovis.engine.resources.vms import plug as plugging

    def ask(tx: Tx) -> Started:
        if row.attachment.interface is DiskInterface.IDE:
            raise refuse("HOT_PLUG_IDE_DISK_IS_NOT_SUPPORTED", "IDE disks are not plugged live.", "Use virtio.")
        if row.attachment.interface not in (DiskInterface.VIRTIO, DiskInterface.VIRTIO_SCSI):
            raise refuse("HOT_PLUG_DISK_IS_NOT_VIRTIO", "Only virtio and virtio_scsi disks are plugged live.")
        return plugging.begin_disk(tx, call, row, plugged=plugged, fresh=fresh)

    await plugging.finish(services, await services.store.write(ask))


def _remove(tx: Tx, call: Call, body: Any) -> Started | None:
    """DELETE: v4 detaches; v3 destroys the disk unless its body says detach. `detach_only=false` destroys in v4, too."""
    from ovis.engine.resources.vms import rules

    row = _row(tx, call)
    vm, disk = tx.need(Vm, row.vm_id), tx.need(Disk, row.disk_id)
    bodies.raise_all(rules.DISK_DETACH.refusals(vm))
    disks.require_ok(disk)
    if vm.host is not None and row.attachment.active:
        raise refuse(
            "HOT_UNPLUG_DISK_FIRST", f"Disk {disk.alias} is plugged into a running VM.", "Deactivate it first."
        )
    keeps = call.flag("detach_only", call.dialect == 4)  # v3's `detach` arrives as this
    if keeps:
        _in_no_snapshot(tx, vm, disk)
    else:
        require(tx, call, Permit.DELETE_DISK, "disk", str(disk.id))
    tx.delete(VmDisk, row.id)
    return None if keeps else disks.begin_remove(tx, call, disk)


def _in_no_snapshot(tx: Tx, vm: Vm, disk: Disk) -> None:
    """A disk that snapshots hold is not given to others: its data of then is theirs."""
    from ovis.engine.resources.vms.snapshots.tables import SnapshotDisk

    if tx.count(SnapshotDisk, disk_id=str(disk.id)):
        raise refuse(
            "ERROR_CANNOT_DETACH_DISK_WITH_SNAPSHOT",
            f"Disk {disk.alias} is part of snapshots of VM {vm.name}.",
            "Remove the snapshots first.",
        )


def _switch(plugged: bool) -> Any:
    async def run(services: Services, call: Call, action: Action) -> None:
        await _update(services, call, DiskAttachment(active=plugged))

    return run


def _statistics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Statistic]]:
    return disks.statistics(rd, call, parents)


_ON_VM = (Need(Permit.CONFIGURE_VM_STORAGE),)
ATTACHMENTS_OF_VM = Resource(
    type=DiskAttachment,
    collection="diskattachments",
    v3_collection="",
    list=Op(run=_list, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(
        run=_add,
        needs=(Need(Permit.CONFIGURE_VM_STORAGE, "parent"),),
        mandatory=("disk",),
        asks=(Permit.ATTACH_DISK, Permit.CREATE_DISK),
    ),
    update=Op(run=_update, needs=_ON_VM, asks=(Permit.EDIT_DISK_PROPERTIES,)),
    remove=Op(run=_remove, needs=_ON_VM, asks=(Permit.DELETE_DISK,)),
)


# -- v3: one disk is a disk and its attachment ------------------------------------------------------------------


def _v3_list(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Disk]]:
    rows = rd.select(VmDisk, rd.sql(VmDisk).c.vm_id.in_(list(parents)), order=[rd.sql(VmDisk).c.version])
    found = rd.get_many(Disk, [r.disk_id for r in rows])
    out: dict[str, list[Disk]] = {p: [] for p in parents}
    for row in rows:
        out[row.vm_id].append(found[row.disk_id])
    return out


def v3_context(rd: Reader, found: Sequence[Disk]) -> V3Context:
    """Attachments by disk, for v3's disks below VMs."""
    rows = rd.find(VmDisk, disk_id=[str(d.id) for d in found])
    held = rd.find(TemplateDisk, disk_id=[str(d.id) for d in found])
    return V3Context(attachments={r.disk_id: r.attachment for r in held} | {r.disk_id: r.attachment for r in rows})


def _attachment_part(body: Disk) -> DiskAttachment:
    return DiskAttachment(
        active=body.active,
        bootable=body.bootable,
        interface=body.interface,
        read_only=body.read_only,
        uses_scsi_reservation=body.uses_scsi_reservation,
    )


async def _v3_add(services: Services, call: Call, body: Disk) -> Disk | Started:
    inline = replace(
        body, active=None, bootable=None, interface=None, read_only=None, uses_scsi_reservation=None, logical_name=None
    )
    result = await _add(services, call, replace(_attachment_part(body), disk=inline))
    id_ = str(result.entity.id if isinstance(result, Started) else result.id)
    disk = await services.store.read(lambda rd: rd.need(Disk, id_))
    return replace_entity(result, disk) if isinstance(result, Started) else disk


async def _v3_update(services: Services, call: Call, body: Disk) -> Any:
    return await _update(services, call, replace(_attachment_part(body), disk=replace(body, active=None)))


def _v3_remove(tx: Tx, call: Call, body: Any) -> Started | None:
    return _remove(tx, call, body)


DISKS_OF_VM_V3 = Resource(
    type=Disk,
    collection="disks",
    in_v4=False,
    object_type="disk",
    v3_context=v3_context,
    list=Op(run=_v3_list, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=_v3_add, needs=(Need(Permit.CONFIGURE_VM_STORAGE, "parent"),)),
    update=Op(run=_v3_update, needs=(Need(Permit.EDIT_DISK_PROPERTIES),)),
    remove=Op(run=_v3_remove, needs=(Need(Permit.DELETE_DISK),)),
    actions=(
        ApiAction(name="activate", run=_switch(True), needs=(Need(Permit.EDIT_DISK_PROPERTIES),)),
        ApiAction(name="deactivate", run=_switch(False), needs=(Need(Permit.EDIT_DISK_PROPERTIES),)),
        disks.MOVE_ACTION,
    ),
    subs=(
        Resource(type=Statistic, collection="statistics", list=Op(run=_statistics, needs=PUBLIC), get=Op(needs=PUBLIC)),
        permissions_of("disk"),
    ),
)
