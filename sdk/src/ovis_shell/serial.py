"""A VM's serial console in this terminal, through the engine alone.

Does: ask for a ticket, open the WebSocket, pass bytes both ways until Ctrl-] or the console's end; from a pipe it sends what
comes and shows what is answered. Follows: docs/reference/console.md; RFC 6455.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import socket
import struct
import sys
import time
from typing import Any, Iterator, Optional, Tuple

from ovis_shell.words import ShellError

LEAVE = b"\x1d"  # Ctrl-]
_BINARY, _CLOSE, _PING, _PONG = 2, 8, 9, 10
_QUIET = 1.0  # seconds without an answer after which a pipe's end is the end


def ticket(connection: Any, vm_id: str, take: bool) -> Tuple[str, str]:
    """(path, ticket) for a VM's serial line."""
    headers = connection._headers(True, None, last=False)
    headers.update({"Accept": "application/json", "Content-Type": "application/json", "Version": "4"})
    path = f"/ovirt-engine/api/ovis/console/{vm_id}/serial"
    try:
        answer = connection._opened().request("POST", path, headers, json.dumps({"take": take}).encode())
        told = json.loads(answer.data)
    except (OSError, ValueError) as err:
        raise ShellError(f"the engine gives no console: {err}", 3) from err
    if answer.status != 200:
        raise ShellError(f"{answer.status} {told.get('reason', '')}: {told.get('detail', '')}")
    return str(told["path"]), str(told["ticket"])


class WebSocket:
    """The client's end of one, with binary messages."""

    def __init__(self, opened: socket.socket, host: str, path: str, protocols: str) -> None:
        self._socket = opened
        self._pending = b""
        key = base64.b64encode(os.urandom(16)).decode()
        rows = (
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Protocol: {protocols}",
        )
        opened.sendall("\r\n".join([*rows, "", ""]).encode())
        while b"\r\n\r\n" not in self._pending:
            self._more()
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ShellError(f"the engine refuses the console: {head.splitlines()[0].decode('latin-1')}")

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    def send(self, data: bytes, kind: int = _BINARY) -> None:
        """One message."""
        mask = os.urandom(4)
        size = len(data)
        length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0xFE, size)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self._socket.sendall(bytes([0x80 | kind]) + length + mask + masked)

    def receive(self) -> Optional[bytes]:
        """What came, at least one frame of it; None when the console is over. ShellError says why it was refused."""
        kind, data = self._frame()
        if kind == _PING:
            self.send(data, _PONG)
        if kind != _CLOSE:
            return data if kind < _CLOSE else b""
        code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
        if code not in (1000, 1005):
            raise ShellError(data[2:].decode("utf-8", "replace") or f"the console ended with {code}")
        return None

    def waiting(self) -> bool:
        """Whether something can be read without asking the kernel."""
        pending = getattr(self._socket, "pending", None)
        return len(self._pending) >= 2 or bool(pending is not None and pending())

    def close(self) -> None:
        """Say goodbye."""
        with contextlib.suppress(OSError):
            self.send(struct.pack("!H", 1000), _CLOSE)
        self._socket.close()

    def _frame(self) -> Tuple[int, bytes]:
        head = self._take(2)
        size = head[1] & 0x7F
        if size > 125:
            size = int.from_bytes(self._take(2 if size == 126 else 8), "big")
        return head[0] & 0x0F, self._take(size)

    def _take(self, size: int) -> bytes:
        while len(self._pending) < size:
            self._more()
        found, self._pending = self._pending[:size], self._pending[size:]
        return found

    def _more(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ShellError("the connection to the engine is lost", 3)
        self._pending += data


@contextlib.contextmanager
def raw_terminal(fd: int) -> Iterator[None]:
    """Each key as it is pressed, and none shown by this side."""
    import termios
    import tty

    before = termios.tcgetattr(fd)
    tty.setraw(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def attach(connection: Any, vm_id: str, name: str, *, take: bool = False) -> None:
    """Until Ctrl-], the end of a pipe, or the console's own end."""
    path, secret = ticket(connection, vm_id, take)
    opened = connection._opened()._open()
    opened.settimeout(None)
    link = WebSocket(opened, connection._address, path, f"ovis.console, ovis.ticket.{secret}")
    try:
        if not sys.stdin.isatty():
            _pass(link, sys.stdin.fileno())
            return
        print(f"Serial console of {name}. Ctrl-] leaves.", file=sys.stderr)
        with raw_terminal(sys.stdin.fileno()):
            _pass(link, sys.stdin.fileno())
        print(f"\nLeft the console of {name}.", file=sys.stderr)
    except OSError as err:
        raise ShellError(f"the connection to the engine is lost: {err}", 3) from err
    finally:
        link.close()


def _pass(link: WebSocket, keys: int) -> None:
    typing, heard = True, time.monotonic()
    while True:
        wanted: Any = [link, keys] if typing else [link]
        ready = [link] if link.waiting() else select.select(wanted, [], [], None if typing else _QUIET)[0]
        if link in ready:
            data = link.receive()
            if data is None:
                return
            heard = time.monotonic()
            os.write(sys.stdout.fileno(), data)
        if keys in ready:
            typed = os.read(keys, 4096)
            before, left, _ = typed.partition(LEAVE) if os.isatty(keys) else (typed, b"", b"")
            if before:
                link.send(before)
            if left:
                return
            typing, heard = bool(typed), time.monotonic()
        if not typing and time.monotonic() - heard >= _QUIET:
            return
