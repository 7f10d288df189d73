"""The agent's own client: answers, errors, events, and ends that nobody waits for in vain."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from ovis.agent.rpc.client import AgentClient
from ovis.contract.errors import Code, VerbError
from ovis.contract.frames import encode
from tests.agent.rpc.wire import House, house


@pytest.fixture
async def at() -> AsyncIterator[House]:
    async with house() as found:
        yield found


@pytest.fixture
async def client(at: House) -> AsyncIterator[AgentClient]:
    found = await AgentClient.connect("127.0.0.1", at.port, None)
    yield found
    await found.close()


async def code(client: AgentClient, method: str, params: Mapping[str, Any], timeout: float = 20) -> int:
    with pytest.raises(VerbError) as caught:
        await client.call(method, params, timeout)
    return caught.value.code


async def test_answers_and_errors(client: AgentClient) -> None:
    assert await client.call("Host.echo", {"message": "a"}) == "a"
    assert await code(client, "VM.getStats", {"vmID": "x"}) == Code.NO_SUCH_VM


async def test_many_calls_at_once_get_their_own_answers(client: AgentClient) -> None:
    found = await asyncio.gather(*(client.call("Host.echo", {"message": str(n)}) for n in range(100)))
    assert found == [str(n) for n in range(100)]


async def test_events_reach_who_asked(at: House, client: AgentClient) -> None:
    heard: list[tuple[str, Mapping[str, Any]]] = []
    client.on_event = lambda name, body: heard.append((name, body))
    await client.call("Host.ping2", {})
    at.publish("|virt|VM_status|1", {"1": {"status": "Up"}})
    await client.call("Host.ping2", {})
    ((name, body),) = heard
    assert name == "|virt|VM_status|1" and body["1"] == {"status": "Up"} and body["notify_time"] > 0


async def test_silence_is_told_after_its_time(client: AgentClient) -> None:
    assert await code(client, "Host.getStats", {}, 0.05) == Code.PEER_UNREACHABLE


async def test_a_connection_that_ends_ends_every_call(at: House, client: AgentClient) -> None:
    waiting = [asyncio.create_task(code(client, "Host.getStats", {})) for _ in range(3)]
    await client.call("Host.ping2", {})
    for connection in list(at.server.connections):
        connection.close()
    assert await asyncio.gather(*waiting) == [Code.PEER_UNREACHABLE] * 3
    assert await code(client, "Host.ping2", {}) == Code.PEER_UNREACHABLE


@pytest.mark.parametrize(
    "said",
    [
        b"garbage\nwithout a colon\n\n\0",
        encode("MESSAGE", {"destination": "x"}, b"{not json"),
        encode("ERROR", {"message": "go away"}, b"go away"),
    ],
)
async def test_a_server_that_talks_nonsense_ends_every_call(said: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"Host.ping2")
        writer.write(said)
        await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        client = await AgentClient.connect("127.0.0.1", server.sockets[0].getsockname()[1], None)
        assert await code(client, "Host.ping2", {}, 20) == Code.PEER_UNREACHABLE
        await client.close()


async def test_nobody_there() -> None:
    with pytest.raises(VerbError) as caught:
        await AgentClient.connect("127.0.0.1", 1, None, 5)
    assert caught.value.code == Code.PEER_UNREACHABLE
