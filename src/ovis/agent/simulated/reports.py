"""What a real host reports beside what a simulation needs, so that clients find every key that they may read.

Does: add constant parts to capabilities, statistics and VM rows. Pure.
Follows: contract.shapes (VdsmCapabilities, HostStats, RunningVmStats).
"""

from collections.abc import Mapping
from typing import Any

_ADDRESSES = {"dhcpv6": False, "ipv4addrs": [], "ipv6addrs": [], "ipv6gateway": "::", "ipv6autoconf": False}


def capabilities(cpus: int, networks: Mapping[str, Any], nics: Mapping[str, Any]) -> dict[str, Any]:
    """More of Host.getCapabilities, networks and nics completed."""
    whole = {
        name: {**_ADDRESSES, "opts": {}, **row, "interface": row.get("iface", name)} for name, row in networks.items()
    }
    return {
        "networks": whole,
        "bridges": whole,
        "nics": {name: row | _ADDRESSES for name, row in nics.items()},
        "onlineCpus": ",".join(str(n) for n in range(cpus)),
        "cpuTopology": [
            {
                "cpu_id": n,
                "numa_cell_id": 0,
                "socket_id": n % 2,
                "die_id": 0,
                "core_id": n // 4,
            }
            for n in range(cpus)
        ],
        "hostdevPassthrough": "true",
        "lastClientIface": "ovirtmgmt",
        "numaNodeDistance": {"0": [10]},
        "supportsIPv6": True,
        "vdsmToCpusAffinity": [1],
        "vncEncrypted": "False",
        "ovnConfigured": False,
        "realtimeKernel": False,
        "kernelFeatures": {"SPECTRE_V2": "Not affected"},
        "boot_uuid": "",
        "tscFrequency": "2600000000",
        "tscScaling": False,
        "connector_info": {
            "initiator": "",
            "ip": "",
            "platform": "x86_64",
            "os_type": "linux",
            "multipath": False,
            "do_local_attach": False,
            "host": "",
        },
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


def stats(load: float, cpus: int, free_mib: int, running: Mapping[str, int]) -> dict[str, Any]:
    """More of Host.getStats. running: VMs by status's part in migrations (incoming, outgoing)."""
    share = {"cpuUser": f"{load * 0.8:.2f}", "cpuSys": f"{load * 0.2:.2f}", "cpuIdle": f"{100 - load:.2f}"}
    return {
        "memFree": free_mib,
        "cpuUserVdsmd": "0.20",
        "cpuSysVdsmd": "0.10",
        "cpuStatistics": {str(n): share | {"nodeIndex": 0} for n in range(cpus)},
        "diskStats": {path: {"free": "100000"} for path in ("/tmp", "/var/log")},
        "haStats": {
            "configured": False,
            "active": False,
            "score": 0,
            "globalMaintenance": False,
            "localMaintenance": False,
        },
        "incomingVmMigrations": running["incoming"],
        "outgoingVmMigrations": running["outgoing"],
        "ksmMergeAcrossNodes": True,
        "numaNodeMemFree": {"0": {"memFree": str(free_mib), "memPercent": 0, "hugepages": {}}},
        "hugepages": {},
        "rxDropped": "0",
        "txDropped": "0",
        "thpState": "madvise",
        "v2vJobs": {},
        "multipathHealth": {},
    }


ROW = {
    "acpiEnable": "true",
    "kvmEnable": "true",
    "cpuActual": True,
    "appsList": [],
    "clientIp": "",
    "displayType": "vnc",
    "displayIp": "127.0.0.1",
    "guestCPUCount": -1,
    "guestIPs": "",
    "guestFQDN": "",
    "ioTune": [],
    "username": "Unknown",
    "session": "Unknown",
    "pid": "0",
    "vcpuQuota": "-1",
    "vcpuPeriod": 0,
}
"""More of a running VM's row; what is known of the VM goes over it."""
MEMORY = {"pageflt": 0, "majflt": 0, "minflt": 0, "swap_in": 0, "swap_out": 0}
