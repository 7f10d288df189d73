"""Volumes of disks on storage: created, layered, copied, grown, deleted. What commands' steps call.

Follows: flows, section 4. Each looks first: it may run twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from ovis.contract.errors import Code
from ovis.engine.commands import Context
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import DiskFormat
from ovis.engine.model.types import Disk
from ovis.engine.resources.bodies import derived_id
from ovis.engine.resources.disks.tables import DiskImage
from ovis.engine.resources.storage_domains.connect import NOWHERE, up_hosts
from ovis.engine.resources.storage_domains.tables import Attachment

log = structlog.get_logger(__name__)
_MISSING = frozenset((Code.VOLUME_NOT_FOUND, Code.IMAGE_PATH, Code.IMAGE_MISSING, 269))
_LONGEST_PAUSE = 15.0


async def exists(ctx: Context, image: DiskImage) -> dict[str, Any] | None:
    """The volume's information, or None if there is none."""
    try:
        found: dict[str, Any] = await ctx.services.hosts.spm_call(image.pool_id, "Volume.getInfo", image.verb_ids())
    except HostError as err:
        if err.code in _MISSING:
            return None
        raise
    return found


async def create(
    ctx: Context, disk: Disk, image: DiskImage, *, parent: DiskImage | None = None, kind: str = "DATA"
) -> dict[str, Any]:
    """A volume for a disk, over a template's if `parent`; returns its information."""
    known = await exists(ctx, image)
    if known is None:
        description = {"DiskAlias": disk.alias or disk.name or "", "DiskDescription": disk.description or ""}
        await ctx.services.hosts.task(
            image.pool_id,
            "Volume.create",
            image.verb_ids()
            | {
                "size": str(disk.provisioned_size or 0),
                "volFormat": 4 if disk.format is DiskFormat.COW else 5,
                "preallocate": 2 if disk.sparse is not False else 1,
                "diskType": kind,
                "desc": msgspec.json.encode(description).decode(),
                "srcImgUUID": parent.image_id if parent else NOWHERE,
                "srcVolUUID": parent.volume_id if parent else NOWHERE,
            },
        )
        known = await exists(ctx, image)
    if known is None:
        raise HostError(Code.VOLUME_NOT_FOUND, "the volume is not there after its creation", verb="Volume.create")
    return known


async def create_like(
    ctx: Context, image: DiskImage, info: Mapping[str, Any], *, parent: DiskImage | None
) -> dict[str, Any]:
    """A volume of the size and form that another's information says; returns its own."""
    known = await exists(ctx, image)
    if known is None:
        params = image.verb_ids() | {
            "size": str(info["capacity"]),
            "volFormat": 4 if info["format"] == "COW" else 5,
            "preallocate": 2 if info["type"] == "SPARSE" else 1,
            "diskType": str(info.get("disktype") or "DATA"),
            "desc": str(info.get("description") or ""),
            "srcImgUUID": parent.image_id if parent else NOWHERE,
            "srcVolUUID": parent.volume_id if parent else NOWHERE,
        }
        await ctx.services.hosts.task(image.pool_id, "Volume.create", params)
        known = await exists(ctx, image)
    if known is None:
        raise HostError(Code.VOLUME_NOT_FOUND, "the volume is not there after its creation", verb="Volume.create")
    return known


async def delete(ctx: Context, image: DiskImage) -> None:
    """Remove a disk's image; one that is not there is no error."""
    try:
        await ctx.services.hosts.task(
            image.pool_id,
            "Image.delete",
            {
                "imageID": image.image_id,
                "storagepoolID": image.pool_id,
                "storagedomainID": image.domain_id,
                "postZero": False,
                "force": True,
            },
        )
    except HostError as err:
        if err.code not in _MISSING:
            raise


async def delete_for_sure(ctx: Context, image: DiskImage) -> None:
    """Like `delete`, and waits for storage that nobody manages now: a removal that was begun ends, and an undo leaves no
    volume behind. HostError if the storage itself refuses."""
    await _for_sure(ctx, image, lambda: delete(ctx, image))


async def delete_layers(ctx: Context, image: DiskImage, volume_ids: Sequence[str]) -> None:
    """Remove volumes of a disk's image that nothing lies upon, as surely as that; the others stay. What is not there is
    no error."""

    async def work() -> None:
        params = {
            "imageID": image.image_id,
            "storagepoolID": image.pool_id,
            "storagedomainID": image.domain_id,
            "volumeList": list(volume_ids),
            "postZero": False,
            "force": True,
        }
        try:
            await ctx.services.hosts.task(image.pool_id, "Image.deleteVolumes", params)
        except HostError as err:
            if err.code not in _MISSING:
                raise

    await _for_sure(ctx, image, work)


async def _for_sure(ctx: Context, image: DiskImage, work: Callable[[], Awaitable[None]]) -> None:
    wait = 0.5
    while True:
        try:
            await work()
            return
        except HostUnreachable as err:
            log.info("a volume waits to be deleted", image=image.image_id, error=str(err))
        attached = await ctx.read(lambda rd: rd.get(Attachment, f"{image.pool_id}/{image.domain_id}"))
        if attached is None:
            return  # its storage domain is no concern of this engine any more
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_PAUSE)


async def copy(ctx: Context, source: DiskImage, target: DiskImage, job: str, *, cancellable: bool = False) -> None:
    """Copy a volume's data on some host of the data center. job: its id on the host, stable across retries.
    cancellable: a user who cancels is not kept waiting (the host ends the copy before it deletes its target)."""
    hosts = await ctx.read(lambda rd: up_hosts(rd, target.pool_id))
    if not hosts:
        raise HostError(Code.UNAVAILABLE, "no host of the data center is up", verb="SDM.copy_data")
    host_id = ctx.state.setdefault("copy_host", str(hosts[0].id))
    call = ctx.services.hosts.call

    def end(image: DiskImage, **more: Any) -> dict[str, Any]:
        return {
            "endpoint_type": "div",
            "sd_id": image.domain_id,
            "img_id": image.image_id,
            "vol_id": image.volume_id,
            **more,
        }

    known = await call(host_id, "Host.getJobs", {"job_type": "storage", "job_ids": [job]})
    if job not in (known or {}):
        await call(
            host_id, "SDM.copy_data", {"job_id": job, "source": end(source), "destination": end(target, generation=0)}
        )
    wait = 0.1
    while True:
        jobs = await call(host_id, "Host.getJobs", {"job_type": "storage", "job_ids": [job]})
        row = (jobs or {}).get(job)
        if row is None:
            raise HostError(Code.GENERAL, "the host does not know the copy any more", verb="SDM.copy_data")
        if row["status"] == "done":
            return
        if row["status"] in ("failed", "aborted"):
            error = row.get("error") or {}
            raise HostError(
                int(error.get("code", Code.GENERAL)), str(error.get("message", "the copy failed")), verb="SDM.copy_data"
            )
        if row.get("progress") is not None:
            await ctx.progress(int(row["progress"]))
        if cancellable:
            ctx.stop_if_cancelled()
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, 5.0)


async def sparsify(ctx: Context, image: DiskImage) -> None:
    """Zeros of a volume go back to the storage; a host that is up does it. Again is no harm."""
    hosts = await ctx.read(lambda rd: up_hosts(rd, image.pool_id))
    if not hosts:
        raise HostError(Code.UNAVAILABLE, "no host of the data center is up", verb="SDM.sparsify_volume")
    host_id = ctx.state.setdefault("sparsify_host", str(hosts[0].id))
    job = derived_id("sparsify", ctx.command_id)
    call = ctx.services.hosts.call
    where = {"sd_id": image.domain_id, "img_id": image.image_id, "vol_id": image.volume_id}
    await call(host_id, "SDM.sparsify_volume", {"job_id": job, "vol_info": where})
    wait = 0.1
    while True:
        jobs = await call(host_id, "Host.getJobs", {"job_type": "storage", "job_ids": [job]})
        row = (jobs or {}).get(job)
        if row is None:
            raise HostError(Code.GENERAL, "the host does not know the job any more", verb="SDM.sparsify_volume")
        if row["status"] == "done":
            return
        if row["status"] in ("failed", "aborted"):
            error = row.get("error") or {}
            text = str(error.get("message", "the volume was not changed"))
            raise HostError(int(error.get("code", Code.GENERAL)), text, verb="SDM.sparsify_volume")
        if row.get("progress") is not None:
            await ctx.progress(int(row["progress"]))
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, 5.0)


def sizes(disk: Disk, info: dict[str, Any]) -> Disk:
    """The disk with what its volume really takes."""
    actual = int(info.get("truesize") or info.get("apparentsize") or 0)
    total = int(info.get("capacity") or disk.provisioned_size or 0)
    return msgspec.structs.replace(disk, actual_size=actual, total_size=actual, provisioned_size=total)
