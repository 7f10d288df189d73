"""The codecs as `http` uses them: fragments, documents, collections, faults and bodies, in both dialects and formats.

Does: choose the writer by dialect and format, and put fragments together. A fragment is one object's element (XML) or
value (JSON), the unit that row caches keep. Does not: route, or know HTTP.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from ovis.engine.declare.faults import InvalidValue, Malformed
from ovis.engine.declare.resource import Resource
from ovis.engine.declare.shape import names_of
from ovis.engine.model.types import Action, Fault
from ovis.engine.wire import dialect3
from ovis.engine.wire.dialect3 import Context, Dialect3, Node
from ovis.engine.wire.layout import Layout
from ovis.engine.wire.reading import MAX_BYTES, build, parse_json, parse_xml
from ovis.engine.wire.writers import Writers

Format = Literal["xml", "json"]
XML_HEAD = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
CONTENT_TYPES: dict[str, str] = {"xml": "application/xml;charset=UTF-8", "json": "application/json"}
CHUNK_ROWS = 100
_NO_CONTEXT = Context()


class Codecs:
    """Everything that turns structs into bytes and back for one list of resources."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.layout = Layout(resources)
        self._writers = Writers(self.layout)
        self._v3 = Dialect3(self.layout)

    def names(self, type_: type, dialect: int) -> tuple[str, str]:
        """Element names of one object and of a list."""
        if dialect == 3:
            return dialect3.names3(type_)
        found = names_of(type_)
        return found.one, found.many

    def fragment(
        self,
        o: Any,
        *,
        fmt: Format,
        dialect: int,
        base: str,
        href: str | None = None,
        resource: Resource | None = None,
        context: Context = _NO_CONTEXT,
        tag: str | None = None,
        indent: str = "",
    ) -> bytes:
        """One object: its element with a line end in XML, its value in JSON."""
        type_ = type(o)
        if o.__class__ is Action:
            resource = None
        name = tag or self.names(type_, dialect)[0]
        if dialect == 3:
            node = self._v3.tree(o, tag=name, base=base, href=href, resource=resource, context=context)
            if fmt == "json":
                return dialect3.to_json(node).encode()
            rows: list[str] = []
            dialect3.to_xml(node, rows, indent)
            return "".join(rows).encode()
        out: list[str] = []
        if fmt == "xml":
            self._writers.writer(type_, "xml")(o, out, name, href, base, resource, indent)
            return "".join(out).encode()
        self._writers.writer(type_, "json")(o, out, href, base, resource)
        return ("{" + ",".join(out) + "}").encode()

    def document(self, fragment: bytes, fmt: Format) -> bytes:
        """A whole answer of one object."""
        return XML_HEAD + fragment if fmt == "xml" else fragment

    def collection(self, type_: type, fragments: Iterable[bytes], *, fmt: Format, dialect: int) -> Iterator[bytes]:
        """A whole answer of many objects, in chunks of at most 100 rows."""
        one, many = self.names(type_, dialect)
        first = True
        rows: list[bytes] = []
        joiner = b"" if fmt == "xml" else b","
        for fragment in fragments:
            rows.append(fragment)
            if len(rows) == CHUNK_ROWS:
                yield (self._open(one, many, fmt) if first else joiner) + joiner.join(rows)
                first, rows = False, []
        if rows:
            yield (self._open(one, many, fmt) if first else joiner) + joiner.join(rows)
            first = False
        if first:
            yield XML_HEAD + f"<{many}/>\n".encode() if fmt == "xml" else b"{}"
        else:
            yield f"</{many}>\n".encode() if fmt == "xml" else b"]}"

    def _open(self, one: str, many: str, fmt: Format) -> bytes:
        return XML_HEAD + f"<{many}>\n".encode() if fmt == "xml" else f'{{"{one}":['.encode()

    def read(self, body: bytes, *, fmt: Format, dialect: int, type_: type) -> Any:
        """A body as a struct of `type_`; Malformed or InvalidValue otherwise. Roots of either dialect are accepted."""
        if len(body) > MAX_BYTES:
            raise Malformed(f"The body is larger than {MAX_BYTES} bytes.")
        if fmt == "xml":
            root, tree = parse_xml(body)
            if root not in (names_of(type_).one, dialect3.names3(type_)[0]):
                raise Malformed(f"The element {root} is not expected here: {names_of(type_).one} is.")
        else:
            tree = parse_json(body)
            wrapped = tree.get(names_of(type_).one)
            if len(tree) == 1 and wrapped and isinstance(wrapped[0], dict) and type_ is not Action:
                tree = wrapped[0]
        try:
            if dialect == 3:
                return build(type_, tree, upgrade=dialect3.upgrade)
            return build(type_, tree)
        except RecursionError as err:
            raise InvalidValue("The body is nested too deeply.") from err

    def fault(self, reason: str, detail: str, *, fmt: Format, dialect: int) -> bytes:
        """`<fault>`."""
        return self.document(
            self.fragment(Fault(reason=reason, detail=detail or None), fmt=fmt, dialect=dialect, base=""), fmt
        )

    def link_nodes(self, rows: Iterable[tuple[str, str]]) -> list[Node]:
        """Links of the root document for v3."""
        return [Node("link", {"href": href, "rel": rel}, many=True) for rel, href in rows]

    def root(self, api: Any, links: Sequence[tuple[str, str]], *, fmt: Format, dialect: int, base: str) -> bytes:
        """The entry point: links (rel, href) first, then the Api struct."""
        if dialect == 3:
            node = self._v3.tree(api, tag="api", base=base, href=None, resource=None, context=_NO_CONTEXT)
            node.children = self.link_nodes(links) + node.children
            if fmt == "json":
                return dialect3.to_json(node).encode()
            rows: list[str] = []
            dialect3.to_xml(node, rows)
            return XML_HEAD + "".join(rows).encode()
        inner = self.fragment(api, fmt=fmt, dialect=4, base=base)
        if fmt == "xml":
            shown = "".join(f'  <link href="{_attr(href)}" rel="{rel}"/>\n' for rel, href in links)
            body = inner.decode()
            head, _, rest = body.partition(">\n")
            return XML_HEAD + f"{head}>\n{shown}{rest}".encode()
        shown = ",".join(f'{{"href":"{href}","rel":"{rel}"}}' for rel, href in links)
        return f'{{"link":[{shown}],'.encode() + inner[1:]


def _attr(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
