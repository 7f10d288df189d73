"""Changes of the host's networks are heard and told once; those of guests are not."""

import asyncio
import socket
import struct
from typing import Any

import pytest
from hypothesis import given, strategies as some

from ovis.agent.host import watch
from ovis.agent.host.watch import EVENT, Change, NetworkWatch, changes


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value.ljust((len(value) + 3) & ~3, b"\0")


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body.ljust((len(body) + 3) & ~3, b"\0")


def link(name: str, changed: int, kind: int = 16, family: int = 0) -> bytes:
    return message(kind, struct.pack("=BxHiII", family, 1, 7, 1, changed) + attribute(3, name.encode() + b"\0"))


def address(index: int, text: str, kind: int = 20) -> bytes:
    return message(kind, struct.pack("=BBBBI", 2, 24, 0, 0, index) + attribute(1, socket.inet_aton(text)))


def test_links_going_up_down_coming_and_going() -> None:
    data = link("eth0", 0x10000) + link("bond0", 0xFFFFFFFF) + link("eth1", 0, 17) + link("eth2", 0)
    assert changes(data) == [Change("eth0", b"", False), Change("bond0", b"", False), Change("eth1", b"", True)]


def test_a_bridges_own_messages_of_its_ports_are_no_change() -> None:
    assert changes(link("vnet0", 0xFFFFFFFF, family=7)) == []


def test_addresses() -> None:
    raw = socket.inet_aton("192.0.2.1")
    assert changes(address(3, "192.0.2.1") + address(3, "192.0.2.1", 21)) == [
        Change("3", raw, False),
        Change("3", raw, True),
    ]


@given(some.binary(max_size=300))
def test_garbage_is_no_error(data: bytes) -> None:
    changes(data)
    changes(struct.pack("=IHHII", 16 + len(data), 16, 0, 0, 0) + data)


async def test_a_burst_is_told_once_and_repeated_addresses_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "CALM_SECONDS", 0.05)
    told: list[tuple[str, Any]] = []
    watcher = NetworkWatch(lambda event, body: told.append((event, body)))
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    here.setblocking(False)
    watcher._socket = here
    asyncio.get_running_loop().add_reader(here.fileno(), watcher._heard)
    index = socket.if_nametoindex("lo")
    for _ in range(5):
        there.send(address(index, "192.0.2.9"))
    there.send(link("vnet3", 0xFFFFFFFF))
    async with asyncio.timeout(20):
        while not told:
            await asyncio.sleep(0.01)
    assert told == [(EVENT, {})]
    there.send(address(index, "192.0.2.9"))
    there.send(link("vnet4", 0xFFFFFFFF))
    await asyncio.sleep(0.3)
    assert told == [(EVENT, {})]
    there.send(address(index, "192.0.2.9", 21))
    async with asyncio.timeout(20):
        while len(told) < 2:
            await asyncio.sleep(0.01)
    watcher.stop()
    there.close()
