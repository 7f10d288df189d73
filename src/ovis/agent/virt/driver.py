"""The real host: VDSM's verbs through libvirt, QEMU, the kernel and files.

Does: compose the parts, start them in order, find VMs again after the agent was away. Does not: serve a verb itself.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

import libvirt
import structlog

from ovis.agent.driver import Publish
from ovis.agent.host.fence import FenceVerbs
from ovis.agent.host.passthrough import PassthroughVerbs
from ovis.agent.host.reports import ReportVerbs
from ovis.agent.host.secrets import SecretVerbs
from ovis.agent.host.tickets import TicketVerbs
from ovis.agent.host.tuning import TuningVerbs
from ovis.agent.host.verbs import HostVerbs
from ovis.agent.host.watch import NetworkWatch
from ovis.agent.main.identity import Identity
from ovis.agent.main.settings import AgentSettings
from ovis.agent.network.setup import NetworkVerbs
from ovis.agent.storage import beats
from ovis.agent.storage.files import FileStorage
from ovis.agent.storage.nbd import NbdVerbs
from ovis.agent.storage.view_verbs import ViewVerbs
from ovis.agent.virt.console import ConsoleVerbs
from ovis.agent.virt.create import CreateVerbs
from ovis.agent.virt.desktop import DesktopVerbs
from ovis.agent.virt.devices import DeviceVerbs
from ovis.agent.virt.disk_facts import DiskFactVerbs
from ovis.agent.virt.events import Events
from ovis.agent.virt.external import ExternalVerbs
from ovis.agent.virt.facts import Facts
from ovis.agent.virt.floppy import FloppyVerbs
from ovis.agent.virt.freeze import FreezeVerbs
from ovis.agent.virt.guest_agent import GuestAgents
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.hibernate import HibernateVerbs
from ovis.agent.virt.life import LifeVerbs
from ovis.agent.virt.link import Link
from ovis.agent.virt.memory import MemoryVerbs
from ovis.agent.virt.merge import LiveMergeVerbs
from ovis.agent.virt.migrate import MigrateVerbs
from ovis.agent.virt.recover import recover
from ovis.agent.virt.replicate import ReplicateVerbs
from ovis.agent.virt.resume import Resumer
from ovis.agent.virt.seal import SealVerbs
from ovis.agent.virt.snapshot import SnapshotVerbs
from ovis.agent.virt.stats import StatsVerbs
from ovis.agent.virt.tune import TuneVerbs
from ovis.contract.errors import VerbError

log = structlog.get_logger(__name__)


class LibvirtDriver:
    """The driver of `ovis-agent run`."""

    def __init__(self, settings: AgentSettings, identity: Identity) -> None:
        self._settings = settings
        self._link = Link(settings.libvirt_uri)
        self._storage = FileStorage(settings, identity)
        self._guests = Guests(settings, identity, self._link, self._storage)
        facts = Facts(settings, self._link, identity.uuid())
        self._facts = facts
        self._guests.facts = facts
        self._guests.follow = GuestAgents(self._guests).follow
        self._networks = NetworkVerbs(settings, self._guests.hooks)
        self._stats = StatsVerbs(self._guests)
        self._link.on_event = Events(self._guests).take
        self._link.on_open = self._opened
        self._recovering = True
        self._watch: NetworkWatch | None = None
        self._finding: asyncio.Task[None] | None = None
        self._snapshots = SnapshotVerbs(self._guests, self._storage.core.jobs)
        self._merges = LiveMergeVerbs(self._guests, self._storage)
        self._replicas = ReplicateVerbs(self._guests, self._storage)
        self._parts = (
            CreateVerbs(self._guests),
            LifeVerbs(self._guests),
            HibernateVerbs(self._guests),
            MigrateVerbs(self._guests, self._stats),
            DeviceVerbs(self._guests, self._stats),
            MemoryVerbs(self._guests, self._stats),
            FreezeVerbs(self._guests),
            ExternalVerbs(self._guests),
            self._snapshots,
            self._merges,
            self._replicas,
            self._stats,
            HostVerbs(self._guests, facts, self._networks),
            FenceVerbs(partial(beats.lives, self._storage.core.servers.find)),
            self._networks,
            self._storage,
            TuneVerbs(self._guests),
            DesktopVerbs(self._guests),
            ConsoleVerbs(self._guests),
            FloppyVerbs(self._guests, self._stats),
            DiskFactVerbs(self._guests, self._storage.core),
            SealVerbs(self._guests, self._storage.core),
            ViewVerbs(self._storage.core, self._storage),
            ReportVerbs(self._networks),
            TuningVerbs(),
            SecretVerbs(self._link),
            PassthroughVerbs(self._link),
            NbdVerbs(self._storage.core, settings.run / "nbd"),
            TicketVerbs(),
        )

    @property
    def parts(self) -> Sequence[object]:
        """The verbs, by topic."""
        return self._parts

    @property
    def recovering(self) -> bool:
        """Until the VMs of before were found."""
        return self._recovering

    async def start(self, publish: Publish) -> None:
        """Returns at once as far as libvirt is concerned: it may come later."""
        self._guests.publish = publish
        self._storage.core.jobs.told = lambda job: publish(f"|jobs|status|{job.id}", job.row())
        self._watch = NetworkWatch(publish)
        await self._guests.hooks.domain("before_vdsm_start", "")
        self._settings.run.mkdir(parents=True, exist_ok=True, mode=0o755)
        await self._networks.start()
        await self._storage.start()
        await self._link.start()
        self._guests.spawn(self._stats.run())
        self._guests.spawn(Resumer(self._guests, self._storage).run())
        self._watch.start()

    async def stop(self) -> None:
        """Guests go on."""
        if self._watch is not None:
            self._watch.stop()
        await self._networks.stop()
        await self._guests.stop()
        await self._link.stop()
        await self._storage.stop()
        await self._guests.hooks.domain("after_vdsm_stop", "")

    def _opened(self) -> None:
        """Connected to libvirt, for the first time or again."""
        self._facts.forget()
        if self._finding is None or self._finding.done():
            self._finding = self._guests.spawn(self._find())

    async def _find(self) -> None:
        while True:
            try:
                await recover(self._guests, first=self._recovering)
            except VerbError as err:
                log.warning("VMs could not be found yet", error=err.message)
                await asyncio.sleep(1)
                continue
            self._recovering = False
            break
        await self._snapshots.recover()
        await self._merges.recover()
        await self._replicas.recover()
        try:
            await self._facts.hypervisor()  # the first VM need not wait for libvirt's first look at QEMU
        except (VerbError, libvirt.libvirtError) as err:
            log.warning("libvirt does not tell what it can do", error=str(err))
