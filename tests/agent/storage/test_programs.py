"""Programs that are run: bounded, killed with whoever waits for them, their words kept."""

import asyncio
import time
from pathlib import Path

import pytest

from ovis.agent.storage import programs


def alive(mark: str) -> bool:
    """Whether a program with this argument runs (zombies do not)."""
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in status.read_bytes():
                return True
        except OSError:
            continue
    return False


async def test_output_and_failures_come_back() -> None:
    heard: list[str] = []
    assert await programs.run(["sh", "-c", "echo one"], limit=30) == "one\n"
    assert await programs.run(["sh", "-c", "echo one; echo two"], limit=30, heard=heard.append) == ""
    assert "".join(heard) == "one\ntwo\n"
    with pytest.raises(programs.ProgramFailed) as failed:
        await programs.run(["sh", "-c", "echo why >&2; exit 3"], limit=30)
    assert (failed.value.status, failed.value.said) == (3, "why")
    with pytest.raises(programs.ProgramFailed):
        await programs.run(["/no/such/program"], limit=30, leash=False)


async def test_a_program_does_not_outlive_its_time_nor_its_caller() -> None:
    mark = f"86400.{time.time_ns()}"
    with pytest.raises(programs.ProgramFailed) as failed:
        await programs.run(["sleep", mark], limit=0.3)
    assert failed.value.status is None and not alive(mark)
    task = asyncio.create_task(programs.run(["sleep", mark], limit=60))
    while not alive(mark):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(mark)
