"""Every outcome of a check, and the refusal that it leads to."""

from ovis.engine.declare.faults import Kind
from ovis.engine.model.types import CustomProperty
from ovis.engine.resources.custom_properties.definitions import devices, properties
from ovis.engine.resources.custom_properties.rules import (
    CODES,
    LONGEST,
    Outcome,
    device_problems,
    problems,
    refusals,
    too_long,
    values_of,
)

DEFINED = properties("macspoof=^(true|false)$;any;empty=")


def _given(**values: str | None) -> list[CustomProperty]:
    return [CustomProperty(name=n, value=v) for n, v in values.items()]


def _outcomes(given: list[CustomProperty]) -> list[Outcome]:
    return [p.outcome for p in problems(DEFINED, given)]


def test_values_that_fit() -> None:
    assert problems(DEFINED, _given(macspoof="true", any="whatever\n<&>", empty=None)) == []
    assert problems(DEFINED, None) == problems({}, []) == []
    assert values_of(_given(a=None, b="1")) == {"a": "", "b": "1"}


def test_outcomes() -> None:
    assert _outcomes(_given(macspoof="yes")) == [Outcome.INCORRECT_VALUE]
    assert _outcomes(_given(macspoof=None)) == [Outcome.INCORRECT_VALUE]  # none counts as ''
    assert _outcomes(_given(other="x")) == [Outcome.KEY_DOES_NOT_EXIST]
    assert _outcomes([*_given(any="1"), *_given(any="2")]) == [Outcome.DUPLICATE_KEY]
    for wrong in ({"any": "a;b=c"}, {"any": "\x01"}, {"any": "\ud800"}, {"a b": "x"}, {"": "x"}):
        assert _outcomes(_given(**wrong)) == [Outcome.SYNTAX_ERROR]
    assert _outcomes([CustomProperty(value="x")]) == [Outcome.SYNTAX_ERROR]


def test_outcomes_of_devices() -> None:
    defined = devices("{type=interface;prop={speed=^[0-9]+$}}")
    assert device_problems(defined, "interface", _given(speed="10")) == []
    assert [p.outcome for p in device_problems(defined, "interface", _given(speed="x"))] == [Outcome.INCORRECT_VALUE]
    assert [p.outcome for p in device_problems(defined, "disk", _given(speed="10"))] == [Outcome.INVALID_DEVICE_TYPE]
    assert device_problems(defined, "disk", None) == []


def test_every_outcome_has_a_refusal_with_what_to_do() -> None:
    found = problems(DEFINED, [*_given(macspoof="yes", other="x", any="a;b"), *_given(other="y")])
    told = refusals(found, level="4.7", owner="VM web", known=DEFINED)
    assert {r.code for r in told} == {CODES[o] for o in Outcome if o is not Outcome.INVALID_DEVICE_TYPE}
    assert all(r.kind is Kind.BAD and "VM web" in r.text and r.hint for r in told)
    texts = " ".join(r.text + r.hint for r in told)
    assert "other is not defined at level 4.7" in texts
    assert "any, empty, macspoof" in texts
    assert "macspoof as ^(true|false)$" in texts
    (device,) = refusals(device_problems({}, "interface", _given(a="1")), level="4.2", owner="vNIC profile p")
    assert device.code == CODES[Outcome.INVALID_DEVICE_TYPE]


def test_more_than_can_be_kept_is_refused() -> None:
    assert too_long(_given(any="x" * (LONGEST - 5)), "VM web") == []
    assert too_long(_given(any="x" * LONGEST), "VM web")
