"""Units as the API shows them: those of the engine, and rows of those that users wrote.

Does: list, tell kinds and parameters to a policy's check. Does not: run or discover users' units; whoever does writes rows
of `SchedulingPolicyUnit` (`internal` false) and switches them on and off.
Follows: engine 4.5: mandatory filters are not listed, selectors are, without a type.
"""

from collections.abc import Mapping

from ovis.engine.model.enums import PolicyUnitType
from ovis.engine.model.types import Property, SchedulingPolicyUnit
from ovis.engine.scheduling.policies import KnownUnit
from ovis.engine.scheduling.unit import Kind, Unit
from ovis.engine.scheduling.units import MANDATORY, UNITS as ALL
from ovis.engine.store.session import Reader
from ovis.engine.store.tables import Column, Table

TABLE = Table(
    name="scheduling_policy_units",
    type=SchedulingPolicyUnit,
    columns=(Column(name="name_key", path="name", key=True), Column(name="type")),
    unique=(("type", "name_key"),),
)


def _shown(unit: Unit) -> SchedulingPolicyUnit:
    return SchedulingPolicyUnit(
        id=unit.id,
        name=unit.name,
        description=unit.doc,
        type=None if unit.kind == "selector" else PolicyUnitType(unit.kind),  # the API has no type for selectors
        enabled=True,
        internal=True,
        properties=[Property(name=n, value=v) for n, v in unit.parameters.items()] or None,
    )


_HIDDEN = {m.id for m in MANDATORY}
UNITS: Mapping[str, SchedulingPolicyUnit] = {u.id: _shown(u) for u in ALL if u.id not in _HIDDEN}


def external_units(rd: Reader) -> list[SchedulingPolicyUnit]:
    """Units of users, whether they are there now or not."""
    return rd.find(SchedulingPolicyUnit)


def known_units(rd: Reader) -> dict[str, KnownUnit]:
    """All units as a policy's check asks for them."""
    known = {u.id: KnownUnit(u.kind, u.name, u.parameters) for u in ALL}
    for unit in external_units(rd):
        patterns = {str(p.name): str(p.value) for p in unit.properties or ()}
        kind: Kind = unit.type.value if unit.type else "filter"
        known[str(unit.id)] = KnownUnit(kind, str(unit.name), patterns, unit.enabled is not False)
    return known
