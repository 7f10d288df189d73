"""The lease of a pool's manager (SPM): a file in the master domain that one host at a time holds.

Does: acquire, renew, release, find again after a restart. Two hosts never both hold it:
- on one kernel a lock (flock) on `spm.lock` is held for as long as the lease; the kernel drops it with the process;
- between kernels the holder rewrites `spm.lease` regularly; a lease counts as dead only if it did not change for its
  whole time, measured by the observer's own clock; the holder gives up after two thirds of it;
- where locks may not reach the other hosts, a new holder looks again after a pause: the last writer wins.
Does not: know pools. Follows: VDSM's meaning of owner id and lease version (lver).
"""

import asyncio
import contextlib
import fcntl
import os
import time
import uuid
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ovis.agent.storage import checks, records
from ovis.agent.storage.threads import in_thread
from ovis.contract.errors import Code, VerbError

_SETTLE = 3.0
_ONE_KERNEL = frozenset(
    ("ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "f2fs", "ramfs", "bcachefs")
)


class Lease(Struct, kw_only=True, frozen=True):
    """What the file says. host_id: -1 if nobody holds it. token: of one acquisition. count: grows with each renewal."""

    host_id: int = -1
    host_uuid: str = ""
    boot_id: str = ""
    token: str = ""
    lver: int = -1
    count: int = 0
    seconds: float = 60.0
    renewed: float = 0.0


class SpmLease:
    """One host's hand on one master domain's lease. Used by one task at a time."""

    def __init__(self, folder: Path, host_uuid: str) -> None:
        self._folder = folder
        self._host_uuid = host_uuid
        self._lock: int | None = None
        self._renewed_at = 0.0
        self.mine: Lease | None = None

    @property
    def valid(self) -> bool:
        """Held, and renewed recently enough that nobody can have taken it."""
        return self.mine is not None and _now() - self._renewed_at < self.mine.seconds * 2 / 3

    def read(self) -> Lease:
        """What the file says now; a file that is not there says that nobody holds it."""
        return read(self._folder)

    async def acquire(self, host_id: int, seconds: float, step: float) -> Lease:
        """Take the lease, waiting for a dead holder's time to pass. VerbError 651 if somebody lives with it."""
        if self._lock is None:
            await in_thread(self._take_lock)
        try:
            seen = await in_thread(self.read)
            if seen.host_id >= 0 and not self._dead_for_sure(seen):
                await self._watch(seen, step)
            seen = await in_thread(self.read)
            mine = Lease(
                host_id=host_id,
                host_uuid=self._host_uuid,
                boot_id=boot_id(),
                token=uuid.uuid4().hex,
                lver=seen.lver + 1,
                seconds=seconds,
                renewed=time.time(),
            )
            begun = _now()
            await self._put(mine)
        except BaseException:
            self._drop_lock()
            raise
        self.mine, self._renewed_at = mine, begun
        return mine

    async def resume(self) -> bool:
        """Take up the lease of this host's last run, if it is still this host's."""
        seen = await in_thread(self.read)
        if seen.host_uuid != self._host_uuid or seen.host_id < 0:
            return False
        if self._lock is None:
            try:
                await in_thread(self._take_lock)
            except VerbError:
                return False
        begun = _now()
        again = await in_thread(self.read)
        if again.token != seen.token:
            self._drop_lock()
            return False
        try:
            self.mine = replace(again, boot_id=boot_id(), token=uuid.uuid4().hex, count=again.count + 1)
            await self._put(self.mine)
        except BaseException:
            self.mine = None
            self._drop_lock()
            raise
        self._renewed_at = begun
        return True

    async def _put(self, mine: Lease) -> None:
        """Write a claim. Where locks may not reach the others: look whether it lasted; the last writer wins."""
        await in_thread(self._write, mine)
        if not await in_thread(one_kernel, self._folder):
            await asyncio.sleep(_SETTLE)
            if (await in_thread(self.read)).token != mine.token:
                raise VerbError(Code.SPM_LOCK, "Another host took the lease at the same moment")

    async def renew(self) -> None:
        """Say that the holder lives. VerbError if the lease is lost; then it is not held any more."""
        if self.mine is None:
            raise VerbError(Code.NOT_SPM, "The lease is not held")
        if not self.valid:
            self.abandon()
            raise VerbError(Code.NOT_SPM, "The lease could not be renewed in time")
        begun = _now()
        seen = await in_thread(self.read)
        if self.mine is None or seen.token != self.mine.token:
            self.abandon()
            raise VerbError(Code.NOT_SPM, "Another host holds the lease")
        now = replace(self.mine, count=self.mine.count + 1, renewed=time.time())
        await in_thread(self._write, now)
        self.mine, self._renewed_at = now, begun

    async def release(self) -> None:
        """Give it back at once, if it is still ours."""
        mine = self.mine
        self.mine = None
        try:
            if mine is not None and (await in_thread(self.read)).token == mine.token:
                await in_thread(self._write, Lease(lver=mine.lver, seconds=mine.seconds))
        finally:
            self._drop_lock()

    def abandon(self) -> None:
        """Stop holding without a word: the file keeps this host's name until it returns or somebody takes over."""
        self.mine = None
        self._drop_lock()

    # -- inside ----------------------------------------------------------------------------------------------

    def _dead_for_sure(self, seen: Lease) -> bool:
        """We hold the lock: an earlier run of this host, or a process of this kernel, that had the lease is gone."""
        return seen.host_uuid == self._host_uuid or seen.boot_id == boot_id()

    async def _watch(self, seen: Lease, step: float) -> None:
        until = _now() + seen.seconds
        while _now() < until:
            await asyncio.sleep(min(step, max(0.05, until - _now())))
            now = await in_thread(self.read)
            if now.host_id < 0:
                return
            if (now.token, now.count) != (seen.token, seen.count):
                raise VerbError(Code.SPM_LOCK, f"Host {now.host_id} holds the lease and renews it")

    def _take_lock(self) -> None:
        path = self._folder / "spm.lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as err:
            raise checks.from_os(err, "The lease cannot be locked", Code.SPM_LOCK) from err
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            os.close(descriptor)
            raise VerbError(Code.SPM_LOCK, "Another host holds the lease") from err
        except OSError:
            pass  # a file system without locks: the file alone decides
        self._lock = descriptor

    def _drop_lock(self) -> None:
        if self._lock is not None:
            with contextlib.suppress(OSError):
                os.close(self._lock)
            self._lock = None

    def _write(self, lease: Lease) -> None:
        try:
            records.write_file(self._folder / "spm.lease", msgspec.json.encode(lease))
        except OSError as err:
            raise checks.from_os(err, "The lease cannot be written", Code.SPM_LOCK) from err


def _now() -> float:
    """A clock that goes on while the machine sleeps: others' clocks do."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read(folder: Path) -> Lease:
    """The lease in a domain's dom_md."""
    try:
        return msgspec.json.decode((folder / "spm.lease").read_bytes(), type=Lease)
    except FileNotFoundError:
        return Lease()
    except msgspec.DecodeError as err:
        raise VerbError(Code.SPM_LOCK, f"The lease file is damaged: {err}") from err
    except OSError as err:
        raise checks.from_os(err, "The lease cannot be read", Code.SPM_LOCK) from err


def one_kernel(folder: Path) -> bool:
    """Whether the folder's file system belongs to this kernel alone, so that locks decide."""
    device = os.stat(folder).st_dev
    numbers = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as table:
        for line in table:
            left, _, right = line.partition(" - ")
            if left.split()[2] == numbers:
                return right.split()[0] in _ONE_KERNEL
    return False


@cache
def boot_id() -> str:
    """This kernel's run."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
