"""Engines that die, come back, share their work, lose their database, or have forgotten a command."""

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.commands import Command, CommandFailed, CommandRow, CommandStatus, Lock, Step, begin, locked
from ovis.engine.commands.endings import KEEP_FAILED_MS, KEEP_FINISHED_MS, finish_job, forget_finished
from ovis.engine.commands.runner import LEFT, UNKNOWN, Runner
from ovis.engine.commands.table import Engine, milliseconds
from ovis.engine.declare.faults import Refused
from ovis.engine.model.enums import JobStatus
from ovis.engine.model.types import Event, Job
from ovis.engine.store.store import Store
from tests.databases import PostgresServer
from tests.engine.commands.samples import (
    FAILED,
    START,
    Params,
    Thing,
    begin_thing,
    choose,
    opened,
    running,
    seed_thing,
    services,
)

LONG = 1000.0


async def row_of(store: Store, command_id: str) -> CommandRow:
    return await store.read(lambda rd: rd.need(CommandRow, command_id))


async def expire(store: Store, engine: str) -> None:
    await store.write(lambda tx: tx.put(Engine(id=engine, expires=milliseconds() - 1)))


class Slow:
    """A step that waits until it is let go, and notes each run."""

    def __init__(self) -> None:
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        self.runs = 0

    async def __call__(self, ctx: Any) -> None:
        self.runs += 1
        self.reached.set()
        await self.go.wait()

    def step(self, name: str = "slow", **more: Any) -> Step:
        async def run(ctx: Any) -> None:
            await self(ctx)

        return Step(name, run, **more)


@asynccontextmanager
async def two_stores(url: str) -> AsyncIterator[tuple[Store, Store]]:
    async with opened(url) as one, opened(url) as two:
        await seed_thing(one)
        yield one, two


async def test_another_engine_takes_over_when_the_lease_is_out_and_the_first_one_lets_go(database_url: str) -> None:
    async with two_stores(database_url) as (one, two):
        first_slow, second_slow = Slow(), Slow()
        steps = (Step("a", choose), first_slow.step(), Step("c", START.steps[2].run))
        command = Command(name="x", params=Params, steps=steps)
        other = dataclasses.replace(command, steps=(steps[0], second_slow.step(), steps[2]))
        async with running(one, command, owner="one", lease=LONG) as first:
            command_id = await one.write(lambda tx: begin_thing(tx, command))
            await first_slow.reached.wait()
            await expire(two, "one")
            async with running(two, other, owner="two", lease=LONG) as second:
                second_slow.go.set()
                await second.idle()
                first_slow.go.set()  # the first engine wakes up and must not record anything
                await first.idle()
                row = await row_of(two, command_id)
                assert (row.status, row.owner) == (CommandStatus.SUCCEEDED, "two")
                assert (first_slow.runs, second_slow.runs) == (1, 1)
                # Whoever waits at the first engine is told, too.
                assert (await first.wait(command_id)).status is CommandStatus.SUCCEEDED
                assert await one.read(lambda rd: rd.count(Event)) == 0
                assert not await one.read(lambda rd: locked(rd, "thing", "t"))


async def test_a_long_first_step_is_not_taken_by_another_engine(database_url: str) -> None:
    """A command belongs to an engine from its first moment, not only since its first record."""
    async with two_stores(database_url) as (one, two):
        slow, stolen = Slow(), Slow()
        command = Command(name="x", params=Params, steps=(slow.step(),))
        other = dataclasses.replace(command, steps=(stolen.step(),))
        async with (
            running(one, command, owner="one", lease=LONG),
            running(two, other, owner="two", lease=LONG) as second,
        ):
            command_id = await one.write(lambda tx: begin_thing(tx, command))
            await slow.reached.wait()
            assert (await row_of(two, command_id)).owner == "one"
            await two.write(lambda tx: tx.update(replace(tx.need(CommandRow, command_id), since=1)))
            await second._take_over()
            await second.idle()
            assert stolen.runs == 0
            slow.go.set()
            assert (await second.wait(command_id)).status is CommandStatus.SUCCEEDED


async def test_a_cancellation_asked_at_another_engine_arrives_and_is_not_overwritten(database_url: str) -> None:
    async with two_stores(database_url) as (one, two):
        slow = Slow()
        steps = (Step("a", choose, START.steps[0].undo), slow.step(), Step("c", START.steps[2].run))
        command = Command(name="x", params=Params, steps=steps, cancellable=True)
        async with (
            running(one, command, owner="one", lease=LONG),
            running(two, command, owner="two", lease=LONG) as second,
        ):
            command_id = await one.write(lambda tx: begin_thing(tx, command))
            await slow.reached.wait()
            await second.cancel(command_id)
            slow.go.set()
            row = await second.wait(command_id, quiet=True)
            assert row.status is CommandStatus.CANCELLED and row.cancel
            assert await two.read(lambda rd: rd.get(Thing, "settled")) is None


async def test_a_cancellation_reaches_a_step_that_waits_for_it(database_url: str) -> None:
    async with two_stores(database_url) as (one, two):
        began = asyncio.Event()

        async def forever(ctx: Any) -> None:
            began.set()
            await ctx.pause(60)
            ctx.stop_if_cancelled()

        command = Command(name="x", params=Params, steps=(Step("a", forever),), cancellable=True)
        async with (
            running(one, command, owner="one", lease=LONG) as first,
            running(two, command, owner="two", lease=LONG) as second,
        ):
            command_id = await one.write(lambda tx: begin_thing(tx, command))
            await began.wait()
            await second.cancel(command_id)
            await first._take_over()  # what upkeep does
            assert (await second.wait(command_id, quiet=True)).status is CommandStatus.CANCELLED


async def test_what_cannot_be_cancelled_says_so(store: Store) -> None:
    slow = Slow()
    command = Command(name="x", params=Params, steps=(slow.step(),))
    async with running(store, command) as runner:
        command_id = await store.write(lambda tx: begin(tx, command, Params("t")).command_id)
        await slow.reached.wait()
        with pytest.raises(Refused, match="cannot be cancelled"):
            await runner.cancel(command_id)
        slow.go.set()
        assert (await runner.wait(command_id)).status is CommandStatus.SUCCEEDED


async def test_live_engines_keep_their_commands(store: Store) -> None:
    command = Command(name="x", params=Params, steps=(Step("a", choose),))
    await store.write(lambda tx: tx.put(Engine(id="one", expires=milliseconds() + 60_000)))
    command_id = await store.write(lambda tx: begin(tx, command, Params("t")).command_id)
    await store.write(lambda tx: tx.update(replace(tx.need(CommandRow, command_id), owner="one")))
    async with running(store, command, owner="two") as runner:
        await runner.idle()
        assert (await row_of(store, command_id)).status is CommandStatus.RUNNING


async def test_waiting_goes_on_over_a_restart_of_the_engine(database_url: str) -> None:
    slow = Slow()
    command = Command(name="x", params=Params, steps=(Step("a", choose), slow.step()))
    async with opened(database_url) as store:
        async with running(store, command, owner="me") as runner:
            command_id = await store.write(lambda tx: begin_thing(tx, command))
            await slow.reached.wait()
        assert await runner.state(command_id) == "in_progress"
    slow.go.set()
    async with opened(database_url) as store, running(store, command, owner="me") as runner:
        assert (await runner.wait(command_id)).status is CommandStatus.SUCCEEDED
        assert slow.runs == 2


# -- the database goes away --------------------------------------------------------------------------------------


async def test_a_restart_of_the_database_in_the_middle_neither_fails_nor_repeats_a_command(
    postgres_server: PostgresServer, postgresql_url: str
) -> None:
    slow = Slow()
    steps = (Step("a", choose, START.steps[0].undo), slow.step(), Step("c", START.steps[2].run))
    command = Command(name="x", params=Params, steps=steps, failed=FAILED)
    async with opened(postgresql_url) as store, running(store, command, lease=LONG) as runner:
        await seed_thing(store)
        command_id = await store.write(lambda tx: begin_thing(tx, command))
        await slow.reached.wait()
        await asyncio.to_thread(postgres_server.stop)
        slow.go.set()
        await asyncio.sleep(0.3)  # its record is refused a few times meanwhile
        postgres_server.start()  # from this thread: with it the server would die
        row = await runner.wait(command_id)
        assert row.status is CommandStatus.SUCCEEDED and slow.runs == 1
        assert await store.read(lambda rd: rd.count(Event)) == 0


async def test_a_commit_whose_answer_was_lost_is_not_made_twice(
    postgres_server: PostgresServer, postgresql_url: str
) -> None:
    """The connection dies while the commit is sent: what was recorded is found, not repeated."""
    hits: list[str] = []

    async def act(ctx: Any) -> Any:
        def finish(tx: Any) -> None:
            hits.append("finish")
            tx.insert(Thing(id=f"made-{len(hits)}"))
            if len(hits) == 1:
                _lose_the_answer(tx.connection)

        return finish

    command = Command(name="x", params=Params, steps=(Step("a", act), Step("b", lambda tx, ctx: None)))
    async with opened(postgresql_url) as store, running(store, command, lease=LONG) as runner:
        command_id = await store.write(lambda tx: begin(tx, command, Params("t")).command_id)
        assert (await runner.wait(command_id)).status is CommandStatus.SUCCEEDED
        assert hits == ["finish"]
        assert [t.id for t in await store.read(lambda rd: rd.select(Thing))] == ["made-1"]


def _lose_the_answer(connection: Any) -> None:
    """The next commit is made, and then looks as if the connection had died."""
    import psycopg

    driver = connection.connection.driver_connection
    commit = driver.commit

    def lost() -> None:
        commit()
        driver.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    driver.commit = lost


# -- commands that are not known any more -------------------------------------------------------------------------


class Renamed(Struct, frozen=True):
    """Parameters of a later version."""

    other: int


@pytest.mark.parametrize(
    "later",
    [
        (),
        (dataclasses.replace(START, steps=START.steps[:1]),),
        (dataclasses.replace(START, params=Renamed),),
    ],
)
async def test_a_command_of_another_version_ends_is_told_and_frees_its_objects(
    store: Store, later: tuple[Command, ...]
) -> None:
    await seed_thing(store)
    command_id = await store.write(begin_thing)
    async with running(store, *later) as runner:
        with pytest.raises(CommandFailed, match="another version"):
            await runner.wait(command_id)
    assert not await store.read(lambda rd: locked(rd, "thing", "t"))
    assert (await store.read(lambda rd: rd.need(Job, command_id))).status is JobStatus.FAILED
    (event,) = await store.read(lambda rd: rd.select(Event))
    assert event.code == UNKNOWN.code and "Starting T" in str(event.description)


async def test_a_command_of_another_version_waits_while_an_engine_lives_that_may_know_it(store: Store) -> None:
    await seed_thing(store)
    await store.write(lambda tx: tx.put(Engine(id="newer", expires=milliseconds() + 60_000)))
    command_id = await store.write(begin_thing)
    await store.write(lambda tx: tx.update(replace(tx.need(CommandRow, command_id), since=1)))
    async with running(store, owner="older"):
        assert (await row_of(store, command_id)).status is CommandStatus.RUNNING
        assert await store.read(lambda rd: locked(rd, "thing", "t"))


async def test_steps_that_were_added_since_do_not_disturb_a_command_that_had_begun(store: Store) -> None:
    await seed_thing(store)
    command_id = await store.write(begin_thing)
    added: list[str] = []
    new = Step("new", lambda tx, ctx: added.append("ran"))
    async with running(store, dataclasses.replace(START, steps=(new, *START.steps))) as runner:
        assert (await runner.wait(command_id)).status is CommandStatus.SUCCEEDED
        assert added == []
        await runner.wait(await store.write(lambda tx: begin_thing(tx, runner.commands[START.name])))
        assert added == ["ran"]


# -- ends that go wrong -------------------------------------------------------------------------------------------


async def test_an_undo_that_never_works_is_told_and_stops_nothing_else(store: Store) -> None:
    async def broken(ctx: Any) -> None:
        raise ValueError("a bug in an undo")

    def fail(tx: Any, ctx: Any) -> None:
        raise ValueError("a bug in a step")

    steps = (Step("a", choose, START.steps[0].undo), Step("b", START.steps[1].run, broken, "Creating"), Step("c", fail))
    command = Command(name="x", params=Params, steps=steps, title="Doing {thing}", failed=FAILED)
    await seed_thing(store)
    async with running(store, command) as runner:
        command_id = await store.write(lambda tx: begin_thing(tx, command))
        row = await runner.wait(command_id, quiet=True)
    assert row.status is CommandStatus.FAILED and row.left == ("Creating (Internal error: ValueError.)",)
    assert not await store.read(lambda rd: locked(rd, "thing", "t"))
    assert await store.read(lambda rd: rd.get(Thing, "reservation")) is None
    found = {e.code: str(e.description) for e in await store.read(lambda rd: rd.select(Event))}
    assert found[LEFT.code].startswith("Doing T could not be undone completely; look after: Creating (")
    assert FAILED.code in found


async def test_a_room_that_finds_no_last_words_does_not_keep_its_command_from_ending(store: Store) -> None:
    def words(rd: Any, params: Any, state: Any) -> dict[str, Any]:
        if rd.get(Thing, "settled"):
            raise LookupError("gone")
        return {"thing": "the thing"}

    command = dataclasses.replace(START, words=words)
    await seed_thing(store)
    async with running(store, command) as runner:
        command_id = await store.write(lambda tx: begin_thing(tx, command))
        assert (await runner.wait(command_id)).status is CommandStatus.SUCCEEDED
    (event,) = await store.read(lambda rd: rd.select(Event))
    assert event.description == "T done by SYSTEM"


async def test_jobs_vanish_when_their_time_is_over_and_not_before(store: Store) -> None:
    await seed_thing(store)
    now = milliseconds()
    kept: list[str] = []
    gone: list[str] = []
    for status, age, stays in (
        (CommandStatus.SUCCEEDED, KEEP_FINISHED_MS - 60_000, True),
        (CommandStatus.SUCCEEDED, KEEP_FINISHED_MS + 1000, False),
        (CommandStatus.FAILED, KEEP_FINISHED_MS + 1000, True),
        (CommandStatus.FAILED, KEEP_FAILED_MS + 1000, False),
        (CommandStatus.RUNNING, KEEP_FAILED_MS * 10, True),
    ):
        command_id = await store.write(lambda tx: begin(tx, START, Params("t")).command_id)
        (kept if stays else gone).append(command_id)

        def age_it(tx: Any, command_id: str = command_id, status: CommandStatus = status, age: int = age) -> None:
            open_ = status is CommandStatus.RUNNING
            row = replace(tx.need(CommandRow, command_id), status=status, ended=0 if open_ else now - age)
            tx.update(row)
            if not open_:
                finish_job(tx, row)

        await store.write(age_it)
    assert await store.write(forget_finished) == len(gone)
    assert {j.id for j in await store.read(lambda rd: rd.select(Job))} == set(kept)
    assert {r.id for r in await store.read(lambda rd: rd.select(CommandRow))} == set(kept)
    assert store.cache.latest("jobs", gone[0]) is None


# -- killed ------------------------------------------------------------------------------------------------------

_CHILD = """
    import asyncio, dataclasses, sys
    from pathlib import Path
    from tests.engine.commands.samples import START, begin_thing, opened, running, seed_thing, services

    async def hang(ctx):
        Path(sys.argv[1], "reached").write_text("")
        await asyncio.sleep(60)

    async def main():
        steps = list(START.steps)
        at = int(sys.argv[3])
        steps[at] = dataclasses.replace(steps[at], run=hang)
        async with opened(sys.argv[2]) as store:
            await seed_thing(store)
            async with running(store, dataclasses.replace(START, steps=tuple(steps)), owner="me") as runner:
                await store.write(begin_thing)
                await runner.idle()

    asyncio.run(main())
"""


@pytest.mark.parametrize("at", range(len(START.steps)))
async def test_a_command_survives_kill_9_in_each_step(tmp_path: Path, database_url: str, at: int) -> None:
    root = Path(__file__).parents[3]
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_CHILD), str(tmp_path), database_url, str(at)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        async with asyncio.timeout(60):
            while not (tmp_path / "reached").exists():
                assert child.poll() is None
                await asyncio.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    async with opened(database_url) as store, running(store, START, owner="me") as runner:
        await runner.idle()
        (row,) = await store.read(lambda rd: rd.select(CommandRow))
        assert row.status is CommandStatus.SUCCEEDED
        assert (await store.read(lambda rd: rd.need(Thing, "t"))).text == "on h1"
        assert not await store.read(lambda rd: locked(rd, "thing", "t"))


async def test_locks_of_many_commands_are_all_or_nothing(store: Store) -> None:
    """Commands that want overlapping sets: whoever gets one gets all, whoever is refused holds none."""

    async def ask(first: int) -> int:
        locks = [Lock("disk", str((first + k) % 6)) for k in range(3)]
        try:
            await store.write(lambda tx: begin(tx, START, Params("t"), locks=locks))
        except Refused as err:
            return len(err.reasons)
        return 0

    assert await asyncio.gather(*(ask(n) for n in range(6))) == [0, 2, 1, 0, 3, 3]


async def test_a_runner_refuses_two_commands_of_one_name(store: Store) -> None:
    with pytest.raises(ValueError, match="two commands are named"):
        Runner(services(store), [START, START])
