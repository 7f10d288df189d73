"""`GET ovis/dashboard`, and the same for oVirt's dashboard plug-in. Follows: docs/reference/live.md."""

from collections.abc import Mapping, Sequence
from typing import Any

from ovis.engine.declare.page import Asked, Page
from ovis.engine.resources.dashboard import facts, ovirt
from ovis.engine.resources.dashboard.facts import Amount, Busy, Facts
from ovis.engine.resources.history import UsageHistory

POINTS = 96  # of a day
_HOUR, _BARS = 3600, 14
_CPU, _MEMORY = 0, 1
_MEASURE = {"cpu": _CPU, "memory": _MEMORY, "storage": 0}


def _day(history: UsageHistory, weights: Mapping[str, float], measure: int) -> list[dict[str, Any]]:
    points = history.rings.day(weights, measure, POINTS)
    return [{"time": end * 1000, "value": None if value is None else round(value, 1)} for end, value in points]


def _bytes(amount: Amount) -> dict[str, Any]:
    return {"used": round(amount.used), "total": round(amount.total), "promised": round(amount.promised)}


def _busy(history: UsageHistory, rows: Sequence[Busy], measure: int, now: float) -> list[dict[str, Any]]:
    return [
        {
            "type": row.type,
            "id": row.id,
            "name": row.name,
            "status": row.status,
            "value": row.value,
            "history": history.rings.means(row.id, measure, now, _HOUR, _BARS),
        }
        for row in rows
    ]


def shape(found: Facts, history: UsageHistory) -> dict[str, Any]:
    """Ours."""
    now = found.now.timestamp()
    cpu = found.cpu
    return {
        "time": round(now * 1000),
        "inventory": {name: {"total": c.total, "states": c.states} for name, c in found.inventory.items()},
        "cpu": {
            "used": round(100 * cpu.used / cpu.total, 1) if cpu.total else 0.0,
            "total": round(cpu.total),
            "promised": round(cpu.promised),
            "history": _day(history, found.cores, _CPU),
        },
        "memory": {**_bytes(found.memory), "history": _day(history, found.memories, _MEMORY)},
        "storage": {**_bytes(found.storage), "history": _day(history, found.space, 0)},
        "alerts": found.alerts,
        "top": {name: _busy(history, rows, _MEASURE[name], now) for name, rows in found.top.items()},
        "hosts": found.hosts,
    }


async def dashboard(services: Any, asked: Asked) -> dict[str, Any]:
    """GET."""
    usages = dict(services.hosts.live.usages)
    found = await services.store.read(lambda rd: facts.read(rd, asked.call, usages))
    return shape(found, services.history)


async def dashboard_data(services: Any, asked: Asked) -> dict[str, Any]:
    """GET in oVirt's shape."""
    usages = dict(services.hosts.live.usages)
    found, disks = await services.store.read(
        lambda rd: (facts.read(rd, asked.call, usages), facts.largest_disks(rd, asked.call))
    )
    history: UsageHistory = services.history
    return ovirt.shape(
        found,
        disks,
        cpu=_day(history, found.cores, _CPU),
        memory=_day(history, found.memories, _MEMORY),
        storage=_day(history, found.space, 0),
    )


PAGES = (
    Page(name="dashboard", run=dashboard, doc="What is there, what is used, what needs attention."),
    Page(
        name="dashboarddata",
        run=dashboard_data,
        alias="/ovirt-engine/webadmin/dashboard_data",
        doc="The same in the shape that oVirt's dashboard plug-in reads.",
    ),
)
