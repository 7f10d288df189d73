"""A VM's snapshots as rows: found, recorded, put back. What commands of snapshots read and write.

Does: record a VM with its devices, give it a recorded configuration, ask what stands in the way. Does not: touch volumes.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from ovis.engine.commands import Lock
from ovis.engine.declare.faults import Kind, NotFound, Refusal, Refused
from ovis.engine.model.enums import DiskStatus, SnapshotStatus, SnapshotType
from ovis.engine.model.types import Disk, Mac, Vm, VnicProfile
from ovis.engine.resources.disks.attachments import disks_of_vm, row_id
from ovis.engine.resources.disks.tables import DiskImage, VmDisk
from ovis.engine.resources.mac_pools import MacUse, allocate, claim, release
from ovis.engine.resources.vms.nics import mac_pool_of
from ovis.engine.resources.vms.snapshots import rules
from ovis.engine.resources.vms.snapshots.tables import SnapshotDisk, VmSnapshot
from ovis.engine.resources.vms.state import MemoryImage, S, VmCdrom, VmNic
from ovis.engine.store.session import Reader, Tx

Attached = Sequence[tuple[VmDisk, Disk, DiskImage]]
CHAINS = "snapshots_of_vm"  # what locks of a VM's snapshots are called
# Of a recorded configuration, what the VM keeps as it is: who it is, what it does now, where it comes from.
KEPT = frozenset(
    """id href name description comment status status_detail host cluster template original_template start_time stop_time
    stop_reason creation_time fqdn guest_operating_system guest_time_zone next_run_configuration_exists run_once
    has_illegal_images vm_pool cpu_profile delete_protected origin use_latest_template_version quota tags""".split()
)


def of_vm(rd: Reader, vm_id: str) -> list[VmSnapshot]:
    """A VM's recorded snapshots, oldest first."""
    return rd.find_in_order(VmSnapshot, ("date", "id"), vm_id=vm_id)


def disks_of(rd: Reader, snapshot_id: str) -> list[SnapshotDisk]:
    """The disks of a snapshot."""
    return rd.find_in_order(SnapshotDisk, ("id",), snapshot_id=snapshot_id)


def refusals(rd: Reader, vm: Vm) -> list[Refusal]:
    """What the VM's other snapshots leave no room for."""
    rows = of_vm(rd, str(vm.id))
    return rules.busy(vm, [r.kind for r in rows], [r.status for r in rows])


def in_preview(rd: Reader, vm: Vm) -> list[Refusal]:
    """The refusal of what a preview leaves no room for."""
    kinds = [r.kind for r in of_vm(rd, str(vm.id)) if r.kind is SnapshotType.PREVIEW]
    return rules.busy(vm, kinds, [])


def unusable(disks: Iterable[Disk], illegal: Collection[str] = ()) -> list[Refusal]:
    """Refusals for disks that are locked or illegal; illegal: ids of more such."""
    rows = list(disks)
    return rules.disks_usable(
        [str(d.alias) for d in rows if d.status is DiskStatus.LOCKED],
        [str(d.alias) for d in rows if d.status is DiskStatus.ILLEGAL or d.id in illegal],
    )


def snapshot_of(rd: Reader, vm: Vm, snapshot_id: str | None) -> VmSnapshot:
    """A snapshot of a VM that a body names. Refused if it is not there."""
    found = rd.get(VmSnapshot, snapshot_id)
    if found is None or found.vm_id != vm.id:
        text = f"VM {vm.name} has no snapshot {snapshot_id}."
        raise Refused([Refusal("ACTION_TYPE_FAILED_VM_SNAPSHOT_DOES_NOT_EXIST", text, "", Kind.CONFLICT)])
    return found


def snapshot_anywhere(rd: Reader, snapshot_id: str) -> VmSnapshot:
    """A snapshot that users took, of any VM; as a body names it."""
    found = rd.get(VmSnapshot, snapshot_id)
    if found is None:
        raise NotFound(f"Snapshot: id={snapshot_id}", named=True)
    if found.kind is not SnapshotType.REGULAR:
        raise Refused([rules.of_another_type(found.description)])
    return found


def copied(attached: Attached) -> Attached:
    """Those of a VM's disks that snapshots hold: shareable ones are left out."""
    return [row for row in attached if not row[1].shareable]


def sources(rd: Reader, row: VmSnapshot) -> list[tuple[SnapshotDisk, Disk, DiskImage]]:
    """The disks of a snapshot as they were, with where they are."""
    held = disks_of(rd, row.id)
    documents = rd.get_many(Disk, [d.disk_id for d in held])
    images = rd.get_many(DiskImage, [d.disk_id for d in held])
    return [
        (d, replace(d.disk, status=documents[d.disk_id].status), images[d.disk_id]) for d in held if d.disk_id in images
    ]


def refusals_to_read(rd: Reader, vm: Vm, row: VmSnapshot) -> list[Refusal]:
    """What stops a snapshot's data from being copied."""
    if row.kind is not SnapshotType.REGULAR:
        return [rules.of_another_type(row.description)]
    held = disks_of(rd, row.id)
    documents = rd.get_many(Disk, [d.disk_id for d in held]).values()
    return rules.busy(vm, [], [row.status]) + unusable(documents, {d.disk_id for d in held if d.illegal})


def insert(
    tx: Tx,
    vm: Vm,
    snapshot_id: str,
    kind: SnapshotType,
    disks: Attached,
    *,
    description: str,
    status: SnapshotStatus = SnapshotStatus.LOCKED,
    memory: MemoryImage | None = None,
) -> VmSnapshot:
    """Write down a VM as it is, with the volumes of these disks."""
    cdrom = tx.one(VmCdrom, vm_id=str(vm.id))
    row = tx.insert(
        VmSnapshot(
            id=snapshot_id,
            vm_id=str(vm.id),
            kind=kind,
            status=status,
            date=datetime.now(UTC),
            description=description,
            vm=vm,
            nics=tuple(n.nic for n in tx.find_in_order(VmNic, ("name_key",), vm_id=str(vm.id))),
            cdrom=cdrom.cdrom if cdrom is not None else None,
            memory=memory,
        )
    )
    for held, disk, image in disks:
        tx.insert(
            SnapshotDisk(
                id=row_id(snapshot_id, held.disk_id),
                snapshot_id=snapshot_id,
                disk_id=held.disk_id,
                volume_id=image.volume_id,
                disk=replace(disk, status=None, vms=None),
                attachment=held.attachment,
            )
        )
    return row


def configured(now: Vm, then: Vm) -> Vm:
    """The VM with a recorded configuration. Pure."""
    kept = {name: getattr(now, name) for name in KEPT if name in now.__struct_fields__}
    return replace(then, **kept)


def put_back(tx: Tx, vm: Vm, row: VmSnapshot) -> Vm:
    """Give a VM the configuration and the NICs of a snapshot; its disks are the caller's."""
    after = configured(vm, row.vm) if row.vm is not None else vm
    if row.vm is not None:
        _nics(tx, after, row)
        cdrom = tx.one(VmCdrom, vm_id=str(vm.id))
        if cdrom is not None and row.cdrom is not None and cdrom.cdrom != row.cdrom:
            tx.update(replace(cdrom, cdrom=row.cdrom, current=None))
    return tx.update(after) if after != vm else vm


def _nics(tx: Tx, vm: Vm, row: VmSnapshot) -> None:
    """NICs come and go; an address that somebody else has taken meanwhile is replaced."""
    pool = mac_pool_of(tx, vm)
    present = {n.id: n for n in tx.find(VmNic, vm_id=str(vm.id))}
    wanted = {str(nic.id): nic for nic in row.nics}
    for nic_id, held in present.items():
        if nic_id in wanted and _mac(held.nic.mac) == _mac(wanted[nic_id].mac):
            continue
        if _mac(held.nic.mac):
            release(tx, pool, _mac(held.nic.mac))
        tx.delete(VmNic, nic_id)
    for nic_id, nic in wanted.items():
        profile = tx.get(VnicProfile, nic.vnic_profile.id) if nic.vnic_profile is not None else None
        nic = replace(nic, vnic_profile=VnicProfile(id=profile.id) if profile is not None else None)
        if tx.get(VmNic, nic_id) is not None:
            tx.update(VmNic(id=nic_id, vm_id=str(vm.id), nic=nic))
            continue
        mac = _mac(nic.mac)
        free = bool(mac) and tx.get(MacUse, f"{pool}/{mac}") is None
        nic = replace(nic, mac=Mac(address=claim(tx, pool, mac) if free else allocate(tx, pool)))
        tx.insert(VmNic(id=nic_id, vm_id=str(vm.id), nic=nic))


def _mac(mac: Mac | None) -> str:
    return (mac.address or "").lower() if mac is not None else ""


def attach_again(tx: Tx, vm_id: str, row: SnapshotDisk) -> None:
    """A disk is on the VM as a snapshot has it."""
    tx.put(VmDisk(id=row_id(vm_id, row.disk_id), vm_id=vm_id, disk_id=row.disk_id, attachment=row.attachment))


def lock(tx: Tx, vm: Vm, disk_ids: Iterable[str]) -> Vm:
    """An operation holds a VM and its disks; a VM that is down shows it."""
    for disk_id in disk_ids:
        disk = tx.get(Disk, disk_id)
        if disk is not None and disk.status is DiskStatus.OK:
            tx.update(replace(disk, status=DiskStatus.LOCKED))
    return tx.update(replace(vm, status=S.IMAGE_LOCKED)) if vm.status in (S.DOWN, S.SUSPENDED) else vm


def unlock(tx: Tx, vm_id: str, disk_ids: Iterable[str], after: str = "down") -> None:
    """It holds them no more. after: what the VM is, if it showed it."""
    for disk_id in disk_ids:
        disk = tx.get(Disk, disk_id)
        if disk is not None and disk.status is DiskStatus.LOCKED:
            tx.update(replace(disk, status=DiskStatus.OK))
    vm = tx.get(Vm, vm_id)
    if vm is not None and vm.status is S.IMAGE_LOCKED:
        tx.update(replace(vm, status=S(after)))


def locks(vm_id: str, disk_ids: Iterable[str]) -> tuple[Lock, ...]:
    """What an operation on a VM's snapshots holds."""
    return (Lock("vm", vm_id), Lock(CHAINS, vm_id), *(Lock("disk", d) for d in disk_ids))


def reading(vm_id: str, disk_ids: Iterable[str]) -> tuple[Lock, ...]:
    """What holds a VM's snapshots as they are while their data is read; the VM itself goes on."""
    return (Lock(CHAINS, vm_id, shared=True), *(Lock("disk", d, shared=True) for d in disk_ids))


def set_status(tx: Tx, snapshot_id: str, status: SnapshotStatus) -> None:
    """Move a snapshot's status, if it is still there."""
    row = tx.get(VmSnapshot, snapshot_id)
    if row is not None and row.status is not status:
        tx.update(replace(row, status=status))


def attached_to(rd: Reader, vm_id: str) -> Attached:
    """A VM's disks."""
    return disks_of_vm(rd, vm_id)


def mark_illegal(tx: Tx, vm_id: str) -> None:
    """The VM says whether any of its snapshots has an illegal disk."""
    vm = tx.get(Vm, vm_id)
    if vm is None:
        return
    rows = tx.find(SnapshotDisk, snapshot_id=[row.id for row in of_vm(tx, vm_id)])
    found = any(row.illegal for row in rows)
    if found != bool(vm.has_illegal_images):
        tx.update(replace(vm, has_illegal_images=found))
