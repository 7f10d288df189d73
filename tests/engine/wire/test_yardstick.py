"""The type model and the v3 rules, held against the facts of the API."""

import inspect
from enum import Enum

import msgspec
import pytest

from ovis.engine.declare.shape import attributes, names_of
from ovis.engine.model import enums, types
from ovis.engine.wire import facts3
from tests.engine.wire.facts import attributes_of, load

MODEL = load("model")
V3 = load("v3")
OURS = {
    name: t
    for name, t in inspect.getmembers(types, inspect.isclass)
    if issubclass(t, msgspec.Struct) and t is not msgspec.Struct
}
ENUMS = {
    name: t
    for name, t in inspect.getmembers(enums, inspect.isclass)
    if issubclass(t, Enum) and t.__module__ == enums.__name__
}
_KINDS = {"boolean": "bool", "integer": "int", "decimal": "float", "string": "str", "date": "date"}
BOTH = sorted(OURS.keys() & MODEL["types"].keys())


def test_every_type_is_one_of_the_api() -> None:
    assert OURS.keys() - MODEL["types"].keys() == set()
    missing = sorted(MODEL["types"].keys() - OURS.keys())
    print("types not declared yet:", missing)
    assert len(BOTH) > 200


def test_every_enum_has_the_values_of_the_api() -> None:
    assert ENUMS.keys() - MODEL["enums"].keys() == set()
    print("enums not declared yet:", sorted(MODEL["enums"].keys() - ENUMS.keys()))
    for name, enum in ENUMS.items():
        assert {m.value for m in enum} == set(MODEL["enums"][name]), name


@pytest.mark.parametrize("name", BOTH)
def test_attributes_agree(name: str) -> None:
    type_ = OURS[name]
    known = attributes_of(name)
    entry = MODEL["types"][name]
    assert names_of(type_) == (entry["one"], entry["many"])
    mine = {row.key: row for row in attributes(type_)}
    assert mine.keys() - known.keys() - {"id"} == set()
    missing = sorted(known.keys() - mine.keys())
    if missing:
        print(f"{name}: not declared yet:", missing)
    for key, row in mine.items():
        if key not in known:
            continue
        want = known[key]
        expected = _KINDS.get(want.type, "enum" if want.type in MODEL["enums"] else "struct")
        assert (row.kind, row.many) == (expected, want.many), key
        if expected in ("enum", "struct"):
            assert row.type.__name__ == want.type, key
        assert row.tag == (want.tag or key), key
        if row.many:
            assert row.item == want.item, key
        if row.many or want.link:
            assert (row.rel, row.link) == (want.rel, want.link), key
        assert row.xml_attribute == want.attr, key


def _by_rule(rule: str) -> set[tuple[str, str, str]]:
    """(v4 type, v3 property, v4 attribute) of every property with a rule."""
    found = set()
    for type_name, entry in V3["types"].items():
        for prop, text in entry.get("props", {}).items():
            words = text.split()
            if words[0] == rule:
                v4 = next((w[3:] for w in words if w.startswith("v4=")), prop)
                found.add((type_name, prop, v4))
    return found


def _subtypes(name: str) -> set[str]:
    base = OURS[name]
    return {n for n, t in OURS.items() if issubclass(t, base)}


def test_v3_attributes_are_those_of_the_rules() -> None:
    wanted: dict[str, set[str]] = {}
    for type_name, _, v4 in _by_rule("attr"):
        wanted.setdefault(type_name, set()).add(v4)
    assert {k: set(v) for k, v in facts3.ATTRIBUTES.items()} == wanted


def test_v3_statuses_are_those_of_the_rules() -> None:
    for type_name, prop, v4 in _by_rule("status"):
        for name in _subtypes(type_name):
            if any(r.name == v4 for r in attributes(OURS[name])):
                assert v4 in facts3.STATUS.get(name, ()), (name, prop)
    wanted = {(n, v4) for t, _, v4 in _by_rule("status") for n in _subtypes(t)}
    for name, found in facts3.STATUS.items():
        if name in OURS:
            present = {r.name for r in attributes(OURS[name])}
            assert {(name, v4) for v4 in found & present} <= wanted


def test_v3_renames_are_those_of_the_rules() -> None:
    wanted = {(t, v4): prop for rule in ("rename", "upper") for t, prop, v4 in _by_rule(rule) if prop != v4}
    wanted |= {(t, v4): prop for t, prop, v4 in _by_rule("attr") if prop != v4}
    assert dict(facts3.RENAMES) == wanted


def test_v3_lists_are_those_of_the_rules() -> None:
    assert {(t, v4) for t, _, v4 in _by_rule("unwrap")} == set(facts3.UNWRAPPED)
    wanted = {}
    for type_name, entry in V3["types"].items():
        for prop, text in entry.get("props", {}).items():
            pairs = dict(w.split("=", 1) for w in text.split()[1:] if "=" in w)
            if "item3" in pairs:
                wanted[(type_name, pairs.get("v4", prop))] = pairs["item3"]
    assert dict(facts3.ITEMS) == wanted


def test_v3_never_shows_what_only_v4_has() -> None:
    for type_name, entry in V3["types"].items():
        for attribute in entry.get("hidden", "").split():
            row = next((r for r in attributes(OURS[type_name]) if r.key == attribute), None)
            if row is None or (type_name, attribute) in facts3.SHOWN_BY_SHIM:
                continue
            assert facts3.hidden(type_name, row.name), (type_name, attribute)


@pytest.mark.parametrize("name", sorted(n for n, e in V3["types"].items() if n in OURS))
def test_v3_roots(name: str) -> None:
    root = V3["types"][name]["root"]
    ours = facts3.names3(OURS[name])
    if root is not None and name != "Version":
        assert ours[0] == root
    lists = V3["lists"].get(name)
    if lists:
        assert ours[1] in lists


@pytest.mark.parametrize("name", sorted(n for n, e in V3["types"].items() if "long" in e))
def test_v3_numbers_of_64_bits(name: str) -> None:
    longs = set(V3["types"][name]["long"].split())
    for row in attributes(OURS[name]):
        if row.kind == "int":
            tag = facts3.RENAMES.get((name, row.name), row.tag)
            assert facts3.is_long(name, row.name) == (tag in longs), row.name
