"""Domain XML from a specification: a pure function, in the engine's order and forms.

Does: write elements, device names, boot order and metadata. Does not: know paths or hosts; the agent completes
placeholders (OS-NAME:, HOST-SERIAL:, PAYLOAD:) and disk sources.
Follows: domain XML of engine 4.7 and 4.8, Q35 and i440FX.
"""

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from ovis.contract.domain import hostdevs, tuning
from ovis.contract.domain.specs import Disk, Domain, Nic

TUNE = "http://ovirt.org/vm/tune/1.0"
VM = "http://ovirt.org/vm/1.0"
register_namespace("ovirt-tune", TUNE)
register_namespace("ovirt-vm", VM)
_KIB, _MIB = 1 << 10, 1 << 20
_FREE_PORTS = 16
_MAX_VCPUS = 710
_REPOSITORY = "/rhev/data-center"


def _sub(parent: Element, tag: str, text: str | None = None, **attrs: str) -> Element:
    found = SubElement(parent, tag, {k.rstrip("_").replace("__", "-"): v for k, v in attrs.items()})
    found.text = text
    return found


def _alias(device: Element, id_: str | None) -> None:
    if id_:
        _sub(device, "alias", name=f"ua-{id_}")


def _max_vcpus(spec: Domain) -> int:
    """Vcpus up to which CPUs can be plugged: whole sockets."""
    per_socket = spec.cores * spec.threads
    current = per_socket * spec.sockets
    if spec.pin_policy in tuning.EXCLUSIVE:
        return current
    sockets = max(2 * current // per_socket, min(16, 127 // per_socket))
    wanted = min(max(sockets, spec.sockets) * per_socket, _MAX_VCPUS // per_socket * per_socket)
    if not spec.q35:
        wanted = min(wanted, 240 // per_socket * per_socket)
    return max(wanted, current)


def target_names(disks: Sequence[Disk], q35: bool) -> dict[str, tuple[str, str, int]]:
    """disk id -> (target, bus, unit). Boot disks first; letters of CD-ROM and payload are left out."""
    reserved = {"sd": {"b", "c"}, "hd": {"c", "d"}, "vd": set[str]()}
    used = {"sd": 0, "vd": 0, "hd": 0}
    units = 0
    out: dict[str, tuple[str, str, int]] = {}
    for disk in sorted(disks, key=lambda d: (not d.bootable, d.id)):
        prefix, bus = {
            "virtio": ("vd", "virtio"),
            "virtio_scsi": ("sd", "scsi"),
            "sata": ("sd", "sata"),
            "ide": ("sd", "sata") if q35 else ("hd", "ide"),
        }[disk.interface]
        while _letters(used[prefix]) in reserved[prefix]:
            used[prefix] += 1
        name = prefix + _letters(used[prefix])
        used[prefix] += 1
        unit = units if bus == "scsi" else -1
        units += bus == "scsi"
        out[disk.id] = (name, bus, unit)
    return out


def _letters(number: int) -> str:
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(97 + rest) + text
    return text


def boot_orders(spec: Domain) -> dict[str, int]:
    """device id -> place in the boot order; `cdrom` is the CD-ROM's key."""
    places: dict[str, int] = {}
    for device in spec.boot:
        if device == "hd":
            found: Iterable[str] = [d.id for d in sorted(spec.disks, key=lambda d: (not d.bootable, d.id))]
        elif device == "cdrom":
            found = ["cdrom"]
        else:
            found = [n.id for n in sorted(spec.nics, key=lambda n: n.mac)]
        for id_ in found:
            places.setdefault(id_, len(places) + 1)
    return places


def build_domain(spec: Domain) -> str:
    """The document."""
    domain = Element("domain", {"type": "kvm"})
    _sub(domain, "name", spec.name)
    _sub(domain, "uuid", spec.id)
    memory = str(spec.memory // _KIB)
    _sub(domain, "memory", memory)
    _sub(domain, "currentMemory", memory)
    if spec.iothreads:
        _sub(domain, "iothreads", str(spec.iothreads))
    hotplug = spec.max_memory > spec.memory
    if hotplug:
        _sub(domain, "maxMemory", str(spec.max_memory // _KIB), slots="16")
    current, maximum = spec.sockets * spec.cores * spec.threads, _max_vcpus(spec)
    _sub(domain, "vcpu", str(maximum), current=str(current))
    _sysinfo(domain, spec)
    clock = _sub(domain, "clock", offset="variable", adjustment="0")
    _sub(clock, "timer", name="rtc", tickpolicy="catchup")
    _sub(clock, "timer", name="pit", tickpolicy="delay")
    _sub(clock, "timer", name="hpet", present="no")
    features = _sub(domain, "features")
    _sub(features, "acpi")
    _sub(features, "vmcoreinfo")
    if spec.firmware == "uefi-secure":
        _sub(features, "smm", state="on")
    tuning.add_numatune(domain, spec)
    _cpu(domain, spec, current, maximum)
    tuning.add_cputune(domain, spec, maximum)
    places = boot_orders(spec)
    names = target_names(spec.disks, spec.q35)
    _devices(domain, spec, places, names)
    power = _sub(domain, "pm")
    _sub(power, "suspend-to-disk", enabled="no")
    _sub(power, "suspend-to-mem", enabled="no")
    _os(domain, spec)
    if spec.hugepages:
        pages = _sub(_sub(domain, "memoryBacking"), "hugepages")
        _sub(pages, "page", size=str(spec.hugepages))
    _metadata(domain, spec, names)
    return tostring(domain, encoding="unicode")


def _sysinfo(domain: Element, spec: Domain) -> None:
    system = _sub(_sub(domain, "sysinfo", type="smbios"), "system")
    for name, value in (
        ("manufacturer", "oVirt"),
        ("product", "OS-NAME:"),
        ("version", "OS-VERSION:"),
        ("family", "oVirt"),
        ("serial", spec.serial_number or "HOST-SERIAL:"),
        ("uuid", spec.id),
    ):
        _sub(system, "entry", value, name=name)


def _cpu(domain: Element, spec: Domain, current: int, maximum: int) -> None:
    model, *flags = [w for w in spec.cpu.split(",") if w] or [""]
    if model in ("", "hostModel"):
        cpu = _sub(domain, "cpu", mode="host-model")
    elif model == "hostPassthrough":
        cpu = _sub(domain, "cpu", match="exact", mode="host-passthrough")
    else:
        cpu = _sub(domain, "cpu", match="exact")
        _sub(cpu, "model", model)
    for flag in {f.lstrip("+-"): f for f in (*flags, *spec.cpu_flags)}.values():  # what is said last counts
        policy = {"+": "require", "-": "disable"}.get(flag[0])
        attrs = {"policy": policy} if policy else {}
        _sub(cpu, "feature", name=flag.lstrip("+-"), **attrs)
    per_socket = spec.cores * spec.threads
    _sub(cpu, "topology", cores=str(spec.cores), threads=str(spec.threads), sockets=str(maximum // per_socket))
    tuning.add_cells(_sub(cpu, "numa"), spec, current, maximum)


def _devices(domain: Element, spec: Domain, places: dict[str, int], names: dict[str, tuple[str, str, int]]) -> None:
    devices = _sub(domain, "devices")
    ids = spec.controllers
    if spec.usb and "vnc" in spec.graphics:
        _sub(devices, "input", type="tablet", bus="usb")
    else:
        _sub(devices, "input", type="mouse", bus="ps2")
    channel = _sub(devices, "channel", type="unix")
    _sub(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
    _sub(channel, "source", mode="bind", path=f"/var/lib/libvirt/qemu/channels/{spec.id}.org.qemu.guest_agent.0")
    if spec.balloon:
        balloon = _sub(devices, "memballoon", model="virtio")
        _sub(balloon, "stats", period="5")
        _alias(balloon, ids.get("balloon"))
    else:
        _sub(devices, "memballoon", model="none")
    if spec.smartcard and "spice" in spec.graphics:
        _sub(devices, "smartcard", mode="passthrough", type="spicevmc")
    if spec.watchdog is not None:
        watchdog = _sub(devices, "watchdog", model=spec.watchdog.model, action=spec.watchdog.action)
        _alias(watchdog, spec.watchdog.id)
    _video(devices, spec)
    usb = _sub(
        devices,
        "controller",
        type="usb",
        **({"model": "qemu-xhci", "index": "0", "ports": "8"} if spec.usb else {"model": "none"}),
    )
    _alias(usb, ids.get("usb"))
    _alias(_sub(devices, "controller", type="virtio-serial", index="0", ports="16"), ids.get("virtio-serial"))
    if _has_scsi(spec):
        _alias(_sub(devices, "controller", type="scsi", model="virtio-scsi", index="0"), ids.get("virtio-scsi"))
    for graphics in spec.graphics:
        _graphics(devices, spec, graphics)
    if spec.rng:
        rng = _sub(devices, "rng", model="virtio")
        _sub(rng, "backend", f"/dev/{spec.rng}", model="random")
        _alias(rng, ids.get("rng"))
    if spec.sound:
        _alias(_sub(devices, "sound", model="ich9" if spec.q35 else "ich6"), ids.get("sound"))
    if spec.tpm:
        tpm = _sub(devices, "tpm", model="tpm-crb")
        _alias(tpm, ids.get("tpm"))
        _sub(tpm, "backend", type="emulator", version="2.0")
    if spec.console:
        path = f"/var/run/ovirt-vmconsole-console/{spec.id}.sock"
        console = _sub(devices, "console", type="unix")
        _sub(console, "source", path=path, mode="bind")
        _sub(console, "target", type="serial", port="0")
        _alias(console, ids.get("console"))
        serial = _sub(devices, "serial", type="unix")
        _sub(serial, "source", path=path, mode="bind")
        _sub(serial, "target", port="0")
    for device in spec.host_devices:
        hostdevs.add_host_device(devices, device)
    for number, mediated in enumerate(spec.mediated_devices):
        hostdevs.add_mediated_device(devices, mediated, first=number == 0)
    if "spice" in spec.graphics:
        agent = _sub(devices, "channel", type="spicevmc")
        _sub(agent, "target", type="virtio", name="com.redhat.spice.0")
    if spec.q35:
        _sub(devices, "controller", type="pci", model="pcie-root")
        for _ in range(_FREE_PORTS):
            _sub(devices, "controller", type="pci", model="pcie-root-port")
    for nic in sorted(spec.nics, key=lambda n: n.mac):
        add_nic(devices, nic, places.get(nic.id))
    _cdroms(devices, spec, places)
    for disk in sorted(spec.disks, key=lambda d: (not d.bootable, d.id)):
        add_disk(devices, disk, names[disk.id], places.get(disk.id))


def _has_scsi(spec: Domain) -> bool:
    return spec.virtio_scsi or any(d.interface == "virtio_scsi" for d in spec.disks)


_SPICE_CHANNELS = ("main", "inputs", "cursor", "playback", "record", "display", "smartcard", "usbredir")


def _video(devices: Element, spec: Domain) -> None:
    video = _sub(devices, "video")
    if not spec.graphics:
        _sub(video, "model", type="none")
        return
    if "spice" in spec.graphics:
        _sub(video, "model", type="qxl", vram="8192", heads="1", ram="65536", vgamem="16384")
    else:
        _sub(video, "model", type="vga", vram="16384", heads="1")
    _alias(video, spec.controllers.get("video"))


def _graphics(devices: Element, spec: Domain, kind: str) -> None:
    """One console; its password expired long ago, until a ticket is given."""
    attrs = {"port": "-1", "autoport": "yes", "passwd": "*****", "passwdValidTo": "1970-01-01T00:00:01"}
    if kind == "spice":
        attrs["tlsPort"] = "-1"
    elif spec.keyboard:
        attrs["keymap"] = spec.keyboard
    found = _sub(devices, "graphics", type=kind, **attrs)
    if kind == "spice":
        if not spec.file_transfer:
            _sub(found, "filetransfer", enable="no")
        if not spec.copy_paste:
            _sub(found, "clipboard", copypaste="no")
        for channel in _SPICE_CHANNELS:
            _sub(found, "channel", name=channel, mode="secure")
    _sub(found, "listen", type="address", address="0")


def add_nic(devices: Element, nic: Nic, place: int | None = None) -> Element:
    """An `<interface>`."""
    found = _sub(devices, "interface", type="bridge")
    _sub(found, "model", type=nic.model)
    _sub(found, "link", state="up" if nic.linked else "down")
    _sub(found, "source", bridge=nic.bridge or ";vdsmdummy;")
    if nic.isolated:
        _sub(found, "port", isolated="yes")
    driver = nic.driver or ("vhost" if nic.queues else "")
    if driver:
        _sub(found, "driver", **({"queues": str(nic.queues)} if nic.queues else {}), name=driver)
    _alias(found, nic.id)
    if place:
        _sub(found, "boot", order=str(place))
    _sub(found, "mac", address=nic.mac)
    _sub(found, "mtu", size=str(nic.mtu))
    if nic.filter:
        _sub(found, "filterref", filter=nic.filter)
    if nic.send_buffer is not None:
        _sub(_sub(found, "tune"), "sndbuf", str(nic.send_buffer))
    return found


def _cdroms(devices: Element, spec: Domain, places: dict[str, int]) -> None:
    bus = "sata" if spec.q35 else "ide"
    if spec.payload:
        scsi = spec.payload_scsi and spec.q35 and _has_scsi(spec)
        payload = _cdrom(devices, "PAYLOAD:", "sdb" if spec.q35 else "hdd", "scsi" if scsi else bus)
        if scsi:  # out of the way of disks, which are plugged at target 0
            _sub(payload, "address", type="drive", controller="0", bus="0", target="1", unit="0")
        _alias(payload, spec.controllers.get("payload"))
    found = _cdrom(devices, spec.cdrom, "sdc" if spec.q35 else "hdc", bus)
    _alias(found, spec.controllers.get("cdrom"))
    if places.get("cdrom"):
        _sub(found, "boot", order=str(places["cdrom"]))


def _cdrom(devices: Element, file: str, target: str, bus: str) -> Element:
    found = _sub(devices, "disk", type="file", device="cdrom", snapshot="no")
    _sub(found, "driver", name="qemu", type="raw", error_policy="report")
    if file:
        source = _sub(found, "source", file=file, startupPolicy="optional")
        _sub(source, "seclabel", model="dac", relabel="no")
    _sub(found, "target", dev=target, bus=bus)
    _sub(found, "readonly")
    return found


def add_disk(devices: Element, disk: Disk, name: tuple[str, str, int], place: int | None = None) -> Element:
    """A `<disk>` on file storage."""
    target, bus, unit = name
    found = _sub(devices, "disk", snapshot="no", type="file", device="disk")
    _sub(found, "target", dev=target, bus=bus)
    path = f"{_REPOSITORY}/{disk.pool_id}/{disk.domain_id}/images/{disk.image_id}/{disk.volume_id}"
    source = _sub(found, "source", file=path)
    _sub(source, "seclabel", model="dac", relabel="no")
    driver = {"name": "qemu", "io": "threads", "type": disk.format, "cache": disk.cache}
    driver["error_policy"] = "enospace" if disk.propagate_errors else "stop"
    if disk.discard:
        driver["discard"] = "unmap"
    _sub(found, "driver", **driver)
    _alias(found, disk.id)
    if bus == "scsi":
        _sub(found, "address", type="drive", controller="0", bus="0", target="0", unit=str(unit))
    if place:
        _sub(found, "boot", order=str(place))
    _sub(found, "serial", disk.id)
    if disk.read_only:
        _sub(found, "readonly")
    if disk.shareable:
        _sub(found, "shareable")
    return found


def _os(domain: Element, spec: Domain) -> None:
    os = _sub(domain, "os")
    _sub(os, "type", "hvm", arch="x86_64", machine=spec.machine)
    for tag, value in (("initrd", spec.initrd), ("kernel", spec.kernel), ("cmdline", spec.cmdline)):
        if value:
            _sub(os, tag, value)
    _sub(os, "smbios", mode="sysinfo")
    if spec.firmware != "bios":
        secure = spec.firmware == "uefi-secure"
        loader = "/usr/share/OVMF/OVMF_CODE.secboot.fd"
        variables = "/usr/share/OVMF/OVMF_VARS.secboot.fd" if secure else "/usr/share/OVMF/OVMF_VARS.fd"
        variables = spec.nvram_template or variables
        _sub(os, "loader", loader, readonly="yes", secure="yes" if secure else "no", type="pflash")
        _sub(os, "nvram", f"/var/lib/libvirt/qemu/nvram/{spec.id}.fd", template=variables)
    if spec.boot_menu:
        _sub(os, "bootmenu", enable="yes", timeout="30000")
    if spec.console:
        _sub(os, "bios", useserial="yes")


def _metadata(domain: Element, spec: Domain, names: dict[str, tuple[str, str, int]]) -> None:
    metadata = _sub(domain, "metadata")
    SubElement(metadata, f"{{{TUNE}}}qos")
    vm = SubElement(metadata, f"{{{VM}}}vm")
    minimum = _meta(vm, "minGuaranteedMemoryMb", str(spec.guaranteed // _MIB))
    minimum.set("type", "int")
    _meta(vm, "clusterVersion", spec.level)
    for mediated in spec.mediated_devices:
        hostdevs.mediated_metadata(vm, mediated)
    custom = _meta(vm, "custom")
    for name, value in spec.custom.items():
        _meta(custom, name, value)
    for nic in sorted(spec.nics, key=lambda n: n.mac):
        nic_metadata(vm, nic)
    for disk in spec.disks:
        disk_metadata(vm, disk, names[disk.id][0])
    _meta(vm, "launchPaused", "true" if spec.paused else "false")
    if spec.payload:
        device = _meta(vm, "device")
        device.set("devtype", "disk")
        device.set("name", "sdb" if spec.q35 else "hdd")
        payload = _meta(device, "payload")
        if spec.payload_volume:
            _meta(payload, "volId", spec.payload_volume)
        for path, content in spec.payload.items():
            _meta(payload, "file", content).set("path", path)
    _meta(vm, "resumeBehavior", spec.resume)
    _meta(vm, "ballooningEnabled", "true" if spec.balloon else "false")
    _meta(vm, "cpuPolicy", tuning.policy_word(spec))


def _meta(parent: Element, tag: str, text: str | None = None) -> Element:
    found = SubElement(parent, f"{{{VM}}}{tag}")
    found.text = text
    return found


def nic_metadata(vm: Element, nic: Nic) -> None:
    """A NIC's section: mirroring and custom properties."""
    device = _meta(vm, "device")
    device.set("alias", f"ua-{nic.id}")
    device.set("mac_address", nic.mac)
    if nic.mirrored:
        mirroring = _meta(device, "portMirroring")
        for network in nic.mirrored:
            _meta(mirroring, "network", network)
    custom = _meta(device, "custom")
    for name, value in nic.custom.items():
        _meta(custom, name, value)


def disk_metadata(vm: Element, disk: Disk, target: str) -> None:
    """A disk's section: where its data is."""
    device = _meta(vm, "device")
    device.set("devtype", "disk")
    device.set("name", target)
    for tag, value in (
        ("poolID", disk.pool_id),
        ("domainID", disk.domain_id),
        ("imageID", disk.image_id),
        ("volumeID", disk.volume_id),
    ):
        _meta(device, tag, value)
    if disk.shareable:
        _meta(device, "shared", "shared")


def build_hotplug(*, disk: Disk | None = None, nic: Nic | None = None, after: Sequence[Disk] = ()) -> str:
    """A `<hotplug>` document for one device. after: disks that are already there, whose names are taken."""
    root = Element("hotplug")
    devices = _sub(root, "devices")
    metadata = _sub(root, "metadata")
    vm = SubElement(metadata, f"{{{VM}}}vm")
    if disk is not None:
        name = target_names([*after, disk], True)[disk.id]
        add_disk(devices, disk, name)
        disk_metadata(vm, disk, name[0])
    if nic is not None:
        add_nic(devices, nic)
        nic_metadata(vm, nic)
    return tostring(root, encoding="unicode")
