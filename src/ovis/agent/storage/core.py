"""What the storage verbs stand on: servers, pools, tasks, jobs, monitoring, locks; and finding things by ids.

Does: own the parts' life, end what a dead agent left. Does not: verbs (pool_verbs, domain_verbs, volume_verbs, job_verbs).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import structlog

from ovis.agent.main.identity import Identity
from ovis.agent.main.settings import AgentSettings
from ovis.agent.storage import beats, checks
from ovis.agent.storage.domains import FileDomain
from ovis.agent.storage.jobs import Jobs
from ovis.agent.storage.monitor import Monitor
from ovis.agent.storage.pools import Pool, Pools
from ovis.agent.storage.servers import Servers
from ovis.agent.storage.tasks import Task, Tasks, Unclean
from ovis.agent.storage.threads import in_thread
from ovis.agent.storage.volumes import Volume
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)


class StorageCore:
    """Parts that the verbs share."""

    def __init__(self, settings: AgentSettings, identity: Identity) -> None:
        folder = settings.folder.resolve() / "storage"
        self.folder = folder
        self.root = settings.rhev.resolve()
        self.servers = Servers(self.root / "mnt")
        self.tasks = Tasks(folder / "tasks")
        self.jobs = Jobs(folder / "jobs")
        self.host_uuid = identity.uuid
        self.pools = Pools(folder / "pools.json", self.root, self.servers, identity.uuid, self.tasks.abort_pool)
        self.monitor = Monitor(self.servers.find, self._beat)
        self.besides: set[str] = set()  # domains that are monitored because somebody asked
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def start(self, enders: Mapping[str, Callable[[Task], Awaitable[None]]]) -> None:
        """Find everything of the last run again. enders: by verb, how an interrupted task is brought to its end."""
        await in_thread(self.folder.mkdir, parents=True, exist_ok=True)
        await in_thread((self.root / "mnt").mkdir, parents=True, exist_ok=True)
        interrupted = await self.tasks.load()
        await self.jobs.load()
        await self.pools.load()
        for task in interrupted:
            self.tasks.resume(task, partial(_end, task, enders.get(task.verb)))
        self.monitor.start()
        await self.watch()

    async def stop(self) -> None:
        """End the background work; guests and mounts stay."""
        await self.monitor.stop()
        await self.tasks.stop()
        await self.jobs.stop()
        await self.pools.stop()

    async def watch(self) -> None:
        """Monitor what the pools use now, and what somebody asked for."""
        await self.monitor.watch(self.pools.active() | self.besides)

    def _beat(self, domain: FileDomain) -> None:
        """This host lives, under its number in the domain's pool."""
        host_id = self.pools.host_id(domain.id)
        if host_id is not None:
            beats.beat(domain, host_id)

    # -- finding ---------------------------------------------------------------------------------------------

    async def domain(self, domain_id: object, what: str = "storagedomainID") -> FileDomain:
        """A domain; VerbError 358."""
        return await in_thread(self.servers.find, checks.id_of(domain_id, what))

    async def pool_domain(self, pool_id: object, domain_id: object) -> tuple[Pool, FileDomain]:
        """A domain of a pool that this host manages; VerbError 654, 358 or 353."""
        pool = self.pools.managed(pool_id)
        domain = await self.domain(domain_id)
        if (await in_thread(domain.facts)).get("POOL_UUID") != pool.row.id:
            raise VerbError(Code.STORAGE_DOMAIN_NOT_IN_POOL, f"Storage domain {domain.id} is not in pool {pool.row.id}")
        return pool, domain

    async def volume(self, domain_id: object, image_id: object, volume_id: object) -> Volume:
        """A volume that exists; VerbError 358 or 201."""
        ids = checks.id_of(image_id, "imageID"), checks.id_of(volume_id, "volumeID")
        volume = Volume(await self.domain(domain_id), *ids)
        if not await in_thread(volume.exists):
            raise VerbError(Code.VOLUME_NOT_FOUND, f"Volume does not exist: {volume.id}")
        return volume

    @asynccontextmanager
    async def image_lock(self, domain_id: str, image_id: str) -> AsyncIterator[None]:
        """One change of an image at a time."""
        key = f"{domain_id}/{image_id}"
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        async with lock:
            yield

    async def task(
        self, verb: str, pool: Pool, run: Callable[[], Awaitable[None]], args: Mapping[str, Any], *, key: str = ""
    ) -> str:
        """Start a task of a pool; it stops when the lease is lost."""

        async def managed() -> None:
            self.pools.managed(pool.row.id)
            await run()

        return await self.tasks.start(verb, managed, pool=pool.row.id, key=key, args=args)


async def _end(task: Task, ender: Callable[[Task], Awaitable[None]] | None) -> None:
    """How an interrupted task ends: its ender says, as far as this host may still touch the pool."""
    if ender is None:
        raise VerbError(Code.TASK_ABORTED, "The host agent was restarted")
    try:
        await ender(task)
    except VerbError as err:
        if err.code in (Code.NOT_SPM, Code.POOL_UNKNOWN):
            raise Unclean(
                Code.TASK_ABORTED, "The host agent was restarted and lost the pool; the next manager removes remains"
            ) from err
        raise
