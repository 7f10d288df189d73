"""What stops an operation on snapshots. Pure.

Follows: status matrix of engine 4.5 (`snapshot create`, `preview`, `commit / undo / restore`, `remove`, `clone`).
"""

from collections.abc import Sequence

from ovis.engine.declare.faults import Kind, Refusal
from ovis.engine.model.enums import SnapshotStatus, SnapshotType
from ovis.engine.model.types import Vm
from ovis.engine.resources.texts import TextRule
from ovis.engine.resources.vms.rules import Allowed, S, disks_locked

DESCRIPTION_RULE = TextRule(4000, 0)
_SAVING = "ACTION_TYPE_FAILED_VM_IS_SAVING_RESTORING"
_ILLEGAL = "ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL"
_LOCKED = "ACTION_TYPE_FAILED_VM_IS_LOCKED"


def _allowed(verb: str, statuses: str, refusal: str, **otherwise: str) -> Allowed:
    return Allowed(
        frozenset(S(s) for s in statuses.split()),
        refusal,
        verb,
        {S.IMAGE_LOCKED: _LOCKED} | {S(k): v for k, v in otherwise.items()},
    )


CREATE = _allowed(
    "take a snapshot of",
    "down up powering_up paused wait_for_launch reboot_in_progress powering_down",
    _ILLEGAL,
    saving_state=_SAVING,
    restoring_state=_SAVING,
    migrating="ACTION_TYPE_FAILED_MIGRATION_IN_PROGRESS",
)
PREVIEW = _allowed("preview a snapshot of", "down", "ACTION_TYPE_FAILED_VM_IS_NOT_DOWN")
SETTLE = _allowed("commit or undo a preview of", "down suspended", _ILLEGAL)
REMOVE = _allowed(
    "remove a snapshot of",
    "down up powering_up paused reboot_in_progress",
    "ACTION_TYPE_FAILED_VM_IS_NOT_DOWN_OR_UP",
)
CLONE = _allowed(
    "clone",
    "down up powering_up paused migrating wait_for_launch reboot_in_progress powering_down",
    _ILLEGAL,
)


def busy(vm: Vm, kinds: Sequence[SnapshotType], statuses: Sequence[SnapshotStatus]) -> list[Refusal]:
    """What other snapshots of the VM (their types and statuses) leave no room for: one operation at a time."""
    found = []
    if SnapshotType.PREVIEW in kinds:
        found.append(
            Refusal(
                "ACTION_TYPE_FAILED_VM_IN_PREVIEW",
                f"VM {vm.name} is in a preview.",
                "Commit or undo the preview first.",
            )
        )
    if SnapshotType.STATELESS in kinds:
        found.append(
            Refusal("ACTION_TYPE_FAILED_VM_RUNNING_STATELESS", f"VM {vm.name} runs stateless.", "Stop it first.")
        )
    if SnapshotStatus.LOCKED in statuses:
        found.append(
            Refusal(
                "ACTION_TYPE_FAILED_VM_IS_DURING_SNAPSHOT", f"A snapshot of VM {vm.name} is in work.", "Wait for it."
            )
        )
    return found


def disks_usable(locked: Sequence[str], illegal: Sequence[str]) -> list[Refusal]:
    """Names of disks that are locked or illegal."""
    found = disks_locked(locked)
    if illegal:
        found.append(
            Refusal(
                "ACTION_TYPE_FAILED_DISKS_ILLEGAL",
                f"These disks are illegal: {', '.join(illegal)}.",
                "Remove the snapshot again to end the merge that broke off.",
            )
        )
    return found


def of_another_type(description: str) -> Refusal:
    """Only what users made is previewed or removed."""
    return Refusal(
        "ACTION_TYPE_FAILED_VM_SNAPSHOT_TYPE_NOT_REGULAR", f"Snapshot {description} is none that a user has taken."
    )


def not_in_preview(vm: Vm) -> Refusal:
    """There is nothing to commit or to undo."""
    return Refusal("ACTION_TYPE_FAILED_VM_SNAPSHOT_NOT_IN_PREVIEW", f"VM {vm.name} is in no preview.")


def has_tpm(vm: Vm) -> Refusal:
    """What a TPM holds is no part of saved memory."""
    return Refusal(
        "ACTION_TYPE_FAILED_VM_HAS_TPM", f"VM {vm.name} has a TPM: its memory cannot be saved.", "Leave the memory out."
    )


def no_such_disk(what: str) -> Refusal:
    """A chosen disk is not there."""
    return Refusal("ACTION_TYPE_FAILED_DISK_NOT_EXIST", f"{what} is no disk of it.", "", Kind.BAD)
