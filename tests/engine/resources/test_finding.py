"""Search, paging, order and follow on every collection that has them."""

import json
from typing import Any

import pytest

from ovis.engine.declare.shape import attributes
from ovis.engine.wire.layout import collection_name
from tests.engine.resources.walk import CODECS, FORMS, PATHS, SPOTS, Walker, parse

SEARCHABLE = [p for p in PATHS if SPOTS[p].resource.search is not None and len(SPOTS[p].chain) == 1]
_VALUES = {
    "text": "a*",
    "enum": "up",
    "int": "1",
    "bool": "true",
    "date": "today",
    "timespan": "0:10",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "severity": "normal",
    "version": "4.7",
    "float": "1",
    "size": "1",
}


def rows(walker: Walker, path: str, query: str, dialect: int = 4) -> list[dict[str, Any]]:
    """Objects of a list."""
    spot = SPOTS[path]
    answer = walker.client(dialect, "json").get(f"{spot.url(dialect, ())}{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = next(iter(answer.json().values()), [])
    return found


@pytest.mark.parametrize("path", SEARCHABLE)
def test_every_field_of_the_search_language_is_understood(walker: Walker, path: str) -> None:
    search = SPOTS[path].resource.search
    for name, field in search.fields.items():
        operator = "<" if field.kind == "timespan" else "="
        rows(walker, path, f"?search={name}%20{operator}%20%22{_VALUES[field.kind]}%22")
        rows(walker, path, f"?search={name}%20!=%20{_VALUES[field.kind]}%20sortby%20{name}%20desc")


@pytest.mark.parametrize("path", SEARCHABLE)
def test_a_name_finds_its_object_and_a_page_is_no_longer_than_asked(walker: Walker, path: str) -> None:
    everything = [o["id"] for o in rows(walker, path, "")]
    assert [o["id"] for o in rows(walker, path, "?search=")] == everything
    for query in ("?max=1", ";max=1", "?max=1&search=", ";max=1?search="):
        assert [o["id"] for o in rows(walker, path, query)] == everything[:1]
    if path != "/events":  # every request may add one
        seen = []
        for page in range(1, len(everything) + 2):
            seen += [o["id"] for o in rows(walker, path, f"?max=1&search=page%20{page}")]
        assert seen == everything
    named = [o for o in rows(walker, path, "") if "name" in o]
    if named and "name" in SPOTS[path].resource.search.fields and path != "/users":
        name = named[-1]["name"]
        for query in (f"name%3D{name}", f"name%3D%22{name}%22", f"name%3D{name[:-1]}*", f"%20name%3D{name.upper()}"):
            assert named[-1]["id"] in [o["id"] for o in rows(walker, path, f"?search={query}")], query
        assert rows(walker, path, f"?case_sensitive=true&search=name%3D{name.swapcase()}") == []
        assert rows(walker, path, "?search=name%3Dnobody-is-called-so") == []


@pytest.mark.parametrize("path", SEARCHABLE)
@pytest.mark.parametrize("query", ["name%3D", "name%20%3D%20a%20OR", "%27", "name=a;b", "page%200", "sortby"])
def test_a_query_that_cannot_be_read_finds_nothing(walker: Walker, path: str, query: str) -> None:
    for dialect, fmt in FORMS:
        if dialect in SPOTS[path].dialects:
            answer = walker.client(dialect, fmt).get(f"{SPOTS[path].url(dialect, ())}?search={query}")
            assert answer.status_code == 200
            assert len(parse(answer, fmt)) == 0


@pytest.mark.parametrize("path", [p for p in PATHS if 4 in SPOTS[p].dialects and SPOTS[p].resource.list])
def test_every_link_can_be_followed(walker: Walker, path: str) -> None:
    spot, example = SPOTS[path], walker.example(path)
    if example is None or example.id is None:
        return
    url = spot.url(4, example.parents)
    for row in attributes(spot.resource.type):
        if row.kind != "struct" or not row.link:
            continue
        for fmt in ("xml", "json"):
            answer = walker.client(4, fmt).get(f"{url}?follow={row.key}&max=2")
            assert answer.status_code == 200, f"{url} {row.key} {answer.text}"
            parse(answer, fmt)
            answer = walker.client(4, fmt).get(f"{url}/{example.id}?follow={row.key}")
            assert answer.status_code == 200, f"{url} {row.key} {answer.text}"
            document = parse(answer, fmt)
        sub = next((s for s in spot.resource.subs if s.collection == row.rel), None)
        if sub is not None and row.many:
            listed = walker.client(4, "json").get(f"{url}/{example.id}/{collection_name(sub, 4)}").json()
            one = CODECS.names(sub.type, 4)[0]
            inline = document.get(row.key) or document.get(row.tag, {})
            assert [o["id"] for o in inline.get(row.item, ())] == [o["id"] for o in listed.get(one, ())], row.key


@pytest.mark.parametrize("path", ["/vms", "/hosts", "/clusters"])
def test_what_has_no_link_cannot_be_followed(walker: Walker, path: str) -> None:
    answer = walker.client(4, "json").get(f"{path}?follow=nothing_of_this_name")
    assert 400 <= answer.status_code < 600
    assert json.loads(answer.content)["reason"]


@pytest.mark.parametrize("path", [p for p in PATHS if len(SPOTS[p].chain) == 1 and SPOTS[p].resource.list])
def test_bad_parameters_are_ignored(walker: Walker, path: str) -> None:
    for dialect in SPOTS[path].dialects:
        for query in ("?max=many", ";max=-1", "?case_sensitive=perhaps", "?follow=", ";nonsense", "?unknown=1&max="):
            answer = walker.client(dialect, "xml").get(SPOTS[path].url(dialect, ()) + query)
            assert answer.status_code == 200, f"{answer.url} {answer.text}"
