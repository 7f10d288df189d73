"""Filter HA: the engine's own VM runs where its agents are ready. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Configured, a positive score, and hardly worse than the host where it runs."""
    if not w.vm.hosted_engine:
        return ()
    hosts, code, here = w.hosts, "VAR__DETAIL__NOT_HE_HOST", w.here
    drops = [
        Drop(hosts["he_configured"] == 0, code, lambda i: "it is not set up for the engine's VM"),
        Drop(hosts["he_score"] <= 0, code, lambda i: "its score for the engine's VM is zero"),
    ]
    if here is not None:
        least = hosts["he_score"][here] - 800
        bad = w.elsewhere(hosts["he_score"] <= least)
        drops.append(Drop(bad, code, lambda i: "its score for the engine's VM is much lower than here"))
    return drops


UNIT = Filter(
    id="e659c871-0bf1-4ccc-b748-f28f5d08dffd",
    name="HA",
    doc="the engine's own VM runs where its agents are ready.",
    rule=rule,
)
