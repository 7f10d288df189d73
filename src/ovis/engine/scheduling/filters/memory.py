"""Filter Memory: the host has the memory, in fact and to promise. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Real memory (with swap) for the VM and its process; to promise, for its CPUs and I/O threads too."""
    hosts, code = w.hosts, "VAR__DETAIL__NOT_ENOUGH_MEMORY"
    real = sum(v.static_need for v in w.all_vms)
    need = w.need
    free = hosts["free"]
    if hosts.has("swap_free"):
        free = free + hosts["swap_free"]
    if hosts.has("pending_memory"):
        free = free - hosts["pending_memory"]
    room = hosts["schedulable"]
    return (
        Drop(
            w.elsewhere(free < real), code, lambda i: f"it has {max(0, int(free[i]))} MiB free, the VM needs {real} MiB"
        ),
        Drop(
            w.elsewhere(room < need),
            code,
            lambda i: f"it has {max(0, int(room[i]))} MiB to promise, the VM needs {need} MiB",
        ),
    )


UNIT = Filter(
    id="c9ddbb34-0e1d-4061-a8d7-b0893fa80932",
    name="Memory",
    doc="the host has the memory, in fact and to promise.",
    rule=rule,
)
