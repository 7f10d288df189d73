"""Every example of the tutorials is run, in order, against a real engine."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation import Installation

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorial"


def blocks(name: str, kind: str) -> list[str]:
    """The examples of a page."""
    return re.findall(rf"^```{kind}\n(.*?)^```", (TUTORIALS / name).read_text(), re.M | re.S)


def test_the_sdk_page(place: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    names = {"URL": f"https://127.0.0.1:{place.port}/api", "PASSWORD": place.password, "CA": str(place.ca)}
    for block in blocks("sdk.md", "python"):
        exec(compile(block, "sdk.md", "exec"), names)
    assert "409" in capsys.readouterr().out


def test_the_shell_page(place: Installation, tmp_path: Path) -> None:
    rc = tmp_path / "rc"
    rc.write_text(
        f"[ovirt-shell]\nurl = https://127.0.0.1:{place.port}/api\nusername = admin@internal\nca_file = {place.ca}\n"
    )
    env = {**os.environ, "OVIRTSHELLRC": str(rc), "OVIS_PASSWORD": place.password}
    (page,) = blocks("shell.md", "shell")
    for line in page.splitlines():
        words = [sys.executable, "-m", "ovis_shell.main", *shlex.split(line)[1:]]
        done = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (line, done.stderr)
    assert "web1" in (tmp_path / "vms.json").read_text()


def test_the_monitoring_page(place: Installation, tmp_path: Path) -> None:
    auth = tmp_path / "auth"
    auth.write_text(f"username=admin@internal\npassword={place.password}\n")
    known = {
        "ENGINE": "127.0.0.1",
        "PORT": str(place.port),
        "AUTH": str(auth),
        "CA": str(place.ca),
        "HOST": "sim-host-001",
    }
    (page,) = blocks("monitoring.md", "check")
    for line in page.splitlines():
        words = [known.get(word, word) for word in shlex.split(line)[1:]]
        done = subprocess.run(
            [sys.executable, "-m", "check_ovis.main", *words], capture_output=True, text=True, timeout=60
        )
        assert done.returncode in (0, 1, 2), (line, done.stdout)
        assert re.match(r"(RHEV|OVIS) (OK|WARNING|CRITICAL): ", done.stdout), line
