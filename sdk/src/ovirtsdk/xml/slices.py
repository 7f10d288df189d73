"""The outermost level of an element's text, without reading what is inside.

Does: give attributes, children (each as its text) and text of an element whose text holds no comments, sections or
instructions, as `infrastructure.members` cuts them; says None of what it does not understand, for a parser to read.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, List, NamedTuple, Optional, Tuple
from xml.etree import ElementTree

ATTRIBUTES = rb"(?:\s+[^\s=<>\"'/]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*\s*"
_NAME = rb"([A-Za-z_][A-Za-z0-9_.-]*)"
_START = re.compile(rb"<" + _NAME + rb"(" + ATTRIBUTES + rb")(/?)>")
# A child that has no children is read at once: its tag, attributes, mark of an empty one, text, its end if that follows.
_CHILD = re.compile(rb"\s*<" + _NAME + rb"(" + ATTRIBUTES + rb")(?:(/)>|>([^<]*)(</\1\s*>)?)")
_PAIR = re.compile(rb"([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_LINKS = re.compile(rb"(?:\s*<link(?=[\s/])" + ATTRIBUTES + rb"/>)+")  # every object of an engine has a dozen
_LINK = re.compile(rb"<link" + ATTRIBUTES + rb"/>")
_END = re.compile(rb"\s*</" + _NAME + rb"\s*>\s*")
_ODD = re.compile(rb"[&\r\n\t]")  # what a parser turns into other characters
_BLANK = b" \t\r\n"


class Slices(NamedTuple):
    """attributes: by name. children: (tag, text of a leaf without attributes or None, the whole). text: if no children.

    links: empty `link` elements, which are not among the children.
    """

    attributes: Dict[str, str]
    children: List[Tuple[str, Optional[str], bytes]]
    text: str
    links: bytes


def slices(data: bytes) -> Optional[Slices]:
    """Of one element; None if it takes a parser to tell."""
    start = _START.match(data)
    if start is None:
        return None
    try:
        attributes = _attributes(start.group(2))
        if start.group(3):
            return Slices(attributes, [], "", b"")
        at, children, links = start.end(), [], b""
        while True:
            child = _CHILD.match(data, at)
            if child is None:
                break
            if child.group(1) == b"link" and (run := _LINKS.match(data, at)) is not None:
                links += run.group()
                at = run.end()
                continue
            tag, given, empty, text, closed = child.group(1, 2, 3, 4, 5)
            begun = child.start(1) - 1
            at = child.end() if empty or closed else _end_of(tag, data, child.end(2) + 1)
            if at < 0:
                return None
            plain = None if given.strip(_BLANK) or not (empty or closed) else _text(text or b"")
            children.append((tag.decode("ascii"), plain, data[begun:at]))
        content = b"" if children or links else data[at : data.find(b"<", at)]
        end = _END.fullmatch(data, at + len(content))
    except (ElementTree.ParseError, UnicodeDecodeError):
        return None
    whole = end is not None and end.group(1) == start.group(1)
    return Slices(attributes, children, _text(content), links) if whole else None


def links_of(data: bytes) -> List[bytes]:
    """The elements of `Slices.links`."""
    return _LINK.findall(data)


def _attributes(data: bytes) -> Dict[str, str]:
    if not data or data.isspace():
        return {}
    if b":" in data.split(b"=", 1)[0] or _ODD.search(data):
        return dict(ElementTree.fromstring(b"<a " + data + b"/>").attrib)
    return {m.group(1).decode("ascii"): (m.group(2) or m.group(3) or b"").decode() for m in _PAIR.finditer(data)}


def _text(data: bytes) -> str:
    if b"&" in data or b"\r" in data:
        return ElementTree.fromstring(b"<a>" + data + b"</a>").text or ""
    return data.decode()


@lru_cache(maxsize=256)
def _tags(tag: bytes) -> "re.Pattern[bytes]":
    return re.compile(rb"<(/?)" + re.escape(tag) + rb"(?=[\s/>])" + ATTRIBUTES + rb"(/?)>")


def _end_of(tag: bytes, data: bytes, at: int) -> int:
    """Where an element ends whose inside begins at `at`; -1 if it does not."""
    depth = 1
    for found in _tags(tag).finditer(data, at):
        depth += 0 if found.group(2) else -1 if found.group(1) else 1
        if depth == 0:
            return found.end()
    return -1


__all__ = ["ATTRIBUTES", "Slices", "links_of", "slices"]
