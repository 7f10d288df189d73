"""The engine dies at random moments of a workload and leaves nothing half done (more of it: python -m tests.faults.kill)."""

from pathlib import Path

import pytest

from tests.faults.kill import QUICK, Report, cut
from tests.faults.workload import furnish
from tests.installation import installation

CUTS = 2


def _cuts(folder: Path, db: str) -> None:
    report = Report()
    with installation(folder, hosts=3, storage=True, db=db, **QUICK) as place:
        furnish(place)
        cut(place, CUTS, 11, report)
    assert report.wrong == [], report.text()
    assert sum(report.counts.values()) > 0


def test_power_cuts_of_the_engine_leave_nothing_half_done(tmp_path: Path) -> None:
    _cuts(tmp_path, "")


@pytest.mark.long
def test_nor_on_postgresql(tmp_path: Path, postgresql_url: str) -> None:
    _cuts(tmp_path, postgresql_url)
