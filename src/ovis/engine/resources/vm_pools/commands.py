"""Work on a whole pool: watching its VMs being made, and its removal.

Does: the commands that a user sees as one job; each VM's disks are made by a command of their own. Every step looks first.
Does not: decide what is allowed (`resource`).
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.grants import forget_object
from ovis.engine.commands import Command, Context, Lock, Step, locked
from ovis.engine.commands.locks import take
from ovis.engine.commands.table import LockRow
from ovis.engine.declare.faults import Fault
from ovis.engine.events import Audit
from ovis.engine.model.enums import DiskStatus, LogSeverity, VmStatus
from ovis.engine.model.types import Disk, Vm, VmPool
from ovis.engine.resources.disks import sets
from ovis.engine.resources.disks.attachments import disks_of_vm
from ovis.engine.resources.disks.tables import VmDisk
from ovis.engine.resources.vm_pools import members
from ovis.engine.resources.vm_pools.tables import PoolBase
from ovis.engine.resources.vms.actions import stop
from ovis.engine.resources.vms.nics import mac_pool_of
from ovis.engine.resources.vms.provision import forget_vm
from ovis.engine.resources.vms.state import ON_HOST
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR
_ORDERS = 3  # a VM that does not stop for so many is not asked again


class GrowParams(Struct, kw_only=True, frozen=True):
    """vms: that are being made."""

    vm_pool_id: str
    vms: tuple[str, ...] = ()


async def _made(ctx: Context) -> None:
    """Until no VM is being made any more; some may have failed, each with an event of its own."""
    vms, wait = ctx.params.vms, 0.1
    while True:
        found = await ctx.read(lambda rd: rd.get_many(Vm, vms))
        waiting = [vm for vm in found.values() if vm.status is VmStatus.IMAGE_LOCKED]
        if not waiting:
            break
        await ctx.progress(100 * (len(vms) - len(waiting)) // len(vms))
        await ctx.pause(wait)
        ctx.stop_if_cancelled()
        wait = min(wait * 1.5, 2.0)
    if len(found) < len(vms):
        raise Fault(f"{len(vms) - len(found)} of {len(vms)} VMs could not be made")


def _empty(tx: Tx, ctx: Context) -> None:
    """A pool of which nothing came goes again."""
    pool = tx.get(VmPool, ctx.params.vm_pool_id)
    if pool is not None and not members.sizes(tx, [str(pool.id)]):
        forget(tx, str(pool.id))


def forget(tx: Tx, pool_id: str) -> None:
    """Every row of a pool without VMs."""
    forget_object(tx, "vm_pool", pool_id)
    if tx.get(PoolBase, pool_id) is not None:
        tx.delete(PoolBase, pool_id)
    tx.delete(VmPool, pool_id)


_STEP = Step("vms", _made, undo=_empty, undo_own=True, title="Creating the VMs")
ADD = Command(
    name="vm_pool.add",
    params=GrowParams,
    title="Creating pool {vm_pool}",
    steps=(_STEP,),
    done=Audit(code=302, severity=N, text="Pool {vm_pool} was created by {user}."),
    failed=Audit(code=303, severity=E, text="Pool {vm_pool} could not be created (User: {user}): {reason}"),
)
GROW = Command(
    name="vm_pool.grow",
    params=GrowParams,
    title="Adding VMs to pool {vm_pool}",
    steps=(Step("vms", _made, title="Creating the VMs"),),
    done=Audit(code=344, severity=N, text="VMs were added to pool {vm_pool} by {user}."),
    failed=Audit(code=345, severity=E, text="VMs could not be added to pool {vm_pool} (User: {user}): {reason}"),
)


class RemoveParams(Struct, kw_only=True, frozen=True):
    """The pool that goes, with its VMs."""

    vm_pool_id: str


async def _stop(ctx: Context) -> None:
    """Until all VMs are down and this command holds them: who runs is powered off, who is being worked on waited for."""
    wait, asked = 0.1, Counter[str]()
    while True:
        waiting, stopped = await ctx.write(partial(_hold, ctx))
        if not waiting:
            return
        asked.update(stopped)
        stubborn = [vm_id for vm_id, times in asked.items() if times > _ORDERS]
        if stubborn:
            raise Fault(f"{len(stubborn)} of its VMs could not be stopped")
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, 2.0)


def _hold(ctx: Context, tx: Tx) -> tuple[bool, list[str]]:
    """Whether there is still something to wait for, and who was powered off now; else everything is held."""
    waiting, stopped, locks = False, [], []
    held = {row.key for row in tx.find(LockRow, command_id=ctx.command_id)}
    found = members.of_pool(tx, ctx.params.vm_pool_id)
    for vm in found:
        wanted = [Lock("vm", str(vm.id)), *(Lock("disk", str(disk.id)) for disk in _disks_of(tx, vm))]
        missing = [lock for lock in wanted if f"{lock.type}:{lock.id}" not in held]
        locks += missing
        if vm.status in ON_HOST or vm.status is VmStatus.SUSPENDED:
            waiting = True
            if stop.power_off(tx, vm):
                stopped.append(str(vm.id))
        elif any(locked(tx, lock.type, lock.id, shared_too=True) for lock in missing):
            waiting = True
    if waiting:
        return True, stopped
    take(tx, ctx.command_id, locks)
    for vm in found:
        if vm.status is not VmStatus.IMAGE_LOCKED:
            tx.update(replace(vm, status=VmStatus.IMAGE_LOCKED))
        for disk in _disks_of(tx, vm):
            if disk.status is DiskStatus.OK:
                tx.update(replace(disk, status=DiskStatus.LOCKED))
    return False, []


def _disks_of(rd: Reader, vm: Vm) -> list[Disk]:
    """Disks that are the VM's alone."""
    found = [disk for _, disk, _ in disks_of_vm(rd, str(vm.id))]
    return [disk for disk in found if rd.count(VmDisk, disk_id=str(disk.id)) == 1]


def _let_go(tx: Tx, ctx: Context) -> None:
    """Nothing was removed: its VMs are what they were, but down."""
    for vm in members.of_pool(tx, ctx.params.vm_pool_id):
        if vm.status is VmStatus.IMAGE_LOCKED:
            tx.update(replace(vm, status=VmStatus.DOWN))
            sets.unlock(tx, [str(disk.id) for disk in _disks_of(tx, vm)])


def _own(rd: Reader, pool_id: str) -> list[str]:
    """Disks that go with the pool."""
    return [str(disk.id) for vm in members.of_pool(rd, pool_id) for disk in _disks_of(rd, vm)]


async def _disks(ctx: Context) -> Callable[[Tx], None]:
    pool_id = ctx.params.vm_pool_id
    doomed = await ctx.read(lambda rd: _own(rd, pool_id))
    for done, disk_id in enumerate(doomed):
        await sets.delete(ctx, [disk_id])
        await ctx.progress(100 * (done + 1) // len(doomed))

    def save(tx: Tx) -> None:
        for vm in members.of_pool(tx, pool_id):
            forget_vm(tx, str(vm.id), mac_pool_of(tx, vm))
        sets.forget(tx, [disk_id for disk_id in doomed if tx.get(Disk, disk_id) is not None])
        if tx.get(VmPool, pool_id) is not None:
            forget(tx, pool_id)

    return save


def _half(tx: Tx, ctx: Context) -> None:
    """Its disks may be half gone: nobody uses them any more."""
    sets.condemn(tx, _own(tx, ctx.params.vm_pool_id))


REMOVE = Command(
    name="vm_pool.remove",
    params=RemoveParams,
    title="Removing pool {vm_pool}",
    steps=(
        Step("stop", _stop, undo=_let_go, undo_own=True, title="Stopping its VMs"),
        Step("disks", _disks, undo=_half, undo_own=True, title="Removing its VMs"),
    ),
    done=Audit(code=304, severity=N, text="Pool {vm_pool} was removed by {user}."),
    failed=Audit(code=305, severity=E, text="Failed to remove pool {vm_pool} (User: {user}): {reason}"),
)
COMMANDS = (ADD, GROW, REMOVE)
