"""The connection to libvirt, against libvirt's own test driver: threads, limits, errors."""

import asyncio
import threading
import time
from typing import Any

import libvirt
import pytest

from ovis.agent.virt.link import Link, in_thread, reason
from ovis.contract.errors import Code, VerbError


async def test_calls_run_in_threads_and_libvirts_errors_pass() -> None:
    link = Link("test:///default")
    opened = asyncio.Event()
    link.on_open = opened.set
    await link.start()
    try:
        await asyncio.wait_for(opened.wait(), 10)
        assert link.connected
        name, thread = await link.call(lambda c: (c.listAllDomains(0)[0].name(), threading.current_thread()))
        assert name == "test" and thread is not threading.main_thread()
        with pytest.raises(libvirt.libvirtError):
            await link.domain("5c1f0f5e-1d2b-4c8e-9a51-7b1f0c3d0001", lambda d: d.name())
    finally:
        await link.stop()
    with pytest.raises(VerbError) as caught:
        await link.call(lambda c: None)
    assert caught.value.code == Code.UNAVAILABLE


async def test_a_call_that_hangs_ends_in_time_while_the_loop_goes_on() -> None:
    link = Link("test:///default")
    await link.start()
    release = threading.Event()
    try:
        hanging = asyncio.create_task(link.call(lambda c: release.wait(30), timeout=0.5))
        beats = 0
        while not hanging.done():
            await asyncio.sleep(0.02)
            beats += 1
        assert beats > 5
        with pytest.raises(VerbError, match="did not answer"):
            await hanging
    finally:
        release.set()
        await link.stop()


async def test_a_libvirt_that_is_away_is_no_reason_to_fail_at_start() -> None:
    link = Link("qemu+unix:///system?socket=/nonexistent/libvirt-sock")
    await link.start()
    try:
        assert not link.connected
        with pytest.raises(VerbError) as caught:
            await link.call(lambda c: None)
        assert caught.value.code == Code.UNAVAILABLE
    finally:
        await link.stop()


async def test_events_of_domains_reach_the_loop() -> None:
    link = Link("test:///default")
    seen: list[tuple[str, str, tuple[Any, ...]]] = []
    link.on_event = lambda name, id_, details: seen.append((name, id_, details))
    await link.start()
    try:
        vm_id = await link.call(lambda c: c.lookupByName("test").UUIDString())
        await link.domain(vm_id, lambda d: d.suspend())
        end = time.monotonic() + 10
        while not seen and time.monotonic() < end:
            await asyncio.sleep(0.02)
        assert seen[0][:2] == ("lifecycle", vm_id)
        assert seen[0][2][0] == libvirt.VIR_DOMAIN_EVENT_SUSPENDED
    finally:
        await link.domain(vm_id, lambda d: d.resume())
        await link.stop()


async def test_what_a_thread_raises_is_raised_here() -> None:
    def fails() -> None:
        raise ValueError("why")

    with pytest.raises(ValueError, match="why"):
        await in_thread(fails)


def test_the_reason_of_an_error_is_never_empty() -> None:
    assert reason(ValueError("x")) == "x" and reason(ValueError()) == "ValueError"
    assert reason(libvirt.libvirtError("no")) == "no"
