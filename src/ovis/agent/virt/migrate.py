"""Live migration: source and target.

Does: let the target's agent prepare, move the guest by libvirt peer to peer, follow and steer it by the convergence
schedule, tell how it ended. One running copy is left, whatever fails. Does not: choose a target.
Follows: flows, section 7; the incoming limit is error 82, tried again by the source.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import libvirt
import structlog

from ovis.agent.hooks.calls import each_device
from ovis.agent.hooks.documents import custom_of
from ovis.agent.rpc.client import AgentClient
from ovis.agent.virt import complete as documents
from ovis.agent.virt.events import apply_stop, arrived, came, left
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.life import truth
from ovis.agent.virt.link import reason
from ovis.agent.virt.prepare import prepared, volumes_used
from ovis.agent.virt.stats import StatsVerbs
from ovis.agent.virt.sweep import stopped_detail
from ovis.agent.virt.vm import Migration, Record, Vm
from ovis.contract import statuses as st
from ovis.contract.errors import Code, VerbError
from ovis.contract.statuses import ExitCode, ExitReason

log = structlog.get_logger(__name__)
_LOOK = 0.5  # seconds between looks at a migration
_TELL = 1.0  # seconds between progress events
_BUSY = 10.0  # seconds until a target with too many migrations is asked again
_BUSY_LIMIT = 1800.0
_APPEARS = 60.0  # seconds in which the incoming domain must come to the target
_LIMIT = 2
_PREPARE = 120.0


def flags_of(params: Mapping[str, Any], *, tls: bool) -> int:
    """libvirt's flags for a migration. Pure."""
    flags = (
        libvirt.VIR_MIGRATE_LIVE
        | libvirt.VIR_MIGRATE_PEER2PEER
        | libvirt.VIR_MIGRATE_PERSIST_DEST
        | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
        | libvirt.VIR_MIGRATE_UNSAFE  # storage is the engine's to judge: it knows what is shared
    )
    for name, flag in (
        ("abortOnError", libvirt.VIR_MIGRATE_ABORT_ON_ERROR),
        ("autoConverge", libvirt.VIR_MIGRATE_AUTO_CONVERGE),
        ("compressed", libvirt.VIR_MIGRATE_COMPRESSED),
        ("tunneled", libvirt.VIR_MIGRATE_TUNNELLED),
    ):
        if truth(params.get(name)):
            flags |= flag
    if tls or truth(params.get("encrypted")):
        flags |= libvirt.VIR_MIGRATE_TLS
    if int(params.get("parallel") or 0) > 1:
        flags |= libvirt.VIR_MIGRATE_PARALLEL
    schedule = params.get("convergenceSchedule") or {}
    actions = [s.get("action") or {} for s in schedule.get("stalling") or ()]
    if any(a.get("name") == "postcopy" for a in actions):
        flags |= libvirt.VIR_MIGRATE_POSTCOPY
    return int(flags)


def split_address(text: str) -> tuple[str, int]:
    """`host:port`, `[v6]:port` or `host`. INVALID_PARAMETER if the port is none."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, "54321"
    if not port.isdigit() or not host:
        raise VerbError(Code.INVALID_PARAMETER, f"{text!r} is no address of a host.")
    return host.strip("[]"), int(port)


def due_action(stalling: list[Mapping[str, Any]], iteration: int) -> Mapping[str, Any] | None:
    """The schedule's head, taken off if its time has come: its limit is below the stalled iterations, or -1. Pure."""
    if not stalling:
        return None
    limit = int(stalling[0].get("limit", -1))
    if limit == -1 or limit < iteration:
        return dict(stalling.pop(0).get("action") or {})
    return None


class MigrateVerbs:
    """The verbs of both sides."""

    def __init__(self, guests: Guests, stats: StatsVerbs) -> None:
        self._guests, self._stats = guests, stats

    # -- source --------------------------------------------------------------------------------------------------

    async def vm_migrate(self, vmID: str, params: Mapping[str, Any]) -> None:
        """Begin; Migration Source until it ends."""
        guests = self._guests
        vm = guests.running(vmID)
        if vm.status in (st.MIGRATION_SOURCE, st.MIGRATION_DESTINATION):
            raise VerbError(Code.MIGRATION_IN_PROGRESS, "Migration in progress")
        if vm.status not in (st.UP, st.POWERING_UP, st.PAUSED, st.POWERING_DOWN, st.REBOOT_IN_PROGRESS):
            raise VerbError(Code.MIGRATION_FAILED, f"A VM that is {vm.status} cannot be migrated.")
        target = str(params.get("dst") or "")
        host, port = split_address(target)
        if vm.task is not None and not vm.task.done():
            vm.task.cancel()
        before, pause = vm.status, vm.record.pause_code
        migration = Migration(target=target, begun=time.time(), params=dict(params))
        vm.migration = migration
        vm.record.exit_message = ""
        guests.set(vm, st.MIGRATION_SOURCE)
        vm.task = guests.spawn(self._migrate(vm, migration, host, port, before, pause))

    async def _migrate(self, vm: Vm, m: Migration, host: str, port: int, before: str, pause: str) -> None:
        guests = self._guests
        client: AgentClient | None = None
        asked = False
        try:
            await self._slot(vm, m)
            context = guests.identity.client_context() if guests.identity.joined else None
            client = await AgentClient.connect(host, port, context)
            await client.call("Host.ping2", {}, 20)
            await self._hooks_before(vm)
            whole = await self._ask_target(client, vm, m)
            asked = True
            await self._move(vm, m, host, whole)
            m.progress, m.code, m.message = 100, 0, "Migration succeeded"
            m.downtime = await self._downtime(client, vm)
            self._progress(vm, m, downtime=True)
            if not vm.destroying:
                guests.ended(vm, ExitCode.NORMAL, ExitReason.MIGRATION_SUCCEEDED, m.message)
            guests.spawn(left(guests, vm))
        except asyncio.CancelledError:
            if not m.cancelled:
                raise  # the agent ends, or the VM is destroyed
            await self._failed(vm, m, client if asked else None, "Migration canceled", before, pause)
        except (VerbError, libvirt.libvirtError, OSError, ValueError) as err:
            why = "Migration canceled" if m.cancelled else f"Migration failed: {reason(err)}"
            await self._failed(vm, m, client if asked else None, why, before, pause)
        finally:
            m.moving = False
            if client is not None:
                await client.close()

    async def _hooks_before(self, vm: Vm) -> None:
        """What the source's administrator wants done before the target is asked; a failure is the migration's."""
        guests = self._guests
        points = ("before_device_migrate_source", "before_vm_migrate_source")
        if any(guests.hooks.scripts(point) for point in points):
            live = await guests.link.domain(vm.id, lambda d: d.XMLDesc(0))
            await each_device(guests.hooks, points[0], live, vm.id)
            await guests.hooks.domain(points[1], live, vm_id=vm.id)

    async def _slot(self, vm: Vm, m: Migration) -> None:
        """Wait while as many as the engine allows are under way."""
        limit = max(1, int(m.params.get("outgoingLimit") or _LIMIT))
        while True:
            others = [v.migration for v in self._guests.vms.values() if v is not vm and v.migration is not None]
            if sum(o.moving for o in others) < limit:
                m.moving = True
                return
            await asyncio.sleep(_LOOK)

    async def _ask_target(self, client: AgentClient, vm: Vm, m: Migration) -> str:
        """VM.migrationCreate; the document as the target wants it ("" if it has no wish)."""
        guests = self._guests
        what = libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE
        xml = await guests.link.domain(vm.id, lambda d: d.XMLDesc(what))
        limit = int(m.params.get("incomingLimit") or _LIMIT)
        params = {
            "vmId": vm.id,
            "vmName": vm.record.name,
            "xml": xml,
            "_srcDomXML": xml,
            "migrationDest": "libvirt",
            "incomingLimit": limit,
            "enableGuestEvents": truth(m.params.get("enableGuestEvents")),
            "elapsedTimeOffset": max(0, time.time() - vm.record.begun),
        }
        call = {"vmID": vm.id, "params": params, "incomingLimit": limit}
        until = time.monotonic() + _BUSY_LIMIT
        while True:
            try:
                answer = await client.call("VM.migrationCreate", call, _PREPARE)
                break
            except VerbError as err:
                if err.code != Code.TOO_MANY_MIGRATIONS or time.monotonic() > until:
                    raise
                log.info("the target has too many migrations", vm=vm.id, target=m.target)
                await asyncio.sleep(_BUSY)
        told = answer.get("params") if isinstance(answer, Mapping) else None
        return str((told or {}).get("_dstDomXML") or "")

    async def _move(self, vm: Vm, m: Migration, host: str, whole: str) -> None:
        guests, p = self._guests, m.params
        tls = guests.settings.migration_tls
        flags = flags_of(p, tls=tls)
        shown = f"[{host}]" if ":" in host else host
        values: dict[str, Any] = {}
        if not flags & libvirt.VIR_MIGRATE_TUNNELLED:
            data = str(p.get("dstqemu") or host)
            values[libvirt.VIR_MIGRATE_PARAM_URI] = f"tcp://[{data}]" if ":" in data else f"tcp://{data}"
        if whole:
            values[libvirt.VIR_MIGRATE_PARAM_DEST_XML] = whole
            values[libvirt.VIR_MIGRATE_PARAM_PERSIST_XML] = whole
        if int(p.get("maxBandwidth") or 0) > 0:
            values[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = int(p["maxBandwidth"])
        if flags & libvirt.VIR_MIGRATE_PARALLEL:
            values[libvirt.VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS] = int(p["parallel"])
        uri = guests.settings.migration_uri.format(host=shown)
        watcher = guests.spawn(self._watch(vm, m))
        vm.in_libvirt = m.in_libvirt = True
        try:
            await guests.link.domain(vm.id, lambda d: d.migrateToURI3(uri, values, flags), timeout=None)
        finally:
            vm.in_libvirt = m.in_libvirt = False
            watcher.cancel()

    async def _watch(self, vm: Vm, m: Migration) -> None:
        """Progress, and the convergence schedule."""
        schedule = m.params.get("convergenceSchedule") or {}
        stalling = list(schedule.get("stalling") or ())
        first = list(schedule.get("init") or ())
        seen, told = 1, 0.0
        while True:
            await asyncio.sleep(_LOOK)
            try:
                stats = await self._guests.link.domain(vm.id, lambda d: d.jobStats(), timeout=10)
                if m.cancelled:
                    await self._guests.link.domain(vm.id, lambda d: d.abortJob(), timeout=10)
                    continue
                total = int(stats.get("memory_total", 0))
                if not total:
                    continue
                for action in first:
                    await self._act(vm, action)
                first = []
                iteration = max(m.iteration, int(stats.get("memory_iteration", 0)))
                if iteration > seen:
                    seen = iteration
                    action = due_action(stalling, iteration - 1)
                    if action:
                        await self._act(vm, action)
                moved = round(100 - 100 * int(stats.get("memory_remaining", 0)) / total)
                m.progress = max(m.progress, min(99, max(0, moved)))
            except (VerbError, libvirt.libvirtError) as err:
                log.debug("the migration cannot be looked at", vm=vm.id, error=reason(err))
                continue
            if time.monotonic() - told >= _TELL:
                told = time.monotonic()
                self._progress(vm, m)

    async def _act(self, vm: Vm, action: Mapping[str, Any]) -> None:
        name, words = action.get("name"), list(action.get("params") or ())
        log.info("convergence", vm=vm.id, action=name, params=words)
        work = self._guests.link.domain
        if name == "setDowntime" and words:
            milliseconds = int(words[0])
            await work(vm.id, lambda d: d.migrateSetMaxDowntime(milliseconds, 0))
        elif name == "postcopy":
            await work(vm.id, lambda d: d.migrateStartPostCopy(0))
        elif name == "abort":
            await work(vm.id, lambda d: d.abortJob())
        else:
            log.warning("an unknown convergence action", vm=vm.id, action=name)

    def _progress(self, vm: Vm, m: Migration, *, downtime: bool = False) -> None:
        body: dict[str, Any] = {"progress": m.progress, "postcopy": False}
        if downtime:
            body["downtime"] = m.downtime
        self._guests.publish(f"|virt|VM_migration_status|{vm.id}", {vm.id: body})

    async def _downtime(self, client: AgentClient, vm: Vm) -> int:
        """Milliseconds, from the target's statistics of the finished job."""
        try:
            found = await client.call("VM.getMigrationStatus", {"vmID": vm.id}, 10)
            return int((found or {}).get("downtime") or 0)
        except (VerbError, ValueError) as err:
            log.info("no downtime known", vm=vm.id, error=str(err))
            return 0

    async def _failed(
        self, vm: Vm, m: Migration, client: AgentClient | None, why: str, before: str, pause: str
    ) -> None:
        """The guest is here still, unless libvirt says otherwise; the target forgets it."""
        guests = self._guests
        m.code, m.message = int(Code.MIGRATION_FAILED), why
        log.warning("migration ended", vm=vm.id, target=m.target, why=why)
        here, ended_by = True, libvirt.VIR_DOMAIN_SHUTOFF_MIGRATED  # a domain leaves its source only when it has moved
        try:
            state, ended_by = await guests.link.domain(vm.id, lambda d: d.state())
            here = state not in (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED)
        except libvirt.libvirtError as err:
            here = err.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN
        except VerbError as err:
            log.warning("whether the guest is here is not known", vm=vm.id, error=err.message)
        if client is not None and here:
            try:
                await client.call("VM.destroy", {"vmID": vm.id}, 10)
            except VerbError as err:
                log.info("the target's copy was not cleared", vm=vm.id, error=err.message)
        if vm.down or vm.destroying:
            return
        if not here:
            apply_stop(guests, vm, libvirt.VIR_DOMAIN_EVENT_STOPPED, stopped_detail(ended_by))
            return
        vm.record.exit_message = why
        if before == st.PAUSED:
            guests.set(vm, st.PAUSED, pause_code=pause)
        else:
            guests.awake(vm)
        guests.follow(vm)

    async def vm_migrate_cancel(self, vmID: str) -> None:
        """Stop it; the guest stays here."""
        vm = self._guests.running(vmID)
        m, task = vm.migration, vm.task
        if vm.status != st.MIGRATION_SOURCE:
            raise VerbError(Code.MIGRATION_FAILED, "The VM is not migrating")
        if m is None or task is None or task.done():  # begun by an agent before this one
            await self._guests.ask(vm, Code.MIGRATION_FAILED, lambda d: d.abortJob())
            return
        m.cancelled = True
        await asyncio.sleep(0)  # a task cancelled before its first step would never clear up
        if not m.in_libvirt:
            task.cancel()
            return
        try:
            await self._guests.link.domain(vm.id, lambda d: d.abortJob())
        except libvirt.libvirtError as err:
            log.info("cancelled as soon as the job runs", vm=vm.id, error=reason(err))

    async def vm_migrate_change_params(self, vmID: str, params: Mapping[str, Any]) -> None:
        """The bandwidth (MiB/s) of a migration under way."""
        vm = self._guests.running(vmID)
        if vm.status != st.MIGRATION_SOURCE:
            raise VerbError(Code.MIGRATION_FAILED, "The VM is not migrating")
        try:
            bandwidth = int(params["maxBandwidth"])
        except (KeyError, TypeError, ValueError) as err:
            raise VerbError(Code.INVALID_PARAMETER, "maxBandwidth (MiB/s) is missing.") from err
        await self._guests.ask(vm, Code.MIGRATION_FAILED, lambda d: d.migrateSetMaxSpeed(bandwidth, 0))

    async def vm_get_migration_status(self, vmID: str) -> dict[str, Any]:
        """Of the last migration, on either side."""
        vm = self._guests.vm(vmID)
        m = vm.migration
        if m is None:
            downtime = 0
            if not vm.down and vm.record.origin == "migration":
                try:
                    flags = libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED | libvirt.VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED
                    found = await self._guests.link.domain(vm.id, lambda d: d.jobStats(flags))
                    downtime = int(found.get("downtime", 0))
                except libvirt.libvirtError as err:
                    log.info("no statistics of the migration", vm=vm.id, error=reason(err))
            return {"status": {"code": 0, "message": "Done"}, "progress": 0, "downtime": downtime}
        return {"status": {"code": m.code, "message": m.message}, "progress": m.progress, "downtime": m.downtime}

    # -- target --------------------------------------------------------------------------------------------------

    async def vm_migration_create(
        self, vmID: str, params: Mapping[str, Any], incomingLimit: Any = None
    ) -> dict[str, Any]:
        """Prepare for a VM that comes; its document for this host goes back to the source."""
        guests = self._guests
        known = guests.vms.get(vmID)
        if known is not None:
            raise VerbError(Code.VM_EXISTS, "Virtual machine already exists")
        incoming = sum(v.status == st.MIGRATION_DESTINATION for v in guests.vms.values())
        limit = int(incomingLimit or params.get("incomingLimit") or _LIMIT)
        if incoming >= limit:
            raise VerbError(Code.TOO_MANY_MIGRATIONS, f"This host takes {limit} migrations at once")
        xml = params.get("_srcDomXML") or params.get("xml")
        if not isinstance(xml, str):
            raise VerbError(Code.MISSING_PARAMETER, "The source sent no domain XML.")
        root = documents.read(xml)
        if root.findtext("uuid") != vmID or not documents.is_ours(root):
            raise VerbError(Code.INVALID_PARAMETER, "The domain XML is not that VM's.")
        record = Record(
            vm_id=vmID,
            name=root.findtext("name") or vmID,
            status=st.MIGRATION_DESTINATION,
            origin="migration",
            images=volumes_used(root),
            begun=time.time() - float(params.get("elapsedTimeOffset") or 0),
        )
        vm = Vm(record)
        vm.custom = custom_of(root)
        guests.add(vm)
        try:
            whole, _ = await prepared(guests, vmID, xml, moved=True)
            await each_device(guests.hooks, "before_device_migrate_destination", xml, vmID)
            await guests.hooks.domain("before_vm_migrate_destination", xml, vm_id=vmID)
        except BaseException:
            await guests.release(vm)
            guests.forget(vm)
            raise
        guests.tell(vm)
        vm.task = guests.spawn(self._await(vm))
        return {"params": {"vmId": vmID, "_dstDomXML": whole}, "migrationPort": 0}

    async def _await(self, vm: Vm) -> None:
        """Until the guest runs here, or does not come. Events tell both; this looks, should one be missed."""
        guests = self._guests
        begun = time.monotonic()
        seen = False
        while vm.status == st.MIGRATION_DESTINATION:
            await asyncio.sleep(1)
            try:
                state, why = await guests.link.domain(vm.id, lambda d: d.state())
                seen = True
            except libvirt.libvirtError:
                if seen or time.monotonic() - begun > _APPEARS:
                    guests.ended(vm, ExitCode.ERROR, ExitReason.MIGRATION_FAILED, "The VM did not come")
                continue
            except VerbError:
                continue
            if vm.status != st.MIGRATION_DESTINATION:
                return
            if state == libvirt.VIR_DOMAIN_RUNNING and why != libvirt.VIR_DOMAIN_RUNNING_POSTCOPY:
                await arrived(guests, vm)
            elif state == libvirt.VIR_DOMAIN_PAUSED and why == libvirt.VIR_DOMAIN_PAUSED_USER:
                await guests.refresh(vm)  # it was paused on the source
                guests.set(vm, st.PAUSED)
                guests.follow(vm)
                await came(guests, vm)
