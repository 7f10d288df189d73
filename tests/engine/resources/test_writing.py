"""Whatever can be added is added, changed, sent back whole and removed in both dialects and formats; nothing stays behind."""

import json
from typing import Any

import httpx
import msgspec
import pytest

from ovis.engine.declare.shape import attributes
from ovis.engine.wire.codecs import Format
from tests.engine.resources.samples import ELSEWHERE, Sample, sample_of
from tests.engine.resources.walk import CODECS, FORMS, PATHS, SPOTS, Spot, Walker, body_of, parse
from tests.installation import until

ADDABLE = [path for path in PATHS if SPOTS[path].resource.add and sample_of(path)]


def test_every_collection_that_takes_something_has_a_sample() -> None:
    missing = {p.removesuffix(" (v3)") for p in PATHS if SPOTS[p].resource.add} - {
        p.removesuffix(" (v3)") for p in ADDABLE
    }
    assert missing == ELSEWHERE & missing
    assert {p for p in ELSEWHERE if p in PATHS and p not in missing} == set()


def _type(o: Any) -> Any:
    return type(o)


def holds(given: Any, found: Any, where: str = "") -> None:
    """Everything that was given is there."""
    for row in attributes(_type(given)):
        wanted, there = getattr(given, row.name), getattr(found, row.name)
        if wanted is None or (row.kind == "struct" and row.many and row.rel):
            continue
        place = f"{where}.{row.name}"
        assert there is not None, place
        if row.kind == "struct":
            pairs = zip(wanted, there, strict=True) if row.many else [(wanted, there)]
            for one, other in pairs:
                if row.link and one.id is None:
                    assert other.id, place
                else:
                    holds(one, other, place)
        else:
            assert there == wanted, place


def read_struct(walker: Walker, spot: Spot, dialect: int, parents: tuple[str, ...], id_: str) -> Any:
    """The object as v4 shows it (v3 where v4 has none), as a struct."""
    seen = 4 if 4 in spot.dialects else dialect
    answer = walker.client(seen, "json").get(f"{spot.url(seen, parents)}/{id_}")
    assert answer.status_code == 200, answer.text
    return CODECS.read(answer.content, fmt="json", dialect=seen, type_=spot.resource.type)


def identity(answer: httpx.Response, fmt: Format) -> str:
    """Id of the object in an answer."""
    document = parse(answer, fmt)
    return str(document.get("id"))


def settle(walker: Walker, spot: Spot, dialect: int, parents: tuple[str, ...], id_: str) -> None:
    """Wait until a new object is no longer locked."""
    url = f"{spot.url(dialect, parents)}/{id_}"

    def free() -> bool:
        shown = walker.client(dialect, "json").get(url).json()
        status = shown.get("snapshot_status") or shown.get("status")
        return status not in ("locked", "image_locked") and status not in (
            {"state": "locked"},
            {"state": "image_locked"},
        )

    until(free, f"{url} unlocked")


@pytest.mark.parametrize("path", ADDABLE)
def test_a_life_in_every_form(walker: Walker, path: str) -> None:
    spot, sample = SPOTS[path], sample_of(path)
    assert sample is not None
    for dialect, fmt in FORMS:
        if dialect in spot.dialects:
            _live(walker, spot, sample, sample.parents(walker, path), dialect, fmt)


def _live(walker: Walker, spot: Spot, sample: Sample, parents: tuple[str, ...], dialect: int, fmt: Format) -> None:
    resource, client = spot.resource, walker.client(dialect, fmt)
    url = spot.url(dialect, parents)
    given = sample.make(walker, parents)
    body = body_of(resource.type, given, dialect, fmt)
    before = set(walker.ids(spot, parents))
    answer = client.post(url, content=body)
    assert answer.status_code in (201, 202), f"{url} {body.decode()} {answer.text}"
    id_ = identity(answer, fmt)
    assert answer.headers["location"].endswith(f"/{id_}")
    assert client.get(answer.headers["location"]).status_code == 200
    settle(walker, spot, dialect, parents, id_)
    wanted = CODECS.read(json.dumps(given).encode(), fmt="json", dialect=4, type_=resource.type)
    if hasattr(wanted, "user_name"):
        wanted = msgspec.structs.replace(wanted, user_name=given["user_name"]) if "user_name" in given else wanted
    holds(wanted, read_struct(walker, spot, dialect, parents, id_))
    again = client.post(url, content=body)
    if sample.unique:
        assert again.status_code == 409, again.text
    elif sample.same_twice:
        assert again.status_code in (200, 201), again.text
        assert identity(again, fmt) == id_
    elif again.status_code < 300:
        other = identity(again, fmt)
        settle(walker, spot, dialect, parents, other)
        if resource.remove is not None:
            assert client.delete(f"{url}/{other}").status_code == 200
        before.add(other)
    own = f"{url}/{id_}"
    if resource.update is not None:
        whole = client.get(own).content
        answer = client.put(own, content=whole)
        assert answer.status_code == 200, f"{own} {whole.decode()} {answer.text}"
        assert client.get(own).text.splitlines() == whole.decode().splitlines(), "sending back changes nothing"
        answer = client.put(own, content=body_of(resource.type, sample.change, dialect, fmt))
        assert answer.status_code == 200, answer.text
        change = CODECS.read(json.dumps(sample.change).encode(), fmt="json", dialect=4, type_=resource.type)
        now = read_struct(walker, spot, dialect, parents, id_)
        holds(change, now)
        holds(msgspec.structs.replace(wanted, **_given_names(change)), now)
    if resource.remove is not None:
        answer = client.delete(own)
        assert answer.status_code == 200, answer.text
        assert b"complete" in answer.content
        assert client.get(own).status_code == 404
        assert client.delete(own).status_code == 404
        assert set(walker.ids(spot, parents)) - before == set()


def _given_names(change: Any) -> dict[str, Any]:
    return {row.name: None for row in attributes(_type(change)) if getattr(change, row.name) is not None}
