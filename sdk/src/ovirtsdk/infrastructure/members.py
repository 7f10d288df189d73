"""The members of a list in an answer, one by one while it arrives.

Does: cut the text of a list into its members' texts, which is several times cheaper than reading them; whoever looks at one
reads it then. What is not as engines write lists (comments, other encodings, other children) is read element by element.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, List, Optional
from xml.etree import ElementTree

from ovirtsdk.infrastructure.errors import ConnectionError, FormatError
from ovirtsdk.xml.slices import ATTRIBUTES

_BLANK = b" \t\r\n"
_HEAD = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml\s[^<>?]*\?>)?\s*<([A-Za-z_][\w.-]*)(" + ATTRIBUTES + rb")(/?)>", re.DOTALL
)
_ENCODING = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([\w.-]+)")
_MOST_HEAD = 4096


def members(chunks: Iterator[bytes], item: str) -> "Iterator[ElementTree.Element | bytes]":
    """Each member with this tag. ConnectionError for an answer that ends too early, FormatError for none."""
    buffer = b""
    head = None
    for data in chunks:
        buffer += data
        head = _HEAD.match(buffer)
        if head is not None or len(buffer) > _MOST_HEAD:
            break
    if head is None or not _plain(head):
        yield from _by_element(_again(buffer, chunks), item)
        return
    if not head.group(3):
        yield from _cut(head.group(1), buffer[head.end() :], chunks, item)
    elif any(data.strip(_BLANK) for data in _again(buffer[head.end() :], chunks)):
        raise FormatError(buffer[:80].decode("utf-8", "replace"))


def _plain(head: "re.Match[bytes]") -> bool:
    """Whether the text can be cut: UTF-8, and no names of elsewhere."""
    encoding = _ENCODING.search(head.group())
    return (encoding is None or encoding.group(1).lower() in (b"utf-8", b"us-ascii")) and b"xmlns" not in head.group(2)


def _cut(root: bytes, buffer: bytes, chunks: Iterator[bytes], item: str) -> "Iterator[ElementTree.Element | bytes]":
    tag = item.encode()
    tags = re.compile(rb"<(/?)" + re.escape(tag) + rb"(?=[\s/>])" + ATTRIBUTES + rb"(/?)>|<[!?]")
    closing = b"</" + root
    at = searched = 0
    begun, depth = -1, 0  # where the present member begins, and how many of its tag are open
    while True:
        if begun < 0:
            while at < len(buffer) and buffer[at] in _BLANK:
                at += 1
            searched = at
            if buffer.startswith(closing, at) and buffer[at + len(closing) :].strip(_BLANK) == b">":
                if any(data.strip(_BLANK) for data in chunks):
                    raise FormatError(buffer[at : at + 80].decode("utf-8", "replace"))
                return
        found = tags.search(buffer, searched)
        if (
            found is not None
            and (begun >= 0 or found.start() == at)
            and found.group().startswith((b"<" + tag, b"</" + tag))
        ):
            if begun < 0:
                if found.group(1):
                    raise FormatError(found.group().decode("utf-8", "replace"))
                begun = at
            depth += 0 if found.group(2) else -1 if found.group(1) else 1
            searched = found.end()
            if depth == 0:
                yield buffer[begun:searched]
                at, begun = searched, -1
            continue
        if found is not None or (begun < 0 and _is_other(buffer, at, tag, closing)):
            yield from _by_element(_again(b"<" + root + b">" + buffer[at:], chunks), item)
            return
        data = next(chunks, None)
        if data is None:
            raise ConnectionError("the answer broke off")
        if begun < 0:
            buffer, at, searched = buffer[at:] + data, 0, 0
        else:
            searched = max(searched, buffer.rfind(b"<", searched)) - begun
            buffer, at, begun = buffer[begun:] + data, 0, 0


def _is_other(buffer: bytes, at: int, tag: bytes, closing: bytes) -> bool:
    """Whether what comes next, as far as it is there, can be neither a member nor the end."""
    rest = buffer[at : at + max(len(tag), len(closing)) + 2]
    member = b"<" + tag
    if rest.startswith(member):
        return len(rest) > len(member) and rest[len(member)] not in _BLANK + b"/>"
    return not (member.startswith(rest) or closing.startswith(rest) or rest.startswith(closing))


def _again(before: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield before
    yield from chunks


def _by_element(chunks: Iterator[bytes], item: str) -> Iterator[ElementTree.Element]:
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    depth, fed = 0, False
    root: Optional[ElementTree.Element] = None
    try:
        for data in chunks:
            fed = fed or bool(data.strip(_BLANK))
            parser.feed(data)
            for event, element in parser.read_events():
                if event == "start":
                    depth += 1
                    if root is None:
                        root = element
                    continue
                depth -= 1
                if depth == 1 and root is not None:
                    if element.tag == item:
                        yield element
                    root.clear()
        if fed:
            parser.close()
    except ElementTree.ParseError as err:
        raise (
            FormatError() if root is None or root.tag in ("html", "HTML") else ConnectionError("the answer broke off")
        ) from err


__all__: List[str] = ["members"]
