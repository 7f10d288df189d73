"""Generated files: written from declarations, compared in the check."""

import shutil
from pathlib import Path

import pytest

from ovis.cli import generate, lock
from ovis.cli.main import checkout


def test_a_file_that_differs_is_shown_and_then_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(checkout() / "pyproject.toml", tmp_path)
    shutil.copytree(checkout() / "requirements", tmp_path / "requirements")
    assert generate.generate(tmp_path, check=True) == 1
    assert "+# Settings of the engine" in capsys.readouterr().out
    assert not (tmp_path / "docs").exists()
    assert generate.generate(tmp_path, check=False) == 0
    assert generate.generate(tmp_path, check=True) == 0
    assert "`critical_space_gib`" in (tmp_path / "docs/reference/settings.md").read_text()


def test_requirements_are_hashed_and_name_no_host() -> None:
    for file in (checkout() / "requirements").glob("*.txt"):
        text = file.read_text()
        assert "://" not in text, file
        assert "index" not in text, file
        pinned = [line for line in text.splitlines() if "==" in line and not line.startswith("#")]
        assert pinned, file
        assert text.count("--hash=sha256:") >= len(pinned)


def test_a_changed_dependency_makes_requirements_stale(tmp_path: Path) -> None:
    shutil.copytree(checkout() / "requirements", tmp_path / "requirements")
    text = (checkout() / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(text)
    assert lock.stale(tmp_path) == []
    (tmp_path / "pyproject.toml").write_text(text.replace('"msgspec>=', '"msgspec>=0.1,>='))
    assert "requirements/run.txt" in lock.stale(tmp_path)
