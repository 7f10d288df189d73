"""The host's verbs: capabilities, hardware, statistics, fencing of others.

Does: read in threads, keep the last sample for rates. Does not: change the host.
"""

import asyncio
import os
import shutil
import time
from typing import Any

import structlog

from ovis.agent.host import machine, reports
from ovis.agent.host.capabilities import capabilities
from ovis.agent.network import report
from ovis.agent.network.setup import NetworkVerbs
from ovis.agent.virt.facts import Facts
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import in_thread
from ovis.contract import statuses as st

log = structlog.get_logger(__name__)
MIB = 1 << 20
_OVERHEAD_MIB = 65
_NO_HOSTED_ENGINE = {
    "configured": False,
    "active": False,
    "score": 0,
    "globalMaintenance": False,
    "localMaintenance": False,
}


class HostVerbs:
    """The verbs."""

    def __init__(self, guests: Guests, facts: Facts, networks: NetworkVerbs) -> None:
        self._guests, self._facts, self._networks = guests, facts, networks
        self._uuid = guests.identity.uuid()
        self._times = machine.cpu_times()
        self._own = time.process_time(), time.monotonic()
        self._begun = time.time()

    async def host_ping(self) -> None:
        """Alive."""

    async def host_ping2(self) -> None:
        """Alive; and the engine reaches us, should networks be changing."""
        self._networks.confirm()

    async def host_get_capabilities(self) -> dict[str, Any]:
        """What it can do, hooks' additions with it."""
        hooks = self._guests.hooks
        await hooks.data("before_get_caps", {})
        hypervisor = await self._facts.hypervisor()

        def read() -> dict[str, Any]:
            return capabilities(
                uuid=self._uuid,
                hypervisor=hypervisor,
                view=self._networks.view(),
                dirty=self._networks.dirty,
            ) | {"hooks": hooks.installed()}

        found: dict[str, Any] = await hooks.data("after_get_caps", await in_thread(read))
        return found

    async def host_get_hardware_info(self) -> dict[str, Any]:
        """What it is."""
        return await asyncio.to_thread(machine.hardware, self._uuid)

    async def host_get_stats(self) -> dict[str, Any]:
        """What it does, hooks' additions with it."""
        hooks = self._guests.hooks
        await hooks.data("before_get_stats", {})
        found: dict[str, Any] = await hooks.data("after_get_stats", await self._statistics())
        return found

    async def _statistics(self) -> dict[str, Any]:
        links = await in_thread(self._networks.snapshot)
        now = time.time()
        cpu = self._cpu()
        facts = await asyncio.to_thread(machine.memory)
        total = facts.get("MemTotal", 0) or 1
        available = facts.get("MemAvailable", facts.get("MemFree", 0))
        vms = [v for v in self._guests.vms.values() if not v.down]
        nodes = await asyncio.to_thread(machine.numa)
        pools = await asyncio.to_thread(machine.hugepages)
        booted = machine.boot_time()
        network = report.statistics(links, now)
        return {
            **cpu,
            "cpuLoad": f"{os.getloadavg()[0]:.2f}",
            "memUsed": str(round(100 * (total - available) / total)),
            "memFree": available // MIB,
            "memAvailable": str(available // MIB),
            "memCommitted": sum(v.devices.memory_kib // 1024 + _OVERHEAD_MIB for v in vms),
            "memShared": facts.get("Shmem", 0) // MIB,
            "memBuffers": facts.get("Buffers", 0) // MIB,
            "memCached": facts.get("Cached", 0) // MIB,
            "swapTotal": facts.get("SwapTotal", 0) // MIB,
            "swapFree": facts.get("SwapFree", 0) // MIB,
            "anonHugePages": str(facts.get("AnonHugePages", 0) // MIB),
            "hugepages": {str(size): pool for size, pool in pools.items()},
            "thpState": _chosen(machine.read("/sys/kernel/mm/transparent_hugepage/enabled")),
            "numaNodeMemFree": {
                n: {
                    "memFree": v["freeMemory"],
                    "memPercent": round(100 - 100 * int(v["freeMemory"]) / max(1, int(v["totalMemory"]))),
                    "hugepages": {size: {"freePages": pool["free"]} for size, pool in v["hugepages"].items()},
                }
                for n, v in nodes.items()
            },
            "vmCount": len(vms),
            "vmActive": sum(v.status == st.UP for v in vms),
            "vmMigrating": sum(v.status == st.MIGRATION_SOURCE for v in vms),
            "incomingVmMigrations": sum(v.status == st.MIGRATION_DESTINATION for v in vms),
            "outgoingVmMigrations": sum(v.status == st.MIGRATION_SOURCE for v in vms),
            "bootTime": str(booted),
            "elapsedTime": str(round(now - self._begun)),
            "dateTime": time.strftime("%Y-%m-%dT%H:%M:%S GMT", time.gmtime(now)),
            "network": network,
            **reports.totals(network),
            "storageDomains": self._guests.storage.repo_stats(),
            "diskStats": _disks(self._guests.settings.data),
            "momStatus": "inactive",
            "ksmState": machine.read("/sys/kernel/mm/ksm/run") == "1",
            "ksmPages": int(machine.read("/sys/kernel/mm/ksm/pages_to_scan", "0") or 0),
            "ksmMergeAcrossNodes": machine.read("/sys/kernel/mm/ksm/merge_across_nodes", "1") == "1",
            "ksmCpu": 0,
            "haScore": 0,
            "haStats": _NO_HOSTED_ENGINE,
            "netConfigDirty": str(self._networks.dirty),
            "v2vJobs": {},
            "multipathHealth": {},
        }

    def _cpu(self) -> dict[str, Any]:
        """Per cent of all CPUs, and of each, since the last time."""
        before, after = self._times, machine.cpu_times()
        self._times = after
        shares = {name: _shares(before.get(name, ()), ticks) for name, ticks in after.items()}
        user, system, idle = shares.get("cpu", (0.0, 0.0, 100.0))
        spent, at = time.process_time(), time.monotonic()
        span = max(0.001, at - self._own[1])
        own = 100 * (spent - self._own[0]) / span
        self._own = spent, at
        return {
            "cpuUser": f"{user:.2f}",
            "cpuSys": f"{system:.2f}",
            "cpuIdle": f"{idle:.2f}",
            "cpuUserVdsmd": f"{own:.2f}",
            "cpuSysVdsmd": "0.00",
            "cpuStatistics": {
                name[3:]: {
                    "cpuUser": f"{u:.2f}",
                    "cpuSys": f"{s:.2f}",
                    "cpuIdle": f"{i:.2f}",
                    "nodeIndex": machine.node_of(int(name[3:])),
                }
                for name, (u, s, i) in shares.items()
                if name != "cpu"
            },
        }

    async def host_hostdev_list_by_caps(self, caps: Any = None) -> dict[str, Any]:
        """Devices that libvirt could pass through, by name."""
        wanted = {str(c) for c in caps or ()}
        devices = await self._guests.link.call(_host_devices, wanted)
        found: dict[str, Any] = await self._guests.hooks.data("after_hostdev_list_by_caps", devices)
        return found

    async def host_get_device_list(self, storageType: Any = None, guids: Any = None) -> list[Any]:
        """LUNs: none, while there is no block storage here."""
        return []

    async def host_set_mom_policy_parameters(self, key_value_store: Any = None) -> None:
        """KSM and ballooning are the kernel's and libvirt's own here; the parameters are noted."""
        log.info("policy parameters", parameters=key_value_store)


def _shares(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[float, float, float]:
    """(user, system, idle) per cent between two readings."""
    old = before or (0,) * len(after)
    spent = [max(0, b - a) for a, b in zip(old, after, strict=False)]
    total = sum(spent) or 1
    user = 100 * (spent[0] + spent[1]) / total
    idle = 100 * (spent[3] + spent[4]) / total if sum(spent) else 100.0
    return user, max(0.0, 100 - user - idle) if sum(spent) else 0.0, idle


def _chosen(text: str) -> str:
    """`always [madvise] never` -> madvise."""
    return text.partition("[")[2].partition("]")[0] or "never"


def _disks(data: str) -> dict[str, dict[str, str]]:
    found = {}
    for path in ("/var/log", "/tmp", data):
        try:
            found[path] = {"free": str(shutil.disk_usage(path).free // MIB)}
        except OSError:
            continue
    return found


def _host_devices(connection: Any, wanted: set[str]) -> dict[str, Any]:
    from xml.etree import ElementTree

    found: dict[str, Any] = {}
    for device in connection.listAllDevices(0):
        root = ElementTree.fromstring(device.XMLDesc(0))
        capability = root.find("capability")
        kind = (capability.get("type") or "") if capability is not None else ""
        if capability is None or kind not in ("pci", "usb_device", "scsi") or (wanted and kind not in wanted):
            continue
        params: dict[str, Any] = {"capability": kind, "parent": root.findtext("parent") or ""}
        for name in ("product", "vendor"):
            element = capability.find(name)
            if element is not None:
                params[name] = element.text or ""
                params[f"{name}_id"] = element.get("id", "")
        group = capability.find("iommuGroup")
        if group is not None:
            params["iommu_group"] = group.get("number", "")
        bridge = (capability.findtext("class") or "").startswith("0x06")
        params["is_assignable"] = "false" if kind == "pci" and (group is None or bridge) else "true"
        if root.findtext("driver/name"):
            params["driver"] = root.findtext("driver/name")
        node = capability.find("numa")
        if node is not None:
            params["numa_node"] = node.get("node", "0")
        for functions in capability.findall("capability"):
            if functions.get("type") == "virt_functions":
                params["totalvfs"] = functions.get("maxCount") or str(len(functions.findall("address")))
        names = {"pci": ("domain", "bus", "slot", "function"), "usb_device": ("bus", "device"), "scsi": ("host", "bus", "target", "lun")}  # fmt: skip
        params["address"] = {n: capability.findtext(n) or "" for n in names[kind]}
        found[root.findtext("name") or device.name()] = {"params": params}
    return found
