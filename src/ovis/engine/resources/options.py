"""Engine options as clients read them: /options/NAME (get only, linked from nowhere).

Does: say the limits and defaults that this engine works with, per cluster level where they differ.
Does not: list them, or let them be changed; settings are `ovis-engine config`.
Follows: names and values of engine 4.5's options.
"""

import json
from collections.abc import Mapping

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound
from ovis.engine.declare.resource import PUBLIC, Op, Param, Resource
from ovis.engine.model.types import SystemOption, SystemOptionValue
from ovis.engine.resources.cpu_catalog import CPU_MODELS
from ovis.engine.resources.custom_properties import settings as custom_properties
from ovis.engine.resources.levels import LEVELS
from ovis.engine.store.session import Reader

GENERAL = "general"
# Values that hold everywhere.
_ONE: Mapping[str, str | int | bool] = {
    "AuditLogAgingThreshold": 30,
    "ClientModeConsoleDefault": "vnc",
    "ClientModeVncDefault": "Native",
    "ClusterRequiredRngSourcesDefault": "",
    "CpuOverCommitDurationMinutes": 2,
    "CriticalSpaceActionBlocker": 5,
    "DefaultAutoConvergence": False,
    "DefaultCustomSerialNumber": "Dummy serial number.",
    "DefaultGeneralTimeZone": "Etc/GMT",
    "DefaultManagementNetwork": "ovirtmgmt",
    "DefaultMTU": 1500,
    "DefaultMigrationCompression": False,
    "DefaultSerialNumberPolicy": "HOST_ID",
    "DefaultWindowsTimeZone": "GMT Standard Time",
    "EnableMACAntiSpoofingFilterRules": True,
    "EncryptHostCommunication": True,
    "FailedJobCleanupTimeInMinutes": 60,
    "GuestNicNamesBlacklist": "lo[0-9]*,Loopback.*,tun[0-9]*,veth[0-9a-f]*",
    "HighUtilizationForEvenlyDistribute": 75,
    "HighUtilizationForPowerSave": 75,
    "JobCleanupRateInMinutes": 10,
    "LowUtilizationForEvenlyDistribute": 0,
    "LowUtilizationForPowerSave": 20,
    "MaxBlockDiskSizeInGibiBytes": 8192,
    "MaxIoThreadsPerVm": 127,
    "MaxMemorySlots": 16,
    "MaxNumOfCpuPerSocket": 254,
    "MaxNumOfThreadsPerCpu": 8,
    "MaxRerunVmOnVdsCount": 3,
    "MaxVdsMemOverCommit": 200,
    "MaxVdsNameLength": 255,
    "MaxVmNameLength": 64,
    "MaxVmNameLengthSysprep": 15,
    "MaxVmsInPool": 1000,
    "OrganizationName": "oVirt",
    "PayloadSize": 8192,
    "PropagateDiskErrors": False,
    "QuotaGraceCluster": 20,
    "QuotaGraceStorage": 20,
    "QuotaThresholdCluster": 80,
    "QuotaThresholdStorage": 80,
    "SANWipeAfterDelete": False,
    "SSLEnabled": True,
    "SearchResultsLimit": 100,
    "SpiceProxyDefault": "",
    "StorageDomainNameSizeLimit": 50,
    "StoragePoolNameSizeLimit": 40,
    "SucceededJobCleanupTimeInMinutes": 10,
    "SupportedClusterLevels": ",".join(f"{a}.{b}" for a, b in LEVELS),
    "UserSessionTimeOutInterval": 30,
    "VM32BitMaxMemorySizeInMB": 20480,
    "ValidNumOfMonitors": "1,2,4",
    "VmPriorityMaxValue": 100,
    "VncKeyboardLayout": "none",
    "WarningLowSpaceIndicator": 10,
}
# Values from a level on.
_BY_LEVEL: Mapping[str, Mapping[str, str | int | bool]] = {
    "BiosTypeSupported": {"4.2": False, "4.3": True},
    "IsIncrementalBackupSupported": {"4.2": False, "4.5": True},
    "MaxNumOfVmCpus": {
        "4.2": "{x86=384, ppc=384, s390x=384}",
        "4.5": "{x86=512, ppc=384, s390x=384}",
        "4.6": "{x86=710, ppc=384, s390x=384}",
    },
    "MaxNumOfVmSockets": {"4.2": 16, "4.6": 10000},
    "NvramPersistenceSupported": {"4.2": False, "4.6": True},
    "ParallelMigrationsSupported": {"4.2": False, "4.7": True},
    "VM64BitMaxMemorySizeInMB": {"4.2": 6291456, "4.6": 16777216, "4.8": 67108864},
    "VMPpc64BitMaxMemorySizeInMB": {"4.2": 1048576, "4.4": 6291456},
    "VirtioVgaSupported": {"4.2": False, "4.7": True},
}
# (name, id, first level)
MIGRATION_POLICIES = (
    ("Minimal downtime", "80554327-0569-496b-bdeb-fcbbf52b827b", (4, 2)),
    ("Suspend workload if needed", "80554327-0569-496b-bdeb-fcbbf52b827c", (4, 2)),
    ("Post-copy migration", "a7aeedb2-8d66-4e51-bb22-32595027ce71", (4, 2)),
    ("Very large VMs", "57237b82-b8c2-425f-b425-114b35219626", (4, 7)),
)


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _from_level(steps: Mapping[str, str | int | bool], level: tuple[int, int]) -> str:
    reached = [value for label, value in steps.items() if tuple(map(int, label.split("."))) <= level]
    return _text(reached[-1])


def _policies(level: tuple[int, int]) -> str:
    return json.dumps(
        [{"id": {"uuid": id_}, "name": name} for name, id_, since in MIGRATION_POLICIES if since <= level]
    )


def _cpus(level: tuple[int, int]) -> str:
    """`rank:name:flags:verb:architecture; ...` of the CPU types of a level."""
    label = "{}.{}".format(*level)
    return "; ".join(
        f"{m.levels[label]}:{m.name}:{','.join(m.flags)}:{m.verb}:{m.architecture}"
        for m in CPU_MODELS
        if label in m.levels
    )


def values(rd: Reader, name: str) -> list[tuple[str, str]]:
    """(level or `general`, value) of an option; nothing for unknown ones."""
    if name in _ONE:
        return [(GENERAL, _text(_ONE[name]))]
    if name in _BY_LEVEL:
        return [(f"{a}.{b}", _from_level(_BY_LEVEL[name], (a, b))) for a, b in LEVELS]
    if name == "MigrationPolicies":
        return [(f"{a}.{b}", _policies((a, b))) for a, b in LEVELS]
    if name == "ServerCPUList":
        return [(f"{a}.{b}", _cpus((a, b))) for a, b in LEVELS]
    if name in custom_properties.KEYS:
        found = custom_properties.values(rd, (name,))
        return [(custom_properties.label(level), found[name, level]) for level in LEVELS]
    return []


def get(rd: Reader, call: Call) -> SystemOption:
    """GET /options/NAME, with `version=LEVEL` only that level's value."""
    name = call.ids[-1]
    found = values(rd, name)
    if not found:
        raise NotFound(f"SystemOption: {name}")
    wanted = call.params.get("version")
    shown = [SystemOptionValue(value=value, version=level) for level, value in found if wanted in (None, "", level)]
    return SystemOption(id=name, name=name, values=shown)


RESOURCE = Resource(
    type=SystemOption,
    collection="options",
    v3_collection="",
    link=False,
    get=Op(run=get, needs=PUBLIC, params=(Param(name="version", type=str),)),
)
