"""Short history of what hosts, VMs and storage domains use: kept in memory, stored every five minutes.

Does: sample, store, restore after a restart. Does not: measure. Per cents alone; see `rings`.
"""

import asyncio
import time
from collections.abc import Callable, Iterator

import structlog

from ovis.engine.hostlink.live import Live
from ovis.engine.model.types import StorageDomain
from ovis.engine.resources.history import table
from ovis.engine.resources.history.rings import Rings, Slot, Values
from ovis.engine.store.database import DatabaseLost
from ovis.engine.store.session import Tx
from ovis.engine.store.store import Store

log = structlog.get_logger(__name__)
SAMPLE_SECONDS = 30.0


class UsageHistory:
    """Of one engine. engine: its name in the table. clock: seconds since the epoch."""

    def __init__(self, store: Store, live: Live, engine: str, clock: Callable[[], float] = time.time) -> None:
        self.rings = Rings()
        self._store = store
        self._live = live
        self._engine = engine
        self._clock = clock
        self._unstored: list[Slot] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Read what there is, then sample for ever."""
        self._task = asyncio.create_task(self._watch(), name="usage-history")

    async def stop(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def restore(self) -> None:
        """Take over what was stored."""
        slots = await self._store.read(table.stored)
        for at in range(0, len(slots), 12):
            await asyncio.to_thread(self.rings.restore, self._clock(), slots[at : at + 12])

    async def sample(self) -> None:
        """Once."""
        domains = await self._store.read(lambda rd: rd.find(StorageDomain))
        values = [*_usages(self._live), *(found for domain in domains if (found := _of_domain(domain)) is not None)]
        # In a thread: 20,000 objects are a tenth of a second, and nobody is to wait for that.
        self._unstored += await asyncio.to_thread(self.rings.sample, self._clock(), values)
        if self._unstored:
            await self.flush()

    async def flush(self) -> None:
        """Store what ended, in one transaction."""
        slots = list(self._unstored)

        def write(tx: Tx) -> None:
            table.store(tx, slots, self._engine)

        if slots:
            await self._store.write(write)
            del self._unstored[: len(slots)]

    async def _watch(self) -> None:
        restored = False
        while True:
            try:
                if not restored:
                    await self.restore()
                    restored = True
                await self.sample()
            except DatabaseLost as err:
                log.warning("usage history waits for the database", error=err.detail)
            await asyncio.sleep(SAMPLE_SECONDS)


def _usages(live: Live) -> Iterator[tuple[str, Values]]:
    for id_, usage in live.usages.items():
        yield id_, (usage.cpu, usage.memory, usage.network)


def _of_domain(domain: StorageDomain) -> tuple[str, Values] | None:
    """(used, promised) in per cent of its size; None while nobody has seen it."""
    total = (domain.available or 0) + (domain.used or 0)
    if total <= 0:
        return None
    return str(domain.id), (100 * (domain.used or 0) / total, 100 * (domain.committed or 0) / total)
