"""What hosts have few of, and VMs want by name or number: huge pages, NUMA nodes' memory, leases' storage, devices and their parts.

Does: add to a VM's facts what it wants of these; add to the hosts of a decision what is free of them, from what hosts report, less what
VMs want that were promised it and do not run yet. Nothing is read for a VM that wants none. Does not: decide.
Follows: VDSM's `hugepages`, `numaNodeMemFree` and `storageDomains` of Host.getStats; Host.hostdevListByCaps, which is read when a host
comes up, so that what was in use then is noted beside it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ovis.engine.commands.services import Services
from ovis.engine.hostlink.live import number
from ovis.engine.model.types import Vm
from ovis.engine.resources.custom_properties.rules import values_of
from ovis.engine.resources.hosts.host_devices import VmHostDevice, devices_of
from ovis.engine.resources.live import LIVE, capabilities, host_facts
from ovis.engine.resources.vms.mediated import Mediated
from ovis.engine.resources.vms.numa import cores_of, nodes_of, pins_of
from ovis.engine.resources.vms.state import ON_HOST, S, VmRuntime
from ovis.engine.scheduling.hosts import Coded, Hosts
from ovis.engine.scheduling.world import NumaNode, VmFacts
from ovis.engine.store.session import Reader

_IN_USE = "mdevsInUse"  # beside what the host's capabilities say


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
        devices=frozenset(r.name for r in rd.find(VmHostDevice, vm_id=facts.id)),
        mdevs=tuple(sorted(r.params["mdevType"] for r in rd.find(Mediated, vm_id=facts.id))),
    )


def with_free(rd: Reader, hosts: Hosts, vms: Sequence[VmFacts], cluster_id: str) -> Hosts:
    """The hosts with what is free of what these VMs want."""
    pages = any(v.pages for v in vms)
    numa = any(n.pinned for v in vms for n in v.numa)
    leases = any(v.leases for v in vms)
    if len(hosts) and any(v.devices or v.mdevs for v in vms):
        hosts = _with_devices(rd, hosts, vms)
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


def _with_devices(rd: Reader, hosts: Hosts, vms: Sequence[VmFacts]) -> Hosts:
    """Devices by name and parts of them by type, less those of VMs there. Only PCI devices need pass-through."""
    own, wanted = {v.id for v in vms}, {name for v in vms for name in v.devices}
    known = {h: devices_of(h) for h in hosts.ids}
    held = {h: _ids_on(rd, h) - own for h in hosts.ids}
    names = {h: {r.name for r in rd.find(VmHostDevice, vm_id=sorted(held[h]))} if wanted else set() for h in hosts.ids}
    parts = {h: _free_parts(rd, h, known[h], held[h]) for h in hosts.ids}
    able = [
        not any(known[h].get(name, {}).get("capability") == "pci" for name in wanted) or bool(passes)
        for h, passes in zip(hosts.ids, hosts["passthrough"], strict=True)
    ]
    return hosts.with_numbers(passthrough=np.array(able, dtype=np.float64)).with_values(
        devices=Coded(frozenset(known[h]) - names[h] for h in hosts.ids),
        mdevs=Coded(tuple(sorted(parts[h].items())) for h in hosts.ids),
    )


def _ids_on(rd: Reader, host_id: str) -> set[str]:
    """VMs that are on a host, or come there."""
    rows = [*rd.find(VmRuntime, host_id=host_id), *rd.find(VmRuntime, target_id=host_id)]
    return {i for i, vm in rd.get_many(Vm, [r.id for r in rows]).items() if vm.status in ON_HOST}


def _in_use(rd: Reader, vm_ids: Iterable[str]) -> Counter[str]:
    return Counter(r.params["mdevType"] for r in rd.find(Mediated, vm_id=sorted(vm_ids)))


def _free_parts(rd: Reader, host_id: str, devices: Mapping[str, Any], held: Iterable[str]) -> Counter[str]:
    """Type -> how many more: what was free when it was reported, with what was in use then, less what is in use now."""
    free: Counter[str] = Counter()
    for params in devices.values():
        for kind, row in (params.get("mdev") or {}).items():
            free[kind] += int(number(row.get("available_instances")))
    if free:
        free.update(capabilities(host_id).get(_IN_USE) or {})
        free.subtract({k: n for k, n in _in_use(rd, held).items() if k in free})
    return free


async def note_parts(services: Services, host_id: str) -> None:
    """Parts of devices that are in use as a host's devices have been read."""
    found = await services.store.read(lambda rd: dict(_in_use(rd, _ids_on(rd, host_id))))
    caps = LIVE["live"].host_caps
    caps[host_id] = {**caps.get(host_id, {}), _IN_USE: found}
