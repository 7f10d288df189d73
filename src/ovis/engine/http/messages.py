"""A request and its answer, over ASGI.

Does: read headers and bounded bodies, negotiate formats, send answers (whole or streamed, gzip if asked).
Does not: know the API's operations.
"""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ovis.engine.declare.faults import Fault
from ovis.engine.wire.codecs import Format
from ovis.engine.wire.reading import MAX_BYTES

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_COMPRESS_ABOVE = 1400


class TooLarge(Fault):
    """A body beyond the limit."""

    status = 413


class NotAcceptable(Fault):
    """No format that the client takes."""

    status = 406


class BodyLost(Fault):
    """The client went away before its body was complete."""


class UnsupportedType(Fault):
    """A body in a format that is not read."""

    status = 415


@dataclass(slots=True)
class Request:
    """One request. headers: lower-case names, the first of repeated ones."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    receive: Receive
    client: str
    scheme: str
    _body: bytes | None = None

    async def body(self) -> bytes:
        """The whole body; TooLarge beyond 10 MB."""
        if self._body is not None:
            return self._body
        announced = self.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > MAX_BYTES:
            raise TooLarge(f"The body is larger than {MAX_BYTES} bytes.")
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise BodyLost("The body is not complete.")
            part = message.get("body", b"")
            size += len(part)
            if size > MAX_BYTES:
                raise TooLarge(f"The body is larger than {MAX_BYTES} bytes.")
            parts.append(part)
            if not message.get("more_body"):
                break
        self._body = b"".join(parts)
        return self._body

    @property
    def origin(self) -> str:
        """scheme://host as the client wrote it."""
        return f"{self.scheme}://{self.headers.get('host', 'localhost')}"

    @property
    def announces_body(self) -> bool:
        """Whether the head says that a body follows."""
        return self.headers.get("content-length", "0").strip() not in ("", "0") or "transfer-encoding" in self.headers

    def accepts(self, kind: str) -> bool:
        """Whether `Accept` names a content type, whatever else it names."""
        return any(p.split(";")[0].strip().lower() == kind for p in self.headers.get("accept", "").split(","))

    def answer_format(self, accept_param: str | None = None) -> Format:
        """XML unless JSON is asked for; NotAcceptable if neither fits."""
        accept = accept_param or self.headers.get("accept") or "*/*"
        if accept in _USUAL:
            return _USUAL[accept]
        best: Format | None = None
        quality = 0.0
        for part in accept.split(","):
            kind, *rest = part.split(";")
            q = 1.0
            for parameter in rest:
                key, _, value = parameter.strip().partition("=")
                if key.strip().lower() == "q":
                    try:
                        q = float(value)
                    except ValueError:
                        q = 0.0
            found = _format_of(kind.strip().lower())
            if found is not None and q > quality:
                best, quality = found, q
        if best is None:
            raise NotAcceptable(f"None of {accept[:200]} can be produced.")
        return best

    def body_format(self) -> Format:
        """The body's format by its Content-Type; XML when it says nothing."""
        kind = self.headers.get("content-type", "application/xml").split(";")[0].strip().lower()
        if kind in ("application/xml", "text/xml", ""):
            return "xml"
        if kind in ("application/json", "text/json"):
            return "json"
        raise UnsupportedType(f"Content type {kind[:200]} is not read here.")


_USUAL: dict[str, Format] = {
    "application/xml": "xml",
    "*/*": "xml",
    "application/json": "json",
    "application/x-virt-viewer": "xml",  # faults; the file itself is another answer
}


def _format_of(kind: str) -> Format | None:
    if kind in ("application/json", "text/json"):
        return "json"
    if kind in ("application/xml", "text/xml", "*/*", "application/*", "text/*", "text/html", "application/xhtml+xml"):
        return "xml"
    return None


@dataclass(slots=True)
class Answer:
    """What goes back. body: bytes, or an async iterator of chunks."""

    status: int = 200
    body: bytes | AsyncIterator[bytes] = b""
    content_type: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)


def packing(accepted: str) -> str | None:
    """`gzip` or `deflate` if the client takes it, gzip rather."""
    if not accepted:
        return None
    offered: dict[str, bool] = {}
    for part in accepted.lower().split(","):
        name, *rest = part.split(";")
        refused = any(r.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for r in rest)
        offered[name.strip()] = not refused
    return next((name for name in ("gzip", "deflate") if offered.get(name, offered.get("*", False))), None)


def _packer(name: str) -> Any:
    return zlib.compressobj(1, zlib.DEFLATED, 31 if name == "gzip" else 15)


async def send_answer(request: Request, answer: Answer, send: Send) -> None:
    """Send it; compressed if the client takes that and it is worth it."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answer.headers]
    if answer.content_type:
        headers.append((b"content-type", answer.content_type.encode("latin-1")))
    reading = request.method in ("GET", "HEAD")
    if reading and request.announces_body:
        headers.append((b"connection", b"close"))  # a body announced with GET may never come
    pack = packing(request.headers.get("accept-encoding", ""))
    body = answer.body
    if isinstance(body, bytes):
        if pack and len(body) > _COMPRESS_ABOVE:
            packer = _packer(pack)
            body = packer.compress(body) + packer.flush()
            headers.append((b"content-encoding", pack.encode()))
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
        return
    if pack:
        headers.append((b"content-encoding", pack.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if request.method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
        return
    packer = _packer(pack) if pack else None
    async for chunk in body:
        data = packer.compress(chunk) if packer else chunk
        if data:
            await send({"type": "http.response.body", "body": data, "more_body": True})
    await send({"type": "http.response.body", "body": packer.flush() if packer else b""})


def location(origin: str, href: str) -> tuple[str, str]:
    """A Location header; whatever an id holds, it stays one line of ASCII."""
    return "Location", origin + quote(href, safe="/:;=,@!$&'()*+~")


# Headers that are lists: when one is repeated, its values belong together.
_LISTS: dict[str, str] = {"accept": ", ", "prefer": ", ", "cookie": "; ", "accept-encoding": ", "}


def first_headers(rows: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name: the first of each, all of those that are lists."""
    found: dict[str, str] = {}
    for raw, value in rows:
        name = raw.decode("latin-1").lower()
        if name not in found:
            found[name] = value.decode("latin-1")
        elif name in _LISTS:
            found[name] += _LISTS[name] + value.decode("latin-1")
    return found
