"""Weight Fit VM to single host NUMA node: a VM without nodes of its own fits one node of the host. Pure."""

import numpy as np

from ovis.engine.scheduling.hosts import Flags, Numbers, same
from ovis.engine.scheduling.numbers import MAX_WEIGHT
from ovis.engine.scheduling.unit import Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """1 if one node has its memory and CPUs, else 1000."""
    vm = w.vm
    if vm.numa:
        return same(len(w.hosts), 1)
    fits = w.hosts.value("numa").where(
        lambda found: any(memory >= vm.memory and (not cpus or cpus >= vm.vcpus) for _, memory, cpus in found)
    )
    return np.where(fits, 1.0, MAX_WEIGHT)


UNIT = Weight(
    id="f58c1cb9-d91f-48a6-a196-c6d22fb10c4e",
    name="Fit VM to single host NUMA node",
    doc="a VM without nodes of its own fits one node of the host.",
    rule=rule,
)
