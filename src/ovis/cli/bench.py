"""`ovis bench`: the modules of benchmarks/ that have a `main()`, one after another; each prints its ratios.

Does: find and run them, each in a process of its own, so that none warms another's caches; options behind the name of one are its own:
`ovis bench scheduling --trace FILE`. Does not: judge figures.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ovis.cli.faults import BadUsage


def names(root: Path) -> list[str]:
    """Benchmarks of the checkout."""
    files = sorted((root / "benchmarks").glob("[a-z]*.py"))
    return [file.stem for file in files if "\ndef main(" in file.read_text(encoding="utf-8")]


def bench(root: Path, wanted: Sequence[str]) -> int:
    """Run those named, or all; 1 if one failed. wanted: names, then options for the one that is named."""
    known = names(root)
    first = next((i for i, word in enumerate(wanted) if word.startswith("-")), len(wanted))
    wanted, options = wanted[:first], [_absolute(word) for word in wanted[first:]]
    if options and len(wanted) != 1:
        raise BadUsage("Options go to one benchmark: name it before them.")
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise BadUsage(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(known)}.")
    failed = []
    environment = {**os.environ, "PYTHONPATH": str(root)}
    for name in wanted or known:
        print(f"== {name}", flush=True)
        begun = time.monotonic()
        argv = [sys.executable, "-m", f"benchmarks.{name}", *options]
        if subprocess.call(argv, cwd=root, stdin=subprocess.DEVNULL, env=environment):
            failed.append(name)
        print(f"== {name}: {'failed' if name in failed else 'done'}, {time.monotonic() - begun:.0f} s", flush=True)
    return 1 if failed else 0


def _absolute(word: str) -> str:
    """Benchmarks run in the checkout: a file's name means the same there."""
    return str(Path(word).resolve()) if not word.startswith("-") and Path(word).exists() else word
