"""Schemas: from empty, from older, never half, never from newer."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec import Struct

from ovis.engine.store.database import DatabaseUnfit, open_database
from ovis.engine.store.migrations.run import known_revisions, require_current, revision_of, upgrade
from ovis.engine.store.store import Store
from ovis.engine.store.tables import Column, Table

FIRST = 'revision = "0001"\ndown_revision = None\n\n\ndef upgrade():\n    pass\n'
SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    with op.batch_alter_table("parents") as batch:
        batch.add_column(sa.Column("colour", sa.Text(), server_default="red"))
        batch.drop_column("size")
        batch.create_unique_constraint("uq_parents_name", ["name"])
"""
THIRD = """
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.add_column("parents", sa.Column("weight", sa.Integer()))
    op.execute("INSERT INTO parents (id, version, doc, name) VALUES ('p9', 1, '{}', 'nine')")
    op.execute("SELECT nothing FROM nowhere")
"""


class Parent(Struct, kw_only=True, frozen=True):
    id: str
    name: str
    size: int = 0


class Child(Struct, kw_only=True, frozen=True):
    id: str
    parent_id: str


PARENTS = Table(
    name="parents", type=Parent, columns=(Column(name="name"), Column(name="size", kind="int", index=False))
)
CHILDREN = Table(
    name="children",
    type=Child,
    columns=(Column(name="parent_id", references="parents", on_delete="cascade"),),
)


def revisions(folder: Path, *texts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for n, text in enumerate(texts, 1):
        (folder / f"{n:04}_test.py").write_text(text)
    return folder


def opened(url: str, tables: Sequence[Table] = (PARENTS, CHILDREN)) -> Store:
    return Store(url, tables)


def seeded(url: str, folder: Path) -> None:
    store = opened(url)
    upgrade(store.engine, store.schema.metadata, folder)
    store.start()

    def seed(tx: object) -> None:
        tx.insert(Parent(id="p1", name="one"))  # type: ignore[attr-defined]
        tx.insert(Child(id="c1", parent_id="p1"))  # type: ignore[attr-defined]

    store.write_now(seed)
    store.close()


def columns(engine: sa.Engine, table: str) -> set[str]:
    return {c["name"] for c in sa.inspect(engine).get_columns(table)}


def count(engine: sa.Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def test_an_empty_database_gets_every_table_and_the_newest_revision(database_url: str) -> None:
    store = opened(database_url)
    assert revision_of(store.engine) is None
    with pytest.raises(DatabaseUnfit, match="setup"):
        require_current(store.engine)
    upgrade(store.engine, store.schema.metadata)
    upgrade(store.engine, store.schema.metadata)  # again changes nothing
    assert revision_of(store.engine) == known_revisions()[-1]
    require_current(store.engine)
    assert {"parents", "children"} <= set(sa.inspect(store.engine).get_table_names())
    store.close()


def test_an_older_database_is_changed_and_keeps_its_rows_and_those_that_refer_to_them(
    database_url: str, tmp_path: Path
) -> None:
    folder = revisions(tmp_path / "versions", FIRST)
    seeded(database_url, folder)
    revisions(folder, FIRST, SECOND)
    engine = open_database(database_url)
    upgrade(engine, sa.MetaData(), folder)
    assert revision_of(engine) == "0002"
    assert columns(engine, "parents") == {"id", "version", "doc", "name", "colour"}
    assert (count(engine, "parents"), count(engine, "children")) == (1, 1)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT colour FROM parents").scalar() == "red"
    # Foreign keys hold again on the connections that follow.
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO children (id, version, doc, parent_id) VALUES ('x', 1, '', 'none')")
    engine.dispose()


def test_a_failing_revision_leaves_schema_rows_and_revision_as_they_were(database_url: str, tmp_path: Path) -> None:
    folder = revisions(tmp_path / "versions", FIRST)
    seeded(database_url, folder)
    revisions(folder, FIRST, SECOND, THIRD)
    engine = open_database(database_url)
    with pytest.raises(sa.exc.DBAPIError):
        upgrade(engine, sa.MetaData(), folder)
    assert revision_of(engine) == "0001"
    assert columns(engine, "parents") == {"id", "version", "doc", "name", "size"}
    assert (count(engine, "parents"), count(engine, "children")) == (1, 1)
    engine.dispose()


def test_a_database_of_a_newer_engine_is_refused_and_untouched(database_url: str, tmp_path: Path) -> None:
    newer = revisions(tmp_path / "newer", FIRST, SECOND)
    seeded(database_url, revisions(tmp_path / "older", FIRST))
    engine = open_database(database_url)
    upgrade(engine, sa.MetaData(), newer)
    with pytest.raises(DatabaseUnfit, match=r"revision 0002.*newer engine.*knows 0001"):
        upgrade(engine, sa.MetaData(), tmp_path / "older")
    with pytest.raises(DatabaseUnfit, match=r"revision 0002.*newer engine.*knows 0001"):
        require_current(engine, tmp_path / "older")
    assert revision_of(engine) == "0002"
    engine.dispose()


def test_a_table_that_is_new_in_the_declarations_needs_no_revision(database_url: str) -> None:
    store = opened(database_url, (PARENTS,))
    upgrade(store.engine, store.schema.metadata)
    store.close()
    store = opened(database_url)
    upgrade(store.engine, store.schema.metadata)
    assert "children" in sa.inspect(store.engine).get_table_names()
    store.close()


def test_other_kinds_of_databases_are_refused_with_what_would_do() -> None:
    with pytest.raises(DatabaseUnfit, match=r"sqlite:///PATH or postgresql"):
        open_database("oracle://x/y")
