"""STOMP 1.2 frames: to bytes, and from a stream.

Does: escape headers, parse incrementally, bound sizes. Does not: keep subscriptions (rpc) or open sockets.
Follows: STOMP 1.2 as VDSM speaks it: escapes in all frames, first of repeated headers wins, CR LF tolerated.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MAX_HEADERS = 16 * 1024
MAX_BODY = 64 << 20
HEARTBEAT = b"\n"
_END = re.compile(rb"\r?\n\r?\n")
_OUT = str.maketrans({"\\": "\\\\", "\r": "\\r", "\n": "\\n", ":": "\\c"})
_IN = {"\\": "\\", "r": "\r", "n": "\n", "c": ":"}


class FrameFault(ValueError):
    """Bytes that are no frame; the connection cannot go on."""


@dataclass(slots=True)
class Frame:
    """One frame."""

    command: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def encode(command: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A frame's bytes; content-length is added when there is a body."""
    lines = [command]
    lines += [f"{k.translate(_OUT)}:{str(v).translate(_OUT)}" for k, v in headers.items()]
    if body:
        lines.append(f"content-length:{len(body)}")
    return "\n".join(lines).encode() + b"\n\n" + body + b"\0"


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out = []
    at = 0
    while at < len(text):
        if text[at] != "\\":
            out.append(text[at])
            at += 1
            continue
        following = text[at + 1 : at + 2]
        if following not in _IN:
            raise FrameFault(f"unknown escape \\{following}")
        out.append(_IN[following])
        at += 2
    return "".join(out)


class Parser:
    """Feeds on bytes, yields frames; heart-beats between them are skipped (and counted). limit: bytes of a body."""

    def __init__(self, limit: int = MAX_BODY) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0  # bytes of the body in which there is no NUL
        self._head: tuple[str, dict[str, str]] | None = None
        self.heartbeats = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Frames that are complete now. FrameFault on garbage."""
        self._buffer += data
        while True:
            if self._head is None:
                self._skip_beats()
                if not self._read_head():
                    return
            frame = self._read_body()
            if frame is None:
                return
            yield frame

    def _skip_beats(self) -> None:
        at = 0
        while at < len(self._buffer) and self._buffer[at] in b"\r\n":
            at += 1
        if at:
            self.heartbeats += 1
            del self._buffer[:at]

    def _read_head(self) -> bool:
        end = _END.search(self._buffer)
        if end is None or end.start() > MAX_HEADERS:
            if len(self._buffer) > MAX_HEADERS:
                raise FrameFault("headers are too long")
            return False
        try:
            lines = self._buffer[: end.start()].decode("utf-8").replace("\r\n", "\n").split("\n")
        except UnicodeDecodeError as err:
            raise FrameFault("headers are not UTF-8") from err
        del self._buffer[: end.end()]
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise FrameFault(f"a header without a colon: {line[:40]!r}")
            headers.setdefault(_unescape(name), _unescape(value))
        self._head = (lines[0], headers)
        return True

    def _read_body(self) -> Frame | None:
        assert self._head is not None
        command, headers = self._head
        length = headers.get("content-length")
        if length is not None:
            if not (length.isascii() and length.isdigit()) or len(length) > 12 or int(length) > self._limit:
                raise FrameFault(f"content-length {length[:20]} is not possible")
            size = int(length)
            if len(self._buffer) < size + 1:
                return None
            if self._buffer[size] != 0:
                raise FrameFault("the frame does not end with NUL")
        else:
            size = self._buffer.find(b"\0", self._searched)
            if size < 0:
                self._searched = len(self._buffer)
                if self._searched > self._limit:
                    raise FrameFault("the body is too long")
                return None
        body = bytes(self._buffer[:size])
        del self._buffer[: size + 1]
        self._head = None
        self._searched = 0
        return Frame(command, headers, body)
