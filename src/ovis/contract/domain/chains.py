"""Which layers a domain's disks stand on, read from its XML: what engine and agent look at before they snapshot or merge.

Does: name the volumes of each disk by the files that libvirt shows, top first. Does not: ask anybody; pure.
Follows: VDSM's volume paths (`.../images/IMAGE/VOLUME`) and metadata of disks; libvirt's `backingStore` and `index`.
"""

import re
from xml.etree.ElementTree import Element, ParseError, fromstring

from msgspec import Struct

_VM = "http://ovirt.org/vm/1.0"
_PATH = re.compile(r"/([0-9a-f-]{36})/([0-9a-f-]{36})$")


class Layer(Struct, frozen=True):
    """One volume of a disk. index: libvirt's number of it, 0 where it shows none."""

    image: str
    volume: str
    file: str
    index: int


class Chain(Struct, frozen=True, kw_only=True):
    """A disk. layers: top first; below the disk's own may lie a template's. ready: a commit of the top can be ended by
    a pivot; mirroring: it runs."""

    target: str
    pool: str
    domain: str
    image: str
    layers: tuple[Layer, ...]
    mirroring: bool = False
    ready: bool = False

    @property
    def volumes(self) -> tuple[str, ...]:
        """Ids, top first."""
        return tuple(layer.volume for layer in self.layers)

    def volume(self, depth: int) -> str:
        """Id of the volume at a depth; 0 is what the guest writes to."""
        return self.layers[depth].volume

    def layer(self, volume: str) -> Layer | None:
        """A volume of the chain."""
        return next((layer for layer in self.layers if layer.volume == volume), None)


def chains_of(xml: str | Element) -> dict[str, Chain]:
    """Chains by image id. ValueError if the text is no XML."""
    try:
        root = fromstring(xml) if isinstance(xml, str) else xml
    except ParseError as err:
        raise ValueError(f"The domain XML cannot be read: {err}") from err
    places = {device.get("name") or "": device for device in root.findall(f"metadata/{{{_VM}}}vm/{{{_VM}}}device")}
    found: dict[str, Chain] = {}
    for disk in root.findall("devices/disk"):
        target = disk.find("target")
        name = (target.get("dev") or "") if target is not None else ""
        place = places.get(name)
        if place is None or place.get("devtype") != "disk":
            continue
        image = place.findtext(f"{{{_VM}}}imageID") or ""
        layers = tuple(_layers(disk))
        if not image or not layers:
            continue
        mirror = disk.find("mirror")
        found[image] = Chain(
            target=name,
            pool=place.findtext(f"{{{_VM}}}poolID") or "",
            domain=place.findtext(f"{{{_VM}}}domainID") or "",
            image=image,
            layers=layers,
            mirroring=mirror is not None,
            ready=mirror is not None and mirror.get("ready") == "yes",
        )
    return found


def _layers(disk: Element) -> list[Layer]:
    found: list[Layer] = []
    at: Element | None = disk
    while at is not None:
        source = at.find("source")
        if source is None:
            break
        file = source.get("file") or source.get("dev") or ""
        ids = _PATH.search(file)
        if ids is None:
            break
        index = at.get("index") if at is not disk else source.get("index")
        found.append(Layer(ids[1], ids[2], file, int(index) if index and index.isdigit() else 0))
        at = at.find("backingStore")
    return found
