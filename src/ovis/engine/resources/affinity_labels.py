"""Affinity labels: /affinitylabels with vms and hosts; /vms/ID/affinitylabels, /hosts/ID/affinitylabels.

Does: make, rename, remove labels; put them on VMs and hosts from either side. Does not: place anything: a label counts in
the affinity groups that name it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import record
from ovis.engine.model.types import AffinityGroup, AffinityLabel, Host, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.affinity import LABEL_ADDED, LABEL_REMOVED, LABEL_UPDATED, LABELS, require_no_conflict
from ovis.engine.resources.texts import NAME, TextRule
from ovis.engine.store.session import Reader, Tx

_NEEDS = (Need(Permit.TAG_MANAGEMENT, "system"),)
_TYPES: Mapping[str, type] = {"vms": Vm, "hosts": Host}


def _check(rd: Reader, label: AffinityLabel) -> None:
    bodies.raise_all(bodies.text_refusals(label.name, "name", TextRule(50, 1, NAME)))
    bodies.require_free_name(rd, AffinityLabel, label.name, "AFFINITY_LABEL_NAME_ALREADY_EXISTS", own_id=label.id)


def add(tx: Tx, call: Call, body: AffinityLabel) -> AffinityLabel:
    """POST /affinitylabels."""
    members: dict[str, Any] = {
        name: [type_(id=bodies.resolve(tx, type_, x).id) for x in getattr(body, name)]
        for name, type_ in _TYPES.items()
        if getattr(body, name) is not None
    }
    made = AffinityLabel(
        id=bodies.new_id(),
        name=body.name,
        comment=body.comment,
        description=body.description,
        read_only=False,
        has_implicit_affinity_group=bool(body.has_implicit_affinity_group),
        **members,
    )
    _check(tx, made)
    tx.insert(made)
    record(tx, LABEL_ADDED, call=call, label=made.name)
    return shown(tx, call, [made])[0]


def update(tx: Tx, call: Call, body: AffinityLabel) -> AffinityLabel:
    """PUT /affinitylabels/ID."""
    old = tx.need(AffinityLabel, call.ids[-1])
    new = bodies.merge(old, body, keep=("read_only", "vms", "hosts"))
    _check(tx, new)
    tx.update(new)
    record(tx, LABEL_UPDATED, call=call, label=new.name)
    return shown(tx, call, [new])[0]


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /affinitylabels/ID: unless VMs, hosts or groups have it."""
    label = tx.need(AffinityLabel, call.ids[-1])
    groups = [
        str(g.name)
        for g in tx.find(AffinityGroup)
        if label.id in [x.id for x in (*(g.vm_labels or ()), *(g.host_labels or ()))]
    ]
    if groups:
        raise refuse(
            "ACTION_TYPE_FAILED_AFFINITY_LABEL_IN_USE",
            f"Affinity label {label.name} is in the affinity groups {', '.join(groups)}.",
            "Take it out of them first.",
        )
    tx.delete(AffinityLabel, str(label.id))
    record(tx, LABEL_REMOVED, call=call, label=label.name)


def shown(rd: Reader, call: Call, found: Sequence[AffinityLabel]) -> list[AffinityLabel]:
    """Without members."""
    return [replace(label, vms=None, hosts=None) for label in found]


def _changed(tx: Tx, call: Call, label: AffinityLabel) -> None:
    tx.update(label)
    for group in tx.find(AffinityGroup):
        if label.id in [x.id for x in (*(group.vm_labels or ()), *(group.host_labels or ()))] and group.cluster:
            require_no_conflict(tx, str(group.cluster.id))
    record(tx, LABEL_UPDATED, call=call, label=label.name)


def _put(tx: Tx, call: Call, label_id: str, attribute: str, member_id: str) -> AffinityLabel:
    label = tx.need(AffinityLabel, label_id)
    had = list(getattr(label, attribute) or ())
    if member_id not in [x.id for x in had]:
        _changed(tx, call, replace(label, **{attribute: [*had, _TYPES[attribute](id=member_id)]}))
    return label


def _take(tx: Tx, call: Call, label_id: str, attribute: str, member_id: str) -> None:
    label = tx.need(AffinityLabel, label_id)
    had = list(getattr(label, attribute) or ())
    left = [x for x in had if x.id != member_id]
    if len(left) == len(had):
        raise NotFound(f"{attribute}: id={member_id}")
    _changed(tx, call, replace(label, **{attribute: left}))


def _members(attribute: str) -> Resource:
    type_ = _TYPES[attribute]

    def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Any]]:
        labels = rd.get_many(AffinityLabel, parents)
        ids = {str(x.id) for label in labels.values() for x in getattr(label, attribute) or ()}
        there: Mapping[str, Any] = rd.get_many(type_, ids)
        return {
            p: [
                type_(id=x.id, name=there[str(x.id)].name)
                for x in (getattr(labels[p], attribute) or ())
                if str(x.id) in there
            ]
            if p in labels
            else []
            for p in parents
        }

    def put_in(tx: Tx, call: Call, body: Any) -> Any:
        member: Any = bodies.resolve(tx, type_, body)
        _put(tx, call, call.ids[-1], attribute, str(member.id))
        return type_(id=member.id, name=member.name)

    def take_out(tx: Tx, call: Call, body: Any) -> None:
        _take(tx, call, call.ids[-2], attribute, call.ids[-1])

    return Resource(
        type=type_,
        collection=attribute,
        v3_collection="",
        list=Op(run=listed, needs=PUBLIC),
        get=Op(needs=PUBLIC),
        add=Op(run=put_in, needs=_NEEDS, mandatory=("id|name",)),
        remove=Op(run=take_out, needs=_NEEDS),
    )


def labels_of(attribute: str) -> Resource:
    """Labels of a VM (`vms`) or host (`hosts`)."""

    def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[AffinityLabel]]:
        wanted = set(parents)
        found: dict[str, list[AffinityLabel]] = {p: [] for p in parents}
        for label in rd.find(AffinityLabel):
            for member in getattr(label, attribute) or ():
                if member.id in wanted:
                    found[str(member.id)].append(replace(label, vms=None, hosts=None))
        return found

    def put_in(tx: Tx, call: Call, body: AffinityLabel) -> AffinityLabel:
        label = bodies.resolve(tx, AffinityLabel, body)
        _put(tx, call, str(label.id), attribute, call.ids[-1])
        return shown(tx, call, [label])[0]

    def take_out(tx: Tx, call: Call, body: Any) -> None:
        _take(tx, call, call.ids[-1], attribute, call.ids[-2])

    return Resource(
        type=AffinityLabel,
        collection="affinitylabels",
        list=Op(run=listed, needs=PUBLIC),
        get=Op(needs=PUBLIC),
        add=Op(run=put_in, needs=_NEEDS, mandatory=("id|name",)),
        remove=Op(run=take_out, needs=_NEEDS),
    )


RESOURCE = Resource(
    type=AffinityLabel,
    collection="affinitylabels",
    table=LABELS,
    derive=shown,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=_NEEDS, mandatory=("name",)),
    update=Op(run=update, needs=_NEEDS),
    remove=Op(run=remove, needs=_NEEDS),
    subs=(_members("hosts"), _members("vms")),
)
