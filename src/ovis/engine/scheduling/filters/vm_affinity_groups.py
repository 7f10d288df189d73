"""Filter VmAffinityGroups: hard rules between VMs: together, or apart. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """A positive rule keeps the hosts where the group's VMs run, a negative one drops them."""
    hosts = w.hosts
    own = {v.id for v in w.all_vms}
    wanted: set[str] = set()
    unwanted: set[str] = set()
    for group in w.groups:
        if not (group.vms & own and group.vm_rule.enabled and group.vm_rule.enforcing):
            continue
        places = {w.running[v] for v in group.vms - own if v in w.running}
        if group.vm_rule.positive:
            wanted |= places
        else:
            unwanted |= places
    drops = []
    if wanted:
        names = ", ".join(sorted(n for n in (_name(w, p) for p in wanted) if n))
        drops.append(
            Drop(
                ~hosts.among(wanted),
                "VAR__DETAIL__AFFINITY_FAILED_POSITIVE",
                lambda i: f"VMs that it must be together with run on {names or 'another host'}",
            )
        )
    if unwanted:
        drops.append(
            Drop(
                hosts.among(unwanted),
                "VAR__DETAIL__AFFINITY_FAILED_NEGATIVE",
                lambda i: "a VM that it must not be together with runs there",
            )
        )
    return drops


def _name(w: World, host_id: str) -> str | None:
    position = w.hosts.at(host_id)
    return None if position is None else w.hosts.names[position]


UNIT = Filter(
    id="84e6ddee-ab0d-42dd-82f0-c297779db566",
    name="VmAffinityGroups",
    doc="hard rules between VMs: together, or apart.",
    rule=rule,
)
