"""The floppy drive of a running VM: another image, or none.

Does: VM.changeFloppy for VMs that have a drive (machines of type pc, or by a hook). Follows: VDSM's verb; see devices for CDs.
"""

import asyncio
import copy
import os
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

import libvirt

from ovis.agent.virt.guests import Guests
from ovis.agent.virt.stats import StatsVerbs
from ovis.contract.errors import Code, VerbError

_PREFIX = "/rhev/data-center/"


def with_image(live: Element, path: str) -> str:
    """The drive's XML with that image, or empty. CHANGE_DISK if the VM has no drive. Pure."""
    drive = next((d for d in live.findall("devices/disk") if d.get("device") == "floppy"), None)
    if drive is None:
        raise VerbError(Code.CHANGE_DISK, "The VM has no floppy drive.")
    found = copy.deepcopy(drive)
    for old in found.findall("source"):
        found.remove(old)
    if path:
        found.set("type", "file")
        found.insert(0, Element("source", {"file": path}))
    return tostring(found, encoding="unicode")


class FloppyVerbs:
    """The verb."""

    def __init__(self, guests: Guests, stats: StatsVerbs) -> None:
        self._guests, self._stats = guests, stats

    async def vm_change_floppy(self, vmID: str, driveSpec: Any) -> dict[str, Any]:
        """An image by its path; an empty path empties the drive."""
        guests = self._guests
        vm = guests.running(vmID)
        path = str((driveSpec.get("path") if isinstance(driveSpec, Mapping) else driveSpec) or "")
        if path.startswith(_PREFIX):
            path = f"{guests.settings.rhev}/{path.removeprefix(_PREFIX)}"
        if path and not await asyncio.to_thread(os.path.isfile, path):
            raise VerbError(Code.CHANGE_DISK, f"There is no file {path} on this host.")
        live = fromstring(await guests.ask(vm, Code.CHANGE_DISK, lambda d: d.XMLDesc(0)))
        xml = with_image(live, path)
        flags = libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE
        await guests.ask(vm, Code.CHANGE_DISK, lambda d: d.updateDeviceFlags(xml, flags))
        await guests.refresh(vm)
        guests.tell(vm)
        return self._stats.row(vm)
