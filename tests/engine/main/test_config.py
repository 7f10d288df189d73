"""`ovis-engine config`, as an administrator types it."""

import contextlib
import io
import subprocess
from pathlib import Path

import pytest

from ovis.engine.main.program import main
from tests.installation import program

KEY = "UserDefinedVMProperties"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    subprocess.run([program("ovis-engine"), "setup", "--data", str(folder)], check=True, timeout=120)
    return folder


def config(data: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """In this process: a start of Python for each call would be most of the time."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["config", *args, "--data", str(data)])
    return subprocess.CompletedProcess(args, status, out.getvalue(), err.getvalue())


def get(data: Path, level: str, key: str = KEY) -> str:
    done = config(data, "get", key, "--cver", level)
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def test_set_merge_get_list_reset(data: Path) -> None:
    assert config(data, "set", KEY, "a=^x$", "--cver", "4.7").returncode == 0
    assert (get(data, "4.7"), get(data, "4.8")) == ("a=^x$", "")
    assert config(data, "merge", KEY, "b=^y$").returncode == 0
    assert (get(data, "4.7"), get(data, "4.8")) == ("a=^x$;b=^y$", "b=^y$")
    shown = config(data, "get", KEY).stdout.splitlines()
    assert shown[-2:] == [f"{KEY}: a=^x$;b=^y$ version: 4.7", f"{KEY}: b=^y$ version: 4.8"]
    everything = config(data, "list", "--cver", "4.8").stdout
    assert f"{KEY}: b=^y$ version: 4.8" in everything and "PredefinedVMProperties: sap_agent=" in everything
    assert config(data, "reset", KEY).returncode == 0
    assert (get(data, "4.7"), get(data, "4.8")) == ("", "")


def test_a_shipped_value_can_be_changed_and_comes_back(data: Path) -> None:
    before = get(data, "4.8", "PredefinedVMProperties")
    assert config(data, "merge", "PredefinedVMProperties", "hugepages=^1048576$", "--cver", "4.8").returncode == 0
    assert "hugepages=^1048576$" in get(data, "4.8", "PredefinedVMProperties")
    assert config(data, "reset", "PredefinedVMProperties", "--cver", "4.8").returncode == 0
    assert get(data, "4.8", "PredefinedVMProperties") == before


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (("set", KEY, "a b=x"), 1, "letters, digits and _"),
        (("set", KEY, "a=("), 1, "no regular expression"),
        (("set", KEY, "sndbuf=1"), 1, "defined by PredefinedVMProperties at level 4.2 already"),
        (("set", "CustomDeviceProperties", "{type=nic;prop={a}}"), 1, "no device type"),
        (("set", "Nothing", "a"), 2, "there is no setting Nothing"),
        (("set", KEY), 2, "needs a value"),
        (("get",), 2, "needs a name"),
        (("get", KEY, "x"), 2, "takes no value"),
        (("list", KEY), 2, "takes no name"),
        (("set", KEY, "a", "--cver", "4.1"), 2, "there is no cluster level 4.1"),
    ],
)
def test_what_is_wrong_is_refused_with_words(data: Path, args: tuple[str, ...], status: int, words: str) -> None:
    done = config(data, *args)
    assert done.returncode == status
    assert words in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_what_is_refused_changes_nothing_at_any_level(data: Path) -> None:
    before = config(data, "list").stdout
    assert config(data, "set", KEY, "extra_cpu_flags=x").returncode == 1  # shipped at the newer levels alone
    assert config(data, "list").stdout == before


def test_settings_are_described_and_shown(data: Path) -> None:
    described = config(data, "--describe").stdout
    assert "call_timeout_seconds" in described and KEY in described
    assert "port = 8443" in config(data).stdout


def test_without_a_set_up_it_says_so(tmp_path: Path) -> None:
    done = config(tmp_path, "list")
    assert done.returncode == 1
    assert "ovis-engine setup" in done.stderr
