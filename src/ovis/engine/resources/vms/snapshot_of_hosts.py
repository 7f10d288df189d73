"""The hosts of a cluster as scheduling's columns, inside the transaction that places.

Does: keep what hosts are between decisions (it is read again when one of their rows changes), and read anew what they have
promised: sums by the database in the same transaction, so that what others wrote down a moment ago counts.
Does not: decide. Memory is MiB, rounded against the VM.
"""

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sqlalchemy as sa

from ovis.engine.hostlink.live import number
from ovis.engine.model.enums import HostStatus, SpmStatus
from ovis.engine.model.types import Host, Vm
from ovis.engine.resources.live import capabilities, host_facts
from ovis.engine.resources.vms.state import ON_HOST, VmRuntime
from ovis.engine.scheduling.hosts import Hosts, Numbers
from ovis.engine.store.prepared import Prepared
from ovis.engine.store.session import Reader

MIB = 1 << 20
_KEPT: dict[str, tuple[Any, Hosts]] = {}  # cluster -> (versions of its hosts and their reports, what they are)
_BUSY: dict[str, float] = {}  # host -> since when its CPUs are busy
BUSY_PER_CENT = 50.0  # the lowest HighUtilization that a policy can have
_SUMS = ("committed", "vcpus", "vms", "largest", "ha", "pending", "pending_memory", "pending_vcpus", "exclusive")
_EXCLUSIVE = ("dedicated", "isolate_threads", "siblings")


@lru_cache(maxsize=16)
def _sums(vms: sa.Table, runtimes: sa.Table, place: str) -> Prepared:
    """What VMs take of each host: promised bytes with overhead as scheduling counts it, CPUs, how many."""
    where = runtimes.c[place]
    promised = sa.func.coalesce(runtimes.c.once_memory, vms.c.guaranteed_memory, vms.c.memory, 0)
    memory = sa.func.coalesce(vms.c.memory, 0)
    cpus = sa.func.coalesce(vms.c.vcpus, 1)
    overhead = 64 * MIB + memory / 512 + cpus * (8 * MIB)
    coming: Any = (
        sa.literal_column("1")
        if place == "target_id"
        else sa.case((vms.c.status == sa.literal_column("'wait_for_launch'"), 1), else_=0)
    )
    on_host: list[Any] = [sa.literal_column(f"'{s.value}'") for s in ON_HOST]
    exclusive: list[Any] = [sa.literal_column(f"'{p}'") for p in _EXCLUSIVE]
    alone = vms.c.cpu_pinning_policy.in_(exclusive)
    ha = sa.case((vms.c.high_availability.is_(sa.true()), 1), else_=0)
    return Prepared(
        sa.select(
            where,
            sa.func.sum(promised + overhead),
            sa.func.sum(cpus),
            sa.func.count(),
            sa.func.max(sa.case((alone, 0), else_=cpus)),
            sa.func.sum(ha),
            sa.func.sum(coming),
            sa.func.sum(coming * (64 * MIB + memory / 512)),
            sa.func.sum(coming * cpus),
            sa.func.sum(sa.case((alone, cpus), else_=0)),
        )
        .select_from(vms.join(runtimes, runtimes.c.id == vms.c.id))
        .where(vms.c.cluster_id == sa.bindparam("cluster"), vms.c.status.in_(on_host), where.is_not(None))
        .group_by(where)
    )


@lru_cache(maxsize=16)
def _versions(hosts: sa.Table) -> Prepared:
    return Prepared(
        sa.select(hosts.c.id, hosts.c.version)
        .where(hosts.c.cluster_id == sa.bindparam("cluster"))
        .order_by(hosts.c.name_key)
    )


def hosts_of(rd: Reader, cluster_id: str, overcommit: int, networks: Mapping[str, str]) -> Hosts:
    """All hosts of a cluster as they stand in this transaction. networks: id -> name on hosts, of the cluster's."""
    rows = rd.prepared(_versions(rd.sql(Host)), cluster=cluster_id)
    reports = tuple(id(capabilities(str(row[0]))) for row in rows)
    key = (tuple((str(r[0]), r[1]) for r in rows), reports, overcommit, tuple(sorted(networks.items())))
    known = _KEPT.get(cluster_id)
    if known is None or known[0] != key:
        found = rd.get_many(Host, [str(row[0]) for row in rows])
        static = Hosts.of([_host(found[str(r[0])], networks) for r in rows]) if rows else Hosts((), ())
        known = _KEPT[cluster_id] = (key, static)
        if len(_KEPT) > 500:
            _KEPT.pop(next(iter(_KEPT)))
    static = known[1]
    if len(static) == 0:
        return static
    return static.with_numbers(**_now(rd, cluster_id, static, overcommit))


def _now(rd: Reader, cluster_id: str, hosts: Hosts, overcommit: int) -> dict[str, Numbers]:
    """Sums of what is promised, and what hosts reported last."""
    sums = {name: np.zeros(len(hosts)) for name in _SUMS}
    for place in ("host_id", "target_id"):
        statement = _sums(rd.sql(Vm), rd.sql(VmRuntime), place)
        for host_id, *values in rd.prepared(statement, cluster=cluster_id):
            position = hosts.at(host_id)
            if position is None:
                continue
            for name, value in zip(_SUMS, values, strict=True):
                column = sums[name]
                had = column[position]
                column[position] = max(had, float(value or 0)) if name == "largest" else had + float(value or 0)
    room = np.floor((hosts["memory"] * MIB * overcommit / 100 - hosts["reserved"] * MIB - sums["committed"]) / MIB)
    found: dict[str, Numbers] = {
        "schedulable": np.maximum(0.0, room),
        "pending_memory": np.ceil(sums["pending_memory"] / MIB),
        "vcpus": sums["vcpus"],
        "exclusive": sums["exclusive"],
        "largest_vm": sums["largest"],
        "vms": sums["vms"],
        "running": sums["vms"] - sums["pending"],
        "pending_vms": sums["pending"],
        "ha_vms": sums["ha"],
        "pending_load": sums["pending_vcpus"] * 10.0,
    }
    return found | _reported(rd, hosts)


def _reported(rd: Reader, hosts: Hosts) -> dict[str, Numbers]:
    """Live statistics; a host that says nothing has its whole memory and no load."""
    facts = host_facts(rd, hosts.ids)
    count = len(hosts)
    usage, minutes = np.zeros(count), np.full(count, np.nan)
    free, swap, swap_free = hosts["memory"].copy(), np.zeros(count), np.zeros(count)
    known, moving = np.ones(count), np.zeros(count)
    now = time.monotonic()
    for i, host_id in enumerate(hosts.ids):
        row = facts.get(host_id)
        if row is None:
            known[i] = 0
            continue
        usage[i] = number(row.get("cpuUser")) + number(row.get("cpuSys"))
        if row.get("memFree") is not None:
            free[i] = number(row.get("memFree"))
        swap[i], swap_free[i] = number(row.get("swapTotal")), number(row.get("swapFree"))
        moving[i] = number(row.get("outgoingVmMigrations")) + number(row.get("incomingVmMigrations"))
        since = _BUSY.get(host_id)
        if since is not None:
            minutes[i] = (now - since) / 60
    return {
        "usage": usage,
        "free": free,
        "swap": swap,
        "swap_free": swap_free,
        "overload_minutes": minutes,
        "statistics": known,
        "migrating": moving,
    }


def note_load(host_id: str, stats: Mapping[str, Any]) -> None:
    """What a host reports of its CPUs: since when it is busy. A host that emulates CPUs is no measure of anything."""
    usage = number(stats.get("cpuUser")) + number(stats.get("cpuSys"))
    if usage >= BUSY_PER_CENT and not capabilities(host_id).get("emulation"):
        _BUSY.setdefault(host_id, time.monotonic())
    else:
        _BUSY.pop(host_id, None)


def _host(host: Host, networks: Mapping[str, str]) -> dict[str, Any]:
    """What a host is, by its row and what it said it is able to."""
    caps = capabilities(str(host.id))
    topology = host.cpu.topology if host.cpu else None
    sockets = (topology.sockets or 1) if topology else 1
    cores = sockets * ((topology.cores or 1) if topology else 1)
    memory = (host.memory or 0) // MIB
    reported = caps.get("networks")
    has = {i for i, name in networks.items() if reported is None or name in reported}
    nodes = caps.get("numaNodes") or {}
    managed = host.power_management
    row: dict[str, Any] = {
        "id": str(host.id),
        "name": str(host.name),
        "up": host.status is HostStatus.UP,
        "resting": host.status is HostStatus.MAINTENANCE,
        "off": host.status is HostStatus.DOWN,
        "sockets": sockets,
        "cores": cores,
        "threads": cores * ((topology.threads or 1) if topology else 1),
        "memory": memory,
        "reserved": max(0, memory - (host.max_scheduling_memory or host.memory or 0) // MIB),
        "spm": bool(host.spm and host.spm.status is SpmStatus.SPM),
        "pm": bool(managed and managed.enabled and managed.automatic_pm_enabled is not False),
        "networks": frozenset(has),
        "address": f"{host.address}:{host.port or 54321}" if host.address else "",
        "versions": frozenset(str(v) for v in caps.get("clusterLevels") or ("4.2", "4.3", "4.4", "4.5", "4.6", "4.7")),
        "machines": frozenset(str(m) for m in caps.get("emulatedMachines") or ()),
        "numa": tuple(
            (int(n), int(number(node.get("totalMemory"))), len(node.get("cpus") or ()))
            for n, node in sorted(nodes.items())
        )
        if len(nodes) > 1
        else (),
        "tsc": number(caps.get("tscFrequency")),
        "tsc_scaling": bool(caps.get("tscScaling")),
        "passthrough": str(caps.get("hostdevPassthrough", "false")).lower() == "true",
        "he_configured": False,
        "os_major": _major(caps.get("operatingSystem")),
    }
    flags = caps.get("cpuFlags")
    if flags:
        row["flags"] = frozenset(str(flags).split(","))
    online = caps.get("onlineCpus")
    if online:
        row["online"] = frozenset(int(c) for c in str(online).split(",") if c.strip().isdigit())
    hooks = caps.get("hooks")
    if isinstance(hooks, Mapping):
        row["hooks"] = frozenset(name for point in hooks.values() for name in point)
    return row


def _major(system: Any) -> int:
    """The first number of an operating system's version; 0: not told."""
    found = str(system.get("version") or "").partition(".")[0] if isinstance(system, Mapping) else ""
    return int(found) if found.isdecimal() else 0
