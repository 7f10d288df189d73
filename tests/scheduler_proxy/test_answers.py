"""What modules may answer."""

from typing import Any

import pytest

from ovis.scheduler_proxy.answers import LARGEST, WrongAnswer, all_kept, checked, printed


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("filter", "['a', 'b']\n", ["a", "b"]),
        ("filter", "asking ...\n['a']\n", ["a"]),
        ("score", "[('a', 3)]", [("a", 3)]),
        ("balance", "('v', ['a'])", ("v", ["a"])),
        ("balance", "v-1 ['a', 'b']", ("v-1", ["a", "b"])),
    ],
)
def test_printed_literals(kind: Any, text: str, expected: object) -> None:
    assert printed(text, kind) == expected


@pytest.mark.parametrize("text", ["", "  \n", "hello world", "]]]", "(" * 5000, "__import__('os')", "[1, 2", "\0"])
def test_garbage_is_no_answer(text: str) -> None:
    with pytest.raises(WrongAnswer):
        printed(text, "filter")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("filter", ("a", "b"), ["a", "b"]),
        ("filter", [], []),
        ("score", [("a", 1), ["b", 2.5]], {"a": 1, "b": 3}),
        ("score", {"a": -1.5}, {"a": -1}),
        ("score", [("a", 10**30)], {"a": LARGEST}),
        ("balance", None, ["", []]),
        ("balance", ["", []], ["", []]),
        ("balance", ("v", ["a"]), ["v", ["a"]]),
    ],
)
def test_shapes(kind: Any, value: object, expected: object) -> None:
    assert checked(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("filter", "abc"),
        ("filter", 7),
        ("filter", [1]),
        ("filter", {"a": 1}),
        ("score", ["a"]),
        ("score", ["ab"]),
        ("score", [("a", 1, 2)]),
        ("score", [([], 1)]),
        ("score", [("a", "1")]),
        ("score", [("a", True)]),
        ("score", [("a", float("nan"))]),
        ("score", [(1, 1)]),
        ("score", 5),
        ("balance", "v"),
        ("balance", (1, [])),
        ("balance", ("v", "hosts")),
        ("balance", ("v", ["a"], 3)),
    ],
)
def test_wrong_shapes(kind: Any, value: object) -> None:
    with pytest.raises(WrongAnswer):
        checked(kind, value)


def test_order_is_kept() -> None:
    assert all_kept(["c", "a", "b"], [["a", "b", "c"], ["b", "c", "x"]]) == ["c", "b"]
