"""Icons of operating systems and VMs: /icons.

Does: draw those that every installation has, keep those that VMs and templates are given, as oVirt limits them (PNG, JPEG
or GIF, 150x120 points, 24 KiB). Does not: show them anywhere; VMs refer to them.
An icon's id follows from its content, so the same picture is kept once.
"""

import base64
import binascii
import struct
import zlib
from collections.abc import Callable

from msgspec.structs import replace

from ovis.engine.declare.faults import Kind, NotFound, Refusal, Refused, refuse
from ovis.engine.declare.resource import PUBLIC, Op, Resource
from ovis.engine.model.types import Icon, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.os_catalog import BY_NAME
from ovis.engine.store.session import Tx
from ovis.engine.store.tables import Table

TABLE = Table(name="icons", type=Icon)
LARGE, SMALL = (150, 120), (45, 40)
MOST_BYTES = 24 * 1024
FAMILIES = ("linux", "windows", "other")
_COLOURS = {"linux": (0x5D, 0x68, 0x77), "windows": (0x24, 0x57, 0xC5), "other": (0x7A, 0x85, 0x95)}


# -- pictures -----------------------------------------------------------------------------------------------------


def size_of(data: bytes) -> tuple[str, int, int] | None:
    """(media type, width, height) of a picture by its own head; None if it is none of those that fit. Pure."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and len(data) >= 24:
        return ("image/png", *struct.unpack(">II", data[16:24]))
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        return ("image/gif", *struct.unpack("<HH", data[6:10]))
    return _size_of_jpeg(data) if data[:3] == b"\xff\xd8\xff" else None


def _size_of_jpeg(data: bytes) -> tuple[str, int, int] | None:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame's head
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return "image/jpeg", width, height
        at += 2 + max(length, 2)
    return None


def png(width: int, height: int, colour: Callable[[int, int], tuple[int, int, int, int]]) -> bytes:
    """A picture from the colour of each point. Pure."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"".join(bytes(colour(x, y)) for x in range(width)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def drawn(family: str, size: tuple[int, int]) -> bytes:
    """A screen on its stand, with a prompt, four panes, or nothing on it. Pure."""
    width, height = size

    def colour(x: int, y: int) -> tuple[int, int, int, int]:
        u, v = (x + 0.5) / width, (y + 0.5) / height
        frame = 0.08 < u < 0.92 and 0.08 < v < 0.76
        inside = 0.13 < u < 0.87 and 0.14 < v < 0.70
        stand = (0.42 < u < 0.58 and 0.76 <= v < 0.86) or (0.30 < u < 0.70 and 0.86 <= v < 0.92)
        if not (frame or stand):
            return (0, 0, 0, 0)
        light = (0xFF, 0xFF, 0xFF, 0xFF)
        if inside and _glyph(family, (u - 0.13) / 0.74, (v - 0.14) / 0.56):
            return light
        if frame and not inside:
            return (0x15, 0x20, 0x33, 0xFF)
        return (*_COLOURS[family], 0xFF)

    return png(width, height, colour)


def _glyph(family: str, u: float, v: float) -> bool:
    """Whether a point of the screen is light; both from 0 to 1."""
    if family == "windows":
        pane = 0.30 < u < 0.70 and 0.20 < v < 0.80
        return pane and not (0.48 < u < 0.52 or 0.47 < v < 0.53)
    if family == "linux":
        arrow = 0.18 < u < 0.40 and abs(abs(v - 0.45) - (0.40 - u) * 1.1) < 0.09
        return arrow or (0.46 < u < 0.72 and 0.66 < v < 0.76)
    return False


# -- icons --------------------------------------------------------------------------------------------------------


def _icon(data: bytes, media_type: str) -> Icon:
    text = base64.b64encode(data).decode()
    return Icon(id=bodies.derived_id("icon", text), media_type=media_type, data=text)


def _shipped() -> dict[tuple[str, tuple[int, int]], Icon]:
    return {(f, size): _icon(drawn(f, size), "image/png") for f in FAMILIES for size in (LARGE, SMALL)}


def family_of(system: str) -> str:
    """Which of the drawn icons an operating system has."""
    known = BY_NAME.get(system)
    if known is None or (system.startswith("other") and system != "other_linux"):
        return "other"
    return "windows" if known.windows else "linux"


def icons_of(system: str) -> tuple[Icon, Icon]:
    """References to the large and the small icon of an operating system."""
    if not _REFERENCES:
        _REFERENCES.update({key: Icon(id=icon.id) for key, icon in _shipped().items()})
    family = family_of(system)
    return _REFERENCES[family, LARGE], _REFERENCES[family, SMALL]


_REFERENCES: dict[tuple[str, tuple[int, int]], Icon] = {}


def with_icons(vm: Vm) -> Vm:
    """A new VM with the icons of its operating system where it has none."""
    large, small = icons_of((vm.os.type if vm.os else None) or "other")
    return replace(vm, large_icon=vm.large_icon or large, small_icon=vm.small_icon or small)


def taken(vm: Vm, given: Vm) -> Vm:
    """The icons that a body names, instead of those before: merging takes no id over."""
    return replace(vm, large_icon=given.large_icon or vm.large_icon, small_icon=given.small_icon or vm.small_icon)


def kept(tx: Tx, given: Vm) -> Vm:
    """A VM's body with references instead of the pictures that it brings; those are kept. NotFound for unknown ones."""
    changes: dict[str, Icon] = {}
    for name, size in (("large_icon", LARGE), ("small_icon", SMALL)):
        icon: Icon | None = getattr(given, name)
        if icon is None:
            continue
        if icon.data is not None:
            made = _checked(icon, size)
            if tx.get(Icon, str(made.id)) is None:
                tx.insert(made)
            changes[name] = Icon(id=made.id)
        elif icon.id is not None:
            if tx.get(Icon, icon.id) is None:
                raise NotFound(f"Icon: id={icon.id}", named=True)
            changes[name] = Icon(id=icon.id)
        else:
            raise refuse("VM_ICON_INCOMPLETE", "An icon is an id, or a media type and data.", bad=True)
    return replace(given, **changes) if changes else given


def _checked(icon: Icon, most: tuple[int, int]) -> Icon:
    reasons = []

    def no(code: str, text: str) -> None:
        reasons.append(Refusal(code, text, kind=Kind.BAD))

    try:
        data = base64.b64decode("".join((icon.data or "").split()), validate=True)
    except binascii.Error:
        raise refuse("VM_ICON_BASE64", "The data of an icon is base64.", bad=True) from None
    found = size_of(data)
    if len(data) > MOST_BYTES:
        no("VM_ICON_TOO_LARGE", f"An icon has at most {MOST_BYTES // 1024} KiB.")
    if found is None:
        no("VM_ICON_NO_PICTURE", "An icon is a PNG, JPEG or GIF picture.")
    else:
        media_type, width, height = found
        if icon.media_type is not None and icon.media_type != media_type:
            no("VM_ICON_MEDIA_TYPE", f"The picture is {media_type}, not {icon.media_type[:60]}.")
        if width > most[0] or height > most[1]:
            no("VM_ICON_DIMENSIONS", f"The picture is {width}x{height}; at most {most[0]}x{most[1]} fits.")
    if reasons or found is None:
        raise Refused(reasons)
    return _icon(data, found[0])


def seed(tx: Tx) -> None:
    """The drawn ones."""
    for icon in _shipped().values():
        if tx.get(Icon, str(icon.id)) is None:
            tx.insert(icon)


RESOURCE = Resource(type=Icon, collection="icons", table=TABLE, list=Op(needs=PUBLIC), get=Op(needs=PUBLIC))
__all__ = ["RESOURCE", "TABLE", "icons_of", "kept", "seed", "taken", "with_icons"]
