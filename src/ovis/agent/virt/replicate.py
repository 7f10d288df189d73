"""VM.diskReplicateStart and diskReplicateFinish: a running guest's disk goes over to another storage domain.

Does: a block copy of the layer that the guest writes to into a volume that is there, shallow where layers lie below it;
the end by a pivot or by giving it up. What runs is kept in the VM's record, so that an agent that was killed goes on.
Does not: make volumes or copy the layers below (the engine does), or delete what is left.
Follows: flows, section 11. Before a pivot the guest is held until both sides are alike, and the source is marked illegal:
whoever finds it after a crash knows that the target has all data.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import libvirt
import structlog

from ovis.agent.virt.complete import VM
from ovis.agent.virt.devices import without_namespace
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import reason
from ovis.agent.virt.prepare import pdiv, volumes_used
from ovis.agent.virt.vm import Ids, Replica, Vm
from ovis.contract import statuses as st
from ovis.contract.domain.chains import Chain, chains_of
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_STATUSES = (st.UP, st.POWERING_UP, st.PAUSED, st.POWERING_DOWN, st.REBOOT_IN_PROGRESS)
_LOOK_SECONDS = 0.5
_SETTLE_SECONDS = 0.05
_SETTLES = 400


class Volumes(Protocol):
    """What replication needs of the storage part."""

    async def mark(self, domain_id: str, image_id: str, volume_id: str, *, legal: bool) -> None:
        """Whether a volume may be used."""
        ...


class ReplicateVerbs:
    """The verbs."""

    def __init__(self, guests: Guests, volumes: Volumes) -> None:
        self._guests, self._volumes = guests, volumes
        self._turns: dict[str, asyncio.Lock] = {}  # image -> one start or finish at a time

    async def vm_disk_replicate_start(self, vmID: str, srcDisk: Any, dstDisk: Any, needExtend: Any = True) -> None:
        """Answers when the mirror runs; again, or once the guest has gone over, is no error."""
        vm, source, target = self._named(vmID, srcDisk, dstDisk)
        if vm.status not in _STATUSES:
            raise VerbError(Code.REPLICATION, f"Disks of a VM that is {vm.status} are not replicated.")
        if source.domain == target.domain:
            raise VerbError(Code.INVALID_PARAMETER, "A disk is replicated to another storage domain.")
        file = str(await self._guests.storage.volume_path(*target))
        async with self._turn(source.image):
            chain, mirror = await self._look(vm, source.image)
            if chain.layers[0].file == file or (mirror is not None and mirror.file == file):
                return
            if mirror is not None or chain.mirroring:
                raise VerbError(Code.REPLICATION, f"Another job runs on image {source.image}.")
            if chain.volume(0) != source.volume:
                text = f"The VM does not use volume {source.volume} of image {source.image}."
                raise VerbError(Code.REPLICATION, text)
            replica = Replica(source=source, target=target, device=chain.target, file=file)
            vm.record.replicas = [r for r in vm.record.replicas if r.source.image != source.image] + [replica]
            self._guests.keep(vm)
            try:
                await self._guests.ask(vm, Code.REPLICATION, _copy, chain, file)
            except VerbError:
                self._drop(vm, replica)
                raise
        log.info("a disk is replicated", vm=vm.id, image=source.image, domain=target.domain)
        self._guests.spawn(self._count(vm, replica))

    async def vm_disk_replicate_finish(self, vmID: str, srcDisk: Any, dstDisk: Any) -> None:
        """Go over to dstDisk, or, if it names the source, give the replication up. Code 88 while it is not ready."""
        vm, source, target = self._named(vmID, srcDisk, dstDisk)
        async with self._turn(source.image):
            chain, mirror = await self._look(vm, source.image)
            replica = next((r for r in vm.record.replicas if r.source.image == source.image), None)
            if source.domain == target.domain:
                if f"/{source.domain}/images/" not in chain.layers[0].file:
                    raise VerbError(Code.REPLICATION, f"Image {source.image} has gone over.")
                if mirror is not None:
                    await self._guests.ask(vm, Code.REPLICATION_NOT_READY, _abort, chain.target)
                await self._volumes.mark(*_div(source), legal=True)
                self._drop(vm, replica)
                return
            file = str(await self._guests.storage.volume_path(*target))
            if chain.layers[0].file == file:
                await self._gone_over(vm, replica, target)
                return
            if mirror is None:
                self._drop(vm, replica)
                raise VerbError(Code.REPLICATION, f"Image {source.image} is not being replicated.")
            if not mirror.ready:
                raise VerbError(Code.REPLICATION_NOT_READY, "The replication is not ready to be finished.")
            if replica is None:  # begun by an agent whose record is lost
                replica = Replica(source=source, target=target, device=chain.target, file=file)
                vm.record.replicas.append(replica)
            await self._pivot(vm, replica)

    async def recover(self) -> None:
        """Let guests go that were held when the agent ended; count again."""
        for vm in list(self._guests.vms.values()):
            for replica in list(vm.record.replicas):
                if vm.down:
                    self._drop(vm, replica)
                else:
                    self._guests.spawn(self._again(vm, replica))

    async def _again(self, vm: Vm, replica: Replica) -> None:
        while replica.resume and not vm.down:
            try:
                async with self._turn(replica.source.image):
                    chain, _ = await self._look(vm, replica.source.image)
                    if chain.layers[0].file == replica.file:
                        await self._gone_over(vm, replica, replica.target)
                    else:
                        await self._volumes.mark(*_div(replica.source), legal=True)
                        await self._let_go(vm, replica)
            except (VerbError, libvirt.libvirtError) as err:
                log.info("a replication cannot be looked at now", vm=vm.id, error=reason(err))
                await asyncio.sleep(_LOOK_SECONDS)
        await self._count(vm, replica)

    # -- parts ---------------------------------------------------------------------------------------------------

    def _named(self, vm_id: str, source: Any, target: Any) -> tuple[Vm, Ids, Ids]:
        vm = self._guests.running(vm_id)
        for name, value in (("srcDisk", source), ("dstDisk", target)):
            if not isinstance(value, Mapping):
                raise VerbError(Code.INVALID_PARAMETER, f"{name} must be an object.")
        found = _ids(source), _ids(target)
        if (found[0].image, found[0].volume) != (found[1].image, found[1].volume):
            raise VerbError(Code.INVALID_PARAMETER, "srcDisk and dstDisk must name the same image and volume.")
        return vm, *found

    def _turn(self, image: str) -> asyncio.Lock:
        return self._turns.setdefault(image, asyncio.Lock())

    async def _look(self, vm: Vm, image: str) -> tuple[Chain, "_Mirror | None"]:
        xml = await self._guests.ask(vm, Code.REPLICATION, lambda d: d.XMLDesc(0))
        chain = chains_of(xml).get(image)
        if chain is None:
            raise VerbError(Code.REPLICATION, f"The VM does not use image {image}.")
        return chain, mirror_of(fromstring(xml), chain.target)

    async def _pivot(self, vm: Vm, replica: Replica) -> None:
        call = self._guests.link.domain
        vm.held += 1
        try:
            running = await call(vm.id, lambda d: d.state()[0] == libvirt.VIR_DOMAIN_RUNNING)
            if running and not replica.resume:
                replica.resume = True
                self._guests.keep(vm)  # who finds the guest held knows why
                await call(vm.id, lambda d: d.suspend())
            for _ in range(_SETTLES):  # its last writes reach the other side
                info = await call(vm.id, lambda d: d.blockJobInfo(replica.device, 0))
                if info and info.get("cur") == info.get("end"):
                    break
                await asyncio.sleep(_SETTLE_SECONDS)
            else:
                raise VerbError(Code.REPLICATION_NOT_READY, "The last writes are still on their way.")
            await self._volumes.mark(*_div(replica.source), legal=False)
            flags = libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT
            failed: str = ""
            try:
                await call(vm.id, lambda d: d.blockJobAbort(replica.device, flags))
            except libvirt.libvirtError as err:
                failed = reason(err)
            chain, _ = await self._look(vm, replica.source.image)
            if chain.layers[0].file != replica.file:
                await self._volumes.mark(*_div(replica.source), legal=True)
                raise VerbError(Code.REPLICATION_NOT_READY, f"The guest did not go over: {failed or 'no reason'}")
            await self._gone_over(vm, replica, replica.target)
        except libvirt.libvirtError as err:
            raise VerbError(Code.REPLICATION_NOT_READY, reason(err)) from err
        finally:
            if not vm.down:
                await self._let_go(vm, replica)
            vm.held -= 1

    async def _let_go(self, vm: Vm, replica: Replica) -> None:
        if replica.resume and not vm.down:
            try:
                await self._guests.link.domain(vm.id, _resume)
            except libvirt.libvirtError as err:
                log.warning("a guest was not let go", vm=vm.id, error=reason(err))
                return
            replica.resume = False
            self._guests.keep(vm)

    async def _gone_over(self, vm: Vm, replica: Replica | None, target: Ids) -> None:
        """The metadata names the new place; what the run uses is written down."""
        xml = await self._guests.ask(vm, Code.UNEXPECTED, lambda d: d.XMLDesc(0))
        text = moved_metadata(fromstring(xml), target)
        kind = libvirt.VIR_DOMAIN_METADATA_ELEMENT
        flags = libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG
        await self._guests.ask(vm, Code.UNEXPECTED, lambda d: d.setMetadata(kind, text, "ovirt-vm", VM, flags))
        if replica is not None:
            await self._let_go(vm, replica)
            self._drop(vm, replica)
        await self._guests.refresh(vm)
        vm.record.images = volumes_used(fromstring(vm.xml))
        self._guests.keep(vm)
        self._guests.tell(vm)
        log.info("a disk has gone over", vm=vm.id, image=target.image, domain=target.domain)

    def _drop(self, vm: Vm, replica: Replica | None) -> None:
        if replica is not None and replica in vm.record.replicas:
            vm.record.replicas.remove(replica)
            self._guests.keep(vm)

    async def _count(self, vm: Vm, replica: Replica) -> None:
        """How far it is, until somebody ends it."""
        while replica in vm.record.replicas and not vm.down:
            try:
                info = await self._guests.link.domain(vm.id, lambda d: d.blockJobInfo(replica.device, 0))
                replica.cur, replica.end = int((info or {}).get("cur") or 0), int((info or {}).get("end") or 0)
            except (VerbError, libvirt.libvirtError) as err:
                log.debug("no word of a replication", vm=vm.id, error=reason(err))
            await asyncio.sleep(_LOOK_SECONDS)


class _Mirror:
    """A copy that libvirt shows."""

    def __init__(self, file: str, ready: bool) -> None:
        self.file, self.ready = file, ready


def mirror_of(root: Element, target: str) -> _Mirror | None:
    """The copy job of a disk; None if there is none. Pure."""
    for disk in root.findall("devices/disk"):
        name, mirror = disk.find("target"), disk.find("mirror")
        if name is None or name.get("dev") != target or mirror is None or mirror.get("job") != "copy":
            continue
        source = mirror.find("source")
        file = mirror.get("file") or (source.get("file") if source is not None else "") or ""
        return _Mirror(file, mirror.get("ready") == "yes")
    return None


def target_xml(file: str, form: str) -> str:
    """The `<disk>` that a copy goes to. Pure."""
    disk = Element("disk", {"type": "file"})
    SubElement(disk, "driver", {"type": form})
    SubElement(disk, "source", {"file": file})
    return tostring(disk, encoding="unicode")


def moved_metadata(root: Element, target: Ids) -> str:
    """The VM's metadata with an image in another domain. Pure."""
    vm = root.find(f"metadata/{{{VM}}}vm")
    found = vm if vm is not None else Element(f"{{{VM}}}vm")
    for device in found.findall(f"{{{VM}}}device"):
        if (device.findtext(f"{{{VM}}}imageID") or "") != target.image:
            continue
        for name, value in (("poolID", target.pool), ("domainID", target.domain)):
            child = device.find(f"{{{VM}}}{name}")
            if child is not None:
                child.text = value
    return tostring(without_namespace(found), encoding="unicode")


def _ids(drive: Mapping[str, Any]) -> Ids:
    found = pdiv(drive)
    return Ids(found.pool, found.domain, found.image, found.volume)


def _div(ids: Ids) -> tuple[str, str, str]:
    return ids.domain, ids.image, ids.volume


def _copy(domain: Any, chain: Chain, file: str) -> None:
    root = fromstring(domain.XMLDesc(0))
    form = "raw"
    for disk in root.findall("devices/disk"):
        name, driver = disk.find("target"), disk.find("driver")
        if name is not None and name.get("dev") == chain.target and driver is not None:
            form = driver.get("type") or "raw"
    flags = libvirt.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT | libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
    if len(chain.layers) > 1:
        flags |= libvirt.VIR_DOMAIN_BLOCK_COPY_SHALLOW
    domain.blockCopy(chain.target, target_xml(file, form), {}, flags)


def _abort(domain: Any, target: str) -> None:
    domain.blockJobAbort(target, 0)


def _resume(domain: Any) -> None:
    if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()
