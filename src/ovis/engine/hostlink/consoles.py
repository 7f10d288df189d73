"""A console of a VM, as bytes from its host's agent: a connection of its own beside the one of the verbs.

Does: dial, ask, hand over reader and writer, say why not. Does not: know browsers (http) or permits (resources).
Follows: contract.consoles.
"""

import asyncio
import contextlib
import ssl

from ovis.contract import consoles as wire
from ovis.contract.consoles import Ask
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.hostlink.link import CONNECT_SECONDS

BUFFER = 1 << 16  # bytes that are read ahead; then the host waits
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def dial(host_id: str, address: str, port: int, context: ssl.SSLContext | None, ask: Ask) -> Ends:
    """The console's two ends. HostError: the host has no such console, or not now. HostUnreachable: silence."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(address, port, ssl=context, limit=BUFFER)
            writer.write(wire.request(ask, f"{address}:{port}"))
            head = await reader.readuntil(b"\r\n\r\n")
            if wire.status(head.rstrip()) == 101:
                return reader, writer
            refusal = wire.read_refusal(await reader.read(wire.MAX_HEAD))
    except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError, wire.BadHead) as err:
        if writer is not None:
            writer.close()
        raise HostUnreachable(f"{address}:{port}: {err or type(err).__name__}", host_id=host_id) from err
    await hang_up(writer)
    raise HostError(refusal.code, refusal.message, verb="console", host_id=host_id)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close, without waiting long for the host to agree."""
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
        async with asyncio.timeout(2):
            await writer.wait_closed()
