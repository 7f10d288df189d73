"""What a host reports, as the API's document. Pure.

Follows: capabilities, hardware and statistics of VDSM.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from ovis.engine.model.enums import AutoNumaStatus, KdumpStatus, SeLinuxMode
from ovis.engine.model.types import (
    Cpu,
    CpuTopology,
    HardwareInformation,
    Host,
    IscsiDetails,
    Ksm,
    OperatingSystem,
    SeLinux,
    TransparentHugePages,
    Version,
)

MIB = 1 << 20


def number(value: Any, default: float = 0) -> float:
    """A number that may have come as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


def _version(text: str) -> Version:
    parts = [int(p) if p.isdigit() else 0 for p in text.split("-")[0].split(".")[:4]]
    major, minor, build, revision = [*parts, 0, 0, 0, 0][:4]
    return Version(major=major, minor=minor, build=build, revision=revision, full_version=text)


def _package(caps: Mapping[str, Any], name: str) -> str:
    found = (caps.get("packages2") or {}).get(name) or {}
    version, release = found.get("version"), found.get("release")
    return f"{version}-{release}" if version and release else str(version or "")


def described(host: Host, caps: Mapping[str, Any], hardware: Mapping[str, Any]) -> Host:
    """The host with its capabilities."""
    sockets = max(1, int(number(caps.get("cpuSockets"), 1)))
    cores = max(1, int(number(caps.get("cpuCores"), 1)))
    threads = max(cores, int(number(caps.get("cpuThreads"), cores)))
    models = [f.removeprefix("model_") for f in str(caps.get("cpuFlags", "")).split(",") if f.startswith("model_")]
    system = caps.get("operatingSystem") or {}
    memory = int(number(caps.get("memSize"))) * MIB
    reserved = int(number(caps.get("reservedMem"))) * MIB
    selinux = str((caps.get("selinux") or {}).get("mode", "-1"))
    return replace(
        host,
        cpu=Cpu(
            name=str(caps.get("cpuModel") or ""),
            speed=round(number(caps.get("cpuSpeed"))),
            type=models[-1] if models else None,
            topology=CpuTopology(sockets=sockets, cores=max(1, cores // sockets), threads=max(1, threads // cores)),
        ),
        memory=memory,
        max_scheduling_memory=max(0, memory - reserved),
        version=_version(str(caps.get("software_version") or "")),
        libvirt_version=_version(_package(caps, "libvirt")),
        os=OperatingSystem(
            type=str(system.get("name") or "Linux"),
            version=Version(
                full_version=" - ".join(str(v) for v in (system.get("version"), system.get("release")) if v) or None
            ),
            custom_kernel_cmdline="",
            reported_kernel_cmdline=str(caps.get("kernelArgs") or ""),
        ),
        hardware_information=HardwareInformation(
            manufacturer=hardware.get("systemManufacturer"),
            product_name=hardware.get("systemProductName"),
            version=hardware.get("systemVersion"),
            serial_number=hardware.get("systemSerialNumber"),
            uuid=hardware.get("systemUUID"),
            family=hardware.get("systemFamily"),
        ),
        iscsi=IscsiDetails(initiator=str(caps.get("ISCSIInitiatorName") or "")),
        kdump_status={0: KdumpStatus.DISABLED, 1: KdumpStatus.ENABLED}.get(
            int(number(caps.get("kdumpStatus"), -1)), KdumpStatus.UNKNOWN
        ),
        se_linux=SeLinux(
            mode={"1": SeLinuxMode.ENFORCING, "0": SeLinuxMode.PERMISSIVE}.get(selinux, SeLinuxMode.DISABLED)
        ),
        auto_numa_status=AutoNumaStatus.ENABLE if caps.get("autoNumaBalancing") == 1 else AutoNumaStatus.DISABLE,
        numa_supported=len(caps.get("numaNodes") or {}) > 1,
        ksm=Ksm(enabled=False),
        transparent_huge_pages=TransparentHugePages(enabled=True),
    )


def problems(host: Host, caps: Mapping[str, Any], level: str, networks: Mapping[str, str]) -> list[str]:
    """Why the host cannot serve its cluster; empty: it can. networks: names of required networks."""
    found = []
    if str(caps.get("kvmEnabled", "true")).lower() != "true" and not caps.get("emulation"):
        found.append("hardware virtualization is not available")
    if level not in [str(v) for v in caps.get("clusterLevels") or ()]:
        found.append(f"it does not support cluster level {level}")
    missing = [name for name in networks.values() if name not in (caps.get("networks") or {})]
    if missing:
        found.append(f"it lacks the required networks {', '.join(sorted(missing))}")
    return found


def statistics(stats: Mapping[str, Any], memory: int) -> dict[str, Any]:
    """Values of the API's host statistics, by name. memory: the host's, in bytes."""
    total = float(memory)
    used = total * number(stats.get("memUsed")) / 100
    swap, swap_free = number(stats.get("swapTotal")) * MIB, number(stats.get("swapFree")) * MIB
    return {
        "memory.total": total,
        "memory.used": used,
        "memory.free": number(stats.get("memFree")) * MIB,
        "memory.shared": number(stats.get("memShared")) * MIB,
        "memory.buffers": number(stats.get("memBuffers")) * MIB,
        "memory.cached": number(stats.get("memCached")) * MIB,
        "swap.total": swap,
        "swap.free": swap_free,
        "swap.used": max(0.0, swap - swap_free),
        "swap.cached": 0,
        "ksm.cpu.current": number(stats.get("ksmCpu")),
        "cpu.current.user": number(stats.get("cpuUser")),
        "cpu.current.system": number(stats.get("cpuSys")),
        "cpu.current.idle": number(stats.get("cpuIdle")),
        "cpu.load.avg.5m": number(stats.get("cpuLoad")),
        "boot.time": number(stats.get("bootTime")),
    }
