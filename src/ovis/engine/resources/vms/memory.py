"""Saved memory of suspended VMs: two volumes that go when nobody needs them any more.

Does: say where memory can be saved, make and delete its volumes; forget a VM's saved memory at once and delete the
volumes in a command of the engine's own, however long their storage is away.
"""

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.commands import Command, Context, Step, begin
from ovis.engine.declare.faults import refuse
from ovis.engine.model.enums import DiskFormat, StorageDomainStatus
from ovis.engine.model.types import Cluster, Disk, StorageDomain, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.disks import volumes
from ovis.engine.resources.disks.attachments import disks_of_vm
from ovis.engine.resources.disks.tables import DiskImage
from ovis.engine.resources.storage_domains.tables import Attachment
from ovis.engine.resources.vms.state import MemoryImage, VmRuntime
from ovis.engine.store.session import Reader, Tx

_OVERHEAD = 64 << 20


class MemoryParams(Struct, kw_only=True, frozen=True):
    """Whose memory it was, and where it is."""

    vm_id: str
    saved: MemoryImage


def memory_image(ids: tuple[str, str, str, str]) -> DiskImage:
    """A memory volume as volumes' verbs want it."""
    pool, domain, image_id, volume = ids
    return DiskImage(id=image_id, pool_id=pool, domain_id=domain, image_id=image_id, volume_id=volume)


async def _delete(ctx: Context) -> None:
    await unmake(ctx, ctx.params.saved)


DROP_MEMORY = Command(
    name="vm.drop_memory",
    params=MemoryParams,
    title="Deleting the saved memory of VM {vm_id}",
    steps=(Step("delete", _delete),),
    hidden=True,
)


def without_memory(tx: Tx, runtime: VmRuntime) -> VmRuntime:
    """The runtime without its saved memory, whose volumes go once this transaction is committed."""
    if runtime.saved is None:
        return runtime
    if not runtime.saved.shared:
        drop(tx, runtime.id, runtime.saved)
    return replace(runtime, saved=None)


def drop(tx: Tx, vm_id: str, saved: MemoryImage) -> None:
    """Saved memory that nobody needs: its volumes go once this transaction is committed."""
    begin(tx, DROP_MEMORY, MemoryParams(vm_id=vm_id, saved=saved))


async def make(ctx: Context, saved: MemoryImage) -> None:
    """The two volumes."""
    dump = Disk(alias="memory", provisioned_size=saved.size, format=DiskFormat.RAW, sparse=True)
    await volumes.create(ctx, dump, memory_image(saved.memory), kind="MEMD")
    setup = Disk(alias="configuration", provisioned_size=10240, format=DiskFormat.RAW, sparse=True)
    await volumes.create(ctx, setup, memory_image(saved.configuration), kind="MEMM")


async def unmake(ctx: Context, saved: MemoryImage) -> None:
    """They go again."""
    for ids in (saved.memory, saved.configuration):
        await volumes.delete_for_sure(ctx, memory_image(ids))


def handle(saved: MemoryImage) -> str:
    """VDSM's name of both: domain, pool, image, volume, image, volume."""
    pool, domain, image, volume = saved.memory
    _, _, setup, setup_volume = saved.configuration
    return ",".join((domain, pool, image, volume, setup, setup_volume))


def planned(rd: Reader, vm: Vm) -> MemoryImage:
    """Where a VM's memory could be saved: on its first disk's domain, else on any active one with room."""
    cluster = rd.need(Cluster, vm.cluster.id if vm.cluster else None)
    pool = str(cluster.data_center.id) if cluster.data_center else ""
    active = [a for a in rd.find(Attachment, data_center_id=pool) if a.status is StorageDomainStatus.ACTIVE]
    order = [image.domain_id for _, _, image in disks_of_vm(rd, str(vm.id))]
    active.sort(key=lambda a: (a.storage_domain_id not in order, a.storage_domain_id))
    for row in active:
        domain = rd.need(StorageDomain, row.storage_domain_id)
        if (domain.available or 0) > (vm.memory or 0) + _OVERHEAD:
            ids = (pool, row.storage_domain_id)
            return MemoryImage(
                memory=(*ids, bodies.new_id(), bodies.new_id()),
                configuration=(*ids, bodies.new_id(), bodies.new_id()),
                size=(vm.memory or 0) + _OVERHEAD,
            )
    raise refuse(
        "ACTION_TYPE_FAILED_NO_SUITABLE_DOMAIN_FOUND", f"No storage domain has room for the memory of {vm.name}."
    )


COMMANDS = (DROP_MEMORY,)
