"""Names of a pool's VMs, who gets which, when one goes back: pure."""

from itertools import islice

import pytest

from ovis.engine.model.enums import VmPoolType, VmStatus
from ovis.engine.model.types import Vm, VmPool
from ovis.engine.resources.vm_pools import rules
from ovis.engine.resources.vm_pools.rules import Member

S = VmStatus


@pytest.mark.parametrize(
    ("name", "taken", "wanted"),
    [
        ("desk", (), ["desk-1", "desk-2"]),
        ("desk", ("desk-1",), ["desk-2", "desk-3"]),
        ("desk-???-x", (), ["desk-001-x", "desk-002-x"]),
        ("D?", tuple(f"d{n}" for n in range(1, 10)), ["D10", "D11"]),
    ],
)
def test_names(name: str, taken: tuple[str, ...], wanted: list[str]) -> None:
    assert list(islice(rules.names(VmPool(name=name), taken), 2)) == wanted


@pytest.mark.parametrize(
    ("pool", "size", "code"),
    [
        (VmPool(name="a b"), 1, "ACTION_TYPE_FAILED_INVALID_POOL_NAME"),
        (VmPool(name="a?b?c"), 1, "ACTION_TYPE_FAILED_INVALID_POOL_NAME"),
        (VmPool(name="a"), 1001, "ACTION_TYPE_FAILED_VM_POOL_SIZE"),
        (VmPool(name="a", max_user_vms=0), 1, "ACTION_TYPE_FAILED_MAX_USER_VMS"),
        (VmPool(name="a", prestarted_vms=2), 1, "ACTION_TYPE_FAILED_PRESTARTED_VMS_CANNOT_EXCEED_VMS_COUNT"),
    ],
)
def test_values_that_no_pool_has(pool: VmPool, size: int, code: str) -> None:
    assert [r.code for r in rules.refusals(pool, size)] == [code]
    assert rules.refusals(VmPool(name="a-??", max_user_vms=1, prestarted_vms=1), 1) == []


def test_a_running_vm_is_given_first_and_a_taken_or_busy_one_never() -> None:
    members = [
        Member(vm_id="1", name="a", status=S.DOWN, busy=True),
        Member(vm_id="2", name="b", status=S.UP, user="jane", prestarted=True),
        Member(vm_id="3", name="c", status=S.UP),  # an administrator works on it
        Member(vm_id="4", name="d", status=S.DOWN),
        Member(vm_id="5", name="e", status=S.POWERING_UP, prestarted=True),
    ]
    assert [m.vm_id for m in (rules.choose(members), rules.choose(members[:4])) if m] == ["5", "4"]
    assert rules.choose(members[:3]) is None
    pool = VmPool(prestarted_vms=3)
    assert rules.to_start(pool, members) == ["4"]
    assert rules.to_start(VmPool(prestarted_vms=1), members) == []


def test_when_a_vm_goes_back() -> None:
    automatic, manual = VmPool(type=VmPoolType.AUTOMATIC), VmPool(type=VmPoolType.MANUAL)
    up = Member(vm_id="1", name="a", status=S.UP, user="jane")
    down = Member(vm_id="1", name="a", status=S.DOWN, user="jane")
    assert not rules.returned(automatic, up, permitted=True)
    assert rules.returned(automatic, down, permitted=True)
    assert not rules.returned(manual, down, permitted=True)
    assert rules.returned(manual, up, permitted=False)
    assert rules.returned(manual, Member(vm_id="1", name="a", status=S.DOWN, prestarted=True), permitted=False)


def test_detaching() -> None:
    assert [r.code for r in rules.refusals_to_detach(Vm(status=S.DOWN))] == [
        "VM_POOL_CANNOT_DETACH_VM_NOT_ATTACHED_TO_POOL"
    ]
    for status in S:
        found = rules.refusals_to_detach(Vm(status=status, vm_pool=VmPool(id="p")))
        allowed = status in (S.UNASSIGNED, S.DOWN, S.NOT_RESPONDING, S.SUSPENDED, S.IMAGE_LOCKED)
        assert bool(found) is not allowed, status
