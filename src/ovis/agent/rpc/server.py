"""The agent's server: one port, mutual TLS, a broker of subscriptions between its connections.

Does: listen, hand out events and answers. Does not: speak STOMP (connection) or know verbs (dispatch).
Follows: VDSM's port: a client certificate of the engine's CA, ten seconds for the handshake and for the first words.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Mapping
from typing import Any

from ovis.agent.rpc.connection import Connection
from ovis.agent.rpc.consoles import Consoles
from ovis.agent.verbs.dispatch import Dispatcher
from ovis.contract import jsonrpc
from ovis.contract.frames import encode

HANDSHAKE_SECONDS = 10.0
_TYPE = "application/json"


class RpcServer:
    """Listens for engines and administrators. patience: seconds for the handshake, and again for the first words."""

    def __init__(self, dispatcher: Dispatcher, *, patience: float = HANDSHAKE_SECONDS) -> None:
        self.dispatcher = dispatcher
        self.patience = patience
        self.connections: set[Connection] = set()
        self.consoles = Consoles()
        self.listening = False
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, context: ssl.SSLContext | None) -> int:
        """Listen; returns the port. Plain TCP only on loopback."""
        if context is None and not host.startswith("127."):
            raise ValueError("an agent without TLS listens on loopback only")
        self.listening = True
        extra: dict[str, Any] = {"ssl_handshake_timeout": self.patience} if context else {}
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), host, port, ssl=context, reuse_address=True, **extra
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Hang up on everybody, also on those who are still at their handshake."""
        self.listening = False
        for connection in list(self.connections):
            connection.close()
        await self.consoles.stop()
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self._server.wait_closed()

    def publish(self, event_id: str, body: Mapping[str, Any]) -> None:
        """Send an event to everybody who subscribed; nothing while the host still finds its VMs."""
        if self.dispatcher.recovering:
            return
        message = jsonrpc.event(event_id, body, round(time.monotonic() * 1000))
        self.forward(jsonrpc.EVENTS, message, {"destination": jsonrpc.EVENTS, "content-type": _TYPE})

    def forward(self, destination: str, body: bytes, headers: Mapping[str, str]) -> bool:
        """Send to the subscribers of a destination and of its dot parents; whether there was one."""
        kept = {k: v for k, v in headers.items() if k not in ("content-length", "receipt", "subscription")}
        found = False
        for connection in list(self.connections):
            for id_, wanted in list(connection.subscriptions.items()):
                if destination == wanted or destination.startswith(wanted + "."):
                    connection.send(encode("MESSAGE", {**kept, "subscription": id_}, body))
                    found = True
        return found

    def answer(self, caller: Connection, reply_to: str, body: bytes) -> None:
        """To every subscription of that destination: the caller's own, or others' if it has none."""
        listeners = [caller] if reply_to in caller.subscriptions.values() else list(self.connections)
        for connection in listeners:
            for id_, destination in list(connection.subscriptions.items()):
                if destination == reply_to:
                    headers = {"destination": reply_to, "content-type": _TYPE, "subscription": id_}
                    connection.send(encode("MESSAGE", headers, body))


def server_context(pki: Any) -> ssl.SSLContext:
    """Mutual TLS: only holders of a certificate of the engine's CA get in. pki: agent.main.identity.Identity."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki.certificate, pki.key)
    context.load_verify_locations(pki.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
