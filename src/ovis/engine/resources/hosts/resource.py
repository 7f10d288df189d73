"""Hosts: /hosts.

Does: show, update, remove; activate, maintenance, refresh, manual fence; what a host reports below it. Hosts join by
token (`enrol`); one added here first waits for its agent; `power` drives its power. Does not: install by SSH.
Follows: host part of the status matrix and permits of engine 4.5.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.grants import forget_object
from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault, Refusal, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Action as ApiAction, Need, Op, Resource, Started
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import HostStatus, LogSeverity, VmStatus
from ovis.engine.model.types import (
    Action,
    Cluster,
    Host,
    HostCpuUnit,
    HostStorage,
    KatelloErratum,
    StorageConnectionExtension,
    Vm,
    VmSummary,
)
from ovis.engine.resources import bodies, cross_search as cross
from ovis.engine.resources.affinity_labels import labels_of
from ovis.engine.resources.hosts import enrol, power, setup_networks
from ovis.engine.resources.hosts.fence_agents import FENCE_AGENTS_OF_HOST
from ovis.engine.resources.hosts.host_devices import DEVICES_OF_HOST
from ovis.engine.resources.hosts.machine import HOOKS_OF_HOST, NUMA_OF_HOST, STATISTICS_OF_HOST
from ovis.engine.resources.hosts.network_collections import ATTACHMENTS_OF_HOST, NICS_OF_HOST
from ovis.engine.resources.hosts.networking import PROVIDERS_OF_HOST, UNMANAGED_OF_HOST
from ovis.engine.resources.hosts.tables import HOSTS, HostIdentity
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.resources.tags import forget_tags, tags_of
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx

N, E, W = LogSeverity.NORMAL, LogSeverity.ERROR, LogSeverity.WARNING
S = HostStatus
UPDATED = Audit(code=43, severity=N, text="Host {host} was updated by {user}.")
REMOVED = Audit(code=44, severity=N, text="Host {host} was removed by {user}.")
ACTIVATED = Audit(code=16, severity=N, text="Activation of host {host} was initiated by {user}.")
IN_MAINTENANCE = Audit(code=600, severity=N, text="Host {host} was put into maintenance by {user}.")
CONFIRMED = Audit(code=9001, severity=W, text="{user} confirmed that host {host} was rebooted: its VMs are set down.")
_FENCED_BY_HAND = (
    S.DOWN,
    S.MAINTENANCE,
    S.NON_RESPONSIVE,
    S.INSTALLING,
    S.INSTALL_FAILED,
    S.REBOOT,
    S.NON_OPERATIONAL,
    S.CONNECTING,
    S.KDUMPING,
)
_KEEP = (
    "status status_detail memory max_scheduling_memory version libvirt_version hardware_information iscsi kdump_status "
    "se_linux auto_numa_status numa_supported summary type protocol certificate cpu update_available external_status"
).split()


# -- the host ---------------------------------------------------------------------------------------------------


def add(tx: Tx, call: Call, body: Host) -> Host:
    """POST /hosts: a host that waits for its agent to join under this name."""
    cluster = bodies.resolve(tx, Cluster, body.cluster or Cluster(name="Default"))
    made = enrol.new_host(tx, str(body.name), str(body.address), body.port or 54321, cluster, comment=body.comment)
    record(tx, enrol.ADDED, call=call, host=made)
    return made


def update(tx: Tx, call: Call, body: Host) -> Host:
    """PUT /hosts/ID: name, comment, SPM priority; the cluster only in maintenance."""
    from ovis.engine.resources.storage_domains.connect import free_spm_id

    old = tx.need(Host, call.ids[-1])
    new = bodies.without_subs(bodies.merge(old, replace(body, root_password=None, ssh=None), keep=_KEEP))
    bodies.raise_all(bodies.text_refusals(new.name, "name", enrol.NAME_RULE))
    bodies.require_free_name(tx, Host, new.name, "ACTION_TYPE_FAILED_NAME_ALREADY_USED", own_id=new.id)
    if body.cluster is not None:
        wanted = bodies.resolve(tx, Cluster, body.cluster)
        if old.cluster and wanted.id != old.cluster.id and old.status is not S.MAINTENANCE:
            raise refuse(
                "VDS_CANNOT_UPDATE_CLUSTER",
                f"Host {old.name} changes its cluster only in maintenance.",
                "Deactivate it first.",
            )
        new = replace(new, cluster=Cluster(id=wanted.id))
        identity = tx.get(HostIdentity, str(old.id))
        if identity is not None and old.cluster and wanted.id != old.cluster.id:
            tx.update(replace(identity, spm_id=free_spm_id(tx, str(wanted.id))))
    if new.address != old.address and old.status not in (
        S.MAINTENANCE,
        S.NON_RESPONSIVE,
        S.INSTALL_FAILED,
        S.INSTALLING,
    ):
        raise refuse("VDS_HOSTNAME_CANNOT_CHANGE", "The address changes only in maintenance.")
    tx.update(new)
    record(tx, UPDATED, call=call, host=new)
    return new


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /hosts/ID: only in maintenance (or never up)."""
    host = tx.need(Host, call.ids[-1])
    allowed = (S.MAINTENANCE, S.INSTALL_FAILED, S.INSTALLING, S.PENDING_APPROVAL, S.DOWN)
    if host.status not in allowed and not (call.flag("force") and host.status is S.NON_RESPONSIVE):
        raise refuse(
            "VDS_CANNOT_REMOVE_VDS_STATUS_ILLEGAL",
            f"Host {host.name} is {host.status.value if host.status else 'unknown'}.",
            "Put it into maintenance first.",
        )
    if tx.count(Vm, host_id=str(host.id)):
        raise refuse("VDS_CANNOT_REMOVE_VDS_DETECTED_RUNNING_VM", f"Host {host.name} has VMs.")
    if tx.get(HostIdentity, str(host.id)) is not None:
        tx.delete(HostIdentity, str(host.id))
    forget_object(tx, "host", str(host.id))
    forget_tags(tx, str(host.id))
    tx.delete(Host, str(host.id))
    record(tx, REMOVED, call=call, host=host)


def activate(tx: Tx, call: Call, action: Action) -> None:
    """POST activate: monitoring brings it up."""
    host = tx.need(Host, call.ids[0])
    if host.status is S.UP:
        raise refuse("VDS_ALREADY_UP", f"Host {host.name} is up already.")
    if host.status in (S.INSTALLING, S.INSTALLING_OS, S.PENDING_APPROVAL, S.INSTALL_FAILED):
        raise refuse("VDS_STATUS_NOT_VALID_FOR_ACTIVATION", f"Host {host.name} is {host.status.value}.")
    tx.update(replace(host, status=S.UNASSIGNED, status_detail=None))
    record(tx, ACTIVATED, call=call, host=host)


class HostParams(Struct, kw_only=True, frozen=True):
    """The host."""

    host_id: str


def _words(rd: Reader, params: HostParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"host": rd.get(Host, params.host_id)}


def deactivate(tx: Tx, call: Call, action: Action) -> Started:
    """POST deactivate: maintenance; VMs migrate away first. Refused up front if one cannot."""
    from ovis.engine.resources.vms import rules
    from ovis.engine.resources.vms.placement import place
    from ovis.engine.resources.vms.state import VmRuntime

    host = tx.need(Host, call.ids[0])
    if host.status in (S.MAINTENANCE, S.PREPARING_FOR_MAINTENANCE):
        raise refuse("VDS_CANNOT_MAINTENANCE_VDS_IS_IN_MAINTENANCE", f"Host {host.name} is in maintenance already.")
    reasons: list[Refusal] = []
    vms = [vm for vm in tx.find(Vm, host_id=str(host.id)) if vm.status is not VmStatus.DOWN]
    if host.status is S.NON_RESPONSIVE and vms:
        reasons.append(
            Refusal(
                "VDS_CANNOT_MAINTENANCE_VDS_IS_NOT_RESPONDING_WITH_VMS",
                f"Host {host.name} does not answer and has VMs.",
            )
        )
    elif host.status in (S.UP, S.NON_OPERATIONAL):
        for vm in vms:
            runtime = tx.get(VmRuntime, str(vm.id)) or VmRuntime(id=str(vm.id))
            if vm.status is VmStatus.MIGRATING:
                continue
            reasons += rules.refusals_to_migrate(vm, forced=True, pause_code=runtime.pause_code)
            decision = place(tx, vm, excluded=(str(host.id),), purpose="migrate", keep=False, evacuate=True)
            if decision.host is None:
                reasons.append(
                    Refusal(
                        "CANNOT_MAINTENANCE_NO_ALTERNATE_HOST_FOR_NON_MIGRATABLE_VM",
                        f"VM {vm.name} fits on no other host: {decision.reasons()}.",
                    )
                )
    bodies.raise_all(reasons)
    tx.update(replace(host, status=S.PREPARING_FOR_MAINTENANCE))
    return begin(
        tx,
        MAINTENANCE,
        HostParams(host_id=str(host.id)),
        call=call,
        locks=(Lock("host", str(host.id)),),
        subjects=(("host", str(host.id)),),
        state={"vms": len(vms)},
        wait=not vms,
    )


async def _empty(ctx: Context) -> None:
    """Migrate everything away; again for what stays behind."""
    from ovis.engine.resources.vms.actions.migrate import begin_migration
    from ovis.engine.resources.vms.state import VmRuntime

    host_id = ctx.params.host_id
    wait = 0.2
    while True:
        vms = await ctx.read(lambda rd: [v for v in rd.find(Vm, host_id=host_id) if v.status is not VmStatus.DOWN])
        if not vms:
            return
        for vm in vms:
            if vm.status in (VmStatus.UP, VmStatus.POWERING_UP, VmStatus.PAUSED):

                def move(tx: Tx, vm_id: str = str(vm.id)) -> None:
                    now, runtime = tx.need(Vm, vm_id), tx.need(VmRuntime, vm_id)
                    if now.status is not VmStatus.MIGRATING:
                        begin_migration(tx, now, runtime, correlation_id=ctx.correlation_id)

                try:
                    await ctx.write(move)
                except Fault as err:
                    ctx.state["problem"] = err.detail
        await ctx.pause(wait)
        ctx.stop_if_cancelled()
        wait = min(wait * 1.5, 5.0)


async def _leave(ctx: Context) -> Callable[[Tx], None]:
    """Give up the SPM role, let go of storage."""
    from ovis.engine.resources.storage_domains.connect import data_center_of_host, disconnect_pool

    host_id = ctx.params.host_id
    data_center_id = await ctx.read(lambda rd: data_center_of_host(rd, host_id))
    if data_center_id is not None:
        if ctx.services.hosts.spm(data_center_id) == host_id:
            await ctx.services.hosts.stop_spm(data_center_id, host_id)
        try:
            await disconnect_pool(ctx.services, host_id, data_center_id)
        except (HostError, HostUnreachable) as err:
            ctx.state["problem"] = str(err)

    def save(tx: Tx) -> None:
        tx.update(replace(tx.need(Host, host_id), status=S.MAINTENANCE, status_detail=None))

    return save


def _active_again(tx: Tx, ctx: Context) -> None:
    host = tx.get(Host, ctx.params.host_id)
    if host is not None and host.status is S.PREPARING_FOR_MAINTENANCE:
        tx.update(replace(host, status=S.UNASSIGNED))


def _begin_maintenance(tx: Tx, ctx: Context) -> None:
    """The status was set with the command; its undo activates the host again."""


MAINTENANCE = Command(
    name="host.maintenance",
    params=HostParams,
    title="Moving host {host} to maintenance",
    words=_words,
    cancellable=True,
    steps=(
        Step("begin", _begin_maintenance, undo=_active_again, undo_own=True),
        Step("empty", _empty, title="Migrating its VMs"),
        Step("leave", _leave, title="Disconnecting storage"),
    ),
    done=IN_MAINTENANCE,
    failed=Audit(code=17, severity=E, text="Host {host} could not be put into maintenance: {reason}"),
)


async def refresh(services: Services, call: Call, action: Action) -> None:
    """POST refresh: capabilities now."""
    try:
        await services.hosts.refresh(call.ids[0])
    except (HostError, HostUnreachable) as err:
        raise refuse("VDS_CANNOT_REFRESH", f"The host does not answer: {err}") from err


async def fence(services: Services, call: Call, action: Action) -> Action | Started:
    """POST fence: `manual` confirms a reboot; the others ask the host's fence agents."""
    from ovis.engine.resources.vms.monitoring import host_cleared

    kind = (action.fence_type or "").lower()
    if kind in ("start", "stop", "restart", "status"):
        return await power.fence(services, call, action, kind)
    host = await services.store.read(lambda rd: rd.need(Host, call.ids[0]))
    if kind == "manual":
        if host.status not in _FENCED_BY_HAND:
            raise refuse(
                "ACTION_TYPE_FAILED_VDS_NOT_MATCH_VALID_STATUS",
                f"Host {host.name} is {host.status.value if host.status else 'unknown'}: it answers.",
                "Only the reboot of a host that is lost is confirmed by hand.",
            )
        await host_cleared(services, str(host.id))
        await services.hosts.host_lost(str(host.id))
        await services.store.write(lambda tx: record(tx, CONFIRMED, call=call, host=host))
        return action
    raise refuse(
        "ACTION_TYPE_FAILED_FENCE_TYPE",
        f"{action.fence_type} is no type of fencing.",
        "Use manual, restart, start, stop or status.",
        bad=True,
    )


async def force_select_spm(services: Services, call: Call, action: Action) -> None:
    """POST forceselectspm."""
    from ovis.engine.resources.storage_domains.connect import data_center_of_host

    data_center_id = await services.store.read(lambda rd: data_center_of_host(rd, call.ids[0]))
    if data_center_id is None:
        raise refuse("ACTION_TYPE_FAILED_STORAGE_POOL_NOT_EXIST", "The host belongs to no data center.")
    await services.hosts.stop_spm(data_center_id)
    await services.hosts.elect_spm(data_center_id, call.ids[0])


def shown(rd: Reader, call: Call, found: Sequence[Host]) -> list[Host]:
    """With how many VMs it has."""
    sql = rd.sql(Vm)
    ids = [str(h.id) for h in found]
    rows = rd.rows(sql.select().with_only_columns(sql.c.host_id, sql.c.status).where(sql.c.host_id.in_(ids)))
    counts: dict[str, list[int]] = {i: [0, 0, 0] for i in ids}
    for host_id, status in rows:
        counts[host_id][2] += 1
        counts[host_id][0] += status == "up"
        counts[host_id][1] += status == "migrating"
    return [
        replace(
            h,
            summary=VmSummary(active=counts[str(h.id)][0], migrating=counts[str(h.id)][1], total=counts[str(h.id)][2]),
        )
        for h in found
    ]


# -- below --------------------------------------------------------------------------------------------------------


def _nothing(type_: Any, collection: str) -> Resource:
    return Resource(type=type_, collection=collection, list=Op(run=bodies.nothing, needs=PUBLIC), get=Op(needs=PUBLIC))


SEARCH = SearchObject(
    table=HOSTS,
    prefix="Hosts",
    fields={
        "name": Field("text", "name"),
        "comment": Field("text", "comment"),
        "status": Field("enum", "status"),
        "address": Field("text", "address"),
        "cluster": Field("text", via=Join("clusters", "cluster_id", "name")),
        "datacenter": Field(
            "text",
            via=Join("clusters", "cluster_id", "data_center_id", then=Join("data_centers", "data_center_id", "name")),
        ),
        "cpu_usage": cross.usage("cpu_usage"),
        "mem_usage": cross.usage("mem_usage"),
        "network_usage": cross.usage("network_usage"),
        "load": cross.usage("load"),
        "external_status": Field("enum", "external_status"),
        "cpus": Field("int", "cpus"),
        "cpu_speed": Field("int", "cpu_speed"),
        "update_available": Field("bool", "update_available"),
        "spm_id": Field("int", via=Join("host_identities", "id", "spm_id")),
        "hw_id": Field("uuid", via=Join("host_identities", "id", "hardware_id"), free=False),
        "memory": Field("int", "memory", unit=1 << 20),
        "cpu_model": Field("text", "cpu_model"),
        "version": Field("text", "software_version"),
        "type": Field("enum", "type"),
        "tag": Field(
            "text",
            via=Join(
                "tag_assignments", "id", "tag_id", "object_id", then=Join("tags", "tag_id", "name", tree="parent_id")
            ),
            free=False,
        ),
        "active_vms": Field("text", via=Join("vms", "id", "name", "host_id"), free=False),
        "id": Field("uuid", "id", free=False),
    },
    cross={
        "cluster": (cross.clusters, Join("clusters", "cluster_id", "id")),
        "vm": (cross.vms, Join("vms", "id", "id", "host_id")),
        "template": (cross.templates, Join("vms", "id", "template_id", "host_id")),
        "event": (cross.events, Join("events", "id", "id", "host_id")),
        "user": (cross.users, cross.HELD_BY_USERS),
    },
)
_MANAGE = (Need(Permit.MANIPULATE_HOST),)
RESOURCE = Resource(
    type=Host,
    collection="hosts",
    object_type="host",
    table=HOSTS,
    search=SEARCH,
    derive=shown,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=(Need(Permit.CREATE_HOST, "cluster"),), mandatory=("name", "address")),
    update=Op(run=update, needs=(Need(Permit.EDIT_HOST_CONFIGURATION),)),
    remove=Op(run=remove, needs=(Need(Permit.DELETE_HOST),)),
    actions=(
        ApiAction(name="activate", run=activate, needs=_MANAGE, body=("async",)),
        ApiAction(name="deactivate", run=deactivate, needs=_MANAGE, body=("async", "reason", "stop_gluster_service")),
        ApiAction(name="refresh", run=refresh, needs=_MANAGE, body=("async",)),
        ApiAction(name="fence", run=fence, needs=_MANAGE, body=("async", "fence_type"), mandatory=("fence_type",)),
        ApiAction(name="forceselectspm", run=force_select_spm, needs=_MANAGE, body=("async",)),
        *setup_networks.ACTIONS,
    ),
    subs=(
        NICS_OF_HOST,
        STATISTICS_OF_HOST,
        HOOKS_OF_HOST,
        NUMA_OF_HOST,
        tags_of("host"),
        permissions_of("host"),
        _nothing(HostStorage, "storage"),
        DEVICES_OF_HOST,
        ATTACHMENTS_OF_HOST,
        UNMANAGED_OF_HOST,
        PROVIDERS_OF_HOST,
        _nothing(KatelloErratum, "katelloerrata"),
        labels_of("hosts"),
        FENCE_AGENTS_OF_HOST,
        _nothing(StorageConnectionExtension, "storageconnectionextensions"),
        _nothing(HostCpuUnit, "cpuunits"),
    ),
)
COMMANDS = (MAINTENANCE, *power.COMMANDS, *setup_networks.COMMANDS)
