"""The VMs of a pool: their making, who has them, their return.

Does: rows, inside a transaction of the writer. Does not: start or stop anything.
"""

from collections.abc import Iterable
from dataclasses import replace as with_fields
from itertools import islice
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from ovis.engine.access.grants import grant
from ovis.engine.access.tables import Grant
from ovis.engine.commands.locks import locked_ids
from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import Started
from ovis.engine.model.enums import VmStatus
from ovis.engine.model.types import Cluster, Template, Vm, VmPool
from ovis.engine.resources import bodies
from ovis.engine.resources.vm_pools import rules
from ovis.engine.resources.vm_pools.rules import Member
from ovis.engine.resources.vm_pools.tables import PoolUse
from ovis.engine.resources.vms import resource as vms
from ovis.engine.store.session import Reader, Tx


def sizes(rd: Reader, pool_ids: Iterable[str]) -> dict[str, int]:
    """How many VMs each pool has."""
    column = rd.sql(Vm).c.vm_pool_id
    query = sa.select(column, sa.func.count()).where(rd.among(column, list(pool_ids))).group_by(column)
    return {str(pool_id): int(count) for pool_id, count in rd.rows(query)}


def of_pool(rd: Reader, pool_id: str) -> list[Vm]:
    """Its VMs, by name."""
    return rd.select(Vm, rd.sql(Vm).c.vm_pool_id == pool_id)


def known(rd: Reader, pool_id: str) -> list[Member]:
    """Its VMs with who has them."""
    found = of_pool(rd, pool_id)
    uses = rd.get_many(PoolUse, [str(vm.id) for vm in found])
    busy = locked_ids(rd, "vm", [str(vm.id) for vm in found])
    return [_member(vm, uses.get(str(vm.id)), str(vm.id) in busy) for vm in found]


def _member(vm: Vm, use: PoolUse | None, busy: bool) -> Member:
    return Member(
        vm_id=str(vm.id),
        name=vm.name or "",
        status=vm.status or VmStatus.DOWN,
        user=use.user_id if use else "",
        prestarted=bool(use and use.prestarted),
        busy=busy,
    )


def grow(tx: Tx, call: Call, pool: VmPool, base: Vm, count: int) -> list[str]:
    """So many VMs more; their disks are made by commands that begin with this transaction. Ids of the VMs."""
    cluster = tx.need(Cluster, pool.cluster.id if pool.cluster else None)
    beside = (
        [str(c.id) for c in tx.find(Cluster, data_center_id=str(cluster.data_center.id))]
        if cluster.data_center
        else [str(cluster.id)]
    )
    table = tx.sql(Vm)
    taken = {str(row[0]) for row in tx.rows(sa.select(table.c.name_key).where(tx.among(table.c.cluster_id, beside)))}
    made = []
    for name in islice(rules.names(pool, taken), count):
        body = replace(
            base,
            name=name,
            cluster=Cluster(id=cluster.id),
            template=Template(id=pool.template.id if pool.template else None),
            use_latest_template_version=pool.use_latest_template_version,
        )
        found: Any = vms.add(tx, with_fields(call, params={}), body, pool=pool)
        made.append(str(found.entity.id if isinstance(found, Started) else found.id))
    return made


def base_of(body: VmPool) -> Vm:
    """What a body says of the pool's VMs."""
    vm = bodies.without_subs(body.vm) if body.vm is not None else Vm()
    given = {
        "display": body.display,
        "rng_device": body.rng_device,
        "soundcard_enabled": body.soundcard_enabled,
        "tpm_enabled": body.tpm_enabled,
    }
    return replace(vm, id=None, **{name: value for name, value in given.items() if value is not None})


def give(tx: Tx, pool: VmPool, vm_id: str, user_id: str) -> None:
    """A user has it from now on."""
    use = tx.get(PoolUse, vm_id) or PoolUse(id=vm_id, vm_id=vm_id, pool_id=str(pool.id))
    held = grant(tx, user_id, "UserRole", "vm", vm_id)
    tx.put(replace(use, user_id=user_id, grant_id=held.id))


def take_back(tx: Tx) -> list[str]:
    """VMs that are nobody's any more: the user's permission goes. Their ids."""
    uses = tx.select(PoolUse)
    if not uses:
        return []
    found = tx.get_many(Vm, [use.vm_id for use in uses])
    pools = tx.get_many(VmPool, {use.pool_id for use in uses})
    grants = tx.get_many(Grant, [use.grant_id for use in uses if use.grant_id])
    busy = locked_ids(tx, "vm", [use.vm_id for use in uses])
    back = []
    for use in uses:
        vm = found.get(use.vm_id)
        if vm is None or rules.returned(
            pools.get(use.pool_id), _member(vm, use, use.vm_id in busy), permitted=use.grant_id in grants
        ):
            drop(tx, use)
            back.append(use.vm_id)
    return back


def drop(tx: Tx, use: PoolUse) -> None:
    """Forget that somebody has it."""
    if use.grant_id and tx.get(Grant, use.grant_id) is not None:
        tx.delete(Grant, use.grant_id)
    tx.delete(PoolUse, use.id)
