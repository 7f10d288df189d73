"""Weight CPU for high performance VMs: the CPU topology of a high performance VM fits the host's. Pure."""

import numpy as np

from ovis.engine.scheduling.hosts import Flags, Numbers, same
from ovis.engine.scheduling.numbers import MAX_WEIGHT
from ovis.engine.scheduling.unit import Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """1 if sockets, cores and threads fit, else 1000."""
    vm, hosts = w.vm, w.hosts
    if vm.type != "high_performance":
        return same(len(hosts), 1)
    sockets = np.maximum(1, hosts["sockets"])
    cores = np.maximum(1, hosts["cores"])
    fits = (sockets >= vm.sockets) & (cores / sockets >= vm.cores) & (hosts["threads"] / cores >= vm.threads)
    return np.where(fits, 1.0, MAX_WEIGHT)


UNIT = Weight(
    id="71931e14-f0e6-4f91-a7c8-d494a26e3a09",
    name="CPU for high performance VMs",
    doc="the CPU topology of a high performance VM fits the host's.",
    rule=rule,
)
