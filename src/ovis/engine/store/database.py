"""Opening SQLite and PostgreSQL the way the engine needs them.

Does: make SQLAlchemy engines with WAL, full durability and real transactions on SQLite; say which errors mean that the
database cannot be reached. Does not: create tables.
Writers of all processes stand in one line on either kind (SQLite's own lock, an advisory lock on PostgreSQL), so
what a write has read stays true until it is committed. Readers see one state: a snapshot on both.
"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from ovis.engine.declare.faults import Fault, InvalidValue

_WRITER = "ovis_writer"
_WRITERS_LINE = 0x6F766973  # the advisory lock's number
_SQLITE_OUT_OF_REACH = frozenset((5, 6, 7, 8, 10, 13, 14))  # busy, locked, no memory, read-only, I/O, full, cannot open


class DatabaseLost(Fault):
    """The database cannot be reached, or cannot write. unknown: what was sent may have been committed nevertheless."""

    status = 503
    reason = "Database unavailable"

    def __init__(self, detail: str, *, unknown: bool = False) -> None:
        super().__init__(detail)
        self.unknown = unknown


class DatabaseUnfit(Fault):
    """A database that this engine must not use. detail: why, and what to do."""

    status = 500


def open_database(url: str) -> sa.Engine:
    """An engine for `sqlite:///PATH` or `postgresql://...` (psycopg)."""
    if url.startswith(("postgresql://", "postgres://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    made = sa.make_url(url)
    if made.get_backend_name() == "sqlite":
        if made.database and made.database != ":memory:":
            Path(made.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(made, connect_args={"timeout": 30, "check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if made.get_backend_name() != "postgresql":
        raise DatabaseUnfit(f"Databases are sqlite:///PATH or postgresql://..., not {made.drivername}.")
    # No ping before each use: the store begins again on a new connection when the first statement shows a dead one.
    engine = sa.create_engine(made, pool_size=10)
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def for_writing(engine: sa.Engine) -> sa.Engine:
    """The same database for transactions that write: each waits until it is the only one."""
    return engine.execution_options(**{_WRITER: True})


def for_reading(engine: sa.Engine) -> sa.Engine:
    """The same database for transactions that only read: each sees one state."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine


def understood(err: BaseException, *, sent: bool = False) -> BaseException:
    """The fault that a driver's error means, or the error itself. sent: it came while committing."""
    if not isinstance(err, sa.exc.DBAPIError):
        return err
    if isinstance(err, sa.exc.DataError):
        return InvalidValue(f"A value cannot be stored: {err.orig}")
    if err.connection_invalidated or _out_of_reach(err):
        return DatabaseLost(f"The database cannot be reached or is full: {err.orig}", unknown=sent)
    return err


def _out_of_reach(err: sa.exc.DBAPIError) -> bool:
    if not isinstance(err, (sa.exc.OperationalError, sa.exc.InterfaceError)):
        return False
    code = getattr(err.orig, "sqlite_errorcode", None)
    if code is not None:
        return (code & 0xFF) in _SQLITE_OUT_OF_REACH
    state = getattr(err.orig, "sqlstate", None)
    # No state: the connection failed. 08: connection, 53: resources, 57: the server is going down, 58: its system.
    return state is None or state[:2] in ("08", "53", "57", "58")


def _fold(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late for savepoints
    # SQLite's own knows ASCII alone; names are compared ignoring case in every script.
    connection.create_function("lower", 1, _fold, deterministic=True)
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-8000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # A deferred transaction that reads first and writes later fails if another process wrote in between.
    writes = connection.get_execution_options().get(_WRITER)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Any) -> None:
    if connection.get_execution_options().get(_WRITER):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_LINE})")


def forget_traces(engine: sa.Engine) -> None:
    """What was overwritten is not left in free pages of a file. On PostgreSQL its own vacuum does that in time."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        driver = connection.driver_connection
        assert driver is not None
        driver.execute("VACUUM")
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
