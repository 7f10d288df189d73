"""Snapshots and merges on a simulated host: layers as records, chains in the VMs' XML as libvirt shows them.

Does: VM.snapshot and VM.merge as jobs that take a moment, cold merges, reconciliation after a crash. A guest's chain is
in its XML, which outlives a killed agent. Faults: `fail_snapshot`, `fail_merge` (why). Does not: move data.
Follows: VDSM's verbs; flows, sections 8 and 9.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring, register_namespace, tostring

from ovis.agent.simulated.rack import SimulatedRack
from ovis.contract import statuses as st
from ovis.contract.domain.chains import chains_of
from ovis.contract.errors import Code, VerbError

SNAPSHOT_SECONDS = 0.05
MERGE_SECONDS = 0.1
_BLANK = "00000000-0000-0000-0000-000000000000"
_VM = "http://ovirt.org/vm/1.0"
register_namespace("ovirt-vm", _VM)
register_namespace("ovirt-tune", "http://ovirt.org/vm/tune/1.0")
register_namespace("qemu", "http://libvirt.org/schemas/domain/qemu/1.0")
_TAKES = (st.UP, st.POWERING_UP, st.PAUSED, st.POWERING_DOWN, st.REBOOT_IN_PROGRESS)


class SimulatedSnapshots:
    """Mixed into the driver."""

    rack: SimulatedRack
    jobs: dict[str, dict[str, Any]]
    full: bool
    faults: Callable[[], dict[str, Any]]
    _running: Callable[[str], Any]
    _remember: Callable[[Any], None]
    _task: Callable[[Callable[[], None]], str]

    # -- live ----------------------------------------------------------------------------------------------------

    async def vm_snapshot(
        self, vmID: str, snapDrives: list[dict[str, str]], snapMemory: Any = None, jobUUID: str = ""
    ) -> None:
        vm = self._running(vmID)
        if vm.status not in _TAKES:
            raise VerbError(Code.SNAPSHOT_FAILED, f"A VM that is {vm.status} takes no snapshot.")
        if jobUUID in self.jobs:
            return
        row = {"id": jobUUID, "job_type": "virt", "description": "snapshot_vm", "status": "running", "progress": 0}
        self.jobs[jobUUID] = row
        asyncio.get_running_loop().create_task(self._snapshot(vm, list(snapDrives), row))

    async def _snapshot(self, vm: Any, drives: list[dict[str, str]], row: dict[str, Any]) -> None:
        await asyncio.sleep(SNAPSHOT_SECONDS)
        why = self.faults().get("fail_snapshot")
        try:
            if why:
                raise VerbError(Code.SNAPSHOT_FAILED, str(why))
            if vm.status == st.DOWN:
                raise VerbError(Code.SNAPSHOT_FAILED, "The VM has ended")
            for drive in drives:
                self.rack.volume(drive["domainID"], drive["imageID"], drive["volumeID"])
                self._use(vm, drive["imageID"], drive["volumeID"])
        except VerbError as err:
            row |= {"status": "failed", "error": {"code": err.code, "message": err.message}}
            return
        row |= {"status": "done", "progress": 100}

    def _use(self, vm: Any, image: str, volume: str) -> None:
        """The guest writes to another volume: its XML says so."""
        root = fromstring(vm.xml)
        for device in root.iter(f"{{{_VM}}}device"):
            found = device.find(f"{{{_VM}}}volumeID")
            if device.findtext(f"{{{_VM}}}imageID") == image and found is not None:
                found.text = volume
        vm.xml = with_chains(self.rack, tostring(root, encoding="unicode"))
        self._remember(vm)

    async def vm_merge(
        self, vmID: str, drive: Mapping[str, str], baseVolUUID: str, topVolUUID: str, jobUUID: str = ""
    ) -> None:
        vm = self._running(vmID)
        chain = chains_of(with_chains(self.rack, vm.xml)).get(drive["imageID"])
        if chain is None or baseVolUUID not in chain.volumes:
            raise VerbError(Code.MERGE_FAILED, f"The VM does not use volume {baseVolUUID}.")
        if topVolUUID not in chain.volumes or jobUUID in vm.merges:
            return
        vm.merges[jobUUID] = {
            "id": jobUUID, "jobType": "block", "blockJobType": "commit", "bandwidth": 0, "cur": 0, "end": 100,
            "imgUUID": drive["imageID"],
        }  # fmt: skip
        asyncio.get_running_loop().create_task(self._merge(vm, dict(drive), baseVolUUID, topVolUUID, jobUUID))

    async def _merge(self, vm: Any, drive: dict[str, str], base: str, top: str, job: str) -> None:
        for step in range(1, 3):
            await asyncio.sleep(MERGE_SECONDS / 2)
            vm.merges[job]["cur"] = 50 * step
        if vm.status != st.DOWN and not self.faults().get("fail_merge"):
            domain, image = drive["domainID"], drive["imageID"]
            active = chains_of(with_chains(self.rack, vm.xml))[image].volume(0) == top
            self._fold(domain, image, base, top)
            if active:
                self._use(vm, image, base)
            else:
                vm.xml = with_chains(self.rack, vm.xml)
                self._remember(vm)
        vm.merges.pop(job, None)

    def _fold(self, domain: str, image: str, base: str, top: str) -> None:
        """Who lay upon the layer lies upon the base."""
        volumes = self.rack.domain(domain)["images"][image]
        for row in volumes.values():
            if row["parent"] == top:
                row["parent"] = base
        volumes[top]["legality"] = "ILLEGAL"
        volumes[base]["capacity"] = str(max(int(volumes[base]["capacity"]), int(volumes[top]["capacity"])))
        self.rack.changed()

    # -- cold ----------------------------------------------------------------------------------------------------

    def _subchain(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        ids = given["sd_id"], given["img_id"]
        return self.rack.volume(*ids, given["base_id"]), self.rack.volume(*ids, given["top_id"])

    async def storage_pool_prepare_merge(self, storagepoolID: str, subchainInfo: Mapping[str, Any]) -> str:
        base, top = self._subchain(subchainInfo)

        def run() -> None:
            base["capacity"] = str(max(int(base["capacity"]), int(top["capacity"])))

        return self._task(run)

    async def sdm_merge(self, job_id: str, subchain_info: Mapping[str, Any]) -> None:
        if job_id in self.jobs:
            return
        row = {"id": job_id, "job_type": "storage", "description": "merge", "status": "done", "progress": 100}
        try:
            base, top = self._subchain(subchain_info)
            why = self.faults().get("fail_merge")
            if why or self.full:
                raise VerbError(Code.NO_SPACE if self.full else Code.MERGE_FAILED, str(why or "The disk is full"))
            if top["parent"] != subchain_info["base_id"]:
                raise VerbError(Code.MERGE_FAILED, "The volume does not lie upon the base")
            base["generation"] = int(base["generation"]) + 1
        except VerbError as err:
            row |= {"status": "failed", "error": {"code": err.code, "message": err.message}}
        self.jobs[job_id] = row
        self.rack.changed()

    async def storage_pool_finalize_merge(self, storagepoolID: str, subchainInfo: Mapping[str, Any]) -> str:
        self._subchain(subchainInfo)
        given = dict(subchainInfo)
        return self._task(lambda: self._fold(given["sd_id"], given["img_id"], given["base_id"], given["top_id"]))

    async def image_reconcile_volume_chain(self, storagedomainID: str, imageID: str, leafVolID: str) -> list[str]:
        self.rack.volume(storagedomainID, imageID, leafVolID)
        volumes = self.rack.domain(storagedomainID)["images"][imageID]
        found, at = [], leafVolID
        if volumes[at]["legality"] == "ILLEGAL" and volumes[at]["parent"] in volumes:
            at = volumes[at]["parent"]
        while at in volumes:
            found.append(at)
            at = volumes[at]["parent"]
        return found[::-1]


def with_chains(rack: SimulatedRack, xml: str) -> str:
    """A VM's document with the sources and layers of its disks, as the storage's records have them."""
    root = fromstring(xml)
    disks = {t.get("dev"): d for d in root.iter("disk") if (t := d.find("target")) is not None}
    for device in root.iter(f"{{{_VM}}}device"):
        disk = disks.get(device.get("name"))
        if device.get("devtype") != "disk" or disk is None:
            continue
        ids = [device.findtext(f"{{{_VM}}}{n}") or "" for n in ("domainID", "imageID", "volumeID")]
        images = rack.state["domains"].get(ids[0], {"images": {}})["images"]
        _show(disk, images, ids[1], ids[2])
    return tostring(root, encoding="unicode")


def _show(disk: Element, images: dict[str, Any], image: str, volume: str) -> None:
    for old in [*disk.findall("source"), *disk.findall("backingStore")]:
        disk.remove(old)
    at, index = disk, 1
    while image:
        attributes = {"file": f"/rhev/data-center/mnt/sim/images/{image}/{volume}"}
        SubElement(at, "source", attributes | ({"index": "1"} if at is disk else {}))
        parent = images.get(image, {}).get(volume, {}).get("parent", _BLANK)
        image = next((i for i, volumes in images.items() if parent in volumes), "")
        volume, index = parent, index + 1
        at = SubElement(at, "backingStore", {"type": "file", "index": str(index)} if image else {})
