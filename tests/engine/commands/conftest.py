"""A store of each kind for the tests of commands."""

from collections.abc import AsyncIterator

import pytest

from ovis.engine.store.store import Store
from tests.engine.commands.samples import opened


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with opened(database_url) as made:
        yield made
