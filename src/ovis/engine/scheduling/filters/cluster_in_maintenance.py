"""Filter ClusterInMaintenance: while the cluster is in maintenance only highly available VMs start; running ones may move. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags, all_flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Everything is dropped for an ordinary VM that does not run."""
    if w.vm.ha or w.vm.running:
        return ()
    return (
        Drop(
            all_flags(len(w.hosts), True),
            "VAR__DETAIL__CLUSTER_IN_MAINTENANCE",
            lambda i: "the cluster is in maintenance",
        ),
    )


UNIT = Filter(
    id="0bd8fef9-bcb4-4250-9998-410f01608d9b",
    name="ClusterInMaintenance",
    doc="while the cluster is in maintenance only highly available VMs start; running ones may move.",
    rule=rule,
)
