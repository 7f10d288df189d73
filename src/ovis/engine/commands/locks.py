"""Which objects are held by which command.

Does: take, ask and release entity locks inside a transaction. Does not: wait; a held object is refused at once.
Follows: engine 4.5 refuses with ACTION_TYPE_FAILED_OBJECT_LOCKED (409).
"""

from collections.abc import Iterable

from ovis.engine.commands.declaration import Lock
from ovis.engine.commands.table import LockRow
from ovis.engine.declare.faults import Refusal, Refused
from ovis.engine.store.session import Reader, Tx

LOCKED = "ACTION_TYPE_FAILED_OBJECT_LOCKED"


def _key(object_type: str, object_id: str) -> str:
    return f"{object_type}:{object_id}"


def _held(rd: Reader, keys: Iterable[str], *, shared_too: bool = True) -> set[str]:
    wanted = list(keys)
    if not wanted:
        return set()
    if shared_too:
        found = rd.find(LockRow, key=wanted)
    else:
        found = rd.find(LockRow, key=wanted, shared=False)
    return {row.key for row in found}


def locked(rd: Reader, object_type: str, object_id: str, *, shared_too: bool = False) -> bool:
    """Whether a command holds the object; shared_too: also when it is only shared."""
    return bool(_held(rd, [_key(object_type, object_id)], shared_too=shared_too))


def locked_ids(rd: Reader, object_type: str, ids: Iterable[str]) -> set[str]:
    """Those of `ids` that a command holds exclusively."""
    by_key = {_key(object_type, id_): id_ for id_ in ids}
    return {by_key[key] for key in _held(rd, by_key, shared_too=False)}


def require_unlocked(rd: Reader, *objects: tuple[str, str]) -> None:
    """Refuse if any of the objects is held, shared or not: for operations that finish at once."""
    held = _held(rd, [_key(*o) for o in objects])
    if held:
        raise Refused([_refusal(key) for key in sorted(held)])


def take(tx: Tx, command_id: str, locks: Iterable[Lock]) -> None:
    """Hold all of them or refuse with every one that is in the way."""
    wanted: dict[str, Lock] = {}
    for lock in locks:
        key = _key(lock.type, lock.id)
        if key not in wanted or not lock.shared:
            wanted[key] = lock
    exclusive = [key for key, lock in wanted.items() if not lock.shared]
    shared = [key for key, lock in wanted.items() if lock.shared]
    held = _held(tx, exclusive) | _held(tx, shared, shared_too=False)
    if held:
        raise Refused([_refusal(key) for key in sorted(held)])
    for key, lock in wanted.items():
        id_ = f"{key}:{command_id}" if lock.shared else key
        tx.insert(LockRow(id=id_, key=key, command_id=command_id, shared=lock.shared))


def release(tx: Tx, command_id: str) -> None:
    """Let go of everything that a command holds."""
    tx.delete_found(LockRow, command_id=command_id)


def _refusal(key: str) -> Refusal:
    object_type, _, object_id = key.partition(":")
    what = object_type.replace("_", " ")
    return Refusal(
        LOCKED,
        f"The {what} {object_id} is in use by another operation.",
        "Try again when it is done.",
    )
