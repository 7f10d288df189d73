"""Parameters of a call: what is a flag, what is a number, and that garbage is ignored."""

from datetime import UTC, datetime

import pytest

from ovis.engine.declare.call import Call, Principal


def call(**params: str) -> Call:
    return Call(principal=Principal(user_id="u", name="u@internal"), params=params, now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("true", True), ("T", True), ("yes", True), ("Y", True), ("1", True), ("", True), (" True ", True),
        ("false", False), ("F", False), ("no", False), ("n", False), ("0", False), ("maybe", None), ("2", None),
    ],
)  # fmt: skip
def test_flags(text: str, wanted: bool | None) -> None:
    assert call(x=text).flag("x") is (wanted or False)
    assert call(x=text).flag("x", True) is (True if wanted is None else wanted)
    assert call().flag("x") is False


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("10", 10), (" 7 ", 7), ("-1", -1), ("+3", 3), ("0", 0), ("", None), ("ten", None), ("1.0", None),
        ("1_0", None), ("²", None), ("٣", None), ("9" * 18, int("9" * 18)), ("9" * 19, None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_numbers(text: str, wanted: int | None) -> None:
    assert call(max=text).number("max") == wanted
    assert call().number("max") is None
