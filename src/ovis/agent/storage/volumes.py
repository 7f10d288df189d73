"""Volumes of file domains: `images/<image>/<volume>` with `<volume>.meta` beside it.

Does: metadata, chains by parents, creation and deletion of the files in an order that survives a crash: data is there
before metadata, metadata goes before data. Does not: decide who may (volume_verbs), convert (images).
Follows: VDSM's keys. A parent in another image is named by PIMG too, since the layer refers to it by a relative path.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.agent.storage import checks, images, records
from ovis.agent.storage.domains import CREATING, GONE, FileDomain
from ovis.contract.errors import Code, VerbError

FORMATS = {4: "COW", 5: "RAW"}
ALLOCATIONS = {1: "PREALLOCATED", 2: "SPARSE"}
ROLES = {6: "INTERNAL", 7: "SHARED", 8: "LEAF"}
DISK_TYPES = ("DATA", "OVFS", "MEMD", "MEMM", "ISOF", "HEVD", "HESD", "HEMD", "HECI", "SCRD")
LEGALITIES = ("LEGAL", "ILLEGAL", "FAKE")
_DEEPEST = 512


class Facts(Struct, kw_only=True, frozen=True):
    """A volume's metadata. capacity: bytes. parent: volume id or empty; parent_image: empty if the same image."""

    capacity: int
    format: str
    type: str
    parent: str = ""
    parent_image: str = ""
    disktype: str = "DATA"
    legality: str = "LEGAL"
    role: str = "LEAF"
    generation: int = 0
    sequence: int = 0
    ctime: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class Volume:
    """Where a volume is."""

    domain: FileDomain
    image: str
    id: str

    @property
    def folder(self) -> Path:
        """Its image's folder."""
        return self.domain.images / self.image

    @property
    def path(self) -> Path:
        """Its data."""
        return self.folder / self.id

    @property
    def meta(self) -> Path:
        """Its metadata."""
        return self.folder / f"{self.id}.meta"

    @property
    def marker(self) -> Path:
        """What says that it is being made."""
        return self.folder / f"{self.id}{CREATING}"

    def exists(self) -> bool:
        """Whether it was made to the end."""
        return self.meta.exists() and not self.folder.is_symlink() and not self.path.is_symlink()

    def facts(self) -> Facts:
        """Its metadata; VerbError if it is not there or makes no sense."""
        try:
            if self.folder.is_symlink():
                raise FileNotFoundError
            pairs = records.read_pairs(self.meta)
        except (FileNotFoundError, NotADirectoryError) as err:
            raise VerbError(Code.VOLUME_NOT_FOUND, f"Volume does not exist: {self.id}") from err
        except OSError as err:
            raise checks.from_os(err, f"Volume {self.id} cannot be read", Code.VOLUME_METADATA) from err
        return _decode(pairs, self.id)

    def save(self, facts: Facts) -> None:
        """Write its metadata."""
        try:
            records.write_pairs(self.meta, _encode(facts, self), end="EOF")
        except OSError as err:
            raise checks.from_os(err, f"Volume {self.id} cannot be written", Code.VOLUME_METADATA) from err

    def change(self, **changes: Any) -> Facts:
        """Change some of its metadata."""
        facts = self.facts()
        now = replace(facts, **changes)
        if now != facts:
            self.save(now)
        return now

    def form(self) -> str:
        """raw or qcow2."""
        return images.FORMATS[self.facts().format]

    def parent(self, facts: Facts) -> "Volume | None":
        """The volume below."""
        return Volume(self.domain, facts.parent_image or self.image, facts.parent) if facts.parent else None


def _decode(pairs: dict[str, str], volume_id: str) -> Facts:
    try:
        capacity = int(pairs["CAP"]) if "CAP" in pairs else int(pairs["SIZE"]) * 512
        form, parent, parent_image = pairs["FORMAT"], pairs.get("PUUID", ""), pairs.get("PIMG", "")
        if form not in images.FORMATS:
            raise ValueError(form)
        return Facts(
            capacity=capacity,
            format=form,
            type=pairs.get("TYPE", "SPARSE"),
            parent=parent if checks.is_id(parent) and parent != checks.BLANK else "",
            parent_image=parent_image if checks.is_id(parent_image) else "",
            disktype=pairs.get("DISKTYPE", "DATA"),
            legality=pairs.get("LEGALITY", "LEGAL"),
            role=pairs.get("VOLTYPE", "LEAF"),
            generation=int(pairs.get("GEN") or 0),
            sequence=int(pairs.get("SEQ") or 0),
            ctime=int(pairs.get("CTIME") or 0),
            description=pairs.get("DESCRIPTION", ""),
        )
    except (KeyError, ValueError) as err:
        raise VerbError(Code.VOLUME_METADATA, f"The metadata of volume {volume_id} is damaged: {err}") from err


def _encode(facts: Facts, volume: Volume) -> dict[str, object]:
    pairs: dict[str, object] = {
        "CAP": facts.capacity,
        "CTIME": facts.ctime,
        "DESCRIPTION": checks.one_line(facts.description),
        "DISKTYPE": facts.disktype,
        "DOMAIN": volume.domain.id,
        "FORMAT": facts.format,
        "GEN": facts.generation,
        "IMAGE": volume.image,
        "LEGALITY": facts.legality,
        "PUUID": facts.parent or checks.BLANK,
        "SEQ": facts.sequence,
        "TYPE": facts.type,
        "VOLTYPE": facts.role,
    }
    if facts.parent_image and facts.parent_image != volume.image:
        pairs["PIMG"] = facts.parent_image
    return pairs


def chain(volume: Volume) -> list[tuple[Volume, Facts]]:
    """The volume and everything below it, top first; every file is there. VerbError otherwise."""
    found: list[tuple[Volume, Facts]] = []
    at: Volume | None = volume
    while at is not None:
        facts = at.facts()
        if not at.path.is_file() or at.path.is_symlink():
            raise VerbError(Code.VOLUME_NOT_FOUND, f"The data of volume {at.id} is missing")
        if len(found) > _DEEPEST or any(at == seen for seen, _ in found):
            raise VerbError(Code.VOLUME_METADATA, f"The chain of volume {volume.id} does not end")
        found.append((at, facts))
        at = at.parent(facts)
    return found


def in_image(domain: FileDomain, image_id: str) -> Iterator[tuple[Volume, Facts]]:
    """Every volume of an image; one whose metadata is damaged is left out."""
    for volume_id in domain.volume_ids(image_id):
        volume = Volume(domain, image_id, volume_id)
        with contextlib.suppress(VerbError):
            yield volume, volume.facts()


def children(volume: Volume, *, everywhere: bool = False) -> list[Volume]:
    """Volumes layered upon this one, in its image, or in the whole domain."""
    where = volume.domain.image_ids() if everywhere else [volume.image]
    return [
        child
        for image_id in where
        for child, facts in in_image(volume.domain, image_id)
        if facts.parent == volume.id and (facts.parent_image or child.image) == volume.image
    ]


def sizes(volume: Volume) -> tuple[int, int]:
    """(apparent, true) bytes."""
    try:
        found = volume.path.stat()
    except FileNotFoundError as err:
        raise VerbError(Code.VOLUME_NOT_FOUND, f"Volume does not exist: {volume.id}") from err
    except OSError as err:
        raise checks.from_os(err, f"Volume {volume.id} cannot be measured") from err
    return found.st_size, found.st_blocks * 512


def describe(volume: Volume, pool_id: str) -> dict[str, Any]:
    """Volume.getInfo. The capacity is the larger of what is noted and what the file says: a guest's disk grows live."""
    facts = volume.facts()
    apparent, true = sizes(volume)
    return {
        "uuid": volume.id,
        "image": volume.image,
        "domain": volume.domain.id,
        "pool": pool_id,
        "capacity": str(max(facts.capacity, images.virtual_size(volume.path, images.FORMATS[facts.format]))),
        "apparentsize": str(apparent),
        "truesize": str(true),
        "format": facts.format,
        "type": facts.type,
        "allocType": facts.type,
        "parent": facts.parent or checks.BLANK,
        "children": [child.id for child in children(volume)],
        "disktype": facts.disktype,
        "description": facts.description,
        "legality": facts.legality,
        "generation": facts.generation,
        "sequence": facts.sequence,
        "ctime": str(facts.ctime),
        "mtime": "0",
        "voltype": facts.role,
        "status": "OK" if facts.legality == "LEGAL" else "ILLEGAL",
        "lease": {},
    }


def begin(volume: Volume) -> None:
    """Say that a volume is being made; remains of an earlier attempt go."""
    try:
        if volume.folder.is_symlink():
            raise VerbError(Code.IMAGE_PATH, f"The folder of image {volume.image} is a link")
        volume.folder.mkdir(exist_ok=True)
        records.write_file(volume.marker, b"")
        volume.path.unlink(missing_ok=True)
    except OSError as err:
        abandon(volume)
        raise checks.from_os(err, f"Volume {volume.id} cannot be made", Code.VOLUME_CREATION) from err


def reserve(volume: Volume, size: int) -> None:
    """Allocate the first `size` bytes of a raw volume."""
    descriptor = os.open(volume.path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as err:
        raise checks.from_os(err, f"Volume {volume.id} cannot be made", Code.VOLUME_CREATION) from err
    finally:
        os.close(descriptor)


def finish(volume: Volume, facts: Facts) -> None:
    """The data is there: from now on the volume is."""
    try:
        volume.path.chmod(0o660)
        descriptor = os.open(volume.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as err:
        raise checks.from_os(err, f"Volume {volume.id} cannot be made", Code.VOLUME_CREATION) from err
    volume.save(replace(facts, ctime=round(time.time())))
    volume.marker.unlink(missing_ok=True)
    records.sync_folder(volume.domain.images)


def abandon(volume: Volume) -> None:
    """Undo `begin`, if the volume was not finished."""
    if not volume.exists():
        volume.path.unlink(missing_ok=True)
    volume.marker.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        volume.folder.rmdir()  # only if nothing else is in it


def delete(volume: Volume) -> None:
    """Remove a volume; one that is half gone goes wholly."""
    try:
        volume.meta.unlink(missing_ok=True)
        volume.path.unlink(missing_ok=True)
        for suffix in (".lease", CREATING):
            (volume.folder / f"{volume.id}{suffix}").unlink(missing_ok=True)
        if volume.folder.is_dir():
            records.sync_folder(volume.folder)
            with contextlib.suppress(OSError):
                volume.folder.rmdir()
    except NotADirectoryError:
        return
    except OSError as err:
        raise checks.from_os(err, f"Volume {volume.id} cannot be deleted") from err


def delete_image(domain: FileDomain, image_id: str) -> None:
    """Remove an image: hidden first, then deleted, so that a crash leaves either all of it or nothing that counts."""
    folder = domain.images / image_id
    gone = domain.images / f"{GONE}{image_id}"
    try:
        if gone.exists():
            shutil.rmtree(gone)
        if folder.exists() and not folder.is_symlink():
            os.rename(folder, gone)
            records.sync_folder(domain.images)
            shutil.rmtree(gone)
    except OSError as err:
        raise checks.from_os(err, f"Image {image_id} cannot be deleted") from err


def settle_roles(domain: FileDomain, image_id: str) -> None:
    """After a layer went: a volume that nothing lies upon any more is a leaf."""
    rows = list(in_image(domain, image_id))
    below = {facts.parent for _, facts in rows}
    for volume, facts in rows:
        if facts.role == "INTERNAL" and volume.id not in below:
            volume.change(role="LEAF")
