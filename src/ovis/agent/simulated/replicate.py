"""Live storage migration and sparse volumes on a simulated host: a mirror that takes a moment, and its end.

Does: what the engine sees of VM.diskReplicateStart and diskReplicateFinish. A guest's mirror is in its XML, so it outlives
a killed agent, as QEMU's does. Faults: `fail_replicate` (why), `replicate_seconds` (how long it takes). Does not: move data.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from ovis.agent.simulated.rack import SimulatedRack
from ovis.contract import statuses as st
from ovis.contract.errors import Code, VerbError

REPLICATE_SECONDS = 0.1
_VM = "http://ovirt.org/vm/1.0"
_TAKES = (st.UP, st.POWERING_UP, st.PAUSED, st.POWERING_DOWN, st.REBOOT_IN_PROGRESS)


class SimulatedReplication:
    """Mixed into the driver."""

    rack: SimulatedRack
    jobs: dict[str, dict[str, Any]]
    faults: Callable[[], dict[str, Any]]
    _running: Callable[[str], Any]
    _remember: Callable[[Any], None]

    async def vm_disk_replicate_start(self, vmID: str, srcDisk: Mapping[str, str], dstDisk: Mapping[str, str]) -> None:
        vm = self._running(vmID)
        if vm.status not in _TAKES:
            raise VerbError(Code.REPLICATION, f"Disks of a VM that is {vm.status} are not replicated.")
        self.rack.volume(dstDisk["domainID"], dstDisk["imageID"], dstDisk["volumeID"])
        root = fromstring(vm.xml)
        device, disk = _places(root, srcDisk["imageID"])
        if device.findtext(f"{{{_VM}}}domainID") == dstDisk["domainID"] or disk.find("mirror") is not None:
            return
        why = self.faults().get("fail_replicate")
        if why:
            raise VerbError(Code.REPLICATION, str(why))
        ready = time.time() + float(self.faults().get("replicate_seconds") or REPLICATE_SECONDS)
        SubElement(disk, "mirror", {"type": "file", "job": "copy", "since": str(ready)})
        self._mirrored(vm, root)
        asyncio.get_running_loop().create_task(self._get_ready(vm, srcDisk["imageID"]))

    async def _get_ready(self, vm: Any, image: str) -> None:
        """The mirror says that it is ready once its time has come."""
        while vm.status != st.DOWN:
            root = fromstring(vm.xml)
            mirror = _places(root, image)[1].find("mirror")
            if mirror is None:
                return
            left = float(mirror.get("since") or 0) - time.time()  # a clock that outlives the agent
            if left <= 0:
                if mirror.get("ready") != "yes":
                    mirror.set("ready", "yes")
                    self._mirrored(vm, root)
                return
            await asyncio.sleep(min(left, 0.05))

    def _mirrors_again(self, vm: Any) -> None:
        """QEMU's mirrors went on while the agent was away."""
        root = fromstring(vm.xml)
        mirrored = {
            t.get("dev")
            for d in root.iter("disk")
            if d.find("mirror") is not None and (t := d.find("target")) is not None
        }
        for device in root.iter(f"{{{_VM}}}device"):
            if device.get("name") in mirrored:
                image = device.findtext(f"{{{_VM}}}imageID") or ""
                asyncio.get_running_loop().create_task(self._get_ready(vm, image))

    async def vm_disk_replicate_finish(self, vmID: str, srcDisk: Mapping[str, str], dstDisk: Mapping[str, str]) -> None:
        vm = self._running(vmID)
        if not all(disk.get(n) for disk in (srcDisk, dstDisk) for n in ("imageID", "domainID")):
            raise VerbError(Code.INVALID_PARAMETER, "A disk needs imageID and domainID.")
        image = srcDisk["imageID"]
        if _due(vm.xml, image):
            await self._get_ready(vm, image)
        root = fromstring(vm.xml)
        device, disk = _places(root, image)
        mirror, domain = disk.find("mirror"), device.find(f"{{{_VM}}}domainID")
        assert domain is not None
        gives_up = srcDisk["domainID"] == dstDisk["domainID"]
        if gives_up and domain.text != srcDisk["domainID"]:
            raise VerbError(Code.REPLICATION, f"Image {image} has gone over.")
        if not gives_up and domain.text == dstDisk["domainID"]:
            return
        if mirror is None:
            if gives_up:
                return
            raise VerbError(Code.REPLICATION, f"Image {image} is not being replicated.")
        if not gives_up and mirror.get("ready") != "yes":
            raise VerbError(Code.REPLICATION_NOT_READY, "The replication is not ready to be finished.")
        disk.remove(mirror)
        if not gives_up:
            source = self.rack.volume(srcDisk["domainID"], image, srcDisk["volumeID"])
            target = self.rack.volume(dstDisk["domainID"], image, dstDisk["volumeID"])
            target["truesize"], target["apparentsize"] = source["truesize"], source["apparentsize"]
            source["legality"] = "ILLEGAL"
            domain.text = dstDisk["domainID"]
            self.rack.changed()
        self._mirrored(vm, root)

    def _mirrored(self, vm: Any, root: Element) -> None:
        vm.xml = tostring(root, encoding="unicode")
        self._remember(vm)

    async def sdm_sparsify_volume(self, job_id: str, vol_info: Mapping[str, Any]) -> None:
        if job_id in self.jobs:
            return
        row = {"id": job_id, "job_type": "storage", "description": "sparsify_volume", "status": "done", "progress": 100}
        try:
            found = self.rack.volume(vol_info["sd_id"], vol_info["img_id"], vol_info["vol_id"])
            believed = vol_info.get("generation")
            if believed is not None and int(believed) != int(found["generation"]):
                raise VerbError(Code.GENERATION_MISMATCH, "The volume has another generation")
            found["truesize"] = str(int(found["truesize"]) // 2)
            found["generation"] = int(found["generation"]) + 1
        except VerbError as err:
            row |= {"status": "failed", "error": {"code": err.code, "message": err.message}}
        self.jobs[job_id] = row
        self.rack.changed()


def _places(root: Element, image: str) -> tuple[Element, Element]:
    """(metadata, `<disk>`) of an image."""
    disks = {t.get("dev"): d for d in root.iter("disk") if (t := d.find("target")) is not None}
    for device in root.iter(f"{{{_VM}}}device"):
        if device.findtext(f"{{{_VM}}}imageID") == image and device.get("name") in disks:
            return device, disks[device.get("name")]
    raise VerbError(Code.REPLICATION, f"The VM does not use image {image}.")


def _due(xml: str, image: str) -> bool:
    """Whether the mirror's time has come: also after the agent was away and nobody looked."""
    mirror = _places(fromstring(xml), image)[1].find("mirror")
    return mirror is not None and float(mirror.get("since") or 0) <= time.time()
