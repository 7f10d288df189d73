"""Copy a VM: POST /vms/ID/clone, and POST /vms with a snapshot.

Does: a VM of its own with the data of another's disks, whatever layers they stand on, and NICs with new MACs. A running
VM is copied through a snapshot that is taken for it and removed afterwards. Does not: copy snapshots or memory.
Follows: status matrix `clone`; permits of `VmService.clone` and `VmsService.add_from_snapshot`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.check import require
from ovis.engine.access.grants import grant_on_creation
from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.ids import BLANK_TEMPLATE
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Action as ApiAction, Need, Started
from ovis.engine.events import Audit
from ovis.engine.model.enums import LogSeverity, SnapshotType
from ovis.engine.model.types import (
    Action,
    Cdrom,
    Cluster,
    Disk,
    DiskAttachment,
    Nic,
    StorageDomain,
    Template,
    Vm,
)
from ovis.engine.resources import bodies
from ovis.engine.resources.custom_properties import checks as custom_checks
from ovis.engine.resources.disks import copies, sets
from ovis.engine.resources.disks.attachments import attach
from ovis.engine.resources.disks.tables import DiskImage
from ovis.engine.resources.vms import rules as vm_rules
from ovis.engine.resources.vms.nics import create as create_nic, mac_pool_of
from ovis.engine.resources.vms.provision import ADD, ProvisionParams, forget_vm
from ovis.engine.resources.vms.snapshots import layers, merge, remove, rules, state, take
from ovis.engine.resources.vms.snapshots.layers import NewLayer
from ovis.engine.resources.vms.state import S, VmCdrom, VmConsole, VmNic, VmRuntime
from ovis.engine.resources.vms.watchdogs import VmWatchdog
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR
Source = tuple[Disk, DiskImage, DiskAttachment]
_BODY = (
    "name",
    "description",
    "comment",
    "memory",
    "memory_policy",
    "cpu",
    "os",
    "initialization",
    "custom_properties",
)


class CloneParams(Struct, kw_only=True, frozen=True):
    """vm_id: the VM that is copied; clone_id: its copy. layers, snapshot_id: of the snapshot that a running one needs.
    copies: (its disk, the copy's); volumes: what is read of its disks."""

    vm_id: str
    clone_id: str
    snapshot_id: str
    layers: tuple[NewLayer, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    volumes: dict[str, str] = {}
    mac_pool: str = ""

    @property
    def disks(self) -> list[str]:
        """Ids of the source's disks."""
        return [source for source, _ in self.copies]

    @property
    def made(self) -> list[str]:
        """Ids of the copy's disks."""
        return [disk_id for _, disk_id in self.copies]


def words(rd: Reader, params: CloneParams, step_state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The copy, or its name once it is gone, and what it was copied from."""
    source = rd.get(Vm, params.vm_id)
    return {
        "vm": rd.get(Vm, params.clone_id) or step_state.get("name", params.clone_id),
        "source": source.name if source is not None else params.vm_id,
    }


def _named(rd: Reader, vm: Vm) -> None:
    """The copy's name fits and is free."""
    bodies.raise_all(vm_rules.value_refusals(vm) + custom_checks.of_vm(rd, vm))
    cluster = rd.need(Cluster, vm.cluster.id if vm.cluster else None)
    center = str(cluster.data_center.id) if cluster.data_center else ""
    clusters = [str(c.id) for c in rd.find(Cluster, data_center_id=center)]
    bodies.require_free_name(rd, Vm, vm.name, "ACTION_TYPE_FAILED_NAME_ALREADY_USED", cluster_id=clusters)


def _like(call: Call, source: Vm, given: Vm) -> Vm:
    """A new VM that is configured like another, but for what the body says."""
    named = replace(Vm(), **{name: getattr(given, name) for name in _BODY if getattr(given, name) is not None})
    vm = bodies.merge(source, named)
    return replace(
        vm_rules.complete_memory(vm, named) if given.memory is not None else vm,
        id=bodies.new_id(),
        href=None,
        name=given.name,
        template=Template(id=BLANK_TEMPLATE),
        creation_time=call.now,
        status=S.DOWN,
        status_detail=None,
        host=None,
        start_time=None,
        stop_time=None,
        stop_reason=None,
        fqdn=None,
        guest_operating_system=None,
        next_run_configuration_exists=False,
        run_once=False,
        has_illegal_images=False,
        delete_protected=False,
        vm_pool=None,
        use_latest_template_version=False,
        display=replace(source.display, address=None, port=None, secure_port=None) if source.display else None,
    )


def _store(
    tx: Tx,
    call: Call,
    vm: Vm,
    sources: Sequence[Source],
    nics: Sequence[Nic],
    cdrom: Cdrom | None,
    given: Vm,
    place: StorageDomain | None = None,
    *,
    asks: bool = True,
) -> tuple[Vm, tuple[tuple[str, str], ...]]:
    """The copy's rows, and (source disk, new disk)."""
    wishes = {a.disk.id: a.disk for a in given.disk_attachments or () if a.disk is not None and a.disk.id}
    planned = [
        (
            disk,
            attachment,
            *copies.planned(tx, call, disk, origin, wishes.get(str(disk.id)), place=place, needs_permit=asks),
        )
        for disk, origin, attachment in sources
    ]
    vm = tx.insert(replace(vm, status=S.IMAGE_LOCKED))
    vm_id = str(vm.id)
    tx.insert(VmRuntime(id=vm_id))
    tx.insert(VmCdrom(id=vm_id, vm_id=vm_id, cdrom=cdrom or Cdrom()))
    for _, attachment, disk, image in planned:
        tx.insert(disk)
        tx.insert(image)
        attach(tx, vm, disk, replace(attachment, logical_name=None))
        grant_on_creation(tx, call, "disk", str(disk.id))
    for nic in nics:
        create_nic(tx, vm, replace(nic, id=None, mac=None, vm=None))
    grant_on_creation(tx, call, "vm", vm_id)
    return vm, tuple((str(source.id), str(disk.id)) for source, _, disk, _ in planned)


def clone(tx: Tx, call: Call, action: Action) -> Started:
    """The action."""
    source = tx.need(Vm, call.ids[0])
    given = action.vm or Vm()
    if action.discard_snapshots is False:
        raise refuse("ACTION_TYPE_FAILED_CLONE_WITH_SNAPSHOTS", "A copy with its snapshots cannot be made.", bad=True)
    source_id = str(source.id)
    attached = state.copied(state.attached_to(tx, source_id))
    reasons = rules.CLONE.refusals(source) + state.refusals(tx, source)
    bodies.raise_all(reasons + state.unusable(d for _, d, _ in attached))
    vm = _like(call, source, given)
    _named(tx, vm)
    cdrom = tx.one(VmCdrom, vm_id=source_id)
    vm, made = _store(
        tx,
        call,
        vm,
        [(disk, image, held.attachment) for held, disk, image in attached],
        [row.nic for row in tx.find_in_order(VmNic, ("name_key",), vm_id=source_id)],
        cdrom.cdrom if cdrom is not None else None,
        given,
        action.storage_domain,
        asks=False,
    )
    _devices(tx, source_id, str(vm.id))
    running = source.host is not None
    params = CloneParams(
        vm_id=source_id,
        clone_id=str(vm.id),
        snapshot_id=bodies.new_id(),
        layers=layers.planned((held.disk_id, image.volume_id) for held, _, image in attached) if running else (),
        copies=made,
        volumes={held.disk_id: image.volume_id for held, _, image in attached},
        mac_pool=mac_pool_of(tx, vm),
    )
    if running:
        bodies.raise_all(take.room(tx, [image for _, _, image in attached]))
        text = f"For the copy {vm.name}"
        state.insert(tx, source, params.snapshot_id, SnapshotType.REGULAR, attached, description=text)
    state.lock(tx, source, params.disks)
    return begin(
        tx,
        CLONE,
        params,
        call=call,
        locks=(
            *state.locks(source_id, params.disks),
            Lock("vm", str(vm.id)),
            *(Lock("disk", disk_id) for disk_id in params.made),
        ),
        subjects=(("vm", str(vm.id)),),
        entity=vm,
        state={"name": vm.name},
    )


def _devices(tx: Tx, source_id: str, vm_id: str) -> None:
    """Consoles and the watchdog."""
    for console in tx.find(VmConsole, vm_id=source_id):
        tx.insert(replace(console, id=bodies.derived_id("console", vm_id, console.id), vm_id=vm_id))
    for watchdog in tx.find(VmWatchdog, vm_id=source_id):
        tx.insert(replace(watchdog, id=bodies.new_id(), vm_id=vm_id))


def add_from_snapshot(tx: Tx, call: Call, body: Vm, snapshot_id: str, check: Callable[[Tx, Vm], None]) -> Started:
    """POST /vms with `snapshots[].id`: a VM with the data and configuration of then. check: as of every new VM."""
    row = state.snapshot_anywhere(tx, snapshot_id)
    source = tx.need(Vm, row.vm_id)
    require(tx, call, Permit.CREATE_VM, "vm", row.vm_id)
    bodies.raise_all(state.refusals_to_read(tx, source, row))
    held = state.sources(tx, row)
    cluster = bodies.resolve(tx, Cluster, body.cluster)
    vm = replace(
        _like(call, row.vm or source, body), cluster=Cluster(id=cluster.id), description=body.description or None
    )
    if (vm.custom_properties or None) != ((row.vm or source).custom_properties or None):
        require(tx, call, Permit.CHANGE_VM_CUSTOM_PROPERTIES, "cluster", str(cluster.id))
    check(tx, vm)
    sources = [(disk, image, d.attachment) for d, disk, image in held]
    vm, made = _store(tx, call, vm, sources, row.nics, row.cdrom, body)
    params = ProvisionParams(
        vm_id=str(vm.id),
        copies=made,
        clone=True,
        mac_pool=mac_pool_of(tx, vm),
        volumes={d.disk_id: d.volume_id for d, _, _ in held},
    )
    return begin(
        tx,
        ADD,
        params,
        call=call,
        locks=(
            Lock("vm", str(vm.id)),
            *(Lock("disk", d) for d in params.disks),
            *state.reading(row.vm_id, [d.disk_id for d, _, _ in held]),
        ),
        subjects=(("vm", str(vm.id)),),
        entity=vm,
    )


# -- steps ------------------------------------------------------------------------------------------------------------


def _begin(tx: Tx, ctx: Context) -> None:
    """Everything was written down with the request."""


def _forget(tx: Tx, ctx: Context) -> None:
    """There is no copy, and the source is as it was."""
    p: CloneParams = ctx.params
    take.forget(tx, ctx)
    sets.forget(tx, p.made)
    forget_vm(tx, p.clone_id, p.mac_pool)


async def _unmake(ctx: Context) -> None:
    """Layers go that the source does not stand on."""
    images = await ctx.read(lambda rd: rd.get_many(DiskImage, [layer.disk_id for layer in ctx.params.layers]))
    used = {image.volume_id for image in images.values()}
    await layers.unmake(ctx, [layer for layer in ctx.params.layers if layer.volume not in used])


async def _take(ctx: Context) -> Callable[[Tx], None] | None:
    return await take.take(ctx) if ctx.params.layers else None


async def _merge(ctx: Context) -> None:
    """The snapshot that was taken for it goes again."""
    p: CloneParams = ctx.params
    for row in await ctx.read(lambda rd: state.disks_of(rd, p.snapshot_id)):
        await merge.fold(ctx, p.vm_id, row)
    await merge.sweep(ctx, p.disks)
    await ctx.write(lambda tx: remove.forget(tx, p.snapshot_id))


async def _copy(ctx: Context) -> Callable[[Tx], None]:
    p: CloneParams = ctx.params
    return await sets.make(ctx, p.copies, volumes=p.volumes)


async def _uncopy(ctx: Context) -> None:
    await sets.delete(ctx, ctx.params.made)


async def _finish(ctx: Context) -> Callable[[Tx], None]:
    p: CloneParams = ctx.params
    await _merge(ctx)

    def save(tx: Tx) -> None:
        state.mark_illegal(tx, p.vm_id)
        state.unlock(tx, p.vm_id, p.disks)
        vm = tx.get(Vm, p.clone_id)
        if vm is not None and vm.status is S.IMAGE_LOCKED:
            tx.update(replace(vm, status=S.DOWN))

    return save


CLONE = Command(
    name="vm.clone",
    params=CloneParams,
    title="Copying VM {source} to {vm}",
    words=words,
    steps=(
        Step("begin", _begin, undo=_forget, undo_own=True),
        Step("volumes", take.make_volumes, undo=_unmake, undo_own=True, title="Making layers"),
        Step("take", _take, undo=_merge, title="Taking a snapshot"),
        Step("copy", _copy, undo=_uncopy, undo_own=True, title="Copying the disks"),
        Step("finish", _finish, title="Removing the snapshot", phase="finalizing"),
    ),
    done=Audit(code=53, severity=N, text="VM {vm} was made as a copy of {source}."),
    failed=Audit(code=60, severity=E, text="VM {vm} could not be made as a copy of {source}: {reason}"),
)
ACTION = ApiAction(
    name="clone",
    run=clone,
    needs=(Need(Permit.CREATE_VM),),
    body=("async", "discard_snapshots", "storage_domain", "vm"),
    mandatory=("vm.name",),
)
COMMANDS = (CLONE,)
