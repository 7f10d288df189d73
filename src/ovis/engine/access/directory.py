"""Where users come from. `internal` is built in; others follow the same protocol.

Does: check passwords (argon2id) with the same cost for unknown users, lock after repeated failures.
Does not: open sessions (tokens).
"""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from msgspec.structs import replace

from ovis.engine.access.check import is_administrator
from ovis.engine.access.grants import grant
from ovis.engine.access.predefined import EVERYONE_ID, SYSTEM_ID
from ovis.engine.access.tables import Secret
from ovis.engine.declare.call import Principal
from ovis.engine.declare.faults import Fault
from ovis.engine.model.types import Domain, User
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.store import Store

INTERNAL = "internal"
INTERNAL_DOMAIN_ID = "696e7465-726e-616c-0000-000000000000"
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_MAX_FAILURES = 5
_LOCK = timedelta(minutes=5)
_AT_ONCE = asyncio.Semaphore(2)
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))


class SignInFailed(Fault):
    """Wrong name or password, or locked: the same answer for all."""

    status = 401


def split_name(name: str) -> tuple[str, str]:
    """(user, profile) of `user@profile` (the last `@` counts) or, as 3.x clients write, `profile\\user`."""
    if "@" in name:
        user, _, profile = name.rpartition("@")
        return user, profile
    if "\\" in name:
        profile, _, user = name.partition("\\")
        return user, profile
    return name, ""


def full_name(user: str, profile: str = INTERNAL) -> str:
    """`user@profile`, as stored."""
    return f"{user}@{profile}"


def hash_password(password: str) -> str:
    """argon2id, 19 MiB, two passes."""
    return _HASHER.hash(password)


def principal_of(rd: Reader, user: User) -> Principal:
    """A user with what his roles make of him."""
    groups = (EVERYONE_ID,)
    return Principal(
        user_id=str(user.id),
        name=full_name(
            str(user.principal or user.name), str(user.domain.name).removesuffix("-authz") if user.domain else INTERNAL
        ),
        groups=groups,
        administrator=is_administrator(rd, str(user.id)),
    )


def load_principal(rd: Reader, user_id: str) -> Principal | None:
    """The principal of a stored user, or None if he is gone."""
    user = rd.get(User, user_id)
    return principal_of(rd, user) if user else None


async def authenticate(store: Store, name: str, password: str) -> Principal:
    """The principal, or SignInFailed. Costs the same whoever asks."""
    user_name, profile = split_name(name)

    def look(rd: Reader) -> tuple[User | None, Secret | None]:
        user = rd.one(User, user_name=full_name(user_name, profile).lower())
        return user, rd.get(Secret, str(user.id)) if user else None

    user, secret = await store.read(look)
    async with _AT_ONCE:
        fits = await asyncio.to_thread(_verify, secret.hash if secret else _NOBODY, password)
    now = datetime.now(UTC)
    locked = bool(secret and secret.locked_until and secret.locked_until > now)
    if user is None or secret is None or not fits or locked:
        if user is not None and secret is not None and not fits:
            await store.write(lambda tx: _count_failure(tx, str(user.id), now))
        raise SignInFailed("The user name or password is incorrect.")
    if secret.failures:
        await store.write(lambda tx: tx.update(replace(secret, failures=0, locked_until=None)))
    return await store.read(lambda rd: principal_of(rd, user))


def _verify(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except VerificationError:
        return False


def _count_failure(tx: Tx, user_id: str, now: datetime) -> None:
    secret = tx.get(Secret, user_id)
    if secret is None:
        return
    failures = secret.failures + 1
    locked = now + _LOCK if failures >= _MAX_FAILURES else secret.locked_until
    tx.update(replace(secret, failures=0 if failures >= _MAX_FAILURES else failures, locked_until=locked))


def add_internal_user(tx: Tx, user: str, hashed: str, *, user_id: str, last_name: str = "") -> User:
    """Store an internal user with his password's hash."""
    made = tx.insert(
        User(
            id=user_id,
            name=user,
            last_name=last_name,
            principal=user,
            user_name=full_name(user),
            namespace="*",
            domain=Domain(id=INTERNAL_DOMAIN_ID, name=f"{INTERNAL}-authz"),
            domain_entry_id=user_id,
        )
    )
    tx.insert(Secret(id=user_id, hash=hashed))
    return made


def seed_admin(tx: Tx, user_id: str, hashed: str) -> None:
    """`admin@internal`, SuperUser on the system."""
    add_internal_user(tx, "admin", hashed, user_id=user_id)
    grant(tx, user_id, "SuperUser", "system", SYSTEM_ID)
