"""What VMs use: samples of all domains, and the rows made of two of them.

Does: sample at intervals in one call for all, keep rates, answer the statistics verbs from memory. A sample is a sweep,
too: domains that ended or changed unseen are put right.
Follows: VM statistics of VDSM (units: per cent of one host CPU, KiB, bytes, nanoseconds).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import libvirt
import structlog

from ovis.agent.virt.guests import Guests, short
from ovis.agent.virt.sweep import put_right, settled
from ovis.agent.virt.tune import shown
from ovis.agent.virt.vm import Vm, jobs_of
from ovis.contract import statuses as st
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
SAMPLE_SECONDS = 10.0
_RUN = Path("/run/libvirt/qemu")
_STUCK_MS = 30_000  # a monitor command that takes longer: not responding
_GROUPS = (
    libvirt.VIR_DOMAIN_STATS_STATE
    | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)


_UNKNOWN: dict[str, Any] = {
    "acpiEnable": "true",
    "appsList": [],
    "balloonInfo": {},
    "clientIp": "",
    "cpuSys": "0.00",
    "cpuUsage": "0",
    "cpuUser": "0.00",
    "disks": {},
    "disksUsage": [],
    "guestCPUCount": -1,
    "guestFQDN": "",
    "guestIPs": "",
    "kvmEnable": "true",
    "memUsage": "0",
    "netIfaces": [],
    "network": {},
    "session": "Unknown",
    "username": "Unknown",
    "vcpuPeriod": 0,
    "vcpuQuota": "-1",
}
"""A running VM's row before its first sample and the first word of its guest."""


def rows(stats: Mapping[str, Any], group: str) -> list[dict[str, Any]]:
    """libvirt's flat `block.0.name` as one dict a device. Pure."""
    out: list[dict[str, Any]] = [{} for _ in range(int(stats.get(f"{group}.count", 0)))]
    prefix = group + "."
    for key, value in stats.items():
        if key.startswith(prefix):
            number, _, name = key[len(prefix) :].partition(".")
            if name and number.isdigit() and int(number) < len(out):
                out[int(number)][name] = value
    return out


def usage(vm: Vm, now: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Statistics of a sample (with `at`, Unix seconds), rates against the one before. Pure."""
    span = now["at"] - before["at"] if before else 0.0
    seconds = span if span > 0.05 else 0.0

    def rate(key: str) -> float:
        if not seconds or before is None or key not in now or key not in before:
            return 0.0
        return max(0.0, float(now[key] - before[key]) / seconds)

    total, system = rate("cpu.time") / 1e7, rate("cpu.system") / 1e7
    maximum = int(now.get("balloon.maximum", vm.devices.memory_kib))
    current = int(now.get("balloon.current", maximum))
    available = int(now.get("balloon.available", 0))
    usable = int(now.get("balloon.usable", now.get("balloon.unused", 0)))
    return {
        "cpuUser": f"{max(0.0, total - system):.2f}",
        "cpuSys": f"{system:.2f}",
        "cpuUsage": str(now.get("cpu.time", 0)),
        "memUsage": str(round(100 * (available - usable) / available) if available else 0),
        "vcpuQuota": "-1",
        "vcpuPeriod": 0,
        "memoryStats": {
            "mem_total": str(available),
            "mem_unused": str(now.get("balloon.unused", 0)),
            "mem_free": str(usable),
            "swap_in": now.get("balloon.swap_in", 0),
            "swap_out": now.get("balloon.swap_out", 0),
            "majflt": now.get("balloon.major_fault", 0),
            "minflt": now.get("balloon.minor_fault", 0),
            "pageflt": now.get("balloon.major_fault", 0) + now.get("balloon.minor_fault", 0),
            "mem_cached": str(now.get("balloon.disk_caches", 0)),
        },
        "balloonInfo": {
            "balloon_max": str(maximum),
            "balloon_min": str(min(vm.devices.guaranteed_kib or maximum, maximum)),
            "balloon_cur": str(current),
            "balloon_target": str(current),
        },
        "network": _network(vm, now),
        "disks": _disks(vm, now, before, seconds),
    }


def _network(vm: Vm, now: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for nic in rows(now, "net"):
        name = nic.get("name", "")
        found[name] = {
            "name": name,
            "macAddr": vm.devices.nics.get(name, ""),
            "rx": str(nic.get("rx.bytes", 0)),
            "tx": str(nic.get("tx.bytes", 0)),
            "rxErrors": str(nic.get("rx.errs", 0)),
            "txErrors": str(nic.get("tx.errs", 0)),
            "rxDropped": str(nic.get("rx.drop", 0)),
            "txDropped": str(nic.get("tx.drop", 0)),
            "speed": "1000",
            "state": "unknown",
            "sampleTime": now["at"],
        }
    return found


def _disks(
    vm: Vm, now: Mapping[str, Any], before: Mapping[str, Any] | None, seconds: float
) -> dict[str, dict[str, Any]]:
    old = {d.get("name"): d for d in rows(before, "block")} if before else {}
    found = {}
    for disk in rows(now, "block"):
        name = disk.get("name", "")
        last = old.get(name, {})

        def rate(key: str, disk: Mapping[str, Any] = disk, last: Mapping[str, Any] = last) -> float:
            return max(0.0, (disk.get(key, 0) - last.get(key, 0)) / seconds) if seconds and key in last else 0.0

        def latency(way: str, disk: Mapping[str, Any] = disk, last: Mapping[str, Any] = last) -> str:
            operations = disk.get(f"{way}.reqs", 0) - last.get(f"{way}.reqs", 0)
            spent = disk.get(f"{way}.times", 0) - last.get(f"{way}.times", 0)
            return str(round(spent / operations)) if last and operations > 0 else "0"

        found[name] = {
            "imageID": vm.devices.disks.get(name, ("", ""))[1],
            "truesize": str(disk.get("physical", disk.get("allocation", 0))),
            "apparentsize": str(disk.get("capacity", 0)),
            "readBytes": str(disk.get("rd.bytes", 0)),
            "writtenBytes": str(disk.get("wr.bytes", 0)),
            "readOps": str(disk.get("rd.reqs", 0)),
            "writeOps": str(disk.get("wr.reqs", 0)),
            "readRate": f"{rate('rd.bytes'):.0f}",
            "writeRate": f"{rate('wr.bytes'):.0f}",
            "readLatency": latency("rd"),
            "writeLatency": latency("wr"),
            "flushLatency": latency("fl"),
        }
    return found


class StatsVerbs:
    """Samples, and the verbs that show them."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests
        self._samples: dict[str, dict[str, Any]] = {}
        self._pids: dict[str, tuple[int, str]] = {}  # (libvirt's number of the run, process)
        self._last = 0.0
        self._sampling = asyncio.Lock()
        self._limits: dict[str, tuple[str, dict[str, Any]]] = {}  # VM -> (its XML, what it says of limits)

    async def run(self) -> None:
        """Sample for ever."""
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            try:
                await self.sample()
            except (VerbError, libvirt.libvirtError) as err:
                log.warning("domains could not be sampled", error=str(err))
                self._silent()

    def _silent(self) -> None:
        for vm in self._guests.vms.values():
            if vm.status in (st.UP, st.PAUSED, st.POWERING_UP, st.POWERING_DOWN):
                vm.monitor_ok = False

    async def sample(self) -> None:
        """One look at all domains."""
        async with self._sampling:
            guests = self._guests
            asked = settled(guests)
            found = await guests.link.call(_sample, set(guests.vms), self._pids)
            self._last = time.monotonic()
            at = time.time()
            for vm_id, (stats, occupied) in found.items():
                vm = guests.vms.get(vm_id)
                if vm is None:
                    continue
                now = {**stats, "at": at}
                if "cpu.time" in stats:
                    vm.stats = usage(vm, now, self._samples.get(vm_id))
                    self._samples[vm_id] = now
                self._monitor(vm, occupied)
            for vm_id in [v for v in self._samples if v not in guests.vms]:
                del self._samples[vm_id]
                self._pids.pop(vm_id, None)
                self._limits.pop(vm_id, None)
            states = {i: (s.get("state.state"), s.get("state.reason")) for i, (s, _) in found.items()}
            put_right(guests, asked, states)

    def _monitor(self, vm: Vm, occupied: int) -> None:
        answers = occupied < _STUCK_MS
        if answers != vm.monitor_ok:
            vm.monitor_ok = answers
            if not answers:
                log.warning("QEMU's monitor does not answer", vm=vm.id, milliseconds=occupied)
            self._guests.tell(vm)

    # -- verbs ---------------------------------------------------------------------------------------------------

    def row(self, vm: Vm) -> dict[str, Any]:
        """A VM's full row."""
        record = vm.record
        row = short(vm, self._guests.settings.address) | {
            "vmName": record.name,
            "statusTime": str(round(record.status_time * 1000)),
            "vmType": "kvm",
        }
        if vm.down:
            return row
        first = vm.devices.displays[0] if vm.devices.displays else None
        return {
            **_UNKNOWN,
            **vm.stats,
            **row,
            **self._limits_of(vm),
            "cpuActual": bool(vm.stats),
            "pid": self._pids[vm.id][1] if vm.id in self._pids else "0",
            "displayPort": str(first.port) if first else "-1",
            "displaySecurePort": str(first.tls_port) if first else "-1",
            "displayIp": row["displayInfo"][0]["ipAddress"] if first else "0",
            "displayType": "qxl" if first and first.type == "spice" else "vnc",
            "vcpuCount": str(vm.devices.vcpus),
            "elapsedTime": str(max(0, round(time.time() - record.begun))),
            "monitorResponse": "0" if vm.monitor_ok else "-1",
            "migrationProgress": vm.migration.progress if vm.migration and vm.status == st.MIGRATION_SOURCE else 0,
            "vmJobs": jobs_of(vm),
        } | ({"exitMessage": record.exit_message} if record.exit_message else {})

    def _limits_of(self, vm: Vm) -> dict[str, Any]:
        """Read again only when the XML is another one."""
        xml, found = self._limits.get(vm.id, ("", {}))
        if xml is not vm.xml and vm.xml:
            found = shown(vm.xml)
            self._limits[vm.id] = (vm.xml, found)
        return found

    async def _fresh(self) -> None:
        """Rates that are asked for should not be old."""
        if time.monotonic() - self._last > SAMPLE_SECONDS / 2 and self._guests.link.connected:
            try:
                await self.sample()
            except (VerbError, libvirt.libvirtError) as err:
                log.warning("domains could not be sampled", error=str(err))

    async def host_get_all_vm_stats(self) -> list[dict[str, Any]]:
        """All rows."""
        hooks = self._guests.hooks
        await hooks.data("before_get_all_vm_stats", {})
        await self._fresh()
        rows = [self.row(vm) for vm in self._guests.vms.values()]
        found: list[dict[str, Any]] = await hooks.data("after_get_all_vm_stats", rows)
        return found

    async def vm_get_stats(self, vmID: str) -> list[dict[str, Any]]:
        """One row, from memory."""
        vm, hooks = self._guests.vm(vmID), self._guests.hooks
        await hooks.data("before_get_vm_stats", {})
        found: list[dict[str, Any]] = await hooks.data("after_get_vm_stats", [self.row(vm)])
        return found

    async def vm_get_info(self, vmID: str) -> dict[str, Any]:
        """The row with its XML."""
        vm = self._guests.vm(vmID)
        return self.row(vm) | {"xml": vm.xml}

    async def host_get_vm_list(self, fullStatus: Any = False, vmList: Any = (), onlyUUID: Any = False) -> list[Any]:
        """Ids, or ids with statuses."""
        chosen = self._chosen(vmList)
        if fullStatus is True or str(fullStatus).lower() == "true":
            return [{"vmId": v.id, "status": v.status} for v in chosen]
        if onlyUUID is True or str(onlyUUID).lower() == "true":
            return [v.id for v in chosen]
        return [{"vmId": v.id, "status": v.status} for v in chosen]

    async def host_get_vm_full_list(self, vmList: Any = ()) -> list[dict[str, Any]]:
        """Rows with their XML."""
        return [self.row(v) | {"xml": v.xml} for v in self._chosen(vmList)]

    def _chosen(self, ids: Sequence[str] | None) -> list[Vm]:
        if ids:
            return [self._guests.vm(i) for i in ids]
        return list(self._guests.vms.values())

    async def host_dumpxmls(self, vmList: Sequence[str] | None = None) -> dict[str, str]:
        """Live XML by VM; what was known last for one that is down."""
        guests = self._guests
        found = {}
        for vm in self._chosen(vmList):
            if not vm.down:
                try:
                    await guests.refresh(vm)
                except libvirt.libvirtError as err:
                    if err.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                        raise VerbError(Code.UNEXPECTED, str(err)) from err
            found[vm.id] = vm.xml
        return found


def _sample(
    connection: Any, wanted: set[str], pids: dict[str, tuple[int, str]]
) -> dict[str, tuple[dict[str, Any], int]]:
    """id -> (statistics, milliseconds that its monitor has been busy with one command)."""
    found: dict[str, tuple[dict[str, Any], int]] = {}
    for domain, stats in connection.getAllDomainStats(_GROUPS, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT):
        vm_id = domain.UUIDString()
        if vm_id not in wanted:
            continue
        run = domain.ID()
        if run >= 0 and pids.get(vm_id, (-1,))[0] != run:
            pids[vm_id] = (run, _pid(domain.name()))
        busy = 0
        if "balloon.current" not in stats or "block.count" not in stats:
            try:
                state, _, since = domain.controlInfo(0)
                busy = since if state == libvirt.VIR_DOMAIN_CONTROL_OCCUPIED else 0
            except libvirt.libvirtError:
                busy = 0
        found[vm_id] = (stats, busy)
    return found


def _pid(name: str) -> str:
    """QEMU's process, as this host numbers it."""
    try:
        return (_RUN / f"{name}.pid").read_text(encoding="ascii").strip()
    except OSError:
        return "0"
