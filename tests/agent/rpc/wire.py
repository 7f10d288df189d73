"""A server on a free port with a driver of a few verbs, and a client that sees bytes."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ovis.agent.driver import Publish
from ovis.agent.rpc.server import RpcServer
from ovis.agent.verbs.dispatch import Dispatcher
from ovis.contract.errors import Code, VerbError
from ovis.contract.frames import Frame, Parser

LIMIT = 30.0
REQUESTS = "jms.topic.vdsm_requests"
EVENTS = "jms.queue.events"


class Verbs:
    """Verbs that do what the tests need."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.hold = asyncio.Event()

    async def host_ping2(self) -> None:
        self.calls.append(("ping2", None))

    async def host_echo(self, message: str) -> str:
        self.calls.append(("echo", message))
        return message

    async def host_get_vm_list(self) -> list[Any]:
        return []

    async def host_get_stats(self) -> dict[str, Any]:
        await self.hold.wait()
        return {}

    async def host_set_log_level(self, level: str) -> None:
        raise RuntimeError("wires crossed")

    async def vm_get_stats(self, vmID: str) -> Any:
        raise VerbError(Code.NO_SUCH_VM, "Virtual machine does not exist")


class Driver:
    """Those verbs."""

    def __init__(self) -> None:
        self.verbs = Verbs()
        self.parts = (self.verbs,)
        self.recovering = False

    async def start(self, publish: Publish) -> None: ...

    async def stop(self) -> None: ...


class Raw:
    """A socket that speaks what the test says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._parser = Parser()
        self._frames: list[Frame] = []

    @property
    def beats(self) -> int:
        """Heart-beats heard."""
        return self._parser.heartbeats

    async def say(self, data: bytes | str) -> None:
        """Send bytes."""
        self.writer.write(data.encode() if isinstance(data, str) else data)
        await self.writer.drain()

    async def frame(self) -> Frame:
        """The next frame."""
        async with asyncio.timeout(LIMIT):
            while not self._frames:
                data = await self.reader.read(65536)
                if not data:
                    raise EOFError("hung up")
                self._frames += self._parser.feed(data)
        return self._frames.pop(0)

    async def exactly(self, count: int) -> bytes:
        """So many raw bytes."""
        async with asyncio.timeout(LIMIT):
            return await self.reader.readexactly(count)

    async def hung_up(self) -> bytes:
        """What still came until the other side ended the connection."""
        async with asyncio.timeout(LIMIT):
            data = b""
            try:
                while part := await self.reader.read(65536):
                    data += part
            except (ConnectionError, ssl.SSLError):
                pass
            return data

    async def error(self) -> str:
        """The text of the ERROR frame that comes next."""
        frame = await self.frame()
        assert frame.command == "ERROR", frame
        assert frame.body.decode() == frame.headers["message"]
        return frame.body.decode()

    async def ready(self, reply_to: str = "answers", beats: str = "0,0") -> "Raw":
        """Connected and subscribed."""
        await self.say(f"CONNECT\naccept-version:1.2\nheart-beat:{beats}\n\n\0")
        assert (await self.frame()).command == "CONNECTED"
        await self.subscribe("1", reply_to)
        return self

    async def subscribe(self, id_: str, destination: str) -> None:
        """SUBSCRIBE, and wait until it holds."""
        await self.say(f"SUBSCRIBE\nid:{id_}\ndestination:{destination}\nreceipt:r-{id_}\n\n\0")
        frame = await self.frame()
        assert (frame.command, frame.headers) == ("RECEIPT", {"receipt-id": f"r-{id_}"})

    async def request(
        self, body: Any, *, destination: str = REQUESTS, reply_to: str = "answers", flow: str = ""
    ) -> None:
        """SEND a request; text goes as it is."""
        text = body if isinstance(body, str) else json.dumps(body)
        more = f"ovirtCorrelationId:{flow}\n" if flow else ""
        data = text.encode()
        head = f"SEND\ndestination:{destination}\nreply-to:{reply_to}\n{more}content-length:{len(data)}\n\n"
        await self.say(head.encode() + data + b"\0")

    async def message(self) -> Any:
        """The JSON of the MESSAGE that comes next."""
        frame = await self.frame()
        assert frame.command == "MESSAGE", frame
        return json.loads(frame.body)

    async def ask(self, body: Any, **more: Any) -> Any:
        """A request's answer."""
        await self.request(body, **more)
        return await self.message()

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()


def call(method: str, params: Any = None, id_: Any = "1") -> dict[str, Any]:
    """A JSON-RPC request."""
    found = {"jsonrpc": "2.0", "method": method, "id": id_}
    return found if params is None else found | {"params": params}


class House:
    """A running server."""

    def __init__(self, server: RpcServer, driver: Driver, port: int) -> None:
        self.server, self.driver, self.port = server, driver, port
        self._open: list[Raw] = []

    @property
    def verbs(self) -> Verbs:
        """What was called."""
        return self.driver.verbs

    async def raw(self, context: ssl.SSLContext | None = None) -> Raw:
        """A new connection."""
        async with asyncio.timeout(LIMIT):
            raw = Raw(*await asyncio.open_connection("127.0.0.1", self.port, ssl=context, limit=1 << 26))
        self._open.append(raw)
        return raw

    async def client(self, **more: Any) -> Raw:
        """A connection that is ready."""
        return await (await self.raw()).ready(**more)

    def publish(self, event: str, body: Mapping[str, Any]) -> None:
        """An event of the driver."""
        self.server.publish(event, body)

    async def end(self) -> None:
        """Everybody hangs up."""
        for raw in self._open:
            await raw.close()
        await self.server.stop()


@asynccontextmanager
async def house(context: ssl.SSLContext | None = None, **more: Any) -> AsyncIterator[House]:
    """A server for a test."""
    driver = Driver()
    server = RpcServer(Dispatcher(driver), **more)
    found = House(server, driver, await server.start("127.0.0.1", 0, context))
    try:
        yield found
    finally:
        await found.end()
