"""What hosts said last, in memory, and its way into the store.

Does: keep statistics by id; once a second write the few numbers that searches need, in one transaction.
Does not: keep history.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from ovis.engine.store.session import Tx
from ovis.engine.store.tables import Column, Table


class Usage(Struct, kw_only=True, frozen=True):
    """Live numbers of a host or VM. id: the object's. cpu, memory, network: per cent, for searches.

    facts: what statistics are made of, in VDSM's names; see `_HOST_FACTS` and `_VM_FACTS`.
    """

    id: str
    kind: str
    cpu: int = 0
    memory: int = 0
    network: int = 0
    load: float = 0.0
    facts: dict[str, Any] = {}


_HOST_FACTS = [
    "cpuUser",
    "cpuSys",
    "cpuIdle",
    "cpuLoad",
    "memUsed",
    "memFree",
    "memAvailable",
    "memShared",
    "memCommitted",
    "memBuffers",
    "memCached",
    "swapTotal",
    "swapFree",
    "ksmCpu",
    "bootTime",
    "elapsedTime",
    "network",
    "hugepages",
    "numaNodeMemFree",
    "cpuStatistics",
    "anonHugePages",
    "haScore",
]
_VM_FACTS = [
    "cpuUser",
    "cpuSys",
    "cpuUsage",
    "memUsage",
    "memoryStats",
    "balloonInfo",
    "migrationProgress",
    "elapsedTime",
    "vcpuCount",
    "network",
    "disks",
    "disksUsage",
    "monitorResponse",
]
STATISTICS = Table(
    name="statistics",
    type=Usage,
    by_hand=True,
    columns=(
        Column(name="kind", index=False),
        Column(name="cpu_usage", path="cpu", kind="int", index=False),
        Column(name="mem_usage", path="memory", kind="int", index=False),
        Column(name="network_usage", path="network", kind="int", index=False),
        Column(name="load", kind="float", index=False),
    ),
)


def number(value: Any) -> float:
    """VDSM sends numbers as text or number; nonsense is zero."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


class Live:
    """By id: VDSM's rows as they came. vm_host: which host said it of a VM. usages: the numbers made of them."""

    def __init__(self) -> None:
        self.vm_stats: dict[str, Mapping[str, Any]] = {}
        self.vm_host: dict[str, str] = {}
        self.host_stats: dict[str, Mapping[str, Any]] = {}
        self.host_caps: dict[str, Mapping[str, Any]] = {}
        self.host_hardware: dict[str, Mapping[str, Any]] = {}
        self.usages: dict[str, Usage] = {}
        self._changed: dict[str, Usage] = {}
        self._stored: dict[str, Usage] = {}
        self._gone: set[str] = set()
        self._waiting: dict[str, set[asyncio.Event]] = {}

    async def vm_changes(self, vm_id: str, timeout: float) -> None:
        """Return when a host says anything new of the VM, or after `timeout` seconds."""
        event = asyncio.Event()
        self._waiting.setdefault(vm_id, set()).add(event)
        try:
            async with asyncio.timeout(timeout):
                await event.wait()
        except TimeoutError:
            return
        finally:
            waiting = self._waiting[vm_id]
            waiting.discard(event)
            if not waiting:
                del self._waiting[vm_id]

    def host_row(self, host_id: str, stats: Mapping[str, Any]) -> None:
        """A host's statistics."""
        stats = {**stats, "network": _rates(stats.get("network") or {}, self.host_stats.get(host_id, {}))}
        self.host_stats[host_id] = stats
        self._note(
            Usage(
                id=host_id,
                kind="host",
                cpu=round(100 - number(stats.get("cpuIdle", 100))),
                memory=round(number(stats.get("memUsed"))),
                network=round(max((network_usage(n) for n in (stats.get("network") or {}).values()), default=0)),
                load=number(stats.get("cpuLoad")),
                facts=_chosen(stats, _HOST_FACTS),
            )
        )

    def vm_row(self, host_id: str, vm_id: str, row: Mapping[str, Any], *, partial: bool = False) -> None:
        """A VM's row; a partial one (an event) is laid over what is known. A script that runs for it is in every row."""
        known = self.vm_stats.get(vm_id)
        merged = {**known, **row} if partial and known is not None else dict(row)
        if "hook" not in row:
            merged.pop("hook", None)
        if not partial and row.get("network"):
            merged["network"] = _rates(row["network"], known or {})
        self.vm_stats[vm_id] = merged
        self.vm_host[vm_id] = host_id
        for event in self._waiting.get(vm_id, ()):
            event.set()
        if not partial:
            cpus = max(1.0, number(merged.get("vcpuCount", 1)))
            used = number(merged.get("cpuUser")) + number(merged.get("cpuSys"))
            self._note(
                Usage(
                    id=vm_id,
                    kind="vm",
                    cpu=round(min(100.0, used / cpus)),
                    memory=round(number(merged.get("memUsage"))),
                    network=round(max((network_usage(n) for n in (merged.get("network") or {}).values()), default=0)),
                    facts=_chosen(merged, _VM_FACTS),
                )
            )

    def forget_vm(self, vm_id: str, host_id: str | None = None) -> None:
        """A VM is gone (from that host, if it is still the one that reports it)."""
        if host_id is not None and self.vm_host.get(vm_id) not in (None, host_id):
            return
        self.vm_stats.pop(vm_id, None)
        self.vm_host.pop(vm_id, None)
        for event in self._waiting.get(vm_id, ()):
            event.set()
        self._drop(vm_id)

    def forget_host(self, host_id: str) -> None:
        """A host is gone, or in maintenance: what it said is old."""
        self.host_stats.pop(host_id, None)
        self._drop(host_id)
        for vm_id in [v for v, h in self.vm_host.items() if h == host_id]:
            self.forget_vm(vm_id)

    def _note(self, usage: Usage) -> None:
        self.usages[usage.id] = usage
        if self._stored.get(usage.id) != usage:
            self._changed[usage.id] = usage
            self._gone.discard(usage.id)

    def _drop(self, id_: str) -> None:
        self.usages.pop(id_, None)
        self._changed.pop(id_, None)
        if self._stored.pop(id_, None) is not None:
            self._gone.add(id_)

    @property
    def dirty(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._changed or self._gone)

    def take(self) -> tuple[list[Usage], list[str]]:
        """What changed and what is gone since the last time."""
        changed, gone = list(self._changed.values()), list(self._gone)
        self._changed, self._gone = {}, set()
        self._stored.update((u.id, u) for u in changed)
        return changed, gone


def _chosen(row: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: row[name] for name in names if name in row}


def _rates(interfaces: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Interfaces with `rxRate` and `txRate` in bytes a second, from the totals of two samples."""
    known = before.get("network") or {}
    found = {}
    for name, nic in interfaces.items():
        old = known.get(name)
        span = number(nic.get("sampleTime")) - number(old.get("sampleTime")) if old else 0.0
        rates = {
            f"{way}Rate": max(0.0, (number(nic.get(way)) - number(old.get(way))) / span) if old and span > 0 else 0.0
            for way in ("rx", "tx")
        }
        found[name] = {**nic, **rates}
    return found


def network_usage(nic: Mapping[str, Any]) -> float:
    """Per cent of an interface's speed (Mbit/s) in use."""
    speed = number(nic.get("speed")) * 1e6 / 8
    return min(100.0, 100 * max(number(nic.get("rxRate")), number(nic.get("txRate"))) / speed) if speed > 0 else 0.0


def store_usages(tx: Tx, changed: list[Usage], gone: list[str]) -> None:
    """Write a second's worth of numbers."""
    sql = tx.sql(Usage)
    ids = gone + [u.id for u in changed]
    for start in range(0, len(ids), 500):
        tx.connection.execute(sql.delete().where(sql.c.id.in_(ids[start : start + 500])))
    if changed:
        version = time.time_ns() // 1000  # decoded rows are kept by version
        rows = [
            {"id": u.id, "version": version, "doc": msgspec.json.encode(u), **STATISTICS.values(u)} for u in changed
        ]
        tx.connection.execute(sa.insert(sql), rows)
