"""What is committed, as pages are told of it: numbered and encoded once, for all who follow.

Does: turn changes of rows into what the stream says, keep the latest of them, wake the streams five times a second at
most. Does not: decide who sees what (`follower`), or anything at all while nobody follows.
Follows: docs/reference/live.md.
"""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from ovis.engine.access.ancestry import ObjectRef
from ovis.engine.access.predefined import EVERYONE_ID
from ovis.engine.declare.call import Call, Principal
from ovis.engine.declare.resource import Resource
from ovis.engine.declare.shape import attributes
from ovis.engine.events.ring import Ring, Told
from ovis.engine.hostlink.live import Live
from ovis.engine.model.types import Event
from ovis.engine.resources.stream import jobs
from ovis.engine.resources.stream.kinds import (
    COMMANDS,
    EVENTS,
    JOBS,
    ON_ANYTHING,
    PARTS,
    RIGHTS,
    Kind,
    collections_of,
    kinds_of,
    worth,
)
from ovis.engine.store.session import Change
from ovis.engine.store.store import Store
from ovis.engine.wire.codecs import Codecs

log = structlog.get_logger(__name__)
BASE = "/ovirt-engine/api"
GATHER_SECONDS = 0.2
TICK_SECONDS = 1.0
KEPT = 10_000  # changes
_RECORD_SECONDS = 600.0  # how long changes are kept for readers that come back
_ADDED = ("name", "status")
_NAMED = ("vm", "host", "template", "cluster", "data_center", "storage_domain")
_ENGINE = Call(principal=Principal(user_id="", name="engine"), now=datetime(1970, 1, 1, tzinfo=UTC))


class Changes:
    """The source of all streams. followers: any objects with `wake()`. live: what hosts say now.

    commands: what the kinds of commands declare, by name.
    """

    def __init__(
        self, store: Store, live: Live, codecs: Codecs, resources: Sequence[Resource], commands: Mapping[str, Any]
    ) -> None:
        self.epoch = secrets.token_hex(4)
        self.ring = Ring(KEPT)
        self.live = live
        self.store = store
        self.closing = False
        self.elsewhere = 0  # how often others have changed the database
        self.followers: dict[str, Any] = {}
        self.memo: dict[tuple[Any, ...], bytes] = {}
        self._codecs = codecs
        self._kinds = kinds_of(resources)
        self._collections = collections_of(resources)
        self._types_of = {collection: type_ for type_, collection in self._collections.items()}
        self._commands = commands
        self._left = 0.0
        self._due: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._jobs: set[str] = set()
        self._open_jobs: dict[str, Any] = {}
        store.on_commit(self._committed)
        store.on_forget(self._changed_elsewhere)

    @property
    def collections(self) -> frozenset[str]:
        """What can be followed."""
        return frozenset((*(kind.collection for kind in self._kinds.values()), EVENTS, JOBS))

    def object_type(self, collection: str) -> str:
        """What permissions on its objects are attached to; "" if anybody may see them."""
        return self._types_of.get(collection, "")

    # -- followers -------------------------------------------------------------------------------------------

    def join(self, key: str, follower: Any) -> None:
        """From now on it is woken."""
        self.followers[key] = follower
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._ticks(), name="stream-ticks")

    def leave(self, key: str) -> None:
        """It has ended."""
        self.followers.pop(key, None)
        self._left = time.monotonic()

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self.closing = True
        self._wake()
        for task in (self._ticking, *self._tasks):
            if task is not None:
                task.cancel()

    def _recording(self) -> bool:
        return bool(self.followers) or (self._left > 0 and time.monotonic() - self._left < _RECORD_SECONDS)

    def _wake(self) -> None:
        self.memo.clear()
        for follower in list(self.followers.values()):
            follower.wake()

    def _soon(self) -> None:
        if self._due is None and self.followers:
            self._due = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._now)

    def _now(self) -> None:
        self._due = None
        if self._jobs:
            task = asyncio.create_task(self._tell_jobs(), name="stream-jobs")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._wake()

    async def _ticks(self) -> None:
        """Every second, while anybody follows: figures of the rows in sight, progress of jobs that go on."""
        while self.followers and not self.closing:
            await asyncio.sleep(TICK_SECONDS)
            for follower in list(self.followers.values()):
                follower.tick()
            if self._open_jobs:
                self._jobs.update(self._open_jobs)
                await self._tell_jobs()

    # -- what is told ----------------------------------------------------------------------------------------

    def _changed_elsewhere(self) -> None:
        self.elsewhere += 1
        self.ring.skip()
        self._soon()

    def _committed(self, changes: Sequence[Change]) -> None:
        if not self._recording():
            self.ring.skip()
            return
        before = self.ring.last
        for change in changes:
            self._tell(change)
        if self.ring.last != before or self._jobs:
            self._soon()

    def _tell(self, change: Change) -> None:
        table = change.table
        kind = self._kinds.get(table)
        if kind is not None:
            self._row(kind, change)
        elif table == EVENTS:
            self._event(change)
        elif table in (JOBS, COMMANDS):
            if table == JOBS and change.operation == "delete":
                # Whoever was shown the job is told; to others its number says nothing.
                self._open_jobs.pop(change.id, None)
                owner = change.previous.owner if change.previous is not None else None
                self.ring.append(Told(kind="removed", type=JOBS, id=change.id, owner=owner.id if owner else ""))
            else:
                self._jobs.add(change.id)
        if table in RIGHTS:
            document = change.document or change.previous
            whose = str(getattr(document, "principal_id", "") or "")
            self.ring.append(Told(kind="rights", type=table, id="" if whose == EVERYONE_ID else whose))
        if table in ON_ANYTHING:
            self._part_of_anything(change, ON_ANYTHING[table])
        for part in PARTS.get(table, ()):
            document = change.document if change.document is not None else change.previous
            if document is not None and worth(table, change.document, change.previous):
                column = next((c for c in self.store.schema.by_name[table].columns if c.name == part.column), None)
                owner_id = column.read(document) if column is not None else document.id
                self._part(part.collection, owner_id, part.fields)

    def _about(self, collection: str, id_: str) -> tuple[ObjectRef, ...]:
        object_type = self.object_type(collection)
        return ((object_type, id_),) if object_type else ()

    def _part_of_anything(self, change: Change, field: str) -> None:
        document = change.document or change.previous
        collection = self._collections.get(document.object_type) if document is not None else None
        if collection is not None:
            self._part(collection, document.object_id, (field,))

    def _part(self, collection: str, id_: str | None, fields: tuple[str, ...]) -> None:
        if id_:
            self.ring.append(
                Told(
                    kind="changed",
                    type=collection,
                    id=id_,
                    href=f"{BASE}/{collection}/{id_}",
                    fields=fields,
                    about=self._about(collection, id_),
                )
            )

    def _row(self, kind: Kind, change: Change) -> None:
        told = Told(
            kind="removed",
            type=kind.collection,
            id=change.id,
            about=((kind.object_type, change.id),) if kind.object_type else (),
            administrators=kind.administrators,
        )
        if change.operation != "delete":
            told.href = f"{BASE}/{kind.collection}/{change.id}"
            told.version = change.version
            if change.operation == "insert":
                told.kind = "added"
                told.values = self._values(change.document, [n for n in _ADDED if n in kind.told])
            else:
                told.kind = "changed"
                self._difference(kind, change, told)
                if told.fields == ():  # written anew as it was
                    return
        self.ring.append(told)

    def _difference(self, kind: Kind, change: Change, told: Told) -> None:
        old, new = change.previous, change.document
        if old is None:
            told.fields = None
            return
        names = []
        fields: list[str] = []
        emptied = []
        for name, key in kind.compared:
            before, after = getattr(old, name), getattr(new, name)
            if before is after or before == after:
                continue
            fields.append(key)
            if name in kind.told:
                if after is None:
                    emptied.append(key)
                else:
                    names.append(name)
        told.fields = tuple(fields)
        told.emptied = tuple(emptied)
        told.values = self._values(new, names)

    def _values(self, document: Any, names: Sequence[str]) -> dict[str, msgspec.Raw]:
        """Some attributes of a document, each in the API's JSON."""
        given = {name: value for name in names if (value := getattr(document, name, None)) is not None}
        if not given:
            return {}
        text = self._codecs.fragment(type(document)(id=document.id, **given), fmt="json", dialect=4, base=BASE)
        whole: dict[str, msgspec.Raw] = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        keys = {row.tag for row in attributes(type(document)) if row.name in given}
        return {key: value for key, value in whole.items() if key in keys}

    def _event(self, change: Change) -> None:
        event: Event = change.document or change.previous
        about = tuple(
            (name, str(reference.id))
            for name in _NAMED
            if event is not None and (reference := getattr(event, name)) is not None and reference.id
        )
        owner = str(event.user.id) if event is not None and event.user is not None and event.user.id else ""
        told = Told(kind="removed", type=EVENTS, id=change.id, about=about, owner=owner, administrators=not about)
        if change.operation != "delete":
            told.kind = "event"
            told.href = f"{BASE}/events/{change.id}"
            told.values = msgspec.Raw(
                self._codecs.fragment(event, fmt="json", dialect=4, base=BASE, href=told.href, resource=None)
            )
        self.ring.append(told)

    async def _tell_jobs(self) -> None:
        wanted, self._jobs = self._jobs, set()
        try:
            found = await self.store.read(lambda rd: jobs.read(rd, _ENGINE, wanted, self._commands))
        except Exception as err:  # the database is away: the next change or second tries again
            log.warning("jobs cannot be told", error=repr(err))
            self._jobs |= wanted
            return
        news = False
        for job_id in wanted - {str(job.id) for job, *_ in found}:
            self._open_jobs.pop(job_id, None)
        for job, owner, extra, going_on in found:
            job_id = str(job.id)
            href = f"{BASE}/jobs/{job_id}"
            text = self._codecs.fragment(job, fmt="json", dialect=4, base=BASE, href=href)
            state = (text, extra)
            if self._open_jobs.get(job_id) == state:
                continue
            if going_on:
                self._open_jobs[job_id] = state
            else:
                self._open_jobs.pop(job_id, None)
            news = True
            self.ring.append(
                Told(
                    kind="job",
                    type=JOBS,
                    id=job_id,
                    href=href,
                    values=msgspec.Raw(text),
                    extra=extra,
                    owner=owner,
                    administrators=True,
                )
            )
        if news:
            self._wake()
