"""Runs of hook points: the document handed from script to script, and what comes of it.

Does: one temporary file a run, the environment, all scripts in order by VDSM's rules for exit statuses, the error of a
point whose failure is the operation's; tells which script runs now. Does not: know operations (those call `domain` or
`data`). Without a script the document comes back at once and no process is started.
Follows: VDSM's hooks: 0 went well; 1 failed, the others still run; 2 failed, stop here; any other, or a signal, counts as
1. A changed document counts even from a script that failed.
"""

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from ovis.agent.hooks.points import POINTS, Document, Point
from ovis.agent.hooks.scripts import Finished, Script, User, account, candidates, checksum
from ovis.contract.errors import VerbError

log = structlog.get_logger(__name__)
DIRECTORY = "/usr/libexec/vdsm/hooks"
_DOCUMENT_BYTES = 16 << 20  # a document that grows beyond is an accident
_STOP = 2
_SLOW_SECONDS = 10.0  # after which a script that runs is worth a line in the log


class HookError(VerbError):
    """A point's scripts failed, and that is the operation's failure. document: as they left it."""

    def __init__(self, point: Point, message: str, document: str = "") -> None:
        super().__init__(point.code, point.words + message)
        self.point, self.document = point.name, document


class Running(Struct, frozen=True):
    """A script that runs now. begun: Unix seconds."""

    point: str
    script: str
    begun: float

    @property
    def row(self) -> dict[str, Any]:
        """As statistics and events show it."""
        return {"point": self.point, "script": self.script, "since": int(self.begun)}


class Ran(Struct, frozen=True):
    """A whole run: the file as it was left, and each script's end. problem: why there is no such file; the content is the
    one of before then."""

    content: bytes
    scripts: tuple[Finished, ...]
    problem: str = ""

    @property
    def failed(self) -> bool:
        """Whether any script did, or none could run."""
        return any(s.status for s in self.scripts) or (bool(self.problem) and not self.scripts)


def library() -> str:
    """The folder from which scripts import `hooking` and `vdsm`, and nothing else."""
    return str(Path(__file__).resolve().parent / "library")


def error_text(point: Point, ran: Ran) -> str:
    """The text that engines show: the error of the last script that ran, or that failed."""
    if not ran.scripts:
        return ran.problem
    chosen = [s for s in ran.scripts if s.status] if point.last_failing else list(ran.scripts)
    return f"Hook Error: ({chosen[-1].error if chosen else b''!r},)"


class Hooks:
    """The points of one host.

    told: is called with a VM's id and the script that runs for it, or None, whenever that changes.
    own: a VM's custom properties, for calls that do not give them. places: variables that tell scripts where things of
    the agent are.
    """

    def __init__(self, folder: str = DIRECTORY, *, limit: float = 0.0, places: Mapping[str, str] = {}) -> None:
        self.folder = Path(folder or DIRECTORY)
        self._runs: dict[str, dict[int, Running]] = {}  # by VM, by run
        self._numbers = itertools.count()
        self.told: Callable[[str, Running | None], None] = lambda vm_id, running: None
        self.own: Callable[[str], Mapping[str, str]] = lambda vm_id: {}
        self._limit = limit
        self._places = places
        self._library = library()

    @property
    def running(self) -> dict[str, Running]:
        """By VM: the script that has run for it the longest."""
        return {vm_id: min(runs.values(), key=lambda r: r.begun) for vm_id, runs in self._runs.items()}

    def scripts(self, point: str) -> list[str]:
        """Paths of a point's scripts, in order."""
        return candidates(self.folder / point)

    def installed(self) -> dict[str, dict[str, dict[str, str]]]:
        """{point: {script: {"checksum": SHA-256}}} of all that has scripts. Reads files."""
        found: dict[str, dict[str, dict[str, str]]] = {}
        for point in POINTS:
            for path in self.scripts(point):
                try:
                    found.setdefault(point, {})[os.path.basename(path)] = {"checksum": checksum(path)}
                except OSError as err:
                    log.warning("a hook cannot be read", path=path, error=str(err))
        return found

    async def domain(
        self,
        point: str,
        xml: str,
        *,
        vm_id: str | None = None,
        custom: Mapping[str, str] | None = None,
        device: Mapping[str, str] = {},
        env: Mapping[str, str] = {},
    ) -> str:
        """Run a point with an XML document (or an empty one); the document, changed only if results count there.

        custom: the VM's custom properties; None: those that are known of it. device: the device's. env: the call's.
        HookError if the point's failure is the operation's.
        """
        declared = POINTS[point]
        scripts = self.scripts(point)
        if not scripts:
            return xml
        content = b"" if declared.document is Document.EMPTY else xml.encode()
        ran = await self._run(declared, scripts, content, vm_id, custom, {**device, **env})
        if declared.fatal and ran.failed:
            raise HookError(declared, error_text(declared, ran), ran.content.decode(errors="replace"))
        return _text(declared, ran) if declared.used else xml

    async def data(
        self,
        point: str,
        value: Any,
        *,
        vm_id: str | None = None,
        custom: Mapping[str, str] | None = None,
        env: Mapping[str, str] = {},
    ) -> Any:
        """The same for a JSON document. What is no JSON any more is an error at every point."""
        declared = POINTS[point]
        scripts = self.scripts(point)
        if not scripts:
            return value
        ran = await self._run(declared, scripts, msgspec.json.encode(value), vm_id, custom, env)
        if declared.fatal and ran.failed:
            raise HookError(declared, error_text(declared, ran))
        found = _parsed(declared, ran)
        return found if declared.used else value

    async def _run(
        self,
        point: Point,
        scripts: list[str],
        content: bytes,
        vm_id: str | None,
        custom: Mapping[str, str] | None,
        env: Mapping[str, str],
    ) -> Ran:
        if custom is None:
            custom = self.own(vm_id) if vm_id else {}
        return await self.run(point, scripts, content, {**env, **custom, **({"vmId": vm_id} if vm_id else {})})

    async def run(self, point: Point, scripts: list[str], content: bytes, env: Mapping[str, str]) -> Ran:
        """All scripts over one file. env: beside the agent's own."""
        user = account(point.user)
        try:
            file = _file(content, user)
        except OSError as err:
            log.error("hooks cannot run: there is no room for their document", point=point.name, error=str(err))
            return Ran(content, (), f"{point.name}: its scripts cannot run: {err.strerror}")
        vm_id, number = env.get("vmId", ""), next(self._numbers)
        ended: list[Finished] = []
        try:
            whole = self._environment(env, "_hook_json" if point.json else "_hook_domxml", file)
            for path in scripts:
                self._tell(vm_id, number, Running(point.name, os.path.basename(path), time.time()))
                ended.append(await self._one(path, whole, user, vm_id))
                if ended[-1].status == _STOP:
                    break
            left, problem = _read(file, content)
            return Ran(left, tuple(ended), problem)
        finally:
            self._tell(vm_id, number, None)
            Path(file).unlink(missing_ok=True)

    async def _one(self, path: str, env: Mapping[str, str], user: User | None, vm_id: str) -> Finished:
        vm = vm_id or None
        slow = asyncio.get_running_loop().call_later(
            _SLOW_SECONDS, lambda: log.warning("a hook still runs", path=path, vm=vm, seconds=_SLOW_SECONDS)
        )
        try:
            done = await Script(path, env, user).run(self._limit)
        finally:
            slow.cancel()
        log.info(f"{path}: rc={done.status} err={done.error!r}", vm=vm, seconds=round(done.seconds, 3))
        if done.status not in (0, 1, _STOP):
            log.warning("a hook ended with a status that has no meaning", path=path, status=done.status)
        return done

    def _environment(self, env: Mapping[str, str], variable: str, file: str) -> dict[str, str]:
        whole = {**os.environ, **self._places, **env}
        for name in ("_hook_domxml", "_hook_json"):
            whole.pop(name, None)
        before = whole.get("PYTHONPATH", "")
        whole["PYTHONPATH"] = f"{before}:{self._library}" if before else self._library
        whole[variable] = file
        return whole

    def _tell(self, vm_id: str, number: int, running: Running | None) -> None:
        """A run's script changed, or it ended: what the VM waits for is told."""
        if not vm_id:
            return
        runs = self._runs.setdefault(vm_id, {})
        if running is not None:
            runs[number] = running
        else:
            runs.pop(number, None)
        if not runs:
            del self._runs[vm_id]
        self.told(vm_id, self.running.get(vm_id))


def _file(content: bytes, user: User | None) -> str:
    """A file with a document, that only the scripts' user can read."""
    descriptor, path = tempfile.mkstemp(prefix="hook-")
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        if user is not None:
            os.fchown(out.fileno(), user.uid, user.gid)
    return path


def _read(file: str, before: bytes) -> tuple[bytes, str]:
    """(the document as it was left, why it cannot be had: the one of before then)."""
    try:
        with open(file, "rb") as left:
            content = left.read(_DOCUMENT_BYTES + 1)
    except OSError as err:
        return before, f"a document that cannot be read again: {err.strerror}"
    if len(content) > _DOCUMENT_BYTES:
        return before, f"a document that grew beyond {_DOCUMENT_BYTES >> 20} MiB"
    return content, ""


def _text(point: Point, ran: Ran) -> str:
    problem = ran.problem
    try:
        text = ran.content.decode()
    except UnicodeDecodeError as err:
        problem = f"a document that is not UTF-8: {err}"
    if problem:
        raise HookError(point, f"{_names(ran)} left {problem}")
    return text


def _parsed(point: Point, ran: Ran) -> Any:
    problem, found = ran.problem, None
    try:
        found = msgspec.json.decode(ran.content)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        problem = f"a document that is not JSON: {err}"
    if problem and ran.scripts:
        raise HookError(point, f"{_names(ran)} left {problem}")
    return found


def _names(ran: Ran) -> str:
    return ", ".join(s.script for s in ran.scripts)
