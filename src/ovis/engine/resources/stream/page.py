"""`GET ovis/stream` and `POST ovis/stream/KEY`: changes as they happen.

Does: read parameters, open a stream, change what an open one tells. Follows: docs/reference/live.md.
"""

from typing import Any

import msgspec
from msgspec import Struct

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault, InvalidValue, Malformed, NotFound
from ovis.engine.declare.page import Asked, Events, Page
from ovis.engine.resources.stream.changes import Changes
from ovis.engine.resources.stream.follower import MOST_IDS, Follower

MOST_STREAMS = 2000


class Narrowed(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The body of POST: what to tell from now on. types: None means all."""

    types: list[str] | None = None
    ids: list[str] = []


def listed(text: str | None) -> list[str]:
    """Words between commas."""
    return [word for part in (text or "").split(",") if (word := part.strip())]


def _types(source: Changes, given: list[str] | None) -> list[str] | None:
    unknown = sorted(set(given or ()) - source.collections)
    if unknown:
        known = ", ".join(sorted(source.collections))
        raise InvalidValue(f"There are no changes of {', '.join(unknown)[:200]}; possible: {known}.")
    return given


def _ids(given: list[str]) -> list[str]:
    if len(given) > MOST_IDS:
        raise InvalidValue(f"{len(given)} ids are too many: at most {MOST_IDS}.")
    return given


def restricted(call: Call) -> bool:
    """Whether the caller sees only what he holds roles on."""
    return call.filtered or not call.principal.administrator


async def follow(services: Any, asked: Asked) -> Events:
    """GET: an endless answer."""
    source: Changes = services.stream
    call = asked.call
    if len(source.followers) >= MOST_STREAMS:
        raise Fault(f"{MOST_STREAMS} streams are open; this engine has no more.", status=503)
    types = _types(source, listed(call.params.get("types")) or None)
    ids = _ids(listed(call.params.get("ids")))
    after = asked.after or call.params.get("after", "")
    follower = Follower(source, call.principal, asked.alive, restricted=restricted(call), after=after)
    follower.narrow(types, ids)
    return Events(chunks=follower.messages())


async def narrow(services: Any, asked: Asked) -> None:
    """POST: other types or other rows in sight."""
    source: Changes = services.stream
    follower = source.followers.get(asked.call.ids[0])
    if follower is None or follower.principal.user_id != asked.call.principal.user_id:
        raise NotFound(f"Stream: {asked.call.ids[0]}")
    try:
        body = msgspec.json.decode(asked.body, type=Narrowed)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise Malformed(f'The body is no {{"types": [...], "ids": [...]}}: {err}') from err
    follower.narrow(_types(source, body.types), _ids(body.ids))


PAGES = (
    Page(name="stream", run=follow, doc="Changes as they happen, as server-sent events."),
    Page(name="stream", method="POST", ids=1, run=narrow, doc="Changes what an open stream tells."),
)
