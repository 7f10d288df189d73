"""Balancer OptimalForEvenGuestDistribution: hosts have about as many VMs as one another. Pure."""

import numpy as np

from ovis.engine.scheduling.balancers.load import movable
from ovis.engine.scheduling.unit import COUNT, Balance, Balancer, Move
from ovis.engine.scheduling.world import World


def rule(w: World) -> Balance:
    """From the host with the most VMs, if these are HighVmCount or more, to those with MigrationThreshold fewer."""
    hosts = w.hosts
    up = (hosts["up"] > 0) & (hosts["migrating"] == 0)
    if not up.any():
        return Balance()
    count = hosts["running"] + hosts["pending_vms"] + hosts["spm"] * w.number("SpmVmGrace", 5)
    source = min((int(i) for i in np.flatnonzero(up)), key=lambda i: (-count[i], hosts.names[i]))
    if count[source] < w.number("HighVmCount", 10):
        return Balance()
    near = up & (count <= count[source] - w.number("MigrationThreshold", 5))
    near[source] = False
    targets = sorted((int(i) for i in np.flatnonzero(near)), key=lambda i: (count[i], hosts.names[i]))
    if not targets:
        return Balance()
    ids = (*(hosts.ids[i] for i in targets), hosts.ids[source])
    why = f"host {hosts.names[source]} has {count[source]:.0f} VMs"
    return Balance(tuple(Move(v.id, ids, why) for v in movable(w, hosts.ids[source])))


UNIT = Balancer(
    id="d58c8e32-44e1-418f-9222-52cd887bf9e0",
    name="OptimalForEvenGuestDistribution",
    doc="hosts have about as many VMs as one another.",
    rule=rule,
    parameters={"SpmVmGrace": COUNT, "HighVmCount": COUNT, "MigrationThreshold": "^([2-9]|[1-9][0-9]+)$"},
)
