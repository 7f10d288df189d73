"""Storage pools: which host manages a data center's storage (SPM), calls to it, its tasks.

Does: elect, watch, call, poll tasks. Does not: know domains or volumes, or write statuses (the observer does).
Follows: flows, section 3 (election, monitor each 10 s), section 4 (tasks).
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from ovis.contract.errors import Code
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.hostlink.observer import Observer
from ovis.engine.hostlink.pool_table import PoolManager
from ovis.engine.model.enums import DataCenterStatus, HostStatus
from ovis.engine.model.types import Cluster, DataCenter, Host
from ovis.engine.store.session import Reader
from ovis.engine.store.store import Store

log = structlog.get_logger(__name__)
WATCH_SECONDS = 10.0
_MAX_HOST_ID = 250
_START_SECONDS = 120.0
_RESET_SECONDS = 180.0  # a data center that nobody can manage is tried again after this
_TASK_FIRST, _TASK_GROWTH, _TASK_LAST = 0.1, 1.5, 10.0
_TASK_SILENCE = 300.0  # how long the manager may be away before its task counts as lost
NOT_SPM = 654
_NOT_HERE = frozenset({NOT_SPM, int(Code.SPM_STATUS), int(Code.POOL_UNKNOWN)})
Call = Callable[..., Awaitable[Any]]
_WATCHED = (
    DataCenterStatus.UP,
    DataCenterStatus.PROBLEMATIC,
    DataCenterStatus.NOT_OPERATIONAL,
    DataCenterStatus.CONTEND,
)


class NoManager(HostUnreachable):
    """No host can manage the data center's storage now."""


@dataclass(slots=True)
class _Pool:
    """What this engine knows of one pool. own: tasks that it waits for; forsaken: finished ones that nobody waited for
    at the last look: of an engine that died."""

    host_id: str | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    hopeless_since: float = 0.0
    tasks: int = 0
    own: set[str] = field(default_factory=set)
    forsaken: set[str] = field(default_factory=set)


class Pools:
    """All data centers' pools. call: Hosts.call."""

    def __init__(self, store: Store, call: Call, observer: Observer) -> None:
        self._store = store
        self._call = call
        self._observer = observer
        self._pools: dict[str, _Pool] = {}
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take over what the store says, then watch."""
        for row in await self._store.read(lambda rd: rd.select(PoolManager)):
            self._pools[row.id] = _Pool(host_id=row.host_id)
        self._watcher = asyncio.create_task(self._watch(), name="pools")

    async def stop(self) -> None:
        """Stop watching."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)

    def manager(self, data_center_id: str) -> str | None:
        """The host that manages the pool, as far as known."""
        return self._pools[data_center_id].host_id if data_center_id in self._pools else None

    def busy(self, data_center_id: str) -> bool:
        """Whether tasks run that the manager must finish first."""
        return data_center_id in self._pools and self._pools[data_center_id].tasks > 0

    # -- calls -----------------------------------------------------------------------------------------------

    async def call(
        self, data_center_id: str, verb: str, params: Mapping[str, Any], *, timeout: float, correlation_id: str = ""
    ) -> Any:
        """A verb of the pool, on its manager; elects one if there is none."""
        _, result = await self._on_manager(data_center_id, verb, params, timeout, correlation_id)
        return result

    async def _on_manager(
        self, data_center_id: str, verb: str, params: Mapping[str, Any], timeout: float, correlation_id: str
    ) -> tuple[str, Any]:
        for last in (False, True):
            host_id = await self.elect(data_center_id)
            try:
                result = await self._call(
                    host_id, verb, params, timeout=timeout, correlation_id=correlation_id, pool=True
                )
                return host_id, result
            except HostError as err:
                if last or err.code not in _NOT_HERE:
                    raise
                await self._lose(data_center_id, host_id)
            except HostUnreachable as err:
                if last or err.sent:
                    raise
                await self._lose(data_center_id, host_id)
        raise AssertionError("unreachable")

    async def task(
        self, data_center_id: str, verb: str, params: Mapping[str, Any], *, timeout: float, correlation_id: str = ""
    ) -> Mapping[str, Any]:
        """Start a task verb, wait for its end, clear it. HostError if the task failed, HostUnreachable if nobody knows."""
        pool = self._pool(data_center_id)
        pool.tasks += 1
        try:
            host_id, started = await self._on_manager(data_center_id, verb, params, timeout, correlation_id)
            task_id = str(started.get("uuid") if isinstance(started, Mapping) else started)
            pool.own.add(task_id)
            try:
                return await self._finish(host_id, task_id, verb)
            finally:
                pool.own.discard(task_id)
        finally:
            pool.tasks -= 1

    async def _finish(self, host_id: str, task_id: str, verb: str) -> Mapping[str, Any]:
        """Poll quickly at first: most tasks are short, and users wait for them."""
        pause, heard = _TASK_FIRST, time.monotonic()
        while True:
            await asyncio.sleep(pause)
            pause = min(_TASK_LAST, pause * _TASK_GROWTH)
            try:
                status = await self._call(host_id, "Task.getStatus", {"taskID": task_id}, pool=True)
                heard = time.monotonic()
            except HostUnreachable:
                if time.monotonic() - heard > _TASK_SILENCE:
                    raise
                continue
            except HostError as err:
                if err.code != Code.TASK_UNKNOWN:
                    raise
                # Its agent has died and forgot it: whether the work was done is to be looked at.
                raise HostUnreachable(f"{verb}: {err.message}", host_id=host_id, sent=True) from err
            status = status.get("taskStatus", status)
            if status.get("taskState") == "finished":
                break
        await self._clear(host_id, task_id)
        if int(status.get("code") or 0) != 0 or status.get("taskResult") not in ("success", "", None):
            message = str(status.get("message") or status.get("taskResult"))
            raise HostError(int(status.get("code") or Code.GENERAL), message, verb=verb, host_id=host_id)
        found: Mapping[str, Any] = status
        return found

    async def _clear(self, host_id: str, task_id: str) -> None:
        try:
            await self._call(host_id, "Task.clear", {"taskID": task_id}, pool=True)
        except (HostError, HostUnreachable) as err:
            log.warning("task not cleared", host=host_id, task=task_id, error=str(err))

    # -- election --------------------------------------------------------------------------------------------

    def _pool(self, data_center_id: str) -> _Pool:
        return self._pools.setdefault(data_center_id, _Pool())

    async def elect(self, data_center_id: str, preferred: str | None = None) -> str:
        """The manager; if there is none (or another one is preferred), one is made. NoManager if none can be."""
        pool = self._pool(data_center_id)
        if pool.host_id is not None and preferred in (None, pool.host_id):
            return pool.host_id
        async with pool.lock:
            if pool.host_id is not None and preferred in (None, pool.host_id):
                return pool.host_id
            if pool.host_id is not None:
                await self._release(data_center_id, pool.host_id)
            candidates = await self._store.read(lambda rd: _candidates(rd, data_center_id))
            if preferred is not None:
                candidates = [preferred, *(c for c in candidates if c != preferred)]
            problems = []
            for host_id in candidates:
                try:
                    manager = await self._try(data_center_id, host_id, candidates)
                except (HostError, HostUnreachable) as err:
                    log.warning("not elected", data_center=data_center_id, host=host_id, error=str(err))
                    problems.append(str(err))
                    continue
                await self._elected(data_center_id, manager)
                return manager
            pool.hopeless_since = time.monotonic()
            await self._observer.pool_state(data_center_id, "not_operational" if candidates else "problematic", None)
            why = "; ".join(problems) or "no host of the data center is up"
            raise NoManager(f"No host can manage the storage: {why}")

    async def _try(self, data_center_id: str, host_id: str, candidates: Sequence[str]) -> str:
        """Make the host the manager, or find the one that is."""
        await self._observer.connect_pool(host_id, data_center_id)
        ids = {"storagepoolID": data_center_id}
        status = _spm(await self._call(host_id, "StoragePool.getSpmStatus", ids))
        if status["spmStatus"] == "SPM":
            return host_id
        if status["spmStatus"] not in ("Free", "Contend") or int(status["spmId"]) > 0:
            holder = await self._holder(data_center_id, candidates, host_id)
            if holder is not None:
                return holder
        await self._observer.pool_state(data_center_id, "contend", None)
        try:
            await self._start(data_center_id, host_id, status)
        except (HostError, HostUnreachable):
            await self._release(data_center_id, host_id)
            raise
        return host_id

    async def _holder(self, data_center_id: str, candidates: Sequence[str], asking: str) -> str | None:
        """Another candidate that says it is the manager."""
        for host_id in candidates:
            if host_id == asking:
                continue
            try:
                found = _spm(await self._call(host_id, "StoragePool.getSpmStatus", {"storagepoolID": data_center_id}))
            except (HostError, HostUnreachable):
                continue
            if found["spmStatus"] == "SPM":
                return host_id
        return None

    async def _start(self, data_center_id: str, host_id: str, status: Mapping[str, Any]) -> None:
        started = await self._call(
            host_id,
            "StoragePool.spmStart",
            {
                "storagepoolID": data_center_id,
                "prevID": status["spmId"],
                "prevLver": status["spmLver"],
                "enableScsiFencing": "false",
                "maxHostID": _MAX_HOST_ID,
                "domVersion": 5,
            },
        )
        task_id = str(started.get("uuid") if isinstance(started, Mapping) else started)
        async with asyncio.timeout(_START_SECONDS):
            await self._finish(host_id, task_id, "StoragePool.spmStart")
        now = _spm(await self._call(host_id, "StoragePool.getSpmStatus", {"storagepoolID": data_center_id}))
        if now["spmStatus"] != "SPM":
            raise HostError(NOT_SPM, f"The host is {now['spmStatus']}, not SPM", verb="StoragePool.spmStart")

    async def _elected(self, data_center_id: str, host_id: str) -> None:
        self._pool(data_center_id).host_id = host_id
        self._pool(data_center_id).hopeless_since = 0.0
        await self._store.write(lambda tx: tx.put(PoolManager(id=data_center_id, host_id=host_id)))
        await self._observer.pool_state(data_center_id, "up", host_id)

    async def _lose(self, data_center_id: str, host_id: str) -> None:
        pool = self._pool(data_center_id)
        if pool.host_id != host_id:
            return
        pool.host_id = None
        await self._store.write(lambda tx: tx.put(PoolManager(id=data_center_id)))
        await self._observer.pool_state(data_center_id, "problematic", None)

    async def _release(self, data_center_id: str, host_id: str) -> None:
        """Ask a host to stop managing; one that does not answer cannot be asked."""
        try:
            await self._call(host_id, "StoragePool.spmStop", {"storagepoolID": data_center_id})
        except (HostError, HostUnreachable) as err:
            log.info("spmStop not done", host=host_id, error=str(err))

    async def release(self, data_center_id: str, host_id: str | None = None) -> None:
        """Nobody (or not that host) is to manage the pool any more: before maintenance, or after the last domain."""
        pool = self._pool(data_center_id)
        async with pool.lock:
            if pool.host_id is None or host_id not in (None, pool.host_id):
                return
            await self._release(data_center_id, pool.host_id)
            pool.host_id = None
            await self._store.write(lambda tx: tx.put(PoolManager(id=data_center_id)))

    async def lost(self, host_id: str) -> None:
        """A host is lost: whatever it managed needs another manager."""
        for data_center_id, pool in list(self._pools.items()):
            if pool.host_id == host_id:
                await self._lose(data_center_id, host_id)

    # -- watching --------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS * random.uniform(0.9, 1.1))
            try:
                wanted = await self._store.read(
                    lambda rd: [str(d.id) for d in rd.find(DataCenter, status=[s.value for s in _WATCHED])]
                )
                await asyncio.gather(*(self.check(data_center_id) for data_center_id in wanted))
            except Exception:
                log.exception("watching pools failed")

    async def check(self, data_center_id: str) -> None:
        """One look at a pool: is its manager still the manager, how are its domains."""
        pool = self._pool(data_center_id)
        try:
            if pool.host_id is None:
                recent = pool.hopeless_since and time.monotonic() - pool.hopeless_since < _RESET_SECONDS
                if recent and not await self._store.read(lambda rd: _candidates(rd, data_center_id)):
                    return
                await self.elect(data_center_id)
            host_id = pool.host_id
            if host_id is None:
                return
            ids = {"storagepoolID": data_center_id}
            status = _spm(await self._call(host_id, "StoragePool.getSpmStatus", ids))
            if status["spmStatus"] != "SPM":
                await self._lose(data_center_id, host_id)
                await self.elect(data_center_id)
                return
            info = await self._call(host_id, "StoragePool.getInfo", ids, pool=True)
            await self._observer.pool_info(data_center_id, info or {})
            await self._clear_forsaken(pool, host_id)
        except (HostError, HostUnreachable, TimeoutError) as err:
            log.info("pool not well", data_center=data_center_id, error=str(err))

    async def _clear_forsaken(self, pool: _Pool, host_id: str) -> None:
        """Clear finished tasks that nobody has waited for over two looks."""
        found = await self._call(host_id, "Host.getAllTasksStatuses", {}, pool=True)
        rows = (found or {}).get("allTasksStatus", found) or {}
        finished = {task_id for task_id, row in rows.items() if row.get("taskState") == "finished"} - pool.own
        for task_id in finished & pool.forsaken:
            await self._clear(host_id, task_id)
        pool.forsaken = finished - pool.forsaken


def _spm(answer: Mapping[str, Any]) -> dict[str, Any]:
    """getSpmStatus as the engine reads it."""
    status = answer.get("spm_st", answer)
    return {
        "spmStatus": str(status.get("spmStatus", "")),
        "spmId": int(status.get("spmId") or -1),
        "spmLver": int(status.get("spmLver") if status.get("spmLver") is not None else -1),
    }


def _candidates(rd: Reader, data_center_id: str) -> list[str]:
    """Hosts that may manage the pool: up, not excluded, by priority and then by lot."""
    clusters = [str(c.id) for c in rd.find(Cluster, data_center_id=data_center_id)]
    hosts = rd.find(Host, cluster_id=clusters, status=HostStatus.UP.value) if clusters else []
    rows = []
    for host in hosts:
        priority = host.spm.priority if host.spm and host.spm.priority is not None else 5
        if priority >= 0:
            rows.append((-priority, random.random(), str(host.id)))
    return [host_id for _, _, host_id in sorted(rows)]
