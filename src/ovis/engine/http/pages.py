"""Serving pages: our own addresses below the API's `ovis`.

Does: find the page by name, method and number of ids, run it, send its value as JSON or its events as they come.
Does not: authenticate (auth) or know any page; `main` hands them over.
"""

import asyncio
from collections.abc import Sequence
from urllib.parse import parse_qsl

import msgspec
import structlog

from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound
from ovis.engine.declare.page import Alive, Asked, Events, Page
from ovis.engine.http.messages import Answer, Request, Send
from ovis.engine.http.operations import MethodNotAllowed, replace_ids
from ovis.engine.http.url import Target

log = structlog.get_logger(__name__)
PREFIX = "ovis"
EVENT_STREAM = "text/event-stream"
_NO_STORE = ("Cache-Control", "no-store")


class Pages:
    """The pages of one composition."""

    def __init__(self, pages: Sequence[Page], services: Services) -> None:
        self._services = services
        self._pages: dict[tuple[str, int], dict[str, Page]] = {}
        for page in pages:
            self._pages.setdefault((page.name, page.ids), {})[page.method] = page
        self._aliases = {page.alias: page.name for page in pages if page.alias}

    def target(self, request: Request) -> Target | None:
        """The target of a page at its other path; None if there is none."""
        name = self._aliases.get(request.path)
        if name is None:
            return None
        params = dict(parse_qsl(request.query, keep_blank_values=True))
        return Target("/ovirt-engine/api", 4, (PREFIX, name), params)

    async def answer(self, request: Request, segments: Sequence[str], call: Call, alive: Alive) -> Answer:
        """The answer at the path behind the prefix; NotFound if there is no such page."""
        found = self._pages.get((segments[0], len(segments) - 1)) if segments else None
        if found is None or call.dialect != 4:
            raise NotFound("/".join(segments))
        page = found.get("GET" if request.method == "HEAD" else request.method)
        if page is None:
            methods = [*found, *(["HEAD"] if "GET" in found else [])]
            raise MethodNotAllowed(f"{request.method} is not possible here.", allowed=methods)
        asked = Asked(
            call=replace_ids(call, tuple(segments[1:])),
            body=await request.body() if page.method == "POST" else b"",
            after=request.headers.get("last-event-id", ""),
            alive=alive,
        )
        result = await page.run(self._services, asked)
        if result is None:
            return Answer(204, b"", None, [_NO_STORE])
        if isinstance(result, Events):
            headers = [_NO_STORE, ("X-Accel-Buffering", "no")]
            return Answer(200, result.chunks, EVENT_STREAM, headers)
        body = result if isinstance(result, bytes) else msgspec.json.encode(result)
        return Answer(200, body, "application/json", [_NO_STORE])


async def send_events(request: Request, answer: Answer, send: Send) -> None:
    """Send events until they end or the reader goes away. A reader that does not read is waited for."""
    assert not isinstance(answer.body, bytes)
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"content-type", EVENT_STREAM.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if request.method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
        return
    chunks = answer.body

    async def sent() -> None:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.create_task(sent()), asyncio.create_task(left())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended, _ = await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(ended, Exception):
            log.error("events ended", path=request.path, error=repr(ended), exc_info=ended)
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
