"""One open stream: what one user sees of the changes, as server-sent events.

Does: filter by types and by what the user may see, send figures of the rows in sight, go on where it was left.
Does not: keep changes; while its reader does not read, they pass by, and then it says `reload`.
Follows: docs/reference/live.md.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

import msgspec

from ovis.engine.access.ancestry import TABLE_OF
from ovis.engine.access.check import visible_ids
from ovis.engine.access.grants import principals_of
from ovis.engine.declare.call import Principal
from ovis.engine.declare.page import Alive
from ovis.engine.events.ring import Told, gathered
from ovis.engine.hostlink.live import Usage, number
from ovis.engine.resources.stream.changes import Changes

HEARTBEAT = 15.0  # seconds
MOST_IDS = 1000
_ORDER = ("added", "changed", "removed", "event", "job")
_COLLECTIONS = {"vm": "vms", "host": "hosts"}
Seen = dict[str, set[str] | None]


class Follower:
    """A stream. restricted: its user sees what he holds roles on, and no more."""

    def __init__(
        self, source: Changes, principal: Principal, alive: Alive, *, restricted: bool, after: str = ""
    ) -> None:
        self.key = secrets.token_urlsafe(18)
        self.principal = principal
        self._source = source
        self._alive = alive
        self._restricted = restricted
        self._news = asyncio.Event()
        self._position, self._reload = self._start(after)
        self._elsewhere = source.elsewhere
        self._types: frozenset[str] | None = None
        self._ids: tuple[str, ...] = ()
        self._sent: dict[str, tuple[Any, ...]] = {}
        self._figures_due = False
        self._seen: Seen = {}

    def _start(self, after: str) -> tuple[int, str]:
        """Where to begin, and why everything must be read again (if it must)."""
        last = self._source.ring.last
        if not after:
            return last, ""
        epoch, _, text = after.partition("-")
        if epoch != self._source.epoch:
            return last, "restart"
        known = text.isascii() and text.isdigit() and len(text) < 16 and self._source.ring.since(int(text)) is not None
        return (int(text), "") if known else (last, "gap")

    def narrow(self, types: Collection[str] | None, ids: Sequence[str]) -> None:
        """What to tell from now on."""
        self._types = None if types is None else frozenset(types)
        self._ids = tuple(dict.fromkeys(ids))[:MOST_IDS]
        self._sent = {id_: sent for id_, sent in self._sent.items() if id_ in self._ids}
        self.tick()

    def wake(self) -> None:
        """There may be something new."""
        self._news.set()

    def tick(self) -> None:
        """Figures may be new."""
        if self._ids:
            self._figures_due = True
            self._news.set()

    async def messages(self) -> AsyncIterator[bytes]:
        """The stream, until the session or the engine ends."""
        self._source.join(self.key, self)
        try:
            hello = {"stream": self.key, "user": self.principal.user_id, "heartbeat": HEARTBEAT}
            yield b"retry: 2000\n\n" + _message("hello", hello, self._id())
            if self._restricted:
                self._seen = await self._look(TABLE_OF)
            if self._reload:
                yield self._reloaded(self._reload)
            beat = time.monotonic() + HEARTBEAT
            while not self._source.closing:
                try:
                    await asyncio.wait_for(self._news.wait(), max(0.0, beat - time.monotonic()))
                except TimeoutError:
                    pass  # silence is told, too
                self._news.clear()
                if time.monotonic() >= beat:
                    beat = time.monotonic() + HEARTBEAT
                    changed = await self._still_there()
                    if changed is None:
                        return
                    yield changed
                news = await self._gathered()
                if self._figures_due:
                    self._figures_due = False
                    news += self._figures()
                if news:
                    yield news
        finally:
            self._source.leave(self.key)

    def _id(self) -> str:
        return f"{self._source.epoch}-{self._position}"

    def _reloaded(self, reason: str) -> bytes:
        self._position = self._source.ring.last
        self._sent = {}
        return _message("reload", {"reason": reason}, self._id())

    async def _still_there(self) -> bytes | None:
        """A heartbeat, or what became of the user's rights; None once the session is over."""
        now = await self._alive()
        if now is None:
            return None
        was, self.principal = self.principal, now
        if was.administrator != now.administrator or set(was.groups) != set(now.groups):
            self._restricted = self._restricted if now.administrator and was.administrator else not now.administrator
            self._seen = await self._look(TABLE_OF) if self._restricted else {}
            return self._reloaded("permissions")
        return f": beat\nid: {self._id()}\n\n".encode()

    async def _gathered(self) -> bytes:
        """Messages of what came since the last time."""
        source = self._source
        if self._elsewhere != source.elsewhere:
            self._elsewhere = source.elsewhere
            return self._reloaded("elsewhere")
        told = source.ring.since(self._position)
        if told is None:
            return self._reloaded("gap")
        if not told:
            return b""
        begin, self._position = self._position, source.ring.last
        if self._restricted:
            shown = await self._shown(told)
            return self._reloaded("permissions") if shown is None else self._written(self._wanted(shown))
        key = (begin, self._position, self._types)
        known = source.memo.get(key)
        if known is None:
            known = source.memo[key] = self._written(self._wanted(told))
        return known

    def _wanted(self, told: Sequence[Told]) -> Sequence[Told]:
        types = self._types
        return told if types is None else [one for one in told if one.type in types]

    def _written(self, told: Sequence[Told]) -> bytes:
        messages = gathered(told)
        kinds = [kind for kind in _ORDER if kind in messages]
        return b"".join(_message(kind, messages[kind], self._id() if kind == kinds[-1] else "") for kind in kinds)

    async def _shown(self, told: Sequence[Told]) -> list[Told] | None:
        """What the user may see of it; None if what he sees has changed otherwise than by what is told."""
        mine = set(principals_of(self.principal))
        moved = any(one.kind == "rights" and (not one.id or one.id in mine) for one in told)
        types = {object_type for one in told for object_type, _ in one.about}
        before = self._seen
        now = await self._look(TABLE_OF if moved else types)
        if moved:
            fresh = {one.id for one in told if one.kind in ("added", "removed")}
            if _differs(before, now, fresh):
                self._seen = now
                return None
        self._seen = {**before, **now}
        return [one for one in told if self._may_see(one, before, now)]

    def _may_see(self, one: Told, before: Seen, now: Seen) -> bool:
        if one.kind == "rights":
            return False
        if one.owner and one.owner == self.principal.user_id:
            return True
        for object_type, id_ in one.about:
            for seen in (now, before) if one.kind == "removed" else (now,):
                ids = seen.get(object_type, set())
                if ids is None or id_ in ids:
                    return True
        return not one.about and not one.administrators and not one.owner

    async def _look(self, types: Collection[str]) -> Seen:
        principal = self.principal
        if not types:
            return {}
        return await self._source.store.read(lambda rd: {t: visible_ids(rd, principal, t) for t in types})

    # -- figures ---------------------------------------------------------------------------------------------

    def _figures(self) -> bytes:
        items = []
        usages = self._source.live.usages
        for id_ in self._ids:
            usage = usages.get(id_)
            if usage is None:
                if (sent := self._sent.pop(id_, None)) is not None:  # it runs no more
                    items.append({"type": sent[0], "id": id_, "cpu": None, "memory": None, "network": None})
                continue
            if not self._in_sight(usage):
                continue
            figures = _figures_of(usage)
            collection = _COLLECTIONS[usage.kind]
            values = (collection, *figures.values())
            if self._sent.get(id_) != values:
                self._sent[id_] = values
                items.append({"type": collection, "id": id_, **figures})
        return _message("statistics", items) if items else b""

    def _in_sight(self, usage: Usage) -> bool:
        if usage.kind not in _COLLECTIONS or (self._types is not None and _COLLECTIONS[usage.kind] not in self._types):
            return False
        if not self._restricted:
            return True
        seen = self._seen.get(usage.kind, set())
        return seen is None or usage.id in seen


def _differs(before: Seen, now: Seen, fresh: set[str]) -> bool:
    """Whether more is seen, or less, than new and removed objects account for."""
    for object_type, seen in now.items():
        old = before.get(object_type)
        if seen is None or old is None:
            if seen is not old:
                return True
        elif (seen ^ old) - fresh:
            return True
    return False


def _figures_of(usage: Usage) -> dict[str, Any]:
    figures: dict[str, Any] = {"cpu": usage.cpu, "memory": usage.memory, "network": usage.network}
    if usage.kind == "host":
        figures["load"] = round(usage.load, 2)
    else:
        progress = usage.facts.get("migrationProgress")
        figures["migration"] = None if progress is None else round(number(progress))
    return figures


def _message(event: str, data: Any, id_: str = "") -> bytes:
    head = f"event: {event}\nid: {id_}\n" if id_ else f"event: {event}\n"
    return head.encode() + b"data: " + msgspec.json.encode(data) + b"\n\n"
