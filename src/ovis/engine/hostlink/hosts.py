"""All hosts of this engine: the one door to them.

Does: keep a monitor per host row, route calls, flush statistics, run pools. Does not: know what verbs mean.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from ovis.contract.consoles import Ask
from ovis.contract.errors import Code
from ovis.engine.hostlink import consoles
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.hostlink.live import Live, store_usages
from ovis.engine.hostlink.monitor import Clocks, Monitor, Place
from ovis.engine.hostlink.observer import Observer
from ovis.engine.hostlink.pool import Pools
from ovis.engine.model.enums import HostStatus, SpmStatus
from ovis.engine.model.types import Host
from ovis.engine.store.session import Change
from ovis.engine.store.store import Store

log = structlog.get_logger(__name__)
_TABLE = "hosts"
_PORT = 54321
_BEAT = 5.0
_PATIENCE = 5.0  # how long a call waits for a connection that is being made


class Hosts:
    """The engine's hosts. settings: any object with the clocks of main.settings.Settings."""

    def __init__(self, store: Store, context: ssl.SSLContext | None, settings: Any) -> None:
        self.live = Live()
        self._store = store
        self._context = context
        self._clocks = Clocks(
            refresh=settings.vds_refresh_seconds,
            stats=settings.host_stats_seconds,
            vms=settings.vm_stats_seconds,
            grace=settings.host_grace_seconds,
            call=settings.call_timeout_seconds,
        )
        self._monitors: dict[str, Monitor] = {}
        self._observer: Observer | None = None
        self.pools: Pools | None = None
        self._tasks: list[asyncio.Task[None]] = []
        store.on_commit(self._committed)

    async def start(self, observer: Observer) -> None:
        """Watch every host that the store knows, and those that come."""
        self._observer = observer
        self.pools = Pools(self._store, self.call, observer)
        for host in await self._store.read(lambda rd: rd.select(Host)):
            self._place(host)
        await self.pools.start()
        self._tasks = [
            asyncio.create_task(self._beats(), name="host-beats"),
            asyncio.create_task(self._flushes(), name="host-statistics"),
        ]

    async def stop(self) -> None:
        """Hang up on all of them; guests do not notice."""
        self._observer = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.pools is not None:
            await self.pools.stop()
        await asyncio.gather(*(m.stop() for m in self._monitors.values()))
        self._monitors.clear()

    # -- calls -----------------------------------------------------------------------------------------------

    async def call(
        self,
        host_id: str,
        verb: str,
        params: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        correlation_id: str = "",
        pool: bool = False,
    ) -> Any:
        """A verb's result. HostError: the agent said no. HostUnreachable: silence, which proves nothing.

        timeout: seconds to wait for the answer. pool: the verb is one of the storage pool's manager.
        """
        monitor = self._monitors.get(host_id)
        if monitor is None:
            raise HostUnreachable("The host is not known to this engine.", host_id=host_id)
        limit = timeout if timeout is not None else self._clocks.call
        until = time.monotonic() + limit
        while True:
            link = await monitor.connected(min(_PATIENCE, limit))
            try:
                return await link.call(verb, params or {}, timeout=limit, correlation_id=correlation_id, pool=pool)
            except HostError as err:
                if err.code != Code.RECOVERING or time.monotonic() > until:
                    raise
                await asyncio.sleep(1.0)

    async def console(self, host_id: str, ask: Ask) -> consoles.Ends:
        """Both ends of a VM's console. HostError: there is none, or not now. HostUnreachable: silence."""
        monitor = self._monitors.get(host_id)
        if monitor is None:
            raise HostUnreachable("The host is not known to this engine.", host_id=host_id)
        return await consoles.dial(host_id, monitor.place.address, monitor.place.port, self._context, ask)

    async def spm_call(
        self,
        data_center_id: str,
        verb: str,
        params: Mapping[str, Any],
        *,
        timeout: float | None = None,
        correlation_id: str = "",
    ) -> Any:
        """A verb on the data center's storage pool manager, elected if need be."""
        limit = timeout if timeout is not None else self._clocks.call
        return await self._pools().call(data_center_id, verb, params, timeout=limit, correlation_id=correlation_id)

    async def task(
        self,
        data_center_id: str,
        verb: str,
        params: Mapping[str, Any],
        *,
        timeout: float | None = None,
        correlation_id: str = "",
    ) -> Mapping[str, Any]:
        """A task verb on the manager, to the task's end; it is cleared. HostError if it failed."""
        limit = timeout if timeout is not None else self._clocks.call
        return await self._pools().task(data_center_id, verb, params, timeout=limit, correlation_id=correlation_id)

    async def stop_spm(self, data_center_id: str, host_id: str | None = None) -> None:
        """No host (or not that one) manages the pool from now on."""
        await self._pools().release(data_center_id, host_id)

    async def elect_spm(self, data_center_id: str, host_id: str | None = None) -> str:
        """Make sure that there is a manager, preferably that host; answers which it is."""
        return await self._pools().elect(data_center_id, host_id)

    async def look_at_pool(self, data_center_id: str) -> None:
        """Check the data center's manager and domains now instead of at the next round."""
        await self._pools().check(data_center_id)

    def spm(self, data_center_id: str) -> str | None:
        """The manager as far as known."""
        return self.pools.manager(data_center_id) if self.pools is not None else None

    def pool_busy(self, data_center_id: str) -> bool:
        """Whether the manager runs tasks."""
        return self.pools is not None and self.pools.busy(data_center_id)

    async def refresh(self, host_id: str) -> None:
        """Read a host's capabilities and VMs now."""
        monitor = self._monitors.get(host_id)
        if monitor is None:
            raise HostUnreachable("The host is not known to this engine.", host_id=host_id)
        await monitor.look_again()

    def connected(self, host_id: str) -> bool:
        """Whether a call could be sent now."""
        monitor = self._monitors.get(host_id)
        return monitor is not None and monitor.link is not None and monitor.link.open

    async def host_lost(self, host_id: str) -> None:
        """What the observer calls when it has given up a host: its pools need another manager."""
        await self._pools().lost(host_id)

    def _pools(self) -> Pools:
        if self.pools is None:
            raise HostUnreachable("The engine is not running.")
        return self.pools

    # -- keeping in step -------------------------------------------------------------------------------------

    def _committed(self, changes: Sequence[Change]) -> None:
        if self._observer is None:
            return
        for change in changes:
            if change.table != _TABLE:
                continue
            if change.operation == "delete":
                monitor = self._monitors.pop(change.id, None)
                self.live.forget_host(change.id)
                self.live.host_caps.pop(change.id, None)
                if monitor is not None:
                    task = asyncio.create_task(monitor.stop())
                    self._tasks.append(task)
                    task.add_done_callback(self._tasks.remove)
            else:
                self._place(change.document)

    def _place(self, host: Host) -> None:
        assert self._observer is not None
        place = Place(
            host_id=str(host.id),
            address=host.address or "",
            port=host.port or _PORT,
            status=host.status or HostStatus.UNASSIGNED,
            cluster_id=host.cluster.id if host.cluster else None,
            spm=host.spm is not None and host.spm.status is SpmStatus.SPM,
        )
        monitor = self._monitors.get(place.host_id)
        if monitor is not None:
            monitor.changed(place)
        else:
            self._monitors[place.host_id] = Monitor(place, self._context, self._clocks, self.live, self._observer)

    async def _beats(self) -> None:
        """One clock for the heart-beats of all links."""
        while True:
            await asyncio.sleep(_BEAT)
            now = time.monotonic()
            for monitor in list(self._monitors.values()):
                if monitor.link is not None:
                    monitor.link.beat(now)

    async def _flushes(self) -> None:
        """A second's statistics in one transaction."""
        while True:
            await asyncio.sleep(1.0)
            if self.live.dirty:
                changed, gone = self.live.take()
                try:
                    await self._store.write(lambda tx, c=changed, g=gone: store_usages(tx, c, g))  # type: ignore[misc]
                except Exception:
                    log.exception("statistics not stored")
