"""One furnished installation for all tests of this folder that walk the API; they leave it as they found it."""

from collections.abc import Iterator

import pytest

from tests.engine.resources.lab import furnished
from tests.engine.resources.walk import Walker
from tests.installation import Installation


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Engine, two simulated hosts, storage, and one of everything."""
    with furnished(tmp_path_factory.mktemp("lab")) as place:
        yield place


@pytest.fixture(scope="session")
def walker(lab: Installation) -> Iterator[Walker]:
    """The administrator, in all four forms."""
    made = Walker(lab)
    yield made
    made.close()
