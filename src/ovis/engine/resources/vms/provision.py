"""Making a VM's disks out of a template's, and removing them: commands of /vms add and remove.

Does: thin layers (qcow2 over the template's volume) or full copies. Every step looks first. Follows: flows, section 4.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.grants import forget_object
from ovis.engine.commands import Command, Context, Step
from ovis.engine.events import Audit
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Vm
from ovis.engine.resources.disks import sets
from ovis.engine.resources.disks.tables import VmDisk
from ovis.engine.resources.mac_pools import release
from ovis.engine.resources.tags import forget_tags
from ovis.engine.resources.vms.state import S, VmCdrom, VmConsole, VmNextRun, VmNic, VmRuntime
from ovis.engine.resources.vms.watchdogs import VmWatchdog
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR


class ProvisionParams(Struct, kw_only=True, frozen=True):
    """copies: (source disk, new disk); clone: copy the data instead of layering. mac_pool: of the VM's cluster."""

    vm_id: str
    copies: tuple[tuple[str, str], ...] = ()
    clone: bool = False
    mac_pool: str = ""
    keep_disks: bool = False

    @property
    def disks(self) -> list[str]:
        """The VM's own."""
        return [disk_id for _, disk_id in self.copies]


def words(rd: Reader, params: ProvisionParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The VM, or its name once it is gone."""
    return {"vm": rd.get(Vm, params.vm_id) or state.get("name", params.vm_id)}


def forget_vm(tx: Tx, vm_id: str, mac_pool: str) -> None:
    """Every row of a VM; its disks' rows are somebody else's."""
    for nic in tx.find(VmNic, vm_id=vm_id):
        if nic.nic.mac and nic.nic.mac.address and mac_pool:
            release(tx, mac_pool, nic.nic.mac.address)
        tx.delete(VmNic, nic.id)
    for cdrom in tx.find(VmCdrom, vm_id=vm_id):
        tx.delete(VmCdrom, cdrom.id)
    for console in tx.find(VmConsole, vm_id=vm_id):
        tx.delete(VmConsole, console.id)
    for watchdog in tx.find(VmWatchdog, vm_id=vm_id):
        tx.delete(VmWatchdog, watchdog.id)
    for row in tx.find(VmDisk, vm_id=vm_id):
        tx.delete(VmDisk, row.id)
    for type_ in (VmRuntime, VmNextRun):
        if tx.get(type_, vm_id) is not None:
            tx.delete(type_, vm_id)
    forget_tags(tx, vm_id)
    forget_object(tx, "vm", vm_id)
    if tx.get(Vm, vm_id) is not None:
        tx.delete(Vm, vm_id)


def _begin(tx: Tx, ctx: Context) -> None:
    vm = tx.get(Vm, ctx.params.vm_id)
    ctx.state["name"] = vm.name if vm else ""


def _undo_add(tx: Tx, ctx: Context) -> None:
    sets.forget(tx, ctx.params.disks)
    forget_vm(tx, ctx.params.vm_id, ctx.params.mac_pool)


async def _copy(ctx: Context) -> Callable[[Tx], None]:
    p: ProvisionParams = ctx.params
    usable = await sets.make(ctx, p.copies, layered=not p.clone)

    def save(tx: Tx) -> None:
        usable(tx)
        vm = tx.need(Vm, p.vm_id)
        if vm.status is S.IMAGE_LOCKED:
            tx.update(replace(vm, status=S.DOWN))

    return save


async def _uncopy(ctx: Context) -> None:
    await sets.delete(ctx, ctx.params.disks)


ADD = Command(
    name="vm.add",
    params=ProvisionParams,
    title="Creating VM {vm}",
    words=words,
    steps=(
        Step("begin", _begin, undo=_undo_add, undo_own=True),
        Step("disks", _copy, undo=_uncopy, undo_own=True, title="Creating the disks"),
    ),
    done=Audit(code=53, severity=N, text="VM {vm} creation was completed."),
    failed=Audit(code=60, severity=E, text="VM {vm} could not be created: {reason}"),
)


async def _remove_disks(ctx: Context) -> Callable[[Tx], None]:
    p: ProvisionParams = ctx.params
    await sets.delete(ctx, p.disks)

    def save(tx: Tx) -> None:
        forget_vm(tx, p.vm_id, p.mac_pool)
        sets.forget(tx, p.disks)

    return save


def _not_removed(tx: Tx, ctx: Context) -> None:
    """The VM stays."""
    vm = tx.get(Vm, ctx.params.vm_id)
    if vm is not None and vm.status is S.IMAGE_LOCKED:
        tx.update(replace(vm, status=S.DOWN))
    sets.unlock(tx, ctx.params.disks)


def _half_removed(tx: Tx, ctx: Context) -> None:
    """Its disks may be half gone."""
    sets.condemn(tx, ctx.params.disks)


REMOVE = Command(
    name="vm.remove",
    params=ProvisionParams,
    title="Removing VM {vm}",
    words=words,
    steps=(
        Step("begin", _begin, undo=_not_removed, undo_own=True),
        Step("disks", _remove_disks, undo=_half_removed, undo_own=True, title="Removing the disks"),
    ),
    done=Audit(code=113, severity=N, text="VM {vm} was removed by {user}."),
    failed=Audit(code=59, severity=E, text="Failed to remove VM {vm} (User: {user}): {reason}"),
)
COMMANDS = (ADD, REMOVE)
