"""One client of the agent: STOMP 1.2 frames in, JSON-RPC calls served, answers and events out.

Does: tell STOMP from HTTP by the first bytes, subscriptions, receipts, heart-beats, bounds in size and in calls at once.
Does not: listen (server), or know verbs (dispatch).
Follows: VDSM's broker: an ERROR leaves the connection open unless the stream cannot go on; repeated headers, CR LF and
escapes as contract.frames has them.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol, cast

import structlog

from ovis.agent.rpc.consoles import Consoles
from ovis.agent.verbs.dispatch import Dispatcher
from ovis.contract import consoles as console_wire, jsonrpc
from ovis.contract.errors import Code, VerbError
from ovis.contract.frames import HEARTBEAT, Frame, FrameFault, Parser, encode

log = structlog.get_logger(__name__)
MAX_REQUEST = 16 << 20  # bytes of one frame
MAX_UNSENT = 64 << 20  # bytes that a client may leave unread
_CALLS = 64  # verbs at once per connection
_WAITING = 512  # frames of calls that may wait; then reading stops
_MIN_BEAT = 1000
_COMMANDS = (b"CONNECT", b"STOMP", b"SEND", b"SUBSCRIBE", b"UNSUBSCRIBE", b"DISCONNECT")
_PEEK = max(len(c) for c in _COMMANDS)
_HTTP = (b"GET ", b"PUT ", b"HEAD ", b"POST ", b"DELETE ", b"OPTIONS ", b"PATCH ")
_NOT_HTTP = b"This port speaks STOMP. Images are served by ovirt-imageio.\n"
_NO_HTTP = (
    b"HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    + b"Content-Length: %d\r\n\r\n" % len(_NOT_HTTP)
    + _NOT_HTTP
)
_REQUESTS = (jsonrpc.REQUESTS, jsonrpc.POOL_REQUESTS)


class Broker(Protocol):
    """What a connection needs of the server."""

    connections: set["Connection"]
    listening: bool
    dispatcher: Dispatcher
    consoles: Consoles
    patience: float

    def forward(self, destination: str, body: bytes, headers: Mapping[str, str]) -> bool:
        """Send to subscribers of a destination; whether there was one."""
        ...

    def answer(self, caller: "Connection", reply_to: str, body: bytes) -> None:
        """Send an answer where its caller wants it."""
        ...


def guess(first: bytes) -> str:
    """`stomp`, `http`, `other`, or nothing while it cannot be told. Pure."""
    data = first.lstrip(b"\r\n")
    if any(data.startswith(c) for c in _COMMANDS):
        return "stomp"
    if any(data.startswith(m) for m in _HTTP):
        return "http"
    if len(data) >= _PEEK or not any(c.startswith(data) for c in (*_COMMANDS, *_HTTP)):
        return "other"
    return ""


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: Broker) -> None:
        self._server = server
        self._parser = Parser(MAX_REQUEST)
        self._transport: asyncio.Transport | None = None
        self.subscriptions: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_CALLS)
        self._first: bytes | None = b""  # until the protocol is known
        self._silent: asyncio.TimerHandle | None = None
        self._beat_out = 0.0
        self._beat_in = 0.0
        self._heard = time.monotonic()
        self._sent = 0.0
        self._pulse: asyncio.Task[None] | None = None

    # -- asyncio.Protocol --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came through the handshake; it has to say something soon."""
        # Not checked by type: uvloop's transports are not asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)
        if not self._server.listening:  # it was accepted before the server stopped
            self._transport.abort()
            return
        self._silent = asyncio.get_running_loop().call_later(self._server.patience, self.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Verbs that are running go on; their answers are dropped."""
        self._server.connections.discard(self)
        self._transport = None
        self.subscriptions.clear()
        self._heard_first()
        if self._pulse is not None:
            self._pulse.cancel()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, once the protocol is known."""
        self._heard = time.monotonic()
        if self._first is not None:
            self._first += data
            protocol = guess(self._first)
            if not protocol or (protocol == "http" and self._console(self._first)):
                return
            data, self._first = self._first, None
            self._heard_first()
            if protocol != "stomp":
                self._no_stomp(protocol)
                return
        if self._transport is None or self._transport.is_closing():
            return
        try:
            for frame in self._parser.feed(data):
                self._handle(frame)
                if self._transport is None or self._transport.is_closing():
                    return
        except FrameFault as err:
            self._fatal(str(err))

    def _console(self, first: bytes) -> bool:
        """Whether the client wants a console, as far as it said what it wants; handed over once it said all."""
        wanted = first[: len(console_wire.PREFIX)]
        if not console_wire.PREFIX.startswith(wanted):
            return False
        try:
            parts = console_wire.split(first)
        except console_wire.BadHead:
            return False
        if parts is None:
            return True
        transport, self._transport, self._first = self._transport, None, None
        self._server.connections.discard(self)
        self._heard_first()
        if transport is not None:
            self._server.consoles.take_over(transport, *parts, self._server.dispatcher.console)
        return True

    def _heard_first(self) -> None:
        if self._silent is not None:
            self._silent.cancel()
            self._silent = None

    def _no_stomp(self, protocol: str) -> None:
        log.info("a client of another protocol", protocol=protocol)
        if protocol == "http":
            self.send(_NO_HTTP)
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes) -> None:
        """Send bytes, if the client is still there; one that does not read is dropped."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(data)
        self._sent = time.monotonic()
        if transport.get_write_buffer_size() > MAX_UNSENT:
            log.warning("a client does not read what it asked for")
            transport.abort()

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
            self._fatal(f"Unknown command {frame.command[:40]}")
            return
        done = handler(frame)
        receipt = frame.headers.get("receipt")
        if done and receipt and frame.command != "DISCONNECT":
            self.send(encode("RECEIPT", {"receipt-id": receipt}))

    def _error(self, message: str) -> bool:
        self.send(encode("ERROR", {"message": message, "content-type": "text/plain"}, message.encode()))
        return False

    def _fatal(self, message: str) -> None:
        self._error(message)
        self.close()

    def _connect(self, frame: Frame) -> bool:
        if frame.headers.get("accept-version") != "1.2":
            return self._error("Version unsupported")
        cx, cy = _beats(frame.headers.get("heart-beat", "0,0"))
        cx, cy = (max(v, _MIN_BEAT) if v else 0 for v in (cx, cy))
        self._beat_in, self._beat_out = cx / 1000, cy / 1000
        self.send(encode("CONNECTED", {"version": "1.2", "heart-beat": f"{cy},{cx}"}))
        if self._pulse is not None:
            self._pulse.cancel()
        if cx or cy:
            self._pulse = asyncio.get_running_loop().create_task(self._pulses())
        return True

    async def _pulses(self) -> None:
        step = min(v for v in (self._beat_in, self._beat_out) if v) / 4
        while self._transport is not None:
            await asyncio.sleep(step)
            now = time.monotonic()
            if self._beat_out and now - self._sent >= self._beat_out - 2 * step:
                self.send(HEARTBEAT)
            if self._beat_in and now - self._heard > self._beat_in * 2 + 1:
                log.info("client fell silent")
                self.close()

    def _subscribe(self, frame: Frame) -> bool:
        id_, destination = frame.headers.get("id"), frame.headers.get("destination")
        if not id_ or not destination:
            return self._error("Missing destination or subscription id header")
        if id_ in self.subscriptions:
            return self._error("Subscription id already exists")
        self.subscriptions[id_] = destination
        return True

    def _unsubscribe(self, frame: Frame) -> bool:
        id_ = frame.headers.get("id")
        if not id_:
            return self._error("Missing id header")
        self.subscriptions.pop(id_, None)
        return True

    def _disconnect(self, frame: Frame) -> bool:
        receipt = frame.headers.get("receipt")
        if not receipt:
            self._fatal("Missing receipt header")
            return False
        self.send(encode("RECEIPT", {"receipt-id": receipt}))
        self.close()
        return True

    def _send(self, frame: Frame) -> bool:
        destination = frame.headers.get("destination", "")
        if not destination:
            return self._error("Missing destination header")
        heard = self._server.forward(destination, frame.body, frame.headers)
        if any(destination == r or destination.startswith(r + ".") for r in _REQUESTS):
            task = asyncio.get_running_loop().create_task(self._serve(frame))
            self._tasks.add(task)
            task.add_done_callback(self._served)
            if len(self._tasks) == _WAITING and self._transport is not None:
                self._transport.pause_reading()
        elif not heard:
            return self._error("Subscription not available")
        return True

    def _served(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if len(self._tasks) == _WAITING - 1 and self._transport is not None:
            self._transport.resume_reading()

    # -- calls -------------------------------------------------------------------------------------------------

    async def _serve(self, frame: Frame) -> None:
        flow = frame.headers.get("ovirtCorrelationId", "")
        reply_to = frame.headers.get("reply-to", "")
        try:
            message = jsonrpc.decode(frame.body)
        except VerbError as err:
            self._server.answer(self, reply_to, jsonrpc.failure(None, err.code, err.message))
            return
        calls = message if isinstance(message, list) else [message]
        if not calls:
            self._server.answer(self, reply_to, jsonrpc.failure(None, Code.INVALID_REQUEST, "Invalid request"))
            return
        with structlog.contextvars.bound_contextvars(**({"flow_id": flow} if flow else {})):
            found = await asyncio.gather(*(self._one(call, flow) for call in calls))
        answers = [a for a in found if a is not None]
        if len(answers) == 1:
            self._server.answer(self, reply_to, answers[0])
        elif answers:
            self._server.answer(self, reply_to, b"[" + b",".join(answers) + b"]")

    async def _one(self, call: Any, flow: str) -> bytes | None:
        """The answer to one call; nothing to a notification."""
        if not isinstance(call, dict) or call.get("jsonrpc") != "2.0" or not isinstance(call.get("method"), str):
            id_ = call.get("id") if isinstance(call, dict) else None
            return jsonrpc.failure(id_, Code.INVALID_REQUEST, "Invalid request")
        id_, method, params = call.get("id"), call["method"], call.get("params")
        begun = time.monotonic()
        try:
            async with self._slots:
                result = await self._server.dispatcher.call(method, {} if params is None else params)
            said = jsonrpc.answer(id_, result)
        except VerbError as err:
            log.info("verb refused", verb=method[:80], code=err.code, message=err.message)
            said = jsonrpc.failure(id_, err.code, err.message)
        except Exception as err:
            log.exception("verb failed", verb=method)
            said = jsonrpc.failure(id_, Code.INTERNAL, f"Internal error: {err}")
        else:
            told = log.info if flow else log.debug  # a poll has no flow
            told("verb", verb=method, seconds=round(time.monotonic() - begun, 4))
        return said if id_ is not None else None


def _beats(text: str) -> tuple[int, int]:
    """The two numbers of a heart-beat header; nonsense is no heart-beat."""
    left, _, right = text.partition(",")
    return _number(left), _number(right)


def _number(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
