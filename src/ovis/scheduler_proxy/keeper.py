"""The process that keeps one module loaded and forks a run of it for every call.

Does: confine itself, load the file, tell its units, then serve: for each call fork, tell how the run ended, kill it when nobody
waits any more, and kill whatever a run leaves behind. Does not: run units itself, or know other modules.
"""

import contextlib
import gc
import importlib.util
import inspect
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
import traceback
from typing import Any

from ovis.scheduler_proxy import connection
from ovis.scheduler_proxy.answers import METHODS
from ovis.scheduler_proxy.limits import children, confine
from ovis.scheduler_proxy.run import run

_LONGEST_DOC = 2000
_CALL_FDS = 5
_ROOM_SECONDS = 1.0
Units = dict[tuple[str, str], type]


def main(descriptor: int) -> None:
    """Serve the other end of a socket; it ends when that is closed."""
    control = socket.socket(fileno=descriptor)
    order = json.loads(control.recv(1 << 16))
    quiet = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(quiet, standard)
    limited = confine()
    connection.configure(order["engine"])
    sys.path.append(os.path.dirname(order["path"]))
    seconds = int(order["load_seconds"]) + 2
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, most))
    signal.alarm(2 * seconds)  # should the proxy itself be gone
    try:
        units, told = load(order["path"])
    except BaseException as error:
        told = {"error": _told(error, order["path"])}
        control.send(json.dumps(told).encode())
        return
    signal.alarm(0)
    _prepare_output()
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    control.send(json.dumps({**told, "limited": limited}).encode())
    gc.collect()
    gc.freeze()
    gc.disable()
    _Keeper(control, units, float(order["seconds"])).serve()


def load(path: str) -> tuple[Units, dict[str, Any]]:
    """The units of a file, and what the proxy tells of them."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if "ovirtsdk" in text or "scheduler_proxy" in text:
        _warm()
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    if name not in sys.modules:
        sys.modules[name] = module
    sys.dont_write_bytecode = True
    exec(compile(text, path, "exec"), module.__dict__)
    units: Units = {}
    told: dict[str, dict[str, list[str]]] = {kind: {} for kind in METHODS}
    for found in list(vars(module).values()):
        if not isinstance(found, type) or found.__name__.startswith("_"):
            continue
        for kind, method in METHODS.items():
            if callable(getattr(found, method, None)):
                units[kind, found.__name__] = found
                told[kind][found.__name__] = [_doc(found), _patterns(found)]
    folder = os.path.dirname(path)
    files = [getattr(m, "__file__", None) or "" for m in list(sys.modules.values())]
    beside = sorted({os.path.basename(f) for f in files if os.path.dirname(f) == folder})
    return units, {"units": told, "beside": beside}


def _prepare_output() -> None:
    """What runs print into, and what ends them: made here, where it costs once."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115  ends with the process
    sys.stderr = open(2, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _warm() -> None:
    """What a connection loads at its first use."""
    with contextlib.suppress(ImportError):
        import ovirtsdk.api
        import ovirtsdk.infrastructure.brokers
        import ovirtsdk.xml.params

        _ = (ovirtsdk.api.API, ovirtsdk.xml.params.Host, ovirtsdk.xml.params.VM)


def _doc(found: type) -> str:
    return (inspect.getdoc(found) or "")[:_LONGEST_DOC]


def _patterns(found: type) -> str:
    patterns = getattr(found, "properties_validation", "")
    if not isinstance(patterns, str):
        raise TypeError(f"properties_validation of {found.__name__} is not a text")
    return patterns[:_LONGEST_DOC]


def _told(error: BaseException, path: str) -> str:
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} (line {error.lineno})"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    where = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {str(error)[:_LONGEST_DOC]}{where}"


class _Keeper:
    """The loop. runs: process -> the socket of whoever waits for it."""

    def __init__(self, control: socket.socket, units: Units, seconds: float) -> None:
        self._control, self._units, self._seconds = control, units, seconds
        self._runs: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, wake_up = os.pipe()
        for end in (self._wake, wake_up):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_up, warn_on_full_buffer=False)
        self._selector.register(control, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until the proxy goes away."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._control:
                    if not self._begin():
                        return
                elif key.fileobj == self._wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake, 4096)
                    self._reap()
                else:
                    self._given_up(key.data)

    def _begin(self) -> bool:
        message, fds, _, _ = socket.recv_fds(self._control, 16, _CALL_FDS)
        if not message:
            return False
        caller, request, out, err, result = fds
        pid = self._fork()
        if pid == 0:
            run(self._units, caller, request, out, err, result, self._seconds)
        for descriptor in (request, out, err, result):
            os.close(descriptor)
        waiting = socket.socket(fileno=caller)
        if pid < 0:
            self._say(waiting, -1)
            return True
        self._runs[pid] = waiting
        self._selector.register(waiting, selectors.EVENT_READ, pid)
        return True

    def _fork(self) -> int:
        """As os.fork; -1 if there is no room for another process, even after what earlier runs left is gone."""
        deadline = time.monotonic() + _ROOM_SECONDS
        while True:
            try:
                return os.fork()
            except OSError:
                if time.monotonic() > deadline:
                    return -1
                self._reap()
                time.sleep(0.005)

    def _given_up(self, pid: int) -> None:
        """Whoever waited closed its end: it has the answer, or waits no more."""
        waiting = self._runs.pop(pid, None)
        if waiting is not None:  # else it ended meanwhile
            self._kill(pid)
            self._selector.unregister(waiting)
            waiting.close()

    def _kill(self, pid: int) -> None:
        for kill, target in ((os.kill, pid), (os.killpg, pid)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(target, signal.SIGKILL)

    def _reap(self) -> None:
        """Runs that ended, and what they left: orphans come to this process, which ends them."""
        while True:
            try:
                while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                    self._ended(*ended)
            except ChildProcessError:
                return  # nothing is below this process
            strays = [pid for pid in children(os.getpid()) if pid not in self._runs]
            if not strays:
                return
            for pid in strays:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def _ended(self, pid: int, status: int) -> None:
        waiting = self._runs.pop(pid, None)
        if waiting is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            self._selector.unregister(waiting)
            self._say(waiting, os.waitstatus_to_exitcode(status))

    @staticmethod
    def _say(waiting: socket.socket, code: int) -> None:
        with contextlib.suppress(OSError):
            waiting.send(str(code).encode())
        waiting.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
