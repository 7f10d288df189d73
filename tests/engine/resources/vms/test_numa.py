"""NUMA nodes and pinning of a VM: kept together with its CPUs and memory, and in its domain."""

import xml.etree.ElementTree as ET
from typing import Any

import httpx
import pytest

from ovis.engine.model.types import Core, Cpu, CpuTopology, NumaNode, NumaNodePin, VirtualNumaNode, Vm
from ovis.engine.resources.vms import numa
from tests.engine.resources.lab import add_vm, made
from tests.engine.resources.vms.test_graphics import devices, domain_of
from tests.engine.resources.walk import Walker
from tests.installation import Installation

MIB = 1 << 20
VM = Vm(memory=1024 * MIB, cpu=Cpu(topology=CpuTopology(sockets=1, cores=4, threads=1)))


def node(index: int | None, cores: list[int], memory: int | None = 512) -> VirtualNumaNode:
    return VirtualNumaNode(index=index, memory=memory, cpu=Cpu(cores=[Core(index=c) for c in cores]))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (node(1, [2, 3]), []),
        (node(0, [2]), ["VM_NUMA_NODE_DUPLICATE_INDEX"]),
        (node(1, [1, 2]), ["VM_NUMA_NODE_DUPLICATE_CPU_IDS"]),
        (node(1, [4]), ["VM_NUMA_NODE_INVALID_CPU_ID"]),
        (node(1, []), ["VM_NUMA_NODE_NO_CPUS"]),
        (node(1, [2], 513), ["VM_NUMA_NODE_MEMORY_ERROR"]),
        (node(1, [2], 0), ["VM_NUMA_NODE_MEMORY_TOO_SMALL"]),
        (node(-1, [2]), ["VM_NUMA_NODE_INDEX_INVALID"]),
    ],
)
def test_what_a_node_may_be(given: VirtualNumaNode, wanted: list[str]) -> None:
    assert [r.code for r in numa.refusals(VM, given, [node(0, [0, 1])])] == wanted


def test_pins_by_either_name() -> None:
    pins = [NumaNodePin(index=1), NumaNodePin(host_numa_node=NumaNode(index=0)), NumaNodePin(index=3, pinned=False)]
    assert numa.pins_of(VirtualNumaNode(numa_node_pins=pins)) == [0, 1]


@pytest.fixture
def api(walker: Walker) -> httpx.Client:
    return walker.client(4, "json")


def body(index: int, cores: list[int], **more: Any) -> dict[str, Any]:
    return {
        "index": str(index),
        "memory": "512",
        "cpu": {"cores": {"core": [{"index": str(c)} for c in cores]}},
        **more,
    }


def test_nodes_and_pins_are_in_the_domain(api: httpx.Client, lab: Installation) -> None:
    topology = {"sockets": "1", "cores": "4", "threads": "1"}
    tune = {"vcpu_pins": {"vcpu_pin": [{"vcpu": "0", "cpu_set": "0"}, {"vcpu": "1", "cpu_set": "1-2"}]}}
    vm = add_vm(
        api,
        "numa",
        disk=False,
        memory=str(1024 * MIB),
        cpu={"topology": topology, "cpu_tune": tune},
        cpu_shares="512",
        tpm_enabled="true",
        soundcard_enabled="true",
    )
    path = f"/vms/{vm}/numanodes"
    pinned = {"numa_node_pins": {"numa_node_pin": [{"index": "0", "pinned": "true"}]}, "numa_tune_mode": "strict"}
    first = made(api.post(path, json=body(0, [0, 1], **pinned)))["id"]
    second = made(api.post(path, json=body(1, [2, 3])))
    assert api.post(path, json=body(1, [3])).status_code == 400, "its memory is too much besides"
    assert api.get(f"{path}/{first}").json()["numa_tune_mode"] == "strict"
    root: ET.Element = domain_of(lab, vm)
    assert [c.get("memory") for c in root.findall("cpu/numa/cell")] == [str(512 * 1024)] * 2
    (bound,) = root.findall("numatune/memnode")
    assert (bound.get("cellid"), bound.get("mode"), bound.get("nodeset")) == ("0", "strict", "0")
    assert [(p.get("vcpu"), p.get("cpuset")) for p in root.findall("cputune/vcpupin")] == [("0", "0"), ("1", "1-2")]
    assert root.findtext("cputune/shares") == "512"
    assert devices(lab, vm).find("tpm/backend") is not None and devices(lab, vm).find("sound") is not None
    assert api.put(f"/vms/{vm}", json={"memory": str(2048 * MIB)}).status_code == 200
    cells = domain_of(lab, vm).findall("cpu/numa/cell")
    assert [c.get("memory") for c in cells] == [str(512 * 1024), str(1536 * 1024)], "the last node has what is new"
    assert api.put(f"{path}/{second['id']}", json={"memory": "256"}).json()["memory"] == "256"
    assert api.delete(f"{path}/{second['id']}").status_code == 200
    assert api.delete(f"{path}/{first}").status_code == 200
    assert len(domain_of(lab, vm).findall("cpu/numa/cell")) == 1
    assert api.delete(f"/vms/{vm}").status_code == 200
