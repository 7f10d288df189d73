"""What the engine does for pools of itself: VMs start before anybody asks, and come back when their users are done.

Does: compare what pools want with what is seen, every few seconds. Does not: keep more than how often starts failed.
Follows: engine 4.5: three failures in a row are told, then tried again after a while.
"""

import asyncio
import time
from dataclasses import dataclass
from functools import partial

import structlog

from ovis.engine.commands.locks import locked_ids
from ovis.engine.commands.services import Services
from ovis.engine.declare.faults import Fault
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity, VmStatus
from ovis.engine.model.types import Vm, VmPool
from ovis.engine.resources.vm_pools import members, rules
from ovis.engine.resources.vm_pools.tables import PoolUse
from ovis.engine.resources.vms.actions.start import start_again
from ovis.engine.resources.vms.state import VmRuntime
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)
LOOK_SECONDS = 1.0
TRIES = 3
_FIRST_WAIT, _LONGEST_WAIT = 10.0, 300.0
W = LogSeverity.WARNING
NOT_STARTED = Audit(code=169, severity=W, text="VM {vm} of pool {vm_pool} could not be started beforehand: {reason}")
GIVEN_UP = Audit(
    code=358, severity=W, text="VMs of pool {vm_pool} failed to start {tries} times in a row; it is tried seldom now."
)


@dataclass
class _Failures:
    """Of a pool, since a VM of it last started. at: when to try again."""

    count: int = 0
    at: float = 0.0


class Upkeep:
    """One per engine."""

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._failing: dict[str, _Failures] = {}

    async def watch(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except Exception:
                log.exception("the upkeep of VM pools failed")

    async def look(self) -> None:
        """Once: take back what is nobody's, then start what pools want to have running."""
        if await self._store.read(_anything_back):
            for pool_id, failed in (await self._store.write(_take_back)).items():
                await self._count(pool_id, failed)
        wanted = await self._store.read(_wanted)
        self._failing = {pool_id: failures for pool_id, failures in self._failing.items() if pool_id in wanted}
        now = time.monotonic()
        for pool_id, vm_ids in wanted.items():
            if self._failing.get(pool_id, _Failures()).at > now:
                continue
            for vm_id in vm_ids:
                try:
                    await self._store.write(partial(_start, pool_id, vm_id))
                except Fault as err:
                    await self._store.write(partial(_not_started, pool_id, vm_id, err.detail))
                    await self._count(pool_id, True)
                    break

    async def _count(self, pool_id: str, failed: bool) -> None:
        if not failed:
            self._failing.pop(pool_id, None)
            return
        known = self._failing.setdefault(pool_id, _Failures())
        known.count += 1
        known.at = time.monotonic() + min(_FIRST_WAIT * 2 ** (known.count - 1), _LONGEST_WAIT)
        if known.count == TRIES:
            await self._store.write(partial(_given_up, pool_id))


def _anything_back(rd: Reader) -> bool:
    return rd.count(PoolUse) > 0


def _take_back(tx: Tx) -> dict[str, bool]:
    """Pools of VMs that came back, and whether any of these had been started beforehand and failed."""
    pools = {use.vm_id: use for use in tx.select(PoolUse)}
    found: dict[str, bool] = {}
    for vm_id in members.take_back(tx):
        use, runtime = pools[vm_id], tx.get(VmRuntime, vm_id)
        failed = use.prestarted and not use.user_id and runtime is not None and runtime.exit_code not in (None, 0)
        found[use.pool_id] = found.get(use.pool_id, False) or failed
    return found


def _wanted(rd: Reader) -> dict[str, list[str]]:
    """VMs to start by pool."""
    pools = rd.select(VmPool, rd.sql(VmPool).c.prestarted_vms > 0)
    held = locked_ids(rd, "vm_pool", [str(pool.id) for pool in pools])
    out = {}
    for pool in pools:
        if str(pool.id) not in held:
            out[str(pool.id)] = rules.to_start(pool, members.known(rd, str(pool.id)))
    return out


def _start(pool_id: str, vm_id: str, tx: Tx) -> None:
    vm, pool = tx.get(Vm, vm_id), tx.get(VmPool, pool_id)
    if vm is None or pool is None or vm.status is not VmStatus.DOWN or tx.get(PoolUse, vm_id) is not None:
        return
    start_again(tx, vm, tx.get(VmRuntime, vm_id) or VmRuntime(id=vm_id))
    tx.insert(PoolUse(id=vm_id, vm_id=vm_id, pool_id=pool_id, prestarted=True))


def _not_started(pool_id: str, vm_id: str, reason: str, tx: Tx) -> None:
    vm, pool = tx.get(Vm, vm_id), tx.get(VmPool, pool_id)
    if vm is not None and pool is not None:
        record(tx, NOT_STARTED, vm=vm, vm_pool=pool, reason=reason)


def _given_up(pool_id: str, tx: Tx) -> None:
    pool = tx.get(VmPool, pool_id)
    if pool is not None:
        record(tx, GIVEN_UP, vm_pool=pool, tries=TRIES)
