"""Devices that guests may have for themselves: virtual functions of NICs, and giving a device back to the host.

Does: write the number of functions, ask libvirt to reattach; clear refusals where the hardware cannot.
Does not: hand devices to guests. Follows: VDSM's verbs; names are libvirt's (pci_0000_05_00_1).
"""

import re
from pathlib import Path
from typing import Any

import libvirt

from ovis.agent.virt.link import Link, in_thread, reason
from ovis.contract.errors import Code, VerbError

_PCI = re.compile(r"pci_([0-9a-f]{4})_([0-9a-f]{2})_([0-9a-f]{2})_([0-7])")


def address_of(name: str) -> str:
    """pci_0000_05_00_1 -> 0000:05:00.1; INVALID_PARAMETER if it is no PCI device's name. Pure."""
    found = _PCI.fullmatch(name)
    if found is None:
        raise VerbError(Code.INVALID_PARAMETER, f"This is no PCI device's name: {name[:80]!r}")
    return "{}:{}:{}.{}".format(*found.groups())


class PassthroughVerbs:
    """The verbs. devices: the kernel's folder of PCI devices."""

    def __init__(self, link: Link, devices: Path = Path("/sys/bus/pci/devices")) -> None:
        self._link, self._devices = link, devices

    async def host_hostdev_change_numvfs(self, deviceName: str, numvfs: Any) -> None:
        """Let a NIC have so many virtual functions."""
        folder = self._devices / address_of(str(deviceName))
        try:
            count = int(numvfs)
        except (TypeError, ValueError) as err:
            raise VerbError(Code.INVALID_PARAMETER, f"numvfs is no number: {str(numvfs)[:40]!r}") from err
        await in_thread(_change, folder, str(deviceName), count)

    async def host_hostdev_reattach(self, deviceName: str) -> None:
        """Give a device back to the host's own driver."""

        def work(connection: Any) -> None:
            connection.nodeDeviceLookupByName(str(deviceName)).reAttach()

        try:
            await self._link.call(work)
        except libvirt.libvirtError as err:
            raise VerbError(Code.GENERAL, reason(err)) from err


def _change(folder: Path, name: str, count: int) -> None:
    if not folder.is_dir():
        raise VerbError(Code.GENERAL, f"This host has no device {name}.")
    try:
        most = int((folder / "sriov_totalvfs").read_text(encoding="ascii"))
        now = int((folder / "sriov_numvfs").read_text(encoding="ascii"))
    except (OSError, ValueError) as err:
        raise VerbError(Code.GENERAL, f"Device {name} has no virtual functions.") from err
    if not 0 <= count <= most:
        raise VerbError(Code.INVALID_PARAMETER, f"Device {name} can have 0 to {most} virtual functions.")
    if count == now:
        return
    try:
        if now and count:
            (folder / "sriov_numvfs").write_text("0", encoding="ascii")  # the kernel wants none before another number
        (folder / "sriov_numvfs").write_text(str(count), encoding="ascii")
    except OSError as err:
        raise VerbError(Code.GENERAL, f"Device {name} refused {count} virtual functions: {err.strerror}") from err
