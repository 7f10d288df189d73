"""A VM's status and its end, in VDSM's words.

Follows: VDSM's vm statuses, exit codes and exit reasons.
"""

from enum import IntEnum
from typing import Final

DOWN: Final = "Down"
UP: Final = "Up"
PAUSED: Final = "Paused"
WAIT_FOR_LAUNCH: Final = "WaitForLaunch"
POWERING_UP: Final = "Powering up"
POWERING_DOWN: Final = "Powering down"
REBOOT_IN_PROGRESS: Final = "RebootInProgress"
MIGRATION_SOURCE: Final = "Migration Source"
MIGRATION_DESTINATION: Final = "Migration Destination"
SAVING_STATE: Final = "Saving State"
RESTORING_STATE: Final = "Restoring state"


class ExitCode(IntEnum):
    """How a run ended."""

    NORMAL = 0
    ERROR = 1


class ExitReason(IntEnum):
    """Why it ended."""

    SUCCESS = 0
    GENERIC_ERROR = 1
    LOST_QEMU_CONNECTION = 2
    LIBVIRT_START_FAILED = 3
    MIGRATION_SUCCEEDED = 4
    SAVE_STATE_SUCCEEDED = 5
    ADMIN_SHUTDOWN = 6
    USER_SHUTDOWN = 7
    MIGRATION_FAILED = 8
    LIBVIRT_DOMAIN_MISSING = 9
    DESTROYED_ON_STARTUP = 10
    HOST_SHUTDOWN = 11
    POSTCOPY_MIGRATION_FAILED = 12
    DESTROYED_ON_REBOOT = 13
    DESTROYED_ON_PAUSE_TIMEOUT = 14
