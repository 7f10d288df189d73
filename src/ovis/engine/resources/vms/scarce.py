"""What hosts have few of, and VMs want by name or number: huge pages, NUMA nodes' memory, leases' storage, CPUs by number, hooks.

Does: add to a VM's facts what it wants of these; add to the hosts of a decision what is free of them, from what hosts report, less what
VMs want that were promised it and do not run yet. Nothing is read for a VM that wants none. Does not: decide.
Follows: VDSM's `hugepages`, `numaNodeMemFree` and `storageDomains` of Host.getStats.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ovis.engine.hostlink.live import number
from ovis.engine.model.types import Vm
from ovis.engine.resources.custom_properties.rules import values_of
from ovis.engine.resources.live import capabilities, host_facts
from ovis.engine.resources.vms.numa import cores_of, nodes_of, pins_of
from ovis.engine.resources.vms.state import S, VmRuntime
from ovis.engine.scheduling.hosts import Coded, Hosts
from ovis.engine.scheduling.world import NumaNode, VmFacts
from ovis.engine.store.session import Reader


def with_wishes(rd: Reader, facts: VmFacts, vm: Vm) -> VmFacts:
    """With its huge pages, NUMA nodes, lease, CPU policy, model of CPU and agents."""
    custom = values_of(vm.custom_properties)
    size = int(custom["hugepages"]) if custom.get("hugepages", "").isdecimal() else 0
    nodes = [r.node for r in nodes_of(rd, facts.id)]
    lease = vm.lease.storage_domain.id if vm.lease and vm.lease.storage_domain else None
    threads = vm.io.threads if vm.io else None
    return replace(
        facts,
        pages={size: -(-facts.memory * 1024 // size)} if size else {},
        numa=tuple(
            NumaNode(
                n.memory or 0,
                len(cores_of(n)),
                tuple(pins_of(n)),
                n.numa_tune_mode.value if n.numa_tune_mode else "strict",
            )
            for n in nodes
        ),
        leases=frozenset([str(lease)] if lease else ()),
        cpu_policy=vm.cpu_pinning_policy.value if vm.cpu_pinning_policy else "none",
        flags=frozenset({f"model_{vm.custom_cpu_model}"} if vm.custom_cpu_model else ()),
        iothreads=int(threads or 0),
        sap_agent=custom.get("sap_agent") == "true",
    )


def with_free(rd: Reader, hosts: Hosts, vms: Sequence[VmFacts], cluster_id: str) -> Hosts:
    """The hosts with what is free of what these VMs want."""
    pages = any(v.pages for v in vms)
    numa = any(n.pinned for v in vms for n in v.numa)
    leases = any(v.leases for v in vms)
    if not len(hosts) or not (pages or numa or leases):
        return hosts
    reported = host_facts(rd, hosts.ids)
    coming = _coming(rd, cluster_id, {v.id for v in vms}) if pages or numa else []
    made: dict[str, Coded] = {}
    if pages:
        made["hugepages"] = Coded(_free_pages(reported.get(h, {}), _of(coming, h)) for h in hosts.ids)
    if numa:
        made["numa"] = Coded(_free_nodes(h, reported.get(h, {}), _of(coming, h)) for h in hosts.ids)
    if leases:
        made["leases"] = Coded(_acquired(reported.get(h)) for h in hosts.ids)
    return hosts.with_values(**made)


def _of(coming: Iterable[tuple[str, VmFacts]], host_id: str) -> list[VmFacts]:
    return [vm for host, vm in coming if host == host_id]


def _coming(rd: Reader, cluster_id: str, without: set[str]) -> list[tuple[str, VmFacts]]:
    """VMs that start, or migrate, with their host: what it reports as free does not know of them."""
    vms = rd.find(Vm, cluster_id=cluster_id, status=[S.WAIT_FOR_LAUNCH.value, S.MIGRATING.value])
    runtimes = rd.get_many(VmRuntime, [str(v.id) for v in vms])
    found = []
    for vm in vms:
        runtime = runtimes.get(str(vm.id))
        place = None if runtime is None else runtime.target_id or runtime.host_id
        if place is not None and str(vm.id) not in without:
            facts = VmFacts(id=str(vm.id), memory=(vm.memory or 0) >> 20)
            found.append((place, with_wishes(rd, facts, vm)))
    return found


def _free_pages(stats: Mapping[str, Any], coming: Sequence[VmFacts]) -> tuple[tuple[int, int], ...]:
    """(KiB, how many) of a host's pools."""
    pools = stats.get("hugepages") or {}
    free = {int(number(size)): int(number(pool.get("free_hugepages"))) for size, pool in pools.items()}
    for vm in coming:
        for size, many in vm.pages.items():
            if size in free:
                free[size] -= many
    return tuple(sorted(free.items()))


def _free_nodes(host_id: str, stats: Mapping[str, Any], coming: Sequence[VmFacts]) -> tuple[tuple[int, int, int], ...]:
    """(node, MiB, CPUs) of a host that has several; what a VM wants of one of several nodes is taken from the first."""
    nodes = capabilities(host_id).get("numaNodes") or {}
    if len(nodes) < 2:
        return ()
    told = stats.get("numaNodeMemFree") or {}
    free = {
        int(n): int(number((told.get(str(n)) or {}).get("memFree", node.get("totalMemory"))))
        for n, node in nodes.items()
    }
    for node in (n for vm in coming for n in vm.numa if n.pinned):
        if node.pinned[0] in free:
            free[node.pinned[0]] -= node.memory
    return tuple((n, memory, len(nodes[str(n)].get("cpus") or ())) for n, memory in sorted(free.items()))


def _acquired(stats: Mapping[str, Any] | None) -> frozenset[str] | None:
    """Storage domains whose leases a host can take; None: it has not told."""
    domains = (stats or {}).get("storageDomains")
    if not isinstance(domains, Mapping):
        return None
    return frozenset(str(i) for i, row in domains.items() if isinstance(row, Mapping) and row.get("acquired"))
