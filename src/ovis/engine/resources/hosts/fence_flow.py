"""A host that is lost is treated: by a restart of its agent over SSH, then by its power management; others wait for it.

Does: look at lost hosts every second, decide what is next for each (pure), do it. What was done is in the host's trouble
row, so a restart goes on. Does not: switch powers (power), or say that a host is lost (monitoring).
Follows: flows, section 15; the fencing policy of the cluster.
"""

import asyncio
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import structlog
from msgspec.structs import replace

from ovis.engine.commands import Lock, begin, locked
from ovis.engine.commands.services import Services
from ovis.engine.commands.table import milliseconds
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import HostStatus, LogSeverity, StorageDomainStatus
from ovis.engine.model.types import Cluster, FencingPolicy, Host
from ovis.engine.resources.hosts.fence_agents import of_host
from ovis.engine.resources.hosts.kdump import KdumpMessages
from ovis.engine.resources.hosts.power import FENCE, PowerParams, proxies
from ovis.engine.resources.hosts.tables import HostIdentity
from ovis.engine.resources.hosts.trouble import HostTrouble, end_of_error
from ovis.engine.resources.storage_domains.tables import Attachment
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)
S = HostStatus
LOOK_SECONDS = 1.0
SOFT_SECONDS = 60.0  # that a restarted agent has
KDUMP_SECONDS = 30.0  # in which a crashing kernel must be heard
KDUMP_SILENCE = 90.0  # after which its dump is over
PROXY_SECONDS = 30.0  # until another host is looked for again
N, W, A = LogSeverity.NORMAL, LogSeverity.WARNING, LogSeverity.ALERT
DISABLED = Audit(code=9016, severity=A, text="Host {host} is lost; fencing is switched off in cluster {cluster}.")
ISLAND = Audit(
    code=9013,
    severity=A,
    text="Host {host} is lost and not fenced: {percent} % of the hosts of cluster {cluster} do not answer, so it may be the network.",
)
NO_POWER = Audit(
    code=9028,
    severity=A,
    text="Host {host} is lost and has no power management: see that it is off, then confirm that it has been rebooted.",
)
NO_PROXY = Audit(
    code=9004, severity=N, text="Host {host} is lost, and no other host is up that could ask for its power."
)
SOFT = Audit(code=75, severity=N, text="The agent of lost host {host} was restarted over SSH.")
DUMPS = Audit(
    code=614, severity=N, text="Host {host} writes its memory down after a crash; it is left alone meanwhile."
)
NO_DUMP = Audit(code=615, severity=N, text="No crash dump of host {host} was heard of; it is fenced.")
DUMPED = Audit(code=616, severity=N, text="Host {host} has written its memory down and restarts.")
Next = Literal["wait", "disabled", "island", "soft", "no_power", "kdump", "no_dump", "no_proxy", "fence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the next step hangs on. Times in seconds since; None: never. broken: per cent of the cluster that is away."""

    policy: FencingPolicy
    since_start: float
    quiet_after_start: float
    broken: int
    lost_for: float
    soft: float | None
    ssh: bool
    agents: bool
    listens: bool
    dumps: bool
    fenced: float | None
    quiet: float
    proxies: bool


def next_step(case: Case) -> Next:
    """What is done with a lost host now. Pure."""
    if case.since_start < case.quiet_after_start:
        return "wait"
    if case.policy.enabled is False:
        return "disabled"
    broken = case.policy.skip_if_connectivity_broken
    if broken is not None and broken.enabled and case.broken >= (broken.threshold or 50):
        return "island"
    if case.ssh and case.soft is None:
        return "soft"
    if case.soft is not None and case.soft < SOFT_SECONDS:
        return "wait"
    if not case.agents:
        return "no_power"
    if case.listens and case.dumps:
        return "kdump"
    if case.listens and case.lost_for < KDUMP_SECONDS:
        return "wait"
    if case.fenced is not None and case.fenced < case.quiet:
        return "wait"
    if not case.proxies:
        return "no_proxy"
    return "fence"


_ALERTS: Mapping[str, Audit] = {"disabled": DISABLED, "island": ISLAND, "no_power": NO_POWER, "no_proxy": NO_PROXY}


class FenceFlow:
    """Of one engine."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._begun = time.monotonic()
        self._kdump = KdumpMessages()
        self._ssh: dict[str, asyncio.Task[None]] = {}

    async def watch(self) -> None:
        """For ever."""
        settings = self._services.settings
        if settings.kdump_port:
            await self._kdump.listen(settings.kdump_address, settings.kdump_port)
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                try:
                    await self.round()
                except Exception:
                    log.exception("lost hosts could not be looked at")
        finally:
            self._kdump.close()
            for task in self._ssh.values():
                task.cancel()

    async def round(self) -> None:
        """One look at all hosts."""
        if await self._services.store.read(_concerns):
            for host_id in await self._services.store.write(self._round):
                if host_id not in self._ssh or self._ssh[host_id].done():
                    self._ssh[host_id] = asyncio.create_task(self._restart_agent(host_id), name=f"ssh-{host_id}")

    def _round(self, tx: Tx) -> list[str]:
        """Every lost host one step further; hosts whose agents are to be restarted over SSH."""
        end_of_error(tx)
        now, soft = milliseconds(), []
        for row in tx.select(HostTrouble):
            host = tx.get(Host, row.id)
            if host is not None and host.status in (S.UP, S.MAINTENANCE, S.NON_OPERATIONAL) and row.lost_at:
                tx.put(replace(row, lost_at=0, told=(), soft_at=0, kdump_at=0))
        for host in tx.find(Host, status=[S.NON_RESPONSIVE.value, S.KDUMPING.value, S.REBOOT.value]):
            row = tx.get(HostTrouble, str(host.id)) or HostTrouble(id=str(host.id))
            if not row.lost_at:
                row = tx.put(replace(row, lost_at=now, told=(), soft_at=0, kdump_at=0))
            if host.status is S.REBOOT:
                self._rebooting(tx, host, row, now)
            elif host.status is S.KDUMPING:
                self._dumping(tx, host, row, now)
            elif not locked(tx, "host", str(host.id)) and self._step(tx, host, row, now) == "soft":
                soft.append(str(host.id))
        return soft

    def _case(self, tx: Tx, host: Host, row: HostTrouble, cluster: Cluster, now: int) -> Case:
        settings = self._services.settings
        heard = self._kdump.heard(host.address or "")
        return Case(
            policy=cluster.fencing_policy or FencingPolicy(enabled=True),
            since_start=time.monotonic() - self._begun,
            quiet_after_start=settings.fence_quiet_after_start_seconds,
            broken=broken_percent(tx, str(cluster.id)),
            lost_for=(now - row.lost_at) / 1000,
            soft=(now - row.soft_at) / 1000 if row.soft_at else None,
            ssh=bool(settings.soft_fence_command) and shutil.which("ssh") is not None,
            agents=bool(of_host(tx, str(host.id))),
            listens=self._kdump.listening
            and bool(host.power_management and host.power_management.kdump_detection is not False),
            dumps=heard is not None and heard < KDUMP_SILENCE,
            fenced=(now - row.fenced_at) / 1000 if row.fenced_at else None,
            quiet=settings.fence_quiet_seconds,
            proxies=bool(proxies(tx, host)),
        )

    def _step(self, tx: Tx, host: Host, row: HostTrouble, now: int) -> Next:
        cluster = tx.need(Cluster, host.cluster.id if host.cluster else None)
        case = self._case(tx, host, row, cluster, now)
        step = next_step(case)
        if step in _ALERTS and step not in row.told:
            record(tx, _ALERTS[step], host=host, cluster=cluster, percent=case.broken)
            tx.put(replace(row, told=(*row.told, step)))
        elif step == "soft":
            tx.put(replace(row, soft_at=now))
        elif step == "kdump":
            record(tx, DUMPS, host=tx.update(replace(host, status=S.KDUMPING)))
            tx.put(replace(row, kdump_at=now))
        elif step == "fence":
            if case.listens and "no_dump" not in row.told:
                record(tx, NO_DUMP, host=host)
                row = replace(row, told=(*row.told, "no_dump"))
            tx.put(replace(row, fenced_at=now))
            begin(
                tx,
                FENCE,
                PowerParams(host_id=str(host.id), leases=leases_of(tx, host, cluster)),
                locks=(Lock("host", str(host.id)),),
                subjects=(("host", str(host.id)),),
            )
        return step

    def _dumping(self, tx: Tx, host: Host, row: HostTrouble, now: int) -> None:
        """Its memory is written down: when that is over, nothing runs there any more."""
        from ovis.engine.resources.vms.monitoring import clear_host

        heard = self._kdump.heard(host.address or "")
        if (heard is None and now - row.kdump_at > KDUMP_SILENCE * 1000) or (heard or 0) > KDUMP_SILENCE:
            clear_host(tx, str(host.id))
            record(tx, DUMPED, host=tx.update(replace(host, status=S.REBOOT)))
            tx.put(replace(row, fenced_at=now))

    def _rebooting(self, tx: Tx, host: Host, row: HostTrouble, now: int) -> None:
        """A host that does not come back is lost again."""
        limit = self._services.settings.reboot_seconds * 1000
        if row.fenced_at and now - row.fenced_at > limit and now - row.lost_at > limit:
            tx.update(replace(host, status=S.NON_RESPONSIVE))

    async def _restart_agent(self, host_id: str) -> None:
        """Over SSH, by the engine's key, if the host lets it in. That it worked is seen when the host answers."""
        settings = self._services.settings
        host = await self._services.store.read(lambda rd: rd.get(Host, host_id))
        if host is None:
            return
        user = (host.ssh.user.user_name if host.ssh and host.ssh.user else None) or "root"
        process = await asyncio.create_subprocess_exec(
            "ssh",
            *("-i", str(settings.folder / "pki/engine.key"), "-p", str((host.ssh.port if host.ssh else None) or 22)),
            *("-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "StrictHostKeyChecking=accept-new"),
            *("-o", f"UserKnownHostsFile={settings.folder / 'ssh_known_hosts'}", "-o", "IdentitiesOnly=yes"),
            *(f"{user}@{host.address}", settings.soft_fence_command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(SOFT_SECONDS):
                _, said = await process.communicate()
        except (TimeoutError, asyncio.CancelledError):
            if process.returncode is None:
                process.kill()
                await process.wait()
            raise
        if process.returncode == 0:
            await self._services.store.write(lambda tx: record(tx, SOFT, host=host))
            return
        log.info("no restart over SSH", host=host_id, said=said.decode(errors="replace")[-200:].strip())
        await self._services.store.write(lambda tx: _not_soft(tx, host_id))


def _not_soft(tx: Tx, host_id: str) -> None:
    """Nobody waits for an agent that was not restarted."""
    row = tx.get(HostTrouble, host_id)
    if row is not None and row.soft_at:
        tx.put(replace(row, soft_at=milliseconds() - round(SOFT_SECONDS * 1000)))


_CONCERN = (S.NON_RESPONSIVE, S.KDUMPING, S.REBOOT, S.ERROR)


def _concerns(rd: Reader) -> bool:
    """Whether there is anything to look at."""
    return bool(rd.count(Host, status=[s.value for s in _CONCERN])) or any(r.lost_at for r in rd.select(HostTrouble))


def broken_percent(rd: Reader, cluster_id: str) -> int:
    """How many of a cluster's hosts that ought to answer do not, per cent."""
    wanted = [h for h in rd.find(Host, cluster_id=cluster_id) if h.status not in (S.MAINTENANCE, S.DOWN)]
    away = [h for h in wanted if h.status in (S.NON_RESPONSIVE, S.CONNECTING)]
    return round(100 * len(away) / len(wanted)) if wanted else 0


def leases_of(rd: Reader, host: Host, cluster: Cluster) -> dict[str, int]:
    """Storage domains whose lease tells that the host lives, if its cluster wants that to be asked."""
    policy = cluster.fencing_policy
    if policy is None or policy.skip_if_sd_active is None or not policy.skip_if_sd_active.enabled:
        return {}
    identity = rd.get(HostIdentity, str(host.id))
    center = str(cluster.data_center.id) if cluster.data_center else ""
    if identity is None or not identity.spm_id:
        return {}
    active = rd.find(Attachment, data_center_id=center, status=StorageDomainStatus.ACTIVE.value)
    return {row.storage_domain_id: identity.spm_id for row in active}


async def watch(services: Services) -> None:
    """Treat lost hosts, for ever."""
    await FenceFlow(services).watch()
