"""Affinity groups and labels: /clusters/ID/affinitygroups, /affinitylabels, labels of VMs and hosts.

Does: make, change and remove groups with their VMs, hosts and labels; refuse hard rules that contradict each other; hand
groups to scheduling. Does not: move VMs (balancing). Members lie in the group's row; those that are gone are not shown.
Follows: engine 4.5: labels count as members of groups that name them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import AffinityGroup, AffinityLabel, AffinityRule, Cluster, Host, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.texts import NAME, TextRule
from ovis.engine.scheduling.world import OFF, Group, Rule
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table, name_columns

GROUPS = Table(
    name="affinity_groups",
    type=AffinityGroup,
    columns=(*name_columns(), Column(name="cluster_id", path="cluster.id", references="clusters", on_delete="cascade")),
    unique=(("cluster_id", "name_key"),),
)
LABELS = Table(name="affinity_labels", type=AffinityLabel, columns=name_columns(), unique=(("name_key",),))
TABLES = (GROUPS, LABELS)
N = LogSeverity.NORMAL
GROUP_ADDED = Audit(code=10350, severity=N, text="Affinity group {group} was added by {user}.")
GROUP_UPDATED = Audit(code=10352, severity=N, text="Affinity group {group} was updated by {user}.")
GROUP_REMOVED = Audit(code=10354, severity=N, text="Affinity group {group} was removed by {user}.")
LABEL_ADDED = Audit(code=10380, severity=N, text="Affinity label {label} was added by {user}.")
LABEL_UPDATED = Audit(code=10382, severity=N, text="Affinity label {label} was updated by {user}.")
LABEL_REMOVED = Audit(code=10384, severity=N, text="Affinity label {label} was removed by {user}.")
_NAME = TextRule(255, 1, NAME)
_MEMBERS: Mapping[str, type] = {"vms": Vm, "hosts": Host, "vm_labels": AffinityLabel, "host_labels": AffinityLabel}


def groups_of_cluster(rd: Reader, cluster_id: str) -> list[Group]:
    """A cluster's groups as scheduling wants them, labels resolved."""
    found = rd.find(AffinityGroup, cluster_id=cluster_id)
    if not found:
        return []
    wanted = {str(x.id) for g in found for x in (*(g.vm_labels or ()), *(g.host_labels or ()))}
    labels = rd.get_many(AffinityLabel, wanted) if wanted else {}

    def ids(own: Sequence[Any] | None, named: Sequence[AffinityLabel] | None, attribute: str) -> frozenset[str]:
        members = {str(x.id) for x in own or ()}
        for label in named or ():
            known = labels.get(str(label.id))
            members |= {str(x.id) for x in (getattr(known, attribute) or ())} if known else set()
        return frozenset(members)

    return [
        Group(
            id=str(g.id),
            name=str(g.name),
            priority=g.priority if g.priority is not None else 1.0,
            vms=ids(g.vms, g.vm_labels, "vms"),
            hosts=ids(g.hosts, g.host_labels, "hosts"),
            vm_rule=_rule(g.vms_rule),
            host_rule=_rule(g.hosts_rule),
        )
        for g in found
    ]


def _rule(given: AffinityRule | None) -> Rule:
    if given is None:
        return OFF
    return Rule(enabled=given.enabled is not False, positive=bool(given.positive), enforcing=bool(given.enforcing))


def settled(group: AffinityGroup) -> AffinityGroup:
    """With both rules; the flat form of old clients is a rule between VMs."""
    rule = group.vms_rule
    if rule is None and (group.positive is not None or group.enforcing is not None):
        rule = AffinityRule(enabled=True, positive=bool(group.positive), enforcing=bool(group.enforcing))
    off = AffinityRule(enabled=False, positive=False, enforcing=False)
    rule = rule or off
    vms = AffinityRule(enabled=rule.enabled is not False, positive=bool(rule.positive), enforcing=bool(rule.enforcing))
    given = group.hosts_rule or off
    hosts = AffinityRule(
        enabled=given.enabled is not False, positive=bool(given.positive), enforcing=bool(given.enforcing)
    )
    return replace(
        group,
        priority=1.0 if group.priority is None else group.priority,
        vms_rule=vms,
        hosts_rule=hosts,
        positive=vms.positive if vms.enabled else None,
        enforcing=vms.enforcing,
    )


def _check(rd: Reader, group: AffinityGroup) -> None:
    bodies.raise_all(
        bodies.text_refusals(group.name, "name", _NAME)
        + bodies.text_refusals(group.description, "description", TextRule(4000))
    )
    cluster_id = str(group.cluster.id) if group.cluster else ""
    bodies.require_free_name(
        rd,
        AffinityGroup,
        group.name,
        "ACTION_TYPE_FAILED_AFFINITY_GROUP_NAME_EXISTS",
        own_id=group.id,
        cluster_id=cluster_id,
    )
    for vm in rd.get_many(Vm, [str(v.id) for v in group.vms or ()]).values():
        if vm.cluster is None or vm.cluster.id != cluster_id:
            raise refuse(
                "ACTION_TYPE_FAILED_VM_NOT_IN_CLUSTER", f"VM {vm.name} is in another cluster than the affinity group."
            )
    for host in rd.get_many(Host, [str(h.id) for h in group.hosts or ()]).values():
        if host.cluster is None or host.cluster.id != cluster_id:
            raise refuse(
                "ACTION_TYPE_FAILED_HOST_NOT_IN_CLUSTER",
                f"Host {host.name} is in another cluster than the affinity group.",
            )


def require_no_conflict(rd: Reader, cluster_id: str) -> None:
    """Refuse hard rules that no placement can keep."""
    groups = groups_of_cluster(rd, cluster_id)
    problem = conflict(groups)
    if problem is not None:
        raise refuse("ACTION_TYPE_FAILED_AFFINITY_RULES_COLLISION", problem, "Change one of these groups.")


def conflict(groups: Sequence[Group]) -> str | None:
    """Two VMs that must be both together and apart, or a VM bound to hosts that it must avoid. Pure."""
    hard = [g for g in groups if g.vm_rule.enabled and g.vm_rule.enforcing]
    unions: list[tuple[set[str], list[str]]] = []
    for group in hard:
        if not group.vm_rule.positive or len(group.vms) < 2:
            continue
        members, names = set(group.vms), [group.name]
        rest = []
        for other, named in unions:
            if other & members:
                members |= other
                names += named
            else:
                rest.append((other, named))
        unions = [*rest, (members, names)]
    for group in hard:
        if group.vm_rule.positive:
            continue
        for members, names in unions:
            if len(members & group.vms) > 1:
                return f"Affinity groups {', '.join(sorted(names))} and {group.name} want VMs both together and apart."
    bound = [g for g in groups if g.host_rule.enabled and g.host_rule.enforcing and g.hosts]
    for yes in (g for g in bound if g.host_rule.positive):
        for no in (g for g in bound if not g.host_rule.positive):
            if yes.vms & no.vms and yes.hosts <= no.hosts:
                return f"Affinity groups {yes.name} and {no.name} leave VMs no host."
    return None


def _resolved(rd: Reader, body: AffinityGroup | AffinityLabel, attributes: Sequence[str]) -> dict[str, Any]:
    """Members that a body brings along, as links."""
    found: dict[str, Any] = {}
    for name in attributes:
        given = getattr(body, name)
        if given is not None:
            type_ = _MEMBERS[name]
            found[name] = [type_(id=bodies.resolve(rd, type_, x).id) for x in given]
    return found


def add(tx: Tx, call: Call, body: AffinityGroup) -> AffinityGroup:
    """POST /clusters/ID/affinitygroups."""
    cluster = tx.need(Cluster, call.ids[-1])
    made = replace(
        body, id=bodies.new_id(), cluster=Cluster(id=cluster.id), broken=None, description=body.description or ""
    )
    made = settled(replace(made, **_resolved(tx, body, tuple(_MEMBERS))))
    _check(tx, made)
    tx.insert(made)
    require_no_conflict(tx, str(cluster.id))
    record(tx, GROUP_ADDED, call=call, group=made.name)
    return shown(tx, call, [made])[0]


def update(tx: Tx, call: Call, body: AffinityGroup) -> AffinityGroup:
    """PUT /clusters/ID/affinitygroups/ID."""
    old = _own(tx, call)
    if body.vms_rule is None and (body.positive is not None or body.enforcing is not None):
        rule = old.vms_rule or AffinityRule()
        flat = AffinityRule(
            enabled=rule.enabled if body.positive is None else True,
            positive=rule.positive if body.positive is None else body.positive,
            enforcing=rule.enforcing if body.enforcing is None else body.enforcing,
        )
        body = replace(body, vms_rule=flat)
    new = bodies.merge(old, body, keep=("cluster", "broken", "positive", "enforcing", *_MEMBERS))
    new = settled(replace(new, **_resolved(tx, body, tuple(_MEMBERS))))
    _check(tx, new)
    tx.update(new)
    require_no_conflict(tx, str(old.cluster.id) if old.cluster else "")
    record(tx, GROUP_UPDATED, call=call, group=new.name)
    return shown(tx, call, [new])[0]


def _own(rd: Reader, call: Call) -> AffinityGroup:
    """The group that the path names, below its cluster."""
    cluster_id, group_id = _path(call)
    group = rd.need(AffinityGroup, group_id)
    if group.cluster is None or group.cluster.id != cluster_id:
        raise NotFound(f"AffinityGroup: id={group_id}")
    return group


def _path(call: Call) -> tuple[str, str]:
    return call.ids[-2], call.ids[-1]


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /clusters/ID/affinitygroups/ID."""
    group = _own(tx, call)
    tx.delete(AffinityGroup, str(group.id))
    record(tx, GROUP_REMOVED, call=call, group=group.name)


def shown(rd: Reader, call: Call, found: Sequence[AffinityGroup]) -> list[AffinityGroup]:
    """Without members, which have collections of their own, and with what is broken now."""
    broken = _broken(rd, found)
    return [
        replace(g, vms=None, hosts=None, vm_labels=None, host_labels=None, broken=str(g.id) in broken) for g in found
    ]


def _broken(rd: Reader, found: Sequence[AffinityGroup]) -> set[str]:
    """Groups whose enabled rules do not hold among the VMs that run."""
    groups = {
        g.id: g
        for cluster in {str(x.cluster.id) for x in found if x.cluster}
        for g in groups_of_cluster(rd, cluster)
        if g.id in {str(x.id) for x in found}
    }
    vms = rd.get_many(Vm, {v for g in groups.values() for v in g.vms})
    places = {i: str(v.host.id) for i, v in vms.items() if v.host is not None and v.host.id}
    return {i for i, g in groups.items() if broken_rules(g, places)}


def broken_rules(group: Group, places: Mapping[str, str]) -> list[str]:
    """Which rules do not hold: `vms`, `hosts`. Pure."""
    hosts = [places[v] for v in group.vms if v in places]
    found = []
    if group.vm_rule.enabled:
        apart = len(set(hosts))
        if (group.vm_rule.positive and apart > 1) or (not group.vm_rule.positive and apart < len(hosts)):
            found.append("vms")
    if group.host_rule.enabled and group.hosts:
        inside = [h in group.hosts for h in hosts]
        if inside and (not all(inside) if group.host_rule.positive else any(inside)):
            found.append("hosts")
    return found


def _members(collection: str, attribute: str) -> Resource:
    """Members of a group: VMs, hosts or labels."""
    type_ = _MEMBERS[attribute]

    def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Any]]:
        groups = rd.get_many(AffinityGroup, parents)
        ids = {str(x.id) for g in groups.values() for x in getattr(g, attribute) or ()}
        there: Mapping[str, Any] = rd.get_many(type_, ids)
        return {
            p: [_short(there[str(x.id)]) for x in (getattr(groups[p], attribute) or ()) if str(x.id) in there]
            if p in groups
            else []
            for p in parents
        }

    def put_in(tx: Tx, call: Call, body: Any) -> Any:
        group = tx.need(AffinityGroup, call.ids[-1])
        member: Any = bodies.resolve(tx, type_, body)
        had = list(getattr(group, attribute) or ())
        if member.id in [x.id for x in had]:
            raise refuse(
                "ACTION_TYPE_FAILED_ENTITY_ALREADY_IN_AFFINITY_GROUP",
                f"{member.name} is in affinity group {group.name} already.",
            )
        new = replace(group, **{attribute: [*had, type_(id=member.id)]})
        _check(tx, new)
        tx.update(new)
        require_no_conflict(tx, str(group.cluster.id) if group.cluster else "")
        record(tx, GROUP_UPDATED, call=call, group=group.name)
        return _short(member)

    def take_out(tx: Tx, call: Call, body: Any) -> None:
        group = tx.need(AffinityGroup, call.ids[-2])
        had = list(getattr(group, attribute) or ())
        left = [x for x in had if x.id != call.ids[-1]]
        if len(left) == len(had):
            raise NotFound(f"{collection}: id={call.ids[-1]}")
        tx.update(replace(group, **{attribute: left}))
        record(tx, GROUP_UPDATED, call=call, group=group.name)

    needs = (Need(Permit.MANIPULATE_AFFINITY_GROUPS),)
    return Resource(
        type=type_,
        collection=collection,
        v3_collection=None if attribute == "vms" else "",
        list=Op(run=listed, needs=PUBLIC),
        get=Op(needs=PUBLIC),
        add=Op(run=put_in, needs=needs, mandatory=("id|name",)),
        remove=Op(run=take_out, needs=needs),
    )


def _short(member: Any) -> Any:
    """A member by id and name."""
    return type(member)(id=member.id, name=member.name)


_GROUP_NEEDS = (Need(Permit.MANIPULATE_AFFINITY_GROUPS),)
GROUPS_OF_CLUSTER = Resource(
    type=AffinityGroup,
    collection="affinitygroups",
    table=GROUPS,
    parent_column="cluster_id",
    derive=shown,
    cacheable=False,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=(Need(Permit.MANIPULATE_AFFINITY_GROUPS, "parent"),), mandatory=("name",)),
    update=Op(run=update, needs=_GROUP_NEEDS),
    remove=Op(run=remove, needs=_GROUP_NEEDS),
    subs=(
        _members("vms", "vms"),
        _members("hosts", "hosts"),
        _members("hostlabels", "host_labels"),
        _members("vmlabels", "vm_labels"),
    ),
)
