"""The snapshot that scheduling works on, and asking it."""

from collections.abc import Collection
from typing import Any

from ovis.engine.declare.faults import refuse
from ovis.engine.model.enums import HostStatus
from ovis.engine.model.types import Cluster, Host, Network, Vm, VnicProfile
from ovis.engine.resources.networks import ClusterNetwork
from ovis.engine.resources.vms.state import ON_HOST, VmNic, VmRuntime, vcpus
from ovis.engine.scheduling.choose import OVERHEAD, Decision, HostView, VmNeeds, choose
from ovis.engine.store.session import Reader


def host_views(rd: Reader, cluster_id: str) -> list[HostView]:
    """The cluster's hosts with what they have promised to VMs that run, start or come."""
    hosts = rd.find(Host, cluster_id=cluster_id)
    sql = rd.sql(Vm)
    vms = rd.select(Vm, sql.c.cluster_id == cluster_id, sql.c.status.in_([s.value for s in ON_HOST]), order=[sql.c.id])
    runtimes = rd.get_many(VmRuntime, [str(vm.id) for vm in vms])
    promised: dict[str, int] = {}
    cores: dict[str, int] = {}
    count: dict[str, int] = {}
    for vm in vms:
        runtime = runtimes.get(str(vm.id))
        for host_id in {runtime.host_id, runtime.target_id} - {None} if runtime else set[Any]():
            guaranteed = (vm.memory_policy.guaranteed if vm.memory_policy else None) or vm.memory or 0
            promised[host_id] = promised.get(host_id, 0) + guaranteed + OVERHEAD
            cores[host_id] = cores.get(host_id, 0) + vcpus(vm)
            count[host_id] = count.get(host_id, 0) + 1
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
                promised=promised.get(str(host.id), 0),
                cpus=logical,
                vcpus=cores.get(str(host.id), 0),
                networks=required,
                vms=count.get(str(host.id), 0),
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
