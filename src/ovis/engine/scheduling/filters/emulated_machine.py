"""Filter Emulated-Machine: the host knows the VM's machine type. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """A VM (or cluster) that names a machine."""
    machine = w.vm.machine
    if not machine:
        return ()
    bad = w.hosts.value("machines").where(lambda known: machine not in known)
    return (
        Drop(bad, "VAR__DETAIL__UNSUPPORTED_EMULATED_MACHINE", lambda i: f"it does not know the machine {machine}"),
    )


UNIT = Filter(
    id="58894b5b-d55d-4f85-8f82-5bf217e640b0",
    name="Emulated-Machine",
    doc="the host knows the VM's machine type.",
    rule=rule,
)
