"""Filter Migration-Tsc-Frequency: a high performance VM moves to a host with the same clock, or one that scales it. Pure."""

from collections.abc import Sequence

import numpy as np

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Within 250 millionths of the source's time stamp counter."""
    here = w.here
    if w.vm.type != "high_performance" or here is None:
        return ()
    source = w.vm.tsc or w.hosts["tsc"][here]
    if not source:
        return ()
    tsc = w.hosts["tsc"]
    bad = (np.abs(tsc - source) > source * 250e-6) & (w.hosts["tsc_scaling"] == 0)
    return (
        Drop(
            w.elsewhere(bad),
            "VAR__DETAIL__TSC_FREQUENCY_MISMATCH",
            lambda i: "its clock differs from where the VM runs",
        ),
    )


UNIT = Filter(
    id="47ea3cd0-8a2f-438d-9f63-49534178882a",
    name="Migration-Tsc-Frequency",
    doc="a high performance VM moves to a host with the same clock, or one that scales it.",
    rule=rule,
)
