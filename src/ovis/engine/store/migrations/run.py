"""Bring a database to the schema that this engine expects, or refuse it.

Does: make an empty database from the declarations; run Alembic's revisions on an older one, all or none; make tables
that are new. Alembic is imported only when there is something to run: that costs a second.
Does not: go back. A database that a newer engine has changed is refused.
"""

from pathlib import Path

import sqlalchemy as sa

from ovis.engine.store.database import DatabaseUnfit, for_writing

_REVISIONS = Path(__file__).parent / "versions"
_VERSION = sa.table("alembic_version", sa.column("version_num", sa.String(32)))


def known_revisions(folder: Path = _REVISIONS) -> list[str]:
    """Revisions in order: their files begin with their number (`0001_first.py`)."""
    return sorted(file.name.split("_")[0] for file in folder.glob("[0-9]*_*.py"))


def revision_of(engine: sa.Engine) -> str | None:
    """The revision that a database has, or None if it is empty."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(sa.select(_VERSION.c.version_num)).scalar()
        return found


def require_current(engine: sa.Engine, folder: Path = _REVISIONS) -> None:
    """DatabaseUnfit unless the database has exactly the schema of this engine."""
    found, known = revision_of(engine), known_revisions(folder)
    _refuse_newer(found, known)
    if found != known[-1]:
        raise DatabaseUnfit("The database is older than this engine or empty: run `ovis-engine setup` first.")


def upgrade(engine: sa.Engine, metadata: sa.MetaData, folder: Path = _REVISIONS) -> None:
    """Everything that the database lacks, in one transaction. DatabaseUnfit if it is newer than this engine."""
    found, known = revision_of(engine), known_revisions(folder)
    _refuse_newer(found, known)
    if engine.dialect.name == "postgresql":
        _require_collation(engine)
    with for_writing(engine).connect() as connection:
        if engine.dialect.name == "sqlite":
            # Changing a table there means replacing it, which must not take along what refers to it. Only outside a
            # transaction does the switch work; the connection is thrown away afterwards.
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if found is None:
                    _make(connection, metadata, known[-1])
                else:
                    if found != known[-1]:
                        _run(connection, metadata, folder)
                    metadata.create_all(connection)
                _require_sound(connection)
        finally:
            connection.invalidate()


def _refuse_newer(found: str | None, known: list[str]) -> None:
    if found is not None and found not in known:
        raise DatabaseUnfit(
            f"The database has revision {found}, made by a newer engine; this one knows {known[-1]}. "
            "Start the newer engine, or restore a backup from before the upgrade."
        )


def _make(connection: sa.Connection, metadata: sa.MetaData, revision: str) -> None:
    metadata.create_all(connection)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.execute(sa.insert(_VERSION).values(version_num=revision))


def _run(connection: sa.Connection, metadata: sa.MetaData, folder: Path) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("version_locations", str(folder))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    command.upgrade(config, "head")


def _require_sound(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise DatabaseUnfit(f"Rows would refer to nothing after the upgrade: {sorted({row[0] for row in broken})}.")


def _require_collation(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        if not connection.exec_driver_sql("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'").scalar():
            raise DatabaseUnfit("This PostgreSQL was built without ICU; names could not be compared ignoring case.")
