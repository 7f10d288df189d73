"""Filter VmToHostsAffinityGroups: hard rules between VMs and hosts. Pure."""

from collections.abc import Sequence
from functools import partial

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Of several positive rules each must hold; a negative one drops its hosts."""
    drops = []
    own = {v.id for v in w.all_vms}
    for group in w.groups:
        rule_ = group.host_rule
        if not (group.vms & own and group.hosts and rule_.enabled and rule_.enforcing):
            continue
        members = w.hosts.among(group.hosts)
        if rule_.positive:
            text = f"affinity group {group.name} binds the VM to other hosts"
            drops.append(Drop(~members, "VAR__DETAIL__AFFINITY_FAILED_POSITIVE", partial(_said, text)))
        else:
            text = f"affinity group {group.name} keeps the VM away from it"
            drops.append(Drop(members, "VAR__DETAIL__AFFINITY_FAILED_NEGATIVE", partial(_said, text)))
    return drops


def _said(text: str, position: int) -> str:
    return text


UNIT = Filter(
    id="e69808a9-8a41-40f1-94ba-dd5d385d82d8",
    name="VmToHostsAffinityGroups",
    doc="hard rules between VMs and hosts.",
    rule=rule,
)
