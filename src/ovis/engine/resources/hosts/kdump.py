"""Crash dumps of hosts, heard of by their messages: a kernel that writes its memory down says so by UDP.

Does: listen where `fence_kdump_send` sends to, remember when each address was last heard. Does not: judge (fence_flow).
Follows: fence_kdump's messages: 8 bytes, magic 0x1B302A40, version 1, in the sender's byte order.
"""

import asyncio
import struct
import time

import structlog

log = structlog.get_logger(__name__)
_MAGIC, _VERSION = 0x1B302A40, 1
_MOST = 10_000  # addresses that are remembered


def is_message(data: bytes) -> bool:
    """Whether it is one of them. Pure."""
    return data[:8] in (struct.pack("<II", _MAGIC, _VERSION), struct.pack(">II", _MAGIC, _VERSION))


class KdumpMessages(asyncio.DatagramProtocol):
    """What was heard."""

    def __init__(self) -> None:
        self._heard: dict[str, float] = {}
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def listening(self) -> bool:
        """Whether messages would be heard."""
        return self._transport is not None

    async def listen(self, address: str, port: int) -> None:
        """Begin; a port that is taken is logged, and nothing is heard."""
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(address, port))
        except OSError as err:
            log.error("crash dumps of hosts are not heard", port=port, error=str(err))

    def close(self) -> None:
        """Stop."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Note who it came from."""
        if is_message(data) and (addr[0] in self._heard or len(self._heard) < _MOST):
            self._heard[addr[0]] = time.monotonic()

    def heard(self, address: str) -> float | None:
        """Seconds since an address was last heard; None: never."""
        at = self._heard.get(address)
        return time.monotonic() - at if at is not None else None
