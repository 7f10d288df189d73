"""Filter Migration: a VM does not move to its own host by another name. Pure."""

from collections.abc import Sequence

import numpy as np

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Hosts with the address (or name) of the source; the source itself stays, it may win."""
    here = w.here
    if here is None:
        return ()
    address, name = w.hosts.value("address"), w.hosts.names[here]
    bad = address.where(lambda a: bool(a) and a == address[here])
    same = np.fromiter((n == name for n in w.hosts.names), dtype=np.bool_, count=len(w.hosts))
    return (Drop(w.elsewhere(bad | same), "VAR__DETAIL__SAME_HOST", lambda i: "it is the host where the VM runs"),)


UNIT = Filter(
    id="e659c871-0bf1-4ccc-b748-f28f5d08ddda",
    name="Migration",
    doc="a VM does not move to its own host by another name.",
    rule=rule,
)
