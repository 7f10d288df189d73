"""Enumerations of the v4 API: member names are the value in upper case.

Does: name every legal value once. Does not: say which transition is legal (see the resources' own tables).
Follows: API model 4.6.
"""

from enum import StrEnum


class AccessProtocol(StrEnum):
    CIFS = "cifs"
    GLUSTER = "gluster"
    NFS = "nfs"


class Architecture(StrEnum):
    AARCH64 = "aarch64"
    LOONGARCH64 = "loongarch64"
    PPC64 = "ppc64"
    S390X = "s390x"
    UNDEFINED = "undefined"
    X86_64 = "x86_64"


class AutoNumaStatus(StrEnum):
    DISABLE = "disable"
    ENABLE = "enable"
    UNKNOWN = "unknown"


class AutoPinningPolicy(StrEnum):
    ADJUST = "adjust"
    DISABLED = "disabled"
    EXISTING = "existing"


class BackupPhase(StrEnum):
    FAILED = "failed"
    FINALIZING = "finalizing"
    INITIALIZING = "initializing"
    READY = "ready"
    STARTING = "starting"
    SUCCEEDED = "succeeded"


class BiosType(StrEnum):
    CLUSTER_DEFAULT = "cluster_default"
    I440FX_SEA_BIOS = "i440fx_sea_bios"
    Q35_OVMF = "q35_ovmf"
    Q35_SEA_BIOS = "q35_sea_bios"
    Q35_SECURE_BOOT = "q35_secure_boot"


class BootDevice(StrEnum):
    CDROM = "cdrom"
    HD = "hd"
    NETWORK = "network"


class BootProtocol(StrEnum):
    AUTOCONF = "autoconf"
    DHCP = "dhcp"
    NONE = "none"
    POLY_DHCP_AUTOCONF = "poly_dhcp_autoconf"
    STATIC = "static"


class CheckpointState(StrEnum):
    CREATED = "created"
    INVALID = "invalid"


class CloudInitNetworkProtocol(StrEnum):
    ENI = "eni"
    OPENSTACK_METADATA = "openstack_metadata"


class ClusterUpgradeAction(StrEnum):
    FINISH = "finish"
    START = "start"
    UPDATE_PROGRESS = "update_progress"


class ConfigurationType(StrEnum):
    OVA = "ova"
    OVF = "ovf"


class CpuMode(StrEnum):
    CUSTOM = "custom"
    HOST_MODEL = "host_model"
    HOST_PASSTHROUGH = "host_passthrough"


class CpuPinningPolicy(StrEnum):
    DEDICATED = "dedicated"
    ISOLATE_THREADS = "isolate_threads"
    MANUAL = "manual"
    NONE = "none"
    RESIZE_AND_PIN_NUMA = "resize_and_pin_numa"


class CreationStatus(StrEnum):
    COMPLETE = "complete"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    PENDING = "pending"


class DataCenterStatus(StrEnum):
    CONTEND = "contend"
    MAINTENANCE = "maintenance"
    NOT_OPERATIONAL = "not_operational"
    PROBLEMATIC = "problematic"
    UNINITIALIZED = "uninitialized"
    UP = "up"


class DiskBackup(StrEnum):
    INCREMENTAL = "incremental"
    NONE = "none"


class DiskBackupMode(StrEnum):
    FULL = "full"
    INCREMENTAL = "incremental"


class DiskContentType(StrEnum):
    BACKUP_SCRATCH = "backup_scratch"
    DATA = "data"
    HOSTED_ENGINE = "hosted_engine"
    HOSTED_ENGINE_CONFIGURATION = "hosted_engine_configuration"
    HOSTED_ENGINE_METADATA = "hosted_engine_metadata"
    HOSTED_ENGINE_SANLOCK = "hosted_engine_sanlock"
    ISO = "iso"
    MEMORY_DUMP_VOLUME = "memory_dump_volume"
    MEMORY_METADATA_VOLUME = "memory_metadata_volume"
    OVF_STORE = "ovf_store"


class DiskFormat(StrEnum):
    COW = "cow"
    RAW = "raw"


class DiskInterface(StrEnum):
    IDE = "ide"
    SATA = "sata"
    SPAPR_VSCSI = "spapr_vscsi"
    VIRTIO = "virtio"
    VIRTIO_SCSI = "virtio_scsi"


class DiskStatus(StrEnum):
    ILLEGAL = "illegal"
    LOCKED = "locked"
    OK = "ok"


class DiskStorageType(StrEnum):
    CINDER = "cinder"
    IMAGE = "image"
    LUN = "lun"
    MANAGED_BLOCK_STORAGE = "managed_block_storage"


class DiskType(StrEnum):
    DATA = "data"
    SYSTEM = "system"


class DisplayType(StrEnum):
    SPICE = "spice"
    VNC = "vnc"


class EntityExternalStatus(StrEnum):
    ERROR = "error"
    FAILURE = "failure"
    INFO = "info"
    OK = "ok"
    WARNING = "warning"


class ExternalStatus(StrEnum):
    ERROR = "error"
    FAILURE = "failure"
    INFO = "info"
    OK = "ok"
    WARNING = "warning"


class ExternalSystemType(StrEnum):
    GLUSTER = "gluster"
    VDSM = "vdsm"


class ExternalVmProviderType(StrEnum):
    KVM = "kvm"
    VMWARE = "vmware"
    XEN = "xen"


class FenceType(StrEnum):
    MANUAL = "manual"
    RESTART = "restart"
    START = "start"
    STATUS = "status"
    STOP = "stop"


class FipsMode(StrEnum):
    DISABLED = "disabled"
    ENABLED = "enabled"
    UNDEFINED = "undefined"


class FirewallType(StrEnum):
    FIREWALLD = "firewalld"
    IPTABLES = "iptables"


class GlusterBrickStatus(StrEnum):
    DOWN = "down"
    UNKNOWN = "unknown"
    UP = "up"


class GlusterHookStatus(StrEnum):
    DISABLED = "disabled"
    ENABLED = "enabled"
    MISSING = "missing"


class GlusterState(StrEnum):
    DOWN = "down"
    UNKNOWN = "unknown"
    UP = "up"


class GlusterVolumeStatus(StrEnum):
    DOWN = "down"
    UNKNOWN = "unknown"
    UP = "up"


class GlusterVolumeType(StrEnum):
    DISPERSE = "disperse"
    DISTRIBUTE = "distribute"
    DISTRIBUTED_DISPERSE = "distributed_disperse"
    DISTRIBUTED_REPLICATE = "distributed_replicate"
    DISTRIBUTED_STRIPE = "distributed_stripe"
    DISTRIBUTED_STRIPED_REPLICATE = "distributed_striped_replicate"
    REPLICATE = "replicate"
    STRIPE = "stripe"
    STRIPED_REPLICATE = "striped_replicate"


class GraphicsType(StrEnum):
    SPICE = "spice"
    VNC = "vnc"


class HookContentType(StrEnum):
    BINARY = "binary"
    TEXT = "text"


class HookStage(StrEnum):
    POST = "post"
    PRE = "pre"


class HookStatus(StrEnum):
    DISABLED = "disabled"
    ENABLED = "enabled"
    MISSING = "missing"


class HostProtocol(StrEnum):
    STOMP = "stomp"
    XML = "xml"


class HostStatus(StrEnum):
    CONNECTING = "connecting"
    DOWN = "down"
    ERROR = "error"
    INITIALIZING = "initializing"
    INSTALL_FAILED = "install_failed"
    INSTALLING = "installing"
    INSTALLING_OS = "installing_os"
    KDUMPING = "kdumping"
    MAINTENANCE = "maintenance"
    NON_OPERATIONAL = "non_operational"
    NON_RESPONSIVE = "non_responsive"
    PENDING_APPROVAL = "pending_approval"
    PREPARING_FOR_MAINTENANCE = "preparing_for_maintenance"
    REBOOT = "reboot"
    UNASSIGNED = "unassigned"
    UP = "up"


class HostType(StrEnum):
    OVIRT_NODE = "ovirt_node"
    RHEL = "rhel"
    RHEV_H = "rhev_h"


class ImageFileType(StrEnum):
    DISK = "disk"
    FLOPPY = "floppy"
    ISO = "iso"


class ImageTransferDirection(StrEnum):
    DOWNLOAD = "download"
    UPLOAD = "upload"


class ImageTransferPhase(StrEnum):
    CANCELLED = "cancelled"
    CANCELLED_SYSTEM = "cancelled_system"
    CANCELLED_USER = "cancelled_user"
    FINALIZING_CLEANUP = "finalizing_cleanup"
    FINALIZING_FAILURE = "finalizing_failure"
    FINALIZING_SUCCESS = "finalizing_success"
    FINISHED_CLEANUP = "finished_cleanup"
    FINISHED_FAILURE = "finished_failure"
    FINISHED_SUCCESS = "finished_success"
    INITIALIZING = "initializing"
    PAUSED_SYSTEM = "paused_system"
    PAUSED_USER = "paused_user"
    RESUMING = "resuming"
    TRANSFERRING = "transferring"
    UNKNOWN = "unknown"


class ImageTransferTimeoutPolicy(StrEnum):
    CANCEL = "cancel"
    LEGACY = "legacy"
    PAUSE = "pause"


class InheritableBoolean(StrEnum):
    FALSE = "false"
    INHERIT = "inherit"
    TRUE = "true"


class IpVersion(StrEnum):
    V4 = "v4"
    V6 = "v6"


class JobStatus(StrEnum):
    ABORTED = "aborted"
    FAILED = "failed"
    FINISHED = "finished"
    STARTED = "started"
    UNKNOWN = "unknown"


class KdumpStatus(StrEnum):
    DISABLED = "disabled"
    ENABLED = "enabled"
    UNKNOWN = "unknown"


class LogMaxMemoryUsedThresholdType(StrEnum):
    ABSOLUTE_VALUE_IN_MB = "absolute_value_in_mb"
    PERCENTAGE = "percentage"


class LogSeverity(StrEnum):
    ALERT = "alert"
    ERROR = "error"
    NORMAL = "normal"
    WARNING = "warning"


class LunStatus(StrEnum):
    FREE = "free"
    UNUSABLE = "unusable"
    USED = "used"


class MessageBrokerType(StrEnum):
    QPID = "qpid"
    RABBIT_MQ = "rabbit_mq"


class MigrateOnError(StrEnum):
    DO_NOT_MIGRATE = "do_not_migrate"
    MIGRATE = "migrate"
    MIGRATE_HIGHLY_AVAILABLE = "migrate_highly_available"


class MigrationBandwidthAssignmentMethod(StrEnum):
    AUTO = "auto"
    CUSTOM = "custom"
    HYPERVISOR_DEFAULT = "hypervisor_default"


class NetworkPluginType(StrEnum):
    OPEN_VSWITCH = "open_vswitch"


class NetworkStatus(StrEnum):
    NON_OPERATIONAL = "non_operational"
    OPERATIONAL = "operational"


class NetworkUsage(StrEnum):
    DEFAULT_ROUTE = "default_route"
    DISPLAY = "display"
    GLUSTER = "gluster"
    MANAGEMENT = "management"
    MIGRATION = "migration"
    VM = "vm"


class NfsVersion(StrEnum):
    AUTO = "auto"
    V3 = "v3"
    V4 = "v4"
    V4_0 = "v4_0"
    V4_1 = "v4_1"
    V4_2 = "v4_2"


class NicInterface(StrEnum):
    E1000 = "e1000"
    E1000E = "e1000e"
    PCI_PASSTHROUGH = "pci_passthrough"
    RTL8139 = "rtl8139"
    RTL8139_VIRTIO = "rtl8139_virtio"
    SPAPR_VLAN = "spapr_vlan"
    VIRTIO = "virtio"


class NicStatus(StrEnum):
    DOWN = "down"
    UP = "up"


class NotifiableEvent(StrEnum):
    CLUSTER_ALERT_HA_RESERVATION = "cluster_alert_ha_reservation"
    CLUSTER_ALERT_HA_RESERVATION_DOWN = "cluster_alert_ha_reservation_down"
    DWH_ERROR = "dwh_error"
    DWH_STOPPED = "dwh_stopped"
    ENGINE_BACKUP_COMPLETED = "engine_backup_completed"
    ENGINE_BACKUP_FAILED = "engine_backup_failed"
    ENGINE_BACKUP_STARTED = "engine_backup_started"
    ENGINE_CA_CERTIFICATION_HAS_EXPIRED = "engine_ca_certification_has_expired"
    ENGINE_CA_CERTIFICATION_IS_ABOUT_TO_EXPIRE = "engine_ca_certification_is_about_to_expire"
    ENGINE_CERTIFICATION_HAS_EXPIRED = "engine_certification_has_expired"
    ENGINE_CERTIFICATION_IS_ABOUT_TO_EXPIRE = "engine_certification_is_about_to_expire"
    ENGINE_STOP = "engine_stop"
    FAULTY_MULTIPATHS_ON_HOST = "faulty_multipaths_on_host"
    GLUSTER_BRICK_STATUS_CHANGED = "gluster_brick_status_changed"
    GLUSTER_HOOK_ADD_FAILED = "gluster_hook_add_failed"
    GLUSTER_HOOK_ADDED = "gluster_hook_added"
    GLUSTER_HOOK_CONFLICT_DETECTED = "gluster_hook_conflict_detected"
    GLUSTER_HOOK_DETECTED_DELETE = "gluster_hook_detected_delete"
    GLUSTER_HOOK_DETECTED_NEW = "gluster_hook_detected_new"
    GLUSTER_HOOK_DISABLE = "gluster_hook_disable"
    GLUSTER_HOOK_DISABLE_FAILED = "gluster_hook_disable_failed"
    GLUSTER_HOOK_ENABLE = "gluster_hook_enable"
    GLUSTER_HOOK_ENABLE_FAILED = "gluster_hook_enable_failed"
    GLUSTER_HOOK_REMOVE_FAILED = "gluster_hook_remove_failed"
    GLUSTER_HOOK_REMOVED = "gluster_hook_removed"
    GLUSTER_SERVER_ADD_FAILED = "gluster_server_add_failed"
    GLUSTER_SERVER_REMOVE = "gluster_server_remove"
    GLUSTER_SERVER_REMOVE_FAILED = "gluster_server_remove_failed"
    GLUSTER_SERVICE_RESTART_FAILED = "gluster_service_restart_failed"
    GLUSTER_SERVICE_RESTARTED = "gluster_service_restarted"
    GLUSTER_SERVICE_START_FAILED = "gluster_service_start_failed"
    GLUSTER_SERVICE_STARTED = "gluster_service_started"
    GLUSTER_SERVICE_STOP_FAILED = "gluster_service_stop_failed"
    GLUSTER_SERVICE_STOPPED = "gluster_service_stopped"
    GLUSTER_VOLUME_ADD_BRICK = "gluster_volume_add_brick"
    GLUSTER_VOLUME_ADD_BRICK_FAILED = "gluster_volume_add_brick_failed"
    GLUSTER_VOLUME_ALL_SNAPSHOTS_DELETE_FAILED = "gluster_volume_all_snapshots_delete_failed"
    GLUSTER_VOLUME_ALL_SNAPSHOTS_DELETED = "gluster_volume_all_snapshots_deleted"
    GLUSTER_VOLUME_BRICK_REPLACED = "gluster_volume_brick_replaced"
    GLUSTER_VOLUME_CONFIRMED_SPACE_LOW = "gluster_volume_confirmed_space_low"
    GLUSTER_VOLUME_CREATE = "gluster_volume_create"
    GLUSTER_VOLUME_CREATE_FAILED = "gluster_volume_create_failed"
    GLUSTER_VOLUME_DELETE = "gluster_volume_delete"
    GLUSTER_VOLUME_DELETE_FAILED = "gluster_volume_delete_failed"
    GLUSTER_VOLUME_MIGRATE_BRICK_DATA_FINISHED = "gluster_volume_migrate_brick_data_finished"
    GLUSTER_VOLUME_OPTION_ADDED = "gluster_volume_option_added"
    GLUSTER_VOLUME_OPTION_MODIFIED = "gluster_volume_option_modified"
    GLUSTER_VOLUME_OPTION_SET_FAILED = "gluster_volume_option_set_failed"
    GLUSTER_VOLUME_OPTIONS_RESET = "gluster_volume_options_reset"
    GLUSTER_VOLUME_OPTIONS_RESET_ALL = "gluster_volume_options_reset_all"
    GLUSTER_VOLUME_OPTIONS_RESET_FAILED = "gluster_volume_options_reset_failed"
    GLUSTER_VOLUME_PROFILE_START = "gluster_volume_profile_start"
    GLUSTER_VOLUME_PROFILE_START_FAILED = "gluster_volume_profile_start_failed"
    GLUSTER_VOLUME_PROFILE_STOP = "gluster_volume_profile_stop"
    GLUSTER_VOLUME_PROFILE_STOP_FAILED = "gluster_volume_profile_stop_failed"
    GLUSTER_VOLUME_REBALANCE_FINISHED = "gluster_volume_rebalance_finished"
    GLUSTER_VOLUME_REBALANCE_NOT_FOUND_FROM_CLI = "gluster_volume_rebalance_not_found_from_cli"
    GLUSTER_VOLUME_REBALANCE_START = "gluster_volume_rebalance_start"
    GLUSTER_VOLUME_REBALANCE_START_DETECTED_FROM_CLI = "gluster_volume_rebalance_start_detected_from_cli"
    GLUSTER_VOLUME_REBALANCE_START_FAILED = "gluster_volume_rebalance_start_failed"
    GLUSTER_VOLUME_REBALANCE_STOP = "gluster_volume_rebalance_stop"
    GLUSTER_VOLUME_REBALANCE_STOP_FAILED = "gluster_volume_rebalance_stop_failed"
    GLUSTER_VOLUME_REMOVE_BRICKS = "gluster_volume_remove_bricks"
    GLUSTER_VOLUME_REMOVE_BRICKS_FAILED = "gluster_volume_remove_bricks_failed"
    GLUSTER_VOLUME_REMOVE_BRICKS_STOP = "gluster_volume_remove_bricks_stop"
    GLUSTER_VOLUME_REMOVE_BRICKS_STOP_FAILED = "gluster_volume_remove_bricks_stop_failed"
    GLUSTER_VOLUME_REPLACE_BRICK_FAILED = "gluster_volume_replace_brick_failed"
    GLUSTER_VOLUME_REPLACE_BRICK_START = "gluster_volume_replace_brick_start"
    GLUSTER_VOLUME_REPLACE_BRICK_START_FAILED = "gluster_volume_replace_brick_start_failed"
    GLUSTER_VOLUME_SNAPSHOT_ACTIVATE_FAILED = "gluster_volume_snapshot_activate_failed"
    GLUSTER_VOLUME_SNAPSHOT_ACTIVATED = "gluster_volume_snapshot_activated"
    GLUSTER_VOLUME_SNAPSHOT_CREATE_FAILED = "gluster_volume_snapshot_create_failed"
    GLUSTER_VOLUME_SNAPSHOT_CREATED = "gluster_volume_snapshot_created"
    GLUSTER_VOLUME_SNAPSHOT_DEACTIVATE_FAILED = "gluster_volume_snapshot_deactivate_failed"
    GLUSTER_VOLUME_SNAPSHOT_DEACTIVATED = "gluster_volume_snapshot_deactivated"
    GLUSTER_VOLUME_SNAPSHOT_DELETE_FAILED = "gluster_volume_snapshot_delete_failed"
    GLUSTER_VOLUME_SNAPSHOT_DELETED = "gluster_volume_snapshot_deleted"
    GLUSTER_VOLUME_SNAPSHOT_RESTORE_FAILED = "gluster_volume_snapshot_restore_failed"
    GLUSTER_VOLUME_SNAPSHOT_RESTORED = "gluster_volume_snapshot_restored"
    GLUSTER_VOLUME_START = "gluster_volume_start"
    GLUSTER_VOLUME_START_FAILED = "gluster_volume_start_failed"
    GLUSTER_VOLUME_STOP = "gluster_volume_stop"
    GLUSTER_VOLUME_STOP_FAILED = "gluster_volume_stop_failed"
    HA_VM_FAILED = "ha_vm_failed"
    HA_VM_RESTART_FAILED = "ha_vm_restart_failed"
    HOST_ACTIVATE_FAILED = "host_activate_failed"
    HOST_ACTIVATE_MANUAL_HA = "host_activate_manual_ha"
    HOST_APPROVE_FAILED = "host_approve_failed"
    HOST_BOND_SLAVE_STATE_DOWN = "host_bond_slave_state_down"
    HOST_CERTIFICATE_HAS_INVALID_SAN = "host_certificate_has_invalid_san"
    HOST_CERTIFICATION_HAS_EXPIRED = "host_certification_has_expired"
    HOST_CERTIFICATION_IS_ABOUT_TO_EXPIRE = "host_certification_is_about_to_expire"
    HOST_FAILURE = "host_failure"
    HOST_HIGH_CPU_USE = "host_high_cpu_use"
    HOST_HIGH_MEM_USE = "host_high_mem_use"
    HOST_HIGH_SWAP_USE = "host_high_swap_use"
    HOST_INITIATED_RUN_VM_FAILED = "host_initiated_run_vm_failed"
    HOST_INSTALL_FAILED = "host_install_failed"
    HOST_INTERFACE_HIGH_NETWORK_USE = "host_interface_high_network_use"
    HOST_INTERFACE_STATE_DOWN = "host_interface_state_down"
    HOST_LOW_MEM = "host_low_mem"
    HOST_LOW_SWAP = "host_low_swap"
    HOST_RECOVER_FAILED = "host_recover_failed"
    HOST_SET_NONOPERATIONAL = "host_set_nonoperational"
    HOST_SET_NONOPERATIONAL_DOMAIN = "host_set_nonoperational_domain"
    HOST_SET_NONOPERATIONAL_IFACE_DOWN = "host_set_nonoperational_iface_down"
    HOST_SLOW_STORAGE_RESPONSE_TIME = "host_slow_storage_response_time"
    HOST_TIME_DRIFT_ALERT = "host_time_drift_alert"
    HOST_UNTRUSTED = "host_untrusted"
    HOST_UPDATES_ARE_AVAILABLE = "host_updates_are_available"
    HOST_UPDATES_ARE_AVAILABLE_WITH_PACKAGES = "host_updates_are_available_with_packages"
    IMPORTEXPORT_IMPORT_TEMPLATE_FROM_TRUSTED_TO_UNTRUSTED = "importexport_import_template_from_trusted_to_untrusted"
    IMPORTEXPORT_IMPORT_TEMPLATE_FROM_UNTRUSTED_TO_TRUSTED = "importexport_import_template_from_untrusted_to_trusted"
    IMPORTEXPORT_IMPORT_VM_FROM_TRUSTED_TO_UNTRUSTED = "importexport_import_vm_from_trusted_to_untrusted"
    IMPORTEXPORT_IMPORT_VM_FROM_UNTRUSTED_TO_TRUSTED = "importexport_import_vm_from_untrusted_to_trusted"
    IRS_CONFIRMED_DISK_SPACE_LOW = "irs_confirmed_disk_space_low"
    IRS_DISK_SPACE_LOW = "irs_disk_space_low"
    IRS_DISK_SPACE_LOW_ERROR = "irs_disk_space_low_error"
    IRS_FAILURE = "irs_failure"
    MAC_ADDRESS_IS_EXTERNAL = "mac_address_is_external"
    MULTIPATH_DEVICES_WITHOUT_VALID_PATHS_ON_HOST = "multipath_devices_without_valid_paths_on_host"
    NETWORK_UPDATE_DISPLAY_FOR_CLUSTER_WITH_ACTIVE_VM = "network_update_display_for_cluster_with_active_vm"
    NETWORK_UPDATE_DISPLAY_FOR_HOST_WITH_ACTIVE_VM = "network_update_display_for_host_with_active_vm"
    NO_FAULTY_MULTIPATHS_ON_HOST = "no_faulty_multipaths_on_host"
    NUMBER_OF_LVS_ON_STORAGE_DOMAIN_EXCEEDED_THRESHOLD = "number_of_lvs_on_storage_domain_exceeded_threshold"
    REMOVE_GLUSTER_VOLUME_BRICKS_NOT_FOUND_FROM_CLI = "remove_gluster_volume_bricks_not_found_from_cli"
    START_REMOVING_GLUSTER_VOLUME_BRICKS = "start_removing_gluster_volume_bricks"
    START_REMOVING_GLUSTER_VOLUME_BRICKS_DETECTED_FROM_CLI = "start_removing_gluster_volume_bricks_detected_from_cli"
    START_REMOVING_GLUSTER_VOLUME_BRICKS_FAILED = "start_removing_gluster_volume_bricks_failed"
    SYSTEM_CHANGE_STORAGE_POOL_STATUS_NO_HOST_FOR_SPM = "system_change_storage_pool_status_no_host_for_spm"
    SYSTEM_DEACTIVATED_STORAGE_DOMAIN = "system_deactivated_storage_domain"
    USER_ADD_VM_FROM_TRUSTED_TO_UNTRUSTED = "user_add_vm_from_trusted_to_untrusted"
    USER_ADD_VM_FROM_UNTRUSTED_TO_TRUSTED = "user_add_vm_from_untrusted_to_trusted"
    USER_ADD_VM_TEMPLATE_FROM_TRUSTED_TO_UNTRUSTED = "user_add_vm_template_from_trusted_to_untrusted"
    USER_ADD_VM_TEMPLATE_FROM_UNTRUSTED_TO_TRUSTED = "user_add_vm_template_from_untrusted_to_trusted"
    USER_HOST_MAINTENANCE = "user_host_maintenance"
    USER_HOST_MAINTENANCE_MANUAL_HA = "user_host_maintenance_manual_ha"
    USER_HOST_MAINTENANCE_MIGRATION_FAILED = "user_host_maintenance_migration_failed"
    USER_UPDATE_VM_FROM_TRUSTED_TO_UNTRUSTED = "user_update_vm_from_trusted_to_untrusted"
    USER_UPDATE_VM_FROM_UNTRUSTED_TO_TRUSTED = "user_update_vm_from_untrusted_to_trusted"
    USER_UPDATE_VM_TEMPLATE_FROM_TRUSTED_TO_UNTRUSTED = "user_update_vm_template_from_trusted_to_untrusted"
    USER_UPDATE_VM_TEMPLATE_FROM_UNTRUSTED_TO_TRUSTED = "user_update_vm_template_from_untrusted_to_trusted"
    VM_CONSOLE_CONNECTED = "vm_console_connected"
    VM_CONSOLE_DISCONNECTED = "vm_console_disconnected"
    VM_DOWN_ERROR = "vm_down_error"
    VM_FAILURE = "vm_failure"
    VM_MIGRATION_FAILED = "vm_migration_failed"
    VM_MIGRATION_START = "vm_migration_start"
    VM_MIGRATION_TO_SERVER_FAILED = "vm_migration_to_server_failed"
    VM_NOT_RESPONDING = "vm_not_responding"
    VM_PAUSED = "vm_paused"
    VM_PAUSED_EIO = "vm_paused_eio"
    VM_PAUSED_ENOSPC = "vm_paused_enospc"
    VM_PAUSED_EPERM = "vm_paused_eperm"
    VM_PAUSED_ERROR = "vm_paused_error"
    VM_RECOVERED_FROM_PAUSE_ERROR = "vm_recovered_from_pause_error"
    VM_SET_TICKET = "vm_set_ticket"
    VM_STATUS_RESTORED = "vm_status_restored"


class NotificationMethod(StrEnum):
    SMTP = "smtp"
    SNMP = "snmp"


class NumaTuneMode(StrEnum):
    INTERLEAVE = "interleave"
    PREFERRED = "preferred"
    STRICT = "strict"


class OpenStackNetworkProviderType(StrEnum):
    EXTERNAL = "external"
    NEUTRON = "neutron"


class OpenstackVolumeAuthenticationKeyUsageType(StrEnum):
    CEPH = "ceph"


class OsType(StrEnum):
    OTHER = "other"
    OTHER_LINUX = "other_linux"
    RHEL_3 = "rhel_3"
    RHEL_3X64 = "rhel_3x64"
    RHEL_4 = "rhel_4"
    RHEL_4X64 = "rhel_4x64"
    RHEL_5 = "rhel_5"
    RHEL_5X64 = "rhel_5x64"
    RHEL_6 = "rhel_6"
    RHEL_6X64 = "rhel_6x64"
    UNASSIGNED = "unassigned"
    WINDOWS_2003 = "windows_2003"
    WINDOWS_2003X64 = "windows_2003x64"
    WINDOWS_2008 = "windows_2008"
    WINDOWS_2008R2X64 = "windows_2008r2x64"
    WINDOWS_2008X64 = "windows_2008x64"
    WINDOWS_2012X64 = "windows_2012x64"
    WINDOWS_7 = "windows_7"
    WINDOWS_7X64 = "windows_7x64"
    WINDOWS_8 = "windows_8"
    WINDOWS_8X64 = "windows_8x64"
    WINDOWS_XP = "windows_xp"


class ParallelMigrationsPolicy(StrEnum):
    AUTO = "auto"
    AUTO_PARALLEL = "auto_parallel"
    CUSTOM = "custom"
    DISABLED = "disabled"
    INHERIT = "inherit"


class PayloadEncoding(StrEnum):
    BASE64 = "base64"
    PLAINTEXT = "plaintext"


class PmProxyType(StrEnum):
    CLUSTER = "cluster"
    DC = "dc"
    OTHER_DC = "other_dc"


class PolicyUnitType(StrEnum):
    FILTER = "filter"
    LOAD_BALANCING = "load_balancing"
    WEIGHT = "weight"


class PowerManagementStatus(StrEnum):
    OFF = "off"
    ON = "on"
    UNKNOWN = "unknown"


class QcowVersion(StrEnum):
    QCOW2_V2 = "qcow2_v2"
    QCOW2_V3 = "qcow2_v3"


class QosType(StrEnum):
    CPU = "cpu"
    HOSTNETWORK = "hostnetwork"
    NETWORK = "network"
    STORAGE = "storage"


class QuotaModeType(StrEnum):
    AUDIT = "audit"
    DISABLED = "disabled"
    ENABLED = "enabled"


class ReportedDeviceType(StrEnum):
    NETWORK = "network"


class ResolutionType(StrEnum):
    ADD = "add"
    COPY = "copy"


class RngSource(StrEnum):
    HWRNG = "hwrng"
    RANDOM = "random"
    URANDOM = "urandom"


class RoleType(StrEnum):
    ADMIN = "admin"
    USER = "user"


class ScsiGenericIO(StrEnum):
    DISABLED = "disabled"
    FILTERED = "filtered"
    UNFILTERED = "unfiltered"


class SeLinuxMode(StrEnum):
    DISABLED = "disabled"
    ENFORCING = "enforcing"
    PERMISSIVE = "permissive"


class SerialNumberPolicy(StrEnum):
    CUSTOM = "custom"
    HOST = "host"
    NONE = "none"
    VM = "vm"


class SnapshotStatus(StrEnum):
    IN_PREVIEW = "in_preview"
    LOCKED = "locked"
    OK = "ok"


class SnapshotType(StrEnum):
    ACTIVE = "active"
    PREVIEW = "preview"
    REGULAR = "regular"
    STATELESS = "stateless"


class SpmStatus(StrEnum):
    CONTENDING = "contending"
    NONE = "none"
    SPM = "spm"


class SshAuthenticationMethod(StrEnum):
    PASSWORD = "password"
    PUBLICKEY = "publickey"


class SsoMethod(StrEnum):
    GUEST_AGENT = "guest_agent"


class StatisticKind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"


class StatisticUnit(StrEnum):
    BITS_PER_SECOND = "bits_per_second"
    BYTES = "bytes"
    BYTES_PER_SECOND = "bytes_per_second"
    COUNT_PER_SECOND = "count_per_second"
    NONE = "none"
    PERCENT = "percent"
    SECONDS = "seconds"


class StepEnum(StrEnum):
    EXECUTING = "executing"
    FINALIZING = "finalizing"
    REBALANCING_VOLUME = "rebalancing_volume"
    REMOVING_BRICKS = "removing_bricks"
    UNKNOWN = "unknown"
    VALIDATING = "validating"


class StepStatus(StrEnum):
    ABORTED = "aborted"
    FAILED = "failed"
    FINISHED = "finished"
    STARTED = "started"
    UNKNOWN = "unknown"


class StorageDomainStatus(StrEnum):
    ACTIVATING = "activating"
    ACTIVE = "active"
    DETACHING = "detaching"
    INACTIVE = "inactive"
    LOCKED = "locked"
    MAINTENANCE = "maintenance"
    MIXED = "mixed"
    PREPARING_FOR_MAINTENANCE = "preparing_for_maintenance"
    UNATTACHED = "unattached"
    UNKNOWN = "unknown"


class StorageDomainType(StrEnum):
    DATA = "data"
    EXPORT = "export"
    IMAGE = "image"
    ISO = "iso"
    MANAGED_BLOCK_STORAGE = "managed_block_storage"
    VOLUME = "volume"


class StorageFormat(StrEnum):
    V1 = "v1"
    V2 = "v2"
    V3 = "v3"
    V4 = "v4"
    V5 = "v5"


class StorageType(StrEnum):
    CINDER = "cinder"
    FCP = "fcp"
    GLANCE = "glance"
    GLUSTERFS = "glusterfs"
    ISCSI = "iscsi"
    LOCALFS = "localfs"
    MANAGED_BLOCK_STORAGE = "managed_block_storage"
    NFS = "nfs"
    POSIXFS = "posixfs"


class SwitchType(StrEnum):
    LEGACY = "legacy"
    OVS = "ovs"


class TemplateStatus(StrEnum):
    ILLEGAL = "illegal"
    LOCKED = "locked"
    OK = "ok"


class TpmSupport(StrEnum):
    REQUIRED = "required"
    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"


class TransportType(StrEnum):
    RDMA = "rdma"
    TCP = "tcp"


class UsbType(StrEnum):
    LEGACY = "legacy"
    NATIVE = "native"


class ValueType(StrEnum):
    DECIMAL = "decimal"
    INTEGER = "integer"
    STRING = "string"


class VgpuPlacement(StrEnum):
    CONSOLIDATED = "consolidated"
    SEPARATED = "separated"


class VideoType(StrEnum):
    BOCHS = "bochs"
    CIRRUS = "cirrus"
    QXL = "qxl"
    VGA = "vga"


class VmAffinity(StrEnum):
    MIGRATABLE = "migratable"
    PINNED = "pinned"
    USER_MIGRATABLE = "user_migratable"


class VmDeviceType(StrEnum):
    CDROM = "cdrom"
    FLOPPY = "floppy"


class VmPoolType(StrEnum):
    AUTOMATIC = "automatic"
    MANUAL = "manual"


class VmStatus(StrEnum):
    DOWN = "down"
    IMAGE_LOCKED = "image_locked"
    MIGRATING = "migrating"
    NOT_RESPONDING = "not_responding"
    PAUSED = "paused"
    POWERING_DOWN = "powering_down"
    POWERING_UP = "powering_up"
    REBOOT_IN_PROGRESS = "reboot_in_progress"
    RESTORING_STATE = "restoring_state"
    SAVING_STATE = "saving_state"
    SUSPENDED = "suspended"
    UNASSIGNED = "unassigned"
    UNKNOWN = "unknown"
    UP = "up"
    WAIT_FOR_LAUNCH = "wait_for_launch"


class VmStorageErrorResumeBehaviour(StrEnum):
    AUTO_RESUME = "auto_resume"
    KILL = "kill"
    LEAVE_PAUSED = "leave_paused"


class VmType(StrEnum):
    DESKTOP = "desktop"
    HIGH_PERFORMANCE = "high_performance"
    SERVER = "server"


class VnicPassThroughMode(StrEnum):
    DISABLED = "disabled"
    ENABLED = "enabled"


class WatchdogAction(StrEnum):
    DUMP = "dump"
    NONE = "none"
    PAUSE = "pause"
    POWEROFF = "poweroff"
    RESET = "reset"


class WatchdogModel(StrEnum):
    DIAG288 = "diag288"
    I6300ESB = "i6300esb"
