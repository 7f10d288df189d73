"""ovis-shell as a program: the original's commands and forms, errors in one line, statuses, pipes."""

import contextlib
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ovis_shell.commands import Shell
from ovis_shell.main import commands_of, parser
from ovis_shell.prompt import completions
from ovis_shell.words import ShellError, read_words, singular

from ovirtsdk.api import API
from tests.installation import Installation

Run = Any


@pytest.fixture(scope="module")
def sh(place: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    rc = tmp_path_factory.mktemp("shell") / "rc"
    rc.write_text(
        f"[ovirt-shell]\nurl = https://127.0.0.1:{place.port}/api\nusername = admin@internal\npassword = {place.password}\n"
        f"ca_file = {place.ca}\ninsecure = False\ntimeout = -1\n[cli]\nautoconnect = True\n"
    )

    def run(*words: str, text: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ovis_shell.main", *words],
            env={**os.environ, "OVIRTSHELLRC": str(rc), **env},
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
        )

    run.rc = rc  # type: ignore[attr-defined]
    made = run(
        "-E",
        'add vm --name Boston --description "Main service for Boston" --cluster-name Default --template-name Blank '
        '--memory 268435456 --os-boot "boot.dev=network" --cpu-topology-cores 2',
    )
    assert made.returncode == 0, made.stderr
    made = run("-E", "add nic --parent-vm-name Boston --name nic1 --network-name ovirtmgmt")
    assert made.returncode == 0, made.stderr
    yield run
    run("-E", "action vm Boston stop --wait; remove vm Boston")


def test_a_list_has_the_form_of_the_original(sh: Run) -> None:
    out = sh("list", "vms", "--query", "name=Boston").stdout
    assert re.fullmatch(r"id +: [0-9a-f-]{36}\nname +: Boston\ndescription : Main service for Boston\n", out)
    everything = sh("-E", "list vms --query name=Boston --show-all").stdout
    assert re.search(r"^cluster-id +: [0-9a-f-]{36}$", everything, re.M)
    assert re.search(r"^cpu-topology-cores +: 2$", everything, re.M)
    assert re.search(r"^cpu-topology-sockets +: 1$", everything, re.M)


def test_one_object_by_name_and_by_id(sh: Run) -> None:
    by_name = sh("show", "vm", "Boston").stdout
    id_ = re.search(r"^id +: (\S+)$", by_name, re.M)
    assert id_ is not None
    assert sh("show", "vm", id_.group(1)).stdout == by_name


@pytest.mark.parametrize("form", ["json", "xml", "csv", "table"])
def test_other_forms(sh: Run, form: str) -> None:
    out = sh("-E", f"list vms --query name=Boston --output {form}").stdout
    assert "Boston" in out
    if form == "json":
        assert json.loads(out)[0]["name"] == "Boston"
    if form == "csv":
        assert out.startswith("id,name,description,")


def test_changes_below_a_parent(sh: Run) -> None:
    done = sh(
        "-E", "add nic --parent-vm-name Boston --name nic7 --network-name ovirtmgmt; list nics --parent-vm-name Boston"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("nic7") == 2
    gone = sh("-E", "remove nic nic7 --vm-identifier Boston; list nics --parent-vm-name Boston")
    assert (gone.returncode, gone.stdout.count("nic7")) == (0, 0)
    assert "description : other" in sh("-E", "update vm Boston --description other").stdout.replace("  ", "")
    sh("-E", 'update vm Boston --description "Main service for Boston"')


def test_an_action_that_waits(sh: Run) -> None:
    assert sh("-E", "action vm Boston start --wait").stdout == "status-state : up\n"
    assert "Boston" in sh("-E", "list vms --query status=up").stdout
    assert sh("-E", "action vm Boston stop --wait").stdout == "status-state : down\n"


def test_the_serial_line_in_a_terminal_and_in_a_pipe(sh: Run, place: Installation) -> None:
    made = sh(
        "-E",
        "add vm --name Serial --cluster-name Default --template-name Blank --console-enabled true "
        '--os-boot "boot.dev=network"; add nic --parent-vm-name Serial --name nic1 --network-name ovirtmgmt; '
        "action vm Serial start --wait",
    )
    assert made.returncode == 0, made.stderr
    try:
        piped = sh("console", "Serial", "--serial", text="hello\n")
        assert (piped.returncode, "hello" in piped.stdout) == (0, True), piped.stderr
        with typed_at(sh.rc, "console", "Serial", "--serial") as (keys, run):
            shown = read_until(keys, b"Ctrl-] leaves")
            os.write(keys, b"echo me")
            shown += read_until(keys, b"echo me")
            taken = sh("console", "Serial", "--serial", text="x")
            assert (taken.returncode, "else is at" in taken.stderr) == (1, True), taken.stderr
            os.write(keys, b"\x1d")
            read_until(keys, b"Left the console")
            assert run.wait(30) == 0
    finally:
        sh("-E", "action vm Serial stop --wait; remove vm Serial")


@contextlib.contextmanager
def typed_at(rc: Path, *words: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The shell at a terminal of its own: (the keyboard and screen, the process)."""
    keys, its = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-m", "ovis_shell.main", *words],
        stdin=its,
        stdout=its,
        stderr=its,
        env={**os.environ, "OVIRTSHELLRC": str(rc)},
    )
    os.close(its)
    try:
        yield keys, run
    finally:
        run.kill()
        run.wait(10)
        os.close(keys)


def read_until(keys: int, wanted: bytes) -> bytes:
    seen = b""
    end = time.monotonic() + 60
    while wanted not in seen:
        assert time.monotonic() < end, seen
        if select.select([keys], [], [], 1)[0]:
            seen += os.read(keys, 4096)
    return seen


def test_scripts_pipes_and_files(sh: Run, tmp_path: Path) -> None:
    assert (
        sh(text="# a comment\necho hello\nlist vms --query name=Boston | grep -c Boston\nexit\necho no\n").stdout
        == "hello\n2\n"
    )
    script = tmp_path / "script"
    script.write_text(f'echo one > "{tmp_path}/out"\necho two >> {tmp_path}/more\n'.replace('"', ""))
    assert sh("-f", str(script)).returncode == 0
    assert (tmp_path / "out").read_text() == "one\n"
    assert sh("-E", f"file {script}; !cat {tmp_path}/more").stdout == "two\ntwo\n"


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("show vm nobody", 1, "there is no vm 'nobody'"),
        ("list nics", 1, "below others"),
        ("list colours", 1, "there is no type"),
        ("paint vm Boston", 2, "there is no command"),
        ("action vm Boston fly", 2, "has no action"),
        ("add vm --name x", 1, "400"),
        ("add vm --colour red", 1, "not known"),
        ("add vm --name x --memory much", 1, "wants a number"),
        ("update vm Boston --stateless perhaps", 1, "true or false"),
        ('list vms "', 2, "cannot be read"),
        ("action vm Boston reboot", 1, "409"),
        ("list vms --output pdf", 2, "one of"),
        ("connect https://127.0.0.1:1/api", 3, "connection failure"),
    ],
)
def test_errors_are_one_line_with_a_status(sh: Run, line: str, status: int, words: str) -> None:
    done = sh("-E", line)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert sh("--status-always-0", "-E", line).returncode == 0


def test_what_the_session_says(sh: Run) -> None:
    assert "connected : no" in sh("-E", "status").stdout
    assert "name" in sh("-E", "info").stdout
    assert "vms-total" in sh("-E", "summary").stdout
    assert "success" in sh("-E", "ping").stdout
    assert "[vm.memory]: long" in sh("-E", "help add vm").stdout
    assert "  start\n" in sh("-E", "help action vm").stdout
    assert "1 echo a\n2 history\n" in sh("-E", "echo a; history").stdout
    assert "fence_types" in sh("-E", "capabilities").stdout


def test_a_wrong_password_is_said(sh: Run) -> None:
    done = sh("-p", "wrong", "list", "vms")
    assert done.returncode == 1
    assert done.stderr.startswith("error: 401 ")


def test_completion_knows_verbs_types_names_options_and_actions(sh: Run, place: Installation) -> None:
    shell = Shell({})
    assert "list" in completions(shell, "li")
    shell.api = API(f"https://127.0.0.1:{place.port}/api", "admin@internal", place.password, ca_file=str(place.ca))
    with shell.api:
        assert list(completions(shell, "list vm")) == ["vmpools", "vms"]
        assert "Boston" in completions(shell, "show vm Bo")
        assert "--cpu-topology-cores" in completions(shell, "add vm --cpu-t")
        assert "start" in completions(shell, "action vm Boston st")
        assert list(completions(shell, 'show vm "')) == []


def test_words_are_read_as_users_type_them() -> None:
    given = read_words(["vm", "x", "--name", "a b", "--force", "--size=3", "--on"])
    assert given.plain == ["vm", "x"]
    assert given.options == [("name", "a b"), ("force", True), ("size", "3"), ("on", True)]
    assert commands_of("a 'b;c'; d ;") == ["a 'b;c'", "d"]
    assert [singular(s) for s in ("vms", "schedulingpolicies", "storage")] == ["vm", "schedulingpolicy", "storage"]
    assert "ovis-shell" in parser().format_help()
    with pytest.raises(ShellError, match="connect --url"):
        Shell({}).run("list vms")
