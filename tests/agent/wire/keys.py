"""Keys that a host's reports must have, beyond what the shapes demand, and how to read a misfit."""

from typing import Any

from ovis.contract.checks import result
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
