"""What lies on a storage domain: disks and templates that go from the engine with it.

Follows: detaching a data domain takes its disks along; removing it forgets them.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.model.types import Disk
from ovis.engine.store.session import Reader, Tx


def disks_of(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Disk]]:
    """The disks of each domain; they live at /disks."""
    found: dict[str, list[Disk]] = {p: [] for p in parents}
    for disk in rd.find(Disk, storage_domain_id=list(parents)):
        for domain in disk.storage_domains or ():
            if str(domain.id) in found:
                found[str(domain.id)].append(replace(disk, href=f"/disks/{disk.id}"))
    return found


def forget_contents(tx: Tx, storage_domain_id: str) -> None:
    """Drop the rows of the domain's disks with their attachments."""
    for disk in tx.find(Disk, storage_domain_id=storage_domain_id):
        for name in ("disk_attachments", "template_disk_attachments"):
            sql = tx.schema.sql[name]
            tx.connection.execute(sql.delete().where(sql.c.disk_id == disk.id))
        images = tx.schema.sql["disk_images"]
        tx.connection.execute(images.delete().where(images.c.id == disk.id))
        tx.delete(Disk, str(disk.id))
