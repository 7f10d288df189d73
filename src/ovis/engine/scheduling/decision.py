"""The decision: hosts through filters, weights and the selector, with everything that explains it. Pure.

Does: mandatory filters, then the policy's; a host is blamed on the first that drops it; what external units said; wanted
hosts; weights and totals; the chosen one. Does not: write, or wait. The explanation is what the decision computed anyway;
texts are made when somebody reads them.
Follows: engine 4.5. A single host that is left is chosen without weights.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np

from ovis.engine.scheduling.external import NO_ANSWER, Answer
from ovis.engine.scheduling.hosts import Flags, Hosts, Numbers, is_same
from ovis.engine.scheduling.policies import Policy
from ovis.engine.scheduling.selectors import Column, Selector, best, order, totals
from ovis.engine.scheduling.unit import Filter, Weight
from ovis.engine.scheduling.units import BY_ID, MANDATORY
from ovis.engine.scheduling.world import World

NO_HOSTS = "SCHEDULING_NO_HOSTS"
ALL_FILTERED = "SCHEDULING_ALL_HOSTS_FILTERED_OUT"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a host is out. external: a unit of users said so. code: None if nobody gave one."""

    unit: str
    unit_id: str
    code: str | None
    text: str
    external: bool = False


@dataclass(frozen=True, slots=True)
class Blame:
    """Hosts that one reason took out."""

    unit: str
    unit_id: str
    code: str | None
    text: Callable[[int], str]
    external: bool = False


@dataclass(slots=True, kw_only=True)
class Decision:
    """What came out. blamed: position -> index in blames, -1 for fitting hosts. fitting: positions that weights saw."""

    hosts: Hosts
    selector: Selector
    blamed: np.typing.NDArray[np.intp]
    blames: list[Blame]
    fitting: np.typing.NDArray[np.intp]
    columns: list[Column] = field(default_factory=list)
    totals: Numbers | None = None
    chosen: int | None = None
    failures: tuple[tuple[str, str], ...] = ()

    @property
    def host_id(self) -> str | None:
        """The chosen host."""
        return None if self.chosen is None else self.hosts.ids[self.chosen]

    @property
    def error(self) -> str | None:
        """The engine's key, if no host is left."""
        if self.chosen is not None:
            return None
        return NO_HOSTS if len(self.hosts) == 0 else ALL_FILTERED

    def reason(self, position: int) -> Reason | None:
        """Why a host is out; None for a fitting one."""
        index = int(self.blamed[position])
        if index < 0:
            return None
        blame = self.blames[index]
        return Reason(blame.unit, blame.unit_id, blame.code, blame.text(position), blame.external)

    def refused(self) -> dict[str, Reason]:
        """Host name -> why it is out."""
        found = {}
        for position in np.flatnonzero(self.blamed >= 0):
            reason = self.reason(int(position))
            if reason is not None:
                found[self.hosts.names[int(position)]] = reason
        return found

    def reasons(self) -> str:
        """Why nothing fits, host by host."""
        return (
            "; ".join(
                f"{name}: {r.text} ({'external filter' if r.external else 'filter'} {r.unit})"
                for name, r in sorted(self.refused().items())
            )
            or "there is no host"
        )

    def ranking(self) -> list[int]:
        """Fitting hosts, the best first, as indexes into `fitting`."""
        found = self.totals if self.totals is not None else np.zeros(len(self.fitting))
        return order(self.selector, found, [self.hosts.names[i] for i in self.fitting])


def filters_of(policy: Policy) -> tuple[Filter, ...]:
    """The internal filters in the order in which they run."""
    return _ordered(tuple(policy.filters))


@lru_cache(maxsize=256)
def _ordered(filters: tuple[tuple[str, int], ...]) -> tuple[Filter, ...]:
    found = [BY_ID.get(id_) for id_ in Policy(filters=filters).ordered_filters()]
    return (*MANDATORY, *(f for f in found if isinstance(f, Filter) and not f.mandatory))


def _said(text: str, position: int) -> str:
    return text


@dataclass(slots=True)
class _Sieve:
    """Which hosts are left, how many, and who took the others out."""

    alive: Flags
    left: int
    blamed: np.typing.NDArray[np.intp]
    blames: list[Blame]

    def drop(self, bad: Flags, blame: Blame) -> None:
        if is_same(bad) and len(bad) and not bad[0]:
            return
        hit = bad & self.alive
        count = int(np.count_nonzero(hit))
        if count:
            self.blamed[hit] = len(self.blames)
            self.blames.append(blame)
            self.alive &= ~hit
            self.left -= count


def decide(
    world: World,
    policy: Policy,
    *,
    answer: Answer = NO_ANSWER,
    out: Mapping[str, str] | None = None,
    only: Collection[str] = (),
    wanted: Collection[str] = (),
    external: Mapping[str, tuple[str, float]] | None = None,
    given: Mapping[str, Mapping[str, float]] | None = None,
) -> Decision:
    """Choose a host.

    out: host id -> why it does not take part (not up, tried already). only: the hosts allowed, if any.
    wanted: hosts that win over all others if one of them fits. external: unit id -> (name, factor) of weights that
    `answer` has scores of. given: weights by name that stand for units.
    """
    hosts = world.hosts
    sieve = _Sieve(np.ones(len(hosts), dtype=np.bool_), len(hosts), np.full(len(hosts), -1, dtype=np.intp), [])
    _begin(sieve, hosts, out or {}, only)
    for unit in filters_of(policy):
        if not sieve.left:
            break
        for drop in unit.rule(world, sieve.alive):
            sieve.drop(drop.bad, Blame(unit.name, unit.id, drop.code, drop.text))
    _external_filters(sieve, hosts, answer)
    alive = sieve.alive
    if wanted:
        chosen = hosts.among(wanted) & alive
        if chosen.any():
            alive = chosen
    fitting = np.flatnonzero(alive)
    decision = Decision(
        hosts=hosts,
        selector=policy.selector,
        blamed=sieve.blamed,
        blames=sieve.blames,
        fitting=fitting,
        failures=tuple((f.unit, f.reason) for f in answer.failures),
    )
    if len(fitting) == 0:
        return decision
    if len(fitting) == 1 and not given:
        decision.chosen = int(fitting[0])
        return decision
    decision.columns = _columns(world, policy, alive, fitting, answer, external or {}, given or {})
    decision.totals = totals(decision.columns, len(fitting))
    names = hosts.names if len(fitting) == len(hosts) else [hosts.names[i] for i in fitting]
    decision.chosen = int(fitting[best(policy.selector, decision.totals, names)])
    return decision


def _begin(sieve: _Sieve, hosts: Hosts, out: Mapping[str, str], only: Collection[str]) -> None:
    """Hosts that take no part at all."""
    for host_id, why in out.items():
        position = hosts.at(host_id)
        if position is not None:
            bad = np.zeros(len(hosts), dtype=np.bool_)
            bad[position] = True
            sieve.drop(bad, Blame("Status", "", "VAR__DETAIL__HOST_NOT_CONSIDERED", partial(_said, why)))
    if hosts.has("up"):
        sieve.drop(hosts["up"] == 0, Blame("Status", "", "VAR__DETAIL__HOST_NOT_UP", lambda i: "it is not up"))
    if only:
        sieve.drop(
            ~hosts.among(only),
            Blame("Destination", "", "VAR__DETAIL__NOT_REQUESTED", lambda i: "the VM is bound to other hosts"),
        )


def _external_filters(sieve: _Sieve, hosts: Hosts, answer: Answer) -> None:
    """Hosts that users' filters did not keep; those that nobody asked them about are left as they are."""
    if not answer.kept:
        return
    asked = hosts.among(answer.asked) if answer.asked else np.ones(len(hosts), dtype=np.bool_)
    for name, kept in answer.kept.items():
        sieve.drop(
            asked & ~hosts.among(kept),
            Blame(name, "", None, partial(_said, f"the module {name} drops it"), external=True),
        )


def _columns(
    world: World,
    policy: Policy,
    alive: Flags,
    fitting: np.typing.NDArray[np.intp],
    answer: Answer,
    external: Mapping[str, tuple[str, float]],
    given: Mapping[str, Mapping[str, float]],
) -> list[Column]:
    hosts, selector = world.hosts, policy.selector
    whole = len(fitting) == len(hosts)
    columns = []

    def add(name: str, id_: str, factor: float, weights: Numbers) -> None:
        part = weights if whole else weights[: len(fitting)] if is_same(weights) else weights[fitting]
        columns.append(Column(name, id_, factor, part, selector.points(part)))

    def told(of: Mapping[str, float], by_id: bool) -> Numbers:
        keys: Sequence[str] = hosts.ids if by_id else hosts.names
        return np.array([float(of.get(key, 0)) for key in keys])

    for id_, factor in policy.weights:
        unit = BY_ID.get(id_)
        name = unit.name if unit is not None else external.get(id_, (id_, 0.0))[0]
        if name in given:
            add(name, id_, factor, told(given[name], False))
        elif isinstance(unit, Weight):
            add(name, id_, factor, unit.rule(world, alive))
        elif name in answer.scores:
            add(name, id_, factor, told(answer.scores[name], True))
    return columns
