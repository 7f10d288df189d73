"""Filter HugePages: the host has the huge pages. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Free pages of every size, less those of VMs that are starting."""
    wanted = {size: sum(v.pages.get(size, 0) for v in w.all_vms) for v in w.all_vms for size in v.pages}
    if not any(wanted.values()):
        return ()
    known = w.hosts.value("hugepages")
    bad = known.where(lambda free: any(dict(free).get(size, 0) < n for size, n in wanted.items()))
    return (
        Drop(
            w.elsewhere(bad),
            "VAR__DETAIL__NOT_ENOUGH_HUGE_PAGES",
            lambda i: (
                "it has too few huge pages: "
                + ", ".join(f"{dict(known[i]).get(s, 0)} of {n} with {s} KiB" for s, n in sorted(wanted.items()))
            ),
        ),
    )


UNIT = Filter(
    id="23e07b34-66dd-4735-bc45-bcddded02c05",
    name="HugePages",
    doc="the host has the huge pages.",
    rule=rule,
)
