"""The codecs as `http` uses them: fragments, documents, collections, faults and bodies, in both dialects and formats.

Does: choose the writer by dialect and format, and put fragments together. A fragment is one object's element (XML) or
value (JSON), the unit that row caches keep. Does not: route, or know HTTP.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Literal

import msgspec

from ovis.engine.declare.faults import Malformed
from ovis.engine.declare.resource import Resource
from ovis.engine.declare.shape import attributes, names_of
from ovis.engine.model.types import Action, Fault
from ovis.engine.wire.dialect3 import Dialect3
from ovis.engine.wire.facts3 import names3
from ovis.engine.wire.layout import Layout
from ovis.engine.wire.reading import MAX_BYTES, build, parse_json, parse_xml
from ovis.engine.wire.text import escape, json_string
from ovis.engine.wire.tree3 import Context, Node, to_json, to_xml
from ovis.engine.wire.upgrade3 import upgrade
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
            return names3(type_)
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
                return to_json(node).encode()
            rows: list[str] = []
            to_xml(node, rows, indent)
            return "".join(rows).encode()
        out: list[str] = []
        if fmt == "xml":
            self._writers.xml(type_, name, len(indent) // 2)(o, out, href, base, resource)
            return "".join(out).encode()
        self._writers.json(type_)(o, out, href, base, resource)
        return "".join(out)[:-1].encode()

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

    def read(self, body: bytes, *, fmt: Format, dialect: int, type_: type, params: dict[str, str] | None = None) -> Any:
        """A body as a struct of `type_`; Malformed or InvalidValue otherwise. Roots of either dialect are accepted.

        params: takes the flags that v3 has in the body and v4 in the URL.
        """
        if len(body) > MAX_BYTES:
            raise Malformed(f"The body is larger than {MAX_BYTES} bytes.")
        roots = (names_of(type_).one, names3(type_)[0])
        if fmt == "xml":
            root, tree = parse_xml(body)
            if root not in roots:
                raise Malformed(f"The element {root[:80]} is not expected here: {roots[dialect == 3]} is.")
        else:
            tree = parse_json(body)
            if len(tree) == 1 and not any(row.key in roots for row in attributes(type_)):
                wrapped = tree.get(roots[0]) or tree.get(roots[1])
                if wrapped and isinstance(wrapped[0], dict):
                    tree = wrapped[0]
        if dialect == 3:
            return build(type_, tree, upgrade=partial(upgrade, params=params))
        return build(type_, tree)

    def fault(self, reason: str, detail: str, *, fmt: Format, dialect: int, failed: bool = False) -> bytes:
        """`<fault>`; of an action that failed, `<action>` with its status and the fault."""
        fault = Fault(reason=reason, detail=detail or None)
        said = Action(status="failed", fault=fault) if failed else fault
        return self.document(self.fragment(said, fmt=fmt, dialect=dialect, base=""), fmt)

    def usage(self, message: str, link: str) -> bytes:
        """v3's `<usage_message>` for a body that cannot be read."""
        node = Node("usage_message", children=[Node("message", value=message), Node("detailedLink", value=link)])
        rows: list[str] = []
        to_xml(node, rows)
        return XML_HEAD + "".join(rows).encode()

    def creation(self, state: str, *, fmt: Format, dialect: int) -> bytes:
        """`<creation>`: where a creation stands."""
        status = Node("status", children=[Node("state", value=state)]) if dialect == 3 else Node("status", value=state)
        return self._tree(Node("creation", children=[status]), fmt)

    def _tree(self, node: Node, fmt: Format) -> bytes:
        if fmt == "json":
            return to_json(node).encode()
        rows: list[str] = []
        to_xml(node, rows)
        return XML_HEAD + "".join(rows).encode()

    def root(self, api: Any, links: Sequence[tuple[str, str]], *, fmt: Format, dialect: int, base: str) -> bytes:
        """The entry point: links (rel, href) first, then the Api struct."""
        if dialect == 3:
            node = self._v3.tree(api, tag="api", base=base, href=None, resource=None, context=_NO_CONTEXT)
            node.children = [Node("link", {"href": href, "rel": rel}, many=True) for rel, href in links] + node.children
            return self._tree(node, fmt)
        inner = self.fragment(api, fmt=fmt, dialect=4, base=base)
        if fmt == "xml":
            shown = "".join(f'  <link href="{escape(href)}" rel="{escape(rel)}"/>\n' for rel, href in links)
            head, _, rest = inner.decode().partition(">\n")
            return XML_HEAD + f"{head}>\n{shown}{rest}".encode()
        rows = ",".join(f'{{"href":{json_string(href)},"rel":{json_string(rel)}}}' for rel, href in links)
        return f'{{"link":[{rows}],'.encode() + inner[1:]

    def with_creation_status(self, fragment: bytes, href: str, *, fmt: Format, dialect: int) -> bytes:
        """An object's fragment on a 202 answer: with the link where its creation can be watched."""
        state: Any = {"state": "pending"} if dialect == 3 else "pending"
        return self.with_links(fragment, (("creation_status", href),), fmt=fmt, creation_status=state)

    def with_links(self, fragment: bytes, links: Sequence[tuple[str, str]], *, fmt: Format, **more: Any) -> bytes:
        """A fragment with more links (rel, href), and elements, which may have one level below."""
        if fmt == "json":
            shown = msgspec.json.decode(fragment) | more
            shown["link"] = [{"href": href, "rel": rel} for rel, href in links] + shown.get("link", [])
            return msgspec.json.encode(shown)
        inside = [Node("link", {"href": href, "rel": rel}) for rel, href in links]
        for name, value in more.items():
            below = [Node(k, value=v) for k, v in value.items()] if isinstance(value, dict) else []
            inside.append(Node(name, children=below) if below else Node(name, value=value))
        rows: list[str] = []
        for node in inside:
            to_xml(node, rows, "  ")
        head, _, rest = fragment.decode().partition(">\n")
        end = f"</{head.split()[0].lstrip('<')}>\n" if head.endswith("/") else ""
        return f"{head.rstrip('/')}>\n{''.join(rows)}{rest}{end}".encode()
