"""Sessions: opaque tokens for SSO, cookies for persistent-auth.

Does: issue, look up (in memory, 0.5 us), refresh, revoke; only hashes are stored. Survives a restart by its table.
Follows: token rules of engine 4.5 (64 random bytes, idle 360,000 s; cookies idle 30 minutes).
"""

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from msgspec.structs import replace

from ovis.engine.access.directory import forget_failures, load_principal
from ovis.engine.access.tables import Token
from ovis.engine.declare.call import Principal
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.store import Store

TOKEN_IDLE = 360_000
COOKIE_IDLE = 1800
LONGEST_IDLE = 366 * 24 * 3600
MOST_SESSIONS = 50_000  # of all users together; each client that never signs out leaves one for its idle time
LOOK_AGAIN_SECONDS = 5.0  # other engines and the command line end sessions, too, and nobody tells this one
_MOST_LIVE = 10_000
_CONCERNED = ("permissions", "roles", "users")
_WRITE_BACK = timedelta(seconds=60)  # how stale the stored time of last use may be


@dataclass(slots=True)
class Session:
    """A live session. stored: the time of use that the table knows.

    seen, looked: the state of this engine's access data that the principal is from, and when that was.
    """

    token: Token
    principal: Principal
    used: datetime
    stored: datetime
    seen: tuple[int, ...] = ()
    looked: float = 0.0

    @property
    def csrf(self) -> bool:
        """Whether its id must be repeated in a header."""
        return self.token.csrf

    def over(self, now: datetime) -> bool:
        """Whether it was idle for too long."""
        return now - self.used > timedelta(seconds=self.token.idle_seconds)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Sessions:
    """All sessions of this engine. Principals are re-read when permissions, roles or users change.

    What other processes change (another engine, the command line) counts here after LOOK_AGAIN_SECONDS.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._live: dict[str, Session] = {}

    def _state(self) -> tuple[int, ...]:
        counters = self._store.counters
        return tuple(counters[table] for table in _CONCERNED)

    async def open(
        self, principal: Principal, scope: str, *, kind: str = "bearer", idle: int = TOKEN_IDLE, csrf: bool = False
    ) -> str:
        """A new session; returns the token, which is told nobody else and stored nowhere."""
        text = secrets.token_urlsafe(64)
        now = datetime.now(UTC)
        token = Token(
            id=_digest(text),
            user_id=principal.user_id,
            scope=scope,
            created=now,
            used=now,
            idle_seconds=min(idle, LONGEST_IDLE),
            kind=kind,
            csrf=csrf,
        )
        await self._store.write(lambda tx: tx.insert(token))
        # Without `seen` the principal is read again at the first use: it may have changed since it signed in.
        self._keep(token.id, Session(token, principal, now, now))
        return text

    async def find(self, text: str) -> Session | None:
        """The session of a token, its time of use refreshed; None if unknown or expired."""
        key = _digest(text)
        state = self._state()  # before reading: what changes meanwhile is read next time
        session = self._live.get(key)
        if session is None or session.seen != state or time.monotonic() - session.looked > LOOK_AGAIN_SECONDS:
            session = await self._load(key, state)
            if session is None:
                return None
        now = datetime.now(UTC)
        if session.over(now):
            await self.close(text)
            return None
        session.used = now
        if now - session.stored > _WRITE_BACK:
            session.stored = now
            await self._store.write(lambda tx: _touch(tx, key, now))
        return session

    async def still(self, key: str) -> Principal | None:
        """Whose session it is now, by its token's id; None once it has ended. Asking is no use of it."""
        state = self._state()
        session = self._live.get(key)
        if session is None or session.seen != state or time.monotonic() - session.looked > LOOK_AGAIN_SECONDS:
            session = await self._load(key, state)
        return None if session is None or session.over(datetime.now(UTC)) else session.principal

    async def _load(self, key: str, state: tuple[int, ...]) -> Session | None:
        """Read a session anew. What this engine knows better than the table is the time of its last use."""
        looked = time.monotonic()

        def look(rd: Reader) -> tuple[Token | None, Principal | None]:
            token = rd.get(Token, key)
            return token, load_principal(rd, token.user_id) if token is not None else None

        token, principal = await self._store.read(look)
        known = self._live.get(key)
        if token is None or principal is None:
            self._live.pop(key, None)
            return None
        used = max(token.used, known.used) if known is not None else token.used
        session = Session(token, principal, used, token.used, state, looked)
        self._keep(key, session)
        return session

    def _keep(self, key: str, session: Session) -> None:
        if key not in self._live and len(self._live) >= _MOST_LIVE:
            for old in list(self._live)[: _MOST_LIVE // 10]:  # they are read again when they come back
                del self._live[old]
        self._live[key] = session

    async def close(self, text: str) -> bool:
        """End a session; whether there was one."""
        key = _digest(text)
        self._live.pop(key, None)

        def drop(tx: Tx) -> bool:
            if tx.get(Token, key) is None:
                return False
            tx.delete(Token, key)
            return True

        return await self._store.write(drop)

    async def sweep(self) -> None:
        """Drop what expired, sessions above the bound that were used longest ago, and sign-in failures that are over."""
        now = datetime.now(UTC)
        for key, session in list(self._live.items()):
            if session.over(now):
                self._live.pop(key, None)

        def drop(tx: Tx) -> None:
            sql = tx.sql(Token)
            # The table may be behind by as much as uses are written back late.
            tx.delete_where(Token, sql.c.expires < round((now - 2 * _WRITE_BACK).timestamp() * 1000))
            surplus = tx.count(Token) - MOST_SESSIONS
            if surplus > 0:
                oldest = sa.select(sql.c.id).order_by(sql.c.expires).limit(surplus).scalar_subquery()
                tx.delete_where(Token, sql.c.id.in_(oldest))
            forget_failures(tx, now)

        await self._store.write(drop)


def _touch(tx: Tx, key: str, now: datetime) -> None:
    token = tx.get(Token, key)
    if token is not None:
        tx.update(replace(token, used=now))
