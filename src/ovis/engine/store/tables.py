"""Tables as declared by resources: an id, a version, a document, and the few columns that SQL needs.

Does: describe a table once and build the SQLAlchemy table of it. Does not: open a database.
Every column is computed from the document, so a fact is stored once and indexed as often as wanted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal

import sqlalchemy as sa

from ovis.engine.declare.faults import InvalidValue

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
    """A table of documents of one type. unique: groups of columns. serial: ids are increasing integers made here."""

    name: str
    type: Any
    columns: tuple[Column, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    serial: bool = False

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


class Statements:
    """The statements that every document goes through, built once for each table."""

    def __init__(self, sql: sa.Table) -> None:
        key = sql.c.id == sa.bindparam("key")
        keys = sql.c.id.in_(sa.bindparam("keys", expanding=True))
        columns: dict[str, Any] = {c.name: sa.bindparam(c.name) for c in sql.c if c.name not in ("id", "version")}
        self.get = sa.select(sql.c.id, sql.c.version).where(key)
        self.get_many = sa.select(sql.c.id, sql.c.version).where(keys)
        self.documents = sa.select(sql.c.id, sql.c.version, sql.c.doc).where(keys)
        self.insert = sql.insert()
        self.update = sql.update().where(key).values(version=sql.c.version + 1, **columns).returning(sql.c.version)
        self.delete = sql.delete().where(key)


class Schema:
    """All tables of a composition, by name and by document type."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.metadata = sa.MetaData()
        self.by_name: dict[str, Table] = {}
        self.by_type: dict[type, Table] = {}
        self.sql: dict[str, sa.Table] = {}
        self.statements: dict[str, Statements] = {}
        for table in tables:
            if table.name in self.by_name:
                raise ValueError(f"two tables are named {table.name}")
            if table.type in self.by_type:
                raise ValueError(f"two tables hold {table.type.__name__}")
            self.by_name[table.name] = table
            self.by_type[table.type] = table
            self.sql[table.name] = table.build(self.metadata)
            self.statements[table.name] = Statements(self.sql[table.name])
        # Rows that go with a row: table -> (child table, the column that names it).
        self.cascades: dict[str, list[tuple[str, str]]] = {name: [] for name in self.by_name}
        for table in tables:
            for column in table.columns:
                if column.references is not None and column.on_delete == "cascade":
                    self.cascades.setdefault(column.references, []).append((table.name, column.name))

    def of(self, type_: type) -> Table:
        """The table that holds documents of `type_`."""
        return self.by_type[type_]
