"""What lies on a storage domain: its disks, and the VMs and templates with disks on it.

Does: the collections below a domain; dropping their rows when the domain leaves the engine. Does not: read what is on
the storage itself: nothing there is unregistered, since nothing is left behind for a later import.
Follows: API facts, storage domain content; detaching a data domain takes its VMs and templates along.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Refusal
from ovis.engine.declare.resource import PUBLIC, Op, Param, Resource
from ovis.engine.model.enums import VmStatus
from ovis.engine.model.types import Disk, DiskAttachment, Statistic, Template, Vm
from ovis.engine.resources.disks.commands import forget_disk
from ovis.engine.resources.disks.resource import statistics
from ovis.engine.resources.disks.tables import TemplateDisk, VmDisk
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.resources.templates.commands import forget_template
from ovis.engine.resources.templates.tables import base_id, number
from ovis.engine.resources.vms.nics import mac_pool_of
from ovis.engine.resources.vms.provision import forget_vm
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


# -- leaving with the domain --------------------------------------------------------------------------------------


class Leaving(NamedTuple):
    """What goes when a domain leaves the engine: its disks, and VMs and templates that have no disk elsewhere."""

    disks: list[str]
    vms: list[Vm]
    templates: list[Template]


def leaving(rd: Reader, storage_domain_id: str) -> Leaving:
    """What would go. A template stays, without its disks, while a VM or version that stays is based on it."""
    disks = [str(d.id) for d in rd.find(Disk, storage_domain_id=storage_domain_id)]

    def owners(type_: Any, column: str) -> list[str]:
        touched = {getattr(row, column) for row in rd.find(type_, disk_id=disks)}
        everything = rd.find(type_, **{column: sorted(touched)})
        staying = {getattr(row, column) for row in everything if row.disk_id not in set(disks)}
        return sorted(touched - staying)

    vms = list(rd.get_many(Vm, owners(VmDisk, "vm_id")).values()) if disks else []
    templates = list(rd.get_many(Template, owners(TemplateDisk, "template_id")).values()) if disks else []
    going = {str(vm.id) for vm in vms}
    used = {
        str(vm.template.id)
        for vm in rd.find(Vm, template_id=[str(t.id) for t in templates])
        if vm.template and str(vm.id) not in going
    }
    templates = [t for t in templates if t.id not in used]
    versions = {str(t.id) for t in templates}
    bases = {base_id(t) for t in rd.find(Template, base_id=sorted(versions)) if str(t.id) not in versions}
    return Leaving(disks, vms, [t for t in templates if t.id not in bases])


def refusals_to_leave(rd: Reader, storage_domain_id: str) -> list[Refusal]:
    """Everything about the contents that stops a domain from leaving the engine."""
    found, reasons = leaving(rd, storage_domain_id), []
    protected = [str(o.name) for o in (*found.vms, *found.templates) if o.delete_protected]
    if protected:
        reasons.append(
            Refusal(
                "ACTION_TYPE_FAILED_STORAGE_DELETE_PROTECTED",
                f"VMs or templates that would go with it are protected: {', '.join(sorted(protected)[:10])}.",
                "Switch their delete protection off first.",
            )
        )
    users = rd.get_many(Vm, {row.vm_id for row in rd.find(VmDisk, disk_id=found.disks)}) if found.disks else {}
    pooled = [str(vm.name) for vm in users.values() if vm.vm_pool is not None]
    if pooled:
        reasons.append(
            Refusal(
                "ACTION_TYPE_FAILED_STORAGE_VMS_IN_POOL",
                f"VMs of pools have disks on it: {', '.join(sorted(pooled)[:10])}.",
                "Detach them from their pools first.",
            )
        )
    suspended = [str(vm.name) for vm in users.values() if vm.status is VmStatus.SUSPENDED]
    if suspended:
        reasons.append(
            Refusal(
                "ACTION_TYPE_FAILED_DETECTED_ACTIVE_VMS",
                f"Suspended VMs have disks on it: {', '.join(sorted(suspended)[:10])}.",
                "Resume and shut them down, or stop them.",
            )
        )
    return reasons


def forget_contents(tx: Tx, storage_domain_id: str) -> None:
    """Drop the rows of the domain's disks, and of VMs and templates that have no disk elsewhere; see `leaving`."""
    found = leaving(tx, storage_domain_id)
    for vm in found.vms:
        forget_vm(tx, str(vm.id), mac_pool_of(tx, vm))
    for disk_id in found.disks:
        forget_disk(tx, disk_id)
    for template in sorted(found.templates, key=number, reverse=True):  # versions before their base
        forget_template(tx, str(template.id))
