"""Where users come from. `internal` is built in; others follow the same protocol.

Does: check passwords (argon2id), lock a name after repeated failures, remember for a minute what was right (Basic
comes with every request). A name that nobody has costs and answers the same as a wrong password.
Does not: open sessions (tokens).
"""

import asyncio
import hashlib
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from ovis.engine.access.check import is_administrator
from ovis.engine.access.grants import grant
from ovis.engine.access.predefined import EVERYONE_ID, SYSTEM_ID
from ovis.engine.access.tables import Failures, Secret
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
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))
_LONGEST = 4096  # characters of a name or password that anybody has
# Passwords are checked two at a time: each takes 19 MiB and a core for a while, and the engine has other things to do.
_CHECKERS = ThreadPoolExecutor(2, thread_name_prefix="password")
_REMEMBERED_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 2.0
_MOST_REMEMBERED = 2000
_CONCERNED = ("permissions", "roles", "users", "user_secrets")


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
        administrator=is_administrator(rd, str(user.id), groups),
    )


def load_principal(rd: Reader, user_id: str) -> Principal | None:
    """The principal of a stored user, or None if he is gone."""
    user = rd.get(User, user_id)
    return principal_of(rd, user) if user else None


async def authenticate(store: Store, name: str, password: str) -> Principal:
    """The principal, or SignInFailed. Costs the same whoever asks."""
    user, _ = await _authenticate(store, name, password)
    return await store.read(lambda rd: principal_of(rd, user))


class RememberedPasswords:
    """Passwords that were right a short while ago, so that Basic on every request is not a hash on every request.

    Kept as keyed digests. One that was changed, or whose user is gone, is not taken any more; roles are always read anew.
    """

    def __init__(self, store: Store, seconds: float = _REMEMBERED_SECONDS) -> None:
        self._store = store
        self._seconds = seconds
        self._key = secrets.token_bytes(32)
        self._kept: dict[bytes, _Remembered] = {}

    async def principal(self, name: str, password: str) -> Principal:
        """The principal, or SignInFailed."""
        key = hashlib.blake2b(f"{name}\0{password}".encode("utf-8", "replace"), key=self._key).digest()
        now = time.monotonic()
        state = tuple(self._store.counters[table] for table in _CONCERNED)
        known = self._kept.get(key)
        if known is not None and now < known.until:
            # Other processes (the administrator's command line) change passwords, too: look again every now and then.
            if known.state == state and now - known.looked < _LOOK_AGAIN_SECONDS:
                return known.principal
            user_id, hashed = known.principal.user_id, known.hashed

            def look(rd: Reader) -> Principal | None:
                secret = rd.get(Secret, user_id)
                return load_principal(rd, user_id) if secret is not None and secret.hash == hashed else None

            principal = await self._store.read(look)
            if principal is not None:
                self._kept[key] = _Remembered(known.until, now, principal, hashed, state)
                return principal
        self._kept.pop(key, None)
        user, secret = await _authenticate(self._store, name, password)
        principal = await self._store.read(lambda rd: principal_of(rd, user))
        if len(self._kept) >= _MOST_REMEMBERED:
            self._kept.clear()
        self._kept[key] = _Remembered(now + self._seconds, now, principal, secret.hash, state)
        return principal


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A password that was right. looked: when that was last compared with the store. state: what was committed then."""

    until: float
    looked: float
    principal: Principal
    hashed: str
    state: tuple[int, ...]


async def _authenticate(store: Store, name: str, password: str) -> tuple[User, Secret]:
    user_name, profile = split_name(name)
    known_as = full_name(user_name, profile).lower()
    attempt = _attempt(known_as)

    def look(rd: Reader) -> tuple[User | None, Secret | None, Failures | None]:
        user = rd.one(User, user_name=known_as) if len(known_as) <= _LONGEST else None
        return user, rd.get(Secret, str(user.id)) if user else None, rd.get(Failures, attempt)

    user, secret, failures = await store.read(look)
    hashed = secret.hash if secret else _NOBODY
    fits = await asyncio.get_running_loop().run_in_executor(_CHECKERS, _verify, hashed, password)
    now = datetime.now(UTC)
    locked = failures is not None and failures.locked_until is not None and failures.locked_until > now
    if locked or user is None or secret is None or not fits:
        await store.write(lambda tx: _count_failure(tx, attempt, now))
        raise SignInFailed("The user name or password is incorrect.")
    if failures is not None or _HASHER.check_needs_rehash(secret.hash):
        renewed = _HASHER.check_needs_rehash(secret.hash)
        fresh = Secret(id=secret.id, hash=await asyncio.to_thread(hash_password, password)) if renewed else secret

        def clear(tx: Tx) -> None:
            if tx.get(Failures, attempt) is not None:
                tx.delete(Failures, attempt)
            if renewed and tx.get(Secret, fresh.id) == secret:
                tx.update(fresh)

        await store.write(clear)
        secret = fresh
    return user, secret


def _verify(hashed: str, password: str) -> bool:
    try:
        return len(password) <= _LONGEST and _HASHER.verify(hashed, password)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False


def _count_failure(tx: Tx, attempt: str, now: datetime) -> None:
    """One failure more. While a name is locked nothing is counted: the lock ends when it was said to end."""
    known = tx.get(Failures, attempt)
    if known is None or now - known.last > _LOCK:
        known = Failures(id=attempt, count=0, last=now)
    elif known.locked_until is not None:
        if known.locked_until > now:
            return
        known = Failures(id=attempt, count=0, last=now)
    count = known.count + 1
    tx.put(Failures(id=attempt, count=count, last=now, locked_until=now + _LOCK if count >= _MAX_FAILURES else None))


def forget_failures(tx: Tx, now: datetime) -> None:
    """Drop what counts no more."""
    before = round((now - _LOCK).timestamp() * 1000)
    tx.delete_where(Failures, tx.sql(Failures).c.last < before)


def set_password(tx: Tx, user: User, hashed: str) -> None:
    """Give an internal user a new password's hash, and unlock him."""
    tx.put(Secret(id=str(user.id), hash=hashed))
    unlock(tx, user)


def unlock(tx: Tx, user: User) -> None:
    """Forget the wrong passwords that were given for a user."""
    attempt = _attempt(str(user.user_name).lower())
    if tx.get(Failures, attempt) is not None:
        tx.delete(Failures, attempt)


def _attempt(known_as: str) -> str:
    return hashlib.sha256(known_as.encode("utf-8", "replace")).hexdigest()


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
