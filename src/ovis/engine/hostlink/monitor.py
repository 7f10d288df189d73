"""One host, watched: dial, bring up, read statistics, notice silence.

Does: the clocks. Does not: decide statuses; it reads the wanted state from the host's row and tells the observer what it
sees. It keeps nothing that a restart would miss: whatever is connected anew is brought up anew.
Follows: flows, sections 0, 1 and 15.
"""

import asyncio
import contextlib
import random
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from ovis.contract.errors import Code
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.hostlink.link import Link
from ovis.engine.hostlink.live import Live
from ovis.engine.hostlink.observer import Observer
from ovis.engine.model.enums import HostStatus

log = structlog.get_logger(__name__)
S = HostStatus
# Statuses in which a host is dialled and read.
MONITORED = frozenset(
    {
        S.UNASSIGNED,
        S.UP,
        S.NON_RESPONSIVE,
        S.ERROR,
        S.PREPARING_FOR_MAINTENANCE,
        S.NON_OPERATIONAL,
        S.INITIALIZING,
        S.CONNECTING,
        S.REBOOT,
    }
)
# Statuses that a host leaves by being brought up, even on a connection that is fine.
_WANTS_UP = frozenset({S.UNASSIGNED, S.INITIALIZING, S.CONNECTING, S.NON_RESPONSIVE, S.REBOOT})
_LOSES = frozenset({S.UP, S.NON_OPERATIONAL, S.ERROR, S.UNASSIGNED, S.INITIALIZING, S.CONNECTING})
_FAILURES = 2  # attempts that may fail before silence counts
_FIRST_RETRY = 0.2
_RECOVERY_SECONDS = 300.0  # non-operational hosts are looked at again after this
_RECOVERING_SECONDS = 180.0  # how long an agent may answer "recovering" (99)
_VM_STATUS = "|virt|VM_status|"


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds. refresh: between tries of a host that is not up. stats, vms: of one that is. grace: see `Monitor.grace`."""

    refresh: float = 3.0
    stats: float = 15.0
    vms: float = 15.0
    grace: float = 60.0
    call: float = 180.0


@dataclass(slots=True)
class Place:
    """Where a host is and what its row says: kept in step with the store by `Hosts`."""

    host_id: str
    address: str
    port: int
    status: HostStatus
    cluster_id: str | None
    spm: bool = False


class Monitor:
    """The task of one host."""

    def __init__(self, place: Place, context: ssl.SSLContext | None, clocks: Clocks, live: Live, observer: Observer):
        self.place = place
        self.link: Link | None = None
        self._context = context
        self._clocks = clocks
        self._live = live
        self._observer = observer
        self._wake = asyncio.Event()
        self._linked = asyncio.Event()
        self._brought_up = False
        self._bringing_up = asyncio.Lock()
        self._answered = time.monotonic()
        self._failures = 0
        self._silent = False
        self._next_stats = 0.0
        self._next_vms = 0.0
        self._recover_at = 0.0
        self._events: deque[tuple[str, Mapping[str, Any]]] = deque()
        self._told = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._watch(), name=f"host-{place.host_id}"),
            asyncio.create_task(self._tell_events(), name=f"host-events-{place.host_id}"),
        ]

    # -- from outside ----------------------------------------------------------------------------------------

    def changed(self, place: Place) -> None:
        """The host's row changed."""
        moved = (place.address, place.port) != (self.place.address, self.place.port)
        if place.status is not self.place.status:
            self._wake.set()
        self.place = place
        if (moved or place.status not in MONITORED) and self.link is not None:
            self.link.close()

    async def stop(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.link is not None:
            self.link.close()

    async def connected(self, patience: float) -> Link:
        """The link, waiting a little if it is just being made."""
        if self.link is None or not self.link.open:
            if self.place.status not in MONITORED or self._failures > _FAILURES:
                patience = 0.0
            try:
                async with asyncio.timeout(patience):
                    await self._linked.wait()
            except TimeoutError:
                pass
        if self.link is None or not self.link.open:
            raise HostUnreachable("The host is not connected.", host_id=self.place.host_id)
        return self.link

    async def look_again(self) -> None:
        """Read capabilities now and bring the host up anew, on behalf of somebody who waits for it."""
        link = await self.connected(5.0)
        await self._bring_up(link)

    def grace(self) -> float:
        """Seconds of silence after which the host is lost: longer for the SPM and for each VM."""
        vms = sum(1 for h in self._live.vm_host.values() if h == self.place.host_id)
        return self._clocks.grace + (20.0 if self.place.spm else 0.0) + 0.5 * vms

    # -- the loop --------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        # Spread: a thousand hosts must not be dialled in the same instant.
        await asyncio.sleep(random.uniform(0, min(0.2, self._clocks.refresh)))
        while True:
            self._wake.clear()
            try:
                pause = await self._round()
            except (HostUnreachable, HostError, TimeoutError) as err:
                pause = await self._failed(err)
            except Exception:
                log.exception("monitoring failed", host=self.place.host_id)
                pause = self._clocks.refresh
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _round(self) -> float:
        """One look; how long until the next."""
        if self.place.status not in MONITORED:
            self._drop()
            self._live.forget_host(self.place.host_id)
            self._failures, self._answered = 0, time.monotonic()
            return 3600.0
        if self.link is None or not self.link.open:
            self._drop()
            self.link = await Link.dial(
                self.place.host_id, self.place.address, self.place.port, self._context, self._on_event
            )
            self._linked.set()
            lost = asyncio.create_task(self._watch_loss(self.link))
            self._tasks.append(lost)
            lost.add_done_callback(lambda task: self._tasks.remove(task) if task in self._tasks else None)
        link, now = self.link, time.monotonic()
        recover = self.place.status is S.NON_OPERATIONAL and now >= self._recover_at
        if not self._brought_up or self.place.status in _WANTS_UP or recover:
            await self._bring_up(link)
            return 0.0 if self._brought_up else self._clocks.refresh
        if now >= self._next_stats:
            self._next_stats = now + self._clocks.stats
            await self._stats(link)
        if now >= self._next_vms:
            self._next_vms = now + self._clocks.vms
            await self._vms(link)
        self._heard()
        # At least a tenth of a second, so that a clock set to nothing does not spin.
        return max(0.1, min(self._next_stats, self._next_vms) - time.monotonic())

    async def _bring_up(self, link: Link) -> None:
        async with self._bringing_up:
            await self._bring_up_now(link)

    async def _bring_up_now(self, link: Link) -> None:
        host_id = self.place.host_id
        capabilities = await self._ask(link, "Host.getCapabilities")
        hardware = await self._ask(link, "Host.getHardwareInfo")
        stats = await self._ask(link, "Host.getStats")
        self._live.host_caps[host_id] = capabilities
        self._live.host_hardware[host_id] = hardware
        self._live.host_row(host_id, stats)
        self._heard()
        self._recover_at = time.monotonic() + _RECOVERY_SECONDS
        await self._observer.host_answers(host_id, capabilities, hardware, stats)
        now = time.monotonic()
        await self._vms(link)
        # The first regular look is somewhere within a period, so that hosts stay spread.
        self._next_stats = now + random.uniform(0.2, 1.0) * self._clocks.stats
        self._next_vms = now + random.uniform(0.2, 1.0) * self._clocks.vms
        self._brought_up = True

    async def _stats(self, link: Link) -> None:
        stats = await self._ask(link, "Host.getStats")
        self._live.host_row(self.place.host_id, stats)
        await self._observer.host_stats(self.place.host_id, stats)

    async def _vms(self, link: Link) -> None:
        rows = await link.call("Host.getAllVmStats", {}, timeout=self._clocks.call) or []
        host_id = self.place.host_id
        told = {str(row.get("vmId")) for row in rows}
        for row in rows:
            self._live.vm_row(host_id, str(row.get("vmId")), row)
        for vm_id in [v for v, h in self._live.vm_host.items() if h == host_id and v not in told]:
            self._live.forget_vm(vm_id, host_id)
        await self._observer.vm_rows(host_id, rows, True)

    async def _ask(self, link: Link, verb: str) -> Mapping[str, Any]:
        """A verb without parameters; an agent that is still recovering is asked again for a while."""
        until = time.monotonic() + _RECOVERING_SECONDS
        while True:
            try:
                found: Mapping[str, Any] = await link.call(verb, {}, timeout=self._clocks.call) or {}
                return found
            except HostError as err:
                if err.code != Code.RECOVERING or time.monotonic() > until:
                    raise
                self._heard()
                await asyncio.sleep(1.0)

    def _heard(self) -> None:
        self._answered = time.monotonic()
        self._failures = 0
        self._silent = False

    async def _failed(self, err: Exception) -> float:
        self._failures += 1
        silence = time.monotonic() - self._answered
        log.info("host does not answer", host=self.place.host_id, error=str(err), attempts=self._failures)
        if isinstance(err, HostUnreachable) and self.link is not None and not self.link.open:
            self._drop()
        if self.place.status in _LOSES:
            grace = self.grace()
            if self._failures > _FAILURES and silence > grace:
                await self._tell(self._observer.host_lost(self.place.host_id))
            elif not self._silent and self.place.status in (S.UP, S.UNASSIGNED, S.NON_OPERATIONAL):
                self._silent = True
                await self._tell(self._observer.host_silent(self.place.host_id, grace))
        # A host that is just starting is met soon; one that stays away is not hammered.
        pause = min(self._clocks.refresh, _FIRST_RETRY * 2.0 ** min(self._failures, 10))
        return pause * random.uniform(0.75, 1.25)

    def _drop(self) -> None:
        self._linked.clear()
        self._brought_up = False
        if self.link is not None:
            self.link.close()
            self.link = None

    async def _watch_loss(self, link: Link) -> None:
        await link.lost.wait()
        self._linked.clear()
        self._brought_up = False
        self._wake.set()

    # -- events ----------------------------------------------------------------------------------------------

    def _on_event(self, name: str, params: Mapping[str, Any]) -> None:
        self._events.append((name, params))
        self._told.set()

    async def _tell_events(self) -> None:
        """In their order; those that gathered meanwhile and are about different VMs are told together."""
        host_id = self.place.host_id
        while True:
            while not self._events:
                self._told.clear()
                await self._told.wait()
            name, params = self._events.popleft()
            if not name.startswith(_VM_STATUS):
                await self._tell(self._observer.host_event(host_id, name, params))
                continue
            rows = {vm_id: row for vm_id, row in params.items() if isinstance(row, Mapping)}
            while self._events:
                more = self._next_rows(rows)
                if more is None:
                    break
                rows |= more
            for vm_id, row in rows.items():
                self._live.vm_row(host_id, vm_id, row, partial=True)
            if len(rows) == 1:
                [(vm_id, row)] = rows.items()
                await self._tell(self._observer.vm_event(host_id, vm_id, row))
            elif rows:
                told = [{**row, "vmId": vm_id} for vm_id, row in rows.items()]
                await self._tell(self._observer.vm_rows(host_id, told, False))

    def _next_rows(self, before: Mapping[str, Any]) -> dict[str, Mapping[str, Any]] | None:
        """Take the next event if it is of VMs that are not among those before; else it stays next."""
        name, params = self._events[0]
        if not name.startswith(_VM_STATUS) or any(vm_id in before for vm_id in params):
            return None
        self._events.popleft()
        return {vm_id: row for vm_id, row in params.items() if isinstance(row, Mapping)}

    async def _tell(self, call: Awaitable[None]) -> None:
        """An observer that fails must not end the monitoring."""
        try:
            await call
        except Exception:
            log.exception("observer failed", host=self.place.host_id)
