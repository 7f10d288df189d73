"""Rows of disks: the API's document, its image on storage, and who uses it."""

from msgspec import Struct

from ovis.engine.model.types import Disk, DiskAttachment
from ovis.engine.store.tables import Column, Table, name_columns


class DiskImage(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Where a disk's data is: VDSM's four ids. id: the disk's. parent: disk of a template it is layered upon."""

    id: str
    pool_id: str
    domain_id: str
    image_id: str
    volume_id: str
    parent: str | None = None

    def pdiv(self) -> dict[str, str]:
        """VDSM's form."""
        return {
            "poolID": self.pool_id,
            "domainID": self.domain_id,
            "imageID": self.image_id,
            "volumeID": self.volume_id,
        }

    def verb_ids(self) -> dict[str, str]:
        """Parameters of volume verbs."""
        return {
            "storagepoolID": self.pool_id,
            "storagedomainID": self.domain_id,
            "imageID": self.image_id,
            "volumeID": self.volume_id,
        }


class VmDisk(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A disk on a VM. id: `VM/DISK`; the attachment's own id is the disk's."""

    id: str
    vm_id: str
    disk_id: str
    attachment: DiskAttachment


class TemplateDisk(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A disk on a template. id: `TEMPLATE/DISK`."""

    id: str
    template_id: str
    disk_id: str
    attachment: DiskAttachment


DISKS = Table(
    name="disks",
    type=Disk,
    columns=(
        *(c for c in name_columns()),
        Column(name="storage_domain_id", value=lambda d: d.storage_domains[0].id if d.storage_domains else None),
        Column(name="status"),
        Column(name="description", index=False),
        Column(name="provisioned_size", kind="int", index=False),
        Column(name="actual_size", kind="int", index=False),
        Column(name="format", index=False),
        Column(name="storage_type", index=False),
        Column(name="content_type", index=False),
        Column(name="shareable", kind="bool", index=False),
        Column(name="wipe_after_delete", kind="bool", index=False),
        Column(name="quota_id", path="quota.id", index=False),
    ),
)
IMAGES = Table(name="disk_images", type=DiskImage, columns=(Column(name="parent"),))
ATTACHMENTS = Table(
    name="disk_attachments",
    type=VmDisk,
    columns=(
        Column(name="vm_id", references="vms", on_delete="cascade"),
        Column(name="disk_id", references="disks"),
    ),
    unique=(("vm_id", "disk_id"),),
)
TEMPLATE_ATTACHMENTS = Table(
    name="template_disk_attachments",
    type=TemplateDisk,
    columns=(
        Column(name="template_id", references="templates", on_delete="cascade"),
        Column(name="disk_id", references="disks"),
    ),
    unique=(("template_id", "disk_id"),),
)
TABLES = (DISKS, IMAGES, ATTACHMENTS, TEMPLATE_ATTACHMENTS)
