"""Consoles on the agent's port: the head of a request, then the guest's bytes.

Does: take a connection over from the STOMP side, open the console that is asked for, refuse in words. Does not: know
where a console comes from (the driver's part with `open_console`).
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ovis.agent.consoles import Console, hang_up, join
from ovis.contract import consoles as wire
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
MOST = 64  # consoles of a host at once
OPEN_SECONDS = 30.0
Opener = Callable[[wire.Ask], Awaitable[Console]]


class Consoles:
    """The consoles that are open."""

    def __init__(self) -> None:
        self._open: set[asyncio.Task[None]] = set()

    def take_over(self, transport: asyncio.Transport, head: bytes, rest: bytes, opener: Opener) -> None:
        """From here on the connection belongs to a console."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=1 << 16)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        if rest:
            reader.feed_data(rest)
        task = loop.create_task(self._serve(head, reader, writer, opener))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def stop(self) -> None:
        """Hang up on all of them."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, opener: Opener
    ) -> None:
        try:
            ask = wire.read_request(head)
            if len(self._open) > MOST:
                raise VerbError(Code.UNAVAILABLE, f"This host has {MOST} consoles open already.")
            async with asyncio.timeout(OPEN_SECONDS):
                console = await opener(ask)
        except wire.BadHead as err:
            await self._refuse(writer, Code.INVALID_REQUEST, str(err))
        except VerbError as err:
            await self._refuse(writer, err.code, err.message)
        except TimeoutError:
            await self._refuse(writer, Code.UNAVAILABLE, f"The console did not open in {OPEN_SECONDS:g} s.")
        except asyncio.CancelledError:
            writer.close()
            raise
        except Exception as err:
            log.exception("console failed")
            await self._refuse(writer, Code.INTERNAL, f"Internal error: {err}")
        else:
            log.info("console opened", vm=ask.vm_id, kind=ask.kind)
            writer.write(wire.accepted())
            await join(console, reader, writer)
            log.info("console closed", vm=ask.vm_id, kind=ask.kind)

    async def _refuse(self, writer: asyncio.StreamWriter, code: int, message: str) -> None:
        log.info("console refused", code=int(code), message=message)
        writer.write(wire.refused(int(code), message))
        await hang_up(writer)
