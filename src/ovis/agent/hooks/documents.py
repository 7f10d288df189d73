"""What hooks need of a domain XML: custom properties, the devices that have them, one device replaced.

Does: read and change values. Pure. Does not: run anything.
Follows: domain XML facts, section 4: the VM's properties are `custom` in the metadata, a device's are in its own block,
found by its alias, its MAC address, its name (disks) or its UUID (vGPUs).
"""

from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, ParseError, fromstring, tostring

from msgspec import Struct

_VM = "http://ovirt.org/vm/1.0"


class Custom(Struct, frozen=True):
    """A device with a `<custom>` in the metadata. index: its place in `<devices>`."""

    index: int
    element: Element
    properties: Mapping[str, str]

    @property
    def xml(self) -> str:
        """The element alone."""
        return alone(self.element)


def alone(element: Element) -> str:
    """An element without the text that follows it."""
    tail, element.tail = element.tail, None
    try:
        return tostring(element, encoding="unicode")
    finally:
        element.tail = tail


def _texts(custom: Element) -> dict[str, str]:
    return {child.tag.partition("}")[2] or child.tag: child.text or "" for child in custom}


def custom_of(root: Element) -> dict[str, str]:
    """A VM's custom properties."""
    custom = root.find(f"metadata/{{{_VM}}}vm/{{{_VM}}}custom")
    return _texts(custom) if custom is not None else {}


def devices_with_custom(root: Element) -> Iterator[Custom]:
    """Devices that have a `<custom>` in the metadata, maybe an empty one, in the document's order."""
    devices = root.find("devices")
    vm = root.find(f"metadata/{{{_VM}}}vm")
    if devices is None or vm is None:
        return
    blocks = [(b, _texts(c)) for b in vm.findall(f"{{{_VM}}}device") if (c := b.find(f"{{{_VM}}}custom")) is not None]
    for index, element in enumerate(devices):
        for block, properties in blocks:
            if _describes(block, element):
                yield Custom(index, element, properties)
                break


def custom_of_device(root: Element, device: Element) -> dict[str, str]:
    """A device's custom properties in a document's metadata (a domain's, or a hot-plug's)."""
    vm = root.find(f"metadata/{{{_VM}}}vm")
    for block in vm.findall(f"{{{_VM}}}device") if vm is not None else ():
        custom = block.find(f"{{{_VM}}}custom")
        if custom is not None and _describes(block, device):
            return _texts(custom)
    return {}


def _attribute(element: Element, path: str, name: str) -> str:
    found = element.find(path)
    return (found.get(name) or "").lower() if found is not None else ""


def _describes(block: Element, device: Element) -> bool:
    """Whether a block of the metadata is about a device."""
    kind = block.get("devtype")
    if kind is not None and kind != device.tag:
        return False
    tests = (
        (block.get("alias"), _attribute(device, "alias", "name")),
        (block.get("mac_address"), _attribute(device, "mac", "address")),
        (block.get("name"), _attribute(device, "target", "dev") if kind == "disk" else ""),
        (block.get("uuid"), _attribute(device, "source/address", "uuid")),
    )
    given = [(wanted.lower(), there) for wanted, there in tests if wanted]
    return any(wanted == there for wanted, there in given if there)


def element_of(xml: str) -> Element | None:
    """A device's element; None if the text is no XML."""
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        return None
    try:
        return fromstring(xml)
    except ParseError:
        return None
