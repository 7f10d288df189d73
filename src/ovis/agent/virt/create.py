"""VM.create: a VM from the engine's XML, or from saved memory.

Does: answer at once; then complete the document, prepare disks, run hooks (starts), define and start the domain. A failure leaves a Down VM
with its reason until VM.destroy. Does not: wait for the guest (guest_agent).
Follows: flows, sections 5 and 8; hooks and agent facts, section 6.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import libvirt
import structlog

from ovis.agent.hooks.documents import custom_of
from ovis.agent.virt import complete as documents, starts
from ovis.agent.virt.events import apply_stop
from ovis.agent.virt.external import put_back
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.life import truth
from ovis.agent.virt.link import reason
from ovis.agent.virt.prepare import pdiv, prepared, volumes_of
from ovis.agent.virt.snapshot import restored_on
from ovis.agent.virt.vm import Ids, Record, Vm
from ovis.contract import statuses as st
from ovis.contract.errors import Code, VerbError
from ovis.contract.statuses import ExitCode, ExitReason

log = structlog.get_logger(__name__)


class CreateVerbs:
    """The verb."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    async def vm_create(self, vmID: str, vmParams: Mapping[str, Any]) -> dict[str, Any]:
        """Idempotent while the VM lives: the same call again answers with its status."""
        guests = self._guests
        known = guests.vms.get(vmID)
        if known is not None:
            if known.down:
                raise VerbError(Code.VM_EXISTS, "Virtual machine already exists")
            return {"vmId": vmID, "status": known.status}
        xml = vmParams.get("xml")
        if not isinstance(xml, str):
            raise VerbError(Code.MISSING_PARAMETER, "vmParams has no xml.")
        root = documents.read(xml)
        if root.findtext("uuid") != vmID:
            raise VerbError(Code.INVALID_PARAMETER, "The domain's uuid is not the VM's id.")
        if not documents.is_ours(root):
            raise VerbError(Code.INVALID_PARAMETER, "The domain XML has no ovirt-vm metadata.")
        memory = vmParams.get("memoryDumpVolume")
        record = Record(vm_id=vmID, name=root.findtext("name") or vmID)
        if memory:
            record.status, record.origin = st.RESTORING_STATE, "restore"
        vm = Vm(record)
        vm.custom = custom_of(root)
        guests.add(vm)
        snapshot = truth(vmParams.get("restoreFromSnapshot"))
        vm.task = guests.spawn(self._run(vm, xml, memory, snapshot=snapshot, given=vmParams))
        return {"vmId": vmID, "status": vm.status}

    async def _run(
        self, vm: Vm, xml: str, memory: Mapping[str, Any] | None, *, snapshot: bool, given: Mapping[str, Any]
    ) -> None:
        guests = self._guests
        try:
            if memory:
                saved = await guests.storage.volume_path(*pdiv(memory).ids)
                await self._restore(vm, xml, str(saved), snapshot=snapshot, given=given)
            else:
                await self._start(vm, xml, given)
        except VerbError as err:
            guests.ended(vm, ExitCode.ERROR, ExitReason.GENERIC_ERROR, err.message)
        except libvirt.libvirtError as err:
            guests.ended(vm, ExitCode.ERROR, ExitReason.GENERIC_ERROR, reason(err))
        except OSError as err:
            guests.ended(vm, ExitCode.ERROR, ExitReason.GENERIC_ERROR, f"The host could not start it: {err}")
        except Exception as err:
            log.exception("a VM was not created", vm=vm.id)
            guests.ended(vm, ExitCode.ERROR, ExitReason.GENERIC_ERROR, f"Internal error: {err}")

    async def _start(self, vm: Vm, xml: str, given: Mapping[str, Any]) -> None:
        guests = self._guests
        whole, images = await prepared(guests, vm.id, xml)
        self._uses(vm, images)
        await put_back(vm.id, whole, given)
        paused = documents.metadata_text(documents.read(xml), "launchPaused") == "true"
        flags = libvirt.VIR_DOMAIN_START_PAUSED if paused else 0
        hooked = starts.has_scripts(guests.hooks)
        if hooked:
            whole, flags = await starts.before_start(guests, vm, whole, flags)
        vm.in_libvirt = True
        try:
            live = await guests.link.call(_define_and_start, vm.id, whole, flags, timeout=None)
        finally:
            vm.in_libvirt = False
        if hooked:
            await starts.after_start(guests, vm, live)
        await self._started(vm, live, paused=bool(flags & libvirt.VIR_DOMAIN_START_PAUSED), hooked=hooked)

    async def _restore(self, vm: Vm, xml: str, path: str, *, snapshot: bool, given: Mapping[str, Any]) -> None:
        """From saved memory: the domain as it was saved, with this host's paths. The engine's new document only
        counts for what may differ (its metadata is the saved one's), and for hooks, whose changes of it do not count."""
        guests = self._guests
        saved = await guests.link.call(lambda c: c.saveImageGetXMLDesc(path, libvirt.VIR_DOMAIN_SAVE_IMAGE_XML_SECURE))
        if documents.read(saved).findtext("uuid") != vm.id:
            raise VerbError(Code.CREATE_FAILED, "The saved memory is another VM's.")
        moved = restored_on(saved, xml)
        volumes = await volumes_of(guests, documents.read(moved), vm.id)
        whole, images = await prepared(guests, vm.id, moved, moved=True, volumes=volumes)
        self._uses(vm, images)
        await put_back(vm.id, whole, given)
        paused = documents.metadata_text(documents.read(xml), "launchPaused") == "true"
        flags = libvirt.VIR_DOMAIN_SAVE_PAUSED if paused else libvirt.VIR_DOMAIN_SAVE_RUNNING
        hooked = starts.has_scripts(guests.hooks)
        origin = {"FROM_SNAPSHOT": str(snapshot)}
        if hooked:
            fresh, _ = await prepared(guests, vm.id, xml, volumes=volumes)
            await starts.before_start(guests, vm, fresh, libvirt.VIR_DOMAIN_START_PAUSED if paused else 0)
            await guests.hooks.domain("before_vm_dehibernate", saved, vm_id=vm.id, env=origin)
        vm.in_libvirt = True
        try:
            live = await guests.link.call(_define_and_restore, vm.id, whole, path, flags, timeout=None)
        finally:
            vm.in_libvirt = False
        vm.record.booted = True
        if hooked:
            await asyncio.to_thread(starts.forget_flags, guests, vm.id)
            vm.learn(live)
            await guests.hooks.domain("after_vm_dehibernate", live, vm_id=vm.id, env=origin)
        await self._started(vm, live, paused=paused, hooked=hooked)

    def _uses(self, vm: Vm, images: list[Ids]) -> None:
        vm.record.images = images
        self._guests.keep(vm)

    async def _started(self, vm: Vm, live: str, *, paused: bool, hooked: bool) -> None:
        guests = self._guests
        vm.learn(live)
        if paused and hooked and vm.early_end is None:  # a hook may have let it run
            state = await guests.ask(vm, Code.CREATE_FAILED, lambda d: d.state()[0])
            paused = state == libvirt.VIR_DOMAIN_PAUSED
        if vm.early_end is not None:  # it ended before this line was reached
            apply_stop(guests, vm, *vm.early_end)
            return
        if paused:
            guests.set(vm, st.PAUSED)
        else:
            guests.awake(vm)
        guests.follow(vm)


def _define_and_start(connection: Any, vm_id: str, xml: str, flags: int) -> str:
    domain = connection.defineXML(xml)
    try:
        domain.createWithFlags(flags)
    except libvirt.libvirtError:
        _drop(domain)
        raise
    return str(domain.XMLDesc(0))


def _define_and_restore(connection: Any, vm_id: str, xml: str, path: str, flags: int) -> str:
    domain = connection.defineXML(xml)
    try:
        connection.restoreFlags(path, xml, flags)
    except libvirt.libvirtError:
        _drop(domain)
        raise
    return str(connection.lookupByUUIDString(vm_id).XMLDesc(0))


def _drop(domain: Any) -> None:
    try:
        if not domain.isActive():
            domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM)
    except libvirt.libvirtError as err:
        log.warning("a domain that did not start was not undefined", error=reason(err))
