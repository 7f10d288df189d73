"""Commands: order, undo, locks, waiting, cancelling, resume, several engines, kill -9."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from ovis.engine import commands, events
from ovis.engine.commands import (
    Command,
    CommandFailed,
    CommandRow,
    CommandStatus,
    Lock,
    Step,
    begin,
    locked,
)
from ovis.engine.commands.runner import Runner
from ovis.engine.commands.table import Engine, milliseconds
from ovis.engine.declare.faults import Refused, refuse
from ovis.engine.events import Audit
from ovis.engine.hostlink.errors import HostUnreachable
from ovis.engine.model.enums import JobStatus, LogSeverity
from ovis.engine.model.types import Event, Job
from ovis.engine.store.store import Store
from ovis.engine.store.tables import Table
from tests.commands_harness import World, prove


class Thing(Struct, kw_only=True, frozen=True):
    id: str
    name: str = ""
    text: str = ""


class Params(Struct, frozen=True):
    thing_id: str


THINGS = Table(name="things", type=Thing)
DONE = Audit(code=1, severity=LogSeverity.NORMAL, text="{thing} done by {user}")
FAILED = Audit(code=2, severity=LogSeverity.ERROR, text="{thing} failed: {reason}")


def services(store: Store) -> Any:
    return SimpleNamespace(store=store, host={}, runner=None)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path) as made:
        yield made


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    made = Store(f"sqlite:///{path}/engine.db", (*commands.TABLES, *events.TABLES, THINGS))
    made.create_tables()
    made.start(asyncio.get_running_loop())
    yield made
    made.close()


def _choose(tx: Any, ctx: Any) -> None:
    ctx.state["chosen"] = "h1"
    tx.put(Thing(id="reservation", text="h1"))


def _free(tx: Any, ctx: Any) -> None:
    if tx.get(Thing, "reservation"):
        tx.delete(Thing, "reservation")


async def _create(ctx: Any) -> Any:
    ctx.services.host.setdefault(ctx.params.thing_id, "running")  # looks first

    def finish(tx: Any) -> None:
        tx.update(replace(tx.need(Thing, ctx.params.thing_id), text="on " + ctx.state["chosen"]))

    return finish


async def _destroy(ctx: Any) -> Any:
    ctx.services.host.pop(ctx.params.thing_id, None)
    return lambda tx: tx.update(replace(tx.need(Thing, ctx.params.thing_id), text=""))


def _settle(tx: Any, ctx: Any) -> None:
    tx.put(Thing(id="settled", text=ctx.state["chosen"]))


START = Command(
    name="thing.start",
    params=Params,
    title="Starting {thing}",
    steps=(
        Step("choose", _choose, _free, "Choosing"),
        Step("create", _create, _destroy),
        Step("settle", _settle),
    ),
    done=DONE,
    failed=FAILED,
)


def _begin(tx: Any, command: Command = START) -> str:
    return begin(
        tx,
        command,
        Params("t"),
        locks=(Lock("thing", "t"),),
        subjects=(("thing", "t"),),
        correlation_id="c-1",
    ).command_id


async def _seeded(store: Store) -> None:
    await store.write(lambda tx: tx.insert(Thing(id="t", name="T")))


async def test_a_command_runs_its_steps_and_leaves_job_event_and_no_lock(
    store: Store,
) -> None:
    await _seeded(store)
    runner = Runner(services(store), [START])
    await runner.start()
    command_id = await store.write(_begin)
    await runner.wait(command_id)
    job = await store.read(lambda rd: rd.need(Job, command_id))
    assert (job.status, job.description) == (JobStatus.FINISHED, "Starting T")
    (event,) = await store.read(lambda rd: rd.select(Event))
    assert (event.code, event.description, event.correlation_id) == (
        1,
        "T done by SYSTEM",
        "c-1",
    )
    assert not await store.read(lambda rd: locked(rd, "thing", "t"))
    assert await runner.state(command_id) == "complete"
    await runner.stop()


async def test_a_held_lock_refuses_a_second_command_and_shared_locks_coexist(
    store: Store,
) -> None:
    def shared(tx: Any, n: str) -> None:
        begin(tx, START, Params(n), locks=(Lock("disk", "d", shared=True),))

    await store.write(lambda tx: shared(tx, "1"))
    await store.write(lambda tx: shared(tx, "2"))
    with pytest.raises(Refused) as caught:
        await store.write(lambda tx: begin(tx, START, Params("3"), locks=(Lock("disk", "d"),)))
    assert caught.value.status == 409
    assert caught.value.reasons[0].code == "ACTION_TYPE_FAILED_OBJECT_LOCKED"
    assert not await store.read(lambda rd: locked(rd, "disk", "d"))
    assert await store.read(lambda rd: locked(rd, "disk", "d", shared_too=True))


async def test_a_failing_step_undoes_the_earlier_ones_in_reverse_and_tells_who_waits(
    store: Store,
) -> None:
    order: list[str] = []

    def step(name: str) -> Step:
        return Step(
            name,
            lambda tx, ctx: order.append(name),
            lambda tx, ctx: order.append("-" + name),
        )

    def fail(tx: Any, ctx: Any) -> None:
        raise refuse("SOME_CODE", "No room.")

    broken = Command(
        name="x",
        params=Params,
        steps=(step("a"), step("b"), Step("c", fail)),
        failed=FAILED,
    )
    await _seeded(store)
    runner = Runner(services(store), [broken])
    await runner.start()
    command_id = await store.write(lambda tx: _begin(tx, broken))
    with pytest.raises(CommandFailed, match="No room") as caught:
        await runner.wait(command_id)
    assert caught.value.status == 409
    assert order == ["a", "b", "-b", "-a"]
    (event,) = await store.read(lambda rd: rd.select(Event))
    assert event.description == "T failed: No room."
    assert (await store.read(lambda rd: rd.need(Job, command_id))).status is JobStatus.FAILED
    await runner.stop()


async def test_an_unanswered_step_is_undone_itself_if_it_asks_for_that_and_undo_is_tried_again(
    store: Store,
) -> None:
    tries: list[str] = []

    async def create(ctx: Any) -> None:
        ctx.state["sent"] = True
        raise HostUnreachable("lost", sent=True)

    async def destroy(ctx: Any) -> None:
        tries.append(str(ctx.state.get("sent")))
        if len(tries) < 3:
            raise HostUnreachable("still lost")

    command = Command(name="x", params=Params, steps=(Step("create", create, destroy, undo_own=True),))
    runner = Runner(services(store), [command], undo_delays=(0.0, 0.0, 0.0))
    await runner.start()
    command_id = await store.write(lambda tx: begin(tx, command, Params("t")).command_id)
    row = await runner.wait(command_id, quiet=True)
    assert row.status is CommandStatus.FAILED and tries == ["True"] * 3
    await runner.stop()


async def test_a_cancelled_command_stops_and_is_undone(store: Store) -> None:
    async def forever(ctx: Any) -> None:
        while True:
            await ctx.pause(60)
            ctx.stop_if_cancelled()

    command = Command(
        name="x",
        params=Params,
        steps=(Step("a", _choose, _free), Step("b", forever)),
        cancellable=True,
    )
    runner = Runner(services(store), [command])
    await runner.start()
    command_id = await store.write(lambda tx: begin(tx, command, Params("t")).command_id)
    while not (await store.read(lambda rd: rd.need(CommandRow, command_id))).step:
        await asyncio.sleep(0.005)
    await runner.cancel(command_id)
    row = await runner.wait(command_id, quiet=True)
    assert row.status is CommandStatus.CANCELLED
    assert await store.read(lambda rd: rd.get(Thing, "reservation")) is None
    assert (await store.read(lambda rd: rd.need(Job, command_id))).status is JobStatus.ABORTED
    await runner.stop()


async def test_every_cut_failure_and_repetition_ends_as_it_must(tmp_path: Path) -> None:
    count = iter(range(1000))

    @asynccontextmanager
    async def world() -> AsyncIterator[World]:
        path = tmp_path / str(next(count))
        path.mkdir()
        async with opened(path) as store:
            await _seeded(store)
            parts = services(store)

            async def outside() -> Any:
                return dict(parts.host)

            yield World(store, parts, _begin, outside)

    await prove(START, world)


async def test_the_harness_notices_a_step_that_cannot_run_twice(tmp_path: Path) -> None:
    async def careless(ctx: Any) -> None:
        ctx.services.host["n"] = ctx.services.host.get("n", 0) + 1

    command = Command(name="x", params=Params, steps=(Step("a", careless),))
    count = iter(range(1000))

    @asynccontextmanager
    async def world() -> AsyncIterator[World]:
        path = tmp_path / str(next(count))
        path.mkdir()
        async with opened(path) as store:
            parts = services(store)

            async def outside() -> Any:
                return dict(parts.host)

            yield World(
                store,
                parts,
                lambda tx: begin(tx, command, Params("t")).command_id,
                outside,
            )

    with pytest.raises(AssertionError, match="run twice"):
        await prove(command, world)


async def test_another_engine_takes_over_when_the_lease_is_out_and_the_first_one_lets_go(
    store: Store,
) -> None:
    reached, go = asyncio.Event(), asyncio.Event()
    ran: list[str] = []

    async def slow(ctx: Any) -> None:
        ran.append(ctx.services.name)
        reached.set()
        await go.wait()

    command = Command(name="x", params=Params, steps=(Step("a", _choose), Step("b", slow)))
    one, two = (SimpleNamespace(store=store, name=n, runner=None) for n in "12")
    first = Runner(one, [command], owner="one", lease=1000)
    await first.start()
    command_id = await store.write(lambda tx: begin(tx, command, Params("t"), locks=(Lock("thing", "t"),)).command_id)
    await reached.wait()
    await store.write(lambda tx: tx.put(Engine(id="one", expires=milliseconds() - 1)))
    second = Runner(two, [command], owner="two", lease=1000)
    await second.start()
    go.set()
    await asyncio.gather(first.idle(), second.idle())
    row = await store.read(lambda rd: rd.need(CommandRow, command_id))
    assert row.status is CommandStatus.SUCCEEDED and row.owner == "two" and ran == ["1", "2"]
    await first.stop()
    await second.stop()


async def test_live_engines_keep_their_commands(store: Store) -> None:
    command = Command(name="x", params=Params, steps=(Step("a", _choose),))
    await store.write(lambda tx: tx.put(Engine(id="one", expires=milliseconds() + 60_000)))
    command_id = await store.write(lambda tx: begin(tx, command, Params("t")).command_id)
    await store.write(lambda tx: tx.update(replace(tx.need(CommandRow, command_id), owner="one")))
    runner = Runner(services(store), [command], owner="two")
    await runner.start()
    await runner.idle()
    assert (await store.read(lambda rd: rd.need(CommandRow, command_id))).status is CommandStatus.RUNNING
    await runner.stop()


_CHILD = """
    import asyncio, sys
    from pathlib import Path
    from tests.engine.commands.test_runner import *
    from tests.engine.commands.test_runner import _begin, _seeded

    async def hang(ctx):
        Path(sys.argv[1], "reached").write_text("")
        await asyncio.sleep(60)

    async def main():
        steps = list(START.steps)
        steps[int(sys.argv[2])] = Step("hang", hang)
        broken = Command(name=START.name, params=Params, steps=tuple(steps))
        async with opened(Path(sys.argv[1])) as store:
            await _seeded(store)
            runner = Runner(services(store), [broken], owner="me")
            await runner.start()
            await store.write(_begin)
            await runner.idle()

    asyncio.run(main())
"""


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_command_survives_kill_9_in_each_step(tmp_path: Path, at: int) -> None:
    root = Path(__file__).parents[3]
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_CHILD), str(tmp_path), str(at)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    while not (tmp_path / "reached").exists():
        assert child.poll() is None
        await asyncio.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    async with opened(tmp_path) as store:
        runner = Runner(services(store), [START], owner="me")
        await runner.start()
        await runner.idle()
        (row,) = await store.read(lambda rd: rd.select(CommandRow))
        assert row.status is CommandStatus.SUCCEEDED
        assert (await store.read(lambda rd: rd.need(Thing, "t"))).text == "on h1"
        assert not await store.read(lambda rd: locked(rd, "thing", "t"))
        await runner.stop()


async def test_a_burst_of_commands_shares_commits(store: Store) -> None:
    command = Command(
        name="x",
        params=Params,
        steps=tuple(Step(str(n), lambda tx, ctx: None) for n in range(5)),
    )
    runner = Runner(services(store), [command])
    await runner.start()
    commits: list[int] = []
    store.on_commit(lambda changes: commits.append(len(changes)))
    started = await asyncio.gather(*(store.write(lambda tx: begin(tx, command, Params("t"))) for _ in range(200)))
    await asyncio.gather(*(runner.wait(s.command_id) for s in started))
    assert len(commits) < 200, "6 writes each, yet far fewer commits"
    await runner.stop()
