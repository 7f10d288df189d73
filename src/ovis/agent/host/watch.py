"""Tells engines that the host's addresses or links changed: `|net|host_conn|no_id`.

Does: hear the kernel's routing messages, wait until they calm down, tell once. Does not: say what changed; engines read
capabilities anew. Interfaces of guests come and go without a word.
"""

import asyncio
import contextlib
import socket
import struct
from typing import NamedTuple

import structlog

from ovis.agent.driver import Publish

log = structlog.get_logger(__name__)
EVENT = "|net|host_conn|no_id"
CALM_SECONDS = 1.0
_MOST_SECONDS = 10.0  # told by then even if it does not calm down
_GROUPS = 0x1 | 0x10 | 0x100  # links, IPv4 addresses, IPv6 addresses
_NEWLINK, _DELLINK, _NEWADDR, _DELADDR = 16, 17, 20, 21
_IFNAME, _ADDRESS = 3, 1
_UP = 0x1 | 0x40 | 0x10000  # administratively, running, carrier; all of them for a link that is new
_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDR = struct.Struct("=BBBBI")
_GUESTS = ("vnet", "tap", "macvtap", ";vdsmdummy;")


class Change(NamedTuple):
    """One message. link: a name, or an index in text. address: empty if the link itself changed. gone: removed."""

    link: str
    address: bytes
    gone: bool


def changes(data: bytes) -> list[Change]:
    """What a datagram of the kernel says of links going up and down and of addresses. Pure."""
    found = []
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        body = data[at + _HEADER.size : at + length]
        if length < _HEADER.size or at + length > len(data):
            break
        if kind in (_NEWLINK, _DELLINK) and len(body) >= _LINK.size:
            family, _, _, _, changed = _LINK.unpack_from(body)
            if family == 0 and (kind == _DELLINK or changed & _UP):
                name = _attribute(body, _LINK.size, _IFNAME).split(b"\0")[0].decode(errors="replace")
                found.append(Change(name, b"", kind == _DELLINK))
        elif kind in (_NEWADDR, _DELADDR) and len(body) >= _ADDR.size:
            index = _ADDR.unpack_from(body)[4]
            found.append(Change(str(index), _attribute(body, _ADDR.size, _ADDRESS), kind == _DELADDR))
        at += (length + 3) & ~3
    return found


def _attribute(body: bytes, at: int, wanted: int) -> bytes:
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        if length < 4:
            break
        if kind == wanted:
            return body[at + 4 : at + length]
        at += (length + 3) & ~3
    return b""


def _is_guests(change: Change) -> bool:
    """Whether an interface of a guest changed."""
    name = change.link
    if change.address:
        try:
            name = socket.if_indextoname(int(name))
        except OSError:
            return True  # its link is gone, which is told by itself
    return name.startswith(_GUESTS)


class NetworkWatch:
    """One socket to the kernel."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._socket: socket.socket | None = None
        self._later: asyncio.TimerHandle | None = None
        self._since = 0.0
        self._known: set[tuple[str, bytes]] = set()  # addresses: routers repeat them

    def start(self) -> None:
        """Begin to hear; a host that does not let us is left without these events."""
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
            self._socket.bind((0, _GROUPS))
        except OSError as err:
            log.warning("changes of the host's networks are not heard", error=str(err))
            self.stop()
            return
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._heard)

    def stop(self) -> None:
        """End."""
        if self._later is not None:
            self._later.cancel()
        if self._socket is not None:
            with contextlib.suppress(ValueError):
                asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _heard(self) -> None:
        assert self._socket is not None
        try:
            told = [self._is_new(c) for c in changes(self._socket.recv(65536)) if not _is_guests(c)]
        except BlockingIOError:
            return
        except OSError:
            told = [True]  # the kernel dropped some: one of them may have mattered
        if any(told):
            self._soon()

    def _is_new(self, change: Change) -> bool:
        key = change.link, change.address
        if not change.address:
            return True
        if change.gone:
            self._known.discard(key)
            return True
        new = key not in self._known
        self._known.add(key)
        return new

    def _soon(self) -> None:
        loop = asyncio.get_running_loop()
        if self._later is None:
            self._since = loop.time()
        else:
            self._later.cancel()
        when = min(loop.time() + CALM_SECONDS, self._since + _MOST_SECONDS)
        self._later = loop.call_at(when, self._tell)

    def _tell(self) -> None:
        self._later = None
        self._publish(EVENT, {})
