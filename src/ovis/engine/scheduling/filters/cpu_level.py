"""Filter CPU-Level: the host's CPU has what the VM's CPU type asks for. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Flags of the type; a VM that sees the host's own CPU moves only to one with all flags of its source."""
    flags = w.vm.flags or w.cluster.flags
    if w.vm.cpu_passthrough:
        here = w.here
        if here is None:
            return ()
        flags = w.hosts.value("flags")[here] or frozenset()
    if not flags:
        return ()
    bad = w.hosts.value("flags").where(lambda known: known is not None and not flags <= known)

    def text(i: int) -> str:
        missing = sorted(flags - (w.hosts.value("flags")[i] or frozenset()))
        return f"its CPU lacks {', '.join(missing)}"

    return (Drop(bad, "VAR__DETAIL__LOW_CPU_LEVEL", text),)


UNIT = Filter(
    id="438b052c-90ab-40e8-9be0-a22560202ea6",
    name="CPU-Level",
    doc="the host's CPU has what the VM's CPU type asks for.",
    rule=rule,
    mandatory=True,
)
