"""Opening SQLite and PostgreSQL the way the engine needs them.

Does: make SQLAlchemy engines with WAL, full durability and real transactions on SQLite. Does not: create tables.
"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event


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
    return sa.create_engine(made, pool_size=10, pool_pre_ping=True)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late for savepoints
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")
