"""Walking what is declared: every collection with its place in both dialects, and an object of it that really exists.

Does: find parents and examples in a running installation, speak all four forms. Does not: know any one resource.
"""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from ovis.engine.declare.resource import Resource
from ovis.engine.resources import RESOURCES
from ovis.engine.wire.codecs import Codecs, Format
from ovis.engine.wire.layout import collection_name
from tests.installation import Installation

BASES = {4: "/ovirt-engine/api", 3: "/api"}
FORMS: tuple[tuple[int, Format], ...] = ((4, "xml"), (4, "json"), (3, "xml"), (3, "json"))
UNKNOWN_ID = "6a5d1f62-0000-4000-8000-00000000dead"
CODECS = Codecs(RESOURCES)
KNOWN = {"/options": ("MigrationPolicies",)}
_TRIED = 4  # parents looked at before a collection counts as empty


@dataclass(frozen=True)
class Spot:
    """One declared collection. chain: the resources from the root down to it."""

    chain: tuple[Resource, ...]

    @property
    def resource(self) -> Resource:
        """What is declared here."""
        return self.chain[-1]

    @property
    def path(self) -> str:
        """`/vms/{id}/nics`."""
        parts = []
        for level, resource in enumerate(self.chain):
            parts.append(f"/{resource.collection}")
            if level < len(self.chain) - 1 and not resource.singleton:
                parts.append("/{id}")
        return "".join(parts) + ("" if self.resource.in_v4 else " (v3)")

    def names(self, dialect: int) -> list[str] | None:
        """Path segments of the chain, or None where the dialect has no such place."""
        found = [collection_name(r, dialect) for r in self.chain]
        return None if None in found else [str(n) for n in found]

    def url(self, dialect: int, ids: Sequence[str]) -> str:
        """The collection's address below `ids`, which name the objects on the way."""
        names = self.names(dialect)
        assert names is not None
        given = iter(ids)
        parts = []
        for level, (resource, name) in enumerate(zip(self.chain, names, strict=True)):
            parts.append(f"/{name}")
            if level < len(self.chain) - 1 and not resource.singleton:
                parts.append(f"/{next(given)}")
        return "".join(parts)

    @property
    def dialects(self) -> tuple[int, ...]:
        """Where the place exists."""
        return tuple(d for d in (4, 3) if self.names(d) is not None)


def spots() -> list[Spot]:
    """Every collection, depth first."""
    found: list[Spot] = []

    def walk(chain: tuple[Resource, ...], resources: Sequence[Resource]) -> None:
        for resource in resources:
            found.append(Spot((*chain, resource)))
            walk((*chain, resource), resource.subs)

    walk((), RESOURCES)
    return found


SPOTS = {spot.path: spot for spot in spots()}
PATHS = sorted(SPOTS)


@dataclass
class Example:
    """Where a collection is shown: ids of the objects above it, and one object of it if there is any."""

    parents: tuple[str, ...]
    id: str | None


class Walker:
    """Speaks to an installation and remembers what it found."""

    def __init__(self, place: Installation) -> None:
        self.place = place
        self._clients: dict[tuple[int, str], httpx.Client] = {}
        self._examples: dict[str, Example | None] = {}
        self._good: set[tuple[int, str]] = set()

    def client(self, dialect: int, fmt: Format) -> httpx.Client:
        """Signed in as the administrator."""
        key = (dialect, fmt)
        if key not in self._clients:
            self._clients[key] = self.place.client(BASES[dialect], fmt)
        return self._clients[key]

    def close(self) -> None:
        """End the connections."""
        for client in self._clients.values():
            client.close()

    def ids(self, spot: Spot, parents: Sequence[str]) -> list[str]:
        """Ids of the objects of a collection; of one that cannot be listed, those that are known to be there."""
        if spot.resource.list is None:
            return list(KNOWN[spot.path])
        dialect = spot.dialects[0]
        answer = self.client(dialect, "json").get(spot.url(dialect, parents))
        assert answer.status_code == 200, f"{answer.url}: {answer.status_code} {answer.text}"
        return [str(o["id"]) for o in next(iter(answer.json().values()), ())]

    def example(self, path: str) -> Example | None:
        """Parents below which the collection has an object; else any parents; None where there are no parents."""
        if path not in self._examples:
            spot = SPOTS[path]
            candidates = list(self._parents(spot))
            shown = None
            for parents in candidates:
                found = [UNKNOWN_ID] if spot.resource.singleton else self.ids(spot, parents)
                if found:
                    shown = Example(parents, found[0])
                    break
            if shown is None and candidates:
                shown = Example(candidates[0], None)
            self._examples[path] = shown
        return self._examples[path]

    def _parents(self, spot: Spot) -> Iterator[tuple[str, ...]]:
        if len(spot.chain) == 1:
            yield ()
            return
        above = Spot(spot.chain[:-1])
        for parents in self._parents(above):
            if above.resource.singleton:
                yield parents
                continue
            for id_ in self.ids(above, parents)[:_TRIED]:
                yield (*parents, id_)

    def resolves(self, dialect: int, href: str) -> None:
        """A link of an answer answers."""
        if (dialect, href) in self._good:
            return
        answer = self.client(dialect, "json").get(self.place.url + href)
        assert answer.status_code < 400, f"{href}: {answer.status_code} {answer.text}"
        self._good.add((dialect, href))


def parse(answer: httpx.Response, fmt: Format) -> Any:
    """An answer's document: an element, or JSON."""
    if fmt == "xml":
        assert answer.headers["content-type"].startswith("application/xml"), answer.headers
        return ET.fromstring(answer.content)
    assert answer.headers["content-type"].startswith("application/json"), answer.headers
    return json.loads(answer.content)


def hrefs(document: Any) -> Iterator[str]:
    """Every href of a document, templates of searches and actions apart."""
    if isinstance(document, ET.Element):
        for element in document:
            if element.tag != "actions":
                yield from hrefs(element)
        if "href" in document.attrib:
            yield document.attrib["href"]
    elif isinstance(document, dict):
        for key, value in document.items():
            if key == "href":
                yield str(value)
            elif key != "actions":
                yield from hrefs(value)
    elif isinstance(document, list):
        for value in document:
            yield from hrefs(value)


def body_of(type_: type, sample: dict[str, Any], dialect: int, fmt: Format) -> bytes:
    """A sample, given as v4's JSON, in any form."""
    struct = CODECS.read(json.dumps(sample).encode(), fmt="json", dialect=4, type_=type_)
    fragment = CODECS.fragment(struct, fmt=fmt, dialect=dialect, base=BASES[dialect])
    return CODECS.document(fragment, fmt)
