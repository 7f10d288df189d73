"""One engine with simulated hosts for all tests of the SDK, and a session with it."""

from collections.abc import Iterator

import pytest

from ovirtsdk.api import API
from tests.faults.kill import QUICK
from tests.installation import Installation, installation


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("sdk"), hosts=2, storage=True, **QUICK) as found:
        yield found


def session(place: Installation, **how: object) -> API:
    """A session as the administrator."""
    given = {"username": "admin@internal", "password": place.password, "ca_file": str(place.ca), **how}
    return API(url=f"https://127.0.0.1:{place.port}/api", **given)  # type: ignore[arg-type]


@pytest.fixture
def api(place: Installation) -> Iterator[API]:
    with session(place) as found:
        yield found
