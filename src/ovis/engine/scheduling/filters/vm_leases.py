"""Filter VM leases ready: the host holds a lease on the storage of the VM's lease. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Storage domains of leases."""
    leases = w.vm.leases
    if not leases:
        return ()
    bad = w.hosts.value("leases").where(lambda ready: ready is not None and not leases <= ready)
    return (Drop(bad, "VAR__DETAIL__VM_LEASE_NOT_READY", lambda i: "the storage of the VM's lease is not ready there"),)


UNIT = Filter(
    id="b454ae40-f767-45b1-949a-7e5bd04d83ab",
    name="VM leases ready",
    doc="the host holds a lease on the storage of the VM's lease.",
    rule=rule,
    mandatory=True,
)
