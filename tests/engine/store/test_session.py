"""Documents in and out of both databases: identity, references, uniqueness, numbers, odd texts."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings, strategies as st
from msgspec.structs import replace

from ovis.engine.declare.faults import InvalidValue, NotFound
from ovis.engine.store.session import Change, Reader, Tx
from ovis.engine.store.store import Store
from tests.engine.store.samples import Book, Page, Shelf, opened


def test_a_document_comes_back_as_it_was_with_every_kind_of_column(database_url: str) -> None:
    book = Book(id="b", name="Ärger & Söhne", pages=1 << 40, text="…", bought=datetime(2026, 1, 2, 3, 4, 5, 6000, UTC))
    with opened(database_url) as store:
        store.write_now(lambda tx: tx.insert(book))
        store.cache.drop("books", "")  # from the database, not from memory
        assert store.read_now(lambda rd: rd.get(Book, "b")) == book
        assert store.read_now(lambda rd: rd.find(Book, name_key="ärger & söhne", pages=1 << 40)) == [book]
        assert store.read_now(lambda rd: rd.find(Book, bought=1767323045006)) == [book]
        assert store.read_now(lambda rd: rd.count(Book, pages=None)) == 0


@pytest.mark.parametrize(
    "text",
    [
        'it\'s "quoted" \\ back',
        "100%_sure*",
        "emoji 🐑🧑‍💻 and ẞ, İ, ǅ",
        "line\nbreak\ttab\x01\x7f\u2028",
        "x" * 300_000,
        "); DROP TABLE books; --",
        "",
    ],
)
def test_texts_survive_whatever_is_in_them(database_url: str, text: str) -> None:
    with opened(database_url) as store:
        store.write_now(lambda tx: tx.insert(Book(id="b", text=text, name=text[:400])))
        store.cache.drop("books", "")
        assert store.read_now(lambda rd: rd.find(Book, text=text, name=text[:400])) == [
            Book(id="b", text=text, name=text[:400])
        ]


@pytest.mark.parametrize(
    ("book", "why"),
    [
        (Book(id="b", text="a\0b"), "text contains a character"),
        (Book(id="b", name="\0"), "name contains a character"),
        (Book(id="b", text="\ud800"), "text contains a character"),
        (Book(id="b", pages=1 << 63), "pages is out of range"),
        (Book(id="b", pages=-(1 << 63) - 1), "pages is out of range"),
        (Book(id="b", name="n" * 2001), "name is too long"),
        (Book(id="b", name="🐑" * 501), "name is too long"),
    ],
)
def test_what_a_database_cannot_hold_is_refused_the_same_by_both(database_url: str, book: Book, why: str) -> None:
    with opened(database_url) as store:
        with pytest.raises(InvalidValue, match=why):
            store.write_now(lambda tx: tx.insert(book))
        assert store.read_now(lambda rd: rd.count(Book)) == 0
        store.write_now(lambda tx: tx.insert(Book(id="b")))
        with pytest.raises(InvalidValue, match=why):
            store.write_now(lambda tx: tx.update(book))
        assert store.read_now(lambda rd: rd.get(Book, "b")) == Book(id="b")


def test_an_id_that_is_too_long_for_its_column_is_refused_or_not_found_but_never_an_internal_error(
    database_url: str,
) -> None:
    with opened(database_url) as store:
        assert store.read_now(lambda rd: rd.get(Book, "x" * 10_000)) is None
        if store.engine.dialect.name == "postgresql":
            with pytest.raises(InvalidValue):
                store.write_now(lambda tx: tx.insert(Book(id="x" * 300)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(id_=st.text() | st.sampled_from(["²", "1_0", " 1", "-1", "1" * 40, "\0", "\ud800"]), numbers=st.integers())
def test_no_id_or_value_that_a_client_may_ask_for_breaks_a_query(store: Store, id_: str, numbers: int) -> None:
    def ask(rd: Reader) -> Any:
        return (
            rd.get(Book, id_),
            rd.get(Page, id_),
            rd.get_many(Page, [id_, "1"]),
            rd.find(Book, name=id_),
            rd.one(Book, name_key=[id_, "other"]),
            rd.count(Book, pages=numbers),
            rd.find(Book, pages=[numbers, 2]),
        )

    assert store.read_now(ask) == (None, None, {}, [], None, 0, [])


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Any:
    """One open store for a property's many examples."""
    with opened(request.getfixturevalue(f"{request.param}_url")) as made:
        yield made


def test_an_update_counts_the_version_up_and_one_of_nothing_is_not_found(database_url: str) -> None:
    with opened(database_url) as store:

        def change(tx: Tx) -> None:
            tx.insert(Book(id="b"))
            tx.update(Book(id="b", name="x"))
            assert tx.need(Book, "b").name == "x"  # a transaction sees its own writes
            tx.put(replace(tx.need(Book, "b"), name="y"))

        store.write_now(change)
        ((_, version, book),) = store.read_now(lambda rd: rd.select_rows(Book))
        assert book.name == "y"
        store.write_now(lambda tx: tx.put(Book(id="b")))
        ((_, later, _),) = store.read_now(lambda rd: rd.select_rows(Book))
        assert later == version + 1
        with pytest.raises(NotFound):
            store.write_now(lambda tx: tx.update(Book(id="none")))
        with pytest.raises(NotFound):
            store.write_now(lambda tx: tx.delete(Book, "none"))


def test_an_id_that_is_used_again_never_repeats_a_version_even_if_the_clock_goes_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    with opened(database_url) as store:
        for back in (0, 3_600_000_000_000, 0):
            now = 1_800_000_000_000_000_000 - back
            monkeypatch.setattr("ovis.engine.store.session.time.time_ns", lambda now=now: now)
            store.write_now(lambda tx: tx.insert(Book(id="b")))
            for _ in range(3):
                seen.append(store.read_now(lambda rd: rd.select_rows(Book)[0][1]))
                store.write_now(lambda tx: tx.update(tx.need(Book, "b")))
            store.write_now(lambda tx: tx.delete(Book, "b"))
    assert len(set(seen)) == len(seen)


def test_references_hold(database_url: str) -> None:
    with opened(database_url) as store:
        with pytest.raises(sa.exc.IntegrityError):
            store.write_now(lambda tx: tx.insert(Book(id="b", shelf_id="none")))
        store.write_now(lambda tx: (tx.insert(Shelf(id="s")), tx.insert(Book(id="b", shelf_id="s"))))
        with pytest.raises(sa.exc.IntegrityError):
            store.write_now(lambda tx: tx.delete(Shelf, "s"))
        assert store.read_now(lambda rd: (rd.count(Shelf), rd.count(Book))) == (1, 1)


def test_unique_names_ignore_case_and_are_checked_by_the_statement_itself(database_url: str) -> None:
    after = []

    def twice(tx: Tx) -> None:
        tx.insert(Shelf(id="2", name="ÄB"))
        after.append("reached")

    with opened(database_url) as store:
        store.write_now(lambda tx: tx.insert(Shelf(id="1", name="äb")))
        with pytest.raises(sa.exc.IntegrityError):
            store.write_now(twice)
        assert after == []
        assert store.read_now(lambda rd: rd.count(Shelf)) == 1


def test_rows_that_go_with_a_row_are_gone_from_table_memory_and_news(database_url: str) -> None:
    told: list[Change] = []
    with opened(database_url) as store:

        def fill(tx: Tx) -> list[str]:
            tx.insert(Book(id="a"))
            tx.insert(Book(id="b"))
            return [str(tx.insert(Page(book_id=book, text=book)).id) for book in ("a", "b", "a")]

        pages = store.write_now(fill)
        assert store.cache.latest("pages", pages[0]) is not None
        store.on_commit(told.extend)
        before = dict(store.counters)
        store.write_now(lambda tx: tx.delete(Book, "a"))
        assert [(c.table, c.id, c.operation) for c in told] == [
            ("pages", pages[0], "delete"),
            ("pages", pages[2], "delete"),
            ("books", "a", "delete"),
        ]
        assert store.cache.latest("pages", pages[0]) is None and store.cache.latest("books", "a") is None
        assert store.counters["pages"] == before["pages"] + 2
        assert list(store.read_now(lambda rd: rd.get_many(Page, pages))) == [pages[1]]
        store.write_now(lambda tx: tx.delete_where(Book, tx.sql(Book).c.name_key == ""))
        assert store.read_now(lambda rd: (rd.count(Book), rd.count(Page))) == (0, 0)
        assert store.cache.latest("pages", pages[1]) is None


def test_numbers_of_serial_rows_grow_and_are_never_used_again(database_url: str) -> None:
    with opened(database_url) as store:
        store.write_now(lambda tx: tx.insert(Book(id="b")))
        first = store.write_now(lambda tx: [tx.insert(Page(book_id="b")) for _ in range(3)])
        numbers = [int(p.id or 0) for p in first]
        assert numbers == sorted(set(numbers))
        store.write_now(lambda tx: tx.delete_where(Page, sa.true()))
        again = store.write_now(lambda tx: tx.insert(Page(book_id="b", text="later")))
        assert int(again.id or 0) > numbers[-1]
        store.cache.drop("pages", "")
        assert store.read_now(lambda rd: rd.need(Page, again.id)) == again
        # A row that was taken out may come back under its number.
        store.write_now(lambda tx: tx.insert(first[1]))
        assert store.read_now(lambda rd: [p.id for p in rd.select(Page)]) == [first[1].id, again.id]


def test_sets_may_have_any_size(database_url: str) -> None:
    many = 70_000  # more than either database takes as parameters
    with opened(database_url) as store:
        store.write_now(lambda tx: [tx.insert(Book(id=f"{n:05}", pages=n)) for n in range(1200)])
        store.cache.drop("books", "")
        ids = [f"{n:05}" for n in range(many)]
        assert len(store.read_now(lambda rd: rd.get_many(Book, ids))) == 1200
        assert len(store.read_now(lambda rd: rd.find(Book, id=ids))) == 1200
        assert len(store.read_now(lambda rd: rd.find(Book, pages=set(range(600, many))))) == 600
        assert store.read_now(lambda rd: rd.find(Book, id=[])) == []
        assert store.read_now(lambda rd: rd.get_many(Book, [])) == {}


def test_pages_of_a_selection_follow_its_order(database_url: str) -> None:
    with opened(database_url) as store:
        store.write_now(lambda tx: [tx.insert(Book(id=str(n), name="bB"[n % 2] + str(n % 5))) for n in range(10)])
        everything = store.read_now(lambda rd: rd.select(Book))
        assert [b.name.lower() for b in everything] == sorted(b.name.lower() for b in everything)

        def parts(rd: Reader) -> list[Book]:
            return [book for at in (0, 3, 6, 9) for book in rd.select(Book, limit=3, offset=at)]

        assert store.read_now(parts) == everything


def test_writers_of_other_processes_wait_instead_of_failing(database_url: str) -> None:
    """Two stores are two processes to the database: each reads, then writes what follows from it."""
    with opened(database_url) as one, opened(database_url) as other:
        one.write_now(lambda tx: tx.insert(Book(id="b", pages=0)))

        def add(tx: Tx) -> None:
            book = tx.need(Book, "b")
            tx.update(replace(book, pages=(book.pages or 0) + 1))

        def work(store: Store) -> None:
            for _ in range(25):
                store.write_now(add)

        threads = [threading.Thread(target=work, args=(store,)) for store in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert one.read_now(lambda rd: rd.need(Book, "b").pages) == 50
