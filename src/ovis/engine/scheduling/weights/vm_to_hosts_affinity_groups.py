"""Weight VmToHostsAffinityGroups: the fewest and least important soft rules between VMs and hosts broken. Pure."""

from ovis.engine.scheduling.hosts import Flags, Numbers, same
from ovis.engine.scheduling.unit import Weight
from ovis.engine.scheduling.weights.vm_affinity_groups import ranks
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """1 + the rank of a host by the priorities of the soft rules that it breaks."""
    own = {v.id for v in w.all_vms}
    broken: list[tuple[float, Flags]] = []
    for group in w.groups:
        rule_ = group.host_rule
        if group.vms & own and group.hosts and rule_.enabled and not rule_.enforcing:
            members = w.hosts.among(group.hosts)
            broken.append((group.priority, ~members if rule_.positive else members))
    if not broken:
        return same(len(w.hosts), 1)
    return ranks([tuple(sorted((p for p, bad in broken if bad[i]), reverse=True)) for i in range(len(w.hosts))])


UNIT = Weight(
    id="427aed70-dae3-48ba-8fe9-a902a9d563c8",
    name="VmToHostsAffinityGroups",
    doc="the fewest and least important soft rules between VMs and hosts broken.",
    rule=rule,
)
