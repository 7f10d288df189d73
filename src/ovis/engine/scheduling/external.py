"""The port for units that users wrote: what they are called, how they are asked, what they answer. Pure.

Does: say what a process of users' modules must offer, and carry its answers into a decision.
Does not: call anything. Whoever decides asks `ExternalUnits` first, outside of any transaction, and hands the answer in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ovis.engine.scheduling.unit import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalUnit:
    """A unit of users. id: made by the engine, the same for a kind and name. parameters: name -> pattern."""

    id: str
    name: str
    kind: Kind
    doc: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Failure:
    """A unit that did not answer as it should. unit "": whoever runs them could not be reached."""

    unit: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What external units said of one placement.

    asked: hosts that they were asked about. kept: filter's name -> hosts it keeps (a failed filter is not there: it keeps
    all). scores: weight's name -> host -> score; a host that is not mentioned has 0.
    """

    asked: frozenset[str] = frozenset()
    kept: Mapping[str, frozenset[str]] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What an external balancer wants: a VM and the hosts it may go to; no VM: nothing."""

    vm: str | None = None
    hosts: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()


class ExternalUnits(Protocol):
    """Whoever runs users' units. All host and VM ids are the API's; parameters are the cluster's properties."""

    def known(self) -> Sequence[ExternalUnit]:
        """Units as last discovered."""

    async def filter(
        self, units: Sequence[str], hosts: Sequence[str], vm: str, params: Mapping[str, str]
    ) -> tuple[Mapping[str, frozenset[str]], tuple[Failure, ...]]:
        """Hosts kept by each filter unit (by name)."""

    async def score(
        self, units: Sequence[tuple[str, int]], hosts: Sequence[str], vm: str, params: Mapping[str, str]
    ) -> tuple[Mapping[str, Mapping[str, int]], tuple[Failure, ...]]:
        """Scores by each weight unit (name, factor); scores are not multiplied."""

    async def balance(self, unit: str, hosts: Sequence[str], params: Mapping[str, str]) -> Migration:
        """What a balancer unit wants."""


NO_ANSWER = Answer()
