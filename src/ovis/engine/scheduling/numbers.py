"""Arithmetic that units share. Pure."""

import numpy as np

from ovis.engine.scheduling.hosts import Flags, Numbers, same

MAX_WEIGHT = 1000.0


def half_up(values: Numbers) -> Numbers:
    """Rounded, halves upwards."""
    found: Numbers = np.floor(values + 0.5)
    return found


def stretched(values: Numbers, alive: Flags) -> Numbers:
    """Linear to 1..1000 over the living; all equal: 1."""
    living = values[alive]
    low, high = float(living.min()), float(living.max())
    if high - low <= 0:
        return same(len(values), 1)
    return half_up((values - low) * ((MAX_WEIGHT - 1) / (high - low)) + 1)
