"""What describes the API: `?rsdl` and `?schema` of the root of dialect 3, `openapi.json` of dialect 4, and pages for people.

Does: write them from the declarations when first asked, in a thread, and keep the bytes. These say nothing about an
installation, so the last two are given to everybody. Follows: API facts, section 7.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import Resource
from ovis.engine.http.entry import VERSION
from ovis.engine.http.messages import Answer, Request
from ovis.engine.wire.codecs import CONTENT_TYPES, Format
from ovis.engine.wire.openapi import Description4
from ovis.engine.wire.operations3 import Description3
from ovis.engine.wire.rsdl import SCHEMA_FILE, rsdl, schema

OPENAPI = "openapi.json"
MANUAL = "/ovirt-engine/apidoc"
_PAGES = Path(__file__).parent / "apidoc"
_TYPES = {"index.html": "text/html;charset=UTF-8", "apidoc.css": "text/css", "apidoc.js": "text/javascript"}
_SAFE = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]
_READING = ("GET", "HEAD")


class Documents:
    """Of one composition."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._resources = resources
        self._described: Description3 | None = None
        self._made: dict[tuple[str, str, str], bytes] = {}
        self._turn = asyncio.Lock()

    async def answer(self, call: Call, fmt: Format) -> Answer | None:
        """The document that a request of the root asks for; None if it wants the root itself."""
        if call.dialect != 3:
            return None
        if "schema" in call.params:
            attached = ("Content-Disposition", f"attachment; filename = {SCHEMA_FILE}")
            body = await self._document(("schema", "", "xml"), lambda: schema(self._description3()))
            return Answer(200, body, "application/octet-stream", [attached])
        if "rsdl" in call.params:
            base = call.base
            body = await self._document(("rsdl", base, fmt), lambda: rsdl(self._description3(), VERSION, base, fmt))
            return Answer(200, body, CONTENT_TYPES[fmt])
        return None

    async def openapi(self, request: Request) -> Answer:
        """The description of dialect 4."""
        body = await self._document(("openapi", "", "json"), self._description4)
        return _kept(request, body, "application/json", [])

    def page(self, request: Request) -> Answer | None:
        """A file of the browsable reference; None if the address is none of its."""
        path = request.path
        if path != MANUAL and not path.startswith(MANUAL + "/"):
            return None
        if request.method not in _READING:
            return Answer(405, b"", None, [("Allow", "GET, HEAD")])
        if path == MANUAL:
            return Answer(302, b"", None, [("Location", "apidoc/")])
        name = path.removeprefix(MANUAL + "/") or "index.html"
        if name not in _TYPES:
            return Answer(404)
        return _kept(request, (_PAGES / name).read_bytes(), _TYPES[name], _SAFE)

    async def _document(self, key: tuple[str, str, str], make: Callable[[], bytes]) -> bytes:
        async with self._turn:
            if key not in self._made:
                self._made[key] = await asyncio.to_thread(make)
        return self._made[key]

    def _description3(self) -> Description3:
        if self._described is None:
            self._described = Description3(self._resources)
        return self._described

    def _description4(self) -> bytes:
        return msgspec.json.encode(Description4(self._resources, VERSION).document())


def _kept(request: Request, body: bytes, kind: str, headers: Sequence[tuple[str, str]]) -> Answer:
    """An answer that a browser keeps, and asks about."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    told = [*headers, ("ETag", tag), ("Cache-Control", "no-cache")]
    if tag in request.headers.get("if-none-match", ""):
        return Answer(304, b"", None, told)
    return Answer(200, body, kind, told)
