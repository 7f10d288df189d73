"""Saved memory of suspended VMs: two volumes that go when nobody needs them any more.

Does: forget a VM's saved memory at once and delete its volumes in a command of the engine's own, however long their
storage is away. Does not: make them (`actions.suspend`).
"""

from collections.abc import Callable

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


def image(ids: tuple[str, str, str, str]) -> DiskImage:
    """A memory volume as volumes' verbs want it."""
    pool, domain, image_id, volume = ids
    return DiskImage(id=image_id, pool_id=pool, domain_id=domain, image_id=image_id, volume_id=volume)


async def _delete(ctx: Context) -> None:
    p: MemoryParams = ctx.params
    for ids in (p.saved.memory, p.saved.configuration):
        await volumes.delete_for_sure(ctx, image(ids))


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


async def drop_memory(ctx: Context, vm_id: str) -> Callable[[Tx], None]:
    """Delete a VM's saved memory now; the returned write forgets it."""
    runtime = await ctx.read(lambda rd: rd.get(VmRuntime, vm_id))
    if runtime is not None and runtime.saved is not None:
        await volumes.delete(ctx, image(runtime.saved.memory))
        await volumes.delete(ctx, image(runtime.saved.configuration))

    def save(tx: Tx) -> None:
        now = tx.get(VmRuntime, vm_id)
        if now is not None:
            tx.put(replace(now, saved=None))

    return save


COMMANDS = (DROP_MEMORY,)
