"""Devices of the host that a guest has for itself, and its mediated devices, as elements. Pure.

Follows: domain XML of engine 4.7: `hostdev` of kinds pci, usb and mdev; placement and type of mdevs in the metadata.
"""

from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct

VM = "http://ovirt.org/vm/1.0"


class HostDevice(Struct, kw_only=True, frozen=True):
    """A device of the host. kind: pci or usb. address: domain, bus, slot, function (pci) or bus, device (usb); decimal or
    0x numbers as libvirt tells them."""

    id: str
    kind: str
    address: dict[str, str]


class MediatedDevice(Struct, kw_only=True, frozen=True):
    """A part of a device. type: as the host's driver names it. placement: compact or separate."""

    id: str
    type: str
    display: bool = True
    placement: str = "compact"
    parameters: str = ""


def _hex(text: str, digits: int) -> str:
    return f"0x{int(text or '0', 0):0{digits}x}"


def add_host_device(devices: Element, device: HostDevice) -> None:
    """Append it."""
    found = SubElement(devices, "hostdev", {"managed": "no", "mode": "subsystem", "type": device.kind})
    source = SubElement(found, "source")
    address = device.address
    if device.kind == "pci":
        digits = {"domain": 4, "bus": 2, "slot": 2, "function": 1}
        SubElement(source, "address", {name: _hex(address.get(name, "0"), n) for name, n in digits.items()})
    else:
        SubElement(source, "address", {name: str(int(address.get(name) or "0", 0)) for name in ("bus", "device")})
    SubElement(found, "alias", {"name": f"ua-{device.id}"})


def add_mediated_device(devices: Element, device: MediatedDevice, *, first: bool) -> None:
    """Append it; the first one also shows what happens before its driver runs."""
    display = {"display": "on" if device.display else "off"} | ({"ramfb": "on"} if first and device.display else {})
    found = SubElement(devices, "hostdev", {"mode": "subsystem", "type": "mdev", "model": "vfio-pci", **display})
    SubElement(SubElement(found, "source"), "address", {"uuid": device.id})


def mediated_metadata(vm: Element, device: MediatedDevice) -> None:
    """What the host makes it of."""
    found = SubElement(vm, f"{{{VM}}}device", {"devtype": "hostdev", "uuid": device.id})
    SubElement(found, f"{{{VM}}}mdevType").text = f"{device.type}|{device.placement}"
    if device.parameters:
        SubElement(found, f"{{{VM}}}mdevDriverParameters").text = device.parameters
