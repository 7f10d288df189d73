"""Words and shapes that several areas of the wire share.

Follows: the published schema of VDSM: names, types and what may be missing are facts of the wire.
"""

from typing import Annotated, Literal, NotRequired, TypedDict

Uuid = str
Uint = Annotated[int, "not below zero"]
IntText = Annotated[str, int]
"""Text that holds a whole number; likewise below."""
UintText = Annotated[str, Uint]
FloatText = Annotated[str, float]
BoolText = Annotated[str, bool]


class BandwidthCurve(TypedDict):
    d: NotRequired[Uint]
    m1: NotRequired[int]
    m2: int


BlockDeviceType = Literal["FCP", "MIXED", "iSCSI"]
BlockDevicePathState = Literal["active", "failed"]


class BlockDevicePathInfo(TypedDict):
    lun: UintText
    capacity: UintText
    type: BlockDeviceType
    state: BlockDevicePathState
    physdev: str


class IscsiSessionInfo(TypedDict):
    username: NotRequired[str]
    portal: str
    iqn: str
    password: NotRequired[str]
    port: str
    connection: str
    initiatorname: str


VolumeFormat = Literal["COW", "RAW"]
StringMap = dict[str, str]


class ErrorInfo(TypedDict):
    code: int
    message: str


VmStatus = Literal[
    "Down",
    "Migration Destination",
    "Migration Source",
    "Paused",
    "Powering down",
    "Powering up",
    "RebootInProgress",
    "Restoring state",
    "Saving State",
    "Up",
    "WaitForLaunch",
]
VolumeAllocation = Literal["PREALLOCATED", "SPARSE"]


class HostBandwidthParams(TypedDict):
    ul: NotRequired[BandwidthCurve]
    ls: BandwidthCurve
    rt: NotRequired[BandwidthCurve]


NetworkInterfaceState = Literal["down", "up", "unknown"]


class HostNetworkInterfaceStats(TypedDict):
    rxErrors: UintText
    name: str
    state: NetworkInterfaceState
    rx: UintText
    txDropped: UintText
    txErrors: UintText
    speed: UintText
    tx: UintText
    sampleTime: float
    rxDropped: UintText


HostNetworkInterfaceStatsMap = dict[str, HostNetworkInterfaceStats]


class HostQoSParams(TypedDict):
    out: NotRequired[HostBandwidthParams]


class DeviceQoSParams(TypedDict):
    hostQos: HostQoSParams
    vlan: NotRequired[int]


VmRngDeviceSource = Literal["hwrng", "random"]
VmType = Literal["kvm"]


class NetInfoBond(TypedDict):
    dhcpv4: bool
    ipv6addrs: list[str]
    hwaddr: str
    ipv6gateway: str
    slaves: list[str]
    opts: StringMap
    active_slave: str
    ipv4addrs: list[str]
    mtu: UintText
    netmask: str
    dhcpv6: bool
    addr: str
    ipv6autoconf: NotRequired[bool]
    gateway: NotRequired[str]
    ipv4defaultroute: NotRequired[bool]
    qos: NotRequired[list[DeviceQoSParams]]
    switch: NotRequired[str]


NetInfoBondMap = dict[str, NetInfoBond]


class NetInfoBridgedNetwork(TypedDict):
    dhcpv4: bool
    mtu: UintText
    ipv6gateway: str
    gateway: str
    ipv4defaultroute: NotRequired[bool]
    ipv6addrs: list[str]
    ports: list[str]
    netmask: str
    dhcpv6: bool
    stp: str
    opts: NotRequired[StringMap]
    hostQos: NotRequired[HostQoSParams]
    ipv4addrs: list[str]
    bridged: NotRequired[bool]
    addr: str
    iface: NotRequired[str]
    switch: NotRequired[str]
    ipv6autoconf: NotRequired[bool]


NetInfoBridgeMap = dict[str, NetInfoBridgedNetwork]


class NetInfoBridgelessNetwork(TypedDict):
    interface: str
    bridged: bool


NetInfoNetwork = NetInfoBridgedNetwork | NetInfoBridgelessNetwork
NetInfoNetworkMap = dict[str, NetInfoNetwork]


class NetInfoNic(TypedDict):
    dhcpv4: bool
    gateway: NotRequired[str]
    ipv4defaultroute: NotRequired[bool]
    ipv6autoconf: NotRequired[bool]
    ipv6gateway: str
    dhcpv6: bool
    ipv6addrs: list[str]
    hwaddr: str
    permhwaddr: NotRequired[str]
    speed: int
    ipv4addrs: list[str]
    mtu: UintText
    netmask: str
    addr: str
    qos: NotRequired[list[DeviceQoSParams]]


NetInfoNicMap = dict[str, NetInfoNic]


class NetInfoVlan(TypedDict):
    dhcpv4: bool
    ipv4defaultroute: NotRequired[bool]
    iface: str
    mtu: Uint
    vlanid: Uint
    ipv6addrs: list[str]
    dhcpv6: bool
    ipv6gateway: str
    ipv4addrs: list[str]
    netmask: str
    addr: str


NetInfoVlanMap = dict[str, NetInfoVlan]
StorageDomainImageClass = Literal["Backup", "Data", "Iso", "Unknown"]
StorageDomainType = Literal["CIFS", "FCP", "ISCSI", "LOCALFS", "NFS", "SHAREDFS", "GLUSTERFS", "UNKNOWN"]
StorageDomainTypeId = Literal[0, 1, 2, 3, 4, 6, 7]
TaskResult = Literal["cleanFailure", "cleanSuccess", "success", ""]
TaskState = Literal["aborting", "cleaning", "finished", "init", "running", "unknown"]


class TaskInfo(TypedDict):
    id: Uuid
    verb: str


class TaskStatus(TypedDict):
    taskResult: TaskResult
    code: int
    taskID: Uuid
    taskState: TaskState
    message: str


VolumeGroupAttributeAllocation = Literal["a", "c", "i", "l", "n"]
VolumeGroupAttributeClustered = Literal["-", "c"]
VolumeGroupAttributeExported = Literal["-", "x"]
VolumeGroupAttributePartial = Literal["-", "p"]
VolumeGroupAttributePermission = Literal["r", "w"]
VolumeGroupAttributeResizeable = Literal["-", "z"]


class VolumeGroupAttributes(TypedDict):
    clustered: VolumeGroupAttributeClustered
    permission: VolumeGroupAttributePermission
    partial: VolumeGroupAttributePartial
    resizeable: VolumeGroupAttributeResizeable
    allocation: VolumeGroupAttributeAllocation
    exported: VolumeGroupAttributeExported


VolumeGroupState = Literal["OK", "PARTIAL"]


class PhysicalVolumeInfo(TypedDict):
    capacity: UintText
    devcapacity: UintText
    vendorID: str
    productID: str
    pvUUID: Uuid
    vgUUID: Uuid
    fwrev: str
    devtype: BlockDeviceType
    pathlist: list[IscsiSessionInfo]
    GUID: Uuid
    serial: str
    pathstatus: list[BlockDevicePathInfo]


class VolumeGroupInfo(TypedDict):
    vgUUID: Uuid
    vgsize: UintText
    name: str
    attr: VolumeGroupAttributes
    state: VolumeGroupState
    vgfree: UintText
    type: StorageDomainTypeId
    pvlist: NotRequired[list[PhysicalVolumeInfo]]


class VolumeSizeInfo(TypedDict):
    truesize: Uint
    apparentsize: Uint


JobStatus = Literal["PENDING", "FAILED", "SUCCEEDED", "FENCED"]


class Outcome(TypedDict):
    """What some verbs answer instead of true. code: 0, or they would have failed."""

    code: int
    message: str
