"""VM.merge: a layer of a running guest's disk goes into the one below it, whichever layer it is.

Does: a block commit that is followed until the chain lacks the layer; the guest stays on the base when its own layer was
merged. What runs is kept in the VM's record, so that an agent that was killed goes on where QEMU is.
Does not: delete the layer (the engine does, once nobody shows it), or decide which one goes.
Follows: flows, section 9. Before a pivot the guest is held until its last writes are below, and its layer is marked
illegal: whoever finds it after a crash knows that all of its data is in the base.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol

import libvirt
import structlog

from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import reason
from ovis.agent.virt.prepare import pdiv
from ovis.agent.virt.snapshot import settle
from ovis.agent.virt.vm import Merge, Vm
from ovis.contract import statuses as st
from ovis.contract.domain.chains import Chain, chains_of
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_STATUSES = (st.UP, st.POWERING_UP, st.PAUSED, st.POWERING_DOWN, st.REBOOT_IN_PROGRESS)
_LOOK_SECONDS = 0.25
_RETRY_SECONDS = 2.0


class Volumes(Protocol):
    """What merges need of the storage part."""

    async def mark(self, domain_id: str, image_id: str, volume_id: str, *, legal: bool) -> None:
        """Whether a volume may be used."""
        ...

    async def merged(self, domain_id: str, image_id: str, leaf_id: str, gone_id: str) -> None:
        """Metadata follows the files; what is left of the layer is illegal."""
        ...


class LiveMergeVerbs:
    """The verb."""

    def __init__(self, guests: Guests, volumes: Volumes) -> None:
        self._guests, self._volumes = guests, volumes

    async def vm_merge(
        self, vmID: str, drive: Any, baseVolUUID: str, topVolUUID: str, bandwidth: Any = 0, jobUUID: Any = None
    ) -> None:
        """Answers when the job runs (vmJobs of the statistics); the same merge again, or one that is done, is no error."""
        guests = self._guests
        vm = guests.running(vmID)
        if not isinstance(drive, Mapping):
            raise VerbError(Code.INVALID_PARAMETER, "drive must be an object.")
        if vm.status not in _STATUSES:
            raise VerbError(Code.MERGE_FAILED, f"Disks of a VM that is {vm.status} are not merged.")
        image = pdiv(drive).image
        running = next((m for m in vm.record.merges if m.image == image), None)
        if running is not None:
            if (running.base, running.top) == (baseVolUUID, topVolUUID):
                return
            raise VerbError(Code.MERGE_FAILED, f"Another layer of image {image} is being merged.")
        xml = await guests.ask(vm, Code.MERGE_FAILED, lambda d: d.XMLDesc(0))
        chain = chains_of(xml).get(image)
        base = chain.layer(str(baseVolUUID)) if chain is not None else None
        if chain is None or base is None:
            raise VerbError(Code.MERGE_FAILED, f"The VM does not use volume {baseVolUUID} of image {image}.")
        top = chain.layer(str(topVolUUID))
        if top is None:
            return  # done before
        merge = Merge(
            id=str(jobUUID or ""),
            domain=chain.domain,
            image=image,
            base=base.volume,
            top=top.volume,
            target=chain.target,
        )
        if chain.layers.index(base) != chain.layers.index(top) + 1:
            raise VerbError(Code.MERGE_FAILED, f"Volume {top.volume} does not lie upon volume {base.volume}.")
        vm.record.merges.append(merge)
        guests.keep(vm)
        try:
            if not chain.mirroring:
                await guests.ask(vm, Code.MERGE_FAILED, _commit, chain, base.index, top.index, _number(bandwidth))
        except VerbError:
            self._drop(vm, merge)
            raise
        log.info("a merge was begun", vm=vm.id, image=image, base=merge.base, top=merge.top, job=merge.id)
        guests.spawn(self._follow(vm, merge))

    async def recover(self) -> None:
        """Go on with the merges of VMs that were found again."""
        for vm in list(self._guests.vms.values()):
            for merge in list(vm.record.merges):
                if vm.down:
                    self._drop(vm, merge)
                elif merge not in vm.followed:
                    self._guests.spawn(self._follow(vm, merge))

    def _drop(self, vm: Vm, merge: Merge) -> None:
        if merge in vm.record.merges:
            vm.record.merges.remove(merge)
        if merge in vm.followed:
            vm.followed.remove(merge)
        self._guests.keep(vm)

    # -- one merge -----------------------------------------------------------------------------------------------

    async def _follow(self, vm: Vm, merge: Merge) -> None:
        """Until the chain lacks the layer, or the job has failed, or the guest ended."""
        vm.followed.append(merge)
        while not vm.down and not vm.destroying:
            try:
                if await self._look(vm, merge):
                    break
                await asyncio.sleep(_LOOK_SECONDS)
            except (VerbError, libvirt.libvirtError) as err:
                log.info("a merge cannot be followed now", vm=vm.id, image=merge.image, error=reason(err))
                await asyncio.sleep(_RETRY_SECONDS)
        self._drop(vm, merge)
        if not vm.down:
            self._guests.tell(vm)

    async def _look(self, vm: Vm, merge: Merge) -> bool:
        """One step forward; whether it is over."""
        xml, info, running = await self._guests.link.domain(vm.id, _state, merge.target)
        chain = chains_of(xml).get(merge.image)
        if chain is None:
            return True  # the disk is not there any more
        if merge.top not in chain.volumes:
            await self._done(vm, merge, chain)
            return True
        merge.cur, merge.end = int(info.get("cur") or 0), int(info.get("end") or 0)
        if not info and not chain.mirroring:
            log.warning("a merge failed", vm=vm.id, image=merge.image, top=merge.top)
            await self._give_up(vm, merge)
            return True
        if chain.ready:
            return await self._pivot(vm, merge, running)
        return False

    async def _pivot(self, vm: Vm, merge: Merge, running: bool) -> bool:
        """The guest goes over to the base."""
        call = self._guests.link.domain
        vm.held += 1
        begun = time.monotonic()
        try:
            if running and not merge.resume:
                merge.resume = True
                self._guests.keep(vm)  # who finds the guest held knows why
                await call(vm.id, lambda d: d.suspend())
            for _ in range(400):  # its last writes go down
                _, info, _ = await call(vm.id, _state, merge.target)
                if info and info.get("cur") == info.get("end"):
                    break
                await asyncio.sleep(0.01)
            else:
                return False
            await self._volumes.mark(merge.domain, merge.image, merge.top, legal=False)
            try:
                await call(vm.id, lambda d: d.blockJobAbort(merge.target, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT))
            except libvirt.libvirtError as err:
                xml, _, _ = await call(vm.id, _state, merge.target)
                chain = chains_of(xml).get(merge.image)
                if chain is not None and merge.top in chain.volumes:
                    log.warning("a pivot failed", vm=vm.id, image=merge.image, error=reason(err))
                    await self._volumes.mark(merge.domain, merge.image, merge.top, legal=True)
            return False
        finally:
            await self._let_go(vm, merge)
            vm.held -= 1
            log.info("the guest was held", vm=vm.id, milliseconds=round(1000 * (time.monotonic() - begun)))

    async def _let_go(self, vm: Vm, merge: Merge) -> None:
        if not merge.resume or vm.down:
            return
        await self._guests.link.domain(vm.id, _resume)
        merge.resume = False
        self._guests.keep(vm)

    async def _done(self, vm: Vm, merge: Merge, chain: Chain) -> None:
        await self._let_go(vm, merge)  # if the agent died in between
        await self._volumes.merged(merge.domain, merge.image, chain.volume(0), merge.top)
        await settle(self._guests, vm, {merge.image: chain.volume(0)})
        log.info("a merge is done", vm=vm.id, image=merge.image, top=merge.top)

    async def _give_up(self, vm: Vm, merge: Merge) -> None:
        await self._let_go(vm, merge)
        await self._volumes.mark(merge.domain, merge.image, merge.top, legal=True)


def _commit(domain: Any, chain: Chain, base: int, top: int, bandwidth: int) -> None:
    active = chain.layers[0].index == top
    flags = libvirt.VIR_DOMAIN_BLOCK_COMMIT_RELATIVE
    if active:
        flags |= libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE
    name = chain.target
    domain.blockCommit(name, f"{name}[{base}]", None if active else f"{name}[{top}]", bandwidth, flags)


def _state(domain: Any, target: str) -> tuple[str, dict[str, Any], bool]:
    """(live XML, the disk's block job or nothing, whether the guest runs)."""
    info = domain.blockJobInfo(target, 0)
    return str(domain.XMLDesc(0)), dict(info or {}), domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING


def _resume(domain: Any) -> None:
    if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()


def _number(value: Any) -> int:
    try:
        return max(0, int(value))
    except (TypeError, ValueError):
        return 0
