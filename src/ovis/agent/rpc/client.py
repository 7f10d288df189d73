"""A client of another agent: for administrators (`ovis-agent call`) and for live migration.

Does: connect, call verbs, hear events. Small: the engine has its own, with reconnection and clocks.
"""

import asyncio
import contextlib
import ssl
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ovis.contract import jsonrpc
from ovis.contract.errors import Code, VerbError
from ovis.contract.frames import Frame, Parser, encode


class AgentClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._parser = Parser()
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._answers = str(uuid.uuid4())
        self._task: asyncio.Task[None] | None = None
        self._ended = ""  # why, once the connection is gone
        self.on_event: Callable[[str, Mapping[str, Any]], None] | None = None

    @classmethod
    async def connect(cls, host: str, port: int, context: ssl.SSLContext | None, timeout: float = 20) -> "AgentClient":
        """Connect and subscribe; VerbError PEER_UNREACHABLE if nobody answers."""
        try:
            async with asyncio.timeout(timeout):
                reader, writer = await asyncio.open_connection(host, port, ssl=context)
        except (OSError, TimeoutError, ssl.SSLError) as err:
            raise VerbError(Code.PEER_UNREACHABLE, f"{host}:{port} cannot be reached: {err}") from err
        client = cls(reader, writer)
        writer.write(encode("CONNECT", {"accept-version": "1.2", "heart-beat": "0,0"}))
        for number, destination in enumerate((client._answers, jsonrpc.EVENTS)):
            headers = {"id": f"{client._answers}-{number}", "destination": destination, "ack": "auto"}
            writer.write(encode("SUBSCRIBE", headers))
        await writer.drain()
        client._task = asyncio.get_running_loop().create_task(client._read())
        return client

    async def call(
        self, method: str, params: Mapping[str, Any] | list[Any], timeout: float = 180, flow: str = ""
    ) -> Any:
        """A verb's result; VerbError with the agent's code."""
        if self._ended:
            raise VerbError(Code.PEER_UNREACHABLE, self._ended)
        id_ = str(uuid.uuid4())
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = future
        headers = {"destination": jsonrpc.REQUESTS, "reply-to": self._answers}
        if flow:
            headers["ovirtCorrelationId"] = flow
        self._writer.write(encode("SEND", headers, jsonrpc.request(method, params, id_)))
        try:
            async with asyncio.timeout(timeout):  # wait_for may lose a cancellation that meets the answer
                return await future
        except TimeoutError as err:
            raise VerbError(Code.PEER_UNREACHABLE, f"{method} was not answered in {timeout} s") from err
        finally:
            self._waiting.pop(id_, None)

    async def close(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
        self._writer.close()
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(2):
                await self._writer.wait_closed()

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(65536):
                for frame in self._parser.feed(data):
                    self._handle(frame)
        except (OSError, ValueError, VerbError) as err:
            self._ended = str(err)
        self._ended = self._ended or "the connection ended"
        self._fail(self._ended)

    def _fail(self, why: str) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(VerbError(Code.PEER_UNREACHABLE, why))

    def _handle(self, frame: Frame) -> None:
        if frame.command == "ERROR":
            self._fail(frame.headers.get("message", "error"))
        if frame.command != "MESSAGE":
            return
        message = jsonrpc.decode(frame.body)
        for part in message if isinstance(message, list) else [message]:
            if "method" in part:
                if self.on_event is not None:
                    self.on_event(part["method"], part.get("params") or {})
                continue
            future = self._waiting.get(str(part.get("id")))
            if future is None or future.done():
                continue
            error = part.get("error")
            if error:
                future.set_exception(VerbError(error.get("code", Code.GENERAL), error.get("message", "")))
            else:
                future.set_result(part.get("result"))
