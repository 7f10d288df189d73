"""What a decision is made of: the VM, its cluster, its hosts, groups, and what runs where. Pure values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ovis.engine.scheduling.hosts import NOTHING, Flags, Hosts, Numbers


@dataclass(frozen=True, slots=True)
class Nic:
    """A NIC as scheduling sees it. passthrough: it needs a virtual function of its own."""

    network: str | None
    plugged: bool = True
    passthrough: bool = False


@dataclass(frozen=True, slots=True)
class NumaNode:
    """A virtual node: MiB, CPUs, and the host's nodes it is pinned to. mode: strict, interleave or preferred."""

    memory: int
    cpus: int = 0
    pinned: tuple[int, ...] = ()
    mode: str = "strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class VmFacts:
    """A VM as scheduling sees it. Memory in MiB; promise: what must be promised to it (None: all its memory).

    host: where it runs. dedicated: hosts it names. migration: migratable, user_migratable or pinned. load: points it
    uses now; None if it does not run. page: its huge pages, KiB -> how many.
    """

    id: str = "vm"
    name: str = "vm"
    status: str = "down"
    host: str | None = None
    memory: int = 512
    promise: int | None = None
    used_memory: int | None = None
    vcpus: int = 1
    sockets: int = 1
    cores: int = 1
    threads: int = 1
    iothreads: int = 0
    migration: str = "migratable"
    dedicated: frozenset[str] = NOTHING
    nics: tuple[Nic, ...] = ()
    ha: bool = False
    hosted_engine: bool = False
    type: str = "server"
    pages: Mapping[int, int] = field(default_factory=dict)
    version: str | None = None
    flags: frozenset[str] = NOTHING
    cpu_passthrough: bool = False
    machine: str | None = None
    pinning: frozenset[int] = frozenset()
    cpu_policy: str = "none"
    devices: frozenset[str] = NOTHING
    leases: frozenset[str] = NOTHING
    mdevs: tuple[str, ...] = ()
    numa: tuple[NumaNode, ...] = ()
    load: float | None = None
    tsc: int | None = None
    sap_agent: bool = False
    graphics: bool = True
    os_major: int | None = None

    @property
    def running(self) -> bool:
        """Whether it is on a host."""
        return self.host is not None

    @property
    def points(self) -> float:
        """CPU load that it brings: what it uses, else ten per cent of each of its CPUs."""
        return self.load if self.load is not None else 10.0 * self.vcpus

    @property
    def static_need(self) -> int:
        """MiB of real memory at its start: its memory and its process."""
        return self.plain_memory + 64 + self.memory // 512

    @property
    def plain_memory(self) -> int:
        """MiB that do not come from huge pages."""
        return max(0, self.memory - sum(kib * n for kib, n in self.pages.items()) // 1024)

    @property
    def need(self) -> int:
        """MiB that a host must promise: memory, process, each CPU and I/O thread."""
        base = self.plain_memory if self.promise is None else min(self.promise, self.plain_memory)
        return base + 64 + self.memory // 512 + 8 * self.vcpus + 8 * self.iothreads


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of an affinity group."""

    enabled: bool = False
    positive: bool = True
    enforcing: bool = False


OFF = Rule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An affinity group: VMs, hosts (ids), and how they belong together."""

    id: str
    name: str
    priority: float = 1.0
    vms: frozenset[str] = NOTHING
    hosts: frozenset[str] = NOTHING
    vm_rule: Rule = OFF
    host_rule: Rule = OFF


@dataclass(frozen=True, slots=True)
class ClusterNetwork:
    """A network of the cluster."""

    name: str
    required: bool = False
    display: bool = False
    external: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """What the cluster says."""

    threads_as_cores: bool = False
    ha_reservation: bool = False
    version: str = "4.7"
    networks: tuple[ClusterNetwork, ...] = (ClusterNetwork("ovirtmgmt", True, True),)
    flags: frozenset[str] = NOTHING
    only_required_networks: bool = False


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that units read. running: VM -> host, with those that start or come. params: of the cluster.

    together: VMs that must be placed on one host with this one; excluded: host -> why it is out from the beginning.
    """

    hosts: Hosts
    vm: VmFacts = VmFacts()
    cluster: ClusterFacts = ClusterFacts()
    params: Mapping[str, str] = field(default_factory=dict)
    groups: Sequence[Group] = ()
    running: Mapping[str, str] = field(default_factory=dict)
    vms: Sequence[VmFacts] = ()
    together: Sequence[VmFacts] = ()
    engine_vm: VmFacts | None = None

    def number(self, name: str, default: float) -> float:
        """A parameter; the default if it is not given or is no number."""
        try:
            return float(self.params[name])
        except (KeyError, ValueError):
            return default

    @property
    def here(self) -> int | None:
        """The position of the host where the VM runs."""
        return self.hosts.at(self.vm.host)

    def elsewhere(self, bad: Flags) -> Flags:
        """Without the host where the VM runs: it fits there."""
        here = self.here
        if here is not None and bad[here]:
            bad = bad.copy()
            bad[here] = False
        return bad

    @property
    def all_vms(self) -> tuple[VmFacts, ...]:
        """The VM and those placed with it."""
        return (self.vm, *self.together)

    @property
    def need(self) -> int:
        """MiB to promise for all that are placed."""
        return sum(v.need for v in self.all_vms)

    def cpus(self) -> Numbers:
        """CPUs of the hosts that count."""
        return self.hosts.cpus(self.cluster.threads_as_cores)

    def shared_cpus(self) -> Numbers:
        """CPUs that no VM has for itself."""
        return self.cpus() - self.hosts["exclusive"]

    def points(self) -> Numbers:
        """Load of every host in points: what it uses, its role as SPM, what is starting."""
        hosts = self.hosts
        found: Numbers = hosts["usage"] * hosts["cores"]
        if hosts.has("spm"):
            found = found + hosts["spm"] * 10.0
        if hosts.has("pending_load"):
            found = found + hosts["pending_load"]
        return found
