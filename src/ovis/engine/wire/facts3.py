"""Where dialect 3 differs from 4, as data: names, attributes, statuses, lists, what is hidden, 64-bit numbers.

Does: answer by v4 type and attribute. Does not: write or read; see `dialect3`, `shims3` and `upgrade3`.
Follows: rules of the v3 server of engine 4.x; held against tests/data/wire/v3.json.
"""

from collections.abc import Mapping
from functools import cache

from ovis.engine.declare.shape import Attribute, names_of
from ovis.engine.model import types as model

# v4 attribute names that are XML attributes in v3, by type (JSON keys are the same).
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "Agent": frozenset({"type"}),
    "Console": frozenset({"enabled"}),
    "Core": frozenset({"index", "socket"}),
    "Cpu": frozenset({"type"}),
    "CpuTopology": frozenset({"sockets", "cores", "threads"}),
    "CustomProperty": frozenset({"name", "value", "regexp"}),
    "Ip": frozenset({"address", "netmask", "gateway", "version"}),
    "Mac": frozenset({"address"}),
    "MemoryOverCommit": frozenset({"percent"}),
    "NumaNodePin": frozenset({"pinned", "index"}),
    "OperatingSystem": frozenset({"type"}),
    "Option": frozenset({"name", "value", "type"}),
    "Payload": frozenset({"type"}),
    "PowerManagement": frozenset({"type"}),
    "Qos": frozenset({"type"}),
    "SchedulingPolicyUnit": frozenset({"type"}),
    "VcpuPin": frozenset({"vcpu", "cpu_set"}),
    "Version": frozenset({"major", "minor", "build", "revision", "full_version"}),
    "VirtioScsi": frozenset({"enabled"}),
}
# Properties of v3's type Status: <P><state>X</state><detail>..</detail></P>.
STATUS: Mapping[str, frozenset[str]] = {
    "Host": frozenset({"status", "external_status"}),
    "StorageDomain": frozenset({"status", "external_status"}),
    **{
        name: frozenset({"status"})
        for name in (
            "Action DataCenter Disk DiskSnapshot GlusterBrick GlusterHook GlusterServerHook GlusterVolume HostNic "
            "InstanceType Job Network PowerManagement Snapshot Spm Step Template Vm"
        ).split()
    },
}
UPPER_STATUS = frozenset({"Job", "Step"})
RENAMES: Mapping[tuple[str, str], str] = {
    ("Vm", "vm_pool"): "vmpool",
    ("Permission", "vm_pool"): "vmpool",
    ("Host", "se_linux"): "selinux",
    ("MemoryPolicy", "over_commit"): "overcommit",
    ("Cpu", "type"): "id",
    ("Network", "network_labels"): "labels",
    ("HostNic", "network_labels"): "labels",
    ("Statistic", "kind"): "type",
}
ITEMS: Mapping[tuple[str, str], str] = {
    ("Cluster", "required_rng_sources"): "source",
    ("HardwareInformation", "supported_rng_sources"): "source",
    ("Action", "modified_labels"): "label",
    ("Action", "removed_labels"): "label",
    ("Network", "network_labels"): "label",
    ("HostNic", "network_labels"): "label",
}
UNWRAPPED = frozenset(
    {
        ("CpuTune", "vcpu_pins"),
        ("HostStorage", "logical_units"),
        ("VolumeGroup", "logical_units"),
        ("Action", "iscsi_targets"),
        ("EntityProfileDetail", "profile_details"),
        ("ProfileDetail", "statistics"),
        ("ProfileDetail", "block_statistics"),
        ("ProfileDetail", "fop_statistics"),
        ("BlockStatistic", "statistics"),
        ("FopStatistic", "statistics"),
    }
)
# v4 attributes that v3 never shows, by the type that declares them or a base of it.
_HIDDEN: Mapping[str, str] = {
    "Action": (
        "activate allow_partial_import attach_wgt attachment authorized_key auto_pinning_policy "
        "clone_permissions collapse_snapshots commit_on_success connection correlation_id data_center "
        "deploy_hosted_engine details directory discovered_targets disk_profile filename filter follow "
        "image_transfer lease maintenance_after_restart migrate_vms_in_affinity_closure optimize_cpu_settings "
        "permission quota reassign_bad_macs reboot registration_configuration remote_viewer_connection_file "
        "seal source_host stop_gluster_service timeout undeploy_hosted_engine upgrade_action "
        "upgrade_percent_complete use_ignition use_initialization vnic_profile_mappings volatile"
    ),
    "AffinityGroup": "broken host_labels hosts hosts_rule priority vm_labels vms_rule",
    "Api": "authenticated_user effective_user engine_backup",
    "Bios": "type",
    "Bonding": "active_slave ad_partner_mac",
    "Cluster": (
        "bios_type custom_scheduling_policy_properties enabled_features external_network_providers fips_mode "
        "firewall_type gluster_tuned_profile log_max_memory_used_threshold log_max_memory_used_threshold_type "
        "mac_pool network_filters switch_type upgrade_correlation_id upgrade_in_progress "
        "upgrade_percent_complete vnc_encryption"
    ),
    "Disk": "backup backup_mode content_type disk_snapshots external_disk initial_size qcow_version total_size",
    "DiskSnapshot": "parent",
    "Display": "disconnect_action_delay video_type",
    "Event": "index log_on_host",
    "FencingPolicy": "skip_if_gluster_bricks_up skip_if_gluster_quorum_not_met",
    "GlusterMemoryPool": "type",
    "Host": (
        "affinity_labels cpu_units external_network_provider_configurations network_operation_in_progress "
        "ovn_configured reinstallation_required vgpu_placement status_detail"
    ),
    "HostDevice": "driver m_dev_types",
    "HostNic": "ad_aggregator_id ipv6 ipv6_boot_protocol",
    "HostStorage": "driver_options driver_sensitive_options",
    "Image": "size type",
    "Initialization": "cloud_init_network_protocol",
    "LogicalUnit": "active_paths discard_max_size discard_zeroes_data",
    "MacPool": "permissions",
    "MemoryPolicy": "max",
    "MigrationOptions": "bandwidth custom_parallel_migrations encrypted parallel_migrations_policy policy",
    "Network": (
        "dns_resolver_configuration external_provider external_provider_physical_network port_isolation vdsm_name"
    ),
    "NetworkAttachment": "dns_resolver_configuration",
    "Nic": (
        "network_attachments network_filter_parameters network_labels synced virtual_function_allowed_labels "
        "virtual_function_allowed_networks"
    ),
    "NicConfiguration": "ipv6 ipv6_boot_protocol",
    "OpenStackNetworkProvider": (
        "auto_sync external_plugin_type project_domain_name project_name read_only subnets type unmanaged "
        "user_domain_name"
    ),
    "OperatingSystem": "custom_kernel_cmdline reported_kernel_cmdline",
    "OperatingSystemInfo": "architecture tpm_support",
    "ProductInfo": "instance_id",
    "Ssh": "public_key",
    "Step": "execution_host progress",
    "StorageConnection": "gluster_volume",
    "StorageDomain": "backup block_size discard_after_delete supports_discard supports_discard_zeroes_data",
    "Template": "disk_attachments mediated_devices",
    "User": "options user_options",
    "VirtualNumaNode": "numa_tune_mode",
    "Vm": "affinity_labels dynamic_cpu has_illegal_images mediated_devices original_template fqdn status_detail",
    "VmBase": (
        "auto_pinning_policy cpu_pinning_policy custom_compatibility_version lease multi_queues_enabled "
        "storage_error_resume_behaviour tpm_enabled virtio_scsi_multi_queues virtio_scsi_multi_queues_enabled"
    ),
    "VmPool": "auto_storage_select instance_type stateful tpm_enabled",
    "VnicProfile": "failover migratable network_filter",
    "Statistic": "type",
}
# Hidden by name above, yet seen in v3 in another shape.
SHOWN_BY_SHIM = frozenset({("Template", "disk_attachments")})
_LONG: Mapping[str, frozenset[str]] = {
    "Disk": frozenset({"actual_size", "provisioned_size"}),
    "DiskSnapshot": frozenset({"actual_size", "provisioned_size", "size"}),
    "GlusterClient": frozenset({"bytes_read", "bytes_written"}),
    "GracePeriod": frozenset({"expiry"}),
    "Host": frozenset({"max_scheduling_memory", "memory"}),
    "HostNic": frozenset({"speed"}),
    "IscsiDetails": frozenset({"size"}),
    "LogicalUnit": frozenset({"size"}),
    "MemoryPolicy": frozenset({"guaranteed"}),
    "NumaNode": frozenset({"memory"}),
    "QuotaStorageLimit": frozenset({"limit"}),
    "StorageDomain": frozenset({"available", "committed", "used"}),
    "VirtualNumaNode": frozenset({"memory"}),
    "VmBase": frozenset({"memory"}),
}
ROOTS: Mapping[str, tuple[str, str]] = {
    "ApiSummary": ("summary", "summaries"),
    "GlusterBrickAdvancedDetails": ("brick_details", "brick_details"),
    "GlusterVolumeProfileDetails": ("volume_profile_details", "volume_profile_details"),
    "HostDevicePassthrough": ("device_passthrough", "device_passthroughs"),
    "HostStorage": ("storage", "host_storage"),
    "NetworkLabel": ("label", "labels"),
    "OpenStackProvider": ("openstack_provider", "openstack_providers"),
    "OpenStackVolumeType": ("openstack_volume_type", "openstack_volume_types"),
    "OperatingSystemInfo": ("operating_system", "operating_systems"),
    "QuotaClusterLimit": ("cluster_quota_limit", "cluster_quota_limits"),
    "QuotaStorageLimit": ("storage_quota_limit", "storage_quota_limits"),
    "SeLinux": ("selinux", "selinuxs"),
    "VmPool": ("vmpool", "vmpools"),
}
# Segments of paths that v3 spells otherwise.
_SEGMENTS: Mapping[str, str] = {"diskattachments": "disks", "networklabels": "labels", "glusterbricks": "bricks"}


def names3(type_: type) -> tuple[str, str]:
    """Element names of one object and of a list in v3."""
    found = names_of(type_)
    return ROOTS.get(type_.__name__, (found.one, found.many))


def item3(type_name: str, row: Attribute) -> str:
    """The element of a list's members in v3."""
    known = ITEMS.get((type_name, row.name))
    if known is not None:
        return known
    if row.kind == "struct" and row.type.__name__ in ROOTS and row.item == names_of(row.type).one:
        return ROOTS[row.type.__name__][0]
    return row.item


@cache
def _lineage(type_name: str) -> tuple[str, ...]:
    """A type's name and those of its bases."""
    found = getattr(model, type_name, None)
    return tuple(t.__name__ for t in found.__mro__) if found is not None else (type_name,)


@cache
def hidden(type_name: str, attribute: str) -> bool:
    """Whether v3 never shows this attribute."""
    if (type_name, attribute) in SHOWN_BY_SHIM:
        return False
    return any(attribute in _HIDDEN.get(name, "").split() for name in _lineage(type_name))


@cache
def renamed(type_name: str, attribute: str) -> str | None:
    """The name of an attribute in v3 where it differs."""
    return next((RENAMES[(n, attribute)] for n in _lineage(type_name) if (n, attribute) in RENAMES), None)


@cache
def unwrapped(type_name: str, attribute: str) -> bool:
    """Whether the members of this list stand without a wrapper."""
    return any((name, attribute) in UNWRAPPED for name in _lineage(type_name))


@cache
def is_long(type_name: str, attribute: str) -> bool:
    """Whether v3 has 64 bits here: JSON shows such numbers as numbers, others as strings."""
    return any(attribute in _LONG.get(name, ()) for name in _lineage(type_name))


def href3(path: str) -> str:
    """A v4 path in v3's spelling."""
    return "/".join(_SEGMENTS.get(part, part) for part in path.split("/"))
