"""DHCP for IPv6, the client's messages, and one exchange on a device.

Does: one address (IA_NA), solicited or renewed. Does not: prefixes; default routes, which routers tell. Does not keep the
lease (leases). Follows: RFC 8415.
"""

import asyncio
import errno
import ipaddress
import secrets
import socket
import struct
import time
import zlib
from collections.abc import Iterator

from msgspec import Struct

from ovis.agent.network.dhcp4 import receive
from ovis.agent.network.kernel import Link
from ovis.agent.network.lease import Lent, Refused

SOLICIT, ADVERTISE, REQUEST, RENEW, REBIND, REPLY = 1, 2, 3, 5, 6, 7
_CLIENT, _SERVER, _ADDRESSES, _ADDRESS, _LIST, _ELAPSED, _STATUS, _RESOLVERS = 1, 2, 3, 5, 6, 8, 13, 23
_ALL_SERVERS, _TO, _FROM = "ff02::1:2", 547, 546
_LONGEST = 0x7FFFFFFF


class Answer(Struct, frozen=True):
    """A server's message. ip: "" if it has none for us."""

    kind: int
    transaction: int
    server: bytes
    ip: str = ""
    valid: int = 0
    renew: int = 0
    nameservers: tuple[str, ...] = ()


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("!HH", code, len(value)) + value


def message(kind: int, transaction: int, mac: str, *, name: str, server: bytes = b"", ip: str = "") -> bytes:
    """What a client says. name: of its device, which makes the association's number. Pure."""
    inner = _option(_ADDRESS, socket.inet_pton(socket.AF_INET6, ip) + bytes(8)) if ip else b""
    association = struct.pack("!III", zlib.crc32(name.encode()), 0, 0) + inner
    return (
        struct.pack("!I", kind << 24 | transaction)
        + _option(_CLIENT, b"\x00\x03\x00\x01" + bytes.fromhex(mac.replace(":", "")))
        + (_option(_SERVER, server) if server else b"")
        + _option(_ADDRESSES, association)
        + _option(_ELAPSED, bytes(2))
        + _option(_LIST, struct.pack("!H", _RESOLVERS))
    )


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from("!HH", data, at)
        if at + 4 + length > len(data):
            return
        yield code, data[at + 4 : at + 4 + length]
        at += 4 + length


def read(data: bytes) -> Answer | None:
    """A server's message; None if it is none. Pure."""
    if len(data) < 4 or data[0] not in (ADVERTISE, REPLY):
        return None
    options = dict(_options(data[4:]))
    ip, valid, renew = "", 0, 0
    association = options.get(_ADDRESSES, b"")
    if len(association) >= 12:
        renew = struct.unpack_from("!I", association, 4)[0]
        for code, value in _options(association[12:]):
            if code == _ADDRESS and len(value) >= 24:
                ip = socket.inet_ntop(socket.AF_INET6, value[:16])
                valid = min(struct.unpack_from("!I", value, 20)[0], _LONGEST)
    resolvers = options.get(_RESOLVERS, b"")
    names = [socket.inet_ntop(socket.AF_INET6, resolvers[i : i + 16]) for i in range(0, len(resolvers) - 15, 16)]
    transaction = struct.unpack("!I", data[:4])[0] & 0xFFFFFF
    return Answer(data[0], transaction, options.get(_SERVER, b""), ip if valid else "", valid, renew, tuple(names))


def lent(answer: Answer) -> Lent | None:
    """The lease of a reply. Pure."""
    if not answer.ip:
        return None
    return Lent(
        ip=answer.ip,
        prefix=128,
        valid=answer.valid,
        renew=min(answer.renew or answer.valid // 2, answer.valid // 2) or 1,
        server=answer.server,
        nameservers=answer.nameservers,
    )


class Exchange6:
    """One exchange on a device."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._transaction = secrets.randbits(24)

    async def ask(self, known: Lent | None, ip: str, wait: float) -> Lent | None:
        """See lease.Exchange."""
        end = time.monotonic() + wait
        own = next((a.ip for a in self._link.addresses if ipaddress.ip_address(a.ip).is_link_local and ":" in a.ip), "")
        if not own:  # not yet: the kernel makes it, and looks first whether another has it
            await asyncio.sleep(min(1.0, wait))
            return None
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as handle:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._link.name.encode())
            try:
                handle.bind((own, _FROM, 0, self._link.index))
            except OSError as err:
                if err.errno != errno.EADDRNOTAVAIL:
                    raise
                await asyncio.sleep(min(1.0, wait))
                return None
            if known is not None:
                self._send(handle, RENEW, server=known.server, ip=known.ip)
            else:
                self._send(handle, SOLICIT, ip=ip)
            while (left := end - time.monotonic()) > 0:
                answer = read(await receive(handle, left))
                if answer is None or answer.transaction != self._transaction:
                    continue
                if answer.kind == ADVERTISE and answer.ip:
                    self._send(handle, REQUEST, server=answer.server, ip=answer.ip)
                elif answer.kind == REPLY:
                    if not answer.ip:
                        raise Refused
                    return lent(answer)
        return None

    def _send(self, handle: socket.socket, kind: int, server: bytes = b"", ip: str = "") -> None:
        data = message(kind, self._transaction, self._link.mac, name=self._link.name, server=server, ip=ip)
        handle.sendto(data, (_ALL_SERVERS, _TO, 0, self._link.index))
