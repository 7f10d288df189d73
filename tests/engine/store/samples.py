"""Tables and stores that the store's tests share."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from msgspec import Struct

from ovis.engine.store.store import Store
from ovis.engine.store.tables import Column, Table, name_columns


class Shelf(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Holds books."""

    id: str
    name: str = ""


class Book(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Stands on a shelf; its text is anything."""

    id: str
    name: str = ""
    shelf_id: str | None = None
    pages: int | None = None
    text: str | None = None
    bought: datetime | None = None


class Page(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Goes with its book. Numbered by the store."""

    id: str | None = None
    book_id: str
    text: str = ""


SHELVES = Table(name="shelves", type=Shelf, columns=name_columns(), unique=(("name_key",),))
BOOKS = Table(
    name="books",
    type=Book,
    columns=(
        *name_columns(),
        Column(name="shelf_id", references="shelves"),
        Column(name="pages", kind="int"),
        Column(name="text", index=False),
        Column(name="bought", kind="time"),
    ),
)
PAGES = Table(
    name="pages",
    type=Page,
    serial=True,
    columns=(Column(name="book_id", references="books", on_delete="cascade"), Column(name="text", index=False)),
)
TABLES = (SHELVES, BOOKS, PAGES)


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """A store with its tables, its writer running."""
    store = Store(url, TABLES)
    store.create_tables()
    store.start()
    try:
        yield store
    finally:
        store.close()


@asynccontextmanager
async def opened_in_loop(url: str) -> AsyncIterator[Store]:
    """The same with listeners called in the running loop."""
    store = Store(url, TABLES)
    await asyncio.to_thread(store.create_tables)
    store.start(asyncio.get_running_loop())
    try:
        yield store
    finally:
        await asyncio.to_thread(store.close)
