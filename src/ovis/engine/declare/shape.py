"""What a type says about itself beyond Python's types: its element names, links and sub-collections.

Does: carry the few facts that XML, JSON, links and `follow` need, as markers in `Annotated`, and read them back
once per type as `Attribute` rows. Does not: encode anything.
Follows: API model 4.6 (`tag`, `item`, `rel`).
"""

import typing
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, NamedTuple

import msgspec


class Names(NamedTuple):
    """Element name of one object and of a list of them."""

    one: str
    many: str


@dataclass(frozen=True, slots=True)
class Link:
    """A reference to one object elsewhere; `rel` when it is advertised as a link instead of an element."""

    rel: str | None = None


LINK = Link()


@dataclass(frozen=True, slots=True)
class Sub:
    """A sub-collection: shown as `<link rel>` unless followed or inline in a body.

    rel: path segment and link rel. item, tag: element names where they differ from the type's and the attribute's.
    """

    rel: str
    item: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Many:
    """A plain list; `link` when its items are references."""

    item: str | None = None
    tag: str | None = None
    link: bool = False


@dataclass(frozen=True, slots=True)
class ElementName:
    """The element's name where it differs from the attribute's."""

    tag: str


class _XmlAttribute:
    """Marker: written as an XML attribute, not an element."""


XML_ATTRIBUTE = _XmlAttribute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute of a type, ready for compilers.

    name: Python name. key: name in JSON and documents. tag: XML element. kind: `str`, `int`, `bool`, `float`, `date`, `enum`
    or `struct`. type: the enum or struct class, else the Python type. many: a list; item: its items' element.
    link: holds references. rel: rel of the sub-collection or link. xml_attribute: written as an XML attribute.
    """

    name: str
    key: str
    tag: str
    kind: str
    type: Any
    many: bool
    item: str
    link: bool
    rel: str | None
    xml_attribute: bool


_KINDS: dict[Any, str] = {str: "str", int: "int", bool: "bool", float: "float"}


def _unwrap_optional(hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, UnionType):
        found = [part for part in typing.get_args(hint) if part is not type(None)]
        return found[0] if len(found) == 1 else hint
    return hint


def _kind_of(python_type: Any) -> str:
    if python_type in _KINDS:
        return _KINDS[python_type]
    if isinstance(python_type, type) and issubclass(python_type, Enum):
        return "enum"
    if isinstance(python_type, type) and issubclass(python_type, msgspec.Struct):
        return "struct"
    if getattr(python_type, "__name__", "") == "datetime":
        return "date"
    raise TypeError(f"no wire kind for {python_type!r}")


def names_of(type_: Any) -> Names:
    """The element names a model type declares."""
    names: Names = type_.names
    return names


def has_href(type_: Any) -> bool:
    """Whether values of a model type have an address of their own (`href`)."""
    return "href" in type_.__struct_fields__


def _attributes(type_: type) -> tuple[Attribute, ...]:
    """The attributes of a model type, base type's first, in declared order. `href` is not one of them."""
    hints = typing.get_type_hints(type_, include_extras=True)
    keys = {f.name: f.encode_name for f in msgspec.structs.fields(type_)}
    rows = []
    for name, key in keys.items():
        if name == "href":
            continue
        hint = hints[name]
        markers: tuple[Any, ...] = ()
        if typing.get_origin(hint) is typing.Annotated:
            hint, *extra = typing.get_args(hint)
            markers = tuple(extra)
        hint = _unwrap_optional(hint)
        many = typing.get_origin(hint) is list
        inner = _unwrap_optional(typing.get_args(hint)[0]) if many else hint
        kind = _kind_of(inner)
        marker = next((m for m in markers if isinstance(m, (Link, Sub, Many))), None)
        element = next((m for m in markers if isinstance(m, ElementName)), None)
        tag, item = key, names_of(inner).one if kind == "struct" else key
        if isinstance(marker, (Sub, Many)):
            tag, item = marker.tag or tag, marker.item or item
        if element:
            tag = element.tag
        rows.append(
            Attribute(
                name=name,
                key=key,
                tag=tag,
                kind=kind,
                type=inner,
                many=many,
                item=item,
                link=isinstance(marker, (Link, Sub)) or (isinstance(marker, Many) and marker.link),
                rel=marker.rel if isinstance(marker, (Link, Sub)) else None,
                xml_attribute=any(isinstance(m, _XmlAttribute) for m in markers) or name == "id",
            )
        )
    return tuple(rows)


attributes: Callable[[type[Any]], tuple[Attribute, ...]] = cache(_attributes)  # type: ignore[assignment]
