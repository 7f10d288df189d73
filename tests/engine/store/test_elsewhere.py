"""Two processes on one database: what one changes is not answered from the other's memory."""

import asyncio

from msgspec.structs import replace

from ovis.engine.store.store import Store
from tests.engine.store.samples import TABLES, Book, opened_in_loop


async def test_what_another_process_changed_is_forgotten_here(database_url: str) -> None:
    async with opened_in_loop(database_url) as mine:
        mine.owner = "engine-1"
        await mine.write(lambda tx: tx.insert(Book(id="a")))
        await mine.look_elsewhere()
        other = Store(database_url, TABLES)
        other.owner = "engine-2"
        other.start()
        try:
            await mine.write(lambda tx: tx.insert(Book(id="b")))
            before = dict(mine.counters)
            await mine.look_elsewhere()
            assert mine.counters == before, "one's own commits are no reason to forget"
            assert mine.cache.latest("books", "a") is not None

            await _in_thread(other)
            assert mine.cache.latest("books", "a") is not None, "nobody has looked yet"
            await mine.look_elsewhere()
            assert mine.cache.latest("books", "a") is None
            assert mine.counters["books"] > before["books"]
            found = await mine.read(lambda rd: rd.need(Book, "a"))
            assert found.name == "changed"
        finally:
            other.close()


async def _in_thread(other: Store) -> None:
    await asyncio.to_thread(other.write_now, lambda tx: tx.update(replace(tx.need(Book, "a"), name="changed")))
