"""The dashboard's facts in the shape of `/ovirt-engine/webadmin/dashboard_data`. Pure.

Follows: names and units of engine 4.5's dashboard: CPU in per cent, memory in GiB, storage in TiB, shares from 0 to 1.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ovis.engine.resources.dashboard.facts import Amount, Busy, Count, Facts

_GIB, _TIB = float(1 << 30), float(1 << 40)
# What a state is called on the tiles; everything else is a warning.
_UP = frozenset(("up", "active", "powering_up", "migrating"))
_DOWN = frozenset(("down", "maintenance", "inactive", "unattached", "uninitialized", "suspended", "image_locked"))
_ERROR = frozenset(
    ("non_responsive", "non_operational", "error", "install_failed", "not_responding", "problematic", "not_operational")
)
_NAMES = {"datacenters": "dc", "clusters": "cluster", "hosts": "host", "storagedomains": "storage", "vms": "vm"}


def _kind(state: str) -> str:
    return "up" if state in _UP else "down" if state in _DOWN else "error" if state in _ERROR else "warning"


def _tile(count: Count) -> dict[str, Any]:
    kinds: dict[str, list[str]] = {}
    for state in count.states:
        kinds.setdefault(_kind(state), []).append(state)
    return {
        "totalCount": count.total,
        "statuses": [
            {"type": kind, "count": sum(count.states[s] for s in states), "statusValues": states}
            for kind, states in sorted(kinds.items())
        ],
    }


def _events(count: Count) -> dict[str, Any]:
    return {
        "totalCount": count.total,
        "statuses": [
            {"type": {"normal": "info"}.get(state, state), "count": number, "statusValues": [state]}
            for state, number in count.states.items()
        ],
    }


def _days(points: Sequence[Mapping[str, Any]], factor: float) -> list[dict[str, Any]]:
    return [{"date": p["time"], "value": round(p["value"] * factor, 3)} for p in points if p["value"] is not None]


def _rows(rows: Sequence[Busy], unit: float) -> list[dict[str, Any]]:
    """used and total in the unit; what has none of its own is in per cent."""
    return [
        {
            "name": row.name,
            "used": round(row.used / unit, 3) if row.total else row.value,
            "total": round(row.total / unit, 3) if row.total else 100,
            "trend": "same",
        }
        for row in rows
    ]


def _amount(amount: Amount, unit: float) -> dict[str, Any]:
    share = 100 * amount.promised / amount.total if amount.total else 0
    return {
        "used": round(amount.used / unit, 3),
        "total": round(amount.total / unit, 3),
        "overcommit": round(share),
        "allocated": round(share),
    }


def _heat(rows: Sequence[Busy]) -> list[dict[str, Any]]:
    return [{"name": row.name, "value": round(row.value / 100, 3)} for row in rows]


def shape(
    found: Facts,
    disks: Sequence[Busy],
    *,
    cpu: Sequence[Mapping[str, Any]],
    memory: Sequence[Mapping[str, Any]],
    storage: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """oVirt's document. cpu, memory, storage: the day, in per cent."""
    cores = found.cpu
    share = 100 * cores.promised / cores.total if cores.total else 0
    return {
        "globalUtilization": {
            "cpu": {
                "used": round(100 * cores.used / cores.total, 1) if cores.total else 0,
                "total": 100,
                "overcommit": round(share),
                "allocated": round(share),
                "physicalTotal": round(cores.total),
                "virtualTotal": round(cores.promised),
                "history": _days(cpu, 1),
                "utilization": {
                    "hosts": [
                        {"name": row.name, "used": row.value, "total": 100, "trend": "same"}
                        for row in found.busy_hosts["cpu"]
                    ],
                    "vms": _rows(found.top["cpu"], 1),
                },
            },
            "memory": {
                **_amount(found.memory, _GIB),
                "history": _days(memory, found.memory.total / 100 / _GIB),
                "utilization": {
                    "hosts": _rows(found.busy_hosts["memory"], _GIB),
                    "vms": _rows(found.top["memory"], _GIB),
                },
            },
            "storage": {
                **_amount(found.storage, _TIB),
                "history": _days(storage, found.storage.total / 100 / _TIB),
                "utilization": {"storage": _rows(found.top["storage"], _TIB), "vms": _rows(disks, _TIB)},
            },
        },
        "heatMapData": {
            "cpu": _heat(found.busy_hosts["cpu"]),
            "memory": _heat(found.busy_hosts["memory"]),
            "storage": _heat(found.top["storage"]),
            "vdoSavings": [],
        },
        "inventory": {
            **{short: _tile(found.inventory[name]) for name, short in _NAMES.items()},
            "event": _events(found.inventory["events"]),
            "volume": {"totalCount": 0, "statuses": []},
        },
    }
