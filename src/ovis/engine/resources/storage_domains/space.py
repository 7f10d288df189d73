"""Free space of storage domains as it is reported, and what users are told of it.

Does: take the numbers over; tell once when a limit is crossed downwards, again after it was crossed upwards. Does not:
refuse anything (`disks.space_refusals` does, below the critical limit).
Follows: engine 4.5: warning below a share of the size, error below a number of GiB.
"""

from msgspec.structs import replace

from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import StorageDomain
from ovis.engine.store.session import Tx

GIB = 1 << 30
_WORTH = 1 << 20  # bytes of change that are worth a write
LOW = Audit(
    code=26,
    severity=LogSeverity.WARNING,
    text="Storage domain {storage_domain} runs low on space: {free} GB are free.",
)
CRITICAL = Audit(
    code=201,
    severity=LogSeverity.ERROR,
    text="Storage domain {storage_domain} has only {free} GB free. New disks are refused until there is more.",
)


def level(domain: StorageDomain, free: int, total: int) -> int:
    """0: enough, 1: low, 2: critical. Pure."""
    if free < (domain.critical_space_action_blocker or 0) * GIB:
        return 2
    return 1 if free * 100 < (domain.warning_low_space_indicator or 0) * total else 0


def reported(tx: Tx, domain: StorageDomain, free: int, total: int) -> None:
    """A domain's free space and size, in bytes."""
    before = domain.available or 0
    known = domain.used is not None and before + domain.used > 0
    old = level(domain, before, before + (domain.used or 0)) if known else 0
    new = level(domain, free, total)
    if abs(free - before) <= _WORTH and new == old:
        return
    after = tx.update(replace(domain, available=free, used=max(0, total - free)))
    if new > old:
        record(tx, CRITICAL if new == 2 else LOW, storage_domain=after, free=free // GIB)
