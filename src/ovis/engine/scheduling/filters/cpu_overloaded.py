"""Filter CPUOverloaded: the host's CPUs have not been busy for too long. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import MINUTES, UTILIZATION, Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Above HighUtilization (90) for CpuOverCommitDurationMinutes (2) or longer."""
    hosts = w.hosts
    if not hosts.has("overload_minutes"):
        return ()
    high = w.number("HighUtilization", 90)
    bad = (w.points() > high * w.shared_cpus()) & (
        hosts["overload_minutes"] >= w.number("CpuOverCommitDurationMinutes", 2)
    )
    return (
        Drop(
            w.elsewhere(bad),
            "VAR__DETAIL__CPU_OVERLOADED",
            lambda i: f"its CPUs have been busy above {high:g} % for {hosts['overload_minutes'][i]:.0f} minutes",
        ),
    )


UNIT = Filter(
    id="98842bc5-4094-4b83-8224-7b50f86a94c9",
    name="CPUOverloaded",
    doc="the host's CPUs have not been busy for too long.",
    rule=rule,
    parameters={"HighUtilization": UTILIZATION, "CpuOverCommitDurationMinutes": MINUTES},
)
