"""v4 writers, compiled: a Python function per type, format and place, made from the type's attributes.

Does: generate source that walks a struct once and appends text; references, followed objects, inline lists, links,
actions. Tags and indentation are constants of the generated code; links and actions are a template that only lacks
the object's href. Does not: know dialect 3 (`dialect3`), or join fragments into documents (`codecs`).
Measured: see benchmarks/encode.py.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from ovis.engine.declare.resource import Resource
from ovis.engine.declare.shape import Attribute, attributes, has_href
from ovis.engine.wire import text
from ovis.engine.wire.layout import Layout

Write = Callable[..., None]
_FIRST = ("name", "description", "comment")
_encode = msgspec.json.Encoder().encode
_unsafe = re.compile(r"[^0-9A-Za-z:._/@ -]").search  # what an identifier may hold that needs escaping somewhere
_KEPT = 1024  # texts kept for one place in one type's writer
_LONGEST = 1000  # longer ones are not
_ONLY_ID = len(b'{"id":""}')


def is_bare(value: Any) -> bool:
    """Whether a struct holds nothing beyond its id and href. Asks msgspec, which leaves out what is not given."""
    if value.id is not None and len(_encode(value)) == len(value.id) + _ONLY_ID:
        return True
    type_ = type(value)
    bare: bool = value == (type_(id=value.id, href=value.href) if hasattr(value, "href") else type_(id=value.id))
    return bare


class Writers:
    """Compiles on first use."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._xml: dict[tuple[type, str, int], Write] = {}
        self._json: dict[type, Write] = {}
        self._around: dict[tuple[int, str], tuple[list[str], list[str]]] = {}

    def xml(self, type_: type, tag: str, depth: int) -> Write:
        """`write(o, out, href, base, resource)`: appends lines of text to `out`."""
        key = (type_, tag, depth)
        made = self._xml.get(key)
        if made is None:
            made = self._xml[key] = self._compile(type_, _xml_source(type_, tag, depth), "xml", depth)
        return made

    def json(self, type_: type) -> Write:
        """`write(o, out, href, base, resource)`: appends `{...},` in pieces to `out`."""
        made = self._json.get(type_)
        if made is None:
            made = self._json[type_] = self._compile(type_, _json_source(type_), "json", 0)
        return made

    # Called by generated code -----------------------------------------------------------------------------

    def _xml_plain(
        self, v: Any, out: list[str], base: str, own: str | None, sub: Resource | None, tag: str, depth: int
    ) -> None:
        """A struct without an id of its own."""
        self.xml(type(v), tag, depth)(v, out, None, base, None)

    def _xml_nested(
        self, v: Any, out: list[str], base: str, own: str | None, sub: Resource | None, tag: str, depth: int
    ) -> None:
        """A struct with an id: a reference if it is bare, else its whole content."""
        type_ = type(v)
        id_ = v.id
        if id_ is None:
            self.xml(type_, tag, depth)(v, out, None, base, None)
            return
        href = self._href(v, type_, base, own)
        if is_bare(v):
            if href is None:
                out.append(f'{"  " * depth}<{tag} id="{text.escape_attribute(id_)}"/>\n')
            elif _unsafe(href):
                out.append(
                    f'{"  " * depth}<{tag} href="{text.escape_attribute(href)}" id="{text.escape_attribute(id_)}"/>\n'
                )
            else:
                out.append(f'{"  " * depth}<{tag} href="{href}" id="{id_}"/>\n')
            return
        self.xml(type_, tag, depth)(v, out, href, base, sub or self.layout.by_type.get(type_))

    def _json_nested(self, v: Any, out: list[str], base: str, own: str | None, sub: Resource | None) -> None:
        """The same in JSON."""
        type_ = type(v)
        id_ = v.id
        if id_ is None:
            self.json(type_)(v, out, None, base, None)
            return
        href = self._href(v, type_, base, own)
        if is_bare(v):
            if href is None:
                out.append(f'{{"id":{text.json_string(id_)}}},')
            elif _unsafe(href):
                out.append(f'{{"href":{text.json_string(href)},"id":{text.json_string(id_)}}},')
            else:
                out.append(f'{{"href":"{href}","id":"{id_}"}},')
            return
        self.json(type_)(v, out, href, base, sub or self.layout.by_type.get(type_))

    def _keep(self, kept: dict[bytes, str], key: bytes, out: list[str], start: int) -> None:
        """Remember what was written since `start` for the value of these bytes."""
        made = "".join(out[start:])
        out[start:] = [made]
        if len(made) <= _LONGEST:
            if len(kept) >= _KEPT:
                kept.clear()
            kept[key] = made

    def _places(self, base: str, places: dict[str, tuple[dict[bytes, str], ...]], count: int) -> Any:
        """The kept texts of a writer under a base, one mapping for each place."""
        found = places[base] = tuple({} for _ in range(count))
        return found

    def _href(self, o: Any, type_: type, base: str, own: str | None) -> str | None:
        given = o.href
        if given:
            return str(given) if given.startswith(base + "/") else base + str(given)
        if own:
            return f"{own}/{o.id}"
        path = self.layout.paths.get(type_)
        return f"{base}{path}/{o.id}" if path else None

    def _xml_around(self, resource: Resource, depth: int) -> tuple[list[str], list[str]]:
        """(actions, links) of a resource's objects as pieces around their href."""
        key = (id(resource), f"x{depth}")
        found = self._around.get(key)
        if found is None:
            around = self.layout.around(resource, 4)
            j = "  " * (depth + 1)
            rows = "".join(f'{j}  <link href="\0/{a}" rel="{a}"/>\n' for a in around.actions)
            actions = f"{j}<actions>\n{rows}{j}</actions>\n" if rows else ""
            links = "".join(f'{j}<link href="\0/{r}" rel="{r}"/>\n' for r in around.links)
            found = self._around[key] = (actions.split("\0"), links.split("\0"))
        return found

    def _json_around(self, resource: Resource, depth: int) -> tuple[list[str], list[str]]:
        """The same in JSON, each with a trailing comma."""
        key = (id(resource), "j")
        found = self._around.get(key)
        if found is None:
            around = self.layout.around(resource, 4)
            actions = ",".join(f'{{"href":"\0/{a}","rel":"{a}"}}' for a in around.actions)
            links = ",".join(f'{{"href":"\0/{r}","rel":"{r}"}}' for r in around.links)
            found = self._around[key] = (
                (f'"actions":{{"link":[{actions}]}},' if actions else "").split("\0"),
                (f'"link":[{links}],' if links else "").split("\0"),
            )
        return found

    def _compile(self, type_: type, source: str, fmt: str, depth: int) -> Write:
        rows = attributes(type_)
        xml = fmt == "xml"
        space: dict[str, Any] = {
            "plain": self._xml_plain,
            "nested": self._xml_nested if xml else self._json_nested,
            "around": self._xml_around if xml else self._json_around,
            "json": self.json,
            "enc": _encode,
            "keep": self._keep,
            "places": {},
            "make_places": self._places,
            "special": text.needs_escape if xml else text.needs_json_escape,
            "esc": text.escape,
            "att": text.escape_attribute,
            "js": text.json_string,
            "date": text.xml_date if xml else text.json_date,
            "dec": text.decimal,
            "BOOL": ("false", "true"),
            **{f"sub_{r.name}": self.layout.sub(type_, r.rel or "") for r in rows if r.many and r.link},
        }
        exec(compile(source, f"<{fmt} writer of {type_.__name__}>", "exec"), space)
        made: Write = space["write"]
        return made


# Generation -------------------------------------------------------------------------------------------------

_XML_SCALAR = {
    "str": "{v if special(v) is None else esc(v)}",
    "int": "{v}",
    "float": "{dec(v)}",
    "enum": "{v._value_}",
    "date": "{date(v)}",
    "bool": "{BOOL[v]}",
}
# A whole value of JSON, as the inside of an f-string.
_JSON_SCALAR = {
    "str": "{js(v)}",
    "int": '"{v}"',
    "float": "{dec(v)}",
    "enum": '"{v._value_}"',
    "date": "{date(v)}",
    "bool": '"{BOOL[v]}"',
}


def _split(type_: type) -> tuple[list[Attribute], list[Attribute], list[Attribute], bool]:
    """(XML attributes besides id, first elements, other elements, is an object with id and href)."""
    rows = attributes(type_)
    identified = has_href(type_)
    inside = [r for r in rows if r.xml_attribute and not (identified and r.name == "id")]
    rest = [r for r in rows if not r.xml_attribute]
    first = [r for n in _FIRST for r in rest if r.name == n]
    return inside, first, [r for r in rest if r not in first], identified


def _place(r: Attribute) -> tuple[str, str]:
    """Source of (the href of a list's collection or None, its resource or None)."""
    if not (r.many and r.link):
        return "None", "None"
    own = f"f'{{href}}/{r.rel}' if href and sub_{r.name} is not None else None" if r.rel else "None"
    return own, f"sub_{r.name}"


def _xml_source(type_: type, tag: str, depth: int) -> str:
    inside, first, rest, identified = _split(type_)
    i = "  " * depth
    out = ["def write(o, out, href, base, resource):", " a = out.append", f" head = '{i}<{tag}'"]
    out += _kept_places(type_)
    if identified:
        out.append(" if href: head = f'{head} href=\"{att(href)}\"'")
        out.append(" v = o.id")
        out.append(" if v is not None: head = f'{head} id=\"{att(v)}\"'")
    for row in inside:
        out.append(f" v = o.{row.name}")
        shown = "{att(v)}" if row.kind == "str" else _XML_SCALAR[row.kind]
        out.append(f" if v is not None: head = f'{{head}} {row.tag}=\"{shown}\"'")
    out += [" at = len(out)", " a(head)"]
    if identified:
        out.append(" links = None")
        out.append(" if href and resource is not None:")
        out.append(f"  actions, links = around(resource, {depth})")
        out.append("  h = att(href)")
        out.append("  if len(actions) > 1: a(h.join(actions))")
    out += _xml_rows(type_, first, depth + 1)
    if identified:
        out.append(" if links is not None and len(links) > 1: a(h.join(links))")
    out += _xml_rows(type_, rest, depth + 1)
    out += [
        " if len(out) == at + 1: out[at] = head + '/>\\n'",
        " else:",
        "  out[at] = head + '>\\n'",
        f"  a('{i}</{tag}>\\n')",
    ]
    return "\n".join(out)


def _kept(type_: type) -> dict[str, int]:
    """Attributes whose text depends on their value alone, with the number of their place: structs, lists of plain ones."""
    names = [r.name for r in attributes(type_) if (r.kind == "struct" or r.many) and not r.rel]
    return {name: n for n, name in enumerate(names)}


def _kept_places(type_: type) -> list[str]:
    count = len(_kept(type_))
    return [f" kept = places.get(base) or make_places(base, places, {count})"] if count else []


def _remembering(r: Attribute, place: int | None, written: list[str]) -> list[str]:
    """The rows that write an attribute, asked only for values not seen lately."""
    if place is None:
        return written
    return [
        "  key = enc(v)",
        f"  k = kept[{place}].get(key)",
        "  if k is not None: a(k)",
        "  else:",
        "   start = len(out)",
        *(" " + line for line in written),
        f"   keep(kept[{place}], key, out, start)",
    ]


def _xml_rows(type_: type, rows: list[Attribute], depth: int) -> list[str]:
    out: list[str] = []
    kept = _kept(type_)
    j = "  " * depth
    for r in rows:
        out.append(f" v = o.{r.name}")
        out.append(" if v is not None:")
        out += _remembering(r, kept.get(r.name), _xml_value(r, j, depth))
    return out


def _xml_value(r: Attribute, j: str, depth: int) -> list[str]:
    """Rows that write one attribute's value `v`, two deep."""
    call = "nested" if r.kind == "struct" and has_href(r.type) else "plain"
    if not r.many and r.kind == "bool":
        return [f"  a('{j}<{r.tag}>true</{r.tag}>\\n' if v else '{j}<{r.tag}>false</{r.tag}>\\n')"]
    if not r.many and r.kind != "struct":
        return [f"  a(f'{j}<{r.tag}>{_XML_SCALAR[r.kind]}</{r.tag}>\\n')"]
    if not r.many:
        return [f"  {call}(v, out, base, None, None, '{r.tag}', {depth})"]
    out = [f"  if not v: a('{j}<{r.tag}/>\\n')", "  else:", f"   a('{j}<{r.tag}>\\n')"]
    if r.kind == "struct":
        own, sub = _place(r)
        out.append(f"   own = {own}")
        out.append(f"   for v in v: {call}(v, out, base, own, {sub}, '{r.item}', {depth + 1})")
    else:
        out.append(f"   for v in v: a(f'{j}  <{r.item}>{_XML_SCALAR[r.kind]}</{r.item}>\\n')")
    return [*out, f"   a('{j}</{r.tag}>\\n')"]


def _json_source(type_: type) -> str:
    inside, first, rest, identified = _split(type_)
    out = ["def write(o, out, href, base, resource):", " a = out.append", " a('{')"]
    out += _kept_places(type_)
    if identified:
        out.append(" links = None")
        out.append(" if href:")
        out.append("  h = js(href)[1:-1]")
        out.append("  if resource is not None:")
        out.append("   actions, links = around(resource, 0)")
        out.append("   if len(actions) > 1: a(h.join(actions))")
    out += _json_rows(type_, first)
    if identified:
        out.append(" if links is not None and len(links) > 1: a(h.join(links))")
    out += _json_rows(type_, inside + rest)
    if identified:
        out.append(' if href: a(f\'"href":"{h}",\')')
        out.append(" v = o.id")
        out.append(f" if v is not None: a(f'\"id\":{_JSON_SCALAR['str']},')")
    out.append(" v = out[-1]")
    out.append(" out[-1] = v[:-1] + '},' if v[-1] == ',' else v + '},'")
    return "\n".join(out)


def _json_rows(type_: type, rows: list[Attribute]) -> list[str]:
    out: list[str] = []
    kept = _kept(type_)
    for r in rows:
        out.append(f" v = o.{r.name}")
        out.append(" if v is not None:")
        out += _remembering(r, kept.get(r.name), _json_value(r))
    return out


def _json_value(r: Attribute) -> list[str]:
    """Rows that write one attribute's key and value `v`, two deep."""
    known = r.kind == "struct" and has_href(r.type)
    if not r.many and r.kind == "bool":
        return [f'  a(\'"{r.tag}":"true",\' if v else \'"{r.tag}":"false",\')']
    if not r.many and r.kind != "struct":
        return [f"  a(f'\"{r.tag}\":{_JSON_SCALAR[r.kind]},')"]
    if not r.many:
        write = "nested(v, out, base, None, None)" if known else "json(type(v))(v, out, None, base, None)"
        return [f"  a('\"{r.tag}\":')", f"  {write}"]
    out = [f"  if not v: a('\"{r.tag}\":{{}},')", "  else:", f'   a(\'"{r.tag}":{{"{r.item}":[\')']
    if r.kind == "struct":
        own, sub = _place(r)
        out.append(f"   own = {own}")
        each = f"nested(v, out, base, own, {sub})" if known else "json(type(v))(v, out, None, base, None)"
        out.append(f"   for v in v: {each}")
    else:
        out.append(f"   for v in v: a(f'{_JSON_SCALAR[r.kind]},')")
    return [*out, "   out[-1] = out[-1][:-1] + ']},'"]
