"""The SDK for asyncio: the same names, awaited; the loop goes on meanwhile, and requests go side by side."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ovirtsdk import aio
from ovirtsdk.infrastructure.errors import RequestError
from ovirtsdk.xml import params as typed
from tests.installation import Installation

params: Any = typed


async def test_a_stream_loses_nothing_between_turns() -> None:
    def stream() -> Iterator[int]:
        yield from range(1000)

    assert [n async for n in aio._streamed(stream)] == list(range(1000))


async def test_a_vm_and_lists_by_asyncio(place: Installation) -> None:
    where = {"username": "admin@internal", "password": place.password, "ca_file": place.ca}
    async with await aio.connect(f"https://127.0.0.1:{place.port}/api", **where) as api:
        assert api.product_info.name == "oVirt Engine"
        cluster = await api.clusters.get(name="Default")
        vm = await api.vms.add(
            params.VM(name="by-asyncio", cluster=cluster.plain, template=params.Template(name="Blank"))
        )
        nic = await vm.nics.add(params.NIC(name="nic1", network=params.Network(name="ovirtmgmt")))
        assert (nic.name, vm.get_name(), vm.status.state) == ("nic1", "by-asyncio", "down")
        found = await asyncio.gather(*(api.vms.list(query="name=by-asyncio") for _ in range(5)), vm.nics.list())
        assert found[:5] == [[vm]] * 5
        assert [one.name for one in found[5]] == ["nic1"]
        assert [one.name async for one in api.vms.stream() if one.name == "by-asyncio"] == ["by-asyncio"]
        vm.description = "changed"
        assert (await vm.update()).description == "changed"
        with pytest.raises(RequestError):
            await vm.reboot()
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.ensure_future(tick())
        await api.vms.list()
        ticking.cancel()
        assert ticks > 1
        await vm.delete()
