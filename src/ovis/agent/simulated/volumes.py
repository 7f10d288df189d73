"""Rarer verbs of storage on a simulated host: copies inside the pool, single volumes, other masters.

Does: what the engine could see of them; sizes and facts of records. Does not: move data.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from ovis.agent.simulated.rack import SimulatedRack
from ovis.contract.errors import Code, VerbError

_BLANK = "00000000-0000-0000-0000-000000000000"
_HEAD = 196_624  # bytes of an empty qcow2 file


class SimulatedVolumes:
    """Mixed into the driver."""

    rack: SimulatedRack
    jobs: dict[str, dict[str, Any]]
    spm: dict[str, int]
    full: bool
    _task: Callable[[Callable[[], None]], str]
    _running: Callable[[str], Any]

    # -- volumes -------------------------------------------------------------------------------------------------

    async def image_get_volumes(self, storagedomainID: str, imageID: str) -> list[str]:
        return list(self.rack.domain(storagedomainID)["images"].get(imageID, {}))

    async def volume_copy(
        self,
        storagedomainID: str,
        imageID: str,
        volumeID: str,
        dstSdUUID: str,
        dstImgUUID: str,
        dstVolUUID: str,
        desc: str,
        volFormat: Any,
        preallocate: Any,
    ) -> str:
        origin = self.rack.volume(storagedomainID, imageID, volumeID)
        images = self.rack.domain(dstSdUUID)["images"]

        def run() -> None:
            if self.full:
                raise VerbError(Code.NO_SPACE, "Could not allocate space: the disk is full")
            made = copy.deepcopy(origin) | {"parent": _BLANK, "description": desc, "generation": 0}
            made["format"] = "COW" if str(volFormat) in ("4", "COW") else "RAW"
            made["type"] = "SPARSE" if str(preallocate) in ("2", "SPARSE") else "PREALLOCATED"
            images.setdefault(dstImgUUID, {}).setdefault(dstVolUUID, made)

        return self._task(run)

    async def volume_delete(self, storagedomainID: str, imageID: str, volumeID: Any) -> str:
        image = self.rack.domain(storagedomainID)["images"].get(imageID, {})
        wanted = [volumeID] if isinstance(volumeID, str) else list(volumeID)

        def run() -> None:
            for volume in wanted:
                if any(row.get("parent") == volume for row in image.values()):
                    raise VerbError(Code.VOLUME_HAS_CHILDREN, f"Other volumes stand on {volume}")
                image.pop(volume, None)

        return self._task(run)

    async def volume_measure(
        self, storagedomainID: str, imageID: str, volumeID: str, dstVolFormat: Any
    ) -> dict[str, Any]:
        found = self.rack.volume(storagedomainID, imageID, volumeID)
        capacity, used = int(found["capacity"]), int(found["truesize"])
        if str(dstVolFormat) in ("4", "COW"):
            return {"required": min(used, capacity) + _HEAD, "fully-allocated": capacity + _HEAD}
        return {"required": capacity, "fully-allocated": capacity}

    async def volume_get_qemu_image_info(self, storagedomainID: str, imageID: str, volumeID: str) -> dict[str, Any]:
        found = self.rack.volume(storagedomainID, imageID, volumeID)
        info = {"virtualsize": int(found["capacity"]), "format": "qcow2" if found["format"] == "COW" else "raw"}
        if found["format"] == "COW":
            info |= {"compat": "1.1", "clustersize": 65536}
            if found.get("parent", _BLANK) != _BLANK:
                info["backingfile"] = found["parent"]
        return info

    async def sdm_update_volume(self, job_id: str, vol_info: Mapping[str, Any], vol_attr: Mapping[str, Any]) -> None:
        if job_id in self.jobs:
            return
        row = {"id": job_id, "job_type": "storage", "description": "update_volume", "status": "done", "progress": 100}
        try:
            found = self.rack.volume(vol_info["sd_id"], vol_info["img_id"], vol_info["vol_id"])
            believed = vol_info.get("generation")
            if believed is not None and int(believed) != int(found["generation"]):
                raise VerbError(Code.GENERATION_MISMATCH, "The volume has another generation")
            names = {"legality": "legality", "description": "description", "type": "voltype"}
            found.update({ours: vol_attr[theirs] for theirs, ours in names.items() if theirs in vol_attr})
            found["generation"] = int(vol_attr.get("generation", int(found["generation"]) + 1))
        except VerbError as err:
            row |= {"status": "failed", "error": {"code": err.code, "message": err.message}}
        self.jobs[job_id] = row
        self.rack.changed()

    # -- domains and pools ---------------------------------------------------------------------------------------

    async def storage_domain_validate(self, storagedomainID: str) -> None:
        self.rack.domain(storagedomainID)

    async def storage_pool_refresh(self, storagepoolID: str) -> None:
        self.rack.pool(storagepoolID)

    async def storage_pool_set_description(self, storagepoolID: str, description: str) -> None:
        self._managed(storagepoolID)["name"] = description
        self.rack.changed()

    async def storage_pool_reconstruct_master(
        self, storagepoolID: str, name: str, masterSdUUID: str, masterVersion: Any, domainDict: Mapping[str, str]
    ) -> None:
        self.rack.domain(masterSdUUID)
        pool = self.rack.state["pools"].setdefault(storagepoolID, {"spm": -1, "lver": 0})
        statuses = {d: str(s).capitalize() for d, s in domainDict.items()}
        pool |= {"name": name, "master": masterSdUUID, "version": int(masterVersion), "domains": statuses}
        self.rack.changed()

    async def storage_pool_switch_master(self, storagepoolID: str, newMasterUUID: str, masterVersion: Any) -> str:
        pool = self._managed(storagepoolID)
        self.rack.domain(newMasterUUID)

        def run() -> None:
            pool["master"], pool["version"] = newMasterUUID, int(masterVersion)

        return self._task(run)

    def _managed(self, pool_id: str) -> dict[str, Any]:
        if pool_id not in self.spm:
            raise VerbError(Code.NOT_SPM, f"This host does not manage pool {pool_id} (not SPM)")
        return self.rack.pool(pool_id)

    # -- VMs -----------------------------------------------------------------------------------------------------

    async def vm_migrate_change_params(self, vmID: str) -> None:
        vm = self._running(vmID)
        if vm.status != "Migration Source":
            raise VerbError(Code.MIGRATION_FAILED, "The VM does not migrate.")
