"""Filter Compatibility-Version: the host supports the VM's own compatibility version. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """A VM with a version of its own."""
    version = w.vm.version
    if version is None:
        return ()
    bad = w.hosts.value("versions").where(lambda known: version not in known)
    return (
        Drop(bad, "VAR__DETAIL__UNSUPPORTED_COMPATIBILITY_VERSION", lambda i: f"it does not support version {version}"),
    )


UNIT = Filter(
    id="3e4a7d54-9e7f-11e5-8994-feff819cdc9f",
    name="Compatibility-Version",
    doc="the host supports the VM's own compatibility version.",
    rule=rule,
    mandatory=True,
)
