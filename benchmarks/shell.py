"""What starting the shell costs: CPU of `ovis-shell --help` and of one command without an engine, beside a bare interpreter."""

import sys

from benchmarks.sdk import compiled, cpu_of
from tests.installation import program


def main() -> None:
    """Measure and print."""
    compiled()
    bare = cpu_of(sys.executable, "-c", "pass")
    for words in (["--help"], ["-E", "echo hello"], ["-E", "help"]):
        spent = cpu_of(program("ovis-shell"), *words)
        print(
            f"ovis-shell {' '.join(words):14} {spent * 1e3:4.0f} ms CPU, {spent / bare:.1f}x bare python (goal 60 ms)"
        )


if __name__ == "__main__":
    main()
