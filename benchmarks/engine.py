"""An engine's start and size: to the first answer, and in memory with 100 VMs. Goals: 2 s, 200 MB.

Floor of the start: the same Python importing the libraries that the engine stands on, and nothing else.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.lists import fill
from tests.installation import Installation, free_port

_ROUNDS = 5
_LIBRARIES = "import sqlalchemy, msgspec, structlog, uvicorn, uvloop, httptools, cryptography.x509, argon2"


def _resident(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def main() -> None:
    """Measure and print."""
    starts, floors, sizes = [], [], []
    with tempfile.TemporaryDirectory() as name:
        made = Installation(Path(name), port=free_port())
        made.set_up()
        fill(made.folder, 100)
        for _ in range(_ROUNDS):
            begun = time.monotonic()
            subprocess.run([sys.executable, "-c", _LIBRARIES], check=True)
            floors.append(time.monotonic() - begun)
            begun = time.monotonic()
            made.start_engine()
            starts.append(time.monotonic() - begun)
            assert made.engine is not None
            try:
                with made.client(fmt="xml") as client:
                    for path in ("/vms", "/hosts", "/events", "/clusters"):
                        assert client.get(path).status_code == 200
                sizes.append(_resident(made.engine.pid))
            finally:
                made.stop_engine()
    start, floor = statistics.median(starts), statistics.median(floors)
    print(
        f"start to first answer {start:.2f} s, {start / floor:.2f}x of importing its libraries ({floor:.2f} s) (goal 2 s); "
        f"resident with 100 VMs {statistics.median(sizes) / 1e6:.0f} MB (goal 200 MB)"
    )


if __name__ == "__main__":
    main()
