"""The v3 dialect: the same structs in 3.x shapes, by rules (`facts3`) and a few shims (`shims3`).

Does: turn a struct into a tree of v3 elements, for XML or JSON. Does not: read the store; shims that need more than the
object find it in `context`. Bodies of v3 come in through `upgrade3`.
Follows: rules and shims of the v3 server of engine 4.x.
"""

from functools import cache
from typing import Any

import msgspec

from ovis.engine.declare.resource import Resource
from ovis.engine.declare.shape import Attribute, attributes
from ovis.engine.model.types import DiskAttachment
from ovis.engine.wire.facts3 import (
    ATTRIBUTES,
    STATUS,
    UPPER_STATUS,
    hidden,
    href3,
    is_long,
    item3,
    names3,
    renamed,
    unwrapped,
)
from ovis.engine.wire.layout import Layout, collection_name
from ovis.engine.wire.shims3 import SHIMS, join_disk
from ovis.engine.wire.tree3 import Context, Long, Node, to_json, to_xml
from ovis.engine.wire.upgrade3 import upgrade
from ovis.engine.wire.writers import is_bare

_FIRST = ("name", "description", "comment")


@cache
def _shown(type_: type) -> tuple[Attribute, ...]:
    """The attributes that v3 shows: names first, then in declared order."""
    name = type_.__name__
    rows = [r for r in attributes(type_) if not hidden(name, r.name)]
    first = [r for n in _FIRST for r in rows if r.name == n]
    return tuple(first + [r for r in rows if r not in first])


_encode = msgspec.json.Encoder().encode
_KEPT = 4096  # nodes kept for values that many objects share
_LONGEST = 1000  # bytes of a value that is worth it
_CHANGED_LATER = frozenset({"Cluster", "Tag"})  # shims of these types rework nodes of single values


class Dialect3:
    """Writer of trees for one layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._kept: dict[tuple[str, str, str, bytes], Node] = {}

    def tree(
        self,
        o: Any,
        *,
        tag: str,
        base: str,
        href: str | None,
        resource: Resource | None,
        context: Context,
        many: bool = False,
    ) -> Node:
        """The v3 tree of a struct."""
        type_: Any = type(o)
        name = type_.__name__
        node = Node(tag, many=many)
        id_ = getattr(o, "id", None)
        identified = isinstance(id_, str)
        if identified:
            if href:
                node.attrs["href"] = href
            node.attrs["id"] = id_
        if href and resource is not None:
            self._around(node, resource, href)
        for row in _shown(type_):
            value = getattr(o, row.name)
            if value is None or (identified and row.name == "id"):
                continue
            self._attribute(o, name, row, value, node, base, href, context)
        shim = SHIMS.get(name)
        if shim is not None:
            shim(o, node, context, base)
        return node

    def _around(self, node: Node, resource: Resource, href: str) -> None:
        around = self.layout.around(resource, 3)
        if around.actions:
            rows = [Node("link", {"href": f"{href}/{a}", "rel": a}, many=True) for a in around.actions]
            node.children.append(Node("actions", children=rows))
        node.children += [Node("link", {"href": f"{href}/{r}", "rel": r}, many=True) for r in around.links]

    def _attribute(
        self, o: Any, name: str, row: Attribute, value: Any, node: Node, base: str, href: str | None, context: Context
    ) -> None:
        tag = renamed(name, row.name) or row.tag
        if row.many:
            node_of = self._members(o, name, row, value, base, href, context)
            if unwrapped(name, row.name):
                node.children += node_of
            else:
                node.children.append(Node(tag, children=node_of, wrapper=True))
        elif row.name in ATTRIBUTES.get(name, ()) or row.xml_attribute:
            node.attrs[tag] = _scalar(name, row, value)
        elif row.name in STATUS.get(name, ()) and row.kind in ("enum", "str"):
            node.children.append(_status(o, name, row, value, tag))
        elif name == "Statistic" and row.name in ("kind", "unit"):
            node.children.append(Node(tag, value=value.value.upper()))
        elif row.kind == "struct" and name not in _CHANGED_LATER:
            node.children.append(self._shared(name, row, value, tag, base, context))
        else:
            node.children.append(self._value(name, row, value, tag, base, None, context))

    def _shared(self, name: str, row: Attribute, value: Any, tag: str, base: str, context: Context) -> Node:
        """The node of a nested value, made once for all objects that hold the same."""
        key = (name, row.name, base, _encode(value))
        node = self._kept.get(key)
        if node is not None:
            return node
        node = self._value(name, row, value, tag, base, None, context)
        if len(key[3]) <= _LONGEST and not (hasattr(value, "id") and len(node.children)):
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            node.texts = {}
            self._kept[key] = node
        return node

    def _members(
        self, o: Any, name: str, row: Attribute, value: Any, base: str, href: str | None, context: Context
    ) -> list[Node]:
        """The members of a list."""
        sub = self.layout.sub(type(o), row.rel) if href and row.rel else None
        segment = collection_name(sub, 3) or href3(row.rel or "") if sub is not None else None
        below = f"{href}/{segment}" if segment else None
        if row.kind == "struct" and row.type is DiskAttachment:
            members = [self._joined(v, base, below or (f"{href}/disks" if href else None), context) for v in value]
        else:
            item = item3(name, row)
            members = [self._value(name, row, v, item, base, below, context, sub) for v in value]
        for member in members:
            member.many = True
        return members

    def _joined(self, attachment: Any, base: str, below: str | None, context: Context) -> Node:
        """An attachment with its disk as v3's one disk."""
        disk = attachment.disk
        own = f"{below}/{attachment.id}" if below and attachment.id else None
        if disk is None:
            node = Node("disk", ({"href": own} if own else {}) | ({"id": attachment.id} if attachment.id else {}))
        else:
            node = self.tree(disk, tag="disk", base=base, href=own, resource=None, context=Context())
        join_disk(node, attachment)
        return node

    def _value(
        self,
        name: str,
        row: Attribute,
        value: Any,
        tag: str,
        base: str,
        rel_href: str | None,
        context: Context,
        sub: Resource | None = None,
    ) -> Node:
        if row.kind != "struct":
            return Node(tag, value=_scalar(name, row, value))
        id_ = getattr(value, "id", None)
        href = None
        if isinstance(id_, str):
            href = self._href(value, id_, base, rel_href)
            if is_bare(value):
                return Node(tag, ({"href": href} if href else {}) | {"id": id_})
        resource = (sub or self.layout.by_type.get(type(value))) if href else None
        return self.tree(value, tag=tag, base=base, href=href, resource=resource, context=context)

    def _href(self, value: Any, id_: str, base: str, rel_href: str | None) -> str | None:
        own = getattr(value, "href", None)
        if own:
            return str(own) if own.startswith(base + "/") else base + href3(own)
        if rel_href:
            return f"{rel_href}/{id_}"
        root = self.layout.root(type(value))
        path = collection_name(root, 3) if root is not None else None
        return f"{base}/{path}/{id_}" if path else None


def _status(o: Any, name: str, row: Attribute, value: Any, tag: str) -> Node:
    """`<status><state>..</state><detail>..</detail></status>`."""
    state = value if isinstance(value, str) and row.kind == "str" else value.value
    status = Node(tag, children=[Node("state", value=state.upper() if name in UPPER_STATUS else state)])
    detail = getattr(o, "status_detail", None)
    if detail and row.name == "status":
        status.children.append(Node("detail", value=detail))
    return status


def _scalar(name: str, row: Attribute, value: Any) -> Any:
    if row.kind == "enum":
        return value.value
    if row.kind == "int" and is_long(name, row.name):
        return Long(value)
    return value


__all__ = ["Context", "Dialect3", "Node", "names3", "to_json", "to_xml", "upgrade"]
