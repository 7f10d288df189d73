"""Tasks: what a verb started and the engine polls, remembered on disk until it is cleared.

Does: run in the background, keep the outcome, find interrupted ones again after a restart. Does not: know volumes; each
task's own function undoes what it did, and `Recovery` says how a dead one ends.
Follows: VDSM's task states and results.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.agent.storage import checks, records
from ovis.agent.storage.threads import in_thread
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_AT_ONCE = 10
Run = Callable[[], Awaitable[None]]


class Task(Struct, kw_only=True, frozen=True):
    """One task. args: what its function needs, so that a dead one can be ended. key: equal for the same work."""

    id: str
    verb: str
    pool: str = ""
    key: str = ""
    args: dict[str, Any] = {}
    state: str = "running"
    result: str = ""
    code: int = 0
    message: str = ""

    def status(self) -> dict[str, Any]:
        """Task.getStatus."""
        return {
            "taskID": self.id,
            "taskState": self.state,
            "taskResult": self.result,
            "code": self.code,
            "message": self.message,
        }


class Unclean(VerbError):
    """A task failed and could not remove what it had made."""


class Tasks:
    """All tasks of this agent. folder: one JSON file a task."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: dict[str, Task] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def load(self) -> list[Task]:
        """Read what the last run left; returns the tasks that were running."""
        self._rows = {t.id: t for t in await in_thread(_read_all, self._folder)}
        return [t for t in self._rows.values() if t.state != "finished"]

    async def start(
        self, verb: str, run: Run, *, pool: str = "", key: str = "", args: Mapping[str, Any] | None = None
    ) -> str:
        """Begin; returns the task's id. If the same work (key) is running already, that task's id."""
        for known in self._rows.values():
            if key and known.key == key and known.state != "finished":
                return known.id
        task = Task(id=str(uuid.uuid4()), verb=verb, pool=pool, key=key, args=dict(args or {}))
        self._rows[task.id] = task
        try:
            await self._save(task)
        except BaseException:
            del self._rows[task.id]
            raise
        self._running[task.id] = asyncio.create_task(self._run(task, run), name=f"{verb} {task.id}")
        await asyncio.sleep(0)  # one that is stopped before its first step would never note its end
        return task.id

    def resume(self, task: Task, run: Run) -> None:
        """Bring an interrupted task to its end. The same work may be started anew meanwhile."""
        task = self._rows[task.id] = replace(task, key="")
        self._running[task.id] = asyncio.create_task(self._run(task, run), name=f"{task.verb} {task.id} again")

    async def _run(self, task: Task, run: Run) -> None:
        try:
            async with self._slots:
                await run()
            ended = replace(task, result="success", message="1 jobs completed successfully")
        except VerbError as err:
            result = "cleanFailure" if isinstance(err, Unclean) else "cleanSuccess"
            ended = replace(task, result=result, code=err.code, message=err.message)
        except asyncio.CancelledError:
            ended = replace(task, result="cleanSuccess", code=int(Code.TASK_ABORTED), message="Task is aborted")
        except Exception as err:
            log.exception("task failed", task=task.id, verb=task.verb)
            ended = replace(task, result="cleanFailure", code=int(Code.GENERAL), message=str(err))
        await self._end(ended)

    async def _end(self, task: Task) -> None:
        ended = replace(task, state="finished")
        log.info("task ended", task=task.id, verb=task.verb, result=ended.result, code=ended.code, text=ended.message)
        with contextlib.suppress(VerbError):  # after a restart it is found as running, and ended again
            await self._save(ended)
        self._rows[task.id] = ended
        self._running.pop(task.id, None)

    async def _save(self, task: Task) -> None:
        await in_thread(records.write_file, self._folder / f"{task.id}.json", msgspec.json.encode(task))

    def get(self, task_id: object) -> Task:
        """A task; VerbError 401 if there is none."""
        found = self._rows.get(checks.id_of(task_id, "taskID"))
        if found is None:
            raise VerbError(Code.TASK_UNKNOWN, f"Task id unknown: {task_id}")
        return found

    def all(self) -> list[Task]:
        """Every task that was not cleared."""
        return list(self._rows.values())

    def busy(self, pool_id: str) -> bool:
        """Whether tasks of a pool run."""
        return any(self._rows[t].pool == pool_id for t in self._running)

    async def abort(self, task_id: object) -> None:
        """Stop a task; it undoes what it did. One that is finished stays as it is."""
        running = self._running.get(self.get(task_id).id)
        if running is not None:
            running.cancel()
            await asyncio.wait({running})

    async def abort_pool(self, pool_id: str) -> None:
        """Stop everything that needs the pool's lease."""
        running = [self._running[t] for t in list(self._running) if self._rows[t].pool == pool_id]
        for one in running:
            one.cancel()
        if running:
            await asyncio.wait(running)

    async def abort_key(self, key: str) -> None:
        """Stop that work, if it runs."""
        for task_id in list(self._running):
            if self._rows[task_id].key == key:
                await self.abort(task_id)

    async def clear(self, task_id: object) -> None:
        """Forget a finished task."""
        task = self.get(task_id)
        if task.id in self._running:
            raise VerbError(Code.TASK_NOT_FINISHED, f"Task is not finished: {task.id}")
        del self._rows[task.id]
        path = self._folder / f"{task.id}.json"
        await in_thread(path.unlink, missing_ok=True)

    async def stop(self) -> None:
        """End all; each undoes its work and is remembered as aborted."""
        running = list(self._running.values())
        for one in running:
            one.cancel()
        if running:
            await asyncio.wait(running, timeout=30)


def _read_all(folder: Path) -> list[Task]:
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for path in folder.iterdir():
        if path.suffix != ".json":
            path.unlink(missing_ok=True)  # half written
            continue
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Task))
        except msgspec.DecodeError:
            log.warning("task file not readable", path=str(path))
    return found
