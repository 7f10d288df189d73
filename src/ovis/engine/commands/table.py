"""The rows of commands: where each stands, who runs it, what it holds.

Does: structs, tables, and the statements that the runner repeats. Does not: decide anything.
A command's whole state is one row, so that finishing a step is one statement; jobs are the API's view beside it.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from ovis.engine.model.types import Job, Step
from ovis.engine.store.tables import Column, Table


class CommandStatus(StrEnum):
    """running and undoing move on by themselves, whatever happens to the engine; the others are ends."""

    RUNNING = "running"
    UNDOING = "undoing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


MOVES = {
    CommandStatus.RUNNING: frozenset({CommandStatus.UNDOING, CommandStatus.SUCCEEDED}),
    CommandStatus.UNDOING: frozenset({CommandStatus.FAILED, CommandStatus.CANCELLED}),
    CommandStatus.SUCCEEDED: frozenset(),
    CommandStatus.FAILED: frozenset(),
    CommandStatus.CANCELLED: frozenset(),
}
OPEN = (CommandStatus.RUNNING, CommandStatus.UNDOING)


class StepRecord(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One step as the job shows it. times: milliseconds since the epoch; 0: not yet."""

    started: int = 0
    ended: int = 0
    failed: bool = False


class Subject(Struct, kw_only=True, frozen=True):
    """An object that the command is about, with the name it had at the beginning."""

    type: str
    id: str
    name: str = ""


class Problem(Struct, kw_only=True, frozen=True):
    """Why a command failed: a stable code, a text for people, the HTTP status that a waiting client is answered."""

    code: str
    text: str
    status: int = 400


class CommandRow(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A command. id: the job's, too. step: index of the step that runs next (or, undoing, is taken back next).

    owner: engine that runs it, "" if none does yet. since: when it began. plan: names of its steps as it began.
    left: titles or names of steps that could not be taken back. cancel: the user asked for the end (the column counts:
    a runner saves its own view of the row).
    """

    id: str
    name: str
    params: msgspec.Raw
    status: CommandStatus = CommandStatus.RUNNING
    step: int = 0
    state: dict[str, Any] = msgspec.field(default_factory=dict)
    records: tuple[StepRecord, ...] = ()
    plan: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    subjects: tuple[Subject, ...] = ()
    correlation_id: str = ""
    user_id: str = ""
    user_name: str = ""
    owner: str = ""
    since: int = 0
    ended: int = 0
    progress: int = 0
    cancel: bool = False
    problem: Problem | None = None
    left: tuple[str, ...] = ()
    hidden: bool = False


class LockRow(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """An object held. id: `type:object` if exclusive, with the command's id behind it if shared."""

    id: str
    key: str
    command_id: str
    shared: bool = False


class Engine(Struct, kw_only=True, frozen=True):
    """A running engine process. expires: milliseconds since the epoch; later than that its commands are anybody's."""

    id: str
    expires: int


COMMANDS = Table(
    name="commands",
    type=CommandRow,
    by_hand=True,  # the runner saves steps by a statement of its own
    columns=(
        Column(name="status"),
        Column(name="owner", index=False),
        Column(name="since", kind="int", index=False),
        Column(name="ended", kind="int", index=False),
        Column(name="cancel", kind="bool", index=False),
    ),
)
LOCKS = Table(
    name="locks",
    type=LockRow,
    columns=(
        Column(name="key"),
        Column(name="command_id"),
        Column(name="shared", kind="bool", index=False),
    ),
)
ENGINES = Table(
    name="engines",
    type=Engine,
    columns=(Column(name="expires", kind="int", index=False),),
)
JOBS = Table(
    name="jobs",
    type=Job,
    columns=(
        Column(name="status"),
        # The API's document has no correlation id; it travels in the comment, which jobs do not show.
        Column(name="correlation_id", path="comment"),
        Column(name="start_time", kind="time"),
        Column(name="end_time", kind="time", index=False),
        Column(name="auto_cleared", kind="bool", index=False),
        Column(name="external", kind="bool", index=False),
        Column(name="description", index=False),
    ),
)
STEPS = Table(
    name="steps",
    type=Step,
    columns=(Column(name="job_id", path="job.id", references="jobs", on_delete="cascade"),),
)
TABLES = (COMMANDS, LOCKS, ENGINES, JOBS, STEPS)


def milliseconds() -> int:
    """Now, as rows count time."""
    return round(datetime.now(UTC).timestamp() * 1000)


def moment(ms: int) -> datetime:
    """A row's time."""
    return datetime.fromtimestamp(ms / 1000, UTC)
