"""Fixtures of all tests: a database of each kind.

`database_url` runs a test once on SQLite and once on PostgreSQL, each time on an empty database. Where PostgreSQL is
missing its half is skipped and says why; OVIS_TEST_DATABASES=sqlite leaves it out.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import KINDS, Missing, PostgresServer, wanted_kinds

# Files that take minutes for few tests. They come first, or the end of the whole run waits for one of them.
_LONG = (
    "tests/test_real_",
    "_in_rack.py",
    "tests/faults/",
    "/vms/snapshots/",
    "tests/scheduler_plugins/",
    "tests/cli/test_local",
    "tests/sdk_java/",
    "/vm_pools/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files before the others; what is marked long only when asked."""
    if not os.environ.get("OVIS_TEST_LONG"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: OVIS_TEST_LONG=1 runs it"))
    items.sort(key=lambda item: not any(part in item.nodeid for part in _LONG))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this test process."""
    if "postgresql" not in wanted_kinds():
        pytest.skip("OVIS_TEST_DATABASES leaves PostgreSQL out")
    try:
        server = PostgresServer()
    except Missing as err:
        pytest.skip(str(err))
    try:
        server.start()
        yield server
    except Missing as err:
        pytest.skip(str(err))
    finally:
        server.discard()


@pytest.fixture
def postgresql_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    name = postgres_server.create()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite database that does not exist yet."""
    if "sqlite" not in wanted_kinds():
        pytest.skip("OVIS_TEST_DATABASES leaves SQLite out")
    return f"sqlite:///{tmp_path}/engine.db"


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
