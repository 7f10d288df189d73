"""Decoded documents by (table, id, version), bounded, shared by all threads.

Does: spare the decoding of rows that did not change; know what was last committed here. Does not: ask the database.
A reader may be slower than a writer: what it saw is kept only if nothing newer can have been forgotten meanwhile.
"""

import threading
from collections.abc import Iterable
from typing import Any

import msgspec

_Key = tuple[str, str]


class DocumentCache:
    """Bounded by number of documents; drops the oldest tenth when full (dicts keep insertion order).

    generation: grows with every commit. A reader notes it before its first statement and gives it to `put`.
    """

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: dict[_Key, tuple[int, Any]] = {}
        self._gone: dict[_Key, int] = {}  # deleted documents, and the generation of that
        self._floor = 0  # readers from before this generation may know what was forgotten since
        self.generation = 0

    def get(self, table: str, id_: str, version: int) -> Any | None:
        """The document of exactly this version, or None."""
        found = self._kept.get((table, id_))
        return found[1] if found is not None and found[0] == version else None

    def latest(self, table: str, id_: str) -> tuple[int, Any] | None:
        """What was last committed here, as (version, document), if it is kept.

        Right only while this engine is the only one that writes: nobody tells it of other engines' commits.
        """
        return self._kept.get((table, id_))

    def put(self, table: str, id_: str, version: int, document: Any, *, since: int | None = None) -> None:
        """Keep a committed document; an older version never replaces a newer one.

        since: the generation at which a reader began; None: the writer itself, just after its commit.
        """
        key = (table, id_)
        with self._lock:
            if since is not None and (since < self._floor or since < self._gone.get(key, 0)):
                return
            known = self._kept.get(key)
            if known is not None and known[0] > version:
                return
            if len(self._kept) >= self._limit:
                for old in list(self._kept)[: self._limit // 10 + 1]:
                    del self._kept[old]
                self._floor = self.generation
            if since is None:
                self._gone.pop(key, None)
            self._kept[key] = (version, document)

    def begin_commit(self) -> None:
        """What follows belongs to one more commit."""
        with self._lock:
            self.generation += 1

    def drop(self, table: str, id_: str) -> None:
        """Forget a deleted document; id "": every document of the table."""
        with self._lock:
            if not id_:
                for key in [k for k in self._kept if k[0] == table]:
                    del self._kept[key]
                self._floor = self.generation
                return
            self._kept.pop((table, id_), None)
            if len(self._gone) >= self._limit:
                self._gone.clear()
                self._floor = self.generation
            self._gone[(table, id_)] = self.generation

    def clear(self) -> None:
        """Forget everything; readers that are under way keep nothing of what they saw."""
        with self._lock:
            self._kept.clear()
            self.generation += 1
            self._floor = self.generation

    def decode(self, type_: type, data: bytes) -> Any:
        """A document from its stored bytes."""
        decoder = _DECODERS.get(type_)
        if decoder is None:
            prepare((type_,))
            decoder = _DECODERS[type_]
        return decoder.decode(data)


_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}
_PREPARING = threading.Lock()


def prepare(types: Iterable[type]) -> None:
    """Learn to decode these types, before there are threads.

    msgspec takes a type apart when it first meets it; a second thread that meets it meanwhile, in whatever document,
    crashes the process.
    """
    with _PREPARING:
        for type_ in types:
            if type_ not in _DECODERS:
                _DECODERS[type_] = msgspec.json.Decoder(type_)
