"""The engine's domain XML made whole for this host: a pure function.

Does: placeholders, disk sources, payload, paths of sockets and firmware, graphics addresses, CPU under emulation, and
what this libvirt or kernel would refuse. Does not: ask anybody; `HostFacts` and prepared volumes are given.
Follows: domain XML facts, sections 5 and 7; hooks and agent facts, section 6.
"""

import base64
import binascii
from collections.abc import Mapping
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, register_namespace, tostring

from msgspec import Struct

from ovis.contract.errors import Code, VerbError

VM = "http://ovirt.org/vm/1.0"
TUNE = "http://ovirt.org/vm/tune/1.0"
QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"
for _prefix, _uri in (("ovirt-vm", VM), ("ovirt-tune", TUNE), ("qemu", QEMU)):
    register_namespace(_prefix, _uri)
DUMMY_BRIDGE = ";vdsmdummy;"
_SOCKET_PATH = 107  # bytes of a Unix socket's path
_EMULATED = ("Westmere", "Nehalem", "Penryn", "Conroe", "qemu64")  # best first
_REPOSITORY = "/rhev/data-center/"
# Names that engines send, and what other distributions call the like; the first that is there is taken. Code and
# variables of one build belong together: where the first of one list is missing, so is that of the other.
_O = "/usr/share/OVMF/OVMF_"
_FIRMWARE: Mapping[str, tuple[str, ...]] = {
    "CODE.secboot.fd": ("CODE.secboot.fd", "CODE_4M.secboot.fd", "CODE_4M.ms.fd"),
    "CODE.fd": ("CODE.fd", "CODE_4M.fd", "CODE.secboot.fd"),
    "VARS.secboot.fd": ("VARS.secboot.fd", "VARS.ms.fd", "VARS_4M.ms.fd"),
    "VARS.fd": ("VARS.fd", "VARS_4M.fd"),
}


class HostFacts(Struct, kw_only=True, frozen=True):
    """What completion depends on. run: folder of sockets and payloads. files: firmware files that exist.

    bridges: name -> address ("" without one). machines, cpus: what this libvirt knows; usable: CPUs that emulation gives.
    """

    kvm: bool
    run: str
    address: str = "127.0.0.1"
    repository: str = ""
    bridges: Mapping[str, str] = {}
    machines: frozenset[str] = frozenset()
    cpus: frozenset[str] = frozenset()
    usable: frozenset[str] = frozenset()
    filters: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    os_name: str = "Linux"
    os_version: str = ""
    serial: str = ""
    vhost: bool = False
    hwrng: bool = False
    spice_tls: bool = False


class VolumeRef(Struct, frozen=True):
    """A volume that a disk of the document names. target: vda."""

    target: str
    pool: str
    domain: str
    image: str
    volume: str

    @property
    def ids(self) -> tuple[str, str, str, str]:
        """(pool, domain, image, volume)."""
        return self.pool, self.domain, self.image, self.volume


class Prepared(Struct, frozen=True):
    """A volume as QEMU opens it. direct: the file system takes O_DIRECT. type: file or block."""

    path: str
    format: str
    direct: bool = True
    type: str = "file"


class Payload(Struct, frozen=True):
    """Files for a CD-ROM (or floppy). label: of the file system."""

    target: str
    label: str
    files: Mapping[str, bytes]


class Completed(Struct, frozen=True):
    """The document, and notes of what was changed against its word. sockets: paths whose folders must exist."""

    xml: str
    notes: tuple[str, ...]
    sockets: tuple[str, ...]


def read(xml: str) -> Element:
    """The document's root. CREATE_FAILED if it is none."""
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise VerbError(Code.CREATE_FAILED, "The domain XML may not declare a document type.")
    try:
        return fromstring(xml)
    except ParseError as err:
        raise VerbError(Code.CREATE_FAILED, f"The domain XML cannot be read: {err}") from err


def _vm_metadata(root: Element) -> Element | None:
    return root.find(f"metadata/{{{VM}}}vm")


def metadata_text(root: Element, name: str, default: str = "") -> str:
    """A value of the VM's metadata."""
    vm = _vm_metadata(root)
    return (vm.findtext(f"{{{VM}}}{name}") or default) if vm is not None else default


def is_ours(root: Element) -> bool:
    """Whether an engine made this domain."""
    return _vm_metadata(root) is not None


def volumes_of(root: Element) -> list[VolumeRef]:
    """Volumes that the metadata names, by target."""
    found = []
    vm = _vm_metadata(root)
    for device in vm.findall(f"{{{VM}}}device") if vm is not None else ():
        if device.get("devtype") != "disk":
            continue
        ids = [device.findtext(f"{{{VM}}}{n}") or "" for n in ("poolID", "domainID", "imageID", "volumeID")]
        if all(ids[1:]):
            found.append(VolumeRef(device.get("name") or "", *ids))
    return found


def payloads_of(root: Element) -> list[Payload]:
    """Payloads in the metadata."""
    found = []
    vm = _vm_metadata(root)
    for device in vm.findall(f"{{{VM}}}device") if vm is not None else ():
        payload = device.find(f"{{{VM}}}payload")
        if payload is None:
            continue
        try:
            files = {
                f.get("path") or "": base64.b64decode(f.text or "", validate=True)
                for f in payload.findall(f"{{{VM}}}file")
            }
        except binascii.Error as err:
            raise VerbError(Code.CREATE_FAILED, f"The payload is not base64: {err}") from err
        found.append(Payload(device.get("name") or "", payload.findtext(f"{{{VM}}}volId") or "", files))
    return found


def complete(
    xml: str,
    facts: HostFacts,
    volumes: Mapping[str, Prepared] = {},
    payloads: Mapping[str, str] = {},
    *,
    moved: bool = False,
) -> Completed:
    """The document that libvirt gets. volumes: prepared, by target. payloads: image files, by target.
    moved: it is another host's, or of another time: consoles listen where this host does.

    VerbError CREATE_FAILED, with a text for people, if something that the VM needs is not on this host.
    """
    root = read(xml)
    notes: list[str] = []
    sockets: list[str] = []
    devices = root.find("devices")
    if devices is None:
        devices = SubElement(root, "devices")
    vm_id = root.findtext("uuid") or ""
    _accelerator(root, facts)
    _sysinfo(root, facts)
    _cpu(root, facts, notes)
    _os(root, facts, notes)
    for disk in devices.findall("disk"):
        _disk(disk, facts, volumes, payloads)
    for nic in devices.findall("interface"):
        complete_nic(nic, facts, notes)
    for graphics in devices.findall("graphics"):
        _graphics(graphics, facts, notes, moved=moved)
    _channels(devices, vm_id, facts, sockets)
    _refused(devices, facts, notes)
    return Completed(tostring(root, encoding="unicode"), tuple(notes), tuple(sockets))


def _accelerator(root: Element, facts: HostFacts) -> None:
    root.set("type", "kvm" if facts.kvm else "qemu")
    if facts.kvm:
        return
    features = root.find("features")
    hyperv = features.find("hyperv") if features is not None else None
    if features is not None and hyperv is not None:
        features.remove(hyperv)  # enlightenments are KVM's
    clock = root.find("clock")
    for timer in clock.findall("timer") if clock is not None else ():
        if clock is not None and timer.get("name") in ("hypervclock", "kvmclock", "tsc"):
            clock.remove(timer)


def _sysinfo(root: Element, facts: HostFacts) -> None:
    placeholders = {"OS-NAME:": facts.os_name, "OS-VERSION:": facts.os_version, "HOST-SERIAL:": facts.serial}
    for entry in root.findall("sysinfo/system/entry"):
        if entry.text in placeholders:
            entry.text = placeholders[entry.text]


def _cpu(root: Element, facts: HostFacts, notes: list[str]) -> None:
    cpu = root.find("cpu")
    if cpu is None or facts.kvm:
        return
    model = cpu.find("model")
    name = (model.text or "").strip() if model is not None else ""
    if cpu.get("mode") == "host-passthrough":
        why = "host-passthrough needs KVM"
    elif name and facts.cpus and name not in facts.cpus:
        why = f"CPU model {name} is not known here"
    else:
        return  # libvirt itself leaves out features that emulation lacks
    chosen = next((m for m in _EMULATED if m in facts.usable), "qemu64")
    notes.append(f"{why}: emulating {chosen}")
    cpu.attrib.pop("mode", None)
    cpu.set("match", "exact")
    for feature in cpu.findall("feature"):
        cpu.remove(feature)
    if model is None:
        model = Element("model")
        cpu.insert(0, model)
    model.attrib.clear()
    model.text = chosen


def _os(root: Element, facts: HostFacts, notes: list[str]) -> None:
    os = root.find("os")
    if os is None:
        return
    kind = os.find("type")
    machine = (kind.get("machine") or "") if kind is not None else ""
    if kind is not None and facts.machines and machine not in facts.machines:
        family = "q35" if "q35" in machine else "pc"
        notes.append(f"machine {machine} is not known here: {family}")
        kind.set("machine", family)
    for tag in ("kernel", "initrd"):
        element = os.find(tag)
        if element is not None and element.text:
            element.text = _in_repository(element.text, facts)
    loader, nvram = os.find("loader"), os.find("nvram")
    if loader is not None and loader.text:
        wanted = loader.text
        if wanted.endswith("/OVMF_CODE.secboot.fd") and loader.get("secure") != "yes":
            wanted = _O + "CODE.fd"  # the secure build wants SMM
        loader.text = _firmware(wanted, facts)
    template = (nvram.get("template") or "") if nvram is not None else ""
    if nvram is not None and template.startswith(_O):  # another is an administrator's own file
        nvram.set("template", _firmware(template, facts))


def _firmware(path: str, facts: HostFacts) -> str:
    candidates = [_O + name for name in _FIRMWARE.get(path.removeprefix(_O), ())] or [path]
    for candidate in candidates:
        if candidate in facts.files:
            return candidate
    raise VerbError(Code.CREATE_FAILED, f"UEFI firmware {path} is not installed on this host (package ovmf).")


def _in_repository(path: str, facts: HostFacts) -> str:
    if facts.repository and path.startswith(_REPOSITORY):
        return facts.repository.rstrip("/") + "/" + path.removeprefix(_REPOSITORY)
    return path


def _disk(disk: Element, facts: HostFacts, volumes: Mapping[str, Prepared], payloads: Mapping[str, str]) -> None:
    target = disk.find("target")
    name = (target.get("dev") or "") if target is not None else ""
    source = disk.find("source")
    if name in volumes:
        set_volume(disk, volumes[name])
        return
    if name in payloads:
        if source is None:
            source = SubElement(disk, "source")
        disk.set("type", "file")
        source.attrib.clear()
        for label in list(source):  # QEMU must be able to read what only we may
            source.remove(label)
        source.set("file", payloads[name])
        source.set("startupPolicy", "optional")
        return
    if source is None:
        return
    file = source.get("file")
    if file in ("", "PAYLOAD:"):
        disk.remove(source)
    elif file is not None:
        source.set("file", _in_repository(file, facts))


def set_volume(disk: Element, volume: Prepared) -> None:
    """Let a `<disk>` read a prepared volume."""
    source, driver = disk.find("source"), disk.find("driver")
    if source is None:
        source = SubElement(disk, "source")
    if driver is None:
        driver = SubElement(disk, "driver", {"name": "qemu"})
    disk.set("type", volume.type)
    startup = source.get("startupPolicy")
    source.attrib.clear()
    source.set("dev" if volume.type == "block" else "file", volume.path)
    if startup:
        source.set("startupPolicy", startup)
    driver.set("type", volume.format)
    if not volume.direct and driver.get("cache") == "none":
        driver.set("cache", "writethrough")
        if driver.get("io") == "native":
            driver.set("io", "threads")


def complete_nic(nic: Element, facts: HostFacts, notes: list[str]) -> None:
    """An `<interface>`: its bridge must be here, its filter too."""
    source = nic.find("source")
    bridge = (source.get("bridge") or "") if source is not None else ""
    if nic.get("type") == "bridge" and bridge != DUMMY_BRIDGE and bridge not in facts.bridges:
        raise VerbError(Code.CREATE_FAILED, f"Network {bridge or '(none)'} is not on this host: it has no such bridge.")
    chosen = nic.find("filterref")
    if chosen is not None and chosen.get("filter") not in facts.filters:
        notes.append(f"network filter {chosen.get('filter')} is not known here: left out")
        nic.remove(chosen)
    bandwidth = nic.find("bandwidth")
    if bandwidth is not None and len(bandwidth) == 0:
        nic.remove(bandwidth)
    driver = nic.find("driver")
    if driver is not None and driver.get("name") == "vhost" and not facts.vhost:
        driver.set("name", "qemu")


def _graphics(graphics: Element, facts: HostFacts, notes: list[str], *, moved: bool) -> None:
    listen = graphics.find("listen")
    address = facts.address
    if listen is not None and listen.get("type") == "network":
        bridge = (listen.get("network") or "").removeprefix("vdsm-")
        address = facts.bridges.get(bridge) or facts.address
    elif listen is not None and listen.get("type") == "address" and not moved:
        asked = listen.get("address") or "0"
        address = facts.address if asked == "0" else asked
    elif listen is not None and listen.get("type") == "socket":
        return
    for old in graphics.findall("listen"):
        graphics.remove(old)
    graphics.attrib.pop("listen", None)
    SubElement(graphics, "listen", {"type": "address", "address": address})
    if graphics.get("type") == "spice" and not facts.spice_tls:
        secure = [c for c in graphics.findall("channel") if c.get("mode") == "secure"]
        if secure:
            notes.append("SPICE has no TLS on this host: its channels are not encrypted")
        for channel in secure:
            graphics.remove(channel)
        graphics.attrib.pop("tlsPort", None)


def _channels(devices: Element, vm_id: str, facts: HostFacts, sockets: list[str]) -> None:
    """Sockets of the agent's channels are libvirt's own; those of consoles lie in our folder."""
    for channel in devices.findall("channel"):
        source = channel.find("source")
        if channel.get("type") == "unix" and source is not None:
            channel.remove(source)
    path = console_path(facts.run, vm_id)
    for element in (*devices.findall("console"), *devices.findall("serial")):
        source = element.find("source")
        given = (source.get("path") or "") if source is not None else ""
        if source is None or element.get("type") != "unix" or not given.endswith(f"/{vm_id}.sock"):
            continue
        if len(path.encode()) > _SOCKET_PATH:
            raise VerbError(Code.CREATE_FAILED, f"The run folder's path is too long for a socket: {path}")
        source.set("path", path)
        if path not in sockets:
            sockets.append(path)


def console_path(run: str, vm_id: str) -> str:
    """The socket of a VM's serial console."""
    return f"{run}/consoles/{vm_id}.sock"


def _refused(devices: Element, facts: HostFacts, notes: list[str]) -> None:
    for lease in devices.findall("lease"):
        notes.append("this host has no lock manager: the lease is left out")
        devices.remove(lease)
    for backend in devices.findall("rng/backend"):
        if backend.text == "/dev/hwrng" and not facts.hwrng:
            notes.append("/dev/hwrng is not there: /dev/urandom")
            backend.text = "/dev/urandom"
    for card in devices.findall("smartcard"):
        for alias in card.findall("alias"):
            card.remove(alias)
    for disk in devices.findall("disk"):
        if disk.get("sgio") == "unfiltered":
            disk.attrib.pop("sgio")
    for seclabel in devices.findall("disk/source/seclabel"):
        seclabel.attrib.pop("type", None)
