"""One round for a cluster: what to move and why, and beginning it, in one transaction of the writer.

Does: affinity first, else the policy's balancer; asks the scheduler whether another host really is better; limits moves.
Does not: wait for migrations. A VM that left a host lately does not go back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ovis.engine.declare.faults import Fault
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Cluster, Vm
from ovis.engine.resources.balancing.affinity_moves import candidates
from ovis.engine.resources.balancing.damping import Damping
from ovis.engine.resources.balancing.tables import RestingHost
from ovis.engine.resources.scheduler_proxy.asking import ASKING
from ovis.engine.resources.vms import rules
from ovis.engine.resources.vms.needs import Scene, facts_of, scene_of
from ovis.engine.resources.vms.placement import place
from ovis.engine.resources.vms.snapshot_of_hosts import hosts_of
from ovis.engine.resources.vms.state import ON_HOST, S, VmRuntime
from ovis.engine.scheduling.reservation import unsafe_hosts
from ovis.engine.scheduling.unit import Balance, Balancer, Move, PowerAction
from ovis.engine.scheduling.units import BY_ID
from ovis.engine.scheduling.world import VmFacts, World
from ovis.engine.store.session import Reader, Tx

BALANCED = Audit(
    code=12001,
    severity=LogSeverity.NORMAL,
    text="VM {vm} is migrated by load balancing of cluster {cluster}: {reason}.",
)
ENFORCED = Audit(
    code=12000,
    severity=LogSeverity.NORMAL,
    text="VM {vm} is migrated because of affinity group {group} of cluster {cluster}.",
)
UNSAFE = Audit(
    code=10300,
    severity=LogSeverity.ALERT,
    text="Cluster {cluster} cannot restart the highly available VMs of these hosts elsewhere: {hosts}.",
)
SAFE = Audit(
    code=10301,
    severity=LogSeverity.NORMAL,
    text="Cluster {cluster} can restart the highly available VMs of every host elsewhere.",
)
Migrate = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Moved:
    """A migration that a round began."""

    vm_id: str
    source: str
    target: str
    reason: str


def world_of_cluster(rd: Reader, cluster_id: str) -> tuple[World, Scene]:
    """All hosts and running VMs of a cluster."""
    scene = scene_of(rd, cluster_id)
    hosts = hosts_of(rd, cluster_id, scene.overcommit, scene.networks)
    vms = rd.find(Vm, cluster_id=cluster_id, status=[s.value for s in ON_HOST])
    runtimes = rd.get_many(VmRuntime, [str(v.id) for v in vms])
    facts = facts_of(rd, vms, runtimes)
    moving = np.array(hosts["migrating"]) if len(hosts) else np.zeros(0)
    for vm, runtime in ((v, runtimes.get(str(v.id))) for v in vms):
        if vm.status is S.MIGRATING and runtime is not None:
            for host_id in (runtime.host_id, runtime.target_id):
                position = hosts.at(host_id)
                if position is not None:
                    moving[position] += 1
    if len(hosts):
        resting = rd.get_many(RestingHost, hosts.ids)
        mine = np.array([float(h in resting) for h in hosts.ids])
        hosts = hosts.with_numbers(migrating=moving, pm_by_policy=mine)
    places = {v.id: v.host for v in facts if v.host is not None}
    return (
        World(
            hosts=hosts,
            cluster=scene.facts,
            params=scene.policy.params,
            groups=scene.groups,
            running=places,
            vms=facts,
        ),
        scene,
    )


def balance_of(world: World, scene: Scene) -> Balance:
    """What the cluster's balancer wants; a policy without one wants nothing."""
    unit = BY_ID.get(scene.policy.balance or "")
    if unit is None and len(world.hosts):
        return _external(world, scene)
    return unit.rule(world) if isinstance(unit, Balancer) and len(world.hosts) else Balance()


def _external(world: World, scene: Scene) -> Balance:
    """What a user's balancer wants, its VM's own host last: if that one wins nothing moves."""
    wanted = ASKING.move(str(scene.cluster.id), scene.policy, list(world.hosts.ids))
    home = world.running.get(wanted.vm or "")
    if wanted.vm is None or home is None or not wanted.hosts:
        return Balance()
    targets = tuple(h for h in wanted.hosts if h != home and world.hosts.at(h) is not None)
    return Balance((Move(wanted.vm, (*targets, home), "a module wants it"),) if targets else ())


def round_of(
    tx: Tx, cluster_id: str, migrate: Migrate, damping: Damping, *, limit: int = 1
) -> tuple[list[Moved], PowerAction | None]:
    """Begin at most `limit` migrations; the change of power that is wanted, if no VM moves."""
    world, scene = world_of_cluster(tx, cluster_id)
    vms = {v.id: v for v in world.vms}
    found: list[Moved] = []
    for facts, group, _ in candidates(world.groups, vms, world.running):
        if len(found) >= limit or any(v.status == "migrating" for v in world.vms):
            break
        moved = _try(tx, facts, (), migrate, damping, f"affinity group {group.name}")
        if moved is not None:
            record(tx, ENFORCED, vm=tx.get(Vm, facts.id), group=group.name, cluster=scene.cluster)
            found.append(moved)
    if found:
        return found, None
    balance = balance_of(world, scene)
    for move in balance.moves:
        if len(found) >= limit:
            break
        moved = _try(tx, vms[move.vm], move.hosts, migrate, damping, move.reason)
        if moved is not None:
            record(tx, BALANCED, vm=tx.get(Vm, move.vm), cluster=scene.cluster, reason=move.reason)
            found.append(moved)
    return found, None if found else balance.power


def _try(tx: Tx, facts: VmFacts, hosts: Sequence[str], migrate: Migrate, damping: Damping, reason: str) -> Moved | None:
    """Ask the scheduler, the source included; move if another host wins. hosts: (): any."""
    vm, runtime = tx.need(Vm, facts.id), tx.get(VmRuntime, facts.id)
    if runtime is None or runtime.host_id is None or vm.status is not S.UP:
        return None
    if rules.refusals_to_migrate(vm, forced=False, pause_code=runtime.pause_code):
        return None
    source = runtime.host_id
    barred = damping.forbidden(facts.id) - {source}
    only = [h for h in hosts if h not in barred]
    if hosts and set(only) <= {source}:
        return None
    found = place(tx, vm, only=only, excluded=tuple(barred), purpose="balance", keep=False)
    if found.host is None or found.host.id == source:
        return None
    try:
        migrate(tx, vm, runtime, only=(found.host.id,))
    except Fault:
        return None
    damping.moved(facts.id, source)
    return Moved(facts.id, source, found.host.id, reason)


def reservation(tx: Tx, cluster_id: str, before: bool | None) -> bool | None:
    """Check a cluster's HA reservation; an event when the answer changes. None: it has none."""
    cluster = tx.get(Cluster, cluster_id)
    if cluster is None or not cluster.ha_reservation:
        return None
    world, _ = world_of_cluster(tx, cluster_id)
    failed = unsafe_hosts(world)
    if failed and before is not False:
        record(tx, UNSAFE, cluster=cluster, hosts=", ".join(failed))
    elif not failed and before is False:
        record(tx, SAFE, cluster=cluster)
    return not failed


__all__ = ("Moved", "balance_of", "reservation", "round_of", "world_of_cluster")
