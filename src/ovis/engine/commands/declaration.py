"""How a room declares long work: steps with undo, under a name that survives restarts.

Does: hold values. Does not: run them (runner) or store them (table).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ovis.engine.events import Audit

# `def (tx, ctx) -> None`: runs in the writer, in one transaction with the step's record; or
# `async def (ctx) -> None | Callable[[Tx], None]`: talks to hosts; what it returns commits with the step's record.
StepFunction = Callable[..., Any]
Phase = Literal["validating", "executing", "finalizing"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step. It may run twice: it looks first, then acts. A failed step leaves nothing behind.

    undo: takes the step back, in the same two forms; may run twice, too. undo_own: also called if this very step fails,
    for steps whose failure does not prove that nothing happened (a host that stopped answering in the middle).
    title: what the job shows, a format string over the command's words. phase: the type of the job's step.
    """

    name: str
    run: StepFunction
    undo: StepFunction | None = None
    title: str = ""
    undo_own: bool = False
    phase: Phase = "executing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Long work. name: stable, stored. params: a msgspec struct. title: the job's description, over the words.

    done, failed: events at the end, once; `{reason}` is why it failed. cancellable: a user may stop it between steps.
    words: more words for titles and events: (rd, params, state) -> mapping; documents become references of events.
    hidden: no job is shown (the engine's own work). auto_cleared: the job vanishes some time after its end.
    """

    name: str
    params: Any
    steps: tuple[Step, ...]
    title: str = ""
    done: Audit | None = None
    failed: Audit | None = None
    cancellable: bool = False
    words: Callable[..., Mapping[str, Any]] | None = None
    hidden: bool = False
    auto_cleared: bool = True


@dataclass(frozen=True, slots=True)
class Lock:
    """An object that a command holds. shared: several commands may hold it so, nobody else exclusively meanwhile."""

    type: str
    id: str
    shared: bool = False
