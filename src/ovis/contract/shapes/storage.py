"""Shapes of storage: servers, domains, pools, images, volumes, leases, tasks.

Follows: the published schema of VDSM: names, types and what may be missing are facts of the wire.
"""

from typing import Literal, NotRequired, TypedDict

from ovis.contract.shapes.basics import (
    IntText,
    JobStatus,
    StorageDomainImageClass,
    StorageDomainType,
    StringMap,
    Uint,
    Uuid,
    VolumeAllocation,
    VolumeFormat,
)


class ConnectStorageServerStatus(TypedDict):
    id: Uuid
    status: int


class IscsiConnectionParameters(TypedDict):
    tpgt: NotRequired[IntText]
    port: NotRequired[IntText]
    connection: str
    iqn: str
    user: str
    password: str
    id: Uuid


class LocalFsConnectionParameters(TypedDict):
    path: str


class NfsConnectionParameters(TypedDict):
    timeout: NotRequired[int]
    version: NotRequired[str]
    export: str
    retrans: NotRequired[int]


class PosixFsConnectionParameters(TypedDict):
    spec: str
    vfstype: str
    options: NotRequired[str]


ConnectionRefParameters = (
    IscsiConnectionParameters | PosixFsConnectionParameters | NfsConnectionParameters | LocalFsConnectionParameters
)
DiskContentType = Literal["DATA", "OVFS", "MEMD", "MEMM", "ISOF"]
QemuImageFormat = Literal["raw", "qcow2"]
Qcow2Compat = Literal["0.1", "1.1"]
Qcow2BitmapInfoFlags = Literal["in-use", "auto"]


class Qcow2BitmapInfo(TypedDict):
    name: Uuid
    granularity: Uint
    flags: NotRequired[Qcow2BitmapInfoFlags]


Qcow2Bitmaps = list[Qcow2BitmapInfo]


class Qcow2Attributes(TypedDict):
    compat: NotRequired[Qcow2Compat]


class ManagedVolumeConnection(TypedDict):
    driver_volume_type: str
    data: StringMap
    adapter: NotRequired[str]


class ManagedVolumeAttachement(TypedDict):
    path: str
    type: str
    scsi_wwn: NotRequired[str]
    multipath_id: NotRequired[str]
    conf: NotRequired[str]


class ManagedVolumeInformation(TypedDict):
    exists: NotRequired[bool]
    connection_info: NotRequired[ManagedVolumeConnection]
    path: NotRequired[str]
    managed_path: NotRequired[str]
    attachment: NotRequired[ManagedVolumeAttachement]
    vol_id: str


class PreparedImageInfo(TypedDict):
    path: str


ImageMoveOperation = Literal["COPY", "MOVE", "UNKNOWN"]


class ImageSharingMethodArgsHttp(TypedDict):
    headers: NotRequired[StringMap]
    url: str


ImageSharingMethod = Literal["http"]
ImageSharingMethodArgs = ImageSharingMethodArgsHttp
OVFMap = dict[Uuid, str]
SpmRole = Literal["Contend", "Free", "SPM"]


class SpmStatus(TypedDict):
    spmId: int
    spmStatus: SpmRole
    spmLver: int


class StorageDomainCreateArgumentsBlock(TypedDict):
    vgUUID: Uuid


class StorageDomainCreateArgumentsLocal(TypedDict):
    remotePath: str


class StorageDomainCreateArgumentsNfs(TypedDict):
    remotePath: str


StorageDomainCreateArguments = (
    StorageDomainCreateArgumentsBlock | StorageDomainCreateArgumentsLocal | StorageDomainCreateArgumentsNfs
)


class StorageDomainFileStats(TypedDict):
    ctime: Uint
    size: Uint
    status: int


StorageDomainFileStatsMap = dict[str, StorageDomainFileStats]
StorageDomainRole = Literal["Master", "Regular"]


class StorageDomainStats(TypedDict):
    mdafree: int
    mdathreshold: bool
    diskfree: int
    mdavalid: bool
    disktotal: int
    mdasize: int


StorageDomainInfo = TypedDict(
    "StorageDomainInfo",
    {
        "role": StorageDomainRole,
        "lver": int,
        "version": int,
        "type": StorageDomainType,
        "name": str,
        "pool": list[Uuid],
        "master_ver": int,
        "class": StorageDomainImageClass,
        "spm_id": int,
        "uuid": Uuid,
        "metadataDevice": NotRequired[str],
        "vgMetadataDevice": NotRequired[str],
        "block_size": int,
        "alignment": int,
    },
)
StorageDomainStatus = Literal[
    "active", "Active", "attached", "Attached", "unattached", "Unattached", "unknown", "Unknown"
]
StorageDomainStatusMap = dict[Uuid, StorageDomainStatus]


class StoragePoolDomainAlert(TypedDict):
    code: int
    message: str


class StoragePoolDomainInfo(TypedDict):
    diskfree: IntText
    alerts: list[StoragePoolDomainAlert]
    disktotal: IntText
    isoprefix: str
    status: StorageDomainStatus
    version: int


StoragePoolDomainInfoMap = dict[Uuid, StoragePoolDomainInfo]
StoragePoolStatus = Literal["connected", "uninitialized"]


class StoragePoolInfo(TypedDict):
    master_uuid: Uuid
    lver: int
    version: IntText
    type: StorageDomainType
    name: str
    master_ver: int
    domains: str
    spm_id: int
    isoprefix: str
    pool_status: StoragePoolStatus


class StoragePoolFullInfo(TypedDict):
    info: StoragePoolInfo
    dominfo: StoragePoolDomainInfoMap


StoragePoolUpgradeStatus = Literal["started"]


class UpdateVmDefinition(TypedDict):
    vm: Uuid
    imglist: str
    ovf: str


class LeaseKey(TypedDict):
    sd_id: Uuid
    lease_id: Uuid


class LeaseInfo(TypedDict):
    sd_id: Uuid
    lease_id: Uuid
    path: str
    offset: Uint


class VolumeLeaseStatus(TypedDict):
    path: str
    offset: Uint
    owners: NotRequired[list[Uint]]
    version: NotRequired[int]


VolumeStatus = Literal["ILLEGAL", "INVALID", "OK"]
VolumeLegality = Literal["FAKE", "ILLEGAL", "LEGAL"]
VolumeRole = Literal["INTERNAL", "LEAF", "SHARED"]


class VolumeInfoResponse(TypedDict):
    disktype: DiskContentType
    status: VolumeStatus
    pool: Uuid
    capacity: Uint
    parent: Uuid
    allocType: VolumeAllocation
    children: list[Uuid]
    mtime: Uint
    description: str
    legality: VolumeLegality
    ctime: int
    voltype: VolumeRole
    truesize: Uint
    uuid: Uuid
    domain: Uuid
    apparentsize: Uint
    format: VolumeFormat
    image: Uuid
    lease: NotRequired[VolumeLeaseStatus]
    generation: Uint


class QemuImageInfo(TypedDict):
    format: QemuImageFormat
    virtualsize: Uint
    clustersize: NotRequired[Uint]
    backingfile: NotRequired[str]
    compat: NotRequired[Qcow2Compat]
    bitmaps: NotRequired[Qcow2Bitmaps]


SyncType = Literal["ALL", "INTERNAL", "LEAF"]
CopyDataEndpointType = Literal["div", "external"]


class CopyDataDIVEndpoint(TypedDict):
    sd_id: Uuid
    img_id: Uuid
    vol_id: Uuid
    generation: NotRequired[Uint]


CopyDataEndpoint = CopyDataDIVEndpoint


class SubchainInfo(TypedDict):
    sd_id: Uuid
    img_id: Uuid
    top_id: Uuid
    base_id: Uuid
    base_generation: NotRequired[Uint]


class StorageDomainDeviceMoveParams(TypedDict):
    sd_id: Uuid
    guid: str
    dst_guids: NotRequired[list[str]]


class StorageDomainReduceParams(TypedDict):
    sd_id: Uuid
    guid: str


class VolumeAttributes(TypedDict):
    legality: NotRequired[VolumeLegality]
    description: NotRequired[str]
    generation: NotRequired[Uint]
    type: NotRequired[VolumeRole]


class NBDServerConfig(TypedDict):
    sd_id: Uuid
    img_id: Uuid
    vol_id: Uuid
    readonly: NotRequired[bool]
    discard: NotRequired[bool]
    detect_zeroes: NotRequired[bool]
    backing_chain: NotRequired[bool]
    bitmap: NotRequired[Uuid]


LeaseMetadataType = Literal["JOB"]


class JobMetadata(TypedDict):
    type: LeaseMetadataType
    job_status: JobStatus
    generation: Uint
    job_id: Uuid
    created: NotRequired[Uint]
    modified: NotRequired[Uint]
    host_hardware_id: NotRequired[Uuid]


LeaseMetadata = JobMetadata


class ExternalLeaseStatus(TypedDict):
    owners: Uint
    version: Uint
    metadata: NotRequired[LeaseMetadata]


class VolumeMeasureResult(TypedDict):
    required: int


class VolumeDump(TypedDict):
    disktype: NotRequired[DiskContentType]
    status: VolumeStatus
    capacity: NotRequired[Uint]
    parent: NotRequired[Uuid]
    description: NotRequired[str]
    legality: NotRequired[VolumeLegality]
    ctime: NotRequired[int]
    format: NotRequired[VolumeFormat]
    image: Uuid
    type: NotRequired[VolumeAllocation]
    mdslot: NotRequired[Uint]
    generation: NotRequired[Uint]
    voltype: NotRequired[VolumeRole]
    truesize: Uint
    apparentsize: Uint


VolumesDumpMap = dict[Uuid, VolumeDump]


class LeaseDump(TypedDict):
    offset: Uint
    lockspace: str
    resource: str
    timestamp: Uint
    own: Uint
    gen: Uint
    lver: NotRequired[Uint]


class XleaseDump(TypedDict):
    offset: Uint
    updating: bool


XleasesDumpMap = dict[Uuid, XleaseDump]


class StorageDomainDump(TypedDict):
    metadata: StorageDomainInfo
    volumes: VolumesDumpMap
    leases: NotRequired[LeaseDump]
    lockspace: NotRequired[LeaseDump]
    xleases: NotRequired[XleasesDumpMap]
