"""HTTP/1.1 over kept connections, as much of it as an API's client needs; the standard library's takes longer to import
than a whole check may last.

Does: open, keep and share connections among threads, send a request, read an answer whole or in parts. Does not: follow
redirects, use proxies, or ask anything twice. Failures are OSError; NoHttp for what is no HTTP at all.
"""

from __future__ import annotations

import select
import socket
import threading
from io import BufferedReader
from typing import Any, Dict, Iterator, List, Mapping, Optional

_LINE, _HEADERS, _PART = 65536, 200, 65536


class NoHttp(OSError):
    """The server closed at once, or speaks something else."""


class Answer:
    """Status, reason, headers (lower-case names, the first of each); the body by `data` or `parts`."""

    def __init__(self, link: "_Link", pool: "Pool", method: str) -> None:
        self._link: Optional[_Link] = link
        self._pool = pool
        self._data: Optional[bytes] = None
        words = link.status_line()
        while words[1].startswith(b"1"):
            link.headers()
            words = link.status_line()
        self.status = int(words[1])
        self.reason = words[2].decode("latin-1").strip() if len(words) > 2 else ""
        self.headers = link.headers()
        closing = self.headers.get("connection", "").lower()
        self._keep = "close" not in closing and (words[0] != b"HTTP/1.0" or "keep-alive" in closing)
        self._empty = method == "HEAD" or self.status in (204, 304)

    @property
    def data(self) -> bytes:
        """The whole body."""
        if self._data is None:
            self._data = b"".join(self.parts())
        return self._data

    def parts(self) -> Iterator[bytes]:
        """The body while it arrives."""
        link = self._link
        if link is None:
            return
        try:
            if self._empty:
                pass
            elif "chunked" in self.headers.get("transfer-encoding", "").lower():
                yield from link.chunks()
            elif "content-length" in self.headers:
                yield from link.exactly(_number(self.headers["content-length"], 10))
            else:
                self._keep = False
                yield from link.rest()
        except BaseException:
            self._keep = False
            raise
        finally:
            self.release()

    def release(self) -> None:
        """Give the connection back; one with an unread body is of no further use."""
        link, self._link = self._link, None
        if link is None:
            return
        if self._keep and (link.at_end or self._empty):
            self._pool.put(link)
        else:
            link.close()


class Pool:
    """Connections with one server. context: of TLS, None for plain HTTP. timeout: seconds for each wait, None: for ever."""

    def __init__(self, host: str, port: int, context: Any, timeout: Optional[float]) -> None:
        self._host, self._port, self._context, self._timeout = (
            host.encode("ascii" if host.isascii() else "idna"),
            port,
            context,
            timeout,
        )
        self._idle: List[_Link] = []
        self._lock = threading.Lock()

    def request(self, method: str, target: str, headers: Mapping[str, str], body: Optional[bytes]) -> Answer:
        """Send, and read the head of the answer."""
        rows = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        if any("\r" in row or "\n" in row for row in rows):
            raise ValueError("a header or an address with a line end")
        if body is not None or method in ("POST", "PUT"):
            rows.append(f"Content-Length: {len(body or b'')}")
        link = self._take()
        try:
            link.send("\r\n".join([*rows, "", ""]).encode("utf-8") + (body or b""))
            return Answer(link, self, method)
        except BaseException:
            link.close()
            raise

    def put(self, link: "_Link") -> None:
        """A connection for the next request."""
        with self._lock:
            self._idle.append(link)

    def clear(self) -> None:
        """Close all that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for link in idle:
            link.close()

    def _take(self) -> "_Link":
        while True:
            with self._lock:
                link = self._idle.pop() if self._idle else None
            if link is None:
                return _Link(self._open())
            if link.is_alive():
                return link
            link.close()

    def _open(self) -> socket.socket:
        # A name in bytes: for one in text Python imports its IDNA codec, which takes longer than the rest of this.
        made = socket.create_connection((self._host, self._port), self._timeout)  # type: ignore[arg-type]
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                wrapped: socket.socket = self._context.wrap_socket(made, server_hostname=self._host)
                return wrapped
            return made
        except BaseException:
            made.close()
            raise


class _Link:
    """One connection."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._file: BufferedReader = opened.makefile("rb", _PART)  # type: ignore[assignment]
        self.at_end = True

    def is_alive(self) -> bool:
        """Whether the server has not closed it, or said what nobody asked for."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def send(self, data: bytes) -> None:
        """All of it."""
        self.at_end = False
        self._socket.sendall(data)

    def close(self) -> None:
        """For good."""
        self._file.close()
        self._socket.close()

    def status_line(self) -> List[bytes]:
        """[version, status, reason]."""
        line = self._file.readline(_LINE)
        if not line:
            raise NoHttp("the server closed the connection without an answer")
        words = line.strip().split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not (words[1].isdigit() and len(words[1]) == 3):
            raise NoHttp(f"the answer is no HTTP: it begins with {line[:40]!r}")
        return words

    def headers(self) -> Dict[str, str]:
        """Up to the blank line."""
        found: Dict[str, str] = {}
        for _ in range(_HEADERS):
            line = self._line()
            if line in (b"\r\n", b"\n"):
                return found
            name, mark, value = line.decode("latin-1").partition(":")
            if mark:
                found.setdefault(name.strip().lower(), value.strip())
        raise NoHttp(f"the answer has more than {_HEADERS} headers")

    def exactly(self, size: int) -> Iterator[bytes]:
        """So many bytes."""
        while size > 0:
            data = self._file.read1(min(size, _PART))
            if not data:
                raise ConnectionResetError("the answer broke off")
            size -= len(data)
            yield data
        self.at_end = True

    def chunks(self) -> Iterator[bytes]:
        """A body in chunks, without its frames."""
        while True:
            size = _number(self._line().split(b";")[0].decode("latin-1"), 16)
            if size == 0:
                break
            yield from self.exactly(size)
            self.at_end = False
            self._line()
        self.headers()
        self.at_end = True

    def rest(self) -> Iterator[bytes]:
        """Until the server closes."""
        while data := self._file.read1(_PART):
            yield data

    def _line(self) -> bytes:
        line = self._file.readline(_LINE)
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the answer broke off")
        return line


def _number(text: str, base: int) -> int:
    try:
        found = int(text.strip(), base)
    except ValueError:
        found = -1
    if found < 0 or "_" in text:
        raise NoHttp(f"{text[:40]!r} is no length")
    return found


__all__ = ["Answer", "NoHttp", "Pool"]
