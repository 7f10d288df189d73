"""What is shown of hosts, guests and disks is what their hosts said."""

import json

from ovis.engine.resources.hosts.machine import _node_values
from ovis.engine.resources.live import History, vm_usage
from ovis.engine.resources.statistics import (
    DISK_STATISTICS,
    VM_STATISTICS,
    Reading,
    build,
    disk_values,
    huge_page_statistics,
    nic_values,
)

ROW = {
    "vcpuCount": "2",
    "cpuUser": "60.5",
    "cpuSys": "9.5",
    "memUsage": "40",
    "network": {
        "vnet0": {"speed": "1000", "rxRate": 12_500_000.0, "txRate": 0},
        "vnet1": {"speed": "1000", "rxRate": 0, "txRate": 62_500_000},
    },
}


def test_usage_is_of_all_cpus_and_of_the_busiest_interface() -> None:
    assert vm_usage(ROW) == (35.0, 40.0, 50.0)
    assert vm_usage({}) == (0.0, 0.0, 0.0)


def test_history_is_newest_first_and_ends_with_the_vm_and_after_an_hour() -> None:
    history = History()
    assert history.of("vm") == {"cpu": [], "memory": [], "network": []}
    for percent in (10, 20, 300):
        history.sample({"vm": {"memUsage": percent}, "other": {}})
    assert history.of("vm")["memory"] == [100, 20, 10]
    assert history.of("vm")["cpu"] == [0, 0, 0]
    for _ in range(200):
        history.sample({"vm": ROW})
    assert history.of("vm")["cpu"] == [35] * 120
    assert history.of("other")["cpu"] == []


def test_a_shared_disk_is_the_sum_of_its_vms_and_the_slowest_answer() -> None:
    rows = [
        {"readRate": "100", "writeRate": "7", "readLatency": "2000000", "writeLatency": "0", "flushLatency": "1"},
        {"readRate": "50", "writeRate": "nonsense", "readLatency": "3000000000"},
    ]
    assert disk_values(rows) == {
        "data.current.read": 150,
        "data.current.write": 7,
        "disk.read.latency": 3.0,
        "disk.write.latency": 0.0,
        "disk.flush.latency": 1e-9,
    }
    assert set(disk_values([])) == {m.name for m in DISK_STATISTICS}


def test_interfaces_count_in_bytes_and_bits() -> None:
    values = nic_values({"rxRate": 10, "txRate": "20", "rx": "1000", "tx": 5, "rxErrors": "1"})
    assert (values["data.current.rx"], values["data.current.rx.bps"]) == (10, 80)
    assert (values["data.current.tx.bps"], values["data.total.rx"], values["errors.total.rx"]) == (160, 1000, 1)


def test_a_node_is_what_its_own_cpus_do() -> None:
    stats = {
        "numaNodeMemFree": {"1": {"memFree": "600"}},
        "cpuStatistics": {
            "0": {"nodeIndex": 0, "cpuUser": "90"},
            "1": {"nodeIndex": 1, "cpuUser": "10", "cpuSys": "2", "cpuIdle": "88"},
            "2": {"nodeIndex": 1, "cpuUser": "30", "cpuSys": "0", "cpuIdle": "70"},
        },
    }
    values = _node_values("1", {"totalMemory": "1000"}, stats)
    mib = 1 << 20
    assert (values["memory.total"], values["memory.free"], values["memory.used"]) == (1000 * mib, 600 * mib, 400 * mib)
    assert (values["cpu.current.user"], values["cpu.current.system"], values["cpu.current.idle"]) == (20, 1, 79)
    silent = _node_values("0", {"totalMemory": "1000"}, {})
    assert (silent["memory.total"], silent["memory.used"], silent["memory.free"]) == (1000 * mib, 0, 0)


def test_ids_are_stable_and_texts_are_details() -> None:
    values: dict[str, Reading] = {
        "disks.usage": json.dumps([{"path": "/", "total": "9"}]),
        "cpu.usage.history": [3, 2, 1],
    }
    first, again = (build("vm", "x", VM_STATISTICS, values) for _ in range(2))
    assert [s.id for s in first] == [s.id for s in again]
    assert len({s.id for s in first}) == len(VM_STATISTICS)
    by_name = {s.name: s.values or [] for s in first}
    assert [v.detail for v in by_name["disks.usage"]] == ['[{"path": "/", "total": "9"}]']
    assert [v.datum for v in by_name["cpu.usage.history"]] == [3.0, 2.0, 1.0]
    assert [v.datum for v in by_name["memory.installed"]] == [0.0]
    assert [m.name for m in huge_page_statistics([2048])] == ["hugepages.2048.free", "hugepages.2048.total"]
