"""Sessions: opaque tokens for SSO, cookies for persistent-auth.

Does: issue, look up (in memory, 0.5 us), refresh, revoke; only hashes are stored. Survives a restart by its table.
Follows: token rules of engine 4.5 (64 random bytes, idle 360,000 s; cookies idle 30 minutes).
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from ovis.engine.access.directory import load_principal
from ovis.engine.access.tables import Token
from ovis.engine.declare.call import Principal
from ovis.engine.store.session import Tx
from ovis.engine.store.store import Store

TOKEN_IDLE = 360_000
COOKIE_IDLE = 1800
_WRITE_BACK = timedelta(seconds=60)  # how stale the stored time of last use may be


@dataclass(slots=True)
class Session:
    """A live session."""

    token: Token
    principal: Principal
    used: datetime
    stored: datetime
    csrf: bool = False


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Sessions:
    """All sessions of this engine. Principals are re-read when permissions or roles change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._live: dict[str, Session] = {}
        self._seen = (0, 0, 0)

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
            idle_seconds=idle,
            kind=kind,
        )
        await self._store.write(lambda tx: tx.insert(token))
        self._live[token.id] = Session(token, principal, now, now, csrf)
        return text

    async def find(self, text: str) -> Session | None:
        """The session of a token, its time of use refreshed; None if unknown or expired."""
        key = _digest(text)
        session = self._live.get(key)
        now = datetime.now(UTC)
        counters = self._store.counters
        state = (counters["permissions"], counters["roles"], counters["users"])
        if session is None or state != self._seen:
            session = await self._load(key, session)
            if state != self._seen:
                for other in [k for k in self._live if k != key]:
                    del self._live[other]
                self._seen = state
            if session is None:
                return None
        if now - session.used > timedelta(seconds=session.token.idle_seconds):
            await self.close(text)
            return None
        session.used = now
        if now - session.stored > _WRITE_BACK:
            session.stored = now
            await self._store.write(lambda tx: _touch(tx, key, now))
        return session

    async def _load(self, key: str, known: Session | None) -> Session | None:
        token = known.token if known else await self._store.read(lambda rd: rd.get(Token, key))
        if token is None:
            return None
        principal = await self._store.read(lambda rd: load_principal(rd, token.user_id))
        if principal is None:
            return None
        used = known.used if known else token.used
        session = Session(token, principal, used, token.used, known.csrf if known else False)
        self._live[key] = session
        return session

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
        """Drop what expired."""
        now = datetime.now(UTC)
        for key, session in list(self._live.items()):
            if now - session.used > timedelta(seconds=session.token.idle_seconds):
                self._live.pop(key, None)

        def drop(tx: Tx) -> None:
            for token in tx.find(Token):
                live = self._live.get(token.id)
                used = max(token.used, live.used) if live else token.used
                if now - used > timedelta(seconds=token.idle_seconds):
                    tx.delete(Token, token.id)

        await self._store.write(drop)


def _touch(tx: Tx, key: str, now: datetime) -> None:
    token = tx.get(Token, key)
    if token is not None:
        tx.update(replace(token, used=now))
