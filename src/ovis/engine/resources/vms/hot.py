"""What of an update a running VM takes at once: CPUs and memory plugged, memory unplugged, its promise. Pure.

Does: split an update into now, plugged, and what waits for the next run. Does not: ask a host (`actions.hot_set`).
Follows: status matrix `hot set cpu / memory`: sockets only grow while it runs, memory in steps of 128 MiB and up to the
maximum that it was started with; a DIMM is unplugged whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from ovis.engine.declare.faults import Refusal
from ovis.engine.declare.shape import attributes
from ovis.engine.model.enums import VmStatus
from ovis.engine.model.types import Cpu, CpuTopology, MemoryPolicy, Vm
from ovis.engine.resources.vms import rules
from ovis.engine.resources.vms.state import Dimm, vcpus

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Change:
    """now: what is stored at once. later: the whole VM of the next run, if something waits. sockets: that it is to have
    at once, 0: as it is. plug: bytes of memory to plug. unplug: DIMMs to take. refusals: why none of it is done.
    """

    now: Vm
    later: Vm | None = None
    sockets: int = 0
    plug: int = 0
    unplug: tuple[str, ...] = ()
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def hot(self) -> bool:
        """Whether a host is to be asked."""
        return bool(self.sockets or self.plug or self.unplug)


def plan(before: Vm, wanted: Vm, given: Vm, dimms: Sequence[Dimm], *, wait: bool) -> Change:
    """Split an update of a running VM. given: the client's body. wait: the client asked for the next run."""
    now, _ = rules.split_update(before, wanted)
    if wait:
        return Change(now, wanted if _waits(now, wanted) else None)
    after = now = _promise(now, wanted)
    up = before.status is VmStatus.UP
    sockets = plug = 0
    unplug: tuple[str, ...] = ()
    refusals: list[Refusal] = []
    if up and _gives_sockets(given) and _more_sockets(before, wanted):
        sockets = _topology(wanted).sockets or 1
        after = with_sockets(after, sockets)
    old, new = before.memory or 0, wanted.memory or 0
    if up and given.memory is not None and new > old and new <= _most(before):
        plug = new - old
        if plug % rules.HOTPLUG_STEP:
            refusals.append(
                Refusal(
                    "ACTION_TYPE_FAILED_HOT_PLUGGED_MEMORY_MUST_BE_DIVIDABLE_BY",
                    f"{plug // MIB} MiB of memory cannot be plugged: it comes in steps of {rules.HOTPLUG_STEP // MIB} MiB.",
                    "Choose another size, or add next_run=true.",
                )
            )
        after = replace(after, memory=new)
    elif up and given.memory is not None and new < old:
        unplug = fitting(dimms, old - new)
        if unplug:
            after = replace(after, memory=new)
    after = _promise(after, wanted)
    return Change(now, wanted if _waits(after, wanted) else None, sockets, plug, unplug, refusals)


def fitting(dimms: Sequence[Dimm], size: int) -> tuple[str, ...]:
    """DIMMs of together exactly that size, the newest first; none if there are no such."""
    reach: dict[int, tuple[str, ...]] = {0: ()}
    for dimm in reversed(dimms):
        for total, chosen in list(reach.items()):
            reach.setdefault(total + dimm.size, (*chosen, dimm.id))
        if size in reach:
            return reach[size]
    return ()


def with_sockets(vm: Vm, sockets: int) -> Vm:
    """The VM with so many sockets."""
    cpu = vm.cpu or Cpu()
    return replace(vm, cpu=replace(cpu, topology=replace(cpu.topology or CpuTopology(), sockets=sockets)))


def cpus_with(vm: Vm, sockets: int) -> int:
    """CPUs that it has with so many sockets."""
    return vcpus(with_sockets(vm, sockets))


def _topology(vm: Vm) -> CpuTopology:
    return (vm.cpu.topology if vm.cpu else None) or CpuTopology()


def _gives_sockets(given: Vm) -> bool:
    return _topology(given).sockets is not None


def _more_sockets(before: Vm, wanted: Vm) -> bool:
    return (_topology(wanted).sockets or 1) > (_topology(before).sockets or 1) and with_sockets(
        before, _topology(wanted).sockets or 1
    ).cpu == wanted.cpu


def _most(vm: Vm) -> int:
    """Bytes up to which it was started with room."""
    return (vm.memory_policy.max if vm.memory_policy else None) or vm.memory or 0


def _promise(now: Vm, wanted: Vm) -> Vm:
    """The guaranteed memory changes at once, within the memory that there is."""
    new = wanted.memory_policy.guaranteed if wanted.memory_policy else None
    policy = now.memory_policy or MemoryPolicy()
    if new is None or new == policy.guaranteed or new > (now.memory or 0):
        return now
    return replace(now, memory_policy=replace(policy, guaranteed=new))


def _waits(now: Vm, wanted: Vm) -> bool:
    names = [row.name for row in attributes(Vm) if row.name not in rules.AT_ONCE]
    return any(getattr(now, name) != getattr(wanted, name) for name in names)
