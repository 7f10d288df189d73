"""Shapes of a host: capabilities, statistics, devices, tickets, imports.

Follows: the published schema of VDSM: names, types and what may be missing are facts of the wire.
"""

from typing import Literal, NotRequired, TypedDict

from ovis.contract.shapes.basics import (
    BlockDevicePathInfo,
    BlockDeviceType,
    BoolText,
    ErrorInfo,
    FloatText,
    HostNetworkInterfaceStatsMap,
    IntText,
    IscsiSessionInfo,
    NetInfoBondMap,
    NetInfoBridgeMap,
    NetInfoNetworkMap,
    NetInfoNicMap,
    NetInfoVlanMap,
    TaskInfo,
    TaskResult,
    TaskState,
    TaskStatus,
    Uint,
    UintText,
    Uuid,
    VmRngDeviceSource,
    VmStatus,
    VmType,
    VolumeAllocation,
    VolumeFormat,
)

AutoNumaBalancingStatus = Literal[0, 1, 2]
BlockDeviceStatus = Literal["free", "unknown", "used"]


class BlockDeviceInfo(TypedDict):
    pvsize: Uint
    status: BlockDeviceStatus
    capacity: Uint
    vendorID: str
    discard_max_bytes: Uint
    discard_zeroes_data: Uint
    productID: str
    pvUUID: Uuid
    fwrev: str
    devtype: BlockDeviceType
    pathlist: list[IscsiSessionInfo]
    partitioned: bool
    GUID: Uuid
    logicalblocksize: Uint
    physicalblocksize: Uint
    serial: str
    pathstatus: list[BlockDevicePathInfo]


class CpuCoreStats(TypedDict):
    cpuSys: FloatText
    cpuUser: FloatText
    nodeIndex: Uint
    cpuIdle: FloatText


CpuCoreStatsMap = dict[str, CpuCoreStats]
DeviceVisibilityMap = dict[Uuid, bool]
SupportedBlockSizeMap = dict[str, list[int]]


class ExternalDiskParams(TypedDict):
    imageID: Uuid
    volumeID: Uuid


class ExternalDiskInfo(TypedDict):
    dev: NotRequired[str]
    alias: NotRequired[str]
    capacity: NotRequired[Uint]
    allocation: NotRequired[Uint]
    type: NotRequired[str]


class ExternalNetworkInfo(TypedDict):
    dev: NotRequired[str]
    macAddr: NotRequired[str]
    bridge: NotRequired[str]
    type: str
    model: NotRequired[str]


class ExternalVmParams(TypedDict):
    disks: NotRequired[list[ExternalDiskParams]]
    vmName: str
    poolID: Uuid
    domainID: Uuid
    virtio_iso_path: NotRequired[str]
    format: NotRequired[VolumeFormat]
    qcow2_compat: NotRequired[str]


class ExternalVmInfo(TypedDict):
    disks: NotRequired[list[ExternalDiskInfo]]
    allocation: NotRequired[VolumeAllocation]
    memSize: Uint
    smp: Uint
    virtio_iso_path: NotRequired[str]
    vmId: Uuid
    vmName: str
    status: VmStatus
    networks: NotRequired[list[ExternalNetworkInfo]]
    format: NotRequired[VolumeFormat]
    graphics: NotRequired[str]
    video: NotRequired[str]
    has_snapshots: NotRequired[bool]


class FcHba(TypedDict):
    model: str
    wwpn: str
    wwnn: str


class ConnectorInfo(TypedDict):
    initiator: str
    ip: str
    platform: str
    os_type: str
    do_local_attach: bool
    host: str
    multipath: bool


FenceNodeAction = Literal["off", "on", "reboot", "status"]
FenceNodeOperationStatusResult = Literal["initiated", "skipped"]
FenceNodePowerStatusResult = Literal["off", "on", "unknown"]


class FenceNodeResult(TypedDict):
    operationStatus: NotRequired[FenceNodeOperationStatusResult]
    power: NotRequired[FenceNodePowerStatusResult]


HostIdMap = dict[Uuid, int]


class FencingPolicy(TypedDict):
    storageDomainHostIdMap: NotRequired[HostIdMap]
    skipFencingIfGlusterBricksUp: NotRequired[bool]
    skipFencingIfGlusterQuorumNotMet: NotRequired[bool]
    glusterServerUuid: NotRequired[Uuid]


HaMaintenanceMode = Literal["GLOBAL", "LOCAL"]


class HardwareInformation(TypedDict):
    systemProductName: NotRequired[str]
    systemUUID: NotRequired[str]
    systemManufacturer: NotRequired[str]
    systemVersion: NotRequired[str]
    systemFamily: NotRequired[str]
    systemSerialNumber: NotRequired[str]


class IscsiHba(TypedDict):
    InitiatorName: str


class HbaInventory(TypedDict):
    FC: list[FcHba]
    iSCSI: list[IscsiHba]


class HookScriptInfo(TypedDict):
    checksum: str


HookScriptInfoMap = dict[str, dict[str, HookScriptInfo]]
"""By point, then by script."""


class PCIAddress(TypedDict):
    domain: UintText
    bus: UintText
    slot: UintText
    function: UintText


class SCSIAddress(TypedDict):
    host: UintText
    bus: UintText
    target: UintText
    lun: UintText


class USBAddress(TypedDict):
    bus: UintText
    device: UintText


HostDeviceAddress = PCIAddress | SCSIAddress | USBAddress


class HostDeviceParams(TypedDict):
    capability: str
    vendor: NotRequired[str]
    vendor_id: NotRequired[str]
    product: NotRequired[str]
    parent: NotRequired[str]
    product_id: NotRequired[str]
    is_assignable: BoolText
    driver: NotRequired[str]
    interface: NotRequired[str]
    udev_path: NotRequired[str]
    block_path: NotRequired[str]
    address: NotRequired[HostDeviceAddress]
    device_path: NotRequired[str]
    numa_node: NotRequired[str]
    mode: NotRequired[str]
    align_size: NotRequired[Uint]
    device_size: NotRequired[Uint]


class HostDevice(TypedDict):
    params: HostDeviceParams


HostDevices = dict[str, HostDevice]
HostJobStatus = Literal["aborted", "aborting", "done", "failed", "pending", "running"]
HostJobType = Literal["storage", "v2v", "virt"]


class HostJobInfo(TypedDict):
    error: NotRequired[ErrorInfo]
    progress: NotRequired[Uint]
    id: Uuid
    status: HostJobStatus
    description: str
    job_type: HostJobType


HostJobInfoMap = dict[Uuid, HostJobInfo]


class HostedEngineStatus(TypedDict):
    configured: bool
    score: Uint
    localMaintenance: bool
    globalMaintenance: bool
    active: bool


class NumaNodeHugePagesStats(TypedDict):
    freePages: str


NumaNodeHugePagesStatsMap = dict[UintText, NumaNodeHugePagesStats]


class NumaNodeMemoryStats(TypedDict):
    memFree: UintText
    memPercent: Uint
    hugepages: NumaNodeHugePagesStatsMap


NumaNodeMemoryStatsMap = dict[str, NumaNodeMemoryStats]
MOMStatus = Literal["active", "disabled", "inactive"]


class PathStats(TypedDict):
    free: UintText


PathStatsMap = dict[str, PathStats]


class StorageDomainVitals(TypedDict):
    acquired: bool
    actual: bool
    lastCheck: FloatText
    valid: bool
    code: int
    version: int
    delay: FloatText


StorageDomainVitalsMap = dict[Uuid, StorageDomainVitals]


class MultipathStatus(TypedDict):
    valid_paths: int
    failed_paths: list[str]


MultipathHealthMap = dict[Uuid, MultipathStatus]
THPStates = Literal["always", "madvise", "never"]


class V2VJobInfo(TypedDict):
    id: Uuid
    status: str
    description: str
    progress: Uint


V2VJobs = dict[Uuid, V2VJobInfo]


class HostStats(TypedDict):
    cpuUserVdsmd: FloatText
    swapTotal: int
    incomingVmMigrations: Uint
    cpuLoad: FloatText
    ksmPages: int
    memUsed: UintText
    cpuIdle: FloatText
    haScore: NotRequired[int]
    txDropped: UintText
    ksmState: bool
    elapsedTime: UintText
    netConfigDirty: BoolText
    vmActive: int
    vmMigrating: int
    network: HostNetworkInterfaceStatsMap
    outgoingVmMigrations: Uint
    cpuSys: FloatText
    dateTime: str
    cpuStatistics: CpuCoreStatsMap
    swapFree: int
    cpuUser: FloatText
    ksmCpu: Uint
    numaNodeMemFree: NumaNodeMemoryStatsMap
    momStatus: MOMStatus
    memFree: int
    memShared: int
    storageDomains: StorageDomainVitalsMap
    vmCount: int
    diskStats: PathStatsMap
    cpuSysVdsmd: FloatText
    haStats: HostedEngineStatus
    v2vJobs: NotRequired[V2VJobs]
    bootTime: NotRequired[UintText]
    thpState: THPStates
    rxDropped: UintText
    anonHugePages: UintText
    ksmMergeAcrossNodes: bool
    multipathHealth: NotRequired[MultipathHealthMap]


ImageTicketOps = Literal["read", "write"]


class ImageTicket(TypedDict):
    size: Uint
    url: str
    timeout: Uint
    uuid: Uuid
    ops: list[ImageTicketOps]
    filename: NotRequired[str]


class ImageTicketInfo(TypedDict):
    size: Uint
    url: str
    timeout: int
    uuid: Uuid
    ops: list[ImageTicketOps]
    filename: NotRequired[str]
    active: bool
    transferred: Uint


class KsmTuneParams(TypedDict):
    sleep_millisecs: int
    run: int
    pages_to_scan: int
    merge_across_nodes: int


LoggingLevel = Literal["CRITICAL", "CRIT", "DEBUG", "ERROR", "INFO", "WARNING", "WARN"]


class NumaNodeHugePages(TypedDict):
    totalPages: str


NumaNodeHugePagesMap = dict[UintText, NumaNodeHugePages]


class NumaNode(TypedDict):
    cpus: list[Uint]
    totalMemory: UintText
    hugepages: NumaNodeHugePagesMap


NumaNodeDistanceMap = dict[str, list[Uint]]
NumaNodeMap = dict[str, NumaNode]


class OsVersion(TypedDict):
    name: str
    release: str
    version: str
    pretty_name: str


class SELinuxStatus(TypedDict):
    mode: IntText


SecretUsageType = Literal["ceph", "iscsi", "volume"]


class SecretInfo(TypedDict):
    description: NotRequired[str]
    usageID: str
    usageType: SecretUsageType
    uuid: Uuid
    password: str


SoftwarePackage = Literal[
    "glusterfs",
    "glusterfs-cli",
    "glusterfs-geo-replication",
    "glusterfs-fuse",
    "glusterfs-rdma",
    "glusterfs-server",
    "kernel",
    "librbd1",
    "libvirt",
    "mom",
    "qemu-img",
    "qemu-kvm",
    "spice-server",
    "vdsm",
]


class SoftwarePackageInfo(TypedDict):
    release: str
    version: str


SoftwarePackageInfoMap = dict[SoftwarePackage, SoftwarePackageInfo]


class TaskDetails(TypedDict):
    taskResult: TaskResult
    message: str
    id: Uuid
    code: int
    tag: str
    state: TaskState
    verb: str


TasksDetails = dict[Uuid, TaskDetails]
TasksInfo = dict[Uuid, TaskInfo]
TasksStatus = dict[Uuid, TaskStatus]


class CpuInfo(TypedDict):
    cpu_id: int
    numa_cell_id: int
    socket_id: int
    die_id: int
    core_id: int


class VdsmCapabilities(TypedDict):
    bondings: NetInfoBondMap
    autoNumaBalancing: AutoNumaBalancingStatus
    netConfigDirty: BoolText
    nics: NetInfoNicMap
    emulatedMachines: list[str]
    cpuFlags: str
    reservedMem: UintText
    onlineCpus: str
    cpuTopology: list[CpuInfo]
    cpuSpeed: FloatText
    software_version: str
    vdsmToCpusAffinity: list[int]
    vmTypes: list[VmType]
    hostdevPassthrough: BoolText
    rngSources: list[VmRngDeviceSource]
    version_name: str
    numaNodes: NumaNodeMap
    memSize: UintText
    supportedENGINEs: list[str]
    cpuModel: str
    selinux: SELinuxStatus
    networks: NetInfoNetworkMap
    kvmEnabled: BoolText
    liveMerge: NotRequired[BoolText]
    ISCSIInitiatorName: str
    cpuThreads: UintText
    software_revision: str
    liveSnapshot: NotRequired[BoolText]
    bridges: NetInfoBridgeMap
    guestOverhead: UintText
    HBAInventory: HbaInventory
    clusterLevels: list[str]
    cpuCores: UintText
    cpuSockets: UintText
    lastClientIface: str
    uuid: str
    operatingSystem: OsVersion
    vlans: NetInfoVlanMap
    supportsIPv6: bool
    nameservers: list[str]
    numaNodeDistance: NumaNodeDistanceMap
    kdumpStatus: int
    packages2: SoftwarePackageInfoMap
    hooks: NotRequired[HookScriptInfoMap]
    additionalFeatures: list[str]
    kernelArgs: NotRequired[str]
    realtimeKernel: NotRequired[bool]
    nestedVirtualization: NotRequired[bool]
    hostedEngineDeployed: NotRequired[bool]
    hugepages: NotRequired[list[int]]
    vncEncrypted: BoolText
    connector_info: NotRequired[ConnectorInfo]
    backupEnabled: NotRequired[bool]
    domain_versions: NotRequired[list[int]]
    supported_block_size: NotRequired[SupportedBlockSizeMap]
    fipsEnabled: NotRequired[bool]
    tscFrequency: NotRequired[str]
    tscScaling: NotRequired[bool]
    boot_uuid: NotRequired[str]
    ovnConfigured: NotRequired[bool]
    zerocopy_migrations: NotRequired[bool]
