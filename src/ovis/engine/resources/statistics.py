"""Statistics as the API shows them: names, units and values below VMs, hosts, NICs and disks.

Does: build Statistic objects with stable ids. Does not: measure (hosts do) or keep (hostlink does).
Follows: statistic names of engine 4.5.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

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


def build(
    kind: str, owner: str, measures: Iterable[Measure], values: Mapping[str, float], **references: Any
) -> list[Statistic]:
    """Statistics of one object. values: by name; missing ones are zero."""
    return [
        Statistic(
            id=bodies.derived_id("statistic", kind, owner, m.name),
            name=m.name,
            description=m.description,
            kind=m.kind,
            type=m.type,
            unit=m.unit,
            values=[Value(datum=float(values.get(m.name, 0)))],
            **references,
        )
        for m in measures
    ]


def zeros(kind: str, owner: str, measures: Sequence[Measure], **references: Any) -> list[Statistic]:
    """Statistics of something that nobody reports now."""
    return build(kind, owner, measures, {}, **references)
