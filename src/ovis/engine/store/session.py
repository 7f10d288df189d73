"""Reading and writing documents inside one transaction: what operations are handed as `rd` and `tx`.

Does: get, find, select in sets; insert, update, delete with version and columns kept in step; collect what changed.
Does not: commit (the writer does), or wait for anything. Documents are frozen structs: change one by `replace`.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ovis.engine.declare.faults import NotFound
from ovis.engine.store.cache import DocumentCache
from ovis.engine.store.tables import Schema, Table

T = TypeVar("T")
_CHUNK = 500  # ids in one IN list; SQLite's limit on variables is far above, plans stay small
Operation = Literal["insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Change:
    """One committed change: what the live stream, caches and reactions are told."""

    table: str
    id: str
    operation: Operation
    version: int
    document: Any


class Reader:
    """Sees one consistent state. Types are looked up in the schema: `rd.get(Vm, id)`."""

    def __init__(self, connection: Connection, schema: Schema, cache: DocumentCache) -> None:
        self.connection = connection
        self.schema = schema
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
        """Documents by id; ids that do not exist are left out."""
        table = self.schema.of(type_)
        sql = self.schema.sql[table.name]
        wanted: list[Any] = list(dict.fromkeys(ids))
        if table.serial:
            wanted = [int(i) for i in wanted if str(i).isdigit()]
        found: dict[str, T] = {}
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            condition = sql.c.id == chunk[0] if len(chunk) == 1 else sql.c.id.in_(chunk)
            for row in self._documents(table, sa.select(sql.c.id, sql.c.version).where(condition)):
                found[row[0]] = row[2]
        return found

    def find(self, type_: type[T], **columns: Any) -> list[T]:
        """Documents whose columns equal the values (a list, tuple or set: are among them), by name if there is one."""
        table = self.schema.of(type_)
        sql = self.schema.sql[table.name]
        return self.select(type_, *self._conditions(sql, columns))

    def one(self, type_: type[T], **columns: Any) -> T | None:
        """The first such document, or None."""
        sql = self.sql(type_)
        found = self.select(type_, *self._conditions(sql, columns), limit=1)
        return found[0] if found else None

    def count(self, type_: type, **columns: Any) -> int:
        """How many documents match."""
        sql = self.sql(type_)
        query = sa.select(sa.func.count()).select_from(sql).where(*self._conditions(sql, columns))
        return int(self.connection.execute(query).scalar_one())

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
            query = query.limit(limit)
        if offset:
            query = query.offset(offset)
        return self._documents(table, query)

    def keys(self, query: Any) -> list[tuple[str, int]]:
        """(id, version) rows of a ready query over one table, in its order."""
        return [(str(row[0]), row[1]) for row in self.connection.execute(query)]

    def rows(self, query: Any) -> Sequence[Any]:
        """Rows of any SQL select."""
        return self.connection.execute(query).fetchall()

    def _conditions(self, sql: sa.Table, columns: Mapping[str, Any]) -> list[Any]:
        return [
            sql.c[name].in_(list(value)) if isinstance(value, (list, tuple, set, frozenset)) else sql.c[name] == value
            for name, value in columns.items()
        ]

    def _documents(self, table: Table, query: Any) -> list[tuple[str, int, Any]]:
        keys = [(row[0], row[1]) for row in self.connection.execute(query)]
        found: dict[Any, Any] = {}
        missing = []
        for id_, version in keys:
            document = self._cache.get(table.name, str(id_), version)
            if document is None:
                missing.append(id_)
            else:
                found[id_] = document
        sql = self.schema.sql[table.name]
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            for id_, version, doc in self.connection.execute(
                sa.select(sql.c.id, sql.c.version, sql.c.doc).where(sql.c.id.in_(chunk))
            ):
                document = self._cache.decode(table.type, doc)
                self._keep(table, str(id_), version, document)
                found[id_] = document
        return [(str(id_), version, found[id_]) for id_, version in keys if id_ in found]

    def _keep(self, table: Table, id_: str, version: int, document: Any) -> None:
        self._cache.put(table.name, id_, version, document)


class Tx(Reader):
    """A reader that also writes. Everything is undone if the operation raises."""

    def __init__(self, connection: Connection, schema: Schema, cache: DocumentCache) -> None:
        super().__init__(connection, schema, cache)
        self.changes: list[Change] = []
        self.afterwards: list[Callable[[], None]] = []

    def insert(self, document: T) -> T:
        """Store a new document; a serial table gives it its id. Returns the document as stored."""
        type_: Any = type(document)
        table = self.schema.of(type_)
        sql = self.schema.sql[table.name]
        # Starts from the clock, so that an id that is used again never repeats a version (row caches rely on it).
        version = time.time_ns() // 1000
        kept: Any = document
        if table.serial:
            result = self.connection.execute(
                sql.insert().values(version=version, doc=msgspec.json.encode(document), **table.values(document))
            )
            key = result.inserted_primary_key
            assert key is not None
            kept = msgspec.structs.replace(kept, id=str(key[0]))
            self.connection.execute(sql.update().where(sql.c.id == key[0]).values(doc=msgspec.json.encode(kept)))
        else:
            self.connection.execute(
                sql.insert().values(
                    id=kept.id, version=version, doc=msgspec.json.encode(document), **table.values(document)
                )
            )
        self.changes.append(Change(table.name, kept.id, "insert", version, kept))
        return kept  # type: ignore[no-any-return]

    def update(self, document: T) -> T:
        """Replace the stored document of the same id; NotFound if it is gone."""
        type_: Any = type(document)
        table = self.schema.of(type_)
        sql = self.schema.sql[table.name]
        kept: Any = document
        id_ = int(kept.id) if table.serial else kept.id
        result = self.connection.execute(
            sql.update()
            .where(sql.c.id == id_)
            .values(version=sql.c.version + 1, doc=msgspec.json.encode(document), **table.values(document))
            .returning(sql.c.version)
        ).first()
        if result is None:
            raise NotFound(f"{type_.__name__}: id={kept.id}")
        self.changes.append(Change(table.name, kept.id, "update", result[0], document))
        return document

    def put(self, document: T) -> T:
        """Insert or update."""
        kept: Any = document
        return self.update(document) if self.get(type(kept), kept.id) is not None else self.insert(document)

    def delete(self, type_: type, id_: str) -> None:
        """Remove the document; NotFound if it is gone."""
        table = self.schema.of(type_)
        sql = self.schema.sql[table.name]
        result = self.connection.execute(sql.delete().where(sql.c.id == (int(id_) if table.serial else id_)))
        if result.rowcount == 0:
            raise NotFound(f"{type_.__name__}: id={id_}")
        self.changes.append(Change(table.name, id_, "delete", 0, None))

    def after_commit(self, run: Callable[[], None]) -> None:
        """Call `run` in the engine's loop once this transaction is on disk."""
        self.afterwards.append(run)

    def _keep(self, table: Table, id_: str, version: int, document: Any) -> None:
        """Nothing is kept from inside a transaction: it may still be undone."""
