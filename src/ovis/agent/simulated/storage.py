"""Storage verbs of a simulated host: domains, pools, volumes, tasks and jobs as records, no files.

Follows: VDSM's verbs for file domains; tasks end at once but are polled and cleared like real ones.
"""

import time
import uuid
from collections.abc import Callable
from typing import Any

from ovis.agent.simulated.rack import SimulatedRack
from ovis.contract.errors import Code, VerbError

DISK_TOTAL = 1 << 42  # 4 TiB
_BLANK = "00000000-0000-0000-0000-000000000000"


class SimulatedStorage:
    """Mixed into the driver: everything under StoragePool, StorageDomain, Volume, Image, Task and SDM."""

    rack: SimulatedRack
    spm: dict[str, int]
    full: bool

    def _init_storage(self, rack: SimulatedRack) -> None:
        self.rack = rack
        self.spm = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.full = False
        self.host_ids: dict[str, int] = {}

    def _task(self, run: Callable[[], None]) -> str:
        task_id = str(uuid.uuid4())
        row = {"code": 0, "message": "1 jobs completed successfully", "taskState": "finished", "taskResult": "success"}
        try:
            run()
        except VerbError as err:
            row = {"code": err.code, "message": err.message, "taskState": "finished", "taskResult": "cleanSuccess"}
        self.tasks[task_id] = row | {"taskID": task_id}
        self.rack.changed()
        return task_id

    # -- servers, pools, SPM -------------------------------------------------------------------------------------

    async def storage_pool_connect_storage_server(self, connectionParams: list[Any]) -> list[dict[str, Any]]:
        return [{"id": c.get("id"), "status": 0} for c in connectionParams]

    async def storage_pool_disconnect_storage_server(self, connectionParams: list[Any]) -> list[dict[str, Any]]:
        return [{"id": c.get("id"), "status": 0} for c in connectionParams]

    async def storage_pool_create(
        self, storagepoolID: str, name: str, masterSdUUID: str, masterVersion: Any, domainList: list[str]
    ) -> None:
        for domain_id in domainList:
            self.rack.domain(domain_id)["pool"] = storagepoolID
        self.rack.state["pools"].setdefault(
            storagepoolID,
            {
                "name": name,
                "master": masterSdUUID,
                "version": int(masterVersion),
                "domains": dict.fromkeys(domainList, "Attached"),
                "spm": -1,
                "lver": 0,
            },
        )
        self.rack.changed()

    async def storage_pool_connect(
        self, storagepoolID: str, hostID: Any, masterSdUUID: str, masterVersion: Any, domainDict: Any = None
    ) -> None:
        pool = self.rack.state["pools"].setdefault(
            storagepoolID,
            {"name": "", "master": masterSdUUID, "version": int(masterVersion), "domains": {}, "spm": -1, "lver": 0},
        )
        for domain_id, status in (domainDict or {}).items():
            pool["domains"].setdefault(domain_id, str(status).capitalize())
        self.host_ids[storagepoolID] = int(hostID)
        self.rack.changed()

    async def storage_pool_disconnect(self, storagepoolID: str) -> None:
        self.host_ids.pop(storagepoolID, None)
        self.spm.pop(storagepoolID, None)

    async def storage_pool_destroy(self, storagepoolID: str) -> None:
        pool = self.rack.state["pools"].pop(storagepoolID, None)
        for domain_id in (pool or {}).get("domains", {}):
            if domain_id in self.rack.state["domains"]:
                self.rack.state["domains"][domain_id]["pool"] = None
        self.rack.changed()

    async def storage_pool_spm_start(self, storagepoolID: str) -> str:
        pool = self.rack.pool(storagepoolID)
        mine = self.host_ids.get(storagepoolID, 1)

        def run() -> None:
            holder = next((d for d in self.rack.drivers.values() if storagepoolID in d.spm and d is not self), None)
            if holder is not None:
                raise VerbError(Code.SPM_STATUS, "Another host is SPM")
            pool["spm"], pool["lver"] = mine, pool["lver"] + 1
            self.spm[storagepoolID] = pool["lver"]

        return self._task(run)

    async def storage_pool_spm_stop(self, storagepoolID: str) -> None:
        if self.spm.pop(storagepoolID, None) is not None:
            self.rack.pool(storagepoolID)["spm"] = -1
            self.rack.changed()

    async def storage_pool_get_spm_status(self, storagepoolID: str) -> dict[str, Any]:
        pool = self.rack.pool(storagepoolID)
        status = "SPM" if storagepoolID in self.spm else "Free"
        held = any(storagepoolID in d.spm for d in self.rack.drivers.values())
        return {"spmStatus": status, "spmLver": pool["lver"], "spmId": pool["spm"] if held else -1}

    async def storage_pool_get_info(self, storagepoolID: str) -> dict[str, Any]:
        pool = self.rack.pool(storagepoolID)
        rows = {
            domain_id: {
                "status": status,
                "diskfree": str(self._free(domain_id)),
                "disktotal": str(DISK_TOTAL),
                "alerts": [],
                "version": 5,
            }
            for domain_id, status in pool["domains"].items()
        }
        info = {
            "name": pool["name"],
            "type": "NFS",
            "master_uuid": pool["master"],
            "master_ver": pool["version"],
            "spm_id": pool["spm"],
            "lver": pool["lver"],
            "domains": ",".join(f"{d}:{s}" for d, s in pool["domains"].items()),
            "isoprefix": "",
            "pool_status": "connected",
            "version": "5",
        }
        return {"info": info, "dominfo": rows}

    # -- domains -------------------------------------------------------------------------------------------------

    async def storage_domain_create(
        self, storagedomainID: str, domainType: Any, typeArgs: str, name: str, domainClass: Any, version: Any = 5
    ) -> None:
        if storagedomainID in self.rack.state["domains"]:
            raise VerbError(Code.STORAGE_DOMAIN_EXISTS, f"Storage domain already exists: {storagedomainID}")
        if not all(str(n).isdigit() for n in (domainType, domainClass, version or 5)):
            raise VerbError(Code.INVALID_PARAMETER, "domainType, domainClass and version are numbers.")
        self.rack.state["domains"][storagedomainID] = {
            "name": name,
            "type": int(domainType),
            "class": int(domainClass),
            "path": typeArgs,
            "version": int(version or 5),
            "pool": None,
            "images": {},
        }
        self.rack.changed()

    def _free(self, domain_id: str) -> int:
        if self.full:
            return 0
        domain = self.rack.state["domains"].get(domain_id, {"images": {}})
        used = sum(int(v["truesize"]) for image in domain["images"].values() for v in image.values())
        return max(0, DISK_TOTAL - used)

    async def storage_domain_get_info(self, storagedomainID: str) -> dict[str, Any]:
        domain = self.rack.domain(storagedomainID)
        return {
            "uuid": storagedomainID,
            "name": domain["name"],
            "type": {1: "NFS", 4: "LOCALFS", 6: "POSIXFS"}.get(domain["type"], "NFS"),
            "class": {1: "Data", 2: "Iso", 3: "Backup"}.get(domain["class"], "Data"),
            "version": int(domain["version"]),
            "pool": [domain["pool"]] if domain["pool"] else [],
            "role": "Regular",
            "lver": -1,
            "spm_id": -1,
            "master_ver": 0,
            "block_size": 512,
            "alignment": 1048576,
            "remotePath": domain["path"],
        }

    async def storage_domain_get_stats(self, storagedomainID: str) -> dict[str, Any]:
        self.rack.domain(storagedomainID)
        return {
            "disktotal": str(DISK_TOTAL),
            "diskfree": str(self._free(storagedomainID)),
            "mdasize": 0,
            "mdafree": 0,
            "mdavalid": True,
            "mdathreshold": True,
        }

    async def storage_domain_get_images(self, storagedomainID: str) -> list[str]:
        return list(self.rack.domain(storagedomainID)["images"])

    async def storage_domain_get_volumes(self, storagedomainID: str, imageID: str = "") -> list[str]:
        images = self.rack.domain(storagedomainID)["images"]
        found = [images.get(imageID, {})] if imageID else list(images.values())
        return [volume for image in found for volume in image]

    async def storage_domain_attach(self, storagedomainID: str, storagepoolID: str) -> None:
        self.rack.domain(storagedomainID)["pool"] = storagepoolID
        self.rack.pool(storagepoolID)["domains"][storagedomainID] = "Attached"
        self.rack.changed()

    async def storage_domain_activate(self, storagedomainID: str, storagepoolID: str) -> None:
        self.rack.domain(storagedomainID)
        self.rack.pool(storagepoolID)["domains"][storagedomainID] = "Active"
        self.rack.changed()

    async def storage_domain_deactivate(self, storagedomainID: str, storagepoolID: str) -> None:
        self.rack.pool(storagepoolID)["domains"][storagedomainID] = "Attached"
        self.rack.changed()

    async def storage_domain_detach(self, storagedomainID: str, storagepoolID: str) -> None:
        self.rack.pool(storagepoolID)["domains"].pop(storagedomainID, None)
        self.rack.domain(storagedomainID)["pool"] = None
        self.rack.changed()

    async def storage_domain_format(self, storagedomainID: str) -> None:
        self.rack.state["domains"].pop(storagedomainID, None)
        self.rack.changed()

    async def storage_domain_set_description(self, storagedomainID: str, description: str) -> None:
        self.rack.domain(storagedomainID)["name"] = description
        self.rack.changed()

    # -- volumes -------------------------------------------------------------------------------------------------

    async def volume_create(
        self,
        storagedomainID: str,
        storagepoolID: str,
        imageID: str,
        volumeID: str,
        size: Any,
        volFormat: Any,
        preallocate: Any,
        diskType: Any = "DATA",
        desc: str = "",
        srcImgUUID: str = _BLANK,
        srcVolUUID: str = _BLANK,
    ) -> str:
        images = self.rack.domain(storagedomainID)["images"]

        def run() -> None:
            if self.full:
                raise VerbError(Code.NO_SPACE, "Could not allocate space: the disk is full")
            if volumeID in images.get(imageID, {}):
                return  # the same call again
            sparse = int(preallocate) == 2
            images.setdefault(imageID, {})[volumeID] = {
                "capacity": str(size),
                "apparentsize": "196624" if sparse else str(size),
                "truesize": "196624" if sparse else str(size),
                "format": "COW" if int(volFormat) == 4 else "RAW",
                "type": "SPARSE" if sparse else "PREALLOCATED",
                "parent": srcVolUUID or _BLANK,
                "disktype": str(diskType),
                "description": desc,
                "legality": "LEGAL",
                "generation": 0,
                "ctime": str(round(time.time())),
            }

        return self._task(run)

    async def volume_get_info(self, storagedomainID: str, imageID: str, volumeID: str) -> dict[str, Any]:
        found = self.rack.volume(storagedomainID, imageID, volumeID)
        return found | {
            "uuid": volumeID,
            "image": imageID,
            "domain": storagedomainID,
            "voltype": "LEAF",
            "status": "OK",
            "children": [],
            "lease": {},
        }

    async def volume_get_size(self, storagedomainID: str, imageID: str, volumeID: str) -> dict[str, str]:
        found = self.rack.volume(storagedomainID, imageID, volumeID)
        return {"apparentsize": found["apparentsize"], "truesize": found["truesize"]}

    async def volume_extend_size(self, storagedomainID: str, imageID: str, volumeID: str, newSize: Any) -> str:
        found = self.rack.volume(storagedomainID, imageID, volumeID)

        def run() -> None:
            found["capacity"] = str(max(int(newSize), int(found["capacity"])))

        return self._task(run)

    async def volume_set_description(self, storagedomainID: str, imageID: str, volumeID: str, description: str) -> None:
        self.rack.volume(storagedomainID, imageID, volumeID)["description"] = description
        self.rack.changed()

    async def volume_set_legality(self, storagedomainID: str, imageID: str, volumeID: str, legality: str) -> None:
        self.rack.volume(storagedomainID, imageID, volumeID)["legality"] = legality
        self.rack.changed()

    async def volume_refresh(self, storagedomainID: str, imageID: str, volumeID: str) -> None:
        self.rack.volume(storagedomainID, imageID, volumeID)

    async def image_delete(self, storagedomainID: str, imageID: str) -> str:
        images = self.rack.domain(storagedomainID)["images"]
        return self._task(lambda: images.pop(imageID, None) and None)

    async def image_delete_volumes(self, storagedomainID: str, imageID: str, volumeList: list[str]) -> str:
        image = self.rack.domain(storagedomainID)["images"].get(imageID, {})

        def run() -> None:
            for volume in volumeList:
                image.pop(volume, None)

        return self._task(run)

    async def image_prepare(self, storagedomainID: str, imageID: str, volumeID: str) -> dict[str, Any]:
        self.rack.volume(storagedomainID, imageID, volumeID)
        return {"path": f"/rhev/data-center/mnt/sim/{storagedomainID}/images/{imageID}/{volumeID}"}

    async def image_teardown(self, storagedomainID: str, imageID: str) -> None:
        self.rack.domain(storagedomainID)

    async def sdm_copy_data(self, job_id: str, source: dict[str, Any], destination: dict[str, Any]) -> None:
        if job_id in self.jobs:
            return
        row = {"id": job_id, "job_type": "storage", "description": "copy_data", "status": "done", "progress": 100}
        try:
            origin = self.rack.volume(source["sd_id"], source["img_id"], source["vol_id"])
            target = self.rack.volume(destination["sd_id"], destination["img_id"], destination["vol_id"])
            target["truesize"], target["apparentsize"] = origin["truesize"], origin["apparentsize"]
            target["generation"] = int(target["generation"]) + 1
        except VerbError as err:
            row |= {"status": "failed", "error": {"code": err.code, "message": err.message}}
        self.jobs[job_id] = row
        self.rack.changed()

    # -- tasks and jobs ------------------------------------------------------------------------------------------

    async def host_get_all_tasks_statuses(self) -> dict[str, Any]:
        return dict(self.tasks)

    async def host_get_all_tasks_info(self) -> dict[str, Any]:
        return {task_id: {"id": task_id, "verb": ""} for task_id in self.tasks}

    async def task_get_status(self, taskID: str) -> dict[str, Any]:
        if taskID not in self.tasks:
            raise VerbError(Code.TASK_UNKNOWN, f"Task id unknown: {taskID}")
        return self.tasks[taskID]

    async def task_get_info(self, taskID: str) -> dict[str, Any]:
        await self.task_get_status(taskID)
        return {"id": taskID, "verb": ""}

    async def task_stop(self, taskID: str) -> None:
        await self.task_get_status(taskID)

    async def task_clear(self, taskID: str) -> None:
        await self.task_get_status(taskID)
        del self.tasks[taskID]

    async def host_get_jobs(self, job_type: Any = None, job_ids: Any = None) -> dict[str, Any]:
        return {job_id: row for job_id, row in self.jobs.items() if not job_ids or job_id in job_ids}

    async def host_get_storage_repo_stats(self, domains: Any = ()) -> dict[str, Any]:
        return self._repo_stats()

    def _repo_stats(self) -> dict[str, Any]:
        return {
            domain_id: {
                "code": 0,
                "delay": "0.0003",
                "lastCheck": "1.2",
                "valid": True,
                "version": 5,
                "acquired": True,
                "actual": True,
            }
            for pool_id in self.host_ids
            for domain_id, status in self.rack.state["pools"].get(pool_id, {"domains": {}})["domains"].items()
            if status == "Active"
        }
