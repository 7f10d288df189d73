"""Scheduling policies and units: /schedulingpolicies, /schedulingpolicyunits.

Does: ship the engine's policies, locked; make, copy, change and remove others with their filters, weights and balance.
Does not: schedule (scheduling). A policy's own `Selector` property says whether ranks (default) or sums decide.
Follows: engine 4.5: adding a unit is an edit of the policy; a second balance replaces the first; what a cluster uses stays.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Kind, NotFound, Refusal, Refused, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import ADMIN, PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import (
    Balance,
    Cluster,
    Filter,
    Property,
    SchedulingPolicy,
    SchedulingPolicyUnit,
    Weight,
)
from ovis.engine.resources import bodies
from ovis.engine.resources.scheduling_policies.read import parts_of
from ovis.engine.resources.scheduling_policies.units import UNITS, external_units, known_units
from ovis.engine.resources.texts import TextRule
from ovis.engine.scheduling.policies import SHIPPED, policy_of, wrong_with
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Table, name_columns

TABLE = Table(name="scheduling_policies", type=SchedulingPolicy, columns=name_columns(), unique=(("name_key",),))
ADDED = Audit(code=9910, severity=LogSeverity.NORMAL, text="Scheduling policy {policy} was added by {user}.")
UPDATED = Audit(code=9912, severity=LogSeverity.NORMAL, text="Scheduling policy {policy} was updated by {user}.")
REMOVED = Audit(code=9914, severity=LogSeverity.NORMAL, text="Scheduling policy {policy} was removed by {user}.")
_EDIT = (Need(Permit.EDIT_STORAGE_POOL_CONFIGURATION, "system"),)


def _filter(id_: str, position: int) -> Filter:
    return Filter(id=id_, position=position, scheduling_policy_unit=SchedulingPolicyUnit(id=id_))


def _weight(id_: str, factor: int) -> Weight:
    return Weight(id=id_, factor=factor, scheduling_policy_unit=SchedulingPolicyUnit(id=id_))


def _balance(id_: str) -> Balance:
    return Balance(id=id_, scheduling_policy_unit=SchedulingPolicyUnit(id=id_))


def seed(tx: Tx) -> None:
    """The shipped policies, locked."""
    for shipped in SHIPPED:
        if tx.get(SchedulingPolicy, shipped.id) is not None:
            continue
        policy = policy_of(shipped)
        tx.insert(
            SchedulingPolicy(
                id=shipped.id,
                name=shipped.name,
                description=shipped.doc,
                locked=True,
                default_policy=shipped.default,
                properties=[Property(name=n, value=v) for n, v in shipped.params.items()],
                filters=[_filter(id_, position) for id_, position in policy.filters],
                weight=[_weight(id_, int(factor)) for id_, factor in policy.weights],
                balances=[_balance(policy.balance)] if policy.balance else [],
            )
        )


def _check(rd: Reader, policy: SchedulingPolicy) -> None:
    found = bodies.text_refusals(policy.name, "name", TextRule(128, 1))
    found += bodies.text_refusals(policy.description, "description", TextRule(4000))
    wrong = wrong_with(parts_of(policy), known_units(rd))
    found += [Refusal(w.code, w.text, "", Kind.BAD) for w in wrong]
    bodies.raise_all(found)
    bodies.require_free_name(
        rd, SchedulingPolicy, policy.name, "ACTION_TYPE_FAILED_CLUSTER_POLICY_NAME_INUSE", own_id=policy.id
    )


def _unlocked(rd: Reader, policy_id: str) -> SchedulingPolicy:
    policy = rd.need(SchedulingPolicy, policy_id)
    if policy.locked:
        raise refuse(
            "ACTION_TYPE_FAILED_CLUSTER_POLICY_PARAMETERS_INVALID",
            f"Scheduling policy {policy.name} is locked.",
            "Copy it and change the copy.",
        )
    return policy


def _unit_of(part: Filter | Weight | Balance) -> str:
    return str((part.scheduling_policy_unit.id if part.scheduling_policy_unit else None) or part.id)


def _with_parts(policy: SchedulingPolicy, body: SchedulingPolicy) -> SchedulingPolicy:
    """Units that a body brings along."""
    changes: dict[str, Any] = {}
    if body.filters is not None:
        changes["filters"] = [_filter(_unit_of(f), f.position or 0) for f in body.filters]
    if body.weight is not None:
        changes["weight"] = [_weight(_unit_of(w), 1 if w.factor is None else w.factor) for w in body.weight]
    if body.balances is not None:
        changes["balances"] = [_balance(_unit_of(b)) for b in body.balances][-1:]
    return replace(policy, **changes)


def add(tx: Tx, call: Call, body: SchedulingPolicy) -> SchedulingPolicy:
    """POST /schedulingpolicies. Filters, weights and balances may come with it, which is how one is copied."""
    made = SchedulingPolicy(
        id=bodies.new_id(),
        name=body.name,
        description=body.description or "",
        comment=body.comment,
        locked=False,
        default_policy=False,
        properties=body.properties or [],
        filters=[],
        weight=[],
        balances=[],
    )
    made = _with_parts(made, body)
    _check(tx, made)
    tx.insert(made)
    record(tx, ADDED, call=call, policy=made.name)
    return _whole([made])[0]


def update(tx: Tx, call: Call, body: SchedulingPolicy) -> SchedulingPolicy:
    """PUT /schedulingpolicies/ID."""
    old = _unlocked(tx, call.ids[-1])
    new = bodies.merge(old, body, keep=("locked", "default_policy", "filters", "weight", "balances"))
    new = _with_parts(new, body)
    _check(tx, new)
    tx.update(new)
    record(tx, UPDATED, call=call, policy=new.name)
    return _whole([new])[0]


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /schedulingpolicies/ID: unless clusters use it."""
    policy = _unlocked(tx, call.ids[-1])
    used = sorted(str(c.name) for c in tx.find(Cluster, scheduling_policy_id=str(policy.id)))
    if used:
        raise refuse(
            "ACTION_TYPE_FAILED_CLUSTER_POLICY_INUSE",
            f"Scheduling policy {policy.name} is used by {', '.join(used)}.",
            "Give these clusters another policy first.",
        )
    tx.delete(SchedulingPolicy, str(policy.id))
    record(tx, REMOVED, call=call, policy=policy.name)


def _whole(found: Sequence[SchedulingPolicy]) -> list[SchedulingPolicy]:
    return [replace(p, filters=None, weight=None, balances=None) for p in found]


def _shown(rd: Reader, call: Call, found: Sequence[SchedulingPolicy]) -> list[SchedulingPolicy]:
    return _whole(found)


_TYPES: Mapping[str, Any] = {"filters": Filter, "weights": Weight, "balances": Balance}


def _part(name: str) -> Resource:
    attribute = "weight" if name == "weights" else name

    def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Any]]:
        policies = rd.get_many(SchedulingPolicy, parents)
        return {p: list(getattr(policies[p], attribute) or ()) if p in policies else [] for p in parents}

    def put_in(tx: Tx, call: Call, body: Any) -> Any:
        policy = _unlocked(tx, call.ids[0])
        had = [] if name == "balances" else list(getattr(policy, attribute) or ())
        changed = _with_parts(policy, replace(SchedulingPolicy(), **{attribute: [body]}))
        (made,) = getattr(changed, attribute)
        new = replace(policy, **{attribute: [*had, made]})
        _check(tx, new)
        tx.update(new)
        record(tx, UPDATED, call=call, policy=new.name)
        return made

    def take_out(tx: Tx, call: Call, body: Any) -> None:
        policy = tx.need(SchedulingPolicy, call.ids[0])
        had = list(getattr(policy, attribute) or ())
        left = [p for p in had if p.id != call.ids[-1]]
        if len(left) == len(had):
            raise NotFound(f"{name}: id={call.ids[-1]}")
        new = replace(_unlocked(tx, call.ids[0]), **{attribute: left})
        _check(tx, new)
        tx.update(new)
        record(tx, UPDATED, call=call, policy=new.name)

    return Resource(
        type=_TYPES[name],
        collection=name,
        list=Op(run=listed, needs=PUBLIC),
        get=Op(needs=PUBLIC),
        add=Op(run=put_in, needs=_EDIT, mandatory=("scheduling_policy_unit.id",), status=200),
        remove=Op(run=take_out, needs=_EDIT),
    )


def _units(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[SchedulingPolicyUnit]]:
    return {"": [*UNITS.values(), *external_units(rd)]}


def _remove_unit(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /schedulingpolicyunits/ID: of users' units alone, and if no policy has it."""
    unit_id = call.ids[-1]
    if unit_id in UNITS:
        raise Refused(
            [
                Refusal(
                    "ACTION_TYPE_FAILED_CLUSTER_POLICY_UNKNOWN_POLICY_UNIT",
                    f"The unit {UNITS[unit_id].name} belongs to the engine.",
                )
            ]
        )
    unit = tx.need(SchedulingPolicyUnit, unit_id)
    used = [
        str(p.name)
        for p in tx.find(SchedulingPolicy)
        if unit_id in [x.id for x in (*(p.filters or ()), *(p.weight or ()), *(p.balances or ()))]
    ]
    if used:
        raise refuse(
            "ACTION_TYPE_FAILED_CANNOT_REMOVE_POLICY_UNIT_ATTACHED_TO_CLUSTER_POLICY",
            f"The unit {unit.name} is in the policies {', '.join(used)}.",
            "Take it out of them first.",
        )
    tx.delete(SchedulingPolicyUnit, unit_id)


POLICIES = Resource(
    type=SchedulingPolicy,
    collection="schedulingpolicies",
    table=TABLE,
    derive=_shown,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=_EDIT, mandatory=("name",)),
    update=Op(run=update, needs=_EDIT),
    remove=Op(run=remove, needs=_EDIT),
    subs=(_part("filters"), _part("weights"), _part("balances")),
)
POLICY_UNITS = Resource(
    type=SchedulingPolicyUnit,
    collection="schedulingpolicyunits",
    list=Op(run=_units, needs=ADMIN),
    get=Op(needs=ADMIN),
    remove=Op(run=_remove_unit, needs=_EDIT),
)
