"""Small files that are whole or not there: key=value lines and JSON.

Does: write beside, sync, rename, sync the folder. Does not: know what the keys mean.
Follows: VDSM's metadata of file domains: `KEY=value` lines, volumes' files end with `EOF`.
"""

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

TEMPORARY = ".tmp"


def write_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file in one go; after a crash it is the old one or the new one."""
    beside = path.with_name(f".{path.name[:60]}.{uuid.uuid4().hex}{TEMPORARY}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as out:
                out.write(data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_pairs(path: Path) -> dict[str, str]:
    """The keys of a file. OSError if it cannot be read."""
    return dict(_pairs(path.read_text(encoding="utf-8", errors="replace")))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if equals:
            yield key.strip(), value.strip()


def write_pairs(path: Path, pairs: Mapping[str, object], *, end: str = "") -> None:
    """Write keys, sorted; values have no line breaks (see checks.one_line)."""
    lines = [f"{key}={value}" for key, value in sorted(pairs.items())]
    write_file(path, "\n".join([*lines, *([end] if end else []), ""]).encode())
