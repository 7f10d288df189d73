"""The rack that tests of the agent share: two hosts, one a test process."""

from collections.abc import Iterator

import pytest

from tests.agent.rack import Lab, rack_of


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Two hosts with agents; skips with the reason where there can be none."""
    yield from rack_of(2)()
