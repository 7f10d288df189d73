"""Commands that make and remove the disks of what owns them, a VM or a template: one shape for both.

Does: add (the owner's rows are there, its disks' volumes are made, it becomes usable) and remove (volumes, then rows).
Every step looks first. Does not: know the owner: rows come and go by its room's functions.
Follows: flows, section 4.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ovis.engine.commands import Command, Context, Step
from ovis.engine.events import Audit
from ovis.engine.resources.disks import sets
from ovis.engine.store.session import Reader, Tx

Write = Callable[[Tx, Any], None]  # (transaction, the command's parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What differs. noun: `vm`, a word of titles and events. params: with `copies`, `disks` and, where a source is not its
    disk's present volume, `volumes`. find: the document, or None. forget: its rows but for the disks'. ready: it is
    usable. stays: a removal did not begin. spoiled: a removal broke off. layered: new disks lie upon their sources."""

    noun: str
    label: str
    params: type
    find: Callable[[Reader, Any], Any]
    forget: Write
    ready: Write
    stays: Write
    spoiled: Write = lambda tx, params: None
    layered: Callable[[Any], bool] = lambda params: False

    def words(self, rd: Reader, params: Any, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """The owner, or its name once it is gone."""
        return {self.noun: self.find(rd, params) or state.get("name", "")}


def _name(owner: Owner) -> Callable[[Tx, Context], None]:
    def begin(tx: Tx, ctx: Context) -> None:
        found = owner.find(tx, ctx.params)
        ctx.state["name"] = found.name if found is not None else ""

    return begin


def add(owner: Owner, *, done: Audit, failed: Audit) -> Command:
    """The disks are made; a failure takes the owner with it."""

    def forget(tx: Tx, ctx: Context) -> None:
        sets.forget(tx, ctx.params.disks)
        owner.forget(tx, ctx.params)

    async def copy(ctx: Context) -> Callable[[Tx], None]:
        p = ctx.params
        usable = await sets.make(ctx, p.copies, layered=owner.layered(p), volumes=p.volumes)

        def save(tx: Tx) -> None:
            usable(tx)
            owner.ready(tx, p)

        return save

    async def uncopy(ctx: Context) -> None:
        await sets.delete(ctx, ctx.params.disks)

    return Command(
        name=f"{owner.noun}.add",
        params=owner.params,
        title=f"Creating {owner.label} {{{owner.noun}}}",
        words=owner.words,
        steps=(
            Step("begin", _name(owner), undo=forget, undo_own=True),
            Step("disks", copy, undo=uncopy, undo_own=True, title="Creating the disks"),
        ),
        done=done,
        failed=failed,
    )


def remove(owner: Owner, *, done: Audit, failed: Audit) -> Command:
    """The disks go from storage, then every row. What broke off in the middle is of no use any more."""

    async def disks(ctx: Context) -> Callable[[Tx], None]:
        p = ctx.params
        await sets.delete(ctx, p.disks)

        def save(tx: Tx) -> None:
            owner.forget(tx, p)
            sets.forget(tx, p.disks)

        return save

    def stays(tx: Tx, ctx: Context) -> None:
        owner.stays(tx, ctx.params)
        sets.unlock(tx, ctx.params.disks)

    def half(tx: Tx, ctx: Context) -> None:
        owner.spoiled(tx, ctx.params)
        sets.condemn(tx, ctx.params.disks)

    return Command(
        name=f"{owner.noun}.remove",
        params=owner.params,
        title=f"Removing {owner.label} {{{owner.noun}}}",
        words=owner.words,
        steps=(
            Step("begin", _name(owner), undo=stays, undo_own=True),
            Step("disks", disks, undo=half, undo_own=True, title="Removing the disks"),
        ),
        done=done,
        failed=failed,
    )
