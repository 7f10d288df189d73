"""Saved memory of suspended VMs: two volumes that go when nobody needs them any more.

Does: forget a VM's saved memory at once and delete its volumes in a command of the engine's own, however long their
storage is away. Does not: make them (`actions.suspend`).
"""

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.commands import Command, Context, Step, begin
from ovis.engine.resources.disks import volumes
from ovis.engine.resources.disks.tables import DiskImage
from ovis.engine.resources.vms.state import MemoryImage, VmRuntime
from ovis.engine.store.session import Tx


class MemoryParams(Struct, kw_only=True, frozen=True):
    """Whose memory it was, and where it is."""

    vm_id: str
    saved: MemoryImage


def memory_image(ids: tuple[str, str, str, str]) -> DiskImage:
    """A memory volume as volumes' verbs want it."""
    pool, domain, image_id, volume = ids
    return DiskImage(id=image_id, pool_id=pool, domain_id=domain, image_id=image_id, volume_id=volume)


async def _delete(ctx: Context) -> None:
    p: MemoryParams = ctx.params
    for ids in (p.saved.memory, p.saved.configuration):
        await volumes.delete_for_sure(ctx, memory_image(ids))


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
    begin(tx, DROP_MEMORY, MemoryParams(vm_id=runtime.id, saved=runtime.saved))
    return replace(runtime, saved=None)


COMMANDS = (DROP_MEMORY,)
