"""Background processes: known again by id, start time and boot; another's is never touched."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ovis.cli.faults import CliFault
from ovis.cli.processes import Processes, start_time

FOREVER = [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(600)"]


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(tmp_path / "run", tmp_path / "logs")


def await_words(processes: Processes, name: str, words: str) -> None:
    deadline = time.monotonic() + 20
    while words not in processes.log(name).read_text():
        assert time.monotonic() < deadline, processes.log(name).read_text()
        time.sleep(0.02)


def test_a_started_process_is_found_by_another_caller_and_ended(processes: Processes, tmp_path: Path) -> None:
    child = processes.start("engine", FOREVER)
    await_words(processes, "engine", "begun")
    found = Processes(tmp_path / "run", tmp_path / "logs").find("engine")
    assert found is not None
    assert found.pid == child.popen.pid
    assert found.memory() > 0
    assert processes.names() == ["engine"]
    assert processes.stop("engine", grace=5)
    assert start_time(child.popen.pid) is None
    assert processes.names() == []
    assert not processes.stop("engine", grace=5)


def test_a_process_that_ignores_a_polite_end_is_killed(processes: Processes) -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('begun', flush=True); time.sleep(600)"
    child = processes.start("agent", [sys.executable, "-c", stubborn])
    await_words(processes, "agent", "begun")
    assert processes.stop("agent", grace=0.2)
    assert start_time(child.popen.pid) is None


@pytest.mark.parametrize("lie", [{"start": 1}, {"boot": "another"}])
def test_an_id_that_was_given_to_somebody_else_is_not_ours(
    processes: Processes, tmp_path: Path, lie: dict[str, object]
) -> None:
    child = processes.start("engine", FOREVER)
    file = tmp_path / "run" / "engine.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **lie}))
    try:
        assert processes.find("engine") is None
        assert not processes.stop("engine", grace=1)
        assert child.popen.poll() is None
    finally:
        child.popen.kill()
        child.popen.wait()


def test_the_remains_of_a_process_are_no_process(processes: Processes) -> None:
    child = processes.start("engine", [sys.executable, "-c", "pass"])
    deadline = time.monotonic() + 20
    while processes.find("engine") is not None:  # not waited for: it stays a zombie
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.popen.wait()


def test_a_program_that_ends_at_once_is_told_with_its_last_words(processes: Processes) -> None:
    child = processes.start("engine", [sys.executable, "-c", "print('no such table'); raise SystemExit(3)"])
    child.popen.wait(20)
    with pytest.raises(CliFault, match=r"(?s)status 3.*no such table"):
        child.require_alive()


def test_only_what_was_said_since_the_start_is_told(processes: Processes) -> None:
    processes.start("engine", [sys.executable, "-c", "print('old')"]).popen.wait(20)
    child = processes.start("engine", [sys.executable, "-c", "print('new')"])
    child.popen.wait(20)
    assert child.said() == "  new"


def test_a_process_entered_into_a_namespace_is_the_inner_one(processes: Processes) -> None:
    outer = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'import time; time.sleep(600)']))"
    child = processes.start("agent", [sys.executable, "-c", outer], inner=True)
    found = processes.find("agent")
    assert found is not None
    assert found.pid != child.popen.pid
    processes.stop("agent", grace=5)
    child.popen.wait(20)  # the outer one ended with it


def test_a_process_has_its_own_session(processes: Processes) -> None:
    child = processes.start("engine", FOREVER)
    shown = subprocess.run(["ps", "-o", "sid=", "-p", str(child.popen.pid)], capture_output=True, text=True)
    processes.stop("engine", grace=5)
    assert int(shown.stdout) == child.popen.pid
