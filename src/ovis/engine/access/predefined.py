"""The predefined roles: names, ids, permits. They can be neither changed nor removed.

Follows: roles and first permissions of engine 4.5.
"""

from typing import NamedTuple


class Predefined(NamedTuple):
    """One shipped role; `permits` are REST names. view_children: held on a parent, it shows what lies below.

    That is a mark of the role: it does not follow from its permits (as it does for roles that users make).
    """

    name: str
    id: str
    administrative: bool
    view_children: bool
    permits: tuple[str, ...]


ROLES: tuple[Predefined, ...] = (
    Predefined(
        "AuditLogManager",
        "def00011-0000-0000-0000-def000000016",
        True,
        False,
        tuple("""audit_log_management login""".split()),
    ),
    Predefined(
        "BookmarkManager",
        "def00011-0000-0000-0000-def000000014",
        True,
        False,
        tuple("""audit_log_management bookmark_management login""".split()),
    ),
    Predefined(
        "ClusterAdmin",
        "def00001-0000-0000-0000-def000000001",
        True,
        True,
        tuple(
            """add_users_and_groups_from_directory assign_cpu_profile attach_disk attach_disk_profile audit_log_management backup_disk bookmark_management change_vm_cd change_vm_custom_properties configure_cluster_network configure_disk_storage configure_host_network configure_mac_pool configure_vm_network configure_vm_storage connect_to_vm create_cluster create_cpu_profile create_disk create_host create_vm create_vm_pool delete_cluster delete_cpu_profile delete_disk delete_host delete_vm delete_vm_pool disk_live_storage_migration edit_admin_vm_properties edit_cluster_configuration edit_disk_properties edit_host_configuration edit_vm_pool_configuration edit_vm_properties event_notification_management hibernate_vm import_export_vm login manipulate_affinity_groups manipulate_host manipulate_permissions manipulate_vm_snapshots migrate_vm move_vm reboot_vm reduce_disk reset_vm run_vm shut_down_vm sparsify_disk stop_vm tag_management update_cpu_profile vm_pool_basic_operations""".split()
        ),
    ),
    Predefined(
        "CpuProfileCreator",
        "def00016-0000-0000-0000-def000000016",
        True,
        False,
        tuple("""assign_cpu_profile create_cpu_profile delete_cpu_profile update_cpu_profile""".split()),
    ),
    Predefined(
        "CpuProfileOperator",
        "def00017-0000-0000-0000-def000000017",
        False,
        False,
        tuple("""assign_cpu_profile""".split()),
    ),
    Predefined(
        "DataCenterAdmin",
        "def00002-0000-0000-0000-def000000002",
        True,
        True,
        tuple(
            """add_users_and_groups_from_directory assign_cluster_network assign_cpu_profile attach_disk attach_disk_profile audit_log_management backup_disk bookmark_management change_vm_cd change_vm_custom_properties configure_cluster_network configure_disk_storage configure_host_network configure_mac_pool configure_network_vnic_profile configure_quota configure_scsi_generic_io configure_storage_pool_network configure_template_network configure_vm_network configure_vm_storage connect_to_vm consume_quota copy_template create_cluster create_cpu_profile create_disk create_host create_network_vnic_profile create_storage_pool create_storage_pool_network create_template create_vm create_vm_pool delete_cluster delete_cpu_profile delete_disk delete_host delete_network_vnic_profile delete_storage_pool delete_storage_pool_network delete_template delete_vm delete_vm_pool disk_live_storage_migration edit_admin_template_properties edit_admin_vm_properties edit_cluster_configuration edit_disk_properties edit_host_configuration edit_storage_pool_configuration edit_template_properties edit_vm_pool_configuration edit_vm_properties event_notification_management hibernate_vm import_export_vm login manipulate_affinity_groups manipulate_host manipulate_permissions manipulate_vm_snapshots migrate_vm move_vm reboot_vm reduce_disk reset_vm run_vm shut_down_vm sparsify_disk stop_vm tag_management update_cpu_profile vm_pool_basic_operations""".split()
        ),
    ),
    Predefined(
        "DiskCreator",
        "def0000a-0000-0000-0000-def00000000c",
        False,
        False,
        tuple("""create_disk login""".split()),
    ),
    Predefined(
        "DiskOperator",
        "def0000a-0000-0000-0000-def00000000b",
        False,
        True,
        tuple(
            """add_users_and_groups_from_directory attach_disk backup_disk create_disk delete_disk edit_disk_properties login manipulate_permissions reduce_disk sparsify_disk""".split()
        ),
    ),
    Predefined(
        "DiskProfileUser",
        "def00020-0000-0000-0000-abc000000010",
        False,
        False,
        tuple("""attach_disk_profile""".split()),
    ),
    Predefined(
        "EventNotificationManager",
        "def00011-0000-0000-0000-def000000015",
        True,
        False,
        tuple("""audit_log_management event_notification_management login""".split()),
    ),
    Predefined(
        "ExternalEventsCreator",
        "def0000c-0000-0000-0000-def000000000",
        False,
        False,
        tuple("""inject_external_events""".split()),
    ),
    Predefined(
        "ExternalTasksCreator",
        "def0000d-0000-0000-0000-def000000000",
        False,
        False,
        tuple("""inject_external_tasks""".split()),
    ),
    Predefined(
        "GlusterAdmin",
        "def0000b-0000-0000-0000-def00000000b",
        True,
        True,
        tuple(
            """assign_cluster_network audit_log_management bookmark_management configure_cluster_network configure_host_network create_cluster create_gluster_volume create_host delete_cluster delete_gluster_volume delete_host edit_cluster_configuration edit_host_configuration event_notification_management login manipulate_gluster_hook manipulate_gluster_service manipulate_gluster_volume manipulate_host tag_management""".split()
        ),
    ),
    Predefined(
        "HostAdmin",
        "def00004-0000-0000-0000-def000000004",
        True,
        True,
        tuple(
            """attach_disk_profile audit_log_management bookmark_management configure_host_network configure_storage_disk_profile create_host create_storage_disk_profile create_storage_domain delete_host delete_storage_disk_profile delete_storage_domain edit_host_configuration edit_storage_domain_configuration event_notification_management login manipulate_host manipulate_storage_domain tag_management""".split()
        ),
    ),
    Predefined(
        "InstanceCreator",
        "def00011-0000-0000-0000-def000000011",
        False,
        False,
        tuple("""create_disk create_instance login""".split()),
    ),
    Predefined(
        "MacPoolAdmin",
        "def00013-0000-0000-0000-def000000013",
        True,
        True,
        tuple("""configure_mac_pool create_mac_pool delete_mac_pool edit_mac_pool login""".split()),
    ),
    Predefined(
        "MacPoolUser",
        "def00014-0000-0000-0000-def000000014",
        False,
        True,
        tuple("""configure_mac_pool login""".split()),
    ),
    Predefined(
        "NetworkAdmin",
        "def00005-0000-0000-0000-def000000005",
        True,
        True,
        tuple(
            """assign_cluster_network audit_log_management bookmark_management configure_cluster_network configure_host_network configure_network_vnic_profile configure_storage_pool_network configure_template_network configure_vm_network create_network_vnic_profile create_storage_pool_network delete_network_vnic_profile delete_storage_pool_network event_notification_management login tag_management""".split()
        ),
    ),
    Predefined(
        "PowerUserRole",
        "00000000-0000-0000-0001-000000000002",
        False,
        False,
        tuple(
            """access_image_storage assign_cpu_profile attach_disk_profile create_cpu_profile create_disk create_template create_vm delete_cpu_profile login update_cpu_profile""".split()
        ),
    ),
    Predefined(
        "QuotaConsumer",
        "def0000a-0000-0000-0000-def00000000a",
        False,
        False,
        tuple("""consume_quota""".split()),
    ),
    Predefined(
        "ReadOnlyAdmin",
        "def0000c-0000-0000-0000-def00000000c",
        True,
        True,
        tuple("""login""".split()),
    ),
    Predefined(
        "StorageAdmin",
        "def00003-0000-0000-0000-def000000003",
        True,
        True,
        tuple(
            """access_image_storage attach_disk attach_disk_profile audit_log_management backup_disk bookmark_management configure_disk_storage configure_storage_disk_profile create_disk create_storage_disk_profile create_storage_domain delete_disk delete_storage_disk_profile delete_storage_domain disk_live_storage_migration edit_disk_properties edit_storage_domain_configuration event_notification_management login manipulate_storage_domain reduce_disk sparsify_disk tag_management""".split()
        ),
    ),
    Predefined(
        "SuperUser",
        "00000000-0000-0000-0000-000000000001",
        True,
        True,
        tuple(
            """access_image_storage add_users_and_groups_from_directory assign_cluster_network assign_cpu_profile attach_disk attach_disk_profile audit_log_management backup_disk bookmark_management change_vm_cd change_vm_custom_properties configure_cluster_network configure_disk_storage configure_engine configure_host_network configure_mac_pool configure_network_vnic_profile configure_quota configure_scsi_generic_io configure_storage_disk_profile configure_storage_pool_network configure_template_network configure_vm_network configure_vm_storage connect_to_serial_console connect_to_vm consume_quota copy_template create_cluster create_cpu_profile create_disk create_gluster_volume create_host create_mac_pool create_network_vnic_profile create_storage_disk_profile create_storage_domain create_storage_pool create_storage_pool_network create_template create_vm create_vm_pool delete_cluster delete_cpu_profile delete_disk delete_gluster_volume delete_host delete_mac_pool delete_network_vnic_profile delete_storage_disk_profile delete_storage_domain delete_storage_pool delete_storage_pool_network delete_template delete_vm delete_vm_pool disk_live_storage_migration edit_admin_template_properties edit_admin_vm_properties edit_cluster_configuration edit_disk_properties edit_host_configuration edit_mac_pool edit_storage_domain_configuration edit_storage_pool_configuration edit_template_properties edit_vm_pool_configuration edit_vm_properties event_notification_management hibernate_vm import_export_vm inject_external_events inject_external_tasks login manipulate_affinity_groups manipulate_gluster_hook manipulate_gluster_service manipulate_gluster_volume manipulate_host manipulate_permissions manipulate_roles manipulate_storage_domain manipulate_users manipulate_vm_snapshots migrate_vm move_vm reboot_vm reconnect_to_vm reduce_disk reset_vm run_vm shut_down_vm sparsify_disk stop_vm tag_management update_cpu_profile vm_pool_basic_operations""".split()
        ),
    ),
    Predefined(
        "TagManager",
        "def00011-0000-0000-0000-def000000013",
        True,
        False,
        tuple("""audit_log_management login tag_management""".split()),
    ),
    Predefined(
        "TemplateAdmin",
        "def00008-0000-0000-0000-def000000008",
        True,
        True,
        tuple(
            """access_image_storage add_users_and_groups_from_directory audit_log_management bookmark_management configure_template_network copy_template create_template delete_template edit_admin_template_properties edit_template_properties event_notification_management login manipulate_permissions tag_management""".split()
        ),
    ),
    Predefined(
        "TemplateCreator",
        "def0000a-0000-0000-0000-def00000000e",
        False,
        False,
        tuple("""create_template login""".split()),
    ),
    Predefined(
        "TemplateOwner",
        "def0000a-0000-0000-0000-def00000000f",
        False,
        True,
        tuple(
            """add_users_and_groups_from_directory configure_template_network copy_template delete_template edit_template_properties login manipulate_permissions""".split()
        ),
    ),
    Predefined(
        "UserInstanceManager",
        "def00012-0000-0000-0000-def000000012",
        False,
        False,
        tuple(
            """add_users_and_groups_from_directory attach_disk backup_disk change_vm_cd configure_vm_storage connect_to_serial_console connect_to_vm create_disk delete_disk delete_vm edit_disk_properties edit_vm_properties hibernate_vm login manipulate_permissions manipulate_vm_snapshots reboot_vm reduce_disk reset_vm run_vm shut_down_vm sparsify_disk stop_vm""".split()
        ),
    ),
    Predefined(
        "UserProfileEditor",
        "def00021-0000-0000-0000-def000000015",
        False,
        False,
        tuple("""edit_profile""".split()),
    ),
    Predefined(
        "UserRole",
        "00000000-0000-0000-0001-000000000001",
        False,
        True,
        tuple(
            """access_image_storage change_vm_cd connect_to_vm hibernate_vm login reboot_vm reset_vm run_vm shut_down_vm stop_vm vm_pool_basic_operations""".split()
        ),
    ),
    Predefined(
        "UserTemplateBasedVm",
        "def00009-0000-0000-0000-def000000009",
        False,
        False,
        tuple("""assign_cpu_profile create_vm""".split()),
    ),
    Predefined(
        "UserVmManager",
        "def00006-0000-0000-0000-def000000006",
        False,
        True,
        tuple(
            """add_users_and_groups_from_directory assign_cpu_profile attach_disk backup_disk change_vm_cd configure_vm_network configure_vm_storage connect_to_serial_console connect_to_vm create_disk create_vm delete_disk delete_vm edit_disk_properties edit_vm_properties hibernate_vm login manipulate_permissions manipulate_vm_snapshots reboot_vm reduce_disk reset_vm run_vm shut_down_vm sparsify_disk stop_vm""".split()
        ),
    ),
    Predefined(
        "UserVmRunTimeManager",
        "def00006-0000-0000-0000-def000000011",
        False,
        False,
        tuple(
            """add_users_and_groups_from_directory assign_cpu_profile attach_disk backup_disk change_vm_cd configure_vm_network configure_vm_storage connect_to_vm create_disk create_vm delete_disk delete_vm edit_disk_properties edit_vm_properties hibernate_vm login manipulate_permissions reboot_vm reduce_disk reset_vm run_vm shut_down_vm sparsify_disk stop_vm""".split()
        ),
    ),
    Predefined(
        "VmCreator",
        "def0000a-0000-0000-0000-def00000000d",
        False,
        False,
        tuple("""assign_cpu_profile create_disk create_vm login""".split()),
    ),
    Predefined(
        "VmImporterExporter",
        "def00030-0000-0000-0000-def000000011",
        True,
        True,
        tuple("""assign_cpu_profile attach_disk_profile import_export_vm login""".split()),
    ),
    Predefined(
        "VmPoolAdmin",
        "def00007-0000-0000-0000-def000000007",
        True,
        True,
        tuple(
            """assign_cpu_profile audit_log_management bookmark_management create_vm create_vm_pool delete_vm_pool edit_vm_pool_configuration event_notification_management login tag_management vm_pool_basic_operations""".split()
        ),
    ),
    Predefined(
        "VnicProfileUser",
        "def0000a-0000-0000-0000-def000000010",
        False,
        True,
        tuple("""configure_template_network configure_vm_network login""".split()),
    ),
)

SHOWING_CHILDREN = {role.id: role.view_children for role in ROLES}
SYSTEM_ID = "aaa00000-0000-0000-0000-123456789aaa"
EVERYONE_ID = "eee00000-0000-0000-0000-123456789eee"
SUPER_USER = "00000000-0000-0000-0000-000000000001"

# What everyone holds from the start: (permission id, role, object type, object id).
INITIAL: tuple[tuple[str, str, str, str], ...] = (
    ("58ca605c-010d-0307-0224-0000000001a9", "UserProfileEditor", "system", "aaa00000-0000-0000-0000-123456789aaa"),
    ("00000004-0004-0004-0004-000000000355", "UserTemplateBasedVm", "template", "00000000-0000-0000-0000-000000000000"),
    ("00000004-0004-0004-0004-000000000392", "UserTemplateBasedVm", "template", "00000003-0003-0003-0003-0000000000be"),
    ("00000006-0006-0006-0006-000000000044", "UserTemplateBasedVm", "template", "00000005-0005-0005-0005-0000000002e6"),
    ("00000008-0008-0008-0008-0000000001b7", "UserTemplateBasedVm", "template", "00000007-0007-0007-0007-00000000010a"),
    ("0000000a-000a-000a-000a-000000000309", "UserTemplateBasedVm", "template", "00000009-0009-0009-0009-0000000000f1"),
    ("0000000c-000c-000c-000c-00000000039b", "UserTemplateBasedVm", "template", "0000000b-000b-000b-000b-00000000021f"),
    ("0000000b-000b-000b-000b-0000000001d5", "VnicProfileUser", "vnic_profile", "0000000a-000a-000a-000a-000000000398"),
    ("58ca604b-017d-0374-0220-00000000014e", "MacPoolUser", "mac_pool", "58ca604b-017d-0374-0220-00000000014e"),
    (
        "14124e3a-fedf-11e9-8092-8c1645ce738e",
        "CpuProfileOperator",
        "cpu_profile",
        "58ca604e-01a7-003f-01de-000000000250",
    ),
)
