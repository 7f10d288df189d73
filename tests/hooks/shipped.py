"""The hooks of `hooks/`, installed as administrators do, and run by the agent's own runner."""

import subprocess
from pathlib import Path

import pytest

from ovis.agent.hooks.runner import Hooks
from tests.agent.hooks.scripts import PYTHON

FOLDER = Path(__file__).resolve().parents[2] / "hooks"
NAMES = tuple(sorted(file.parent.name for file in FOLDER.glob("*/Makefile")))
VM_ID = "5c1f0f5e-1d2b-4c8e-9a51-7b1f0c3d0001"


def make(name: str, base: Path, target: str = "install") -> Path:
    """`make install` of a hook below a folder; where its points are."""
    if PYTHON != "/usr/bin/python3":
        pytest.skip("shipped hooks need /usr/bin/python3")
    options = [f"HOOKSDIR={base}/hooks", f"SUDOERSDIR={base}/sudoers.d"]
    subprocess.run(
        ["make", "-s", "-C", str(FOLDER / name), target, *options], check=True, capture_output=True, timeout=60
    )
    return base / "hooks"


def installed(name: str, base: Path) -> Hooks:
    """A runner with one hook."""
    return Hooks(str(make(name, base)))
