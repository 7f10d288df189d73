"""The agent's server: STOMP 1.2 with JSON-RPC over mutual TLS, one port.

Does: connections, subscriptions, receipts, heart-beats, answers and events. Does not: know verbs (dispatch).
Follows: hooks and agent facts, section 4.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Mapping
from typing import Any, cast

import structlog

from ovis.agent.verbs.dispatch import Dispatcher
from ovis.contract import jsonrpc
from ovis.contract.errors import Code, VerbError
from ovis.contract.frames import HEARTBEAT, Frame, FrameFault, Parser, encode

log = structlog.get_logger(__name__)
_HANDSHAKE = 10.0
_CALLS = 64  # verbs at once per connection
_MIN_BEAT = 1000
_REQUESTS = (jsonrpc.REQUESTS, jsonrpc.POOL_REQUESTS)


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: "RpcServer") -> None:
        self._server = server
        self._parser = Parser()
        self._transport: asyncio.Transport | None = None
        self.subscriptions: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_CALLS)
        self._beat_out = 0.0
        self._beat_in = 0.0
        self._heard = time.monotonic()
        self._sent = 0.0
        self._pulse: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came through the handshake."""
        # Not checked by type: uvloop's transports are not asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Verbs that are running go on; their answers are dropped."""
        self._server.connections.discard(self)
        self._transport = None
        if self._pulse is not None:
            self._pulse.cancel()

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._heard = time.monotonic()
        try:
            for frame in self._parser.feed(data):
                self._handle(frame)
        except FrameFault as err:
            self._error(str(err))
            self.close()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes) -> None:
        """Send bytes, if the client is still there."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
            self._sent = time.monotonic()

    # -- frames ------------------------------------------------------------------------------------------------

    def _handle(self, frame: Frame) -> None:
        handler = {
            "CONNECT": self._connect,
            "SEND": self._send,
            "SUBSCRIBE": self._subscribe,
            "UNSUBSCRIBE": self._unsubscribe,
            "DISCONNECT": self._disconnect,
        }.get(frame.command)
        if handler is None:
            self._error(f"Unknown command {frame.command[:40]}")
            return
        handler(frame)
        receipt = frame.headers.get("receipt")
        if receipt and frame.command != "DISCONNECT":
            self.send(encode("RECEIPT", {"receipt-id": receipt}))

    def _error(self, message: str) -> None:
        self.send(encode("ERROR", {"message": message}))

    def _connect(self, frame: Frame) -> None:
        if frame.headers.get("accept-version") != "1.2":
            self._error("Version unsupported")
            return
        cx, cy = _beats(frame.headers.get("heart-beat", "0,0"))
        cx, cy = (max(v, _MIN_BEAT) if v else 0 for v in (cx, cy))
        self._beat_in, self._beat_out = cx / 1000, cy / 1000
        self.send(encode("CONNECTED", {"version": "1.2", "heart-beat": f"{cy},{cx}"}))
        if cx or cy:
            self._pulse = asyncio.get_running_loop().create_task(self._pulses())

    async def _pulses(self) -> None:
        step = min(v for v in (self._beat_in, self._beat_out) if v) / 2
        while self._transport is not None:
            await asyncio.sleep(step)
            now = time.monotonic()
            if self._beat_out and now - self._sent >= self._beat_out - step:
                self.send(HEARTBEAT)
            if self._beat_in and now - self._heard > self._beat_in * 2 + 1:
                log.info("client fell silent")
                self.close()

    def _subscribe(self, frame: Frame) -> None:
        id_, destination = frame.headers.get("id"), frame.headers.get("destination")
        if not id_ or not destination:
            self._error("Missing id or destination header")
        elif id_ in self.subscriptions:
            self._error("Subscription id already exists")
        else:
            self.subscriptions[id_] = destination

    def _unsubscribe(self, frame: Frame) -> None:
        if self.subscriptions.pop(frame.headers.get("id", ""), None) is None:
            self._error("Missing id header")

    def _disconnect(self, frame: Frame) -> None:
        receipt = frame.headers.get("receipt")
        if not receipt:
            self._error("Missing receipt header")
            return
        self.send(encode("RECEIPT", {"receipt-id": receipt}))
        self.close()

    def _send(self, frame: Frame) -> None:
        destination = frame.headers.get("destination", "")
        if not destination:
            self._error("Missing destination header")
        elif any(destination == r or destination.startswith(r + ".") for r in _REQUESTS):
            task = asyncio.get_running_loop().create_task(self._serve(frame))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif not self._server.forward(destination, frame.body):
            self._error("Subscription not available")

    # -- calls -------------------------------------------------------------------------------------------------

    async def _serve(self, frame: Frame) -> None:
        flow = frame.headers.get("ovirtCorrelationId", "")
        reply_to = frame.headers.get("reply-to", "")
        try:
            message = jsonrpc.decode(frame.body)
        except VerbError as err:
            self._answer(reply_to, jsonrpc.failure(None, err.code, err.message))
            return
        calls = message if isinstance(message, list) else [message]
        if not calls:
            self._answer(reply_to, jsonrpc.failure(None, Code.INVALID_REQUEST, "Invalid request"))
            return
        answers = [a for a in await asyncio.gather(*(self._one(call, flow) for call in calls)) if a is not None]
        if len(answers) == 1:
            self._answer(reply_to, answers[0])
        elif answers:
            self._answer(reply_to, b"[" + b",".join(answers) + b"]")

    async def _one(self, call: Any, flow: str) -> bytes | None:
        if not isinstance(call, dict) or call.get("jsonrpc") != "2.0" or not isinstance(call.get("method"), str):
            id_ = call.get("id") if isinstance(call, dict) else None
            return jsonrpc.failure(id_, Code.INVALID_REQUEST, "Invalid request")
        id_, method = call.get("id"), call["method"]
        begun = time.monotonic()
        try:
            async with self._slots:
                result = await self._server.dispatcher.call(method, call.get("params") or {})
        except VerbError as err:
            log.info("verb refused", verb=method, flow_id=flow, code=err.code, message=err.message)
            return jsonrpc.failure(id_, err.code, err.message) if id_ is not None else None
        except Exception as err:
            log.exception("verb failed", verb=method, flow_id=flow)
            return jsonrpc.failure(id_, Code.INTERNAL, f"Internal error: {err}") if id_ is not None else None
        log.debug("verb", verb=method, flow_id=flow, seconds=round(time.monotonic() - begun, 4))
        return jsonrpc.answer(id_, result) if id_ is not None else None

    def _answer(self, reply_to: str, body: bytes) -> None:
        """To every subscription of the reply's destination, of this client."""
        for id_, destination in self.subscriptions.items():
            if destination == reply_to:
                headers = {"destination": reply_to, "content-type": "application/json", "subscription": id_}
                self.send(encode("MESSAGE", headers, body))


def _beats(text: str) -> tuple[int, int]:
    left, _, right = text.partition(",")
    return (int(left) if left.strip().isdigit() else 0), (int(right) if right.strip().isdigit() else 0)


class RpcServer:
    """Listens for engines and administrators."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, context: ssl.SSLContext | None) -> int:
        """Listen; returns the port. Plain TCP only on loopback."""
        if context is None and not host.startswith("127."):
            raise ValueError("an agent without TLS listens on loopback only")
        extra: dict[str, Any] = {"ssl_handshake_timeout": _HANDSHAKE} if context else {}
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), host, port, ssl=context, reuse_address=True, **extra
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Hang up on everybody."""
        for connection in list(self.connections):
            connection.close()
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self._server.wait_closed()

    def publish(self, event_id: str, body: Mapping[str, Any]) -> None:
        """Send an event to everybody who subscribed."""
        self.forward(jsonrpc.EVENTS, jsonrpc.event(event_id, body, round(time.monotonic() * 1000)))

    def forward(self, destination: str, body: bytes) -> bool:
        """Send a message to the subscribers of a destination (and of its dot parents); whether there was one."""
        found = False
        for connection in self.connections:
            for id_, wanted in connection.subscriptions.items():
                if destination == wanted or destination.startswith(wanted + "."):
                    headers = {"destination": destination, "content-type": "application/json", "subscription": id_}
                    connection.send(encode("MESSAGE", headers, body))
                    found = True
        return found


def server_context(pki: Any) -> ssl.SSLContext:
    """Mutual TLS: only holders of a certificate of the engine's CA get in. pki: agent.main.identity.Identity."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki.certificate, pki.key)
    context.load_verify_locations(pki.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
