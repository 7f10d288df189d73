"""DHCP for IPv4, the client's messages, and one exchange on a device.

Does: discover, request, renew; over a packet socket, as there may be no address yet. Does not: keep the lease (leases).
Follows: RFC 2131, RFC 2132.
"""

import asyncio
import ipaddress
import os
import secrets
import socket
import struct
import time
from collections.abc import Mapping

from msgspec import Struct

from ovis.agent.network.kernel import Link
from ovis.agent.network.lease import Lent, Refused

DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
_COOKIE = b"\x63\x82\x53\x63"
_MASK, _ROUTER, _RESOLVERS, _HOST, _ASKED, _TIME, _KIND, _SERVER, _LIST, _RENEWAL, _CLIENT = (
    1, 3, 6, 12, 50, 51, 53, 54, 55, 58, 61,
)  # fmt: skip
_FOREVER = 0xFFFFFFFF
_LONGEST = 0x7FFFFFFF
_IP = 0x0800


class Answer(Struct, frozen=True):
    """A server's message."""

    kind: int
    transaction: int
    ip: str
    options: dict[int, bytes]

    @property
    def server(self) -> bytes:
        """Its identifier."""
        return self.options.get(_SERVER, b"")


def message(kind: int, transaction: int, mac: str, *, current: str = "", options: Mapping[int, bytes]) -> bytes:
    """What a client says. current: its address, if it has one. Pure."""
    hardware = bytes.fromhex(mac.replace(":", ""))
    own = socket.inet_aton(current or "0.0.0.0")
    flags = 0 if current else 0x8000  # to all, as nobody can be told apart yet
    head = struct.pack("!BBBBIHH4s4s4s4s", 1, 1, 6, 0, transaction, 0, flags, own, bytes(4), bytes(4), bytes(4))
    given = {_KIND: bytes([kind]), _CLIENT: b"\x01" + hardware, **options}
    given[_LIST] = bytes([_MASK, _ROUTER, _RESOLVERS, _TIME, _RENEWAL])
    tail = b"".join(bytes([code, len(value)]) + value for code, value in given.items()) + b"\xff"
    return (head + hardware.ljust(16, b"\0") + bytes(192) + _COOKIE + tail).ljust(300, b"\0")


def read(data: bytes) -> Answer | None:
    """A server's message; None if it is none. Pure."""
    if len(data) < 240 or data[0] != 2 or data[236:240] != _COOKIE:
        return None
    options: dict[int, bytes] = {}
    at = 240
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            return None
        options[data[at]] = options.get(data[at], b"") + data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    kind = options.get(_KIND, b"")
    if len(kind) != 1:
        return None
    return Answer(kind[0], struct.unpack_from("!I", data, 4)[0], socket.inet_ntoa(data[16:20]), options)


def lent(answer: Answer) -> Lent | None:
    """The lease of an ACK; None if it says too little. Pure."""
    mask, seconds = answer.options.get(_MASK, b""), answer.options.get(_TIME, b"")
    if len(mask) != 4 or len(seconds) != 4:
        return None
    try:
        prefix = ipaddress.ip_network(f"0.0.0.0/{socket.inet_ntoa(mask)}").prefixlen
    except ValueError:
        return None
    valid = min(struct.unpack("!I", seconds)[0], _LONGEST)
    renewal = answer.options.get(_RENEWAL, b"")
    renew = struct.unpack("!I", renewal)[0] if len(renewal) == 4 else valid // 2
    return Lent(
        ip=answer.ip,
        prefix=prefix,
        valid=valid,
        renew=min(renew, valid // 2 or 1),
        server=answer.server,
        gateway=next(iter(_several(answer.options.get(_ROUTER, b""))), ""),
        nameservers=_several(answer.options.get(_RESOLVERS, b"")),
    )


def _several(data: bytes) -> tuple[str, ...]:
    return tuple(socket.inet_ntoa(data[i : i + 4]) for i in range(0, len(data) - 3, 4))


def _sum(data: bytes) -> int:
    padded = data + b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(padded[i : i + 2], "big") for i in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(data: bytes, source: str) -> bytes:
    """IPv4 and UDP around a message to all servers. Pure."""
    own, everyone = socket.inet_aton(source or "0.0.0.0"), b"\xff" * 4
    length = 8 + len(data)
    check = _sum(own + everyone + struct.pack("!BBH", 0, 17, length) + struct.pack("!HHHH", 68, 67, length, 0) + data)
    udp = struct.pack("!HHHH", 68, 67, length, check or 0xFFFF) + data
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0, 64, 17, 0, own, everyone)
    return head[:10] + struct.pack("!H", _sum(head)) + head[12:] + udp


def payload(data: bytes) -> bytes:
    """The message in a packet to a client; b"" if it is none. Checksums are not looked at: cables of namespaces leave
    them open. Pure."""
    if len(data) < 28 or data[0] >> 4 != 4 or data[9] != 17:
        return b""
    at = (data[0] & 15) * 4
    if len(data) < at + 8 or struct.unpack_from("!H", data, 6)[0] & 0x1FFF:
        return b""
    _, port, length, _ = struct.unpack_from("!HHHH", data, at)
    return data[at + 8 : at + length] if port == 68 else b""


class Exchange4:
    """One exchange on a device."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._transaction = secrets.randbits(32)

    async def ask(self, known: Lent | None, ip: str, wait: float) -> Lent | None:
        """See lease.Exchange."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.htons(_IP)) as handle:
            handle.bind((self._link.name, _IP))
            if known is not None:
                self._send(handle, REQUEST, {}, known.ip)
            elif ip:
                self._send(handle, REQUEST, {_ASKED: socket.inet_aton(ip)})
            else:
                self._send(handle, DISCOVER, {})
            return await self._answers(handle, wait)

    def _send(self, handle: socket.socket, kind: int, options: Mapping[int, bytes], current: str = "") -> None:
        named = {_HOST: os.uname().nodename.encode("ascii", "ignore")[:63], **options}
        data = message(kind, self._transaction, self._link.mac, current=current, options={k: v for k, v in named.items() if v})  # fmt: skip
        handle.sendto(packet(data, current), (self._link.name, _IP, 0, 0, b"\xff" * 6))

    async def _answers(self, handle: socket.socket, wait: float) -> Lent | None:
        end = time.monotonic() + wait
        offered = False
        while (left := end - time.monotonic()) > 0:
            answer = read(payload(await receive(handle, left)))
            if answer is None or answer.transaction != self._transaction:
                continue
            if answer.kind == OFFER and not offered:
                offered = True
                chosen = {_ASKED: socket.inet_aton(answer.ip), _SERVER: answer.server}
                self._send(handle, REQUEST, chosen)
            elif answer.kind == ACK and (found := lent(answer)) is not None:
                return found
            elif answer.kind == NAK:
                raise Refused
        return None


async def receive(handle: socket.socket, limit: float) -> bytes:
    """The next packet; b"" if none comes in time."""
    loop = asyncio.get_running_loop()
    come = asyncio.Event()
    loop.add_reader(handle.fileno(), come.set)
    try:
        await asyncio.wait_for(come.wait(), limit)
        return handle.recv(65536)
    except (TimeoutError, BlockingIOError):
        return b""
    finally:
        loop.remove_reader(handle.fileno())
