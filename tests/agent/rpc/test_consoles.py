"""Consoles on the agent's port: the guest's bytes behind an HTTP upgrade, refusals in words, one client at a serial line."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ovis.agent.rpc.server import RpcServer
from ovis.contract.consoles import Ask, accepted, request
from ovis.contract.errors import Code
from tests.agent.rpc.wire import LIMIT, Raw
from tests.agent.wire.test_simulated import Simulated
from tests.rfb import over


@dataclass
class Serving:
    """A simulated host that listens."""

    host: Simulated
    port: int

    async def raw(self) -> Raw:
        """A connection."""
        return Raw(*await asyncio.open_connection("127.0.0.1", self.port))

    async def console(self, ask: Ask) -> Raw:
        """An open console."""
        raw = await self.raw()
        await raw.say(request(ask, "host"))
        assert await raw.exactly(len(accepted())) == accepted()
        return raw

    async def refused(self, said: bytes) -> tuple[int, str]:
        """Code and words of a refusal."""
        raw = await self.raw()
        await raw.say(said)
        head, _, body = (await raw.hung_up()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 409 "), head
        told = json.loads(body)
        return told["code"], told["message"]


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[Serving]:
    host = Simulated(tmp_path)
    server = RpcServer(host.dispatcher, patience=LIMIT)
    await host.driver.start(server.publish)
    port = await server.start("127.0.0.1", 0, None)
    yield Serving(host, port)
    await server.stop()
    await host.driver.stop()


async def ticket(serving: Serving, vm_id: str, password: str, ttl: int = 60) -> None:
    given = {"deviceType": "graphics", "graphicsType": "vnc", "password": password, "ttl": ttl}
    await serving.host("VM.updateDevice", vmID=vm_id, params=given)


async def told_client(serving: Serving, vm_id: str, wanted: bool) -> None:
    end = time.monotonic() + LIMIT
    while bool((await serving.host("VM.getStats", vmID=vm_id))[0]["clientIp"]) is not wanted:
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def test_a_display_asks_for_the_ticket_shows_pixels_and_takes_keys(serving: Serving) -> None:
    vm_id = await serving.host.vm()
    async with asyncio.timeout(LIMIT):
        raw = await serving.console(Ask(vm_id, "vnc"))
        assert not await over(raw.reader, raw.writer).enter("")  # nobody gave a ticket yet
        await ticket(serving, vm_id, "secret")
        raw = await serving.console(Ask(vm_id, "vnc"))
        assert not await over(raw.reader, raw.writer).enter("wrong")
        await ticket(serving, vm_id, "late", ttl=-1)
        raw = await serving.console(Ask(vm_id, "vnc"))
        assert not await over(raw.reader, raw.writer).enter("late")
        await ticket(serving, vm_id, "secret")
        raw = await serving.console(Ask(vm_id, "vnc"))
        client = over(raw.reader, raw.writer)
        assert await client.enter("secret")
        await told_client(serving, vm_id, True)
        before = await client.screen()
        assert (len(before), len(before[0])) == (client.height, 4 * client.width)
        assert len({row[i : i + 4] for row in before for i in range(0, len(row), 4)}) == 3  # ground, text, title
        await client.type("x")
        after = await client.screen(changes=True)
        assert [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
        await raw.close()
        await told_client(serving, vm_id, False)


async def test_a_serial_line_echoes_for_one_client_until_another_takes_it_or_the_guest_ends(serving: Serving) -> None:
    vm_id = await serving.host.vm(console=True)
    async with asyncio.timeout(LIMIT):
        first = await serving.console(Ask(vm_id, "serial"))
        await first.reader.readuntil(b"login: ")
        await first.say("uptime\r")
        assert b"uptime\r\n" in await first.reader.readuntil(b"login: ")
        code, message = await serving.refused(request(Ask(vm_id, "serial"), "host"))
        assert (code, "Somebody else" in message) == (Code.UNAVAILABLE, True)
        second = await serving.console(Ask(vm_id, "serial", take=True))
        await first.hung_up()
        await second.reader.readuntil(b"login: ")
        await serving.host("VM.destroy", vmID=vm_id)
        await second.hung_up()


async def test_what_cannot_be_shown_is_refused_in_words(serving: Serving) -> None:
    vm_id = await serving.host.vm(console=False)
    async with asyncio.timeout(LIMIT):
        assert (await serving.refused(request(Ask(str(uuid.uuid4()), "vnc"), "h")))[0] == Code.NO_SUCH_VM
        assert (await serving.refused(request(Ask(vm_id, "serial"), "h")))[0] == Code.TICKET_FAILED
        for bad in (
            f"GET /ovis/console/{vm_id}/film HTTP/1.1\r\nUpgrade: ovis-console\r\n\r\n",
            f"GET /ovis/console/{vm_id}/vnc HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /ovis/console/../../etc/vnc HTTP/1.1\r\nUpgrade: ovis-console\r\n\r\n",
        ):
            assert (await serving.refused(bad.encode()))[0] == Code.INVALID_REQUEST
        raw = await serving.raw()
        await raw.say(b"GET /ovis/console/" + b"x" * 5000)
        assert b"501" in await raw.hung_up()
        raw = await serving.raw()  # a byte at a time is the same
        for byte in request(Ask(vm_id, "vnc"), "h"):
            await raw.say(bytes((byte,)))
        assert await raw.exactly(len(accepted())) == accepted()
        await raw.say(b"RFB 009.009\n")
        await raw.hung_up()
