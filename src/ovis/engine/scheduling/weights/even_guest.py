"""Weight OptimalForEvenGuestDistribution: the fewest VMs. Pure."""

from ovis.engine.scheduling.hosts import Flags, Numbers
from ovis.engine.scheduling.unit import COUNT, Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """VMs that run and start; the SPM counts as SpmVmGrace (5) more."""
    hosts = w.hosts
    return hosts["running"] + hosts["pending_vms"] + hosts["spm"] * w.number("SpmVmGrace", 5)


UNIT = Weight(
    id="3ba8c988-f779-42c0-90ce-caa8243edee7",
    name="OptimalForEvenGuestDistribution",
    doc="the fewest VMs.",
    rule=rule,
    parameters={"SpmVmGrace": COUNT},
)
