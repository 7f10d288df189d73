"""The hosts of a cluster as columns, which is what every unit reads. Pure.

Does: numbers as NumPy arrays, everything else as codes into the few different values that hosts have.
Does not: read the store; the caller gives rows. Memory is MiB, loads are per cent, a load point is a per cent of one CPU.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
NOTHING: frozenset[str] = frozenset()

# Number -> what a host has that does not say. NaN: nobody knows.
NUMBERS: Mapping[str, float] = {
    "up": 1,
    "sockets": 1,
    "cores": 8,
    "threads": 8,
    "usage": 0,
    "overload_minutes": float("nan"),
    "exclusive": 0,
    "largest_vm": 0,
    "pending_largest": 0,
    "vcpus": 0,
    "pending_load": 0,
    "memory": 65536,
    "free": 65536,
    "swap": 0,
    "swap_free": 0,
    "schedulable": 65536,
    "pending_memory": 0,
    "overhead": 65,
    "spm": 0,
    "vms": 0,
    "running": 0,
    "pending_vms": 0,
    "ha_vms": 0,
    "he_configured": 0,
    "he_active": 0,
    "he_score": 0,
    "tsc": 0,
    "tsc_scaling": 0,
    "os_major": 0,
    "passthrough": 0,
    "pm": 0,
    "pm_by_policy": 0,
    "resting": 0,
    "off": 0,
    "migrating": 0,
    "reserved": 0,
    "statistics": 1,
    "display_boots": 1,
    "free_vfs": 0,
}
# Anything else -> likewise.
VALUES: Mapping[str, Any] = {
    "networks": frozenset({"ovirtmgmt"}),
    "no_boot": NOTHING,
    "versions": frozenset({"4.6", "4.7"}),
    "machines": NOTHING,
    "flags": None,
    "online": None,
    "taken": NOTHING,
    "topology": (),
    "numa": (),
    "devices": NOTHING,
    "mdevs": (),
    "leases": None,
    "hooks": None,
    "hugepages": (),
    "labels": NOTHING,
    "address": "",
    "vf_networks": (),
}


@lru_cache(maxsize=256)
def same(count: int, value: float) -> Numbers:
    """One number for all hosts. It cannot be changed, and `is_same` knows it at a glance."""
    return np.broadcast_to(np.float64(value), (count,))


@lru_cache(maxsize=256)
def all_flags(count: int, value: bool) -> Flags:
    """One flag for all hosts. It cannot be changed, and `is_same` knows it at a glance."""
    return np.broadcast_to(np.bool_(value), (count,))


def is_same(column: Numbers | Flags) -> bool:
    """Whether a column was made by one of these two; others may be equal everywhere, too."""
    return column.strides == (0,)


class Coded:
    """A column of values that few hosts differ in: codes into the different ones."""

    __slots__ = ("codes", "values")

    def __init__(self, values: Iterable[Any]) -> None:
        known: dict[Any, int] = {}
        self.codes = np.fromiter((known.setdefault(v, len(known)) for v in values), dtype=np.intp)
        self.values = list(known)

    def __getitem__(self, index: int) -> Any:
        return self.values[self.codes[index]]

    def where(self, fact: Callable[[Any], bool]) -> Flags:
        """For every host whether the fact holds of its value; asked once for each different value."""
        told = [bool(fact(v)) for v in self.values]
        if True not in told or False not in told:
            return all_flags(len(self.codes), True in told)
        answers: Flags = np.array(told)[self.codes]
        return answers

    def map(self, number: Callable[[Any], float]) -> Numbers:
        """For every host a number made of its value."""
        answers: Numbers = np.fromiter((number(v) for v in self.values), dtype=np.float64, count=len(self.values))
        return answers[self.codes]


class Hosts:
    """All hosts that a decision considers, by position. numbers and coded hold only what differs from the defaults."""

    __slots__ = ("_index", "coded", "ids", "names", "numbers")

    def __init__(
        self,
        ids: Sequence[str],
        names: Sequence[str],
        numbers: Mapping[str, Numbers] | None = None,
        coded: Mapping[str, Coded] | None = None,
    ) -> None:
        self.ids = tuple(ids)
        self.names = tuple(names)
        self.numbers = dict(numbers or {})
        self.coded = dict(coded or {})
        self._index: dict[str, int] | None = None

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> "Hosts":
        """From one mapping a host: id, name, and any of NUMBERS and VALUES."""
        given = {key for row in rows for key in row}
        numbers = {
            name: np.array([float(row.get(name, default)) for row in rows], dtype=np.float64)
            for name, default in NUMBERS.items()
            if name in given
        }
        coded = {
            name: Coded(row.get(name, default) for row in rows) for name, default in VALUES.items() if name in given
        }
        return cls([str(r["id"]) for r in rows], [str(r["name"]) for r in rows], numbers, coded)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, name: str) -> Numbers:
        """A column of numbers."""
        found = self.numbers.get(name)
        if found is None:
            found = self.numbers[name] = np.full(len(self.ids), NUMBERS[name], dtype=np.float64)
        return found

    def has(self, name: str) -> bool:
        """Whether any host says something of its own."""
        return name in self.numbers

    def value(self, name: str) -> Coded:
        """A column of values."""
        found = self.coded.get(name)
        if found is None:
            found = self.coded[name] = Coded([VALUES[name]] * len(self.ids))
        return found

    def at(self, host_id: str | None) -> int | None:
        """The position of a host."""
        if host_id is None:
            return None
        if self._index is None:
            self._index = {id_: i for i, id_ in enumerate(self.ids)}
        return self._index.get(host_id)

    def among(self, host_ids: Iterable[str]) -> Flags:
        """Which hosts are among these."""
        found = np.zeros(len(self.ids), dtype=np.bool_)
        for host_id in host_ids:
            position = self.at(host_id)
            if position is not None:
                found[position] = True
        return found

    def with_numbers(self, **columns: Numbers) -> "Hosts":
        """The same hosts with other numbers."""
        made = Hosts(self.ids, self.names, {**self.numbers, **columns}, self.coded)
        made._index = self._index
        return made

    def with_values(self, **columns: Coded) -> "Hosts":
        """The same hosts with other values."""
        made = Hosts(self.ids, self.names, self.numbers, {**self.coded, **columns})
        made._index = self._index
        return made

    def cpus(self, threads_as_cores: bool) -> Numbers:
        """CPUs that count: threads if the cluster says so, else cores."""
        return self["threads"] if threads_as_cores else self["cores"]
