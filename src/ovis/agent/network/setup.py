"""Host.setupNetworks: VM networks as Linux bridges over NICs, VLANs and bonds, all or nothing.

Does: check the request, make and remove, wait for the engine to confirm that it still reaches us, else take everything
back; keep what was agreed in a file and put it up again at start, after what was not agreed is taken back (journal).
The hook points around a set-up run here. Does not: make VLANs and bonds itself (below), know DHCP (leases).
Follows: flows, section 1, step 5.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog
from pyroute2.netlink.exceptions import NetlinkError

from ovis.agent.hooks import Hooks
from ovis.agent.main.settings import AgentSettings
from ovis.agent.network import journal, kernel, resolvers
from ovis.agent.network.apply import Host, apply, finish
from ovis.agent.network.below import Below
from ovis.agent.network.bridges import Changes, ensure_bridge
from ovis.agent.network.kernel import Link
from ovis.agent.network.leases import Leases
from ovis.agent.network.linux import KernelMaker
from ovis.agent.network.ovs import OpenVSwitch
from ovis.agent.network.report import View
from ovis.agent.network.request import BAD_PARAMETERS, NOT_CONFIRMED, Kept, Plan, number, plan, truth
from ovis.agent.virt.link import in_thread
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_CONFIRM_SECONDS = 120.0
_STALE_SECONDS = 0.3
_LEASE_SECONDS = 6.0
_LOOK_SECONDS = 5.0


class NetworkVerbs:
    """The verbs, and what networks there are."""

    def __init__(self, settings: AgentSettings, hooks: Hooks) -> None:
        self._settings, self._hooks = settings, hooks
        self._file = settings.folder / "networks.json"
        self._open = settings.folder / "networks.open.json"
        self._running: asyncio.Task[None] | None = None
        self._kept = Kept()
        self._busy = asyncio.Lock()
        self._confirmed = asyncio.Event()
        self._below = Below(settings.network_backend, KernelMaker(), OpenVSwitch(settings.folder, settings.run))
        self._host = Host(self._below, Path(settings.resolv_conf))
        self._leases = Leases(partial(resolvers.take, self._host.resolv_conf))
        self._looking: asyncio.Task[None] | None = None
        self.dirty = False

    def snapshot(self) -> dict[str, Link]:
        """Links with VLANs and bonds as such, whoever makes them. Blocks."""
        return self._below.seen(kernel.snapshot())

    def view(self) -> View:
        """What reports need. Blocks."""
        servers = tuple(resolvers.read(self._host.resolv_conf))
        return View(links=self.snapshot(), kept=self._kept, leased=frozenset(self._leases.devices), nameservers=servers)

    async def start(self) -> None:
        """Put up again what was agreed, and the management bridge of the settings."""
        for word in self._settings.ensure_bridge.split(","):
            name, _, nic = word.strip().partition("=")
            if not name or not nic:
                continue
            made = await in_thread(ensure_bridge, name, nic)
            if made:
                log.info("management bridge made", bridge=name, nic=nic)
        await self._take_back_open()
        if self._file.exists():
            try:
                self._kept = msgspec.json.decode(self._file.read_bytes(), type=Kept)
            except msgspec.DecodeError as err:
                log.error("networks.json cannot be read", error=str(err))
                return
            await in_thread(self._put_up)
        await self._leases.follow(self._kept.networks.values())
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Networks stay; clients of DHCP end, their addresses stay."""
        if self._looking is not None:
            self._looking.cancel()
        await self._leases.stop()

    def _put_up(self) -> None:
        """All that was kept, again; if that cannot be, then each by itself. Blocks."""
        bonds, networks = tuple(self._kept.bonds.values()), tuple(self._kept.networks.values())
        if not self._put(Plan(networks=networks, bonds=bonds), Kept()):
            return
        done = Kept()
        for part in (*(Plan(bonds=(b,)) for b in bonds), *(Plan(networks=(n,)) for n in networks)):
            why = self._put(part, done)
            if why:
                names = [b.name for b in part.bonds] + [n.name for n in part.networks]
                log.error("not put up again", what=names, error=why)
            else:
                done = done.after(part)

    def _put(self, wanted: Plan, kept: Kept) -> str:
        """Why it was not; "" if it was."""
        changes = Changes()
        try:
            apply(self._host, changes, wanted, kept)
        except VerbError as err:
            return err.message
        finally:
            changes.close()
        return ""

    async def _look(self) -> None:
        """A switch that died is started again."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._busy.locked():
                continue
            try:
                if await in_thread(self._below.revive):
                    log.warning("Open vSwitch had ended and was started again")
            except VerbError as err:
                log.error("Open vSwitch ended and does not start again", error=err.message)

    async def _take_back_open(self) -> None:
        """Changes that were not agreed to before the agent ended are no more."""
        try:
            found = await in_thread(journal.read, self._open)
            if found is None:
                return
            used = await in_thread(journal.take_back, found, self._below)
        except (msgspec.DecodeError, VerbError, NetlinkError, OSError) as err:
            log.error("network changes that were not kept are still there", error=str(err))
            self.dirty = True
            return
        if used:
            log.warning("networks that were not kept are used by running VMs", networks=used)
            self.dirty = True
            return
        self._open.unlink()
        log.info("network changes that were not kept are taken back", devices=found.devices)

    def confirm(self) -> None:
        """The engine reached us."""
        self._confirmed.set()

    async def host_confirm_connectivity(self) -> None:
        """The engine says that it still reaches us."""
        self.confirm()

    async def host_set_safe_network_config(self) -> None:
        """What is there now is to be there after a reboot."""
        self._save()
        self.dirty = False

    async def host_setup_networks(self, networks: Any, bondings: Any, options: Any) -> None:
        """All of it, or none. Goes on to its end if the caller's connection breaks: that is what is being tested."""
        if self._busy.locked():
            raise VerbError(Code.UNAVAILABLE, "Networks are being changed already.")
        await self._busy.acquire()
        document = {"request": {"networks": networks, "bondings": bondings, "options": options}}
        self._running = asyncio.create_task(self._hooked(document))
        await asyncio.shield(self._running)

    async def _hooked(self, document: Any) -> None:
        """The set-up between its hook points; frees the way for the next one."""
        try:
            document = await self._hooks.data("before_network_setup", document)
            try:
                await self._set_up(document)
            except VerbError:
                await self._hooks.data("after_network_setup_fail", document)
                raise
            await self._hooks.data("after_network_setup", document)
        finally:
            self._busy.release()

    async def _set_up(self, document: Any) -> None:
        request = document.get("request") if isinstance(document, Mapping) else None
        if not isinstance(request, Mapping):
            raise VerbError(BAD_PARAMETERS, "A hook left no request.")
        wanted = plan(request.get("networks"), request.get("bondings"))
        options = request.get("options")
        given = options if isinstance(options, Mapping) else {}
        earlier = await in_thread(self._write_down, wanted)
        changes = await in_thread(Changes)  # its socket has a loop of its own
        try:
            await in_thread(apply, self._host, changes, wanted, self._kept)
            after = self._kept.after(wanted)
            await self._leases.follow(after.networks.values())
            if any(n.dhcp or n.dhcp6 for n in wanted.networks):
                await self._leases.bound(_LEASE_SECONDS)
            if truth(given.get("connectivityCheck"), True):
                await self._await_engine(given)
            await in_thread(finish, changes, wanted, self._kept)
        except (VerbError, NetlinkError):
            await in_thread(changes.undo)
            await self._leases.follow(self._kept.networks.values())
            await in_thread(self._cross_out, earlier)
            raise
        finally:
            await in_thread(changes.close)
        self._kept = after
        self.dirty = True
        if truth(given.get("commitOnSuccess"), False):
            await self.host_set_safe_network_config()

    def _write_down(self, wanted: Plan) -> journal.Journal | None:
        """The way back is on disk before anything changes. What was open already. Blocks."""
        earlier = journal.read(self._open)
        links = earlier.links if earlier else journal.record(kernel.snapshot())
        devices = dict.fromkeys([*_devices(wanted), *(earlier.devices if earlier else ())])
        layout = earlier.layout if earlier else self._below.switched
        journal.write(self._open, journal.Journal(links=links, devices=list(devices), layout=layout))
        return earlier

    def _cross_out(self, earlier: journal.Journal | None) -> None:
        """Nothing changed: open is what was open before. Blocks."""
        if earlier is None:
            self._open.unlink(missing_ok=True)
        else:
            journal.write(self._open, earlier)

    async def _await_engine(self, options: Mapping[str, Any]) -> None:
        # What came while things changed, or was read already when they had, proves nothing of how they are now.
        await asyncio.sleep(_STALE_SECONDS)
        self._confirmed.clear()
        limit = number(options.get("connectivityTimeout") or _CONFIRM_SECONDS, "connectivityTimeout", 1, 3600)
        try:
            await asyncio.wait_for(self._confirmed.wait(), limit)
        except TimeoutError as err:
            raise VerbError(
                NOT_CONFIRMED, f"The engine did not reach this host within {limit} s: the change was taken back."
            ) from err

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".new")
        temporary.write_bytes(msgspec.json.encode(self._kept))
        temporary.replace(self._file)
        self._open.unlink(missing_ok=True)


def _devices(wanted: Plan) -> list[str]:
    """Devices that a plan may make, upper ones first. Pure."""
    bridges = [n.name for n in wanted.networks if n.bridged]
    return [*bridges, *(n.vlan_device for n in wanted.networks if n.vlan_device), *(b.name for b in wanted.bonds)]
