"""Bodies in: XML or JSON bytes to structs, with the API's faults for everything that does not fit.

Does: parse XML by expat (no DTD, no entities, bounded depth and size) and JSON into one neutral form, a mapping of names
to lists of values, then build structs from it. Does not: validate meaning (resources do).
Follows: API facts, sections 5 and 6 (`Invalid value`, `Request syntactically incorrect.`).
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any
from xml.parsers import expat

import msgspec

from ovis.engine.declare.faults import InvalidValue, Malformed
from ovis.engine.declare.shape import Attribute, attributes, names_of
from ovis.engine.wire.text import parse_date

Tree = dict[str, list[Any]]  # leaves are str (XML), or str, int, float, bool, None (JSON)
TEXT = "$"  # text of an element that also has attributes or children
MAX_DEPTH = 64
MAX_BYTES = 10 * 1024 * 1024
MAX_VALUES = 100_000  # elements of a document: what a client means is thousands of times smaller
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_INTEGER = re.compile("[+-]?[0-9]+")
_BOM = b"\xef\xbb\xbf"
_WIDE = frozenset(
    """memory max guaranteed provisioned_size actual_size initial_size total_size size speed available used committed
    max_scheduling_memory datum expiry bytes transferred total boot_time block_size physical_size delay
    custom_id timeout""".split()
)
_MANUAL = "For correct usage, see the API guide."


class _Refused(Exception):
    pass


def parse_xml(body: bytes) -> tuple[str, Any]:
    """(root tag, tree) of a document; Malformed if it is none, or a hostile one."""
    parser = expat.ParserCreate(namespace_separator=None)
    parser.buffer_text = True
    root: list[tuple[str, Any]] = []
    stack: list[tuple[str, Tree, list[str]]] = []
    count = 0

    def refuse(*_: Any) -> int:
        raise _Refused("document type declarations and entities are not accepted")

    def start(tag: str, attrs: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) >= MAX_DEPTH:
            raise _Refused(f"elements are nested deeper than {MAX_DEPTH}")
        if count > MAX_VALUES:
            raise _Refused(f"there are more than {MAX_VALUES} elements")
        own = {k: [v] for k, v in attrs.items() if not k.startswith("xml") and ":" not in k}
        stack.append((tag.rpartition(":")[2], own, []))

    def data(value: str) -> None:
        if stack:
            stack[-1][2].append(value)

    def end(_: str) -> None:
        tag, tree, texts = stack.pop()
        content = "".join(texts)
        value: Any = tree
        if not tree:
            value = content
        elif content.strip():
            tree[TEXT] = [content.strip()]
        if stack:
            stack[-1][1].setdefault(tag, []).append(value)
        else:
            root.append((tag, value))

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler = start
    parser.CharacterDataHandler = data
    parser.EndElementHandler = end
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, _Refused, ValueError, LookupError) as err:
        raise Malformed(f"{_plain(str(err))}. {_MANUAL}") from err
    return root[0]


def _plain(message: str) -> str:
    """A parser's message without characters that an answer cannot hold, and short."""
    return _UNSTORABLE.sub("\ufffd", message)[:200]


def parse_json(body: bytes) -> Any:
    """The tree of a JSON object; Malformed if it is none or nested too deeply."""
    try:
        found = msgspec.json.decode(body.removeprefix(_BOM))
    except (msgspec.DecodeError, RecursionError, ValueError) as err:
        raise Malformed(f"{_plain(str(err))}. {_MANUAL}") from err
    if not isinstance(found, dict):
        raise Malformed(f"A JSON object is expected. {_MANUAL}")
    return _neutral(found, 0, [0])


def _neutral(value: Any, depth: int, count: list[int]) -> Any:
    if depth > MAX_DEPTH:
        raise Malformed(f"values are nested deeper than {MAX_DEPTH}. {_MANUAL}")
    count[0] += 1
    if count[0] > MAX_VALUES:
        raise Malformed(f"there are more than {MAX_VALUES} values. {_MANUAL}")
    if isinstance(value, dict):
        return {
            k: [_neutral(v, depth + 1, count) for v in item if v is not None]
            if isinstance(item, list)
            else [_neutral(item, depth + 1, count)]
            for k, item in value.items()
            if item is not None
        }
    if isinstance(value, list):
        return [_neutral(v, depth + 1, count) for v in value if v is not None]
    return value


Upgrade = Callable[[type, Tree], Tree]


def _same(_: type, tree: Tree) -> Tree:
    return tree


def build(type_: Any, tree: Any, *, upgrade: Upgrade = _same, path: str = "") -> Any:
    """A struct of `type_` from a tree; names it does not know are skipped. upgrade: v3's forms into v4's, per level."""
    where = path or names_of(type_).one
    if not isinstance(tree, dict):
        if isinstance(tree, str) and not tree.strip():
            tree = {}
        else:
            raise InvalidValue(f"{where}: an object is expected, not {_show(tree)}.")
    tree = upgrade(type_, tree)
    values: dict[str, Any] = {}
    for row in attributes(type_):
        found = tree.get(row.tag)
        if found is None:
            found = tree.get(row.key)
        if not found:
            continue
        place = f"{where}.{row.tag}"
        if row.many:
            values[row.name] = [_item(row, v, upgrade, place) for v in _items(row, found)]
        else:
            values[row.name] = _item(row, found[-1], upgrade, place)
    return type_(**values)


def _items(row: Attribute, found: list[Any]) -> list[Any]:
    """The members of a list: below the item's name, or given bare, as JSON clients may."""
    members: list[Any] = []
    for wrapper in found:
        if isinstance(wrapper, dict):
            if row.item in wrapper:
                members += wrapper[row.item]
            elif row.kind == "struct" and not _keys(row.type).isdisjoint(wrapper):
                members.append(wrapper)
        elif isinstance(wrapper, list):
            members += wrapper
        elif not (isinstance(wrapper, str) and not wrapper.strip()):
            members.append(wrapper)
    return members


@cache
def _keys(type_: type) -> frozenset[str]:
    return frozenset(r.tag for r in attributes(type_))


def _item(row: Attribute, value: Any, upgrade: Upgrade, place: str) -> Any:
    if row.kind == "struct":
        return build(row.type, value, upgrade=upgrade, path=place)
    if isinstance(value, dict):
        if not value.get(TEXT):
            raise InvalidValue(f"{place}: a single value is expected, not an object.")
        value = value[TEXT][0]
    if isinstance(value, (list, dict)):
        raise InvalidValue(f"{place}: a single value is expected, not a list.")
    return scalar(row, value, place)


def scalar(row: Attribute, value: Any, place: str) -> Any:
    """One value of an attribute's kind; InvalidValue names the place and what would fit."""
    kind = row.kind
    if kind == "str":
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str) and not value.isprintable() and _UNSTORABLE.search(value):
            raise InvalidValue(f"{place}: the text holds characters that cannot be stored.")
        return value if isinstance(value, str) else str(value)
    if kind == "bool":
        return _boolean(value, place)
    if kind == "int":
        return _integer(row, value, place)
    if kind == "float":
        return _decimal(value, place)
    if kind == "date":
        try:
            if isinstance(value, bool):
                raise ValueError(value)
            found: datetime = parse_date(value)
        except (ValueError, OverflowError, OSError) as err:
            raise InvalidValue(f"{place}: {_show(value)} is not a date.") from err
        return found
    return _enum(row, value, place)


def _boolean(value: Any, place: str) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise InvalidValue(f"{place}: {_show(value)} is not a boolean. Possible values are: true, false.")


def _integer(row: Attribute, value: Any, place: str) -> int:
    try:
        if isinstance(value, bool) or (isinstance(value, float) and value != int(value)):
            raise ValueError
        number = int(value) if isinstance(value, (int, float)) else _digits(value.strip())
    except (ValueError, OverflowError, AttributeError) as err:
        raise InvalidValue(f"{place}: {_show(value)} is not an integer.") from err
    bits = 63 if row.name in _WIDE else 31
    if not -(1 << bits) <= number < (1 << bits):
        raise InvalidValue(f"{place}: {_show(value)} is out of range.")
    return number


def _digits(text: str) -> int:
    """The number that a text says; an empty one is 0, as clients of the API expect."""
    if not text:
        return 0
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text) if len(text) <= 40 else 1 << 64


def _decimal(value: Any, place: str) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
    except (ValueError, TypeError, OverflowError) as err:
        raise InvalidValue(f"{place}: {_show(value)} is not a number.") from err
    if number != number or number in (float("inf"), float("-inf")):
        raise InvalidValue(f"{place}: {_show(value)} is not a finite number.")
    return number


def _enum(row: Attribute, value: Any, place: str) -> Any:
    text = str(value).strip().lower()
    try:
        return row.type(text)
    except ValueError as err:
        possible = ", ".join(m.value for m in row.type)
        raise InvalidValue(f"{place}: {_show(value)} is not possible. Possible values are: {possible}.") from err


def _show(value: Any) -> str:
    if isinstance(value, str):
        value = value[:80]
    shown = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."
