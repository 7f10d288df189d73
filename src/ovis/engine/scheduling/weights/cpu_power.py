"""Weight OptimalForCpuPowerSaving: the busiest CPUs that are not too busy. Pure."""

import numpy as np

from ovis.engine.scheduling.hosts import Flags, Numbers
from ovis.engine.scheduling.numbers import MAX_WEIGHT, stretched
from ovis.engine.scheduling.unit import UTILIZATION, Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """The load turned round; above HighUtilization (75): 1000."""
    shared = np.maximum(1.0, w.shared_cpus())
    load = w.points() / shared
    found = stretched(-load, alive)
    return np.where(load > w.number("HighUtilization", 75), MAX_WEIGHT, found)


UNIT = Weight(
    id="736999d0-1023-46a4-9a75-1316ed50e15b",
    name="OptimalForCpuPowerSaving",
    doc="the busiest CPUs that are not too busy.",
    rule=rule,
    parameters={"HighUtilization": UTILIZATION},
)
