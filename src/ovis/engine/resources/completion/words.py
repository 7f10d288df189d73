"""What may stand on the right of a search field: the values of its enumeration, true and false, days.

Does: find them from the declaration: a field's column is an attribute of the type, whose values the model knows.
Does not: read the store (names of existing objects: `propose`).
"""

from enum import Enum
from functools import cache
from typing import Any

from ovis.engine.declare.shape import attributes
from ovis.engine.store.search import Field, SearchObject
from ovis.engine.store.tables import Column

SEVERITIES = ("normal", "warning", "error", "alert")
DAYS = ("today", "yesterday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ORDERED = ("=", "!=", "<", "<=", ">", ">=")
_EQUAL = ("=", "!=")


def operators(field: Field) -> tuple[str, ...]:
    """What compares a field."""
    return _EQUAL if field.kind in ("text", "enum", "bool", "uuid") else ORDERED


def values(what: SearchObject, field: Field) -> tuple[str, ...]:
    """The values that a field can have, as far as the declaration says them; () for free ones."""
    if field.kind == "bool":
        return ("true", "false")
    if field.kind == "severity":
        return SEVERITIES
    if field.kind == "date":
        return DAYS
    if field.kind != "enum" or field.via is not None or field.column is None:
        return ()
    column = next((c for c in what.table.columns if c.name == field.column), None)
    known = _enumeration(what.table.type, column) if column is not None else ()
    words = tuple(word for word in field.words if word not in {k.replace("_", "") for k in known})
    return (*known, *words)


def _enumeration(type_: type, column: Column) -> tuple[str, ...]:
    found: Any = type_
    for part in (column.path or column.name).split("."):
        row = next((r for r in _rows(found) if r.name == part), None)
        if row is None:
            return ()
        found = row.type
    return tuple(str(member.value) for member in found) if issubclass(found, Enum) else ()


@cache
def _rows(type_: Any) -> Any:
    return attributes(type_) if hasattr(type_, "__struct_fields__") and hasattr(type_, "names") else ()
