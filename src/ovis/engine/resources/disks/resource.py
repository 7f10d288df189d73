"""Disks: /disks.

Does: image disks, thin qcow2 and raw, on file storage: add, update, grow, remove; the actions' declarations (move, copy).
Follows: disk part of the status matrix, defaults and limits of engine 4.5.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.access.check import require
from ovis.engine.access.grants import grant_on_creation
from ovis.engine.commands import Lock, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Kind, NotFound, Refusal, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Action as ApiAction, Need, Op, Param, Resource, Started
from ovis.engine.model.enums import (
    DiskBackup,
    DiskContentType,
    DiskFormat,
    DiskStatus,
    DiskStorageType,
    QcowVersion,
    StorageDomainStatus,
)
from ovis.engine.model.types import Action, Disk, DiskProfile, DiskSnapshot, Statistic, StorageDomain, Vm
from ovis.engine.resources import bodies, cross_search as cross
from ovis.engine.resources.bodies import TextRule
from ovis.engine.resources.disks.commands import ADD, EXTEND, REMOVE, DiskParams
from ovis.engine.resources.disks.tables import DISKS, DiskImage, TemplateDisk, VmDisk
from ovis.engine.resources.live import vm_facts
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.resources.quotas import consumption as quotas
from ovis.engine.resources.statistics import DISK_STATISTICS, build, disk_values
from ovis.engine.resources.storage_domains.connect import is_up
from ovis.engine.resources.storage_domains.tables import Attachment
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx

GIB = 1 << 30
MAX_SIZE = 8192 * GIB
ALIAS_RULE = TextRule(255, 0, r"[\w.-]*")
_KEEP = (
    "status",
    "actual_size",
    "total_size",
    "image_id",
    "storage_domains",
    "storage_domain",
    "provisioned_size",
    "format",
    "sparse",
    "storage_type",
    "content_type",
    "vms",
    "qcow_version",
)


def value_refusals(disk: Disk) -> list[Refusal]:
    """Everything wrong with a disk's own values."""
    found = bodies.text_refusals(disk.alias or disk.name, "alias", ALIAS_RULE)
    found += bodies.text_refusals(disk.description, "description", TextRule(500))
    size = disk.provisioned_size or 0
    if size <= 0:
        found.append(
            Refusal("ACTION_TYPE_FAILED_DISK_SIZE_ZERO", "A disk needs a provisioned_size above 0.", "", Kind.BAD)
        )
    elif size > MAX_SIZE:
        found.append(
            Refusal("ACTION_TYPE_FAILED_DISK_MAX_SIZE_EXCEEDED", f"{size} bytes exceed {MAX_SIZE} bytes.", "", Kind.BAD)
        )
    if disk.format is DiskFormat.COW and disk.shareable:
        found.append(
            Refusal("SHAREABLE_DISK_IS_NOT_SUPPORTED_BY_VOLUME_FORMAT", "A shareable disk must be raw.", "", Kind.BAD)
        )
    return found


def space_refusals(domain: StorageDomain, needed: int) -> list[Refusal]:
    """Whether a domain has room: never below its critical limit."""
    free = domain.available or 0
    limit = (domain.critical_space_action_blocker or 0) * GIB
    if free - needed < limit:
        return [
            Refusal(
                "ACTION_TYPE_FAILED_DISK_SPACE_LOW_ON_STORAGE_DOMAIN",
                f"Storage domain {domain.name} has {free} bytes free; {limit} must stay free.",
                "Free some space, or lower its critical limit.",
            )
        ]
    return []


def active_domain(rd: Reader, reference: StorageDomain | None) -> tuple[StorageDomain, str]:
    """(domain, data center) of an active domain that a body names."""
    domain = bodies.resolve(rd, StorageDomain, reference)
    row = rd.one(Attachment, storage_domain_id=str(domain.id))
    if row is None or row.status is not StorageDomainStatus.ACTIVE:
        state = row.status.value if row else "unattached"
        raise refuse(
            "ACTION_TYPE_FAILED_STORAGE_DOMAIN_STATUS_ILLEGAL2",
            f"Storage domain {domain.name} is {state}.",
            "It must be active.",
        )
    if not is_up(rd, row.data_center_id):
        raise refuse(
            "ACTION_TYPE_FAILED_STORAGE_POOL_STATUS_ILLEGAL",
            f"The data center of storage domain {domain.name} is not up.",
            "Wait until one of its hosts manages its storage.",
        )
    return domain, row.data_center_id


def profile_for(rd: Reader, wanted: DiskProfile | None, domain: StorageDomain) -> DiskProfile | None:
    """The profile of a disk in a domain: the client's, or the domain's first. Refused if it is another domain's."""
    if wanted is None or wanted.id is None:
        first = rd.one(DiskProfile, storage_domain_id=str(domain.id))
        return DiskProfile(id=first.id) if first is not None else None
    found = rd.need(DiskProfile, wanted.id)
    if found.storage_domain is None or found.storage_domain.id != domain.id:
        raise refuse(
            "ACTION_TYPE_DISK_PROFILE_STORAGE_DOMAIN_NOT_MATCH",
            f"Disk profile {found.name} is not of storage domain {domain.name}.",
            bad=True,
        )
    return DiskProfile(id=found.id)


def prepare(tx: Tx, call: Call, body: Disk, *, alias: str | None = None) -> tuple[Disk, DiskImage]:
    """Store a new, locked disk and where it will be; the caller begins the command."""
    kind = body.storage_type or DiskStorageType.IMAGE
    if kind is not DiskStorageType.IMAGE:
        raise refuse(
            "DISK_STORAGE_TYPE_NOT_SUPPORTED", f"{kind.value} disks are not supported.", "Use image.", bad=True
        )
    reference = body.storage_domain or next(iter(body.storage_domains or ()), None)
    domain, data_center_id = active_domain(tx, reference)
    require(tx, call, Permit.CREATE_DISK, "storage_domain", str(domain.id))
    fmt = body.format or DiskFormat.RAW
    sparse = body.sparse if body.sparse is not None else True
    if fmt is DiskFormat.COW and not sparse:
        raise refuse("ACTION_TYPE_FAILED_DISK_CONFIGURATION_NOT_SUPPORTED", "A cow disk must be sparse.", bad=True)
    disk_id = bodies.new_id()
    name = body.alias or body.name or alias or disk_id
    profile = profile_for(tx, body.disk_profile, domain)
    image_id = body.image_id if body.image_id else bodies.new_id()
    disk = Disk(
        id=disk_id,
        name=name,
        alias=name,
        description=body.description or None,
        comment=body.comment,
        provisioned_size=body.provisioned_size,
        actual_size=0,
        total_size=0,
        format=fmt,
        sparse=sparse,
        status=DiskStatus.LOCKED,
        storage_type=kind,
        content_type=body.content_type or DiskContentType.DATA,
        shareable=bool(body.shareable),
        propagate_errors=bool(body.propagate_errors),
        wipe_after_delete=bool(domain.wipe_after_delete) if body.wipe_after_delete is None else body.wipe_after_delete,
        backup=body.backup or DiskBackup.NONE,
        qcow_version=QcowVersion.QCOW2_V3 if fmt is DiskFormat.COW else None,
        image_id=image_id,
        storage_domains=[StorageDomain(id=domain.id)],
        disk_profile=profile,
        quota=quotas.checked(tx, data_center_id, body.quota),
    )
    needed = (disk.provisioned_size or 0) if not sparse else GIB // 1024
    bodies.raise_all(value_refusals(disk) + space_refusals(domain, needed))
    quotas.store(tx, call, disk, data_center_id, str(domain.id), disk.provisioned_size or 0)
    tx.insert(disk)
    image = tx.insert(
        DiskImage(id=disk_id, pool_id=data_center_id, domain_id=str(domain.id), image_id=disk_id, volume_id=image_id)
    )
    grant_on_creation(tx, call, "disk", disk_id)
    return disk, image


def add(tx: Tx, call: Call, body: Disk) -> Started:
    """POST /disks."""
    disk, _ = prepare(tx, call, body)
    return begin_add(tx, call, disk)


def begin_add(tx: Tx, call: Call, disk: Disk, *, plug_into: str = "") -> Started:
    """Begin the creation of a prepared disk. plug_into: a running VM that it is attached to."""
    return begin(
        tx,
        ADD,
        DiskParams(disk_id=str(disk.id), vm_id=plug_into),
        call=call,
        locks=(Lock("disk", str(disk.id)),),
        subjects=(("disk", str(disk.id)),),
        entity=disk,
    )


def extend(tx: Tx, call: Call, disk: Disk, size: int) -> Started | None:
    """Grow a disk; None if it has that size already. Never shrinks."""
    now = disk.provisioned_size or 0
    if size == now:
        return None
    if size < now:
        raise refuse(
            "ACTION_TYPE_FAILED_REQUESTED_DISK_SIZE_IS_TOO_SMALL",
            f"{size} bytes are less than the disk's {now}.",
            bad=True,
        )
    require_ok(disk)
    domain = tx.need(StorageDomain, disk.storage_domains[0].id if disk.storage_domains else None)
    bodies.raise_all(value_refusals(replace(disk, provisioned_size=size)) + space_refusals(domain, 0))
    image = tx.need(DiskImage, str(disk.id))
    quotas.store(tx, call, disk, image.pool_id, image.domain_id, size - now)
    running = _running(tx, str(disk.id))
    tx.update(replace(disk, status=DiskStatus.LOCKED))
    return begin(
        tx,
        EXTEND,
        DiskParams(
            disk_id=str(disk.id),
            size=size,
            vm_id=str(running.id) if running else "",
        ),
        call=call,
        locks=(Lock("disk", str(disk.id)),),
        subjects=(("disk", str(disk.id)),),
    )


def require_ok(disk: Disk) -> None:
    """Refuse what a locked or illegal disk cannot take."""
    if disk.status is DiskStatus.LOCKED:
        raise refuse("ACTION_TYPE_FAILED_DISKS_LOCKED", f"Disk {disk.alias} is locked.", "Wait for its task to end.")
    if disk.status is not DiskStatus.OK:
        raise refuse("ACTION_TYPE_FAILED_DISKS_ILLEGAL", f"Disk {disk.alias} is illegal.", "Remove it.")


def _running(rd: Reader, disk_id: str) -> Vm | None:
    vms = rd.get_many(Vm, [row.vm_id for row in rd.find(VmDisk, disk_id=disk_id)])
    return next((vm for vm in vms.values() if vm.host is not None), None)


def update(tx: Tx, call: Call, body: Disk) -> Disk | Started:
    """PUT /disks/ID: texts and flags; a larger provisioned_size grows it."""
    old = tx.need(Disk, call.ids[-1])
    new = replace(bodies.without_subs(bodies.merge(old, body, keep=_KEEP)), storage_domains=old.storage_domains)
    if body.alias or body.name:
        new = replace(new, alias=body.alias or body.name, name=body.alias or body.name)
    bodies.raise_all(value_refusals(new))
    if new.quota != old.quota:
        image = tx.need(DiskImage, str(old.id))
        new = replace(new, quota=quotas.checked(tx, image.pool_id, new.quota))
        quotas.store(tx, call, new, image.pool_id, image.domain_id, old.provisioned_size or 0)
    if new != old:
        tx.update(new)
    if body.provisioned_size is not None:
        started = extend(tx, call, tx.need(Disk, str(old.id)), body.provisioned_size)
        if started is not None:
            return started
    return new


def remove(tx: Tx, call: Call, body: Any) -> Started:
    """DELETE /disks/ID: not while a running VM or a template uses it."""
    return begin_remove(tx, call, tx.need(Disk, call.ids[-1]))


def begin_remove(tx: Tx, call: Call, disk: Disk) -> Started:
    """Check and begin a disk's removal."""
    reasons = []
    if disk.status is DiskStatus.LOCKED:
        reasons.append(
            Refusal("ACTION_TYPE_FAILED_DISKS_LOCKED", f"Disk {disk.alias} is locked.", "Wait for its task.")
        )
    running = _running(tx, str(disk.id))
    if running is not None:
        reasons.append(
            Refusal("ACTION_TYPE_FAILED_VM_IS_NOT_DOWN", f"VM {running.name} runs with it.", "Shut it down first.")
        )
    if tx.count(TemplateDisk, disk_id=str(disk.id)):
        reasons.append(Refusal("ACTION_TYPE_FAILED_TEMPLATE_DISK", f"Disk {disk.alias} belongs to a template."))
    if tx.count(DiskImage, parent=str(disk.id)):
        reasons.append(
            Refusal("ACTION_TYPE_FAILED_DETECTED_DERIVED_DISKS", f"Other disks are layered upon {disk.alias}.")
        )
    bodies.raise_all(reasons)
    tx.update(replace(disk, status=DiskStatus.LOCKED))
    return begin(
        tx,
        REMOVE,
        DiskParams(disk_id=str(disk.id)),
        call=call,
        locks=(Lock("disk", str(disk.id)),),
        subjects=(("disk", str(disk.id)),),
    )


def statistics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Statistic]]:
    """Rates and latencies as the hosts of its VMs report them; zero while no VM runs with it."""
    rows = rd.find(VmDisk, disk_id=list(parents))
    facts = vm_facts(rd, {row.vm_id for row in rows})
    reported: dict[str, list[Mapping[str, Any]]] = {p: [] for p in parents}
    for row in rows:
        found = (facts.get(row.vm_id, {}).get("disks") or {}).values()
        reported[row.disk_id] += [d for d in found if d.get("imageID") == row.disk_id]
    return {p: build("disk", p, DISK_STATISTICS, disk_values(reported[p]), disk=Disk(id=p)) for p in parents}


def shown(rd: Reader, call: Call, found: Sequence[Disk]) -> list[Disk]:
    """With the VMs that use them."""
    users: dict[str, list[Vm]] = {}
    for row in rd.find(VmDisk, disk_id=[str(d.id) for d in found]):
        users.setdefault(row.disk_id, []).append(Vm(id=row.vm_id))
    return [replace(d, vms=users.get(str(d.id))) for d in found]


def _disk_snapshots(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[DiskSnapshot]]:
    from ovis.engine.resources.vms.snapshots import show

    return show.disk_snapshots(rd, call, parents)


def _remove_disk_snapshot(tx: Tx, call: Call, body: Any) -> Started:
    from ovis.engine.resources.vms.snapshots import remove as snapshots

    return snapshots.remove_disk(tx, call, body)


def attachment_of(rd: Reader, disk_id: str) -> VmDisk:
    """The attachment of a disk to its (first) VM."""
    row = rd.one(VmDisk, disk_id=disk_id)
    if row is None:
        raise NotFound(f"DiskAttachment: id={disk_id}")
    return row


SEARCH = SearchObject(
    table=DISKS,
    prefix="Disks",
    fields={
        "alias": Field("text", "name"),
        "name": Field("text", "name", free=False),
        "description": Field("text", "description"),
        "provisioned_size": Field("size", "provisioned_size", unit=GIB),
        "size": Field("size", "provisioned_size", unit=GIB),
        "actual_size": Field("size", "actual_size", unit=GIB),
        "shareable": Field("bool", "shareable"),
        "status": Field("enum", "status"),
        "disk_type": Field("enum", "storage_type"),
        "disk_content_type": Field("enum", "content_type"),
        "allocation_policy": Field("enum", "format", words={"sparse": ("cow",), "preallocated": ("raw",)}),
        "wipe_after_delete": Field("bool", "wipe_after_delete"),
        "id": Field("uuid", "id"),
        "vm_names": Field(
            "text",
            via=Join("disk_attachments", "id", "vm_id", "disk_id", then=Join("vms", "vm_id", "name")),
            free=False,
        ),
        "storage": Field("text", via=Join("storage_domains", "storage_domain_id", "name"), free=False),
    },
    cross={
        "storage": (cross.storage_domains, Join("storage_domains", "storage_domain_id", "id")),
        "datacenter": (
            cross.data_centers,
            Join("storage_domain_attachments", "storage_domain_id", "data_center_id", "storage_domain_id"),
        ),
    },
)


def _action(room: str, name: str) -> Any:
    """An action of a room that needs this one: found when it is called."""

    def run(tx: Tx, call: Call, action: Action) -> Any:
        return getattr(importlib.import_module(f"ovis.engine.resources.disks.{room}"), name)(tx, call, action)

    return run


_PLACE = ("async", "disk_profile", "filter", "quota", "storage_domain")
_THERE = ("storage_domain.id|storage_domain.name",)
_STORAGE = (
    Need(Permit.CONFIGURE_DISK_STORAGE),
    Need(Permit.CREATE_DISK, "storage_domain", when=lambda a: a.storage_domain is not None),
)
MOVE_ACTION = ApiAction(
    name="move", run=_action("move", "move"), needs=_STORAGE, body=_PLACE, mandatory=_THERE, asks=(Permit.CREATE_DISK,)
)
COPY_ACTION = ApiAction(
    name="copy",
    run=_action("copy", "copy"),
    needs=_STORAGE,
    body=(*_PLACE, "disk"),
    mandatory=_THERE,
    asks=(Permit.CREATE_DISK,),
)
ACTIONS = (
    MOVE_ACTION,
    COPY_ACTION,
    ApiAction(name="sparsify", run=_action("copy", "sparsify"), needs=(Need(Permit.SPARSIFY_DISK),), v3=False),
    ApiAction(
        name="convert",
        run=_action("convert", "convert"),
        needs=(Need(Permit.EDIT_DISK_PROPERTIES),),
        body=("disk",),
        mandatory=("disk.format|disk.sparse",),
        v3=False,
    ),
    ApiAction(
        name="reduce", run=_action("copy", "reduce"), needs=(Need(Permit.REDUCE_DISK),), body=("async",), v3=False
    ),
)
RESOURCE = Resource(
    type=Disk,
    collection="disks",
    object_type="disk",
    table=DISKS,
    search=SEARCH,
    derive=shown,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(
        run=add,
        needs=(
            Need(Permit.CREATE_DISK, "storage_domains", when=lambda d: bool(d.storage_domains)),
            Need(Permit.CREATE_DISK, "storage_domain", when=lambda d: not d.storage_domains),
        ),
        mandatory=("provisioned_size", "storage_domains|storage_domain"),
    ),
    update=Op(run=update, needs=(Need(Permit.EDIT_DISK_PROPERTIES),)),
    remove=Op(run=remove, needs=(Need(Permit.DELETE_DISK),)),
    actions=ACTIONS,
    subs=(
        Resource(type=Statistic, collection="statistics", list=Op(run=statistics, needs=PUBLIC), get=Op(needs=PUBLIC)),
        Resource(
            type=DiskSnapshot,
            collection="disksnapshots",
            list=Op(
                run=_disk_snapshots, needs=PUBLIC, params=(Param(name="include_active"), Param(name="include_template"))
            ),
            get=Op(needs=PUBLIC),
            remove=Op(
                run=_remove_disk_snapshot,
                needs=(Need(Permit.MANIPULATE_VM_SNAPSHOTS),),
                asks=(Permit.MANIPULATE_VM_SNAPSHOTS,),
            ),
        ),
        permissions_of("disk"),
    ),
)
