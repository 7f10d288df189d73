"""Values for every attribute of every type of the model, the same at each run."""

import inspect
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec

from ovis.engine.declare.shape import Attribute, attributes
from ovis.engine.model import types

TYPES = {
    name: t
    for name, t in inspect.getmembers(types, inspect.isclass)
    if issubclass(t, msgspec.Struct) and t is not msgspec.Struct and t.__module__ == types.__name__
}
_TEXTS = (
    "plain",
    "two words",
    '<b>&amp;"it\'s"',
    "tab\tnew\nline",
    "äöü €漢字 𝒳",
    "]]>",
    "{x} %s \\ back",
    "true",
    "0",
    "a" * 300,
)


def scalar(row: Attribute, dice: random.Random) -> Any:
    """A value of an attribute's kind."""
    if row.kind == "str":
        return dice.choice(_TEXTS)
    if row.kind == "int":
        return dice.choice((0, 1, -1, 7, 2**31 - 1, -(2**31)))
    if row.kind == "bool":
        return dice.random() < 0.5
    if row.kind == "float":
        return dice.choice((0.0, 1.5, -2.25, 1e-7, 123456789.5, 1e20))
    if row.kind == "date":
        zone = dice.choice((UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=9, minutes=30))))
        moment = datetime(2024, 2, 29, 23, 59, 58, 123000, tzinfo=UTC)
        return (moment + timedelta(days=dice.randrange(2000))).astimezone(zone)
    return dice.choice(list(row.type))


def identifier(dice: random.Random) -> str:
    """What ids look like, hostile ones included."""
    return dice.choice((str(dice.randrange(10**6)), "00000021-1111-4222-8333-000000000021", "a b", 'q"<&>', "näm"))


def value(type_: Any, dice: random.Random, depth: int = 2) -> Any:
    """A struct with every attribute set, down to `depth`; below that objects are bare or left out."""
    given: dict[str, Any] = {}
    for row in attributes(type_):
        if row.name == "id" and row.kind == "str" and "href" in type_.__struct_fields__:
            given["id"] = identifier(dice)
        elif row.kind != "struct":
            made: Any = [scalar(row, dice) for _ in range(dice.choice((1, 2)))] if row.many else scalar(row, dice)
            given[row.name] = made
        elif depth > 0:
            given[row.name] = [value(row.type, dice, depth - 1)] if row.many else value(row.type, dice, depth - 1)
        elif "href" in row.type.__struct_fields__:
            bare = row.type(id=identifier(dice))
            given[row.name] = [bare, row.type(id=identifier(dice))] if row.many else bare
    return type_(**given)
