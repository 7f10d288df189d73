"""Verbs that merge a layer into the one below it while no guest uses the image, and what a live merge writes down.

Does: three steps as the engine asks for them: prepare (the base takes the layer's size), merge (data), finalize (who lay
upon the layer lies upon the base; the layer is illegal and can go). Each may run twice; a crash between any two leaves a
chain that shows what it showed. Does not: delete the layer (Image.deleteVolumes), touch what a guest has open: QEMU's
own locks refuse that.
Follows: VDSM's StoragePool.prepareMerge, SDM.merge, StoragePool.finalizeMerge; flows, section 9.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ovis.agent.storage import checks, images, volumes
from ovis.agent.storage.core import StorageCore
from ovis.agent.storage.jobs import Progress
from ovis.agent.storage.tasks import Task
from ovis.agent.storage.threads import in_thread
from ovis.agent.storage.volumes import Volume
from ovis.contract.errors import Code, VerbError


class ColdMergeVerbs:
    """Mixed into FileStorage."""

    core: StorageCore
    sync_chain: Callable[[Volume], Awaitable[list[str]]]

    async def storage_pool_prepare_merge(self, storagepoolID: str, subchainInfo: Any) -> str:
        return await self._task("StoragePool.prepareMerge", storagepoolID, subchainInfo, self._prepare)

    async def storage_pool_finalize_merge(self, storagepoolID: str, subchainInfo: Any) -> str:
        return await self._task("StoragePool.finalizeMerge", storagepoolID, subchainInfo, self._finalize)

    async def _task(self, verb: str, pool_id: str, given: Any, run: Callable[["Subchain"], Awaitable[None]]) -> str:
        chain = Subchain(given)
        pool, _ = await self.core.pool_domain(pool_id, chain.domain)
        await chain.volumes(self.core)
        key = f"{verb}/{chain.domain}/{chain.image}/{chain.base}/{chain.top}"
        return await self.core.task(verb, pool, lambda: run(chain), {"subchain": dict(given)}, key=key)

    async def sdm_merge(self, job_id: str, subchain_info: Any, merge_bitmaps: Any = False) -> None:
        chain = Subchain(subchain_info)

        async def run(progress: Progress) -> None:
            await self._merge(chain, progress)

        await self.core.jobs.start(checks.id_of(job_id, "job_id"), "merge", run)

    # -- steps -----------------------------------------------------------------------------------------------

    async def _prepare(self, chain: "Subchain") -> None:
        """The base is at least as large as what lies upon it."""
        base, top = await chain.volumes(self.core)
        async with self.core.image_lock(chain.domain, chain.image):
            await in_thread(chain.check, base, top)
            wanted = int((await in_thread(volumes.describe, top, ""))["capacity"])
            facts = await in_thread(base.facts)
            form = images.FORMATS[facts.format]
            now = await in_thread(images.virtual_size, base.path, form)
            if now < wanted:
                await images.resize(
                    base.path, form, wanted, preallocated=facts.type == "PREALLOCATED" and form == "raw"
                )
            if facts.capacity < wanted:
                await in_thread(base.change, capacity=wanted)

    async def _merge(self, chain: "Subchain", progress: Progress) -> None:
        """The layer's data goes down; the base's generation says that it is there."""
        base, top = await chain.volumes(self.core)
        async with self.core.image_lock(chain.domain, chain.image):
            await in_thread(chain.check, base, top)
            facts = await in_thread(base.facts)
            if chain.generation is not None and facts.generation != chain.generation:
                raise VerbError(
                    Code.GENERATION_MISMATCH,
                    f"Volume {base.id} has generation {facts.generation}, not {chain.generation}",
                )
            await images.commit(top.path, size=facts.capacity, progress=progress)
            await in_thread(base.change, generation=facts.generation + 1)

    async def _finalize(self, chain: "Subchain") -> None:
        """Nothing lies upon the layer any more."""
        base, top = await chain.volumes(self.core)
        async with self.core.image_lock(chain.domain, chain.image):
            if (await in_thread(top.facts)).legality == "ILLEGAL":
                return  # done before
            await in_thread(chain.check, base, top)
            form = await in_thread(base.form)
            for child in await in_thread(volumes.children, top):
                await images.rebase(child.path, base.id, form)
                await in_thread(child.change, parent=base.id, parent_image="")
            was = await in_thread(top.change, legality="ILLEGAL")
            if was.role == "LEAF" and (await in_thread(base.facts)).role != "SHARED":
                await in_thread(base.change, role="LEAF")

    # -- for merges of a running guest's layers -----------------------------------------------------------------

    async def mark(self, domain_id: str, image_id: str, volume_id: str, *, legal: bool) -> None:
        """Whether a volume may be used."""
        volume = await self.core.volume(domain_id, image_id, volume_id)
        async with self.core.image_lock(volume.domain.id, volume.image):
            await in_thread(volume.change, legality="LEGAL" if legal else "ILLEGAL")

    async def merged(self, domain_id: str, image_id: str, leaf_id: str, gone_id: str) -> None:
        """QEMU merged a layer away: metadata follows the files, what is left of the layer is illegal."""
        await self.sync_chain(await self.core.volume(domain_id, image_id, leaf_id))
        await self.mark(domain_id, image_id, gone_id, legal=False)

    # -- after a crash ---------------------------------------------------------------------------------------

    def merge_enders(self) -> dict[str, Callable[[Task], Awaitable[None]]]:
        """Interrupted steps are done again."""
        return {
            "StoragePool.prepareMerge": lambda task: self._again(task, self._prepare),
            "StoragePool.finalizeMerge": lambda task: self._again(task, self._finalize),
        }

    async def _again(self, task: Task, run: Callable[["Subchain"], Awaitable[None]]) -> None:
        await self.core.pool_domain(task.pool, task.args["subchain"]["sd_id"])
        await run(Subchain(task.args["subchain"]))


class Subchain:
    """A layer and the one below it. generation: the base's, as the caller believes it, or None."""

    def __init__(self, given: object) -> None:
        if not isinstance(given, Mapping):
            raise checks.invalid("The subchain must be an object")
        self.domain, self.image, self.base, self.top = (
            checks.id_of(given.get(key), key) for key in ("sd_id", "img_id", "base_id", "top_id")
        )
        generation = given.get("base_generation")
        self.generation = None if generation is None else checks.number(generation, "base_generation")

    async def volumes(self, core: StorageCore) -> tuple[Volume, Volume]:
        """(base, top); VerbError if one is not there."""
        base = await core.volume(self.domain, self.image, self.base)
        return base, await core.volume(self.domain, self.image, self.top)

    def check(self, base: Volume, top: Volume) -> None:
        """VerbError unless the one really lies upon the other, and both may be used."""
        facts = top.facts()
        if facts.parent != base.id or facts.parent_image not in ("", base.image):
            raise VerbError(Code.MERGE_FAILED, f"Volume {top.id} does not lie upon volume {base.id}")
        if facts.format != "COW":
            raise VerbError(Code.VOLUME_FORMAT, f"Volume {top.id} is no layer")
        if base.facts().role == "SHARED":
            raise VerbError(Code.VOLUME_SHARED, f"Volume {base.id} is the base of other images")
        for volume in (base, top):
            if volume.facts().legality == "ILLEGAL":
                raise VerbError(Code.VOLUME_ILLEGAL, f"Volume {volume.id} is illegal")
        others = [c for c in volumes.children(base) if c.id != top.id]
        if others:
            raise VerbError(Code.VOLUME_HAS_CHILDREN, f"Volume {others[0].id} lies upon volume {base.id}, too")
