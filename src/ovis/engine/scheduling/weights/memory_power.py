"""Weight OptimalForMemoryPowerSaving: the least memory left to promise, as long as it is enough. Pure."""

import numpy as np

from ovis.engine.scheduling.hosts import Flags, Numbers
from ovis.engine.scheduling.numbers import MAX_WEIGHT
from ovis.engine.scheduling.unit import AMOUNT, Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """int(left / (1.1 x most) x 999) + 1; less than MaxFreeMemoryForOverUtilized counts as more than anybody has."""
    room = w.hosts["schedulable"]
    most = max(1.0, float(room[alive].max()))
    left = np.maximum(0.0, room - w.need)
    here = w.here
    if here is not None:
        left[here] = room[here]
    low = w.number("MaxFreeMemoryForOverUtilized", 0)
    if low > 0:
        left = np.where(left < low, most + (low - left) / low * 0.1 * most, left)
    found: Numbers = np.trunc(left / (1.1 * most) * (MAX_WEIGHT - 1)) + 1
    return found


UNIT = Weight(
    id="9dfe6086-646d-43b8-8eef-4d94de8472c8",
    name="OptimalForMemoryPowerSaving",
    doc="the least memory left to promise, as long as it is enough.",
    rule=rule,
    parameters={"MaxFreeMemoryForOverUtilized": AMOUNT, "MinFreeMemoryForUnderUtilized": AMOUNT},
)
