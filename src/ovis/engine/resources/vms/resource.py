"""Virtual machines: /vms.

Does: add (from Blank or a template, thin or cloned), list, get, update (now or at the next run), remove; what lies below.
Follows: VM part of the status matrix, permits, defaults and limits of engine 4.5.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.access.check import require
from ovis.engine.access.grants import grant_on_creation
from ovis.engine.commands import Lock, begin, require_unlocked
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.ids import BLANK_TEMPLATE
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Param, Resource, Started
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.live import network_usage
from ovis.engine.model.enums import DiskStatus, LogSeverity, TemplateStatus
from ovis.engine.model.types import (
    Backup,
    Cdrom,
    Checkpoint,
    Cluster,
    CpuProfile,
    Disk,
    Host,
    InstanceType,
    KatelloErratum,
    ReportedDevice,
    Statistic,
    Template,
    Vm,
    VmPlacementPolicy,
    VmPool,
)
from ovis.engine.resources import bodies, cross_search as cross, icons, instance_type_devices, instance_types
from ovis.engine.resources.affinity_labels import labels_of
from ovis.engine.resources.custom_properties import checks as custom_checks
from ovis.engine.resources.disks import copies, resource as disks
from ovis.engine.resources.disks.attachments import ATTACHMENTS_OF_VM, DISKS_OF_VM_V3, attach, disks_of_vm
from ovis.engine.resources.disks.tables import DiskImage, TemplateDisk, VmDisk
from ovis.engine.resources.hosts.host_devices import DEVICES_OF_VM
from ovis.engine.resources.hosts.report import number
from ovis.engine.resources.live import HISTORY, vm_facts
from ovis.engine.resources.os_catalog import BY_NAME as SYSTEMS
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.resources.quotas import consumption as quotas
from ovis.engine.resources.statistics import VM_STATISTICS, build
from ovis.engine.resources.tags import tags_of
from ovis.engine.resources.templates.devices import give as give_devices
from ovis.engine.resources.templates.tables import TemplateNic, base_id, number as version_number
from ovis.engine.resources.vm_pools import detach
from ovis.engine.resources.vms import defaults, hot, memory, plug, rules
from ovis.engine.resources.vms.actions import clone as clone_action, guest, hot_set, migrate, start, stop, suspend
from ovis.engine.resources.vms.consoles import CDROMS_OF_VM, CONSOLES_OF_VM, TICKET
from ovis.engine.resources.vms.explain import EXPLAIN_OF_VM, PLACEMENTS_OF_VM
from ovis.engine.resources.vms.mediated import MEDIATED_OF_VM
from ovis.engine.resources.vms.next_run import keep_next_run
from ovis.engine.resources.vms.nics import (
    NICS_OF_VM,
    REORDER,
    create as create_nic,
    devices,
    mac_pool_of,
    reported_of_vms,
)
from ovis.engine.resources.vms.numa import NUMA_OF_VM
from ovis.engine.resources.vms.provision import ADD, REMOVE, ProvisionParams, forget_vm
from ovis.engine.resources.vms.snapshots import resource as snapshots
from ovis.engine.resources.vms.state import ON_HOST, TABLE, S, VmCdrom, VmNextRun, VmRuntime
from ovis.engine.resources.vms.views import APPLICATIONS_OF_VM, SESSIONS_OF_VM
from ovis.engine.resources.vms.watchdogs import WATCHDOGS_OF_VM
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx
from ovis.engine.wire.dialect3 import Context as V3Context

N = LogSeverity.NORMAL
ADDED = Audit(code=34, severity=N, text="VM {vm} was created by {user}.")
UPDATED = Audit(code=35, severity=N, text="VM {vm} configuration was updated by {user}.")
REMOVED = Audit(code=113, severity=N, text="VM {vm} was removed by {user}.")
_READ_ONLY = (
    "status status_detail host start_time stop_time stop_reason creation_time fqdn guest_operating_system guest_time_zone "
    "next_run_configuration_exists run_once template original_template has_illegal_images origin vm_pool cluster"
).split()


def _name_rules(rd: Reader, vm: Vm, data_center_id: str) -> None:
    """Names are unique in a data center."""
    clusters = [str(c.id) for c in rd.find(Cluster, data_center_id=data_center_id)]
    bodies.require_free_name(rd, Vm, vm.name, "ACTION_TYPE_FAILED_NAME_ALREADY_USED", own_id=vm.id, cluster_id=clusters)


def _check(rd: Reader, vm: Vm) -> None:
    system = SYSTEMS.get(vm.os.type or "") if vm.os else None
    if vm.os and vm.os.type and system is None:
        raise refuse(
            "VALIDATION_OS_UNKNOWN", f"There is no operating system {vm.os.type}.", "See /operatingsystems.", bad=True
        )
    sysprep = system is not None and system.windows and vm.initialization is not None
    bodies.raise_all(rules.value_refusals(vm, name_max=15 if sysprep else 64) + custom_checks.of_vm(rd, vm))
    cluster = rd.need(Cluster, vm.cluster.id if vm.cluster else None)
    if cluster.data_center is not None:
        _name_rules(rd, vm, str(cluster.data_center.id))
        quotas.checked(rd, str(cluster.data_center.id), vm.quota)


def _without_secrets(vm: Vm) -> Vm:
    """What goes out: passwords of the initialization never do."""
    if vm.initialization is not None and vm.initialization.root_password is not None:
        return replace(vm, initialization=replace(vm.initialization, root_password="******"))
    return vm


def _placement(tx: Reader, vm: Vm) -> Vm:
    policy = vm.placement_policy
    if policy is None or not policy.hosts:
        return vm
    hosts = [Host(id=bodies.resolve(tx, Host, h).id) for h in policy.hosts if h.id or h.name]
    return replace(vm, placement_policy=VmPlacementPolicy(affinity=policy.affinity, hosts=hosts or None))


def add(tx: Tx, call: Call, body: Vm, *, pool: VmPool | None = None) -> Vm | Started:
    """POST /vms; with a snapshot, of what that holds. pool: that it is made for, which was asked about permits."""
    if body.snapshots and body.snapshots[0].id is not None:
        return clone_action.add_from_snapshot(tx, call, body, body.snapshots[0].id, _check)
    template = bodies.resolve(tx, Template, body.template)
    cluster = bodies.resolve(tx, Cluster, body.cluster)
    if template.status is not TemplateStatus.OK:
        raise refuse("ACTION_TYPE_FAILED_TEMPLATE_IS_LOCKED", f"Template {template.name} is not ready.", "Wait for it.")
    if body.use_latest_template_version and template.id != BLANK_TEMPLATE:
        template = _latest(tx, template)
    clone = call.flag("clone")
    given = icons.kept(tx, bodies.without_subs(body))
    base = Vm(**{f: getattr(template, f) for f in _BASE_FIELDS})
    kind = bodies.resolve(tx, InstanceType, body.instance_type) if _names_one(body.instance_type) else None
    if kind is not None:
        base = Vm(**_fields(instance_types.over(base, kind)))
    vm = bodies.merge(bodies.merge(Vm(**_fields(defaults.blank())), base), given, keep=_READ_ONLY)
    vm = rules.complete_memory(vm, given)
    vm_id = bodies.new_id()
    profile = given.cpu_profile
    if profile is None or profile.id is None:
        profile = tx.one(CpuProfile, cluster_id=str(cluster.id))
    blank = template.id == BLANK_TEMPLATE
    vm = replace(
        _placement(tx, vm),
        id=vm_id,
        name=body.name,
        description=body.description or None,  # an empty element upsets libgovirt
        comment=body.comment if body.comment is not None else "",
        cluster=Cluster(id=cluster.id),
        template=Template(id=BLANK_TEMPLATE if clone else template.id),
        original_template=Template(id=template.id),
        cpu_profile=CpuProfile(id=profile.id) if profile else None,
        instance_type=InstanceType(id=kind.id) if kind is not None else None,
        creation_time=call.now,
        status=S.DOWN,
        host=None,
        next_run_configuration_exists=False,
        run_once=False,
        vm_pool=VmPool(id=pool.id) if pool is not None else None,
        stateless=vm.stateless if pool is None else not pool.stateful,
        has_illegal_images=False,
        use_latest_template_version=bool(given.use_latest_template_version),
        origin="ovirt",
        delete_protected=bool(given.delete_protected)
        if given.delete_protected is not None
        else bool(vm.delete_protected),
    )
    vm = icons.with_icons(icons.taken(defaults.settled(vm, cluster), given))
    known = template if template.id != BLANK_TEMPLATE else replace(template, placement_policy=vm.placement_policy)
    _ask_for_more(tx, call, known, vm, "cluster", str(cluster.id))
    _check(tx, vm)
    planned = _plan_disks(tx, call, body, template, needs_permit=pool is None) if not blank else []
    if planned:
        vm = replace(vm, status=S.IMAGE_LOCKED)
    tx.insert(vm)
    tx.insert(VmRuntime(id=vm_id))
    tx.insert(VmCdrom(id=vm_id, vm_id=vm_id, cdrom=Cdrom()))
    for source, disk, image in planned:
        tx.insert(disk)
        tx.insert(image)
        attach(tx, replace(vm, status=S.DOWN), disk, source.attachment)
        if pool is None:
            grant_on_creation(tx, call, "disk", str(disk.id))
    for nic in tx.find(TemplateNic, template_id=str(template.id)):
        create_nic(tx, vm, replace(nic.nic, mac=None))
    give_devices(tx, vm, str(template.id))
    if kind is not None:
        vm = instance_type_devices.give(tx, vm, str(kind.id))
    for inline in body.nics or ():
        create_nic(tx, vm, inline)
    if pool is None:
        grant_on_creation(tx, call, "vm", vm_id)
    if not planned:
        record(tx, ADDED, call=call, vm=vm)
        return _without_secrets(vm)
    return begin(
        tx,
        ADD,
        ProvisionParams(
            vm_id=vm_id,
            copies=tuple((source.disk_id, str(disk.id)) for source, disk, _ in planned),
            clone=clone,
            mac_pool=mac_pool_of(tx, vm),
        ),
        call=call,
        locks=(
            Lock("vm", vm_id),
            *(Lock("disk", str(disk.id)) for _, disk, _ in planned),
            Lock("template", str(template.id), shared=True),
        ),
        subjects=(("vm", vm_id),),
        entity=_without_secrets(vm),
    )


def _names_one(reference: InstanceType | None) -> bool:
    return reference is not None and bool(reference.id or reference.name)


def _latest(rd: Reader, template: Template) -> Template:
    """The newest version of a template that is ready."""
    ready = [t for t in rd.find(Template, base_id=base_id(template)) if t.status is TemplateStatus.OK]
    return max(ready, key=version_number, default=template)


def _fields(document: Any) -> dict[str, Any]:
    return {f: getattr(document, f) for f in document.__struct_fields__}


_BASE_FIELDS = tuple(
    f
    for f in defaults.blank().__struct_fields__
    if f
    not in ("id", "name", "description", "comment", "href", "cluster", "creation_time", "origin", "delete_protected")
)


def _plan_disks(tx: Tx, call: Call, body: Vm, template: Template, *, needs_permit: bool) -> list[Any]:
    """New disks for a template's, where the body puts them or beside the template's."""
    wishes = {a.disk.id: a.disk for a in body.disk_attachments or () if a.disk is not None and a.disk.id is not None}
    out = []
    for row in tx.find(TemplateDisk, template_id=str(template.id)):
        source, origin = tx.need(Disk, row.disk_id), tx.need(DiskImage, row.disk_id)
        disks.require_ok(source)
        wish = wishes.get(row.disk_id)
        disk, image = copies.planned(
            tx, call, source, origin, wish, layered=not call.flag("clone"), needs_permit=needs_permit
        )
        out.append((row, disk, image))
    return out


def _ask_for_more(rd: Reader, call: Call, before: Any, after: Vm, object_type: str, object_id: str) -> None:
    """Custom properties and the hosts that a VM is bound to need permits of their own when they change."""
    if (after.custom_properties or None) != (before.custom_properties or None):
        require(rd, call, Permit.CHANGE_VM_CUSTOM_PROPERTIES, object_type, object_id)
    if after.quota is not None and after.quota != before.quota:
        cluster = rd.get(Cluster, after.cluster.id if after.cluster else None)
        quotas.may_use(rd, call, str(cluster.data_center.id) if cluster and cluster.data_center else "", after.quota)
    if _hosts(after) != _hosts(before):
        require(rd, call, Permit.EDIT_ADMIN_VM_PROPERTIES, object_type, object_id)


def _hosts(vm: Any) -> set[str]:
    policy = vm.placement_policy
    return {str(h.id) for h in (policy.hosts or ())} if policy is not None else set()


def update(tx: Tx, call: Call, body: Vm) -> Vm | Started:
    """PUT /vms/ID: at once where that is possible, else at the next run."""
    old = tx.need(Vm, call.ids[-1])
    waiting = tx.get(VmNextRun, str(old.id))
    before = waiting.vm if waiting is not None else old
    given = icons.kept(tx, bodies.without_subs(body))
    if given.initialization is not None and given.initialization.root_password == "******":
        kept = old.initialization.root_password if old.initialization else None
        given = replace(given, initialization=replace(given.initialization, root_password=kept))
    new = icons.taken(_placement(tx, bodies.merge(before, given, keep=_READ_ONLY)), given)
    if body.cluster is not None and (body.cluster.id or body.cluster.name):
        wanted = bodies.resolve(tx, Cluster, body.cluster)
        if old.cluster is not None and wanted.id != old.cluster.id:
            require(tx, call, Permit.CREATE_VM, "cluster", str(wanted.id))
            if old.status is not S.DOWN:
                raise refuse("VM_CANNOT_UPDATE_CLUSTER", f"VM {old.name} changes its cluster only while it is down.")
            new = replace(new, cluster=Cluster(id=wanted.id))
    if given.memory is not None and (given.memory_policy is None or given.memory_policy.max is None):
        policy = new.memory_policy
        if policy is not None and (policy.max or 0) < (new.memory or 0):
            new = replace(new, memory_policy=replace(policy, max=min((new.memory or 0) * 4, rules.MAX_MEMORY)))
    _ask_for_more(tx, call, before, new, "vm", str(old.id))
    _check(tx, new)
    if old.status in ON_HOST and (new.quota, new.memory, new.cpu) != (old.quota, old.memory, old.cpu):
        quotas.run(tx, call, new)
    if old.status in (S.DOWN, S.IMAGE_LOCKED):
        after = tx.update(new) if new != old else old
    else:
        runtime = tx.get(VmRuntime, str(old.id)) or VmRuntime(id=str(old.id))
        whole = replace(new, status=old.status, host=old.host)
        change = hot.plan(old, whole, given, runtime.dimms, wait=call.flag("next_run"))
        bodies.raise_all(change.refusals)
        if change.later is not None:
            keep_next_run(tx, change.later)
        elif waiting is not None:
            tx.delete(VmNextRun, str(old.id))
        now = replace(change.now, next_run_configuration_exists=change.later is not None)
        after = tx.update(now) if now != old else old
        if change.hot:
            record(tx, UPDATED, call=call, vm=after)
            return hot_set.begin_hot(tx, call, after, change)
    record(tx, UPDATED, call=call, vm=after)
    return _without_secrets(after)


def remove(tx: Tx, call: Call, body: Any) -> Started | None:
    """DELETE /vms/ID: with its disks, unless `detach_only`."""
    vm = tx.need(Vm, call.ids[-1])
    attached = disks_of_vm(tx, str(vm.id))
    locked = [str(d.alias) for _, d, _ in attached if d.status is DiskStatus.LOCKED]
    reasons = rules.refusals_to_remove(vm, pool=vm.vm_pool is not None, locked_disks=locked)
    bodies.raise_all(reasons)
    require_unlocked(tx, ("vm", str(vm.id)))
    shared = {str(d.id) for _, d, _ in attached if len(tx.find(VmDisk, disk_id=str(d.id))) > 1}
    doomed = [] if call.flag("detach_only") else [str(d.id) for _, d, _ in attached if str(d.id) not in shared]
    pool = mac_pool_of(tx, vm)
    if not doomed:
        forget_vm(tx, str(vm.id), pool)
        record(tx, REMOVED, call=call, vm=vm)
        return None
    tx.update(replace(vm, status=S.IMAGE_LOCKED))
    for disk_id in doomed:
        tx.update(replace(tx.need(Disk, disk_id), status=DiskStatus.LOCKED))
    return begin(
        tx,
        REMOVE,
        ProvisionParams(vm_id=str(vm.id), copies=tuple(("", d) for d in doomed), mac_pool=pool),
        call=call,
        locks=(Lock("vm", str(vm.id)), *(Lock("disk", d) for d in doomed)),
        subjects=(("vm", str(vm.id)),),
    )


def get(rd: Reader, call: Call) -> Vm:
    """GET /vms/ID; `next_run=true` shows what it becomes."""
    vm = rd.need(Vm, call.ids[0])
    if call.flag("next_run"):
        waiting = rd.get(VmNextRun, call.ids[0])
        if waiting is not None:
            vm = replace(waiting.vm, status=vm.status, host=vm.host)
    return _without_secrets(vm)


def shown(rd: Reader, call: Call, found: Sequence[Vm]) -> list[Vm]:
    """Lists never show secrets."""
    return [_without_secrets(vm) for vm in found]


def _statistics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Statistic]]:
    vms = rd.get_many(Vm, parents)
    facts = vm_facts(rd, [i for i, vm in vms.items() if vm.status in ON_HOST])
    out = {}
    for vm_id in parents:
        vm, stats = vms.get(vm_id), facts.get(vm_id, {})
        memory = float((vm.memory if vm else 0) or 0)
        inner = stats.get("memoryStats") or {}
        user, system = number(stats.get("cpuUser")), number(stats.get("cpuSys"))
        values = {
            "memory.installed": memory,
            "memory.used": memory * number(stats.get("memUsage")) / 100,
            "memory.free": number(inner.get("mem_free")) * 1024,
            "memory.buffered": number(inner.get("mem_buffers")) * 1024,
            "memory.cached": number(inner.get("mem_cached")) * 1024,
            "memory.unused": number(inner.get("mem_unused")) * 1024,
            "cpu.current.guest": user,
            "cpu.current.hypervisor": system,
            "cpu.current.total": user + system,
            "network.current.total": max((network_usage(n) for n in (stats.get("network") or {}).values()), default=0),
            "migration.progress": number(stats.get("migrationProgress")),
            "elapsed.time": number(stats.get("elapsedTime")),
            "disks.usage": json.dumps(stats.get("disksUsage") or []),
            **{f"{name}.usage.history": numbers for name, numbers in HISTORY.of(vm_id).items()},
        }
        out[vm_id] = build("vm", vm_id, VM_STATISTICS, values, vm=Vm(id=vm_id))
    return out


def v3_context(rd: Reader, found: Sequence[Vm]) -> V3Context:
    """Guests' addresses."""
    runtimes = rd.get_many(VmRuntime, [str(vm.id) for vm in found])
    addresses = {
        vm_id: [ip for d in devices(vm_id, r) for ip in d.ips or ()] for vm_id, r in runtimes.items() if r.guest_nics
    }
    return V3Context(addresses=addresses)


def _nothing(type_: Any, collection: str, **more: Any) -> Resource:
    return Resource(
        type=type_, collection=collection, list=Op(run=bodies.nothing, needs=PUBLIC), get=Op(needs=PUBLIC), **more
    )


SEARCH = SearchObject(
    table=TABLE,
    prefix="VMs",
    fields={
        "name": Field("text", "name"),
        "comment": Field("text", "comment"),
        "description": Field("text", "description"),
        "status": Field("enum", "status", words={"migratingfrom": ("migrating",), "migratingto": ("migrating",)}),
        "ip": Field("text", via=Join("vm_runtime", "id", "addresses"), free=False),
        "fqdn": Field("text", "fqdn"),
        "os": Field("text", "os_type", free=False),
        "type": Field("enum", "type"),
        "creationdate": Field("date", "creation_time"),
        "uptime": Field("timespan", "start_time"),
        "cpu_usage": cross.usage("cpu_usage"),
        "mem_usage": cross.usage("mem_usage"),
        "network_usage": cross.usage("network_usage"),
        "architecture": Field("enum", "architecture"),
        "custom_compatibility_level": Field("enum", "custom_level"),
        "pool": Field("text", via=Join("vm_pools", "vm_pool_id", "name"), free=False),
        "memory": Field("int", "memory", unit=1 << 20),
        "guaranteed_memory": Field("int", "guaranteed_memory", unit=1 << 20),
        "vcpus": Field("int", "vcpus"),
        "bios_type": Field("enum", "bios_type"),
        "custom_emulated_machine": Field("text", "custom_emulated_machine"),
        "custom_cpu_type": Field("text", "custom_cpu_model"),
        "next_run_config_exists": Field("bool", "next_run"),
        "cluster": Field("text", via=Join("clusters", "cluster_id", "name"), free=False),
        "datacenter": Field(
            "text",
            via=Join("clusters", "cluster_id", "data_center_id", then=Join("data_centers", "data_center_id", "name")),
            free=False,
        ),
        "host": Field("text", via=Join("hosts", "host_id", "name"), free=False),
        "on_host": Field("text", via=Join("hosts", "host_id", "name"), free=False),
        "template": Field("text", via=Join("templates", "template_id", "name"), free=False),
        "tag": Field(
            "text",
            via=Join(
                "tag_assignments", "id", "tag_id", "object_id", then=Join("tags", "tag_id", "name", tree="parent_id")
            ),
            free=False,
        ),
        "storage": Field(
            "text",
            via=Join(
                "disk_attachments",
                "id",
                "disk_id",
                "vm_id",
                then=Join(
                    "disks", "disk_id", "storage_domain_id", then=Join("storage_domains", "storage_domain_id", "name")
                ),
            ),
            free=False,
        ),
        "id": Field("uuid", "id", free=False),
    },
    cross={
        "cluster": (cross.clusters, Join("clusters", "cluster_id", "id")),
        "host": (cross.hosts, Join("hosts", "host_id", "id")),
        "template": (cross.templates, Join("templates", "template_id", "id")),
        "event": (cross.events, Join("events", "id", "id", "vm_id")),
        "user": (cross.users, cross.HELD_BY_USERS),
        "vnic": (cross.vnics, Join("vm_nics", "id", "id", "vm_id")),
    },
)
RESOURCE = Resource(
    type=Vm,
    collection="vms",
    object_type="vm",
    table=TABLE,
    search=SEARCH,
    derive=None,
    v3_context=v3_context,
    list=Op(needs=PUBLIC),
    get=Op(run=get, needs=PUBLIC, params=(Param(name="next_run"),)),
    add=Op(
        run=add,
        needs=(Need(Permit.CREATE_VM, "cluster"), Need(Permit.CREATE_VM, "template")),
        params=(Param(name="clone"), Param(name="clone_permissions")),
        mandatory=("name", "cluster.id|cluster.name", "template.id|template.name"),
        asks=(Permit.CREATE_DISK, Permit.CHANGE_VM_CUSTOM_PROPERTIES, Permit.EDIT_ADMIN_VM_PROPERTIES),
    ),
    update=Op(
        run=update,
        needs=(Need(Permit.EDIT_VM_PROPERTIES),),
        params=(Param(name="next_run"),),
        asks=(Permit.CREATE_VM, Permit.CHANGE_VM_CUSTOM_PROPERTIES, Permit.EDIT_ADMIN_VM_PROPERTIES),
    ),
    remove=Op(run=remove, needs=(Need(Permit.DELETE_VM),), params=(Param(name="detach_only"), Param(name="force"))),
    actions=(
        start.ACTION,
        *stop.ACTIONS,
        suspend.ACTION,
        *migrate.ACTIONS,
        *snapshots.ACTIONS,
        clone_action.ACTION,
        detach.ACTION,
        *guest.ACTIONS,
        REORDER,
        TICKET,
    ),
    subs=(
        ATTACHMENTS_OF_VM,
        DISKS_OF_VM_V3,
        NICS_OF_VM,
        CDROMS_OF_VM,
        CONSOLES_OF_VM,
        Resource(
            type=ReportedDevice,
            collection="reporteddevices",
            list=Op(run=reported_of_vms, needs=PUBLIC),
            get=Op(needs=PUBLIC),
        ),
        Resource(type=Statistic, collection="statistics", list=Op(run=_statistics, needs=PUBLIC), get=Op(needs=PUBLIC)),
        tags_of("vm"),
        permissions_of("vm"),
        snapshots.SNAPSHOTS_OF_VM,
        APPLICATIONS_OF_VM,
        WATCHDOGS_OF_VM,
        NUMA_OF_VM,
        DEVICES_OF_VM,
        SESSIONS_OF_VM,
        _nothing(KatelloErratum, "katelloerrata"),
        labels_of("vms"),
        PLACEMENTS_OF_VM,
        EXPLAIN_OF_VM,
        MEDIATED_OF_VM,
        _nothing(Backup, "backups"),
        _nothing(Checkpoint, "checkpoints"),
    ),
)
COMMANDS = (
    ADD,
    REMOVE,
    *start.COMMANDS,
    *stop.COMMANDS,
    *suspend.COMMANDS,
    *guest.COMMANDS,
    *hot_set.COMMANDS,
    *plug.COMMANDS,
    *migrate.COMMANDS,
    *memory.COMMANDS,
    *snapshots.COMMANDS,
    *clone_action.COMMANDS,
)
