"""The watchdog of a VM: /vms/ID/watchdogs. It takes effect at the next start.

Follows: domain XML, device `watchdog`; a VM has one at most.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity, WatchdogModel
from ovis.engine.model.types import Vm, Watchdog
from ovis.engine.resources import bodies
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table

CHANGED = Audit(code=35, severity=LogSeverity.NORMAL, text="VM {vm} configuration was updated by {user}.")


class VmWatchdog(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A row of vm_watchdogs: the API's document and the VM it belongs to."""

    id: str
    vm_id: str
    watchdog: Watchdog


TABLE = Table(
    name="vm_watchdogs",
    type=VmWatchdog,
    columns=(Column(name="vm_id", references="vms", on_delete="cascade", unique=True),),
)


def shown(row: VmWatchdog) -> Watchdog:
    """The watchdog as the API shows it."""
    return replace(row.watchdog, id=row.id, vm=Vm(id=row.vm_id))


def _list(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Watchdog]]:
    out: dict[str, list[Watchdog]] = {p: [] for p in parents}
    for row in rd.find(VmWatchdog, vm_id=list(parents)):
        out[row.vm_id].append(shown(row))
    return out


def check(found: Watchdog) -> None:
    """Refuse a model that no guest here knows."""
    if found.model is not WatchdogModel.I6300ESB:
        raise refuse(
            "WATCHDOG_MODEL_IS_NOT_SUPPORTED_BY_OS",
            f"Watchdog model {found.model.value if found.model else 'nothing'} is not of this architecture.",
            "Use i6300esb.",
            bad=True,
        )


def add(tx: Tx, call: Call, body: Watchdog) -> Watchdog:
    """POST."""
    vm = tx.need(Vm, call.ids[0])
    check(body)
    if tx.count(VmWatchdog, vm_id=str(vm.id)):
        raise refuse("WATCHDOG_ALREADY_EXISTS", f"VM {vm.name} already has a watchdog.", "Change that one.")
    watchdog = Watchdog(name=body.name or "watchdog", model=body.model, action=body.action)
    row = tx.insert(VmWatchdog(id=bodies.new_id(), vm_id=str(vm.id), watchdog=watchdog))
    record(tx, CHANGED, call=call, vm=vm)
    return shown(row)


def update(tx: Tx, call: Call, body: Watchdog) -> Watchdog:
    """PUT: model and action."""
    row = tx.need(VmWatchdog, call.ids[1])
    new = bodies.merge(row.watchdog, body, keep=("vm", "template", "instance_type"))
    check(new)
    if new != row.watchdog:
        row = tx.update(replace(row, watchdog=new))
        record(tx, CHANGED, call=call, vm=tx.need(Vm, row.vm_id))
    return shown(row)


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE."""
    tx.delete(VmWatchdog, call.ids[1])
    record(tx, CHANGED, call=call, vm=tx.need(Vm, call.ids[0]))


_MAY = (Need(Permit.EDIT_VM_PROPERTIES),)
WATCHDOGS_OF_VM = Resource(
    type=Watchdog,
    collection="watchdogs",
    list=Op(run=_list, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=(Need(Permit.EDIT_VM_PROPERTIES, "parent"),), mandatory=("action", "model")),
    update=Op(run=update, needs=_MAY),
    remove=Op(run=remove, needs=_MAY),
)
