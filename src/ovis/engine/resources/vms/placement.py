"""The snapshot that scheduling works on, and asking it."""

from collections import Counter
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ovis.engine.declare.faults import refuse
from ovis.engine.model.enums import HostStatus
from ovis.engine.model.types import Cluster, Host, Network, Vm, VnicProfile
from ovis.engine.resources.networks import ClusterNetwork
from ovis.engine.resources.vms.state import ON_HOST, VmNic, VmRuntime, vcpus
from ovis.engine.scheduling.choose import OVERHEAD, Decision, HostView, VmNeeds, choose
from ovis.engine.store.prepared import Prepared
from ovis.engine.store.session import Reader


@lru_cache(maxsize=16)
def _sums(vms: sa.Table, runtimes: sa.Table, place: str) -> Prepared:
    where = runtimes.c[place]
    memory = sa.func.coalesce(runtimes.c.once_memory, vms.c.guaranteed_memory, vms.c.memory, 0) + OVERHEAD
    on_host: list[Any] = [sa.literal_column(f"'{s.value}'") for s in ON_HOST]
    return Prepared(
        sa.select(where, sa.func.sum(memory), sa.func.sum(vms.c.vcpus), sa.func.count())
        .select_from(vms.join(runtimes, runtimes.c.id == vms.c.id))
        .where(vms.c.cluster_id == sa.bindparam("cluster"), vms.c.status.in_(on_host), where.is_not(None))
        .group_by(where)
    )


def _promises(rd: Reader, cluster_id: str, place: str) -> Iterator[tuple[str, int, int, int]]:
    """(host, bytes, virtual CPUs, VMs) of a cluster's VMs that run, start or come; place: host_id or target_id.

    Summed by the database, inside the transaction that places: what others wrote down a moment ago counts.
    """
    for host_id, promised, cores, count in rd.prepared(_sums(rd.sql(Vm), rd.sql(VmRuntime), place), cluster=cluster_id):
        yield host_id, int(promised), int(cores or 0), int(count)


def host_views(rd: Reader, cluster_id: str) -> list[HostView]:
    """The cluster's hosts with what they have promised to VMs that run, start or come."""
    hosts = rd.find(Host, cluster_id=cluster_id)
    promised: Counter[str] = Counter()
    cores: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for place in ("host_id", "target_id"):
        for host_id, memory, cpus, vms in _promises(rd, cluster_id, place):
            promised[host_id] += memory
            cores[host_id] += cpus
            count[host_id] += vms
    required = _required_networks(rd, cluster_id)
    views = []
    for host in hosts:
        topology = host.cpu.topology if host.cpu else None
        logical = (topology.sockets or 1) * (topology.cores or 1) * (topology.threads or 1) if topology else 1
        views.append(
            HostView(
                id=str(host.id),
                name=str(host.name),
                cluster_id=cluster_id,
                up=host.status is HostStatus.UP,
                memory=host.memory or 0,
                promised=promised[str(host.id)],
                cpus=logical,
                vcpus=cores[str(host.id)],
                networks=required,
                vms=count[str(host.id)],
            )
        )
    return views


def _required_networks(rd: Reader, cluster_id: str) -> frozenset[str]:
    """Hosts that are up have all required networks; that is what up means."""
    return frozenset(r.network_id for r in rd.find(ClusterNetwork, cluster_id=cluster_id))


def needs_of(rd: Reader, vm: Vm, *, only: Collection[str] = (), preferred: str | None = None) -> VmNeeds:
    """What a VM asks for."""
    nics = rd.find(VmNic, vm_id=str(vm.id))
    profiles = rd.get_many(VnicProfile, [str(n.nic.vnic_profile.id) for n in nics if n.nic.vnic_profile])
    networks = rd.get_many(Network, [str(p.network.id) for p in profiles.values() if p.network])
    pinned = {str(h.id) for h in (vm.placement_policy.hosts or ()) if h.id} if vm.placement_policy else set()
    bound = set(only)
    affinity = vm.placement_policy.affinity if vm.placement_policy else None
    if not bound and pinned and affinity is not None and affinity.value == "pinned":
        bound = pinned
    return VmNeeds(
        name=str(vm.name),
        cluster_id=str(vm.cluster.id) if vm.cluster else "",
        memory=(vm.memory_policy.guaranteed if vm.memory_policy else None) or vm.memory or 0,
        vcpus=vcpus(vm),
        networks=frozenset(str(n.id) for n in networks.values()),
        hosts=frozenset(bound),
        preferred=preferred or next(iter(sorted(pinned)), None),
    )


def place(
    rd: Reader, vm: Vm, *, only: Collection[str] = (), excluded: Collection[str] = (), preferred: str | None = None
) -> Decision:
    """A host for a VM, or every host's reason."""
    cluster = rd.need(Cluster, vm.cluster.id if vm.cluster else None)
    percent = (
        cluster.memory_policy.over_commit.percent
        if cluster.memory_policy and cluster.memory_policy.over_commit
        else 100
    )
    return choose(
        host_views(rd, str(cluster.id)),
        needs_of(rd, vm, only=only, preferred=preferred),
        overcommit=percent or 100,
        excluded=excluded,
    )


def require_host(rd: Reader, vm: Vm, verb: str, **how: Any) -> HostView:
    """A host, or a refusal with every host's reason."""
    decision = place(rd, vm, **how)
    if decision.host is None:
        raise refuse(
            "ACTION_TYPE_FAILED_NO_VDS_AVAILABLE_IN_CLUSTER"
            if not decision.refused
            else "SCHEDULING_ALL_HOSTS_FILTERED_OUT",
            f"Cannot {verb} VM {vm.name}. No host fits: {decision.reasons()}.",
        )
    return decision.host
