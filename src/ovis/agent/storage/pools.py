"""Storage pools (data centers) that this host is connected to, and whether it manages them (SPM).

Does: connect by the master domain, hold and renew the lease, remember all of it over a restart.
Does not: volumes, tasks of others. Follows: flows, section 3; the master domain on storage is the truth.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.agent.storage import checks, domains, records
from ovis.agent.storage.domains import MASTER, MASTER_KEYS, REGULAR, FileDomain, as_int
from ovis.agent.storage.lease import Lease, SpmLease, read as read_lease
from ovis.agent.storage.servers import Servers
from ovis.agent.storage.threads import in_thread, in_thread_long
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
LEASE_SECONDS, RENEW_SECONDS = 60, 5
_LEAST_STEP = 0.2


class PoolRow(Struct, kw_only=True, frozen=True):
    """What is remembered. domains: as the engine told, id -> active or attached."""

    id: str
    host_id: int
    master: str
    domains: dict[str, str] = {}


class Pool:
    """One connected pool. lease: held and ready for verbs, or None; starting: an election of this host runs."""

    def __init__(self, row: PoolRow) -> None:
        self.row = row
        self.lease: SpmLease | None = None
        self.starting = False
        self.renewer: asyncio.Task[None] | None = None
        self.lock = asyncio.Lock()  # changes of the pool's own metadata

    @property
    def managed(self) -> bool:
        """Whether this host is SPM now."""
        return self.lease is not None and self.lease.valid


class Pools:
    """All of them. lost: called with a pool's id when its lease is lost. root: the repository."""

    def __init__(
        self,
        file: Path,
        root: Path,
        servers: Servers,
        host_uuid: Callable[[], str],
        lost: Callable[[str], Awaitable[None]],
    ) -> None:
        self._file = file
        self._root = root
        self._servers = servers
        self._host_uuid = host_uuid
        self._lost = lost
        self._pools: dict[str, Pool] = {}

    async def load(self) -> None:
        """Connect again what was connected, and take up leases that are still this host's."""
        for row in await in_thread(_read_rows, self._file):
            pool = self._pools[row.id] = Pool(row)
            try:
                await self._resume(pool)
            except (VerbError, OSError) as err:  # the engine connects it again
                log.warning("pool not found again", pool=row.id, error=str(err))

    async def _resume(self, pool: Pool) -> None:
        master, facts = await in_thread(self.find_master, pool.row.id)
        await self._save(pool, master=master.id)
        lease = SpmLease(master.md, self._host_uuid())
        if await lease.resume():
            self._hold(pool, lease, _step(facts))
            pool.lease = lease
            log.info("still the manager", pool=pool.row.id)

    async def stop(self) -> None:
        """Let go without giving up: the lease keeps this host's name until it returns or is replaced."""
        for pool in self._pools.values():
            if pool.renewer is not None:
                pool.renewer.cancel()
                await asyncio.gather(pool.renewer, return_exceptions=True)
            if pool.lease is not None:
                pool.lease.abandon()
                pool.lease = None

    # -- looking ---------------------------------------------------------------------------------------------

    def get(self, pool_id: object) -> Pool:
        """A connected pool; VerbError 309."""
        found = self._pools.get(checks.id_of(pool_id, "storagepoolID"))
        if found is None:
            raise VerbError(Code.POOL_UNKNOWN, f"Unknown pool id, pool not connected: {pool_id}")
        return found

    def known(self, pool_id: str) -> Pool | None:
        """A connected pool, if it is."""
        return self._pools.get(pool_id)

    def managed(self, pool_id: object) -> Pool:
        """A pool that this host manages; VerbError 654 if it does not."""
        pool = self.get(pool_id)
        if not pool.managed:
            raise VerbError(Code.NOT_SPM, f"This host does not manage pool {pool.row.id} (not SPM)")
        return pool

    def host_id(self, domain_id: str) -> int | None:
        """This host's number in the pool that a domain is active in."""
        return next((p.row.host_id for p in self._pools.values() if p.row.domains.get(domain_id) == "active"), None)

    def active(self) -> set[str]:
        """Domains that this host uses."""
        return {d for p in self._pools.values() for d, status in p.row.domains.items() if status == "active"}

    def all(self) -> Iterable[Pool]:
        """Every connected pool."""
        return list(self._pools.values())

    def find_master(self, pool_id: str) -> tuple[FileDomain, dict[str, str]]:
        """The pool's master domain on storage, the newest if two say so; VerbError 304."""
        best: tuple[int, FileDomain, dict[str, str]] | None = None
        for domain, facts in self._servers.readable():
            if facts.get("POOL_UUID") == pool_id and facts.get("ROLE") == MASTER:
                version = as_int(facts, "MASTER_VERSION")
                if best is None or version > best[0]:
                    best = (version, domain, facts)
        if best is None:
            raise VerbError(Code.POOL_NO_MASTER, f"No master domain of pool {pool_id} is connected")
        return best[1], best[2]

    def master(self, pool: Pool) -> tuple[FileDomain, dict[str, str]]:
        """The master domain and its metadata, found anew if it moved."""
        try:
            domain = self._servers.find(pool.row.master)
            facts = domain.facts()
            if facts.get("POOL_UUID") == pool.row.id and facts.get("ROLE") == MASTER:
                return domain, facts
        except VerbError as err:
            if err.code not in (Code.STORAGE_DOMAIN_MISSING, Code.STORAGE_DOMAIN_METADATA):
                raise
        return self.find_master(pool.row.id)

    def lease_of(self, pool: Pool) -> Lease:
        """What the lease file says."""
        return read_lease(self.master(pool)[0].md)

    # -- connecting ------------------------------------------------------------------------------------------

    async def connect(
        self, pool_id: str, host_id: int, master_id: str, version: int, given: Mapping[str, str] | None
    ) -> Pool:
        """Know a pool from now on. VerbError 304 or 324 if its master is not where the caller believes."""
        master, facts = await in_thread(self._check_master, pool_id, master_id, version)
        rows = {d: s.lower() for d, s in (given or domains.pool_domains(facts)).items()}
        pool = self._pools.get(pool_id)
        if pool is None:
            pool = self._pools[pool_id] = Pool(PoolRow(id=pool_id, host_id=host_id, master=master.id, domains=rows))
            try:
                await self._save(pool)
            except BaseException:
                del self._pools[pool_id]
                raise
        else:
            await self._save(pool, host_id=host_id, master=master.id, domains=rows)
        await in_thread(self._link, pool.row)
        return pool

    def _check_master(self, pool_id: str, master_id: str, version: int) -> tuple[FileDomain, dict[str, str]]:
        try:
            domain = self._servers.find(master_id)
            facts = domain.facts()
        except VerbError as err:
            if err.code != Code.STORAGE_DOMAIN_MISSING:
                raise
            return self.find_master(pool_id)
        if facts.get("POOL_UUID") != pool_id:
            raise VerbError(Code.POOL_WRONG_MASTER, f"Storage domain {master_id} is not of pool {pool_id}")
        if facts.get("ROLE") == MASTER and as_int(facts, "MASTER_VERSION") == version:
            return domain, facts
        actual, facts = self.find_master(pool_id)  # the caller died between moving the master and noting it
        if as_int(facts, "MASTER_VERSION") < version:
            raise VerbError(
                Code.POOL_WRONG_MASTER,
                f"Storage domain {actual.id} is master with version {as_int(facts, 'MASTER_VERSION')}, not {version}",
            )
        return actual, facts

    async def disconnect(self, pool_id: str) -> None:
        """Forget a pool; VerbError 656 while this host manages it."""
        pool = self._pools.get(pool_id)
        if pool is None:
            return
        if pool.managed or pool.starting:
            raise VerbError(Code.IS_SPM, f"This host manages pool {pool_id}: stop that first")
        del self._pools[pool_id]
        await in_thread(self._write_rows)
        await in_thread(self._unlink, pool_id)

    async def note(self, pool: Pool, domain_id: str, status: str | None) -> None:
        """A domain became active or attached, or left (None)."""
        rows = {d: s for d, s in pool.row.domains.items() if d != domain_id}
        if status is not None:
            rows[domain_id] = status
        await self._save(pool, domains=rows)
        await in_thread(self._link, pool.row)

    async def _save(self, pool: Pool, **changes: object) -> None:
        now = replace(pool.row, **changes)
        if changes and now == pool.row:
            return
        pool.row = now
        await in_thread(self._write_rows)

    def _write_rows(self) -> None:
        try:
            records.write_file(self._file, msgspec.json.encode([p.row for p in list(self._pools.values())]))
        except OSError as err:
            raise checks.from_os(err, "The host's own notes cannot be written") from err

    def _link(self, row: PoolRow) -> None:
        """`<repository>/<pool>/<domain>` for every active domain, and `mastersd`."""
        folder = self._root / row.id
        folder.mkdir(parents=True, exist_ok=True)
        wanted: dict[str, Path] = {}
        for domain_id, status in row.domains.items():
            if status == "active":
                with contextlib.suppress(VerbError):
                    wanted[domain_id] = self._servers.find(domain_id).path
        if row.master in wanted:
            wanted["mastersd"] = wanted[row.master]
        for entry in folder.iterdir():
            if entry.is_symlink() and (entry.name not in wanted or Path(os.readlink(entry)) != wanted[entry.name]):
                entry.unlink(missing_ok=True)
        for name, target in wanted.items():
            with contextlib.suppress(FileExistsError):
                (folder / name).symlink_to(target)

    def _unlink(self, pool_id: str) -> None:
        folder = self._root / pool_id
        with contextlib.suppress(FileNotFoundError):
            for entry in folder.iterdir():
                if entry.is_symlink():
                    entry.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                folder.rmdir()

    # -- managing --------------------------------------------------------------------------------------------

    async def start_spm(self, pool: Pool) -> None:
        """Become the manager; nothing if this host is already. VerbError 651 if another one lives."""
        async with pool.lock:
            if pool.managed:
                return
            pool.starting = True
            lease: SpmLease | None = None
            try:
                master, facts = await in_thread(self.find_master, pool.row.id)
                await self._save(pool, master=master.id)
                lease = SpmLease(master.md, self._host_uuid())
                seconds = float(as_int(facts, "LEASETIMESEC") or LEASE_SECONDS)
                await lease.acquire(pool.row.host_id, seconds, _step(facts))
                again, _ = await in_thread(self.find_master, pool.row.id)
                if again.id != master.id:
                    raise VerbError(Code.SPM_LOCK, "The master domain moved meanwhile")
                self._hold(pool, lease, _step(facts))
                await self._sweep(domains.pool_domains(facts))
                pool.lease = lease
            except BaseException:
                await self._let_go(pool, lease)
                raise
            finally:
                pool.starting = False
        log.info("manager", pool=pool.row.id, lver=lease.mine.lver if lease.mine else None)

    async def _sweep(self, rows: Iterable[str]) -> None:
        """The last manager may have died at work; nobody works now."""
        for domain_id in rows:
            try:
                removed = await in_thread_long(self._sweep_one, domain_id)
            except (VerbError, OSError) as err:
                log.warning("storage domain not swept", domain=domain_id, error=str(err))
                continue
            if removed:
                log.info("remains removed", domain=domain_id, removed=removed)

    def _sweep_one(self, domain_id: str) -> list[str]:
        return self._servers.find(domain_id).sweep()

    async def stop_spm(self, pool: Pool) -> None:
        """Stop managing; nothing if this host does not."""
        async with pool.lock:
            await self._let_go(pool, pool.lease)

    async def _let_go(self, pool: Pool, lease: SpmLease | None) -> None:
        pool.lease = None
        renewer, pool.renewer = pool.renewer, None
        if renewer is not None:
            renewer.cancel()
            await asyncio.gather(renewer, return_exceptions=True)
        if lease is not None:
            await lease.release()

    def _hold(self, pool: Pool, lease: SpmLease, step: float) -> None:
        pool.renewer = asyncio.create_task(self._renew(pool, lease, step), name=f"lease of {pool.row.id}")

    async def _renew(self, pool: Pool, lease: SpmLease, step: float) -> None:
        """A renewal that hangs does not hold up the giving up."""
        attempt: asyncio.Task[None] | None = None
        try:
            while lease.valid:
                if attempt is None:
                    await asyncio.sleep(step)
                    attempt = asyncio.create_task(lease.renew())
                done, _ = await asyncio.wait({attempt}, timeout=step)
                if done:
                    err = attempt.exception()
                    if err is not None:
                        log.warning("lease not renewed", pool=pool.row.id, error=str(err))
                    attempt = None
        except asyncio.CancelledError:
            if attempt is not None:
                await asyncio.wait({attempt}, timeout=10.0)  # whoever gives the lease back writes last
            raise
        lease.abandon()
        if pool.lease is lease:
            pool.lease = None
        log.error("not the manager any more", pool=pool.row.id)
        pool.renewer = None
        await self._lost(pool.row.id)

    # -- the pool's metadata: callers hold pool.lock and manage the pool -----------------------------------------

    async def change_domains(self, pool: Pool, domain_id: str, status: str | None) -> None:
        """Active, Attached or gone (None) in the master's list."""

        def change() -> None:
            master, facts = self.master(pool)
            rows = domains.pool_domains(facts)
            if status is None:
                rows.pop(domain_id, None)
            else:
                rows[domain_id] = status
            master.change({"POOL_DOMAINS": domains.pool_domains_text(rows)})

        await in_thread(change)

    async def switch_master(self, pool: Pool, new: FileDomain, version: int) -> None:
        """Make another data domain of the pool its master. Repeated after a crash it goes on where it stopped."""
        async with pool.lock:
            facts = await in_thread(new.facts)
            _, master = await in_thread(self.master, pool)
            if facts.get("CLASS", "Data") != "Data":
                raise VerbError(Code.STORAGE_DOMAIN_CLASS, f"Storage domain {new.id} cannot be master")
            if new.id not in domains.pool_domains(master):
                raise VerbError(Code.STORAGE_DOMAIN_NOT_IN_POOL, f"Storage domain {new.id} is not in the pool")
            await self._move_master(pool, new, version)

    async def _move_master(self, pool: Pool, new: FileDomain, version: int) -> None:
        """With the lease: taken on the new one before the old one is given back."""
        old, facts = await in_thread(self.master, pool)
        if old.id == new.id:
            await in_thread(new.change, {"MASTER_VERSION": max(version, as_int(facts, "MASTER_VERSION"))})
            return
        lease = SpmLease(new.md, self._host_uuid())
        step = _step(facts)
        await lease.acquire(pool.row.host_id, float(as_int(facts, "LEASETIMESEC") or LEASE_SECONDS), step)
        try:
            keys = {k: facts[k] for k in MASTER_KEYS if k in facts}
            await in_thread(new.change, keys | {"ROLE": MASTER, "MASTER_VERSION": version})
        except BaseException:
            await lease.release()
            raise
        await in_thread(old.change, {"ROLE": REGULAR}, MASTER_KEYS)
        before = pool.lease
        if pool.renewer is not None:
            pool.renewer.cancel()
            await asyncio.gather(pool.renewer, return_exceptions=True)
        pool.lease = lease
        self._hold(pool, lease, step)
        await self._save(pool, master=new.id)
        await in_thread(self._link, pool.row)
        if before is not None:
            await before.release()


def _step(facts: Mapping[str, str]) -> float:
    return max(_LEAST_STEP, float(as_int(facts, "LOCKRENEWALINTERVALSEC") or RENEW_SECONDS))


def _read_rows(file: Path) -> list[PoolRow]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[PoolRow])
    except FileNotFoundError:
        return []
    except msgspec.DecodeError:
        log.warning("notes of pools not readable", path=str(file))
        return []
