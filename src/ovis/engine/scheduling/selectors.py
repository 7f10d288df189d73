"""How weights become one order of hosts: by ranks (engine 4.1 and later), or by plain sums (before). Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ovis.engine.scheduling.hosts import Numbers, is_same, same
from ovis.engine.scheduling.unit import Unit


@dataclass(frozen=True, slots=True)
class Column:
    """What one weight unit says of the fitting hosts. points: what the selector makes of it, before the factor."""

    name: str
    id: str
    factor: float
    weights: Numbers
    points: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector(Unit):
    """points(weights): what counts; highest: whether the highest total wins, else the lowest."""

    points: Callable[[Numbers], Numbers]
    highest: bool


def _ranked(weights: Numbers) -> Numbers:
    """How many hosts come after the first equal one, less one; equal weights have equal points."""
    count = len(weights)
    if count == 0 or is_same(weights) or weights.min() == weights.max():
        return same(count, count - 1.0)
    found: Numbers = (count - 1 - np.searchsorted(np.sort(weights), weights, side="left")).astype(np.float64)
    return found


RANK = Selector(
    id="b280e7de-5df8-401e-b004-a1414d79a687",
    name="RankSelector",
    doc="Hosts are ranked by each weight; the highest sum of rank points by factor wins.",
    kind="selector",
    parameters={"Selector": "^(rank|sum)$"},
    points=_ranked,
    highest=True,
)
SUM = Selector(
    id="0c89f215-9c4f-4bbb-8419-31a2d43ae7ea",
    name="BasicWeighting",
    doc="Weights by factor are added; the lowest sum wins.",
    kind="selector",
    parameters={"Selector": "^(rank|sum)$"},
    points=lambda weights: weights,
    highest=False,
)
SELECTORS: Mapping[str, Selector] = {"rank": RANK, "sum": SUM}


def totals(columns: Sequence[Column], count: int) -> Numbers:
    """Points by factor, added."""
    found, everywhere = np.zeros(count), 0.0
    for column in columns:
        if is_same(column.points):
            everywhere += column.factor * float(column.points[0])
        else:
            found += column.factor * column.points
    found += everywhere
    return found


def order(selector: Selector, found: Numbers, names: Sequence[str]) -> list[int]:
    """Positions, the best first; equal ones by name, so that the same world gives the same answer."""
    sign = -1.0 if selector.highest else 1.0
    return sorted(range(len(found)), key=lambda i: (sign * found[i], names[i]))


def best(selector: Selector, found: Numbers, names: Sequence[str]) -> int:
    """The first of `order`, found without ordering all."""
    top = found.max() if selector.highest else found.min()
    equal = np.flatnonzero(found == top)
    return int(equal[0]) if len(equal) == 1 else min((int(i) for i in equal), key=lambda i: names[i])
