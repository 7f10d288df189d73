"""What lies on a storage domain: its disks, and the VMs and templates with disks on it.

Does: the collections below a domain; dropping their rows when the domain leaves the engine. Does not: read what is on
the storage itself: nothing there is unregistered, since nothing is left behind for a later import.
Follows: API facts, storage domain content; detaching a data domain takes its VMs and templates along.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import PUBLIC, Op, Param, Resource
from ovis.engine.model.types import Disk, DiskAttachment, Statistic, Template, Vm
from ovis.engine.resources.disks.resource import statistics
from ovis.engine.resources.disks.tables import TemplateDisk, VmDisk
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.store.session import Reader, Tx

_UNREGISTERED = (Param(name="unregistered", doc="Only what lies on the storage and is not known to the engine."),)


def disks_of(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Disk]]:
    """The disks of each domain; they live at /disks."""
    found: dict[str, list[Disk]] = {p: [] for p in parents}
    if call.flag("unregistered"):
        return found
    for disk in rd.find(Disk, storage_domain_id=list(parents)):
        for domain in disk.storage_domains or ():
            if str(domain.id) in found:
                found[str(domain.id)].append(replace(disk, href=f"/disks/{disk.id}"))
    return found


def _owners(type_: Any, table: str, column: str) -> Any:
    def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Any]]:
        out: dict[str, list[Any]] = {p: [] for p in parents}
        if call.flag("unregistered"):
            return out
        disks, links = rd.schema.sql["disks"], rd.schema.sql[table]
        query = (
            disks.join(links, links.c.disk_id == disks.c.id)
            .select()
            .with_only_columns(disks.c.storage_domain_id, links.c[column])
            .where(disks.c.storage_domain_id.in_(list(parents)))
            .distinct()
        )
        rows = rd.rows(query)
        objects = rd.get_many(type_, [r[1] for r in rows])
        for parent, owner in rows:
            if owner in objects:
                out[parent].append(objects[owner])
        for found in out.values():
            found.sort(key=lambda o: str(o.name).lower())
        return out

    return listed


def _links(type_: Any, column: str) -> Any:
    def rows(rd: Reader, parents: Sequence[str]) -> list[Any]:
        sql = rd.sql(type_)
        found: list[Any] = rd.select(type_, sql.c[column].in_(list(parents)), order=[sql.c.version])
        return found

    return rows


def _disks_of_owner(type_: Any, column: str) -> Any:
    rows = _links(type_, column)

    def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Disk]]:
        links = rows(rd, parents)
        found = rd.get_many(Disk, [r.disk_id for r in links])
        out: dict[str, list[Disk]] = {p: [] for p in parents}
        for row in links:
            out[getattr(row, column)].append(replace(found[row.disk_id], href=f"/disks/{row.disk_id}"))
        return out

    return listed


def _attachments(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[DiskAttachment]]:
    out: dict[str, list[DiskAttachment]] = {p: [] for p in parents}
    for row in _links(VmDisk, "vm_id")(rd, parents):
        vm, disk = Vm(id=row.vm_id), Disk(id=row.disk_id)
        out[row.vm_id].append(replace(row.attachment, id=row.disk_id, disk=disk, vm=vm))
    return out


DISKS_OF_DOMAIN = Resource(
    type=Disk,
    collection="disks",
    object_type="disk",
    list=Op(run=disks_of, needs=PUBLIC, params=_UNREGISTERED),
    get=Op(needs=PUBLIC),
    subs=(
        Resource(type=Statistic, collection="statistics", list=Op(run=statistics, needs=PUBLIC), get=Op(needs=PUBLIC)),
        permissions_of("disk"),
    ),
)
VMS_OF_DOMAIN = Resource(
    type=Vm,
    collection="vms",
    object_type="vm",
    list=Op(run=_owners(Vm, "disk_attachments", "vm_id"), needs=PUBLIC, params=_UNREGISTERED),
    get=Op(needs=PUBLIC),
    subs=(
        Resource(
            type=DiskAttachment,
            collection="diskattachments",
            v3_collection="",
            list=Op(run=_attachments, needs=PUBLIC),
            get=Op(needs=PUBLIC),
        ),
        Resource(
            type=Disk,
            collection="disks",
            object_type="disk",
            list=Op(run=_disks_of_owner(VmDisk, "vm_id"), needs=PUBLIC),
            get=Op(needs=PUBLIC),
        ),
    ),
)
TEMPLATES_OF_DOMAIN = Resource(
    type=Template,
    collection="templates",
    object_type="template",
    list=Op(run=_owners(Template, "template_disk_attachments", "template_id"), needs=PUBLIC, params=_UNREGISTERED),
    get=Op(needs=PUBLIC),
    subs=(
        Resource(
            type=Disk,
            collection="disks",
            object_type="disk",
            list=Op(run=_disks_of_owner(TemplateDisk, "template_id"), needs=PUBLIC),
            get=Op(needs=PUBLIC),
        ),
    ),
)


def forget_contents(tx: Tx, storage_domain_id: str) -> None:
    """Drop the rows of the domain's disks with their attachments."""
    for disk in tx.find(Disk, storage_domain_id=storage_domain_id):
        for name in ("disk_attachments", "template_disk_attachments"):
            sql = tx.schema.sql[name]
            tx.connection.execute(sql.delete().where(sql.c.disk_id == disk.id))
        images = tx.schema.sql["disk_images"]
        tx.connection.execute(images.delete().where(images.c.id == disk.id))
        tx.delete(Disk, str(disk.id))
