"""Volumes upon volumes: which there are, which are needed, made and deleted. What commands of snapshots share.

Does: chain arithmetic over rows, steps that look first. Does not: know why (take, preview, remove, stateless).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.commands import Command, Context, Step, begin
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import DiskFormat, DiskStatus, QcowVersion
from ovis.engine.model.types import Disk
from ovis.engine.resources import bodies
from ovis.engine.resources.disks import volumes
from ovis.engine.resources.disks.tables import DiskImage
from ovis.engine.resources.vms.snapshots.tables import DiskLayer, SnapshotDisk
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)


class NewLayer(Struct, frozen=True):
    """A volume that is to lie upon another of a disk's. size: bytes, where it is not the disk's present one."""

    disk_id: str
    base: str
    volume: str
    size: int = 0


class Doomed(Struct, frozen=True):
    """Volumes of a disk that go. image: the disk's, as it was."""

    image: DiskImage
    volumes: tuple[str, ...]


def planned(pairs: Iterable[tuple[str, str]]) -> tuple[NewLayer, ...]:
    """New layers for (disk, the volume below)."""
    return tuple(NewLayer(disk_id, base, bodies.new_id()) for disk_id, base in pairs)


def chain(rd: Reader, volume: str) -> Iterator[str]:
    """A volume and those of the same image below it."""
    at: str | None = volume
    while at is not None:
        yield at
        layer = rd.get(DiskLayer, at)
        at = layer.parent if layer is not None else None


def above(rd: Reader, disk_id: str, volume: str) -> list[DiskLayer]:
    """Layers that lie right upon a volume, in use or still needed."""
    return [layer for layer in rd.find(DiskLayer, disk_id=disk_id) if layer.parent == volume and not layer.doomed]


def doom_unneeded(tx: Tx, disk_id: str) -> None:
    """Mark every layer of a disk that neither the disk nor a snapshot stands on."""
    image = tx.get(DiskImage, disk_id)
    tops = [row.volume_id for row in tx.find(SnapshotDisk, disk_id=disk_id)]
    needed = {v for top in [*tops, *([image.volume_id] if image else [])] for v in chain(tx, top)}
    for layer in tx.find(DiskLayer, disk_id=disk_id):
        if layer.id not in needed and not layer.doomed:
            tx.update(replace(layer, doomed=True))


def use(tx: Tx, disk_id: str, volume: str, like: Disk | None = None) -> None:
    """The disk's data is in another volume now: a new layer, or one that it had before as that document says."""
    tx.update(replace(tx.need(DiskImage, disk_id), volume_id=volume))
    disk = tx.need(Disk, disk_id)
    layered = like is None
    tx.update(
        replace(
            disk,
            image_id=volume,
            status=DiskStatus.OK,
            format=DiskFormat.COW if layered or like is None else like.format,
            sparse=True if layered or like is None else like.sparse,
            qcow_version=QcowVersion.QCOW2_V3 if layered or like is None else like.qcow_version,
            provisioned_size=disk.provisioned_size if like is None else like.provisioned_size,
        )
    )


async def make(ctx: Context, wanted: Sequence[NewLayer]) -> None:
    """Their volumes."""
    for layer in wanted:

        def look(rd: Reader, disk_id: str = layer.disk_id) -> tuple[Disk, DiskImage]:
            return rd.need(Disk, disk_id), rd.need(DiskImage, disk_id)

        disk, image = await ctx.read(look)
        below = replace(image, volume_id=layer.base)
        size = layer.size or disk.provisioned_size
        over = replace(disk, format=DiskFormat.COW, sparse=True, provisioned_size=size)
        await volumes.create(ctx, over, replace(image, volume_id=layer.volume), parent=below)


async def unmake(ctx: Context, wanted: Sequence[NewLayer]) -> None:
    """Their volumes go; nobody wrote to them."""
    for layer in wanted:
        image = await ctx.read(lambda rd, d=layer.disk_id: rd.get(DiskImage, d))  # type: ignore[misc]
        if image is not None:
            await volumes.delete_layers(ctx, image, [layer.volume])


def known(tx: Tx, wanted: Iterable[NewLayer]) -> None:
    """Write down layers that are there."""
    for layer in wanted:
        tx.put(DiskLayer(id=layer.volume, disk_id=layer.disk_id, parent=layer.base))


async def delete_doomed(ctx: Context, disk_ids: Iterable[str]) -> Callable[[Tx], None]:
    """Every doomed layer of these disks goes, also what an earlier attempt left."""
    gone: list[str] = []
    for disk_id in disk_ids:

        def look(rd: Reader, d: str = disk_id) -> tuple[DiskImage | None, list[DiskLayer]]:
            return rd.get(DiskImage, d), [layer for layer in rd.find(DiskLayer, disk_id=d) if layer.doomed]

        image, doomed = await ctx.read(look)
        if image is not None and doomed:
            await volumes.delete_layers(ctx, image, [layer.id for layer in doomed])
            gone += [layer.id for layer in doomed]

    def save(tx: Tx) -> None:
        for volume in gone:
            if tx.get(DiskLayer, volume) is not None:
                tx.delete(DiskLayer, volume)

    return save


async def measured(ctx: Context, disk_ids: Iterable[str], fresh: Iterable[NewLayer] = ()) -> Callable[[Tx], None]:
    """What disks take on storage: the volume that is written to, and all of them. fresh: layers that are about to be
    written to. Storage that does not answer now leaves the numbers as they are."""
    tops = {layer.disk_id: layer.volume for layer in fresh}
    found: dict[str, tuple[int, int]] = {}
    for disk_id in disk_ids:
        image, wanted = await ctx.read(lambda rd, d=disk_id: (rd.get(DiskImage, d), _all(rd, d)))  # type: ignore[misc]
        if image is None:
            continue
        try:
            top = tops.get(disk_id, image.volume_id)
            infos = {v: await volumes.exists(ctx, replace(image, volume_id=v)) for v in {*wanted, top}}
        except (HostError, HostUnreachable) as err:
            log.info("a disk was not measured", disk=disk_id, error=str(err))
            continue
        sizes = {v: int(info.get("truesize") or 0) for v, info in infos.items() if info is not None}
        found[disk_id] = sizes.get(top, 0), sum(sizes.values())

    def save(tx: Tx) -> None:
        for disk_id, (actual, total) in found.items():
            disk = tx.get(Disk, disk_id)
            if disk is not None and (disk.actual_size, disk.total_size) != (actual, total):
                tx.update(replace(disk, actual_size=actual, total_size=total))

    return save


def _all(rd: Reader, disk_id: str) -> set[str]:
    image = rd.get(DiskImage, disk_id)
    tops = [row.volume_id for row in rd.find(SnapshotDisk, disk_id=disk_id)]
    return {v for top in [*tops, *([image.volume_id] if image else [])] for v in chain(rd, top)}


# -- layers that go by themselves -----------------------------------------------------------------------------------


class DropParams(Struct, kw_only=True, frozen=True):
    """What goes."""

    vm_id: str
    doomed: tuple[Doomed, ...]


async def _drop(ctx: Context) -> None:
    for row in ctx.params.doomed:
        await volumes.delete_layers(ctx, row.image, row.volumes)


DROP = Command(
    name="vm.drop_layers",
    params=DropParams,
    title="Deleting layers of disks of VM {vm_id}",
    steps=(Step("delete", _drop),),
    hidden=True,
)


def drop(tx: Tx, vm_id: str, wanted: Sequence[NewLayer]) -> None:
    """Layers that nothing needs any more go once this transaction is committed."""
    images = {layer.disk_id: tx.get(DiskImage, layer.disk_id) for layer in wanted}
    doomed = [Doomed(image, (layer.volume,)) for layer in wanted if (image := images[layer.disk_id]) is not None]
    for layer in wanted:
        if tx.get(DiskLayer, layer.volume) is not None:
            tx.delete(DiskLayer, layer.volume)
    if doomed:
        begin(tx, DROP, DropParams(vm_id=vm_id, doomed=tuple(doomed)))
