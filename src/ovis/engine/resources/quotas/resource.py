"""Quotas of a data center: /datacenters/ID/quotas, and their limits below.

Does: add, change and remove quotas and limits, show what is used. Does not: ask them (`consumption`).
Follows: defaults, permits and limits of engine 4.5. Every data center has the quota Default, which limits nothing and stays.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.access.grants import forget_object
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import (
    Cluster,
    DataCenter,
    Disk,
    Quota,
    QuotaClusterLimit,
    QuotaStorageLimit,
    StorageDomain,
    Vm,
)
from ovis.engine.resources import bodies
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.resources.quotas import consumption, rules
from ovis.engine.resources.quotas.tables import default_id, default_of
from ovis.engine.store.session import Reader, Tx

N = LogSeverity.NORMAL
ADDED = Audit(code=3000, severity=N, text="Quota {quota} was added by {user}.")
UPDATED = Audit(code=3002, severity=N, text="Quota {quota} was updated by {user}.")
REMOVED = Audit(code=3004, severity=N, text="Quota {quota} was removed by {user}.")


def quotas(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Quota]]:
    """Those of each data center, the default one first."""
    out = {parent: [default_of(parent)] for parent in parents}
    for row in rd.find_in_order(Quota, ("name_key",), data_center_id=list(parents)):
        out[str(row.data_center.id if row.data_center else "")].append(row)
    return out


def _own(rd: Reader, call: Call, quota_id: str) -> Quota:
    """A quota of the data center in the path."""
    center = call.ids[0]
    if quota_id == default_id(center):
        return default_of(center)
    found = rd.need(Quota, quota_id)
    if found.data_center is None or found.data_center.id != center:
        raise NotFound(f"Quota: id={quota_id}")
    return found


def _changeable(rd: Reader, call: Call, quota_id: str) -> Quota:
    if quota_id == default_id(call.ids[0]):
        raise refuse(
            "ACTION_TYPE_FAILED_QUOTA_DEFAULT_CANNOT_BE_CHANGED",
            "The default quota limits nothing and stays as it is.",
            "Add another quota.",
        )
    return _own(rd, call, quota_id)


def get(rd: Reader, call: Call) -> Quota:
    """GET /datacenters/ID/quotas/ID."""
    return _own(rd, call, call.ids[-1])


def _check(rd: Reader, quota: Quota, center: str) -> None:
    bodies.raise_all(rules.refusals(quota))
    code = "ACTION_TYPE_FAILED_NAME_ALREADY_USED"
    bodies.require_free_name(rd, Quota, quota.name, code, own_id=quota.id, data_center_id=center)
    if (quota.name or "").lower() == "default":
        raise refuse(code, f"The name {quota.name} is already used.", "Choose another name.")


def add(tx: Tx, call: Call, body: Quota) -> Quota:
    """POST /datacenters/ID/quotas."""
    center = tx.need(DataCenter, call.ids[0])
    made = replace(
        bodies.merge(default_of(str(center.id)), bodies.without_subs(body), keep=("data_center",)),
        id=bodies.new_id(),
        description=body.description or "",
        users=None,
        vms=None,
        disks=None,
    )
    _check(tx, made, str(center.id))
    tx.insert(made)
    record(tx, ADDED, call=call, quota=made.name, data_center=center)
    return made


def update(tx: Tx, call: Call, body: Quota) -> Quota:
    """PUT /datacenters/ID/quotas/ID."""
    old = _changeable(tx, call, call.ids[-1])
    new = bodies.merge(old, bodies.without_subs(body), keep=("data_center", "users", "vms", "disks"))
    _check(tx, new, call.ids[0])
    if new != old:
        tx.update(new)
        record(tx, UPDATED, call=call, quota=new.name)
    return new


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE: not while VMs or disks count to it."""
    old = _changeable(tx, call, call.ids[-1])
    for type_, label in ((Vm, "VMs"), (Disk, "disks")):
        if tx.count(type_, quota_id=str(old.id)):
            raise refuse(
                "ACTION_TYPE_FAILED_QUOTA_IN_USE_BY_VM_OR_DISK",
                f"Quota {old.name} has {label}.",
                "Give them another quota first.",
            )
    forget_object(tx, "quota", str(old.id))
    for limit in tx.find(QuotaClusterLimit, quota_id=str(old.id)):
        tx.delete(QuotaClusterLimit, str(limit.id))
    for row in tx.find(QuotaStorageLimit, quota_id=str(old.id)):
        tx.delete(QuotaStorageLimit, str(row.id))
    tx.delete(Quota, str(old.id))
    record(tx, REMOVED, call=call, quota=old.name)


# Limits -------------------------------------------------------------------------------------------------------


def cluster_limits(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[QuotaClusterLimit]]:
    """With what runs."""
    out: dict[str, list[QuotaClusterLimit]] = {parent: [] for parent in parents}
    for row in rd.find(QuotaClusterLimit, quota_id=list(parents)):
        out[str(row.quota.id if row.quota else "")].append(_with_running(rd, row))
    return out


def _with_running(rd: Reader, row: QuotaClusterLimit) -> QuotaClusterLimit:
    quota = str(row.quota.id if row.quota else "")
    cpus, memory = consumption.of_vms(rd, quota, cluster_id=str(row.cluster.id) if row.cluster else None)
    return replace(row, vcpu_usage=cpus, memory_usage=memory)


def storage_limits(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[QuotaStorageLimit]]:
    """With what disks take."""
    out: dict[str, list[QuotaStorageLimit]] = {parent: [] for parent in parents}
    for row in rd.find(QuotaStorageLimit, quota_id=list(parents)):
        out[str(row.quota.id if row.quota else "")].append(_with_stored(rd, row))
    return out


def _with_stored(rd: Reader, row: QuotaStorageLimit) -> QuotaStorageLimit:
    quota = str(row.quota.id if row.quota else "")
    domain = str(row.storage_domain.id) if row.storage_domain else None
    return replace(row, usage=consumption.of_disks(rd, quota, domain_id=domain))


def add_cluster_limit(tx: Tx, call: Call, body: QuotaClusterLimit) -> QuotaClusterLimit:
    """POST quotaclusterlimits: of one cluster, or of all together."""
    quota = _changeable(tx, call, call.ids[1])
    cluster = bodies.resolve(tx, Cluster, body.cluster) if _names(body.cluster) else None
    if cluster is not None and (cluster.data_center is None or cluster.data_center.id != call.ids[0]):
        raise refuse(
            "ACTION_TYPE_FAILED_QUOTA_CLUSTER_NOT_IN_DATA_CENTER",
            f"Cluster {cluster.name} is not in the quota's data center.",
            bad=True,
        )
    taken = [str(r.cluster.id) if r.cluster else "" for r in tx.find(QuotaClusterLimit, quota_id=str(quota.id))]
    bodies.raise_all(
        rules.limit_refusals((body.vcpu_limit, body.memory_limit))
        + rules.place_refusals(taken, str(cluster.id) if cluster is not None else "")
    )
    made = tx.insert(
        QuotaClusterLimit(
            id=bodies.new_id(),
            quota=Quota(id=quota.id),
            cluster=Cluster(id=cluster.id) if cluster is not None else None,
            vcpu_limit=body.vcpu_limit if body.vcpu_limit is not None else rules.UNLIMITED,
            memory_limit=body.memory_limit if body.memory_limit is not None else float(rules.UNLIMITED),
        )
    )
    record(tx, UPDATED, call=call, quota=quota.name)
    return _with_running(tx, made)


def add_storage_limit(tx: Tx, call: Call, body: QuotaStorageLimit) -> QuotaStorageLimit:
    """POST quotastoragelimits: of one storage domain, or of all together. In GiB."""
    quota = _changeable(tx, call, call.ids[1])
    domain = bodies.resolve(tx, StorageDomain, body.storage_domain) if _names(body.storage_domain) else None
    rows = tx.find(QuotaStorageLimit, quota_id=str(quota.id))
    taken = [str(r.storage_domain.id) if r.storage_domain else "" for r in rows]
    bodies.raise_all(
        rules.limit_refusals((body.limit,)) + rules.place_refusals(taken, str(domain.id) if domain is not None else "")
    )
    made = tx.insert(
        QuotaStorageLimit(
            id=bodies.new_id(),
            quota=Quota(id=quota.id),
            storage_domain=StorageDomain(id=domain.id) if domain is not None else None,
            limit=body.limit if body.limit is not None else rules.UNLIMITED,
        )
    )
    record(tx, UPDATED, call=call, quota=quota.name)
    return _with_stored(tx, made)


def _names(reference: Any) -> bool:
    return reference is not None and bool(reference.id or reference.name)


def remove_limit(type_: type) -> Any:
    """DELETE of one limit."""

    def run(tx: Tx, call: Call, body: Any) -> None:
        quota = _changeable(tx, call, call.ids[1])
        row: Any = tx.need(type_, call.ids[-1])
        if row.quota is None or row.quota.id != quota.id:
            raise NotFound(f"{type_.__name__}: id={call.ids[-1]}")
        tx.delete(type_, str(row.id))
        record(tx, UPDATED, call=call, quota=quota.name)

    return run


_MAY = (Need(Permit.CONFIGURE_QUOTA),)
_MAY_LIMIT = (Need(Permit.CONFIGURE_QUOTA, "parent"),)
QUOTAS_OF_DATA_CENTER = Resource(
    type=Quota,
    collection="quotas",
    object_type="quota",
    list=Op(run=quotas, needs=PUBLIC),
    get=Op(run=get, needs=PUBLIC),
    add=Op(run=add, needs=(Need(Permit.CONFIGURE_QUOTA, "parent"),), mandatory=("name",)),
    update=Op(run=update, needs=_MAY),
    remove=Op(run=remove, needs=_MAY),
    subs=(
        permissions_of("quota"),
        Resource(
            type=QuotaClusterLimit,
            collection="quotaclusterlimits",
            list=Op(run=cluster_limits, needs=PUBLIC),
            get=Op(needs=PUBLIC),
            add=Op(run=add_cluster_limit, needs=_MAY_LIMIT),
            remove=Op(run=remove_limit(QuotaClusterLimit), needs=_MAY_LIMIT),
        ),
        Resource(
            type=QuotaStorageLimit,
            collection="quotastoragelimits",
            list=Op(run=storage_limits, needs=PUBLIC),
            get=Op(needs=PUBLIC),
            add=Op(run=add_storage_limit, needs=_MAY_LIMIT),
            remove=Op(run=remove_limit(QuotaStorageLimit), needs=_MAY_LIMIT),
        ),
    ),
)
