"""Filter MDevice: the host has free mediated devices (vGPUs) of the VM's types. Pure."""

from collections import Counter
from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Types that exist, and as many free instances as the VM wants."""
    wanted = Counter(w.vm.mdevs)
    if not wanted:
        return ()
    known = w.hosts.value("mdevs")
    bad = known.where(lambda free: any(dict(free).get(kind, 0) < n for kind, n in wanted.items()))
    return (
        Drop(
            w.elsewhere(bad),
            "VAR__DETAIL__NO_AVAILABLE_MDEVS",
            lambda i: (
                "it has too few mediated devices: "
                + ", ".join(f"{dict(known[i]).get(k, 0)} of {n} {k}" for k, n in sorted(wanted.items()))
            ),
        ),
    )


UNIT = Filter(
    id="aa604ea6-f758-4d28-8e05-bf5f4a0818bd",
    name="MDevice",
    doc="the host has free mediated devices (vGPUs) of the VM's types.",
    rule=rule,
    mandatory=True,
)
