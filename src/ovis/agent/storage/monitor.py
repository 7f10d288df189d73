"""Health of the domains that a host uses: each is read every ten seconds.

Does: times a read of the metadata, keeps the last outcome. A read that hangs counts as lost; no second one is begun
behind it. Follows: VDSM's rows of getStats `storageDomains`.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from ovis.agent.storage import checks
from ovis.agent.storage.domains import FileDomain, as_int, missing
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
EVERY = 10.0
_HANGS = 30.0


class _Watch:
    """One domain. seen: monotonic clock of the last read that ended."""

    def __init__(self) -> None:
        self.seen: float | None = None
        self.code = int(Code.STORAGE)
        self.delay = 0.0
        self.version = 0
        self.busy_since: float | None = None

    def row(self) -> dict[str, Any]:
        now = time.monotonic()
        hangs = self.busy_since is not None and now - self.busy_since > _HANGS
        code = int(Code.STORAGE_DOMAIN_ACCESS) if hangs else self.code
        return {
            "code": code,
            "delay": f"{self.delay:.9f}",
            "lastCheck": f"{now - self.seen:.1f}" if self.seen is not None else "0",
            "valid": code == 0,
            "version": self.version,
            "acquired": code == 0,
            "actual": self.seen is not None,
        }


class Monitor:
    """All domains of one host. find: a domain by its id. beat: what is done with one that was read, in a thread."""

    def __init__(
        self, find: Callable[[str], FileDomain], beat: Callable[[FileDomain], None] = lambda domain: None
    ) -> None:
        self._find, self._beat = find, beat
        self._watched: dict[str, _Watch] = {}
        self._threads = ThreadPoolExecutor(32, "storage-monitor")  # a hung one must not hold up the verbs
        self._task: asyncio.Task[None] | None = None
        self._checks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._rounds(), name="storage monitor")

    async def stop(self) -> None:
        """Stop looking; a read that hangs is left alone."""
        tasks = [t for t in (self._task, *self._checks) if t is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def watch(self, domain_ids: Iterable[str], *, wait: float = 5.0) -> None:
        """From now on exactly these; new ones are read at once, waited for a little."""
        wanted = set(domain_ids)
        for domain_id in set(self._watched) - wanted:
            del self._watched[domain_id]
        begun = [self._begin(d) for d in sorted(wanted - set(self._watched))]
        if begun:
            await asyncio.wait(begun, timeout=wait)

    def rows(self) -> dict[str, Any]:
        """What is known of each."""
        return {domain_id: watch.row() for domain_id, watch in self._watched.items()}

    def _begin(self, domain_id: str) -> asyncio.Task[None]:
        watch = self._watched.setdefault(domain_id, _Watch())
        task = asyncio.create_task(self._check(domain_id, watch))
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)
        return task

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            for domain_id, watch in list(self._watched.items()):
                if watch.busy_since is None:
                    self._begin(domain_id)

    async def _check(self, domain_id: str, watch: _Watch) -> None:
        watch.busy_since = time.monotonic()
        loop = asyncio.get_running_loop()
        try:
            watch.delay, watch.version = await loop.run_in_executor(
                self._threads, _read, self._find, domain_id, self._beat
            )
            watch.code = 0
        except VerbError as err:
            watch.code = err.code
        finally:
            watch.seen, watch.busy_since = time.monotonic(), None


def _read(find: Callable[[str], FileDomain], domain_id: str, beat: Callable[[FileDomain], None]) -> tuple[float, int]:
    """(seconds, domain version)."""
    try:
        domain = find(domain_id)
        begun = time.perf_counter()
        descriptor = os.open(domain.md / "metadata", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # ask the storage, not the cache
            os.read(descriptor, 65536)
        finally:
            os.close(descriptor)
    except FileNotFoundError as err:
        raise missing(domain_id) from err
    except OSError as err:
        raise checks.from_os(err, f"Storage domain {domain_id} cannot be read") from err
    delay = time.perf_counter() - begun
    try:
        beat(domain)
    except OSError as err:
        log.warning("no sign of life on storage", domain=domain_id, error=str(err))
    return delay, as_int(domain.facts(), "VERSION")
