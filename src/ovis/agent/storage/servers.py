"""Storage servers of a host: directories used as they are, everything else mounted by mount(8).

Does: `<repository>/mnt/<escaped path>` as a link to a directory or as a mount point; finds domains below.
Does not: decide which domains exist or who may use them.
Follows: VDSM's names of mount points: `_` doubled, `/` as `_`.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from ovis.agent.storage import checks, domains, programs
from ovis.agent.storage.domains import FileDomain
from ovis.agent.storage.threads import in_thread
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_MOUNT_LIMIT = 120.0
_OPTIONS = re.compile(r"[\x21-\x7e]{0,2000}")


def escape(remote: str) -> str:
    """Name of a server's mount point."""
    return remote.rstrip("/").replace("_", "__").replace("/", "_") or "_"


class Servers:
    """What is connected. root: the repository's `mnt`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, FileDomain] = {}
        self._lock = asyncio.Lock()

    def point(self, remote: str) -> Path:
        """Where a server is shown."""
        return self.root / escape(remote)

    async def connect(self, kind: str, params: Mapping[str, Any]) -> None:
        """Show a server's folder. VerbError with the reason."""
        remote = checks.remote_path(params.get("connection") or params.get("remotePath"))
        point = self.point(remote)
        async with self._lock:
            await in_thread(self.root.mkdir, parents=True, exist_ok=True)
            if kind == "LOCALFS" or (kind == "POSIXFS" and await in_thread(os.path.isdir, remote)):
                await in_thread(_link, Path(remote), point)
            elif not await in_thread(os.path.ismount, point):
                await self._mount(kind, remote, point, params)

    async def _mount(self, kind: str, remote: str, point: Path, params: Mapping[str, Any]) -> None:
        options = str(params.get("mnt_options") or "")
        if _OPTIONS.fullmatch(options) is None:
            raise VerbError(Code.SERVER_VALIDATION, "The mount options have characters that no option has")
        if kind == "NFS":
            type_ = "nfs"
            options = ",".join(filter(None, (_nfs_options(params), options)))
        else:
            type_ = checks.vfs_type(params.get("vfs_type"))
        made = False
        try:
            if point.is_symlink():
                await in_thread(point.unlink)
            made = not point.exists()
            await in_thread(point.mkdir, exist_ok=True)
            argv = ["mount", "-t", type_, *(["-o", options] if options else []), "--", remote, str(point)]
            await programs.run(argv, limit=_MOUNT_LIMIT, leash=False)
        except programs.ProgramFailed as err:
            if made:
                with contextlib.suppress(VerbError):
                    await in_thread(point.rmdir)
            raise VerbError(Code.MOUNT_FAILED, f"{remote} cannot be mounted: {_said(err, point)}") from err

    async def disconnect(self, params: Mapping[str, Any]) -> None:
        """Hide a server's folder; one that is not shown is no error, one in use is 477."""
        point = self.point(checks.remote_path(params.get("connection") or params.get("remotePath")))
        async with self._lock:
            self._known.clear()
            if await in_thread(point.is_symlink):
                await in_thread(point.unlink)
                return
            if await in_thread(os.path.ismount, point):
                try:
                    await programs.run(["umount", "--", str(point)], limit=_MOUNT_LIMIT, leash=False)
                except programs.ProgramFailed as err:
                    raise VerbError(Code.MOUNT_FAILED, f"{point.name} cannot be unmounted: {err.said}") from err
            with contextlib.suppress(VerbError):  # there is none, or something lies below it
                await in_thread(point.rmdir)

    def connected(self, remote: str) -> Path | None:
        """The folder of a server that is connected."""
        point = self.point(remote)
        return point if point.is_symlink() or os.path.ismount(point) else None

    def domains(self) -> list[FileDomain]:
        """Every domain on what is connected; a server that does not answer shows none."""
        found: dict[str, FileDomain] = {}
        try:
            points = sorted(self.root.iterdir())
        except FileNotFoundError:
            points = []
        for point in points:
            try:
                for domain in domains.in_folder(point):
                    found.setdefault(domain.id, domain)
            except (OSError, VerbError) as err:
                log.warning("storage server not readable", point=point.name, error=str(err))
        self._known = found
        return list(found.values())

    def readable(self) -> list[tuple[FileDomain, dict[str, str]]]:
        """Every domain with its metadata; a damaged one is left out."""
        found = []
        for domain in self.domains():
            try:
                found.append((domain, domain.facts()))
            except VerbError as err:
                log.warning("storage domain not readable", domain=domain.id, error=err.message)
        return found

    def find(self, domain_id: str) -> FileDomain:
        """A domain by its id; VerbError 358 if it is nowhere."""
        known = self._known.get(domain_id)
        if known is not None and (known.md / "metadata").exists():
            return known
        self.domains()
        known = self._known.get(domain_id)
        if known is None:
            raise domains.missing(domain_id)
        return known

    def forget(self, domain_id: str) -> None:
        """Look for it anew the next time."""
        self._known.pop(domain_id, None)


def _link(folder: Path, point: Path) -> None:
    if not folder.is_dir():
        raise VerbError(Code.SERVER_CONNECTION, f"{folder} is not a directory of this host")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise VerbError(Code.SERVER_PERMISSION, f"{folder} cannot be written")
    if point.is_symlink():
        if Path(os.readlink(point)) == folder:
            return
        point.unlink()
    elif point.exists():
        if os.path.ismount(point):
            raise VerbError(Code.SERVER_CONNECTION, f"{folder} is connected already, as a mount")
        point.rmdir()
    point.symlink_to(folder)


def _said(err: Exception, point: Path) -> str:
    """What the kernel said through mount(8), without its hints."""
    said = err.said if isinstance(err, programs.ProgramFailed) and err.said else str(err)
    lines = [line.strip() for line in said.splitlines() if "dmesg(1)" not in line]
    return " ".join(filter(None, lines)).removeprefix(f"mount: {point}: ").rstrip(".")


def _nfs_options(params: Mapping[str, Any]) -> str:
    """VDSM's options: fail instead of hanging for ever."""
    timeo = checks.number(params.get("timeout") or 100, "timeout", least=1, most=1 << 16)
    retrans = checks.number(params.get("retrans") or 3, "retrans", most=1 << 16)
    options = ["soft", "nosharecache", f"timeo={timeo}", f"retrans={retrans}"]
    version = str(params.get("protocol_version") or "auto")
    if version != "auto":
        if re.fullmatch(r"[34](\.[0-2])?", version) is None:
            raise VerbError(Code.SERVER_VALIDATION, f"This is no version of NFS: {version[:20]!r}")
        options.append(f"vers={version}")
    return ",".join(options)
