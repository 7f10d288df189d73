"""Statistics as the API shows them: names, units and values below VMs, hosts, NICs and disks.

Does: build Statistic objects with stable ids. Does not: measure (hosts do) or keep (hostlink does).
Follows: statistic names of engine 4.5.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ovis.engine.hostlink.live import number
from ovis.engine.model.enums import StatisticKind, StatisticUnit, ValueType
from ovis.engine.model.types import Statistic, Value
from ovis.engine.resources import bodies

G, C = StatisticKind.GAUGE, StatisticKind.COUNTER
U = StatisticUnit


class Measure(NamedTuple):
    """One statistic."""

    name: str
    description: str
    unit: StatisticUnit
    kind: StatisticKind = G
    type: ValueType = ValueType.DECIMAL


_INT = ValueType.INTEGER
VM_STATISTICS: tuple[Measure, ...] = (
    Measure("memory.installed", "Total memory configured", U.BYTES, G, _INT),
    Measure("memory.used", "Memory used (agent)", U.BYTES, G, _INT),
    Measure("memory.free", "Memory free (agent)", U.BYTES, G, _INT),
    Measure("memory.buffered", "Memory buffered (agent)", U.BYTES, G, _INT),
    Measure("memory.cached", "Memory cached (agent)", U.BYTES, G, _INT),
    Measure("memory.unused", "Memory unused (agent)", U.BYTES, G, _INT),
    Measure("cpu.current.guest", "CPU used by guest", U.PERCENT),
    Measure("cpu.current.hypervisor", "CPU overhead", U.PERCENT),
    Measure("cpu.current.total", "Total CPU used", U.PERCENT),
    Measure("migration.progress", "Migration progress", U.PERCENT, G, _INT),
    Measure("network.current.total", "Total network used", U.PERCENT, G, _INT),
    Measure("elapsed.time", "Time since the VM started", U.SECONDS, C, _INT),
    Measure("disks.usage", "Space used on the guest's file systems, as JSON (agent)", U.NONE, G, ValueType.STRING),
    *(
        Measure(f"{name}.usage.history", f"{title} used, every 30 seconds, newest first", U.PERCENT, G, _INT)
        for name, title in (("cpu", "CPU"), ("memory", "Memory"), ("network", "Network"))
    ),
)
NIC_STATISTICS: tuple[Measure, ...] = (
    Measure("data.current.rx", "Receive data rate", U.BYTES_PER_SECOND),
    Measure("data.current.tx", "Transmit data rate", U.BYTES_PER_SECOND),
    Measure("data.current.rx.bps", "Receive data rate", U.BITS_PER_SECOND),
    Measure("data.current.tx.bps", "Transmit data rate", U.BITS_PER_SECOND),
    Measure("errors.total.rx", "Total receive errors", U.NONE, C),
    Measure("errors.total.tx", "Total transmit errors", U.NONE, C),
    Measure("data.total.rx", "Total received data", U.BYTES, C, _INT),
    Measure("data.total.tx", "Total transmitted data", U.BYTES, C, _INT),
)
DISK_STATISTICS: tuple[Measure, ...] = (
    Measure("data.current.read", "Read data rate", U.BYTES_PER_SECOND),
    Measure("data.current.write", "Write data rate", U.BYTES_PER_SECOND),
    Measure("disk.read.latency", "Disk read latency", U.SECONDS),
    Measure("disk.write.latency", "Disk write latency", U.SECONDS),
    Measure("disk.flush.latency", "Disk flush latency", U.SECONDS),
)
NUMA_STATISTICS: tuple[Measure, ...] = (
    Measure("memory.total", "Total memory", U.BYTES, G, _INT),
    Measure("memory.used", "Used memory", U.BYTES, G, _INT),
    Measure("memory.free", "Free memory", U.BYTES, G, _INT),
    Measure("cpu.current.user", "User CPU usage", U.PERCENT),
    Measure("cpu.current.system", "System CPU usage", U.PERCENT),
    Measure("cpu.current.idle", "Idle CPU usage", U.PERCENT),
)
Reading = float | str | Sequence[int]


def huge_page_statistics(sizes: Iterable[int]) -> list[Measure]:
    """Of each pool; sizes of pages in KiB."""
    return [
        Measure(f"hugepages.{size}.{name}", f"{name.capitalize()} huge pages of {size} KiB", U.NONE, G, _INT)
        for size in sorted(sizes)
        for name in ("free", "total")
    ]


def nic_values(reported: Mapping[str, Any]) -> dict[str, float]:
    """Values of NIC_STATISTICS of an interface as hosts report it."""
    rx, tx = number(reported.get("rxRate")), number(reported.get("txRate"))
    return {
        "data.current.rx": rx,
        "data.current.tx": tx,
        "data.current.rx.bps": rx * 8,
        "data.current.tx.bps": tx * 8,
        "data.total.rx": number(reported.get("rx")),
        "data.total.tx": number(reported.get("tx")),
        "errors.total.rx": number(reported.get("rxErrors")),
        "errors.total.tx": number(reported.get("txErrors")),
    }


def disk_values(reported: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Values of DISK_STATISTICS: what every VM that uses the disk does with it; the slowest one's latencies.

    Hosts report latencies in nanoseconds.
    """

    def slowest(key: str) -> float:
        return max((number(row.get(key)) for row in reported), default=0.0) / 1e9

    return {
        "data.current.read": sum(number(row.get("readRate")) for row in reported),
        "data.current.write": sum(number(row.get("writeRate")) for row in reported),
        "disk.read.latency": slowest("readLatency"),
        "disk.write.latency": slowest("writeLatency"),
        "disk.flush.latency": slowest("flushLatency"),
    }


def _values(reading: Reading) -> list[Value]:
    if isinstance(reading, str):
        return [Value(detail=reading)]
    if isinstance(reading, int | float):
        return [Value(datum=float(reading))]
    return [Value(datum=float(r)) for r in reading or (0,)]  # clients read the first value of each


def build(
    kind: str, owner: str, measures: Iterable[Measure], values: Mapping[str, Reading], **references: Any
) -> list[Statistic]:
    """Statistics of one object. values: by name; missing ones are zero. A text is a detail, a sequence a history."""
    return [
        Statistic(
            id=bodies.derived_id("statistic", kind, owner, m.name),
            name=m.name,
            description=m.description,
            kind=m.kind,
            type=m.type,
            unit=m.unit,
            values=_values(values.get(m.name, 0)),
            **references,
        )
        for m in measures
    ]
