"""The store: documents in a database, one writer that groups commits, readers in a small thread pool.

Does: run functions inside transactions and tell listeners what was committed. Does not: know any resource.
Every write of this engine passes one thread, one after the other; those that wait together share one commit. One that
fails takes nothing of the others with it; when the commit itself fails, everybody who waits for it is told.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog

from ovis.engine.declare.faults import Fault
from ovis.engine.declare.waiting import Unanswered
from ovis.engine.store.cache import DocumentCache, prepare
from ovis.engine.store.database import DatabaseLost, for_reading, for_writing, open_database, understood
from ovis.engine.store.elsewhere import Elsewhere, writers_table
from ovis.engine.store.prepared import run as send
from ovis.engine.store.session import Change, Group, Reader, Tx
from ovis.engine.store.tables import Schema, Table

R = TypeVar("R")
QUESTIONS = 500  # that one transaction may have; with more it fails
log = structlog.get_logger(__name__)
_GROUP = 200  # writes that may share a commit
_Job = tuple[Callable[[Tx], Any], "Future[Any]"]


@dataclass(slots=True)
class _Outcome:
    """What became of a group so far."""

    done: list[tuple["Future[Any]", Any]] = field(default_factory=list)
    failed: list[tuple["Future[Any]", BaseException]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    group: Group = field(default_factory=Group)


class Store:
    """Open with the tables of all resources; `start` before, `close` after use.

    counters: how many changes of each table this engine has committed. owner: the engine's name, once it has one.
    """

    def __init__(self, url: str, tables: Sequence[Table], *, readers: int = 4) -> None:
        self.schema = Schema(tables)
        self._elsewhere = Elsewhere(writers_table(self.schema.metadata))
        self.engine = open_database(url)
        self._reading = for_reading(self.engine)
        self._writing = for_writing(self.engine)
        self.owner = ""
        self.cache = DocumentCache()
        prepare(table.type for table in tables)
        self.counters: dict[str, int] = dict.fromkeys(self.schema.by_name, 0)
        self._listeners: list[Callable[[Sequence[Change]], None]] = []
        self._forgetful: list[Callable[[], None]] = []
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="store-reader")
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def create_tables(self) -> None:
        """Make what is missing, for tests and new databases; migrations do the rest (store.migrations)."""
        with self._writing.begin() as connection:
            self.schema.metadata.create_all(connection)

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Start the writer; listeners and after-commit calls run in `loop` if given, else in the writer's thread."""
        self._loop = loop
        self._writer.start()

    def close(self) -> None:
        """Finish what was accepted, then stop."""
        with self._closing:
            self._closed = True
            self._queue.put(None)
        if self._writer.ident is not None:
            self._writer.join()
        self._readers.shutdown(wait=True)
        self.engine.dispose()

    def on_commit(self, listener: Callable[[Sequence[Change]], None]) -> None:
        """Tell `listener` the changes of every commit, in order."""
        self._listeners.append(listener)

    def on_forget(self, listener: Callable[[], None]) -> None:
        """Tell `listener` that others have changed the database: nobody knows what."""
        self._forgetful.append(listener)

    async def read(self, run: Callable[[Reader], R]) -> R:
        """Run `run(rd)` in a reader thread, over one consistent state. DatabaseLost if there is no database."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, run)

    async def write(self, run: Callable[[Tx], R]) -> R:
        """Run `run(tx)` in the writer; returns once it is on disk. Raises what `run` raised; then nothing was changed.

        A `run` that raises `Unanswered` changed nothing and runs again once its question is answered.
        DatabaseLost if there is no database; its `unknown` says whether the change may have been made all the same.
        """
        asked: list[Unanswered] = []
        try:
            while True:
                try:
                    return await asyncio.wrap_future(self._submit(run))
                except Unanswered as question:
                    if len(asked) >= QUESTIONS:
                        raise
                    asked.append(question)
                    await question.ask()
        finally:
            for each in asked:
                each.forget()

    def read_now(self, run: Callable[[Reader], R]) -> R:
        """`read` for code that has no loop."""
        try:
            return self._read_once(run)
        except DatabaseLost:
            # A connection that died in the pool's keeping shows only now; a new one may be there already.
            return self._read_once(run)

    def write_now(self, run: Callable[[Tx], R]) -> R:
        """`write` for code that has no loop. Never call it from the loop's own thread."""
        done: R = self._submit(run).result()
        return done

    async def look_elsewhere(self) -> None:
        """Forget what is remembered if another process has changed the database since the last look."""

        def look(rd: Reader) -> bool:
            return self._elsewhere.moved(rd.connection, self.owner)

        if await self.read(look):
            await self.write(lambda tx: None)  # every write looks, too, and forgets

    def _forget(self, first: bool) -> None:
        """In the writer's thread, between two commits. first: what readers saw before it stays as right as it was."""
        self.cache.clear()
        if first:
            return
        for table in self.counters:
            self.counters[table] += 1
        for listener in self._forgetful:
            self._in_loop(partial(_guarded, listener))

    def _read_once(self, run: Callable[[Reader], R]) -> R:
        try:
            with self._reading.connect() as connection:
                return run(Reader(connection, self.schema, self.cache, self.counters))
        except sa.exc.DBAPIError as err:
            meant = understood(err)
            if meant is err:
                raise
            raise meant from err

    def _submit(self, run: Callable[[Tx], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        with self._closing:
            if self._closed:
                raise DatabaseLost("The engine is stopping.")
            self._queue.put((run, future))
        return future

    def _write_loop(self) -> None:
        stopping = False
        while not stopping:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            while len(group) < _GROUP:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stopping = True
                    break
                group.append(more)
            self._commit([job for job in group if job[1].set_running_or_notify_cancel()])

    def _commit(self, group: list[_Job]) -> None:
        outcome = _Outcome()
        committing = False
        try:
            with self._begun() as connection:
                first = not self._elsewhere.looked
                if not self._elsewhere.trusted(connection):
                    self._forget(first)
                for run, future in group:
                    self._run(connection, run, future, outcome)
                if outcome.changes:
                    self._elsewhere.count(connection, self.owner)
                committing = True
        except BaseException as err:
            meant = understood(err, sent=committing)
            self._elsewhere.doubt()
            log.error("commit failed", error=repr(err), writes=len(group), unknown=committing)
            own = {id(future): reason for future, reason in outcome.failed}
            for _, future in group:
                future.set_exception(own.get(id(future), meant))
            return
        self._tell(self._remember(outcome.changes), outcome.afterwards)
        for future, result in outcome.done:
            future.set_result(result)
        for future, reason in outcome.failed:
            future.set_exception(reason)

    @contextmanager
    def _begun(self) -> Iterator[sa.Connection]:
        """A connection whose transaction has begun. One that died in the pool's keeping is replaced: nothing is lost."""
        try:
            connection = self._writing.connect()
            transaction = connection.begin()
        except sa.exc.DBAPIError as err:
            if not isinstance(understood(err), DatabaseLost):
                raise
            connection = self._writing.connect()
            transaction = connection.begin()
        with connection, transaction:
            yield connection

    def _run(self, connection: Any, run: Callable[[Tx], Any], future: "Future[Any]", outcome: _Outcome) -> None:
        """One job inside the group's transaction. Raises only if the transaction itself is lost."""
        tx = Tx(connection, self.schema, self.cache, self.counters, owner=self.owner, group=outcome.group)
        # Said directly: SQLAlchemy's savepoint objects cost more than the statements they make.
        send(connection, "SAVEPOINT job")
        try:
            result = run(tx)
        except BaseException as err:
            meant = understood(err)
            if isinstance(meant, DatabaseLost) or connection.invalidated:
                raise
            send(connection, "ROLLBACK TO SAVEPOINT job")
            send(connection, "RELEASE SAVEPOINT job")
            outcome.failed.append((future, meant))
            if not isinstance(meant, Fault):
                log.warning("write failed", error=repr(err))
            return
        send(connection, "RELEASE SAVEPOINT job")
        outcome.done.append((future, result))
        outcome.changes += tx.changes
        outcome.group.add(tx.changes)
        outcome.afterwards += tx.afterwards

    def _remember(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Keep what was committed; the changes with what was there before, as far as that is known."""
        told = []
        self.cache.begin_commit()
        for change in changes:
            known = self.cache.latest(change.table, change.id) if change.operation != "insert" else None
            told.append(replace(change, previous=known[1]) if known is not None else change)
            if change.operation == "delete":
                self.cache.drop(change.table, change.id)
            else:
                self.cache.put(change.table, change.id, change.version, change.document)
            self.counters[change.table] += 1
        return told

    def _tell(self, changes: Sequence[Change], afterwards: Sequence[Callable[[], None]]) -> None:
        def run() -> None:
            for listener in self._listeners:
                _guarded(listener, changes)
            for call in afterwards:
                _guarded(call)

        if changes or afterwards:
            self._in_loop(run)

    def _in_loop(self, run: Callable[[], None]) -> None:
        if self._loop is None:
            run()
            return
        try:
            self._loop.call_soon_threadsafe(run)
        except RuntimeError as err:  # the loop has ended: nobody is left to be told, but the commit stands
            log.warning("commit told nobody", error=str(err))


def _guarded(call: Callable[..., None], *arguments: Any) -> None:
    """One listener's failure is neither another's nor the writer's."""
    try:
        call(*arguments)
    except Exception:
        log.exception("a commit's listener failed")
