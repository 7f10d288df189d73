"""Sealing a VM's disks before they become a template: what makes a guest one of its kind is removed.

Does: VM.seal as a host job that runs virt-sysprep on the volumes. Does not: touch a VM that runs here.
Follows: VDSM's verb; its job is polled by Host.getJobs.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ovis.agent.storage import checks, programs
from ovis.agent.storage.core import StorageCore
from ovis.agent.virt.guests import Guests
from ovis.contract.errors import Code, VerbError

_SECONDS = 1800.0
_PATH = "/usr/bin:/usr/local/bin:/usr/sbin:/bin"
PROGRAM = "virt-sysprep"


class SealVerbs:
    """The verb. program: where virt-sysprep is, found when it is asked for."""

    def __init__(self, guests: Guests, core: StorageCore, find: Callable[[], str | None] | None = None) -> None:
        self._guests, self._core = guests, core
        self._find = find or (lambda: shutil.which(PROGRAM, path=_PATH))

    async def vm_seal(self, vmID: str, job_id: str, sp_id: str, images: Sequence[Mapping[str, Any]]) -> None:
        """Begin; the same job id again is the same job."""
        job = checks.id_of(job_id, "job_id")
        vm = self._guests.vms.get(vmID)
        if vm is not None and not vm.down:
            raise VerbError(Code.UNEXPECTED, "A VM that runs on this host cannot be sealed.")
        program = self._find()
        if program is None:
            raise VerbError(Code.GENERAL, f"{PROGRAM} is not installed on this host: its VMs cannot be sealed.")
        if not images:
            raise VerbError(Code.MISSING_PARAMETER, "There is no disk to seal.")
        found = [await self._core.volume(i.get("sd_id"), i.get("img_id"), i.get("vol_id")) for i in images]
        drives = [part for volume in found for part in ("-a", str(volume.path))]

        async def run(progress: Callable[[int], None]) -> None:
            try:
                await programs.run((program, *drives), limit=_SECONDS)
            except programs.ProgramFailed as err:
                raise VerbError(Code.GENERAL, str(err)) from err

        await self._core.jobs.start(job, "seal_vm", run)
