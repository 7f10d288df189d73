"""Consoles over the engine's own origin: a WebSocket at /ovirt-engine/console/VM/KIND, bytes from the host behind it.

Does: redeem the ticket, dial the host, pump both ways with bounded buffers, end with the session or the guest and say why
in the closing code. Does not: issue tickets (resources.vms.web_console) or read what passes.
Follows: docs/reference/console.md.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog

from ovis.engine.access.consoles import Consoles, Grant
from ovis.engine.commands.services import Services
from ovis.engine.hostlink.consoles import BUFFER, Ends, hang_up
from ovis.engine.hostlink.errors import HostError, HostUnreachable

log = structlog.get_logger(__name__)
PROTOCOL = "ovis.console"
_TICKET = "ovis.ticket."
_PATH = re.compile(r"/ovirt-engine/console/([0-9A-Fa-f-]{36})/(vnc|serial)/?\Z")
LOOK_SECONDS = 2.0  # how often it is asked whether the session lasts
OVER, NO_TICKET, NO_SESSION, REFUSED, UNREACHABLE = 1000, 4401, 4403, 4409, 4503
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class _Ended(Exception):
    """Why a console ends."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def ticket_of(offered: Iterable[str]) -> str:
    """The ticket among the protocols that a client offers; empty if there is none. Pure."""
    return next((p.removeprefix(_TICKET) for p in offered if p.startswith(_TICKET)), "")


class ConsoleSockets:
    """Serves the WebSockets."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One WebSocket, from its handshake to its end."""
        found = _PATH.match(scope["path"])
        await receive()  # websocket.connect
        if found is None or PROTOCOL not in scope.get("subprotocols", ()):
            await send({"type": "websocket.close", "code": 1002})  # refused: 403
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        consoles: Consoles = self._services.consoles
        grant = consoles.redeem(ticket_of(scope["subprotocols"]), found[1].lower(), found[2])
        try:
            if grant is None:
                raise _Ended(NO_TICKET, "The ticket is unknown, used or expired.")
            await self._show(consoles, grant, receive, send)
        except _Ended as err:
            log.info("console ends", path=scope["path"], code=err.code, reason=str(err))
            await send({"type": "websocket.close", "code": err.code, "reason": _short(str(err))})

    async def _show(self, consoles: Consoles, grant: Grant, receive: Receive, send: Send) -> None:
        try:
            ends = await self._services.hosts.console(grant.host_id, grant.ask)
        except HostError as err:
            raise _Ended(REFUSED, err.message) from err
        except HostUnreachable as err:
            raise _Ended(UNREACHABLE, str(err)) from err
        consoles.enter(grant)
        try:
            await grant.told(True)
            await _pump(grant, ends, receive, send)
        finally:
            consoles.leave(grant)
            await hang_up(ends[1])
            await grant.told(False)


async def _pump(grant: Grant, ends: Ends, receive: Receive, send: Send) -> None:
    """Until one side ends (returns if the browser went) or the session does (_Ended)."""
    reader, writer = ends

    async def to_host() -> None:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            data = message.get("bytes")
            writer.write(data if data is not None else message.get("text", "").encode())
            await writer.drain()

    async def to_browser() -> None:
        while data := await reader.read(BUFFER):
            await send({"type": "websocket.send", "bytes": data})
        raise _Ended(OVER, "The console is over.")

    async def watch() -> None:
        while await grant.alive() is not None:
            await asyncio.sleep(LOOK_SECONDS)
        raise _Ended(NO_SESSION, "The session has ended.")

    tasks = [asyncio.ensure_future(t) for t in (to_host(), to_browser(), watch())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except OSError as err:
        raise _Ended(UNREACHABLE, f"The connection to the host is lost: {err}") from err
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _short(reason: str) -> str:
    """A closing reason has at most 123 bytes."""
    return reason.encode()[:120].decode(errors="ignore")
