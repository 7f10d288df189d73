"""The documents that describe dialect 3 to programs: `?rsdl` (XML or JSON) and `?schema` (XSD).

Does: write what `operations3` and `schema3` know. Does not: know any resource. Follows: API facts, section 7.
"""

from collections.abc import Iterator

from ovis.engine.wire import text
from ovis.engine.wire.operations3 import Description3, Operation3, Parameter3
from ovis.engine.wire.schema3 import Property3, Type3
from ovis.engine.wire.tree3 import Node, to_json, to_xml

SCHEMA_FILE = "ovirt-engine-api-schema.xsd"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SCALARS = {
    "string": "xs:string",
    "int": "xs:int",
    "long": "xs:long",
    "boolean": "xs:boolean",
    "date": "xs:dateTime",
    "decimal": "xs:decimal",
    "collection": "collection",
}
_HEADERS = {
    "Content-Type": "application/xml|json",
    "Correlation-Id": "any string",
    "Expect": "201-created",
    "Filter": "true|false",
    "All-Content": "true|false",
}
_EVERYWHERE = (
    ("Accept", "application/xml|json"),
    ("Authorization", "Basic CREDENTIALS|Bearer TOKEN"),
    ("Prefer", "persistent-auth"),
    ("Session-TTL", "minutes"),
    ("Version", "3"),
)


def _leaf(tag: str, value: object, many: bool = False) -> Node:
    return Node(tag, value=value, many=many)


def _header(name: str, value: str, *, required: bool = False) -> Node:
    return Node("header", {"required": required}, [_leaf("name", name), _leaf("value", value)], many=True)


def _parameter(p: Parameter3) -> Node:
    node = Node("parameter", {"required": p.required, "type": _SCALARS.get(p.kind, p.kind)}, many=True)
    node.children.append(_leaf("name", p.name))
    if p.members:
        node.children.append(Node("parameters_set", children=[_parameter(m) for m in p.members]))
    return node


def _link(op: Operation3) -> Node:
    headers = [_header("Content-Type", _HEADERS["Content-Type"], required=True)] if op.body else []
    headers += [_header(name, _HEADERS[name]) for name in op.headers]
    request = [_leaf("http_method", op.method)]
    if headers:
        request.append(Node("headers", children=headers))
    if op.url:
        rows = [
            Node(
                "parameter",
                {"required": False, "type": _SCALARS[u.kind], "context": u.context},
                [_leaf("name", u.name), _leaf("value", u.doc or u.name)],
                many=True,
            )
            for u in op.url
        ]
        request.append(Node("url", children=[Node("parameters_set", children=rows, many=True)]))
    if op.body:
        body = [_leaf("type", op.body)]
        if op.parameters:
            body.append(Node("parameters_set", children=[_parameter(p) for p in op.parameters], many=True))
        request.append(Node("body", {"required": any(p.required for p in op.parameters)}, body))
    node = Node("link", {"href": op.href, "rel": op.rel}, [_leaf("description", op.doc)], many=True)
    node.children.append(Node("request", children=request))
    if op.answer:
        node.children.append(Node("response", children=[_leaf("type", op.answer)]))
    return node


def rsdl_tree(described: Description3, version: tuple[int, int, int, int], base: str) -> Node:
    """The whole document as a tree."""
    major, minor, build, revision = version
    general = [_header(name, value) for name, value in _EVERYWHERE]
    return Node(
        "rsdl",
        {"href": f"{base}?rsdl", "rel": "rsdl"},
        [
            _leaf("description", "What this engine can be asked, operation by operation."),
            Node("version", {"major": major, "minor": minor, "build": build, "revision": revision}),
            Node(
                "schema",
                {"href": f"{base}?schema", "rel": "schema"},
                [_leaf("name", SCHEMA_FILE), _leaf("description", "The types of bodies and answers.")],
            ),
            Node(
                "general",
                {"href": "*", "rel": "*"},
                [
                    _leaf("name", "Headers that every request may have."),
                    Node("request", children=[Node("headers", children=general)]),
                ],
            ),
            Node("links", children=[_link(op) for op in described.operations]),
        ],
    )


def rsdl(described: Description3, version: tuple[int, int, int, int], base: str, fmt: str) -> bytes:
    """The document as XML or JSON."""
    tree = rsdl_tree(described, version, base)
    if fmt == "json":
        return to_json(tree).encode()
    out: list[str] = [_XML]
    to_xml(tree, out)
    return "".join(out).encode()


def _type_of(prop: Property3) -> str:
    return _SCALARS.get(prop.kind, prop.kind)


def _complex(t: Type3) -> Iterator[str]:
    yield f'  <xs:complexType name="{t.name}">\n'
    pad = "    "
    if t.identified:
        yield '    <xs:complexContent>\n      <xs:extension base="BaseResource">\n'
        pad = "        "
    elif t.wraps:
        yield '    <xs:complexContent>\n      <xs:extension base="BaseResources">\n'
        pad = "        "
    simple = {"name", "description", "comment"} if t.identified else set()
    elements = [p for p in t.properties if not p.attribute and p.name not in simple]
    if elements:
        # In any order: what engines wrote first has changed over the years, and readers never cared.
        yield f'{pad}<xs:choice minOccurs="0" maxOccurs="unbounded">\n'
        for p in elements:
            most = ' maxOccurs="unbounded"' if p.many else ""
            yield f'{pad}  <xs:element name="{p.name}" type="{_type_of(p)}" minOccurs="0"{most}/>\n'
        yield f"{pad}</xs:choice>\n"
    for p in t.properties:
        if p.attribute:
            yield f'{pad}<xs:attribute name="{p.name}" type="{_type_of(p)}"/>\n'
    if t.identified or t.wraps:
        yield "      </xs:extension>\n    </xs:complexContent>\n"
    yield "  </xs:complexType>\n"


_BASES = """\
  <xs:complexType name="BaseResource">
    <xs:choice minOccurs="0" maxOccurs="unbounded">
      <xs:element name="actions" type="Actions" minOccurs="0"/>
      <xs:element name="name" type="xs:string" minOccurs="0"/>
      <xs:element name="description" type="xs:string" minOccurs="0"/>
      <xs:element name="comment" type="xs:string" minOccurs="0"/>
      <xs:element name="creation_status" type="Status" minOccurs="0"/>
      <xs:element name="link" type="Link" minOccurs="0" maxOccurs="unbounded"/>
    </xs:choice>
    <xs:attribute name="href" type="xs:string"/>
    <xs:attribute name="id" type="xs:string"/>
  </xs:complexType>
  <xs:complexType name="BaseResources">
    <xs:sequence>
      <xs:element name="actions" type="Actions" minOccurs="0"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="StorageManager">
    <xs:simpleContent>
      <xs:extension base="xs:boolean">
        <xs:attribute name="priority" type="xs:int"/>
      </xs:extension>
    </xs:simpleContent>
  </xs:complexType>
"""


def schema(described: Description3) -> bytes:
    """The XSD."""
    types = described.schema.types
    out = [
        _XML,
        '<xs:schema version="1.0" xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">\n',
    ]
    elements = {t.element: t.name for t in types.values() if t.element}
    out += [f'  <xs:element name="{text.escape(e)}" type="{name}"/>\n' for e, name in sorted(elements.items())]
    out.append(_BASES)
    for t in types.values():
        if t.name != "StorageManager":
            out += _complex(t)
    out.append("</xs:schema>\n")
    return "".join(out).encode()
