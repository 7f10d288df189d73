"""Proofs by machine for any command: steps that run twice, fail, or are cut off at any place.

Does: derive broken variants of a command (values, no hooks in the product), run them, compare the store.
Use: give `prove` a way to make a fresh world; it makes one for every variant.

    async def world() -> AsyncIterator[World]: ...      an async context manager function
    await prove(START, world)

A World holds the store, the services and `begin`, which stores the command inside a write.
"""

import dataclasses
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from ovis.engine.commands.declaration import Command, Step
from ovis.engine.commands.runner import Runner
from ovis.engine.commands.table import CommandRow, CommandStatus
from ovis.engine.declare.faults import Fault
from ovis.engine.store.session import Tx
from ovis.engine.store.store import Store

# Rows that differ by their nature: what a command leaves there is asserted apart.
VOLATILE = frozenset(
    (
        "commands",
        "engines",
        "jobs",
        "steps",
        "events",
        "hidden_events",
        "statistics",
        "sessions",
    )
)
Snapshot = dict[str, dict[str, Any]]


class Cut(BaseException):
    """The engine dies here: nothing after this point is recorded."""


class PlannedFailure(Fault):
    """A step fails on purpose."""


@dataclass
class World:
    """One fresh installation. services: handed to the runner, its `runner` attribute is set if there is one.

    outside(): state beyond the store that must be compared too (e.g. what a simulated host runs); any JSON value.
    ignore: paths like `vms.status` whose values may differ between runs (times, random names).
    """

    store: Store
    services: Any
    begin: Callable[[Tx], str]
    outside: Callable[[], Awaitable[Any]] | None = None
    ignore: frozenset[str] = field(default_factory=frozenset)


MakeWorld = Callable[[], AbstractAsyncContextManager[World]]


async def prove(command: Command, world: MakeWorld) -> None:
    """Run every proof: repeated, failing, and cut steps, there and back."""
    wanted, status = await run_in(command, world)
    assert status is CommandStatus.SUCCEEDED, f"{command.name}, undisturbed, ended {status}"
    await prove_twice(command, world, wanted)
    for n, step in enumerate(command.steps):
        await prove_failure(command, world, n)
        if step.undo_own:
            await prove_failure(command, world, n, acted=True)
        for when in ("before", "after"):
            await prove_cut(command, world, n, when, wanted)
    for n in range(len(command.steps)):
        for m in range(n):
            if command.steps[m].undo is not None:
                for when in ("before", "after"):
                    await prove_undo_cut(command, world, n, m, when)


async def prove_twice(command: Command, world: MakeWorld, wanted: Any = None) -> None:
    """Every step runs twice: the end is the same."""
    wanted = wanted if wanted is not None else (await run_in(command, world))[0]
    twice = _with_steps(command, [_twice(step) for step in command.steps])
    found, status = await run_in(twice, world)
    assert status is CommandStatus.SUCCEEDED, f"{command.name} with every step run twice ended {status}"
    assert_same(found, wanted, f"{command.name} with every step run twice")


async def prove_failure(command: Command, world: MakeWorld, n: int, *, acted: bool = False) -> None:
    """Step n fails (acted: after it did its work): the store is as before the command."""
    steps = list(command.steps)
    steps[n] = _failing(steps[n], acted)
    async with world() as made:
        before = await snapshot(made)
        after, status = await _run(_with_steps(command, steps), made)
    assert status is CommandStatus.FAILED, f"{command.name}: step {steps[n].name} failed, yet it ended {status}"
    assert_same(after, before, f"{command.name} undone after {steps[n].name} failed")


async def prove_undo_cut(command: Command, world: MakeWorld, n: int, m: int, when: str) -> None:
    """Step n fails, and the engine dies while step m is taken back; the next engine takes back the rest."""
    steps = list(command.steps)
    steps[n] = _failing(steps[n])
    cut = list(steps)
    cut[m] = dataclasses.replace(cut[m], undo=_cut_function(cut[m].undo, when))
    async with world() as made:
        before = await snapshot(made)
        command_id = await _run_to_cut(dataclasses.replace(command, steps=tuple(cut)), made, CommandStatus.UNDOING, m)
        after, status = await _run(dataclasses.replace(command, steps=tuple(steps)), made, command_id)
    assert status is CommandStatus.FAILED, f"{command.name}: {steps[n].name} failed, yet it ended {status}"
    what = f"{command.name} undone after {steps[n].name} failed, cut {when} {steps[m].name} was taken back"
    assert_same(after, before, what)


async def prove_cut(command: Command, world: MakeWorld, n: int, when: str, wanted: Any) -> None:
    """The engine dies before or after step n acts (and before it is recorded); the next engine finishes the command."""
    steps = list(command.steps)
    steps[n] = dataclasses.replace(steps[n], run=_cut_function(steps[n].run, when))
    async with world() as made:
        broken = dataclasses.replace(command, steps=tuple(steps))
        command_id = await _run_to_cut(broken, made, CommandStatus.RUNNING, n)
        found, status = await _run(command, made, command_id)
    assert status is CommandStatus.SUCCEEDED, f"{command.name} cut {when} {steps[n].name} ended {status}"
    assert_same(found, wanted, f"{command.name} resumed after a cut {when} {steps[n].name}")


async def run_in(command: Command, world: MakeWorld) -> tuple[Any, CommandStatus]:
    """The snapshot and the status after an undisturbed run in a fresh world."""
    async with world() as made:
        return await _run(command, made)


async def _run(command: Command, made: World, command_id: str | None = None) -> tuple[Any, CommandStatus]:
    runner = Runner(made.services, [command], lease=5, undo_delays=(0.01,))
    _introduce(made, runner)
    await runner.start()
    try:
        known = command_id or await made.store.write(made.begin)
        row = await runner.wait(str(known), quiet=True)
        locks = await made.store.read(lambda rd: rd.rows(sa.select(rd.schema.sql["locks"].c.id)))
        assert not locks, f"{command.name} left locks: {locks}"
        return await snapshot(made), row.status
    finally:
        await runner.stop()


async def _run_to_cut(command: Command, made: World, status: CommandStatus, step: int) -> str:
    """Begin a command that is cut, run it so far; its id."""
    runner = Runner(made.services, [command], lease=5, undo_delays=(0.01,))
    _introduce(made, runner)
    await runner.start()
    command_id = await made.store.write(made.begin)
    await runner.idle()
    row = await made.store.read(lambda rd: rd.need(CommandRow, command_id))
    assert (row.status, row.step) == (status, step), f"the cut came at {row.status} {row.step}: {row.problem}"
    await runner.stop()
    return command_id


def _introduce(made: World, runner: Runner) -> None:
    if hasattr(made.services, "runner"):
        made.services.runner = runner


async def snapshot(made: World) -> tuple[Snapshot, Any]:
    """All documents by table and id, without what differs by its nature; and what is outside."""

    def read(rd: Any) -> Snapshot:
        found: Snapshot = {}
        for name, table in rd.schema.by_name.items():
            if name in VOLATILE:
                continue
            rows = rd.rows(sa.select(rd.schema.sql[name].c.id, rd.schema.sql[name].c.doc))
            found[table.name] = {str(id_): _masked(name, msgspec.json.decode(doc), made.ignore) for id_, doc in rows}
        return found

    return await made.store.read(read), (await made.outside() if made.outside else None)


def _masked(table: str, document: Any, ignore: frozenset[str]) -> Any:
    for path in ignore:
        head, _, attribute = path.partition(".")
        if head == table and attribute in document:
            document = {**document, attribute: "*"}
    return document


def assert_same(found: tuple[Snapshot, Any], wanted: tuple[Snapshot, Any], what: str) -> None:
    """Compare snapshots; the message names the rows that differ."""
    different = []
    for table in wanted[0].keys() | found[0].keys():
        old, new = wanted[0].get(table, {}), found[0].get(table, {})
        for id_ in old.keys() | new.keys():
            if old.get(id_) != new.get(id_):
                different.append(f"{table}/{id_}: expected {old.get(id_)}, found {new.get(id_)}")
    assert not different, f"{what}: " + "; ".join(different)
    assert found[1] == wanted[1], f"{what}: outside expected {wanted[1]}, found {found[1]}"


# -- broken variants ---------------------------------------------------------------------------------------------


def _with_steps(command: Command, steps: list[Step]) -> Command:
    return dataclasses.replace(command, steps=tuple(steps))


def _twice(step: Step) -> Step:
    """An async step that was cut off after acting runs again; a sync one commits with its record, so runs once."""
    if not inspect.iscoroutinefunction(step.run):
        return step

    async def run(ctx: Any) -> Any:
        before = msgspec.json.encode(ctx.state)
        await step.run(ctx)
        ctx.state.clear()
        ctx.state.update(msgspec.json.decode(before))
        return await step.run(ctx)

    return dataclasses.replace(step, run=run)


def _failing(step: Step, acted: bool = False) -> Step:
    """acted: an async step fails after its work; a sync one's work is undone by the database anyway."""

    async def fail(ctx: Any) -> Any:
        if acted:
            await step.run(ctx)
        raise PlannedFailure(f"{step.name} fails as planned")

    def fail_at_once(tx: Any, ctx: Any) -> Any:
        step.run(tx, ctx)
        raise PlannedFailure(f"{step.name} fails as planned")

    return dataclasses.replace(step, run=fail if inspect.iscoroutinefunction(step.run) else fail_at_once)


def _cut_function(function: Any, when: str) -> Any:
    """A step's run or undo that ends the engine before or after it acts."""

    async def cut(ctx: Any) -> Any:
        if when == "after":
            await function(ctx)
        raise Cut

    def cut_at_once(tx: Any, ctx: Any) -> Any:
        if when == "after":
            function(tx, ctx)
        raise Cut

    return cut if inspect.iscoroutinefunction(function) else cut_at_once


__all__ = [
    "Cut",
    "PlannedFailure",
    "World",
    "prove",
    "prove_cut",
    "prove_failure",
    "prove_twice",
    "prove_undo_cut",
]
