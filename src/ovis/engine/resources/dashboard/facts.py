"""What the dashboard shows, read at once: counts by state, what is used and promised, the busiest, what needs attention.

Does: read it of everything that the caller sees, from the store and from what hosts say now. Does not: keep anything, or
write JSON of any shape (`page`, `ovirt`).
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ovis.engine.access.check import visible_ids
from ovis.engine.declare.call import Call
from ovis.engine.hostlink.live import Usage
from ovis.engine.model.enums import HostStatus, StorageDomainStatus, StorageDomainType
from ovis.engine.model.types import Cluster, Disk, Event, Host, StorageDomain, Vm
from ovis.engine.resources.vms.state import ON_HOST
from ovis.engine.store.session import Reader

TYPES = {
    "datacenters": ("data_center", "data_centers"),
    "clusters": ("cluster", "clusters"),
    "hosts": ("host", "hosts"),
    "storagedomains": ("storage_domain", "storage_domains"),
    "vms": ("vm", "vms"),
}
SEVERITIES = {0: "normal", 1: "warning", 2: "error", 10: "alert"}
_WARNING, _ERROR = 1, 2
_NAMED = {
    "vm": "vms",
    "host": "hosts",
    "storage_domain": "storagedomains",
    "data_center": "datacenters",
    "cluster": "clusters",
    "template": "templates",
}
MOST_ALERTS, MOST_BUSY, MOST_HOSTS = 20, 10, 200


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, and how many in each state."""

    total: int
    states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Amount:
    """used, total, promised: of one resource, in the same unit (CPU: cores; promised: virtual CPUs)."""

    used: float
    total: float
    promised: float


@dataclass(frozen=True, slots=True)
class Busy:
    """One of the busiest. value: per cent. used, total: of what it has, in its own unit."""

    type: str
    id: str
    name: str
    status: str
    value: float
    used: float = 0.0
    total: float = 0.0


@dataclass(slots=True)
class Facts:
    """Everything. cores, memory, space: how much of the whole each host or domain is, by id."""

    now: datetime
    inventory: dict[str, Count] = field(default_factory=dict)
    cpu: Amount = Amount(0, 0, 0)
    memory: Amount = Amount(0, 0, 0)
    storage: Amount = Amount(0, 0, 0)
    cores: dict[str, float] = field(default_factory=dict)
    memories: dict[str, float] = field(default_factory=dict)
    space: dict[str, float] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    top: dict[str, list[Busy]] = field(default_factory=dict)
    hosts: list[dict[str, Any]] = field(default_factory=list)
    busy_hosts: dict[str, list[Busy]] = field(default_factory=dict)


Seen = Mapping[str, Collection[str] | None]


def read(rd: Reader, call: Call, usages: Mapping[str, Usage]) -> Facts:
    """Everything, of what the caller sees. usages: what hosts and VMs use now."""
    everything = call.principal.administrator and not call.filtered
    seen: Seen = {
        collection: None if everything else visible_ids(rd, call.principal, object_type)
        for collection, (object_type, _) in TYPES.items()
    }
    facts = Facts(now=call.now)
    domains = _domains(rd, seen)
    for collection in ("datacenters", "hosts", "vms"):
        facts.inventory[collection] = _states(rd, collection, seen)
    facts.inventory["clusters"] = Count(_how_many(rd, "clusters", seen), {})
    facts.inventory["storagedomains"] = _counted(status for _, status in domains)
    facts.inventory["events"] = _events(rd, call, seen, everything)
    hosts = _hosts(rd, seen, usages, facts)
    _promised(rd, seen, facts)
    _storage(domains, facts)
    facts.alerts = _alerts(rd, call, seen, everything)
    facts.top = {
        "cpu": _busiest(rd, usages, seen, lambda usage: usage.cpu),
        "memory": _busiest(rd, usages, seen, lambda usage: usage.memory),
        "storage": _fullest(domains),
    }
    facts.hosts = hosts
    return facts


def _within(rd: Reader, column: Any, ids: Collection[str] | None) -> tuple[Any, ...]:
    return () if ids is None else (rd.among(column, ids),)


def _states(rd: Reader, collection: str, seen: Seen) -> Count:
    table = rd.schema.sql[TYPES[collection][1]]
    where = _within(rd, table.c.id, seen[collection])
    rows = rd.rows(sa.select(table.c.status, sa.func.count()).where(*where).group_by(table.c.status))
    states = {str(status or "unknown"): int(count) for status, count in rows}
    return Count(sum(states.values()), dict(sorted(states.items())))


def _how_many(rd: Reader, collection: str, seen: Seen) -> int:
    table = rd.schema.sql[TYPES[collection][1]]
    where = _within(rd, table.c.id, seen[collection])
    return int(rd.rows(sa.select(sa.func.count()).select_from(table).where(*where))[0][0])


def _counted(states: Iterable[str]) -> Count:
    found: dict[str, int] = {}
    for state in states:
        found[state] = found.get(state, 0) + 1
    return Count(sum(found.values()), dict(sorted(found.items())))


# -- events -------------------------------------------------------------------------------------------------------


def _of_events(rd: Reader, call: Call, seen: Seen, everything: bool) -> tuple[Any, ...]:
    """Events of the last day that the caller may see: all, or his own and those of what he sees."""
    table = rd.sql(Event)
    since = table.c.time >= round((call.now - timedelta(days=1)).timestamp() * 1000)
    if everything:
        return (since,)
    mine = [table.c.user_id == call.principal.user_id]
    for word, collection in _NAMED.items():
        ids = seen.get(collection, ())
        if ids:
            mine.append(rd.among(table.c[f"{word}_id"], ids))
    return since, sa.or_(*mine)


def _events(rd: Reader, call: Call, seen: Seen, everything: bool) -> Count:
    table = rd.sql(Event)
    where = _of_events(rd, call, seen, everything)
    rows = rd.rows(sa.select(table.c.severity, sa.func.count()).where(*where).group_by(table.c.severity))
    states = {SEVERITIES.get(severity, "normal"): int(count) for severity, count in rows}
    return Count(sum(states.values()), states)


def _alerts(rd: Reader, call: Call, seen: Seen, everything: bool) -> list[dict[str, Any]]:
    """Errors and alerts first, then warnings; the newest of each."""
    table = rd.sql(Event)
    where = _of_events(rd, call, seen, everything)
    newest = [table.c.id.desc()]
    found = rd.select(Event, *where, table.c.severity >= _ERROR, order=newest, limit=MOST_ALERTS)
    if len(found) < MOST_ALERTS:
        warnings = table.c.severity == _WARNING
        found += rd.select(Event, *where, warnings, order=newest, limit=MOST_ALERTS - len(found))
    return [
        {
            "id": str(event.id),
            "severity": event.severity.value if event.severity else "normal",
            "time": round(event.time.timestamp() * 1000) if event.time else None,
            "code": event.code,
            "description": event.description,
            "entity": _entity(event),
        }
        for event in found
    ]


def _entity(event: Event) -> dict[str, Any] | None:
    for word, collection in _NAMED.items():
        reference = getattr(event, word)
        if reference is not None and reference.id:
            return {"type": collection, "id": reference.id, "name": reference.name}
    return None


# -- hosts and VMs ------------------------------------------------------------------------------------------------


def _hosts(rd: Reader, seen: Seen, usages: Mapping[str, Usage], facts: Facts) -> list[dict[str, Any]]:
    ids = seen["hosts"]
    hosts = rd.find(Host) if ids is None else list(rd.get_many(Host, ids).values())
    vms = rd.schema.sql["vms"]
    counts = {
        str(host_id): int(count)
        for host_id, count in rd.rows(
            sa.select(vms.c.host_id, sa.func.count()).where(vms.c.host_id.is_not(None)).group_by(vms.c.host_id)
        )
    }
    clusters = rd.get_many(Cluster, {str(h.cluster.id) for h in hosts if h.cluster and h.cluster.id})
    used = [0.0, 0.0]
    for host in hosts:
        if host.status is not HostStatus.UP:
            continue
        id_, usage = str(host.id), usages.get(str(host.id))
        topology = host.cpu.topology if host.cpu else None
        cores = float((topology.sockets or 1) * (topology.cores or 1)) if topology is not None else 0.0
        facts.cores[id_], facts.memories[id_] = cores, float(host.memory or 0)
        if usage is not None:
            used[0] += usage.cpu * cores / 100
            used[1] += usage.memory * (host.memory or 0) / 100
    facts.cpu = Amount(used[0], sum(facts.cores.values()), 0)
    facts.memory = Amount(used[1], sum(facts.memories.values()), 0)
    facts.busy_hosts = {
        "cpu": _busy_hosts(hosts, usages, facts.cores, lambda usage: usage.cpu),
        "memory": _busy_hosts(hosts, usages, facts.memories, lambda usage: usage.memory),
    }
    shown = [_host(host, usages.get(str(host.id)), counts.get(str(host.id), 0), clusters) for host in hosts]
    shown.sort(key=lambda row: (-max(row["cpu"] or 0, row["memory"] or 0), row["name"] or ""))
    return shown[:MOST_HOSTS]


def _host(host: Host, usage: Usage | None, vms: int, clusters: Mapping[str, Cluster]) -> dict[str, Any]:
    cluster = clusters.get(str(host.cluster.id)) if host.cluster is not None else None
    return {
        "id": str(host.id),
        "name": host.name,
        "status": host.status.value if host.status else "unknown",
        "vms": vms,
        "cpu": usage.cpu if usage is not None else None,
        "memory": usage.memory if usage is not None else None,
        "cluster": {"id": cluster.id, "name": cluster.name} if cluster is not None else None,
    }


def _busy_hosts(
    hosts: Sequence[Host], usages: Mapping[str, Usage], whole: Mapping[str, float], value: Callable[[Usage], int]
) -> list[Busy]:
    rows = [
        Busy("hosts", i, str(host.name), "up", value(usages[i]), value(usages[i]) * whole[i] / 100, whole[i])
        for host in hosts
        if (i := str(host.id)) in usages and i in whole
    ]
    return heapq.nlargest(MOST_BUSY, rows, key=lambda row: row.value)


def _promised(rd: Reader, seen: Seen, facts: Facts) -> None:
    """What VMs that are on hosts were promised."""
    vms = rd.schema.sql["vms"]
    running = vms.c.status.in_([status.value for status in ON_HOST])
    where = _within(rd, vms.c.id, seen["vms"])
    cpus, memory = rd.rows(sa.select(sa.func.sum(vms.c.vcpus), sa.func.sum(vms.c.memory)).where(running, *where))[0]
    facts.cpu = Amount(facts.cpu.used, facts.cpu.total, float(cpus or 0))
    facts.memory = Amount(facts.memory.used, facts.memory.total, float(memory or 0))


def _busiest(rd: Reader, usages: Mapping[str, Usage], seen: Seen, value: Callable[[Usage], int]) -> list[Busy]:
    ids = seen["vms"]
    candidates = (u for u in usages.values() if u.kind == "vm" and (ids is None or u.id in ids))
    largest = heapq.nlargest(MOST_BUSY, candidates, key=value)
    vms = rd.get_many(Vm, [usage.id for usage in largest])
    return [
        Busy("vms", usage.id, str(vm.name), vm.status.value if vm.status else "unknown", value(usage))
        for usage in largest
        if (vm := vms.get(usage.id)) is not None
    ]


# -- storage ------------------------------------------------------------------------------------------------------


def _domains(rd: Reader, seen: Seen) -> list[tuple[StorageDomain, str]]:
    """Domains with their status in the data center that they belong to."""
    ids = seen["storagedomains"]
    found = rd.find(StorageDomain) if ids is None else list(rd.get_many(StorageDomain, ids).values())
    table = rd.schema.sql["storage_domain_attachments"]
    statuses = {str(id_): str(status) for id_, status in rd.rows(sa.select(table.c.storage_domain_id, table.c.status))}
    return [(domain, statuses.get(str(domain.id), StorageDomainStatus.UNATTACHED.value)) for domain in found]


def _storage(domains: Sequence[tuple[StorageDomain, str]], facts: Facts) -> None:
    used = promised = 0.0
    for domain, status in domains:
        if domain.type is StorageDomainType.DATA and status == StorageDomainStatus.ACTIVE.value:
            facts.space[str(domain.id)] = float((domain.used or 0) + (domain.available or 0))
            used += domain.used or 0
            promised += domain.committed or 0
    facts.storage = Amount(used, sum(facts.space.values()), promised)


def _fullest(domains: Sequence[tuple[StorageDomain, str]]) -> list[Busy]:
    rows = []
    for domain, status in domains:
        total = (domain.used or 0) + (domain.available or 0)
        if total > 0:
            share = 100 * (domain.used or 0) / total
            rows.append(
                Busy(
                    "storagedomains", str(domain.id), str(domain.name), status, round(share, 1), domain.used or 0, total
                )
            )
    return heapq.nlargest(MOST_BUSY, rows, key=lambda row: row.value)


def largest_disks(rd: Reader, call: Call) -> list[Busy]:
    """Disks that take most of what they were promised to take, of VMs that the caller sees."""
    ids = None
    if not call.principal.administrator or call.filtered:
        ids = visible_ids(rd, call.principal, "disk")
    table = rd.sql(Disk)
    order = [table.c.actual_size.desc(), table.c.id]
    where = (*_within(rd, table.c.id, ids), table.c.actual_size.is_not(None))
    return [
        Busy(
            "disks",
            str(disk.id),
            str(disk.alias or disk.name),
            "ok",
            0,
            disk.actual_size or 0,
            disk.provisioned_size or 0,
        )
        for disk in rd.select(Disk, *where, order=order, limit=MOST_BUSY)
    ]
