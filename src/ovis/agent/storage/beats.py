"""Signs of life on storage: each host rewrites a small file of its own in every domain that it uses, as often as it looks
at the domain. Who sees such a file change knows that its host lives and writes, even if no network reaches it.

Does: beat, and watch others' beats by their change, so that no clocks are compared. Does not: lock anything.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ovis.agent.storage import checks, records
from ovis.agent.storage.domains import FileDomain
from ovis.agent.storage.monitor import EVERY
from ovis.agent.storage.threads import in_thread
from ovis.contract.errors import VerbError

WATCH_SECONDS = EVERY * 2.5  # in which a host that lives has beaten
_MOST = 2000


def _file(domain: FileDomain, host_id: int) -> Path:
    return domain.md / f"host-{host_id}.beat"


def beat(domain: FileDomain, host_id: int) -> None:
    """This host lives. OSError if the domain cannot be written."""
    records.write_file(_file(domain, host_id), os.urandom(16).hex().encode() + b"\n")


def _read(domain: FileDomain, host_id: int) -> bytes:
    try:
        descriptor = os.open(_file(domain, host_id), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return os.read(descriptor, 64)
    finally:
        os.close(descriptor)


async def lives(
    find: Callable[[str], FileDomain],
    leases: Mapping[str, object],
    *,
    seconds: float = WATCH_SECONDS,
    step: float = 1.0,
) -> bool:
    """Whether a host beats in any of these domains (domain -> its number there). Domains that this host does not see
    prove nothing."""
    places: list[tuple[FileDomain, int, bytes]] = []
    for domain_id, number in leases.items():
        try:
            host_id = checks.number(number, "hostId", least=1, most=_MOST)
            domain = await in_thread(find, checks.id_of(domain_id, "domain"))
            places.append((domain, host_id, await in_thread(_read, domain, host_id)))
        except (VerbError, OSError):
            continue
    until = time.monotonic() + seconds
    while places and time.monotonic() < until:
        await asyncio.sleep(step)
        for domain, host_id, before in places:
            try:
                now = await in_thread(_read, domain, host_id)
            except (VerbError, OSError):
                continue
            if now != before:
                return True
    return False
