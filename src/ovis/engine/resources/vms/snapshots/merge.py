"""A layer goes into the one below it, on a running guest's host or on storage: what removals of snapshots stand on.

Does: look where a merge stands, begin or follow it, and take it over into the store; any layer, as often as engine or
agent die, also when the guest ends in between. Does not: know which snapshot it is for (remove, clone).
Follows: flows, section 9: the layer above a snapshot's volume is merged into that volume, which keeps its id.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.contract.errors import Code
from ovis.engine.commands import Context
from ovis.engine.declare.faults import Fault
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.types import Disk, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.disks import volumes
from ovis.engine.resources.disks.tables import DiskImage
from ovis.engine.resources.storage_domains.connect import up_hosts
from ovis.engine.resources.vms.snapshots import layers, state
from ovis.engine.resources.vms.snapshots.tables import DiskLayer, SnapshotDisk
from ovis.engine.resources.vms.snapshots.take import live_chains, runs
from ovis.engine.resources.vms.state import S, VmRuntime
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)
_PATIENCE = 300  # fifths of a second
_ATTEMPTS = 10  # of a cold merge whose host's agent died, or that met one that still goes on
_PASSING = (Code.VOLUME_BUSY, Code.GENERAL, Code.TASK_ABORTED)
_TRIES = 2  # of a live merge whose job a silent host may have lost
_LONGEST_PAUSE = 5.0
_RESTING = (S.DOWN, S.IMAGE_LOCKED, S.SUSPENDED)


class NotBegun(Fault):
    """The merge was refused before anything was written."""


class Fold(Struct, frozen=True):
    """One merge. row: the snapshot's disk whose volume is the base. top: the layer that goes; empty if nothing lies upon
    the base."""

    row: SnapshotDisk
    image: DiskImage
    top: str

    @property
    def subchain(self) -> dict[str, str]:
        """VDSM's form."""
        return {
            "sd_id": self.image.domain_id,
            "img_id": self.image.image_id,
            "base_id": self.row.volume_id,
            "top_id": self.top,
        }


def fold_of(rd: Reader, row: SnapshotDisk) -> Fold | None:
    """What is to be merged for a snapshot's disk; None if the disk is gone."""
    image = rd.get(DiskImage, row.disk_id)
    if image is None:
        return None
    upon = layers.above(rd, row.disk_id, row.volume_id)
    if len(upon) > 1:
        raise Fault(f"several layers lie upon volume {row.volume_id}")
    return Fold(row, image, upon[0].id if upon else "")


async def fold(ctx: Context, vm_id: str, row: SnapshotDisk) -> None:
    """Merge what lies upon a snapshot's volume of a disk into it, delete the layer, and forget that the snapshot has the
    disk. A failure leaves the VM as it is; the snapshot's volume is illegal then, since it holds a part of the layer."""
    found = await ctx.read(lambda rd: fold_of(rd, row))
    if found is None or not found.top:
        await ctx.write(lambda tx: _without(tx, row))
    else:
        await ctx.write(lambda tx: _mark(tx, row.id, illegal=True))  # from now on it may hold a part of the layer
        try:
            await _merge(ctx, vm_id, found)
        except NotBegun:
            await ctx.write(lambda tx: _mark(tx, row.id, illegal=row.illegal))
            raise
        except (HostError, Fault):
            await ctx.write(lambda tx: state.mark_illegal(tx, vm_id))
            raise
        await ctx.write(lambda tx: _merged(tx, found))
    await sweep(ctx, [row.disk_id])


async def sweep(ctx: Context, disk_ids: Iterable[str]) -> None:
    """Layers of these disks that were merged, now or in an attempt that broke off, go from storage."""
    gone = await layers.delete_doomed(ctx, disk_ids)
    await ctx.write(gone)


def _without(tx: Tx, row: SnapshotDisk) -> None:
    if tx.get(SnapshotDisk, row.id) is not None:
        tx.delete(SnapshotDisk, row.id)


def _mark(tx: Tx, row_id: str, *, illegal: bool) -> None:
    known = tx.get(SnapshotDisk, row_id)
    if known is not None and known.illegal != illegal:
        tx.update(replace(known, illegal=illegal))


def _merged(tx: Tx, found: Fold) -> None:
    """Who stood on the layer stands on the base; the layer is doomed, and the snapshot is without the disk."""
    _without(tx, found.row)
    top, base = tx.get(DiskLayer, found.top), found.row.volume_id
    if top is None or top.doomed:
        return
    for layer in layers.above(tx, found.row.disk_id, found.top):
        tx.update(replace(layer, parent=base))
    for other in tx.find(SnapshotDisk, disk_id=found.row.disk_id):
        if other.volume_id == found.top:
            tx.update(replace(other, volume_id=base, disk=_like(other.disk, found.row.disk)))
    image = tx.need(DiskImage, found.row.disk_id)
    if image.volume_id == found.top:
        status = tx.need(Disk, found.row.disk_id).status
        size = tx.need(Disk, found.row.disk_id).provisioned_size
        layers.use(tx, found.row.disk_id, base, replace(found.row.disk, provisioned_size=size))
        tx.update(replace(tx.need(Disk, found.row.disk_id), status=status))
    tx.update(replace(top, doomed=True))


def _like(disk: Disk, form: Disk) -> Disk:
    """A recorded disk whose volume has another form now."""
    return replace(disk, format=form.format, sparse=form.sparse, qcow_version=form.qcow_version, image_id=form.image_id)


async def _merge(ctx: Context, vm_id: str, found: Fold) -> None:
    """Return when the layer's data is in the base and nothing uses the layer any more."""
    wait, tries, silent, attempt = 0.1, 0, False, 0
    while True:
        vm, runtime = await ctx.read(lambda rd: (rd.get(Vm, vm_id), rd.get(VmRuntime, vm_id)))
        host_id = runtime.host_id if runtime is not None else None
        try:
            if vm is None or host_id is None or vm.status in _RESTING:
                await _cold(ctx, found, attempt)
                return
            chain = (await live_chains(ctx, host_id, vm_id)).get(found.image.image_id)
            if chain is None:  # not plugged: nobody writes to it
                await _cold(ctx, found, attempt)
                return
            if found.top not in chain.volumes:
                if await _settled(ctx, vm_id, found):
                    return
                continue
            row = (await ctx.services.hosts.call(host_id, "VM.getStats", {"vmID": vm_id}))[0]
            if row.get("status") == "Down":  # its chain is old news; the store will say so in a moment
                await ctx.services.hosts.live.vm_changes(vm_id, wait)
                continue
            job = next((j for j in (row.get("vmJobs") or {}).values() if j["imgUUID"] == found.image.image_id), None)
            if job is not None:
                end = int(job.get("end") or 0)
                await ctx.progress(round(99 * int(job.get("cur") or 0) / end) if end else 0)
            elif tries == 0 or (silent and tries < _TRIES):
                tries, silent = tries + 1, False
                await _ask(ctx, host_id, vm_id, found)
                continue
            else:
                # The job may have ended between the two looks.
                chain = (await live_chains(ctx, host_id, vm_id)).get(found.image.image_id)
                here = chain is not None and found.top in chain.volumes
                if here and await runs(ctx, host_id, vm_id):
                    raise Fault("the host could not merge the layer")
        except HostError as err:
            if err.code not in (Code.NO_SUCH_VM, Code.VM_IS_DOWN):
                # What a host was doing may have died with its agent, or still go on for a moment.
                if attempt >= _ATTEMPTS or not (silent or err.code in _PASSING):
                    raise
                log.info("a merge is tried again", vm=vm_id, error=str(err))
                attempt, silent = attempt + 1, False
        except HostUnreachable as err:
            log.info("the host is silent while a layer is merged", vm=vm_id, error=str(err))
            silent = True
        await ctx.services.hosts.live.vm_changes(vm_id, wait)
        wait = min(wait * 1.3, 1.0)


async def _ask(ctx: Context, host_id: str, vm_id: str, found: Fold) -> None:
    drive = found.image.pdiv() | {"device": "disk", "volumeID": found.image.volume_id}
    params = {
        "vmID": vm_id,
        "drive": drive,
        "baseVolUUID": found.row.volume_id,
        "topVolUUID": found.top,
        "bandwidth": "0",
        "jobUUID": bodies.derived_id("merge", ctx.command_id, found.row.disk_id, found.top),
    }
    try:
        await ctx.services.hosts.call(host_id, "VM.merge", params, correlation_id=ctx.correlation_id)
    except HostError as err:
        if err.code in (Code.NO_SUCH_VM, Code.VM_IS_DOWN):
            raise
        raise NotBegun(err.message) from err


async def _settled(ctx: Context, vm_id: str, found: Fold) -> bool:
    """Whether what QEMU did is written down: the host does so in a moment, also after its agent was away. False if the
    guest ended before: then storage itself is asked."""
    for _ in range(_PATIENCE):
        info = await volumes.exists(ctx, replace(found.image, volume_id=found.top))
        if info is None or info.get("legality") == "ILLEGAL":
            return True
        if await ctx.read(lambda rd: rd.need(Vm, vm_id).status) in _RESTING:
            return False
        await asyncio.sleep(0.2)
    log.warning("a merged layer still counts as legal", volume=found.top)
    return not await _in_chain(ctx, found)


async def _cold(ctx: Context, found: Fold, attempt: int) -> None:
    """Nobody uses the image: VDSM's three steps, from where they stand."""
    if not await _in_chain(ctx, found):
        return
    info = await volumes.exists(ctx, replace(found.image, volume_id=found.row.volume_id))
    generation = int((info or {}).get("generation") or 0)
    call, pool = ctx.services.hosts, found.image.pool_id
    try:
        await call.task(pool, "StoragePool.prepareMerge", {"storagepoolID": pool, "subchainInfo": found.subchain})
    except HostError as err:
        raise NotBegun(err.message) from err
    job = bodies.derived_id("merge", ctx.command_id, found.row.disk_id, found.top, str(generation), str(attempt))
    await _job(ctx, found, job, generation)
    await call.task(pool, "StoragePool.finalizeMerge", {"storagepoolID": pool, "subchainInfo": found.subchain})


async def _in_chain(ctx: Context, found: Fold) -> bool:
    """Whether the layer is still part of the image: a guest's merge may have ended, unseen, before the guest did."""
    if await volumes.exists(ctx, replace(found.image, volume_id=found.top)) is None:
        return False
    params = found.image.verb_ids() | {"leafVolID": found.image.volume_id}
    params.pop("volumeID")
    chain = await ctx.services.hosts.spm_call(found.image.pool_id, "Image.reconcileVolumeChain", params)
    return found.top in chain


async def _job(ctx: Context, found: Fold, job: str, generation: int) -> None:
    """SDM.merge on a host that is up."""
    hosts = await ctx.read(lambda rd: up_hosts(rd, found.image.pool_id))
    if not hosts:
        raise HostUnreachable("no host of the data center is up")
    host_id = str(hosts[0].id)
    call = ctx.services.hosts.call
    subchain: dict[str, Any] = found.subchain | {"base_generation": generation}
    await call(host_id, "SDM.merge", {"job_id": job, "subchain_info": subchain, "merge_bitmaps": False})
    wait = 0.05
    while True:
        row = (await call(host_id, "Host.getJobs", {"job_type": "storage", "job_ids": [job]}) or {}).get(job)
        if row is None:
            raise HostError(Code.GENERAL, "the host does not know the merge any more", verb="SDM.merge")
        if row["status"] == "done":
            return
        if row["status"] in ("failed", "aborted"):
            error = row.get("error") or {}
            text = str(error.get("message", "the merge failed"))
            raise HostError(int(error.get("code", Code.MERGE_FAILED)), text, verb="SDM.merge")
        if row.get("progress") is not None:
            await ctx.progress(int(row["progress"]))
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, _LONGEST_PAUSE)
