"""A guest's file systems, held still and let go: VM.freeze and VM.thaw.

Does: ask the guest's agent through libvirt. Does not: keep a guest frozen when its agent is gone; nobody can.
Follows: VDSM's verbs: what fails is 76 or 77, a guest that does not answer 19.
"""

from typing import Any

import libvirt

from ovis.agent.virt.guest_agent import ask
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import reason
from ovis.contract.errors import Code, VerbError

_SECONDS = 120.0  # file systems with much unwritten data take their time


class FreezeVerbs:
    """The verbs."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    async def vm_freeze(self, vmID: str) -> None:
        """Every file system of the guest; twice is no error."""
        await self._ask(vmID, Code.FREEZE, _freeze)

    async def vm_thaw(self, vmID: str) -> None:
        """Let them go; what is not frozen is no error."""
        await self._ask(vmID, Code.THAW, lambda d: d.fsThaw())

    async def _ask(self, vm_id: str, code: int, work: Any) -> None:
        vm = self._guests.running(vm_id)
        if vm.agent_at == 0.0:
            raise VerbError(Code.GUEST_AGENT_SILENT, "The guest has no agent that answers.")
        try:
            await self._guests.link.domain(vm.id, work, timeout=_SECONDS)
        except libvirt.libvirtError as err:
            raise VerbError(code, reason(err)) from err


def _freeze(domain: Any) -> None:
    try:
        domain.fsFreeze()
    except libvirt.libvirtError:
        if ask(domain, "guest-fsfreeze-status") != "frozen":
            raise
