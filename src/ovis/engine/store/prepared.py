"""Statements that are sent very often: compiled once for each kind of database, then handed straight to its driver.

Does: what `Connection.execute` does for a known statement, at a tenth of its cost. Does not: convert types beyond what
drivers do (texts, numbers, truth, bytes). Errors are SQLAlchemy's, as everywhere. Whoever listens to statements
(`before_cursor_execute`) hears of these, too.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection


class _Ready(NamedTuple):
    text: str
    names: tuple[str, ...] | None  # of positional parameters, in order
    constants: dict[str, Any]  # values that the statement itself holds


class Prepared:
    """One statement. Its parameters are `bindparam`s; lists of values are made by `listed`."""

    __slots__ = ("_ready", "statement")

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._ready: dict[str, _Ready] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Run it and fetch everything."""
        found: list[Any] = self._run(connection, values).fetchall()
        return found

    def count(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Run it; how many rows it changed."""
        return int(self._run(connection, values).rowcount)

    def _run(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        dialect = connection.dialect
        ready = self._ready.get(dialect.name) or self._compile(dialect)
        if ready.constants:
            values = {**ready.constants, **values}
        given: Any = values if ready.names is None else tuple([values[name] for name in ready.names])
        return run(connection, ready.text, given)

    def _compile(self, dialect: Any) -> _Ready:
        compiled = self.statement.compile(dialect=dialect)
        names = tuple(compiled.positiontup) if compiled.positional else None
        constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        ready = self._ready[dialect.name] = _Ready(str(compiled), names, constants)
        return ready


def run(connection: Connection, text: str, given: Any = ()) -> Any:
    """Send a text in the database's own words; a cursor, or SQLAlchemy's result if somebody listens."""
    if connection.dispatch.before_cursor_execute:
        return connection.exec_driver_sql(text, given)
    if not connection.in_transaction():
        connection.begin()
    raw: Any = connection.connection.driver_connection
    try:
        return raw.execute(text, given)
    except Exception as err:
        if not isinstance(err, connection.dialect.loaded_dbapi.Error):
            raise
        raise _translated(connection, text, given, err) from err


def _translated(connection: Connection, text: str, given: Any, err: Exception) -> BaseException:
    """What SQLAlchemy makes of a driver's error; a connection that is lost is given up."""
    dialect: Any = connection.dialect
    base = dialect.loaded_dbapi.Error
    lost = dialect.is_disconnect(err, connection.connection.driver_connection, None)
    made = sa.exc.DBAPIError.instance(
        text, given, err, base, connection_invalidated=lost, dialect=dialect, hide_parameters=False
    )
    if lost:
        connection.invalidate(err)
    return made
