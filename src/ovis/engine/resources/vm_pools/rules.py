"""What a pool may be, what its VMs are called, and which of them a user gets. Pure.

Follows: field limits and defaults of engine 4.5; status matrix, `detach from pool`.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ovis.engine.declare.faults import Kind, Refusal
from ovis.engine.model.enums import VmPoolType, VmStatus
from ovis.engine.model.types import Vm, VmPool
from ovis.engine.resources import texts
from ovis.engine.resources.texts import TextRule

MOST_VMS = 1000
MOST_FOR_A_USER = 32767
_NAME = TextRule(255, 1, r"[\w.-]+[?]*[\w.-]*|[\w.-]*[?]*[\w.-]+", "ACTION_TYPE_FAILED_INVALID_POOL_NAME")
_DESCRIPTION = TextRule(4000, 0, texts.ASCII_TEXT, "ACTION_TYPE_FAILED_DESCRIPTION_MAY_NOT_CONTAIN_SPECIAL_CHARS")
_MASK = re.compile(r"\?+")
_S = VmStatus
# A VM that ran by itself before anybody asked is given away in these, the readiest first.
_READY = (_S.UP, _S.POWERING_UP, _S.WAIT_FOR_LAUNCH)
_DETACHABLE = frozenset({_S.UNASSIGNED, _S.DOWN, _S.NOT_RESPONDING, _S.SUSPENDED, _S.IMAGE_LOCKED})


def refusals(pool: VmPool, size: int) -> list[Refusal]:
    """Everything wrong with a pool of so many VMs."""
    found = texts.text_refusals(pool.name, "name", _NAME)
    found += texts.text_refusals(pool.description, "description", _DESCRIPTION)
    if size < 0 or size > MOST_VMS:
        found.append(_bad("ACTION_TYPE_FAILED_VM_POOL_SIZE", f"A pool has up to {MOST_VMS} VMs, not {size}."))
    if not 1 <= (pool.max_user_vms or 1) <= MOST_FOR_A_USER or pool.max_user_vms == 0:
        found.append(
            _bad(
                "ACTION_TYPE_FAILED_MAX_USER_VMS",
                f"A user may have 1 to {MOST_FOR_A_USER} VMs of a pool, not {pool.max_user_vms}.",
            )
        )
    prestarted = pool.prestarted_vms or 0
    if prestarted < 0 or prestarted > size:
        found.append(
            _bad(
                "ACTION_TYPE_FAILED_PRESTARTED_VMS_CANNOT_EXCEED_VMS_COUNT",
                f"{prestarted} of {size} VMs cannot be started beforehand.",
            )
        )
    return found


def refusals_to_resize(pool: VmPool, before: int, size: int) -> list[Refusal]:
    """A pool grows; it shrinks by its VMs being detached."""
    if size >= before:
        return []
    return [
        Refusal(
            "VM_POOL_CANNOT_DECREASE_VMS_FROM_POOL",
            f"Pool {pool.name} has {before} VMs and cannot be made smaller ({size}).",
            "Detach VMs from it, then remove them.",
        )
    ]


def refusals_to_detach(vm: Vm) -> list[Refusal]:
    """Everything that keeps a VM in its pool."""
    if vm.vm_pool is None:
        return [Refusal("VM_POOL_CANNOT_DETACH_VM_NOT_ATTACHED_TO_POOL", f"VM {vm.name} belongs to no pool.")]
    if vm.status is not None and vm.status not in _DETACHABLE:
        return [
            Refusal(
                "VM_POOL_CANNOT_REMOVE_RUNNING_VM_FROM_POOL", f"VM {vm.name} is {vm.status.value}.", "Stop it first."
            )
        ]
    return []


def names(pool: VmPool, taken: Collection[str]) -> Iterator[str]:
    """Names of the next VMs, without end: `NAME-1`, or numbers in the place of `???`. taken: in lower case."""
    name, number = pool.name or "", 0
    mask = _MASK.search(name)
    while True:
        number += 1
        if mask is None:
            found = f"{name}-{number}"
        else:
            found = f"{name[: mask.start()]}{number:0{len(mask.group())}}{name[mask.end() :]}"
        if found.lower() not in taken:
            yield found


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A VM of a pool. user: who has it. prestarted: it was started for whoever comes. busy: a command holds it."""

    vm_id: str
    name: str
    status: VmStatus
    user: str = ""
    prestarted: bool = False
    busy: bool = False


def choose(members: Sequence[Member]) -> Member | None:
    """The VM for the next user: one that runs already, else one that is down; None if all are taken."""
    free = [m for m in members if not m.user]
    running = [m for m in free if m.prestarted and m.status in _READY]
    down = [m for m in free if m.status is _S.DOWN and not m.busy]
    order = sorted(running, key=lambda m: (_READY.index(m.status), m.name)) + sorted(down, key=lambda m: m.name)
    return order[0] if order else None


def to_start(pool: VmPool, members: Sequence[Member]) -> list[str]:
    """Ids of VMs to start so that as many wait for users as the pool says."""
    waiting = sum(m.prestarted and not m.user and m.status is not _S.DOWN for m in members)
    missing = (pool.prestarted_vms or 0) - waiting
    down = sorted((m.name, m.vm_id) for m in members if m.status is _S.DOWN and not m.user and not m.busy)
    return [vm_id for _, vm_id in down[: max(missing, 0)]]


def returned(pool: VmPool | None, member: Member, *, permitted: bool) -> bool:
    """Whether a VM is nobody's any more. permitted: the user's permission is still there.

    A VM of an automatic pool goes back when it is down; of a manual one when its user's permission is taken away.
    """
    if pool is None:
        return True
    down = member.status is _S.DOWN and not member.busy
    if not member.user:
        return down
    return not permitted or (down and pool.type is not VmPoolType.MANUAL)


def spreads(before: VmPool, after: VmPool, fixed: Mapping[str, str]) -> list[Refusal]:
    """What an update may not touch. fixed: attribute -> how people call it."""
    found = []
    for name, label in fixed.items():
        old, new = getattr(before, name), getattr(after, name)
        if getattr(old, "id", old) != getattr(new, "id", new):
            found.append(
                Refusal(
                    "VM_POOL_CANNOT_UPDATE_POOL_FIXED_PROPERTY",
                    f"The {label} of pool {before.name} cannot change.",
                    "Make another pool.",
                )
            )
    return found


def _bad(code: str, text: str) -> Refusal:
    return Refusal(code, text, "", Kind.BAD)
