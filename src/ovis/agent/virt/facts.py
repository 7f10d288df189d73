"""What completion needs to know of this host: asked from libvirt, the kernel and files.

Does: ask, and keep for a while what only changes with libvirt. Defines the network filter that engines name and libvirt
does not ship. Does not: report capabilities (host).
"""

import asyncio
import os
import platform
import shutil
import time
from glob import glob
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import libvirt
import structlog
from msgspec import Struct

from ovis.agent.main.settings import AgentSettings
from ovis.agent.network import kernel
from ovis.agent.virt.complete import HostFacts
from ovis.agent.virt.link import Link, in_thread, reason

log = structlog.get_logger(__name__)
ARCH = "x86_64"
_KEPT = 300.0  # seconds
_SPOOFING = "vdsm-no-mac-spoofing"
_SPOOFING_XML = f"""<filter name='{_SPOOFING}' chain='root'>
<filterref filter='no-mac-spoofing'/><filterref filter='no-arp-mac-spoofing'/></filter>"""


class Hypervisor(Struct, frozen=True, kw_only=True):
    """libvirt's part. version, qemu: as text."""

    kvm: bool
    machines: tuple[str, ...]
    cpus: frozenset[str]
    usable: frozenset[str]
    filters: frozenset[str]
    version: str
    qemu: str
    capabilities: str
    domain_capabilities: str


def numbers(version: int) -> str:
    """libvirt's way of versions: 9000000 is 9.0.0."""
    return f"{version // 1_000_000}.{version // 1000 % 1000}.{version % 1000}"


def kvm_works(settings: AgentSettings, capabilities: str) -> bool:
    """The setting; `auto` asks the device, libvirt, and the file `kvm` (yes or no) in the data folder."""
    if settings.kvm in ("yes", "no"):
        return settings.kvm == "yes"
    told = settings.folder / "kvm"
    if told.exists():
        return told.read_text(encoding="utf-8").strip().lower() in ("yes", "true", "1")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    root = ElementTree.fromstring(capabilities)
    return any(d.get("type") == "kvm" for d in root.findall(f"guest/arch[@name='{ARCH}']/domain"))


def _ask(connection: Any, settings: AgentSettings) -> Hypervisor:
    capabilities = connection.getCapabilities()
    kvm = kvm_works(settings, capabilities)
    kind = "kvm" if kvm else "qemu"
    domain = connection.getDomainCapabilities(None, ARCH, "q35", kind, 0)
    models = ElementTree.fromstring(domain).findall("cpu/mode[@name='custom']/model")
    arch = ElementTree.fromstring(capabilities).find(f"guest/arch[@name='{ARCH}']")
    machines: list[str] = []
    for machine in arch.iter("machine") if arch is not None else ():
        for name in (machine.text, machine.get("canonical")):
            if name and name not in machines:
                machines.append(name)
    return Hypervisor(
        kvm=kvm,
        machines=tuple(machines),
        cpus=frozenset(m.text or "" for m in models),
        usable=frozenset(m.text or "" for m in models if m.get("usable") == "yes"),
        filters=_filters(connection),
        version=numbers(connection.getLibVersion()),
        qemu=numbers(connection.getVersion()),
        capabilities=capabilities,
        domain_capabilities=domain,
    )


def _filters(connection: Any) -> frozenset[str]:
    """Network filters that work here."""
    if shutil.which("ebtables", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
        return frozenset()
    try:
        names = set(connection.listNWFilters())
        if _SPOOFING not in names and {"no-mac-spoofing", "no-arp-mac-spoofing"} <= names:
            connection.nwfilterDefineXML(_SPOOFING_XML)
            names.add(_SPOOFING)
    except libvirt.libvirtError as err:
        log.warning("network filters cannot be used", error=reason(err))
        return frozenset()
    return frozenset(names)


class Facts:
    """Asks, and remembers."""

    def __init__(self, settings: AgentSettings, link: Link, host_uuid: str) -> None:
        self._settings, self._link, self._uuid = settings, link, host_uuid
        self._known: tuple[float, Hypervisor] | None = None
        self._asking = asyncio.Lock()

    def forget(self) -> None:
        """libvirt was started anew."""
        self._known = None

    async def hypervisor(self) -> Hypervisor:
        """libvirt's part, at most five minutes old."""
        async with self._asking:
            if self._known is None or time.monotonic() - self._known[0] > _KEPT:
                self._known = (time.monotonic(), await self._link.call(_ask, self._settings))
            return self._known[1]

    async def __call__(self) -> HostFacts:
        """All of it."""
        hypervisor = await self.hypervisor()
        links = await in_thread(kernel.snapshot)
        system = os_release()
        bridges = {n: (b.ipv4.ip if b.ipv4 else "") for n, b in kernel.bridges_of(links).items()}
        return HostFacts(
            kvm=hypervisor.kvm,
            run=str(self._settings.run),
            address=self._settings.address or self._settings.listen,
            repository=str(self._settings.rhev),
            bridges=bridges,
            machines=frozenset(hypervisor.machines),
            cpus=hypervisor.cpus,
            usable=hypervisor.usable,
            filters=hypervisor.filters,
            files=frozenset(glob("/usr/share/OVMF/*.fd")),
            os_name=system.get("NAME", "Linux"),
            os_version=system.get("VERSION_ID", ""),
            serial=self._uuid,
            vhost=os.path.exists("/dev/vhost-net"),
            hwrng=os.path.exists("/dev/hwrng"),
            spice_tls=_spice_tls(),
        )


def os_release() -> dict[str, str]:
    """/etc/os-release."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _spice_tls() -> bool:
    try:
        lines = Path("/etc/libvirt/qemu.conf").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any(line.replace(" ", "") == "spice_tls=1" for line in lines)
