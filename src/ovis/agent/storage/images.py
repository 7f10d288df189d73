"""Image files by qemu-img: made, grown, copied with progress, looked at.

Does: name formats explicitly (a guest writes its own headers), keep backing paths relative, tell a full disk from
other faults. Does not: know domains or metadata. Never `-U` on what is written.
"""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ovis.agent.storage import programs
from ovis.contract.errors import Code, VerbError

_QUICK = 60.0
_SLOWEST = 1 << 20  # bytes a second below which a copy counts as hung
_PROGRESS = re.compile(r"\((\d+)(?:\.\d+)?/100%\)")
FORMATS = {"COW": "qcow2", "RAW": "raw"}


def _fault(err: programs.ProgramFailed, code: int) -> VerbError:
    if "No space left on device" in err.said or "Disk quota exceeded" in err.said:
        code = Code.NO_SPACE
    elif 'Failed to get "write" lock' in err.said or "Failed to get shared" in err.said:
        code = Code.VOLUME_BUSY
    return VerbError(code, err.said.splitlines()[-1] if err.said else str(err))


async def _qemu_img(*args: str, limit: float = _QUICK, code: int, heard: Callable[[str], None] | None = None) -> str:
    try:
        return await programs.run(["qemu-img", *args], limit=limit, heard=heard)
    except programs.ProgramFailed as err:
        raise _fault(err, code) from err


def _time_for(size: int) -> float:
    return 600.0 + size / _SLOWEST


async def create(
    path: Path, form: str, size: int, *, backing: str = "", backing_form: str = "", preallocated: bool = False
) -> None:
    """A new image of `size` bytes. form: raw or qcow2. backing: path as it is stored, relative to the image."""
    options = ["compat=1.1"] if form == "qcow2" else []
    if preallocated and not backing:
        options.append("preallocation=falloc")
    args = ["create", "-q", "-f", form]
    if options:
        args += ["-o", ",".join(options)]
    if backing:
        args += ["-u", "-b", backing, "-F", backing_form]  # the caller looked; a guest may write to it
    limit = _time_for(size) if preallocated else _QUICK
    await _qemu_img(*args, str(path), str(size), limit=limit, code=Code.VOLUME_CREATION)


async def resize(path: Path, form: str, size: int, *, preallocated: bool = False) -> None:
    """Grow an image to `size` bytes. VerbError 203 while somebody else writes to it."""
    args = ["resize", "-q", "-f", form]
    if preallocated:
        args.append("--preallocation=falloc")
    await _qemu_img(*args, str(path), str(size), limit=_time_for(size), code=Code.VOLUME_EXTENSION)


async def convert(
    source: Path,
    source_form: str,
    target: Path,
    target_form: str,
    *,
    size: int,
    backing: str = "",
    progress: Callable[[int], None],
) -> None:
    """Copy what the source shows into an image that is there. backing: the target's own; then only the top layer goes."""
    text = ""

    def heard(piece: str) -> None:
        nonlocal text
        text = (text + piece)[-64:]
        found = _PROGRESS.findall(text)
        if found:
            progress(min(100, int(found[-1])))

    args = ["convert", "-p", "-n"]
    if direct(source):
        args += ["-T", "none"]
    if direct(target):
        args += ["-t", "none"]
    if backing:
        args += ["-B", backing]
    args += ["-f", source_form, "-O", target_form, str(source), str(target)]
    await _qemu_img(*args, limit=_time_for(size), code=Code.VOLUME_COPY, heard=heard)


async def sparsify(
    path: Path, form: str, *, size: int, backing: str = "", backing_form: str = "", progress: Callable[[int], None]
) -> None:
    """Write the image anew without its zeros and put it in the old one's place, in one step. backing: relative.

    A crash leaves the old file, or the new one; beside it at most a file of a name that says it is nothing.
    """
    fresh = path.with_name(f"{path.name}.sparse")
    try:
        await create(fresh, form, size, backing=backing, backing_form=backing_form)
        await convert(
            path, form, fresh, form, size=size, backing=str(path.parent / backing) if backing else "", progress=progress
        )
        status = path.stat()
        os.chown(fresh, status.st_uid, status.st_gid)
        fresh.chmod(status.st_mode & 0o777)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


async def commit(top: Path, *, size: int, progress: Callable[[int], None]) -> None:
    """Write a qcow2 layer's data into the image right below it; the layer itself stays as it is. Twice is no harm."""
    text = ""

    def heard(piece: str) -> None:
        nonlocal text
        text = (text + piece)[-64:]
        found = _PROGRESS.findall(text)
        if found:
            progress(min(100, int(found[-1])))

    args = ["commit", "-p", "-d", "-f", "qcow2", *(["-t", "none"] if direct(top) else []), str(top)]
    await _qemu_img(*args, limit=_time_for(size), code=Code.MERGE_FAILED, heard=heard)


async def rebase(path: Path, backing: str, backing_form: str) -> None:
    """Let a qcow2 layer lie upon another image that shows the same; only its header changes. backing: relative."""
    await _qemu_img(
        "rebase", "-q", "-u", "-f", "qcow2", "-b", backing, "-F", backing_form, str(path), code=Code.MERGE_FAILED
    )


def direct(path: Path) -> bool:
    """Whether the file can bypass the page cache: copies then leave guests' cached data alone."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC))
    except OSError:
        return False
    return True


async def info(path: Path, form: str) -> dict[str, Any]:
    """`qemu-img info` of one layer; also of an image that a guest uses."""
    text = await _qemu_img("info", "-U", "--output", "json", "-f", form, str(path), code=Code.VOLUME_FORMAT)
    found: dict[str, Any] = json.loads(text)
    return found


async def chain(path: Path, form: str) -> list[dict[str, Any]]:
    """`qemu-img info` of an image and everything below it, top first."""
    text = await _qemu_img(
        "info", "-U", "--backing-chain", "--output", "json", "-f", form, str(path), code=Code.VOLUME_FORMAT
    )
    found: list[dict[str, Any]] = json.loads(text)
    return found


async def measure(path: Path, form: str, target_form: str, *, whole_chain: bool = True) -> dict[str, Any]:
    """Bytes that the image takes in another format."""
    if whole_chain or form == "raw":
        what = ["-f", form, str(path)]
    else:
        layer = {"driver": form, "file": {"driver": "file", "filename": str(path)}, "backing": None}
        what = ["json:" + json.dumps(layer)]
    text = await _qemu_img(
        "measure", "-U", "--output", "json", "-O", target_form, *what, limit=300.0, code=Code.VOLUME_FORMAT
    )
    found: dict[str, Any] = json.loads(text)
    return found


def virtual_size(path: Path, form: str) -> int:
    """Size that a guest sees: a qcow2 header's, or a raw file's length. 0 if it is no such image."""
    if form == "raw":
        return path.stat().st_size
    with path.open("rb") as file:
        header = file.read(32)
    return int.from_bytes(header[24:32], "big") if header[:4] == b"QFI\xfb" and len(header) == 32 else 0
