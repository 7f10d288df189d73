"""NUMA nodes of a VM and what they are bound to: /vms/ID/numanodes. They take effect at the next start.

Does: add, change, remove nodes; keep them together with the VM's CPUs and memory. Does not: check the host's nodes (the
host refuses what it does not have).
Follows: status matrix (`vNumaNodeList` is of the next run), permits, domain XML facts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.contract.domain import specs
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Kind, Refusal, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity, NumaTuneMode
from ovis.engine.model.types import Core, Cpu, NumaNodePin, VirtualNumaNode, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.vms.state import vcpus
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table

MIB = 1 << 20
N = LogSeverity.NORMAL
ADDED = Audit(code=1300, severity=N, text="NUMA node {node} was added to VM {vm} by {user}.")
UPDATED = Audit(code=1310, severity=N, text="NUMA node {node} of VM {vm} was changed by {user}.")
REMOVED = Audit(code=1320, severity=N, text="NUMA node {node} was removed from VM {vm} by {user}.")


class VmNumaNode(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A row of vm_numa_nodes: the API's document (its memory in MiB) and the VM it belongs to."""

    id: str
    vm_id: str
    node: VirtualNumaNode


TABLE = Table(
    name="vm_numa_nodes",
    type=VmNumaNode,
    columns=(Column(name="vm_id", references="vms", on_delete="cascade"),),
)


def nodes_of(rd: Reader, vm_id: str) -> list[VmNumaNode]:
    """A VM's nodes by their number."""
    return sorted(rd.find(VmNumaNode, vm_id=vm_id), key=lambda r: r.node.index or 0)


def shown(row: VmNumaNode) -> VirtualNumaNode:
    """The node as the API shows it."""
    return replace(row.node, id=row.id, name=f"node-{row.node.index}", vm=Vm(id=row.vm_id))


def _list(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[VirtualNumaNode]]:
    out: dict[str, list[VirtualNumaNode]] = {p: [] for p in parents}
    for row in sorted(rd.find(VmNumaNode, vm_id=list(parents)), key=lambda r: r.node.index or 0):
        out[row.vm_id].append(shown(row))
    return out


def cores_of(node: VirtualNumaNode) -> list[int]:
    """The VM's CPUs in a node."""
    return sorted({c.index for c in ((node.cpu.cores if node.cpu else None) or ()) if c.index is not None})


def pins_of(node: VirtualNumaNode) -> list[int]:
    """The host's nodes that it is bound to."""
    found = []
    for pin in node.numa_node_pins or ():
        index = pin.index if pin.index is not None else (pin.host_numa_node.index if pin.host_numa_node else None)
        if index is not None and pin.pinned is not False:
            found.append(index)
    return sorted(set(found))


def refusals(vm: Vm, node: VirtualNumaNode, others: Sequence[VirtualNumaNode]) -> list[Refusal]:
    """Everything wrong with a node beside the other nodes of its VM. Pure."""
    found = []

    def bad(code: str, text: str) -> None:
        found.append(Refusal(code, text, "", Kind.BAD))

    def taken(code: str, text: str) -> None:
        found.append(Refusal(code, text, "Choose others, or change that node."))

    index, cores, memory = node.index, cores_of(node), (node.memory or 0) * MIB
    if index is None or index < 0:
        bad("VM_NUMA_NODE_INDEX_INVALID", "A NUMA node's index is a number from 0 on.")
    if any(o.index == index for o in others):
        taken("VM_NUMA_NODE_DUPLICATE_INDEX", f"The VM already has a NUMA node {index}.")
    if not cores:
        bad("VM_NUMA_NODE_NO_CPUS", f"NUMA node {index} needs at least one CPU.")
    total = vcpus(vm)
    if cores and (cores[0] < 0 or cores[-1] >= total):
        bad("VM_NUMA_NODE_INVALID_CPU_ID", f"The VM has CPUs 0 to {total - 1}; NUMA node {index} names others.")
    twice = sorted({c for o in others for c in cores_of(o)} & set(cores))
    if twice:
        taken("VM_NUMA_NODE_DUPLICATE_CPU_IDS", f"CPUs {', '.join(map(str, twice))} are in another NUMA node already.")
    if memory <= 0:
        bad("VM_NUMA_NODE_MEMORY_TOO_SMALL", f"NUMA node {index} needs memory.")
    elif memory + sum((o.memory or 0) * MIB for o in others) > (vm.memory or 0):
        bad("VM_NUMA_NODE_MEMORY_ERROR", "The NUMA nodes have more memory than the VM.")
    return found


def _tidy(node: VirtualNumaNode) -> VirtualNumaNode:
    """As it is kept: CPUs and pins in their plainest form."""
    pins = [NumaNodePin(index=i, pinned=True) for i in pins_of(node)]
    return VirtualNumaNode(
        index=node.index,
        memory=node.memory,
        cpu=Cpu(cores=[Core(index=c) for c in cores_of(node)]),
        numa_node_pins=pins or None,
        numa_tune_mode=node.numa_tune_mode or NumaTuneMode.INTERLEAVE,
    )


def add(tx: Tx, call: Call, body: VirtualNumaNode) -> VirtualNumaNode:
    """POST."""
    vm = tx.need(Vm, call.ids[0])
    bodies.raise_all(refusals(vm, body, [r.node for r in nodes_of(tx, str(vm.id))]))
    row = tx.insert(VmNumaNode(id=bodies.new_id(), vm_id=str(vm.id), node=_tidy(body)))
    record(tx, ADDED, call=call, vm=vm, node=body.index)
    return shown(row)


def update(tx: Tx, call: Call, body: VirtualNumaNode) -> VirtualNumaNode:
    """PUT; lists (CPUs, pins) are replaced."""
    vm, row = tx.need(Vm, call.ids[0]), tx.need(VmNumaNode, call.ids[1])
    new = _tidy(bodies.merge(row.node, body, keep=("vm", "host", "name")))
    bodies.raise_all(refusals(vm, new, [r.node for r in nodes_of(tx, str(vm.id)) if r.id != row.id]))
    if new != row.node:
        row = tx.update(replace(row, node=new))
        record(tx, UPDATED, call=call, vm=vm, node=new.index)
    return shown(row)


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE."""
    vm, row = tx.need(Vm, call.ids[0]), tx.need(VmNumaNode, call.ids[1])
    tx.delete(VmNumaNode, row.id)
    record(tx, REMOVED, call=call, vm=vm, node=row.node.index)


def numa_specs(rd: Reader, vm: Vm) -> list[specs.NumaNode]:
    """The nodes of a domain; none where they are not whole: every CPU in one, and all the memory.

    What is left of CPUs or memory when a VM grew after its nodes were made goes to the last node.
    """
    rows = nodes_of(rd, str(vm.id))
    if not rows:
        return []
    if [r.node.index for r in rows] != list(range(len(rows))):
        raise refuse(
            "VM_NUMA_NODES_NOT_CONTIGUOUS", f"The NUMA nodes of VM {vm.name} are not numbered 0, 1, 2 ...", "Fix them."
        )
    found = [
        specs.NumaNode(
            index=r.node.index or 0,
            cpus=[c for c in cores_of(r.node) if c < vcpus(vm)],
            memory=(r.node.memory or 0) * MIB,
            mode=r.node.numa_tune_mode.value if r.node.numa_tune_mode else "interleave",
            pins=pins_of(r.node),
        )
        for r in rows
    ]
    missing = sorted(set(range(vcpus(vm))) - {c for n in found for c in n.cpus})
    rest = (vm.memory or 0) - sum(n.memory for n in found)
    last = found[-1]
    if last.memory + rest <= 0 or any(not n.cpus for n in found):
        return []
    found[-1] = replace(last, cpus=[*last.cpus, *missing], memory=last.memory + rest)
    return found


def pinning(vm: Vm) -> dict[int, str]:
    """vCPU -> host CPUs, as the VM says."""
    tune = vm.cpu.cpu_tune if vm.cpu else None
    pins = (tune.vcpu_pins if tune else None) or ()
    return {p.vcpu: p.cpu_set for p in pins if p.vcpu is not None and p.cpu_set}


_MAY = (Need(Permit.EDIT_VM_PROPERTIES),)
NUMA_OF_VM = Resource(
    type=VirtualNumaNode,
    collection="numanodes",
    list=Op(run=_list, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(
        run=add,
        needs=(Need(Permit.EDIT_VM_PROPERTIES, "parent"),),
        mandatory=("index", "memory", "cpu.cores.index"),
    ),
    update=Op(run=update, needs=_MAY),
    remove=Op(run=remove, needs=_MAY),
)
