"""`ovis-engine user ...`: people of the internal directory, from the command line.

Does: add, list, unlock, remove, and give passwords. Does not: give roles; that is the API's `/permissions`.
"""

import uuid
from collections.abc import Callable

from msgspec.structs import replace

from ovis.engine.access import directory
from ovis.engine.access.directory import add_internal_user, full_name, hash_password
from ovis.engine.access.tables import Grant, Secret, Token
from ovis.engine.main.composition import open_store
from ovis.engine.main.settings import Settings
from ovis.engine.model.types import User
from ovis.engine.resources import bodies
from ovis.engine.resources.tags import forget_tags
from ovis.engine.resources.users import NAME_RULE
from ovis.engine.store.session import Reader, Tx


class NoSuchUser(Exception):
    """Nobody of this name is in the internal directory."""


def _bare(name: str) -> str:
    return name.removesuffix("@internal")


def _need(rd: Reader, name: str) -> User:
    found = rd.one(User, user_name=full_name(_bare(name)).lower())
    if found is None:
        raise NoSuchUser(f"There is no user {_bare(name)}.")
    return found


def add(settings: Settings, name: str, password: str, *, first: str = "", last: str = "", email: str = "") -> None:
    """A user who may sign in; one whom the API admitted already gets the password."""
    hashed = hash_password(password)
    bare = _bare(name)
    bodies.raise_all(bodies.text_refusals(bare, "user name", NAME_RULE))

    def work(tx: Tx) -> None:
        known = tx.one(User, user_name=full_name(bare).lower())
        if known is None:
            known = add_internal_user(tx, bare, hashed, user_id=str(uuid.uuid4()), last_name=last)
        else:
            directory.set_password(tx, known, hashed)
        given = {"name": first, "last_name": last, "email": email}
        tx.update(replace(known, **{k: v for k, v in given.items() if v}))

    _write(settings, work)


def set_password(settings: Settings, name: str, password: str) -> None:
    """A new password; it also unlocks."""
    hashed = hash_password(password)
    _write(settings, lambda tx: directory.set_password(tx, _need(tx, name), hashed))


def unlock(settings: Settings, name: str) -> None:
    """End the lock after wrong passwords."""
    _write(settings, lambda tx: directory.unlock(tx, _need(tx, name)))


def remove(settings: Settings, name: str) -> None:
    """Take a user away with his permissions and sessions."""

    def work(tx: Tx) -> None:
        user = _need(tx, name)
        for grant in tx.find(Grant, principal_id=str(user.id)):
            tx.delete(Grant, grant.id)
        for token in tx.find(Token, user_id=str(user.id)):
            tx.delete(Token, token.id)
        if tx.get(Secret, str(user.id)) is not None:
            tx.delete(Secret, str(user.id))
        forget_tags(tx, str(user.id))
        tx.delete(User, str(user.id))

    _write(settings, work)


def listed(settings: Settings) -> list[str]:
    """`name@internal`, with a word for those who cannot sign in."""
    store = open_store(settings)
    store.start()
    try:
        return store.read_now(_rows)
    finally:
        store.close()


def _rows(rd: Reader) -> list[str]:
    users = sorted(rd.find(User), key=lambda u: str(u.user_name))
    secrets = rd.get_many(Secret, [str(u.id) for u in users])
    return [f"{u.user_name}{'' if str(u.id) in secrets else ' (no password)'}" for u in users]


def _write(settings: Settings, work: Callable[[Tx], None]) -> None:
    store = open_store(settings)
    store.start()
    try:
        store.write_now(work)
    finally:
        store.close()
