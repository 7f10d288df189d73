"""Servers of single volumes for backup and transfer: one qemu-nbd a volume, on a socket of this host.

Does: start and stop by an id that the caller chose; servers outlive the agent and are found again by their records.
Does not: listen on networks, or guard who opens the socket beyond its folder's mode (root only).
Follows: VDSM's verbs and its form of URLs; QEMU's locks keep a writing server away from a volume in use.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from ovis.agent.storage import checks, programs, volumes
from ovis.agent.storage.core import StorageCore
from ovis.agent.storage.threads import in_thread
from ovis.agent.storage.volume_verbs import check_legal
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_SECONDS = 30.0
_SHARED = 8  # connections at once
_LONGEST = 107  # bytes of a socket's path


class NbdVerbs:
    """The verbs. folder: of sockets and process ids."""

    def __init__(self, core: StorageCore, folder: Path) -> None:
        self._core, self._folder = core, folder

    def _socket(self, server: str) -> Path:
        return self._folder / f"{server}.sock"

    def _pid_file(self, server: str) -> Path:
        return self._folder / f"{server}.pid"

    async def nbd_start_server(self, server_id: str, config: Mapping[str, Any]) -> str:
        """Serve a volume; the URL. The same id again is the same server."""
        server = checks.id_of(server_id, "server_id")
        volume = await self._core.volume(config.get("sd_id"), config.get("img_id"), config.get("vol_id"))
        socket = self._socket(server)
        if len(os.fsencode(socket)) > _LONGEST:
            raise VerbError(Code.GENERAL, f"The path of the server's socket is too long: {socket}")
        url = f"nbd:unix:{socket}"
        if await in_thread(running, self._pid_file(server), socket):
            return url
        check_legal(await in_thread(volumes.chain, volume))
        form = await in_thread(volume.form)
        command = arguments(volume.path, form, config, socket, self._pid_file(server))
        await in_thread(_make_folder, self._folder)
        try:
            # It forks once it listens, and tells on standard error why it does not.
            await programs.run(command, limit=_SECONDS, leash=False)
        except programs.ProgramFailed as err:
            await in_thread(_clear, socket, self._pid_file(server))
            busy = "lock" in err.said
            raise VerbError(Code.VOLUME_BUSY if busy else Code.GENERAL, f"The volume cannot be served: {err}") from err
        log.info("volume served", server=server, volume=volume.id)
        return url

    async def nbd_stop_server(self, server_id: str) -> None:
        """End a server; one that is not there is no error."""
        server = checks.id_of(server_id, "server_id")
        await in_thread(_stop, self._pid_file(server), self._socket(server))


def arguments(path: Path, form: str, config: Mapping[str, Any], socket: Path, pid_file: Path) -> list[str]:
    """qemu-nbd's command line. INVALID_PARAMETER for a bitmap of a volume that has none. Pure."""
    readonly = checks.truth(config.get("readonly", False))
    command = ["qemu-nbd", "--fork", f"--pid-file={pid_file}", f"--socket={socket}", "--persistent"]
    command += [f"--shared={_SHARED}", "--export-name=", "--cache=writeback"]
    if readonly:
        command.append("--read-only")
    if checks.truth(config.get("discard", False)):
        command.append("--discard=unmap")
        if checks.truth(config.get("detect_zeroes", False)):
            command.append("--detect-zeroes=unmap")
    elif checks.truth(config.get("detect_zeroes", False)):
        command.append("--detect-zeroes=on")
    bitmap = config.get("bitmap")
    if bitmap:
        if form != "qcow2":
            raise checks.invalid("A raw volume has no bitmaps")
        command.append(f"--bitmap={checks.id_of(bitmap, 'bitmap')}")
    if not checks.truth(config.get("backing_chain", True)) and form == "qcow2":
        layer = {"driver": form, "file": {"driver": "file", "filename": str(path)}, "backing": None}
        return [*command, "json:" + json.dumps(layer)]
    return [*command, f"--format={form}", str(path)]


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def running(pid_file: Path, socket: Path) -> int:
    """The server's process, 0 if there is none: a number that another program has now does not count."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return 0
    return pid if f"--socket={socket}".encode() in command else 0


def _stop(pid_file: Path, socket: Path) -> None:
    pid = running(pid_file, socket)
    if pid:
        for number, wait in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            until = time.monotonic() + wait
            while running(pid_file, socket) and time.monotonic() < until:
                time.sleep(0.02)
            if not running(pid_file, socket):
                break
    _clear(socket, pid_file)


def _clear(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)
