"""Disks of a template: /templates/ID/diskattachments, and v3's /templates/ID/disks."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import PUBLIC, Op, Resource
from ovis.engine.model.types import Disk, DiskAttachment, Template
from ovis.engine.resources.disks.attachments import v3_context
from ovis.engine.resources.disks.tables import TemplateDisk
from ovis.engine.store.session import Reader


def _rows(rd: Reader, parents: Sequence[str]) -> list[TemplateDisk]:
    sql = rd.sql(TemplateDisk)
    return rd.select(TemplateDisk, sql.c.template_id.in_(list(parents)), order=[sql.c.version])


def _listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[DiskAttachment]]:
    out: dict[str, list[DiskAttachment]] = {p: [] for p in parents}
    for row in _rows(rd, parents):
        template, disk = Template(id=row.template_id), Disk(id=row.disk_id)
        out[row.template_id].append(replace(row.attachment, id=row.disk_id, disk=disk, template=template))
    return out


def _v3_listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Disk]]:
    rows = _rows(rd, parents)
    found = rd.get_many(Disk, [r.disk_id for r in rows])
    out: dict[str, list[Disk]] = {p: [] for p in parents}
    for row in rows:
        out[row.template_id].append(found[row.disk_id])
    return out


ATTACHMENTS_OF_TEMPLATE = Resource(
    type=DiskAttachment,
    collection="diskattachments",
    v3_collection="",
    list=Op(run=_listed, needs=PUBLIC),
    get=Op(needs=PUBLIC),
)
DISKS_OF_TEMPLATE_V3 = Resource(
    type=Disk,
    collection="disks",
    in_v4=False,
    object_type="disk",
    v3_context=v3_context,
    list=Op(run=_v3_listed, needs=PUBLIC),
    get=Op(needs=PUBLIC),
)
