"""Filter PinToHost: a pinned VM runs on the hosts it names. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags, all_flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Pinned to hosts: these alone. Pinned to none: anywhere to start, nowhere to move to."""
    vm, code = w.vm, "VAR__DETAIL__VM_PINNED_TO_HOST"
    if vm.migration != "pinned":
        return ()
    if vm.dedicated:
        return (Drop(~w.hosts.among(vm.dedicated), code, lambda i: "the VM is bound to other hosts"),)
    if not vm.running:
        return ()
    return (Drop(w.elsewhere(all_flags(len(w.hosts), True)), code, lambda i: "the VM is pinned to where it runs"),)


UNIT = Filter(
    id="12262ab6-9690-4bc3-a2b3-35573b172d54",
    name="PinToHost",
    doc="a pinned VM runs on the hosts it names.",
    rule=rule,
    mandatory=True,
)
