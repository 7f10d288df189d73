"""The scripts of a hook point: which there are, and one run of one of them.

Does: find them in order, start one with its environment as the right user, wait for it, bound its time if wanted. A run
that is given up takes its script with it. Does not: know points or documents.
Follows: VDSM's hooks: executable regular files only, byte-wise order, no arguments; a script without `#!` is a shell's,
unless its first line imports something, as Python does: examples in talks and mails are given like that.
"""

import asyncio
import contextlib
import errno
import hashlib
import os
import pwd
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

_NOT_STARTED = 127  # as a shell and taskset say it
_ERROR_BYTES = 64 << 10  # of a script's standard error that are kept: its end


class Finished(Struct, frozen=True):
    """How a script ended. status: negative: by that signal. seconds: how long it took."""

    script: str
    status: int
    error: bytes
    seconds: float = 0.0


class User(Struct, frozen=True):
    """Whom a script runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def candidates(folder: Path) -> list[str]:
    """Paths of a point's scripts in their order; none if there is no such folder."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file() and os.access(entry.path, os.X_OK):
                    found.append(entry.path)
    except OSError:  # mostly: there is no such folder
        return []
    return sorted(found, key=os.fsencode)


def speaks_python(path: str) -> bool:
    """Whether a script without `#!` begins as Python does, which no shell would understand."""
    with open(path, "rb") as file:
        for line in file:
            words = line.split()
            if words and not line.startswith(b"#"):
                return words[0] == b"import" or (words[0] == b"from" and b"import" in words)
    return False


def checksum(path: str) -> str:
    """SHA-256 of a script, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def account(name: str) -> User | None:
    """Who that is, if we may become them and they exist."""
    if os.geteuid() or name == "root":
        return None
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return User(found.pw_uid, found.pw_gid, tuple(os.getgrouplist(name, found.pw_gid)))


def encodable(environment: Mapping[str, str]) -> dict[bytes, bytes]:
    """An environment without the entries that a process cannot have."""
    found = {}
    for name, value in environment.items():
        try:
            key, text = os.fsencode(name), os.fsencode(value)
        except (UnicodeEncodeError, TypeError):
            continue
        if key and b"=" not in key and b"\0" not in key and b"\0" not in text:
            found[key] = text
    return found


class Script:
    """One run. It can be given up from another thread."""

    def __init__(self, path: str, environment: Mapping[str, str], user: User | None) -> None:
        self._path, self._environment, self._user = path, environment, user
        self._process: subprocess.Popen[bytes] | None = None
        self._given_up = self._late = False
        self._limit = 0.0
        self._guard = threading.Lock()

    async def run(self, limit: float = 0.0) -> Finished:
        """Wait for its end. limit: seconds after which it is killed; 0: none."""
        running = _in_thread(self._run)
        self._limit = limit
        timer = asyncio.get_running_loop().call_later(limit, self._too_long) if limit > 0 else None
        try:
            return await running
        except asyncio.CancelledError:
            self.give_up()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _too_long(self) -> None:
        self._late = True
        self.give_up()

    def give_up(self) -> None:
        """Kill it with its children, now or as soon as it begins."""
        with self._guard:
            self._given_up = True
            if self._process is not None and self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def _run(self) -> Finished:
        begun = time.monotonic()
        # A file, not a pipe: a child that a script leaves behind would hold a pipe open, and us.
        with tempfile.TemporaryFile() as error:
            try:
                with self._guard:
                    if self._given_up:
                        return Finished(self._path, -signal.SIGKILL, b"")
                    self._process = self._start(error.fileno())
            except (OSError, ValueError, subprocess.SubprocessError) as err:
                text = f"{self._path} cannot be started: {getattr(err, 'strerror', None) or err}\n"
                return Finished(self._path, _NOT_STARTED, text.encode(), time.monotonic() - begun)
            status = self._process.wait()
            size = os.fstat(error.fileno()).st_size
            error.seek(max(0, size - _ERROR_BYTES))
            said = error.read(_ERROR_BYTES)
            if self._late:
                said += f"{self._path} was killed after {self._limit:g} s\n".encode()
            return Finished(self._path, status, said, time.monotonic() - begun)

    def _start(self, error: int) -> subprocess.Popen[bytes]:
        try:
            return self._popen([self._path], error)
        except OSError as err:
            if err.errno != errno.ENOEXEC:
                raise
        return self._popen(["python3" if speaks_python(self._path) else "/bin/sh", self._path], error)

    def _popen(self, argv: list[str], error: int) -> subprocess.Popen[bytes]:
        user = self._user
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=error,
            env=encodable(self._environment),
            start_new_session=True,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=user.groups if user else None,
        )


def _in_thread(work: Callable[[], Finished]) -> asyncio.Future[Finished]:
    """In a daemon thread of its own: a script that hangs keeps neither others nor the agent's end waiting."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Finished] = loop.create_future()

    def settle(done: Finished | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        elif done is not None:
            future.set_result(done)

    def run() -> None:
        done, error = None, None
        try:
            done = work()
        except BaseException as err:
            error = err
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, done, error)

    threading.Thread(target=run, name="hook", daemon=True).start()
    return future
