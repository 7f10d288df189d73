"""The last decisions of every VM, for those who ask why it runs where it runs (or does not).

Does: keep a few for each VM and a bounded number in all, in memory, since this engine began.
"""

import itertools
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ovis.engine.scheduling.decision import Decision

EACH, ALL = 5, 5000
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One decision. purpose: start, migrate, balance ..."""

    purpose: str
    decision: Decision
    policy: str
    number: int = field(default_factory=lambda: next(_NUMBERS))
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


_OF: dict[str, deque[Kept]] = {}


def keep(vm_id: str, kept: Kept) -> None:
    """Remember; VMs that were not placed for longest are forgotten first."""
    rows = _OF.pop(vm_id, None) or deque(maxlen=EACH)
    rows.append(kept)
    _OF[vm_id] = rows
    if len(_OF) > ALL // EACH:
        _OF.pop(next(iter(_OF)))


def of(vm_id: str) -> list[Kept]:
    """The last ones, the newest first."""
    return list(reversed(_OF.get(vm_id, ())))
