"""Weight VmAffinityGroups: the fewest and least important rules between VMs broken. Pure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ovis.engine.scheduling.hosts import Flags, Numbers, same
from ovis.engine.scheduling.unit import Weight
from ovis.engine.scheduling.world import Group, World


def rule(w: World, alive: Flags) -> Numbers:
    """1 + the rank of a host by the priorities of the rules that it breaks; among equals, where more of the VMs are."""
    hosts = w.hosts
    own = {v.id for v in w.all_vms}
    mine = [g for g in w.groups if g.vms & own and g.vm_rule.enabled]
    broken: list[tuple[Group, Flags]] = []
    company = np.zeros(len(hosts))
    pinned = {v.id for v in w.vms if v.migration != "migratable"}
    fixed = np.zeros(len(hosts))
    for group in mine:
        places = [(w.running[v], v in pinned) for v in group.vms - own if v in w.running]
        if not places:
            continue
        there = hosts.among({host for host, _ in places})
        broken.append((group, ~there if group.vm_rule.positive else there))
        if group.vm_rule.positive:
            for host, stays in places:
                position = hosts.at(host)
                if position is not None:
                    company[position] += 1
                    fixed[position] += stays
    if not broken:
        return same(len(hosts), 1)
    keys = [
        (tuple(sorted((g.priority for g, bad in broken if bad[i]), reverse=True)), -fixed[i], -company[i])
        for i in range(len(hosts))
    ]
    return ranks(keys)


def ranks(keys: Sequence[Any]) -> Numbers:
    """1 + the position of each key among the different ones, in order."""
    order = {key: float(i) for i, key in enumerate(sorted(set(keys)), 1)}
    return np.array([order[key] for key in keys])


UNIT = Weight(
    id="84e6ddee-ab0d-42dd-82f0-c297779db567",
    name="VmAffinityGroups",
    doc="the fewest and least important rules between VMs broken.",
    rule=rule,
)
