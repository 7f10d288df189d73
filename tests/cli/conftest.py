"""Installations for the tests of the command line: each in a folder of its own, ended whatever happens."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.installation import free_port

LIMIT_S = 300


@dataclass(frozen=True, slots=True)
class Ovis:
    """`ovis` on one data folder."""

    data: Path
    port: int

    def call(self, *argv: str, status: int | None = 0) -> "subprocess.CompletedProcess[str]":
        """Run a command that takes --data; its exit status must be `status`, unless that is None."""
        done = ovis(argv[0], "--data", str(self.data), *argv[1:])
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done

    def up(self, *argv: str) -> dict[str, Any]:
        """`ovis up --json`; the object on its last line."""
        done = self.call("up", "--port", str(self.port), "--json", *argv)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def ovis(*argv: str) -> "subprocess.CompletedProcess[str]":
    """Run `ovis` as a person would, bounded in time."""
    return subprocess.run(
        [sys.executable, "-m", "ovis.cli.main", *argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Ovis]:
    """A data folder with a blank in its path."""
    made = Ovis(tmp_path / "my data", free_port())
    yield made
    made.call("down", status=None)


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[Ovis]:
    """A second one beside it."""
    made = Ovis(tmp_path / "neighbour", free_port())
    yield made
    made.call("down", status=None)
