"""Reading and writing documents inside one transaction: what operations are handed as `rd` and `tx`.

Does: get, find, select in sets; insert, update, delete with version and columns kept in step; collect what changed.
Does not: commit (the writer does), or wait for anything. Documents are frozen structs: change one by `replace`.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection

from ovis.engine.declare.faults import InvalidValue, NotFound
from ovis.engine.store.cache import DocumentCache
from ovis.engine.store.prepared import Prepared
from ovis.engine.store.tables import Schema, Statements, Table, fit_for_integer, fit_for_text, list_parameter

T = TypeVar("T")
_CHUNK = 500  # ids in one IN list; SQLite's limit on variables is far above, plans stay small
MOST_ROWS = 1 << 31  # nobody means more, and no multiple of it that can occur is too large for either database
Operation = Literal["insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Change:
    """One committed change: what the live stream, caches and reactions are told.

    id "" (deletes alone): rows of the table that nobody counted; whoever remembers any of them forgets all.
    previous: the document before, if it was remembered; listeners alone are told.
    """

    table: str
    id: str
    operation: Operation
    version: int
    document: Any
    previous: Any = None


class _Clock:
    """Versions of new rows: from the clock, never the same or less twice, even if the clock is set back."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return self._last

    def given(self, version: int) -> None:
        """An update reached this version."""
        self._last = max(self._last, version)


_VERSIONS = _Clock()


def among(connection: Connection, column: Any, values: Iterable[Any]) -> Any:
    """`column IN values`, for any number of values: a long list travels as one parameter."""
    wanted = list(values)
    if len(wanted) <= _CHUNK:
        return column.in_(wanted)
    number = isinstance(column.type, sa.Integer)
    texts = json.dumps(wanted, default=str)
    if connection.dialect.name == "sqlite":
        return column.in_(sa.select(sa.func.json_each(texts).table_valued("value").c.value))
    listed: Any = sa.func.jsonb_array_elements_text(sa.cast(sa.literal(texts, sa.Text()), JSONB)).column_valued()
    return column.in_(sa.select(sa.cast(listed, sa.BigInteger) if number else listed))


class Reader:
    """Sees one consistent state. Types are looked up in the schema: `rd.get(Vm, id)`.

    counters: how many changes of each table had been committed when this began (what is kept by them is not newer).
    """

    def __init__(
        self, connection: Connection, schema: Schema, cache: DocumentCache, counters: Mapping[str, int] | None = None
    ) -> None:
        self.connection = connection
        self.schema = schema
        # Before the first statement, which is what fixes the state that is seen.
        self._since = cache.generation
        self.counters: Mapping[str, int] = dict(counters or {})
        self._cache = cache

    def sql(self, type_: type) -> sa.Table:
        """The SQLAlchemy table of a type, for conditions: `rd.sql(Vm).c.cluster_id == x`."""
        return self.schema.sql[self.schema.of(type_).name]

    def get(self, type_: type[T], id_: str | None) -> T | None:
        """The document, or None."""
        if id_ is None:
            return None
        found = self.get_many(type_, (id_,))
        return found.get(id_)

    def need(self, type_: type[T], id_: str | None) -> T:
        """The document; NotFound otherwise."""
        found = self.get(type_, id_)
        if found is None:
            raise NotFound(f"{type_.__name__}: id={id_}")
        return found

    def get_many(self, type_: type[T], ids: Iterable[str]) -> dict[str, T]:
        """Documents by id; ids that do not exist (or that nothing could have) are left out."""
        table = self.schema.of(type_)
        wanted = [key for key in (_key(table, id_) for id_ in dict.fromkeys(ids)) if key is not None]
        found, asked = self._remembered(table, wanted)
        if not asked:
            return found
        statements = self._statements(table)
        if len(asked) == 1:
            rows = statements.get.rows(self.connection, {"the_id": asked[0]})
        else:
            rows = statements.get_many.rows(self.connection, {"keys": list_parameter(asked, self._dialect)})
        for id_, _, document in self._fetched(table, rows):
            found[id_] = document
        return found

    def find(self, type_: type[T], **columns: Any) -> list[T]:
        """Documents whose columns equal the values (a list, tuple or set: are among them), by name if there is one."""
        return self.find_in_order(type_, (), **columns)

    def find_in_order(self, type_: type[T], order: Sequence[str], limit: int | None = None, **columns: Any) -> list[T]:
        """`find`, ordered by these columns."""
        table = self.schema.of(type_)
        conditions, values = self._compared(columns)
        if values is None:
            return []
        rows = self._statements(table).find(conditions, order, limit).rows(self.connection, values)
        return [row[2] for row in self._fetched(table, rows)]

    def one(self, type_: type[T], **columns: Any) -> T | None:
        """The first such document, or None."""
        found = self.find_in_order(type_, (), 1, **columns)
        return found[0] if found else None

    def count(self, type_: type, **columns: Any) -> int:
        """How many documents match."""
        conditions, values = self._compared(columns)
        if values is None:
            return 0
        statement = self._statements(self.schema.of(type_)).count(conditions)
        return int(statement.rows(self.connection, values)[0][0])

    def select(
        self,
        type_: type[T],
        *where: Any,
        order: Sequence[Any] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[T]:
        """Documents by SQL conditions over `rd.sql(type_)`. Default order: name key, then id."""
        return [row[2] for row in self.select_rows(type_, *where, order=order, limit=limit, offset=offset)]

    def select_rows(
        self,
        type_: type[T],
        *where: Any,
        order: Sequence[Any] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[tuple[str, int, T]]:
        """Like `select`, as (id, version, document)."""
        table = self.schema.of(type_)
        sql = self.schema.sql[table.name]
        query = sa.select(sql.c.id, sql.c.version).where(*where)
        if order is None:
            order = [sql.c.name_key, sql.c.id] if "name_key" in sql.c else [sql.c.id]
        query = query.order_by(*order)
        if limit is not None:
            query = query.limit(min(limit, MOST_ROWS))
        if offset:
            query = query.offset(offset)
        return self._documents(table, query)

    def among(self, column: Any, values: Iterable[Any]) -> Any:
        """`column IN values` for conditions, for any number of values."""
        return among(self.connection, column, values)

    def keys(self, query: Any) -> list[tuple[str, int]]:
        """(id, version) rows of a ready query over one table, in its order."""
        return [(str(row[0]), row[1]) for row in self.connection.execute(query)]

    def rows(self, query: Any) -> Sequence[Any]:
        """Rows of any SQL select."""
        return self.connection.execute(query).fetchall()

    def prepared(self, statement: Prepared, **values: Any) -> list[Any]:
        """Rows of a prepared select."""
        return statement.rows(self.connection, values)

    @property
    def _dialect(self) -> str:
        return self.connection.dialect.name

    def _statements(self, table: Table) -> Statements:
        return self.schema.statements(table.name, self._dialect)

    def _compared(self, columns: Mapping[str, Any]) -> tuple[list[tuple[str, str]], dict[str, Any] | None]:
        """Conditions and parameters of `Statements.find`; no parameters if nothing can fit."""
        conditions: list[tuple[str, str]] = []
        values: dict[str, Any] = {}
        for name, value in columns.items():
            if isinstance(value, (list, tuple, set, frozenset)):
                possible = [v for v in value if _possible(v)]
                if not possible:
                    return conditions, None
                conditions.append((name, "among"))
                values[f"p_{name}"] = list_parameter(possible, self._dialect)
            elif value is None:
                conditions.append((name, "null"))
            elif not _possible(value):
                return conditions, None
            else:
                conditions.append((name, "equal"))
                values[f"p_{name}"] = value
        return conditions, values

    def _remembered(self, table: Table, ids: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        """Documents that are known to be as stored, and the ids that the database is asked for."""
        return {}, ids

    def _documents(self, table: Table, query: Any) -> list[tuple[str, int, Any]]:
        return self._fetched(table, self.connection.execute(query).fetchall())

    def _fetched(self, table: Table, rows: Sequence[Any]) -> list[tuple[str, int, Any]]:
        """Rows that begin with id and version, with their documents."""
        found: dict[Any, Any] = {}
        missing = []
        keys = [(row[0], row[1]) for row in rows]
        for id_, version in keys:
            document = self._known(table.name, str(id_), version)
            if document is None:
                missing.append(id_)
            else:
                found[id_] = document
        if missing:
            statements = self._statements(table)
            if len(missing) == 1:
                read = statements.document.rows(self.connection, {"the_id": missing[0]})
            else:
                read = statements.documents.rows(self.connection, {"keys": list_parameter(missing, self._dialect)})
            for id_, version, doc in read:
                document = self._cache.decode(table.type, doc)
                if table.serial:  # its number is made by the database, so the document is stored without
                    document = msgspec.structs.replace(document, id=str(id_))
                self._keep(table.name, str(id_), version, document)
                found[id_] = document
        return [(str(id_), version, found[id_]) for id_, version in keys if id_ in found]

    def _known(self, table: str, id_: str, version: int) -> Any | None:
        return self._cache.get(table, id_, version)

    def _keep(self, table: str, id_: str, version: int, document: Any) -> None:
        self._cache.put(table, id_, version, document, since=self._since)


def _key(table: Table, id_: str) -> Any | None:
    """An id as the table has it; None if no row can have it."""
    if not table.serial:
        return id_ if fit_for_text(id_) else None
    # A number and nothing else: `int` would also take "²", "1_0" and spaces.
    return int(id_) if id_.isascii() and id_.isdigit() and len(id_) <= 18 else None


def _encoded(document: Any) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError as err:
        raise InvalidValue("A text contains a character that cannot be stored.") from err


def _possible(value: Any) -> bool:
    """Whether a column can hold the value, so that asking for it makes sense."""
    if isinstance(value, str):
        return fit_for_text(value)
    return not isinstance(value, int) or fit_for_integer(value)


class Group:
    """Transactions that share a commit. touched: what those before have changed; it is in no memory yet."""

    def __init__(self) -> None:
        self.touched: set[Any] = set()

    def add(self, changes: Iterable[Change]) -> None:
        """One more of them is through."""
        for change in changes:
            self.touched.add((change.table, change.id) if change.id else change.table)


class Tx(Reader):
    """A reader that also writes. Everything is undone if the operation raises. owner: the engine that writes."""

    def __init__(
        self,
        connection: Connection,
        schema: Schema,
        cache: DocumentCache,
        counters: Mapping[str, int] | None = None,
        *,
        owner: str = "",
        group: "Group | None" = None,
    ) -> None:
        super().__init__(connection, schema, cache, counters)
        self.owner = owner
        self._group = group
        self.changes: list[Change] = []
        self.afterwards: list[Callable[[], None]] = []
        self._own: dict[tuple[str, str], tuple[int, Any]] = {}
        self._touched: set[tuple[str, str]] = set()

    def insert(self, document: T) -> T:
        """Store a new document; a serial table gives it its id unless it has one. Returns the document as stored."""
        type_: Any = type(document)
        table = self.schema.of(type_)
        statements = self._statements(table)
        # Starts from the clock, so that an id that is used again never repeats a version (row caches rely on it).
        version = _VERSIONS.next()
        kept: Any = document
        values = {"version": version, **table.values(document), "doc": _encoded(document)}
        if table.serial and kept.id is None:
            kept = msgspec.structs.replace(kept, id=str(statements.number.rows(self.connection, values)[0][0]))
        else:
            key = int(kept.id) if table.serial else kept.id
            statements.insert.count(self.connection, {"the_id": key, **values})
        self._changed(table.name, kept.id, "insert", version, kept)
        return kept  # type: ignore[no-any-return]

    def update(self, document: T) -> T:
        """Replace the stored document of the same id; NotFound if it is gone."""
        type_: Any = type(document)
        table = self.schema.of(type_)
        kept: Any = document
        values = {"the_id": _key(table, kept.id), **table.values(document), "doc": _encoded(document)}
        result = self._statements(table).update.rows(self.connection, values)
        if not result:
            raise NotFound(f"{type_.__name__}: id={kept.id}")
        version = result[0][0]
        _VERSIONS.given(version)
        self._changed(table.name, kept.id, "update", version, document)
        return document

    def put(self, document: T) -> T:
        """Insert or update."""
        kept: Any = document
        return self.update(document) if self.get(type(kept), kept.id) is not None else self.insert(document)

    def delete(self, type_: type, id_: str) -> None:
        """Remove the document and the rows that go with it; NotFound if it is gone."""
        table = self.schema.of(type_)
        key = _key(table, id_)
        with_it = self._going_with(table.name, [key])
        if key is None or not self._statements(table).delete.count(self.connection, {"the_id": key}):
            raise NotFound(f"{type_.__name__}: id={id_}")
        for gone_table, gone_id in (*with_it, (table.name, id_)):
            self._changed(gone_table, gone_id, "delete", 0, None)

    def delete_where(self, type_: type, *where: Any) -> int:
        """Remove every document that the conditions over `tx.sql(type_)` fit. How many there were."""
        table = self.schema.of(type_)
        sql = self.schema.sql[table.name]
        with_it: list[tuple[str, str]] = []
        if self.schema.cascades.get(table.name):
            with_it = self._going_with(table.name, [row[0] for row in self.rows(sa.select(sql.c.id).where(*where))])
        gone = self.rows(sql.delete().where(*where).returning(sql.c.id))
        for gone_table, gone_id in (*with_it, *((table.name, str(row[0])) for row in gone)):
            self._changed(gone_table, gone_id, "delete", 0, None)
        return len(gone)

    def delete_found(self, type_: type, **columns: Any) -> int:
        """`delete_where` by columns as `find` compares them, for tables whose rows take no others with them."""
        table = self.schema.of(type_)
        assert not self.schema.cascades.get(table.name), table.name
        conditions, values = self._compared(columns)
        if values is None:
            return 0
        gone = self._statements(table).remove(conditions).rows(self.connection, values)
        for row in gone:
            self._changed(table.name, str(row[0]), "delete", 0, None)
        return len(gone)

    def after_commit(self, run: Callable[[], None]) -> None:
        """Call `run` in the engine's loop once this transaction is on disk."""
        self.afterwards.append(run)

    def _going_with(self, table: str, keys: Sequence[Any]) -> list[tuple[str, str]]:
        """(table, id) of the rows that the database removes together with these."""
        found: list[tuple[str, str]] = []
        for child, column in self.schema.cascades.get(table, ()):
            sql = self.schema.sql[child]
            ids = [row[0] for row in self.rows(sa.select(sql.c.id).where(self.among(sql.c[column], keys)))]
            if ids:
                found += self._going_with(child, ids)
                found += [(child, str(id_)) for id_ in ids]
        return found

    def _changed(self, table: str, id_: str, operation: Operation, version: int, document: Any) -> None:
        self.changes.append(Change(table, id_, operation, version, document))
        self._touched.add((table, id_))
        if operation == "delete":
            self._own.pop((table, id_), None)
        else:
            self._own[(table, id_)] = (version, document)

    def _remembered(self, table: Table, ids: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        """Nobody else writes while this transaction lasts: what was committed last is what is stored."""
        group = self._group
        if group is None or table.by_hand:
            return {}, ids
        found: dict[str, Any] = {}
        asked = []
        for id_ in ids:
            key = (table.name, str(id_))
            if key in self._touched:
                known = self._own.get(key)
            elif key in group.touched or table.name in group.touched:
                known = None
            else:
                known = self._cache.latest(*key)
            if known is None:
                asked.append(id_)
            else:
                found[key[1]] = known[1]
        return found, asked

    def _known(self, table: str, id_: str, version: int) -> Any | None:
        own = self._own.get((table, id_))
        return own[1] if own is not None and own[0] == version else self._cache.get(table, id_, version)

    def _keep(self, table: str, id_: str, version: int, document: Any) -> None:
        """Kept for this transaction alone: what it sees may still be undone."""
        self._own[(table, id_)] = (version, document)
