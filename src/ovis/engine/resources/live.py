"""What hosts say of themselves and of their VMs now, as rooms read it.

Does: prefer what this process was told, else what another engine of the installation wrote down; remember an hour of
what VMs used. Does not: ask hosts. `LIVE["live"]` is set by the observer.
"""

import asyncio
import time
from array import array
from collections.abc import Collection, Mapping
from typing import Any

from ovis.engine.hostlink.live import Usage, network_usage, number
from ovis.engine.store.session import Reader

LIVE: dict[str, Any] = {}
Facts = Mapping[str, Any]
SAMPLE_SECONDS = 30
_SAMPLES = 120  # one hour


class History:
    """Per cents of CPU, memory and network that VMs used, newest first; in memory, since this engine began.

    A VM that is not reported any more has none.
    """

    _NAMES = ("cpu", "memory", "network")

    def __init__(self) -> None:
        self._of: dict[str, tuple[array[int], array[int], array[int]]] = {}

    def sample(self, rows: Mapping[str, Facts]) -> None:
        """Add what every VM uses now."""
        self._of = {vm_id: known for vm_id, known in self._of.items() if vm_id in rows}
        for vm_id, row in rows.items():
            known = self._of.setdefault(vm_id, (array("B"), array("B"), array("B")))
            for samples, value in zip(known, vm_usage(row), strict=True):
                samples.append(round(min(100.0, max(0.0, value))))
                del samples[:-_SAMPLES]

    def of(self, vm_id: str) -> dict[str, list[int]]:
        """By name: `cpu`, `memory`, `network`."""
        known = self._of.get(vm_id, ((), (), ()))
        return {name: list(reversed(samples)) for name, samples in zip(self._NAMES, known, strict=True)}

    async def watch(self) -> None:
        """Sample for ever."""
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            live = LIVE.get("live")
            if live is not None:
                self.sample(live.vm_stats)


HISTORY = History()


def running_hook(vm_ids: Collection[str]) -> str:
    """The hook script that a host runs for one of these VMs now: `50_macspoof of before_vm_start, since 14:03:05 UTC`."""
    live = LIVE.get("live")
    if live is None:
        return ""
    for vm_id in vm_ids:
        hook = live.vm_stats.get(vm_id, {}).get("hook")
        if isinstance(hook, Mapping):
            begun = time.strftime("%H:%M:%S UTC", time.gmtime(number(hook.get("since"))))
            return f"{hook.get('script')} of {hook.get('point')}, since {begun}"
    return ""


def vm_usage(row: Facts) -> tuple[float, float, float]:
    """(CPU, memory, network) in per cent."""
    cpus = max(1.0, number(row.get("vcpuCount", 1)))
    used = (number(row.get("cpuUser")) + number(row.get("cpuSys"))) / cpus
    network = max((network_usage(n) for n in (row.get("network") or {}).values()), default=0.0)
    return used, number(row.get("memUsage")), network


def host_facts(rd: Reader, host_ids: Collection[str]) -> dict[str, Facts]:
    """Statistics of hosts, in VDSM's names, by id; a host that nobody hears is missing."""
    live = LIVE.get("live")
    return _facts(rd, host_ids, live.host_stats if live is not None else {})


def vm_facts(rd: Reader, vm_ids: Collection[str]) -> dict[str, Facts]:
    """Statistics of VMs, in VDSM's names, by id; a VM that runs nowhere is missing."""
    live = LIVE.get("live")
    return _facts(rd, vm_ids, live.vm_stats if live is not None else {})


def capabilities(host_id: str) -> Facts:
    """What a host said it is able to; empty while this engine has not met it."""
    live = LIVE.get("live")
    return (live.host_caps.get(host_id) if live is not None else None) or {}


def known_hosts() -> list[str]:
    """Hosts that this engine has met."""
    live = LIVE.get("live")
    return list(live.host_caps) if live is not None else []


def _facts(rd: Reader, ids: Collection[str], here: Mapping[str, Facts]) -> dict[str, Facts]:
    found = {i: here[i] for i in ids if i in here}
    elsewhere = [i for i in ids if i not in found]
    if elsewhere:
        found |= {i: u.facts for i, u in rd.get_many(Usage, elsewhere).items()}
    return found
