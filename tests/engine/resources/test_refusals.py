"""Whatever cannot be is refused with the API's own fault, and changes nothing."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ovis.engine.declare.shape import Attribute, attributes
from ovis.engine.wire.codecs import Format
from tests.engine.resources.samples import sample_of
from tests.engine.resources.walk import BASES, PATHS, SPOTS, UNKNOWN_ID, Spot, Walker, parse

ADDABLE = [path for path in PATHS if SPOTS[path].resource.add and sample_of(path) and 4 in SPOTS[path].dialects]
UPDATABLE = [path for path in PATHS if SPOTS[path].resource.update and 4 in SPOTS[path].dialects]
_NONSENSE = {"int": "many", "bool": "perhaps", "enum": "no_such_value", "date": "yesterday", "float": "half"}


def is_fault(answer: httpx.Response, fmt: Format) -> None:
    """An answer's body is a fault with a reason."""
    document = parse(answer, fmt)
    if fmt == "xml":
        assert document.tag in ("fault", "action"), answer.text
        assert document.find(".//reason") is not None, answer.text
    else:
        assert document.get("reason") or document["fault"]["reason"], answer.text


def plain(row: Attribute) -> bool:
    """An attribute whose nonsense cannot be read."""
    return row.kind in _NONSENSE and not row.many


class Watch:
    """The collection of a path; `refused` sends what must be refused and looks whether anything changed."""

    def __init__(self, walker: Walker, spot: Spot, parents: tuple[str, ...]) -> None:
        self.walker, self.spot = walker, spot
        self.url = spot.url(4, parents)
        self.client = walker.client(4, "xml")
        self.before = self.now()

    def now(self) -> bytes:
        """The list, byte by byte."""
        return self.client.get(self.url).content

    def refused(
        self,
        statuses: tuple[int, ...],
        body: bytes,
        fmt: Format = "json",
        *,
        method: str = "POST",
        below: str = "",
        content_type: str | None = None,
    ) -> httpx.Response:
        """The answer, which has one of the statuses and is a fault."""
        client = self.walker.client(4, fmt)
        headers = {"Content-Type": content_type} if content_type else {}
        answer = client.request(method, self.url + below, content=body, headers=headers)
        said = f"{method} {self.url}{below} {body[:300]!r}: {answer.status_code} {answer.text[:300]}"
        assert answer.status_code in statuses, said
        if answer.content:
            is_fault(answer, fmt)
        else:
            assert answer.status_code == 404, said
        assert self.now() == self.before, f"something changed after {said}"
        return answer


def unreadable() -> Iterator[tuple[Format, bytes]]:
    """Bodies that are no document of the API."""
    yield from (("xml", b"<vm"), ("xml", b"<nonsense/>"), ("xml", b""), ("xml", b"text"), ("xml", b"\xff\xfe<"))
    yield from (("json", b"{"), ("json", b"[]"), ("json", b'"text"'), ("json", b"7"), ("json", b""), ("json", b"null"))
    yield "xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><vm><name>&b;</name></vm>'


@pytest.mark.parametrize("path", ADDABLE)
def test_an_add_that_cannot_be_is_refused(walker: Walker, path: str) -> None:
    spot, sample = SPOTS[path], sample_of(path)
    assert sample is not None
    parents = sample.parents(walker, path)
    good = sample.make(walker, parents)
    watch = Watch(walker, spot, parents)
    for fmt, body in unreadable():
        watch.refused((400,), body, fmt)
    for kind in ("text/plain", "application/x-yaml", "multipart/form-data"):
        watch.refused((415,), json.dumps(good).encode(), content_type=kind)
    for row in attributes(spot.resource.type):
        if plain(row):
            watch.refused((400,), json.dumps({**good, row.key: _NONSENSE[row.kind]}).encode())
    _names(watch, good, empty=sample.empty_name)
    _missing(watch, spot, good)
    _references(watch, spot, good)


def _names(watch: Watch, good: dict[str, Any], *, empty: bool) -> None:
    key = "user_name" if "user_name" in good else "name"
    if key in good:
        for name in ("x" * 300, "x" * 70_000, *(() if empty else ("",))):
            watch.refused((400,), json.dumps({**good, key: name}).encode())


def _missing(watch: Watch, spot: Spot, good: dict[str, Any]) -> None:
    op = spot.resource.add
    assert op is not None
    for path in op.mandatory:
        left = {k: v for k, v in good.items() if k not in {p.split(".")[0] for p in path.split("|")}}
        if left != good:
            answer = watch.refused((400,), json.dumps(left).encode())
            assert "Incomplete parameters" in answer.text
            assert path in answer.text


def _references(watch: Watch, spot: Spot, good: dict[str, Any]) -> None:
    for row in attributes(spot.resource.type):
        if row.kind == "struct" and row.link and not row.many and row.key in good:
            for wrong in ({"id": UNKNOWN_ID}, {"id": "no-uuid"}, {"name": "nobody-is-called-so"}):
                watch.refused((400, 404), json.dumps({**good, row.key: wrong}).encode())


@pytest.mark.parametrize("path", UPDATABLE)
def test_an_update_that_cannot_be_is_refused(walker: Walker, path: str) -> None:
    spot, example = SPOTS[path], walker.example(path)
    assert example is not None
    assert example.id is not None
    watch = Watch(walker, spot, example.parents)
    below = f"/{example.id}"
    for fmt, body in unreadable():
        watch.refused((400,), body, fmt, method="PUT", below=below)
    watch.refused((415,), b"{}", method="PUT", below=below, content_type="text/plain")
    for row in attributes(spot.resource.type):
        if plain(row):
            watch.refused((400,), json.dumps({row.key: _NONSENSE[row.kind]}).encode(), method="PUT", below=below)
    watch.refused((404,), b'{"description": "x"}', method="PUT", below=f"/{UNKNOWN_ID}")
    if any(row.name == "name" for row in attributes(spot.resource.type)) and spot.resource.table is not None:
        for name in ("x" * 70_000,):
            watch.refused((400, 409), json.dumps({"name": name}).encode(), method="PUT", below=below)


@pytest.mark.parametrize("path", [p for p in PATHS if SPOTS[p].resource.remove and 4 in SPOTS[p].dialects])
def test_removing_what_is_not_there_is_404(walker: Walker, path: str) -> None:
    example = walker.example(path)
    if example is None:
        return
    watch = Watch(walker, SPOTS[path], example.parents)
    for id_ in (UNKNOWN_ID, "no-uuid"):
        watch.refused((404,), b"", method="DELETE", below=f"/{id_}")


@pytest.mark.parametrize("path", [p for p in PATHS if SPOTS[p].resource.actions and 4 in SPOTS[p].dialects])
def test_actions_refuse_what_they_cannot_read(walker: Walker, path: str) -> None:
    spot, example = SPOTS[path], walker.example(path)
    if example is None or example.id is None:
        return
    watch = Watch(walker, spot, example.parents)
    for action in spot.resource.actions:
        if not action.v4:
            continue
        below = f"/{action.name}" if action.on == "collection" else f"/{example.id}/{action.name}"
        for fmt, body in unreadable():
            if body:
                watch.refused((400,), body, fmt, below=below)
        watch.refused((415,), b"<action/>", below=below, content_type="text/plain")
        watch.refused((400,), b'{"async": "perhaps"}', below=below)
        if action.on == "object":
            statuses = (400, 404) if action.mandatory else (404,)
            watch.refused(statuses, b"{}", below=f"/{UNKNOWN_ID}/{action.name}")


@pytest.mark.parametrize("path", [p for p in ADDABLE if len(SPOTS[p].chain) == 1 and 3 in SPOTS[p].dialects])
def test_v3_says_how_a_body_should_look(walker: Walker, path: str) -> None:
    client = walker.client(3, "xml")
    answer = client.post(SPOTS[path].url(3, ()), content=b"<nonsense")
    assert answer.status_code == 400
    assert parse(answer, "xml").tag == "usage_message"


def test_formats_that_nobody_speaks_are_406(walker: Walker) -> None:
    for base in BASES.values():
        answer = walker.client(4, "xml").get(walker.place.url + base + "/vms", headers={"Accept": "image/png"})
        assert answer.status_code == 406
