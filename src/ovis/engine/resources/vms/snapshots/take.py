"""Take a snapshot: POST /vms/ID/snapshots.

Does: new layers on the VM's disks; a running guest goes over to them on its host, with its memory if that is wanted.
Whether it went over is seen from the domain's XML, however often engine or agent die. Does not: go back (preview).
Follows: flows, section 8; status matrix `snapshot create`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.contract.domain.chains import chains_of
from ovis.contract.errors import Code
from ovis.engine.commands import Command, Context, Step, begin
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault, Refused
from ovis.engine.declare.resource import Started
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import LogSeverity, SnapshotStatus, SnapshotType
from ovis.engine.model.types import Snapshot, StorageDomain, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.disks import resource as disks
from ovis.engine.resources.disks.tables import DiskImage
from ovis.engine.resources.vms import memory
from ovis.engine.resources.vms.snapshots import layers, rules, show, state
from ovis.engine.resources.vms.snapshots.layers import NewLayer
from ovis.engine.resources.vms.snapshots.tables import VmSnapshot
from ovis.engine.resources.vms.state import S, VmRuntime
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)
N, E = LogSeverity.NORMAL, LogSeverity.ERROR
_LAYER = 1 << 20  # bytes that a new layer takes at first
BEGUN = Audit(code=45, severity=N, text="Snapshot {snapshot} of VM {vm} is being taken for {user}.")


class TakeParams(Struct, kw_only=True, frozen=True):
    """layers: what the disks go over to."""

    vm_id: str
    snapshot_id: str
    layers: tuple[NewLayer, ...] = ()

    @property
    def disks(self) -> list[str]:
        """Ids of the disks."""
        return [layer.disk_id for layer in self.layers]


def words(rd: Reader, params: Any, step_state: Mapping[str, Any]) -> Mapping[str, Any]:
    """VM and snapshot, or its description once it is gone."""
    row = rd.get(VmSnapshot, params.snapshot_id)
    return {
        "vm": rd.get(Vm, params.vm_id),
        "snapshot": (row.description if row else step_state.get("snapshot")) or params.snapshot_id,
    }


def add(tx: Tx, call: Call, body: Snapshot) -> Started:
    """The operation."""
    vm = tx.need(Vm, call.ids[0])
    attached = state.copied(state.attached_to(tx, str(vm.id)))
    chosen = _chosen(body, [row[0].disk_id for row in attached])
    attached = [row for row in attached if chosen is None or row[0].disk_id in chosen]
    reasons = rules.CREATE.refusals(vm) + state.refusals(tx, vm)
    reasons += bodies.text_refusals(body.description, "description", rules.DESCRIPTION_RULE)
    reasons += state.unusable(d for _, d, _ in attached) + room(tx, [i for _, _, i in attached])
    bodies.raise_all(reasons)
    # A guest's memory is saved unless the client says otherwise, as far as there is one.
    live = vm.status in (S.UP, S.PAUSED, S.POWERING_UP)
    wanted = live and (body.persist_memorystate if body.persist_memorystate is not None else not vm.tpm_enabled)
    if wanted and vm.tpm_enabled:
        raise Refused([rules.has_tpm(vm)])
    saved = memory.planned(tx, vm) if wanted else None
    params = TakeParams(
        vm_id=str(vm.id),
        snapshot_id=bodies.new_id(),
        layers=layers.planned((row.disk_id, image.volume_id) for row, _, image in attached),
    )
    row = state.insert(
        tx, vm, params.snapshot_id, SnapshotType.REGULAR, attached, description=body.description or "", memory=saved
    )
    state.lock(tx, vm, params.disks)
    record(tx, BEGUN, call=call, vm=vm, snapshot=row.description)
    return begin(
        tx,
        TAKE,
        params,
        call=call,
        locks=state.locks(str(vm.id), params.disks),
        subjects=(("vm", str(vm.id)),),
        entity=show.one(tx, call, row),
        state={"snapshot": row.description},
    )


def _chosen(body: Snapshot, known: list[str]) -> set[str] | None:
    """Ids of disks that the body names; None for all."""
    named = {str(a.disk.id if a.disk is not None and a.disk.id else a.id) for a in body.disk_attachments or ()}
    named |= {str(d.id) for d in body.disks or () if d.id is not None}
    strange = sorted(named - set(known))
    if strange:
        raise Refused([rules.no_such_disk(one) for one in strange])
    return named or None


def room(rd: Reader, images: list[DiskImage], needed: Mapping[str, int] | None = None) -> list[Any]:
    """Refusals of storage domains without room for a new layer each. needed: bytes by disk, where it is more."""
    sums: dict[str, int] = {}
    for image in images:
        sums[image.domain_id] = sums.get(image.domain_id, 0) + (needed or {}).get(image.id, _LAYER)
    return [
        refusal
        for domain_id, size in sorted(sums.items())
        for refusal in disks.space_refusals(rd.need(StorageDomain, domain_id), size)
    ]


# -- steps ------------------------------------------------------------------------------------------------------------


def _begin(tx: Tx, ctx: Context) -> None:
    """Everything was written down with the request."""


def forget(tx: Tx, ctx: Context) -> None:
    """There was no snapshot."""
    p = ctx.params
    row = tx.get(VmSnapshot, p.snapshot_id)
    if row is not None and row.status is SnapshotStatus.LOCKED:
        tx.delete(VmSnapshot, p.snapshot_id)
    state.unlock(tx, p.vm_id, p.disks)


async def make_volumes(ctx: Context) -> None:
    """Layers, and volumes for the memory."""
    row = await ctx.read(lambda rd: rd.get(VmSnapshot, ctx.params.snapshot_id))
    await layers.make(ctx, ctx.params.layers)
    if row is not None and row.memory is not None:
        await memory.make(ctx, row.memory)


async def unmake_volumes(ctx: Context) -> None:
    """They go again; the guest does not use them."""
    row = await ctx.read(lambda rd: rd.get(VmSnapshot, ctx.params.snapshot_id))
    await layers.unmake(ctx, ctx.params.layers)
    if row is not None and row.memory is not None:
        await memory.unmake(ctx, row.memory)


async def take(ctx: Context) -> Callable[[Tx], None]:
    """The guest goes over, if there is one; from then on the new layers are the VM's."""
    p = ctx.params
    live = await go_over(ctx)
    sizes = await layers.measured(ctx, p.disks, p.layers)

    def save(tx: Tx) -> None:
        sizes(tx)
        layers.known(tx, p.layers)
        for layer in p.layers:
            layers.use(tx, layer.disk_id, layer.volume)
        row = tx.get(VmSnapshot, p.snapshot_id)
        if row is not None:
            if row.memory is not None and not live:  # its guest ended before
                memory.drop(tx, p.vm_id, row.memory)
                row = replace(row, memory=None)
            tx.update(replace(row, status=SnapshotStatus.OK))
        state.unlock(tx, p.vm_id, p.disks)

    return save


async def go_over(ctx: Context) -> bool:
    """Let the running guest use the new layers; False if there is no guest (any more): then nobody writes, and they are
    simply there. Silence of the host is waited out: who knows what the guest uses? Fault if it certainly stays."""
    p = ctx.params
    job = bodies.derived_id("snapshot", ctx.command_id)
    wait, asked = 0.1, False
    while True:
        vm, runtime = await ctx.read(lambda rd: (rd.need(Vm, p.vm_id), rd.get(VmRuntime, p.vm_id)))
        host_id = runtime.host_id if runtime is not None else None
        if host_id is None or vm.status in (S.DOWN, S.IMAGE_LOCKED, S.SUSPENDED):
            return False
        try:
            told = (await ctx.services.hosts.call(host_id, "Host.getJobs", {"job_ids": [job]}) or {}).get(job)
            uses = await _uses(ctx, host_id, p)
            if uses or (uses is None and told is not None and told["status"] == "done"):
                return True
            if told is None and not asked:
                asked = True
                params = await ctx.read(lambda rd: _request(rd, p, job))
                await ctx.services.hosts.call(host_id, "VM.snapshot", params, correlation_id=ctx.correlation_id)
                continue
            ended = told is None or told["status"] in ("done", "failed", "aborted")
            if ended and await runs(ctx, host_id, p.vm_id):  # else what the host shows of it may be old
                error = (told or {}).get("error") or {}
                raise _Refused(str(error.get("message") or "the guest did not go over to the new layers"))
            if told is not None and told.get("progress") is not None:
                await ctx.progress(int(told["progress"]))
        except HostError as err:
            if err.code not in (Code.NO_SUCH_VM, Code.VM_IS_DOWN):
                raise Fault(err.message) from err
        except HostUnreachable as err:
            log.info("the host is silent while a snapshot is taken", vm=p.vm_id, error=str(err))
            asked = False
        await ctx.services.hosts.live.vm_changes(p.vm_id, wait)
        wait = min(wait * 1.5, 2.0)


class _Refused(Fault):
    """The host's job has failed."""


async def _uses(ctx: Context, host_id: str, p: Any) -> bool | None:
    """Whether the guest uses the new layers; None if none of the disks is plugged."""
    if not p.layers:
        return None
    images = await ctx.read(lambda rd: rd.get_many(DiskImage, p.disks))
    chains = await live_chains(ctx, host_id, p.vm_id)
    found = []
    for layer in p.layers:
        chain = chains.get(images[layer.disk_id].image_id)
        if chain is not None:
            found.append(chain.volume(0) == layer.volume)
    return all(found) if found else None


async def runs(ctx: Context, host_id: str, vm_id: str) -> bool:
    """Whether the host still has the guest; of one that has ended, it keeps old news until it is told to forget."""
    try:
        rows = await ctx.services.hosts.call(host_id, "VM.getStats", {"vmID": vm_id})
    except HostError as err:
        if err.code in (Code.NO_SUCH_VM, Code.VM_IS_DOWN):
            return False
        raise
    return bool(rows) and rows[0].get("status") != "Down"


async def live_chains(ctx: Context, host_id: str, vm_id: str) -> Any:
    """What the host shows of the guest's disks, by image."""
    xmls = await ctx.services.hosts.call(host_id, "Host.dumpxmls", {"vmList": [vm_id]})
    return chains_of(str(xmls.get(vm_id) or "<domain/>"))


def _request(rd: Reader, p: Any, job: str) -> dict[str, Any]:
    """VM.snapshot's parameters; disks that are not plugged go over without the host."""
    row = rd.get(VmSnapshot, p.snapshot_id)
    handle = memory.handle(row.memory) if row is not None and row.memory is not None else ""
    images = rd.get_many(DiskImage, p.disks)
    plugged = {row.disk_id for row, _, _ in state.attached_to(rd, p.vm_id) if row.attachment.active}
    params: dict[str, Any] = {
        "vmID": p.vm_id,
        "snapDrives": [
            {
                "domainID": images[layer.disk_id].domain_id,
                "imageID": images[layer.disk_id].image_id,
                "baseVolumeID": layer.base,
                "volumeID": layer.volume,
            }
            for layer in p.layers
            if layer.disk_id in plugged
        ],
        "frozen": False,
        "jobUUID": job,
    }
    return params | ({"snapMemory": handle, "timeout": 30} if handle else {"freeze_timeout": 8})


TAKE = Command(
    name="snapshot.add",
    params=TakeParams,
    title="Taking a snapshot of VM {vm}",
    words=words,
    steps=(
        Step("begin", _begin, undo=forget, undo_own=True),
        Step("volumes", make_volumes, undo=unmake_volumes, undo_own=True, title="Making new layers"),
        Step("take", take, title="Taking the snapshot"),
    ),
    done=Audit(code=68, severity=N, text="Snapshot {snapshot} of VM {vm} was taken."),
    failed=Audit(code=69, severity=E, text="Snapshot {snapshot} of VM {vm} could not be taken: {reason}"),
)
COMMANDS = (TAKE, layers.DROP)
