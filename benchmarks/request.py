"""CPU of one GET, as a ratio to raw ASGI on the same server.

Does: serve, one after the other in processes of their own, a bare ASGI function that answers ready bytes and the engine's
application over a store, both by uvicorn with uvloop and httptools over plain HTTP; ask each for the same number of
requests over keep-alive connections; read the servers' own CPU time. Does not: measure TLS, or the client.
"""

import asyncio
import base64
import resource
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvicorn

REQUESTS = 4000
CONNECTIONS = 4
_PATHS = {
    "GET of one VM, XML": "/ovirt-engine/api/vms/{vm}",
    "GET of the root": "/ovirt-engine/api",
    "GET of a VM's NICs": "/ovirt-engine/api/vms/{vm}/nics",
}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _server(app: Any) -> uvicorn.Server:
    server = uvicorn.Server(
        uvicorn.Config(
            app, http="httptools", loop="none", lifespan="off", log_config=None, access_log=False, server_header=False
        )
    )
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    return server


def _counting(app: Any) -> Any:
    """The application, and at /cpu the seconds of CPU that this process has used."""

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/cpu":
            await app(scope, receive, send)
            return
        body = repr(_cpu()).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return counted


async def _serve_raw(taken: socket.socket, size: int) -> None:
    body = b"x" * size
    head = [(b"content-type", b"application/xml"), (b"content-length", str(size).encode())]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})

    await _server(_counting(app)).serve(sockets=[taken])


async def _serve_engine(taken: socket.socket, folder: Path) -> None:
    from tests.engine.http.lab import lab

    async with lab(folder) as place:
        await _server(_counting(place.app)).serve(sockets=[taken])


class _Connection:
    """A keep-alive connection that reads answers with a Content-Length."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def ask(self, request: bytes) -> bytes:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        if b" 200 " not in head.split(b"\r\n")[0] + b" ":
            raise AssertionError(head + body)
        return body


async def _spend(port: int, request: bytes) -> tuple[float, int]:
    """(the server's CPU seconds a request, bytes of the answer)."""
    connections = [_Connection(port) for _ in range(CONNECTIONS)]
    for connection in connections:
        await connection.open()
    cpu = b"GET /cpu HTTP/1.1\r\nHost: e\r\n\r\n"
    size = 0
    for _ in range(50):
        size = len(await connections[0].ask(request))

    async def many(connection: _Connection) -> None:
        for _ in range(REQUESTS // CONNECTIONS):
            await connection.ask(request)

    begun = float(await connections[0].ask(cpu))
    await asyncio.gather(*(many(c) for c in connections))
    return (float(await connections[0].ask(cpu)) - begun) / REQUESTS, size


async def _start(*arguments: str) -> tuple[asyncio.subprocess.Process, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.request", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, int(await process.stdout.readline())


async def _until_up(port: int) -> None:
    for _ in range(600):
        try:
            probe = _Connection(port)
            await probe.open()
            await probe.ask(b"GET /cpu HTTP/1.1\r\nHost: e\r\n\r\n")
            return
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)
    raise AssertionError("the server does not answer")


async def _measure() -> None:
    from tests.engine.http.lab import ADMIN_PASSWORD

    basic = base64.b64encode(f"admin@internal:{ADMIN_PASSWORD}".encode()).decode()
    common = f"Host: e\r\nAccept: application/xml\r\nAuthorization: Basic {basic}\r\n"
    vm = "00000000-1111-4222-8333-000000000000"
    with tempfile.TemporaryDirectory() as folder:
        engine, port = await _start("engine", folder)
        try:
            await _until_up(port)
            for title, path in _PATHS.items():
                request = f"GET {path.format(vm=vm)} HTTP/1.1\r\n{common}\r\n".encode()
                spent, size = await _spend(port, request)
                raw, raw_port = await _start("raw", str(size))
                try:
                    await _until_up(raw_port)
                    floor, _ = await _spend(raw_port, request)
                finally:
                    raw.terminate()
                    await raw.wait()
                goal = " (goal 3x)" if "one VM" in title else ""
                print(
                    f"{title:20} {size:5} B  raw ASGI {floor * 1e6:5.0f} us  engine {spent * 1e6:5.0f} us  "
                    f"{spent / floor:4.1f}x{goal}",
                    flush=True,
                )
        finally:
            engine.terminate()
            await engine.wait()


def main() -> None:
    """Measure and print; with arguments, be one of the servers."""
    import uvloop

    if len(sys.argv) < 3 or sys.argv[1] not in ("raw", "engine"):
        print(f"{REQUESTS} requests over {CONNECTIONS} connections: CPU of the server per request")
        asyncio.run(_measure())
        return
    taken = socket.create_server(("127.0.0.1", 0))
    print(taken.getsockname()[1], flush=True)
    kind, value = sys.argv[1:3]
    uvloop.run(_serve_raw(taken, int(value)) if kind == "raw" else _serve_engine(taken, Path(value)))


if __name__ == "__main__":
    main()
