"""What may come next in a search: `GET ovis/completion`.

Does: propose entities, fields, operators, values and keywords at the cursor, from the search fields' declarations and the
names that are there; say where a text is no query. Does not: run the search.
Follows: docs/reference/live.md; search language of engine 4.5.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from ovis.engine.access.ancestry import TABLE_OF
from ovis.engine.access.check import visible_ids
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import InvalidValue
from ovis.engine.declare.page import Asked, Page
from ovis.engine.resources import cross_search
from ovis.engine.resources.completion.position import Position, position
from ovis.engine.resources.completion.words import operators, values
from ovis.engine.store.search import Field, SearchObject
from ovis.engine.store.search.select import PREFIX, first_fault
from ovis.engine.store.session import Reader

MOST = 30
LONGEST = 2000
_OBJECT_TYPES = {table: object_type for object_type, table in TABLE_OF.items()}
_FOR_ALL = frozenset(("tags",))  # names that anybody may read
_JOINTS = ("and", "or", "sortby")
Item = dict[str, Any]


class Completion:
    """One question. searches: what can be searched, by collection."""

    def __init__(self, rd: Reader, call: Call, searches: Mapping[str, SearchObject], most: int) -> None:
        self._rd = rd
        self._call = call
        self._searches = searches
        self._most = most

    def answer(self, text: str, at: int, entity: str) -> dict[str, Any]:
        """The answer to a text with the cursor behind `at` characters."""
        found = PREFIX.match(text)
        named = self._collection(found.group(1)) if found is not None else ""
        if found is not None and at < found.end():
            return self._entities(text, at, named)
        if not named and not entity:
            if found is not None:
                error = {"at": found.start(1), "text": f"there is nothing called {found.group(1)[:40]}"}
                return {"entity": "", "query": text, "from": at, "to": at, "items": [], "error": error}
            return self._entities(text, at, "")
        start = found.end() if found is not None and named else 0
        what = self._searches[named or entity]
        query = text[start:]
        place = position(query, at - start)
        items = [] if place is None else self._items(what, place)
        begin = start + place.begin if place is not None else at
        fault = first_fault(self._rd, what, query, self._call.now)
        return {
            "entity": named or entity,
            "query": query.strip(),
            "from": begin,
            "to": _end(text, at, place),
            "items": items,
            "error": {"at": start + fault[0], "text": fault[1]} if fault is not None else None,
        }

    def _collection(self, name: str) -> str:
        word = name.lower()
        return next((c for c, what in self._searches.items() if word in what.names or word == c), "")

    def _entities(self, text: str, at: int, named: str) -> dict[str, Any]:
        """Before a colon. Without one the whole text may as well be a name that is searched everywhere."""
        colon = text.find(":")
        end = colon + 1 if colon >= 0 else len(text)
        written = text[: min(at, end)].strip().lower().rstrip(":")
        begin = len(text) - len(text.lstrip())
        items = [
            {"text": title, "insert": f"{title}: ", "kind": "entity", "type": collection}
            for collection, what in sorted(self._searches.items())
            if (title := what.prefix.capitalize()).lower().startswith(written)
        ]
        return {"entity": named, "query": text.strip(), "from": begin, "to": end, "items": items, "error": None}

    # -- proposals -------------------------------------------------------------------------------------------

    def _items(self, what: SearchObject, place: Position) -> list[Item]:
        found: list[Item] = []
        if place.quoted and "value" not in place.expected:
            return []
        field = self._field(what, place.field)
        if "operator" in place.expected and field is not None:
            found += [
                {"text": op, "insert": f"{op} ", "kind": "operator"}
                for op in operators(field)
                if op.startswith(place.written)
            ]
        if "value" in place.expected:
            found += self._values(what, place, field)
        if "joint" in place.expected:
            found += _keywords((*_JOINTS, "page"), place.written)
        if "field" in place.expected:
            found += self._fields(what, place.written)
            if place.first:
                found += _keywords(("sortby",), place.written)
        if "sort" in place.expected:
            found += [i for i in self._fields(what, place.written) if i["kind"] == "field" and "." not in i["text"]]
        if "order" in place.expected:
            found += _keywords(("asc", "desc", "page"), place.written)
        return found[: self._most]

    def _fields(self, what: SearchObject, written: str) -> Iterator[Item]:
        word = written.lower()
        before, dot, after = word.partition(".")
        if dot:
            other = self._other(what, before)
            for name, field in sorted(other.fields.items()) if other is not None else ():
                if name.startswith(after) and not name.startswith("_"):
                    text = f"{before}.{name}"
                    yield {"text": text, "insert": f"{text} ", "kind": "field", "type": field.kind}
            return
        for name, field in sorted(what.fields.items()):
            if name.startswith(word) and (word.startswith("_") or not name.startswith("_")):
                yield {"text": name, "insert": f"{name} ", "kind": "field", "type": field.kind}
        for name in sorted(what.cross):
            if name.startswith(word):
                yield {"text": f"{name}.", "insert": f"{name}.", "kind": "object"}

    def _other(self, what: SearchObject, name: str) -> SearchObject | None:
        if name in what.names:
            return what
        known = what.cross.get(name) or what.cross.get(name.removesuffix("s"))
        return known[0]() if known is not None else None

    def _field(self, what: SearchObject, name: str) -> Field | None:
        before, dot, after = name.lower().partition(".")
        if not dot:
            return what.fields.get(before)
        other = self._other(what, before)
        return other.fields.get(after) if other is not None else None

    def _values(self, what: SearchObject, place: Position, field: Field | None) -> list[Item]:
        if field is None:
            return []
        owner = what
        before, dot, _ = place.field.lower().partition(".")
        if dot:
            owner = self._other(what, before) or what
        word = place.written.lower()
        known = [value for value in values(owner, field) if value.startswith(word)]
        if field.kind == "text":
            known += self._names(owner, field, word)
        return [{"text": value, "insert": _quoted(value), "kind": "value"} for value in dict.fromkeys(known)]

    def _names(self, what: SearchObject, field: Field, word: str) -> list[str]:
        """Names that are there and begin so."""
        table, column = what.table.name, field.column or ""
        join = field.via
        while join is not None:
            table, column, join = join.table, join.column, join.then
        sql = self._rd.schema.sql.get(table)
        if sql is None or column not in sql.c:
            return []
        key = sql.c.get(f"{column}_key")
        if key is None and not (column in ("name", "label", "user_name") and table not in ("events",)):
            return []  # neither short nor quick: descriptions, addresses
        compared = key if key is not None else sa.func.lower(sql.c[column])
        conditions: list[Any] = [sql.c[column].is_not(None)]
        if word:
            conditions += [compared >= word, compared < word + "\U0010ffff"]
        seen = self._seen(table)
        if seen is not None:
            conditions.append(self._rd.among(sql.c.id, seen))
        found = sa.select(sql.c[column]).distinct().where(*conditions).order_by(sql.c[column]).limit(self._most)
        if key is not None:  # in the order of the index, so that it ends after a few
            found = sa.select(sql.c[column]).where(*conditions).order_by(key).limit(self._most)
        return [str(row[0]) for row in self._rd.rows(found)]

    def _seen(self, table: str) -> Collection[str] | None:
        """Ids of rows whose names may be told; None: all."""
        if self._call.principal.administrator and not self._call.filtered:
            return None
        if table in _FOR_ALL:
            return None
        object_type = _OBJECT_TYPES.get(table)
        return visible_ids(self._rd, self._call.principal, object_type) if object_type is not None else ()


def _keywords(words: Collection[str], written: str) -> list[Item]:
    return [
        {"text": word, "insert": f"{word} ", "kind": "keyword"} for word in words if word.startswith(written.lower())
    ]


def _quoted(value: str) -> str:
    """A value as it is written in a query. What cannot be (a quotation mark in it) is searched by its beginning."""
    if '"' in value or "'" in value or ";" in value:
        value = value[: min(at for sign in "\"';" if (at := value.find(sign)) >= 0)] + "*"
    plain = value and not any(c.isspace() or c in '=!<>"' for c in value)
    return f"{value} " if plain else f'"{value}" '


def _end(text: str, at: int, place: Position | None) -> int:
    """Where the word under the cursor ends."""
    if place is None or not (place.written or place.quoted):
        return at
    end = at
    while end < len(text) and (text[end] != '"' if place.quoted else not (text[end].isspace() or text[end] in '=!<>"')):
        end += 1
    return min(end + place.quoted, len(text))


def _number(call: Call, name: str, default: int, most: int) -> int:
    given = call.number(name)
    if given is not None and given < 0:
        raise InvalidValue(f"{name} is no number from 0 on.")
    return default if given is None else min(given, most)


async def complete(services: Any, asked: Asked) -> dict[str, Any]:
    """GET."""
    call = asked.call
    text = call.params.get("q", "")
    if len(text) > LONGEST:
        raise InvalidValue(f"A search of more than {LONGEST} characters is not completed.")
    searches = {c: what for c, what in cross_search.KNOWN.items() if c in services.stream.collections}
    entity = call.params.get("entity", "").lower()
    if entity and entity not in searches:
        raise InvalidValue(f"{entity[:100]} is nothing that can be searched; possible: {', '.join(sorted(searches))}.")
    at = _number(call, "at", len(text), len(text))
    most = _number(call, "max", MOST, 100)
    found: dict[str, Any] = await services.store.read(
        lambda rd: Completion(rd, call, searches, most).answer(text, at, entity)
    )
    return found


PAGES = (Page(name="completion", run=complete, doc="What may come next in a search, at the cursor."),)
