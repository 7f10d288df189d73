"""OpenStack Nova beside us: an environment of its own for it, and what its scheduler takes there.

Does: make the environment at the first time (from the registry that pip or uv is set up for), keep it in the user's cache, run peers/nova_scheduler.py
in it. Does not: touch our own environment. Nova is Apache-2.0, as we are.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

VERSION = "34.0.0"
SCRIPT = Path(__file__).parent / "peers/nova_scheduler.py"
_SECONDS = 900


class NoNova(Exception):
    """It cannot be had here; says why."""


def _python() -> Path:
    """The interpreter that has Nova."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / f"ovis/bench-nova-{VERSION}"
    python = folder / "bin/python"
    if (folder / "ready").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    uv = Path(sys.executable).with_name("uv")
    commands: list[list[str | Path]]
    if uv.exists():
        commands = [[uv, "venv", "-q", folder], [uv, "pip", "install", "-q", "--python", python, f"nova=={VERSION}"]]
    else:
        commands = [[sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "-q", f"nova=={VERSION}"]]
    for command in commands:
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)
        except (OSError, subprocess.SubprocessError) as err:
            told = str(getattr(err, "stderr", "") or err).strip().splitlines()
            raise NoNova(told[-1] if told else type(err).__name__) from err
    (folder / "ready").touch()
    return python


def seconds(sizes: Sequence[int], rounds: int) -> dict[int, float]:
    """Median seconds of one decision of Nova's at each size; NoNova if it cannot be had."""
    asked = json.dumps({"sizes": list(sizes), "rounds": rounds, "seed": 1})
    try:
        ran = subprocess.run(
            [_python(), "-W", "ignore", str(SCRIPT)],
            input=asked,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as err:
        raise NoNova((err.stderr or str(err)).strip().splitlines()[-1]) from err
    return {int(size): float(each) for size, each in json.loads(ran.stdout)["times"].items()}
