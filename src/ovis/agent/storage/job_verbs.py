"""Verbs of tasks and of this host's own jobs (SDM): status, end, copies of data, changes of volumes.

Follows: VDSM's Task and SDM verbs: the target of a job is illegal while it runs; its generation grows by one when it is
done, and not otherwise.
"""

import os
from collections.abc import Mapping
from typing import Any

from ovis.agent.storage import checks, images, volumes
from ovis.agent.storage.core import StorageCore
from ovis.agent.storage.jobs import Progress
from ovis.agent.storage.threads import in_thread, in_thread_long
from ovis.agent.storage.volume_verbs import check_legal
from ovis.agent.storage.volumes import LEGALITIES, Volume
from ovis.contract.errors import Code, VerbError

_ROLES = ("LEAF", "SHARED", "INTERNAL")


class JobVerbs:
    """Mixed into FileStorage."""

    core: StorageCore

    # -- tasks -----------------------------------------------------------------------------------------------

    async def host_get_all_tasks_statuses(self) -> dict[str, Any]:
        return {task.id: task.status() for task in self.core.tasks.all()}

    async def host_get_all_tasks_info(self) -> dict[str, Any]:
        return {task.id: {"id": task.id, "verb": task.verb} for task in self.core.tasks.all()}

    async def task_get_status(self, taskID: str) -> dict[str, Any]:
        return self.core.tasks.get(taskID).status()

    async def task_get_info(self, taskID: str) -> dict[str, Any]:
        task = self.core.tasks.get(taskID)
        return {"id": task.id, "verb": task.verb}

    async def task_stop(self, taskID: str) -> None:
        await self.core.tasks.abort(taskID)

    async def task_clear(self, taskID: str) -> None:
        await self.core.tasks.clear(taskID)

    # -- jobs ------------------------------------------------------------------------------------------------

    async def host_get_jobs(self, job_type: Any = None, job_ids: Any = None) -> dict[str, Any]:
        wanted = job_ids if isinstance(job_ids, list) else []
        return self.core.jobs.rows((str(j) for j in wanted), str(job_type or ""))

    async def sdm_copy_data(self, job_id: str, source: Any, destination: Any) -> None:
        ends = _Endpoint(source, "source"), _Endpoint(destination, "destination")

        async def run(progress: Progress) -> None:
            await self._copy_data(*ends, progress)

        await self.core.jobs.start(checks.id_of(job_id, "job_id"), "copy_data", run)

    async def _copy_data(self, source: "_Endpoint", target: "_Endpoint", progress: Progress) -> None:
        below = await source.volume(self.core)
        volume = await target.volume(self.core)
        if (below.image, below.id, below.domain.id) == (volume.image, volume.id, volume.domain.id):
            raise checks.invalid("A volume cannot be copied onto itself")
        async with self.core.image_lock(volume.domain.id, volume.image):
            facts = await in_thread(target.check, volume)
            above = await in_thread(volumes.children, volume, everywhere=facts.role == "SHARED")
            if above:
                raise VerbError(Code.VOLUME_HAS_CHILDREN, f"Volume {above[0].id} lies upon volume {volume.id}")
            layers = await in_thread(volumes.chain, below)
            check_legal(layers)
            top = layers[0][1]
            size = int((await in_thread(volumes.describe, below, ""))["capacity"])
            if facts.capacity < size:
                raise VerbError(
                    Code.TARGET_TOO_SMALL, f"Volume {volume.id} has {facts.capacity} bytes, the source {size}"
                )
            parent = volume.parent(facts)
            layered = parent is not None and facts.parent == top.parent  # both lie upon the same: copy the layer alone
            await in_thread(volume.change, legality="ILLEGAL")
            await images.convert(
                below.path,
                images.FORMATS[top.format],
                volume.path,
                images.FORMATS[facts.format],
                size=size,
                backing=str(parent.path) if layered and parent is not None else "",
                progress=progress,
            )
            if facts.type == "PREALLOCATED" and facts.format == "RAW":
                await in_thread_long(volumes.reserve, volume, facts.capacity)  # the copy punched holes for zeros
            await in_thread(target.check, volume)
            await in_thread(volume.change, legality="LEGAL", generation=facts.generation + 1)

    async def sdm_sparsify_volume(self, job_id: str, vol_info: Any) -> None:
        """Zeros that nobody needs go back to the storage. Nobody may use the volume meanwhile."""
        target = _Endpoint(vol_info, "vol_info")

        async def run(progress: Progress) -> None:
            volume = await target.volume(self.core)
            async with self.core.image_lock(volume.domain.id, volume.image):
                facts = await in_thread(target.check, volume)
                if await in_thread(volumes.children, volume, everywhere=facts.role == "SHARED"):
                    raise VerbError(Code.VOLUME_HAS_CHILDREN, f"Other volumes lie upon volume {volume.id}")
                if facts.type == "PREALLOCATED":
                    raise checks.invalid("A preallocated volume stays so")
                check_legal(await in_thread(volumes.chain, volume))
                parent = volume.parent(facts)
                await images.sparsify(
                    volume.path,
                    images.FORMATS[facts.format],
                    size=facts.capacity,
                    backing=os.path.relpath(parent.path, volume.path.parent) if parent is not None else "",
                    backing_form=images.FORMATS[(await in_thread(parent.facts)).format] if parent is not None else "",
                    progress=progress,
                )
                await in_thread(volume.change, generation=facts.generation + 1)

        await self.core.jobs.start(checks.id_of(job_id, "job_id"), "sparsify_volume", run)

    async def sdm_update_volume(self, job_id: str, vol_info: Any, vol_attr: Any) -> None:
        target = _Endpoint(vol_info, "vol_info")
        changes = _attributes(vol_attr)

        async def run(progress: Progress) -> None:
            volume = await target.volume(self.core)
            async with self.core.image_lock(volume.domain.id, volume.image):
                facts = await in_thread(target.check, volume)
                await in_thread(volume.change, **({"generation": facts.generation + 1} | changes))

        await self.core.jobs.start(checks.id_of(job_id, "job_id"), "update_volume", run)


class _Endpoint:
    """A volume named by an SDM verb. generation: the one that the caller believes in, or None."""

    def __init__(self, given: object, what: str) -> None:
        if not isinstance(given, Mapping):
            raise checks.invalid(f"{what} must be an object")
        if given.get("endpoint_type", "div") != "div":
            raise VerbError(Code.NOT_IMPLEMENTED, f"{what}: only volumes (endpoint_type div) are served")
        self._ids = tuple(checks.id_of(given.get(key), f"{what}.{key}") for key in ("sd_id", "img_id", "vol_id"))
        generation = given.get("generation")
        self.generation = None if generation is None else checks.number(generation, f"{what}.generation")

    async def volume(self, core: StorageCore) -> Volume:
        """The volume; VerbError if it is not there."""
        return await core.volume(*self._ids)

    def check(self, volume: Volume) -> volumes.Facts:
        """Its metadata; VerbError 911 if its generation is another one."""
        facts = volume.facts()
        if self.generation is not None and facts.generation != self.generation:
            raise VerbError(
                Code.GENERATION_MISMATCH,
                f"Volume {volume.id} has generation {facts.generation}, not {self.generation}",
            )
        return facts


def _attributes(given: object) -> dict[str, Any]:
    """VolumeAttributes: what is to be changed."""
    if not isinstance(given, Mapping):
        raise checks.invalid("vol_attr must be an object")
    found: dict[str, Any] = {}
    for key, name, allowed in (("legality", "legality", LEGALITIES), ("type", "role", _ROLES)):
        if given.get(key) is not None:
            text = str(given[key]).upper()
            if text not in allowed:
                raise checks.invalid(f"vol_attr.{key} must be one of {', '.join(allowed)}")
            found[name] = text
    if given.get("description") is not None:
        found["description"] = checks.one_line(given["description"])
    if given.get("generation") is not None:
        found["generation"] = checks.number(given["generation"], "vol_attr.generation")
    if not found:
        raise checks.invalid("vol_attr changes nothing")
    return found
