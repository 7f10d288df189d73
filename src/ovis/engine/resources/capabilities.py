"""What an engine can do, as 3.x clients ask it: /capabilities, one entry for each cluster level. Only in v3.

Does: list levels with their CPU types, permits, custom properties and the legal values of everything; the values are
those of the model's enumerations. Does not: exist in v4, where cluster levels took its place.
Follows: API facts, section 7; element names of the 3.6 schema.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any

import msgspec

from ovis.engine.declare.call import Call
from ovis.engine.declare.permits import Permit as PermitName
from ovis.engine.declare.resource import PUBLIC, Op, Resource
from ovis.engine.declare.shape import XML_ATTRIBUTE, Many, Names
from ovis.engine.model import enums
from ovis.engine.model.types import Cpu, CustomProperty, Permit, PowerManagement
from ovis.engine.resources.cpu_catalog import CPU_MODELS
from ovis.engine.resources.custom_properties import settings as custom_properties
from ovis.engine.resources.levels import LATEST, LEVELS
from ovis.engine.resources.os_catalog import SYSTEMS
from ovis.engine.store.session import Reader


def _of(kind: type[Enum]) -> tuple[str, ...]:
    return tuple(str(member.value) for member in kind)


# element: (the element of one value, the legal values)
LISTS: Mapping[str, tuple[str, Sequence[str]]] = {
    "fence_types": ("fence_type", _of(enums.FenceType)),
    "storage_types": ("storage_type", _of(enums.StorageType)),
    "configuration_types": ("configuration_type", _of(enums.ConfigurationType)),
    "storage_domain_types": ("storage_domain_type", _of(enums.StorageDomainType)),
    "vm_types": ("vm_type", _of(enums.VmType)),
    "boot_devices": ("boot_device", _of(enums.BootDevice)),
    "display_types": ("display_type", _of(enums.DisplayType)),
    "nic_interfaces": ("nic_interface", _of(enums.NicInterface)),
    "os_types": ("os_type", tuple(system.name for system in SYSTEMS)),
    "disk_formats": ("disk_format", _of(enums.DiskFormat)),
    "graphics_types": ("graphics_types", _of(enums.GraphicsType)),
    "disk_storage_types": ("disk_storage_type", _of(enums.DiskStorageType)),
    "disk_interfaces": ("disk_interface", _of(enums.DiskInterface)),
    "vm_affinities": ("affinity", _of(enums.VmAffinity)),
    "boot_protocols": ("boot_protocol", _of(enums.BootProtocol)),
    "error_handling": ("on_error", _of(enums.MigrateOnError)),
    "storage_formats": ("format", _of(enums.StorageFormat)),
    "creation_states": ("creation_state", _of(enums.CreationStatus)),
    "power_management_states": ("power_management_state", _of(enums.PowerManagementStatus)),
    "host_states": ("host_state", _of(enums.HostStatus)),
    "external_statuses": ("external_status", _of(enums.ExternalStatus)),
    "host_protocols": ("host_protocol", _of(enums.HostProtocol)),
    "network_states": ("network_state", _of(enums.NetworkStatus)),
    "storage_domain_states": ("storage_domain_state", _of(enums.StorageDomainStatus)),
    "template_states": ("template_state", _of(enums.TemplateStatus)),
    "vm_states": ("vm_state", _of(enums.VmStatus)),
    "vm_pause_details": ("vm_pause_detail", ("none", "eother", "eio", "enospc", "eperm", "noerr")),
    "disk_states": ("disk_state", _of(enums.DiskStatus)),
    "host_nic_states": ("host_nic_state", _of(enums.NicStatus)),
    "data_center_states": ("data_center_state", _of(enums.DataCenterStatus)),
    "vm_device_types": ("vm_device_types", _of(enums.VmDeviceType)),
    "usages": ("usage", _of(enums.NetworkUsage)),
    "nfs_versions": ("nfs_version", _of(enums.NfsVersion)),
    "pm_proxy_types": ("type", _of(enums.PmProxyType)),
    "cpu_modes": ("cpu_mode", _of(enums.CpuMode)),
    "sgio_options": ("sgio_options", _of(enums.ScsiGenericIO)),
    "watchdog_models": ("model", _of(enums.WatchdogModel)),
    "watchdog_actions": ("action", _of(enums.WatchdogAction)),
    "authentication_methods": ("authentication_method", _of(enums.SshAuthenticationMethod)),
    "kdump_states": ("kdump_status", _of(enums.KdumpStatus)),
    "spm_states": ("spm_state", _of(enums.SpmStatus)),
    "vm_pool_types": ("vm_pool_type", _of(enums.VmPoolType)),
    "step_types": ("step_type", _of(enums.StepEnum)),
    "payload_encodings": ("payload_encodings", _of(enums.PayloadEncoding)),
    "ip_versions": ("ip_version", _of(enums.IpVersion)),
    "snapshot_statuses": ("snapshot_status", _of(enums.SnapshotStatus)),
    "reported_device_types": ("reported_device_type", _of(enums.ReportedDeviceType)),
    "stages": ("stage", _of(enums.HookStage)),
    "hook_states": ("hook_state", _of(enums.HookStatus)),
    "content_types": ("content_type", _of(enums.HookContentType)),
    "sso_methods": ("sso_method", _of(enums.SsoMethod)),
    "serial_number_policies": ("serial_number_policy", _of(enums.SerialNumberPolicy)),
    "selinux_modes": ("selinux_mode", _of(enums.SeLinuxMode)),
    "rng_sources": ("source", _of(enums.RngSource)),
    "scheduling_policy_unit_types": ("scheduling_policy_unit_type", _of(enums.PolicyUnitType)),
    "qos_types": ("qos_type", _of(enums.QosType)),
    "inheritable_booleans": ("inheritable_boolean", _of(enums.InheritableBoolean)),
    "display_disconnect_actions": (
        "display_disconnect_action",
        ("NONE", "LOCK_SCREEN", "LOGOUT", "SHUTDOWN", "REBOOT"),
    ),
    "quota_mode_types": ("quota_mode_type", _of(enums.QuotaModeType)),
}
FENCE_AGENTS = tuple(
    "amt_ws apc apc_snmp bladecenter cisco_ucs drac5 drac7 eps hpblade ilo ilo2 ilo3 ilo4 ilo_ssh ipmilan redfish rsa "
    "rsb wti".split()
)
# What holds at one cluster level.
VersionCaps: Any = msgspec.defstruct(
    "VersionCaps",
    [
        ("id", str, ""),
        ("href", str | None, None),
        ("major", Annotated[int | None, XML_ATTRIBUTE], None),
        ("minor", Annotated[int | None, XML_ATTRIBUTE], None),
        ("current", bool | None, None),
        ("cpus", Annotated[list[Cpu] | None, Many(item="cpu")], None),
        ("power_managers", Annotated[list[PowerManagement] | None, Many(item="power_management")], None),
        *((element, Annotated[list[str] | None, Many(item=item)], None) for element, (item, _) in LISTS.items()),
        ("custom_properties", list[CustomProperty] | None, None),
        ("permits", Annotated[list[Permit] | None, Many(item="permit")], None),
    ],
    namespace={"names": Names("version", "capabilities")},
    kw_only=True,
    frozen=True,
    omit_defaults=True,
)


def _cpus(label: str) -> Iterable[Cpu]:
    for model in CPU_MODELS:
        if label in model.levels:
            architecture = enums.Architecture(model.architecture)
            yield Cpu(type=model.name, level=model.levels[label], architecture=architecture)


def _caps(rd: Reader, level: tuple[int, int]) -> Any:
    label = f"{level[0]}.{level[1]}"
    return VersionCaps(
        id=label,
        major=level[0],
        minor=level[1],
        current=level == LATEST,
        cpus=list(_cpus(label)),
        power_managers=[PowerManagement(type=agent) for agent in FENCE_AGENTS],
        custom_properties=[
            CustomProperty(name=name, regexp=pattern or ".*")
            for name, pattern in custom_properties.of_vms(rd, level).items()
        ],
        permits=[Permit(id=str(p.id), name=p.rest_name, administrative=p.administrative) for p in PermitName],
        **{element: list(legal) for element, (_, legal) in LISTS.items()},
    )


def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Any]]:
    """Every level."""
    return {"": [_caps(rd, level) for level in LEVELS]}


RESOURCE = Resource(
    type=VersionCaps,
    collection="capabilities",
    in_v4=False,
    list=Op(run=listed, needs=PUBLIC),
    get=Op(needs=PUBLIC),
)
