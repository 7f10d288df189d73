"""What a domain needs on this host before libvirt sees it: volumes, payload images, folders.

Does: ask the storage part for paths, make payloads, complete the document. Used by create, restore, migration's target
and hot-plug.
"""

import asyncio
import errno
import os
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import structlog

from ovis.agent.network.bridges import ensure_dummy
from ovis.agent.virt import complete as documents
from ovis.agent.virt.complete import DUMMY_BRIDGE, Prepared, VolumeRef
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import in_thread
from ovis.agent.virt.payload import write_payload
from ovis.agent.virt.vm import Ids

log = structlog.get_logger(__name__)


async def volume(guests: Guests, ref: VolumeRef) -> Prepared:
    """A volume as QEMU opens it."""
    path = await guests.storage.volume_path(*ref.ids)
    kind = await guests.storage.volume_format(*ref.ids)
    return Prepared(str(path), kind, await asyncio.to_thread(takes_direct_io, path))


def takes_direct_io(path: Path) -> bool:
    """Whether the file system of a file allows O_DIRECT (QEMU's cache=none)."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT))
    except OSError as err:
        return err.errno != errno.EINVAL
    return True


async def prepared(guests: Guests, vm_id: str, xml: str, *, moved: bool = False) -> tuple[str, list[Ids]]:
    """(the whole document for this host, volumes it uses). moved: see complete. VerbError if something is missing."""
    root = documents.read(xml)
    volumes = await volumes_of(guests, root)
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


async def volumes_of(guests: Guests, root: Element) -> dict[str, Prepared]:
    """All volumes that a document names, prepared, by target."""
    return {ref.target: await volume(guests, ref) for ref in documents.volumes_of(root)}


def pdiv(value: Any) -> VolumeRef:
    """{poolID, domainID, imageID, volumeID} of a verb's parameters."""
    return VolumeRef("", *(str(value.get(n) or "") for n in ("poolID", "domainID", "imageID", "volumeID")))
