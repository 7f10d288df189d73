"""A VM as scheduling sees it, and its cluster's policy and groups, read from the store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ovis.engine.hostlink.live import number
from ovis.engine.model.enums import NetworkUsage, VmAffinity
from ovis.engine.model.types import Cluster, Network, SchedulingPolicy, Vm, VnicProfile
from ovis.engine.resources.affinity import groups_of_cluster
from ovis.engine.resources.live import vm_facts
from ovis.engine.resources.networks import ClusterNetwork
from ovis.engine.resources.scheduling_policies import policy_from
from ovis.engine.resources.vms.state import ON_HOST, VmNic, VmRuntime, vcpus
from ovis.engine.scheduling.policies import Policy
from ovis.engine.scheduling.world import ClusterFacts, ClusterNetwork as NetworkFacts, Group, Nic, VmFacts
from ovis.engine.store.session import Reader

MIB = 1 << 20
_MIGRATION = {VmAffinity.PINNED: "pinned", VmAffinity.USER_MIGRATABLE: "user_migratable"}


@dataclass(frozen=True, slots=True)
class Scene:
    """What all decisions of a cluster share. networks: id -> name on hosts."""

    cluster: Cluster
    facts: ClusterFacts
    policy: Policy
    overcommit: int
    networks: Mapping[str, str]
    groups: Sequence[Group]


def scene_of(rd: Reader, cluster_id: str | None) -> Scene:
    """A cluster with its policy, networks and affinity groups."""
    cluster = rd.need(Cluster, cluster_id)
    policy_id = cluster.scheduling_policy.id if cluster.scheduling_policy else None
    policy = policy_from(rd.get(SchedulingPolicy, policy_id) if policy_id else None, cluster)
    roles = rd.find(ClusterNetwork, cluster_id=str(cluster.id))
    found = rd.get_many(Network, [r.network_id for r in roles])
    over = cluster.memory_policy.over_commit if cluster.memory_policy else None
    facts = ClusterFacts(
        threads_as_cores=bool(cluster.threads_as_cores),
        ha_reservation=bool(cluster.ha_reservation),
        networks=tuple(
            NetworkFacts(r.network_id, r.required, NetworkUsage.DISPLAY in r.usages, _external(found[r.network_id]))
            for r in roles
            if r.network_id in found
        ),
    )
    names = {i: str(n.vdsm_name or n.name) for i, n in found.items()}
    groups = groups_of_cluster(rd, str(cluster.id))
    return Scene(cluster, facts, policy, (over.percent if over else None) or 100, names, groups)


def _external(network: Network) -> bool:
    return network.external_provider is not None


def facts_of(rd: Reader, vms: Iterable[Vm], runtimes: Mapping[str, VmRuntime] | None = None) -> list[VmFacts]:
    """VMs as scheduling sees them, without their NICs."""
    known = list(vms)
    if runtimes is None:
        runtimes = rd.get_many(VmRuntime, [str(v.id) for v in known])
    live = vm_facts(rd, [str(v.id) for v in known if v.status in ON_HOST])
    return [_facts(vm, runtimes.get(str(vm.id)), live.get(str(vm.id))) for vm in known]


def _facts(vm: Vm, runtime: VmRuntime | None, row: Mapping[str, object] | None) -> VmFacts:
    memory = (vm.memory or 0) // MIB
    promised = (vm.memory_policy.guaranteed if vm.memory_policy else None) or vm.memory or 0
    placed = vm.placement_policy
    topology = vm.cpu.topology if vm.cpu else None
    version = vm.custom_compatibility_version
    load = None if row is None else number(row.get("cpuUser")) + number(row.get("cpuSys"))
    used = None if row is None else int(memory * number(row.get("memUsage")) / 100)
    pins = [str(p.cpu_set) for p in (vm.cpu.cpu_tune.vcpu_pins or ())] if vm.cpu and vm.cpu.cpu_tune else []
    return VmFacts(
        id=str(vm.id),
        name=str(vm.name),
        status=vm.status.value if vm.status else "down",
        host=runtime.host_id if runtime is not None and vm.status in ON_HOST else None,
        memory=memory,
        promise=-(-promised // MIB),
        used_memory=used,
        vcpus=vcpus(vm),
        sockets=(topology.sockets if topology else None) or 1,
        cores=(topology.cores if topology else None) or 1,
        threads=(topology.threads if topology else None) or 1,
        migration=_MIGRATION.get(placed.affinity, "migratable") if placed and placed.affinity else "migratable",
        dedicated=frozenset(str(h.id) for h in (placed.hosts or ()) if h.id) if placed else frozenset(),
        ha=bool(vm.high_availability and vm.high_availability.enabled),
        type=vm.type.value if vm.type else "server",
        version=f"{version.major}.{version.minor}" if version and version.major is not None else None,
        cpu_passthrough=bool(vm.cpu and vm.cpu.mode is not None and vm.cpu.mode.value == "host_passthrough"),
        machine=vm.custom_emulated_machine or None,
        pinning=frozenset(c for pin in pins for c in cpu_set(pin)),
        load=load,
    )


def cpu_set(text: str) -> set[int]:
    """CPUs of `0-3,^2,7`."""
    found: set[int] = set()
    gone: set[int] = set()
    for part in text.split(","):
        word = part.strip()
        into = gone if word.startswith("^") else found
        first, _, last = word.removeprefix("^").partition("-")
        if first.isdigit() and (not last or last.isdigit()):
            into.update(range(int(first), min(int(last or first), int(first) + 4096) + 1))
    return found - gone


def with_nics(rd: Reader, facts: VmFacts, vm: Vm) -> VmFacts:
    """With the networks of its NICs."""
    nics = rd.find(VmNic, vm_id=str(vm.id))
    profiles = rd.get_many(VnicProfile, [str(n.nic.vnic_profile.id) for n in nics if n.nic.vnic_profile])
    found = []
    for row in nics:
        profile = profiles.get(str(row.nic.vnic_profile.id)) if row.nic.vnic_profile else None
        network = str(profile.network.id) if profile and profile.network else None
        mode = profile.pass_through.mode if profile and profile.pass_through else None
        found.append(Nic(network, row.nic.plugged is not False, mode is not None and mode.value == "enabled"))
    return replace(facts, nics=tuple(found))
