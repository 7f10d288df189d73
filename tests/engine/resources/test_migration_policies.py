"""Policies of migrations: what VM.migrate is told, from VM and cluster."""

from typing import Any

import pytest

from ovis.engine.model.enums import InheritableBoolean as I, MigrationBandwidthAssignmentMethod as M
from ovis.engine.model.types import Cluster, MigrationBandwidth, MigrationOptions, MigrationPolicy, Vm
from ovis.engine.resources.migration_policies import (
    LEGACY,
    MINIMAL_DOWNTIME,
    POLICIES,
    POST_COPY,
    SUSPEND_IF_NEEDED,
    parameters,
)


def _cluster(policy: str | None = None, **values: Any) -> Cluster:
    return Cluster(migration=MigrationOptions(policy=MigrationPolicy(id=policy) if policy else None, **values))


def test_the_default_policy_allows_more_downtime_step_by_step_and_aborts() -> None:
    found = parameters(Vm(), _cluster(MINIMAL_DOWNTIME))
    steps = found["convergenceSchedule"]["stalling"]
    assert [s["limit"] for s in steps] == [1, 2, 3, 4, 6, -1]
    assert steps[0]["action"] == {"name": "setDowntime", "params": ["150"]}
    assert steps[-1]["action"] == {"name": "abort", "params": []}
    assert found["convergenceSchedule"]["init"] == [{"name": "setDowntime", "params": ["100"]}]
    assert (found["autoConverge"], found["compressed"], found["incomingLimit"]) == (True, False, 2)


def test_a_vms_policy_beats_its_clusters() -> None:
    vm = Vm(migration=MigrationOptions(policy=MigrationPolicy(id=POST_COPY)))
    steps = parameters(vm, _cluster(SUSPEND_IF_NEEDED))["convergenceSchedule"]["stalling"]
    assert [s["action"]["name"] for s in steps] == ["setDowntime", "setDowntime", "postcopy", "abort"]


def test_legacy_has_no_schedule_and_does_not_converge_by_itself() -> None:
    found = parameters(Vm(), _cluster(LEGACY))
    assert found["convergenceSchedule"] == {"init": [], "stalling": []}
    assert found["autoConverge"] is False
    assert parameters(Vm(), _cluster(LEGACY, auto_converge=I.TRUE))["autoConverge"] is True


@pytest.mark.parametrize(
    ("own", "general", "wanted"),
    [(I.FALSE, I.TRUE, False), (I.INHERIT, I.TRUE, True), (None, I.FALSE, False), (None, None, False)],
)
def test_switches_are_inherited(own: I | None, general: I | None, wanted: bool) -> None:
    vm = Vm(migration=MigrationOptions(compressed=own))
    assert parameters(vm, _cluster(compressed=general))["compressed"] is wanted


def test_bandwidth_is_shared_by_those_at_once() -> None:
    custom = MigrationBandwidth(assignment_method=M.CUSTOM, custom_value=800)
    assert parameters(Vm(), _cluster(bandwidth=custom))["maxBandwidth"] == 47
    assert parameters(Vm(), _cluster(SUSPEND_IF_NEEDED, bandwidth=custom))["maxBandwidth"] == 95
    tiny = MigrationBandwidth(assignment_method=M.CUSTOM, custom_value=1)
    assert parameters(Vm(), _cluster(bandwidth=tiny))["maxBandwidth"] == 1
    unlimited = MigrationBandwidth(assignment_method=M.HYPERVISOR_DEFAULT)
    assert "maxBandwidth" not in parameters(Vm(), _cluster(bandwidth=unlimited))


def test_every_policy_ends() -> None:
    for id_, policy in POLICIES.items():
        steps = policy.schedule()["stalling"]
        assert id_ == LEGACY or steps[-1]["action"]["name"] == "abort"
