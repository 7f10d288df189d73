"""Looking at storage: pools, tasks, files of ISO domains, whole domains, who has an image; and monitoring on request.

Does: read what the other parts hold. Follows: VDSM's verbs and their codes.
"""

import fnmatch
import os
import re
from pathlib import Path
from typing import Any

from ovis.agent.storage import checks, volumes
from ovis.agent.storage.core import StorageCore
from ovis.agent.storage.domain_verbs import DomainVerbs
from ovis.agent.storage.domains import FileDomain
from ovis.agent.storage.threads import in_thread
from ovis.contract.errors import Code, VerbError

ISO_IMAGE = "11111111-1111-1111-1111-111111111111"
_MOST = 10_000
_GUID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,254}")
_PLACES = (Path("/dev/mapper"), Path("/dev/disk/by-id"))


class ViewVerbs:
    """The verbs."""

    def __init__(self, core: StorageCore, domains: DomainVerbs) -> None:
        self._core, self._domains = core, domains

    async def host_get_connected_storage_pools(self) -> list[str]:
        """Pools that this host is connected to."""
        return [pool.row.id for pool in self._core.pools.all()]

    async def host_get_all_tasks(self) -> dict[str, Any]:
        """Tasks that were not cleared, with all that is known of them."""
        return {
            task.id: {
                "id": task.id,
                "verb": task.verb,
                "tag": "spm",
                "state": task.state,
                "code": task.code,
                "message": task.message,
                "taskResult": task.result,
            }
            for task in self._core.tasks.all()
        }

    async def host_get_devices_visibility(self, guidList: Any) -> dict[str, bool]:
        """Whether this host sees these LUNs."""
        return await in_thread(lambda: {str(guid): visible(str(guid)) for guid in guidList})

    async def host_start_monitoring_domain(self, sdUUID: str, hostID: Any) -> None:
        """Read a domain's health although no pool of this host uses it."""
        domain = await self._core.domain(sdUUID, "sdUUID")
        checks.number(hostID, "hostID", least=1, most=2000)
        self._core.besides.add(domain.id)
        await self._core.watch()

    async def host_stop_monitoring_domain(self, sdUUID: str) -> None:
        """No more; one that a pool uses is read on."""
        self._core.besides.discard(checks.id_of(sdUUID, "sdUUID"))
        await self._core.watch()

    async def storage_domain_get_file_stats(
        self, storagedomainID: str, pattern: str, caseSensitive: Any = False
    ) -> dict[str, Any]:
        """Files of an ISO domain whose names fit a pattern (`*` and `?`)."""
        domain = await self._core.domain(storagedomainID)
        if (await in_thread(domain.facts)).get("CLASS", "Data").lower() != "iso":
            raise VerbError(
                Code.FILE_STATS, f"Storage domain {domain.id} has no files of its own: it is no ISO domain."
            )
        return await in_thread(file_stats, domain, str(pattern), checks.truth(caseSensitive))

    async def storage_domain_dump(self, sd_id: str, full: Any = False) -> dict[str, Any]:
        """A domain's metadata and all its volumes."""
        domain = await self._core.domain(sd_id, "sd_id")
        return {
            "metadata": await self._domains.storage_domain_get_info(domain.id),
            "volumes": await in_thread(_volumes, domain),
        }

    async def storage_pool_get_domains_containing_image(self, storagepoolID: str, imageID: str) -> list[str]:
        """Domains of a pool in which an image lies."""
        pool, image = self._core.pools.get(storagepoolID), checks.id_of(imageID, "imageID")

        def look() -> list[str]:
            found = []
            for domain_id in sorted(pool.row.domains):
                try:
                    domain = self._core.servers.find(domain_id)
                    if image in domain.image_ids():
                        found.append(domain_id)
                except VerbError:
                    continue  # a domain that is away is not said to have it
            return found

        return await in_thread(look)


def visible(guid: str) -> bool:
    """Whether a block device of that id is there."""
    if _GUID.fullmatch(guid) is None:
        return False
    names = (guid, f"scsi-{guid}", f"wwn-0x{guid}")
    return any((place / name).exists() for place in _PLACES for name in names)


def file_stats(domain: FileDomain, pattern: str, exact: bool) -> dict[str, Any]:
    """size, ctime and whether it can be read, by name below the domain's folder of files."""
    fits = re.compile(fnmatch.translate(pattern), 0 if exact else re.IGNORECASE)
    base = domain.images / ISO_IMAGE
    found: dict[str, Any] = {}
    for folder, folders, files in os.walk(base):
        folders.sort()
        for name in sorted(files):
            path = Path(folder) / name
            if fits.match(str(path.relative_to(base))) is None or path.is_symlink():
                continue
            try:
                facts = path.stat()
            except OSError:
                continue
            readable = 0 if os.access(path, os.R_OK) else int(Code.SERVER_PERMISSION)
            row = {"size": facts.st_size, "ctime": int(facts.st_ctime), "status": readable}
            found[str(path.relative_to(base))] = row
            if len(found) >= _MOST:
                return found
    return found


def _volumes(domain: FileDomain) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for image in domain.image_ids():
        for volume_id in domain.volume_ids(image):
            volume = volumes.Volume(domain, image, volume_id)
            row: dict[str, Any] = {"image": image, "status": "INVALID", "apparentsize": 0, "truesize": 0}
            try:
                row["apparentsize"], row["truesize"] = volumes.sizes(volume)
                facts = volume.facts()
            except VerbError:
                found[volume_id] = row
                continue
            found[volume_id] = row | {
                "status": "OK" if facts.legality == "LEGAL" else "ILLEGAL",
                "capacity": facts.capacity,
                "parent": facts.parent or checks.BLANK,
                "description": facts.description,
                "legality": facts.legality,
                "ctime": facts.ctime,
                "format": facts.format,
                "type": facts.type,
                "voltype": facts.role,
                "disktype": facts.disktype,
                "generation": facts.generation,
            }
    return found
