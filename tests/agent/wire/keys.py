"""Keys that a host's reports must have, beyond what the shapes demand, and how to read a misfit."""

from collections.abc import Awaitable, Callable
from typing import Any

from ovis.contract.checks import result
from ovis.contract.errors import Code, VerbError
from ovis.contract.verbs import VERBS

CAPABILITIES = (
    "kvmEnabled cpuCores cpuThreads cpuSockets cpuSpeed cpuModel cpuFlags onlineCpus cpuTopology vdsmToCpusAffinity "
    "version_name software_version software_revision supportedENGINEs clusterLevels networks bondings bridges nics vlans "
    "nameservers supportsIPv6 lastClientIface netConfigDirty ovnConfigured hooks operatingSystem uuid packages2 kernelArgs "
    "realtimeKernel nestedVirtualization emulatedMachines ISCSIInitiatorName HBAInventory vmTypes memSize reservedMem "
    "guestOverhead rngSources numaNodes numaNodeDistance autoNumaBalancing selinux liveSnapshot liveMerge kdumpStatus "
    "hostdevPassthrough additionalFeatures hostedEngineDeployed hugepages kernelFeatures vncEncrypted backupEnabled "
    "coldBackupEnabled fipsEnabled boot_uuid tscFrequency tscScaling connector_info domain_versions supported_block_size "
    "cd_change_pdiv refresh_disk_supported replicate_extend measure_subchain measure_active mailbox_events "
    "zerocopy_migrations deferred_preallocation clearBitmapsEnabled qemu_image_info_bitmaps"
).split()
STATISTICS = (
    "cpuUser cpuSys cpuIdle cpuLoad cpuUserVdsmd cpuSysVdsmd cpuStatistics memUsed memFree memShared swapTotal swapFree "
    "anonHugePages hugepages thpState numaNodeMemFree vmCount vmActive vmMigrating incomingVmMigrations "
    "outgoingVmMigrations dateTime bootTime elapsedTime network storageDomains diskStats momStatus ksmState ksmPages ksmCpu "
    "ksmMergeAcrossNodes haStats haScore netConfigDirty v2vJobs multipathHealth"
).split()
VM = (
    "status vmId vmName statusTime elapsedTime timeOffset cpuUser cpuSys cpuUsage cpuActual vcpuCount vcpuQuota vcpuPeriod "
    "memUsage memoryStats balloonInfo disks network displayInfo clientIp monitorResponse pauseCode guestIPs guestFQDN "
    "username appsList netIfaces disksUsage session vmJobs migrationProgress hash ioTune"
).split()
DOWN = "vmId status exitCode exitMessage exitReason timeOffset".split()
DOMAIN = "code delay lastCheck valid version acquired actual".split()
NIC = "rx tx rxErrors txErrors rxDropped txDropped state speed sampleTime".split()


def misfits(verb: str, value: Any) -> list[str]:
    """What is wrong with a verb's result."""
    declared = VERBS[verb].result
    if declared is None:
        return [] if value in (None, True) else [f"{verb} has no result, not {value!r}"]
    return list(result(declared, value, verb))


def absent(value: dict[str, Any], keys: list[str]) -> list[str]:
    """Keys that are not there."""
    return [key for key in keys if key not in value]


GARBAGE: tuple[Any, ...] = ("x", -1, "", True, [], {}, ["x"], {"a": 1}, [{}], "00000000-0000-4000-8000-000000000001")
"""What no verb expects everywhere."""
_WAITS = ("Host.setupNetworks", "VM.destroy", "VM.shutdown", "VM.reset", "VM.setDestroyOnReboot")
GARBLED = [v for v in VERBS.values() if v.served and v.params and v.name not in _WAITS]
"""Verbs that can be called with garbage beside a running VM."""


async def unclear(call: Callable[..., Awaitable[Any]], vm_id: str) -> list[str]:
    """Answers to garbage that are no clear refusal: an internal error other than a missing argument."""
    found = []
    for verb in GARBLED:
        for value in GARBAGE:
            given = {p.name: vm_id if p.name == "vmID" else value for p in verb.params}
            try:
                await call(verb.name, **given)
            except VerbError as err:
                if err.code == Code.PEER_UNREACHABLE or (err.code == Code.INTERNAL and "misses" not in err.message):
                    found.append(f"{verb.name} {value!r}: {err.message}")
            except (AttributeError, KeyError, TypeError, ValueError, IndexError) as err:
                found.append(f"{verb.name} {value!r}: {err!r}")
    return found
