"""Commands: order, undo, locks, waiting, cancelling, and the proofs that the harness runs."""

import asyncio
import dataclasses
from typing import Any

import pytest

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
from ovis.engine.declare.faults import Refused, refuse
from ovis.engine.hostlink.errors import HostUnreachable
from ovis.engine.model.enums import JobStatus
from ovis.engine.model.types import Event, Job
from ovis.engine.store.store import Store
from tests.commands_harness import prove
from tests.engine.commands.samples import (
    FAILED,
    START,
    Params,
    Thing,
    Worlds,
    begin_thing,
    choose,
    free,
    seed_thing,
    services,
)


async def test_a_command_runs_its_steps_and_leaves_job_event_and_no_lock(
    store: Store,
) -> None:
    await seed_thing(store)
    runner = Runner(services(store), [START])
    await runner.start()
    command_id = await store.write(begin_thing)
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
    await seed_thing(store)
    runner = Runner(services(store), [broken])
    await runner.start()
    command_id = await store.write(lambda tx: begin_thing(tx, broken))
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
        steps=(Step("a", choose, free), Step("b", forever)),
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


async def test_every_cut_failure_and_repetition_ends_as_it_must(database_url: str) -> None:
    await prove(START, Worlds(database_url))


async def test_a_step_whose_failure_proves_nothing_is_taken_back_itself(sqlite_url: str) -> None:
    steps = (START.steps[0], dataclasses.replace(START.steps[1], undo_own=True), START.steps[2])
    command = dataclasses.replace(START, steps=steps)
    await prove(command, Worlds(sqlite_url, command))


async def _careless(ctx: Any) -> None:
    ctx.services.host["n"] = ctx.services.host.get("n", 0) + 1


async def _place(ctx: Any) -> None:
    ctx.services.host["t"] = "running"


async def _forgetful(ctx: Any) -> None:
    ctx.services.host.clear()
    ctx.services.host["left"] = "behind"


def _broken(tx: Any, ctx: Any) -> None:
    raise refuse("CODE", "Never.")


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ((Step("a", _careless),), "run twice"),
        ((START.steps[0], Step("b", START.steps[1].run), START.steps[2]), "undone after settle failed"),
        ((Step("a", START.steps[0].run), Step("b", START.steps[1].run)), "undone after b failed"),
        ((Step("a", _place, _forgetful), Step("b", lambda tx, ctx: None)), "undone after b failed"),
        ((Step("a", _broken),), "undisturbed"),
    ],
)
async def test_the_harness_notices_steps_that_break_the_rules(
    sqlite_url: str, steps: tuple[Step, ...], complaint: str
) -> None:
    command = dataclasses.replace(START, steps=steps)
    with pytest.raises(AssertionError, match=complaint):
        await prove(command, Worlds(sqlite_url, command))


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
