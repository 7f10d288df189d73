"""Which action is accepted in which status, and what is answered elsewhere; what a VM may be."""

import json
from pathlib import Path
from typing import Any

import pytest

from ovis.engine.declare.faults import Kind
from ovis.engine.model.enums import BootDevice, VmAffinity, VmStatus
from ovis.engine.model.types import (
    Boot,
    Cpu,
    CpuTopology,
    HighAvailability,
    Host,
    MemoryPolicy,
    OperatingSystem,
    Vm,
    VmPlacementPolicy,
)
from ovis.engine.resources.vms import rules

MIB, GIB = 1 << 20, 1 << 30
MATRIX: dict[str, dict[str, Any]] = json.loads((Path(__file__).parents[3] / "data/vms/actions.json").read_text())
CASES = [(action, status) for action in MATRIX for status in VmStatus]


@pytest.mark.parametrize(("action", "status"), CASES, ids=[f"{a}-{s}" for a, s in CASES])
def test_every_action_in_every_status(action: str, status: VmStatus) -> None:
    row = MATRIX[action]
    found = getattr(rules, action).refusals(Vm(name="x", status=status))
    if status.value in row["allowed"].split():
        assert found == []
    else:
        assert [r.code for r in found] == [row["in"].get(status.value, row["else"])]
        assert found[0].kind is Kind.CONFLICT
        assert status.value in found[0].text


def codes(vm: Vm, **values: Any) -> set[str]:
    return {r.code for r in rules.value_refusals(vm, **values)}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": "ok-1_.name"}, None),
        ({"name": "Zoë-модель"}, None),
        ({"name": "no space"}, "ACTION_TYPE_FAILED_NAME_MAY_NOT_CONTAIN_SPECIAL_CHARS"),
        ({"name": ""}, "ACTION_TYPE_FAILED_NAME_LENGTH_IS_TOO_LONG"),
        ({"name": "x" * 65}, "ACTION_TYPE_FAILED_NAME_LENGTH_IS_TOO_LONG"),
        ({"name": "x" * 64}, None),
        ({"memory": 0}, "VALIDATION_VM_MEMORY_TOO_SMALL"),
        ({"memory": 16777217 * MIB}, "ACTION_TYPE_FAILED_MEMORY_EXCEEDS_SUPPORTED_LIMIT"),
        (
            {"memory_policy": MemoryPolicy(guaranteed=2 * GIB)},
            "ACTION_TYPE_FAILED_MIN_MEMORY_CANNOT_EXCEED_MEMORY_SIZE",
        ),
        (
            {"memory_policy": MemoryPolicy(max=GIB // 2)},
            "ACTION_TYPE_FAILED_MAX_MEMORY_CANNOT_BE_SMALLER_THAN_MEMORY_SIZE",
        ),
        ({"cpu": Cpu(topology=CpuTopology(sockets=0))}, "ACTION_TYPE_FAILED_MIN_NUM_SOCKETS"),
        ({"cpu": Cpu(topology=CpuTopology(sockets=17))}, "ACTION_TYPE_FAILED_MAX_NUM_SOCKETS"),
        ({"cpu": Cpu(topology=CpuTopology(sockets=16, cores=50))}, "ACTION_TYPE_FAILED_MAX_NUM_CPU"),
        ({"cpu": Cpu(topology=CpuTopology(sockets=16, cores=44))}, None),
        (
            {
                "high_availability": HighAvailability(enabled=True),
                "placement_policy": VmPlacementPolicy(affinity=VmAffinity.PINNED, hosts=[Host(id="1")]),
            },
            "ACTION_TYPE_FAILED_HA_VM_PINNED_TO_SINGLE_HOST",
        ),
    ],
)
def test_values(values: dict[str, Any], code: str | None) -> None:
    base: dict[str, Any] = {"name": "x", "memory": GIB}
    assert codes(Vm(**(base | values))) == ({code} if code else set())


def test_names_of_windows_guests_with_sysprep_are_short() -> None:
    assert codes(Vm(name="x" * 16, memory=GIB), name_max=15) == {"ACTION_TYPE_FAILED_NAME_LENGTH_IS_TOO_LONG"}


@pytest.mark.parametrize(
    ("given", "maximum", "guaranteed"),
    [
        (Vm(memory=GIB), 4 * GIB, GIB),
        (Vm(memory=GIB, memory_policy=MemoryPolicy(max=2 * GIB)), 2 * GIB, GIB),
        (Vm(memory=GIB, memory_policy=MemoryPolicy(guaranteed=GIB // 2)), 4 * GIB, GIB // 2),
        (Vm(memory=rules.MAX_MEMORY), rules.MAX_MEMORY, rules.MAX_MEMORY),
    ],
)
def test_memory_that_the_client_leaves_open_follows_from_what_it_says(given: Vm, maximum: int, guaranteed: int) -> None:
    policy = rules.complete_memory(given, given).memory_policy
    assert policy is not None
    assert (policy.max, policy.guaranteed) == (maximum, guaranteed)


def start(vm: Vm, **facts: Any) -> set[str]:
    values: dict[str, Any] = {
        "disks": 1,
        "boot_disks": 1,
        "nics": 1,
        "cd": False,
        "locked_disks": [],
        "illegal_disks": [],
        "data_center_up": True,
    }
    return {r.code for r in rules.refusals_to_start(vm, **(values | facts))}


def booting(*devices: BootDevice) -> Vm:
    return Vm(name="x", status=VmStatus.DOWN, os=OperatingSystem(boot=Boot(devices=list(devices))))


@pytest.mark.parametrize(
    ("vm", "facts", "code"),
    [
        (booting(BootDevice.HD), {}, None),
        (booting(BootDevice.HD), {"disks": 0}, "VM_CANNOT_RUN_FROM_DISK_WITHOUT_DISK"),
        (booting(BootDevice.HD, BootDevice.NETWORK), {"disks": 0}, None),
        (booting(BootDevice.HD), {"disks": 0, "cd": True}, None),
        (booting(BootDevice.NETWORK), {"nics": 0}, "VM_CANNOT_RUN_FROM_NETWORK_WITHOUT_NETWORK"),
        (booting(BootDevice.HD), {"locked_disks": ["d"]}, "ACTION_TYPE_FAILED_DISKS_LOCKED"),
        (booting(BootDevice.HD), {"illegal_disks": ["d"]}, "ACTION_TYPE_FAILED_DISKS_ILLEGAL"),
        (booting(BootDevice.HD), {"data_center_up": False}, "ACTION_TYPE_FAILED_STORAGE_POOL_STATUS_ILLEGAL"),
        (booting(BootDevice.NETWORK), {"disks": 0, "data_center_up": False}, None),
    ],
)
def test_what_stops_a_start(vm: Vm, facts: dict[str, Any], code: str | None) -> None:
    assert start(vm, **facts) == ({code} if code else set())


def test_a_stateless_vm_cannot_be_highly_available_at_start() -> None:
    vm = Vm(name="x", status=VmStatus.DOWN, stateless=True, high_availability=HighAvailability(enabled=True))
    assert start(vm) == {"VM_CANNOT_RUN_STATELESS_HA"}


@pytest.mark.parametrize(
    ("affinity", "forced", "code"),
    [
        (VmAffinity.MIGRATABLE, False, None),
        (
            VmAffinity.USER_MIGRATABLE,
            False,
            "ACTION_TYPE_FAILED_VM_IS_NON_MIGRTABLE_AND_IS_NOT_FORCED_BY_USER_TO_MIGRATE",
        ),
        (VmAffinity.USER_MIGRATABLE, True, None),
        (VmAffinity.PINNED, True, "ACTION_TYPE_FAILED_VM_IS_PINNED_TO_HOST"),
    ],
)
def test_who_may_migrate(affinity: VmAffinity, forced: bool, code: str | None) -> None:
    vm = Vm(name="x", status=VmStatus.UP, placement_policy=VmPlacementPolicy(affinity=affinity))
    found = [r.code for r in rules.refusals_to_migrate(vm, forced=forced, pause_code="")]
    assert found == ([code] if code else [])


@pytest.mark.parametrize(("pause", "count"), [("", 0), ("NOERR", 0), ("EIO", 1), ("ENOSPC", 1)])
def test_a_vm_paused_by_its_storage_does_not_migrate(pause: str, count: int) -> None:
    vm = Vm(name="x", status=VmStatus.PAUSED)
    assert len(rules.refusals_to_migrate(vm, forced=False, pause_code=pause)) == count


def test_an_update_of_a_running_vm_is_split_into_now_and_later() -> None:
    before = Vm(id="1", name="old", memory=GIB, comment="")
    now, later = rules.split_update(before, Vm(id="1", name="new", memory=2 * GIB, comment="c"))
    assert (now.name, now.comment, now.memory) == ("new", "c", GIB)
    assert later is not None
    assert (later.name, later.memory) == ("new", 2 * GIB)


def test_an_update_of_a_running_vm_that_changes_at_once_leaves_nothing_for_later() -> None:
    before = Vm(id="1", name="old", memory=GIB)
    assert rules.split_update(before, Vm(id="1", name="new", memory=GIB))[1] is None
