"""Verbs of storage servers and pools: connect, create, elect, inform.

Follows: VDSM's StoragePool verbs; flows, sections 2 and 3.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from ovis.agent.storage import checks, domains
from ovis.agent.storage.core import StorageCore
from ovis.agent.storage.domains import MASTER, MASTER_KEYS, REGULAR, TYPES, FileDomain, as_int
from ovis.agent.storage.lease import SpmLease
from ovis.agent.storage.pools import Pool
from ovis.agent.storage.threads import in_thread
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_HOST_IDS = 2000
_STATUSES = ("active", "attached", "unattached", "unknown")


class PoolVerbs:
    """Mixed into FileStorage."""

    core: StorageCore

    # -- servers ---------------------------------------------------------------------------------------------

    async def storage_pool_connect_storage_server(
        self, domainType: Any, connectionParams: list[Any]
    ) -> list[dict[str, Any]]:
        kind = checks.choice(domainType, "domainType", TYPES)
        return [await self._server(kind, params, connect=True) for params in _rows(connectionParams)]

    async def storage_pool_disconnect_storage_server(
        self, domainType: Any, connectionParams: list[Any]
    ) -> list[dict[str, Any]]:
        kind = checks.choice(domainType, "domainType", TYPES)
        return [await self._server(kind, params, connect=False) for params in _rows(connectionParams)]

    async def _server(self, kind: str, params: Mapping[str, Any], *, connect: bool) -> dict[str, Any]:
        """One row of the answer; message: why not, in words."""
        row: dict[str, Any] = {"id": params.get("id"), "status": 0}
        with bound_contextvars(connection=str(params.get("connection"))[:200]):
            try:
                if connect:
                    await self.core.servers.connect(kind, params)
                else:
                    await self.core.servers.disconnect(params)
            except VerbError as err:
                log.warning("storage server refused", code=err.code, error=err.message)
                code = Code.SERVER_VALIDATION if err.code == Code.INVALID_PARAMETER else err.code
                row |= {"status": int(code), "message": err.message}
            except OSError as err:
                fault = checks.from_os(err, "The server cannot be connected", Code.SERVER_CONNECTION)
                log.warning("storage server refused", code=fault.code, error=fault.message)
                row |= {"status": fault.code, "message": fault.message}
        return row

    # -- pools -----------------------------------------------------------------------------------------------

    async def storage_pool_create(
        self,
        storagepoolID: str,
        name: str,
        masterSdUUID: str,
        masterVersion: Any,
        domainList: list[str],
        lockRenewalIntervalSec: Any = 5,
        leaseTimeSec: Any = 60,
        ioOpTimeoutSec: Any = 10,
        leaseRetries: Any = 3,
    ) -> None:
        pool_id = checks.id_of(storagepoolID, "storagepoolID")
        others = [checks.id_of(d, "domainList") for d in domainList or []]
        rows = {checks.id_of(masterSdUUID, "masterSdUUID"): "Attached"} | dict.fromkeys(others, "Attached")
        keys = _master_keys(name, masterVersion, lockRenewalIntervalSec, leaseTimeSec, ioOpTimeoutSec, leaseRetries)
        if self.core.pools.known(pool_id) is not None:
            raise VerbError(Code.POOL_CONNECTED, f"Pool {pool_id} is connected already")
        await in_thread(self._write_pool, pool_id, rows, keys)

    def _write_pool(self, pool_id: str, rows: dict[str, str], keys: dict[str, Any]) -> None:
        """The first domain becomes the master; the others follow it. Repeated, it changes nothing."""
        master_id = next(iter(rows))
        found = {domain_id: self.core.servers.find(domain_id) for domain_id in rows}
        facts = {domain_id: domain.facts() for domain_id, domain in found.items()}
        for domain_id, row in facts.items():
            if row.get("POOL_UUID") not in (None, "", pool_id):
                raise VerbError(
                    Code.STORAGE_DOMAIN_ATTACHED, f"Storage domain {domain_id} is in pool {row['POOL_UUID']} already"
                )
        if facts[master_id].get("CLASS", "Data") != "Data":
            raise VerbError(Code.STORAGE_DOMAIN_CLASS, f"Storage domain {master_id} cannot be master")
        known = facts[master_id]
        if known.get("POOL_UUID") == pool_id and known.get("ROLE") == MASTER:
            if as_int(known, "MASTER_VERSION") == keys["MASTER_VERSION"]:
                return
            raise VerbError(Code.POOL_EXISTS, f"Pool {pool_id} exists already, with another master version")
        for domain_id, domain in found.items():
            if domain_id != master_id:
                domain.change({"POOL_UUID": pool_id, "ROLE": REGULAR}, MASTER_KEYS)
        found[master_id].change(
            keys | {"POOL_UUID": pool_id, "ROLE": MASTER, "POOL_DOMAINS": domains.pool_domains_text(rows)}
        )

    async def storage_pool_connect(
        self, storagepoolID: str, hostID: Any, masterSdUUID: str, masterVersion: Any, domainDict: Any = None
    ) -> None:
        await self.core.pools.connect(
            checks.id_of(storagepoolID, "storagepoolID"),
            checks.number(hostID, "hostID", least=1, most=_HOST_IDS),
            checks.id_of(masterSdUUID, "masterSdUUID"),
            checks.number(masterVersion, "masterVersion"),
            _statuses(domainDict) if domainDict else None,
        )
        await self.core.watch()

    async def storage_pool_disconnect(self, storagepoolID: str) -> None:
        await self.core.pools.disconnect(checks.id_of(storagepoolID, "storagepoolID"))
        await self.core.watch()

    async def storage_pool_destroy(self, storagepoolID: str) -> None:
        pool_id = checks.id_of(storagepoolID, "storagepoolID")
        pool = self.core.pools.known(pool_id)
        if pool is not None and pool.managed:
            if self.core.tasks.busy(pool_id):
                raise VerbError(Code.TASKS_RUNNING, f"Tasks of pool {pool_id} are running")
            await self.core.pools.stop_spm(pool)
        await self._check_unmanaged(pool_id)
        if pool is not None:
            await self.core.pools.disconnect(pool_id)
        await in_thread(self._detach_all, pool_id)
        await self.core.watch()

    async def _check_unmanaged(self, pool_id: str) -> None:
        """VerbError 656 or 651 if a host manages the pool: the lease must be ours to take."""
        try:
            master, facts = await in_thread(self.core.pools.find_master, pool_id)
        except VerbError as err:
            if err.code == Code.POOL_NO_MASTER:
                return  # destroyed already
            raise
        lease = SpmLease(master.md, self.core.host_uuid())
        await lease.acquire(1, 60.0 if not as_int(facts, "LEASETIMESEC") else float(as_int(facts, "LEASETIMESEC")), 1.0)
        await lease.release()

    def _detach_all(self, pool_id: str) -> None:
        """Every domain of the pool that is connected; the master last, so that a repetition finds the rest."""
        mine: list[FileDomain] = []
        for domain, facts in self.core.servers.readable():
            if facts.get("POOL_UUID") == pool_id:
                mine.insert(0 if facts.get("ROLE") != MASTER else len(mine), domain)
        for domain in mine:
            domain.change({"POOL_UUID": "", "ROLE": REGULAR}, MASTER_KEYS)

    async def storage_pool_reconstruct_master(
        self,
        storagepoolID: str,
        hostId: Any,
        name: str,
        masterSdUUID: str,
        masterVersion: Any,
        domainDict: Any,
        lockRenewalIntervalSec: Any = 5,
        leaseTimeSec: Any = 60,
        ioOpTimeoutSec: Any = 10,
        leaseRetries: Any = 3,
    ) -> None:
        pool_id = checks.id_of(storagepoolID, "storagepoolID")
        master_id = checks.id_of(masterSdUUID, "masterSdUUID")
        host_id = checks.number(hostId, "hostId", least=1, most=_HOST_IDS)
        keys = _master_keys(name, masterVersion, lockRenewalIntervalSec, leaseTimeSec, ioOpTimeoutSec, leaseRetries)
        rows = {d: s.capitalize() for d, s in _statuses(domainDict).items()} | {master_id: "Active"}
        if self.core.pools.known(pool_id) is not None:
            raise VerbError(Code.POOL_CONNECTED, f"Pool {pool_id} is connected: disconnect it first")
        master = await self.core.domain(master_id, "masterSdUUID")
        lease = SpmLease(master.md, self.core.host_uuid())
        await lease.acquire(host_id, float(keys["LEASETIMESEC"]), float(keys["LOCKRENEWALINTERVALSEC"]))
        try:
            await in_thread(self._reconstruct, pool_id, master, rows, keys)
        finally:
            await lease.release()

    def _reconstruct(self, pool_id: str, master: FileDomain, rows: dict[str, str], keys: dict[str, Any]) -> None:
        if master.facts().get("POOL_UUID") not in (None, "", pool_id):
            raise VerbError(Code.STORAGE_DOMAIN_ATTACHED, f"Storage domain {master.id} is in another pool")
        master.change(keys | {"POOL_UUID": pool_id, "ROLE": MASTER, "POOL_DOMAINS": domains.pool_domains_text(rows)})
        for domain, facts in self.core.servers.readable():
            if domain.id == master.id or domain.id not in rows:
                continue
            if facts.get("POOL_UUID") in (None, "", pool_id):
                domain.change({"POOL_UUID": pool_id, "ROLE": REGULAR}, MASTER_KEYS)
            else:
                log.warning("storage domain is in another pool", domain=domain.id, pool=facts.get("POOL_UUID"))

    async def storage_pool_refresh(self, storagepoolID: str, masterSdUUID: str, masterVersion: Any) -> None:
        pool = self.core.pools.get(storagepoolID)
        await self.core.pools.connect(
            pool.row.id,
            pool.row.host_id,
            checks.id_of(masterSdUUID, "masterSdUUID"),
            checks.number(masterVersion, "masterVersion"),
            pool.row.domains,
        )
        await self.core.watch()

    async def storage_pool_set_description(self, storagepoolID: str, description: str) -> None:
        pool = self.core.pools.managed(storagepoolID)
        async with pool.lock:
            master, _ = await in_thread(self.core.pools.master, pool)
            await in_thread(master.change, {"POOL_DESCRIPTION": checks.one_line(description)})

    async def storage_pool_get_info(self, storagepoolID: str) -> dict[str, Any]:
        return await in_thread(self._pool_info, self.core.pools.get(storagepoolID))

    def _pool_info(self, pool: Pool) -> dict[str, Any]:
        master, facts = self.core.pools.master(pool)
        lease = self.core.pools.lease_of(pool)
        rows = domains.pool_domains(facts)
        info = {
            "name": facts.get("POOL_DESCRIPTION", ""),
            "type": facts.get("TYPE", ""),
            "master_uuid": master.id,
            "master_ver": as_int(facts, "MASTER_VERSION"),
            "spm_id": lease.host_id,
            "lver": lease.lver,
            "domains": domains.pool_domains_text(rows),
            "isoprefix": "",
            "pool_status": "connected",
            "version": facts.get("VERSION", ""),
        }
        return {"info": info, "dominfo": {d: self._domain_row(d, status) for d, status in rows.items()}}

    def _domain_row(self, domain_id: str, status: str) -> dict[str, Any]:
        """Of getInfo; a domain that cannot be reached has no sizes, and an alert that says why."""
        row: dict[str, Any] = {"status": status, "alerts": [], "isoprefix": "", "version": -1}
        try:
            domain = self.core.servers.find(domain_id)
            total, free = domain.space()
            row |= {
                "disktotal": str(total),
                "diskfree": str(free),
                "version": as_int(domain.facts(), "VERSION"),
            }
        except VerbError as err:
            row["alerts"] = [{"code": err.code, "message": err.message}]
        return row

    # -- SPM -------------------------------------------------------------------------------------------------

    async def storage_pool_get_spm_status(self, storagepoolID: str) -> dict[str, Any]:
        pool = self.core.pools.get(storagepoolID)
        lease = await in_thread(self.core.pools.lease_of, pool)
        status = "SPM" if pool.managed else "Contend" if pool.starting else "Free"
        return {"spmStatus": status, "spmLver": lease.lver, "spmId": lease.host_id}

    async def storage_pool_spm_start(self, storagepoolID: str, prevID: Any = -1, prevLver: Any = -1) -> str:
        pool = self.core.pools.get(storagepoolID)
        checks.number(prevID, "prevID", least=-1, most=_HOST_IDS)

        async def run() -> None:
            await self.core.pools.start_spm(pool)

        return await self.core.tasks.start(
            "StoragePool.spmStart", run, pool=pool.row.id, key=f"spm/{pool.row.id}", args={"pool": pool.row.id}
        )

    async def storage_pool_spm_stop(self, storagepoolID: str) -> None:
        pool = self.core.pools.get(storagepoolID)
        if pool.starting:
            await self.core.tasks.abort_key(f"spm/{pool.row.id}")
        if pool.managed and self.core.tasks.busy(pool.row.id):
            raise VerbError(Code.TASKS_RUNNING, f"Tasks of pool {pool.row.id} are running")
        await self.core.pools.stop_spm(pool)

    async def storage_pool_switch_master(
        self, storagepoolID: str, oldMasterUUID: str, newMasterUUID: str, masterVersion: Any
    ) -> str:
        pool, new = await self.core.pool_domain(storagepoolID, newMasterUUID)
        version = checks.number(masterVersion, "masterVersion")
        args = {"pool": pool.row.id, "new": new.id, "version": version}
        return await self.core.task(
            "StoragePool.switchMaster",
            pool,
            lambda: self.core.pools.switch_master(pool, new, version),
            args,
            key=f"master/{pool.row.id}",
        )


def _rows(given: object) -> list[Mapping[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        raise checks.invalid("connectionParams must be a list of objects")
    return given


def _statuses(given: object) -> dict[str, str]:
    """domainDict: id -> active or attached."""
    if not isinstance(given, dict):
        raise checks.invalid("domainDict must be an object")
    rows = {checks.id_of(d, "domainDict"): str(s).lower() for d, s in given.items()}
    wrong = [s for s in rows.values() if s not in _STATUSES]
    if wrong:
        raise checks.invalid(f"This is no status of a storage domain: {wrong[0][:40]!r}")
    return rows


def _master_keys(name: str, version: Any, renewal: Any, lease: Any, timeout: Any, retries: Any) -> dict[str, Any]:
    return {
        "POOL_DESCRIPTION": checks.one_line(name),
        "MASTER_VERSION": checks.number(version, "masterVersion"),
        "LOCKRENEWALINTERVALSEC": checks.number(renewal, "lockRenewalIntervalSec", least=1, most=3600),
        "LEASETIMESEC": checks.number(lease, "leaseTimeSec", least=2, most=3600),
        "IOOPTIMEOUTSEC": checks.number(timeout, "ioOpTimeoutSec", most=3600),
        "LEASERETRIES": checks.number(retries, "leaseRetries", most=3600),
    }
