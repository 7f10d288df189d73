"""The store: documents in a database, one writer that groups commits, readers in a small thread pool.

Does: run functions inside transactions and tell listeners what was committed. Does not: know any resource.
Every write of this engine passes one thread, one after the other; those that wait together share one commit.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog

from ovis.engine.declare.faults import Fault
from ovis.engine.store.cache import DocumentCache
from ovis.engine.store.database import open_database
from ovis.engine.store.session import Change, Reader, Tx
from ovis.engine.store.tables import Schema, Table

R = TypeVar("R")
log = structlog.get_logger(__name__)
_GROUP = 200  # writes that may share a commit
_Job = tuple[Callable[[Tx], Any], "Future[Any]"]


class Store:
    """Open with the tables of all resources; `start` before, `close` after use."""

    def __init__(self, url: str, tables: Sequence[Table], *, readers: int = 4) -> None:
        self.schema = Schema(tables)
        self.engine = open_database(url)
        self.cache = DocumentCache()
        self.counters: dict[str, int] = dict.fromkeys(self.schema.by_name, 0)
        self._listeners: list[Callable[[Sequence[Change]], None]] = []
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="store-reader")
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def create_tables(self) -> None:
        """Make what is missing, for tests and new databases; migrations do the rest (store.migrations)."""
        self.schema.metadata.create_all(self.engine)

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Start the writer; listeners and after-commit calls run in `loop` if given, else in the writer's thread."""
        self._loop = loop
        self._writer.start()

    def close(self) -> None:
        """Finish what was accepted, then stop."""
        self._queue.put(None)
        if self._writer.ident is not None:
            self._writer.join()
        self._readers.shutdown(wait=True)
        self.engine.dispose()

    def on_commit(self, listener: Callable[[Sequence[Change]], None]) -> None:
        """Tell `listener` the changes of every commit, in order."""
        self._listeners.append(listener)

    async def read(self, run: Callable[[Reader], R]) -> R:
        """Run `run(rd)` in a reader thread, over one consistent state."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, run)

    async def write(self, run: Callable[[Tx], R]) -> R:
        """Run `run(tx)` in the writer; returns once it is on disk. Raises what `run` raised; then nothing was changed."""
        return await asyncio.wrap_future(self._submit(run))

    def read_now(self, run: Callable[[Reader], R]) -> R:
        """`read` for code that has no loop."""
        with self.engine.connect() as connection:
            return run(Reader(connection, self.schema, self.cache))

    def write_now(self, run: Callable[[Tx], R]) -> R:
        """`write` for code that has no loop. Never call it from the loop's own thread."""
        return self._submit(run).result()

    def _submit(self, run: Callable[[Tx], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
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
            self._commit(group)

    def _commit(self, group: list[_Job]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        failed: list[tuple[Future[Any], BaseException]] = []
        changes: list[Change] = []
        afterwards: list[Callable[[], None]] = []
        try:
            with self.engine.connect() as connection, connection.begin():
                for run, future in group:
                    if not future.set_running_or_notify_cancel():
                        continue
                    tx = Tx(connection, self.schema, self.cache)
                    # Said directly: SQLAlchemy's savepoint objects cost more than the statements they make.
                    connection.exec_driver_sql("SAVEPOINT job")
                    try:
                        result = run(tx)
                    except BaseException as err:
                        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT job")
                        connection.exec_driver_sql("RELEASE SAVEPOINT job")
                        failed.append((future, err))
                        if not isinstance(err, Fault):
                            log.warning("write failed", error=repr(err))
                        continue
                    connection.exec_driver_sql("RELEASE SAVEPOINT job")
                    done.append((future, result))
                    changes += tx.changes
                    afterwards += tx.afterwards
        except sa.exc.SQLAlchemyError as err:
            log.error("commit failed", error=repr(err), writes=len(done))
            for future, _ in done:
                future.set_exception(err)
            for future, reason in failed:
                future.set_exception(reason)
            return
        self._remember(changes)
        self._tell(changes, afterwards)
        for future, result in done:
            future.set_result(result)
        for future, reason in failed:
            future.set_exception(reason)

    def _remember(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.counters[change.table] += 1
            if change.operation == "delete":
                self.cache.drop(change.table, change.id)
            else:
                self.cache.put(change.table, change.id, change.version, change.document)

    def _tell(self, changes: Sequence[Change], afterwards: Sequence[Callable[[], None]]) -> None:
        def run() -> None:
            for listener in self._listeners:
                listener(changes)
            for call in afterwards:
                call()

        if not changes and not afterwards:
            return
        if self._loop is None:
            run()
        else:
            self._loop.call_soon_threadsafe(run)
