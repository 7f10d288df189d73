"""Balancer None: nothing moves by itself. Pure."""

from ovis.engine.scheduling.unit import Balance, Balancer
from ovis.engine.scheduling.world import World


def rule(w: World) -> Balance:
    """Nothing."""
    return Balance()


UNIT = Balancer(id="38440000-8cf0-14bd-c43e-10b96e4ef00a", name="None", doc="nothing moves by itself.", rule=rule)
