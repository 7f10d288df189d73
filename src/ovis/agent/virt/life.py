"""The life of a running VM: destroy, shutdown, reboot, reset, pause, resume.

Does: act on the domain, wait for the guest where a verb asks for it. Does not: decide the end's reason (events).
Follows: flows, section 6.
"""

import asyncio
import contextlib
import time
from typing import Any

import libvirt
import structlog

from ovis.agent.hooks.calls import each_device
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import reason
from ovis.agent.virt.vm import Vm
from ovis.contract import statuses as st
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_STARTS = 120.0  # seconds that a start, which cannot be taken back, may take
_GRACE = 30.0


def truth(value: Any) -> bool:
    """Booleans come as such or as text."""
    return value is True or str(value).lower() in ("true", "1", "yes")


def seconds(value: Any, default: float) -> float:
    """A number that may come as text; nonsense is the default."""
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        return default


class LifeVerbs:
    """The verbs."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    async def vm_destroy(self, vmID: str) -> None:
        """End it at once, or forget a VM that is down. NO_SUCH_VM the second time."""
        guests = self._guests
        vm = guests.vm(vmID)
        await each_device(guests.hooks, "before_device_destroy", vm.xml, vm.id)
        await guests.hooks.domain("before_vm_destroy", "", vm_id=vm.id)
        vm.record.asked = "admin"
        vm.destroying = True
        try:
            await self._end_task(vm)
            if not vm.down:
                await self._destroy_domain(vm)
        except BaseException:
            vm.destroying = False
            raise
        if vm.follower is not None:
            vm.follower.cancel()
        if vm.release is not None:
            await asyncio.wait([vm.release], timeout=_GRACE)
        await guests.release(vm)
        if guests.vms.get(vmID) is not vm:  # another call was quicker
            return
        await guests.hooks.domain("after_vm_destroy", vm.xml, vm_id=vm.id)
        await each_device(guests.hooks, "after_device_destroy", vm.xml, vm.id)
        guests.forget(vm)

    async def _end_task(self, vm: Vm) -> None:
        task = vm.task
        if task is None or task.done():
            return
        if vm.status in (st.MIGRATION_SOURCE, st.SAVING_STATE):
            with contextlib.suppress(VerbError, libvirt.libvirtError):
                await self._guests.link.domain(vm.id, lambda d: d.abortJob())
        elif not vm.in_libvirt:
            task.cancel()
        await asyncio.wait([task], timeout=_STARTS if vm.in_libvirt else _GRACE)

    async def _destroy_domain(self, vm: Vm) -> None:
        try:
            await self._guests.link.domain(vm.id, _destroy, timeout=60)
        except libvirt.libvirtError as err:
            if err.get_error_code() not in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID):
                raise VerbError(Code.DESTROY_FAILED, reason(err)) from err

    async def vm_shutdown(
        self, vmID: str, delay: Any = 0, message: str = "", reboot: Any = False, timeout: Any = None, force: Any = False
    ) -> None:
        """Ask the guest: by its agent, then by the power button; it may refuse, then it is Up again."""
        guests = self._guests
        vm = guests.running(vmID)
        if vm.status not in (st.UP, st.POWERING_UP, st.PAUSED, st.POWERING_DOWN, st.REBOOT_IN_PROGRESS):
            raise VerbError(Code.UNEXPECTED, f"A VM that is {vm.status} cannot be shut down.")
        if vm.task is not None and not vm.task.done():
            vm.task.cancel()
        again = truth(reboot)
        vm.record.asked = "" if again else "admin"
        before = vm.status
        guests.set(vm, st.REBOOT_IN_PROGRESS if again else st.POWERING_DOWN)
        wait = seconds(timeout, _GRACE) or _GRACE
        vm.task = guests.spawn(self._shut(vm, before, seconds(delay, 0), wait, reboot=again, force=truth(force)))

    async def _shut(self, vm: Vm, before: str, delay: float, wait: float, *, reboot: bool, force: bool) -> None:
        guests = self._guests
        waiting = st.REBOOT_IN_PROGRESS if reboot else st.POWERING_DOWN
        if delay:
            await asyncio.sleep(delay)
        if before == st.PAUSED:
            with contextlib.suppress(VerbError, libvirt.libvirtError):
                await guests.link.domain(vm.id, lambda d: d.resume())
        for way in ("agent", "acpi"):
            if way == "agent" and vm.agent_at == 0.0:
                continue
            begun = time.monotonic()
            try:
                await guests.link.domain(vm.id, _ask_guest, way, reboot, timeout=60)
            except (VerbError, libvirt.libvirtError) as err:
                log.info("the guest was not asked", vm=vm.id, way=way, error=str(err))
                continue
            while time.monotonic() - begun < wait:
                if vm.down or vm.status != waiting:
                    return
                await asyncio.sleep(0.2)
        if vm.down or vm.status != waiting:
            return
        if force:
            log.info("the guest does not follow: forced", vm=vm.id, reboot=reboot)
            with contextlib.suppress(VerbError, libvirt.libvirtError):
                await guests.link.domain(vm.id, lambda d: d.reset(0) if reboot else d.destroyFlags(0), timeout=60)
            return
        log.info("the guest does not follow", vm=vm.id, reboot=reboot)
        vm.record.asked = ""
        guests.set(vm, st.UP)

    async def vm_reset(self, vmID: str) -> None:
        """Press the button."""
        guests = self._guests
        vm = guests.running(vmID)
        if vm.status not in (st.UP, st.POWERING_UP, st.POWERING_DOWN, st.REBOOT_IN_PROGRESS):
            raise VerbError(Code.UNEXPECTED, f"A VM that is {vm.status} cannot be reset.")
        if vm.task is not None and not vm.task.done():
            vm.task.cancel()
        before = vm.status
        guests.set(vm, st.REBOOT_IN_PROGRESS)
        try:
            await guests.ask(vm, Code.UNEXPECTED, lambda d: d.reset(0))
        except VerbError:
            guests.set(vm, before)
            raise

    async def vm_pause(self, vmID: str) -> dict[str, Any]:
        """Stop its CPUs."""
        guests = self._guests
        vm = guests.running(vmID)
        if vm.status not in (st.UP, st.POWERING_UP, st.PAUSED):
            raise VerbError(Code.UNEXPECTED, f"A VM that is {vm.status} cannot be paused.")
        await self._hook(vm, "before_vm_pause")
        await guests.ask(vm, Code.UNEXPECTED, lambda d: d.suspend())
        guests.set(vm, st.PAUSED, pause_code=vm.record.pause_code)
        return {"vmList": {}}

    async def vm_cont(self, vmID: str) -> dict[str, Any]:
        """Let its CPUs run."""
        guests = self._guests
        vm = guests.running(vmID)
        if vm.status in (st.MIGRATION_SOURCE, st.MIGRATION_DESTINATION, st.SAVING_STATE):
            raise VerbError(Code.UNEXPECTED, f"A VM that is {vm.status} cannot be resumed.")
        await self._hook(vm, "before_vm_cont")
        await guests.ask(vm, Code.UNEXPECTED, _resume)
        vm.io_error = ""
        if vm.status == st.PAUSED:
            vm.started_at = time.monotonic()
            guests.awake(vm)
        guests.follow(vm)
        return {"vmList": {}}

    async def _hook(self, vm: Vm, point: str) -> None:
        """Run a point with the live document."""
        guests = self._guests
        if guests.hooks.scripts(point):
            live = await guests.ask(vm, Code.UNEXPECTED, lambda d: d.XMLDesc(0))
            await guests.hooks.domain(point, live, vm_id=vm.id)

    async def vm_set_destroy_on_reboot(self, vmID: str) -> None:
        """The next reboot is an end: a cold start follows."""
        guests = self._guests
        vm = guests.running(vmID)
        await guests.ask(
            vm,
            Code.UNEXPECTED,
            lambda d: d.setLifecycleAction(
                libvirt.VIR_DOMAIN_LIFECYCLE_REBOOT,
                libvirt.VIR_DOMAIN_LIFECYCLE_ACTION_DESTROY,
                libvirt.VIR_DOMAIN_AFFECT_LIVE,
            ),
        )
        vm.record.asked = "reboot"
        guests.keep(vm)


def _destroy(domain: Any) -> None:
    if domain.isActive():
        domain.destroyFlags(0)


def _resume(domain: Any) -> None:
    if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()


def _ask_guest(domain: Any, way: str, reboot: bool) -> None:
    domain.agentSetResponseTimeout(5, 0)
    if reboot:
        agent, acpi = libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT, libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN
        domain.reboot(agent if way == "agent" else acpi)
    else:
        agent, acpi = libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT, libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN
        domain.shutdownFlags(agent if way == "agent" else acpi)
