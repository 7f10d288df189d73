"""Every shipped hook is whole: scripts at points that exist, README of three parts, sudo rules, both ways to install it."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ovis.agent.hooks.install import install, plan, remove
from ovis.agent.hooks.points import POINTS
from tests.hooks.shipped import FOLDER, NAMES, make


def _tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(f.relative_to(folder)): (stat.S_IMODE(f.stat().st_mode), f.read_bytes())
        for f in folder.rglob("*")
        if f.is_file() and ".installed" not in f.parts
    }


@pytest.mark.parametrize("name", NAMES)
def test_make_and_the_agent_install_the_same_files_and_take_them_away(name: str, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "agent", tmp_path / "make"
    install(plan(FOLDER / name, ours / "hooks", ours / "sudoers.d"), ours / "hooks")
    make(name, theirs)
    assert _tree(ours) == _tree(theirs)
    assert any(mode == 0o755 for mode, _ in _tree(theirs).values())
    remove(ours / "hooks", name)
    make(name, theirs, "uninstall")
    assert _tree(ours) == _tree(theirs) == {}


@pytest.mark.parametrize("name", NAMES)
def test_its_folder_says_what_it_does_how_to_configure_and_how_to_use_it(name: str) -> None:
    readme = (FOLDER / name / "README").read_text()
    for part in ("What it does", "How to configure the system", "How to use it", "make install"):
        assert part in readme
    assert name in (FOLDER / "README.md").read_text()
    points = [f.stem for f in (FOLDER / name).glob("*.py") if f.stem.startswith(("before_", "after_"))]
    assert points
    assert set(points) <= POINTS.keys()
    assert set(re.findall(r"\b(?:before|after)_[a-z_]+", readme)) == set(points)


@pytest.mark.parametrize("name", [n for n in NAMES if (FOLDER / n / "sudoers").exists()])
def test_its_sudo_rules_are_valid(name: str) -> None:
    visudo = shutil.which("visudo", path="/usr/sbin:/usr/bin:/sbin")
    if visudo is None:
        pytest.skip("needs visudo")
    subprocess.run([visudo, "-cf", str(FOLDER / name / "sudoers")], check=True, capture_output=True, timeout=30)


def test_what_readmes_tell_to_define_can_be_defined(tmp_path: Path) -> None:
    from ovis.engine.resources.custom_properties.settings import KEYS

    found = []
    for name in NAMES:
        text = (FOLDER / name / "README").read_text().replace("\\\n", " ")
        found += [(name, *m) for m in re.findall(r"ovis-engine config merge (\w+)\s+'([^']*)'", text)]
    assert {name for name, _, _ in found} == set(NAMES)
    for _, key, value in found:
        assert KEYS[key].parse(value)
