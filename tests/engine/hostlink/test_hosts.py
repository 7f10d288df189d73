"""Hosts over real TLS sockets, against the real agent with its simulated driver."""

import asyncio
import ssl
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.hostlink.live import Usage
from ovis.engine.model.enums import HostStatus
from ovis.engine.model.types import Host
from tests.engine.hostlink.lab import Lab, laboratory

VM = str(uuid.uuid4())
XML = f"<domain type='kvm'><name>one</name><uuid>{VM}</uuid><memory>1048576</memory><vcpu current='1'>2</vcpu></domain>"


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with laboratory(tmp_path) as made:
        yield made


async def _within(what: Any, seconds: float = 20) -> Any:
    async with asyncio.timeout(seconds):
        return await what


async def test_a_host_that_answers_is_brought_up_and_watched(lab: Lab) -> None:
    await lab.add("h1")
    seen = await _within(lab.observer.until("answers", "h1"))
    assert seen[2].startswith("Simulated")
    await _within(lab.observer.until("rows", "h1", {}))
    await _within(lab.observer.until("stats", "h1"))
    assert lab.hosts.live.host_caps["h1"]["cpuSockets"] == "2"
    assert lab.hosts.connected("h1")


async def test_a_verb_is_answered_and_a_refusal_keeps_its_code(lab: Lab) -> None:
    await lab.add("h1")
    assert await _within(lab.hosts.call("h1", "Host.ping2")) is True
    with pytest.raises(HostError) as caught:
        await _within(lab.hosts.call("h1", "VM.getStats", {"vmID": VM}))
    assert (caught.value.code, caught.value.host_id) == (1, "h1")


async def test_vm_events_and_rows_reach_the_observer_and_the_live_table(lab: Lab) -> None:
    await lab.add("h1")
    await _within(lab.observer.until("answers", "h1"))
    await lab.hosts.call("h1", "VM.create", {"vmID": VM, "vmParams": {"vmId": VM, "xml": XML}})
    await _within(lab.observer.until("vm", "h1", VM, "Up"))
    await _within(lab.observer.until("rows", "h1", {VM: "Up"}))
    assert lab.hosts.live.vm_host[VM] == "h1"
    while (usage := await lab.store.read(lambda rd: rd.get(Usage, VM))) is None:
        await asyncio.sleep(0.05)
    assert usage.kind == "vm" and "cpuUser" in usage.facts


async def test_a_call_that_is_not_answered_in_time_is_unreachable_and_may_have_happened(lab: Lab) -> None:
    await lab.add("h1")
    await _within(lab.observer.until("answers", "h1"))
    (lab.folder / "h1" / "faults.json").write_text('{"slow": 5}')
    with pytest.raises(HostUnreachable) as caught:
        await lab.hosts.call("h1", "Host.getStats", timeout=0.2)
    assert caught.value.sent


async def test_calls_that_wait_learn_at_once_that_the_connection_is_gone(lab: Lab) -> None:
    agent = await lab.add("h1")
    await _within(lab.observer.until("answers", "h1"))
    (lab.folder / "h1" / "faults.json").write_text('{"slow": 30}')
    waiting = asyncio.create_task(lab.hosts.call("h1", "Host.getStats"))
    await asyncio.sleep(0.1)
    await agent.stop()
    with pytest.raises(HostUnreachable) as caught:
        await _within(waiting, 5)
    assert caught.value.sent


async def test_a_short_silence_is_connecting_and_ends_with_the_host_up_again(lab: Lab) -> None:
    agent = await lab.add("h1")
    await _within(lab.observer.until("answers", "h1"))
    await agent.stop()
    await _within(lab.observer.until("silent", "h1"))
    assert await lab.status("h1") is HostStatus.CONNECTING
    lab.observer.seen.clear()
    await agent.start()
    await _within(lab.observer.until("answers", "h1"))
    assert ("lost", "h1") not in lab.observer.seen
    assert await lab.status("h1") is HostStatus.UP


async def test_after_the_grace_a_host_is_lost_and_still_looked_for(tmp_path: Path) -> None:
    async with laboratory(tmp_path, host_grace_seconds=0.3) as lab:
        agent = await lab.add("h1")
        await _within(lab.observer.until("answers", "h1"))
        await agent.stop()
        await _within(lab.observer.until("lost", "h1"))
        lab.observer.seen.clear()
        await agent.start()
        await _within(lab.observer.until("answers", "h1"))


async def test_a_host_in_maintenance_is_left_alone_and_dialled_again_when_activated(lab: Lab) -> None:
    await lab.add("h1")
    await _within(lab.observer.until("answers", "h1"))

    async def give(status: HostStatus) -> None:
        await lab.store.write(lambda tx: tx.update(replace(tx.need(Host, "h1"), status=status)))

    await give(HostStatus.MAINTENANCE)
    while lab.hosts.connected("h1") or "h1" in lab.hosts.live.host_stats:
        await asyncio.sleep(0.02)
    with pytest.raises(HostUnreachable):
        await lab.hosts.call("h1", "Host.ping2")
    lab.observer.seen.clear()
    await give(HostStatus.UNASSIGNED)
    await _within(lab.observer.until("answers", "h1"))


async def test_a_removed_host_is_forgotten(lab: Lab) -> None:
    await lab.add("h1")
    await _within(lab.observer.until("answers", "h1"))
    await lab.store.write(lambda tx: tx.delete(Host, "h1"))
    while "h1" in lab.hosts.live.host_stats:
        await asyncio.sleep(0.02)
    with pytest.raises(HostUnreachable):
        await lab.hosts.call("h1", "Host.ping2")


async def test_an_agent_of_another_authority_is_not_talked_to(lab: Lab, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with laboratory(other) as foreign:
        agent = await foreign.add("x")
        with pytest.raises(HostUnreachable) as caught:
            await _dial(agent.port, lab.pki.client_context())
        assert "CERTIFICATE" in str(caught.value).upper()


async def _dial(port: int, context: ssl.SSLContext) -> None:
    from ovis.engine.hostlink.link import Link

    await Link.dial("x", "127.0.0.1", port, context, lambda name, params: None)


async def test_many_hosts_are_watched_by_one_loop(lab: Lab) -> None:
    names = [f"h{n}" for n in range(25)]
    for name in names:
        await lab.add(name)
    for name in names:
        await _within(lab.observer.until("stats", name))
    answers = await asyncio.gather(*(lab.hosts.call(name, "Host.ping2") for name in names for _ in range(20)))
    assert answers == [True] * 500
