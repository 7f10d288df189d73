"""Our own addresses below the API's `ovis`: JSON for live pages, for any front end.

Does: hold declarations as values; `http` serves them, signed in like the API. Does not: run anything.
Follows: docs/reference/live.md.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from ovis.engine.declare.call import Call, Principal

Alive = Callable[[], Awaitable[Principal | None]]
"""Who the caller is now; None once his session has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request of a page. call: its ids are what follows the page's name. alive: for answers without an end."""

    call: Call
    body: bytes = b""
    after: str = ""  # Last-Event-ID
    alive: Alive


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """An answer without an end: server-sent events, in the bytes of their messages."""

    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`METHOD .../ovis/NAME`: `await run(services, asked)` answers a value that becomes JSON, None (204) or Events.

    ids: how many segments follow the name. alias: another whole path at which it answers.
    """

    name: str
    run: Callable[[Any, Asked], Awaitable[Any]]
    method: Literal["GET", "POST"] = "GET"
    ids: int = 0
    alias: str = ""
    doc: str = ""
