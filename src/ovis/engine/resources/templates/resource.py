"""Templates: /templates.

Does: Blank, templates and versions made from a VM that is down or from a snapshot, update, remove; what lies below.
Does not: export, seal, or make templates from configurations yet.
Follows: template part of the status matrix, permits, defaults and limits of engine 4.5.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from ovis.engine.access.check import require
from ovis.engine.access.grants import grant_on_creation
from ovis.engine.commands import Lock, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Kind, Refusal, refuse
from ovis.engine.declare.ids import BLANK_TEMPLATE
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Param, Resource, Started
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import (
    DiskStatus,
    LogSeverity,
    TemplateStatus,
    VmStatus,
)
from ovis.engine.model.types import (
    Cdrom,
    Cluster,
    CpuProfile,
    Disk,
    Template,
    TemplateVersion,
    Vm,
    VmBase,
    VmPool,
)
from ovis.engine.resources import bodies, cross_search as cross
from ovis.engine.resources.bodies import TextRule
from ovis.engine.resources.custom_properties import checks as custom_checks
from ovis.engine.resources.disks import copies
from ovis.engine.resources.disks.attachments import disks_of_vm, row_id
from ovis.engine.resources.disks.tables import TemplateDisk
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.resources.tags import tags_of
from ovis.engine.resources.templates import devices
from ovis.engine.resources.templates.commands import ADD, REMOVE, TemplateParams, forget_template
from ovis.engine.resources.templates.disks import ATTACHMENTS_OF_TEMPLATE, DISKS_OF_TEMPLATE_V3
from ovis.engine.resources.templates.nics import NICS_OF_TEMPLATE, create as create_nic
from ovis.engine.resources.templates.tables import TEMPLATES, base_id, number
from ovis.engine.resources.vms import defaults
from ovis.engine.resources.vms.mediated import MEDIATED_OF_TEMPLATE
from ovis.engine.resources.vms.snapshots import state as snapshots
from ovis.engine.resources.vms.state import VmNic
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx

N = LogSeverity.NORMAL
BEGUN = Audit(code=29, severity=N, text="Creation of template {template} from VM {vm} was begun by {user}.")
UPDATED = Audit(code=49, severity=N, text="Template {template} configuration was updated by {user}.")
REMOVED = Audit(code=251, severity=N, text="Template {template} was removed by {user}.")
NAME_RULE = TextRule(255, 1, bodies.NAME, too_long="VALIDATION_VM_TEMPLATE_NAME_MAX")
TEXT_RULE = TextRule(255)
_BASE = tuple(f for f in VmBase.__struct_fields__ if f not in ("id", "name", "description", "comment", "href"))
_KEEP = ("status", "creation_time", "version", "vm", "origin")


def seed(tx: Tx) -> None:
    """Blank, which belongs to no cluster."""
    if tx.get(Template, BLANK_TEMPLATE) is not None:
        return
    values = {f: getattr(defaults.blank(), f) for f in _BASE}
    blank = replace(
        Template(**values),
        id=BLANK_TEMPLATE,
        name="Blank",
        description="Blank template",
        comment="",
        creation_time=datetime(2008, 3, 31, 21, tzinfo=UTC),
        status=TemplateStatus.OK,
        version=_version(BLANK_TEMPLATE, 1, "base version"),
    )
    tx.insert(blank)


def _version(base: str, found: int, name: str) -> TemplateVersion:
    return TemplateVersion(base_template=Template(id=base), version_number=found, version_name=name)


def versions(rd: Reader, base: str) -> list[Template]:
    """A base and its versions, by number."""
    return sorted(rd.find(Template, base_id=base), key=number)


def _check(rd: Reader, template: Template) -> None:
    bodies.raise_all(
        bodies.text_refusals(template.name, "name", NAME_RULE)
        + bodies.text_refusals(template.description, "description", TEXT_RULE)
        + custom_checks.of_vm(rd, template, "template")
    )
    if template.cluster is None:
        return
    cluster = rd.need(Cluster, template.cluster.id)
    scope = [str(c.id) for c in rd.find(Cluster, data_center_id=cluster.data_center.id if cluster.data_center else "")]
    for other in rd.find(Template, name_key=(template.name or "").lower(), cluster_id=scope):
        if base_id(other) != base_id(template):
            raise refuse(
                "ACTION_TYPE_FAILED_NAME_ALREADY_USED", f"The name {template.name} is already used.", "Choose another."
            )


def _next_version(tx: Tx, body: Template, made: Template) -> Template:
    """The template as a version of the base that the body names, or as a base of its own."""
    named = body.version.base_template if body.version else None
    if named is None or (named.id is None and named.name is None):
        return replace(made, version=_version(str(made.id), 1, "base version"))
    base = bodies.resolve(tx, Template, named)
    if base.id == BLANK_TEMPLATE:
        raise refuse("VMT_CANNOT_ADD_BLANK_SUB_TEMPLATE", "Blank has no versions.", bad=True)
    found = versions(tx, base_id(base))
    label = (body.version.version_name if body.version else None) or ""
    return replace(made, name=found[0].name, version=_version(base_id(base), number(found[-1]) + 1, label))


def add(tx: Tx, call: Call, body: Template) -> Started:
    """POST /templates: from a VM that is down, or from a snapshot, whatever its VM does."""
    named = next((s.id for s in (body.vm.snapshots if body.vm else None) or () if s.id is not None), None)
    vm = bodies.resolve(tx, Vm, body.vm)
    snapshot = snapshots.snapshot_of(tx, vm, named) if named is not None else None
    attached: Sequence[Any] = snapshots.sources(tx, snapshot) if snapshot else disks_of_vm(tx, str(vm.id))
    home = tx.need(Cluster, vm.cluster.id if vm.cluster else None)
    if home.data_center is not None:
        require(tx, call, Permit.CREATE_TEMPLATE, "data_center", str(home.data_center.id))
    locked = [str(d.alias) for _, d, _ in attached if d.status is DiskStatus.LOCKED]
    if snapshot is not None:
        bodies.raise_all(snapshots.refusals_to_read(tx, vm, snapshot))
    else:
        bodies.raise_all(_refusals_to_make(vm, locked))
    cluster = bodies.resolve(tx, Cluster, body.cluster if body.cluster and _names(body.cluster) else vm.cluster)
    then = snapshot.vm if snapshot is not None and snapshot.vm is not None else vm
    values = {f: getattr(then, f) for f in _BASE}
    given = replace(bodies.without_subs(body), vm=None, cluster=None, version=None)
    profile = tx.one(CpuProfile, cluster_id=str(cluster.id))
    made = replace(
        bodies.merge(Template(**values), given, keep=_KEEP),
        id=bodies.new_id(),
        name=body.name,
        description=body.description if body.description is not None else vm.description,
        comment=body.comment if body.comment is not None else "",
        cluster=Cluster(id=cluster.id),
        cpu_profile=body.cpu_profile or (CpuProfile(id=profile.id) if profile else None),
        creation_time=call.now,
        delete_protected=bool(body.delete_protected),
        status=TemplateStatus.LOCKED,
        origin="ovirt",
    )
    made = _next_version(tx, body, made)
    _check(tx, made)
    planned = _plan(tx, call, body, attached)
    tx.insert(made)
    for row, _source, disk, image in planned:
        tx.insert(disk)
        tx.insert(image)
        tx.insert(
            TemplateDisk(
                id=row_id(str(made.id), str(disk.id)),
                template_id=str(made.id),
                disk_id=str(disk.id),
                attachment=replace(row.attachment, active=True, logical_name=None),
            )
        )
        grant_on_creation(tx, call, "disk", str(disk.id))
    for nic in snapshot.nics if snapshot is not None else [n.nic for n in tx.find(VmNic, vm_id=str(vm.id))]:
        create_nic(tx, made, nic)
    devices.take(tx, str(made.id), str(vm.id))
    grant_on_creation(tx, call, "template", str(made.id))
    if planned and snapshot is None:
        tx.update(replace(vm, status=VmStatus.IMAGE_LOCKED))
    record(tx, BEGUN, call=call, template=made, vm=vm)
    return begin(
        tx,
        ADD,
        TemplateParams(
            template_id=str(made.id),
            vm_id=str(vm.id) if planned and snapshot is None else "",
            volumes={row.disk_id: row.volume_id for row, _, _ in attached} if snapshot is not None else {},
            copies=tuple((str(source.id), str(disk.id)) for _, source, disk, _ in planned),
        ),
        call=call,
        locks=(
            Lock("template", str(made.id)),
            *(
                snapshots.reading(str(vm.id), [row.disk_id for row, _, _ in attached])
                if snapshot
                else [Lock("vm", str(vm.id))]
            ),
            *(Lock("disk", str(disk.id)) for _, _, disk, _ in planned),
        ),
        subjects=(("template", str(made.id)),),
        entity=made,
    )


def _names(reference: Any) -> bool:
    return reference.id is not None or reference.name is not None


def _refusals_to_make(vm: Vm, locked: Sequence[str]) -> list[Refusal]:
    found = []
    if vm.status is not VmStatus.DOWN:
        status = vm.status.value if vm.status else "unknown"
        found.append(
            Refusal(
                "VMT_CANNOT_CREATE_TEMPLATE_FROM_DOWN_VM",
                f"Cannot make a template of VM {vm.name}: it is {status}.",
                "It must be down.",
            )
        )
    if locked:
        found.append(Refusal("ACTION_TYPE_FAILED_DISKS_LOCKED", f"These disks are locked: {', '.join(locked)}."))
    return found


def _plan(tx: Tx, call: Call, body: Template, attached: Sequence[Any]) -> list[Any]:
    """(the VM's row, its disk, new disk, new image) for every disk that is copied; shareable ones are left out."""
    wanted = (body.vm.disk_attachments if body.vm else None) or body.disk_attachments or ()
    wishes: dict[str, Disk] = {}
    for each in wanted:
        key = (each.disk.id if each.disk else None) or each.id
        if key is not None:
            wishes[key] = each.disk or Disk()
    out = []
    for row, source, origin in attached:
        if source.shareable:
            continue
        wish = wishes.get(row.disk_id)
        disk, image = copies.planned(tx, call, source, origin, wish, place=body.storage_domain, needs_permit=False)
        out.append((row, source, disk, image))
    return out


def update(tx: Tx, call: Call, body: Template) -> Template:
    """PUT /templates/ID. A base's name goes to its versions."""
    old = tx.need(Template, call.ids[-1])
    new = bodies.merge(old, replace(bodies.without_subs(body), cluster=None), keep=_KEEP)
    if body.cluster is not None and _names(body.cluster) and old.id != BLANK_TEMPLATE:
        new = replace(new, cluster=Cluster(id=bodies.resolve(tx, Cluster, body.cluster).id))
    if body.version is not None and body.version.version_name and number(old) > 1:
        new = replace(new, version=_version(base_id(old), number(old), body.version.version_name))
    if old.id == BLANK_TEMPLATE and new.name != old.name:
        raise refuse("VMT_CANNOT_EDIT_BLANK_TEMPLATE", "Blank keeps its name.")
    _check(tx, new)
    if new == old:
        return old
    tx.update(new)
    if new.name != old.name:
        for other in versions(tx, base_id(old)):
            if other.id != old.id:
                tx.update(replace(other, name=new.name))
    record(tx, UPDATED, call=call, template=new)
    return new


def refusals_to_remove(template: Template, *, vms: Sequence[str]) -> list[Refusal]:
    """Everything that stops a removal. vms: names of VMs made from it."""
    found = []
    if template.id == BLANK_TEMPLATE:
        found.append(Refusal("VMT_CANNOT_REMOVE_BLANK_TEMPLATE", "Blank cannot be removed.", "", Kind.CONFLICT))
    if template.status is TemplateStatus.LOCKED:
        found.append(
            Refusal("VM_TEMPLATE_IMAGE_IS_LOCKED", f"Template {template.name} is locked.", "Wait for its task to end.")
        )
    if template.delete_protected:
        found.append(
            Refusal(
                "ACTION_TYPE_FAILED_DELETE_PROTECTION_ENABLED",
                f"Template {template.name} is protected against deletion.",
                "Switch its delete protection off first.",
            )
        )
    if vms:
        found.append(
            Refusal(
                "VMT_CANNOT_REMOVE_DETECTED_DERIVED_VM",
                f"VMs were made from template {template.name}: {', '.join(vms[:10])}.",
                "Remove them first, or clone them.",
            )
        )
    return found


def remove(tx: Tx, call: Call, body: Any) -> Started | None:
    """DELETE /templates/ID: with its disks. A base's role goes to the version with the lowest number."""
    template = tx.need(Template, call.ids[-1])
    users = [str(vm.name) for vm in tx.find(Vm, template_id=str(template.id))]
    users += [f"pool {pool.name}" for pool in tx.find(VmPool, template_id=str(template.id))]
    bodies.raise_all(refusals_to_remove(template, vms=users))
    heirs = [t for t in versions(tx, str(template.id)) if t.id != template.id] if number(template) == 1 else []
    for heir in heirs:
        version = _version(str(heirs[0].id), number(heir), (heir.version.version_name if heir.version else "") or "")
        tx.update(replace(heir, version=version))
    doomed = [row.disk_id for row in tx.find(TemplateDisk, template_id=str(template.id))]
    if not doomed:
        forget_template(tx, str(template.id))
        record(tx, REMOVED, call=call, template=template)
        return None
    tx.update(replace(template, status=TemplateStatus.LOCKED))
    for disk_id in doomed:
        tx.update(replace(tx.need(Disk, disk_id), status=DiskStatus.LOCKED))
    return begin(
        tx,
        REMOVE,
        TemplateParams(template_id=str(template.id), copies=tuple(("", d) for d in doomed)),
        call=call,
        locks=(Lock("template", str(template.id)), *(Lock("disk", d) for d in doomed)),
        subjects=(("template", str(template.id)),),
    )


# -- below ----------------------------------------------------------------------------------------------------------


def _nothing(type_: Any, collection: str) -> Resource:
    return Resource(type=type_, collection=collection, list=Op(run=bodies.nothing, needs=PUBLIC), get=Op(needs=PUBLIC))


SEARCH = SearchObject(
    table=TEMPLATES,
    prefix="Template",
    fields={
        "name": Field("text", "name"),
        "comment": Field("text", "comment"),
        "description": Field("text", "description"),
        "status": Field("enum", "status"),
        "os": Field("text", "os_type"),
        "creationdate": Field("date", "creation_time"),
        "mem": Field("int", "memory", unit=1 << 20),
        "architecture": Field("enum", "architecture"),
        "version_name": Field("text", "version_name"),
        "version_number": Field("int", "version_number"),
        "tag": Field(
            "text",
            via=Join(
                "tag_assignments", "id", "tag_id", "object_id", then=Join("tags", "tag_id", "name", tree="parent_id")
            ),
            free=False,
        ),
        "cluster": Field("text", via=Join("clusters", "cluster_id", "name"), free=False),
        "datacenter": Field(
            "text",
            via=Join("clusters", "cluster_id", "data_center_id", then=Join("data_centers", "data_center_id", "name")),
            free=False,
            unbound=True,  # a template without a cluster, as Blank, serves every data center
        ),
        "_vmt_id": Field("uuid", "id", free=False),
        "id": Field("uuid", "id", free=False),
    },
    cross={
        "vm": (cross.vms, Join("vms", "id", "id", "template_id")),
        "host": (cross.hosts, Join("vms", "id", "host_id", "template_id")),
        "event": (cross.events, Join("events", "id", "id", "template_id")),
        "user": (cross.users, cross.HELD_BY_USERS),
    },
)
RESOURCE = Resource(
    type=Template,
    collection="templates",
    object_type="template",
    table=TEMPLATES,
    search=SEARCH,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(
        run=add,
        needs=(Need(Permit.CREATE_TEMPLATE, "vm"),),
        params=(Param(name="clone_permissions"), Param(name="seal")),
        mandatory=("name", "vm.id|vm.name"),
    ),
    update=Op(run=update, needs=(Need(Permit.EDIT_TEMPLATE_PROPERTIES),)),
    remove=Op(run=remove, needs=(Need(Permit.DELETE_TEMPLATE),)),
    subs=(
        ATTACHMENTS_OF_TEMPLATE,
        DISKS_OF_TEMPLATE_V3,
        NICS_OF_TEMPLATE,
        _nothing(Cdrom, "cdroms"),
        devices.CONSOLES_OF_TEMPLATE,
        tags_of("template"),
        permissions_of("template"),
        devices.WATCHDOGS_OF_TEMPLATE,
        MEDIATED_OF_TEMPLATE,
    ),
)
COMMANDS = (ADD, REMOVE)
