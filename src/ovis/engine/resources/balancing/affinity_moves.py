"""Which VMs to move so that affinity rules hold again. Pure.

Follows: engine 4.5: hard rules about hosts first, then hard ones between VMs, then soft ones in the same order.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ovis.engine.scheduling.world import Group, VmFacts


def candidates(
    groups: Sequence[Group], vms: Mapping[str, VmFacts], places: Mapping[str, str]
) -> Iterator[tuple[VmFacts, Group, bool]]:
    """(VM, the rule's group, hard), the most urgent first; VMs that may not move are left out."""
    for hard in (True, False):
        ordered = sorted(groups, key=lambda g: (-g.priority, g.name))
        for group in ordered:
            if group.host_rule.enabled and group.host_rule.enforcing is hard and group.hosts:
                for vm_id in sorted(group.vms & places.keys()):
                    if (places[vm_id] in group.hosts) is not group.host_rule.positive and _may_move(vms.get(vm_id)):
                        yield vms[vm_id], group, hard
        for group in ordered:
            if group.vm_rule.enabled and group.vm_rule.enforcing is hard:
                for vm_id in _out_of_place(group, places):
                    if _may_move(vms.get(vm_id)):
                        yield vms[vm_id], group, hard


def _out_of_place(group: Group, places: Mapping[str, str]) -> list[str]:
    running = sorted(group.vms & places.keys())
    count = Counter(places[v] for v in running)
    if group.vm_rule.positive:
        if len(count) < 2:
            return []
        home = min(count, key=lambda h: (-count[h], h))
        return [v for v in running if places[v] != home]
    return [v for v in running if count[places[v]] > 1]


def _may_move(vm: VmFacts | None) -> bool:
    return vm is not None and vm.migration == "migratable" and not vm.hosted_engine and vm.status == "up"
