"""Snapshots as the API shows them: /vms/ID/snapshots with their disks, NICs and CD-ROMs.

Does: the VM as it is stands first, as snapshot `Active VM`; then what was recorded, oldest first. `all_content` adds the
configuration as OVF. Does not: change anything.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.model.enums import ConfigurationType, SnapshotStatus, SnapshotType
from ovis.engine.model.types import (
    Cdrom,
    Configuration,
    Disk,
    DiskAttachment,
    DiskSnapshot,
    Initialization,
    Nic,
    Snapshot,
    StorageDomain,
    Vm,
)
from ovis.engine.resources.disks.tables import DiskImage, VmDisk
from ovis.engine.resources.vms.snapshots import ovf, state
from ovis.engine.resources.vms.snapshots.tables import DiskLayer, SnapshotDisk, VmSnapshot, active_id
from ovis.engine.resources.vms.state import VmCdrom, VmNic
from ovis.engine.store.session import Reader
from ovis.engine.wire.dialect3 import Context as V3Context

ACTIVE = "Active VM"
# Of a recorded VM, what is not shown as the snapshot's own.
_NOT_SHOWN = frozenset(
    """id href name description comment status status_detail host start_time stop_time stop_reason fqdn run_once
    guest_operating_system guest_time_zone next_run_configuration_exists has_illegal_images initialization vm_pool
    creation_time delete_protected""".split()
)


def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Snapshot]]:
    """Snapshots of VMs."""
    vms = rd.get_many(Vm, parents)
    out: dict[str, list[Snapshot]] = {p: [] for p in parents}
    for vm_id, vm in vms.items():
        out[vm_id].append(_active(vm))
    for row in rd.find_in_order(VmSnapshot, ("date", "id"), vm_id=list(vms)):
        out[row.vm_id].append(one(rd, call, row))
    return {p: _with_ovf(rd, call, found, vms[p]) if p in vms else [] for p, found in out.items()}


def one(rd: Reader, call: Call, row: VmSnapshot) -> Snapshot:
    """A recorded snapshot."""
    return replace(
        _configured(row.vm),
        id=row.id,
        description=row.description,
        date=row.date,
        persist_memorystate=row.memory is not None,
        snapshot_status=row.status,
        snapshot_type=row.kind,
        vm=Vm(id=row.vm_id),
    )


def _active(vm: Vm) -> Snapshot:
    return replace(
        _configured(vm),
        id=active_id(str(vm.id)),
        description=ACTIVE,
        date=vm.creation_time,
        persist_memorystate=False,
        snapshot_status=SnapshotStatus.OK,
        snapshot_type=SnapshotType.ACTIVE,
        vm=Vm(id=vm.id),
    )


def _configured(vm: Vm | None) -> Snapshot:
    if vm is None:
        return Snapshot()
    return Snapshot(**{name: getattr(vm, name) for name in vm.__struct_fields__ if name not in _NOT_SHOWN})


def _with_ovf(rd: Reader, call: Call, found: list[Snapshot], vm: Vm) -> list[Snapshot]:
    """The whole configuration, for who asks for it."""
    if not call.flag("all_content"):
        return found
    ids = [str(s.id) for s in found]
    rows = rd.get_many(VmSnapshot, ids)
    held, plugged = _rows(rd, ids), nics(rd, call, ids)
    out = []
    for snapshot in found:
        id_ = str(snapshot.id)
        then = rows[id_].vm if id_ in rows else vm
        if then is not None:
            text = ovf.document(then, held[id_], plugged[id_])
            configuration = Configuration(type=ConfigurationType.OVF, data=text)
            snapshot = replace(snapshot, initialization=Initialization(configuration=configuration))
        out.append(snapshot)
    return out


# -- below ------------------------------------------------------------------------------------------------------------


def _owners(rd: Reader, parents: Sequence[str]) -> dict[str, str]:
    """VM ids by the ids of snapshots that stand for the VM as it is."""
    recorded = rd.get_many(VmSnapshot, parents)
    return {p: active_id(p) for p in parents if p not in recorded}


def _present(rd: Reader, parents: Sequence[str]) -> dict[str, list[SnapshotDisk]]:
    out: dict[str, list[SnapshotDisk]] = {}
    for parent, vm_id in _owners(rd, parents).items():
        out[parent] = [
            SnapshotDisk(
                id=f"{parent}/{held.disk_id}",
                snapshot_id=parent,
                disk_id=held.disk_id,
                volume_id=image.volume_id,
                disk=disk,
                attachment=held.attachment,
            )
            for held, disk, image in state.attached_to(rd, vm_id)
        ]
    return out


def _rows(rd: Reader, parents: Sequence[str]) -> dict[str, list[SnapshotDisk]]:
    out: dict[str, list[SnapshotDisk]] = {p: [] for p in parents} | _present(rd, parents)
    for row in rd.find_in_order(SnapshotDisk, ("id",), snapshot_id=list(parents)):
        out[row.snapshot_id].append(row)
    return out


def disks(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Disk]]:
    """Disks as they were: `image_id` is the volume that holds the data of then."""
    found = _rows(rd, parents)
    now = rd.get_many(Disk, {row.disk_id for rows in found.values() for row in rows})
    return {p: [_disk(row, now[row.disk_id], call) for row in rows if row.disk_id in now] for p, rows in found.items()}


def _disk(row: SnapshotDisk, now: Disk, call: Call) -> Disk:
    vm = call.ids[0] if call.ids else ""
    where = f"/vms/{vm}/snapshots/{row.snapshot_id}" if vm else None
    return replace(
        row.disk,
        id=row.disk_id,
        image_id=row.volume_id,
        status=now.status,
        vms=None,
        snapshot=Snapshot(id=row.snapshot_id, href=where),
    )


def v3_context(rd: Reader, found: Sequence[Disk]) -> V3Context:
    """Attachments, which v3's disks hold."""
    attachments: dict[str, DiskAttachment] = {}
    for held in rd.find(VmDisk, disk_id=[str(d.id) for d in found]):
        attachments[held.disk_id] = held.attachment
    for disk in found:
        row = rd.get(SnapshotDisk, f"{disk.snapshot.id}/{disk.id}") if disk.snapshot is not None else None
        if row is not None:
            attachments[row.disk_id] = row.attachment
    return V3Context(attachments=attachments)


def _nics_now(rd: Reader, vm_ids: Sequence[str]) -> dict[str, list[Nic]]:
    out: dict[str, list[Nic]] = {i: [] for i in vm_ids}
    for row in rd.find_in_order(VmNic, ("name_key",), vm_id=list(vm_ids)):
        out[row.vm_id].append(replace(row.nic, id=row.id))
    return out


def nics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Nic]]:
    """NICs as they were."""
    rows = rd.get_many(VmSnapshot, parents)
    owners = _owners(rd, parents)
    now = _nics_now(rd, list(owners.values()))
    return {p: list(rows[p].nics) if p in rows else now[owners[p]] for p in parents}


def cdroms(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Cdrom]]:
    """The CD-ROM as it was."""
    rows = rd.get_many(VmSnapshot, parents)
    owners = _owners(rd, parents)
    now = {row.vm_id: row for row in rd.find(VmCdrom, vm_id=list(owners.values()))}
    out: dict[str, list[Cdrom]] = {}
    for p in parents:
        vm_id = rows[p].vm_id if p in rows else owners[p]
        cdrom = rows[p].cdrom if p in rows else now[vm_id].cdrom if vm_id in now else None
        out[p] = [replace(cdrom, id=cdrom.id or "00000000-0000-0000-0000-000000000000")] if cdrom is not None else []
    return out


# -- volumes one by one -------------------------------------------------------------------------------------------------


def disk_snapshots(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[DiskSnapshot]]:
    """Volumes of disks that snapshots stand on, and with `include_active` what the VM writes to."""
    out: dict[str, list[DiskSnapshot]] = {p: [] for p in parents}
    images = rd.get_many(DiskImage, parents)
    documents = rd.get_many(Disk, parents)
    parents_of = {layer.id: layer.parent for layer in rd.find(DiskLayer, disk_id=list(parents))}
    for row in rd.find_in_order(SnapshotDisk, ("snapshot_id",), disk_id=list(parents)):
        out[row.disk_id].append(_volume(row.disk, row.disk_id, row.volume_id, parents_of, row.snapshot_id))
    if call.flag("include_active"):
        for disk_id, image in images.items():
            out[disk_id].append(_volume(documents[disk_id], disk_id, image.volume_id, parents_of, None))
    return out


def disk_snapshots_of_domain(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[DiskSnapshot]]:
    """The same for all disks of storage domains."""
    held: dict[str, list[str]] = {p: [str(d.id) for d in rd.find(Disk, storage_domain_id=p)] for p in parents}
    found = disk_snapshots(rd, call, [d for ids in held.values() for d in ids])
    return {p: [s for d in ids for s in found[d]] for p, ids in held.items()}


def _volume(disk: Disk, disk_id: str, volume: str, parents: Mapping[str, str], snapshot_id: str | None) -> DiskSnapshot:
    values = {name: getattr(disk, name) for name in disk.__struct_fields__ if name not in ("href", "vms")}
    found = DiskSnapshot(**values)
    below = parents.get(volume)
    return replace(
        found,
        id=volume,
        image_id=volume,
        disk=Disk(id=disk_id),
        parent=DiskSnapshot(id=below) if below else None,
        snapshot=Snapshot(id=snapshot_id) if snapshot_id else None,
        storage_domains=[StorageDomain(id=s.id) for s in disk.storage_domains or ()] or None,
    )
