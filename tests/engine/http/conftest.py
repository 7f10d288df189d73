"""The lab, fresh for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.http.lab import Lab, lab


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Lab]:
    async with lab(tmp_path) as found:
        yield found
