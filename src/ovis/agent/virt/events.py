"""libvirt's events as VDSM's statuses.

Does: say what a lifecycle event means for a VM, set its status. Does not: begin anything by itself.
Follows: VDSM's statuses and exit reasons; libvirt's lifecycle details.
"""

import time
from typing import Any

import libvirt
import structlog

from ovis.agent.hooks.calls import each_device
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.vm import NO_PAUSE, Vm
from ovis.contract import statuses as st
from ovis.contract.errors import VerbError
from ovis.contract.statuses import ExitCode, ExitReason

log = structlog.get_logger(__name__)
E = libvirt
_REBOOTS = 5.0  # seconds in which one reset's several REBOOT events are one
_PAUSES = {"enospc": "ENOSPC", "eio": "EIO", "eperm": "EPERM", "eother": "EOTHER"}
_STARTING = (st.WAIT_FOR_LAUNCH, st.RESTORING_STATE)
_MOVING = (st.MIGRATION_SOURCE, st.MIGRATION_DESTINATION, st.SAVING_STATE)
_WATCHDOG = {
    E.VIR_DOMAIN_EVENT_WATCHDOG_NONE: "none",
    E.VIR_DOMAIN_EVENT_WATCHDOG_PAUSE: "pause",
    E.VIR_DOMAIN_EVENT_WATCHDOG_RESET: "reset",
    E.VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF: "poweroff",
    E.VIR_DOMAIN_EVENT_WATCHDOG_SHUTDOWN: "shutdown",
    E.VIR_DOMAIN_EVENT_WATCHDOG_DEBUG: "dump",
}


def end_of(vm: Vm, event: int, detail: int) -> tuple[ExitCode, ExitReason, str]:
    """What a stop means. Pure."""
    if vm.status == st.MIGRATION_DESTINATION:
        return ExitCode.ERROR, ExitReason.MIGRATION_FAILED, "Migration failed"
    if detail == E.VIR_DOMAIN_EVENT_STOPPED_MIGRATED:
        return ExitCode.NORMAL, ExitReason.MIGRATION_SUCCEEDED, "Migration succeeded"
    if detail == E.VIR_DOMAIN_EVENT_STOPPED_SAVED:
        return ExitCode.NORMAL, ExitReason.SAVE_STATE_SUCCEEDED, "SaveState succeeded"
    if detail == E.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
        if vm.record.asked == "reboot":
            return ExitCode.NORMAL, ExitReason.DESTROYED_ON_REBOOT, "VM destroyed during the startup"
        if vm.record.asked == "admin":
            return ExitCode.NORMAL, ExitReason.ADMIN_SHUTDOWN, "Admin shut down from the engine"
        if vm.shutdown_detail == E.VIR_DOMAIN_EVENT_SHUTDOWN_HOST:
            return ExitCode.ERROR, ExitReason.HOST_SHUTDOWN, "The host shut the VM down"
        return ExitCode.NORMAL, ExitReason.USER_SHUTDOWN, "User shut down from within the guest"
    if detail == E.VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
        if vm.record.asked == "reboot":
            return ExitCode.NORMAL, ExitReason.DESTROYED_ON_REBOOT, "VM was destroyed instead of rebooted"
        if vm.record.asked == "admin":
            return ExitCode.NORMAL, ExitReason.ADMIN_SHUTDOWN, "Admin shut down from the engine"
        if vm.record.asked == "pause":
            why = "The VM was paused by a storage fault for too long"
            return ExitCode.ERROR, ExitReason.DESTROYED_ON_PAUSE_TIMEOUT, why
        return ExitCode.ERROR, ExitReason.GENERIC_ERROR, "The VM was destroyed by another program of the host"
    if detail == E.VIR_DOMAIN_EVENT_STOPPED_FAILED and vm.status == st.MIGRATION_SOURCE:
        return ExitCode.ERROR, ExitReason.POSTCOPY_MIGRATION_FAILED, "The VM was lost during its migration"
    return ExitCode.ERROR, ExitReason.LOST_QEMU_CONNECTION, "Lost connection with qemu process"


def apply_stop(guests: Guests, vm: Vm, event: int, detail: int) -> None:
    """The domain stopped."""
    if vm.destroying or vm.down:
        return
    before = vm.status
    guests.ended(vm, *end_of(vm, event, detail))
    if detail == E.VIR_DOMAIN_EVENT_STOPPED_SAVED and before == st.SAVING_STATE:
        told(guests, vm, "after_vm_hibernate")
    elif detail == E.VIR_DOMAIN_EVENT_STOPPED_MIGRATED and before != st.MIGRATION_DESTINATION:
        guests.spawn(left(guests, vm))


def told(guests: Guests, vm: Vm, point: str, *, live: bool = False) -> None:
    """Run a point for what libvirt told, after those of what it told before. live: with the document as it is now."""
    if guests.hooks.scripts(point):
        guests.spawn(_told(guests, vm, point, live=live))


async def _told(guests: Guests, vm: Vm, point: str, *, live: bool) -> None:
    async with vm.hook_turn:
        if live:
            try:
                await guests.refresh(vm)
            except (VerbError, libvirt.libvirtError) as err:
                log.info("hooks get the document of before", vm=vm.id, point=point, error=str(err))
        await guests.hooks.domain(point, vm.xml, vm_id=vm.id)


async def left(guests: Guests, vm: Vm) -> None:
    """A migration took the VM away."""
    async with vm.hook_turn:
        await guests.hooks.domain("after_vm_migrate_source", vm.xml, vm_id=vm.id, custom=vm.custom)
        await each_device(guests.hooks, "after_device_migrate_source", vm.xml, vm.id, vm.custom)


class Events:
    """Takes libvirt's events for the VMs that are ours."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    def take(self, name: str, vm_id: str, details: tuple[Any, ...]) -> None:
        """One event; domains of others are not touched."""
        vm = self._guests.vms.get(vm_id)
        if vm is None or vm.down:
            return
        log.debug("libvirt event", vm=vm_id, name=name, details=[str(d) for d in details])
        handler = getattr(self, f"_{name}", None)
        if handler is not None:
            handler(vm, *details)

    def _lifecycle(self, vm: Vm, event: int, detail: int) -> None:
        if event == E.VIR_DOMAIN_EVENT_STOPPED:
            if vm.status in _STARTING:
                vm.early_end = (event, detail)  # the start itself reports a failure
            elif detail == E.VIR_DOMAIN_EVENT_STOPPED_MIGRATED and vm.migration is not None and vm.migration.moving:
                return  # the migration itself reports its end, with the downtime that the target measured
            else:
                apply_stop(self._guests, vm, event, detail)
        elif event == E.VIR_DOMAIN_EVENT_SHUTDOWN:
            vm.shutdown_detail = detail
            if vm.status in (st.UP, st.POWERING_UP) and not vm.destroying:
                self._guests.set(vm, st.POWERING_DOWN)
        elif event == E.VIR_DOMAIN_EVENT_SUSPENDED:
            self._suspended(vm, detail)
        elif event == E.VIR_DOMAIN_EVENT_RESUMED:
            self._resumed(vm, detail)

    def _suspended(self, vm: Vm, detail: int) -> None:
        if detail in (E.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED, E.VIR_DOMAIN_EVENT_SUSPENDED_IOERROR):
            told(self._guests, vm, "after_vm_pause", live=True)
        if vm.held and detail != E.VIR_DOMAIN_EVENT_SUSPENDED_IOERROR:
            return
        if vm.status in _STARTING or vm.status in _MOVING:
            if detail == E.VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED:
                self._guests.set(vm, st.PAUSED, pause_code="POSTCOPY")
            return
        if detail == E.VIR_DOMAIN_EVENT_SUSPENDED_IOERROR:
            self._guests.set(vm, st.PAUSED, pause_code=vm.io_error or "EOTHER")
        elif vm.status == st.PAUSED:
            return
        elif vm.status not in (st.REBOOT_IN_PROGRESS, st.POWERING_DOWN):
            self._guests.set(vm, st.PAUSED, pause_code=NO_PAUSE)

    def _resumed(self, vm: Vm, detail: int) -> None:
        if detail == E.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED and vm.status not in _STARTING:
            told(self._guests, vm, "after_vm_cont", live=True)
        if vm.status == st.MIGRATION_DESTINATION:
            if detail == E.VIR_DOMAIN_EVENT_RESUMED_MIGRATED:
                self._guests.spawn(arrived(self._guests, vm))
        elif vm.status == st.PAUSED:
            vm.io_error = ""
            vm.started_at = time.monotonic()
            self._guests.awake(vm)

    def _reboot(self, vm: Vm) -> None:
        now = time.monotonic()
        again = now - vm.rebooted_at < _REBOOTS
        vm.rebooted_at = now
        if again and vm.status != st.REBOOT_IN_PROGRESS:
            return
        if vm.status in (st.UP, st.POWERING_UP, st.REBOOT_IN_PROGRESS, st.POWERING_DOWN):
            log.info("the guest reboots", vm=vm.id)
            vm.agent_at = 0.0
            vm.guest = {}
            vm.started_at = now
            vm.record.booted = False
            vm.record.asked = ""
            self._guests.set(vm, st.POWERING_UP)

    def _io_error(self, vm: Vm, path: str, alias: str, action: int, why: str) -> None:
        if action == E.VIR_DOMAIN_EVENT_IO_ERROR_PAUSE:
            vm.io_error = _PAUSES.get((why or "eother").lower(), "EOTHER")
            log.warning("a disk failed", vm=vm.id, path=path, device=alias, why=why)
            if vm.status == st.PAUSED:  # the pause was told first
                self._guests.set(vm, st.PAUSED, pause_code=vm.io_error)

    def _agent(self, vm: Vm, state: int, why: int) -> None:
        if state != E.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED:
            vm.agent_at = 0.0

    def _graphics(self, vm: Vm, phase: int, local: Any, remote: Any, scheme: str, subject: Any) -> None:
        address = str((remote or {}).get("node") or "")
        if phase == E.VIR_DOMAIN_EVENT_GRAPHICS_DISCONNECT:
            address = ""
        elif phase != E.VIR_DOMAIN_EVENT_GRAPHICS_INITIALIZE:
            return
        if address != vm.client_ip:
            vm.client_ip = address
            self._guests.tell(vm)

    def _watchdog(self, vm: Vm, action: int) -> None:
        vm.watchdog = {"time": time.time(), "action": _WATCHDOG.get(action, "none")}
        log.warning("the watchdog fired", vm=vm.id, action=vm.watchdog["action"])
        self._guests.tell(vm)

    def _device_removed(self, vm: Vm, alias: str) -> None:
        waiting = vm.removals.get(alias)
        if waiting is not None and not waiting.done():
            waiting.set_result(True)

    def _device_removal_failed(self, vm: Vm, alias: str) -> None:
        waiting = vm.removals.get(alias)
        if waiting is not None and not waiting.done():
            waiting.set_result(False)

    def _migration_iteration(self, vm: Vm, iteration: int) -> None:
        if vm.migration is not None:
            vm.migration.iteration = iteration


async def arrived(guests: Guests, vm: Vm) -> None:
    """A migration brought the VM here."""
    try:
        await guests.refresh(vm)
    except (VerbError, libvirt.libvirtError) as err:
        log.warning("the VM that arrived cannot be read", vm=vm.id, error=str(err))
    first = vm.status == st.MIGRATION_DESTINATION  # an event and a look may tell of the same
    vm.record.booted = True
    guests.set(vm, st.UP)
    guests.follow(vm)
    if first:
        await came(guests, vm)


async def came(guests: Guests, vm: Vm) -> None:
    """Hooks of a VM that a migration brought."""
    async with vm.hook_turn:
        await guests.hooks.domain("after_vm_migrate_destination", vm.xml, vm_id=vm.id)
        await each_device(guests.hooks, "after_device_migrate_destination", vm.xml, vm.id)
