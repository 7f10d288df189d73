"""What may come in: ids, paths, numbers and choices of storage verbs; what operating systems answer, as codes.

Does: turn text from the wire into values that are safe in a path or a command line, or raise VerbError.
Follows: VDSM's parameters (numbers arrive as text, enums as numbers or names).
"""

import errno
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from ovis.contract.errors import Code, VerbError

BLANK = "00000000-0000-0000-0000-000000000000"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VFS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_MAX_SIZE = 1 << 62


def invalid(message: str) -> VerbError:
    """A parameter that is wrong in itself."""
    return VerbError(Code.INVALID_PARAMETER, message)


def is_id(text: object) -> bool:
    """Whether this is an id as storage uses them: a lower-case UUID and nothing more."""
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def id_of(value: object, what: str) -> str:
    """The id, in lower case; it becomes part of a path, so nothing else passes."""
    text = value.lower() if isinstance(value, str) else value
    if not is_id(text) or text == BLANK:
        raise invalid(f"{what} is not a UUID: {str(value)[:80]!r}")
    assert isinstance(text, str)
    return text


def optional_id(value: object, what: str) -> str:
    """The id, or an empty text for none (absent, empty, or all zeros)."""
    return "" if value in (None, "", BLANK) else id_of(value, what)


def number(value: object, what: str, *, least: int = 0, most: int = _MAX_SIZE) -> int:
    """A whole number, given as such or as text."""
    try:
        found = int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
    except ValueError:
        found = None
    if found is None or not least <= found <= most:
        raise invalid(f"{what} must be a whole number from {least} to {most}, not {str(value)[:80]!r}")
    return found


def choice(value: object, what: str, names: Mapping[int, str]) -> str:
    """One of the names, given by name or by number."""
    text = str(value)
    if text.lstrip("-").isdigit() and int(text) in names:
        return names[int(text)]
    if text.upper() in names.values():
        return text.upper()
    raise invalid(f"{what} must be one of {', '.join(names.values())}, not {text[:80]!r}")


def truth(value: object) -> bool:
    """A boolean; the engine sends some as text."""
    return value.lower() == "true" if isinstance(value, str) else bool(value)


def remote_path(value: object) -> str:
    """An absolute path, or host:path of a server; no part of it is `..`, no control characters."""
    text = str(value or "").strip()
    path = text
    if not text.startswith("/"):
        host, colon, path = text.rpartition(":/")
        path = "/" + path
        if not colon or not host or host.startswith("-") or "/" in host or any(c.isspace() for c in host):
            raise invalid(f"The path of a storage domain must be absolute: {text[:200]!r}")
    if any(ord(c) < 32 or ord(c) == 127 for c in text) or len(text) > 4096:
        raise invalid("The path of a storage domain has characters that no path has, or is too long.")
    if ".." in PurePosixPath(path).parts:
        raise invalid(f"The path of a storage domain must not have '..': {text[:200]!r}")
    trimmed = text.rstrip("/")
    return trimmed if trimmed and not trimmed.endswith(":") else text


def vfs_type(value: object) -> str:
    """A file system's name for mount(8)."""
    text = str(value or "")
    if _VFS.fullmatch(text) is None:
        raise invalid(f"This is no file system type: {text[:80]!r}")
    return text


def from_os(err: OSError, what: str, code: int = Code.STORAGE) -> VerbError:
    """An operating system's error as the verb's; a full disk is a full disk everywhere."""
    if err.errno in (errno.ENOSPC, errno.EDQUOT):
        code = Code.NO_SPACE
    elif err.errno == errno.ESTALE:
        code = Code.STORAGE_DOMAIN_STALE
    elif err.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO) and code == Code.STORAGE:
        code = Code.STORAGE_DOMAIN_ACCESS
    return VerbError(code, f"{what}: {err.strerror or err}")


def one_line(value: Any, most: int = 4096) -> str:
    """A description for a line of a file: no line breaks, not endless."""
    return " ".join(str(value if value is not None else "").split("\n")).replace("\r", " ")[:most]
