"""The web admin's build: when it is due, and what is said without Node."""

import shutil
from pathlib import Path

import pytest

from ovis.cli import environment, web
from ovis.cli.faults import CliFault


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a web admin of two files."""
    source = tmp_path / "webadmin" / "src"
    source.mkdir(parents=True)
    (source / "main.tsx").write_text("1", encoding="ascii")
    (tmp_path / "webadmin" / "package-lock.json").write_text("{}", encoding="ascii")
    return tmp_path


def test_it_is_due_when_a_source_has_changed_and_not_otherwise(checkout: Path) -> None:
    assert not web.is_built(checkout)
    dist = checkout / "webadmin" / "dist"
    dist.mkdir()
    (dist / ".stamp").write_text(web.digest(checkout / "webadmin"), encoding="ascii")
    assert web.is_built(checkout)
    assert web.build(checkout) == dist  # nothing to do: no Node is looked for
    (checkout / "webadmin" / "src" / "other.ts").write_text("2", encoding="ascii")
    assert not web.is_built(checkout)


def test_without_node_it_says_what_is_missing(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(root: Path, name: str) -> None:
        raise CliFault(f"no {name} here")

    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(environment, "has", lambda module: False)
    monkeypatch.setattr(environment, "install", refuse)
    with pytest.raises(web.NoNode, match=r"Node\.js 20\.19 or newer is not here.*no node here"):
        web.build(checkout)
    assert web.check(checkout, "types")


def test_the_lock_file_names_no_registry() -> None:
    root = Path(__file__).resolve().parents[2]
    text = (root / "webadmin" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in text
    assert '"integrity"' in text
