"""Host.getCapabilities: what this host can do. Pure over what was read.

Follows: hooks and agent facts, section 5 (keys, and which are text).
"""

import importlib.metadata
import os
from typing import Any

from ovis.agent.host import machine
from ovis.agent.network import report
from ovis.agent.virt.facts import Hypervisor, os_release

MIB = 1 << 20
LEVELS = ("4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8")
_RESERVED_MIB = 256
_OVERHEAD_MIB = 65
# What QEMU emulates of a CPU's flags, for clusters whose type is checked against them.
_EMULATED_FLAGS = (
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ss syscall nx "
    "rdtscp lm pni pclmulqdq monitor ssse3 cx16 sse4_1 sse4_2 movbe popcnt aes xsave rdrand lahf_lm abm hypervisor"
).split()


def version() -> str:
    """The agent's version."""
    try:
        return importlib.metadata.version("ovis")
    except importlib.metadata.PackageNotFoundError:
        return "0"


def cpu_flags(hypervisor: Hypervisor, host: tuple[str, ...]) -> str:
    """Flags, and model_NAME for every CPU model that a guest can have."""
    flags = list(host) if hypervisor.kvm else list(_EMULATED_FLAGS)
    return ",".join([*flags, *(f"model_{m}" for m in sorted(hypervisor.usable))])


def capabilities(*, uuid: str, hypervisor: Hypervisor, view: report.View, dirty: bool) -> dict[str, Any]:
    """The whole report (reads /proc and /sys; blocks)."""
    cpus = machine.cpus()
    system = os_release()
    memory = machine.memory()
    nodes = machine.numa()
    networks = report.capabilities(view)
    return {
        "uuid": uuid,
        "kvmEnabled": "true" if hypervisor.kvm else "false",
        "emulation": not hypervisor.kvm,
        "cpuCores": str(cpus.cores),
        "cpuThreads": str(len(cpus.online)),
        "cpuSockets": str(cpus.sockets),
        "cpuSpeed": f"{cpus.speed:.3f}",
        "cpuModel": cpus.model,
        "cpuFlags": cpu_flags(hypervisor, cpus.flags),
        "cpuTopology": list(cpus.topology),
        "onlineCpus": ",".join(str(n) for n in cpus.online),
        "vdsmToCpusAffinity": sorted(os.sched_getaffinity(0)),
        "tscFrequency": "0",
        "tscScaling": False,
        "version_name": "Snow Man",
        "software_version": version(),
        "software_revision": "1",
        "supportedENGINEs": ["4.2", "4.3", "4.4", "4.5"],
        "clusterLevels": list(LEVELS),
        **networks,
        "supportsIPv6": os.path.exists("/proc/net/if_inet6"),
        "netConfigDirty": str(dirty),
        "ovnConfigured": False,
        "lastClientIface": next((n for n, k in view.links.items() if k.gateway), "lo"),
        "hooks": {},
        "operatingSystem": {
            "name": system.get("ID", "linux").capitalize(),
            "version": system.get("VERSION_ID", ""),
            "release": os.uname().release,
            "pretty_name": system.get("PRETTY_NAME", "Linux"),
        },
        "packages2": machine.packages(version()) | _versions(hypervisor),
        "kernelArgs": machine.read("/proc/cmdline"),
        "realtimeKernel": "PREEMPT_RT" in os.uname().version,
        "kernelFeatures": machine.weaknesses(),
        "nestedVirtualization": machine.read("/sys/module/kvm_intel/parameters/nested") in ("Y", "1")
        or machine.read("/sys/module/kvm_amd/parameters/nested") in ("Y", "1"),
        "emulatedMachines": list(hypervisor.machines),
        "vmTypes": ["kvm"],
        "ISCSIInitiatorName": _initiator(),
        "HBAInventory": {"FC": [], "iSCSI": [{"InitiatorName": _initiator()}]},
        "memSize": str(memory.get("MemTotal", 0) // MIB),
        "reservedMem": str(_RESERVED_MIB),
        "guestOverhead": str(_OVERHEAD_MIB),
        "rngSources": ["random", *(["hwrng"] if os.path.exists("/dev/hwrng") else [])],
        "numaNodes": {
            n: {
                "cpus": v["cpus"],
                "totalMemory": v["totalMemory"],
                "hugepages": {size: {"totalPages": pool["total"]} for size, pool in v["hugepages"].items()},
            }
            for n, v in nodes.items()
        },
        "numaNodeDistance": {n: v["distance"] for n, v in nodes.items()},
        "autoNumaBalancing": int(machine.read("/proc/sys/kernel/numa_balancing", "0") or 0),
        "selinux": {"mode": machine.read("/sys/fs/selinux/enforce", "-1") or "-1"},
        "liveSnapshot": "true",
        "liveMerge": "true",
        "kdumpStatus": _kdump(),
        "hostdevPassthrough": "true" if os.path.isdir("/sys/kernel/iommu_groups/0") else "false",
        "additionalFeatures": [],
        "hostedEngineDeployed": False,
        "hugepages": sorted(machine.hugepages()),
        "vncEncrypted": "False",
        "backupEnabled": False,
        "coldBackupEnabled": False,
        "fipsEnabled": machine.read("/proc/sys/crypto/fips_enabled") == "1",
        "boot_uuid": machine.read("/proc/sys/kernel/random/boot_id"),
        "connector_info": {
            "initiator": _initiator(),
            "ip": next((row["addr"] for row in networks["networks"].values() if row["addr"]), ""),
            "platform": os.uname().machine,
            "os_type": "linux",
            "multipath": False,
            "do_local_attach": False,
            "host": os.uname().nodename,
        },
        "domain_versions": [0, 2, 3, 4, 5],
        "supported_block_size": {"LOCALFS": [512], "POSIXFS": [512]},
        "cd_change_pdiv": True,
        "refresh_disk_supported": True,
        "replicate_extend": False,
        "measure_subchain": False,
        "measure_active": False,
        "mailbox_events": False,
        "zerocopy_migrations": False,
        "deferred_preallocation": False,
        "clearBitmapsEnabled": False,
        "qemu_image_info_bitmaps": False,
    }


def _versions(hypervisor: Hypervisor) -> dict[str, dict[str, str]]:
    """libvirt and QEMU that run, should no package tell."""
    return {
        "libvirt": {"version": hypervisor.version, "release": "1"},
        "qemu-kvm": {"version": hypervisor.qemu, "release": "1"},
    }


def _initiator() -> str:
    for line in machine.read("/etc/iscsi/initiatorname.iscsi").splitlines():
        if line.startswith("InitiatorName="):
            return line.partition("=")[2].strip()
    return ""


def _kdump() -> int:
    """1: a crash kernel is loaded, 0: not, -1: unknown."""
    loaded = machine.read("/sys/kernel/kexec_crash_loaded")
    return int(loaded) if loaded in ("0", "1") else -1
