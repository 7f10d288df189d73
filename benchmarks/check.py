"""check_ovis beside a bare interpreter: wall time of a whole check, by turns, with a session kept between calls and without.

Does: one engine without hosts; the check reads its data centers. Goal: at most 8 times `python -c pass`.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.sdk import compiled
from tests.installation import Installation, free_port, program

_REPEATS = 11


def _wall(words: list[str], env: dict[str, str]) -> float:
    begun = time.perf_counter()
    done = subprocess.run(words, env=env, capture_output=True, text=True)
    spent = time.perf_counter() - begun
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return spent


def main() -> None:
    """Measure and print."""
    compiled()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = Installation(folder / "engine", port=free_port())
        made.folder.mkdir()
        made.set_up()
        made.start_engine()
        try:
            auth = folder / "auth"
            auth.write_text(f"username=admin@internal\npassword={made.password}\n")
            env = {**os.environ, "XDG_RUNTIME_DIR": name}
            where = ["-H", "127.0.0.1", "-p", str(made.port), "-f", str(auth), "--ca-file", made.ca]
            check = [program("check_ovis"), *where, "-D", "*"]
            rows: dict[str, list[float]] = {"bare": [], "check": [], "session": []}
            for _ in range(_REPEATS):
                rows["bare"].append(_wall([sys.executable, "-c", "pass"], env))
                rows["check"].append(_wall(check, env))
                rows["session"].append(_wall([*check, "-o"], env))
        finally:
            made.stop_engine()
    bare = median(rows["bare"])
    for kind, words in (("session", "with a session kept (-o)"), ("check", "signing in each time")):
        spent = median(rows[kind])
        print(
            f"check_ovis {words}: {spent * 1e3:.0f} ms, {spent / bare:.1f}x a bare interpreter's {bare * 1e3:.0f} ms (goal 8x)"
        )


if __name__ == "__main__":
    main()
