"""The shapes of units: filters, weights, balancers. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ovis.engine.scheduling.hosts import Flags, Numbers
from ovis.engine.scheduling.world import World

Kind = Literal["filter", "weight", "load_balancing", "selector"]
UTILIZATION = "^([5-9][0-9])$"
LOW = "^([0-9]|[1-4][0-9])$"
MINUTES = "^([1-9][0-9]*)$"
AMOUNT = "^([1-9][0-9]*)$"
RATIO = r"^([0-2](\.([0-9]+))?)$"
COUNT = "^([0-9]|[1-9][0-9]+)$"


@dataclass(frozen=True, slots=True)
class Drop:
    """Hosts that a filter drops for one reason. code: the engine's key. text(position): the reason for users."""

    bad: Flags
    code: str
    text: Callable[[int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What all units have. parameters: name -> pattern of the whole value."""

    id: str
    name: str
    doc: str
    kind: Kind
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter(Unit):
    """rule(world, alive): what to drop, for the first reason that applies. Mandatory ones run in every policy."""

    rule: Callable[[World, Flags], Sequence[Drop]]
    kind: Kind = "filter"
    mandatory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight(Unit):
    """rule(world, alive): a number for every host, the lower the better; dropped hosts' numbers do not count."""

    rule: Callable[[World, Flags], Numbers]
    kind: Kind = "weight"


@dataclass(frozen=True, slots=True)
class Move:
    """A VM that should move, and the hosts it may go to, its own last: if that one wins nothing moves."""

    vm: str
    hosts: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PowerAction:
    """What a host's power should become: maintenance, down or up."""

    host: str
    to: Literal["maintenance", "down", "up"]


@dataclass(frozen=True, slots=True)
class Balance:
    """What a balancer wants: moves, the best first, and at most one change of a host's power."""

    moves: tuple[Move, ...] = ()
    power: PowerAction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balancer(Unit):
    """rule(world): moves of world.vms."""

    rule: Callable[[World], Balance]
    kind: Kind = "load_balancing"
