"""Rows of snapshots: what a VM was, which volume holds each disk's state, and how volumes lie upon each other.

Does: private structs and tables. A disk without snapshots has no layers: its one volume is in its image's row.
Follows: oVirt's snapshot types and statuses; VDSM's chains of volumes.
"""

import uuid
from datetime import datetime

from msgspec import Struct

from ovis.engine.model.enums import SnapshotStatus, SnapshotType
from ovis.engine.model.types import Cdrom, Disk, DiskAttachment, Nic, Vm
from ovis.engine.resources.vms.state import MemoryImage
from ovis.engine.store.tables import Column, Table

_ACTIVE = uuid.UUID("5a5a5a5a-0000-0000-0000-000000000000").int


def active_id(vm_id: str) -> str:
    """Id of the snapshot that stands for the VM as it is. The same of that id gives the VM's back."""
    return str(uuid.UUID(int=uuid.UUID(vm_id).int ^ _ACTIVE))


class VmSnapshot(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A VM at a moment. kind: regular, preview (what a preview covers) or stateless. vm, nics, cdrom: its configuration.
    memory: of the guest, if it was saved."""

    id: str
    vm_id: str
    kind: SnapshotType
    status: SnapshotStatus
    date: datetime
    description: str = ""
    vm: Vm | None = None
    nics: tuple[Nic, ...] = ()
    cdrom: Cdrom | None = None
    memory: MemoryImage | None = None


class SnapshotDisk(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A disk in a snapshot. id: `SNAPSHOT/DISK`. volume_id: what holds its data of then; disk, attachment: what they were.
    illegal: a merge into this volume broke off, so it is not what it was any more; the VM itself is not hurt."""

    id: str
    snapshot_id: str
    disk_id: str
    volume_id: str
    disk: Disk
    attachment: DiskAttachment
    illegal: bool = False


class DiskLayer(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A volume that lies upon another of its image. id: the volume's. doomed: nothing needs it, it is being deleted."""

    id: str
    disk_id: str
    parent: str
    doomed: bool = False


SNAPSHOTS = Table(
    name="vm_snapshots",
    type=VmSnapshot,
    columns=(
        Column(name="vm_id", references="vms", on_delete="cascade"),
        Column(name="kind", index=False),
        Column(name="date", kind="time", index=False),
    ),
)
DISKS = Table(
    name="snapshot_disks",
    type=SnapshotDisk,
    columns=(
        Column(name="snapshot_id", references="vm_snapshots", on_delete="cascade"),
        Column(name="disk_id", references="disks", on_delete="cascade"),
    ),
)
LAYERS = Table(
    name="disk_layers",
    type=DiskLayer,
    columns=(Column(name="disk_id", references="disks", on_delete="cascade"), Column(name="parent", index=False)),
)
TABLES = (SNAPSHOTS, DISKS, LAYERS)
