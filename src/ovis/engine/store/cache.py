"""Decoded documents by (table, id, version), bounded, shared by all threads.

Does: spare the decoding of rows that did not change. Does not: know whether a version is current (SQL says).
"""

from typing import Any

import msgspec


class DocumentCache:
    """Bounded by number of documents; drops the oldest tenth when full (dicts keep insertion order)."""

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._kept: dict[tuple[str, str], tuple[int, Any]] = {}
        self._decoders: dict[type, msgspec.json.Decoder[Any]] = {}

    def get(self, table: str, id_: str, version: int) -> Any | None:
        """The document of exactly this version, or None."""
        found = self._kept.get((table, id_))
        return found[1] if found is not None and found[0] == version else None

    def latest(self, table: str, id_: str) -> tuple[int, Any] | None:
        """What was last committed here, if it is kept. Right as long as this engine is told of every change."""
        return self._kept.get((table, id_))

    def put(self, table: str, id_: str, version: int, document: Any) -> None:
        """Keep a committed document; an older version never replaces a newer one."""
        known = self._kept.get((table, id_))
        if known is not None and known[0] > version:
            return
        if len(self._kept) >= self._limit:
            for key in list(self._kept)[: self._limit // 10]:
                self._kept.pop(key, None)
        self._kept[(table, id_)] = (version, document)

    def drop(self, table: str, id_: str) -> None:
        """Forget a deleted document."""
        self._kept.pop((table, id_), None)

    def decode(self, type_: type, data: bytes) -> Any:
        """A document from its stored bytes."""
        decoder = self._decoders.get(type_)
        if decoder is None:
            decoder = self._decoders[type_] = msgspec.json.Decoder(type_)
        return decoder.decode(data)
