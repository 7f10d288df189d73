"""Verbs of volumes and images: create, look, grow, copy, delete, prepare.

Does: what the engine starts as tasks (create, extend, copy, delete) is undone if it fails, and ended after a crash.
Follows: VDSM's Volume and Image verbs; flows, section 4.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import structlog

from ovis.agent.storage import checks, images, volumes
from ovis.agent.storage.core import StorageCore
from ovis.agent.storage.domains import FileDomain
from ovis.agent.storage.pools import Pool
from ovis.agent.storage.tasks import Task
from ovis.agent.storage.threads import in_thread, in_thread_long
from ovis.agent.storage.volumes import ALLOCATIONS, DISK_TYPES, FORMATS, LEGALITIES, ROLES, Facts, Volume
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_SECTOR = 512


class VolumeVerbs:
    """Mixed into FileStorage."""

    core: StorageCore

    # -- creating --------------------------------------------------------------------------------------------

    async def volume_create(
        self,
        storagedomainID: str,
        storagepoolID: str,
        imageID: str,
        volumeID: str,
        size: Any,
        volFormat: Any,
        preallocate: Any,
        diskType: Any = "DATA",
        desc: Any = "",
        srcImgUUID: Any = checks.BLANK,
        srcVolUUID: Any = checks.BLANK,
        initialSize: Any = None,
        legal: Any = True,
        sequence: Any = 0,
    ) -> str:
        pool, domain = await self.core.pool_domain(storagepoolID, storagedomainID)
        volume = Volume(domain, checks.id_of(imageID, "imageID"), checks.id_of(volumeID, "volumeID"))
        capacity = checks.number(size, "size", least=1)
        facts = Facts(
            capacity=-(-capacity // _SECTOR) * _SECTOR,
            format=checks.choice(volFormat, "volFormat", FORMATS),
            type=checks.choice(preallocate, "preallocate", ALLOCATIONS),
            parent=checks.optional_id(srcVolUUID, "srcVolUUID"),
            parent_image=checks.optional_id(srcImgUUID, "srcImgUUID"),
            disktype=_member(diskType or "DATA", "diskType", DISK_TYPES),
            legality="LEGAL" if legal is None or checks.truth(legal) else "ILLEGAL",
            sequence=checks.number(sequence or 0, "sequence"),
            description=checks.one_line(desc),
        )
        initial = checks.number(initialSize, "initialSize") if initialSize not in (None, "") else 0
        if initial > facts.capacity:
            raise checks.invalid(f"initialSize {initial} is larger than the size {facts.capacity}")
        return await self.core.task(
            "Volume.create",
            pool,
            lambda: self._create(volume, facts, initial),
            {"domain": domain.id, "image": volume.image, "volume": volume.id},
            key=f"create/{domain.id}/{volume.image}/{volume.id}",
        )

    async def _create(self, volume: Volume, facts: Facts, initial: int) -> None:
        async with self.core.image_lock(volume.domain.id, volume.image):
            if await in_thread(volume.exists):
                await in_thread(_same, volume, facts)
                return
            parent = volume.parent(facts)
            below = await in_thread(_check_parent, volume, facts, parent) if parent is not None else None
            await in_thread(volumes.begin, volume)
            try:
                await images.create(
                    volume.path,
                    images.FORMATS[facts.format],
                    facts.capacity,
                    backing=_backing(volume, parent) if parent is not None else "",
                    backing_form=images.FORMATS[below.format] if below is not None else "",
                    preallocated=facts.type == "PREALLOCATED" and not initial,
                )
                if initial and facts.format == "RAW":
                    await in_thread_long(volumes.reserve, volume, initial)
                if parent is not None:
                    await in_thread(_mark_parent, volume, parent)
                await in_thread_long(volumes.finish, volume, facts)
            except BaseException:
                await in_thread(volumes.delete, volume)
                if parent is not None:
                    await in_thread(volumes.settle_roles, volume.domain, parent.image)
                raise

    async def volume_copy(
        self,
        storagepoolID: str,
        storagedomainID: str,
        imageID: str,
        volumeID: str,
        dstSdUUID: str,
        dstImgUUID: str,
        dstVolUUID: str,
        desc: Any = "",
        volType: Any = "SHARED",
        volFormat: Any = "RAW",
        preallocate: Any = "SPARSE",
    ) -> str:
        pool, _ = await self.core.pool_domain(storagepoolID, storagedomainID)
        source = await self.core.volume(storagedomainID, imageID, volumeID)
        _, domain = await self.core.pool_domain(storagepoolID, dstSdUUID)
        target = Volume(domain, checks.id_of(dstImgUUID, "dstImgUUID"), checks.id_of(dstVolUUID, "dstVolUUID"))
        seen = await in_thread(source.facts)
        facts = Facts(
            capacity=int((await in_thread(volumes.describe, source, ""))["capacity"]),
            format=checks.choice(volFormat, "volFormat", FORMATS),
            type=checks.choice(preallocate, "preallocate", ALLOCATIONS),
            disktype=seen.disktype,
            role=checks.choice(volType, "volType", ROLES),
            description=checks.one_line(desc) or seen.description,
        )
        return await self.core.task(
            "Volume.copy",
            pool,
            lambda: self._copy(source, target, facts),
            {"domain": domain.id, "image": target.image, "volume": target.id},
            key=f"create/{domain.id}/{target.image}/{target.id}",
        )

    async def _copy(self, source: Volume, target: Volume, facts: Facts) -> None:
        async with self.core.image_lock(target.domain.id, target.image):
            if await in_thread(target.exists):
                await in_thread(_same, target, facts)
                return
            layers = await in_thread(volumes.chain, source)
            check_legal(layers)
            await in_thread(volumes.begin, target)
            try:
                form = images.FORMATS[facts.format]
                await images.create(target.path, form, facts.capacity, preallocated=facts.type == "PREALLOCATED")
                await images.convert(
                    source.path,
                    images.FORMATS[layers[0][1].format],
                    target.path,
                    form,
                    size=facts.capacity,
                    progress=lambda percent: None,
                )
                if facts.type == "PREALLOCATED" and form == "raw":
                    await in_thread_long(volumes.reserve, target, facts.capacity)
                await in_thread_long(volumes.finish, target, facts)
            except BaseException:
                await in_thread(volumes.delete, target)
                raise

    # -- looking ---------------------------------------------------------------------------------------------

    async def volume_get_info(self, storagedomainID: str, imageID: str, volumeID: str) -> dict[str, Any]:
        volume = await self.core.volume(storagedomainID, imageID, volumeID)
        pool_id = (await in_thread(volume.domain.facts)).get("POOL_UUID", "")
        return await in_thread(volumes.describe, volume, pool_id)

    async def volume_get_size(self, storagedomainID: str, imageID: str, volumeID: str) -> dict[str, str]:
        apparent, true = await in_thread(volumes.sizes, await self.core.volume(storagedomainID, imageID, volumeID))
        return {"apparentsize": str(apparent), "truesize": str(true)}

    async def volume_refresh(self, storagedomainID: str, imageID: str, volumeID: str) -> None:
        volume = await self.core.volume(storagedomainID, imageID, volumeID)
        await in_thread(volumes.sizes, volume)

    async def volume_get_qemu_image_info(self, storagedomainID: str, imageID: str, volumeID: str) -> dict[str, Any]:
        volume = await self.core.volume(storagedomainID, imageID, volumeID)
        seen = await images.info(volume.path, await in_thread(volume.form))
        details = (seen.get("format-specific") or {}).get("data") or {}
        found = {"format": seen["format"], "virtualsize": seen["virtual-size"], "bitmaps": details.get("bitmaps", [])}
        for name, key in (("clustersize", "cluster-size"), ("backingfile", "backing-filename")):
            if key in seen:
                found[name] = seen[key]
        if "compat" in details:
            found["compat"] = details["compat"]
        return found

    async def volume_measure(
        self,
        storagedomainID: str,
        imageID: str,
        volumeID: str,
        dstVolFormat: Any,
        backing_chain: Any = True,
    ) -> dict[str, Any]:
        volume = await self.core.volume(storagedomainID, imageID, volumeID)
        target = images.FORMATS[checks.choice(dstVolFormat, "dstVolFormat", FORMATS)]
        whole = backing_chain is None or checks.truth(backing_chain)
        return await images.measure(volume.path, await in_thread(volume.form), target, whole_chain=whole)

    async def image_get_volumes(self, storagedomainID: str, imageID: str) -> list[str]:
        domain = await self.core.domain(storagedomainID)
        return await in_thread(domain.volume_ids, checks.id_of(imageID, "imageID"))

    # -- changing --------------------------------------------------------------------------------------------

    async def volume_extend_size(
        self, storagepoolID: str, storagedomainID: str, imageID: str, volumeID: str, newSize: Any
    ) -> str:
        pool, _ = await self.core.pool_domain(storagepoolID, storagedomainID)
        volume = await self.core.volume(storagedomainID, imageID, volumeID)
        size = -(-checks.number(newSize, "newSize", least=1) // _SECTOR) * _SECTOR
        return await self.core.task(
            "Volume.extendSize",
            pool,
            lambda: self._extend(volume, size),
            {"domain": volume.domain.id, "image": volume.image, "volume": volume.id, "size": size},
        )

    async def _extend(self, volume: Volume, size: int) -> None:
        async with self.core.image_lock(volume.domain.id, volume.image):
            facts = await in_thread(volume.facts)
            form = images.FORMATS[facts.format]
            now = await in_thread(images.virtual_size, volume.path, form)
            if size < max(now, facts.capacity):
                raise VerbError(
                    Code.VOLUME_RESIZE,
                    f"Volume {volume.id} has {max(now, facts.capacity)} bytes; {size} would shrink it",
                )
            if now < size:
                await images.resize(
                    volume.path, form, size, preallocated=facts.type == "PREALLOCATED" and form == "raw"
                )
            await in_thread(volume.change, capacity=size)

    async def volume_set_description(
        self, storagepoolID: str, storagedomainID: str, imageID: str, volumeID: str, description: str
    ) -> None:
        await self._change(
            storagepoolID, storagedomainID, imageID, volumeID, {"description": checks.one_line(description)}
        )

    async def volume_set_legality(
        self, storagepoolID: str, storagedomainID: str, imageID: str, volumeID: str, legality: str
    ) -> None:
        legal = _member(legality, "legality", LEGALITIES)
        await self._change(storagepoolID, storagedomainID, imageID, volumeID, {"legality": legal})

    async def _change(
        self, pool_id: str, domain_id: str, image_id: str, volume_id: str, changes: Mapping[str, Any]
    ) -> None:
        await self.core.pool_domain(pool_id, domain_id)
        volume = await self.core.volume(domain_id, image_id, volume_id)
        async with self.core.image_lock(volume.domain.id, volume.image):
            await in_thread(volume.change, **changes)

    async def image_reconcile_volume_chain(
        self, storagepoolID: str, storagedomainID: str, imageID: str, leafVolID: str
    ) -> list[str]:
        await self.core.pool_domain(storagepoolID, storagedomainID)
        leaf = await self.core.volume(storagedomainID, imageID, leafVolID)
        facts = await in_thread(leaf.facts)
        parent = leaf.parent(facts)
        if facts.legality == "ILLEGAL" and parent is not None and parent.image == leaf.image:
            leaf = parent  # its data was complete below when it was marked, before the guest went over
        return await self.sync_chain(leaf)

    async def sync_chain(self, leaf: Volume) -> list[str]:
        """Let the metadata of an image say what its files say, from this leaf down. Returns the chain, base first."""
        async with self.core.image_lock(leaf.domain.id, leaf.image):
            layers = await images.chain(leaf.path, await in_thread(leaf.form))
            return await in_thread(_reconcile, leaf, layers)

    # -- deleting --------------------------------------------------------------------------------------------

    async def image_delete(self, storagepoolID: str, storagedomainID: str, imageID: str) -> str:
        pool, domain = await self.core.pool_domain(storagepoolID, storagedomainID)
        image_id = checks.id_of(imageID, "imageID")
        if not await in_thread((domain.images / image_id).is_dir):
            raise VerbError(Code.IMAGE_MISSING, f"Image does not exist in storage domain {domain.id}: {image_id}")
        return await self.core.task(
            "Image.delete",
            pool,
            lambda: self._delete_image(domain, image_id),
            {"domain": domain.id, "image": image_id},
            key=f"delete/{domain.id}/{image_id}",
        )

    async def _delete_image(self, domain: FileDomain, image_id: str) -> None:
        async with self.core.image_lock(domain.id, image_id):
            parents = await in_thread(_check_unshared, domain, image_id)
            await in_thread_long(volumes.delete_image, domain, image_id)
        for parent in parents:
            await in_thread(_unshare, parent)

    async def image_delete_volumes(
        self, storagepoolID: str, storagedomainID: str, imageID: str, volumeList: Any
    ) -> str:
        pool, domain = await self.core.pool_domain(storagepoolID, storagedomainID)
        image_id = checks.id_of(imageID, "imageID")
        given = volumeList.split(",") if isinstance(volumeList, str) else volumeList
        if not isinstance(given, list) or not given:
            raise checks.invalid("volumeList must be a list of volumes")
        wanted = [Volume(domain, image_id, checks.id_of(v, "volumeList")) for v in given]
        if not await in_thread((domain.images / image_id).is_dir):
            raise VerbError(Code.IMAGE_MISSING, f"Image does not exist in storage domain {domain.id}: {image_id}")
        return await self._delete_task(pool, "Image.deleteVolumes", wanted)

    async def volume_delete(self, storagepoolID: str, storagedomainID: str, imageID: str, volumeID: str) -> str:
        pool, _ = await self.core.pool_domain(storagepoolID, storagedomainID)
        return await self._delete_task(
            pool, "Volume.delete", [await self.core.volume(storagedomainID, imageID, volumeID)]
        )

    async def _delete_task(self, pool: Pool, verb: str, wanted: list[Volume]) -> str:
        first = wanted[0]
        return await self.core.task(
            verb,
            pool,
            lambda: self._delete_volumes(wanted),
            {"domain": first.domain.id, "image": first.image, "volumes": [v.id for v in wanted]},
        )

    async def _delete_volumes(self, wanted: list[Volume]) -> None:
        domain, image_id = wanted[0].domain, wanted[0].image
        async with self.core.image_lock(domain.id, image_id):
            ordered, parents = await in_thread(_check_childless, wanted)
            for volume in ordered:
                await in_thread_long(volumes.delete, volume)
            await in_thread(volumes.settle_roles, domain, image_id)
        for parent in parents:
            await in_thread(_unshare, parent)

    # -- using -----------------------------------------------------------------------------------------------

    async def image_prepare(
        self, storagedomainID: str, imageID: str, volumeID: str, allowIllegal: Any = False
    ) -> dict[str, Any]:
        volume = await self.core.volume(storagedomainID, imageID, volumeID)
        layers = await in_thread(volumes.chain, volume)
        if not checks.truth(allowIllegal):
            check_legal(layers)
        return {"path": str(volume.path)}

    async def image_teardown(self, storagedomainID: str, imageID: str) -> None:
        checks.id_of(imageID, "imageID")
        await self.core.domain(storagedomainID)

    async def volume_path(self, pool_id: str, domain_id: str, image_id: str, volume_id: str) -> Path:
        """Where a guest finds its disk: without links, so equal on all hosts that see the folder at the same place."""
        volume = await self.core.volume(domain_id, image_id, volume_id)
        check_legal(await in_thread(volumes.chain, volume))
        return volume.path

    async def volume_format(self, pool_id: str, domain_id: str, image_id: str, volume_id: str) -> str:
        """raw or qcow2."""
        return await in_thread((await self.core.volume(domain_id, image_id, volume_id)).form)

    async def release(self, pool_id: str, domain_id: str, image_id: str, volume_id: str = "") -> None:
        """A guest does not use the disk any more: file domains have nothing to take down."""
        await self.image_teardown(domain_id, image_id)

    async def grown(self, pool_id: str, domain_id: str, image_id: str, volume_id: str, size: int) -> None:
        """QEMU made the volume grow under a guest: its size is written down."""
        volume = await self.core.volume(domain_id, image_id, volume_id)
        async with self.core.image_lock(volume.domain.id, volume.image):
            await in_thread(volume.change, capacity=size)

    # -- after a crash ---------------------------------------------------------------------------------------

    def enders(self) -> dict[str, Callable[[Task], Awaitable[None]]]:
        """How each interrupted task ends: a creation is undone unless it was finished, the rest is done again."""
        return {
            "Volume.create": self._end_create,
            "Volume.copy": self._end_create,
            "Volume.extendSize": self._end_extend,
            "Volume.delete": self._end_delete,
            "Image.deleteVolumes": self._end_delete,
            "Image.delete": self._end_delete_image,
        }

    async def _end_create(self, task: Task) -> None:
        volume = await self._of(task)
        async with self.core.image_lock(volume.domain.id, volume.image):
            if await in_thread(volume.exists):
                return
            await in_thread(volumes.abandon, volume)
        raise VerbError(Code.TASK_ABORTED, "The host agent was restarted; the volume was removed")

    async def _end_extend(self, task: Task) -> None:
        await self._extend(await self._of(task), int(task.args["size"]))

    async def _end_delete(self, task: Task) -> None:
        _, domain = await self.core.pool_domain(task.pool, task.args["domain"])
        await self._delete_volumes([Volume(domain, task.args["image"], v) for v in task.args["volumes"]])

    async def _end_delete_image(self, task: Task) -> None:
        _, domain = await self.core.pool_domain(task.pool, task.args["domain"])
        await self._delete_image(domain, task.args["image"])

    async def _of(self, task: Task) -> Volume:
        _, domain = await self.core.pool_domain(task.pool, task.args["domain"])
        return Volume(domain, task.args["image"], task.args["volume"])


def _member(value: object, what: str, members: tuple[str, ...]) -> str:
    text = str(value).upper()
    if text not in members:
        raise checks.invalid(f"{what} must be one of {', '.join(members)}, not {str(value)[:80]!r}")
    return text


def _same(volume: Volume, facts: Facts) -> None:
    """The same call again is no error; another volume of the same id is."""
    known = volume.facts()
    same = (known.format, known.type, known.parent) == (facts.format, facts.type, facts.parent)
    if not same or known.capacity < facts.capacity:
        raise VerbError(Code.VOLUME_EXISTS, f"Volume already exists, with other properties: {volume.id}")


def _check_parent(volume: Volume, facts: Facts, parent: Volume) -> Facts:
    if facts.format != "COW":
        raise VerbError(Code.VOLUME_FORMAT, "Only a COW volume can lie upon another one")
    below = volumes.chain(parent)[0][1]
    if below.legality != "LEGAL":
        raise VerbError(Code.PARENT_ILLEGAL, f"Volume {parent.id} is illegal: nothing can lie upon it")
    size = max(below.capacity, images.virtual_size(parent.path, images.FORMATS[below.format]))
    if facts.capacity < size:
        raise VerbError(Code.VOLUME_SIZE, f"The size {facts.capacity} is less than the {size} of the volume below")
    return below


def _backing(volume: Volume, parent: Volume) -> str:
    """Relative, so that the domain can move."""
    return parent.id if parent.image == volume.image else str(PurePosixPath("..", parent.image, parent.id))


def _mark_parent(volume: Volume, parent: Volume) -> None:
    role = "INTERNAL" if parent.image == volume.image else "SHARED"
    if parent.facts().role != "SHARED":
        parent.change(role=role)


def _unshare(parent: Volume) -> None:
    """A layer of another image went: the volume below is nobody's base any more if that was the last."""
    if parent.exists() and parent.facts().role == "SHARED" and not volumes.children(parent, everywhere=True):
        parent.change(role="LEAF")


def check_legal(layers: list[tuple[Volume, Facts]]) -> None:
    """VerbError 227 if any layer is illegal."""
    for volume, facts in layers:
        if facts.legality == "ILLEGAL":
            raise VerbError(Code.VOLUME_ILLEGAL, f"Volume {volume.id} is illegal")


def _outside_parents(rows: list[tuple[Volume, Facts]]) -> list[Volume]:
    found = (volume.parent(facts) for volume, facts in rows)
    return [p for p in found if p is not None and p.image != rows[0][0].image]


def _check_unshared(domain: FileDomain, image_id: str) -> list[Volume]:
    """Volumes of other images that this one lies upon. VerbError 223 if another image lies upon this one."""
    rows = list(volumes.in_image(domain, image_id))
    for volume, facts in rows:
        if facts.role == "SHARED":
            users = {child.image for child in volumes.children(volume, everywhere=True)} - {image_id}
            if users:
                raise VerbError(Code.VOLUME_SHARED, f"Image {image_id} is the base of image {min(users)}")
    return _outside_parents(rows)


def _check_childless(wanted: list[Volume]) -> tuple[list[Volume], list[Volume]]:
    """(the volumes, top layers first; volumes of other images below them). VerbError 204 if something stays above."""
    mine = {v.id for v in wanted}
    depth: dict[str, int] = {}
    rows: list[tuple[Volume, Facts]] = []
    for volume in wanted:
        if not volume.exists():
            depth[volume.id] = 0
            continue
        facts = volume.facts()
        rows.append((volume, facts))
        above = [c for c in volumes.children(volume, everywhere=facts.role == "SHARED") if c.id not in mine]
        if above:
            raise VerbError(Code.VOLUME_HAS_CHILDREN, f"Volume {above[0].id} lies upon volume {volume.id}")
        at, depth[volume.id] = facts, 0
        while at.parent in mine:
            depth[volume.id] += 1
            at = Volume(volume.domain, volume.image, at.parent).facts()
    return sorted(wanted, key=lambda v: -depth[v.id]), _outside_parents(rows) if rows else []


def _reconcile(leaf: Volume, layers: list[dict[str, Any]]) -> list[str]:
    """Let metadata say what the files say, after a merge. Returns the chain, base first."""
    found: list[Volume] = []
    for layer in layers:
        path = Path(layer["filename"])
        image_id, volume_id = path.resolve().parent.name, path.name
        if not checks.is_id(volume_id) or not checks.is_id(image_id):
            raise VerbError(Code.VOLUME_METADATA, f"{path} is below volume {leaf.id} but is no volume")
        found.append(Volume(leaf.domain, image_id, volume_id))
    for volume, parent in zip(found, [*found[1:], None], strict=True):
        if volume.image != leaf.image:
            break  # another image's: a template, which is not ours to change
        role = "LEAF" if volume == leaf else "INTERNAL"
        shared = volume.facts().role == "SHARED"
        volume.change(
            parent=parent.id if parent is not None else "",
            parent_image=parent.image if parent is not None and parent.image != volume.image else "",
            **({} if shared else {"role": role}),
        )
    return [volume.id for volume in reversed(found)]
