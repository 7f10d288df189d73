"""What all types of the API share: construction, accessors, XML in and out.

Does: read elements into objects and write objects as elements, by the tables that the generator wrote. Does not: send anything.
A property that was not given is None (a repeated one is an empty list); XML that no type knows is left aside.
An object that came from an engine keeps its element, or its text, and reads it when one of its properties is first asked
for: most scripts look at a few properties of each object of a long list.
"""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Dict, List, NamedTuple, Optional, Tuple, Type, TypeVar
from xml.etree import ElementTree

from ovirtsdk.xml.slices import links_of, slices

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[Any], Any]:
        """For type checkers alone: keyword arguments are the annotated names."""
        return lambda cls: cls


T = TypeVar("T", bound="Struct")
_OUTPUT = frozenset({"actions", "link", "creation_status"})


class Row(NamedTuple):
    """One property. name: in Python. tag: in XML. kind: scalar's or type's name. many: repeated. attribute: of the element."""

    name: str
    tag: str
    kind: str
    many: bool
    attribute: bool


class Table:
    """A type's properties, resolved once."""

    def __init__(self, rows: List[Row], types: Dict[str, Any]) -> None:
        self.rows = rows
        self.names = {row.name: row for row in rows}
        self.names.update((row.tag, row) for row in rows)
        self.attributes = {r.tag: (r.name, _SCALARS[r.kind]) for r in rows if r.attribute}
        self.elements: Dict[str, Tuple[str, Any, bool]] = {}
        for row in rows:
            if not row.attribute:
                self.elements[row.tag] = (row.name, _SCALARS.get(row.kind) or types[row.kind], row.many)


def python_name(tag: str) -> str:
    """`async` is `async_`."""
    return tag + "_" if iskeyword(tag) else tag


def _date(text: str) -> Any:
    """A time with its zone; the text itself if it is none."""
    found = text[:-1] + "+00:00" if text.endswith("Z") else text
    if "." in found:  # Python before 3.11 wants three or six digits
        head, _, tail = found.partition(".")
        digits = len(tail) - len(tail.lstrip("0123456789"))
        found = f"{head}.{tail[:digits].ljust(6, '0')[:6]}{tail[digits:]}"
    try:
        return datetime.fromisoformat(found)
    except ValueError:
        return text


def _int(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return text


def _float(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _boolean(text: str) -> bool:
    return text.strip().lower() in ("true", "1")


_SCALARS: Dict[str, Callable[[str], Any]] = {
    "string": str,
    "int": _int,
    "long": _int,
    "boolean": _boolean,
    "date": _date,
    "decimal": _float,
}


# xml.sax.saxutils has these too, and takes longer to import than all of this package.
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
_IN_QUOTES = (('"', "&quot;"), ("\n", "&#10;"), ("\r", "&#13;"), ("\t", "&#9;"))


def escape(text: str) -> str:
    """For the inside of an element."""
    for plain, written in _ESCAPES:
        text = text.replace(plain, written)
    return text


def quoted(text: str) -> str:
    """An attribute's value, with its quotes."""
    text = escape(text)
    for plain, written in _IN_QUOTES:
        text = text.replace(plain, written)
    return f'"{text}"'


def text_of(value: Any) -> str:
    """A scalar as XML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).isoformat()
    return str(value)


class _Repeated:
    """A list that is made when it is first looked at."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, o: Any, owner: type) -> Any:
        return (
            self if o is None else o._values().setdefault(self._name, o._late_links() if self._name == "link" else [])
        )


class _Property:
    """A property that is not there: perhaps its object was not read yet."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, o: Any, owner: type) -> Any:
        return None if o is None else o._values().get(self._name)


_properties: Dict[str, _Property] = {}


def repeated(*, default_factory: Any = list) -> Any:
    """A property that may be there any number of times."""
    return _Repeated()


@dataclass_transform(kw_only_default=True, field_specifiers=(repeated,))
class Struct:
    """A type of the API. Properties are attributes; `get_X()`, `set_X(value)` and `add_X(value)` work too."""

    _tag: ClassVar[str] = ""
    _fields: ClassVar[Dict[str, str]] = {}
    _made: ClassVar[Optional[Table]] = None
    _skipped: ClassVar[Any] = frozenset()

    def __init_subclass__(cls) -> None:
        for tag, kind in cls.__dict__.get("_fields", {}).items():
            name = python_name(tag)
            if kind[0] != "*":
                setattr(cls, name, _properties.get(name) or _properties.setdefault(name, _Property(name)))

    def __init__(self, **values: Any) -> None:
        table = self.table()
        for name, value in values.items():
            row = table.names.get(name)
            if row is None:
                raise TypeError(f"{type(self).__name__} has no property {name!r}")
            self.__dict__[row.name] = value

    @classmethod
    def table(cls) -> Table:
        """Its properties: a base's first."""
        if "_made" not in cls.__dict__ or cls._made is None:
            rows: Dict[str, Row] = {}
            module = None
            for base in reversed(cls.__mro__):
                fields = base.__dict__.get("_fields")
                if not fields:
                    continue
                module = sys.modules[base.__module__]
                for tag, kind in fields.items():
                    many, attribute = kind[0] == "*", kind[0] == "@"
                    plain = kind[1:] if many or attribute else kind
                    rows[tag] = Row(python_name(tag), tag, plain, many, attribute)
            cls._made = Table(list(rows.values()), vars(module) if module else {})
        return cls._made

    # accessors ----------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        """What is no plain attribute: empty lists, properties not given, accessors."""
        if name.startswith("__"):
            raise AttributeError(name)
        table = type(self).table()
        row = table.names.get(name)
        if row is not None and row.name != name:
            return getattr(self, row.name)
        for prefix, make in _ACCESSORS.items():
            if name.startswith(prefix):
                row = table.names.get(name[len(prefix) :])
                if row is not None:
                    return make(self, row)
        raise AttributeError(f"{type(self).__name__} has no property {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        row = type(self).table().names.get(name)
        object.__setattr__(self, row.name if row is not None and row.name not in self._skipped else name, value)

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}={v!r}" for k, v in self._values().items() if k in ("id", "name") and v is not None)
        return f"<{type(self).__name__} {shown}>" if shown else f"<{type(self).__name__}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Struct) and self._tag == other._tag and self._given() == other._given()

    def __hash__(self) -> int:
        return hash((self._tag, self._values().get("id")))

    def _given(self) -> Dict[str, Any]:
        """What was given, by property."""
        table = type(self).table()
        values = self._values()
        if "_links" in values:
            values.setdefault("link", self._late_links())
        return {k: v for k, v in values.items() if k in table.names and v is not None and v != []}

    # XML ----------------------------------------------------------------------------------------------------

    @classmethod
    def decode(cls: Type[T], element: "ElementTree.Element | bytes") -> T:
        """An object of an element, or of its text, which is read later."""
        o = cls.__new__(cls)
        o.__dict__["_raw"] = element
        return o

    def _values(self) -> Dict[str, Any]:
        """What it holds, by property, after reading its element if that was not done yet."""
        values = self.__dict__
        raw = values.get("_raw")
        if raw is not None:
            read = self._read_text(raw) if isinstance(raw, bytes) else self._read(raw)
            for name, value in read.items():
                values.setdefault(name, value)  # what was set meanwhile stays
            values.pop("_raw", None)
        return values

    @classmethod
    def _read_text(cls, data: bytes) -> Dict[str, Any]:
        """As `_read`, of its text; what is inside its children stays text."""
        cut = slices(data)
        if cut is None:
            return cls._read(_element(data))
        table = cls._made if "_made" in cls.__dict__ and cls._made is not None else cls.table()
        known, skipped = table.elements, cls._skipped
        values: Dict[str, Any] = {}
        for tag, text in cut.attributes.items():
            found = table.attributes.get(tag)
            if found is not None:
                values[found[0]] = found[1](text)
        children = cut.children
        if cut.links and "link" in known:
            if any(tag == "link" for tag, _, _ in children):
                children += [("link", None, link) for link in links_of(cut.links)]
            else:
                values["_links"] = cut.links
        for tag, plain, whole in children:
            row = known.get(tag)
            if row is None or row[0] in skipped:
                continue
            name, make, many = row
            if isinstance(make, type) and issubclass(make, Struct):
                value: Any = make.decode(whole)
            else:
                value = make(plain if plain is not None else _element(whole).text or "")
            if many:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value
        if "value" in known and not cut.children and cut.text.strip():
            values["value"] = known["value"][1](cut.text)
        return values

    def _late_links(self) -> List[Any]:
        """What `link` holds, of those that were not read yet."""
        make = type(self).table().elements["link"][1]
        return [make.decode(link) for link in links_of(self.__dict__.get("_links", b""))]

    @classmethod
    def _read(cls, element: ElementTree.Element) -> Dict[str, Any]:
        table = cls._made if "_made" in cls.__dict__ and cls._made is not None else cls.table()
        known, skipped = table.elements, cls._skipped
        values: Dict[str, Any] = {}
        for tag, text in element.attrib.items():
            found = table.attributes.get(tag)
            if found is not None:
                values[found[0]] = found[1](text)
        for child in element:
            row = known.get(child.tag)
            if row is None or row[0] in skipped:
                continue
            name, make, many = row
            value = (
                make.decode(child) if isinstance(make, type) and issubclass(make, Struct) else make(child.text or "")
            )
            if many:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value
        if "value" in known and not len(element) and element.text and element.text.strip():
            values["value"] = known["value"][1](element.text)
        return values

    def to_xml(self, tag: str = "") -> str:
        """As an element; what only an engine says is left out."""
        out: List[str] = []
        self._write(tag or self._tag or type(self).__name__.lower(), out)
        return "".join(out)

    def _write_inside(self, tag: str, out: List[str]) -> None:
        """As a part of another object."""
        self._write(tag, out)

    def _write(self, tag: str, out: List[str]) -> None:
        attributes = ""
        inner: List[str] = []
        values = self._values()
        for row in type(self).table().rows:
            value = values.get(row.name)
            if value is None or row.tag in _OUTPUT or row.name in self._skipped:
                continue
            if row.attribute:
                attributes += f" {row.tag}={quoted(text_of(value))}"
                continue
            for one in value if row.many or isinstance(value, (list, tuple)) else (value,):
                if isinstance(one, Struct):
                    one._write_inside(row.tag, inner)
                else:
                    inner.append(f"<{row.tag}>{escape(text_of(one))}</{row.tag}>")
        body = "".join(inner)
        out.append(f"<{tag}{attributes}>{body}</{tag}>" if body else f"<{tag}{attributes}/>")


def _element(text: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as err:
        from ovirtsdk.infrastructure.errors import FormatError

        raise FormatError(text[:80].decode("utf-8", "replace")) from err


def _getter(o: Struct, row: Row) -> Callable[[], Any]:
    return lambda: getattr(o, row.name)


def _setter(o: Struct, row: Row) -> Callable[[Any], None]:
    return lambda value: o.__dict__.__setitem__(row.name, value)


def _adder(o: Struct, row: Row) -> Callable[[Any], None]:
    return lambda value: getattr(o, row.name).append(value)


_ACCESSORS: Dict[str, Callable[[Struct, Row], Any]] = {"get_": _getter, "set_": _setter, "add_": _adder}


def parse(text: "str | bytes", types: Dict[str, Any]) -> Any:
    """The object of a document by its root element; ElementTree.ParseError, KeyError for an unknown root."""
    root = ElementTree.fromstring(text)
    return types[root.tag].decode(root)
