"""Background processes of an installation: started, known again later, ended; never another's.

Does: write down a process' id with its start time and the machine's boot, so that an id that was given to another
process meanwhile is not mistaken for ours. Does not: watch or restart.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovis.cli.faults import CliFault


def boot_id() -> str:
    """The kernel's name for this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def start_time(pid: int) -> int | None:
    """When a live process began, in clock ticks since boot; None if there is none or only its remains."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


@dataclass(frozen=True, slots=True)
class Running:
    """A process of ours that is alive."""

    name: str
    pid: int
    since: float
    """Unix time of its start."""

    def memory(self) -> int:
        """Resident bytes, 0 if it just ended."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")


class Processes:
    """The processes of one data folder: records in RUN/NAME.json, output in LOGS/NAME.log."""

    def __init__(self, run: Path, logs: Path) -> None:
        self._run, self._logs = run, logs

    def log(self, name: str) -> Path:
        """Where a process' output goes."""
        return self._logs / f"{name}.log"

    def names(self) -> list[str]:
        """Processes that were started and not ended through us, dead or alive."""
        return sorted(file.stem for file in self._run.glob("*.json")) if self._run.is_dir() else []

    def find(self, name: str) -> Running | None:
        """The process if it is alive and the one that was started."""
        record = self._read(name)
        if record is None or record["boot"] != boot_id() or start_time(record["pid"]) != record["start"]:
            return None
        return Running(name, record["pid"], record["since"])

    def arguments(self, name: str) -> list[str]:
        """How it was started, the program first; empty if it was not."""
        record = self._read(name)
        return record["argv"] if record else []

    def start(self, name: str, argv: Sequence[str], *, inner: bool = False) -> "Child":
        """Start a program in a session of its own, its output appended to its log.

        inner: `argv` only enters a PID namespace and waits for its child there, which is the process that counts.
        """
        self._run.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            position = log.tell()
            popen = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self._run,
            )
        child = Child(name, popen, self.log(name), position)
        pid = _child_of(child) if inner else popen.pid
        record = {
            "pid": pid,
            "start": start_time(pid),
            "boot": boot_id(),
            "since": time.time(),
            "argv": list(argv),
        }
        temporary = self._run / f".{name}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(record, out)
        os.replace(temporary, self._run / f"{name}.json")
        return child

    def stop(self, name: str, *, grace: float) -> bool:
        """End a process, by force after `grace` seconds; whether there was one to end."""
        found = self.find(name)
        if found is not None:
            self._end(found, grace)
        (self._run / f"{name}.json").unlink(missing_ok=True)
        return found is not None

    def _end(self, found: Running, grace: float) -> None:
        for number, limit in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, number)
            deadline = time.monotonic() + limit
            while time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(found.pid, os.WNOHANG)
                if self.find(found.name) is None:
                    return
                time.sleep(0.03)
        raise CliFault(f"{found.name} (process {found.pid}) does not end.")

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self._run / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found


@dataclass(slots=True)
class Child:
    """A process that we just started."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path
    position: int

    def require_alive(self) -> None:
        """CliFault with the end of its log if it ended already."""
        status = self.popen.poll()
        if status is not None:
            raise CliFault(f"{self.name} ended at once, status {status}. Its log {self.log} says:\n{self.said()}")

    def said(self, lines: int = 15) -> str:
        """What it wrote since its start, the last lines."""
        with self.log.open("rb") as log:
            log.seek(self.position)
            text = log.read().decode("utf-8", "replace")
        return "\n".join("  " + line for line in text.strip().splitlines()[-lines:])


def _child_of(child: Child) -> int:
    """The one child of a process that just started, as this machine numbers it."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        child.require_alive()
        for folder in Path("/proc").glob("[0-9]*"):
            if _parent(int(folder.name)) == child.popen.pid:
                return int(folder.name)
        time.sleep(0.02)
    raise CliFault(f"{child.name} did not start; see {child.log}.")


def _parent(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[1])
