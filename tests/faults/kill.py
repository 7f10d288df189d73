"""Power cuts of the engine at random moments: `python -m tests.faults.kill --times 50`.

Does: a workload, SIGKILL, restart, wait for rest, check all invariants; again. Prints what it found.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.invariants import violations
from tests.faults.workload import Workload, furnish
from tests.installation import Installation, installation

QUICK = {"host_grace_seconds": "2", "host_stats_seconds": "1", "vm_stats_seconds": "1", "vds_refresh_seconds": "0.5"}


@dataclass
class Report:
    """Of some cuts: seconds until the engine answered and until all was at rest, and what was wrong."""

    answered: list[float] = field(default_factory=list)
    rested: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def text(self) -> str:
        """For people."""
        cuts = len(self.answered)
        lines = [f"{cuts} power cuts, {sum(self.counts.values())} operations"]
        if cuts:
            lines.append(
                f"first answer after {max(self.answered):.1f} s at most, "
                f"at rest after {max(self.rested):.1f} s at most ({sum(self.rested) / cuts:.1f} s on average)"
            )
        lines += [f"  {count:5} {what}" for what, count in sorted(self.counts.items())]
        lines += [f"WRONG: {what}" for what in self.wrong] or ["nothing was wrong"]
        return "\n".join(lines)


def cut(place: Installation, times: int, seed: int, report: Report, *, patience: float = 30.0) -> None:
    """Kill and restart the engine `times` times under load."""
    rng = random.Random(seed)
    for number in range(times):
        work = Workload(place, seed * 1000 + number)
        time.sleep(rng.uniform(0.3, 2.5))
        place.kill_engine()
        work.stop()
        begun = time.monotonic()
        place.start_engine()
        report.answered.append(time.monotonic() - begun)
        wrong = violations(place, patience=patience)
        report.rested.append(time.monotonic() - begun)
        report.counts += work.counts
        report.wrong += [f"cut {number + 1}: {what}" for what in wrong + work.faults]
        if wrong:
            return


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--db", default="", help="database URL; SQLite by default")
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ovis-kill-"))
    report = Report()
    with installation(folder, hosts=args.hosts, storage=True, db=args.db, **QUICK) as place:
        furnish(place)
        cut(place, args.times, args.seed, report)
    print(report.text())
    if args.keep or report.wrong:
        print(f"everything lies in {folder}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
