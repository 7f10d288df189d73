"""What the engine makes of what hosts say: statuses of hosts and pools; VMs go to their own room.

Does: implement hostlink's Observer. Follows: flows, sections 1 and 15; host transitions of the status matrix.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from msgspec.structs import replace

from ovis.engine.commands.services import Services
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import DataCenterStatus, HostStatus, LogSeverity, SpmStatus
from ovis.engine.model.types import Cluster, DataCenter, Host, Network, Spm, StorageDomain
from ovis.engine.resources.balancing import watch as balancing
from ovis.engine.resources.hosts import fence_flow, host_devices, report
from ovis.engine.resources.levels import level_text
from ovis.engine.resources.live import HISTORY, LIVE
from ovis.engine.resources.networks import ClusterNetwork
from ovis.engine.resources.scheduler_proxy import watch as scheduler_proxy
from ovis.engine.resources.storage_domains import space
from ovis.engine.resources.storage_domains.connect import connect_pool, storage_up
from ovis.engine.resources.storage_domains.tables import Attachment
from ovis.engine.resources.vm_pools.upkeep import Upkeep
from ovis.engine.resources.vms import ha, monitoring
from ovis.engine.resources.vms.actions.start import start_again
from ovis.engine.resources.vms.scarce import note_parts
from ovis.engine.resources.vms.snapshot_of_hosts import note_load
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)
S = HostStatus
Facts = Mapping[str, Any]
UP = Audit(code=13, severity=LogSeverity.NORMAL, text="Status of host {host} was set to Up.")
NOT_OPERATIONAL = Audit(code=10, severity=LogSeverity.WARNING, text="Host {host} became non-operational: {reason}.")
SILENT = Audit(
    code=9027,
    severity=LogSeverity.WARNING,
    text="Host {host} does not answer. It is lost after {grace} seconds of silence.",
)
LOST = Audit(code=12, severity=LogSeverity.ERROR, text="Host {host} is non-responsive.")
_WANTS_UP = frozenset(
    {S.UNASSIGNED, S.INITIALIZING, S.CONNECTING, S.NON_RESPONSIVE, S.REBOOT, S.NON_OPERATIONAL, S.UP, S.ERROR}
)


class EngineObserver:
    """The one observer."""

    def __init__(self, services: Services) -> None:
        self._services = services
        LIVE["live"] = services.hosts.live
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin what the engine does of itself: restarts of highly available VMs, samples of what VMs use."""
        self._tasks = [
            asyncio.create_task(ha.watch(self._services, start_again), name="ha-restarts"),
            asyncio.create_task(balancing.watch(self._services), name="balancing"),
            asyncio.create_task(fence_flow.watch(self._services), name="fencing"),
            asyncio.create_task(Upkeep(self._services).watch(), name="vm-pools"),
            asyncio.create_task(scheduler_proxy.watch(self._services), name="scheduler-proxy"),
            asyncio.create_task(HISTORY.watch(), name="usage-history"),
        ]

    async def stop(self) -> None:
        """End it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def host_answers(self, host_id: str, capabilities: Facts, hardware: Facts, stats: Facts) -> None:
        """Check it, connect its storage, give it a status."""

        def look(rd: Reader) -> tuple[Host | None, str, dict[str, str]]:
            host = rd.get(Host, host_id)
            cluster = rd.get(Cluster, host.cluster.id) if host and host.cluster else None
            roles = rd.find(ClusterNetwork, cluster_id=str(cluster.id)) if cluster else []
            networks = rd.get_many(Network, [r.network_id for r in roles if r.required])
            names = {i: str(n.vdsm_name or n.name) for i, n in networks.items()}
            return host, level_text(cluster.version if cluster else None), names

        host, level, networks = await self._services.store.read(look)
        if host is None or host.status not in _WANTS_UP:
            return
        problems = report.problems(host, capabilities, level, networks)
        if not problems:
            await host_devices.read(self._services, host_id)
            await note_parts(self._services, host_id)
            try:
                await storage_up(self._services, host_id)
            except (HostError, HostUnreachable) as err:
                problems.append(f"its storage cannot be connected: {err}")
        await self._services.store.write(lambda tx: self._settle(tx, host_id, capabilities, hardware, problems))

    def _settle(self, tx: Tx, host_id: str, caps: Facts, hardware: Facts, problems: list[str]) -> None:
        host = tx.get(Host, host_id)
        if host is None or host.status not in _WANTS_UP:
            return
        status = S.NON_OPERATIONAL if problems else S.UP
        after = replace(
            report.described(host, caps, hardware), status=status, status_detail=problems[0][:255] if problems else None
        )
        if after != host:
            tx.update(after)
        if status is not host.status:
            if problems:
                record(tx, NOT_OPERATIONAL, host=after, reason="; ".join(problems))
            else:
                record(tx, UP, host=after)

    async def host_stats(self, host_id: str, stats: Facts) -> None:
        """Since when it is busy. Nothing of a host's row changes by statistics."""
        note_load(host_id, stats)

    async def host_silent(self, host_id: str, grace: float) -> None:
        """Up becomes connecting."""

        def write(tx: Tx) -> None:
            host = tx.get(Host, host_id)
            if host is not None and host.status in (S.UP, S.UNASSIGNED, S.NON_OPERATIONAL):
                after = tx.update(replace(host, status=S.CONNECTING))
                record(tx, SILENT, host=after, grace=round(grace))

        await self._services.store.write(write)

    async def host_lost(self, host_id: str) -> None:
        """Non-responsive: its VMs are unknown, its pool needs another manager."""

        def write(tx: Tx) -> bool:
            host = tx.get(Host, host_id)
            if host is None or host.status in (S.NON_RESPONSIVE, S.MAINTENANCE):
                return False
            after = tx.update(replace(host, status=S.NON_RESPONSIVE))
            record(tx, LOST, host=after)
            monitoring.host_lost(tx, after)
            return True

        if await self._services.store.write(write):
            await self._services.hosts.host_lost(host_id)

    async def vm_rows(self, host_id: str, rows: Sequence[Facts], full: bool) -> None:
        """To the VMs' room."""
        await monitoring.vm_rows(self._services, host_id, rows, full)

    async def vm_event(self, host_id: str, vm_id: str, row: Facts) -> None:
        """To the VMs' room."""
        await monitoring.vm_event(self._services, host_id, vm_id, row)

    async def host_event(self, host_id: str, name: str, params: Facts) -> None:
        """Networks changed: read capabilities again."""
        if name.startswith("|net|host_conn"):
            await self._services.hosts.refresh(host_id)

    async def connect_pool(self, host_id: str, data_center_id: str) -> None:
        """Before a host is asked to manage the pool."""
        await connect_pool(self._services, host_id, data_center_id)

    async def pool_state(self, data_center_id: str, state: str, spm_host_id: str | None) -> None:
        """The data center's status, and who is SPM."""

        def write(tx: Tx) -> None:
            data_center = tx.get(DataCenter, data_center_id)
            if data_center is None:
                return
            active = tx.count(Attachment, data_center_id=data_center_id, status="active")
            status = DataCenterStatus(state)
            if active and status is not data_center.status:
                tx.update(replace(data_center, status=status))
            for cluster in tx.find(Cluster, data_center_id=data_center_id):
                for host in tx.find(Host, cluster_id=str(cluster.id)):
                    role = SpmStatus.SPM if host.id == spm_host_id else SpmStatus.NONE
                    spm = host.spm or Spm(priority=5)
                    if spm.status is not role:
                        tx.update(replace(host, spm=replace(spm, status=role)))

        await self._services.store.write(write)

    async def pool_info(self, data_center_id: str, info: Facts) -> None:
        """Free and used space of domains."""

        def write(tx: Tx) -> None:
            for domain_id, row in (info.get("dominfo") or {}).items():
                domain = tx.get(StorageDomain, domain_id)
                if domain is None or "diskfree" not in row:
                    continue
                free, total = int(report.number(row["diskfree"])), int(report.number(row["disktotal"]))
                space.reported(tx, domain, free, total)

        await self._services.store.write(write)
