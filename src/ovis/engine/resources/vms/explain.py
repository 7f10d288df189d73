"""Why this host: POST /vms/ID/explainplacement, POST /explainplacement, GET /vms/ID/placements.

Does: decide as a start (or, for a VM that runs, a migration) would, and show everything: for each host the first filter that
drops it and why, or every weight, its points, the total and the rank. A VM that does not exist yet comes as the body.
Does not: start, reserve or keep anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import ADMIN, Need, Op, Resource
from ovis.engine.model.placement import Placement, PlacementFailure, PlacementHost, PlacementWeight
from ovis.engine.model.types import Action, Cluster, Host, Template, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.vms import decisions
from ovis.engine.resources.vms.placement import place
from ovis.engine.resources.vms.state import ON_HOST, VmRuntime
from ovis.engine.scheduling.decision import Decision
from ovis.engine.store.session import Reader, Tx


def document(decision: Decision, *, vm_id: str | None, purpose: str, policy: str, id_: str, **more: Any) -> Placement:
    """A decision as the API shows it: the chosen host first, then by rank, then those that were dropped."""
    hosts, ranks = decision.hosts, _ranks(decision)
    rows: list[tuple[tuple[Any, ...], PlacementHost]] = []
    where = {int(position): index for index, position in enumerate(decision.fitting)}
    for position, name in enumerate(hosts.names):
        index, chosen = where.get(position), position == decision.chosen
        reason = decision.reason(position)
        row = PlacementHost(
            host_id=hosts.ids[position],
            host_name=name,
            fits=index is not None,
            selected=chosen,
            filter=reason.unit if reason else None,
            reason=reason.code if reason else None,
            detail=reason.text if reason else None,
            external=reason.external if reason else None,
        )
        rank = None
        if index is not None and decision.totals is not None:
            rank = ranks[index]
            weights = [
                PlacementWeight(
                    unit=c.name,
                    weight=float(c.weights[index]),
                    points=float(c.points[index]),
                    factor=float(c.factor),
                    total=float(c.points[index] * c.factor),
                )
                for c in decision.columns
            ]
            row = replace(row, rank=rank, total=float(decision.totals[index]), weights=weights)
        rows.append(((not chosen, index is None, rank or 0, name), row))
    return Placement(
        id=id_,
        purpose=purpose,
        policy=policy,
        selector=decision.selector.name,
        error=decision.error,
        host=Host(id=decision.host_id) if decision.host_id else None,
        vm=Vm(id=vm_id) if vm_id else None,
        placement_hosts=[row for _, row in sorted(rows, key=lambda pair: pair[0])],
        placement_failures=[PlacementFailure(unit=u, reason=r) for u, r in decision.failures] or None,
        **more,
    )


def _ranks(decision: Decision) -> dict[int, int]:
    """Index of a fitting host -> its rank."""
    if decision.totals is None:
        return {}
    found: dict[int, int] = {}
    last, rank = None, 0
    for number, index in enumerate(decision.ranking(), 1):
        total = float(decision.totals[index])
        if total != last:
            rank, last = number, total
        found[index] = rank
    return found


def explain(tx: Tx, call: Call, action: Action) -> Placement:
    """POST /vms/ID/explainplacement; `<vm>` in the action: as if these values were changed; `<host>`: on this host alone."""
    vm = tx.need(Vm, call.ids[0])
    if action.vm is not None:
        vm = bodies.merge(vm, action.vm, keep=("status", "host", "cluster"))
    only = (str(bodies.resolve(tx, Host, action.host).id),) if action.host is not None else ()
    runtime = tx.get(VmRuntime, str(vm.id))
    moves = vm.status in ON_HOST and runtime is not None and runtime.host_id is not None
    excluded = (str(runtime.host_id),) if moves and runtime is not None else ()
    found = place(tx, vm, only=only, excluded=excluded, keep=False)
    return document(
        found.decision,
        vm_id=str(vm.id),
        purpose="migrate" if moves else "start",
        policy=found.scene.policy.name,
        id_=bodies.new_id(),
        date=call.now,
    )


def explain_new(tx: Tx, call: Call, body: Vm) -> Placement:
    """POST /explainplacement: a VM that does not exist; its template gives what the body leaves out."""
    vm = body
    if body.template is not None and (body.template.id or body.template.name):
        template: Any = bodies.resolve(tx, Template, body.template)
        taken = {n: getattr(template, n) for n in ("memory", "memory_policy", "cpu", "high_availability", "type")}
        vm = replace(vm, **{n: v for n, v in taken.items() if getattr(vm, n) is None})
    if vm.placement_policy is not None and vm.placement_policy.hosts:
        named = [Host(id=bodies.resolve(tx, Host, h).id) for h in vm.placement_policy.hosts]
        vm = replace(vm, placement_policy=replace(vm.placement_policy, hosts=named))
    cluster = bodies.resolve(tx, Cluster, body.cluster)
    vm = replace(
        vm,
        id=bodies.derived_id(
            "explained", repr(body)
        ),  # the same when users' units have been asked and it is decided again
        name=body.name or "new",
        cluster=Cluster(id=cluster.id),
        status=None,
        memory=vm.memory or 1 << 30,
    )
    found = place(tx, vm, keep=False)
    return document(
        found.decision, vm_id=None, purpose="start", policy=found.scene.policy.name, id_=bodies.new_id(), date=call.now
    )


def _kept(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Placement]]:
    """The last decisions of VMs, the newest first."""
    return {
        vm_id: [
            document(
                k.decision,
                vm_id=vm_id,
                purpose=k.purpose,
                policy=k.policy,
                id_=bodies.derived_id("placement", vm_id, str(k.number)),
                date=k.at,
            )
            for k in decisions.of(vm_id)
        ]
        for vm_id in parents
    }


_NEEDS = (Need(Permit.RUN_VM),)
PLACEMENTS_OF_VM = Resource(
    type=Placement,
    collection="placements",
    v3_collection="",
    link=False,
    cacheable=False,
    list=Op(run=_kept, needs=_NEEDS),
    get=Op(needs=_NEEDS),
    doc="The last decisions about where the VM runs.",
)
EXPLAIN_OF_VM = Resource(
    type=Placement,
    collection="explainplacement",
    v3_collection="",
    link=False,
    cacheable=False,
    list=Op(run=bodies.nothing, needs=_NEEDS),
    get=Op(needs=_NEEDS),
    add=Op(run=explain, needs=(Need(Permit.RUN_VM, "parent"),), body=Action, status=200),
    doc="Where the VM would run, and why; nothing happens.",
)
EXPLAIN = Resource(
    type=Placement,
    collection="explainplacement",
    v3_collection="",
    link=False,
    cacheable=False,
    list=Op(run=bodies.nothing, needs=ADMIN),
    get=Op(needs=ADMIN),
    add=Op(
        run=explain_new,
        needs=(Need(Permit.CREATE_VM, "cluster"),),
        body=Vm,
        mandatory=("cluster.id|cluster.name",),
        status=200,
    ),
    doc="Where a VM that does not exist yet would run, and why.",
)
