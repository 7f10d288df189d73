"""A day of per cents of many objects in little memory: a byte a value, an hour by minutes, a day by five minutes.

Does: take samples, keep the clock of all rings together, answer means. Does not: store anything, or know objects.
About 1 kB an object. 255 means that nothing is known; values above 254 are cut.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MEASURES = 3
MINUTES = 60
SLOTS = 288
SLOT_MINUTES = 5
DAY = SLOTS * SLOT_MINUTES * 60
_NOTHING = 255
_WIDTH = MINUTES + SLOTS  # of one measure
_EMPTY = bytes([_NOTHING]) * (MEASURES * _WIDTH)
Values = Sequence[float]


@dataclass(frozen=True, slots=True)
class Slot:
    """Five minutes that are over: what was known of each object, a byte a measure. number: since the epoch."""

    number: int
    values: Mapping[str, bytes]


class Rings:
    """By id. All rings turn together: a slot means the same minute in each."""

    def __init__(self) -> None:
        self._of: dict[str, bytearray] = {}
        self._minute = -1

    def __len__(self) -> int:
        return len(self._of)

    # -- taking ----------------------------------------------------------------------------------------------

    def sample(self, now: float, values: Iterable[tuple[str, Values]]) -> list[Slot]:
        """Add what is known now (seconds since the epoch); slots that this ended."""
        ended = self._advance(int(now // 60))
        at = self._minute % MINUTES
        for id_, found in values:
            ring = self._of.get(id_)
            if ring is None:
                ring = self._of[id_] = bytearray(_EMPTY)
            for measure, value in enumerate(found):
                index = measure * _WIDTH + at
                known, taken = ring[index], min(_NOTHING - 1, max(0, round(value)))
                ring[index] = taken if known == _NOTHING else (known + taken + 1) // 2
        return ended

    def restore(self, now: float, slots: Iterable[Slot]) -> None:
        """What was stored before, into rings that may have begun already."""
        self._advance(int(now // 60))
        newest = self._minute // SLOT_MINUTES
        for slot in slots:
            if not newest - SLOTS < slot.number < newest:
                continue
            at = MINUTES + slot.number % SLOTS
            for id_, values in slot.values.items():
                ring = self._of.get(id_)
                if ring is None:
                    ring = self._of[id_] = bytearray(_EMPTY)
                for measure, value in enumerate(values[:MEASURES]):
                    if ring[measure * _WIDTH + at] == _NOTHING:
                        ring[measure * _WIDTH + at] = value

    def _advance(self, minute: int) -> list[Slot]:
        """Turn all rings to a minute. A clock that is set back stops them until it is there again."""
        ended: list[Slot] = []
        if self._minute < 0 or minute - self._minute > SLOTS * SLOT_MINUTES:
            for ring in self._of.values():
                ring[:] = _EMPTY
            self._minute = max(minute, 0)
            return ended
        while self._minute < minute:
            if (self._minute + 1) % SLOT_MINUTES == 0:
                ended.append(self._end_slot(self._minute // SLOT_MINUTES))
            self._minute += 1
            at = self._minute % MINUTES
            for ring in self._of.values():
                for measure in range(MEASURES):
                    ring[measure * _WIDTH + at] = _NOTHING
        return ended

    def _end_slot(self, slot: int) -> Slot:
        values: dict[str, bytes] = {}
        minutes = [m % MINUTES for m in range(slot * SLOT_MINUTES, (slot + 1) * SLOT_MINUTES)]
        at = MINUTES + slot % SLOTS
        forgotten = []
        for id_, ring in self._of.items():
            found = bytearray(MEASURES)
            for measure in range(MEASURES):
                base = measure * _WIDTH
                known = [v for m in minutes if (v := ring[base + m]) != _NOTHING]
                found[measure] = ring[base + at] = round(sum(known) / len(known)) if known else _NOTHING
            if any(v != _NOTHING for v in found):
                values[id_] = bytes(found)
            elif ring == _EMPTY:
                forgotten.append(id_)
        for id_ in forgotten:
            del self._of[id_]
        return Slot(slot, values)

    # -- asking ----------------------------------------------------------------------------------------------

    def means(self, id_: str, measure: int, now: float, span: float, samples: int) -> list[int | None]:
        """Means of the parts of the last `span` seconds, oldest first."""
        ring = self._of.get(id_)
        if ring is None:
            return [None] * samples
        step = span / samples
        fine = span <= MINUTES * 60
        unit = 60 if fine else 60 * SLOT_MINUTES
        out: list[int | None] = []
        for part in range(samples):
            begin = now - span + part * step
            first, last = int(begin // unit), int((begin + step) // unit)
            # A unit belongs to the part in which it ends; the one that goes on now to the last.
            units = range(first, last) if last > first else range(first, first + 1)
            if part == samples - 1:
                units = range(units.start, int(now // unit) + 1)
            known = [v for u in units if (v := self._at(ring, measure, u, fine=fine)) is not None]
            out.append(round(sum(known) / len(known)) if known else None)
        return out

    def _at(self, ring: bytearray, measure: int, unit: int, *, fine: bool) -> int | None:
        base = measure * _WIDTH
        if fine:
            if self._minute - MINUTES < unit <= self._minute and ring[base + unit % MINUTES] != _NOTHING:
                return ring[base + unit % MINUTES]
            unit //= SLOT_MINUTES
        elif unit == self._minute // SLOT_MINUTES:  # the one that goes on
            minutes = (ring[base + m % MINUTES] for m in range(unit * SLOT_MINUTES, self._minute + 1))
            known = [value for value in minutes if value != _NOTHING]
            return round(sum(known) / len(known)) if known else None
        if self._minute // SLOT_MINUTES - SLOTS < unit < self._minute // SLOT_MINUTES:
            value = ring[base + MINUTES + unit % SLOTS]
            return None if value == _NOTHING else value
        return None

    def day(self, weights: Mapping[str, float], measure: int, samples: int) -> list[tuple[int, float | None]]:
        """(end in seconds, weighted mean of many objects) for the last day, oldest first; samples divides 288."""
        newest = self._minute // SLOT_MINUTES  # the one that goes on
        numbers = range(newest - SLOTS, newest)
        order = [MINUTES + n % SLOTS for n in numbers]
        known = [(self._of[i], w) for i, w in weights.items() if i in self._of and w > 0]
        ends = [(n + 1) * SLOT_MINUTES * 60 for n in numbers][SLOTS // samples - 1 :: SLOTS // samples]
        if not known or self._minute < 0:
            return [(end, None) for end in ends]
        base = measure * _WIDTH
        table = np.stack([np.frombuffer(ring, np.uint8)[base : base + _WIDTH] for ring, _ in known])[:, order]
        there = table != _NOTHING
        weight = np.array([w for _, w in known])[:, None] * there
        total = (table * weight).sum(axis=0).reshape(samples, -1).sum(axis=1)
        share = weight.sum(axis=0).reshape(samples, -1).sum(axis=1)
        return [(end, float(t / s) if s > 0 else None) for end, t, s in zip(ends, total, share, strict=True)]

    def known(self) -> Iterator[str]:
        """Ids that have a ring."""
        return iter(self._of)
