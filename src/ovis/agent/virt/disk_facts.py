"""What a VM's disk is like: its size as storage has it now, the alignment of its partitions.

Does: read. Does not: change the disk or the guest.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ovis.agent.storage import programs, volumes
from ovis.agent.storage.core import StorageCore
from ovis.agent.storage.threads import in_thread
from ovis.agent.storage.volumes import Volume
from ovis.agent.virt import partitions
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.vm import Vm
from ovis.contract.errors import Code, VerbError

_SECONDS = 30.0


class DiskFactVerbs:
    """The verbs."""

    def __init__(self, guests: Guests, core: StorageCore) -> None:
        self._guests, self._core = guests, core

    async def _volume(self, vm: Vm, spec: Any) -> Volume:
        given = spec if isinstance(spec, Mapping) else {}
        wanted = tuple(str(given.get(n) or "") for n in ("domainID", "imageID", "volumeID"))
        if not any(tuple(ids)[1:] == wanted for ids in vm.record.images):
            raise VerbError(Code.IMAGE_NOT_FOUND, "The VM has no such disk.")
        return await self._core.volume(*wanted)

    async def vm_refresh_disk(self, vmID: str, drive: Any) -> dict[str, int]:
        """The volume's sizes, read anew. A file needs no more than that: QEMU sees it grow."""
        volume = await self._volume(self._guests.running(vmID), drive)
        apparent, true = await in_thread(volumes.sizes, volume)
        return {"apparentsize": apparent, "truesize": true}

    async def vm_get_disk_alignment(self, vmID: str, disk: Any) -> dict[str, bool]:
        """Whether each partition begins where it suits the storage."""
        volume = await self._volume(self._guests.vm(vmID), disk)
        form = await in_thread(volume.form)
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="ovis-"))
        target = folder / "head"
        try:
            head = (f"bs={partitions.SECTOR}", f"count={partitions.SECTORS}", f"if={volume.path}", f"of={target}")
            await programs.run(("qemu-img", "dd", "-U", "-f", form, "-O", "raw", *head), limit=_SECONDS)
            return partitions.alignment(await asyncio.to_thread(target.read_bytes))
        except (programs.ProgramFailed, OSError) as err:
            raise VerbError(Code.GENERAL, f"The disk cannot be read: {err}") from err
        finally:
            await asyncio.to_thread(_remove, folder)


def _remove(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink(missing_ok=True)
    folder.rmdir()
