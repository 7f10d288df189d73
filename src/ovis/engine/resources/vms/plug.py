"""Disks and NICs of a running VM, plugged, unplugged and changed on its host: what activate, deactivate and updates begin.

Does: ask the VM's host until it has answered; write down what holds then. A silent host is asked again, as each of these
verbs may be sent twice. Does not: decide what may be plugged (attachments, nics).
Follows: flows, section 10. If the host is given up in the middle, the device counts as plugged: so nobody else gets it.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault
from ovis.engine.declare.resource import Started
from ovis.engine.events import Audit
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Disk, Nic, Vm
from ovis.engine.resources.disks.tables import VmDisk
from ovis.engine.resources.mac_pools import release
from ovis.engine.resources.vms.domain import hotplug_disk_xml, hotplug_nic_xml
from ovis.engine.resources.vms.state import RUNNING, VmNic, VmRuntime
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR
PLUGGED = Audit(code=2000, severity=N, text="Disk {disk} was plugged into VM {vm} by {user}.")
PLUG_FAILED = Audit(
    code=2001, severity=E, text="Disk {disk} could not be plugged into VM {vm} (User: {user}): {reason}"
)
UNPLUGGED = Audit(code=2002, severity=N, text="Disk {disk} was unplugged from VM {vm} by {user}.")
UNPLUG_FAILED = Audit(
    code=2003, severity=E, text="Disk {disk} could not be unplugged from VM {vm} (User: {user}): {reason}"
)
NIC_PLUGGED = Audit(code=1012, severity=N, text="Interface {nic} was plugged into VM {vm} by {user}.")
NIC_PLUG_FAILED = Audit(
    code=1013, severity=E, text="Interface {nic} could not be plugged into VM {vm} (User: {user}): {reason}"
)
NIC_UNPLUGGED = Audit(code=1014, severity=N, text="Interface {nic} was unplugged from VM {vm} by {user}.")
NIC_UNPLUG_FAILED = Audit(
    code=1015, severity=E, text="Interface {nic} could not be unplugged from VM {vm} (User: {user}): {reason}"
)
NIC_CHANGED = Audit(code=934, severity=N, text="Interface {nic} of VM {vm} was updated by {user}.")
NIC_CHANGE_FAILED = Audit(
    code=935, severity=E, text="Interface {nic} of VM {vm} could not be updated (User: {user}): {reason}"
)


class PlugParams(Struct, kw_only=True, frozen=True):
    """row_id: the attachment, or the NIC. plugged: as it is to be. fresh: it was made for this, and goes if it fails.
    wanted: the NIC as it is to be. name: for titles. mac_pool: where a fresh NIC's address goes back to."""

    vm_id: str
    row_id: str
    plugged: bool
    fresh: bool = False
    wanted: Nic | None = None
    name: str = ""
    mac_pool: str = ""


def begin_disk(tx: Tx, call: Call, row: VmDisk, *, plugged: bool, fresh: bool = False) -> Started:
    """Plug or unplug a disk of a VM that runs."""
    disk = tx.need(Disk, row.disk_id)
    params = PlugParams(vm_id=row.vm_id, row_id=row.id, plugged=plugged, fresh=fresh, name=disk.name or row.disk_id)
    return begin(
        tx,
        PLUG_DISK if plugged else UNPLUG_DISK,
        params,
        call=call,
        locks=(Lock("vm", row.vm_id), Lock("disk", row.disk_id)),
        subjects=(("vm", row.vm_id), ("disk", row.disk_id)),
        wait=True,
    )


def begin_nic(
    tx: Tx, call: Call, row: VmNic, *, plugged: bool, fresh: bool = False, wanted: Nic | None = None, mac_pool: str = ""
) -> Started:
    """Plug or unplug a NIC of a VM that runs; with `wanted`, change one that is plugged."""
    command = UPDATE_NIC if wanted is not None else PLUG_NIC if plugged else UNPLUG_NIC
    params = PlugParams(
        vm_id=row.vm_id,
        row_id=row.id,
        plugged=plugged,
        fresh=fresh,
        wanted=wanted,
        name=(wanted or row.nic).name or row.id,
        mac_pool=mac_pool,
    )
    return begin(
        tx,
        command,
        params,
        call=call,
        locks=(Lock("vm", row.vm_id),),
        subjects=(("vm", row.vm_id),),
        wait=True,
    )


async def finish(services: Services, started: Started) -> None:
    """Wait for its end; the command's refusal if it failed."""
    await services.runner.wait(started.command_id)


def _disk_words(rd: Reader, params: PlugParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"vm": rd.get(Vm, params.vm_id), "disk": rd.get(Disk, params.row_id.partition("/")[2]) or params.name}


def _nic_words(rd: Reader, params: PlugParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"vm": rd.get(Vm, params.vm_id), "nic": params.name}


# -- steps ------------------------------------------------------------------------------------------------------------


async def ask_host(ctx: Context, vm_id: str, verb: str, params: Mapping[str, Any]) -> bool:
    """Ask the VM's host, again while it is silent; False if the VM runs no more: then there is nobody to ask. Fault if
    the host refuses, or is given up: then what it did is not known, and `doubt` is noted in the state."""
    wait, sent = 0.2, False
    while True:
        vm, runtime = await ctx.read(lambda rd: (rd.get(Vm, vm_id), rd.get(VmRuntime, vm_id)))
        if vm is None or runtime is None or runtime.host_id is None or vm.status not in RUNNING:
            if vm is not None and vm.host is not None:  # it is unknown what became of it
                ctx.state["doubt"] = sent
                raise Fault(f"the host of VM {vm.name} does not answer", status=409)
            return False
        try:
            await ctx.services.hosts.call(
                runtime.host_id, verb, {"vmID": vm_id, "params": params}, correlation_id=ctx.correlation_id
            )
        except HostError as err:
            raise Fault(f"The host could not do it: {err}", status=409) from err
        except HostUnreachable as err:
            sent = sent or err.sent
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, 3.0)
        else:
            return True


async def _disk(ctx: Context) -> Callable[[Tx], None]:
    p: PlugParams = ctx.params

    def look(rd: Reader) -> tuple[VmDisk | None, str]:
        row, vm = rd.get(VmDisk, p.row_id), rd.get(Vm, p.vm_id)
        return row, hotplug_disk_xml(rd, vm, row) if row is not None and vm is not None else ""

    row, xml = await ctx.read(look)
    if row is None:
        raise Fault("the disk is not attached any more")
    await ask_host(ctx, p.vm_id, "VM.hotplugDisk" if p.plugged else "VM.hotunplugDisk", {"vmId": p.vm_id, "xml": xml})
    return lambda tx: _set_disk(tx, p.row_id, p.plugged)


def _set_disk(tx: Tx, row_id: str, active: bool) -> None:
    now = tx.get(VmDisk, row_id)
    if now is not None and bool(now.attachment.active) != active:
        tx.update(replace(now, attachment=replace(now.attachment, active=active)))


def _disk_failed(tx: Tx, ctx: Context) -> None:
    """It is as it was, or, in doubt, plugged."""
    p: PlugParams = ctx.params
    if ctx.state.get("doubt"):
        _set_disk(tx, p.row_id, True)
    elif p.fresh and tx.get(VmDisk, p.row_id) is not None:
        tx.delete(VmDisk, p.row_id)


async def _nic(ctx: Context) -> Callable[[Tx], None]:
    p: PlugParams = ctx.params

    def look(rd: Reader) -> tuple[VmNic | None, str]:
        row = rd.get(VmNic, p.row_id)
        shown = replace(row, nic=p.wanted) if row is not None and p.wanted is not None else row
        return row, hotplug_nic_xml(rd, shown) if shown is not None else ""

    row, xml = await ctx.read(look)
    if row is None:
        raise Fault("the interface is not there any more")
    params = {"vmId": p.vm_id, "xml": xml}
    if p.wanted is not None:
        await ask_host(ctx, p.vm_id, "VM.updateDevice", {**params, "deviceType": "interface"})
    else:
        await ask_host(ctx, p.vm_id, "VM.hotplugNic" if p.plugged else "VM.hotunplugNic", params)
    return lambda tx: _set_nic(tx, p)


def _set_nic(tx: Tx, p: PlugParams) -> None:
    now = tx.get(VmNic, p.row_id)
    if now is None:
        return
    after = replace(now, nic=p.wanted if p.wanted is not None else replace(now.nic, plugged=p.plugged))
    if after != now:
        tx.update(after)


def _nic_failed(tx: Tx, ctx: Context) -> None:
    """It is as it was, or, in doubt, plugged."""
    p: PlugParams = ctx.params
    now = tx.get(VmNic, p.row_id)
    if now is None or p.wanted is not None:
        return
    if ctx.state.get("doubt"):
        tx.update(replace(now, nic=replace(now.nic, plugged=True)))
    elif p.fresh:
        if now.nic.mac and now.nic.mac.address:
            release(tx, p.mac_pool, now.nic.mac.address)
        tx.delete(VmNic, p.row_id)


def _command(name: str, title: str, step: Step, words: Any, done: Audit, failed: Audit) -> Command:
    return Command(name=name, params=PlugParams, title=title, words=words, steps=(step,), done=done, failed=failed)


_DISK = Step("plug", _disk, undo=_disk_failed, undo_own=True, title="Asking the host")
_NIC = Step("plug", _nic, undo=_nic_failed, undo_own=True, title="Asking the host")
PLUG_DISK = _command("vm.plug_disk", "Plugging disk {disk} into VM {vm}", _DISK, _disk_words, PLUGGED, PLUG_FAILED)
UNPLUG_DISK = _command(
    "vm.unplug_disk", "Unplugging disk {disk} from VM {vm}", _DISK, _disk_words, UNPLUGGED, UNPLUG_FAILED
)
PLUG_NIC = _command(
    "vm.plug_nic", "Plugging interface {nic} into VM {vm}", _NIC, _nic_words, NIC_PLUGGED, NIC_PLUG_FAILED
)
UNPLUG_NIC = _command(
    "vm.unplug_nic", "Unplugging interface {nic} from VM {vm}", _NIC, _nic_words, NIC_UNPLUGGED, NIC_UNPLUG_FAILED
)
UPDATE_NIC = _command(
    "vm.update_nic", "Changing interface {nic} of VM {vm}", _NIC, _nic_words, NIC_CHANGED, NIC_CHANGE_FAILED
)
COMMANDS = (PLUG_DISK, UNPLUG_DISK, PLUG_NIC, UNPLUG_NIC, UPDATE_NIC)
