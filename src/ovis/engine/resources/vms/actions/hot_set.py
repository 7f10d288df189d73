"""CPUs and memory of a running VM: what PUT /vms/ID changes on its host.

Does: plug CPUs, plug and unplug memory, each by itself; what the host or the guest refuses waits for the next run, with an
event that says why. Does not: decide what can be tried (`vms.hot`).
Follows: flows, section 10: VM.setNumberOfCpus, VM.hotplugMemory, VM.hotunplugMemory.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import Started
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import MemoryPolicy, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.vms import hot
from ovis.engine.resources.vms.next_run import keep_next_run
from ovis.engine.resources.vms.state import RUNNING, Dimm, VmNextRun, VmRuntime, vcpus
from ovis.engine.store.session import Reader, Tx

MIB = 1 << 20
N, E = LogSeverity.NORMAL, LogSeverity.ERROR
CPUS = Audit(code=2033, severity=N, text="VM {vm} has {cpus} CPUs now; {user} plugged them while it runs.")
CPUS_FAILED = Audit(
    code=2034, severity=E, text="CPUs of VM {vm} could not be plugged: {why}. They change at its next run."
)
MEMORY = Audit(code=2039, severity=N, text="VM {vm} has {size} MiB of memory now; {user} plugged some while it runs.")
MEMORY_FAILED = Audit(
    code=2040, severity=E, text="Memory of VM {vm} could not be plugged: {why}. It changes at its next run."
)
UNPLUGGED = Audit(code=2046, severity=N, text="VM {vm} has {size} MiB of memory now; {user} unplugged some.")
UNPLUG_FAILED = Audit(
    code=2047, severity=E, text="Memory of VM {vm} could not be unplugged: {why}. It changes at its next run."
)


class HotParams(Struct, kw_only=True, frozen=True):
    """sockets: that it is to have, 0: as it is. plug: a DIMM of that many bytes. unplug: DIMMs."""

    vm_id: str
    sockets: int = 0
    plug: Dimm | None = None
    unplug: tuple[str, ...] = ()


def begin_hot(tx: Tx, call: Call, vm: Vm, change: hot.Change) -> Started:
    """Begin what a plan asks of the host."""
    dimm = Dimm(id=bodies.new_id(), size=change.plug) if change.plug else None
    return begin(
        tx,
        HOT_SET,
        HotParams(vm_id=str(vm.id), sockets=change.sockets, plug=dimm, unplug=change.unplug),
        call=call,
        locks=(Lock("vm", str(vm.id)),),
        subjects=(("vm", str(vm.id)),),
        wait=True,
    )


def words(rd: Reader, params: HotParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The VM of titles and events."""
    return {"vm": rd.get(Vm, params.vm_id)}


async def _ask(ctx: Context, verb: str, arguments: Mapping[str, Any]) -> str:
    """Why the host refused, "" if it did it. A silent host is asked again as long as the VM is there: each of these
    verbs may be sent twice."""
    wait = 0.5
    while True:
        vm, runtime = await ctx.read(lambda rd: (rd.get(Vm, ctx.params.vm_id), rd.get(VmRuntime, ctx.params.vm_id)))
        if vm is None or runtime is None or runtime.host_id is None or vm.status not in RUNNING:
            return "it does not run any more"
        try:
            await ctx.services.hosts.call(runtime.host_id, verb, arguments, correlation_id=ctx.correlation_id)
        except HostError as err:
            return err.message
        except HostUnreachable:
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, 5.0)
        else:
            return ""


def _later(tx: Tx, vm: Vm, change: Callable[[Vm], Vm]) -> None:
    """What the host refused is kept for the next run."""
    waiting = tx.get(VmNextRun, str(vm.id))
    keep_next_run(tx, change(waiting.vm if waiting is not None else vm))
    tx.update(replace(vm, next_run_configuration_exists=True))


async def _cpus(ctx: Context) -> Callable[[Tx], None] | None:
    p: HotParams = ctx.params
    if not p.sockets:
        return None
    vm = await ctx.read(lambda rd: rd.need(Vm, p.vm_id))
    wanted = hot.cpus_with(vm, p.sockets)
    why = await _ask(ctx, "VM.setNumberOfCpus", {"vmID": p.vm_id, "numberOfCpus": str(wanted)})

    def save(tx: Tx) -> None:
        vm = tx.get(Vm, p.vm_id)
        if vm is None:
            return
        if why:
            _later(tx, vm, lambda v: hot.with_sockets(v, p.sockets))
            record(tx, CPUS_FAILED, vm=vm, why=why.rstrip("."), user=ctx.user, correlation_id=ctx.correlation_id)
            return
        vm = tx.update(hot.with_sockets(vm, p.sockets))
        record(tx, CPUS, vm=vm, cpus=vcpus(vm), user=ctx.user, correlation_id=ctx.correlation_id)

    return save


def _memory(dimm_id: str, size: int, promise: int) -> dict[str, Any]:
    device = {
        "type": "memory",
        "device": "memory",
        "deviceId": dimm_id,
        "alias": f"ua-{dimm_id}",
        "size": size // MIB,
        "node": 0,
    }
    return {"memory": device, "memGuaranteedSize": promise // MIB}


def _guaranteed(vm: Vm) -> int:
    return (vm.memory_policy.guaranteed if vm.memory_policy else None) or vm.memory or 0


async def _plug(ctx: Context) -> Callable[[Tx], None] | None:
    p: HotParams = ctx.params
    dimm = p.plug
    if dimm is None:
        return None
    vm = await ctx.read(lambda rd: rd.need(Vm, p.vm_id))
    params = {"vmId": p.vm_id, **_memory(dimm.id, dimm.size, _guaranteed(vm))}
    why = await _ask(ctx, "VM.hotplugMemory", {"vmID": p.vm_id, "params": params})

    def save(tx: Tx) -> None:
        vm, runtime = tx.get(Vm, p.vm_id), tx.get(VmRuntime, p.vm_id)
        if vm is None or runtime is None or any(d.id == dimm.id for d in runtime.dimms):
            return
        size = (vm.memory or 0) + dimm.size
        if why:
            _later(tx, vm, lambda v: replace(v, memory=size))
            record(tx, MEMORY_FAILED, vm=vm, why=why.rstrip("."), user=ctx.user, correlation_id=ctx.correlation_id)
            return
        vm = tx.update(replace(vm, memory=size))
        tx.put(replace(runtime, dimms=(*runtime.dimms, dimm)))
        record(tx, MEMORY, vm=vm, size=size // MIB, user=ctx.user, correlation_id=ctx.correlation_id)

    return save


async def _unplug(ctx: Context) -> Callable[[Tx], None] | None:
    """DIMM by DIMM, to the first that the guest keeps; what went is written down each time."""
    p: HotParams = ctx.params
    for dimm_id in p.unplug:
        vm, runtime = await ctx.read(lambda rd: (rd.need(Vm, p.vm_id), rd.need(VmRuntime, p.vm_id)))
        dimm = next((d for d in runtime.dimms if d.id == dimm_id), None)
        if dimm is None:
            continue  # it went before the engine was away
        left = (vm.memory or 0) - dimm.size
        params = {"vmId": p.vm_id, **_memory(dimm.id, dimm.size, min(_guaranteed(vm), left))}
        why = await _ask(ctx, "VM.hotunplugMemory", {"vmID": p.vm_id, "params": params})
        if why:
            return lambda tx, why=why: _kept(tx, ctx, why)  # type: ignore[misc]
        await ctx.write(lambda tx, dimm=dimm: _went(tx, ctx, dimm))  # type: ignore[misc]
    return None


def _went(tx: Tx, ctx: Context, dimm: Dimm) -> None:
    vm, runtime = tx.get(Vm, ctx.params.vm_id), tx.get(VmRuntime, ctx.params.vm_id)
    if vm is None or runtime is None or dimm not in runtime.dimms:
        return
    left = (vm.memory or 0) - dimm.size
    policy = vm.memory_policy or MemoryPolicy()
    vm = tx.update(
        replace(vm, memory=left, memory_policy=replace(policy, guaranteed=min(policy.guaranteed or left, left)))
    )
    tx.put(replace(runtime, dimms=tuple(d for d in runtime.dimms if d != dimm)))
    record(tx, UNPLUGGED, vm=vm, size=left // MIB, user=ctx.user, correlation_id=ctx.correlation_id)


def _kept(tx: Tx, ctx: Context, why: str) -> None:
    vm, runtime = tx.get(Vm, ctx.params.vm_id), tx.get(VmRuntime, ctx.params.vm_id)
    if vm is None or runtime is None:
        return
    left = (vm.memory or 0) - sum(d.size for d in runtime.dimms if d.id in ctx.params.unplug)

    def smaller(v: Vm) -> Vm:
        policy = v.memory_policy or MemoryPolicy()
        return replace(v, memory=left, memory_policy=replace(policy, guaranteed=min(policy.guaranteed or left, left)))

    _later(tx, vm, smaller)
    record(tx, UNPLUG_FAILED, vm=vm, why=why.rstrip("."), user=ctx.user, correlation_id=ctx.correlation_id)


HOT_SET = Command(
    name="vm.hot_set",
    params=HotParams,
    title="Changing CPUs or memory of running VM {vm}",
    words=words,
    steps=(
        Step("cpus", _cpus, title="Plugging CPUs"),
        Step("plug", _plug, title="Plugging memory"),
        Step("unplug", _unplug, title="Unplugging memory"),
    ),
    failed=Audit(code=58, severity=E, text="VM {vm} could not be changed while it runs (User: {user}): {reason}"),
)
COMMANDS = (HOT_SET,)
