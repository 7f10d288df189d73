"""VM.snapshot: a running guest goes over to new layers, with its memory if that is wanted.

Does: a job that switches all disks at once, lets the guest's file systems be frozen for it where an agent answers, and
keeps the metadata in step. A job that the agent's death interrupted is followed again: what libvirt shows is the truth.
Does not: make volumes, or go back (the engine starts the VM from other volumes).
Follows: flows, section 8; VDSM's VM.snapshot.
"""

import asyncio
import copy
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import libvirt
import structlog
from msgspec import Struct

from ovis.agent.storage.jobs import Jobs, Progress
from ovis.agent.virt import complete as documents
from ovis.agent.virt.complete import VM
from ovis.agent.virt.devices import without_namespace
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.hibernate import volumes_of_handle, write_setup
from ovis.agent.virt.link import reason
from ovis.agent.virt.prepare import volumes_used
from ovis.agent.virt.vm import Vm
from ovis.contract import statuses as st
from ovis.contract.domain.chains import Chain, chains_of
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_STATUSES = (st.UP, st.POWERING_UP, st.PAUSED, st.POWERING_DOWN, st.REBOOT_IN_PROGRESS)
_KIND = "virt"
_LOOK_SECONDS = 0.5


class Drive(Struct, frozen=True):
    """What a disk goes over to."""

    image: str
    base: str
    volume: str


def drives_of(given: Any) -> list[Drive]:
    """The verb's parameter. INVALID_PARAMETER if it is none."""
    if not isinstance(given, list):
        raise VerbError(Code.INVALID_PARAMETER, "snapDrives must be a list.")
    found = []
    for drive in given:
        values = [str(drive.get(k) or "") if isinstance(drive, Mapping) else "" for k in _KEYS]
        if not all(values):
            raise VerbError(Code.INVALID_PARAMETER, "A drive of a snapshot names imageID, baseVolumeID and volumeID.")
        found.append(Drive(*values))
    return found


_KEYS = ("imageID", "baseVolumeID", "volumeID")


def went_over(chains: Mapping[str, Chain], drives: Sequence[Drive]) -> bool:
    """Whether every disk uses its new volume. Pure."""
    return all(d.image in chains and chains[d.image].volume(0) == d.volume for d in drives)


def snapshot_xml(chains: Mapping[str, Chain], root: Element, files: Mapping[str, str], memory: str) -> str:
    """The `<domainsnapshot>`. files: image -> its new file. memory: where to, or empty. Pure."""
    snapshot = Element("domainsnapshot")
    if memory:
        SubElement(snapshot, "memory", {"snapshot": "external", "file": memory})
    else:
        SubElement(snapshot, "memory", {"snapshot": "no"})
    disks = SubElement(snapshot, "disks")
    by_target = {c.target: files[i] for i, c in chains.items() if i in files}
    for disk in root.findall("devices/disk"):
        target = disk.find("target")
        name = (target.get("dev") or "") if target is not None else ""
        if name not in by_target:
            SubElement(disks, "disk", {"name": name, "snapshot": "no"})
            continue
        row = SubElement(disks, "disk", {"name": name, "snapshot": "external", "type": "file"})
        SubElement(row, "driver", {"type": "qcow2"})
        SubElement(row, "source", {"file": by_target[name]})
    return tostring(snapshot, encoding="unicode")


def with_volumes(root: Element, volumes: Mapping[str, str]) -> str:
    """The VM's metadata with other volumes of images. Pure."""
    vm = root.find(f"metadata/{{{VM}}}vm")
    found = copy.deepcopy(vm) if vm is not None else Element(f"{{{VM}}}vm")
    for device in found.findall(f"{{{VM}}}device"):
        image, volume = device.findtext(f"{{{VM}}}imageID") or "", device.find(f"{{{VM}}}volumeID")
        if image in volumes and volume is not None:
            volume.text = volumes[image]
    return tostring(without_namespace(found), encoding="unicode")


def restored_on(saved: str, wanted: str) -> str:
    """The document of saved memory, its disks on the volumes that a new document names (a layer upon what was saved)."""
    root, new = documents.read(saved), documents.read(wanted)
    volumes = {ref.image: ref.volume for ref in documents.volumes_of(new)}
    changed = False
    for device in root.findall(f"metadata/{{{VM}}}vm/{{{VM}}}device"):
        image, volume = device.findtext(f"{{{VM}}}imageID"), device.find(f"{{{VM}}}volumeID")
        if image in volumes and volume is not None and volume.text != volumes[image]:
            volume.text = volumes[image]
            changed = True
    if changed:
        for disk in root.findall("devices/disk"):
            for old in disk.findall("backingStore"):
                disk.remove(old)
    return tostring(root, encoding="unicode") if changed else saved


async def settle(guests: Guests, vm: Vm, volumes: Mapping[str, str]) -> None:
    """After disks went over: metadata, what the run uses, and the new hash."""
    xml = await guests.ask(vm, Code.UNEXPECTED, lambda d: d.XMLDesc(0))
    text = with_volumes(documents.read(xml), volumes)
    kind = libvirt.VIR_DOMAIN_METADATA_ELEMENT
    flags = libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG
    await guests.ask(vm, Code.UNEXPECTED, lambda d: d.setMetadata(kind, text, "ovirt-vm", VM, flags))
    await guests.refresh(vm)
    vm.record.images = volumes_used(documents.read(vm.xml))
    guests.keep(vm)
    guests.tell(vm)


class SnapshotVerbs:
    """The verb."""

    def __init__(self, guests: Guests, jobs: Jobs) -> None:
        self._guests, self._jobs = guests, jobs

    async def vm_snapshot(
        self,
        vmID: str,
        snapDrives: Any,
        snapMemory: Any = None,
        frozen: Any = False,
        jobUUID: Any = None,
        timeout: Any = 30,
        freeze_timeout: Any = 8,
    ) -> None:
        """Answers at once; Host.getJobs tells the end. timeout: minutes for memory."""
        guests = self._guests
        vm = guests.running(vmID)
        if vm.status not in _STATUSES:
            raise VerbError(Code.SNAPSHOT_FAILED, f"A VM that is {vm.status} takes no snapshot.")
        drives = drives_of(snapDrives)
        memory = str(snapMemory) if snapMemory else ""
        if memory:
            volumes_of_handle(memory)
        job = str(jobUUID or uuid.uuid4())
        minutes = _number(timeout, 30)
        calm = str(frozen).lower() == "true"

        async def run(progress: Progress) -> None:
            await self._take(vm, drives, memory, calm=calm, minutes=minutes, progress=progress)

        args = {"vm": vmID, "drives": [[d.image, d.base, d.volume] for d in drives]}
        await self._jobs.start(job, "snapshot_vm", run, kind=_KIND, args=args)

    async def _take(
        self, vm: Vm, drives: Sequence[Drive], memory: str, *, calm: bool, minutes: int, progress: Progress
    ) -> None:
        guests = self._guests
        xml = await guests.ask(vm, Code.SNAPSHOT_FAILED, lambda d: d.XMLDesc(0))
        root, chains = documents.read(xml), chains_of(xml)
        if drives and went_over(chains, drives):
            await settle(guests, vm, {d.image: d.volume for d in drives})
            return
        files = {}
        for drive in drives:
            chain = chains.get(drive.image)
            if chain is None or chain.volume(0) != drive.base:
                raise VerbError(Code.SNAPSHOT_FAILED, f"The VM does not use volume {drive.base} of {drive.image}.")
            path = await guests.storage.volume_path(chain.pool, chain.domain, drive.image, drive.volume)
            files[drive.image] = str(path)
        target = ""
        if memory:
            saved, setup = volumes_of_handle(memory)
            target = str(await guests.storage.volume_path(*saved))
            await guests.link.call(write_setup, await guests.storage.volume_path(*setup), vm.id, vm.record.name)
        document = snapshot_xml(chains, root, files, target)
        vm.held += 1
        try:
            if memory:
                await self._with_memory(vm, document, minutes, progress)
            elif drives:
                await self._disks_only(vm, document, freeze=not calm and vm.agent_at > 0.0)
            await settle(guests, vm, {d.image: d.volume for d in drives})
        except libvirt.libvirtError as err:
            raise VerbError(Code.SNAPSHOT_FAILED, reason(err)) from err
        finally:
            vm.held -= 1

    async def _disks_only(self, vm: Vm, document: str, *, freeze: bool) -> None:
        plain = (
            libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT
            | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA
            | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC
            | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
        )
        call = self._guests.link.domain
        if freeze:
            try:
                quiet = plain | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE
                await call(vm.id, lambda d: bool(d.snapshotCreateXML(document, quiet)), timeout=None)
                return
            except libvirt.libvirtError as err:
                log.warning("the guest was not frozen: its file systems may need a check", vm=vm.id, error=reason(err))
        await call(vm.id, lambda d: bool(d.snapshotCreateXML(document, plain)), timeout=None)

    async def _with_memory(self, vm: Vm, document: str, minutes: int, progress: Progress) -> None:
        flags = (
            libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT
            | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA
            | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC
        )
        if vm.status != st.PAUSED:
            flags |= libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_LIVE
        call = self._guests.link.domain
        saving = asyncio.ensure_future(call(vm.id, lambda d: bool(d.snapshotCreateXML(document, flags)), timeout=None))
        end = time.monotonic() + 60 * max(1, minutes)
        aborted = False
        while not saving.done():
            await asyncio.wait({saving}, timeout=_LOOK_SECONDS)
            try:
                info = await call(vm.id, lambda d: d.jobStats(0))
                total = int(info.get("data_total") or 0)
                if total:
                    progress(min(99, round(100 * int(info.get("data_processed") or 0) / total)))
                if time.monotonic() > end and not aborted:
                    aborted = True
                    log.warning("saving memory takes too long", vm=vm.id, minutes=minutes)
                    await call(vm.id, lambda d: d.abortJob())
            except (VerbError, libvirt.libvirtError) as err:
                log.debug("no word of the snapshot's progress", vm=vm.id, error=reason(err))
        await saving

    # -- after the agent was away --------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Follow the jobs of the last run to their end."""
        for job in self._jobs.left(_KIND):
            drives = [Drive(*row) for row in job.args.get("drives", [])]
            vm_id = str(job.args.get("vm", ""))

            async def run(progress: Progress, vm_id: str = vm_id, drives: list[Drive] = drives) -> None:
                await self._follow(vm_id, drives)

            self._jobs.resume(job, run)

    async def _follow(self, vm_id: str, drives: Sequence[Drive]) -> None:
        guests = self._guests
        while True:
            vm = guests.running(vm_id)
            busy, xml = await guests.ask(vm, Code.SNAPSHOT_FAILED, _look)
            if drives and went_over(chains_of(xml), drives):
                await settle(guests, vm, {d.image: d.volume for d in drives})
                return
            if not busy:
                raise VerbError(Code.SNAPSHOT_FAILED, "The host's agent ended while the snapshot was being taken.")
            await asyncio.sleep(_LOOK_SECONDS)


def _look(domain: Any) -> tuple[bool, str]:
    return domain.jobInfo()[0] != libvirt.VIR_DOMAIN_JOB_NONE, str(domain.XMLDesc(0))


def _number(value: Any, default: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return default
