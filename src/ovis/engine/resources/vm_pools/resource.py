"""VM pools: /vmpools, machines of one kind that users take and give back.

Does: add with its VMs, list, get, update (it grows), remove with its VMs, allocatevm. Does not: start VMs beforehand
or take them back (`upkeep`), take one out (`detach`). An update's VM is what the next VMs are like.
Follows: defaults, limits and permits of engine 4.5.
"""

from collections.abc import Sequence
from dataclasses import replace as with_fields
from typing import Any

from msgspec.structs import replace

from ovis.engine.commands import Lock, begin, locked
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.ids import BLANK_TEMPLATE
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Action as ApiAction, Need, Op, Param, Resource, Started
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity, VmPoolType, VmStatus
from ovis.engine.model.types import Action, Cluster, InstanceType, Template, Vm, VmPool
from ovis.engine.resources import bodies, cross_search as cross
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.resources.vm_pools import commands, members, rules
from ovis.engine.resources.vm_pools.tables import POOLS, PoolBase, PoolUse
from ovis.engine.resources.vms.actions import start
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx

N = LogSeverity.NORMAL
UPDATED = Audit(code=314, severity=N, text="Pool {vm_pool} was updated by {user}.")
GIVEN = Audit(code=316, severity=N, text="{user} received VM {vm} of pool {vm_pool}.")
REMOVING = Audit(code=321, severity=N, text="The removal of pool {vm_pool} was begun by {user}.")
_FIXED = {"cluster": "cluster", "template": "template", "stateful": "keeping of state", "type": "type"}


def _stored(pool: VmPool) -> VmPool:
    """Without what is counted or kept elsewhere."""
    return replace(pool, size=None, vm=None, permissions=None)


def shown(rd: Reader, call: Call, found: Sequence[VmPool]) -> list[VmPool]:
    """With its size."""
    sizes = members.sizes(rd, [str(pool.id) for pool in found])
    return [replace(pool, size=sizes.get(str(pool.id), 0)) for pool in found]


def add(tx: Tx, call: Call, body: VmPool) -> Started:
    """POST /vmpools: the pool is there at once, its VMs' disks come."""
    cluster = bodies.resolve(tx, Cluster, body.cluster)
    template = bodies.resolve(tx, Template, body.template)
    if template.id == BLANK_TEMPLATE:
        raise refuse(
            "VM_POOL_CANNOT_CREATE_FROM_BLANK_TEMPLATE",
            "A pool's VMs come from a template with a disk, not from Blank.",
            "Make a template first.",
            bad=True,
        )
    size = body.size if body.size is not None else 1
    kind = bodies.resolve(tx, InstanceType, body.instance_type) if body.instance_type is not None else None
    pool = _stored(
        replace(
            body,
            id=bodies.new_id(),
            description=body.description or None,
            comment=body.comment if body.comment is not None else "",
            cluster=Cluster(id=cluster.id),
            template=Template(id=template.id),
            instance_type=InstanceType(id=kind.id) if kind is not None else None,
            type=body.type or VmPoolType.AUTOMATIC,
            stateful=bool(body.stateful),
            prestarted_vms=body.prestarted_vms or 0,
            max_user_vms=body.max_user_vms if body.max_user_vms is not None else 1,
            auto_storage_select=bool(body.auto_storage_select),
            use_latest_template_version=bool(body.use_latest_template_version),
        )
    )
    _check(tx, pool, size)
    base = members.base_of(body)
    tx.insert(pool)
    tx.insert(PoolBase(id=str(pool.id), pool_id=str(pool.id), vm=base))
    return _grown(tx, call, commands.ADD, pool, base, size, replace(pool, size=size))


def _grown(tx: Tx, call: Call, command: Any, pool: VmPool, base: Vm, count: int, entity: VmPool) -> Started:
    vms = members.grow(tx, call, pool, base, count)
    return begin(
        tx,
        command,
        commands.GrowParams(vm_pool_id=str(pool.id), vms=tuple(vms)),
        call=call,
        locks=(Lock("vm_pool", str(pool.id), shared=True),),
        subjects=(("vm_pool", str(pool.id)),),
        entity=entity,
    )


def _check(rd: Reader, pool: VmPool, size: int) -> None:
    bodies.raise_all(rules.refusals(pool, size))
    bodies.require_free_name(rd, VmPool, pool.name, "ACTION_TYPE_FAILED_NAME_ALREADY_USED", own_id=pool.id)


def _require_staying(rd: Reader, pool: VmPool) -> None:
    if locked(rd, "vm_pool", str(pool.id)):
        raise refuse(
            "ACTION_TYPE_FAILED_OBJECT_LOCKED",
            f"Pool {pool.name} is in use by another operation.",
            "Try again when it is done.",
        )


def update(tx: Tx, call: Call, body: VmPool) -> VmPool | Started:
    """PUT /vmpools/ID: it may grow."""
    old = tx.need(VmPool, call.ids[-1])
    _require_staying(tx, old)
    named = replace(
        body,
        cluster=bodies.link(Cluster, bodies.resolve(tx, Cluster, body.cluster)) if body.cluster else None,
        template=bodies.link(Template, bodies.resolve(tx, Template, body.template)) if body.template else None,
    )
    new = _stored(bodies.merge(old, named, keep=("vm",)))
    before = members.sizes(tx, [str(old.id)]).get(str(old.id), 0)
    size = body.size if body.size is not None else before
    bodies.raise_all(rules.spreads(old, new, _FIXED) + rules.refusals_to_resize(old, before, size))
    _check(tx, new, size)
    kept = tx.need(PoolBase, str(old.id))
    base = bodies.merge(kept.vm, members.base_of(body))
    if base != kept.vm:
        tx.update(replace(kept, vm=base))
    after = tx.update(new) if new != old else old
    if size > before:
        return _grown(tx, call, commands.GROW, after, base, size - before, replace(after, size=size))
    record(tx, UPDATED, call=call, vm_pool=after)
    return replace(after, size=size)


def remove(tx: Tx, call: Call, body: Any) -> Started:
    """DELETE /vmpools/ID: with its VMs, running ones are powered off."""
    pool = tx.need(VmPool, call.ids[-1])
    protected = [str(vm.name) for vm in members.of_pool(tx, str(pool.id)) if vm.delete_protected]
    if protected:
        raise refuse(
            "ACTION_TYPE_FAILED_DELETE_PROTECTION_ENABLED",
            f"These VMs are protected against deletion: {', '.join(protected)}.",
            "Switch their delete protection off first.",
        )
    record(tx, REMOVING, call=call, vm_pool=pool)
    return begin(
        tx,
        commands.REMOVE,
        commands.RemoveParams(vm_pool_id=str(pool.id)),
        call=call,
        locks=(Lock("vm_pool", str(pool.id)),),
        subjects=(("vm_pool", str(pool.id)),),
    )


def allocate(tx: Tx, call: Call, action: Action) -> Action | Started:
    """POST allocatevm: a VM of the pool is the user's; one that does not run yet is started."""
    pool = tx.need(VmPool, call.ids[0])
    _require_staying(tx, pool)
    user = call.principal.user_id
    if len(tx.find(PoolUse, pool_id=str(pool.id), user_id=user)) >= (pool.max_user_vms or 1):
        raise refuse(
            "VM_POOL_CANNOT_ATTACH_TO_MORE_VMS_FROM_POOL",
            f"You have as many VMs of pool {pool.name} as one user may have ({pool.max_user_vms}).",
            "Use those, or shut one down.",
        )
    chosen = rules.choose(members.known(tx, str(pool.id)))
    if chosen is None:
        raise refuse(
            "ACTION_TYPE_FAILED_NO_AVAILABLE_POOL_VMS",
            f"Pool {pool.name} has no free VM.",
            "Wait until somebody gives one back, or make the pool larger.",
        )
    members.give(tx, pool, chosen.vm_id, user)
    vm = tx.need(Vm, chosen.vm_id)
    record(tx, GIVEN, call=call, vm=vm, vm_pool=pool)
    if vm.status is not VmStatus.DOWN:
        return Action(vm=Vm(id=vm.id))
    started = start.start(tx, with_fields(call, ids=(chosen.vm_id,)), Action())
    return with_fields(started, result={**started.result, "vm": Vm(id=vm.id)})


SEARCH = SearchObject(
    table=POOLS,
    prefix="Pools",
    fields={
        "name": Field("text", "name"),
        "description": Field("text", "description"),
        "comment": Field("text", "comment"),
        "type": Field("enum", "type"),
        "cluster": Field("text", via=Join("clusters", "cluster_id", "name"), free=False),
        "datacenter": Field(
            "text",
            via=Join("clusters", "cluster_id", "data_center_id", then=Join("data_centers", "data_center_id", "name")),
            free=False,
        ),
        "architecture": Field("enum", via=Join("clusters", "cluster_id", "architecture")),
    },
    cross={"cluster": (cross.clusters, Join("clusters", "cluster_id", "id"))},
)
RESOURCE = Resource(
    type=VmPool,
    collection="vmpools",
    object_type="vm_pool",
    table=POOLS,
    search=SEARCH,
    derive=shown,
    cacheable=False,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(
        run=add,
        needs=(Need(Permit.CREATE_VM_POOL, "cluster"), Need(Permit.CREATE_VM, "template")),
        params=(Param(name="seal"),),
        mandatory=("name", "cluster.id|cluster.name", "template.id|template.name"),
        asks=(Permit.CHANGE_VM_CUSTOM_PROPERTIES, Permit.EDIT_ADMIN_VM_PROPERTIES),
    ),
    update=Op(run=update, needs=(Need(Permit.EDIT_VM_POOL_CONFIGURATION),), params=(Param(name="seal"),)),
    remove=Op(run=remove, needs=(Need(Permit.DELETE_VM_POOL),)),
    actions=(
        ApiAction(name="allocatevm", run=allocate, needs=(Need(Permit.VM_POOL_BASIC_OPERATIONS),), body=("async",)),
    ),
    subs=(permissions_of("vm_pool"),),
)
COMMANDS = commands.COMMANDS
