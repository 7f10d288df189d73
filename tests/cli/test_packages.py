"""Packages that a real host needs: what is missing is said, with the command, and what works without."""

import argparse
import subprocess
from pathlib import Path

import pytest

from ovis.cli import local, packages
from ovis.cli.faults import BadUsage, MissingPackages


def test_what_is_there_is_not_missing(tmp_path: Path) -> None:
    (tmp_path / "tool").touch()
    found = packages.absent(
        {"here": str(tmp_path / "tool"), "not-here": str(tmp_path / "other"), "ovis-no-such-deb": ""}
    )
    assert found == ["not-here", "ovis-no-such-deb"]


def test_missing_packages_are_said_with_the_command_and_the_way_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(packages.HOST, "ovis-no-such-deb", "/nowhere/at/all")
    with pytest.raises(MissingPackages) as caught:
        local.require(tmp_path, apt=False)
    assert caught.value.status == 3
    said = str(caught.value)
    assert "apt-get install -y --no-install-recommends ovis-no-such-deb" in said
    assert "--hosts simulated:5x4" in said


def test_apt_that_fails_is_told_in_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    if not packages.may_install():
        pytest.skip("needs root and apt-get")
    real = subprocess.run

    def no_update(argv: list[str], **options: object) -> "subprocess.CompletedProcess[bytes]":
        return real(["true"] if argv[-1] == "update" else argv, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(subprocess, "run", no_update)  # the network is not for tests
    with pytest.raises(MissingPackages, match="ovis-no-such-deb"):
        packages.install(["ovis-no-such-deb"], "for a test")


@pytest.mark.parametrize("folder", ["/run/ovis", "/var/lib/libvirt/ovis"])
def test_a_data_folder_that_the_host_hides_is_refused(folder: str) -> None:
    with pytest.raises(BadUsage, match="--data"):
        local.require(Path(folder), apt=False)


def test_up_has_a_flag_against_apt() -> None:
    from ovis.cli.main import parser

    args: argparse.Namespace = parser().parse_args(["up", "--no-apt"])
    assert args.no_apt is True
