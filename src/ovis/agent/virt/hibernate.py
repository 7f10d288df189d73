"""VM.hibernate: the guest's memory into a volume; VM.create restores it.

Does: save in the background; a failure leaves the VM running. Follows: flows, section 8: the handle names two volumes,
"domain,pool,image,volume,image,volume": memory, then configuration.
"""

import time
from pathlib import Path
from typing import Any

import libvirt
import msgspec
import structlog

from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import reason
from ovis.agent.virt.vm import Vm
from ovis.contract import statuses as st
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)


def volumes_of_handle(handle: str) -> tuple[tuple[str, str, str, str], tuple[str, str, str, str]]:
    """(memory, configuration), each (pool, domain, image, volume). INVALID_PARAMETER if it is no handle."""
    parts = [p.strip() for p in handle.split(",")]
    if len(parts) != 6 or not all(parts):
        raise VerbError(Code.INVALID_PARAMETER, "hibernationVolHandle names six ids, separated by commas.")
    domain, pool, image, volume, setup, setup_volume = parts
    return (pool, domain, image, volume), (pool, domain, setup, setup_volume)


class HibernateVerbs:
    """The verb."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    async def vm_hibernate(self, vmID: str, hibernationVolHandle: Any) -> None:
        """Answers once the volumes are found; the VM goes Saving State, then Down with exit reason 5."""
        guests = self._guests
        vm = guests.running(vmID)
        memory, setup = volumes_of_handle(str(hibernationVolHandle))
        if vm.status not in (st.UP, st.POWERING_UP, st.PAUSED):
            raise VerbError(Code.UNEXPECTED, f"A VM that is {vm.status} cannot be hibernated.")
        paths = [await guests.storage.volume_path(*memory), await guests.storage.volume_path(*setup)]
        before, pause = vm.status, vm.record.pause_code
        if vm.task is not None and not vm.task.done():
            vm.task.cancel()
        vm.record.exit_message = ""
        guests.set(vm, st.SAVING_STATE)
        vm.task = guests.spawn(self._save(vm, paths[0], paths[1], before, pause))

    async def _save(self, vm: Vm, memory: Path, setup: Path, before: str, pause: str) -> None:
        guests = self._guests
        try:
            if guests.hooks.scripts("before_vm_hibernate"):
                live = await guests.link.domain(vm.id, lambda d: d.XMLDesc(0))
                await guests.hooks.domain("before_vm_hibernate", live, vm_id=vm.id)
            await guests.link.call(write_setup, setup, vm.id, vm.record.name)
            vm.in_libvirt = True
            await guests.link.domain(vm.id, lambda d: d.saveFlags(str(memory), None, 0), timeout=None)
        except (VerbError, libvirt.libvirtError, OSError) as err:
            log.warning("a VM was not saved", vm=vm.id, error=reason(err))
            if not vm.down and not vm.destroying:
                vm.record.exit_message = f"The memory could not be saved: {reason(err)}"
                guests.set(vm, before, pause_code=pause)
        finally:
            vm.in_libvirt = False
        # Down is told by libvirt's event.


def write_setup(connection: Any, path: Path, vm_id: str, name: str) -> None:
    """What the memory is; VMs are restored from libvirt's own header of it."""
    body = msgspec.json.encode({"vmId": vm_id, "vmName": name, "saved": time.time(), "format": "libvirt"})
    with path.open("r+b") as out:
        out.write(body + b"\n")
