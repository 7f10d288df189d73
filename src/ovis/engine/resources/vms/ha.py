"""Highly available VMs are started again after a failure.

Does: note when, and start what is due, the most important first. Does not: restart what a user stopped, what its guest
shut down, or what may still run on a host that is silent (`unknown` is not `down`).
Follows: engine 4.5: first after 10 s, ten tries each 30 s, then each 30 min; higher priority first.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from msgspec.structs import replace

from ovis.engine.commands.services import Services
from ovis.engine.declare.faults import Fault
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Vm
from ovis.engine.resources.vms import life
from ovis.engine.resources.vms.state import S, VmRuntime
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)
FIRST_SECONDS, NEXT_SECONDS, LATER_SECONDS = 10, 30, 1800
TRIES = 10
LOOK_SECONDS = 1.0
RESTARTING = Audit(
    code=9602, severity=LogSeverity.NORMAL, text="Highly available VM {vm} failed. It will be restarted automatically."
)
NOT_RESTARTED = Audit(
    code=9603, severity=LogSeverity.ERROR, text="Highly available VM {vm} could not be restarted: {reason}"
)


def to_restart(vm: Vm, runtime: VmRuntime, now: datetime) -> VmRuntime:
    """The runtime of a VM that ended with an error: noted for a restart if it is highly available."""
    if not (vm.high_availability and vm.high_availability.enabled):
        return runtime
    return replace(runtime, restart_at=now + timedelta(seconds=FIRST_SECONDS), restarts=0)


def after_a_try(runtime: VmRuntime, now: datetime) -> VmRuntime:
    """When to try again: for a while often, then seldom."""
    tries = runtime.restarts + 1
    wait = NEXT_SECONDS if tries < TRIES else LATER_SECONDS
    return replace(runtime, restarts=tries, restart_at=now + timedelta(seconds=wait))


def _due(rd: Reader, now: datetime) -> list[str]:
    """VMs to start now, by priority."""
    column = rd.sql(VmRuntime).c.restart_at
    waiting = rd.select(VmRuntime, column.is_not(None), column <= round(now.timestamp() * 1000))
    vms = rd.get_many(Vm, [r.id for r in waiting])
    order = sorted(vms.values(), key=lambda vm: -((vm.high_availability and vm.high_availability.priority) or 0))
    return [str(vm.id) for vm in order]


Start = Callable[[Tx, Vm, VmRuntime], Any]


def _try(start: Start, vm_id: str, now: datetime, tx: Tx) -> None:
    vm, runtime = tx.need(Vm, vm_id), tx.need(VmRuntime, vm_id)
    if runtime.restart_at is None:
        return
    if vm.status is not S.DOWN or not (vm.high_availability and vm.high_availability.enabled):
        tx.put(replace(runtime, restart_at=None, restarts=0))
        return
    later = tx.put(after_a_try(runtime, now))
    start(tx, vm, later)
    if runtime.restarts == 0:
        record(tx, RESTARTING, vm=vm)


def _refused(tx: Tx, vm_id: str, now: datetime, reason: str) -> None:
    vm, runtime = tx.get(Vm, vm_id), tx.get(VmRuntime, vm_id)
    if vm is None or runtime is None:
        return
    tx.put(after_a_try(runtime, now))
    if runtime.restarts == 0:
        record(tx, NOT_RESTARTED, vm=vm, reason=reason)


async def watch(services: Services, start: Start) -> None:
    """Start what is due, for ever. start: the room's own action, which this module does not import."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = life.utc_now()
        try:
            for vm_id in await services.store.read(lambda rd, at=now: _due(rd, at)):  # type: ignore[misc]
                try:
                    await services.store.write(partial(_try, start, vm_id, now))
                except Fault as err:
                    why = err.detail
                    await services.store.write(lambda tx, v=vm_id, at=now, w=why: _refused(tx, v, at, w))  # type: ignore[misc]
        except Exception:
            log.exception("restarting highly available VMs failed")
