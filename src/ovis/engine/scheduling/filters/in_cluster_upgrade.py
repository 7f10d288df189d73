"""Filter InClusterUpgrade: a VM does not move to a host with an older operating system. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Major version of the source (or of where the VM ran last)."""
    here = w.here
    major = w.vm.os_major or (int(w.hosts["os_major"][here]) if here is not None else 0)
    if not major:
        return ()
    bad = w.elsewhere(w.hosts["os_major"] < major)
    return (
        Drop(bad, "VAR__DETAIL__HOST_OS_TOO_OLD", lambda i: "its operating system is older than where the VM runs"),
    )


UNIT = Filter(
    id="84e6ddee-ab0d-42dd-82f0-c298889db567",
    name="InClusterUpgrade",
    doc="a VM does not move to a host with an older operating system.",
    rule=rule,
)
