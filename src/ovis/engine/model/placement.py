"""Types of our own: why a VM was placed where it was. oVirt has none.

Does: name every attribute. Weights, points and totals are those of the policy's selector.
"""

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import Struct

from ovis.engine.declare.shape import LINK, Names
from ovis.engine.model.types import Host, Identified, Vm


class PlacementWeight(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What one weight unit said of a host. points: what the selector made of it; total: points by factor."""

    names: ClassVar[Names] = Names("placement_weight", "placement_weights")
    unit: str | None = None
    weight: float | None = None
    points: float | None = None
    factor: float | None = None
    total: float | None = None


class PlacementHost(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A host in a decision. filter, reason, detail: the first filter that dropped it, its key, its words.

    rank: 1 is the best; equal totals share a rank. external: a unit of users dropped it.
    """

    names: ClassVar[Names] = Names("placement_host", "placement_hosts")
    host_id: str | None = None
    host_name: str | None = None
    fits: bool | None = None
    selected: bool | None = None
    filter: str | None = None
    reason: str | None = None
    detail: str | None = None
    external: bool | None = None
    rank: int | None = None
    total: float | None = None
    weights: list[PlacementWeight] | None = None


class PlacementFailure(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A unit of users that did not answer as it should."""

    names: ClassVar[Names] = Names("placement_failure", "placement_failures")
    unit: str | None = None
    reason: str | None = None


class Placement(Identified, kw_only=True, frozen=True, omit_defaults=True):
    """One decision. purpose: start, migrate, balance, explain. error: the key, if no host was left."""

    names: ClassVar[Names] = Names("placement", "placements")
    date: datetime | None = None
    purpose: str | None = None
    policy: str | None = None
    selector: str | None = None
    error: str | None = None
    host: Annotated[Host | None, LINK] = None
    vm: Annotated[Vm | None, LINK] = None
    placement_hosts: list[PlacementHost] | None = None
    placement_failures: list[PlacementFailure] | None = None


__all__ = ("Placement", "PlacementFailure", "PlacementHost", "PlacementWeight")
