"""The machine itself: CPUs, memory, hardware, programs; from /proc, /sys and the package database.

Does: read (blocks; call it in a thread). Does not: ask libvirt.
"""

import contextlib
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

MIB = 1 << 20
_DMI = Path("/sys/class/dmi/id")


def read(path: str | Path, default: str = "") -> str:
    """A small file's text."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return default


class Cpus(Struct, frozen=True, kw_only=True):
    """Processors. speed: MHz. topology: one row a CPU."""

    model: str
    speed: float
    flags: tuple[str, ...]
    online: tuple[int, ...]
    topology: tuple[dict[str, int], ...]
    sockets: int
    cores: int


def expand(ranges: str) -> tuple[int, ...]:
    """`0-3,8` as numbers. Pure."""
    found: list[int] = []
    for part in ranges.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdigit():
            found += range(int(first), int(last or first) + 1)
    return tuple(found)


def cpus(cpuinfo: str | None = None) -> Cpus:
    """/proc/cpuinfo and the topology of /sys."""
    text = cpuinfo if cpuinfo is not None else read("/proc/cpuinfo")

    def first(key: str) -> str:
        found = re.search(rf"^{key}\s*:\s*(.*)$", text, re.MULTILINE)
        return found.group(1) if found else ""

    online = expand(read("/sys/devices/system/cpu/online")) or tuple(range(os.cpu_count() or 1))
    topology = []
    for number in online:
        base = f"/sys/devices/system/cpu/cpu{number}/topology"
        topology.append(
            {
                "cpu_id": number,
                "numa_cell_id": node_of(number),
                "socket_id": int(read(f"{base}/physical_package_id", "0") or 0),
                "die_id": int(read(f"{base}/die_id", "0") or 0),
                "core_id": int(read(f"{base}/core_id", str(number)) or 0),
            }
        )
    sockets = len({row["socket_id"] for row in topology}) or 1
    cores = len({(row["socket_id"], row["die_id"], row["core_id"]) for row in topology}) or 1
    speed = first("cpu MHz")
    return Cpus(
        model=first("model name"),
        speed=float(speed) if speed else 0.0,
        flags=tuple(first("flags").split()),
        online=online,
        topology=tuple(topology),
        sockets=sockets,
        cores=cores,
    )


def node_of(cpu: int) -> int:
    """The NUMA node of a CPU."""
    for entry in Path(f"/sys/devices/system/cpu/cpu{cpu}").glob("node[0-9]*"):
        return int(entry.name[4:])
    return 0


def memory(meminfo: str | None = None) -> dict[str, int]:
    """/proc/meminfo in bytes."""
    found = {}
    for line in (meminfo if meminfo is not None else read("/proc/meminfo")).splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) * (1024 if len(words) > 1 else 1)
    return found


def hugepages() -> dict[int, dict[str, int]]:
    """Pools by page size in KiB."""
    found = {}
    for folder in Path("/sys/kernel/mm/hugepages").glob("hugepages-*kB"):
        size = int(folder.name[10:-2])
        found[size] = {n: int(read(folder / n, "0") or 0) for n in ("nr_hugepages", "free_hugepages", "resv_hugepages")}
    return found


def numa() -> dict[str, dict[str, Any]]:
    """Nodes with their CPUs, memory (MiB as text) and huge pages by size in KiB."""
    found: dict[str, dict[str, Any]] = {}
    for folder in sorted(Path("/sys/devices/system/node").glob("node[0-9]*")):
        total = re.search(r"MemTotal:\s+(\d+) kB", read(folder / "meminfo"))
        free = re.search(r"MemFree:\s+(\d+) kB", read(folder / "meminfo"))
        found[folder.name[4:]] = {
            "cpus": list(expand(read(folder / "cpulist"))),
            "totalMemory": str(int(total.group(1)) // 1024 if total else 0),
            "freeMemory": str(int(free.group(1)) // 1024 if free else 0),
            "distance": [int(d) for d in read(folder / "distance").split()],
            "hugepages": {
                pool.name[10:-2]: {
                    "total": read(pool / "nr_hugepages", "0"),
                    "free": read(pool / "free_hugepages", "0"),
                }
                for pool in (folder / "hugepages").glob("hugepages-*kB")
            },
        }
    if not found:
        facts = memory()
        found["0"] = {
            "cpus": list(cpus().online),
            "totalMemory": str(facts.get("MemTotal", 0) // MIB),
            "freeMemory": str(facts.get("MemFree", 0) // MIB),
            "distance": [10],
            "hugepages": {},
        }
    return found


def hardware(uuid: str) -> dict[str, str]:
    """DMI's words; machines without DMI tell our own id."""
    return {
        "systemManufacturer": read(_DMI / "sys_vendor") or "unknown",
        "systemProductName": read(_DMI / "product_name") or "unknown",
        "systemVersion": read(_DMI / "product_version") or "unknown",
        "systemSerialNumber": read(_DMI / "product_serial") or "unknown",
        "systemUUID": (read(_DMI / "product_uuid") or uuid).upper(),
        "systemFamily": read(_DMI / "product_family") or "unknown",
    }


def weaknesses(folder: Path = Path("/sys/devices/system/cpu/vulnerabilities")) -> dict[str, str]:
    """What the kernel says of each weakness of the processors, as capabilities name it."""
    return {f.name.upper(): read(f) for f in sorted(folder.glob("*"))}


_PACKAGES: Mapping[str, tuple[str, ...]] = {
    "qemu-kvm": ("qemu-system-x86", "qemu-kvm-core", "qemu-kvm", "qemu-system-x86-core"),
    "qemu-img": ("qemu-utils", "qemu-img"),
    "libvirt": ("libvirt-daemon-system", "libvirt-daemon", "libvirt"),
    "spice-server": ("libspice-server1", "spice-server"),
    "openvswitch": ("openvswitch-switch", "openvswitch"),
    "librbd1": ("librbd1",),
}


def packages(agent_version: str) -> dict[str, dict[str, str]]:
    """packages2: what dpkg or rpm says, under VDSM's names."""
    kernel_version, _, kernel_release = os.uname().release.partition("-")
    found = {
        "vdsm": {"version": agent_version, "release": "1"},
        "kernel": {"version": kernel_version, "release": kernel_release},
    }
    names = [n for group in _PACKAGES.values() for n in group]
    installed = _installed(names)
    for ours, theirs in _PACKAGES.items():
        for name in theirs:
            if name in installed:
                version, _, release = installed[name].partition("-")
                found[ours] = {"version": version.rpartition(":")[2], "release": release}
                break
    return found


def _installed(names: list[str]) -> dict[str, str]:
    commands = (
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev} ${Version}\n", *names],
        ["rpm", "-q", "--qf", "%{NAME} ii %{VERSION}-%{RELEASE}\n", *names],
    )
    for command in commands:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(command, capture_output=True, text=True, timeout=10)
            rows = [line.split() for line in done.stdout.splitlines()]
            found = {r[0]: r[2] for r in rows if len(r) == 3 and r[1].startswith("ii")}
            if found:
                return found
    return {}


def boot_time() -> int:
    """Unix seconds."""
    found = re.search(r"^btime (\d+)", read("/proc/stat"), re.MULTILINE)
    return int(found.group(1)) if found else 0


def cpu_times() -> dict[str, tuple[int, ...]]:
    """Clock ticks by CPU ("cpu" is all): user, nice, system, idle, iowait, irq, softirq, steal."""
    found = {}
    for line in read("/proc/stat").splitlines():
        if line.startswith("cpu"):
            name, *values = line.split()
            found[name] = tuple(int(v) for v in values[:8])
    return found
