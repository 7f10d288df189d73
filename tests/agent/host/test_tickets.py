"""Tickets go to the control socket of the daemon that serves images; a small server of the tests stands there."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ovis.agent.host.tickets import TicketVerbs
from ovis.contract.errors import Code, VerbError

ID = "6d3f8c53-9a8e-4a5b-8c51-0a6d1f3a2b10"
TICKET = {"uuid": ID, "size": 1024, "url": "file:///v", "timeout": 300, "ops": ["read"]}


class Daemon:
    """Keeps tickets as ovirt-imageio does, over HTTP on a socket."""

    def __init__(self) -> None:
        self.tickets: dict[str, dict[str, object]] = {}
        self.broken = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split("\r\n")[0].split(" ")
        length = next((int(r.split(":")[1]) for r in head.split("\r\n") if r.lower().startswith("content-length")), 0)
        body = await reader.readexactly(length)
        status, data = self.answer(method, path.rpartition("/")[2], body)
        if self.broken:
            status, data = "200 OK", b"<html>"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data)
        await writer.drain()
        writer.close()

    def answer(self, method: str, ticket: str, body: bytes) -> tuple[str, bytes]:
        if method == "PUT":
            self.tickets[ticket] = json.loads(body)
            return "200 OK", b""
        if ticket not in self.tickets:
            return "404 Not Found", b"No such ticket"
        if method == "PATCH":
            self.tickets[ticket] |= json.loads(body)
            return "200 OK", b""
        if method == "DELETE":
            del self.tickets[ticket]
            return "204 No Content", b""
        return "200 OK", json.dumps(self.tickets[ticket] | {"active": False, "transferred": 0}).encode()


@pytest.fixture
async def daemon() -> AsyncIterator[tuple[Daemon, TicketVerbs]]:
    found = Daemon()
    with tempfile.TemporaryDirectory(prefix="ovt") as folder:
        path = Path(folder) / "sock"
        server = await asyncio.start_unix_server(found.serve, path)
        yield found, TicketVerbs(path)
        server.close()


async def test_a_ticket_from_its_beginning_to_its_end(daemon: tuple[Daemon, TicketVerbs]) -> None:
    kept, verbs = daemon
    for _ in range(2):
        await verbs.host_add_image_ticket(TICKET)
    await verbs.host_extend_image_ticket(ID, "600")
    found = await verbs.host_get_image_ticket(ID)
    assert found == TICKET | {"timeout": 600, "active": False, "transferred": 0}
    for _ in range(2):
        await verbs.host_remove_image_ticket(ID)
    assert kept.tickets == {}


async def test_refusals_of_the_daemon_and_nonsense(daemon: tuple[Daemon, TicketVerbs]) -> None:
    kept, verbs = daemon
    with pytest.raises(VerbError, match="No such ticket") as caught:
        await verbs.host_get_image_ticket(ID)
    assert caught.value.code == Code.IMAGE_TICKETS
    for bad in ("x", "../tickets", ""):
        with pytest.raises(VerbError) as caught:
            await verbs.host_remove_image_ticket(bad)
        assert caught.value.code == Code.INVALID_PARAMETER
    kept.broken = True
    with pytest.raises(VerbError, match="no JSON"):
        await verbs.host_get_image_ticket(ID)


async def test_without_the_daemon_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(VerbError, match="does not run on this host") as caught:
        await TicketVerbs(tmp_path / "none").host_add_image_ticket(TICKET)
    assert caught.value.code == Code.IMAGE_TICKETS
