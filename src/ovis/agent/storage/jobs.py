"""Jobs of this host: the caller names them, polls Host.getJobs; they are kept for an hour after their end.

Does: run once per id, progress, outcome on disk. Does not: undo (each job's function leaves its target as it was, or
marked illegal). Follows: VDSM's host jobs.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.agent.storage import records
from ovis.agent.storage.threads import in_thread
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
KEPT = 3600.0
_AT_ONCE = 10
Progress = Callable[[int], None]


class Job(Struct, kw_only=True, frozen=True):
    """One job. ended: wall clock, 0 while it is not. text: what went wrong. kind: `storage`, or `virt` for what libvirt
    does; args: what is needed to follow such a one again."""

    id: str
    description: str
    kind: str = "storage"
    args: dict[str, Any] = {}
    status: str = "pending"
    progress: int | None = None
    ended: float = 0.0
    code: int = 0
    text: str = ""

    def row(self) -> dict[str, Any]:
        """A row of Host.getJobs."""
        row: dict[str, Any] = {
            "id": self.id,
            "job_type": self.kind,
            "description": self.description,
            "status": self.status,
        }
        if self.progress is not None:
            row["progress"] = self.progress
        if self.status in ("failed", "aborted"):
            row["error"] = {"code": self.code, "message": self.text}
        return row


class Jobs:
    """All storage jobs of this host. folder: one JSON file a job."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: dict[str, Job] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self.told: Callable[[Job], None] = lambda job: None  # a job began or ended

    async def load(self) -> None:
        """Read what the last run left; a job that ran then has failed, unless libvirt may still be at it."""
        for job in await in_thread(_read_all, self._folder):
            self._rows[job.id] = job
            if not job.ended and job.kind == "storage":
                await self._end(
                    replace(job, status="failed", code=int(Code.GENERAL), text="The host agent was restarted")
                )

    def left(self, kind: str) -> list[Job]:
        """Jobs of that kind that the last run left unfinished and nobody has taken up."""
        return [j for j in self._rows.values() if j.kind == kind and not j.ended and j.id not in self._running]

    def resume(self, job: Job, run: Callable[[Progress], Awaitable[None]]) -> None:
        """Go on with a job that the last run left."""
        self._running[job.id] = asyncio.create_task(self._run(job, run), name=f"{job.description} {job.id} again")

    async def start(
        self,
        job_id: str,
        description: str,
        run: Callable[[Progress], Awaitable[None]],
        *,
        kind: str = "storage",
        args: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin, unless this id is known already."""
        self._forget_old()
        if job_id in self._rows:
            return
        job = self._rows[job_id] = Job(id=job_id, description=description, kind=kind, args=dict(args or {}))
        try:
            await self._save(job)
        except BaseException:
            del self._rows[job_id]
            raise
        self._running[job_id] = asyncio.create_task(self._run(job, run), name=f"{description} {job_id}")
        await asyncio.sleep(0)  # one that is stopped before its first step would never note its end

    async def _run(self, job: Job, run: Callable[[Progress], Awaitable[None]]) -> None:
        def progress(percent: int) -> None:
            self._rows[job.id] = replace(self._rows[job.id], progress=percent)

        try:
            async with self._slots:
                running = self._rows[job.id] = replace(job, status="running", progress=0)
                self.told(running)
                await run(progress)
            ended = replace(job, status="done", progress=100)
        except VerbError as err:
            ended = replace(self._rows[job.id], status="failed", code=err.code, text=err.message)
        except asyncio.CancelledError:
            ended = replace(self._rows[job.id], status="aborted", code=int(Code.TASK_ABORTED), text="Job was aborted")
        except Exception as err:
            log.exception("job failed", job=job.id, description=job.description)
            ended = replace(self._rows[job.id], status="failed", code=int(Code.GENERAL), text=str(err))
        await self._end(ended)

    async def _end(self, job: Job) -> None:
        ended = replace(job, ended=time.time())
        log.info("job ended", job=job.id, description=job.description, status=job.status, code=job.code, text=job.text)
        with contextlib.suppress(VerbError):  # after a restart it counts as interrupted
            await self._save(ended)
        self._rows[job.id] = ended
        self._running.pop(job.id, None)
        self.told(ended)

    async def _save(self, job: Job) -> None:
        await in_thread(records.write_file, self._folder / f"{job.id}.json", msgspec.json.encode(job))

    def _forget_old(self) -> None:
        limit = time.time() - KEPT
        for job in [j for j in self._rows.values() if j.ended and j.ended < limit]:
            del self._rows[job.id]
            with contextlib.suppress(OSError):
                (self._folder / f"{job.id}.json").unlink(missing_ok=True)

    def rows(self, ids: Iterable[str] = (), kind: str = "") -> dict[str, Any]:
        """Host.getJobs; ids: only these; kind: only such."""
        self._forget_old()
        wanted = set(ids)
        return {
            job.id: job.row()
            for job in self._rows.values()
            if (not wanted or job.id in wanted) and kind in ("", job.kind)
        }

    async def abort(self, job_id: str) -> None:
        """Stop a job that is not ended; its target keeps its generation."""
        running = self._running.get(job_id)
        if running is not None:
            running.cancel()
            await asyncio.wait({running})

    async def stop(self) -> None:
        """End all."""
        for job_id in list(self._running):
            await self.abort(job_id)


def _read_all(folder: Path) -> list[Job]:
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for path in folder.iterdir():
        if path.suffix != ".json":
            path.unlink(missing_ok=True)
            continue
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Job))
        except msgspec.DecodeError:
            log.warning("job file not readable", path=str(path))
    return found
