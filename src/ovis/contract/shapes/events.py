"""Shapes of events: a notification whose method is the event's id and whose params are the body with `notify_time`.

Does: name the four kinds, find the shape for an id. Does not: send (rpc) or act upon them.
Follows: VDSM's published events; engines subscribe by patterns such as `*|*|VM_status|*`.
"""

from typing import Any, NotRequired, TypedDict

from ovis.contract.shapes.basics import ErrorInfo, Uint, Uuid, VmStatus
from ovis.contract.shapes.hosts import HostJobStatus
from ovis.contract.shapes.vms import VmDisplayInfo


class VmStatusDetails(TypedDict):
    """A partial row of Host.getAllVmStats."""

    status: VmStatus
    vmId: NotRequired[Uuid]
    timeOffset: NotRequired[str]
    exitReason: NotRequired[int]
    exitMessage: NotRequired[str]
    exitCode: NotRequired[int]
    displayInfo: NotRequired[list[VmDisplayInfo]]
    hash: NotRequired[str]
    clientIp: NotRequired[str]
    pauseCode: NotRequired[str]


class MigrationProgress(TypedDict):
    """progress: per cent. downtime: milliseconds, once it has ended."""

    progress: float
    downtime: NotRequired[float]
    postcopy: NotRequired[bool]


class HostConnection(TypedDict):
    """Addresses or bonds changed; nothing is told of them."""


class JobChange(TypedDict):
    """A job of the host changed its status."""

    id: Uuid
    status: HostJobStatus
    job_type: str
    description: str
    progress: NotRequired[Uint]
    error: NotRequired[ErrorInfo]


VM_STATUS, VM_MIGRATION, HOST_CONN, JOB = "VM_status", "VM_migration_status", "host_conn", "status"
_SHAPES: dict[tuple[str, str], Any] = {
    ("virt", VM_STATUS): dict[Uuid, VmStatusDetails],
    ("virt", VM_MIGRATION): dict[Uuid, MigrationProgress],
    ("net", HOST_CONN): HostConnection,
    ("jobs", JOB): JobChange,
}


def shape_of(event_id: str) -> Any:
    """The shape of an event's body (without notify_time); None for an id that nobody knows. `|component|operation|id`."""
    parts = event_id.split("|")
    return _SHAPES.get((parts[1], parts[2])) if len(parts) == 4 and not parts[0] and parts[3] else None
