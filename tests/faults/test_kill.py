"""The engine dies at random moments of a workload and leaves nothing half done (more of it: python -m tests.faults.kill)."""

from pathlib import Path

from tests.faults.kill import QUICK, Report, cut
from tests.faults.workload import furnish
from tests.installation import installation

CUTS = 2


def test_power_cuts_of_the_engine_leave_nothing_half_done(tmp_path: Path, database_url: str) -> None:
    report = Report()
    with installation(tmp_path, hosts=3, storage=True, db=database_url, **QUICK) as place:
        furnish(place)
        cut(place, CUTS, 11, report)
    assert report.wrong == [], report.text()
    assert sum(report.counts.values()) > 0
