"""VDSM's error codes as engine and agent use them.

Follows: VDSM's exceptions; a verb's failure travels as the JSON-RPC error's code.
"""

from enum import IntEnum


class Code(IntEnum):
    """Codes that this project raises or acts upon."""

    DONE = 0
    NO_SUCH_VM = 1
    VM_EXISTS = 4
    VM_IS_DOWN = 6
    CREATE_FAILED = 9
    PEER_UNREACHABLE = 10
    MISSING_PARAMETER = 11
    MIGRATION_FAILED = 12
    IMAGE_NOT_FOUND = 13
    UNEXPECTED = 16
    TICKET_FAILED = 18
    NETWORK_PARAMETERS = 21
    UNAVAILABLE = 40
    CHANGE_DISK = 41
    DESTROY_FAILED = 42
    NOT_IMPLEMENTED = 44
    DISK_PLUG = 45
    DISK_UNPLUG = 46
    SNAPSHOT_FAILED = 48
    NIC_PLUG = 49
    NIC_UNPLUG = 50
    MIGRATION_IN_PROGRESS = 51
    UPDATE_DEVICE = 56
    SET_CPUS = 60
    MEMORY_PLUG = 70
    HOOK = 78
    TOO_MANY_MIGRATIONS = 82
    INVALID_PARAMETER = 91
    RECOVERING = 99
    GENERAL = 100
    VOLUME_NOT_FOUND = 201
    VOLUME_EXISTS = 205
    CANNOT_CREATE_VOLUME = 206
    IMAGE_PATH = 254
    SPM_STATUS = 302
    POOL_UNKNOWN = 309
    STORAGE_DOMAIN_MISSING = 358
    STORAGE_DOMAIN_EXISTS = 365
    TASK_UNKNOWN = 401
    MOUNT_FAILED = 477
    NO_SPACE = 552
    HOOK_ERROR = 1500
    PARSE = -32700
    INVALID_REQUEST = -32600
    UNKNOWN_METHOD = -32601
    INVALID_PARAMS = -32602
    INTERNAL = -32603


class VerbError(Exception):
    """A verb said no. code: see Code; message: for people."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = int(code)
        self.message = message
