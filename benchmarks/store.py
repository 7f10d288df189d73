"""What the store, its commits and its commands cost, as ratios to the bare drivers in the same run.

Run: `./ovis bench store` or `python benchmarks/store.py [--db URL] [--rounds N]`. Without --db: SQLite in a new file.
CPU is that of the whole process (threads included); wall follows the disk's fdatasync, so read ratios, not numbers.
"""

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from msgspec import Struct

from ovis.engine import commands, events
from ovis.engine.commands import Command, Step, begin
from ovis.engine.commands.runner import Runner
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.store import Store
from ovis.engine.store.tables import Column, Table, name_columns

TOGETHER = 50  # writes or commands at once
STEPS = 5


class Thing(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """About the size of a VM's document."""

    id: str
    name: str
    status: str = "down"
    text: str = "x" * 2000


class Params(Struct, frozen=True):
    """Of the measured command."""

    n: int


THINGS = Table(name="things", type=Thing, columns=(*name_columns(), Column(name="status")))


class Raw:
    """The bare driver doing what the store does: the same row, the same indices, the same durability."""

    def __init__(self, url: str) -> None:
        self.sqlite = url.startswith("sqlite")
        if self.sqlite:
            self.connection: Any = sqlite3.connect(
                url.removeprefix("sqlite:///") + ".raw", isolation_level=None, check_same_thread=False
            )
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                self.connection.execute(f"PRAGMA {pragma}")
        else:
            import psycopg

            self.connection = psycopg.connect(url, autocommit=True)
        blob, mark = ("BLOB", "?") if self.sqlite else ("BYTEA", "%s")
        self.connection.execute("DROP TABLE IF EXISTS raw_things")
        self.connection.execute(
            f"CREATE TABLE raw_things (id VARCHAR(255) PRIMARY KEY, version BIGINT, doc {blob}, name_key TEXT, status TEXT)"
        )
        for column in ("name_key", "status"):
            self.connection.execute(f"CREATE INDEX ix_raw_{column} ON raw_things ({column})")
        self.insert = f"INSERT INTO raw_things VALUES ({', '.join([mark] * 5)})"
        self.select = f"SELECT doc FROM raw_things WHERE id = {mark}"

    def write(self, things: list[Thing]) -> None:
        """One transaction."""
        self.connection.execute("BEGIN")
        for thing in things:
            row = (thing.id, 1, msgspec.json.encode(thing), thing.name.lower(), thing.status)
            self.connection.execute(self.insert, row)
        self.connection.execute("COMMIT")

    def read(self, id_: str) -> Any:
        """One document's bytes."""
        return self.connection.execute(self.select, (id_,)).fetchone()

    def close(self) -> None:
        """Let go."""
        self.connection.close()


class Meter:
    """Medians of wall and CPU, in microseconds an operation."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds

    def measure(self, run: Callable[[int], int]) -> tuple[float, float]:
        """run(round) does some operations and says how many."""
        walls, cpus = [], []
        run(-1)  # warm up
        for n in range(self._rounds):
            wall, cpu = time.perf_counter(), time.process_time()
            operations = run(n)
            cpus.append((time.process_time() - cpu) / operations * 1e6)
            walls.append((time.perf_counter() - wall) / operations * 1e6)
        return statistics.median(walls), statistics.median(cpus)


def thing(prefix: str, n: int, k: int) -> Thing:
    """A new one for each round and place."""
    return Thing(id=f"{prefix}-{n}-{k}", name=f"Name {n} {k}")


def line(what: str, found: tuple[float, float], floor: tuple[float, float]) -> None:
    """One row of the table."""
    (wall, cpu), (floor_wall, floor_cpu) = found, floor
    print(f"{what:<46} {wall:>9.0f} {cpu:>9.0f}   x{wall / floor_wall:<6.2f} x{cpu / floor_cpu:.2f}")


def inserting(made: Thing) -> Callable[[Tx], Thing]:
    """A write."""
    return lambda tx: tx.insert(made)


def reading(id_: str) -> Callable[[Reader], Thing]:
    """A read."""
    return lambda rd: rd.need(Thing, id_)


def nothing(tx: Any, ctx: Any) -> None:
    """A step that only leaves its record."""


async def bench(url: str, rounds: int) -> None:
    """Print the table."""
    store = Store(url, (*commands.TABLES, *events.TABLES, THINGS))
    await asyncio.to_thread(store.create_tables)
    store.start(asyncio.get_running_loop())
    raw, meter = Raw(url), Meter(rounds)
    print(f"{store.engine.dialect.name}: {rounds} rounds, medians, microseconds an operation")
    print(f"{'':<46} {'wall':>9} {'CPU':>9}   wall    CPU to the bare driver")

    def one_raw(n: int) -> int:
        for k in range(10):
            raw.write([thing("one", n, k)])
        return 10

    def group_raw(n: int) -> int:
        raw.write([thing("group", n, k) for k in range(TOGETHER)])
        return TOGETHER

    def read_raw(n: int) -> int:
        for k in range(200):
            raw.read(f"group-0-{k % TOGETHER}")
        return 200

    def on_loop(work: Callable[[int], Any]) -> Callable[[int], int]:
        loop = asyncio.get_running_loop()
        return lambda n: int(asyncio.run_coroutine_threadsafe(work(n), loop).result())

    async def one(n: int) -> int:
        for k in range(10):
            await store.write(inserting(thing("one", n, k)))
        return 10

    async def group(n: int) -> int:
        made = [thing("group", n, k) for k in range(TOGETHER)]
        await asyncio.gather(*(store.write(inserting(each)) for each in made))
        return TOGETHER

    async def read(n: int) -> int:
        for k in range(200):
            await store.read(reading(f"group-0-{k % TOGETHER}"))
        return 200

    async def read_set(n: int) -> int:
        ids = [f"group-0-{k}" for k in range(TOGETHER)]
        for _ in range(4):
            await store.read(lambda rd: rd.get_many(Thing, ids))
        return 4 * TOGETHER

    command = Command(
        name="bench", params=Params, hidden=True, steps=tuple(Step(str(k), nothing) for k in range(STEPS))
    )
    runner = Runner(SimpleNamespace(store=store), [command])  # type: ignore[arg-type]
    await runner.start()

    async def commands_at_once(count: int) -> int:
        started = await asyncio.gather(*(store.write(lambda tx: begin(tx, command, Params(1))) for _ in range(count)))
        await asyncio.gather(*(runner.wait(s.command_id) for s in started))
        return count * (STEPS + 1)

    async def one_command(n: int) -> int:
        return await commands_at_once(1)

    async def many_commands(n: int) -> int:
        return await commands_at_once(TOGETHER)

    async def timed(work: Callable[[int], int]) -> tuple[float, float]:
        return await asyncio.to_thread(meter.measure, work)

    raw_one, raw_group, raw_read = await timed(one_raw), await timed(group_raw), await timed(read_raw)
    line("write, a commit each: driver", raw_one, raw_one)
    store_one = await timed(on_loop(one))
    line("write, a commit each: store", store_one, raw_one)
    line(f"write, {TOGETHER} in one transaction: driver", raw_group, raw_group)
    store_group = await timed(on_loop(group))
    line(f"write, {TOGETHER} at once: store (shared commits)", store_group, raw_group)
    line("read one document: driver", raw_read, raw_read)
    line("read one document: store (remembered)", await timed(on_loop(read)), raw_read)
    line(f"read one of a set of {TOGETHER}: store", await timed(on_loop(read_set)), raw_read)
    step = await timed(on_loop(one_command))
    line("a step of one command", step, raw_one)
    steps = await timed(on_loop(many_commands))
    line(f"a step, {TOGETHER} commands at once", steps, raw_one)
    print(
        f"gain of shared commits: writes x{store_one[0] / store_group[0]:.1f}, steps x{step[0] / steps[0]:.1f} (wall)"
    )
    await runner.stop()
    raw.close()
    await asyncio.to_thread(store.close)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--db", help="postgresql://... or sqlite:///PATH of an empty database")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="ovis-bench-") as folder:
        asyncio.run(bench(args.db or f"sqlite:///{Path(folder)}/bench.db", args.rounds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
