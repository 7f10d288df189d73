"""Volumes of disks on storage: created, layered, copied, grown, deleted. What commands' steps call.

Follows: flows, section 4. Each looks first: it may run twice.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

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
_PATIENCE = 60.0  # seconds that a host's agent may take to come back
_COPIES = 3  # times that a copy is begun
T = TypeVar("T")


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
        known = await _made(
            ctx,
            image,
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
    return known


async def _made(ctx: Context, image: DiskImage, params: Mapping[str, Any]) -> dict[str, Any]:
    """Volume.create, to the volume's information. A manager that fell silent, or forgot the task, is asked again: the
    volume is there or not, and the same call twice makes one."""
    for last in (False, False, True):
        try:
            await ctx.services.hosts.task(image.pool_id, "Volume.create", params)
        except HostUnreachable as err:
            if last or not err.sent:
                raise
            log.info("whether a volume was made is not known", image=image.image_id, error=str(err))
        known = await patiently(lambda: exists(ctx, image))
        if known is not None:
            return known
    raise HostError(Code.VOLUME_NOT_FOUND, "the volume is not there after its creation", verb="Volume.create")


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer of a host that may be silent for a while, as when its agent is restarted. For what may be asked twice."""
    until, wait = time.monotonic() + _PATIENCE, 0.2
    while True:
        try:
            return await ask()
        except HostUnreachable:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, 3.0)


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
        known = await _made(ctx, image, params)
    return known


async def extend(ctx: Context, image: DiskImage, size: int) -> None:
    """Let a volume that nobody runs with grow to so many bytes; whether it did is looked at if nobody says so."""
    for last in (False, False, True):
        try:
            await ctx.services.hosts.task(image.pool_id, "Volume.extendSize", image.verb_ids() | {"newSize": str(size)})
            return
        except HostUnreachable as err:
            if last or not err.sent:
                raise
        info = await patiently(lambda: exists(ctx, image))
        if info is not None and int(info.get("capacity") or 0) >= size:
            return


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

    wanted = {"job_id": job, "source": end(source), "destination": end(target, generation=0)}
    wait, begun = 0.1, 0
    while True:
        jobs = await patiently(lambda: call(host_id, "Host.getJobs", {"job_type": "storage", "job_ids": [job]}))
        row = (jobs or {}).get(job)
        if row is None:  # not begun, or its agent died and forgot it: the target's generation tells
            info = await patiently(lambda: exists(ctx, target))
            if info is not None and int(info.get("generation") or 0) > 0:
                return
            if begun == _COPIES:
                raise HostError(Code.GENERAL, "the host does not know the copy any more", verb="SDM.copy_data")
            begun += 1
            await patiently(lambda: call(host_id, "SDM.copy_data", wanted))
            continue
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
