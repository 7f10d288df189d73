"""Weight PreferredHosts: the hosts that the VM names. Pure."""

import numpy as np

from ovis.engine.scheduling.hosts import Flags, Numbers, same
from ovis.engine.scheduling.unit import Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """A VM that is down and names hosts: 10000 for all others."""
    vm = w.vm
    if vm.running or not vm.dedicated:
        return same(len(w.hosts), 0)
    return np.where(w.hosts.among(vm.dedicated), 0.0, 10000.0)


UNIT = Weight(
    id="591cdb81-ba67-45b4-9642-e28f61a97d57",
    name="PreferredHosts",
    doc="the hosts that the VM names.",
    rule=rule,
)
