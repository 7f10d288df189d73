"""From the API's documents to the policy that scheduling uses.

Follows: engine 4.5: a decision reads the properties of the cluster alone; those of the policy were copied into it when it
was saved. A cluster that has none (made before there were any) uses the policy's.
"""

from dataclasses import replace

from ovis.engine.model.types import Cluster, SchedulingPolicy
from ovis.engine.scheduling.policies import DEFAULT, Policy
from ovis.engine.scheduling.selectors import RANK, SELECTORS


def parameters_of(policy: SchedulingPolicy | None) -> dict[str, str]:
    """A policy's properties."""
    return {str(p.name): str(p.value) for p in (policy.properties if policy else None) or ()}


def parts_of(policy: SchedulingPolicy) -> Policy:
    """Units, positions, factors and properties of a policy's document."""
    params = parameters_of(policy)
    return Policy(
        name=str(policy.name),
        filters=tuple((str(f.id), f.position or 0) for f in policy.filters or ()),
        weights=tuple((str(w.id), float(1 if w.factor is None else w.factor)) for w in policy.weight or ()),
        balance=next((str(b.id) for b in policy.balances or ()), None),
        selector=SELECTORS.get(params.get("Selector", "rank"), RANK),
        params=params,
    )


def policy_from(policy: SchedulingPolicy | None, cluster: Cluster) -> Policy:
    """What a cluster schedules by."""
    found = DEFAULT if policy is None else parts_of(policy)
    own = cluster.custom_scheduling_policy_properties
    if own is None:
        return found
    params = {str(p.name): str(p.value) for p in own}
    return replace(found, params=params, selector=SELECTORS.get(params.get("Selector", "rank"), RANK))
