"""Take a VM out of its pool: POST /vms/ID/detach.

Does: make it a VM like any other, which keeps what is written. Does not: remove it.
Follows: status matrix, `detach from pool`.
"""

from msgspec.structs import replace

from ovis.engine.access.check import require
from ovis.engine.access.tables import Grant
from ovis.engine.commands import require_unlocked
from ovis.engine.declare.call import Call
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Action as ApiAction
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Action, Vm, VmPool
from ovis.engine.resources import bodies
from ovis.engine.resources.vm_pools import rules
from ovis.engine.resources.vm_pools.tables import PoolUse
from ovis.engine.store.session import Tx

DETACHED = Audit(code=308, severity=LogSeverity.NORMAL, text="VM {vm} was detached from pool {vm_pool} by {user}.")


def detach(tx: Tx, call: Call, action: Action) -> None:
    """The action."""
    vm = tx.need(Vm, call.ids[0])
    if vm.vm_pool is not None:
        require(tx, call, Permit.EDIT_VM_POOL_CONFIGURATION, "vm_pool", str(vm.vm_pool.id))
    bodies.raise_all(rules.refusals_to_detach(vm))
    require_unlocked(tx, ("vm", str(vm.id)))
    pool = tx.get(VmPool, vm.vm_pool.id if vm.vm_pool else None)
    tx.update(replace(vm, vm_pool=None, stateless=False))
    use = tx.get(PoolUse, str(vm.id))
    if use is not None:
        if use.grant_id and tx.get(Grant, use.grant_id) is not None:
            tx.delete(Grant, use.grant_id)
        tx.delete(PoolUse, use.id)
    record(tx, DETACHED, call=call, vm=vm, vm_pool=pool)


# On what it must be held is known only when the VM has been read.
ACTION = ApiAction(
    name="detach", run=detach, needs=PUBLIC, body=("async",), asks=(Permit.EDIT_VM_POOL_CONFIGURATION,), sync=True
)
