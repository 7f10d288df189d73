"""The writer and the readers: groups, failures, snapshots, memory, restarts of the database."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from ovis.engine.declare.faults import Refused, refuse
from ovis.engine.store.cache import DocumentCache
from ovis.engine.store.database import DatabaseLost
from ovis.engine.store.session import Change, Reader, Tx
from ovis.engine.store.store import Store
from tests.databases import PostgresServer
from tests.engine.store.samples import TABLES, Book, Page, Shelf, opened, opened_in_loop


def adding(id_: str) -> Callable[[Tx], Book]:
    """A write that adds a book."""
    return lambda tx: tx.insert(Book(id=id_))


def reading(id_: str, everything: bool) -> Callable[[Reader], list[Book]]:
    """One book, or all."""
    return lambda rd: rd.select(Book) if everything else [rd.need(Book, id_)]


class Blow(BaseException):
    """Not an Exception, as bad as it gets."""


async def test_one_failing_write_of_a_group_leaves_the_others_and_nothing_of_its_own(database_url: str) -> None:
    hold = threading.Event()

    def refused(tx: Tx) -> None:
        tx.insert(Book(id="refused"))
        raise refuse("CODE", "No.")

    def broken(tx: Tx) -> None:
        tx.insert(Book(id="broken"))
        raise Blow

    def impossible(tx: Tx) -> None:
        tx.insert(Book(id="impossible"))
        tx.insert(Book(id="child", shelf_id="none"))

    def nonsense(tx: Tx) -> None:
        tx.insert(Book(id="nonsense"))
        tx.connection.exec_driver_sql("SELECT nothing FROM nowhere")

    async with opened_in_loop(database_url) as store:
        told: list[Change] = []
        afterwards: list[str] = []
        store.on_commit(told.extend)
        jobs: list[Any] = [lambda tx: hold.wait(20)]  # while it waits, the others gather into one group
        for n, bad in enumerate((refused, broken, impossible, nonsense)):

            def good(tx: Tx, n: int = n) -> str:
                tx.insert(Book(id=str(n)))
                tx.after_commit(lambda: afterwards.append(str(n)))
                return str(n)

            jobs += [good, bad]
        waiting = [asyncio.ensure_future(store.write(job)) for job in jobs]
        await asyncio.sleep(0)
        hold.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert list(results[1::2]) == ["0", "1", "2", "3"]
        assert [type(r) for r in results[2::2]][:2] == [Refused, Blow]
        assert all(isinstance(r, sa.exc.SQLAlchemyError) for r in results[6::2])
        assert sorted(b.id for b in await store.read(lambda rd: rd.select(Book))) == ["0", "1", "2", "3"]
        assert [c.id for c in told] == afterwards == ["0", "1", "2", "3"]
        assert store.cache.latest("books", "refused") is None


async def test_a_listener_that_fails_stops_neither_the_others_nor_the_writer(database_url: str) -> None:
    def bad(changes: Sequence[Change]) -> None:
        raise RuntimeError("listener")

    for in_loop in (True, False):
        store = Store(database_url, TABLES)
        store.create_tables()
        store.start(asyncio.get_running_loop() if in_loop else None)
        told: list[Change] = []
        store.on_commit(bad)
        store.on_commit(told.extend)
        for n in range(3):
            await store.write(adding(f"{in_loop}{n}"))
        assert [c.id for c in told] == [f"{in_loop}{n}" for n in range(3)]
        await asyncio.to_thread(store.close)


def test_a_write_after_the_loop_has_ended_is_still_committed_and_answered(database_url: str) -> None:
    loop = asyncio.new_event_loop()
    store = Store(database_url, TABLES)
    store.create_tables()
    store.start(loop)
    loop.close()
    store.write_now(lambda tx: tx.insert(Book(id="b")))
    assert store.read_now(lambda rd: rd.count(Book)) == 1
    store.close()


def test_closing_finishes_what_was_accepted_and_refuses_what_comes_later(database_url: str) -> None:
    store = Store(database_url, TABLES)
    store.create_tables()
    store.start()
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(store.write_now(lambda tx: tx.insert(Book(id=str(n))).id)))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    store.close()
    assert len(results) == 20
    with pytest.raises(DatabaseLost, match="stopping"):
        store.write_now(lambda tx: None)


def test_a_reader_sees_one_state_however_long_it_reads(database_url: str) -> None:
    """Two tables, two statements, a commit in between: what is seen belongs to one moment."""
    with opened(database_url) as store:
        store.write_now(lambda tx: (tx.insert(Shelf(id="s", name="0")), tx.insert(Book(id="b", pages=0))))

        def both(tx: Tx) -> None:
            book = tx.need(Book, "b")
            tx.update(replace(book, pages=(book.pages or 0) + 1))
            tx.update(Shelf(id="s", name=str((book.pages or 0) + 1)))

        def look(rd: Reader) -> tuple[Any, ...]:
            first = rd.need(Book, "b").pages
            store.write_now(both)
            store.cache.drop("books", "")
            store.cache.drop("shelves", "")
            return first, rd.need(Book, "b").pages, int(rd.need(Shelf, "s").name), rd.count(Shelf, name=str(first))

        for n in range(3):
            assert store.read_now(look) == (n, n, n, 1)


def test_a_slow_reader_brings_back_neither_deleted_nor_older_documents(database_url: str) -> None:
    with opened(database_url) as store:
        store.write_now(lambda tx: [tx.insert(Book(id=i, name="old")) for i in ("gone", "changed", "again")])

        def slowly(rd: Reader) -> list[str]:
            keys = rd.rows(sa.select(rd.sql(Book).c.id))  # the state is fixed
            assert len(keys) == 3

            def change(tx: Tx) -> None:
                tx.delete(Book, "gone")
                tx.update(Book(id="changed", name="new"))
                tx.delete(Book, "again")

            store.write_now(change)
            store.write_now(lambda tx: tx.insert(Book(id="again", name="new")))
            for _ in range(2):  # with and without the newer ones being remembered
                assert [b.name for b in rd.select(Book)] == ["old"] * 3
                assert store.cache.latest("books", "gone") is None
                for kept in (store.cache.latest("books", "changed"), store.cache.latest("books", "again")):
                    assert kept is None or kept[1].name == "new"
                store.cache.drop("books", "")
            return [b.id for b in rd.select(Book)]

        assert sorted(store.read_now(slowly)) == ["again", "changed", "gone"]
        assert store.cache.latest("books", "gone") is None


def test_a_transaction_that_is_undone_leaves_nothing_in_memory(database_url: str) -> None:
    with opened(database_url) as store:
        store.write_now(lambda tx: tx.insert(Book(id="b", name="true")))

        def undone(tx: Tx) -> None:
            tx.update(Book(id="b", name="false"))
            tx.insert(Book(id="c", name="false"))
            assert [b.name for b in tx.select(Book)] == ["false", "false"]
            raise refuse("CODE", "No.")

        for _ in range(2):
            with pytest.raises(Refused):
                store.write_now(undone)
            assert [b.name for b in store.read_now(lambda rd: rd.select(Book))] == ["true"]
            store.cache.drop("books", "")


def test_many_readers_and_a_writer_never_see_a_torn_or_stale_document(database_url: str) -> None:
    """Documents carry their own truth (name and pages agree); what `latest` says is never older than what was told."""
    wrong: list[str] = []
    with opened(database_url) as store:
        store.cache = DocumentCache(limit=8)  # so that forgetting happens all the time
        ids = [f"b{n}" for n in range(12)]
        store.write_now(lambda tx: [tx.insert(Book(id=i, name="0", pages=0)) for i in ids])
        told = dict.fromkeys(ids, 0)
        over = threading.Event()

        def write() -> None:
            chance = random.Random(1)
            for n in range(1, 150):
                id_ = chance.choice(ids)

                def change(tx: Tx, id_: str = id_, n: int = n) -> None:
                    if n % 7 == 0:
                        tx.delete(Book, id_)
                        tx.insert(Book(id=id_, name=str(n), pages=n))
                    else:
                        tx.update(Book(id=id_, name=str(n), pages=n))

                store.write_now(change)
                told[id_] = n
            over.set()

        def read(seed: int) -> None:
            chance = random.Random(seed)
            while not over.is_set():
                id_ = chance.choice(ids)
                known = told[id_]
                latest = store.cache.latest("books", id_)
                if latest is not None and latest[1].pages < known:
                    wrong.append(f"latest {id_}: {latest[1].pages} < {known}")
                known = told[id_]
                for book in store.read_now(reading(id_, chance.random() < 0.5)):
                    if book.name != str(book.pages) or (book.id == id_ and (book.pages or 0) < known):
                        wrong.append(f"{book} after {known}")

        threads = [threading.Thread(target=write), *(threading.Thread(target=read, args=(n,)) for n in range(3))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert not wrong, wrong[:5]


def test_counters_of_a_reader_are_those_of_the_state_it_sees(database_url: str) -> None:
    """A memo keyed by a reader's counter must not outlive the change that happened while it read."""
    with opened(database_url) as store:

        def look(rd: Reader) -> tuple[int, int]:
            found = rd.count(Book)
            store.write_now(lambda tx: tx.insert(Book(id="b")))
            return rd.counters["books"], found

        before = store.counters["books"]
        assert store.read_now(look) == (before, 0)
        assert store.counters["books"] == before + 1


# -- the database goes away ------------------------------------------------------------------------------------


def test_the_writer_survives_restarts_of_the_server_and_tells_who_waited(
    postgres_server: PostgresServer, postgresql_url: str
) -> None:
    with opened(postgresql_url) as store:
        store.write_now(lambda tx: tx.insert(Book(id="before")))
        postgres_server.stop()
        with pytest.raises(DatabaseLost):
            store.write_now(lambda tx: tx.insert(Book(id="meanwhile")))
        with pytest.raises(DatabaseLost):
            store.read_now(lambda rd: rd.count(Book))
        postgres_server.start()
        store.write_now(lambda tx: tx.insert(Book(id="after")))
        assert [b.id for b in store.read_now(lambda rd: rd.select(Book))] == ["after", "before"]


def test_a_restart_between_two_writes_is_noticed_by_nobody(
    postgres_server: PostgresServer, postgresql_url: str
) -> None:
    with opened(postgresql_url) as store:
        for n in range(3):
            store.write_now(adding(str(n)))
            assert store.read_now(lambda rd: rd.count(Book)) == n + 1
            postgres_server.stop(at_once=n == 1)
            postgres_server.start()
        assert store.read_now(lambda rd: rd.count(Book)) == 3
        store.write_now(adding("last"))


def test_a_connection_lost_in_the_middle_of_a_group_undoes_and_tells_all_of_it(
    postgres_server: PostgresServer, postgresql_url: str
) -> None:
    outcome: dict[str, Any] = {}
    with opened(postgresql_url) as store:
        hold = threading.Event()

        def ask(name: str, run: Any) -> threading.Thread:
            def work() -> None:
                try:
                    outcome[name] = store.write_now(run)
                except BaseException as err:
                    outcome[name] = err

            thread = threading.Thread(target=work)
            thread.start()
            return thread

        def killed(tx: Tx) -> None:
            pid = tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            postgres_server.sql(f"SELECT pg_terminate_backend({pid})")
            tx.insert(Book(id="killed"))

        def refused(tx: Tx) -> None:
            raise refuse("CODE", "No.")

        threads = [ask("hold", lambda tx: hold.wait(20))]
        while store._queue.qsize():
            time.sleep(0.01)
        for name, run in (("first", None), ("refused", refused), ("killed", killed), ("last", None)):
            size = store._queue.qsize()
            threads.append(ask(name, run or adding(name)))
            while store._queue.qsize() == size:
                time.sleep(0.01)
        hold.set()
        for thread in threads:
            thread.join(60)
        assert outcome["hold"] is True
        assert isinstance(outcome["refused"], Refused)
        for name in ("first", "killed", "last"):
            assert isinstance(outcome[name], DatabaseLost) and not outcome[name].unknown, name
        assert store.read_now(lambda rd: rd.count(Book)) == 0
        store.write_now(lambda tx: tx.insert(Book(id="next")))
        assert store.read_now(lambda rd: rd.count(Book)) == 1


def test_a_commit_that_fails_is_told_to_everybody_in_the_group(database_url: str) -> None:
    """A constraint that is checked only at the commit, as the last thing that can go wrong."""
    with opened(database_url) as store:
        with store.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE top (id INTEGER PRIMARY KEY)")
            connection.exec_driver_sql(
                "CREATE TABLE low (id INTEGER REFERENCES top (id) DEFERRABLE INITIALLY DEFERRED)"
            )

        def late(tx: Tx) -> None:
            tx.insert(Book(id="late"))
            tx.connection.exec_driver_sql("INSERT INTO low VALUES (1)")

        with pytest.raises(sa.exc.IntegrityError):
            store.write_now(late)
        assert store.read_now(lambda rd: rd.count(Book)) == 0
        assert store.cache.latest("books", "late") is None
        store.write_now(lambda tx: tx.insert(Book(id="fine")))


def test_a_full_or_locked_file_is_said_and_passes(sqlite_url: str) -> None:
    with opened(sqlite_url) as store:

        def fill(tx: Tx) -> None:
            pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar()
            tx.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            tx.insert(Book(id="big", text="x" * 10_000_000))

        with pytest.raises(DatabaseLost, match="full"):
            store.write_now(fill)
        store.engine.dispose()  # the limit belonged to the connection
        assert store.read_now(lambda rd: rd.count(Book)) == 0
        store.write_now(lambda tx: tx.insert(Book(id="small")))


def test_the_clients_statements_are_prepared_once(database_url: str) -> None:
    """Repeating an operation compiles no SQL again."""
    compiled: list[str] = []
    with opened(database_url) as store:

        def work(n: int) -> None:
            store.write_now(lambda tx: (tx.insert(Book(id=str(n))), tx.update(Book(id=str(n), name="x"))))
            store.write_now(lambda tx: tx.insert(Page(book_id=str(n))))
            store.cache.drop("books", "")
            store.read_now(lambda rd: (rd.get(Book, str(n)), rd.find(Book, pages=n), rd.get_many(Book, ["1", str(n)])))

        work(1)
        work(2)
        cache: Any = store.engine._compiled_cache
        before = len(cache)
        original = store.engine.dialect.statement_compiler

        class Counting(original):  # type: ignore[misc, valid-type]
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                compiled.append(str(args[1]))
                super().__init__(*args, **kwargs)

        store.engine.dialect.statement_compiler = Counting
        for n in range(3, 8):
            work(n)
        assert compiled == [] and len(cache) == before
