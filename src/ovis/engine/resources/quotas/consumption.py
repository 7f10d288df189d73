"""What VMs and disks use of quotas, and whether they may use more.

Does: count and judge, in the transaction that uses it. In a data center whose quotas are disabled nothing is asked; audited,
everything is allowed and told. Memory and CPUs count while a VM runs, storage while a disk is there, at its full size.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ovis.engine.access.check import require
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Refusal, Refused, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity, QuotaModeType
from ovis.engine.model.types import Cluster, DataCenter, Disk, Quota, QuotaClusterLimit, QuotaStorageLimit, Vm
from ovis.engine.resources.quotas import rules
from ovis.engine.resources.quotas.rules import Use
from ovis.engine.resources.quotas.tables import default_id, find
from ovis.engine.resources.vms.state import ON_HOST, vcpus
from ovis.engine.store.session import Reader, Tx

GIB = 1 << 30
W = LogSeverity.WARNING
_CLUSTER_EVENTS: Mapping[Use, Audit] = {
    Use.NEAR: Audit(
        code=3008, severity=W, text="Quota {quota} passed its cluster threshold: {what} of {limit} ({vm}, {user})."
    ),
    Use.OVER: Audit(
        code=3007, severity=W, text="Quota {quota} passed its cluster limit: {what} of {limit} ({vm}, {user})."
    ),
    Use.BEYOND: Audit(
        code=3015,
        severity=W,
        text="Quota {quota} passed its cluster grace, which is only audited: {what} of {limit} ({vm}, {user}).",
    ),
}
_STORAGE_EVENTS: Mapping[Use, Audit] = {
    Use.NEAR: Audit(
        code=3011, severity=W, text="Quota {quota} passed its storage threshold: {what} of {limit} ({disk}, {user})."
    ),
    Use.OVER: Audit(
        code=3010, severity=W, text="Quota {quota} passed its storage limit: {what} of {limit} ({disk}, {user})."
    ),
    Use.BEYOND: Audit(
        code=3016,
        severity=W,
        text="Quota {quota} passed its storage grace, which is only audited: {what} of {limit} ({disk}, {user}).",
    ),
}
_NO_CLUSTER = Audit(
    code=3014, severity=W, text="Quota {quota} says nothing about the cluster of {vm}, which is only audited ({user})."
)
_NO_STORAGE = Audit(
    code=3013,
    severity=W,
    text="Quota {quota} says nothing about the storage domain of {disk}, which is only audited ({user}).",
)


def of_vms(rd: Reader, quota_id: str, *, cluster_id: str | None = None, without: str = "") -> tuple[int, float]:
    """(virtual CPUs, GiB of memory) of a quota's VMs that run, in one cluster or all."""
    table = rd.sql(Vm)
    where = [table.c.quota_id == quota_id, rd.among(table.c.status, [s.value for s in ON_HOST])]
    if cluster_id is not None:
        where.append(table.c.cluster_id == cluster_id)
    query = sa.select(
        sa.func.coalesce(sa.func.sum(table.c.vcpus), 0), sa.func.coalesce(sa.func.sum(table.c.memory), 0)
    ).where(*where, table.c.id != without)
    ((cpus, memory),) = rd.rows(query)
    return int(cpus), float(memory) / GIB


def of_disks(rd: Reader, quota_id: str, *, domain_id: str | None = None) -> float:
    """GiB of a quota's disks, on one storage domain or all."""
    table = rd.sql(Disk)
    where = [table.c.quota_id == quota_id]
    if domain_id is not None:
        where.append(table.c.storage_domain_id == domain_id)
    ((size,),) = rd.rows(sa.select(sa.func.coalesce(sa.func.sum(table.c.provisioned_size), 0)).where(*where))
    return float(size) / GIB


def checked(rd: Reader, data_center_id: str, given: Quota | None) -> Quota | None:
    """A body's reference to a quota, or None for the default one. Refused if the data center has no such quota."""
    if given is None or given.id is None:
        return None
    if find(rd, data_center_id, given.id) is None:
        raise refuse(
            "ACTION_TYPE_FAILED_QUOTA_IS_NOT_VALID",
            f"The data center has no quota {given.id}.",
            "See its quotas.",
            bad=True,
        )
    return Quota(id=given.id)


def may_use(rd: Reader, call: Call, data_center_id: str, quota: Quota | None) -> None:
    """Forbidden unless the caller may consume the quota, where that is enforced. The default one is everybody's."""
    center = rd.get(DataCenter, data_center_id)
    if center is None or center.quota_mode is not QuotaModeType.ENABLED:
        return
    if quota is not None and quota.id is not None and quota.id != default_id(data_center_id):
        require(rd, call, Permit.CONSUME_QUOTA, "quota", quota.id)


def _asked(rd: Reader, data_center_id: str, given: Quota | None) -> tuple[Quota, bool] | None:
    """(the quota that counts, whether it is enforced); None where nothing is asked."""
    if given is None or given.id is None:
        return None
    center = rd.get(DataCenter, data_center_id)
    if center is None or center.quota_mode in (None, QuotaModeType.DISABLED):
        return None
    quota = rd.get(Quota, given.id)
    return None if quota is None else (quota, center.quota_mode is QuotaModeType.ENABLED)


def run(tx: Tx, call: Call | None, vm: Vm) -> None:
    """A VM is about to run: its CPUs and memory are counted from now on."""
    if vm.quota is None:
        return
    cluster = tx.need(Cluster, vm.cluster.id if vm.cluster else None)
    asked = _asked(tx, str(cluster.data_center.id) if cluster.data_center else "", vm.quota)
    if asked is None:
        return
    quota, enforced = asked
    if enforced and call is not None:
        require(tx, call, Permit.CONSUME_QUOTA, "quota", str(quota.id))
    limit = rules.cluster_limit(tx.find(QuotaClusterLimit, quota_id=str(quota.id)), str(cluster.id))
    if limit is None:
        _nothing_said(tx, enforced, "cluster", quota, _NO_CLUSTER, call, vm=vm)
        return
    cpus, memory = of_vms(
        tx, str(quota.id), cluster_id=str(cluster.id) if limit.cluster is not None else None, without=str(vm.id)
    )
    wanted = (
        ("virtual CPUs", cpus + vcpus(vm), limit.vcpu_limit),
        ("GiB of memory", memory + (vm.memory or 0) / GIB, limit.memory_limit),
    )
    percent = (_or(quota.cluster_soft_limit_pct, rules.THRESHOLD), _or(quota.cluster_hard_limit_pct, rules.GRACE))
    for label, used, most in wanted:
        _judge(tx, call, quota, enforced, label, used, most, percent, "cluster", _CLUSTER_EVENTS, vm=vm)


def store(tx: Tx, call: Call, disk: Disk, data_center_id: str, domain_id: str, more: int) -> None:
    """A disk is about to take `more` bytes of a storage domain; it is not counted yet, or at its old size."""
    asked = _asked(tx, data_center_id, disk.quota)
    if asked is None:
        return
    quota, enforced = asked
    if enforced:
        require(tx, call, Permit.CONSUME_QUOTA, "quota", str(quota.id))
    limit = rules.storage_limit(tx.find(QuotaStorageLimit, quota_id=str(quota.id)), domain_id)
    if limit is None:
        _nothing_said(tx, enforced, "storage domain", quota, _NO_STORAGE, call, disk=disk)
        return
    used = of_disks(tx, str(quota.id), domain_id=domain_id if limit.storage_domain is not None else None) + more / GIB
    percent = (_or(quota.storage_soft_limit_pct, rules.THRESHOLD), _or(quota.storage_hard_limit_pct, rules.GRACE))
    _judge(tx, call, quota, enforced, "GiB", used, limit.limit, percent, "storage", _STORAGE_EVENTS, disk=disk)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _nothing_said(
    tx: Tx, enforced: bool, what: str, quota: Quota, event: Audit, call: Call | None, **words: Any
) -> None:
    if enforced:
        raise refuse(
            f"ACTION_TYPE_FAILED_NO_QUOTA_SET_FOR_{what.upper().replace('STORAGE ', '')}",
            f"Quota {quota.name} says nothing about this {what}.",
            "Add a limit to it, or use another quota.",
        )
    record(tx, event, call=call, quota=quota.name, **words)


def _judge(
    tx: Tx,
    call: Call | None,
    quota: Quota,
    enforced: bool,
    label: str,
    used: float,
    limit: float | None,
    percent: tuple[int, int],
    kind: str,
    events: Mapping[Use, Audit],
    **words: Any,
) -> None:
    found = rules.use(limit, used, threshold=percent[0], grace=percent[1])
    if found is Use.BEYOND and enforced:
        raise Refused(
            [
                Refusal(
                    f"ACTION_TYPE_FAILED_QUOTA_{kind.upper()}_LIMIT_EXCEEDED",
                    f"Quota {quota.name} would be used beyond its limit: {used:g} {label} of {limit:g}.",
                    "Free some, raise the limit, or use another quota.",
                )
            ]
        )
    if found is not Use.FINE:
        record(tx, events[found], call=call, quota=quota.name, what=f"{used:g} {label}", limit=f"{limit:g}", **words)
