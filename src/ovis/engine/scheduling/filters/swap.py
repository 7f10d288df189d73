"""Filter Swap: the host does not swap more than is allowed. Pure."""

from collections.abc import Sequence

import numpy as np

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Swapped memory that free memory could not take back, in per cent of all, above MaximumAllowedSwapUsage (0)."""
    hosts = w.hosts
    if not hosts.has("swap"):
        return ()
    allowed = w.number("MaximumAllowedSwapUsage", 0)
    known = (hosts["free"] > 0) & (hosts["memory"] > 0)
    used = np.trunc((hosts["swap"] - hosts["swap_free"] - hosts["free"]) * 100 / np.maximum(1, hosts["memory"]))
    bad = known & (used > allowed)
    return (
        Drop(w.elsewhere(bad), "VAR__DETAIL__SWAP_VALUE_ILLEGAL", lambda i: f"it swaps {used[i]:.0f} % of its memory"),
    )


UNIT = Filter(
    id="43b9e654-337f-4b0d-a896-cbb22ce5a7fc",
    name="Swap",
    doc="the host does not swap more than is allowed.",
    rule=rule,
    parameters={"MaximumAllowedSwapUsage": "^1?[0-9]?[0-9]$"},
)
