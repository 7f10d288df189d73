"""The list of units is whole and what it says of itself is right."""

import re

from ovis.engine.scheduling.policies import SHIPPED, KnownUnit, policy_of, wrong_with
from ovis.engine.scheduling.units import BALANCERS, BY_ID, BY_NAME, FILTERS, MANDATORY, UNITS, WEIGHTS


def test_every_unit_has_an_id_of_its_own_and_a_name_of_its_own_among_its_kind() -> None:
    assert len(BY_ID) == len(BY_NAME) == len(UNITS)
    assert (len(FILTERS), len(WEIGHTS), len(BALANCERS), len(MANDATORY)) == (25, 14, 4, 8)


def test_patterns_are_regular_expressions_and_texts_are_there() -> None:
    for unit in UNITS:
        assert unit.doc
        for pattern in unit.parameters.values():
            re.compile(pattern)


def test_policies_that_come_with_the_engine_are_valid_and_use_no_mandatory_filter() -> None:
    known = {u.id: KnownUnit(u.kind, u.name, u.parameters) for u in UNITS}
    for shipped in SHIPPED:
        policy = policy_of(shipped)
        assert wrong_with(policy, known) == [], shipped.name
        assert not {m.id for m in MANDATORY} & {i for i, _ in policy.filters}
