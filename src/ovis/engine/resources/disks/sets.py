"""Several disks at once, as VMs and templates make and remove them: what their commands' steps share.

Does: layers or copies, sizes afterwards, removal, statuses. Each looks first: it may run twice. Does not: know who owns them.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from ovis.engine.commands import Context
from ovis.engine.model.enums import DiskStatus
from ovis.engine.model.types import Disk
from ovis.engine.resources import bodies
from ovis.engine.resources.disks import volumes as storage
from ovis.engine.resources.disks.commands import forget_disk, set_status
from ovis.engine.resources.disks.tables import DiskImage
from ovis.engine.store.session import Reader, Tx

Copies = Iterable[tuple[str, str]]  # (source disk, new disk)


async def make(
    ctx: Context, copies: Copies, *, layered: bool = False, volumes: Mapping[str, str] = {}
) -> Callable[[Tx], None]:
    """The new disks' volumes: over their sources, or with their data. volumes: of sources, where it is not the present
    one. The returned write makes the disks usable."""
    made: dict[str, dict[str, object]] = {}
    for source_id, disk_id in copies:

        def look(rd: Reader, s: str = source_id, d: str = disk_id) -> tuple[DiskImage, Disk, DiskImage]:
            return rd.need(DiskImage, s), rd.need(Disk, d), rd.need(DiskImage, d)

        source, disk, image = await ctx.read(look)
        source = replace(source, volume_id=volumes.get(source_id, source.volume_id))
        info = await storage.create(ctx, disk, image, parent=source if layered else None)
        if not layered:
            await storage.copy(ctx, source, image, bodies.derived_id("copy", ctx.command_id, disk_id))
            info = await storage.exists(ctx, image) or info
        made[disk_id] = info

    def save(tx: Tx) -> None:
        for disk_id, info in made.items():
            tx.update(replace(storage.sizes(tx.need(Disk, disk_id), info), status=DiskStatus.OK))

    return save


async def delete(ctx: Context, disk_ids: Iterable[str]) -> None:
    """Their images go from storage; what is not there is no error."""
    for disk_id in disk_ids:
        image = await ctx.read(lambda rd, d=disk_id: rd.get(DiskImage, d))  # type: ignore[misc]
        if image is not None:
            await storage.delete_for_sure(ctx, image)


def forget(tx: Tx, disk_ids: Iterable[str]) -> None:
    """Their rows go."""
    for disk_id in disk_ids:
        forget_disk(tx, disk_id)


def unlock(tx: Tx, disk_ids: Iterable[str]) -> None:
    """Nothing happened to them."""
    for disk_id in disk_ids:
        disk = tx.get(Disk, disk_id)
        if disk is not None and disk.status is DiskStatus.LOCKED:
            set_status(tx, disk_id, DiskStatus.OK)


def condemn(tx: Tx, disk_ids: Iterable[str]) -> None:
    """They may be half gone: nobody uses them any more."""
    for disk_id in disk_ids:
        set_status(tx, disk_id, DiskStatus.ILLEGAL)
