"""Tables as declared by resources: an id, a version, a document, and the few columns that SQL needs.

Does: describe a table once and build the SQLAlchemy table of it. Does not: open a database.
Every column is computed from the document, so a fact is stored once and indexed as often as wanted.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from ovis.engine.declare.faults import InvalidValue
from ovis.engine.store.prepared import Prepared

_LONGEST_INDEXED = 2000  # bytes; PostgreSQL's trees take rows up to a third of a page
ColumnKind = Literal["text", "int", "float", "bool", "time"]

# Byte order on both back ends, so that prefix ranges use the index and sorting agrees.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TYPES: dict[str, Any] = {
    "text": _TEXT,
    "int": sa.BigInteger(),
    "float": sa.Float(),
    "bool": sa.Boolean(),
    "time": sa.BigInteger(),  # milliseconds since the epoch
}


def _follow(document: Any, path: str) -> Any:
    for part in path.split("."):
        if document is None:
            return None
        document = getattr(document, part)
    return document


def _plain(value: Any, kind: ColumnKind) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000) if kind == "time" else value.isoformat()
    return value


def fit_for_text(value: str) -> bool:
    """Whether both databases can hold a text: no NUL, no half of a surrogate pair."""
    if "\0" in value:
        return False
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True


def fit_for_integer(value: int) -> bool:
    """Whether a number has 64 bits."""
    return -(1 << 63) <= value < 1 << 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One indexed column. path: dotted attribute of the document, or value(document) where a path is not enough.

    key: lower-cased, for names that are compared and sorted ignoring case. references: table whose id it holds, as a
    real foreign key. on_delete: `restrict` (default) or `cascade`.
    """

    name: str
    path: str | None = None
    value: Callable[[Any], Any] | None = None
    kind: ColumnKind = "text"
    key: bool = False
    references: str | None = None
    on_delete: Literal["restrict", "cascade"] = "restrict"
    index: bool = True
    unique: bool = False

    def read(self, document: Any) -> Any:
        """The column's value in a document. InvalidValue if no database could hold it."""
        found = self.value(document) if self.value else _follow(document, self.path or self.name)
        found = _plain(found, self.kind)
        if isinstance(found, str):
            return self._text(found)
        if isinstance(found, int) and not fit_for_integer(found):
            raise InvalidValue(f"The {self._label} is out of range.")
        return found

    def _text(self, found: str) -> str:
        if not fit_for_text(found):
            raise InvalidValue(f"The {self._label} contains a character that cannot be stored.")
        if len(found) > _LONGEST_INDEXED // 4 and (self.index or self.key) and len(found.encode()) > _LONGEST_INDEXED:
            raise InvalidValue(f"The {self._label} is too long.")
        return found.lower() if self.key else found

    @property
    def _label(self) -> str:
        return (self.path or self.name).replace("_", " ").replace(".", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of documents of one type. unique: groups of columns. serial: ids are increasing integers made here.

    by_hand: its rows are also changed by statements of their own, so that no memory of them can be trusted.
    """

    name: str
    type: Any
    columns: tuple[Column, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    serial: bool = False
    by_hand: bool = False

    def build(self, metadata: sa.MetaData) -> sa.Table:
        """The SQLAlchemy table of this declaration."""
        id_type: Any = sa.BigInteger().with_variant(sa.Integer(), "sqlite") if self.serial else sa.String(255)
        parts: list[Any] = [
            sa.Column("id", id_type, primary_key=True, autoincrement=self.serial),
            sa.Column("version", sa.BigInteger(), nullable=False),
            sa.Column("doc", sa.LargeBinary(), nullable=False),
        ]
        for column in self.columns:
            kind = sa.String(255) if column.references else _TYPES[column.kind]
            extra = (
                [sa.ForeignKey(f"{column.references}.id", ondelete=column.on_delete.upper())]
                if column.references
                else []
            )
            parts.append(sa.Column(column.name, kind, *extra, nullable=True))
        made = sa.Table(
            self.name,
            metadata,
            *parts,
            *(sa.UniqueConstraint(*group, name=f"uq_{self.name}_{'_'.join(group)}") for group in self.unique),
            sqlite_autoincrement=self.serial,
        )
        for column in self.columns:
            if column.index:
                sa.Index(f"ix_{self.name}_{column.name}", made.c[column.name], unique=column.unique)
        return made

    def values(self, document: Any) -> dict[str, Any]:
        """Column values of a document, without id, version and doc."""
        return {column.name: column.read(document) for column in self.columns}


def name_columns() -> tuple[Column, ...]:
    """The usual pair: the name as given, and its lower-cased key."""
    return (Column(name="name", index=False), Column(name="name_key", path="name", key=True))


def _listed(column: Any, dialect: str, name: str) -> Any:
    """`column IN` the values of one parameter; see `list_parameter`."""
    given: Any = sa.bindparam(name)
    if dialect == "sqlite":
        return column.in_(sa.select(sa.func.json_each(given).table_valued("value").c.value))
    kind = column.type if isinstance(column.type, sa.Integer) else sa.Text()
    return column == sa.any_(sa.cast(given, ARRAY(kind)))


def list_parameter(values: Sequence[Any], dialect: str) -> Any:
    """Values as the parameter of a list."""
    return json.dumps(values, default=str) if dialect == "sqlite" else list(values)


class Statements:
    """The statements that every document goes through, built once for each table and kind of database.

    Parameters: `the_id`, `keys` (a list), `version`, and the columns by name.
    """

    def __init__(self, sql: sa.Table, dialect: str) -> None:
        self._sql, self._dialect = sql, dialect
        key = sql.c.id == sa.bindparam("the_id")
        keys = _listed(sql.c.id, dialect, "keys")
        columns: dict[str, Any] = {c.name: sa.bindparam(c.name) for c in sql.c if c.name not in ("id", "version")}
        given = {"version": sa.bindparam("version"), **columns}
        self.get = Prepared(sa.select(sql.c.id, sql.c.version).where(key))
        self.get_many = Prepared(sa.select(sql.c.id, sql.c.version).where(keys))
        self.document = Prepared(sa.select(sql.c.id, sql.c.version, sql.c.doc).where(key))
        self.documents = Prepared(sa.select(sql.c.id, sql.c.version, sql.c.doc).where(keys))
        self.insert = Prepared(sql.insert().values(id=sa.bindparam("the_id"), **given))
        self.number = Prepared(sql.insert().values(**given).returning(sql.c.id))
        self.update = Prepared(
            sql.update().where(key).values(version=sql.c.version + 1, **columns).returning(sql.c.version)
        )
        self.delete = Prepared(sql.delete().where(key))
        self._finds: dict[Any, Prepared] = {}

    def find(self, conditions: Sequence[tuple[str, str]], order: Sequence[str], limit: int | None) -> Prepared:
        """Rows whose columns are `equal` to a value, `among` a list, or `null`; parameters by the columns' names."""
        key = (tuple(conditions), tuple(order), limit)
        found = self._finds.get(key)
        if found is None:
            query = self._where(sa.select(self._sql.c.id, self._sql.c.version), conditions)
            by_default = [self._sql.c.name_key, self._sql.c.id] if "name_key" in self._sql.c else [self._sql.c.id]
            query = query.order_by(*([self._sql.c[name] for name in order] or by_default))
            found = self._finds[key] = Prepared(query if limit is None else query.limit(sa.literal_column(str(limit))))
        return found

    def count(self, conditions: Sequence[tuple[str, str]]) -> Prepared:
        """How many such rows there are."""
        key = (tuple(conditions), "count")
        found = self._finds.get(key)
        if found is None:
            query = self._where(sa.select(sa.func.count()).select_from(self._sql), conditions)
            found = self._finds[key] = Prepared(query)
        return found

    def remove(self, conditions: Sequence[tuple[str, str]]) -> Prepared:
        """Delete such rows, answering their ids."""
        key = (tuple(conditions), "delete")
        found = self._finds.get(key)
        if found is None:
            found = self._finds[key] = Prepared(self._where(self._sql.delete(), conditions).returning(self._sql.c.id))
        return found

    def _where(self, query: Any, conditions: Sequence[tuple[str, str]]) -> Any:
        for name, how in conditions:
            column = self._sql.c[name]
            if how == "among":
                query = query.where(_listed(column, self._dialect, f"p_{name}"))
            else:
                query = query.where(column.is_(None) if how == "null" else column == sa.bindparam(f"p_{name}"))
        return query


class Schema:
    """All tables of a composition, by name and by document type."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.metadata = sa.MetaData()
        self.by_name: dict[str, Table] = {}
        self.by_type: dict[type, Table] = {}
        self.sql: dict[str, sa.Table] = {}
        self._statements: dict[tuple[str, str], Statements] = {}
        for table in tables:
            if table.name in self.by_name:
                raise ValueError(f"two tables are named {table.name}")
            if table.type in self.by_type:
                raise ValueError(f"two tables hold {table.type.__name__}")
            self.by_name[table.name] = table
            self.by_type[table.type] = table
            self.sql[table.name] = table.build(self.metadata)
        # Rows that go with a row: table -> (child table, the column that names it).
        self.cascades: dict[str, list[tuple[str, str]]] = {name: [] for name in self.by_name}
        for table in tables:
            for column in table.columns:
                if column.references is not None and column.on_delete == "cascade":
                    self.cascades.setdefault(column.references, []).append((table.name, column.name))

    def statements(self, table: str, dialect: str) -> Statements:
        """A table's statements for one kind of database."""
        found = self._statements.get((table, dialect))
        if found is None:
            found = self._statements[(table, dialect)] = Statements(self.sql[table], dialect)
        return found

    def of(self, type_: type) -> Table:
        """The table that holds documents of `type_`."""
        return self.by_type[type_]
