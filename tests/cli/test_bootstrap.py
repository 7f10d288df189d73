"""The script `./ovis`: when it makes the environment, when it leaves it alone, and how it hands over."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from ovis.cli.main import checkout

PROGRAM = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd()]))\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout whose path has a blank, without environment."""
    root = tmp_path / "a checkout"
    root.mkdir()
    for name in ("ovis", "pyproject.toml"):
        shutil.copy(checkout() / name, root)
    shutil.copytree(checkout() / "requirements", root / "requirements")
    (root / "sdk").mkdir()
    shutil.copy(checkout() / "sdk/pyproject.toml", root / "sdk")
    return root


def load(root: Path) -> ModuleType:
    loader = SourceFileLoader("ovis_bootstrap", str(root / "ovis"))
    spec = importlib.util.spec_from_loader("ovis_bootstrap", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def furnish(root: Path, *, developer: bool = True) -> ModuleType:
    """An environment with a stand-in for the program, stamped as fresh."""
    script = load(root)
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to(sys.executable)
    (root / ".venv/bin/ovis").write_text(PROGRAM)
    script.write_stamp({"root": str(root), "sets": script.wanted(developer)})
    return script


def test_nothing_is_fresh_in_a_new_tree(tree: Path) -> None:
    script = load(tree)
    assert script.read_stamp() == {}
    assert script.missing({}, False) == ["run", "programs"]
    assert script.missing({}, True) == ["run", "programs", "dev"]


def test_a_fresh_environment_is_used_as_it_is_from_any_folder(tree: Path, tmp_path: Path) -> None:
    furnish(tree)
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    before = sorted(tree.rglob("*"))
    done = subprocess.run(
        [sys.executable, str(tree / "ovis"), "up", "--data", "a b"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["up", "--data", "a b"], str(elsewhere)]
    assert done.stderr == ""
    assert sorted(tree.rglob("*")) == before


def test_it_may_be_called_through_a_link(tree: Path, tmp_path: Path) -> None:
    furnish(tree)
    (tmp_path / "ovis").symlink_to(tree / "ovis")
    done = subprocess.run([str(tmp_path / "ovis"), "status"], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)[0] == ["status"], done.stderr


@pytest.mark.parametrize("changed", ["requirements/run.txt", "requirements/dev.txt", "pyproject.toml"])
def test_a_changed_file_makes_its_set_stale(tree: Path, changed: str) -> None:
    script = furnish(tree)
    assert script.missing(script.read_stamp(), True) == []
    with (tree / changed).open("a") as out:
        out.write("\n# changed\n")
    stale = {"requirements/run.txt": "run", "requirements/dev.txt": "dev", "pyproject.toml": "programs"}[changed]
    assert script.missing(script.read_stamp(), True) == [stale]


def test_developers_packages_are_asked_for_by_developers_commands_alone(tree: Path) -> None:
    script = furnish(tree, developer=False)
    assert script.missing(script.read_stamp(), False) == []
    assert script.missing(script.read_stamp(), True) == ["dev"]


def test_an_environment_of_another_place_does_not_count(tree: Path) -> None:
    script = furnish(tree)
    moved = tree.parent / "moved"
    tree.rename(moved)
    assert load(moved).read_stamp() == {}
    assert script.read_stamp() == {}


def test_an_environment_without_its_python_does_not_count(tree: Path) -> None:
    script = furnish(tree)
    (tree / ".venv/bin/python").unlink()
    assert script.read_stamp() == {}


def test_a_damaged_stamp_does_not_count(tree: Path) -> None:
    script = furnish(tree)
    (tree / ".venv/ovis-stamp.json").write_text("{")
    assert script.read_stamp() == {}


def test_one_that_waited_for_another_does_nothing_more(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = furnish(tree)
    script.refresh(True)  # all is fresh by the time it has the lock
    assert capsys.readouterr() == ("", "")


def test_a_failure_is_said_in_its_last_words_not_as_a_traceback(tree: Path) -> None:
    (tree / "requirements/uv.txt").write_text("no-such-package-of-ovis==1 --hash=sha256:00\n")
    (tree / "requirements/run.txt").write_text("no-such-package-of-ovis==1 --hash=sha256:00\n")
    environment = {**os.environ, "PIP_NO_INDEX": "1", "UV_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, str(tree / "ovis"), "--version"], capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 3
    assert done.stdout == ""
    assert "no-such-package-of-ovis" in done.stderr
    assert "Traceback" not in done.stderr
    again = load(tree)
    assert again.missing(again.read_stamp(), False) == ["run", "programs"]
