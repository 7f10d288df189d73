"""Trees of v3 elements, between structs and bytes, and what shims may ask about the store.

Does: hold elements, write them as XML or JSON. Does not: know types.
Follows: API facts, sections 2 and 7 (pretty-printed XML; in v3's JSON only 64-bit numbers are numbers).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ovis.engine.wire import text


@dataclass(slots=True)
class Node:
    """An element: attributes, then either children or a scalar. many: member of an array in JSON.

    wrapper: holds the members of a list, and is left out of JSON when there are none. texts: of a node that many trees
    share and nobody changes any more, what it was written as, by indentation or form.
    """

    tag: str
    attrs: dict[str, Any] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    value: Any = None
    many: bool = False
    wrapper: bool = False
    texts: dict[str, str] | None = None

    def child(self, tag: str) -> "Node | None":
        """The first child of this name."""
        return next((c for c in self.children if c.tag == tag), None)

    def drop(self, *tags: str) -> None:
        """Remove the children of these names."""
        self.children = [c for c in self.children if c.tag not in tags]


@dataclass(frozen=True, slots=True)
class Context:
    """What shims need of the store, by object id. networks, mirrored: of vNIC profiles. addresses: of a VM's guest.

    policies: scheduling policies. attachments: of disks that are shown below a VM or template.
    """

    networks: Mapping[str, str] = field(default_factory=dict)
    mirrored: frozenset[str] = frozenset()
    addresses: Mapping[str, list[Any]] = field(default_factory=dict)
    policies: Mapping[str, Any] = field(default_factory=dict)
    attachments: Mapping[str, Any] = field(default_factory=dict)


class Long(int):
    """A 64-bit number."""


def _text(value: Any, escape: Callable[[str], str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return text.decimal(value)
    if hasattr(value, "isoformat"):
        return text.xml_date(value)
    return escape(str(getattr(value, "value", value)))


def to_xml(node: Node, out: list[str], indent: str = "") -> None:
    """Append a tree, one element a line."""
    if node.texts is not None:
        made = node.texts.get(indent)
        if made is None:
            rows: list[str] = []
            _to_xml(node, rows, indent)
            made = node.texts[indent] = "".join(rows)
        out.append(made)
        return
    _to_xml(node, out, indent)


def _to_xml(node: Node, out: list[str], indent: str) -> None:
    head = f"{indent}<{node.tag}" + "".join(f' {k}="{_text(v, text.escape_attribute)}"' for k, v in node.attrs.items())
    if node.value is not None:
        out.append(f"{head}>{_text(node.value, text.escape)}</{node.tag}>\n")
    elif not node.children:
        out.append(head + "/>\n")
    else:
        out.append(head + ">\n")
        for child in node.children:
            to_xml(child, out, indent + "  ")
        out.append(f"{indent}</{node.tag}>\n")


def _json_scalar(value: Any) -> str:
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    if isinstance(value, Long):
        return str(int(value))
    if isinstance(value, int):
        return f'"{value}"'
    if isinstance(value, float):
        return text.decimal(value)
    if hasattr(value, "timestamp"):
        return text.json_date(value)
    return text.json_string(str(getattr(value, "value", value)))


def to_json(node: Node) -> str:
    """A tree's content as a JSON value: attributes and elements are keys, repeated elements arrays."""
    if node.texts is None:
        return _to_json(node)
    made = node.texts.get("json")
    if made is None:
        made = node.texts["json"] = _to_json(node)
    return made


def _to_json(node: Node) -> str:
    if node.value is not None and not node.attrs:
        return _json_scalar(node.value)
    parts = [f'"{k}":{_json_scalar(v)}' for k, v in node.attrs.items()]
    if node.value is not None:
        parts.append(f'"value":{_json_scalar(node.value)}')
    arrays: dict[str, list[str]] = {}
    for child in node.children:
        if child.wrapper and not child.children and not child.attrs:
            continue
        if child.many:
            arrays.setdefault(child.tag, []).append(to_json(child))
        else:
            parts.append(f'"{child.tag}":{to_json(child)}')
    parts += [f'"{k}":[{",".join(v)}]' for k, v in arrays.items()]
    return "{" + ",".join(parts) + "}"
