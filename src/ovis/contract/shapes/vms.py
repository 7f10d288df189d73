"""Shapes of VMs: devices, statistics, snapshots, migration, backup.

Follows: the published schema of VDSM: names, types and what may be missing are facts of the wire.
"""

from typing import Any, Literal, NotRequired, TypedDict

from ovis.contract.shapes.basics import (
    BoolText,
    ErrorInfo,
    FloatText,
    IntText,
    JobStatus,
    NetworkInterfaceState,
    StringMap,
    Uint,
    UintText,
    Uuid,
    VmRngDeviceSource,
    VmStatus,
    VmType,
)


class BalloonInfo(TypedDict):
    balloon_cur: NotRequired[str]
    balloon_max: NotRequired[str]
    balloon_min: NotRequired[str]
    balloon_target: NotRequired[str]
    ballooning_enabled: NotRequired[bool]


class BandwidthParams(TypedDict):
    burst: NotRequired[Uint]
    average: Uint
    peak: NotRequired[Uint]


DiskBackupMode = Literal["full", "incremental"]
BlockJobType = Literal["commit", "copy", "pull", "unknown"]
JobType = Literal["block", "unknown"]


class BlockJobInfo(TypedDict):
    imgUUID: Uuid
    blockJobType: BlockJobType
    bandwidth: int
    jobType: JobType
    end: int
    id: Uuid
    cur: int


DiskAlignmentMap = dict[str, bool]


class DriveVmPayload(TypedDict):
    file: StringMap


class DrivePayload(TypedDict):
    vmPayload: DriveVmPayload


class DriveSpecGUID(TypedDict):
    GUID: str


class DriveSpecPath(TypedDict):
    path: str


VmDiskDeviceType = Literal["cdrom", "disk", "floppy", "lun"]


class DriveSpecPayload(TypedDict):
    specParams: DrivePayload
    device: VmDiskDeviceType


class DriveSpecVolume(TypedDict):
    volumeID: Uuid
    device: VmDiskDeviceType
    poolID: Uuid
    domainID: Uuid
    imageID: Uuid


class DriveSpecPathCdrom(TypedDict):
    path: str
    iface: str
    index: int


class DriveSpecVolumeCdrom(TypedDict):
    drive_spec: DriveSpecVolume
    iface: str
    index: int


DriveSpecCdrom = DriveSpecPathCdrom | DriveSpecVolumeCdrom
DriveSpec = DriveSpecVolume | DriveSpecGUID | DriveSpecPayload | DriveSpecPath | DriveSpecCdrom
VmExitCode = Literal[0, 1]
VmExitReason = Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
"""See contract.statuses."""


class ExitedVmStats(TypedDict):
    exitMessage: str
    exitCode: VmExitCode
    vmId: Uuid
    timeOffset: NotRequired[UintText]
    status: VmStatus
    exitReason: VmExitReason


class GuestContainerInfo(TypedDict):
    id: str
    names: list[str]
    image: str
    status: str
    command: str


class GuestDiskMappingInfo(TypedDict):
    name: str


GuestDisksMappingMap = dict[str, GuestDiskMappingInfo]


class GuestMemoryStats(TypedDict):
    mem_total: str
    mem_cached: NotRequired[str]
    mem_buffers: NotRequired[str]
    pageflt: Uint
    mem_free: str
    majflt: Uint
    minflt: Uint
    mem_unused: str
    swap_out: Uint
    swap_in: Uint


class GuestMountInfo(TypedDict):
    used: Uint
    path: str
    fs: str
    total: Uint


class GuestNetworkDeviceInfo(TypedDict):
    name: str
    inet: list[str]
    hw: str
    inet6: list[str]


class GuestNumaNode(TypedDict):
    cpus: str
    nodeIndex: int
    memory: int


class GuestPCIDevice(TypedDict):
    device_id: int
    driver_date: NotRequired[str]
    driver_name: str
    driver_version: NotRequired[str]
    vendor_id: int


GuestSessionState = Literal["Active", "Locked", "LoggedOff", "Unknown", "UserLoggedOn"]
HibernationVolumeHandle = str
VmDiskDeviceFormat = Literal["cow", "raw"]


class NetworkDiskHostInfo(TypedDict):
    name: str
    transport: str
    port: str


VmDiskDeviceInterface = Literal["fdc", "ide", "scsi", "virtio"]


class VmDiskDeviceIoTuneParams(TypedDict):
    total_bytes_sec: NotRequired[Uint]
    read_bytes_sec: NotRequired[Uint]
    write_bytes_sec: NotRequired[Uint]
    total_iops_sec: NotRequired[Uint]
    read_iops_sec: NotRequired[Uint]
    write_iops_sec: NotRequired[Uint]


class VmDiskDeviceSpecParams(TypedDict):
    path: NotRequired[str]
    ioTune: NotRequired[VmDiskDeviceIoTuneParams]
    pinToIoThread: NotRequired[Uint]


class VmDiskDeviceVolumeChainEntry(TypedDict):
    path: str
    imageID: Uuid
    domainID: Uuid
    volumeID: Uuid


SharedDriveType = Literal["exclusive", "none", "shared"]
VmSharedDriveType = bool | SharedDriveType
VmDeviceAddressType = Literal["drive", "pci", "virtio-serial"]


class VmDevicePciAddress(TypedDict):
    slot: Uint
    domain: Uint
    bus: Uint
    addressType: VmDeviceAddressType
    function: Uint


class VmDeviceIdeAddress(TypedDict):
    unit: Uint
    controller: Uint
    bus: Uint
    addressType: VmDeviceAddressType


class VmDeviceVirtioSerialAddress(TypedDict):
    controller: Uint
    port: Uint
    bus: Uint
    addressType: VmDeviceAddressType


VmDeviceAddress = VmDevicePciAddress | VmDeviceIdeAddress | VmDeviceVirtioSerialAddress


class NetworkDiskAuthInfo(TypedDict):
    username: str
    type: str
    uuid: Uuid


VmDeviceType = Literal[
    "balloon",
    "channel",
    "console",
    "controller",
    "disk",
    "graphics",
    "hostdev",
    "interface",
    "memory",
    "rng",
    "tpm",
    "smartcard",
    "sound",
    "video",
    "lease",
]


class VmDiskDevice(TypedDict):
    readonly: bool
    apparentsize: Uint
    volumeID: NotRequired[Uuid]
    index: int
    path: NotRequired[str]
    hosts: NotRequired[list[NetworkDiskHostInfo]]
    volumeChain: list[VmDiskDeviceVolumeChainEntry]
    device: VmDiskDeviceType
    diskType: NotRequired[str]
    bootOrder: NotRequired[Uint]
    format: VmDiskDeviceFormat
    truesize: Uint
    iface: NotRequired[VmDiskDeviceInterface]
    protocol: NotRequired[str]
    propagateErrors: bool
    specParams: NotRequired[VmDiskDeviceSpecParams]
    alias: str
    shared: VmSharedDriveType
    optional: bool
    baseVolumeID: NotRequired[Uuid]
    name: str
    address: VmDeviceAddress
    imageID: NotRequired[Uuid]
    poolID: NotRequired[Uuid]
    deviceId: Uuid
    deviceType: VmDeviceType
    domainID: NotRequired[Uuid]
    auth: NotRequired[NetworkDiskAuthInfo]


class HotplugDiskParams(TypedDict):
    vmId: Uuid
    drive: NotRequired[VmDiskDevice]
    xml: NotRequired[str]


class VmLeaseDevice(TypedDict):
    type: VmDeviceType
    sd_id: Uuid
    lease_id: Uuid


VmMemoryDeviceType = Literal["memory"]


class VmMemoryDevice(TypedDict):
    size: Uint
    node: Uint
    device: VmMemoryDeviceType
    deviceId: Uuid
    deviceType: VmDeviceType
    alias: str
    address: VmDeviceAddress


class HotplugMemoryParams(TypedDict):
    vmId: Uuid
    memGuaranteedSize: NotRequired[Uint]
    memory: NotRequired[VmMemoryDevice]
    xml: NotRequired[str]


class VmInterfaceDeviceSpecParams(TypedDict):
    outbound: NotRequired[BandwidthParams]
    inbound: NotRequired[BandwidthParams]


VmInterfaceDeviceType = Literal["bridge"]
VmInterfaceDeviceModel = Literal[
    "e1000", "e1000e", "i82551", "i82557b", "i82559er", "ne2k_pci", "pcnet", "pv", "rtl8139", "virtio"
]


class VmInterfaceDeviceFilterParameters(TypedDict):
    name: str
    value: str


class VmInterfaceDevice(TypedDict):
    specParams: NotRequired[VmInterfaceDeviceSpecParams]
    address: VmDeviceAddress
    alias: str
    custom: NotRequired[StringMap]
    nicModel: VmInterfaceDeviceModel
    macAddr: str
    device: VmInterfaceDeviceType
    linkActive: NotRequired[bool]
    portMirroring: NotRequired[list[str]]
    deviceId: Uuid
    deviceType: VmDeviceType
    bootOrder: NotRequired[Uint]
    network: str
    filter: str
    filterParameters: NotRequired[list[VmInterfaceDeviceFilterParameters]]


class HotplugNicParams(TypedDict):
    vmId: Uuid
    nic: NotRequired[VmInterfaceDevice]
    xml: NotRequired[str]


MigrateMethod = Literal["online"]
MigrateMode = Literal["file", "remote"]


class ConvergenceAction(TypedDict):
    params: list[str]
    name: str


class ConvergenceItem(TypedDict):
    action: ConvergenceAction
    limit: int


class ConvergenceSchedule(TypedDict):
    stalling: list[ConvergenceItem]
    init: list[ConvergenceAction]


class MigrateParams(TypedDict):
    mode: NotRequired[MigrateMode]
    dst: str
    autoConverge: NotRequired[bool]
    maxBandwidth: NotRequired[int]
    parallel: NotRequired[Uint]
    vmId: Uuid
    compressed: NotRequired[bool]
    consoleAddress: NotRequired[str]
    dstparams: str
    dstqemu: NotRequired[str]
    tunneled: NotRequired[bool]
    encrypted: NotRequired[bool]
    convergenceSchedule: NotRequired[ConvergenceSchedule]
    method: NotRequired[MigrateMethod]
    abortOnError: NotRequired[bool]
    enableGuestEvents: NotRequired[bool]
    outgoingLimit: NotRequired[Uint]
    incomingLimit: NotRequired[Uint]
    cpusets: NotRequired[list[str]]
    numaNodesets: NotRequired[list[str]]
    zerocopy: NotRequired[bool]


class PausedVm(TypedDict):
    """Nothing but the word that it was done."""

    vmList: dict[str, Any]


class MigrationOutcome(TypedDict):
    """code: 0 while it goes well."""

    code: int
    message: str


class MigrationStats(TypedDict):
    """progress: per cent. downtime: milliseconds."""

    status: MigrationOutcome
    progress: Uint
    downtime: NotRequired[Uint]


VmDisplayType = Literal["qxl", "vnc"]


class VmVideoDeviceSpecParams(TypedDict):
    ram: NotRequired[Uint]
    vgamem: NotRequired[Uint]
    vram: Uint
    heads: NotRequired[Uint]


VmVideoDeviceType = Literal["cirrus", "none", "qxl", "std", "vmware"]


class VmVideoDevice(TypedDict):
    specParams: VmVideoDeviceSpecParams
    device: VmVideoDeviceType
    deviceId: Uuid
    deviceType: VmDeviceType
    alias: str
    address: VmDeviceAddress


class VmSoundDeviceSpecParams(TypedDict):
    pass


VmSoundDeviceType = Literal["ac97", "es1370", "hda", "ich6", "pcspk", "sb16"]


class VmSoundDevice(TypedDict):
    specParams: NotRequired[VmSoundDeviceSpecParams]
    device: VmSoundDeviceType
    deviceId: Uuid
    deviceType: VmDeviceType
    alias: str
    address: VmDeviceAddress


VmControllerDeviceType = Literal["ccid", "fdc", "ide", "sata", "scsi", "usb", "virtio-serial"]


class VmControllerDevice(TypedDict):
    device: VmControllerDeviceType
    model: str
    deviceId: Uuid
    deviceType: VmDeviceType
    alias: str
    address: VmDeviceAddress


VmBalloonDeviceModel = Literal["none", "virtio"]


class VmBalloonDeviceSpecParams(TypedDict):
    model: VmBalloonDeviceModel


VmBalloonDeviceType = Literal["memballoon"]


class VmBalloonDevice(TypedDict):
    deviceId: Uuid
    device: VmBalloonDeviceType
    specParams: NotRequired[VmBalloonDeviceSpecParams]
    deviceType: VmDeviceType
    alias: str
    address: VmDeviceAddress


VmChannelDeviceType = Literal["spicevmc", "unix", "virtio-serial"]


class VmChannelDevice(TypedDict):
    deviceId: Uuid
    device: VmChannelDeviceType
    alias: str
    deviceType: VmDeviceType
    address: VmDeviceAddress


VmWatchdogDeviceAction = Literal["dump", "none", "pause", "poweroff", "reset", "shutdown"]
VmWatchdogDeviceModel = Literal["IB700", "i6300esb"]


class VmWatchdogDeviceSpecParams(TypedDict):
    model: VmWatchdogDeviceModel
    action: VmWatchdogDeviceAction


VmWatchdogDeviceType = Literal["watchdog"]


class VmWatchdogDevice(TypedDict):
    deviceId: Uuid
    device: VmWatchdogDeviceType
    specParams: NotRequired[VmWatchdogDeviceSpecParams]
    deviceType: VmDeviceType
    alias: str
    address: VmDeviceAddress


VmConsoleDeviceType = Literal["serial", "virtio"]


class VmConsoleDeviceSpecParams(TypedDict):
    enableSocket: NotRequired[bool]
    consoleType: VmConsoleDeviceType


class VmConsoleDevice(TypedDict):
    deviceId: Uuid
    specParams: NotRequired[VmConsoleDeviceSpecParams]
    deviceType: VmDeviceType


VmSmartcardDeviceMode = Literal["host", "passthrough"]
VmSmartcardDeviceProtocol = Literal["spicevmc"]


class VmSmartcardDeviceSpecParams(TypedDict):
    mode: VmSmartcardDeviceMode
    type: NotRequired[VmSmartcardDeviceProtocol]


VmSmartcardDeviceType = Literal["smartcard"]


class VmSmartcardDevice(TypedDict):
    specParams: VmSmartcardDeviceSpecParams
    device: VmSmartcardDeviceType
    alias: str
    deviceType: VmDeviceType
    address: VmDeviceAddress


class VmGraphicsDeviceSpecParams(TypedDict):
    keyMap: NotRequired[str]
    displayNetwork: NotRequired[str]
    spiceSecureChannels: NotRequired[str]
    copyPasteEnable: NotRequired[bool]
    fileTransferEnable: NotRequired[bool]


VmGraphicsDeviceType = Literal["spice", "vnc"]


class VmGraphicsDevice(TypedDict):
    specParams: VmGraphicsDeviceSpecParams
    device: VmGraphicsDeviceType
    port: Uint
    deviceType: VmDeviceType
    tlsPort: NotRequired[Uint]


class VmHostDeviceSpecParams(TypedDict):
    iommuPlaceholder: bool


class VmHostDevice(TypedDict):
    specParams: NotRequired[VmHostDeviceSpecParams]
    device: str
    deviceType: VmDeviceType
    deviceId: Uuid
    address: NotRequired[VmDeviceAddress]
    alias: str
    bootOrder: NotRequired[int]


class VmRngDeviceSpecParams(TypedDict):
    bytes: NotRequired[int]
    source: VmRngDeviceSource
    period: NotRequired[int]


VmRngDeviceModel = Literal["virtio"]
VmRngDeviceType = Literal["virtio"]


class VmRngDevice(TypedDict):
    specParams: VmRngDeviceSpecParams
    model: VmRngDeviceModel
    deviceType: VmDeviceType
    device: VmRngDeviceType


VmTpmDeviceModel = Literal["tpm-tis"]
VmTpmDeviceMode = Literal["passthrough"]


class VmTpmDeviceSpecParams(TypedDict):
    model: VmTpmDeviceModel
    path: str
    mode: VmTpmDeviceMode


VmTpmDeviceType = Literal["tpm"]


class VmTpmDevice(TypedDict):
    specParams: VmTpmDeviceSpecParams
    deviceType: VmDeviceType
    device: VmTpmDeviceType


VmDevice = (
    VmDiskDevice
    | VmInterfaceDevice
    | VmVideoDevice
    | VmSoundDevice
    | VmControllerDevice
    | VmBalloonDevice
    | VmChannelDevice
    | VmWatchdogDevice
    | VmConsoleDevice
    | VmSmartcardDevice
    | VmGraphicsDevice
    | VmHostDevice
    | VmRngDevice
    | VmTpmDevice
    | VmLeaseDevice
)


class VmDefinition(TypedDict):
    """A VM as its verbs answer it. Since domain XML the rest of it is in its XML."""

    hypervEnable: NotRequired[bool]
    display: NotRequired[VmDisplayType]
    custom: NotRequired[StringMap]
    memSize: NotRequired[Uint]
    smp: NotRequired[Uint]
    maxMemSlots: NotRequired[Uint]
    devices: NotRequired[list[VmDevice]]
    fileTransferEnable: NotRequired[bool]
    emulatedMachine: NotRequired[str]
    kvmEnable: NotRequired[bool | BoolText]
    transparentHugePages: NotRequired[bool]
    vmName: NotRequired[str]
    numOfIoThreads: NotRequired[Uint]
    timeOffset: NotRequired[UintText]
    displayPort: NotRequired[int | IntText]
    nice: NotRequired[int]
    pid: NotRequired[Uint | UintText]
    pauseCode: NotRequired[str]
    cpuShares: NotRequired[str]
    acpiEnable: NotRequired[bool | BoolText]
    displaySecurePort: NotRequired[int | IntText]
    maxMemSize: NotRequired[Uint]
    clientIp: NotRequired[str]
    smpThreadsPerCore: NotRequired[Uint]
    keyboardLayout: NotRequired[str]
    vmId: Uuid
    smpCoresPerSocket: NotRequired[Uint]
    maxVCpus: NotRequired[Uint]
    cpuType: NotRequired[str]
    displayIp: NotRequired[str]
    exitMessage: NotRequired[str]
    memGuaranteedSize: NotRequired[Uint]
    serial: NotRequired[str]
    copyPasteEnable: NotRequired[bool]
    exitCode: NotRequired[int]
    status: VmStatus
    vmType: NotRequired[VmType]


class MigrationCreateState(TypedDict):
    migrationPort: int
    params: VmDefinition


class MigrationParameters(TypedDict):
    maxBandwidth: NotRequired[int]


class NetworkInterfaceStats(TypedDict):
    rxErrors: UintText
    name: str
    state: NetworkInterfaceState
    rx: UintText
    txDropped: UintText
    macAddr: str
    txErrors: UintText
    speed: UintText
    tx: UintText
    sampleTime: float
    rxDropped: UintText


NetworkInterfaceStatsMap = dict[str, NetworkInterfaceStats]


class MemNode(TypedDict):
    vmNodeIndex: str
    nodeset: str


class NumaTune(TypedDict):
    mode: str
    nodeset: str
    memnodes: list[MemNode]


WatchdogEventAction = Literal["destroy", "ignore", "log", "pause", "reset", "shutdown"]


class WatchdogEvent(TypedDict):
    action: WatchdogEventAction
    time: float


class VmDiskStats(TypedDict):
    writtenBytes: UintText
    flushLatency: UintText
    apparentsize: UintText
    readLatency: UintText
    readBytes: UintText
    writeLatency: UintText
    truesize: UintText
    imageID: NotRequired[Uuid]
    readRate: UintText
    writeRate: UintText
    readOps: UintText
    writeOps: UintText


VmDiskStatsMap = dict[str, VmDiskStats]


class VmDiskDeviceTuneParams(TypedDict):
    name: NotRequired[str]
    path: NotRequired[str]
    ioTune: VmDiskDeviceIoTuneParams


VmBootMode = Literal["a", "c", "d", "n"]
VmJobInfo = BlockJobInfo
VmJobsMap = dict[Uuid, VmJobInfo]


class VmDisplayInfo(TypedDict):
    tlsPort: IntText
    port: IntText
    type: VmGraphicsDeviceType
    ipAddress: str


class RunningVmStats(TypedDict):
    memoryStats: NotRequired[GuestMemoryStats]
    timeOffset: UintText
    kvmEnable: BoolText
    cpuSys: FloatText
    vcpuUserLimit: NotRequired[int]
    elapsedTime: UintText
    watchdogEvent: NotRequired[WatchdogEvent]
    acpiEnable: BoolText
    network: NetworkInterfaceStatsMap
    disks: VmDiskStatsMap
    cpuUsage: NotRequired[UintText]
    cpuActual: bool
    cpuUser: FloatText
    vmId: Uuid
    migrationProgress: NotRequired[Uint]
    balloonInfo: NotRequired[BalloonInfo]
    displayIp: NotRequired[str]
    vcpuQuota: NotRequired[IntText]
    guestIPs: str
    vcpuPeriod: NotRequired[int]
    ioTune: NotRequired[list[VmDiskDeviceTuneParams]]
    vmType: VmType
    guestFQDN: str
    username: str
    pid: UintText
    cdrom: NotRequired[str]
    vmName: str
    boot: NotRequired[VmBootMode]
    statusTime: UintText
    clientIp: str
    pauseCode: str
    vmJobs: NotRequired[VmJobsMap]
    memUsage: UintText
    displayInfo: list[VmDisplayInfo]
    vcpuCount: NotRequired[IntText]
    displayType: NotRequired[VmDisplayType]
    monitorResponse: IntText
    appsList: NotRequired[list[str]]
    guestCPUCount: int
    disksUsage: NotRequired[list[GuestMountInfo]]
    displayPort: IntText
    netIfaces: NotRequired[list[GuestNetworkDeviceInfo]]
    displaySecurePort: NotRequired[IntText]
    session: GuestSessionState
    guestContainers: NotRequired[list[GuestContainerInfo]]
    hash: NotRequired[str]
    tpmHash: NotRequired[str]
    nvramHash: NotRequired[str]
    status: VmStatus
    pci_devices: NotRequired[list[GuestPCIDevice]]


class SnapshotVolumeDriveInfo(TypedDict):
    baseVolumeID: Uuid
    imageID: Uuid
    domainID: Uuid
    volumeID: Uuid


class SnapshotGUIDDriveInfo(TypedDict):
    GUID: Uuid
    baseGUID: Uuid


class SnapshotUUIDDriveInfo(TypedDict):
    baseUUID: Uuid
    UUID: Uuid


SnapshotDriveInfo = SnapshotVolumeDriveInfo | SnapshotGUIDDriveInfo | SnapshotUUIDDriveInfo


class VmDiskDeviceTuneLimits(TypedDict):
    name: NotRequired[str]
    path: NotRequired[str]
    domainID: NotRequired[Uuid]
    poolID: NotRequired[Uuid]
    imageID: NotRequired[Uuid]
    volumeID: NotRequired[Uuid]
    maximum: VmDiskDeviceIoTuneParams
    guaranteed: VmDiskDeviceIoTuneParams


class BulkIoTunePolicy(TypedDict):
    policy: list[VmDiskDeviceTuneLimits]
    current_values: list[VmDiskDeviceTuneParams]


BulkIoTunePolicyMap = dict[Uuid, BulkIoTunePolicy]


class UpdateVmPolicyParams(TypedDict):
    vcpuLimit: NotRequired[int]
    ioTune: NotRequired[list[VmDiskDeviceTuneLimits]]


class VMGuestTimezone(TypedDict):
    offset: Uint
    zone: str


class VMGuestOsInfo(TypedDict):
    codename: str
    arch: str
    version: str
    type: str
    distribution: str
    kernel: str


class VMFullInfo(TypedDict):
    """A row of statistics with the live XML."""

    vmId: Uuid
    status: VmStatus
    vmName: str
    xml: str


class VmShortStatus(TypedDict):
    vmId: Uuid
    status: VmStatus


VmInfo = VmDefinition | Uuid | VmShortStatus


class VmParameters(TypedDict):
    hypervEnable: NotRequired[bool]
    display: NotRequired[VmDisplayType]
    launchPaused: NotRequired[bool]
    memSize: Uint
    smpThreadsPerCore: NotRequired[UintText]
    smp: UintText
    guestNumaNodes: NotRequired[list[GuestNumaNode]]
    vmId: Uuid
    bootMenuEnable: NotRequired[BoolText]
    custom: NotRequired[StringMap]
    devices: NotRequired[list[VmDevice]]
    kvmEnable: BoolText
    transparentHugePages: BoolText
    vmName: str
    timeOffset: UintText
    nice: IntText
    numaTune: NotRequired[NumaTune]
    smpCoresPerSocket: NotRequired[UintText]
    cpuShares: NotRequired[str]
    acpiEnable: BoolText
    vmType: VmType
    emulatedMachine: str
    memGuaranteedSize: Uint
    cpuType: str
    maxMemSize: Uint
    maxMemSlots: Uint
    smartcardEnable: BoolText
    pitReinjection: BoolText
    displayNetwork: str
    maxVCpus: UintText
    agentChannelName: NotRequired[str]
    xml: NotRequired[str]
    _X_tpmdata: NotRequired[str]
    _X_nvramdata: NotRequired[str]


VmStats = ExitedVmStats | RunningVmStats
VmTicketConflictAction = Literal["disconnect", "fail", "keep"]


class VmUpdateInterfaceDeviceParams(TypedDict):
    alias: str
    portMirroring: NotRequired[list[str]]
    linkActive: NotRequired[bool]
    network: NotRequired[str]
    filter: str
    filterParameters: NotRequired[list[VmInterfaceDeviceFilterParameters]]


class VmUpdateGraphicsDeviceParams(TypedDict):
    existingConnAction: NotRequired[VmTicketConflictAction]
    graphicsType: VmGraphicsDeviceType
    params: StringMap
    ttl: int
    password: str
    consoleDisconnectActionDelay: Uint


class VmUpdateXMLDeviceParams(TypedDict):
    xml: str


VmUpdateDeviceParams = VmUpdateInterfaceDeviceParams | VmUpdateGraphicsDeviceParams | VmUpdateXMLDeviceParams


class VolumeInfo(TypedDict):
    sd_id: Uuid
    img_id: Uuid
    vol_id: Uuid


DiskType = Literal["FILE", "BLOCK"]


class FileScratchDisk(TypedDict):
    path: str
    type: DiskType
    domainID: Uuid
    imageID: Uuid
    volumeID: Uuid


class BlockScratchDisk(TypedDict):
    path: str
    type: DiskType
    domainID: Uuid
    imageID: Uuid
    volumeID: Uuid


ScratchDisk = FileScratchDisk | BlockScratchDisk


class BackupDisk(TypedDict):
    sd_id: Uuid
    img_id: Uuid
    vol_id: Uuid
    checkpoint: bool
    backup_mode: NotRequired[DiskBackupMode]
    scratch_disk: NotRequired[ScratchDisk]


class BackupInfo(TypedDict):
    disks: StringMap
    checkpoint: str


class BackupConfig(TypedDict):
    backup_id: Uuid
    disks: list[BackupDisk]
    from_checkpoint_id: NotRequired[Uuid]
    to_checkpoint_id: NotRequired[Uuid]
    parent_checkpoint_id: NotRequired[Uuid]
    require_consistency: NotRequired[bool]
    creation_time: NotRequired[Uint]


class CheckpointInfo(TypedDict):
    checkpoint: str


class Checkpoint(TypedDict):
    id: Uuid
    xml: NotRequired[str]
    config: NotRequired[BackupConfig]


class CheckpointsResponse(TypedDict):
    checkpoint_ids: Uuid
    error: NotRequired[list[ErrorInfo]]


class VmDataMap(TypedDict):
    _X_data: NotRequired[str]
    hash: str


class ScreenshotResponse(TypedDict):
    data: str
    encoding: str
    mime_type: str


class StatusDetails(TypedDict):
    status: VmStatus
    timeOffset: NotRequired[str]
    exitReason: NotRequired[int]
    exitMessage: NotRequired[str]
    exitCode: NotRequired[int]
    displayInfo: NotRequired[list[VmDisplayInfo]]
    hash: NotRequired[str]
    cpuUser: NotRequired[str]
    displayIp: NotRequired[str]
    monitorResponse: NotRequired[int]
    elapsedTime: NotRequired[Uint]
    displayType: NotRequired[VmDisplayType]
    cpuSys: NotRequired[str]
    displayPort: NotRequired[str]
    displaySecurePort: NotRequired[str]
    clientIp: NotRequired[str]
    vcpuQuota: NotRequired[str]
    vcpuPeriod: NotRequired[int]
    pauseCode: NotRequired[str]


StatusMap = dict[Uuid, StatusDetails]


class JobInfo(TypedDict):
    id: Uuid
    status: JobStatus
    job_type: str
    error: str
    description: str
