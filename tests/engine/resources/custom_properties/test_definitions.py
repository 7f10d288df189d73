"""What administrators write: read, refused with all that is wrong, merged, written down again."""

import pytest

from ovis.engine.resources.custom_properties.definitions import (
    BadDefinition,
    devices,
    merged,
    merged_devices,
    properties,
    written,
    written_devices,
)

BOTH = "{type=interface;prop={speed=^[0-9]{1,3}$;duplex=^(full|half)$}};{type=disk;prop={note}}"


def test_names_with_patterns_and_without() -> None:
    assert properties("a=^x=y$;b;c=") == {"a": "^x=y$", "b": None, "c": ""}
    assert properties("") == properties(" ; ") == {}
    assert written(properties("a=^x=y$;b;c=")) == "a=^x=y$;b;c="


def test_devices_with_braces_in_patterns() -> None:
    found = devices(BOTH)
    assert found == {"interface": {"speed": "^[0-9]{1,3}$", "duplex": "^(full|half)$"}, "disk": {"note": None}}
    assert written_devices(found) == BOTH
    assert devices(r"{type=interface;prop={a=[{]\}x}}") == {"interface": {"a": r"[{]\}x"}}
    assert devices("{type=disk;prop={a=[^]}{]}}") == {"disk": {"a": "[^]}{]"}}
    assert devices(" { type = disk ; prop = { a=b } } ; ") == {"disk": {"a": "b "}}  # blanks are a pattern's own
    assert devices("") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b=x", "'a b' cannot be a property's name"),
        ("=x", "'' cannot be"),
        ("a-b", "letters, digits and _"),
        ("9a=x", "begins with no digit"),
        ("a=x;a=y", "a is defined twice"),
        ("a=(", "a: .*no regular expression"),
        ("a=(;b c", "a: .*'b c'"),  # all of it
    ],
)
def test_bad_properties(text: str, words: str) -> None:
    with pytest.raises(BadDefinition, match=words):
        properties(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a=b", "a definition reads"),
        ("{type=interface;prop={a=b}", "do not close"),
        ("{type=interface;prop={a=b}} x", "do not close, or more follows"),
        ("{type=nic;prop={a=b}}", "'nic' is no device type"),
        ("{type=disk;prop={a=(}}", "disk: a: "),
        ("{type=disk;prop={a}};{type=disk;prop={b}}", "disk is defined twice"),
        ("{prop={a=b};type=disk}", "a definition reads"),
    ],
)
def test_bad_devices(text: str, words: str) -> None:
    with pytest.raises(BadDefinition, match=words):
        devices(text)


def test_merging_keeps_what_is_there_and_replaces_what_is_given() -> None:
    assert merged("a=1;b=2", "b=3;c") == "a=1;b=3;c"
    assert merged("", "a=1") == "a=1"
    new = "{type=interface;prop={speed=^1$}};{type=tpm;prop={x}}"
    assert devices(merged_devices(BOTH, new)) == {
        "interface": {"speed": "^1$", "duplex": "^(full|half)$"},
        "disk": {"note": None},
        "tpm": {"x": None},
    }
