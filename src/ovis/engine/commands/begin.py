"""The birth of a command, inside the transaction of the operation that asks for it.

Does: take the locks, store the command and its job. Does not: run it; the runner is told by the commit.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec

from ovis.engine.commands.declaration import Command, Lock
from ovis.engine.commands.locks import take
from ovis.engine.commands.table import (
    CommandRow,
    StepRecord,
    Subject,
    milliseconds,
    moment,
)
from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import Started
from ovis.engine.events.audit import SYSTEM
from ovis.engine.model.enums import JobStatus
from ovis.engine.model.types import Job, User
from ovis.engine.store.session import Reader, Tx


class Words(dict[str, Any]):
    """Words for titles; one that nobody gave shows as such."""

    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def begin(
    tx: Tx,
    command: Command,
    params: Any,
    *,
    call: Call | None = None,
    locks: Iterable[Lock] = (),
    subjects: Sequence[tuple[str, str]] = (),
    entity: Any = None,
    wait: bool = False,
    state: Mapping[str, Any] | None = None,
    correlation_id: str = "",
    result: Mapping[str, Any] | None = None,
) -> Started:
    """Store the command; it starts when this transaction is committed. Refused if a lock is held.

    subjects: (object type, id) of what the command is about, for titles and events. entity, wait, result: see Started.
    state: what the steps begin with. Without a call the engine itself is the user.
    """
    command_id = str(uuid.uuid4())
    take(tx, command_id, locks)
    who = call.principal if call else None
    named = tuple(Subject(type=t, id=i, name=_name(tx, t, i)) for t, i in subjects)
    words = words_of(tx, command, params, dict(state or {}), named, who.name if who else SYSTEM)
    shown = Words({word: getattr(value, "name", value) for word, value in words.items()})
    now = milliseconds()
    correlation = (call.correlation_id if call else correlation_id) or str(uuid.uuid4())
    tx.insert(
        CommandRow(
            id=command_id,
            name=command.name,
            params=msgspec.Raw(msgspec.json.encode(params)),
            state=dict(state or {}),
            records=tuple(StepRecord() for _ in command.steps),
            plan=tuple(step.name for step in command.steps),
            titles=tuple(step.title.format_map(shown) for step in command.steps),
            phases=tuple(step.phase for step in command.steps),
            subjects=named,
            correlation_id=correlation,
            user_id=who.user_id if who else "",
            user_name=who.name if who else SYSTEM,
            owner=tx.owner,
            since=now,
            hidden=command.hidden,
        )
    )
    if not command.hidden:
        tx.insert(
            Job(
                id=command_id,
                description=(command.title or command.name).format_map(shown),
                status=JobStatus.STARTED,
                start_time=moment(now),
                last_updated=moment(now),
                external=False,
                auto_cleared=command.auto_cleared,
                owner=User(id=who.user_id) if who else None,
                comment=correlation,
            )
        )
    return Started(command_id=command_id, entity=entity, wait=wait, result=dict(result or {}))


def _document(rd: Reader, object_type: str, object_id: str) -> Any:
    """The object's document as it stands, or None; object types are table names in the singular."""
    table = rd.schema.by_name.get(object_type + "s")
    return rd.get(table.type, object_id) if table is not None else None


def _name(rd: Reader, object_type: str, object_id: str) -> str:
    return getattr(_document(rd, object_type, object_id), "name", None) or ""


def words_of(
    rd: Reader,
    command: Command,
    params: Any,
    state: Mapping[str, Any],
    subjects: Iterable[Subject],
    user: str,
) -> dict[str, Any]:
    """Words for titles and events: the subjects, plain parameters and state, objects that `X_id` in them name."""
    words: dict[str, Any] = {"user": user}
    plain = {
        **{name: getattr(params, name) for name in params.__struct_fields__},
        **state,
    }
    for word, value in plain.items():
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            continue
        words[word] = value
        if word.endswith("_id") and isinstance(value, str) and word[:-3] not in plain:
            found = _document(rd, word[:-3], value)
            if found is not None:
                words[word[:-3]] = found
    for subject in subjects:
        found = _document(rd, subject.type, subject.id)
        words[subject.type] = found if found is not None else SimpleNamespace(id=subject.id, name=subject.name)
    if command.words is not None:
        words.update(command.words(rd, params, state))
    return words
