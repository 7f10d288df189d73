"""A burst of starts on PostgreSQL; on SQLite it is one of the tests of rounds, whose installation it shares."""

from pathlib import Path

import pytest

from tests.engine.resources.balancing.burst import exactly_those_that_fit_run
from tests.installation import installation


@pytest.mark.long
def test_of_200_starts_at_once_exactly_those_that_fit_run(tmp_path: Path, postgresql_url: str) -> None:
    with installation(tmp_path / "engine", hosts=3, db=postgresql_url) as place, place.client() as client:
        exactly_those_that_fit_run(place, client)
