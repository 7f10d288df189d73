"""Asking scheduling for a host, inside the transaction that writes the answer down.

Does: read the world, decide, keep the decision for those who ask why; refuse with every host's reason.
Does not: weigh anything (scheduling).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ovis.engine.declare.faults import refuse
from ovis.engine.model.enums import HostStatus
from ovis.engine.model.types import Host, Vm
from ovis.engine.resources.affinity import groups_of_cluster
from ovis.engine.resources.scheduler_proxy.asking import ASKING
from ovis.engine.resources.vms import decisions
from ovis.engine.resources.vms.needs import Scene, facts_of, scene_of, with_nics
from ovis.engine.resources.vms.scarce import with_free, with_wishes
from ovis.engine.resources.vms.snapshot_of_hosts import hosts_of
from ovis.engine.resources.vms.state import ON_HOST, VmRuntime
from ovis.engine.scheduling.decision import Decision, decide
from ovis.engine.scheduling.external import Answer
from ovis.engine.scheduling.world import World
from ovis.engine.store.session import Reader


@dataclass(frozen=True, slots=True)
class PlacedHost:
    """The chosen host."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Placed:
    """What came out, and all that explains it."""

    decision: Decision
    world: World
    scene: Scene

    @property
    def host(self) -> PlacedHost | None:
        """The chosen host, or None."""
        position = self.decision.chosen
        if position is None:
            return None
        return PlacedHost(self.decision.hosts.ids[position], self.decision.hosts.names[position])

    def reasons(self) -> str:
        """Why nothing fits, host by host."""
        return self.decision.reasons()


def world_of(rd: Reader, vm: Vm, *, together: Sequence[Vm] = ()) -> tuple[World, Scene]:
    """Everything that the placement of a VM (and of those that must come along) depends on."""
    scene = scene_of(rd, vm.cluster.id if vm.cluster else None)
    hosts = hosts_of(rd, str(scene.cluster.id), scene.overcommit, scene.networks)
    known = zip(facts_of(rd, [vm, *together]), [vm, *together], strict=True)
    facts, *others = (with_nics(rd, with_wishes(rd, f, v), v) for f, v in known)
    hosts = with_free(rd, hosts, [facts, *others], str(scene.cluster.id))
    mine = [g for g in scene.groups if any(v in g.vms for v in (facts.id, *(o.id for o in others)))]
    world = World(
        hosts=hosts,
        vm=facts,
        cluster=scene.facts,
        params=scene.policy.params,
        groups=mine,
        running=places_of(rd, {v for g in mine for v in g.vms}),
        together=others,
    )
    return world, scene


def places_of(rd: Reader, vm_ids: Collection[str]) -> dict[str, str]:
    """Where VMs are, or will be in a moment."""
    if not vm_ids:
        return {}
    vms = rd.get_many(Vm, vm_ids)
    found = {}
    for vm_id, runtime in rd.get_many(VmRuntime, vm_ids).items():
        host = runtime.target_id or runtime.host_id
        if host is not None and vm_id in vms and vms[vm_id].status in ON_HOST:
            found[vm_id] = host
    return found


def place(
    rd: Reader,
    vm: Vm,
    *,
    only: Collection[str] = (),
    excluded: Collection[str] = (),
    preferred: str | None = None,
    together: Sequence[Vm] = (),
    answer: Answer | None = None,
    purpose: str = "start",
    keep: bool = True,
    evacuate: bool = False,
) -> Placed:
    """A host for a VM, or every host's reason. answer: of users' units; None: as they were asked, which may be due first
    (Unanswered). keep: remember the decision for `GET /vms/ID/placements`."""
    if not together and excluded:
        together = _company(rd, vm, excluded, evacuate)
    world, scene = world_of(rd, vm, together=together)
    how: dict[str, Any] = {
        "out": dict.fromkeys(excluded, "it was tried already, or the VM runs there"),
        "only": only,
        "wanted": (preferred,) if preferred else (),
    }
    if answer is None:
        answer = ASKING.answer(str(vm.id), scene.policy, lambda: _fitting(decide(world, scene.policy, **how)))
    found = decide(world, scene.policy, answer=answer, external=ASKING.names(), **how)
    placed = Placed(_with_names(found, scene), world, scene)
    if keep:
        decisions.keep(str(vm.id), decisions.Kept(purpose=purpose, decision=found, policy=scene.policy.name))
    return placed


def _fitting(decision: Decision) -> list[str]:
    return [decision.hosts.ids[int(i)] for i in decision.fitting]


def _company(rd: Reader, vm: Vm, excluded: Collection[str], evacuate: bool) -> list[Vm]:
    """VMs that must leave a host together with this one: hard positive groups on a host that is emptied."""
    runtime = rd.get(VmRuntime, str(vm.id))
    home = runtime.host_id if runtime is not None else None
    if home is None or home not in excluded or vm.status not in ON_HOST:
        return []
    host = rd.get(Host, home)
    if not evacuate and (host is None or host.status is not HostStatus.PREPARING_FOR_MAINTENANCE):
        return []
    hard = [
        g
        for g in groups_of_cluster(rd, str(vm.cluster.id) if vm.cluster else "")
        if g.vm_rule.enabled and g.vm_rule.enforcing and g.vm_rule.positive
    ]
    members = {str(vm.id)}
    while more := {v for g in hard if g.vms & members for v in g.vms} - members:
        members |= more
    members.discard(str(vm.id))
    staying = {v for v, place_ in places_of(rd, members).items() if place_ == home}
    return list(rd.get_many(Vm, staying).values())


def _with_names(decision: Decision, scene: Scene) -> Decision:
    """Reasons name networks as users know them, not by id."""
    names = scene.networks
    if not any(b.unit == "Network" for b in decision.blames):
        return decision

    def named(text: Any) -> Any:
        def words(i: int) -> str:
            found = str(text(i))
            for id_, name in names.items():
                found = found.replace(id_, name)
            return found

        return words

    decision.blames = [replace(b, text=named(b.text)) if b.unit == "Network" else b for b in decision.blames]
    return decision


def require_host(rd: Reader, vm: Vm, verb: str, **how: Any) -> PlacedHost:
    """A host, or a refusal with every host's reason."""
    placed = place(rd, vm, purpose=verb, **how)
    if placed.host is None:
        raise refuse(
            "ACTION_TYPE_FAILED_NO_VDS_AVAILABLE_IN_CLUSTER"
            if len(placed.decision.hosts) == 0
            else "SCHEDULING_ALL_HOSTS_FILTERED_OUT",
            f"Cannot {verb} VM {vm.name}. No host fits: {placed.reasons()}.",
        )
    return placed.host
