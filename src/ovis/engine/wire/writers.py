"""v4 writers, compiled: one Python function per type and format, made from the type's attributes.

Does: generate source that walks a struct once and appends text; references, followed objects, inline lists, links,
actions. Does not: know dialect 3 (`v3`), or join fragments into documents (`codecs`).
Measured: see benchmarks/encode.py.
"""

from collections.abc import Callable
from typing import Any

from ovis.engine.declare.resource import Resource
from ovis.engine.declare.shape import Attribute, attributes
from ovis.engine.wire import text
from ovis.engine.wire.layout import Layout

Write = Callable[..., None]


def is_bare(value: Any) -> bool:
    """Whether a struct holds nothing beyond its id and href."""
    type_ = type(value)
    bare: bool = value == (type_(id=value.id, href=value.href) if hasattr(value, "href") else type_(id=value.id))
    return bare


class Writers:
    """Compiles on first use; a function per (type, format)."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._made: dict[tuple[type, str], Write] = {}

    def writer(self, type_: type, fmt: str) -> Write:
        """`write(o, out, tag, href, base, resource, indent)` for XML, without tag and indent for JSON."""
        key = (type_, fmt)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._compile(type_, fmt)
        return made

    # Called by generated code -----------------------------------------------------------------------------

    def xml_nested(
        self,
        o: Any,
        out: list[str],
        tag: str,
        base: str,
        rel_href: str | None,
        indent: str,
        sub: Resource | None = None,
    ) -> None:
        """A struct inside another: a reference if it is bare, else its whole content."""
        type_ = type(o)
        id_ = getattr(o, "id", None)
        if not isinstance(id_, str):
            self.writer(type_, "xml")(o, out, tag, None, base, None, indent)
            return
        href = self._href(o, type_, base, rel_href)
        if is_bare(o):
            shown = f' href="{text.escape(href)}"' if href else ""
            out.append(f'{indent}<{tag}{shown} id="{text.escape(id_)}"/>\n')
        else:
            self.writer(type_, "xml")(o, out, tag, href, base, sub or self.layout.by_type.get(type_), indent)

    def json_nested(self, o: Any, base: str, rel_href: str | None, sub: Resource | None = None) -> str:
        """The same in JSON."""
        type_ = type(o)
        id_ = getattr(o, "id", None)
        out: list[str] = []
        if not isinstance(id_, str):
            self.writer(type_, "json")(o, out, None, base, None)
        else:
            href = self._href(o, type_, base, rel_href)
            if is_bare(o):
                shown = f'"href":{text.json_string(href)},' if href else ""
                return f'{{{shown}"id":{text.json_string(id_)}}}'
            self.writer(type_, "json")(o, out, href, base, sub or self.layout.by_type.get(type_))
        return "{" + ",".join(out) + "}"

    def xml_around(self, resource: Resource | None, href: str, indent: str, given: frozenset[str]) -> tuple[str, str]:
        """(actions, links) of an object; rels that are inline are not linked."""
        around = self.layout.around(resource, 4)
        h = text.escape(href)
        actions = ""
        if around.actions:
            rows = "".join(f'{indent}  <link href="{h}/{a}" rel="{a}"/>\n' for a in around.actions)
            actions = f"{indent}<actions>\n{rows}{indent}</actions>\n"
        links = "".join(f'{indent}<link href="{h}/{r}" rel="{r}"/>\n' for r in around.links if r not in given)
        return actions, links

    def json_around(self, resource: Resource | None, href: str, given: frozenset[str]) -> tuple[str, str]:
        """The same in JSON, each without a trailing comma."""
        around = self.layout.around(resource, 4)
        actions = ",".join(f'{{"href":{text.json_string(href + "/" + a)},"rel":"{a}"}}' for a in around.actions)
        links = ",".join(
            f'{{"href":{text.json_string(href + "/" + r)},"rel":"{r}"}}' for r in around.links if r not in given
        )
        return (f'"actions":{{"link":[{actions}]}}' if actions else ""), (f'"link":[{links}]' if links else "")

    def _href(self, o: Any, type_: type, base: str, rel_href: str | None) -> str | None:
        own = getattr(o, "href", None)
        if own:
            return str(own) if own.startswith(base) else base + str(own)
        if rel_href:
            return f"{rel_href}/{o.id}"
        path = self.layout.paths.get(type_)
        return f"{base}{path}/{o.id}" if path else None

    # Generation ---------------------------------------------------------------------------------------------

    def _compile(self, type_: type, fmt: str) -> Write:
        source = _xml_source(type_) if fmt == "xml" else _json_source(type_)
        space: dict[str, Any] = {
            "nested": self.xml_nested if fmt == "xml" else self.json_nested,
            "around": self.xml_around if fmt == "xml" else self.json_around,
            "esc": text.escape,
            "js": text.json_string,
            "date": text.xml_date if fmt == "xml" else text.json_date,
            "dec": text.decimal,
            "NONE": frozenset(),
            "BOOL": ("false", "true"),
            "frozenset": frozenset,
            **{f"sub_{r.name}": self.layout.sub(type_, r.rel or "") for r in attributes(type_) if r.many and r.link},
        }
        exec(compile(source, f"<{fmt} writer of {type_.__name__}>", "exec"), space)
        made: Write = space["write"]
        return made


_XML_SCALAR = {
    "str": "{esc(v)}",
    "int": "{v}",
    "float": "{dec(v)}",
    "enum": "{v.value}",
    "date": "{date(v)}",
    "bool": "{BOOL[v]}",
}
_JSON_SCALAR = {
    "str": "js(v)",
    "int": "f'\"{v}\"'",
    "float": "dec(v)",
    "enum": "f'\"{v.value}\"'",
    "date": "date(v)",
    "bool": "('\"true\"' if v else '\"false\"')",
}
_FIRST = ("name", "description", "comment")


def _split(type_: type) -> tuple[list[Attribute], list[Attribute], list[Attribute], bool]:
    """(XML attributes besides id, first elements, other elements, has an id of its own)."""
    rows = attributes(type_)
    identified = any(r.name == "id" and r.kind == "str" for r in rows)
    inside = [r for r in rows if r.xml_attribute and not (identified and r.name == "id")]
    rest = [r for r in rows if not r.xml_attribute]
    first = [r for n in _FIRST for r in rest if r.name == n]
    return inside, first, [r for r in rest if r not in first], identified


def _subs(rows: list[Attribute]) -> list[Attribute]:
    return [r for r in rows if r.many and r.rel and r.link]


def _xml_source(type_: type) -> str:
    inside, first, rest, identified = _split(type_)
    out = ["def write(o, out, tag, href, base, resource, i):", " a = out.append", " j = i + '  '"]
    out.append(" head = f'{i}<{tag}'")
    if identified:
        out.append(" if href: head += f' href=\"{esc(href)}\"'")
        out.append(" v = o.id")
        out.append(" if v is not None: head += f' id=\"{esc(v)}\"'")
    for row in inside:
        out.append(f" v = o.{row.name}")
        out.append(f" if v is not None: head += f' {row.tag}=\"{_XML_SCALAR[row.kind]}\"'")
    out += [" at = len(out)", " a(head)"]
    subs = _subs(rest)
    if identified:
        out.append(" links = ''")
        out.append(" if href and resource is not None:")
        given = "frozenset(r for r, v in (" + "".join(f"('{r.rel}', o.{r.name})," for r in subs) + ") if v is not None)"
        if subs and type_ is not None:
            out.append(f"  given = {given} if " + " or ".join(f"o.{r.name} is not None" for r in subs) + " else NONE")
        else:
            out.append("  given = NONE")
        out += ["  actions, links = around(resource, href, j, given)", "  if actions: a(actions)"]
    out += _xml_rows(first)
    if identified:
        out.append(" if links: a(links)")
    out += _xml_rows(rest)
    out += [
        " if len(out) == at + 1: out[at] = head + '/>\\n'",
        " else:",
        "  out[at] = head + '>\\n'",
        "  a(f'{i}</{tag}>\\n')",
    ]
    return "\n".join(out)


def _xml_rows(rows: list[Attribute]) -> list[str]:
    out: list[str] = []
    for r in rows:
        out.append(f" v = o.{r.name}")
        out.append(" if v is not None:")
        if not r.many and r.kind != "struct":
            out.append(f"  a(f'{{j}}<{r.tag}>{_XML_SCALAR[r.kind]}</{r.tag}>\\n')")
        elif not r.many:
            out.append(f"  nested(v, out, '{r.tag}', base, None, j)")
        else:
            out.append(f"  if not v: a(f'{{j}}<{r.tag}/>\\n')")
            out.append("  else:")
            out.append(f"   a(f'{{j}}<{r.tag}>\\n')")
            out.append("   k = j + '  '")
            if r.kind == "struct":
                own = f"f'{{href}}/{r.rel}' if href and sub_{r.name} else None" if r.rel and r.link else "None"
                sub = f"sub_{r.name}" if r.link else "None"
                out.append(f"   for v in v: nested(v, out, '{r.item}', base, {own}, k, {sub})")
            else:
                out.append(f"   for v in v: a(f'{{k}}<{r.item}>{_XML_SCALAR[r.kind]}</{r.item}>\\n')")
            out.append(f"   a(f'{{j}}</{r.tag}>\\n')")
    return out


def _json_source(type_: type) -> str:
    inside, first, rest, identified = _split(type_)
    out = ["def write(o, out, href, base, resource):", " a = out.append"]
    subs = _subs(rest)
    if identified:
        out.append(" links = ''")
        out.append(" if href and resource is not None:")
        if subs:
            given = (
                "frozenset(r for r, v in (" + "".join(f"('{r.rel}', o.{r.name})," for r in subs) + ") if v is not None)"
            )
            out.append(f"  given = {given} if " + " or ".join(f"o.{r.name} is not None" for r in subs) + " else NONE")
        else:
            out.append("  given = NONE")
        out += ["  actions, links = around(resource, href, given)", "  if actions: a(actions)"]
    out += _json_rows(first)
    if identified:
        out.append(" if links: a(links)")
    out += _json_rows(inside + rest)
    if identified:
        out.append(" if href: a(f'\"href\":{js(href)}')")
        out.append(" v = o.id")
        out.append(" if v is not None: a(f'\"id\":{js(v)}')")
    out.append(" return None")
    return "\n".join(out)


def _json_rows(rows: list[Attribute]) -> list[str]:
    out: list[str] = []
    for r in rows:
        out.append(f" v = o.{r.name}")
        out.append(" if v is not None:")
        if not r.many and r.kind != "struct":
            out.append(f"  a('\"{r.tag}\":' + {_JSON_SCALAR[r.kind]})")
        elif not r.many:
            out.append(f"  a('\"{r.tag}\":' + nested(v, base, None))")
        else:
            own = f"f'{{href}}/{r.rel}' if href and sub_{r.name} else None" if r.rel and r.link else "None"
            sub = f"sub_{r.name}" if r.link else "None"
            item = f"nested(v, base, {own}, {sub})" if r.kind == "struct" else _JSON_SCALAR[r.kind]
            out.append(
                f"  a('\"{r.tag}\":' + ('{{\"{r.item}\":[' + ','.join([{item} for v in v]) + ']}}' if v else '{{}}'))"
            )
    return out
