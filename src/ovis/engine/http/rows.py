"""Objects to bytes: the row cache, chunks, hrefs.

Does: keep encoded fragments by (table, id, version, dialect, format, base, filtered) within a bound of bytes; encode at
most 100 rows between two awaits. Does not: fetch.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import Resource
from ovis.engine.wire.codecs import CHUNK_ROWS, Codecs, Format
from ovis.engine.wire.dialect3 import Context

_MOST_BYTES = 128 << 20
Key = tuple[str, str, int, int, str, str, bool]


class Rows:
    """The cache and what writes into it."""

    def __init__(self, codecs: Codecs) -> None:
        self.codecs = codecs
        self._kept: dict[Key, bytes] = {}
        self._bytes = 0

    def key(self, table: str, id_: str, version: int, call: Call, fmt: Format) -> Key:
        """The key of an object's fragment as this caller sees it."""
        return (table, id_, version, call.dialect, fmt, call.base, call.filtered)

    def get(self, key: Key) -> bytes | None:
        """The fragment, if it is kept."""
        return self._kept.get(key)

    def put(self, key: Key, fragment: bytes) -> None:
        """Keep a fragment; the oldest go when the bound is reached."""
        while self._bytes + len(fragment) > _MOST_BYTES and self._kept:
            oldest = next(iter(self._kept))
            self._bytes -= len(self._kept.pop(oldest))
        if key not in self._kept:
            self._bytes += len(fragment)
            self._kept[key] = fragment

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._bytes = 0

    def encode(
        self, o: Any, call: Call, fmt: Format, resource: Resource, href: str, context: Context, indent: str = ""
    ) -> bytes:
        """One object's fragment."""
        return self.codecs.fragment(
            o,
            fmt=fmt,
            dialect=call.dialect,
            base=call.base,
            href=href,
            resource=resource,
            context=context,
            indent=indent,
        )

    async def collection(
        self,
        call: Call,
        fmt: Format,
        resource: Resource,
        prefix: str,
        found: Sequence[tuple[str, int, Any]],
        context: Context,
        *,
        cacheable: bool,
        ready: dict[str, bytes],
    ) -> AsyncIterator[bytes]:
        """Chunks of a list's answer. found: (id, version, object or None when `ready` has its fragment)."""
        indent = "  " if fmt == "xml" else ""
        table = resource.table.name if resource.table else ""
        one, many = self.codecs.names(resource.type, call.dialect)
        if not found:
            for chunk in self.codecs.collection(resource.type, (), fmt=fmt, dialect=call.dialect):
                yield chunk
            return
        joiner = b"" if fmt == "xml" else b","
        head = f"<{many}>\n".encode() if fmt == "xml" else f'{{"{one}":['.encode()
        lead = self.codecs.document(head, fmt) if fmt == "xml" else head
        for start in range(0, len(found), CHUNK_ROWS):
            part = found[start : start + CHUNK_ROWS]
            rows: list[bytes | None] = [ready.get(id_) for id_, _, _ in part]
            if None in rows:
                for at, (id_, version, o) in enumerate(part):
                    if rows[at] is None:
                        href = object_href(call, prefix, o)
                        rows[at] = fragment = self.encode(o, call, fmt, resource, href, context, indent)
                        if cacheable:
                            self.put(self.key(table, id_, version, call, fmt), fragment)
            whole = cast("list[bytes]", rows)
            whole[0] = lead + whole[0]
            yield joiner.join(whole)
            lead = joiner
            await asyncio.sleep(0)
        yield f"</{many}>\n".encode() if fmt == "xml" else b"]}"


def object_href(call: Call, prefix: str, o: Any) -> str:
    """An object's href: its own if it says one, else below its collection."""
    own = getattr(o, "href", None)
    if own:
        return str(own) if own.startswith(call.base + "/") else call.base + str(own)
    return f"{prefix}/{o.id}"
