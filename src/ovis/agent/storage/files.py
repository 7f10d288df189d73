"""Storage of a host on file domains: local directories, POSIX paths, NFS.

Does: VDSM's storage verbs for file domains, as one part of a driver. Does not: block storage, guests.
"""

from typing import Any

import structlog

from ovis.agent.main.identity import Identity
from ovis.agent.main.settings import AgentSettings
from ovis.agent.storage.core import StorageCore
from ovis.agent.storage.domain_verbs import DomainVerbs
from ovis.agent.storage.job_verbs import JobVerbs
from ovis.agent.storage.merge_verbs import ColdMergeVerbs
from ovis.agent.storage.pool_verbs import PoolVerbs
from ovis.agent.storage.tasks import Task
from ovis.agent.storage.threads import in_thread
from ovis.agent.storage.volume_verbs import VolumeVerbs
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)


class FileStorage(PoolVerbs, DomainVerbs, VolumeVerbs, JobVerbs, ColdMergeVerbs):
    """All storage verbs of one host."""

    def __init__(self, settings: AgentSettings, identity: Identity) -> None:
        self.core = StorageCore(settings, identity)

    async def start(self) -> None:
        """Find the last run's servers, pools, leases, tasks and jobs again; end what was interrupted."""
        await self.core.start(
            self.enders()
            | self.merge_enders()
            | {"StoragePool.spmStart": self._end_spm_start, "StoragePool.switchMaster": self._end_switch_master}
        )

    async def stop(self) -> None:
        """End; what runs is undone. Leases keep this host's name."""
        await self.core.stop()

    def repo_stats(self) -> dict[str, Any]:
        """Host.getStats storageDomains."""
        return self.core.monitor.rows()

    async def space(self, domain_id: str) -> tuple[int, int]:
        """(total, free) bytes of a storage domain."""
        domain = await self.core.domain(domain_id)
        return await in_thread(domain.space)

    async def _end_spm_start(self, task: Task) -> None:
        if not self.core.pools.get(task.pool).managed:
            raise VerbError(Code.TASK_ABORTED, "The host agent was restarted")

    async def _end_switch_master(self, task: Task) -> None:
        pool, new = await self.core.pool_domain(task.pool, task.args["new"])
        await self.core.pools.switch_master(pool, new, int(task.args["version"]))
