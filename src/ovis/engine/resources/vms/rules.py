"""What a VM may be and may do: defaults, refusals, what changes now and what at the next run. Pure.

Follows: status matrix of engine 4.5 (`vm.actions`, `vm.fields`), field limits, memory rules.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from ovis.engine.declare.faults import Kind, Refusal
from ovis.engine.declare.shape import attributes
from ovis.engine.model.enums import BootDevice, VmAffinity, VmStatus
from ovis.engine.model.types import CpuTopology, MemoryPolicy, Vm, VmPlacementPolicy
from ovis.engine.resources import texts
from ovis.engine.resources.texts import TextRule

S = VmStatus

MIB = 1 << 20
NAME_RULE = TextRule(64, 1, texts.NAME)
DESCRIPTION_RULE = TextRule(255, 0, r"[\x00-\x7f\w]*", "ACTION_TYPE_FAILED_DESCRIPTION_MAY_NOT_CONTAIN_SPECIAL_CHARS")
MAX_MEMORY = 16777216 * MIB
HOTPLUG_STEP = 128 * MIB

_ILLEGAL = "ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL"
_LOCKED = "ACTION_TYPE_FAILED_VM_IS_LOCKED"
_NOT_RUNNING = "ACTION_TYPE_FAILED_VM_IS_NOT_RUNNING"
_SAVING = "ACTION_TYPE_FAILED_VM_IS_SAVING_RESTORING"


@dataclass(frozen=True, slots=True)
class Allowed:
    """In which statuses an action is accepted, and what is answered elsewhere."""

    statuses: frozenset[VmStatus]
    refusal: str
    verb: str
    otherwise: Mapping[VmStatus, str]

    def refusals(self, vm: Vm) -> list[Refusal]:
        """The status part of an action's check."""
        status = vm.status or S.DOWN
        if status in self.statuses:
            return []
        code = self.otherwise.get(status, _LOCKED if status is S.IMAGE_LOCKED else self.refusal)
        allowed = ", ".join(sorted(s.value for s in self.statuses))
        return [
            Refusal(code, f"Cannot {self.verb} VM {vm.name}: it is {status.value}.", f"It must be one of: {allowed}.")
        ]


def _allowed(verb: str, statuses: str, refusal: str, **otherwise: str) -> Allowed:
    return Allowed(
        frozenset(VmStatus(s) for s in statuses.split()), refusal, verb, {VmStatus(k): v for k, v in otherwise.items()}
    )


_STOPPABLE = (
    "down up powering_up paused migrating not_responding wait_for_launch reboot_in_progress suspended powering_down"
)
START = _allowed("start", "down paused suspended", _ILLEGAL)
STOP = _allowed("stop", _STOPPABLE, _NOT_RUNNING, saving_state=_SAVING, restoring_state=_SAVING)
SHUTDOWN = _allowed("shut down", _STOPPABLE, _NOT_RUNNING, saving_state=_SAVING, restoring_state=_SAVING)
REBOOT = _allowed("reboot", "up powering_up", _ILLEGAL)
RESET = _allowed("reset", "up powering_up migrating reboot_in_progress powering_down", _ILLEGAL)
SUSPEND = _allowed(
    "suspend", "up", "ACTION_TYPE_FAILED_VM_IS_NOT_UP", wait_for_launch=_ILLEGAL, not_responding=_ILLEGAL
)
MIGRATE = _allowed(
    "migrate",
    "up powering_up paused reboot_in_progress",
    _NOT_RUNNING,
    migrating="ACTION_TYPE_FAILED_MIGRATION_IN_PROGRESS",
    not_responding=_ILLEGAL,
)
CANCEL_MIGRATION = _allowed(
    "cancel the migration of", "migrating", "VM_CANNOT_CANCEL_MIGRATION_WHEN_VM_IS_NOT_MIGRATING"
)
REMOVE = _allowed(
    "remove",
    "unassigned down",
    "ACTION_TYPE_FAILED_VM_IS_RUNNING",
    suspended="VM_CANNOT_REMOVE_VM_WHEN_STATUS_IS_NOT_DOWN",
)
TICKET = _allowed("open a console of", "up powering_up paused reboot_in_progress powering_down", _ILLEGAL)
CONSOLE_FILE = _allowed(
    "open a console of", "up powering_up paused migrating reboot_in_progress saving_state powering_down", _ILLEGAL
)
SCREENSHOT = _allowed("take a screenshot of", "up powering_up migrating reboot_in_progress powering_down", _ILLEGAL)
FREEZE = _allowed("freeze or thaw file systems of", "up", _ILLEGAL)
DOWN = _allowed("do this to", "down", "ACTION_TYPE_FAILED_VM_IS_NOT_DOWN")
CHANGE_CD = _allowed(
    "change the CD of",
    "up powering_up paused migrating wait_for_launch reboot_in_progress saving_state restoring_state powering_down",
    _ILLEGAL,
)
NIC_CHANGE = _allowed(
    "change NICs of",
    "down up image_locked",
    "NETWORK_CANNOT_ADD_INTERFACE_WHEN_VM_STATUS_NOT_UP_DOWN_LOCKED",
)
DISK_ATTACH = _allowed("attach a disk to", "down up paused", _ILLEGAL)
DISK_PLUG = _allowed("plug disks of", "down up paused", _ILLEGAL)
DISK_MIGRATE = _allowed("move disks of", "up paused", "CANNOT_LIVE_MIGRATE_VM_SHOULD_BE_IN_PAUSED_OR_UP_STATUS")
DISK_DETACH = _allowed("detach a disk from", "down up", _ILLEGAL)


def refusals_to_remove(vm: Vm, *, pool: bool, locked_disks: Sequence[str]) -> list[Refusal]:
    """Everything that stops a VM's removal."""
    found = REMOVE.refusals(vm)
    if vm.delete_protected:
        found.append(
            Refusal(
                "ACTION_TYPE_FAILED_DELETE_PROTECTION_ENABLED",
                f"VM {vm.name} is protected against deletion.",
                "Switch its delete protection off first.",
            )
        )
    if pool:
        found.append(
            Refusal("ACTION_TYPE_FAILED_VM_ATTACHED_TO_POOL", f"VM {vm.name} belongs to a pool.", "Detach it first.")
        )
    return found + disks_locked(locked_disks)


def disks_locked(names: Sequence[str]) -> list[Refusal]:
    """The refusal for disks that a task holds."""
    if not names:
        return []
    return [
        Refusal(
            "ACTION_TYPE_FAILED_DISKS_LOCKED",
            f"These disks are locked: {', '.join(names)}.",
            "Wait for their tasks to end.",
        )
    ]


def refusals_to_start(
    vm: Vm,
    *,
    disks: int,
    boot_disks: int,
    nics: int,
    cd: bool,
    locked_disks: Sequence[str],
    illegal_disks: Sequence[str],
    data_center_up: bool,
    inactive_domains: Sequence[str] = (),
) -> list[Refusal]:
    """Everything that stops a start besides the choice of a host. Counts are of plugged devices."""
    found = START.refusals(vm) + disks_locked(locked_disks)
    if vm.status is not S.DOWN:
        return found
    if illegal_disks:
        found.append(
            Refusal("ACTION_TYPE_FAILED_DISKS_ILLEGAL", f"These disks are illegal: {', '.join(illegal_disks)}.")
        )
    if disks and not data_center_up:
        found.append(
            Refusal(
                "ACTION_TYPE_FAILED_STORAGE_POOL_STATUS_ILLEGAL",
                "The data center's storage is not up.",
                "Wait until it is, or activate its storage domains.",
            )
        )
    elif inactive_domains:
        found.append(
            Refusal(
                "ACTION_TYPE_FAILED_STORAGE_DOMAIN_STATUS_ILLEGAL2",
                f"Storage domains of its disks are not active: {', '.join(inactive_domains)}.",
                "Activate them.",
            )
        )
    if vm.stateless and vm.high_availability and vm.high_availability.enabled:
        found.append(
            Refusal(
                "VM_CANNOT_RUN_STATELESS_HA",
                f"VM {vm.name} is stateless and highly available.",
                "It can be one of these only.",
            )
        )
    boots = boot_devices(vm)
    if (
        boots[0] is BootDevice.HD
        and not disks
        and BootDevice.NETWORK not in boots
        and BootDevice.CDROM not in boots
        and not cd
    ):
        found.append(
            Refusal(
                "VM_CANNOT_RUN_FROM_DISK_WITHOUT_DISK",
                f"VM {vm.name} boots from its disk and has none.",
                "Add a bootable disk, or change its boot order.",
            )
        )
    if boots[0] is BootDevice.NETWORK and not nics:
        found.append(
            Refusal(
                "VM_CANNOT_RUN_FROM_NETWORK_WITHOUT_NETWORK",
                f"VM {vm.name} boots from the network and has no NIC.",
                "Add a NIC, or change its boot order.",
            )
        )
    return found


def refusals_to_migrate(vm: Vm, *, forced: bool, pause_code: str) -> list[Refusal]:
    """Everything that stops a migration besides the choice of a host."""
    found = MIGRATE.refusals(vm)
    affinity = vm.placement_policy.affinity if vm.placement_policy else None
    if affinity is VmAffinity.PINNED:
        found.append(Refusal("ACTION_TYPE_FAILED_VM_IS_PINNED_TO_HOST", f"VM {vm.name} is pinned to its host."))
    elif affinity is VmAffinity.USER_MIGRATABLE and not forced:
        found.append(
            Refusal(
                "ACTION_TYPE_FAILED_VM_IS_NON_MIGRTABLE_AND_IS_NOT_FORCED_BY_USER_TO_MIGRATE",
                f"VM {vm.name} migrates only when a user forces it.",
                "Use force.",
            )
        )
    if vm.status is S.PAUSED and pause_code not in ("", "NOERR"):
        found.append(
            Refusal(
                "MIGRATE_PAUSED_EIO_VM_IS_NOT_SUPPORTED",
                f"VM {vm.name} is paused because of an I/O error ({pause_code}).",
            )
        )
    return found


def refusals_to_suspend(vm: Vm) -> list[Refusal]:
    """Everything that stops a suspension besides space for the memory."""
    found = SUSPEND.refusals(vm)
    if vm.stateless:
        found.append(Refusal("VM_CANNOT_SUSPEND_STATELESS_VM", f"VM {vm.name} is stateless."))
    if vm.vm_pool is not None:
        found.append(Refusal("VM_CANNOT_SUSPEND_VM_FROM_POOL", f"VM {vm.name} belongs to a pool."))
    return found


def boot_devices(vm: Vm) -> list[BootDevice]:
    """The boot order; the disk first when nothing is said."""
    boot = vm.os.boot if vm.os else None
    return list(boot.devices) if boot and boot.devices else [BootDevice.HD]


def value_refusals(vm: Vm, *, name_max: int = 64) -> list[Refusal]:
    """Everything wrong with a VM's own values."""
    found = texts.text_refusals(vm.name, "name", replace_max(NAME_RULE, name_max))
    found += texts.text_refusals(vm.description, "description", DESCRIPTION_RULE)
    memory = vm.memory or 0
    policy = vm.memory_policy or MemoryPolicy()
    if memory < MIB:
        found.append(_bad("VALIDATION_VM_MEMORY_TOO_SMALL", f"{memory} bytes of memory are less than 1 MiB."))
    if memory > MAX_MEMORY:
        found.append(
            _bad("ACTION_TYPE_FAILED_MEMORY_EXCEEDS_SUPPORTED_LIMIT", f"{memory} bytes of memory exceed the limit.")
        )
    if policy.guaranteed is not None and policy.guaranteed > memory:
        found.append(
            _bad(
                "ACTION_TYPE_FAILED_MIN_MEMORY_CANNOT_EXCEED_MEMORY_SIZE",
                f"The guaranteed memory ({policy.guaranteed}) exceeds the memory ({memory}).",
            )
        )
    if policy.max is not None and policy.max < memory:
        found.append(
            _bad(
                "ACTION_TYPE_FAILED_MAX_MEMORY_CANNOT_BE_SMALLER_THAN_MEMORY_SIZE",
                f"The maximum memory ({policy.max}) is below the memory ({memory}).",
            )
        )
    topology = vm.cpu.topology if vm.cpu and vm.cpu.topology else CpuTopology()
    parts = [topology.sockets or 1, topology.cores or 1, topology.threads or 1]
    if min(parts) < 1 or any(p is not None and p < 1 for p in (topology.sockets, topology.cores, topology.threads)):
        found.append(_bad("ACTION_TYPE_FAILED_MIN_NUM_SOCKETS", "A CPU topology needs at least one of each."))
    elif parts[0] > 16 or parts[1] > 254 or parts[2] > 8:
        found.append(
            _bad("ACTION_TYPE_FAILED_MAX_NUM_SOCKETS", "The CPU topology exceeds 16 sockets, 254 cores or 8 threads.")
        )
    elif parts[0] * parts[1] * parts[2] > 710:
        found.append(_bad("ACTION_TYPE_FAILED_MAX_NUM_CPU", "A VM cannot have more than 710 CPUs."))
    policy_of_place = vm.placement_policy or VmPlacementPolicy()
    pinned = policy_of_place.affinity is VmAffinity.PINNED and len(policy_of_place.hosts or ()) < 2
    if vm.high_availability and vm.high_availability.enabled and pinned:
        found.append(
            _bad(
                "ACTION_TYPE_FAILED_HA_VM_PINNED_TO_SINGLE_HOST",
                "A highly available VM cannot be pinned to one host.",
            )
        )
    return found


def _bad(code: str, text: str) -> Refusal:
    return Refusal(code, text, "", Kind.BAD)


def replace_max(rule: TextRule, limit: int) -> TextRule:
    """The same rule with another length."""
    return TextRule(limit, rule.min, rule.pattern, rule.code, rule.too_long)


def complete_memory(vm: Vm, given: Vm) -> Vm:
    """Maximum and guaranteed memory follow the memory where the client says nothing.

    Maximum: four times the memory, up to the limit. Guaranteed: the memory itself.
    """
    memory = vm.memory or 0
    policy = vm.memory_policy or MemoryPolicy()
    said = given.memory_policy or MemoryPolicy()
    if given.memory is not None:
        if said.max is None:
            policy = replace(policy, max=min(memory * 4, MAX_MEMORY))
        if said.guaranteed is None:
            policy = replace(policy, guaranteed=memory)
    return replace(vm, memory_policy=policy)


# -- what a running VM takes at once ------------------------------------------------------------------------

# Attributes that change at once whatever the VM does; the rest waits for the next run.
AT_ONCE = frozenset(
    """name description comment high_availability delete_protected initialization placement_policy quota migration
    migration_downtime tunnel_migration cpu_profile instance_type use_latest_template_version large_icon small_icon
    lease origin creation_time next_run_configuration_exists status host start_time stop_time stop_reason fqdn
    guest_operating_system guest_time_zone run_once template original_template vm_pool status_detail
    has_illegal_images""".split()
)


def split_update(before: Vm, after: Vm) -> tuple[Vm, Vm | None]:
    """(what a running VM becomes now, the whole next-run VM if something must wait for it)."""
    now: dict[str, Any] = {}
    waits = False
    for row in attributes(Vm):
        old, new = getattr(before, row.name), getattr(after, row.name)
        if old == new:
            continue
        if row.name in AT_ONCE:
            now[row.name] = new
        else:
            waits = True
    return (replace(before, **now) if now else before), (after if waits else None)


Check = Callable[[Vm], list[Refusal]]
