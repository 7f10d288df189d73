"""Values against declared shapes: tolerant for arguments, exact for results."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest

from ovis.contract.checks import argument, result, words


class Inner(TypedDict):
    size: Annotated[str, int]
    flag: NotRequired[bool]


class Outer(TypedDict):
    name: str
    parts: list[Inner]


class Several(TypedDict):
    names: list[str]


ARGUMENTS_TAKEN: list[tuple[Any, Any]] = [
    (str, "a"),
    (str, 5),
    (int, "12"),
    (int, ""),
    (bool, "true"),
    (bool, "0"),
    (float, "1.5"),
    (Annotated[str, int], 7),
    (Annotated[int, "not below zero"], "3"),
    (Literal["cow", "raw"], 4),
    (list[str], ["a", 1]),
    (Outer, {"name": "x", "unknown": []}),
    (Inner | None, None),
    (Several, {"names": "one"}),
    (dict[str, Any], {"any": {"thing": 1}}),
]


@pytest.mark.parametrize(("shape", "value"), ARGUMENTS_TAKEN)
def test_arguments_come_as_callers_send_them(shape: Any, value: Any) -> None:
    assert list(argument(shape, value, "a")) == []


ARGUMENTS_REFUSED: list[tuple[Any, Any, str]] = [
    (str, ["x"], "a must be text, not list"),
    (str, {}, "a must be text, not map"),
    (int, "twelve", "a must be number, not text"),
    (int, "1.5", "a must be number, not text"),
    (bool, "perhaps", "a must be truth, not text"),
    (list[str], "x", "a must be list of text, not text"),
    (list[str] | None, 5, "a must be list of text, not number"),
    (list[str], [["x"]], "a[0] must be text, not list"),
    (Outer, "x", "a must be Outer, not text"),
    (Outer, {"parts": [{"size": []}]}, "a.parts[0].size must be number as text, not list"),
    (Inner | Outer, 5, "a must be Inner, not number"),
]


@pytest.mark.parametrize(("shape", "value", "said"), ARGUMENTS_REFUSED)
def test_arguments_of_another_kind_are_named_with_their_place(shape: Any, value: Any, said: str) -> None:
    assert list(argument(shape, value, "a")) == [said]


def test_a_value_nested_without_end_is_refused_not_followed() -> None:
    value: Any = {}
    for _ in range(10_000):
        value = {"parts": [value]}

    class Endless(TypedDict):
        parts: "list[Any]"

    assert list(argument(Endless, value, "a")) == []  # what nobody declared is not walked
    deep: Any = list
    for _ in range(40):
        deep = list[deep]
    nested: Any = []
    for _ in range(40):
        nested = [nested]
    assert any("too deeply" in said for said in argument(deep, nested, "a"))


RESULTS_WRONG: list[tuple[Any, Any, str]] = [
    (Inner, {"size": 5}, "result.size must be number as text, not number"),
    (Inner, {"flag": True}, "result.size is missing"),
    (Inner, {"size": "5", "flag": "true"}, "result.flag must be truth, not text"),
    (Inner, {"size": "five"}, "result.size must be number as text, not text"),
    (Literal["a"], "b", "result must be one of a, not text"),
    (Literal[1], True, "result must be one of 1, not truth"),
    (int, True, "result must be number, not truth"),
    (Annotated[int, "not below zero"], -1, "result must be number, not number"),
    (str, None, "result must be text, not nothing"),
]


@pytest.mark.parametrize(("shape", "value", "said"), RESULTS_WRONG)
def test_results_are_exact(shape: Any, value: Any, said: str) -> None:
    assert list(result(shape, value)) == [said]


def test_results_that_fit() -> None:
    assert list(result(Outer, {"name": "x", "parts": [{"size": "1"}], "more": 1})) == []
    assert list(result(float, 3)) == []
    assert list(result(dict[str, bool], {"a": True})) == []


def test_words() -> None:
    assert words(list[Annotated[str, int]]) == "list of number as text"
    assert words(dict[str, Any]) == "map"
    assert words(Literal["a", 1]) == "one of a, 1"
    assert words(Inner | None) == "Inner"
