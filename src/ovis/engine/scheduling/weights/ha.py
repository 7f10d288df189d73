"""Weight HA: the best score for the engine's own VM. Pure."""

from ovis.engine.scheduling.hosts import Flags, Numbers, same
from ovis.engine.scheduling.numbers import MAX_WEIGHT, half_up
from ovis.engine.scheduling.unit import Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """1000 less the score's share of 3400; any other VM: 1."""
    if not w.vm.hosted_engine:
        return same(len(w.hosts), 1)
    return MAX_WEIGHT - half_up(w.hosts["he_score"] * (MAX_WEIGHT / 3400))


UNIT = Weight(
    id="98e92667-6161-41fb-b3fa-34f820ccbc4b",
    name="HA",
    doc="the best score for the engine's own VM.",
    rule=rule,
)
