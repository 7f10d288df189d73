"""Weight OptimalForHaReservation: highly available VMs are spread where the cluster reserves for them. Pure."""

import numpy as np

from ovis.engine.scheduling.hosts import Flags, Numbers, same
from ovis.engine.scheduling.unit import Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """Per cent of the most that any host has, by ScaleDown (1)."""
    if not (w.vm.ha and w.cluster.ha_reservation):
        return same(len(w.hosts), 0)
    count = w.hosts["ha_vms"]
    most = float(count[alive].max())
    if most <= 0:
        return same(len(count), 0)
    found: Numbers = np.ceil(count * 100 / most / max(1.0, w.number("ScaleDown", 1)))
    return found


UNIT = Weight(
    id="7f262d70-6cac-11e3-981f-0800200c9a66",
    name="OptimalForHaReservation",
    doc="highly available VMs are spread where the cluster reserves for them.",
    rule=rule,
    parameters={"ScaleDown": "(100|[1-9]|[1-9][0-9])$"},
)
