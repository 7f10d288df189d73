"""The command line: what it takes, and how it says no."""

import argparse
from importlib.metadata import version

import pytest

from ovis.cli.main import hosts_choice, main
from tests.cli.conftest import ovis


def test_version_is_one_line() -> None:
    done = ovis("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ovis {version('ovis')}\n", "")


def test_without_a_command_it_explains_itself() -> None:
    done = ovis()
    assert done.returncode == 2
    assert "simulated" not in done.stderr
    for word in ("up", "status", "down", "logs", "test", "bench"):
        assert f"\n    {word} " in done.stdout


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("local", "local"),
        ("none", "none"),
        ("simulated:5", "simulated:5x0"),
        ("simulated:100x20", "simulated:100x20"),
        ("simulated:05x04", "simulated:5x4"),
    ],
)
def test_hosts(text: str, meant: str) -> None:
    assert hosts_choice(text) == meant


@pytest.mark.parametrize(
    "text", ["", "simulated", "simulated:", "simulated:0x4", "simulated:5x", "simulated:-1x2", "x"]
)
def test_hosts_that_make_no_sense(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="simulated:HxV"):
        hosts_choice(text)


@pytest.mark.parametrize(
    "argv",
    [
        ["up", "--hosts", "many"],
        ["up", "--port", "0"],
        ["up", "--port", "70000"],
        ["up", "--port", "http"],
        ["fly"],
        ["logs", "-n", "few"],
    ],
)
def test_bad_arguments_end_with_2_and_a_reason(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_an_unknown_benchmark_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "speed_of_light"]) == 2
    assert "There is no benchmark speed_of_light" in capsys.readouterr().err
