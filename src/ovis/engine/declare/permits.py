"""The permits: what a role may allow. Names are those of the API; the value is the REST id.

Does: name each permit with its id and whether only administrative roles may hold it, and whether it shows children.
Does not: check anything; see `ovis.engine.access`.
Follows: predefined permits of engine 4.5.
"""

from enum import Enum


class Permit(Enum):
    """One permit: (id, administrative, view_children)."""

    CREATE_VM = (1, False, False)
    DELETE_VM = (2, False, True)
    EDIT_VM_PROPERTIES = (3, False, True)
    CHANGE_VM_CD = (5, False, True)
    MIGRATE_VM = (6, False, True)
    CONNECT_TO_VM = (7, False, True)
    IMPORT_EXPORT_VM = (8, True, True)
    CONFIGURE_VM_NETWORK = (9, False, True)
    CONFIGURE_VM_STORAGE = (10, False, True)
    MOVE_VM = (11, False, True)
    MANIPULATE_VM_SNAPSHOTS = (12, False, True)
    RECONNECT_TO_VM = (13, False, True)
    CHANGE_VM_CUSTOM_PROPERTIES = (14, True, True)
    EDIT_ADMIN_VM_PROPERTIES = (15, True, True)
    CREATE_INSTANCE = (16, False, False)
    REBOOT_VM = (17, False, True)
    STOP_VM = (18, False, True)
    SHUT_DOWN_VM = (19, False, True)
    HIBERNATE_VM = (21, False, True)
    RUN_VM = (22, False, True)
    RESET_VM = (23, False, True)
    CREATE_HOST = (100, True, True)
    EDIT_HOST_CONFIGURATION = (101, True, True)
    DELETE_HOST = (102, True, True)
    MANIPULATE_HOST = (103, True, True)
    CONFIGURE_HOST_NETWORK = (104, True, True)
    CREATE_TEMPLATE = (200, False, False)
    EDIT_TEMPLATE_PROPERTIES = (201, False, True)
    DELETE_TEMPLATE = (202, False, True)
    COPY_TEMPLATE = (203, False, True)
    CONFIGURE_TEMPLATE_NETWORK = (204, False, True)
    EDIT_ADMIN_TEMPLATE_PROPERTIES = (205, True, True)
    CREATE_VM_POOL = (300, False, False)
    EDIT_VM_POOL_CONFIGURATION = (301, False, True)
    DELETE_VM_POOL = (302, False, True)
    VM_POOL_BASIC_OPERATIONS = (303, False, True)
    CREATE_CLUSTER = (400, True, True)
    EDIT_CLUSTER_CONFIGURATION = (401, True, True)
    DELETE_CLUSTER = (402, True, True)
    CONFIGURE_CLUSTER_NETWORK = (403, True, True)
    ASSIGN_CLUSTER_NETWORK = (404, True, True)
    MANIPULATE_USERS = (500, True, True)
    MANIPULATE_ROLES = (501, True, True)
    MANIPULATE_PERMISSIONS = (502, False, True)
    ADD_USERS_AND_GROUPS_FROM_DIRECTORY = (503, False, True)
    EDIT_PROFILE = (504, False, True)
    CREATE_STORAGE_DOMAIN = (600, True, True)
    EDIT_STORAGE_DOMAIN_CONFIGURATION = (601, True, True)
    DELETE_STORAGE_DOMAIN = (602, True, True)
    MANIPULATE_STORAGE_DOMAIN = (603, True, True)
    CREATE_STORAGE_POOL = (700, True, True)
    DELETE_STORAGE_POOL = (701, True, True)
    EDIT_STORAGE_POOL_CONFIGURATION = (702, True, True)
    CONFIGURE_STORAGE_POOL_NETWORK = (703, True, True)
    CREATE_STORAGE_POOL_NETWORK = (704, True, True)
    DELETE_STORAGE_POOL_NETWORK = (705, True, True)
    CONFIGURE_ENGINE = (800, True, True)
    CONFIGURE_QUOTA = (900, True, True)
    CONSUME_QUOTA = (901, False, True)
    CREATE_GLUSTER_VOLUME = (1000, True, True)
    MANIPULATE_GLUSTER_VOLUME = (1001, True, True)
    DELETE_GLUSTER_VOLUME = (1002, True, True)
    MANIPULATE_GLUSTER_HOOK = (1003, True, True)
    MANIPULATE_GLUSTER_SERVICE = (1004, True, True)
    CREATE_DISK = (1100, False, False)
    ATTACH_DISK = (1101, False, True)
    EDIT_DISK_PROPERTIES = (1102, False, True)
    CONFIGURE_DISK_STORAGE = (1103, False, True)
    DELETE_DISK = (1104, False, True)
    CONFIGURE_SCSI_GENERIC_IO = (1105, True, True)
    ACCESS_IMAGE_STORAGE = (1106, False, False)
    DISK_LIVE_STORAGE_MIGRATION = (1107, False, True)
    SPARSIFY_DISK = (1108, False, True)
    REDUCE_DISK = (1109, True, True)
    BACKUP_DISK = (1110, True, True)
    CONFIGURE_NETWORK_VNIC_PROFILE = (1203, True, True)
    CREATE_NETWORK_VNIC_PROFILE = (1204, True, True)
    DELETE_NETWORK_VNIC_PROFILE = (1205, True, True)
    LOGIN = (1300, False, False)
    TAG_MANAGEMENT = (1301, True, False)
    BOOKMARK_MANAGEMENT = (1302, True, False)
    EVENT_NOTIFICATION_MANAGEMENT = (1303, True, False)
    AUDIT_LOG_MANAGEMENT = (1304, True, False)
    INJECT_EXTERNAL_EVENTS = (1400, True, False)
    INJECT_EXTERNAL_TASKS = (1500, True, False)
    MANIPULATE_AFFINITY_GROUPS = (1550, True, True)
    CONFIGURE_STORAGE_DISK_PROFILE = (1560, True, True)
    CREATE_STORAGE_DISK_PROFILE = (1561, True, True)
    DELETE_STORAGE_DISK_PROFILE = (1562, True, True)
    ATTACH_DISK_PROFILE = (1563, False, True)
    CREATE_MAC_POOL = (1660, True, True)
    EDIT_MAC_POOL = (1661, True, True)
    DELETE_MAC_POOL = (1662, True, True)
    CONFIGURE_MAC_POOL = (1663, True, True)
    CONNECT_TO_SERIAL_CONSOLE = (1664, False, True)
    DELETE_CPU_PROFILE = (1665, True, True)
    UPDATE_CPU_PROFILE = (1666, True, True)
    CREATE_CPU_PROFILE = (1667, True, True)
    ASSIGN_CPU_PROFILE = (1668, True, True)

    @property
    def id(self) -> int:
        """REST id."""
        return self.value[0]

    @property
    def administrative(self) -> bool:
        """Usable only in administrative roles."""
        return self.value[1]

    @property
    def view_children(self) -> bool:
        """Held on a parent, it shows the children."""
        return self.value[2]

    @property
    def rest_name(self) -> str:
        """Name in the API."""
        return self.name.lower()
