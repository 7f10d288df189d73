"""What a domain needs on this host before libvirt sees it: volumes, payload images, folders.

Does: ask the storage part for paths and hooks for their word, make payloads, complete the document. Used by create,
restore, migration's target and hot-plug.
"""

import asyncio
import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import structlog

from ovis.agent.hooks import POINTS, HookError
from ovis.agent.hooks.documents import custom_of
from ovis.agent.network.bridges import ensure_dummy
from ovis.agent.virt import complete as documents
from ovis.agent.virt.complete import DUMMY_BRIDGE, Prepared, VolumeRef
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import in_thread
from ovis.agent.virt.payload import write_payload
from ovis.agent.virt.vm import Ids

log = structlog.get_logger(__name__)


async def volume(
    guests: Guests,
    ref: VolumeRef,
    vm_id: str = "",
    *,
    custom: Mapping[str, str] | None = None,
    disk: Element | None = None,
) -> Prepared:
    """A volume as QEMU opens it; hooks may put another thing in its place. vm_id, custom, disk: for them."""
    path = await guests.storage.volume_path(*ref.ids)
    kind = await guests.storage.volume_format(*ref.ids)
    given = {
        "type": "disk",
        "device": (disk.get("device") if disk is not None else None) or "disk",
        "name": ref.target,
        "path": str(path),
        "format": "raw" if kind == "raw" else "cow",
        "diskType": "file",
        "poolID": ref.pool,
        "domainID": ref.domain,
        "imageID": ref.image,
        "volumeID": ref.volume,
    }
    target = disk.find("target") if disk is not None else None
    if target is not None and target.get("bus"):
        given["iface"] = target.get("bus") or ""
    found = await guests.hooks.data("after_disk_prepare", given, vm_id=vm_id or None, custom=custom)
    if found is not given:
        where, kind, sort = chosen(found, given)
        return Prepared(where, kind, await asyncio.to_thread(takes_direct_io, Path(where)), sort)
    return Prepared(str(path), kind, await asyncio.to_thread(takes_direct_io, path))


def chosen(found: Any, given: Mapping[str, Any]) -> tuple[str, str, str]:
    """(path, format, type) as hooks of after_disk_prepare left them. HookError if that is no disk. Pure."""
    point = POINTS["after_disk_prepare"]
    if not isinstance(found, Mapping):
        raise HookError(point, "after_disk_prepare: what its scripts left is no disk")
    path, kind, sort = (found.get(name, given[name]) for name in ("path", "format", "diskType"))
    if not isinstance(path, str) or not os.path.isabs(path):
        raise HookError(point, f"after_disk_prepare: {path!r} is no path")
    if kind not in ("raw", "cow"):
        raise HookError(point, f"after_disk_prepare: {kind!r} is no format: raw or cow")
    if sort not in ("file", "block"):
        raise HookError(point, f"after_disk_prepare: disks of type {sort!r} cannot be used here: file or block")
    return path, "raw" if kind == "raw" else "qcow2", sort


def takes_direct_io(path: Path) -> bool:
    """Whether the file system of a file allows O_DIRECT (QEMU's cache=none)."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT))
    except OSError as err:
        return err.errno != errno.EINVAL
    return True


async def prepared(
    guests: Guests, vm_id: str, xml: str, *, moved: bool = False, volumes: Mapping[str, Prepared] | None = None
) -> tuple[str, list[Ids]]:
    """(the whole document for this host, volumes it uses). moved: see complete. volumes: if they are prepared already.
    VerbError if something is missing."""
    root = documents.read(xml)
    if volumes is None:
        volumes = await volumes_of(guests, root, vm_id)
    payloads = {}
    for payload in documents.payloads_of(root):
        path = await asyncio.to_thread(write_payload, guests.settings.run, vm_id, payload)
        payloads[payload.target] = str(path)
    if any(s.get("bridge") == DUMMY_BRIDGE for s in root.iter("source")):
        await in_thread(ensure_dummy)
    done = documents.complete(xml, await guests.facts(), volumes, payloads, moved=moved)
    for note in done.notes:
        log.info("domain XML changed for this host", vm=vm_id, what=note)
    for socket in done.sockets:
        Path(socket).parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        Path(socket).unlink(missing_ok=True)
    return done.xml, volumes_used(root)


def volumes_used(root: Element) -> list[Ids]:
    """Volumes that a document names, as a record keeps them."""
    return [Ids(*ref.ids) for ref in documents.volumes_of(root)]


async def volumes_of(guests: Guests, root: Element, vm_id: str) -> dict[str, Prepared]:
    """All volumes that a document names, prepared, by target."""
    custom = custom_of(root)
    disks = {t.get("dev") or "": d for d in root.findall("devices/disk") for t in d.findall("target")}
    return {
        ref.target: await volume(guests, ref, vm_id, custom=custom, disk=disks.get(ref.target))
        for ref in documents.volumes_of(root)
    }


def pdiv(value: Any) -> VolumeRef:
    """{poolID, domainID, imageID, volumeID} of a verb's parameters."""
    return VolumeRef("", *(str(value.get(n) or "") for n in ("poolID", "domainID", "imageID", "volumeID")))
