"""Weight OptimalForMemoryEvenDistribution: the most memory left to promise. Pure."""

from ovis.engine.scheduling.hosts import Flags, Numbers, same
from ovis.engine.scheduling.numbers import MAX_WEIGHT, half_up
from ovis.engine.scheduling.unit import Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """1000 for nothing left, 1 for as much as the emptiest host has before."""
    room = w.hosts["schedulable"]
    most = float(room[alive].max())
    if most <= 1:
        return same(len(room), MAX_WEIGHT)
    left = room - w.need
    here = w.here
    if here is not None:
        left[here] = room[here]
    return MAX_WEIGHT - half_up((left - 1) * ((MAX_WEIGHT - 1) / (most - 1)))


UNIT = Weight(
    id="4134247a-9c58-4b9a-8593-530bb9e37c59",
    name="OptimalForMemoryEvenDistribution",
    doc="the most memory left to promise.",
    rule=rule,
)
