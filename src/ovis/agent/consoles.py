"""A console of a guest as bytes: what a driver gives, and how it is joined to a client.

Does: pump both directions until either end is over. Bounded: a side that does not read stops the other from being read.
Does not: know where the bytes come from (virt.console, simulated.console) or how the client got here (rpc.consoles).
"""

import asyncio
import contextlib
import ssl
from typing import Protocol

CHUNK = 1 << 16  # bytes taken at once
_LOST = (OSError, ssl.SSLError, EOFError)


class Console(Protocol):
    """A guest's end. Its errors are OSErrors."""

    async def read(self) -> bytes:
        """The next bytes; none: the console is over."""
        ...

    async def write(self, data: bytes) -> None:
        """Send; returns when there is room for more."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class SocketConsole:
    """One over a connection: a display's port, or a simulated guest."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        """The next bytes."""
        return await self._reader.read(CHUNK)

    async def write(self, data: bytes) -> None:
        """Send."""
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        """Hang up."""
        await hang_up(self._writer)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close, without waiting long for the other side to agree."""
    writer.close()
    with contextlib.suppress(*_LOST, TimeoutError):
        async with asyncio.timeout(2):
            await writer.wait_closed()


async def join(console: Console, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pump between a console and a client until one of them ends; both are closed then."""

    async def to_guest() -> None:
        while data := await reader.read(CHUNK):
            await console.write(data)

    async def to_client() -> None:
        while data := await console.read():
            writer.write(data)
            await writer.drain()

    pumps = [asyncio.ensure_future(to_guest()), asyncio.ensure_future(to_client())]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        for end in await asyncio.gather(*pumps, return_exceptions=True):
            if isinstance(end, Exception) and not isinstance(end, _LOST):
                raise end
        await console.close()
        await hang_up(writer)
