"""The scheduling policy of a cluster, and its own properties.

Does: copy the policy's properties into the cluster when it gets the policy, merge what a client gives, check values.
Follows: engine 4.5: a client's properties are merged into those that are there; a later edit of the policy does not follow.
"""

from msgspec.structs import replace

from ovis.engine.declare.faults import Kind, Refusal
from ovis.engine.model.types import Cluster, Property, SchedulingPolicy
from ovis.engine.resources import bodies
from ovis.engine.resources.scheduling_policies import parameters_of
from ovis.engine.resources.scheduling_policies.read import parts_of
from ovis.engine.resources.scheduling_policies.units import known_units
from ovis.engine.scheduling.policies import wrong_parameters
from ovis.engine.store.session import Reader


def scheduled(rd: Reader, new: Cluster, old: Cluster | None, given: list[Property] | None) -> Cluster:
    """The cluster with the properties that it schedules by. given: what the client sent."""
    policy_id = new.scheduling_policy.id if new.scheduling_policy else None
    policy = rd.get(SchedulingPolicy, policy_id) if policy_id else None
    before = old.scheduling_policy.id if old and old.scheduling_policy else None
    if old is not None and before == policy_id and old.custom_scheduling_policy_properties is not None:
        values = {str(p.name): str(p.value) for p in old.custom_scheduling_policy_properties}
    else:
        values = parameters_of(policy)
    values |= {str(p.name): str(p.value or "") for p in given or ()}
    if given and policy is not None:
        units = known_units(rd)
        parts = parts_of(policy)
        used = [
            *(i for i, _ in parts.filters),
            *(i for i, _ in parts.weights),
            *([parts.balance] if parts.balance else []),
        ]
        wrong = wrong_parameters(
            {str(p.name): str(p.value or "") for p in given}, [units[i] for i in used if i in units]
        )
        bodies.raise_all([Refusal(w.code, w.text, "", Kind.BAD) for w in wrong])
    return replace(
        new, custom_scheduling_policy_properties=[Property(name=n, value=v) for n, v in sorted(values.items())]
    )
