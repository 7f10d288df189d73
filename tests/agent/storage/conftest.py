"""Fixtures of the storage room's tests: they need qemu-img."""

import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.agent.storage.lab import Host, Pool

_LIMIT = 120
MakeHost = Callable[[str, int], Awaitable[Host]]


@pytest.fixture(autouse=True)
def _tools() -> None:
    for tool in ("qemu-img", "qemu-io"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (qemu-utils)")


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    """No test of this room takes longer than this, not even one that starves its loop."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("the test took too long")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(_LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
async def make_host(tmp_path: Path) -> AsyncIterator[MakeHost]:
    """Hosts by name and number; they end with the test."""
    made: list[Host] = []

    async def make(name: str, number: int) -> Host:
        host = await Host(tmp_path / name, number).start()
        made.append(host)
        return host

    yield make
    for host in made:
        await host.stop()


@pytest.fixture
async def host(make_host: MakeHost) -> Host:
    """One host."""
    return await make_host("host", 1)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """An empty folder for a domain."""
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


@pytest.fixture
async def pool(host: Host, shared: Path) -> Pool:
    """A pool with one active domain, managed by the host."""
    return await Pool(host, shared).create()
