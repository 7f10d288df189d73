"""The host's resolvers: the nameserver lines of resolv.conf.

Does: read them; put others in their place, all other lines kept. Does not: touch a file that another program keeps
(a symbolic link, as systemd-resolved and NetworkManager make it). Follows: resolv.conf(5). Blocks.
"""

from collections.abc import Sequence
from pathlib import Path

import structlog

from ovis.agent.network.bridges import Changes
from ovis.agent.network.request import BAD_ADDRESS
from ovis.contract.errors import VerbError

log = structlog.get_logger(__name__)
MOST = 3
"""What resolvers of the C library ask at most."""


def read(file: Path = Path("/etc/resolv.conf")) -> list[str]:
    """Addresses of the servers; empty if there is no such file."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line.split()[1] for line in lines if line.startswith("nameserver ") and len(line.split()) > 1]


def changed(text: str, servers: Sequence[str]) -> str:
    """The file with these servers. Pure."""
    others = [line for line in text.splitlines() if not line.startswith("nameserver ")]
    return "".join(f"{line}\n" for line in [*others, *(f"nameserver {s}" for s in servers[:MOST])])


def put(file: Path, servers: Sequence[str]) -> None:
    """VerbError if the file cannot be had."""
    if file.is_symlink():
        raise VerbError(BAD_ADDRESS, f"Resolvers cannot be set: {file} is kept by another program ({file.readlink()}).")
    try:
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        new = changed(text, servers)
        if new != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(new, encoding="utf-8")  # in place: it may be mounted by itself
    except OSError as err:
        raise VerbError(BAD_ADDRESS, f"Resolvers cannot be set: {file}: {err.strerror}") from err


def change(changes: Changes, file: Path, servers: Sequence[str]) -> None:
    """The same, undoably."""
    before = read(file)
    if list(servers[:MOST]) != before:
        put(file, servers)
        changes.later(lambda: put(file, before))


def take(file: Path, servers: Sequence[str]) -> None:
    """A lease's; a host whose file is another program's goes without."""
    try:
        put(file, servers)
    except VerbError as err:
        log.warning("resolvers of a lease are not used", reason=err.message)
