"""Storage domains of a data center: /datacenters/ID/storagedomains.

Does: attach (which also activates), activate, put into maintenance, detach. Follows: status matrix, storage domains and
data centers; the first data domain initialises the data center.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.commands import Lock, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, Refusal, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Action as ApiAction, Need, Op, Resource, Started
from ovis.engine.model.enums import DataCenterStatus, DiskStatus, StorageDomainStatus as Status, StorageType
from ovis.engine.model.types import Action, DataCenter, Disk, StorageDomain
from ovis.engine.resources import bodies
from ovis.engine.resources.storage_domains.commands import ACTIVATE, ATTACH, DEACTIVATE, DETACH, DomainParams
from ovis.engine.resources.storage_domains.connect import up_hosts
from ovis.engine.resources.storage_domains.contents import DISKS_OF_DOMAIN, refusals_to_leave
from ovis.engine.resources.storage_domains.tables import Attachment, PoolFacts
from ovis.engine.store.session import Reader, Tx

_BUSY = frozenset({Status.LOCKED, Status.DETACHING, Status.ACTIVATING, Status.PREPARING_FOR_MAINTENANCE})
_NOT_ATTACHABLE = "ACTION_TYPE_FAILED_STORAGE_DOMAIN_STATUS_ILLEGAL"
_ILLEGAL = "ACTION_TYPE_FAILED_STORAGE_DOMAIN_STATUS_ILLEGAL2"


def refusals(domain: StorageDomain, status: Status, allowed: frozenset[Status], verb: str) -> list[Refusal]:
    """The status part of an action's check."""
    if status in allowed:
        return []
    if status in _BUSY:
        return [
            Refusal(
                "ACTION_TYPE_FAILED_OBJECT_LOCKED",
                f"Storage domain {domain.name} is {status.value}.",
                "Wait for the end of what happens to it.",
            )
        ]
    names = ", ".join(sorted(s.value for s in allowed))
    return [
        Refusal(_ILLEGAL, f"Cannot {verb} storage domain {domain.name}: it is {status.value}.", f"It must be {names}.")
    ]


def _listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[StorageDomain]]:
    rows = rd.find(Attachment, data_center_id=list(parents))
    domains = rd.get_many(StorageDomain, [r.storage_domain_id for r in rows])
    out: dict[str, list[StorageDomain]] = {p: [] for p in parents}
    for row in rows:
        out[row.data_center_id].append(
            replace(
                domains[row.storage_domain_id],
                status=row.status,
                master=row.master,
                data_center=DataCenter(id=row.data_center_id),
                data_centers=None,
            )
        )
    for found in out.values():
        found.sort(key=lambda d: (d.name or "").lower())
    return out


def add(tx: Tx, call: Call, body: StorageDomain) -> Started:
    """POST: attach and activate."""
    data_center = tx.need(DataCenter, call.ids[0])
    domain = bodies.resolve(tx, StorageDomain, body)
    if tx.count(Attachment, storage_domain_id=str(domain.id)):
        raise refuse(_NOT_ATTACHABLE, f"Storage domain {domain.name} is already attached.")
    if domain.status is not Status.UNATTACHED:
        raise refuse(
            _NOT_ATTACHABLE, f"Storage domain {domain.name} is {domain.status.value if domain.status else 'in use'}."
        )
    local = domain.storage is not None and domain.storage.type is StorageType.LOCALFS
    if local is not bool(data_center.local):
        raise refuse(
            "ERROR_CANNOT_ATTACH_STORAGE_DOMAIN_STORAGE_TYPE_NOT_MATCH",
            f"Data center {data_center.name} takes {'local' if data_center.local else 'shared'} storage only.",
            bad=True,
        )
    if not up_hosts(tx, str(data_center.id)):
        raise refuse(
            "ACTION_TYPE_FAILED_NO_VDS_IN_POOL",
            f"Data center {data_center.name} has no host that is up.",
            "Activate one.",
        )
    others = tx.find(Attachment, data_center_id=str(data_center.id))
    if others and not any(a.status is Status.ACTIVE for a in others):
        raise refuse(
            "ACTION_TYPE_FAILED_MASTER_STORAGE_DOMAIN_NOT_ACTIVE", "The data center's master domain is not active."
        )
    tx.insert(
        Attachment(
            id=f"{data_center.id}/{domain.id}",
            storage_domain_id=str(domain.id),
            data_center_id=str(data_center.id),
            status=Status.LOCKED,
            master=not others,
        )
    )
    if tx.get(PoolFacts, str(data_center.id)) is None:
        tx.insert(PoolFacts(id=str(data_center.id)))
    return _begin(tx, call, ATTACH, domain, data_center, entity=replace(domain, status=Status.LOCKED))


def _begin(
    tx: Tx, call: Call, command: Any, domain: StorageDomain, data_center: DataCenter, entity: Any = None
) -> Started:
    return begin(
        tx,
        command,
        DomainParams(storage_domain_id=str(domain.id), data_center_id=str(data_center.id)),
        call=call,
        locks=(Lock("storage_domain", str(domain.id)), Lock("storage_pool", str(data_center.id))),
        subjects=(("storage_domain", str(domain.id)), ("data_center", str(data_center.id))),
        entity=entity,
        wait=True,
    )


def _addressed(rd: Reader, call: Call) -> tuple[StorageDomain, DataCenter, Attachment]:
    found = rd.get(Attachment, f"{call.ids[0]}/{call.ids[1]}")
    if found is None:
        raise NotFound(f"StorageDomain: id={call.ids[1]}")
    return rd.need(StorageDomain, call.ids[1]), rd.need(DataCenter, call.ids[0]), found


def activate(tx: Tx, call: Call, action: Action) -> Started:
    """POST activate."""
    domain, data_center, row = _addressed(tx, call)
    allowed = frozenset({Status.INACTIVE, Status.UNKNOWN, Status.MAINTENANCE, Status.PREPARING_FOR_MAINTENANCE})
    bodies.raise_all(refusals(domain, row.status, allowed, "activate"))
    if not up_hosts(tx, str(data_center.id)):
        raise refuse("ACTION_TYPE_FAILED_NO_VDS_IN_POOL", f"Data center {data_center.name} has no host that is up.")
    if data_center.status is DataCenterStatus.MAINTENANCE and not row.master:
        others = [a for a in tx.find(Attachment, data_center_id=str(data_center.id)) if a.master]
        if others:
            raise refuse("ACTION_TYPE_FAILED_MASTER_STORAGE_DOMAIN_NOT_ACTIVE", "Activate the master domain first.")
    return _begin(tx, call, ACTIVATE, domain, data_center)


def deactivate(tx: Tx, call: Call, action: Action) -> Started:
    """POST deactivate: maintenance; not while disks on it are in use."""
    domain, data_center, row = _addressed(tx, call)
    allowed = frozenset({Status.ACTIVE, Status.INACTIVE})
    reasons = refusals(domain, row.status, allowed, "put into maintenance")
    running = _running_vms(tx, str(domain.id))
    if running:
        reasons.append(
            Refusal(
                "ACTION_TYPE_FAILED_DETECTED_ACTIVE_VMS",
                f"Running VMs have disks on it: {', '.join(running[:10])}.",
                "Shut them down or move their disks.",
            )
        )
    locked = [str(d.alias) for d in tx.find(Disk, storage_domain_id=str(domain.id)) if d.status is DiskStatus.LOCKED]
    if locked:
        reasons.append(
            Refusal(
                "ERROR_CANNOT_DEACTIVATE_DOMAIN_WITH_TASKS",
                f"Tasks run on its disks: {', '.join(locked[:10])}.",
                "Wait for them.",
            )
        )
    bodies.raise_all(reasons)
    return _begin(tx, call, DEACTIVATE, domain, data_center)


def _running_vms(rd: Reader, storage_domain_id: str) -> list[str]:
    disks, links, vms = (rd.schema.sql[t] for t in ("disks", "disk_attachments", "vms"))
    query = (
        disks.join(links, links.c.disk_id == disks.c.id)
        .join(vms, vms.c.id == links.c.vm_id)
        .select()
        .with_only_columns(vms.c.name)
        .where(
            disks.c.storage_domain_id == storage_domain_id, vms.c.status.not_in(("down", "image_locked", "suspended"))
        )
        .distinct()
    )
    return [row[0] for row in rd.rows(query)]


def detach(tx: Tx, call: Call, body: Any) -> Started:
    """DELETE below the data center: only in maintenance. What lies on it leaves the engine, too."""
    domain, data_center, row = _addressed(tx, call)
    allowed = frozenset({Status.MAINTENANCE})
    reasons = refusals(domain, row.status, allowed, "detach")
    reasons += refusals_to_leave(tx, str(domain.id))
    others = [a for a in tx.find(Attachment, data_center_id=str(data_center.id)) if a.id != row.id]
    if row.master and others:
        reasons.append(
            Refusal(
                "ERROR_CANNOT_DETACH_LAST_STORAGE_DOMAIN", "The master domain goes last.", "Detach the others first."
            )
        )
    bodies.raise_all(reasons)
    return _begin(tx, call, DETACH, domain, data_center)


_MAY = (Need(Permit.MANIPULATE_STORAGE_DOMAIN),)
ATTACHED_STORAGE_DOMAINS = Resource(
    type=StorageDomain,
    collection="storagedomains",
    object_type="storage_domain",
    list=Op(run=_listed, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=(Need(Permit.MANIPULATE_STORAGE_DOMAIN, "parent"),), mandatory=("id|name",)),
    remove=Op(run=detach, needs=_MAY),
    actions=(
        ApiAction(name="activate", run=activate, needs=_MAY, body=("async",), sync=True),
        ApiAction(name="deactivate", run=deactivate, needs=_MAY, body=("async", "force"), sync=True),
    ),
    subs=(DISKS_OF_DOMAIN,),
)
