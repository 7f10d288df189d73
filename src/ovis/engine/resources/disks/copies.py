"""New disks for others' data: where they lie, in which form. What VMs and templates ask when they are made.

Does: follow the client's wishes, else stay beside the source; refuse what has no room. Does not: copy (sets).
"""

from msgspec.structs import replace

from ovis.engine.access.check import require
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.model.enums import DiskFormat, DiskStatus, QcowVersion
from ovis.engine.model.types import Disk, StorageDomain
from ovis.engine.resources import bodies
from ovis.engine.resources.disks import resource as disks
from ovis.engine.resources.disks.tables import DiskImage
from ovis.engine.resources.quotas import consumption as quotas
from ovis.engine.store.session import Tx

_LAYER = 1 << 20


def planned(
    tx: Tx,
    call: Call,
    source: Disk,
    origin: DiskImage,
    wish: Disk | None = None,
    *,
    place: StorageDomain | None = None,
    layered: bool = False,
    needs_permit: bool = True,
) -> tuple[Disk, DiskImage]:
    """A new, locked disk and its place. wish: what the client says of it; place: for all disks; layered: upon the source."""
    wish = wish or Disk()
    reference = wish.storage_domains[0] if wish.storage_domains else wish.storage_domain or place
    domain, pool = disks.active_domain(tx, reference or StorageDomain(id=origin.domain_id))
    if needs_permit:
        require(tx, call, Permit.CREATE_DISK, "storage_domain", str(domain.id))
    if layered and domain.id != origin.domain_id:
        raise refuse(
            "ACTION_TYPE_FAILED_STORAGE_DOMAIN_NOT_MATCH_TEMPLATE",
            "A thin disk lies on its template's storage domain.",
            "Clone instead.",
        )
    bodies.raise_all(disks.space_refusals(domain, _LAYER if layered else source.total_size or source.actual_size or 0))
    fmt = DiskFormat.COW if layered else wish.format or source.format or DiskFormat.RAW
    sparse = True if fmt is DiskFormat.COW else wish.sparse if wish.sparse is not None else source.sparse
    disk_id, volume = bodies.new_id(), bodies.new_id()
    name = wish.alias or wish.name or source.alias
    disk = replace(
        source,
        id=disk_id,
        name=name,
        alias=name,
        format=fmt,
        sparse=sparse,
        status=DiskStatus.LOCKED,
        qcow_version=QcowVersion.QCOW2_V3 if fmt is DiskFormat.COW else None,
        actual_size=0,
        total_size=0,
        image_id=volume,
        storage_domains=[StorageDomain(id=domain.id)],
        vms=None,
        snapshot=None,
        quota=quotas.checked(tx, pool, wish.quota),
    )
    quotas.store(tx, call, disk, pool, str(domain.id), disk.provisioned_size or 0)
    image = DiskImage(
        id=disk_id,
        pool_id=pool,
        domain_id=str(domain.id),
        image_id=disk_id,
        volume_id=volume,
        parent=origin.id if layered else None,
    )
    return disk, image
