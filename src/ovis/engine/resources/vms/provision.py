"""A VM's own part of its making and removal: the commands of /vms add and remove.

Does: disks as thin layers (qcow2 over the template's volume) or full copies, of a template's disks or of a snapshot's.
The steps are those of everything that owns disks (`disks.owned`). Does not: copy a running VM (`actions.clone`).
"""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.grants import forget_object
from ovis.engine.events import Audit
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Vm
from ovis.engine.resources.disks import owned
from ovis.engine.resources.disks.tables import VmDisk
from ovis.engine.resources.mac_pools import release
from ovis.engine.resources.tags import forget_tags
from ovis.engine.resources.vms import memory
from ovis.engine.resources.vms.external import VmExternal
from ovis.engine.resources.vms.numa import VmNumaNode
from ovis.engine.resources.vms.snapshots.tables import VmSnapshot
from ovis.engine.resources.vms.state import S, VmCdrom, VmConsole, VmNextRun, VmNic, VmRuntime
from ovis.engine.resources.vms.watchdogs import VmWatchdog
from ovis.engine.store.session import Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR


class ProvisionParams(Struct, kw_only=True, frozen=True):
    """copies: (source disk, new disk); clone: copy the data instead of layering. mac_pool: of the VM's cluster.
    volumes: of source disks, where it is not their present one."""

    vm_id: str
    copies: tuple[tuple[str, str], ...] = ()
    clone: bool = False
    mac_pool: str = ""
    keep_disks: bool = False
    volumes: dict[str, str] = {}

    @property
    def disks(self) -> list[str]:
        """The VM's own."""
        return [disk_id for _, disk_id in self.copies]


def forget_vm(tx: Tx, vm_id: str, mac_pool: str) -> None:
    """Every row of a VM; its disks' rows are somebody else's. Memory of its snapshots goes from storage."""
    for nic in tx.find(VmNic, vm_id=vm_id):
        if nic.nic.mac and nic.nic.mac.address and mac_pool:
            release(tx, mac_pool, nic.nic.mac.address)
        tx.delete(VmNic, nic.id)
    for snapshot in tx.find(VmSnapshot, vm_id=vm_id):
        if snapshot.memory is not None:
            memory.drop(tx, vm_id, snapshot.memory)
        tx.delete(VmSnapshot, snapshot.id)
    for type_ in (VmCdrom, VmConsole, VmWatchdog, VmNumaNode, VmExternal, VmDisk):
        rows: list[Any] = tx.find(type_, vm_id=vm_id)
        for row in rows:
            tx.delete(type_, row.id)
    for one in (VmRuntime, VmNextRun):
        if tx.get(one, vm_id) is not None:
            tx.delete(one, vm_id)
    forget_tags(tx, vm_id)
    forget_object(tx, "vm", vm_id)
    if tx.get(Vm, vm_id) is not None:
        tx.delete(Vm, vm_id)


def _down(tx: Tx, params: Any) -> None:
    vm = tx.get(Vm, params.vm_id)
    if vm is not None and vm.status is S.IMAGE_LOCKED:
        tx.update(replace(vm, status=S.DOWN))


OWNER = owned.Owner(
    noun="vm",
    label="VM",
    params=ProvisionParams,
    find=lambda rd, params: rd.get(Vm, params.vm_id),
    forget=lambda tx, params: forget_vm(tx, params.vm_id, params.mac_pool),
    ready=_down,
    stays=_down,
    layered=lambda params: not params.clone,
)
ADD = owned.add(
    OWNER,
    done=Audit(code=53, severity=N, text="VM {vm} creation was completed."),
    failed=Audit(code=60, severity=E, text="VM {vm} could not be created: {reason}"),
)
REMOVE = owned.remove(
    OWNER,
    done=Audit(code=113, severity=N, text="VM {vm} was removed by {user}."),
    failed=Audit(code=59, severity=E, text="Failed to remove VM {vm} (User: {user}): {reason}"),
)
COMMANDS = (ADD, REMOVE)
