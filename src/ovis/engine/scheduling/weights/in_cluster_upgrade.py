"""Weight InClusterUpgrade: hosts with the newest operating system. Pure."""

import numpy as np

from ovis.engine.scheduling.hosts import Flags, Numbers, same
from ovis.engine.scheduling.unit import Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """0 for a newer system than where the VM runs, 100000 for the same, 1000000 for an older one."""
    here = w.here
    major = w.vm.os_major or (int(w.hosts["os_major"][here]) if here is not None else 0)
    if not major:
        return same(len(w.hosts), 0)
    found = w.hosts["os_major"]
    return np.where(found > major, 0.0, np.where(found == major, 100000.0, 1000000.0))


UNIT = Weight(
    id="84e6ddee-ab0d-42dd-82f0-c298889db568",
    name="InClusterUpgrade",
    doc="hosts with the newest operating system.",
    rule=rule,
)
