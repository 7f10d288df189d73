"""Find the VMs again: after the agent, or libvirt, was away.

Does: compare records with domains, once; adopt domains that an engine made and no record tells of. Domains without an
engine's metadata are never touched. Does not: restart anything.
"""

import asyncio
import time
from typing import Any

import libvirt
import structlog
from msgspec import Struct

from ovis.agent.virt import complete as documents, vm as vms
from ovis.agent.virt.events import apply_stop
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.prepare import volumes_used
from ovis.agent.virt.sweep import stopped_detail
from ovis.agent.virt.vm import NO_PAUSE, Record, Vm
from ovis.contract import statuses as st
from ovis.contract.errors import VerbError
from ovis.contract.statuses import ExitCode, ExitReason

log = structlog.get_logger(__name__)
_LONG = (st.MIGRATION_SOURCE, st.SAVING_STATE)
_BACK_SECONDS = 60.0


class Found(Struct, frozen=True, kw_only=True):
    """A domain of ours in libvirt. busy: a job (migration, save) runs. errors: disks that failed."""

    active: bool
    state: int
    why: int
    xml: str
    busy: bool = False
    errors: dict[str, int] = {}


def _domains(connection: Any) -> dict[str, Found]:
    found = {}
    for domain in connection.listAllDomains(0):
        try:
            xml = domain.XMLDesc(0)
            if not documents.is_ours(documents.read(xml)):
                continue
            active = bool(domain.isActive())
            state, why = domain.state()
            busy = active and domain.jobInfo()[0] != libvirt.VIR_DOMAIN_JOB_NONE
            errors: dict[str, int] = {}
            if state == libvirt.VIR_DOMAIN_PAUSED and not busy:
                errors = domain.diskErrors() or {}
            found[domain.UUIDString()] = Found(
                active=active, state=state, why=why, xml=xml, busy=busy, errors=dict(errors)
            )
        except libvirt.libvirtError as err:
            if err.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:  # it went while we looked
                raise
    return found


async def recover(guests: Guests, *, first: bool) -> None:
    """VerbError UNAVAILABLE if libvirt does not answer: to be tried again. first: the agent has just started."""
    if first:
        for record in vms.kept(guests.records).values():
            guests.vms.setdefault(record.vm_id, Vm(record))
    try:
        domains = await guests.link.call(_domains)
    except libvirt.libvirtError as err:
        raise VerbError(40, f"libvirt does not tell its domains: {err}") from err
    for vm in list(guests.vms.values()):
        if vm.down or (not first and vm.task is not None and not vm.task.done()):
            continue
        if vm.status == st.MIGRATION_DESTINATION and vm.id not in domains:
            log.info("a VM that was to come did not", vm=vm.id)
            await guests.release(vm)
            guests.forget(vm)
            continue
        _settle(guests, vm, domains.get(vm.id))
    for vm_id, found in domains.items():
        if vm_id not in guests.vms:
            await _adopt(guests, vm_id, found)
    log.info("VMs found", count=len(guests.vms), running=sum(not v.down for v in guests.vms.values()))


def _settle(guests: Guests, vm: Vm, found: Found | None) -> None:
    if found is None:
        _gone(guests, vm)
        return
    if not found.active:
        if vm.status in (st.WAIT_FOR_LAUNCH, st.RESTORING_STATE):
            guests.ended(
                vm, ExitCode.ERROR, ExitReason.GENERIC_ERROR, "The host's agent ended while the VM was being started"
            )
        else:
            apply_stop(guests, vm, libvirt.VIR_DOMAIN_EVENT_STOPPED, stopped_detail(found.why))
        return
    vm.learn(found.xml)
    coming = found.state == libvirt.VIR_DOMAIN_PAUSED and found.why in (
        libvirt.VIR_DOMAIN_PAUSED_MIGRATION,
        libvirt.VIR_DOMAIN_PAUSED_STARTING_UP,
    )
    if (found.busy and vm.status in _LONG) or (coming and vm.status == st.MIGRATION_DESTINATION):
        guests.spawn(_follow_job(guests, vm))
    else:
        show(guests, vm, found)
    guests.follow(vm)


def show(guests: Guests, vm: Vm, found: Found) -> None:
    """The status that an active domain's state stands for."""
    if vm.status in (st.MIGRATION_DESTINATION, *_LONG):
        vm.record.booted = True
    if found.state == libvirt.VIR_DOMAIN_PAUSED:
        code = vm.record.pause_code if vm.status == st.PAUSED else NO_PAUSE
        if found.why == libvirt.VIR_DOMAIN_PAUSED_IOERROR and code == NO_PAUSE:
            code = "ENOSPC" if libvirt.VIR_DOMAIN_DISK_ERROR_NO_SPACE in found.errors.values() else "EIO"
        guests.set(vm, st.PAUSED, pause_code=code)
    elif vm.status == st.POWERING_DOWN:
        guests.spawn(_back_to_up(guests, vm))
    elif vm.status == st.REBOOT_IN_PROGRESS:
        guests.set(vm, st.POWERING_UP)
    elif vm.status not in (st.UP, st.POWERING_UP):
        guests.awake(vm)


def _gone(guests: Guests, vm: Vm) -> None:
    if vm.status == st.MIGRATION_SOURCE:  # a domain leaves its source only when it runs on its target
        guests.ended(vm, ExitCode.NORMAL, ExitReason.MIGRATION_SUCCEEDED, "Migration succeeded")
    elif vm.status in (st.WAIT_FOR_LAUNCH, st.RESTORING_STATE):
        guests.ended(
            vm, ExitCode.ERROR, ExitReason.GENERIC_ERROR, "The host's agent ended while the VM was being started"
        )
    else:
        guests.ended(vm, ExitCode.ERROR, ExitReason.LIBVIRT_DOMAIN_MISSING, "The domain is not on this host any more")


async def _adopt(guests: Guests, vm_id: str, found: Found) -> None:
    root = documents.read(found.xml)
    vm = Vm(Record(vm_id=vm_id, booted=True, images=volumes_used(root)))
    if not found.active:
        log.info("a domain of ours that does not run is left over", vm=vm_id)
        await guests.release(vm)
        return
    log.info("a domain of ours without a record", vm=vm_id)
    vm.record.begun = time.time()
    guests.add(vm)
    _settle(guests, vm, found)


async def _follow_job(guests: Guests, vm: Vm) -> None:
    """A migration or save goes on in libvirt without us: wait for its end. Events tell when the domain goes."""
    while not vm.down:
        await asyncio.sleep(1)
        try:
            found = (await guests.link.call(_domains)).get(vm.id)
        except (VerbError, libvirt.libvirtError) as err:
            log.info("a job cannot be followed now", vm=vm.id, error=str(err))
            continue
        if vm.down:
            return
        if found is None or not found.active:
            _settle(guests, vm, found)
            return
        arriving = vm.status == st.MIGRATION_DESTINATION and found.state == libvirt.VIR_DOMAIN_PAUSED
        if not found.busy and not arriving:
            show(guests, vm, found)
            return


async def _back_to_up(guests: Guests, vm: Vm) -> None:
    """A shutdown that nobody waits for any more."""
    since = vm.record.status_time
    await asyncio.sleep(_BACK_SECONDS)
    if vm.status == st.POWERING_DOWN and vm.record.status_time == since:
        vm.record.asked = ""
        guests.set(vm, st.UP)
