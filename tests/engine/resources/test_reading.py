"""Every declared collection and its objects can be read in both dialects and formats, and all their links lead somewhere."""

import json
from pathlib import Path

import pytest

from ovis.engine.wire.codecs import Format
from tests.engine.resources.walk import CODECS, FORMS, PATHS, SPOTS, UNKNOWN_ID, Walker, hrefs, parse

# Collections of which a furnished installation has no object yet. A room that fills one takes its line out here.
EMPTY = json.loads((Path(__file__).parents[2] / "data/resources/empty.json").read_text())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("dialect", "fmt"), FORMS)
def test_a_collection_and_an_object_of_it_are_read(walker: Walker, path: str, dialect: int, fmt: Format) -> None:
    spot = SPOTS[path]
    if dialect not in spot.dialects:
        return
    example = walker.example(path)
    if example is None:
        assert path.rpartition("/{id}")[0] in EMPTY or walker.example(path.rpartition("/{id}")[0]) is None
        return
    client = walker.client(dialect, fmt)
    url = spot.url(dialect, example.parents)
    one, many = CODECS.names(spot.resource.type, dialect)
    answer = client.get(url)
    if spot.resource.list is None:
        assert answer.status_code == 405
    else:
        assert answer.status_code == 200, answer.text
        document = parse(answer, fmt)
    if not spot.resource.singleton and spot.resource.list is not None:
        if fmt == "xml":
            assert document.tag == many
            assert {child.tag for child in document} <= {one}
            assert all(child.get("id") and child.get("href") for child in document)
        else:
            assert set(document) <= {one}
            assert all(o["id"] and o["href"] for o in document.get(one, ()))
        if example.id is None:
            assert path in EMPTY, f"{path} has no object to try"
            assert fmt == "json" or len(document) == 0
            return
        assert path not in EMPTY, f"{path} has objects now"
    if not spot.resource.singleton:
        url = f"{url}/{example.id}"
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        document = parse(answer, fmt)
    if fmt == "xml":
        assert document.tag == one
    found = list(hrefs(document))
    assert found, "an object says where it is"
    base = str(client.base_url.path).rstrip("/")
    for href in found:
        assert href.startswith(base + "/"), href
        walker.resolves(dialect, href)


@pytest.mark.parametrize("path", PATHS)
def test_what_is_not_there_is_404_without_a_body(walker: Walker, path: str) -> None:
    spot = SPOTS[path]
    example = walker.example(path)
    parents = example.parents if example else tuple(UNKNOWN_ID for r in spot.chain[:-1] if not r.singleton)
    for dialect, fmt in FORMS:
        if spot.names(dialect) is None:
            continue
        client = walker.client(dialect, fmt)
        if not spot.resource.singleton:
            for id_ in (UNKNOWN_ID, "no-uuid", "a%20b", "%00", "9" * 30):
                answer = client.get(f"{spot.url(dialect, parents)}/{id_}")
                assert (answer.status_code, answer.content) == (404, b""), f"{answer.url} {answer.text}"
        for level in range(len(parents)):
            wrong = (*parents[:level], UNKNOWN_ID, *parents[level + 1 :])
            answer = client.get(spot.url(dialect, wrong))
            assert (answer.status_code, answer.content) == (404, b""), f"{answer.url} {answer.text}"


@pytest.mark.parametrize("path", PATHS)
def test_methods_that_are_not_declared_are_405(walker: Walker, path: str) -> None:
    spot = SPOTS[path]
    example = walker.example(path)
    if example is None or spot.resource.singleton:
        return
    resource = spot.resource
    for dialect in spot.dialects:
        client = walker.client(dialect, "xml")
        url = spot.url(dialect, example.parents)
        wrong = ["PUT", "DELETE", "PATCH"] + ([] if resource.add else ["POST"]) + ([] if resource.list else ["GET"])
        for method in wrong:
            answer = client.request(method, url, content="<action/>")
            assert answer.status_code == 405, f"{method} {url}: {answer.status_code}"
            assert b"<fault>" in answer.content
        declared = {"GET": resource.get, "PUT": resource.update, "DELETE": resource.remove, "POST": None, "PATCH": None}
        for method, op in declared.items():
            if op is None:
                answer = client.request(method, f"{url}/{example.id or UNKNOWN_ID}", content="<action/>")
                assert answer.status_code in ((405,) if example.id else (404, 405)), f"{method} {url}"
        for action in resource.actions:
            below = url if action.on == "collection" else f"{url}/{example.id or UNKNOWN_ID}"
            for method in ("GET", "PUT", "DELETE"):
                if (action.v3, action.v4)[dialect == 4]:
                    answer = client.request(method, f"{below}/{action.name}", content="<action/>")
                    assert answer.status_code == 405, f"{method} {below}/{action.name}: {answer.status_code}"
