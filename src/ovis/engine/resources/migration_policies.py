"""How a migration converges: policies, and what VM and cluster say of bandwidth, compression and encryption. Pure.

Does: the part of VM.migrate's parameters that says how. Does not: pick hosts or talk to them (actions.migrate).
Follows: the five policies shipped by engine 4.5, their ids and schedules; bandwidth in MiB/s, custom values in Mbps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ovis.engine.model.enums import InheritableBoolean, MigrationBandwidthAssignmentMethod
from ovis.engine.model.types import Cluster, MigrationOptions, Vm

LEGACY = "00000000-0000-0000-0000-000000000000"
MINIMAL_DOWNTIME = "80554327-0569-496b-bdeb-fcbbf52b827b"
SUSPEND_IF_NEEDED = "80554327-0569-496b-bdeb-fcbbf52b827c"
POST_COPY = "a7aeedb2-8d66-4e51-bb22-32595027ce71"
VERY_LARGE = "57237b82-b8c2-425f-b425-114b35219626"
_SPEED_MBPS = 1000  # of a migration network that says nothing of its speed
_ABORT = ("abort", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy. stalling: (iterations that went by, milliseconds of downtime allowed from then on). last: when all of
    it did not help, in order. at_once: migrations of a host at the same time, each way."""

    at_once: int = 2
    converge: bool = True
    compress: bool = False
    first: int | None = 100
    stalling: tuple[tuple[int, int], ...] = ((1, 150), (2, 200), (3, 300), (4, 400), (6, 500))
    last: tuple[tuple[str, int], ...] = (_ABORT,)

    def schedule(self) -> dict[str, Any]:
        """VDSM's form."""
        steps = [{"limit": limit, "action": _action("setDowntime", ms)} for limit, ms in self.stalling]
        steps += [{"limit": -1, "action": _action(name, ms)} for name, ms in self.last]
        return {"init": [_action("setDowntime", self.first)] if self.first else [], "stalling": steps}


def _action(name: str, milliseconds: int | None) -> dict[str, Any]:
    return {"name": name, "params": [str(milliseconds)] if milliseconds else []}


POLICIES: Mapping[str, Policy] = {
    MINIMAL_DOWNTIME: Policy(),
    SUSPEND_IF_NEEDED: Policy(at_once=1, compress=True, last=(("setDowntime", 5000), _ABORT)),
    POST_COPY: Policy(stalling=((1, 150), (2, 200)), last=(("postcopy", 0), _ABORT)),
    VERY_LARGE: Policy(
        at_once=1,
        first=300,
        stalling=((1, 400), (2, 500), (3, 700), (4, 1000), (6, 1500)),
        last=(("setDowntime", 5000), _ABORT),
    ),
    LEGACY: Policy(converge=False, first=None, stalling=(), last=()),
}


def _chosen(vm: InheritableBoolean | None, cluster: InheritableBoolean | None, default: bool) -> bool:
    for value in (vm, cluster):
        if value is not None and value is not InheritableBoolean.INHERIT:
            return value is InheritableBoolean.TRUE
    return default


def bandwidth(options: MigrationOptions, at_once: int) -> int:
    """MiB/s for one migration, at least 1; 0: the hypervisor's own limit. A network's speed is shared by those at once."""
    wanted = options.bandwidth
    method = wanted.assignment_method if wanted else None
    if method is MigrationBandwidthAssignmentMethod.HYPERVISOR_DEFAULT:
        return 0
    custom = wanted.custom_value if wanted and method is MigrationBandwidthAssignmentMethod.CUSTOM else None
    return max(1, int((custom or _SPEED_MBPS) * 1_000_000 / 8 / (1 << 20) / at_once))


def parameters(vm: Vm, cluster: Cluster) -> dict[str, Any]:
    """How VM.migrate is to go."""
    own, general = vm.migration or MigrationOptions(), cluster.migration or MigrationOptions()
    named = (own.policy.id if own.policy else None) or (general.policy.id if general.policy else None)
    policy = POLICIES.get(named or MINIMAL_DOWNTIME, POLICIES[MINIMAL_DOWNTIME])
    found: dict[str, Any] = {
        "autoConverge": _chosen(own.auto_converge, general.auto_converge, policy.converge),
        "compressed": _chosen(own.compressed, general.compressed, policy.compress),
        "encrypted": _chosen(own.encrypted, general.encrypted, False),
        "tunneled": bool(vm.tunnel_migration or cluster.tunnel_migration),
        "convergenceSchedule": policy.schedule(),
        "incomingLimit": policy.at_once,
        "outgoingLimit": policy.at_once,
        "enableGuestEvents": True,
    }
    limit = bandwidth(general, policy.at_once)
    return found | {"maxBandwidth": limit} if limit else found
