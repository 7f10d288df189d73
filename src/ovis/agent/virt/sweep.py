"""Statuses against what libvirt shows: for events that never came.

Does: compare the VMs that are known with domains' states, in one pass. Does not: touch VMs that a task is working on.
"""

from collections.abc import Mapping
from typing import Any

import libvirt
import structlog

from ovis.agent.virt.events import apply_stop
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.vm import NO_PAUSE, Vm
from ovis.contract import statuses as st
from ovis.contract.statuses import ExitCode, ExitReason

log = structlog.get_logger(__name__)
_SETTLED = (st.UP, st.POWERING_UP, st.PAUSED, st.POWERING_DOWN, st.REBOOT_IN_PROGRESS)
_ENDS = {
    libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN: libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN,
    libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED: libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED,
    libvirt.VIR_DOMAIN_SHUTOFF_CRASHED: libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED,
    libvirt.VIR_DOMAIN_SHUTOFF_MIGRATED: libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED,
    libvirt.VIR_DOMAIN_SHUTOFF_SAVED: libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED,
}


def settled(guests: Guests) -> dict[str, float]:
    """VMs whose status may be compared, and since when they have it; taken before libvirt is asked."""
    return {v.id: v.record.status_time for v in guests.vms.values() if v.status in _SETTLED}


def put_right(guests: Guests, asked: Mapping[str, float], states: Mapping[str, tuple[Any, Any]]) -> None:
    """states: id -> (state, reason) of domains that exist. asked: see settled; a status that changed since is newer."""
    for vm_id, since in asked.items():
        vm = guests.vms.get(vm_id)
        if vm is None or vm.destroying or vm.status not in _SETTLED or vm.record.status_time != since:
            continue
        if vm.held or (vm.task is not None and not vm.task.done() and vm.in_libvirt):
            continue
        if vm_id not in states:
            guests.ended(
                vm, ExitCode.ERROR, ExitReason.LIBVIRT_DOMAIN_MISSING, "The domain is not on this host any more"
            )
            continue
        state, why = states[vm_id]
        _compare(guests, vm, state, why)


def _compare(guests: Guests, vm: Vm, state: Any, why: Any) -> None:
    if state in (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED):
        log.info("a VM's end was found", vm=vm.id, state=state, why=why)
        apply_stop(guests, vm, libvirt.VIR_DOMAIN_EVENT_STOPPED, stopped_detail(why))
    elif state == libvirt.VIR_DOMAIN_PAUSED and vm.status in (st.UP, st.POWERING_UP):
        failed = why == libvirt.VIR_DOMAIN_PAUSED_IOERROR
        guests.set(vm, st.PAUSED, pause_code=(vm.io_error or "EOTHER") if failed else NO_PAUSE)
    elif state == libvirt.VIR_DOMAIN_RUNNING and vm.status == st.PAUSED:
        guests.awake(vm)


def stopped_detail(why: Any) -> int:
    """The lifecycle event's detail for the reason that libvirt keeps of an inactive domain."""
    return int(_ENDS.get(why, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED))
