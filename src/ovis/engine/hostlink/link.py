"""One connection to one agent: STOMP frames with JSON-RPC inside, over mutual TLS.

Does: dial, subscribe, call with time-outs, hand out events, notice silence. Does not: dial again (monitor does).
Follows: hooks and agent facts, section 4; flows, section 0 (connect 20 s, answer 180 s, heart-beats 30 s both ways).
"""

import asyncio
import itertools
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import structlog

from ovis.contract import jsonrpc
from ovis.contract.errors import VerbError
from ovis.contract.frames import HEARTBEAT, Frame, FrameFault, Parser, encode
from ovis.engine.hostlink.errors import HostError, HostUnreachable

log = structlog.get_logger(__name__)
CONNECT_SECONDS = 20.0
BEAT_SECONDS = 30.0
_ANSWERS, _EVENTS = "answers", "events"
OnEvent = Callable[[str, Mapping[str, Any]], None]


class Link(asyncio.Protocol):
    """A connection that is up, or was. lost: set when it is gone; on_event(method, params) is called in the loop."""

    def __init__(self, host_id: str, on_event: OnEvent) -> None:
        self.host_id = host_id
        self.lost = asyncio.Event()
        self.heard = time.monotonic()
        self._on_event = on_event
        self._parser = Parser()
        self._transport: asyncio.Transport | None = None
        self._connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._calls: dict[str, tuple[str, asyncio.Future[Any]]] = {}
        self._numbers = itertools.count(1)
        self._sent = 0.0
        self._beat_in = self._beat_out = BEAT_SECONDS

    @classmethod
    async def dial(
        cls, host_id: str, address: str, port: int, context: ssl.SSLContext | None, on_event: OnEvent
    ) -> "Link":
        """Connect and subscribe; HostUnreachable if that does not work out in time."""
        loop = asyncio.get_running_loop()
        link = cls(host_id, on_event)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.create_connection(lambda: link, address, port, ssl=context)
                beat = round(BEAT_SECONDS * 1000)
                link._write(encode("CONNECT", {"accept-version": "1.2", "heart-beat": f"{beat},{beat}"}))
                await link._connected
        except (OSError, TimeoutError, HostUnreachable) as err:
            link.close()
            reason = str(err) or type(err).__name__
            raise HostUnreachable(f"{address}:{port}: {reason}", host_id=host_id) from err
        # Answers are lost if nobody is subscribed to where they go, so this comes before any call.
        for id_, destination in ((_ANSWERS, jsonrpc.ENGINE_ANSWERS), (_EVENTS, jsonrpc.EVENTS)):
            link._write(encode("SUBSCRIBE", {"id": id_, "destination": destination, "ack": "auto"}))
        return link

    @property
    def open(self) -> bool:
        """Whether calls may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def call(
        self, verb: str, params: Mapping[str, Any], *, timeout: float, correlation_id: str = "", pool: bool = False
    ) -> Any:
        """The verb's result. HostError: the agent said no. HostUnreachable: no answer; it may have been done anyway."""
        if not self.open:
            raise HostUnreachable(f"{verb}: not connected", host_id=self.host_id)
        number = str(next(self._numbers))
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[number] = (verb, future)
        headers = {
            "destination": jsonrpc.POOL_REQUESTS if pool else jsonrpc.REQUESTS,
            "reply-to": jsonrpc.ENGINE_ANSWERS,
            "content-type": "application/json",
        }
        if correlation_id:
            headers["ovirtCorrelationId"] = correlation_id
        self._write(encode("SEND", headers, jsonrpc.request(verb, params, number)))
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError as err:
            raise HostUnreachable(f"{verb}: no answer in {timeout:g} s", host_id=self.host_id, sent=True) from err
        finally:
            self._calls.pop(number, None)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def beat(self, now: float) -> None:
        """Called every few seconds: send a heart-beat when due, hang up on a silent agent."""
        if not self.open:
            return
        if self._beat_out and now - self._sent >= self._beat_out * 0.6:
            self._write(HEARTBEAT)
        if self._beat_in and now - self.heard > self._beat_in * 2:
            log.info("host fell silent", host=self.host_id)
            assert self._transport is not None
            self._transport.abort()

    # -- asyncio.Protocol ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is over."""
        # Not checked by type: uvloop's transports are not asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Everything that waits learns that nobody will answer."""
        self._transport = None
        gone = HostUnreachable(f"connection lost: {exc or 'closed by the host'}", host_id=self.host_id, sent=True)
        if not self._connected.done():
            self._connected.set_exception(gone)
        for verb, future in self._calls.values():
            if not future.done():
                future.set_exception(HostUnreachable(f"{verb}: {gone}", host_id=self.host_id, sent=True))
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self.heard = time.monotonic()
        try:
            for frame in self._parser.feed(data):
                self._take(frame)
        except (FrameFault, VerbError) as err:
            log.warning("host sent garbage", host=self.host_id, error=str(err))
            self.close()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)
            self._sent = time.monotonic()

    def _take(self, frame: Frame) -> None:
        if frame.command == "MESSAGE":
            message = jsonrpc.decode(frame.body)
            for each in message if isinstance(message, list) else (message,):
                self._message(each)
        elif frame.command == "CONNECTED":
            self._agree(frame.headers.get("heart-beat", "0,0"))
            if not self._connected.done():
                self._connected.set_result(None)
        elif frame.command == "ERROR":
            text = frame.headers.get("message", "") or frame.body.decode(errors="replace")
            log.warning("host refused a frame", host=self.host_id, error=text)
            if not self._connected.done():
                self._connected.set_exception(HostUnreachable(text, host_id=self.host_id))

    def _agree(self, beats: str) -> None:
        """What the agent sends and what it expects; zero switches a direction off."""
        theirs, _, ours = beats.partition(",")
        self._beat_in = BEAT_SECONDS if theirs.strip().isdigit() and int(theirs) else 0.0
        self._beat_out = int(ours) / 1000 if ours.strip().isdigit() else 0.0

    def _message(self, message: Any) -> None:
        if not isinstance(message, dict):
            return
        if message.get("id") is None and "method" in message:
            params = message.get("params")
            self._on_event(str(message["method"]), params if isinstance(params, dict) else {})
            return
        verb, future = self._calls.get(str(message.get("id")), ("", None))
        if future is None or future.done():
            return  # the answer to a call that nobody waits for any more
        error = message.get("error")
        if error is None:
            future.set_result(message.get("result"))
        else:
            code, text = int(error.get("code", 0)), str(error.get("message", ""))
            future.set_exception(HostError(code, text, verb=verb, host_id=self.host_id))
