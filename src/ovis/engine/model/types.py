"""The v4 API's types, as structs: what documents, bodies and answers are made of.

Does: name every attribute with its type; None means "not given" or "not known". A single `LINK` attribute holds a
reference (an object with only its id) unless somebody follows it; a `Sub` list is a sub-collection, shown as a link.
Does not: validate, store or route; resources do. One module because the types refer to each other in cycles (ADR 3).
Follows: API model 4.6. Sizes are bytes, times are aware datetimes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import Struct, field

from ovis.engine.declare.shape import LINK, XML_ATTRIBUTE, ElementName, Many, Names, Sub
from ovis.engine.model.enums import (
    Architecture,
    AutoNumaStatus,
    AutoPinningPolicy,
    BackupPhase,
    BiosType,
    BootDevice,
    BootProtocol,
    CheckpointState,
    CloudInitNetworkProtocol,
    ClusterUpgradeAction,
    ConfigurationType,
    CpuMode,
    CpuPinningPolicy,
    DataCenterStatus,
    DiskBackup,
    DiskBackupMode,
    DiskContentType,
    DiskFormat,
    DiskInterface,
    DiskStatus,
    DiskStorageType,
    DisplayType,
    ExternalStatus,
    ExternalSystemType,
    ExternalVmProviderType,
    FipsMode,
    FirewallType,
    GlusterBrickStatus,
    GlusterHookStatus,
    GlusterVolumeStatus,
    GlusterVolumeType,
    GraphicsType,
    HookContentType,
    HookStage,
    HostProtocol,
    HostStatus,
    HostType,
    ImageFileType,
    ImageTransferDirection,
    ImageTransferPhase,
    ImageTransferTimeoutPolicy,
    InheritableBoolean,
    IpVersion,
    JobStatus,
    KdumpStatus,
    LogMaxMemoryUsedThresholdType,
    LogSeverity,
    LunStatus,
    MessageBrokerType,
    MigrateOnError,
    MigrationBandwidthAssignmentMethod,
    NetworkPluginType,
    NetworkStatus,
    NetworkUsage,
    NfsVersion,
    NicInterface,
    NicStatus,
    NotifiableEvent,
    NotificationMethod,
    NumaTuneMode,
    OpenStackNetworkProviderType,
    OpenstackVolumeAuthenticationKeyUsageType,
    ParallelMigrationsPolicy,
    PmProxyType,
    PolicyUnitType,
    PowerManagementStatus,
    QcowVersion,
    QosType,
    QuotaModeType,
    ReportedDeviceType,
    RngSource,
    ScsiGenericIO,
    SeLinuxMode,
    SerialNumberPolicy,
    SnapshotStatus,
    SnapshotType,
    SpmStatus,
    SshAuthenticationMethod,
    SsoMethod,
    StatisticKind,
    StatisticUnit,
    StepEnum,
    StepStatus,
    StorageDomainStatus,
    StorageDomainType,
    StorageFormat,
    StorageType,
    SwitchType,
    TemplateStatus,
    TpmSupport,
    TransportType,
    UsbType,
    ValueType,
    VgpuPlacement,
    VideoType,
    VmAffinity,
    VmDeviceType,
    VmPoolType,
    VmStatus,
    VmStorageErrorResumeBehaviour,
    VmType,
    VnicPassThroughMode,
    WatchdogAction,
    WatchdogModel,
)


class Identified(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("identified", "identifieds")
    comment: str | None = None
    description: str | None = None
    id: str | None = None
    name: str | None = None
    href: str | None = None


class Action(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("action", "actions")
    activate: bool | None = None
    allow_partial_import: bool | None = None
    async_: bool | None = field(default=None, name="async")
    attach_wgt: bool | None = None
    attachment: DiskAttachment | None = None
    authorized_key: AuthorizedKey | None = None
    auto_pinning_policy: AutoPinningPolicy | None = None
    bricks: list[GlusterBrick] | None = None
    certificates: list[Certificate] | None = None
    check_connectivity: bool | None = None
    clone: bool | None = None
    clone_permissions: bool | None = None
    cluster: Cluster | None = None
    collapse_snapshots: bool | None = None
    commit_on_success: bool | None = None
    connection: StorageConnection | None = None
    connectivity_timeout: int | None = None
    correlation_id: str | None = None
    data_center: DataCenter | None = None
    deploy_hosted_engine: bool | None = None
    details: GlusterVolumeProfileDetails | None = None
    directory: str | None = None
    discard_snapshots: bool | None = None
    discovered_targets: list[IscsiDetails] | None = None
    disk: Disk | None = None
    disk_profile: DiskProfile | None = None
    disks: list[Disk] | None = None
    exclusive: bool | None = None
    fault: Fault | None = None
    fence_type: str | None = None
    filename: str | None = None
    filter: bool | None = None
    fix_layout: bool | None = None
    follow: str | None = None
    force: bool | None = None
    grace_period: GracePeriod | None = None
    host: Host | None = None
    image: str | None = None
    image_transfer: ImageTransfer | None = None
    import_as_template: bool | None = None
    is_attached: bool | None = None
    iscsi: IscsiDetails | None = None
    iscsi_targets: Annotated[list[str] | None, Many(item="iscsi_target")] = None
    job: Job | None = None
    lease: StorageDomainLease | None = None
    logical_units: list[LogicalUnit] | None = None
    maintenance_after_restart: bool | None = None
    maintenance_enabled: bool | None = None
    migrate_vms_in_affinity_closure: bool | None = None
    modified_bonds: list[HostNic] | None = None
    modified_labels: list[NetworkLabel] | None = None
    modified_network_attachments: list[NetworkAttachment] | None = None
    optimize_cpu_settings: bool | None = None
    option: Option | None = None
    pause: bool | None = None
    permission: Permission | None = None
    power_management: PowerManagement | None = None
    proxy_ticket: ProxyTicket | None = None
    quota: Quota | None = None
    reason: str | None = None
    reassign_bad_macs: bool | None = None
    reboot: bool | None = None
    registration_configuration: RegistrationConfiguration | None = None
    remote_viewer_connection_file: str | None = None
    removed_bonds: list[HostNic] | None = None
    removed_labels: list[NetworkLabel] | None = None
    removed_network_attachments: list[NetworkAttachment] | None = None
    resolution_type: str | None = None
    restore_memory: bool | None = None
    root_password: str | None = None
    seal: bool | None = None
    snapshot: Snapshot | None = None
    source_host: Host | None = None
    ssh: Ssh | None = None
    status: str | None = None
    stop_gluster_service: bool | None = None
    storage_domain: StorageDomain | None = None
    storage_domains: list[StorageDomain] | None = None
    succeeded: bool | None = None
    synchronized_network_attachments: list[NetworkAttachment] | None = None
    template: Template | None = None
    ticket: Ticket | None = None
    timeout: int | None = None
    undeploy_hosted_engine: bool | None = None
    upgrade_action: ClusterUpgradeAction | None = None
    upgrade_percent_complete: int | None = None
    use_cloud_init: bool | None = None
    use_ignition: bool | None = None
    use_initialization: bool | None = None
    use_sysprep: bool | None = None
    virtual_functions_configuration: HostNicVirtualFunctionsConfiguration | None = None
    vm: Vm | None = None
    vnic_profile_mappings: list[VnicProfileMapping] | None = None
    volatile: bool | None = None


class AffinityGroup(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("affinity_group", "affinity_groups")
    broken: bool | None = None
    cluster: Annotated[Cluster | None, LINK] = None
    enforcing: bool | None = None
    host_labels: Annotated[list[AffinityLabel] | None, Sub("hostlabels")] = None
    hosts: Annotated[list[Host] | None, Sub("hosts")] = None
    hosts_rule: AffinityRule | None = None
    positive: bool | None = None
    priority: float | None = None
    vm_labels: Annotated[list[AffinityLabel] | None, Sub("vmlabels")] = None
    vms: Annotated[list[Vm] | None, Sub("vms")] = None
    vms_rule: AffinityRule | None = None


class AffinityLabel(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("affinity_label", "affinity_labels")
    has_implicit_affinity_group: bool | None = None
    hosts: Annotated[list[Host] | None, Sub("hosts")] = None
    read_only: bool | None = None
    vms: Annotated[list[Vm] | None, Sub("vms")] = None


class AffinityRule(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("affinity_rule", "affinity_rules")
    enabled: bool | None = None
    enforcing: bool | None = None
    positive: bool | None = None


class Agent(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("agent", "agents")
    address: str | None = None
    concurrent: bool | None = None
    encrypt_options: bool | None = None
    host: Annotated[Host | None, LINK] = None
    options: list[Option] | None = None
    order: int | None = None
    password: str | None = None
    port: int | None = None
    type: str | None = None
    username: str | None = None


class AgentConfiguration(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("agent_configuration", "agent_configurations")
    address: str | None = None
    broker_type: MessageBrokerType | None = None
    network_mappings: str | None = None
    password: str | None = None
    port: int | None = None
    username: str | None = None


class Api(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("api", "apis")
    authenticated_user: Annotated[User | None, LINK] = None
    effective_user: Annotated[User | None, LINK] = None
    engine_backup: EngineBackupInfo | None = None
    product_info: ProductInfo | None = None
    special_objects: SpecialObjects | None = None
    summary: ApiSummary | None = None
    time: datetime | None = None


class ApiSummary(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("api_summary", "api_summaries")
    hosts: ApiSummaryItem | None = None
    storage_domains: ApiSummaryItem | None = None
    users: ApiSummaryItem | None = None
    vms: ApiSummaryItem | None = None


class ApiSummaryItem(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("api_summary_item", "api_summary_items")
    active: int | None = None
    total: int | None = None


class Application(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("application", "applications")
    vm: Annotated[Vm | None, LINK] = None


class AuthorizedKey(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("authorized_key", "authorized_keys")
    key: str | None = None
    user: Annotated[User | None, LINK] = None


class Backup(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("backup", "backups")
    creation_date: datetime | None = None
    disks: Annotated[list[Disk] | None, Sub("disks")] = None
    from_checkpoint_id: str | None = None
    host: Annotated[Host | None, LINK] = None
    modification_date: datetime | None = None
    phase: BackupPhase | None = None
    snapshot: Annotated[Snapshot | None, LINK] = None
    to_checkpoint_id: str | None = None
    vm: Annotated[Vm | None, LINK] = None


class Balance(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("balance", "balances")
    scheduling_policy: Annotated[SchedulingPolicy | None, LINK] = None
    scheduling_policy_unit: Annotated[SchedulingPolicyUnit | None, LINK] = None


class Bios(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("bios", "bioss")
    boot_menu: BootMenu | None = None
    type: BiosType | None = None


class BlockStatistic(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("block_statistic", "block_statistics")
    statistics: list[Statistic] | None = None


class Bonding(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("bonding", "bondings")
    active_slave: Annotated[HostNic | None, LINK] = None
    ad_partner_mac: Mac | None = None
    options: list[Option] | None = None
    slaves: list[HostNic] | None = None


class Bookmark(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("bookmark", "bookmarks")
    value: str | None = None


class Boot(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("boot", "boots")
    devices: Annotated[list[BootDevice] | None, Many(item="device")] = None


class BootMenu(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("boot_menu", "boot_menus")
    enabled: bool | None = None


class EntityProfileDetail(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("entity_profile_detail", "entity_profile_details")
    profile_details: list[ProfileDetail] | None = None


class BrickProfileDetail(EntityProfileDetail, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("brick_profile_detail", "brick_profile_details")
    brick: Annotated[GlusterBrick | None, LINK] = None


class Device(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("device", "devices")
    instance_type: Annotated[InstanceType | None, LINK] = None
    template: Annotated[Template | None, LINK] = None
    vm: Annotated[Vm | None, LINK] = None
    vms: Annotated[list[Vm] | None, Sub("vms")] = None


class Cdrom(Device, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("cdrom", "cdroms")
    file: File | None = None


class Certificate(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("certificate", "certificates")
    content: str | None = None
    organization: str | None = None
    subject: str | None = None


class Checkpoint(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("checkpoint", "checkpoints")
    creation_date: datetime | None = None
    disks: Annotated[list[Disk] | None, Sub("disks")] = None
    parent_id: str | None = None
    state: CheckpointState | None = None
    vm: Annotated[Vm | None, LINK] = None


class CloudInit(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("cloud_init", "cloud_inits")
    authorized_keys: list[AuthorizedKey] | None = None
    files: list[File] | None = None
    host: Host | None = None
    network_configuration: NetworkConfiguration | None = None
    regenerate_ssh_keys: bool | None = None
    timezone: str | None = None
    users: list[User] | None = None


class Cluster(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("cluster", "clusters")
    affinity_groups: Annotated[list[AffinityGroup] | None, Sub("affinitygroups")] = None
    ballooning_enabled: bool | None = None
    bios_type: BiosType | None = None
    cpu: Cpu | None = None
    cpu_profiles: Annotated[list[CpuProfile] | None, Sub("cpuprofiles")] = None
    custom_scheduling_policy_properties: list[Property] | None = None
    data_center: Annotated[DataCenter | None, LINK] = None
    display: Display | None = None
    enabled_features: Annotated[list[ClusterFeature] | None, Sub("enabledfeatures")] = None
    error_handling: ErrorHandling | None = None
    external_network_providers: Annotated[list[ExternalProvider] | None, Sub("externalnetworkproviders")] = None
    fencing_policy: FencingPolicy | None = None
    fips_mode: FipsMode | None = None
    firewall_type: FirewallType | None = None
    gluster_hooks: Annotated[list[GlusterHook] | None, Sub("glusterhooks")] = None
    gluster_service: bool | None = None
    gluster_tuned_profile: str | None = None
    gluster_volumes: Annotated[list[GlusterVolume] | None, Sub("glustervolumes")] = None
    ha_reservation: bool | None = None
    ksm: Ksm | None = None
    log_max_memory_used_threshold: int | None = None
    log_max_memory_used_threshold_type: LogMaxMemoryUsedThresholdType | None = None
    mac_pool: Annotated[MacPool | None, LINK] = None
    maintenance_reason_required: bool | None = None
    management_network: Annotated[Network | None, LINK] = None
    memory_policy: MemoryPolicy | None = None
    migration: MigrationOptions | None = None
    network_filters: Annotated[list[NetworkFilter] | None, Sub("networkfilters")] = None
    networks: Annotated[list[Network] | None, Sub("networks")] = None
    optional_reason: bool | None = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    required_rng_sources: Annotated[list[RngSource] | None, Many(item="required_rng_source")] = None
    scheduling_policy: Annotated[SchedulingPolicy | None, LINK] = None
    serial_number: SerialNumber | None = None
    supported_versions: list[Version] | None = None
    switch_type: SwitchType | None = None
    threads_as_cores: bool | None = None
    trusted_service: bool | None = None
    tunnel_migration: bool | None = None
    upgrade_correlation_id: str | None = None
    upgrade_in_progress: bool | None = None
    upgrade_percent_complete: int | None = None
    version: Version | None = None
    virt_service: bool | None = None
    vnc_encryption: bool | None = None


class ClusterFeature(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("cluster_feature", "cluster_features")
    cluster_level: Annotated[ClusterLevel | None, LINK] = None


class ClusterLevel(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("cluster_level", "cluster_levels")
    cluster_features: Annotated[list[ClusterFeature] | None, Sub("clusterfeatures")] = None
    cpu_types: list[CpuType] | None = None
    permits: list[Permit] | None = None


class Configuration(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("configuration", "configurations")
    data: str | None = None
    type: ConfigurationType | None = None


class Console(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("console", "consoles")
    enabled: bool | None = None


class Core(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("core", "cores")
    index: int | None = None
    socket: int | None = None


class Cpu(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("cpu", "cpus")
    architecture: Architecture | None = None
    cores: list[Core] | None = None
    cpu_tune: CpuTune | None = None
    level: int | None = None
    mode: CpuMode | None = None
    name: str | None = None
    speed: float | None = None
    topology: CpuTopology | None = None
    type: str | None = None


class CpuProfile(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("cpu_profile", "cpu_profiles")
    cluster: Annotated[Cluster | None, LINK] = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    qos: Annotated[Qos | None, LINK] = None


class CpuTopology(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("cpu_topology", "cpu_topologies")
    cores: int | None = None
    sockets: int | None = None
    threads: int | None = None


class CpuTune(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("cpu_tune", "cpu_tunes")
    vcpu_pins: list[VcpuPin] | None = None


class CpuType(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("cpu_type", "cpu_types")
    architecture: Architecture | None = None
    level: int | None = None
    name: str | None = None


class CustomProperty(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("custom_property", "custom_properties")
    name: str | None = None
    regexp: str | None = None
    value: str | None = None


class DataCenter(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("data_center", "data_centers")
    clusters: Annotated[list[Cluster] | None, Sub("clusters")] = None
    iscsi_bonds: Annotated[list[IscsiBond] | None, Sub("iscsibonds")] = None
    local: bool | None = None
    mac_pool: Annotated[MacPool | None, LINK] = None
    networks: Annotated[list[Network] | None, Sub("networks")] = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    qoss: Annotated[list[Qos] | None, Sub("qoss")] = None
    quota_mode: QuotaModeType | None = None
    quotas: Annotated[list[Quota] | None, Sub("quotas")] = None
    status: DataCenterStatus | None = None
    storage_domains: Annotated[list[StorageDomain] | None, Sub("storagedomains")] = None
    storage_format: StorageFormat | None = None
    supported_versions: list[Version] | None = None
    version: Version | None = None


class Disk(Device, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("disk", "disks")
    active: bool | None = None
    actual_size: int | None = None
    alias: str | None = None
    backup: DiskBackup | None = None
    backup_mode: DiskBackupMode | None = None
    bootable: bool | None = None
    content_type: DiskContentType | None = None
    disk_profile: Annotated[DiskProfile | None, LINK] = None
    disk_snapshots: Annotated[list[DiskSnapshot] | None, Sub("disksnapshots")] = None
    external_disk: str | None = None
    format: DiskFormat | None = None
    image_id: str | None = None
    initial_size: int | None = None
    interface: DiskInterface | None = None
    logical_name: str | None = None
    lun_storage: HostStorage | None = None
    openstack_volume_type: Annotated[OpenStackVolumeType | None, LINK] = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    propagate_errors: bool | None = None
    provisioned_size: int | None = None
    qcow_version: QcowVersion | None = None
    quota: Annotated[Quota | None, LINK] = None
    read_only: bool | None = None
    sgio: ScsiGenericIO | None = None
    shareable: bool | None = None
    snapshot: Annotated[Snapshot | None, LINK] = None
    sparse: bool | None = None
    statistics: Annotated[list[Statistic] | None, Sub("statistics")] = None
    status: DiskStatus | None = None
    storage_domain: Annotated[StorageDomain | None, LINK] = None
    storage_domains: Annotated[list[StorageDomain] | None, Sub("storagedomains")] = None
    storage_type: DiskStorageType | None = None
    total_size: int | None = None
    uses_scsi_reservation: bool | None = None
    wipe_after_delete: bool | None = None


class DiskAttachment(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("disk_attachment", "disk_attachments")
    active: bool | None = None
    bootable: bool | None = None
    disk: Annotated[Disk | None, LINK] = None
    interface: DiskInterface | None = None
    logical_name: str | None = None
    pass_discard: bool | None = None
    read_only: bool | None = None
    template: Annotated[Template | None, LINK] = None
    uses_scsi_reservation: bool | None = None
    vm: Annotated[Vm | None, LINK] = None


class DiskProfile(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("disk_profile", "disk_profiles")
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    qos: Annotated[Qos | None, LINK] = None
    storage_domain: Annotated[StorageDomain | None, LINK] = None


class DiskSnapshot(Disk, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("disk_snapshot", "disk_snapshots")
    disk: Annotated[Disk | None, LINK] = None
    parent: Annotated[DiskSnapshot | None, LINK] = None


class Display(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("display", "displays")
    address: str | None = None
    allow_override: bool | None = None
    certificate: Certificate | None = None
    copy_paste_enabled: bool | None = None
    disconnect_action: str | None = None
    disconnect_action_delay: int | None = None
    file_transfer_enabled: bool | None = None
    keyboard_layout: str | None = None
    monitors: int | None = None
    port: int | None = None
    proxy: str | None = None
    secure_port: int | None = None
    single_qxl_pci: bool | None = None
    smartcard_enabled: bool | None = None
    type: DisplayType | None = None
    video_type: VideoType | None = None


class Dns(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("dns", "dnss")
    search_domains: list[Host] | None = None
    servers: list[Host] | None = None


class DnsResolverConfiguration(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("dns_resolver_configuration", "dns_resolver_configurations")
    name_servers: Annotated[list[str] | None, Many(item="name_server")] = None


class Domain(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("domain", "domains")
    groups: Annotated[list[Group] | None, Sub("groups")] = None
    user: User | None = None
    users: Annotated[list[User] | None, Sub("users")] = None


class DynamicCpu(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("dynamic_cpu", "dynamic_cpus")
    cpu_tune: CpuTune | None = None
    topology: CpuTopology | None = None


class EngineBackupInfo(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("engine_backup_info", "engine_backup_infos")
    last_cinder_backup: datetime | None = None
    last_db_backup: datetime | None = None
    last_dwh_backup: datetime | None = None
    last_engine_backup: datetime | None = None
    last_grafana_backup: datetime | None = None
    last_keycloak_backup: datetime | None = None


class ErrorHandling(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("error_handling", "error_handlings")
    on_error: MigrateOnError | None = None


class Event(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("event", "events")
    cluster: Annotated[Cluster | None, LINK] = None
    code: int | None = None
    correlation_id: str | None = None
    custom_data: str | None = None
    custom_id: int | None = None
    data_center: Annotated[DataCenter | None, LINK] = None
    flood_rate: int | None = None
    host: Annotated[Host | None, LINK] = None
    index: int | None = None
    log_on_host: bool | None = None
    origin: str | None = None
    severity: LogSeverity | None = None
    storage_domain: Annotated[StorageDomain | None, LINK] = None
    template: Annotated[Template | None, LINK] = None
    time: datetime | None = None
    user: Annotated[User | None, LINK] = None
    vm: Annotated[Vm | None, LINK] = None


class EventSubscription(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("event_subscription", "event_subscriptions")
    address: str | None = None
    event: NotifiableEvent | None = None
    notification_method: NotificationMethod | None = None
    user: User | None = None


class ExternalComputeResource(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("external_compute_resource", "external_compute_resources")
    external_host_provider: Annotated[ExternalHostProvider | None, LINK] = None
    provider: str | None = None
    url: str | None = None
    user: str | None = None


class ExternalDiscoveredHost(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("external_discovered_host", "external_discovered_hosts")
    external_host_provider: Annotated[ExternalHostProvider | None, LINK] = None
    ip: str | None = None
    last_report: str | None = None
    mac: str | None = None
    subnet_name: str | None = None


class ExternalHost(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("external_host", "external_hosts")
    address: str | None = None
    external_host_provider: Annotated[ExternalHostProvider | None, LINK] = None


class ExternalHostGroup(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("external_host_group", "external_host_groups")
    architecture_name: str | None = None
    domain_name: str | None = None
    external_host_provider: Annotated[ExternalHostProvider | None, LINK] = None
    operating_system_name: str | None = None
    subnet_name: str | None = None


class ExternalProvider(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("external_provider", "external_providers")
    authentication_url: str | None = None
    password: str | None = None
    properties: list[Property] | None = None
    requires_authentication: bool | None = None
    url: str | None = None
    username: str | None = None


class ExternalHostProvider(ExternalProvider, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("external_host_provider", "external_host_providers")
    certificates: Annotated[list[Certificate] | None, Sub("certificates")] = None
    compute_resources: Annotated[list[ExternalComputeResource] | None, Sub("computeresources")] = None
    discovered_hosts: Annotated[list[ExternalDiscoveredHost] | None, Sub("discoveredhosts")] = None
    host_groups: Annotated[list[ExternalHostGroup] | None, Sub("hostgroups")] = None
    hosts: Annotated[list[Host] | None, Sub("hosts")] = None


class ExternalNetworkProviderConfiguration(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names(
        "external_network_provider_configuration", "external_network_provider_configurations"
    )
    external_network_provider: Annotated[ExternalProvider | None, LINK] = None
    host: Annotated[Host | None, LINK] = None


class ExternalTemplateImport(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("external_template_import", "external_template_imports")
    clone: bool | None = None
    cluster: Annotated[Cluster | None, LINK] = None
    cpu_profile: Annotated[CpuProfile | None, LINK] = None
    host: Annotated[Host | None, LINK] = None
    quota: Annotated[Quota | None, LINK] = None
    storage_domain: Annotated[StorageDomain | None, LINK] = None
    template: Annotated[Template | None, LINK] = None
    url: str | None = None


class ExternalVmImport(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("external_vm_import", "external_vm_imports")
    cluster: Annotated[Cluster | None, LINK] = None
    cpu_profile: Annotated[CpuProfile | None, LINK] = None
    drivers_iso: Annotated[File | None, LINK] = None
    host: Annotated[Host | None, LINK] = None
    name: str | None = None
    password: str | None = None
    provider: ExternalVmProviderType | None = None
    quota: Annotated[Quota | None, LINK] = None
    sparse: bool | None = None
    storage_domain: Annotated[StorageDomain | None, LINK] = None
    url: str | None = None
    username: str | None = None
    vm: Annotated[Vm | None, LINK] = None


class Fault(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("fault", "faults")
    detail: str | None = None
    reason: str | None = None


class FencingPolicy(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("fencing_policy", "fencing_policies")
    enabled: bool | None = None
    skip_if_connectivity_broken: SkipIfConnectivityBroken | None = None
    skip_if_gluster_bricks_up: bool | None = None
    skip_if_gluster_quorum_not_met: bool | None = None
    skip_if_sd_active: SkipIfSdActive | None = None


class File(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("file", "files")
    content: str | None = None
    storage_domain: Annotated[StorageDomain | None, LINK] = None
    type: str | None = None


class Filter(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("filter", "filters")
    position: int | None = None
    scheduling_policy_unit: Annotated[SchedulingPolicyUnit | None, LINK] = None


class Floppy(Device, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("floppy", "floppies")
    file: File | None = None


class FopStatistic(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("fop_statistic", "fop_statistics")
    name: str | None = None
    statistics: list[Statistic] | None = None


class GlusterBrickAdvancedDetails(Device, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("gluster_brick_advanced_details", "gluster_brick_advanced_detailss")
    device: str | None = None
    fs_name: str | None = None
    gluster_clients: list[GlusterClient] | None = None
    memory_pools: list[GlusterMemoryPool] | None = None
    mnt_options: str | None = None
    pid: int | None = None
    port: int | None = None


class GlusterBrick(GlusterBrickAdvancedDetails, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("brick", "bricks")
    brick_dir: str | None = None
    gluster_volume: Annotated[GlusterVolume | None, LINK] = None
    server_id: str | None = None
    statistics: Annotated[list[Statistic] | None, Sub("statistics")] = None
    status: GlusterBrickStatus | None = None


class GlusterBrickMemoryInfo(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("brick_memoryinfo", "gluster_brick_memory_infos")
    memory_pools: list[GlusterMemoryPool] | None = None


class GlusterClient(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("gluster_client", "gluster_clients")
    bytes_read: int | None = None
    bytes_written: int | None = None
    client_port: int | None = None
    host_name: str | None = None


class GlusterHook(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("gluster_hook", "gluster_hooks")
    checksum: str | None = None
    cluster: Annotated[Cluster | None, LINK] = None
    conflict_status: int | None = None
    conflicts: str | None = None
    content: str | None = None
    content_type: HookContentType | None = None
    gluster_command: str | None = None
    server_hooks: Annotated[list[GlusterServerHook] | None, Sub("serverhooks")] = None
    stage: HookStage | None = None
    status: GlusterHookStatus | None = None


class GlusterMemoryPool(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("memory_pool", "memory_pools")
    alloc_count: int | None = None
    cold_count: int | None = None
    hot_count: int | None = None
    max_alloc: int | None = None
    max_stdalloc: int | None = None
    padded_size: int | None = None
    pool_misses: int | None = None
    type: str | None = None


class GlusterServerHook(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("server_hook", "server_hooks")
    checksum: str | None = None
    content_type: HookContentType | None = None
    host: Annotated[Host | None, LINK] = None
    status: GlusterHookStatus | None = None


class GlusterVolume(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("gluster_volume", "gluster_volumes")
    bricks: Annotated[list[GlusterBrick] | None, Sub("bricks")] = None
    cluster: Annotated[Cluster | None, LINK] = None
    disperse_count: int | None = None
    options: list[Option] | None = None
    redundancy_count: int | None = None
    replica_count: int | None = None
    statistics: Annotated[list[Statistic] | None, Sub("statistics")] = None
    status: GlusterVolumeStatus | None = None
    stripe_count: int | None = None
    transport_types: Annotated[list[TransportType] | None, Many(item="transport_type")] = None
    volume_type: GlusterVolumeType | None = None


class GlusterVolumeProfileDetails(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("gluster_volume_profile_details", "gluster_volume_profile_detailss")
    brick_profile_details: list[BrickProfileDetail] | None = None
    nfs_profile_details: list[NfsProfileDetail] | None = None


class GracePeriod(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("grace_period", "grace_periods")
    expiry: int | None = None


class GraphicsConsole(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("graphics_console", "graphics_consoles")
    address: str | None = None
    instance_type: Annotated[InstanceType | None, LINK] = None
    port: int | None = None
    protocol: GraphicsType | None = None
    template: Annotated[Template | None, LINK] = None
    tls_port: int | None = None
    vm: Annotated[Vm | None, LINK] = None


class Group(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("group", "groups")
    domain: Annotated[Domain | None, LINK] = None
    domain_entry_id: str | None = None
    namespace: str | None = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    roles: Annotated[list[Role] | None, Sub("roles")] = None
    tags: Annotated[list[Tag] | None, Sub("tags")] = None


class GuestOperatingSystem(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("guest_operating_system", "guest_operating_systems")
    architecture: str | None = None
    codename: str | None = None
    distribution: str | None = None
    family: str | None = None
    kernel: Kernel | None = None
    version: Version | None = None


class HardwareInformation(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("hardware_information", "hardware_informations")
    family: str | None = None
    manufacturer: str | None = None
    product_name: str | None = None
    serial_number: str | None = None
    supported_rng_sources: Annotated[list[RngSource] | None, Many(item="supported_rng_source")] = None
    uuid: str | None = None
    version: str | None = None


class HighAvailability(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("high_availability", "high_availabilities")
    enabled: bool | None = None
    priority: int | None = None


class Hook(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("hook", "hooks")
    event_name: str | None = None
    host: Annotated[Host | None, LINK] = None
    md5: str | None = None


class Host(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("host", "hosts")
    address: str | None = None
    affinity_labels: Annotated[list[AffinityLabel] | None, Sub("affinitylabels")] = None
    agents: Annotated[list[Agent] | None, Sub("agents")] = None
    auto_numa_status: AutoNumaStatus | None = None
    certificate: Certificate | None = None
    cluster: Annotated[Cluster | None, LINK] = None
    cpu: Cpu | None = None
    cpu_units: Annotated[list[HostCpuUnit] | None, Sub("cpuunits")] = None
    device_passthrough: HostDevicePassthrough | None = None
    devices: Annotated[list[HostDevice] | None, Sub("devices")] = None
    display: Display | None = None
    external_host_provider: Annotated[ExternalHostProvider | None, LINK] = None
    external_network_provider_configurations: Annotated[
        list[ExternalNetworkProviderConfiguration] | None, Sub("externalnetworkproviderconfigurations")
    ] = None
    external_status: ExternalStatus | None = None
    hardware_information: HardwareInformation | None = None
    hooks: Annotated[list[Hook] | None, Sub("hooks")] = None
    hosted_engine: HostedEngine | None = None
    iscsi: IscsiDetails | None = None
    katello_errata: Annotated[list[KatelloErratum] | None, Sub("katelloerrata")] = None
    kdump_status: KdumpStatus | None = None
    ksm: Ksm | None = None
    libvirt_version: Version | None = None
    max_scheduling_memory: int | None = None
    memory: int | None = None
    network_attachments: Annotated[list[NetworkAttachment] | None, Sub("networkattachments")] = None
    network_operation_in_progress: bool | None = None
    nics: Annotated[list[HostNic] | None, Sub("nics")] = None
    numa_nodes: Annotated[list[NumaNode] | None, Sub("numanodes", tag="host_numa_nodes")] = None
    numa_supported: bool | None = None
    os: OperatingSystem | None = None
    override_iptables: bool | None = None
    ovn_configured: bool | None = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    port: int | None = None
    power_management: PowerManagement | None = None
    protocol: HostProtocol | None = None
    reinstallation_required: bool | None = None
    root_password: str | None = None
    se_linux: SeLinux | None = None
    spm: Spm | None = None
    ssh: Ssh | None = None
    statistics: Annotated[list[Statistic] | None, Sub("statistics")] = None
    status: HostStatus | None = None
    status_detail: str | None = None
    storage_connection_extensions: Annotated[
        list[StorageConnectionExtension] | None, Sub("storageconnectionextensions")
    ] = None
    storages: Annotated[list[HostStorage] | None, Sub("storages")] = None
    summary: VmSummary | None = None
    tags: Annotated[list[Tag] | None, Sub("tags")] = None
    transparent_huge_pages: Annotated[TransparentHugePages | None, ElementName("transparent_hugepages")] = None
    type: HostType | None = None
    unmanaged_networks: Annotated[list[UnmanagedNetwork] | None, Sub("unmanagednetworks")] = None
    update_available: bool | None = None
    version: Version | None = None
    vgpu_placement: VgpuPlacement | None = None


class HostCpuUnit(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("host_cpu_unit", "host_cpu_units")
    core_id: int | None = None
    cpu_id: int | None = None
    runs_vdsm: bool | None = None
    socket_id: int | None = None
    vms: Annotated[list[Vm] | None, Sub("vms")] = None


class HostDevice(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("host_device", "host_devices")
    capability: str | None = None
    driver: str | None = None
    host: Annotated[Host | None, LINK] = None
    iommu_group: int | None = None
    m_dev_types: list[MDevType] | None = None
    parent_device: Annotated[HostDevice | None, LINK] = None
    physical_function: HostDevice | None = None
    placeholder: bool | None = None
    product: Product | None = None
    vendor: Vendor | None = None
    virtual_functions: int | None = None
    vm: Annotated[Vm | None, LINK] = None


class HostDevicePassthrough(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("host_device_passthrough", "host_device_passthroughs")
    enabled: bool | None = None


class HostNic(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("host_nic", "host_nics")
    ad_aggregator_id: int | None = None
    base_interface: str | None = None
    bonding: Bonding | None = None
    boot_protocol: BootProtocol | None = None
    bridged: bool | None = None
    check_connectivity: bool | None = None
    custom_configuration: bool | None = None
    host: Annotated[Host | None, LINK] = None
    ip: Ip | None = None
    ipv6: Ip | None = None
    ipv6_boot_protocol: BootProtocol | None = None
    mac: Mac | None = None
    mtu: int | None = None
    network: Annotated[Network | None, LINK] = None
    network_labels: Annotated[list[NetworkLabel] | None, Sub("networklabels")] = None
    override_configuration: bool | None = None
    physical_function: Annotated[HostNic | None, LINK] = None
    properties: list[Property] | None = None
    qos: Annotated[Qos | None, LINK] = None
    speed: int | None = None
    statistics: Annotated[list[Statistic] | None, Sub("statistics")] = None
    status: NicStatus | None = None
    virtual_functions_configuration: HostNicVirtualFunctionsConfiguration | None = None
    vlan: Vlan | None = None


class HostNicVirtualFunctionsConfiguration(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names(
        "host_nic_virtual_functions_configuration", "host_nic_virtual_functions_configurations"
    )
    all_networks_allowed: bool | None = None
    max_number_of_virtual_functions: int | None = None
    number_of_virtual_functions: int | None = None


class HostStorage(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("host_storage", "host_storages")
    address: str | None = None
    driver_options: list[Property] | None = None
    driver_sensitive_options: list[Property] | None = None
    host: Annotated[Host | None, LINK] = None
    logical_units: list[LogicalUnit] | None = None
    mount_options: str | None = None
    nfs_retrans: int | None = None
    nfs_timeo: int | None = None
    nfs_version: NfsVersion | None = None
    override_luns: bool | None = None
    password: str | None = None
    path: str | None = None
    port: int | None = None
    portal: str | None = None
    target: str | None = None
    type: StorageType | None = None
    username: str | None = None
    vfs_type: str | None = None
    volume_group: VolumeGroup | None = None


class HostedEngine(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("hosted_engine", "hosted_engines")
    active: bool | None = None
    configured: bool | None = None
    global_maintenance: bool | None = None
    local_maintenance: bool | None = None
    score: int | None = None


class Icon(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("icon", "icons")
    data: str | None = None
    media_type: str | None = None


class Image(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("image", "images")
    size: int | None = None
    storage_domain: Annotated[StorageDomain | None, LINK] = None
    type: ImageFileType | None = None


class ImageTransfer(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("image_transfer", "image_transfers")
    active: bool | None = None
    backup: Annotated[Backup | None, LINK] = None
    direction: ImageTransferDirection | None = None
    disk: Annotated[Disk | None, LINK] = None
    format: DiskFormat | None = None
    host: Annotated[Host | None, LINK] = None
    image: Annotated[Image | None, LINK] = None
    inactivity_timeout: int | None = None
    phase: ImageTransferPhase | None = None
    proxy_url: str | None = None
    shallow: bool | None = None
    snapshot: Annotated[DiskSnapshot | None, LINK] = None
    timeout_policy: ImageTransferTimeoutPolicy | None = None
    transfer_url: str | None = None
    transferred: int | None = None


class Initialization(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("initialization", "initializations")
    active_directory_ou: str | None = None
    authorized_ssh_keys: str | None = None
    cloud_init: CloudInit | None = None
    cloud_init_network_protocol: CloudInitNetworkProtocol | None = None
    configuration: Configuration | None = None
    custom_script: str | None = None
    dns_search: str | None = None
    dns_servers: str | None = None
    domain: str | None = None
    host_name: str | None = None
    input_locale: str | None = None
    nic_configurations: list[NicConfiguration] | None = None
    org_name: str | None = None
    regenerate_ids: bool | None = None
    regenerate_ssh_keys: bool | None = None
    root_password: str | None = None
    system_locale: str | None = None
    timezone: str | None = None
    ui_language: str | None = None
    user_locale: str | None = None
    user_name: str | None = None
    windows_license_key: str | None = None


class VmBase(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vm_base", "vm_bases")
    auto_pinning_policy: AutoPinningPolicy | None = None
    bios: Bios | None = None
    cluster: Annotated[Cluster | None, LINK] = None
    console: Console | None = None
    cpu: Cpu | None = None
    cpu_pinning_policy: CpuPinningPolicy | None = None
    cpu_profile: Annotated[CpuProfile | None, LINK] = None
    cpu_shares: int | None = None
    creation_time: datetime | None = None
    custom_compatibility_version: Version | None = None
    custom_cpu_model: str | None = None
    custom_emulated_machine: str | None = None
    custom_properties: list[CustomProperty] | None = None
    delete_protected: bool | None = None
    display: Display | None = None
    domain: Domain | None = None
    high_availability: HighAvailability | None = None
    initialization: Initialization | None = None
    io: Io | None = None
    large_icon: Icon | None = None
    lease: StorageDomainLease | None = None
    memory: int | None = None
    memory_policy: MemoryPolicy | None = None
    migration: MigrationOptions | None = None
    migration_downtime: int | None = None
    multi_queues_enabled: bool | None = None
    origin: str | None = None
    os: OperatingSystem | None = None
    placement_policy: VmPlacementPolicy | None = None
    quota: Annotated[Quota | None, LINK] = None
    rng_device: RngDevice | None = None
    serial_number: SerialNumber | None = None
    small_icon: Icon | None = None
    soundcard_enabled: bool | None = None
    sso: Sso | None = None
    start_paused: bool | None = None
    stateless: bool | None = None
    storage_domain: Annotated[StorageDomain | None, LINK] = None
    storage_error_resume_behaviour: VmStorageErrorResumeBehaviour | None = None
    time_zone: TimeZone | None = None
    tpm_enabled: bool | None = None
    tunnel_migration: bool | None = None
    type: VmType | None = None
    usb: Usb | None = None
    virtio_scsi: VirtioScsi | None = None
    virtio_scsi_multi_queues: int | None = None
    virtio_scsi_multi_queues_enabled: bool | None = None


class Template(VmBase, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("template", "templates")
    cdroms: Annotated[list[Cdrom] | None, Sub("cdroms")] = None
    disk_attachments: Annotated[list[DiskAttachment] | None, Sub("diskattachments")] = None
    graphics_consoles: Annotated[list[GraphicsConsole] | None, Sub("graphicsconsoles")] = None
    mediated_devices: Annotated[list[VmMediatedDevice] | None, Sub("mediateddevices")] = None
    nics: Annotated[list[Nic] | None, Sub("nics")] = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    status: TemplateStatus | None = None
    tags: Annotated[list[Tag] | None, Sub("tags")] = None
    version: TemplateVersion | None = None
    vm: Vm | None = None
    watchdogs: Annotated[list[Watchdog] | None, Sub("watchdogs")] = None


class InstanceType(Template, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("instance_type", "instance_types")


class Io(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("io", "ios")
    threads: int | None = None


class Ip(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("ip", "ips")
    address: str | None = None
    gateway: str | None = None
    netmask: str | None = None
    version: IpVersion | None = None


class IpAddressAssignment(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("ip_address_assignment", "ip_address_assignments")
    assignment_method: BootProtocol | None = None
    ip: Ip | None = None


class IscsiBond(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("iscsi_bond", "iscsi_bonds")
    data_center: Annotated[DataCenter | None, LINK] = None
    networks: Annotated[list[Network] | None, Sub("networks")] = None
    storage_connections: Annotated[list[StorageConnection] | None, Sub("storageconnections")] = None


class IscsiDetails(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("iscsi_details", "iscsi_detailss")
    address: str | None = None
    disk_id: str | None = None
    initiator: str | None = None
    lun_mapping: int | None = None
    password: str | None = None
    paths: int | None = None
    port: int | None = None
    portal: str | None = None
    product_id: str | None = None
    serial: str | None = None
    size: int | None = None
    status: str | None = None
    storage_domain_id: str | None = None
    target: str | None = None
    username: str | None = None
    vendor_id: str | None = None
    volume_group_id: str | None = None


class Job(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("job", "jobs")
    auto_cleared: bool | None = None
    end_time: datetime | None = None
    external: bool | None = None
    last_updated: datetime | None = None
    owner: Annotated[User | None, LINK] = None
    start_time: datetime | None = None
    status: JobStatus | None = None
    steps: Annotated[list[Step] | None, Sub("steps")] = None


class KatelloErratum(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("katello_erratum", "katello_errata")
    host: Annotated[Host | None, LINK] = None
    issued: datetime | None = None
    packages: list[Package] | None = None
    severity: str | None = None
    solution: str | None = None
    summary: str | None = None
    title: str | None = None
    type: str | None = None
    vm: Annotated[Vm | None, LINK] = None


class Kernel(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("kernel", "kernels")
    version: Version | None = None


class Ksm(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("ksm", "ksms")
    enabled: bool | None = None
    merge_across_nodes: bool | None = None


class LinkLayerDiscoveryProtocolElement(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("link_layer_discovery_protocol_element", "link_layer_discovery_protocol_elements")
    oui: int | None = None
    properties: list[Property] | None = None
    subtype: int | None = None
    type: int | None = None


class LogicalUnit(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("logical_unit", "logical_units")
    active_paths: int | None = None
    address: str | None = None
    discard_max_size: int | None = None
    discard_zeroes_data: bool | None = None
    disk_id: str | None = None
    id: str | None = None
    lun_mapping: int | None = None
    password: str | None = None
    paths: int | None = None
    port: int | None = None
    portal: str | None = None
    product_id: str | None = None
    serial: str | None = None
    size: int | None = None
    status: LunStatus | None = None
    storage_domain_id: str | None = None
    target: str | None = None
    username: str | None = None
    vendor_id: str | None = None
    volume_group_id: str | None = None


class MDevType(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("m_dev_type", "m_dev_types")
    available_instances: int | None = None
    description: str | None = None
    human_readable_name: str | None = None
    name: str | None = None


class Mac(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("mac", "macs")
    address: str | None = None


class MacPool(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("mac_pool", "mac_pools")
    allow_duplicates: bool | None = None
    default_pool: bool | None = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    ranges: list[Range] | None = None


class MemoryOverCommit(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("memory_over_commit", "memory_over_commits")
    percent: int | None = None


class MemoryPolicy(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("memory_policy", "memory_policies")
    ballooning: bool | None = None
    guaranteed: int | None = None
    max: int | None = None
    over_commit: MemoryOverCommit | None = None
    transparent_huge_pages: Annotated[TransparentHugePages | None, ElementName("transparent_hugepages")] = None


class Method(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("method", "methods")
    id: Annotated[SsoMethod | None, XML_ATTRIBUTE] = None


class MigrationBandwidth(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("migration_bandwidth", "migration_bandwidths")
    assignment_method: MigrationBandwidthAssignmentMethod | None = None
    custom_value: int | None = None


class MigrationOptions(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("migration", "migration_optionss")
    auto_converge: InheritableBoolean | None = None
    bandwidth: MigrationBandwidth | None = None
    compressed: InheritableBoolean | None = None
    custom_parallel_migrations: int | None = None
    encrypted: InheritableBoolean | None = None
    parallel_migrations_policy: ParallelMigrationsPolicy | None = None
    policy: Annotated[MigrationPolicy | None, LINK] = None


class MigrationPolicy(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("migration_policy", "migration_policies")


class Network(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("network", "networks")
    cluster: Annotated[Cluster | None, LINK] = None
    data_center: Annotated[DataCenter | None, LINK] = None
    display: bool | None = None
    dns_resolver_configuration: DnsResolverConfiguration | None = None
    external_provider: Annotated[OpenStackNetworkProvider | None, LINK] = None
    external_provider_physical_network: Annotated[Network | None, LINK] = None
    ip: Ip | None = None
    mtu: int | None = None
    network_labels: Annotated[list[NetworkLabel] | None, Sub("networklabels")] = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    port_isolation: bool | None = None
    profile_required: bool | None = None
    qos: Annotated[Qos | None, LINK] = None
    required: bool | None = None
    status: NetworkStatus | None = None
    stp: bool | None = None
    usages: Annotated[list[NetworkUsage] | None, Many(item="usage")] = None
    vdsm_name: str | None = None
    vlan: Vlan | None = None
    vnic_profiles: Annotated[list[VnicProfile] | None, Sub("vnicprofiles")] = None


class NetworkAttachment(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("network_attachment", "network_attachments")
    dns_resolver_configuration: DnsResolverConfiguration | None = None
    host: Annotated[Host | None, LINK] = None
    host_nic: Annotated[HostNic | None, LINK] = None
    in_sync: bool | None = None
    ip_address_assignments: list[IpAddressAssignment] | None = None
    network: Annotated[Network | None, LINK] = None
    properties: list[Property] | None = None
    qos: Annotated[Qos | None, LINK] = None
    reported_configurations: list[ReportedConfiguration] | None = None


class NetworkConfiguration(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("network_configuration", "network_configurations")
    dns: Dns | None = None
    nics: list[Nic] | None = None


class NetworkFilter(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("network_filter", "network_filters")
    version: Version | None = None


class NetworkFilterParameter(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("network_filter_parameter", "network_filter_parameters")
    nic: Annotated[Nic | None, LINK] = None
    value: str | None = None


class NetworkLabel(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("network_label", "network_labels")
    host_nic: Annotated[HostNic | None, LINK] = None
    network: Annotated[Network | None, LINK] = None


class NfsProfileDetail(EntityProfileDetail, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("nfs_profile_detail", "nfs_profile_details")
    nfs_server_ip: str | None = None


class Nic(Device, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("nic", "nics")
    boot_protocol: BootProtocol | None = None
    interface: NicInterface | None = None
    linked: bool | None = None
    mac: Mac | None = None
    network: Annotated[Network | None, LINK] = None
    network_attachments: Annotated[list[NetworkAttachment] | None, Sub("networkattachments")] = None
    network_filter_parameters: Annotated[list[NetworkFilterParameter] | None, Sub("networkfilterparameters")] = None
    network_labels: Annotated[list[NetworkLabel] | None, Sub("networklabels")] = None
    on_boot: bool | None = None
    plugged: bool | None = None
    reported_devices: Annotated[list[ReportedDevice] | None, Sub("reporteddevices")] = None
    statistics: Annotated[list[Statistic] | None, Sub("statistics")] = None
    synced: bool | None = None
    virtual_function_allowed_labels: Annotated[list[NetworkLabel] | None, Sub("virtualfunctionallowedlabels")] = None
    virtual_function_allowed_networks: Annotated[list[Network] | None, Sub("virtualfunctionallowednetworks")] = None
    vnic_profile: Annotated[VnicProfile | None, LINK] = None


class NicConfiguration(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("nic_configuration", "nic_configurations")
    boot_protocol: BootProtocol | None = None
    ip: Ip | None = None
    ipv6: Ip | None = None
    ipv6_boot_protocol: BootProtocol | None = None
    name: str | None = None
    on_boot: bool | None = None


class NumaNode(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("host_numa_node", "host_numa_nodes")
    cpu: Cpu | None = None
    host: Annotated[Host | None, LINK] = None
    index: int | None = None
    memory: int | None = None
    node_distance: str | None = None
    statistics: Annotated[list[Statistic] | None, Sub("statistics")] = None


class NumaNodePin(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("numa_node_pin", "numa_node_pins")
    host_numa_node: NumaNode | None = None
    index: int | None = None
    pinned: bool | None = None


class OpenStackImage(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("openstack_image", "openstack_images")
    openstack_image_provider: Annotated[OpenStackImageProvider | None, LINK] = None


class OpenStackProvider(ExternalProvider, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("open_stack_provider", "open_stack_providers")
    tenant_name: str | None = None


class OpenStackImageProvider(OpenStackProvider, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("openstack_image_provider", "openstack_image_providers")
    certificates: Annotated[list[Certificate] | None, Sub("certificates")] = None
    images: Annotated[list[OpenStackImage] | None, Sub("images")] = None


class OpenStackNetwork(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("openstack_network", "openstack_networks")
    openstack_network_provider: Annotated[OpenStackNetworkProvider | None, LINK] = None


class OpenStackNetworkProvider(OpenStackProvider, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("openstack_network_provider", "openstack_network_providers")
    agent_configuration: AgentConfiguration | None = None
    auto_sync: bool | None = None
    certificates: Annotated[list[Certificate] | None, Sub("certificates")] = None
    external_plugin_type: str | None = None
    networks: Annotated[list[OpenStackNetwork] | None, Sub("networks")] = None
    plugin_type: NetworkPluginType | None = None
    project_domain_name: str | None = None
    project_name: str | None = None
    read_only: bool | None = None
    subnets: Annotated[list[OpenStackSubnet] | None, Sub("subnets")] = None
    type: OpenStackNetworkProviderType | None = None
    unmanaged: bool | None = None
    user_domain_name: str | None = None


class OpenStackSubnet(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("openstack_subnet", "openstack_subnets")
    cidr: str | None = None
    dns_servers: Annotated[list[str] | None, Many(item="dns_server")] = None
    gateway: str | None = None
    ip_version: str | None = None
    openstack_network: Annotated[OpenStackNetwork | None, LINK] = None


class OpenStackVolumeProvider(OpenStackProvider, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("openstack_volume_provider", "openstack_volume_providers")
    authentication_keys: Annotated[list[OpenstackVolumeAuthenticationKey] | None, Sub("authenticationkeys")] = None
    certificates: Annotated[list[Certificate] | None, Sub("certificates")] = None
    data_center: Annotated[DataCenter | None, LINK] = None
    volume_types: Annotated[list[OpenStackVolumeType] | None, Sub("volumetypes")] = None


class OpenStackVolumeType(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("open_stack_volume_type", "open_stack_volume_types")
    openstack_volume_provider: Annotated[OpenStackVolumeProvider | None, LINK] = None
    properties: list[Property] | None = None


class OpenstackVolumeAuthenticationKey(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("openstack_volume_authentication_key", "openstack_volume_authentication_keys")
    creation_date: datetime | None = None
    openstack_volume_provider: Annotated[OpenStackVolumeProvider | None, LINK] = None
    usage_type: OpenstackVolumeAuthenticationKeyUsageType | None = None
    uuid: str | None = None
    value: str | None = None


class OperatingSystem(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("os", "oss")
    boot: Boot | None = None
    cmdline: str | None = None
    custom_kernel_cmdline: str | None = None
    description: str | None = None
    initrd: str | None = None
    kernel: str | None = None
    reported_kernel_cmdline: str | None = None
    type: str | None = None
    version: Version | None = None


class OperatingSystemInfo(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("operating_system", "operation_systems")
    architecture: Architecture | None = None
    large_icon: Icon | None = None
    small_icon: Icon | None = None
    tpm_support: TpmSupport | None = None


class Option(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("option", "options")
    name: str | None = None
    type: str | None = None
    value: str | None = None


class Package(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("package", "packages")
    name: str | None = None


class Payload(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("payload", "payloads")
    files: list[File] | None = None
    type: VmDeviceType | None = None
    volume_id: str | None = None


class Permission(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("permission", "permissions")
    cluster: Annotated[Cluster | None, LINK] = None
    data_center: Annotated[DataCenter | None, LINK] = None
    disk: Annotated[Disk | None, LINK] = None
    group: Annotated[Group | None, LINK] = None
    host: Annotated[Host | None, LINK] = None
    role: Annotated[Role | None, LINK] = None
    storage_domain: Annotated[StorageDomain | None, LINK] = None
    template: Annotated[Template | None, LINK] = None
    user: Annotated[User | None, LINK] = None
    vm: Annotated[Vm | None, LINK] = None
    vm_pool: Annotated[VmPool | None, LINK] = None


class Permit(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("permit", "permits")
    administrative: bool | None = None
    role: Annotated[Role | None, LINK] = None


class PmProxy(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("pm_proxy", "pm_proxies")
    type: PmProxyType | None = None


class PortMirroring(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("port_mirroring", "port_mirrorings")


class PowerManagement(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("power_management", "power_managements")
    address: str | None = None
    agents: list[Agent] | None = None
    automatic_pm_enabled: bool | None = None
    enabled: bool | None = None
    kdump_detection: bool | None = None
    options: list[Option] | None = None
    password: str | None = None
    pm_proxies: list[PmProxy] | None = None
    status: PowerManagementStatus | None = None
    type: str | None = None
    username: str | None = None


class Product(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("product", "products")


class ProductInfo(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("product_info", "product_infos")
    instance_id: str | None = None
    name: str | None = None
    vendor: str | None = None
    version: Version | None = None


class ProfileDetail(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("profile_detail", "profile_details")
    block_statistics: list[BlockStatistic] | None = None
    duration: int | None = None
    fop_statistics: list[FopStatistic] | None = None
    profile_type: str | None = None
    statistics: list[Statistic] | None = None


class Property(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("property", "properties")
    name: str | None = None
    value: str | None = None


class ProxyTicket(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("proxy_ticket", "proxy_tickets")
    value: str | None = None


class Qos(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("qos", "qoss")
    cpu_limit: int | None = None
    data_center: Annotated[DataCenter | None, LINK] = None
    inbound_average: int | None = None
    inbound_burst: int | None = None
    inbound_peak: int | None = None
    max_iops: int | None = None
    max_read_iops: int | None = None
    max_read_throughput: int | None = None
    max_throughput: int | None = None
    max_write_iops: int | None = None
    max_write_throughput: int | None = None
    outbound_average: int | None = None
    outbound_average_linkshare: int | None = None
    outbound_average_realtime: int | None = None
    outbound_average_upperlimit: int | None = None
    outbound_burst: int | None = None
    outbound_peak: int | None = None
    type: QosType | None = None


class Quota(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("quota", "quotas")
    cluster_hard_limit_pct: int | None = None
    cluster_soft_limit_pct: int | None = None
    data_center: DataCenter | None = None
    disks: list[Disk] | None = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    quota_cluster_limits: Annotated[list[QuotaClusterLimit] | None, Sub("quotaclusterlimits")] = None
    quota_storage_limits: Annotated[list[QuotaStorageLimit] | None, Sub("quotastoragelimits")] = None
    storage_hard_limit_pct: int | None = None
    storage_soft_limit_pct: int | None = None
    users: list[User] | None = None
    vms: list[Vm] | None = None


class QuotaClusterLimit(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("quota_cluster_limit", "quota_cluster_limits")
    cluster: Annotated[Cluster | None, LINK] = None
    memory_limit: float | None = None
    memory_usage: float | None = None
    quota: Annotated[Quota | None, LINK] = None
    vcpu_limit: int | None = None
    vcpu_usage: int | None = None


class QuotaStorageLimit(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("quota_storage_limit", "quota_storage_limits")
    limit: int | None = None
    quota: Annotated[Quota | None, LINK] = None
    storage_domain: Annotated[StorageDomain | None, LINK] = None
    usage: float | None = None


class Range(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("range", "ranges")
    from_: str | None = field(default=None, name="from")
    to: str | None = None


class Rate(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("rate", "rates")
    bytes: int | None = None
    period: int | None = None


class RegistrationAffinityGroupMapping(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("registration_affinity_group_mapping", "registration_affinity_group_mappings")
    from_: Annotated[AffinityGroup | None, LINK] = field(default=None, name="from")
    to: Annotated[AffinityGroup | None, LINK] = None


class RegistrationAffinityLabelMapping(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("registration_affinity_label_mapping", "registration_affinity_label_mappings")
    from_: Annotated[AffinityLabel | None, LINK] = field(default=None, name="from")
    to: Annotated[AffinityLabel | None, LINK] = None


class RegistrationClusterMapping(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("registration_cluster_mapping", "registration_cluster_mappings")
    from_: Annotated[Cluster | None, LINK] = field(default=None, name="from")
    to: Annotated[Cluster | None, LINK] = None


class RegistrationConfiguration(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("registration_configuration", "registration_configurations")
    affinity_group_mappings: list[RegistrationAffinityGroupMapping] | None = None
    affinity_label_mappings: list[RegistrationAffinityLabelMapping] | None = None
    cluster_mappings: list[RegistrationClusterMapping] | None = None
    domain_mappings: list[RegistrationDomainMapping] | None = None
    lun_mappings: list[RegistrationLunMapping] | None = None
    role_mappings: list[RegistrationRoleMapping] | None = None
    vnic_profile_mappings: list[RegistrationVnicProfileMapping] | None = None


class RegistrationDomainMapping(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("registration_domain_mapping", "registration_domain_mappings")
    from_: Annotated[Domain | None, LINK] = field(default=None, name="from")
    to: Annotated[Domain | None, LINK] = None


class RegistrationLunMapping(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("registration_lun_mapping", "registration_lun_mappings")
    from_: Annotated[Disk | None, LINK] = field(default=None, name="from")
    to: Annotated[Disk | None, LINK] = None


class RegistrationRoleMapping(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("registration_role_mapping", "registration_role_mappings")
    from_: Annotated[Role | None, LINK] = field(default=None, name="from")
    to: Annotated[Role | None, LINK] = None


class RegistrationVnicProfileMapping(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("registration_vnic_profile_mapping", "registration_vnic_profile_mappings")
    from_: Annotated[VnicProfile | None, LINK] = field(default=None, name="from")
    to: Annotated[VnicProfile | None, LINK] = None


class ReportedConfiguration(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("reported_configuration", "reported_configurations")
    actual_value: str | None = None
    expected_value: str | None = None
    in_sync: bool | None = None
    name: str | None = None


class ReportedDevice(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("reported_device", "reported_devices")
    ips: list[Ip] | None = None
    mac: Mac | None = None
    type: ReportedDeviceType | None = None
    vm: Annotated[Vm | None, LINK] = None


class RngDevice(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("rng_device", "rng_devices")
    rate: Rate | None = None
    source: RngSource | None = None


class Role(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("role", "roles")
    administrative: bool | None = None
    mutable: bool | None = None
    permits: Annotated[list[Permit] | None, Sub("permits")] = None
    user: Annotated[User | None, LINK] = None


class SchedulingPolicy(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("scheduling_policy", "scheduling_policies")
    balances: Annotated[list[Balance] | None, Sub("balances")] = None
    default_policy: bool | None = None
    filters: Annotated[list[Filter] | None, Sub("filters")] = None
    locked: bool | None = None
    properties: list[Property] | None = None
    weight: Annotated[list[Weight] | None, Sub("weight")] = None


class SchedulingPolicyUnit(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("scheduling_policy_unit", "scheduling_policy_units")
    enabled: bool | None = None
    internal: bool | None = None
    properties: list[Property] | None = None
    type: PolicyUnitType | None = None


class SeLinux(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("se_linux", "se_linuxs")
    mode: SeLinuxMode | None = None


class SerialNumber(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("serial_number", "serial_numbers")
    policy: SerialNumberPolicy | None = None
    value: str | None = None


class Session(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("session", "sessions")
    console_user: bool | None = None
    ip: Ip | None = None
    protocol: str | None = None
    user: Annotated[User | None, LINK] = None
    vm: Annotated[Vm | None, LINK] = None


class SkipIfConnectivityBroken(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("skip_if_connectivity_broken", "skip_if_connectivity_brokens")
    enabled: bool | None = None
    threshold: int | None = None


class SkipIfSdActive(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("skip_if_sd_active", "skip_if_sd_actives")
    enabled: bool | None = None


class Vm(VmBase, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vm", "vms")
    affinity_labels: Annotated[list[AffinityLabel] | None, Sub("affinitylabels")] = None
    applications: Annotated[list[Application] | None, Sub("applications")] = None
    cdroms: Annotated[list[Cdrom] | None, Sub("cdroms")] = None
    disk_attachments: Annotated[list[DiskAttachment] | None, Sub("diskattachments")] = None
    dynamic_cpu: Annotated[DynamicCpu | None, LINK] = None
    external_host_provider: Annotated[ExternalHostProvider | None, LINK] = None
    floppies: Annotated[list[Floppy] | None, Sub("floppies")] = None
    fqdn: str | None = None
    graphics_consoles: Annotated[list[GraphicsConsole] | None, Sub("graphicsconsoles")] = None
    guest_operating_system: GuestOperatingSystem | None = None
    guest_time_zone: TimeZone | None = None
    has_illegal_images: bool | None = None
    host: Annotated[Host | None, LINK] = None
    host_devices: Annotated[list[HostDevice] | None, Sub("hostdevices")] = None
    instance_type: Annotated[InstanceType | None, LINK] = None
    katello_errata: Annotated[list[KatelloErratum] | None, Sub("katelloerrata")] = None
    mediated_devices: Annotated[list[VmMediatedDevice] | None, Sub("mediateddevices")] = None
    next_run_configuration_exists: bool | None = None
    nics: Annotated[list[Nic] | None, Sub("nics")] = None
    numa_nodes: Annotated[list[NumaNode] | None, Sub("numanodes", tag="host_numa_nodes")] = None
    numa_tune_mode: NumaTuneMode | None = None
    original_template: Annotated[Template | None, LINK] = None
    payloads: list[Payload] | None = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    reported_devices: Annotated[list[ReportedDevice] | None, Sub("reporteddevices")] = None
    run_once: bool | None = None
    sessions: Annotated[list[Session] | None, Sub("sessions")] = None
    snapshots: Annotated[list[Snapshot] | None, Sub("snapshots")] = None
    start_time: datetime | None = None
    statistics: Annotated[list[Statistic] | None, Sub("statistics")] = None
    status: VmStatus | None = None
    status_detail: str | None = None
    stop_reason: str | None = None
    stop_time: datetime | None = None
    tags: Annotated[list[Tag] | None, Sub("tags")] = None
    template: Annotated[Template | None, LINK] = None
    use_latest_template_version: bool | None = None
    vm_pool: Annotated[VmPool | None, LINK] = None
    watchdogs: Annotated[list[Watchdog] | None, Sub("watchdogs")] = None


class Snapshot(Vm, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("snapshot", "snapshots")
    date: datetime | None = None
    disks: Annotated[list[Disk] | None, Sub("disks")] = None
    persist_memorystate: bool | None = None
    snapshot_status: SnapshotStatus | None = None
    snapshot_type: SnapshotType | None = None
    vm: Annotated[Vm | None, LINK] = None


class SpecialObjects(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("special_objects", "special_objectss")
    blank_template: Annotated[Template | None, LINK] = None
    root_tag: Annotated[Tag | None, LINK] = None


class Spm(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("spm", "spms")
    priority: int | None = None
    status: SpmStatus | None = None


class Ssh(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("ssh", "sshs")
    authentication_method: SshAuthenticationMethod | None = None
    fingerprint: str | None = None
    port: int | None = None
    public_key: str | None = None
    user: User | None = None


class SshPublicKey(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("ssh_public_key", "ssh_public_keys")
    content: str | None = None
    user: Annotated[User | None, LINK] = None


class Sso(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("sso", "ssos")
    methods: list[Method] | None = None


class Statistic(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("statistic", "statistics")
    brick: Annotated[GlusterBrick | None, LINK] = None
    disk: Annotated[Disk | None, LINK] = None
    gluster_volume: Annotated[GlusterVolume | None, LINK] = None
    host: Annotated[Host | None, LINK] = None
    host_nic: Annotated[HostNic | None, LINK] = None
    host_numa_node: Annotated[NumaNode | None, LINK] = None
    kind: StatisticKind | None = None
    nic: Annotated[Nic | None, LINK] = None
    step: Annotated[Step | None, LINK] = None
    type: ValueType | None = None
    unit: StatisticUnit | None = None
    values: list[Value] | None = None
    vm: Annotated[Vm | None, LINK] = None


class Step(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("step", "steps")
    end_time: datetime | None = None
    execution_host: Annotated[Host | None, LINK] = None
    external: bool | None = None
    external_type: ExternalSystemType | None = None
    job: Annotated[Job | None, LINK] = None
    number: int | None = None
    parent_step: Annotated[Step | None, LINK] = None
    progress: int | None = None
    start_time: datetime | None = None
    statistics: Annotated[list[Statistic] | None, Sub("statistics")] = None
    status: StepStatus | None = None
    type: StepEnum | None = None


class StorageConnection(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("storage_connection", "storage_connections")
    address: str | None = None
    gluster_volume: Annotated[GlusterVolume | None, LINK] = None
    host: Annotated[Host | None, LINK] = None
    mount_options: str | None = None
    nfs_retrans: int | None = None
    nfs_timeo: int | None = None
    nfs_version: NfsVersion | None = None
    password: str | None = None
    path: str | None = None
    port: int | None = None
    portal: str | None = None
    target: str | None = None
    type: StorageType | None = None
    username: str | None = None
    vfs_type: str | None = None


class StorageConnectionExtension(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("storage_connection_extension", "storage_connection_extensions")
    host: Annotated[Host | None, LINK] = None
    password: str | None = None
    target: str | None = None
    username: str | None = None


class StorageDomain(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("storage_domain", "storage_domains")
    available: int | None = None
    backup: bool | None = None
    block_size: int | None = None
    committed: int | None = None
    critical_space_action_blocker: int | None = None
    data_center: Annotated[DataCenter | None, LINK] = None
    data_centers: Annotated[list[DataCenter] | None, Sub("datacenters")] = None
    discard_after_delete: bool | None = None
    disk_profiles: Annotated[list[DiskProfile] | None, Sub("diskprofiles")] = None
    disk_snapshots: Annotated[list[DiskSnapshot] | None, Sub("disksnapshots")] = None
    disks: Annotated[list[Disk] | None, Sub("disks")] = None
    external_status: ExternalStatus | None = None
    files: Annotated[list[File] | None, Sub("files")] = None
    host: Annotated[Host | None, LINK] = None
    images: Annotated[list[Image] | None, Sub("images")] = None
    import_: bool | None = field(default=None, name="import")
    master: bool | None = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    status: StorageDomainStatus | None = None
    storage: HostStorage | None = None
    storage_connections: Annotated[list[StorageConnection] | None, Sub("storageconnections")] = None
    storage_format: StorageFormat | None = None
    supports_discard: bool | None = None
    supports_discard_zeroes_data: bool | None = None
    templates: Annotated[list[Template] | None, Sub("templates")] = None
    type: StorageDomainType | None = None
    used: int | None = None
    vms: Annotated[list[Vm] | None, Sub("vms")] = None
    warning_low_space_indicator: int | None = None
    wipe_after_delete: bool | None = None


class StorageDomainLease(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("storage_domain_lease", "storage_domain_leases")
    storage_domain: Annotated[StorageDomain | None, LINK] = None


class SystemOption(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("system_option", "system_options")
    values: list[SystemOptionValue] | None = None


class SystemOptionValue(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("system_option_value", "system_option_values")
    value: str | None = None
    version: str | None = None


class Tag(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("tag", "tags")
    group: Annotated[Group | None, LINK] = None
    host: Annotated[Host | None, LINK] = None
    parent: Annotated[Tag | None, LINK] = None
    template: Annotated[Template | None, LINK] = None
    user: Annotated[User | None, LINK] = None
    vm: Annotated[Vm | None, LINK] = None


class TemplateVersion(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("template_version", "template_versions")
    base_template: Annotated[Template | None, LINK] = None
    version_name: str | None = None
    version_number: int | None = None


class Ticket(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("ticket", "tickets")
    expiry: int | None = None
    value: str | None = None


class TimeZone(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("time_zone", "time_zones")
    name: str | None = None
    utc_offset: str | None = None


class TransparentHugePages(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("transparent_hugepages", "transparent_huge_pagess")
    enabled: bool | None = None


class UnmanagedNetwork(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("unmanaged_network", "unmanaged_networks")
    host: Annotated[Host | None, LINK] = None
    host_nic: Annotated[HostNic | None, LINK] = None


class Usb(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("usb", "usbs")
    enabled: bool | None = None
    type: UsbType | None = None


class User(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("user", "users")
    department: str | None = None
    domain: Annotated[Domain | None, LINK] = None
    domain_entry_id: str | None = None
    email: str | None = None
    groups: Annotated[list[Group] | None, Sub("groups")] = None
    last_name: str | None = None
    logged_in: bool | None = None
    namespace: str | None = None
    options: Annotated[list[UserOption] | None, Sub("options")] = None
    password: str | None = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    principal: str | None = None
    roles: Annotated[list[Role] | None, Sub("roles")] = None
    ssh_public_keys: Annotated[list[SshPublicKey] | None, Sub("sshpublickeys")] = None
    tags: Annotated[list[Tag] | None, Sub("tags")] = None
    user_name: str | None = None
    user_options: list[Property] | None = None


class UserOption(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("user_option", "user_options")
    content: str | None = None
    user: Annotated[User | None, LINK] = None


class Value(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("value", "values")
    datum: float | None = None
    detail: str | None = None


class VcpuPin(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vcpu_pin", "vcpu_pins")
    cpu_set: str | None = None
    vcpu: int | None = None


class Vendor(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vendor", "vendors")


class Version(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("version", "versions")
    build: int | None = None
    full_version: str | None = None
    major: int | None = None
    minor: int | None = None
    revision: int | None = None


class VirtioScsi(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("virtio_scsi", "virtio_scsis")
    enabled: bool | None = None


class VirtualNumaNode(NumaNode, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vm_numa_node", "vm_numa_nodes")
    numa_node_pins: list[NumaNodePin] | None = None
    numa_tune_mode: NumaTuneMode | None = None
    vm: Annotated[Vm | None, LINK] = None


class Vlan(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vlan", "vlans")
    id: Annotated[int | None, XML_ATTRIBUTE] = None


class VmMediatedDevice(Device, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vm_mediated_device", "vm_mediated_devices")
    spec_params: list[Property] | None = None


class VmPlacementPolicy(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vm_placement_policy", "vm_placement_policies")
    affinity: VmAffinity | None = None
    hosts: Annotated[list[Host] | None, Sub("hosts")] = None


class VmPool(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vm_pool", "vm_pools")
    auto_storage_select: bool | None = None
    cluster: Annotated[Cluster | None, LINK] = None
    display: Display | None = None
    instance_type: Annotated[InstanceType | None, LINK] = None
    max_user_vms: int | None = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    prestarted_vms: int | None = None
    rng_device: RngDevice | None = None
    size: int | None = None
    soundcard_enabled: bool | None = None
    stateful: bool | None = None
    template: Annotated[Template | None, LINK] = None
    tpm_enabled: bool | None = None
    type: VmPoolType | None = None
    use_latest_template_version: bool | None = None
    vm: Annotated[Vm | None, LINK] = None


class VmSummary(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vm_summary", "vm_summaries")
    active: int | None = None
    migrating: int | None = None
    total: int | None = None


class VnicPassThrough(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vnic_pass_through", "vnic_pass_throughs")
    mode: VnicPassThroughMode | None = None


class VnicProfile(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vnic_profile", "vnic_profiles")
    custom_properties: list[CustomProperty] | None = None
    failover: Annotated[VnicProfile | None, LINK] = None
    migratable: bool | None = None
    network: Annotated[Network | None, LINK] = None
    network_filter: Annotated[NetworkFilter | None, LINK] = None
    pass_through: VnicPassThrough | None = None
    permissions: Annotated[list[Permission] | None, Sub("permissions")] = None
    port_mirroring: bool | None = None
    qos: Annotated[Qos | None, LINK] = None


class VnicProfileMapping(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("vnic_profile_mapping", "vnic_profile_mappings")
    source_network_name: str | None = None
    source_network_profile_name: str | None = None
    target_vnic_profile: Annotated[VnicProfile | None, LINK] = None


class VolumeGroup(Struct, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("volume_group", "volume_groups")
    id: str | None = None
    logical_units: list[LogicalUnit] | None = None
    name: str | None = None


class Watchdog(Device, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("watchdog", "watchdogs")
    action: WatchdogAction | None = None
    model: WatchdogModel | None = None


class Weight(Identified, kw_only=True, frozen=True, omit_defaults=True):
    names: ClassVar[Names] = Names("weight", "weights")
    factor: int | None = None
    scheduling_policy: Annotated[SchedulingPolicy | None, LINK] = None
    scheduling_policy_unit: Annotated[SchedulingPolicyUnit | None, LINK] = None
