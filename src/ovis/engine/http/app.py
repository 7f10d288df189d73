"""The engine's ASGI application.

Does: send each request through address, authentication, dialect and operation, and turn every refusal into the API's
fault. Does not: know any resource; `main` hands them over.
"""

import dataclasses
import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa
import structlog

from ovis.engine.access.tokens import Sessions
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault, Malformed, NotFound, Refused
from ovis.engine.declare.page import Page
from ovis.engine.declare.resource import Resource
from ovis.engine.http.auth import CHALLENGE, Authenticator, Caller, Unauthenticated
from ovis.engine.http.browser import PATH as BROWSER, BrowserSessions
from ovis.engine.http.consoles import ConsoleSockets
from ovis.engine.http.documents import MANUAL, OPENAPI, Documents
from ovis.engine.http.endpoints import Endpoints
from ovis.engine.http.entry import Entry
from ovis.engine.http.messages import Answer, Receive, Request, Send, first_headers, send_answer
from ovis.engine.http.operations import MethodNotAllowed, Operations, replace_ids
from ovis.engine.http.pages import EVENT_STREAM, PREFIX, Pages, send_events
from ovis.engine.http.router import Router
from ovis.engine.http.rows import Rows
from ovis.engine.http.sso import Sso
from ovis.engine.http.url import Target, UnknownVersion, read_target
from ovis.engine.wire.codecs import CONTENT_TYPES, Codecs, Format

log = structlog.get_logger(__name__)
_NOT_IN_ID = re.compile(r"[^0-9A-Za-z_-]")
_DETAIL = re.compile(r"detail=([\w+-]+)")
_ROOT_METHODS = frozenset(("GET", "HEAD"))


def correlation_id(request: Request, target: Target) -> str:
    """The client's id, cleaned and cut at 36 characters; a random one when it gives none."""
    given = request.headers.get("correlation-id") or target.params.get("correlation_id", "")
    return _NOT_IN_ID.sub("", given)[:36] or str(uuid.uuid4())


class App:
    """ASGI application of one composition."""

    def __init__(
        self,
        resources: Sequence[Resource],
        services: Services,
        sessions: Sessions,
        endpoints: Endpoints,
        *,
        instance_id: str,
        idle_minutes: int = 30,
        pages: Sequence[Page] = (),
    ) -> None:
        self._services = services
        self.codecs = Codecs(resources)
        self.routers = {dialect: Router(resources, dialect) for dialect in (3, 4)}
        self._auth = Authenticator(services.store, sessions)
        self._sso = Sso(services.store, sessions)
        self._browser = BrowserSessions(services.store, sessions, idle_minutes)
        self._endpoints = endpoints
        self._entry = Entry(resources, self.codecs, instance_id)
        self._documents = Documents(resources)
        self._rows = Rows(self.codecs)
        self._operations = Operations(services, self._rows)
        self._pages = Pages(pages, services)
        self._consoles = ConsoleSockets(services)

    def forget_rows(self) -> None:
        """Drop encoded rows (for measurements)."""
        self._rows.clear()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "websocket":
            await self._consoles.serve(scope, receive, send)
        if scope["type"] != "http":
            return
        raw = scope.get("raw_path") or scope["path"].encode()
        request = Request(
            method=scope["method"],
            path=raw.decode("latin-1").split("?")[0],
            query=scope["query_string"].decode("latin-1"),
            headers=first_headers(scope["headers"]),
            receive=receive,
            client=(scope.get("client") or ("", 0))[0],
            scheme=scope.get("scheme", "https"),
        )
        answer = await self.answer(request)
        await (send_events if answer.content_type == EVENT_STREAM else send_answer)(request, answer, send)

    async def answer(self, request: Request) -> Answer:
        """The answer to a request; never raises."""
        fmt: Format = "xml"
        dialect = 4
        correlation = ""
        try:
            target = read_target(request.path, request.query, request.headers.get("version"))
            target = target or self._pages.target(request)
            if target is None:
                return await self._beside(request)
            dialect = target.dialect
            if dialect == 4 and target.segments == (OPENAPI,) and request.method in _ROOT_METHODS:
                return await self._documents.openapi(request)
            correlation = correlation_id(request, target)
            ours = target.segments[:1] == (PREFIX,)
            fmt = "json" if ours else request.answer_format(target.params.get("accept"))
            answer = await self._api(request, target, fmt, correlation)
        except UnknownVersion:
            return Answer(400, b"")
        except Fault as err:
            answer = self._fault(err, fmt, dialect)
        except sa.exc.IntegrityError as err:
            log.info("constraint", correlation_id=correlation, error=str(err.orig))
            conflict = Fault("[The object is in use, or one like it exists.]", status=409)
            answer = self._fault(conflict, fmt, dialect)
        except Exception:
            correlation = correlation or str(uuid.uuid4())
            log.exception("unexpected", correlation_id=correlation, method=request.method, path=request.path)
            detail = f"An unexpected error happened. Correlation id: {correlation}."
            answer = self._fault(Fault(detail, status=500), fmt, dialect)
        if correlation:
            answer.headers.append(("Correlation-Id", correlation))
        return answer

    async def _beside(self, request: Request) -> Answer:
        path = unquote(request.path)
        if path == BROWSER:
            return await self._browser.answer(request)
        if self._sso.handles(path):
            return await self._sso.answer(request)
        found = self._documents.page(request) or await self._endpoints.answer(request)
        return found or Answer(404, b"")

    async def _api(self, request: Request, target: Target, fmt: Format, correlation: str) -> Answer:
        caller = await self._auth.caller(request, target.base)
        call = self._call(request, target, caller, correlation)
        if not target.segments:
            if request.method not in _ROOT_METHODS:
                raise MethodNotAllowed(f"{request.method} is not possible here.", allowed=("GET", "HEAD"))
            described = await self._documents.answer(call, fmt)
            answer = (
                described
                if described is not None
                else await self._services.store.read(lambda rd: self._entry.answer(rd, call, fmt))
            )
        elif target.segments[0] == PREFIX:
            answer = await self._pages.answer(request, target.segments[1:], call, partial(self._auth.still, caller))
        else:
            found = self.routers[target.dialect].find(target.segments)
            if found is None:
                raise NotFound("/".join(target.segments))
            route, ids = found
            answer = await self._operations.run(request, route, replace_ids(call, ids), fmt)
        if caller.cookie:
            answer.headers.insert(0, ("Set-Cookie", caller.cookie))
        return answer

    def _call(self, request: Request, target: Target, caller: Caller, correlation: str) -> Call:
        headers = request.headers
        params = target.params
        extra: dict[str, str] = {}
        if "all-content" in headers and "all_content" not in params:
            extra["all_content"] = headers["all-content"]
        if "detail" not in params and "detail=" in headers.get("accept", ""):
            extra["detail"] = " ".join(_DETAIL.findall(headers["accept"]))
        call = Call(
            principal=caller.principal,
            params={**params, **extra} if extra else params,
            correlation_id=correlation,
            dialect=target.dialect,
            base=target.base,
            filtered=target.dialect == 4 and not caller.principal.administrator,
            now=datetime.now(UTC),
            origin=request.origin,
        )
        if call.filtered or ("filter" not in params and "filter" not in headers):
            return call
        by_header = headers.get("filter", "").strip().lower() in ("true", "1", "t", "yes", "y")
        return dataclasses.replace(call, filtered=call.flag("filter", by_header))

    def _fault(self, err: Fault, fmt: Format, dialect: int) -> Answer:
        """The API's form of a refusal."""
        headers = [CHALLENGE] if isinstance(err, Unauthenticated) else []
        if isinstance(err, MethodNotAllowed) and err.allowed:
            headers.append(("Allow", ", ".join(err.allowed)))
        if isinstance(err, NotFound) and not err.named:
            return Answer(404, b"", CONTENT_TYPES[fmt], headers)
        if dialect == 3 and isinstance(err, Malformed) and fmt == "xml":
            return Answer(400, self.codecs.usage(f"{err.reason} {err.detail}", MANUAL), CONTENT_TYPES[fmt], headers)
        failed = isinstance(err, Refused) and err.of_action
        body = self.codecs.fault(err.reason, err.detail, fmt=fmt, dialect=dialect, failed=failed)
        return Answer(err.status, body, CONTENT_TYPES[fmt], headers)
