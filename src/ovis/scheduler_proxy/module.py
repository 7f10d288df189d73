"""One module as the proxy holds it: its keeper, its units, calls of them.

Does: start the keeper, wait for what it offers, run units in it with a time limit. Does not: watch the file.
"""

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from ovis.scheduler_proxy.answers import LARGEST, Kind
from ovis.scheduler_proxy.limits import end_tree

log = logging.getLogger(__name__)
_LONGEST_ANSWER = 32 << 20
_LONGEST_STDERR = 4000
# Told by the module's own process, so looked at again.
_SHAPES: Mapping[Kind, Any] = {
    "filter": msgspec.json.Decoder(list[str]),
    "score": msgspec.json.Decoder(dict[str, Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]]),
    "balance": msgspec.json.Decoder(tuple[str, list[str]]),
}


class _Told(msgspec.Struct):
    """What a run writes."""

    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: str = ""


_TOLD = msgspec.json.Decoder(_Told)


class RunFailed(Exception):
    """A unit gave no answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: of one run, of loading a file. at_once: runs of one module."""

    seconds: float = 30.0
    load_seconds: float = 30.0
    at_once: int = 16


@dataclass(slots=True)
class Module:
    """units: kind -> name -> [doc, patterns]. error: why it cannot be used, if it cannot. beside: files it is made of."""

    path: str
    limits: Limits
    units: Mapping[Kind, Mapping[str, list[str]]] = field(default_factory=dict)
    error: str = ""
    beside: tuple[str, ...] = ()
    _control: socket.socket | None = None
    _keeper: "subprocess.Popen[bytes] | None" = None
    _slots: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(1))

    @property
    def name(self) -> str:
        """The file's."""
        return os.path.basename(self.path)

    def start(self, engine: Mapping[str, str]) -> None:
        """Load it; afterwards it has units or an error."""
        self._slots = threading.BoundedSemaphore(self.limits.at_once)
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            code = f"from ovis.scheduler_proxy.keeper import main; main({its.fileno()})"
            self._keeper = subprocess.Popen(
                [sys.executable, "-P", "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(its.fileno(),),
                cwd=os.path.dirname(self.path),
                start_new_session=True,
            )
        self._control = ours
        order = {"path": self.path, "engine": dict(engine), "seconds": self.limits.seconds}
        order["load_seconds"] = self.limits.load_seconds
        try:
            ours.settimeout(self.limits.load_seconds)
            ours.send(json.dumps(order).encode())
            told = json.loads(ours.recv(_LONGEST_ANSWER) or b"{}")
        except TimeoutError:
            told = {"error": f"it was not loaded within {self.limits.load_seconds:g} s"}
        except (OSError, ValueError) as err:
            told = {"error": f"its process cannot be talked to: {err}"}
        self._heed(told)

    def _heed(self, told: Mapping[str, Any]) -> None:
        if "units" not in told:
            self.error = str(told.get("error") or "its process ended while it was loaded")
            self.end()
            return
        self.units, self.beside = told["units"], tuple(told["beside"])
        if not told["limited"]:
            log.warning("the number of processes of %s is not limited on this machine", self.name)

    def end(self) -> None:
        """Kill it with everything that it started."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._keeper is not None:
            if self._keeper.poll() is None:
                end_tree(self._keeper.pid)
            self._keeper.wait()
            self._keeper = None

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._keeper is not None and self._keeper.poll() is None

    def run(self, kind: Kind, unit: str, arguments: Sequence[Any]) -> Any:
        """The unit's answer in the protocol's shape, or RunFailed."""
        control = self._control
        if control is None or not self._slots.acquire(timeout=self.limits.seconds):
            raise RunFailed(self.error or "too many of its runs are at work")
        try:
            return self._run(control, kind, unit, arguments)
        finally:
            self._slots.release()

    def _run(self, control: socket.socket, kind: Kind, unit: str, arguments: Sequence[Any]) -> Any:
        files = [os.memfd_create(name) for name in ("request", "stdout", "stderr", "result")]
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with its:
                _write(files[0], msgspec.json.encode((kind, unit, arguments)))
                try:
                    socket.send_fds(control, [b"r"], [its.fileno(), *files])
                except OSError as err:
                    raise RunFailed("the process that keeps it has ended") from err
            ours.settimeout(self.limits.seconds)
            try:
                code = ours.recv(16)
            except TimeoutError as err:
                raise RunFailed(f"it gave no answer within {self.limits.seconds:g} s") from err
            except OSError as err:
                raise RunFailed("the process that keeps it has ended") from err
            self._note_errors(unit, files[2])
            return _read_answer(kind, int(code or b"-1"), files[3])
        finally:
            ours.close()
            for descriptor in files:
                os.close(descriptor)

    def _note_errors(self, unit: str, descriptor: int) -> None:
        if os.fstat(descriptor).st_size:
            text = os.pread(descriptor, _LONGEST_STDERR, 0).decode("utf-8", "replace")
            log.info("%s of %s says: %s", unit, self.name, text.rstrip())


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_answer(kind: Kind, code: int, descriptor: int) -> Any:
    size = os.fstat(descriptor).st_size
    if size == 0:
        raise RunFailed(_ending(code))
    if size > _LONGEST_ANSWER:
        raise RunFailed("its answer is too long")
    try:
        told = _TOLD.decode(os.pread(descriptor, size, 0))
    except (msgspec.DecodeError, RecursionError) as err:
        raise RunFailed("it wrote into what its answer is passed in") from err
    if isinstance(told.result, msgspec.UnsetType):
        raise RunFailed(told.error)
    try:
        return _SHAPES[kind].decode(told.result)
    except (msgspec.DecodeError, RecursionError) as err:
        raise RunFailed("its answer has not the shape of one") from err


def _ending(code: int) -> str:
    if code == -1:
        return "no process can be started for it"
    if code == -24:
        return "it used more processor time than it may"
    if code < 0:
        return f"its process was killed by signal {-code}"
    return f"its process ended without an answer (status {code})"
