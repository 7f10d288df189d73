"""In which statuses operations on snapshots are refused, and how."""

import pytest

from ovis.engine.model.enums import SnapshotStatus as Status, SnapshotType as Kind, VmStatus
from ovis.engine.model.types import Vm
from ovis.engine.resources.vms.rules import Allowed
from ovis.engine.resources.vms.snapshots import rules

ILLEGAL, LOCKED = "ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL", "ACTION_TYPE_FAILED_VM_IS_LOCKED"
SAVING = "ACTION_TYPE_FAILED_VM_IS_SAVING_RESTORING"
FACTS: list[tuple[Allowed, str, str, dict[str, str]]] = [
    (
        rules.CREATE,
        "down up powering_up paused wait_for_launch reboot_in_progress powering_down",
        ILLEGAL,
        {
            "saving_state": SAVING,
            "restoring_state": SAVING,
            "migrating": "ACTION_TYPE_FAILED_MIGRATION_IN_PROGRESS",
        },
    ),
    (rules.PREVIEW, "down", "ACTION_TYPE_FAILED_VM_IS_NOT_DOWN", {}),
    (rules.SETTLE, "down suspended", ILLEGAL, {}),
    (rules.REMOVE, "down up powering_up paused reboot_in_progress", "ACTION_TYPE_FAILED_VM_IS_NOT_DOWN_OR_UP", {}),
    (
        rules.CLONE,
        "down up powering_up paused migrating wait_for_launch reboot_in_progress powering_down",
        ILLEGAL,
        {},
    ),
]


@pytest.mark.parametrize("status", list(VmStatus))
@pytest.mark.parametrize("fact", FACTS, ids=lambda f: f[0].verb)
def test_statuses(fact: tuple[Allowed, str, str, dict[str, str]], status: VmStatus) -> None:
    rule, allowed, refusal, otherwise = fact
    found = [r.code for r in rule.refusals(Vm(name="x", status=status))]
    if status.value in allowed.split():
        assert found == []
    else:
        assert found == [{"image_locked": LOCKED, **otherwise}.get(status.value, refusal)]


def test_one_operation_at_a_time() -> None:
    vm = Vm(name="x")
    assert rules.busy(vm, [Kind.REGULAR], [Status.OK]) == []
    codes = [r.code for r in rules.busy(vm, [Kind.PREVIEW, Kind.STATELESS], [Status.LOCKED])]
    assert codes == [
        "ACTION_TYPE_FAILED_VM_IN_PREVIEW",
        "ACTION_TYPE_FAILED_VM_RUNNING_STATELESS",
        "ACTION_TYPE_FAILED_VM_IS_DURING_SNAPSHOT",
    ]
    assert [r.code for r in rules.disks_usable(["a"], ["b"])] == [
        "ACTION_TYPE_FAILED_DISKS_LOCKED",
        "ACTION_TYPE_FAILED_DISKS_ILLEGAL",
    ]
