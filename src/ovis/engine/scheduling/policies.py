"""Policies: which units a cluster uses, with factors and parameters; those that come with the engine; what is wrong
with one. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ovis.engine.scheduling.selectors import RANK, Selector
from ovis.engine.scheduling.unit import Kind
from ovis.engine.scheduling.units import BY_NAME, MANDATORY

_PREFIX = "ACTION_TYPE_FAILED_CLUSTER_POLICY_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a cluster schedules by. filters, weights: unit ids, internal or external, with position and factor."""

    name: str = ""
    filters: Sequence[tuple[str, int]] = ()
    weights: Sequence[tuple[str, float]] = ()
    balance: str | None = None
    selector: Selector = RANK
    params: Mapping[str, str] = field(default_factory=dict)

    def ordered_filters(self) -> list[str]:
        """The first one first, the last one last, the others as they were added."""
        return [id_ for id_, _ in sorted(self.filters, key=lambda pair: pair[1])]


@dataclass(frozen=True, slots=True)
class Shipped:
    """A locked policy by the names of its units."""

    id: str
    name: str
    doc: str
    filters: tuple[str, ...]
    weights: tuple[tuple[str, int], ...]
    balance: str
    params: Mapping[str, str]
    default: bool = False


_STANDARD = (
    "CPU",
    "CPUOverloaded",
    "Emulated-Machine",
    "HA",
    "Swap",
    "Memory",
    "NUMA",
    "HugePages",
    "Migration",
    "VmAffinityGroups",
    "VmToHostsAffinityGroups",
    "Network",
    "HostedEngineSpares",
    "Migration-Tsc-Frequency",
    "Host-hooks",
)
_COMMON = (
    ("PreferredHosts", 99),
    ("HA", 1),
    ("OptimalForHaReservation", 1),
    ("VmAffinityGroups", 1),
    ("VmToHostsAffinityGroups", 20),
    ("CPU for high performance VMs", 4),
    ("CPU and NUMA pinning compatibility", 5),
)
_EVEN = (("OptimalForCpuEvenDistribution", 2), ("OptimalForMemoryEvenDistribution", 1))
_POWER = (("OptimalForCpuPowerSaving", 2), ("OptimalForMemoryPowerSaving", 1))
_LIMITS = {"CpuOverCommitDurationMinutes": "2", "HighUtilization": "80"}
SHIPPED: tuple[Shipped, ...] = (
    Shipped(
        "b4ed2332-a7ac-4d5f-9596-99a439cb2812",
        "none",
        "No load balancing: VMs start where there is most room",
        _STANDARD,
        _EVEN + _COMMON,
        "None",
        _LIMITS,
        default=True,
    ),
    Shipped(
        "7677771e-5eab-422e-83fa-dc04080d21b7",
        "cluster_maintenance",
        "Only highly available VMs start; no load balancing",
        ("ClusterInMaintenance", *_STANDARD),
        _EVEN + _COMMON,
        "None",
        _LIMITS,
    ),
    Shipped(
        "20d25257-b4bd-4589-92a6-c4c5c5d3fd1a",
        "evenly_distributed",
        "Hosts use about as much CPU and memory as one another",
        _STANDARD,
        _EVEN + _COMMON,
        "OptimalForEvenDistribution",
        {"HeSparesCount": "0", **_LIMITS, "VCpuToPhysicalCpuRatio": "0"},
    ),
    Shipped(
        "5a2b0939-7d46-4b73-a469-e9c2c7fc6a53",
        "power_saving",
        "VMs gather on few hosts, so that others can rest",
        _STANDARD,
        _POWER + _COMMON,
        "OptimalForPowerSaving",
        {"HeSparesCount": "0", **_LIMITS, "LowUtilization": "20"},
    ),
    Shipped(
        "8d5d7bec-68de-4a67-b53e-0ac54686d579",
        "vm_evenly_distributed",
        "Hosts have about as many VMs as one another",
        _STANDARD,
        (("OptimalForEvenGuestDistribution", 2), *_COMMON),
        "OptimalForEvenGuestDistribution",
        {"HeSparesCount": "0", **_LIMITS, "HighVmCount": "10", "MigrationThreshold": "5", "SpmVmGrace": "5"},
    ),
    Shipped(
        "8d5d7bec-68de-4a67-b53e-0ac54686d586",
        "InClusterUpgrade",
        "While hosts of a cluster get a new operating system",
        ("Emulated-Machine", "Network", "Migration", "Swap", "Memory", "CPU", "InClusterUpgrade"),
        (("InClusterUpgrade", 1),),
        "None",
        {},
    ),
)


def policy_of(shipped: Shipped) -> Policy:
    """A shipped policy as units."""
    return Policy(
        name=shipped.name,
        filters=tuple(
            (BY_NAME[("filter", n)].id, -1 if i == 0 else 1 if i == len(shipped.filters) - 1 else 0)
            for i, n in enumerate(shipped.filters)
        ),
        weights=tuple((BY_NAME[("weight", n)].id, float(f)) for n, f in shipped.weights),
        balance=BY_NAME[("load_balancing", shipped.balance)].id,
        params=shipped.params,
    )


DEFAULT = policy_of(SHIPPED[0])


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """A unit as far as a policy's check asks."""

    kind: Kind
    name: str
    parameters: Mapping[str, str]
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing wrong with a policy."""

    code: str
    text: str


def wrong_with(policy: Policy, units: Mapping[str, KnownUnit]) -> list[Wrong]:
    """Everything wrong with a policy's units, positions, factors and parameters."""
    found: list[Wrong] = []
    filters = [id_ for id_, _ in policy.filters]
    weights = [id_ for id_, _ in policy.weights]
    groups: tuple[tuple[list[str], Kind, str], ...] = (
        (filters, "filter", "FILTER_NOT_IMPLEMENTED"),
        (weights, "weight", "FUNCTION_NOT_IMPLEMENTED"),
        ([policy.balance] if policy.balance else [], "load_balancing", "BALANCE_NOT_IMPLEMENTED"),
    )
    for ids, kind, code in groups:
        for id_ in dict.fromkeys(ids):
            unit = units.get(id_)
            if unit is None:
                found.append(Wrong(f"{_PREFIX}UNKNOWN_POLICY_UNIT", f"There is no policy unit {id_}."))
            elif unit.kind != kind:
                found.append(Wrong(f"{_PREFIX}{code}", f"The unit {unit.name} is no {kind} unit."))
            if ids.count(id_) > 1:
                name = unit.name if unit else id_
                found.append(Wrong(f"{_PREFIX}DUPLICATE_POLICY_UNIT", f"The unit {name} is in the policy twice."))
    found += _positions([p for _, p in policy.filters])
    for id_, factor in policy.weights:
        if factor < 0:
            name = units[id_].name if id_ in units else id_
            found.append(Wrong(f"{_PREFIX}FUNCTION_FACTOR_NEGATIVE", f"The factor {factor:g} of {name} is below zero."))
    used = [units[i] for i in (*filters, *weights, *([policy.balance] if policy.balance else [])) if i in units]
    return found + wrong_parameters(policy.params, used)


def _positions(positions: Sequence[int]) -> list[Wrong]:
    found = []
    for place, word in ((-1, "FIRST"), (1, "LAST")):
        if positions.count(place) > 1:
            found.append(
                Wrong(f"{_PREFIX}ONLY_ONE_FILTER_CAN_BE_{word}", f"Only one filter can be the {word.lower()} one.")
            )
    for place in positions:
        if place not in (-1, 0, 1):
            found.append(Wrong(f"{_PREFIX}PARAMETERS_INVALID", f"A filter's position is -1, 0 or 1, not {place}."))
    return found


def wrong_parameters(params: Mapping[str, str], units: Iterable[KnownUnit]) -> list[Wrong]:
    """Parameters that no unit knows, and values that do not fit their whole pattern."""
    patterns: dict[str, list[str]] = {}
    for parameters in (*(u.parameters for u in units), *(m.parameters for m in MANDATORY), RANK.parameters):
        for name, pattern in parameters.items():
            patterns.setdefault(name, []).append(pattern)
    found = []
    for name, value in params.items():
        if name not in patterns:
            found.append(Wrong(f"{_PREFIX}PARAMETERS_INVALID", f"No unit of the policy has a property {name}."))
        elif not any(_fits(pattern, value) for pattern in patterns[name]):
            found.append(
                Wrong(
                    f"{_PREFIX}PARAMETERS_INVALID",
                    f"The value {value} of {name} does not match {patterns[name][0]}.",
                )
            )
    return found


def _fits(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern.removesuffix("$"), value) is not None
    except re.error:
        return False
