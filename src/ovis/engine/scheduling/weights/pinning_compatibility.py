"""Weight CPU and NUMA pinning compatibility: the host has the CPUs and nodes that a VM is pinned to. Pure."""

import numpy as np

from ovis.engine.scheduling.filters.numa import fits
from ovis.engine.scheduling.hosts import Flags, Numbers, all_flags, same
from ovis.engine.scheduling.numbers import MAX_WEIGHT
from ovis.engine.scheduling.unit import Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """1 if all are there, else 1000."""
    vm, hosts = w.vm, w.hosts
    nodes = [n for n in vm.numa if n.pinned]
    if not (vm.pinning or nodes):
        return same(len(hosts), 1)
    online = hosts.value("online")
    numa = hosts.value("numa").where(lambda found: fits(nodes, found)) if nodes else all_flags(len(hosts), True)
    threads = hosts["threads"]
    cpus = online.where(lambda known: known is None or vm.pinning <= known) & (threads > max(vm.pinning, default=-1))
    return np.where(cpus & numa, 1.0, MAX_WEIGHT)


UNIT = Weight(
    id="1b14ac11-20e9-4593-a149-2eb83c60a330",
    name="CPU and NUMA pinning compatibility",
    doc="the host has the CPUs and nodes that a VM is pinned to.",
    rule=rule,
)
