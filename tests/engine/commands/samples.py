"""What the tests of commands share: a thing, a command that starts it on a host, worlds for the harness."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine import commands, events
from ovis.engine.commands import Command, Lock, Step, begin
from ovis.engine.commands.runner import Runner
from ovis.engine.events import Audit
from ovis.engine.model.enums import LogSeverity
from ovis.engine.store.cache import DocumentCache
from ovis.engine.store.store import Store
from ovis.engine.store.tables import Table
from tests.commands_harness import World


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


TABLES = (*commands.TABLES, *events.TABLES, THINGS)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    made = Store(url, TABLES)
    await asyncio.to_thread(made.create_tables)
    made.start(asyncio.get_running_loop())
    try:
        yield made
    finally:
        await asyncio.to_thread(made.close)


@asynccontextmanager
async def running(store: Store, *commands: Command, **options: Any) -> AsyncIterator[Runner]:
    """A runner of its own beside those that there may be."""
    parts = services(store)
    runner = parts.runner = Runner(parts, commands, **options)
    await runner.start()
    try:
        yield runner
    finally:
        await runner.stop()


def choose(tx: Any, ctx: Any) -> None:
    ctx.state["chosen"] = "h1"
    tx.put(Thing(id="reservation", text="h1"))


def free(tx: Any, ctx: Any) -> None:
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
        Step("choose", choose, free, "Choosing"),
        Step("create", _create, _destroy),
        Step("settle", _settle),
    ),
    done=DONE,
    failed=FAILED,
)


def begin_thing(tx: Any, command: Command = START) -> str:
    return begin(
        tx,
        command,
        Params("t"),
        locks=(Lock("thing", "t"),),
        subjects=(("thing", "t"),),
        correlation_id="c-1",
    ).command_id


async def seed_thing(store: Store) -> None:
    await store.write(lambda tx: tx.insert(Thing(id="t", name="T")))


class Worlds:
    """Fresh worlds for the harness, one after the other in the same database, emptied in between."""

    def __init__(self, url: str, command: Command = START) -> None:
        self._url = url
        self._command = command

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[World]:
        async with opened(self._url) as store:

            def empty(tx: Any) -> None:
                for table in reversed(store.schema.metadata.sorted_tables):
                    tx.connection.execute(table.delete())
                store.cache = DocumentCache()

            await store.write(empty)
            await seed_thing(store)
            parts = services(store)

            async def outside() -> Any:
                return dict(parts.host)

            yield World(store, parts, lambda tx: begin_thing(tx, self._command), outside)
