"""check_ovis as a program: check_rhev3's options, checks and form, with the states that monitoring expects."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from check_ovis.checks import CHECKS

from ovirtsdk.xml import params
from tests.installation import Installation, until
from tests.sdk.conftest import session
from tests.sdk.servers import answering

PERF = re.compile(r"[^ =|]+=-?[0-9.]+[A-Za-z%]*(;[^; ]*){1,5}")


@pytest.fixture(scope="module")
def check(place: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("check")
    auth = folder / "auth"
    auth.write_text(f"username=admin@internal\npassword={place.password}\n")

    def run(*words: str, engine: bool = True) -> subprocess.CompletedProcess[str]:
        where = (
            ["-H", "127.0.0.1", "-p", str(place.port), "-f", str(auth), "--ca-file", str(place.ca)] if engine else []
        )
        return subprocess.run(
            [sys.executable, "-m", "check_ovis.main", *where, *words],
            env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    with session(place) as api:
        boot: Any = params.OperatingSystem(boot=[params.Boot(dev="network")])
        made: Any = params.VM
        vm = api.vms.add(
            made(
                name="watched", cluster=params.Cluster(name="Default"), template=params.Template(name="Blank"), os=boot
            )
        )
        vm.nics.add(params.NIC(name="nic1", network=params.Network(name="ovirtmgmt")))
        vm.start()
        until(lambda: api.vms.get(name="watched").status.state == "up", "VM up")  # type: ignore[union-attr]
        made = run
        made.folder = folder
        yield made
        vm.stop()
        until(lambda: api.vms.get(name="watched").status.state == "down", "VM down")  # type: ignore[union-attr]
        vm.delete()


def test_the_line_has_the_form_that_graphs_and_people_know(check: Any) -> None:
    done = check("-D", "*", "-l", "status")
    assert done.returncode == 0
    assert done.stdout == (
        "RHEV OK: Datacenters ok - 1/1 Datacenters with state UP |up=1;1;1;0; contend=0;;;;0; problematic=0;;;;0; "
        "not_operational=0;;;;0; uninitialized=0;;;;0; maintenance=0;;;;0;\n"
    )


def test_fewer_than_wanted_is_critical(check: Any) -> None:
    done = check("-D", "*", "-w", "2", "-c", "2", "--prefix", "OVIS")
    assert done.returncode == 2
    assert done.stdout.startswith("OVIS CRITICAL: Datacenters critical - 1/1 Datacenters with state UP |up=1;2;2;0; ")
    assert check("-D", "*", "-w", "2", "-c", "1").returncode == 1


NAMES = {"dc": "Default", "cluster": "Default", "host": "sim-host-001", "storage": "*", "vm": "watched"}
ROWS = (
    [
        (kind, name, sub)
        for kind, checks in CHECKS.items()
        if kind in NAMES
        for name in checks
        for sub in {"storage": ("", "status", "usage", "overall-usage"), "memory": ("", "mem", "swap")}.get(name, ("",))
        if not (kind == "vm" and sub in ("mem", "swap"))
    ]
    + [("host", "network", s) for s in ("status", "traffic", "errors")]
    + [("vm", "network", s) for s in ("traffic", "errors")]
)


@pytest.mark.parametrize(("kind", "name", "sub"), ROWS)
def test_every_check_answers(check: Any, kind: str, name: str, sub: str) -> None:
    done = check(f"--{kind}", NAMES[kind], "-l", name, *(["-s", sub] if sub else []))
    assert done.stderr == ""
    assert done.returncode in (0, 1, 2), done.stdout
    text, _, perf = done.stdout.strip().partition(" |")
    assert re.match(r"RHEV (OK|WARNING|CRITICAL): \S", text)
    if name != "version":
        assert perf
        assert all(PERF.fullmatch(p) for p in perf.split(" ")), perf


def test_ranges_judge(check: Any) -> None:
    assert check("-M", "watched", "-l", "memory", "-w", "@0:100", "-c", "200").returncode == 1
    assert check("-M", "watched", "-l", "memory", "-w", "0:100", "-c", "@0:100").returncode == 2
    assert check("-M", "watched", "-l", "memory", "-w", "100", "-c", "100").returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-D", "nothing"), "Datacenter nothing not found"),
        (("-M", "watched", "-l", "colour"), "vm has no check colour"),
        (("-R", "sim-host-001", "-l", "memory", "-s", "x"), "memory has no sub-check x"),
        (("-M", "watched", "-l", "network", "-n", "eth9"), "no NIC eth9"),
        (("-P", "pool"), "VM pool pool not found"),
        (("-M", "watched", "-l", "memory", "-w", "lots"), "-w and -c"),
        ((), "give one of"),
        (("-D", "a", "-C", "b"), "give one of"),
    ],
)
def test_what_cannot_be_told_is_unknown(check: Any, words: tuple[str, ...], said: str) -> None:
    done = check(*words)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("RHEV UNKNOWN: ")
    assert said in done.stdout
    assert done.stdout.count("\n") == 1


def test_wrong_options_and_passwords_are_unknown(check: Any, place: Installation, tmp_path: Path) -> None:
    assert check("--colour", engine=False).returncode == 3
    assert check("-D", "*", engine=False).stdout.startswith("UNKNOWN: ")
    where = ("-H", "127.0.0.1", "-p", str(place.port), "-D", "*")
    assert "401" in check(*where, "-a", "admin@internal:x", "--ca-file", str(place.ca), engine=False).stdout
    assert check(*where, "-a", "admin@internal:x", engine=False).returncode == 3  # another's CA
    assert "no user" in check(*where, engine=False).stdout
    assert check("-H", "127.0.0.1", "-p", "1", "-D", "*", "-a", "a@b:c", "--insecure", engine=False).returncode == 3
    with answering(b"") as port:
        slow = check(
            "-H", "127.0.0.1", "-p", str(port), "-t", "1", "-D", "*", "-a", "a@b:c", "--insecure", engine=False
        )
    assert slow.returncode == 3


def test_the_session_is_kept_in_a_file_of_ones_own(check: Any) -> None:
    for _ in range(2):
        assert check("-o", "-D", "*").returncode == 0
    (file,) = check.folder.glob("check_ovis-*")
    token = file.read_text()
    assert token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert check("-o", "-D", "*").returncode == 0
    assert file.read_text() == token
    file.write_text("outworn")
    assert check("-o", "-D", "*").returncode == 0
    assert file.read_text() != "outworn"
