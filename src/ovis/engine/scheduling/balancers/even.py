"""Balancer OptimalForEvenDistribution: VMs leave hosts that are busy for too long, or have little memory left. Pure."""

from ovis.engine.scheduling.balancers.load import busy, cpu_moves, loads, memory_moves
from ovis.engine.scheduling.unit import AMOUNT, MINUTES, RATIO, UTILIZATION, Balance, Balancer
from ovis.engine.scheduling.world import World


def rule(w: World) -> Balance:
    """CPU first, then memory. A target must stay clearly below: 80 % of the limit, and ten points under it."""
    hosts = w.hosts
    high = w.number("HighUtilization", 75)
    up = (hosts["up"] > 0) & (hosts["migrating"] == 0)
    sources = busy(w, high, w.number("CpuOverCommitDurationMinutes", 2)) & up
    room = hosts["schedulable"]
    low_memory = w.number("MaxFreeMemoryForOverUtilized", 0)
    short = (room < low_memory) & (hosts["vms"] > 0) & up
    targets = up & (loads(w) < min(high * 0.8, high - 10)) & ~sources & ~short
    moves = cpu_moves(w, sources, targets, high)
    if low_memory:
        enough = max(low_memory, w.number("MinFreeMemoryForUnderUtilized", 0))
        moves += memory_moves(w, short, up & (room > enough) & ~short & (loads(w) < high))
    return Balance(tuple(moves))


UNIT = Balancer(
    id="7db4ab05-81ab-42e8-868a-aee2df483ed2",
    name="OptimalForEvenDistribution",
    doc="VMs leave hosts that are busy for too long, or have little memory left.",
    rule=rule,
    parameters={
        "HighUtilization": UTILIZATION,
        "MaxFreeMemoryForOverUtilized": AMOUNT,
        "MinFreeMemoryForUnderUtilized": AMOUNT,
        "CpuOverCommitDurationMinutes": MINUTES,
        "VCpuToPhysicalCpuRatio": RATIO,
    },
)
