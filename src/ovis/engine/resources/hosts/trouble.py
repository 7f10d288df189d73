"""What a host has done wrong lately: starts of VMs that failed on it, silence, fencing. Kept in rows, so a restart knows.

Does: count failed starts; a host that fails too often is in error for a while, and returns. Does not: fence (fence_flow).
Follows: flows, section 0: three failures within 30 minutes; as long in error. A VM that starts nowhere proves nothing
against hosts, so its failures count once.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.commands.table import milliseconds
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import HostStatus, LogSeverity
from ovis.engine.model.types import Host
from ovis.engine.store.session import Tx
from ovis.engine.store.tables import Column, Table

FAILURES = 3
WINDOW_SECONDS = 1800.0
IN_ERROR = Audit(
    code=500,
    severity=LogSeverity.ERROR,
    text="Host {host} is in error: {count} VMs failed to start on it. It is tried again in {minutes} minutes.",
)


class Failure(Struct, frozen=True):
    """A start that failed. at: milliseconds. elsewhere: the VM then ran on another host."""

    vm_id: str
    at: int
    elsewhere: bool


class HostTrouble(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """id: the host's. until: when it leaves error. lost_at: since when it is lost; told: alerts that were given since.
    soft_at, kdump_at, fenced_at: when it was last treated so, or seen so. Times in milliseconds, 0: never."""

    id: str
    failures: tuple[Failure, ...] = ()
    until: int = 0
    lost_at: int = 0
    told: tuple[str, ...] = ()
    soft_at: int = 0
    kdump_at: int = 0
    fenced_at: int = 0


TABLE = Table(
    name="host_troubles",
    type=HostTrouble,
    columns=(Column(name="host_id", path="id", references="hosts", on_delete="cascade"),),
)


def too_many(failures: Sequence[Failure]) -> bool:
    """Whether the host is to blame: VMs that ran elsewhere, or different ones. Pure."""
    return sum(f.elsewhere for f in failures) >= FAILURES or len({f.vm_id for f in failures}) >= FAILURES


def start_failed(tx: Tx, host_ids: Sequence[str], vm_id: str, *, elsewhere: bool, window: float) -> None:
    """A VM did not start on these hosts. window: seconds that failures count, and that an error lasts."""
    now = milliseconds()
    for host_id in dict.fromkeys(host_ids):
        host = tx.get(Host, host_id)
        if host is None:
            continue
        row = tx.get(HostTrouble, host_id) or HostTrouble(id=host_id)
        recent = [f for f in row.failures if now - f.at < window * 1000]
        found = (*recent, Failure(vm_id, now, elsewhere))
        if host.status is not HostStatus.UP or not too_many(found):
            tx.put(replace(row, failures=found))
            continue
        tx.put(replace(row, failures=(), until=now + round(window * 1000)))
        after = tx.update(replace(host, status=HostStatus.ERROR))
        record(tx, IN_ERROR, host=after, count=len(found), minutes=round(window / 60))


def end_of_error(tx: Tx) -> None:
    """Hosts whose time in error is over are brought up anew."""
    now = milliseconds()
    for host in tx.find(Host, status=HostStatus.ERROR.value):
        row = tx.get(HostTrouble, str(host.id))
        if row is None or row.until <= now:
            tx.update(replace(host, status=HostStatus.UNASSIGNED, status_detail=None))
            if row is not None:
                tx.put(replace(row, until=0))
