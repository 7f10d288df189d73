"""Answers as plain trees that compare without order: what a reader of XML or JSON sees."""

import json
from collections import Counter
from typing import Any
from xml.etree import ElementTree

Leaves = Counter[tuple[str, str]]


def of_xml(text: str | bytes) -> Leaves:
    """(path, value) of every attribute and text of a document, with how often each occurs."""
    found: Leaves = Counter()

    def walk(element: ElementTree.Element, path: str, own: str) -> None:
        for name, value in element.attrib.items():
            found[(f"{own}/@{name}", value)] += 1
        if len(element) == 0:
            if element.text is not None or not element.attrib:
                found[(own, element.text or "")] += 1
            return
        for child in element:
            key = child.get("id") or child.get("rel") or ""
            walk(child, own, f"{own}/{child.tag}{f'[{key}]' if key else ''}")

    root = ElementTree.fromstring(text)
    walk(root, "", root.tag)
    return found


def of_json(value: Any) -> Leaves:
    """The same of a JSON value; numbers and strings stay apart."""
    found: Leaves = Counter()

    def walk(item: Any, path: str) -> None:
        if isinstance(item, dict):
            for key, inner in item.items():
                walk(inner, f"{path}/{key}")
        elif isinstance(item, list):
            for inner in item:
                key = (inner.get("id") or inner.get("rel") or "") if isinstance(inner, dict) else ""
                walk(inner, f"{path}[{key}]")
        else:
            found[(path, json.dumps(item))] += 1

    walk(json.loads(value) if isinstance(value, (str, bytes)) else value, "")
    return found


def differences(ours: Leaves, theirs: Leaves) -> str:
    """Readable, empty if equal."""
    missing, more = theirs - ours, ours - theirs
    rows = [f"missing {p} = {v}" for p, v in sorted(missing)] + [f"too much {p} = {v}" for p, v in sorted(more)]
    return "\n".join(rows)
