"""Choosing a host for a VM: filters, then weights. Pure.

Does: say for every host why it cannot take the VM, and among the others choose the best. Does not: read the store; the
caller gives a snapshot that already counts what is starting. Policies and further units follow the same shape.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

MIB = 1 << 20
OVERHEAD = 65 * MIB  # of a VM's process beyond its guest's memory


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """A host as scheduling sees it. Memory in bytes; promised: guaranteed memory of its VMs, with overhead."""

    id: str
    name: str
    cluster_id: str
    up: bool
    memory: int
    promised: int
    reserved: int = 0
    cpus: int = 1
    vcpus: int = 0
    cpu_load: float = 0.0
    networks: frozenset[str] = frozenset()
    vms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VmNeeds:
    """What a VM asks of a host. hosts: the only ones allowed, if any. preferred: first choice among the fitting."""

    name: str
    cluster_id: str
    memory: int
    vcpus: int
    networks: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    preferred: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """host: the chosen one or None. refused: host name -> why not. scores: host name -> points, lower is better."""

    host: HostView | None
    refused: dict[str, str] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)

    def reasons(self) -> str:
        """Why nothing fits, host by host."""
        return "; ".join(f"{name}: {why}" for name, why in sorted(self.refused.items())) or "there is no host"


def unfit(host: HostView, vm: VmNeeds, overcommit: int, excluded: Collection[str]) -> str | None:
    """The first reason why a host cannot take a VM; None if it can. overcommit: per cent of memory."""
    if not host.up:
        return "it is not up"
    if host.id in excluded:
        return "it was tried already, or the VM runs there"
    if vm.hosts and host.id not in vm.hosts:
        return "the VM is bound to other hosts"
    free = (host.memory - host.reserved) * overcommit // 100 - host.promised
    if vm.memory + OVERHEAD > free:
        return f"it has {max(0, free) // MIB} MiB to promise, the VM needs {(vm.memory + OVERHEAD) // MIB} MiB"
    if vm.vcpus > host.cpus:
        return f"it has {host.cpus} CPUs, the VM needs {vm.vcpus}"
    missing = vm.networks - host.networks
    if missing:
        return f"it lacks the networks {', '.join(sorted(missing))}"
    return None


def choose(
    hosts: Sequence[HostView], vm: VmNeeds, *, overcommit: int = 100, excluded: Collection[str] = ()
) -> Decision:
    """The best host: least promised memory and CPU in relation to its size; ties by name."""
    refused: dict[str, str] = {}
    fitting: list[HostView] = []
    for host in hosts:
        if host.cluster_id != vm.cluster_id:
            continue
        why = unfit(host, vm, overcommit, excluded)
        if why is None:
            fitting.append(host)
        else:
            refused[host.name] = why
    scores = {h.name: _score(h, vm) for h in fitting}
    best = min(fitting, key=lambda h: (h.id != vm.preferred, scores[h.name], h.name), default=None)
    return Decision(best, refused, scores)


def _score(host: HostView, vm: VmNeeds) -> float:
    memory = (host.promised + vm.memory) / max(1, host.memory)
    cpu = (host.vcpus + vm.vcpus) / max(1, host.cpus)
    return round(2 * cpu + memory, 6)
