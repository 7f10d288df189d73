"""Verbs of storage domains: create, find, attach, activate, leave, format.

Follows: VDSM's StorageDomain verbs; flows, section 2. Each looks first: it may be called twice.
"""

from typing import Any

import structlog

from ovis.agent.storage import checks, domains
from ovis.agent.storage.core import StorageCore
from ovis.agent.storage.domains import (
    ALIGNMENT,
    BLOCK_SIZE,
    CLASSES,
    MASTER,
    MASTER_KEYS,
    REGULAR,
    TYPES,
    VERSIONS,
    FileDomain,
    as_int,
)
from ovis.agent.storage.lease import read as read_lease
from ovis.agent.storage.pools import Pool
from ovis.agent.storage.threads import in_thread, in_thread_long
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)


class DomainVerbs:
    """Mixed into FileStorage."""

    core: StorageCore

    # -- looking ---------------------------------------------------------------------------------------------

    async def host_get_storage_domains(
        self, storagepoolID: Any = None, domainClass: Any = None, storageType: Any = None, remotePath: Any = None
    ) -> list[str]:
        pool_id = checks.optional_id(storagepoolID, "storagepoolID")
        class_ = "" if domainClass in (None, "", 0) else checks.choice(domainClass, "domainClass", CLASSES).capitalize()
        kind = "" if storageType in (None, "", 0) else checks.choice(storageType, "storageType", TYPES)
        remote = checks.remote_path(remotePath) if remotePath else ""

        def look() -> list[str]:
            point = self.core.servers.connected(remote) if remote else None
            if remote and point is None:
                return []
            found = []
            wanted = {"POOL_UUID": pool_id, "CLASS": class_, "TYPE": kind}
            for domain, facts in self.core.servers.readable():
                here = point is None or domain.path.parent == point.resolve()
                if here and all(not value or facts.get(key) == value for key, value in wanted.items()):
                    found.append(domain.id)
            return found

        return await in_thread(look)

    async def storage_domain_get_info(self, storagedomainID: str) -> dict[str, Any]:
        domain = await self.core.domain(storagedomainID)

        def look() -> dict[str, Any]:
            facts = domain.facts()
            lease = read_lease(domain.md)
            master = facts.get("ROLE") == MASTER
            return {
                "uuid": domain.id,
                "name": facts.get("DESCRIPTION", ""),
                "type": facts.get("TYPE", ""),
                "class": facts.get("CLASS", "Data"),
                "role": facts.get("ROLE", REGULAR),
                "version": as_int(facts, "VERSION"),
                "pool": [facts["POOL_UUID"]] if facts.get("POOL_UUID") else [],
                "master_ver": as_int(facts, "MASTER_VERSION"),
                "lver": lease.lver if master else -1,
                "spm_id": lease.host_id if master else -1,
                "remotePath": facts.get("REMOTE_PATH", ""),
                "block_size": as_int(facts, "BLOCK_SIZE", BLOCK_SIZE),
                "alignment": as_int(facts, "ALIGNMENT", ALIGNMENT),
            }

        return await in_thread(look)

    async def storage_domain_get_stats(self, storagedomainID: str) -> dict[str, Any]:
        domain = await self.core.domain(storagedomainID)
        total, free = await in_thread(domain.space)
        return {
            "disktotal": str(total),
            "diskfree": str(free),
            "mdasize": 0,
            "mdafree": 0,
            "mdavalid": True,
            "mdathreshold": True,
        }

    async def storage_domain_validate(self, storagedomainID: str) -> None:
        domain = await self.core.domain(storagedomainID)

        def look() -> None:
            if domain.facts().get("SDUUID", domain.id) != domain.id or not domain.images.is_dir():
                raise VerbError(Code.STORAGE_DOMAIN_METADATA, f"Storage domain {domain.id} is damaged")

        await in_thread(look)

    async def storage_domain_get_images(self, storagedomainID: str) -> list[str]:
        domain = await self.core.domain(storagedomainID)
        return await in_thread(domain.image_ids)

    async def storage_domain_get_volumes(self, storagedomainID: str, imageID: Any = "") -> list[str]:
        domain = await self.core.domain(storagedomainID)
        image_id = checks.optional_id(imageID, "imageID")

        def look() -> list[str]:
            where = [image_id] if image_id else domain.image_ids()
            return [volume for image in where for volume in domain.volume_ids(image)]

        return await in_thread(look)

    async def host_get_storage_repo_stats(self, domains: Any = ()) -> dict[str, Any]:
        rows = self.core.monitor.rows()
        return {d: row for d, row in rows.items() if not domains or d in domains}

    # -- making and ending -----------------------------------------------------------------------------------

    async def storage_domain_create(
        self,
        storagedomainID: str,
        domainType: Any,
        typeArgs: str,
        name: str,
        domainClass: Any,
        version: Any = 5,
        blockSize: Any = BLOCK_SIZE,
    ) -> None:
        domain_id = checks.id_of(storagedomainID, "storagedomainID")
        kind = checks.choice(domainType, "domainType", TYPES)
        class_ = checks.choice(domainClass, "domainClass", CLASSES)
        remote = checks.remote_path(typeArgs)
        level = checks.number(version if version is not None else 5, "version")
        if level not in VERSIONS:
            raise VerbError(Code.STORAGE_DOMAIN_VERSION, f"Domain version {level} is not supported")
        if checks.number(blockSize or BLOCK_SIZE, "blockSize") != BLOCK_SIZE:
            raise checks.invalid(f"File domains have a block size of {BLOCK_SIZE}")

        def make() -> None:
            point = self.core.servers.connected(remote)
            if point is None:
                raise VerbError(Code.STORAGE_DOMAIN_NOT_MOUNTED, f"The storage server is not connected: {remote}")
            if any(d.id == domain_id for d in self.core.servers.domains()):
                raise VerbError(Code.STORAGE_DOMAIN_EXISTS, f"Storage domain already exists: {domain_id}")
            domains.create(point, domain_id, kind=kind, name=name, domain_class=class_, version=level, remote=remote)

        await in_thread(make)

    async def storage_domain_format(self, storagedomainID: str, autoDetach: Any = False) -> None:
        domain = await self.core.domain(storagedomainID)
        pool_id = (await in_thread(domain.facts)).get("POOL_UUID")
        if pool_id and not checks.truth(autoDetach):
            raise VerbError(
                Code.STORAGE_DOMAIN_FORMAT_ATTACHED, f"Storage domain {domain.id} is attached to pool {pool_id}"
            )
        if pool_id and self.core.pools.known(pool_id) is not None:
            raise VerbError(
                Code.STORAGE_DOMAIN_FORMAT_ATTACHED, f"Storage domain {domain.id} is used by a connected pool"
            )
        for pool in self.core.pools.all():  # this host was not told yet that the domain left
            if domain.id in pool.row.domains:
                await self.core.pools.note(pool, domain.id, None)
        await self.core.watch()
        self.core.servers.forget(domain.id)
        await in_thread_long(domains.remove, domain)

    async def storage_domain_set_description(self, storagedomainID: str, description: str) -> None:
        domain = await self.core.domain(storagedomainID)
        pool_id = (await in_thread(domain.facts)).get("POOL_UUID")
        if pool_id:
            self.core.pools.managed(pool_id)
        await in_thread(domain.change, {"DESCRIPTION": checks.one_line(description)})

    # -- in a pool -------------------------------------------------------------------------------------------

    async def storage_domain_attach(self, storagedomainID: str, storagepoolID: str) -> None:
        pool = self.core.pools.managed(storagepoolID)
        domain = await self.core.domain(storagedomainID)
        async with pool.lock:
            facts = await in_thread(domain.facts)
            if facts.get("POOL_UUID") not in (None, "", pool.row.id):
                raise VerbError(
                    Code.STORAGE_DOMAIN_ATTACHED, f"Storage domain {domain.id} is in pool {facts['POOL_UUID']} already"
                )
            if await self._listed(pool, domain) is not None:
                return
            if facts.get("ROLE") != MASTER or facts.get("POOL_UUID") != pool.row.id:
                await in_thread(domain.change, {"POOL_UUID": pool.row.id, "ROLE": REGULAR}, MASTER_KEYS)
            await self.core.pools.change_domains(pool, domain.id, "Attached")
            await self.core.pools.note(pool, domain.id, "attached")

    async def _listed(self, pool: Pool, domain: FileDomain) -> str | None:
        """Active, Attached, or None if the pool's master does not know the domain."""
        _, facts = await in_thread(self.core.pools.master, pool)
        return domains.pool_domains(facts).get(domain.id)

    async def storage_domain_activate(self, storagedomainID: str, storagepoolID: str) -> None:
        pool, domain = await self.core.pool_domain(storagepoolID, storagedomainID)
        async with pool.lock:
            if await self._listed(pool, domain) is None:
                raise VerbError(Code.STORAGE_DOMAIN_NOT_IN_POOL, f"Storage domain {domain.id} is not in the pool")
            await self.core.pools.change_domains(pool, domain.id, "Active")
            await self.core.pools.note(pool, domain.id, "active")
        await self.core.watch()

    async def storage_domain_deactivate(
        self, storagedomainID: str, storagepoolID: str, masterSdUUID: Any = "", masterVersion: Any = 0
    ) -> None:
        pool = self.core.pools.managed(storagepoolID)
        domain_id = checks.id_of(storagedomainID, "storagedomainID")
        heir_id = checks.optional_id(masterSdUUID, "masterSdUUID")
        master, facts = await in_thread(self.core.pools.master, pool)
        if domain_id not in domains.pool_domains(facts):
            raise VerbError(Code.STORAGE_DOMAIN_NOT_IN_POOL, f"Storage domain {domain_id} is not in the pool")
        if heir_id and heir_id != domain_id and master.id == domain_id:
            _, heir = await self.core.pool_domain(storagepoolID, heir_id)
            await self.core.pools.switch_master(pool, heir, checks.number(masterVersion, "masterVersion"))
        async with pool.lock:
            await self.core.pools.change_domains(pool, domain_id, "Attached")
            await self.core.pools.note(pool, domain_id, "attached")
        await self.core.watch()

    async def storage_domain_detach(self, storagedomainID: str, storagepoolID: str, force: Any = False) -> None:
        pool_id = checks.id_of(storagepoolID, "storagepoolID")
        domain_id = checks.id_of(storagedomainID, "storagedomainID")
        forced = checks.truth(force)
        if forced and self.core.pools.known(pool_id) is None:
            await self._forget_pool(await self.core.domain(domain_id), pool_id)
            return
        pool = self.core.pools.managed(pool_id)
        async with pool.lock:
            master, facts = await in_thread(self.core.pools.master, pool)
            status = domains.pool_domains(facts).get(domain_id)
            if master.id == domain_id:
                raise VerbError(Code.STORAGE_DOMAIN_IS_MASTER, f"Storage domain {domain_id} is the pool's master")
            if status == "Active" and not forced:
                raise VerbError(Code.STORAGE_DOMAIN_ACTIVE, f"Storage domain {domain_id} is active")
            try:
                domain = await self.core.domain(domain_id)
                mine = (await in_thread(domain.facts)).get("POOL_UUID", "")
                if mine == pool_id:
                    await self._forget_pool(domain, pool_id)
                elif status is None and mine:
                    raise VerbError(Code.STORAGE_DOMAIN_NOT_IN_POOL, f"Storage domain {domain_id} is not in the pool")
            except VerbError as err:
                if not forced or err.code == Code.STORAGE_DOMAIN_NOT_IN_POOL:
                    raise
                log.warning("storage domain detached unseen", domain=domain_id, error=err.message)
            if status is not None:
                await self.core.pools.change_domains(pool, domain_id, None)
            await self.core.pools.note(pool, domain_id, None)
        await self.core.watch()

    async def _forget_pool(self, domain: FileDomain, pool_id: str) -> None:
        facts = await in_thread(domain.facts)
        if facts.get("POOL_UUID") == pool_id:
            await in_thread(domain.change, {"POOL_UUID": "", "ROLE": REGULAR}, MASTER_KEYS)
