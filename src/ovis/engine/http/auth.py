"""Who is calling: bearer tokens, Basic, cookies; in the order of the original's filters.

Does: find the principal of a request, open and close cookie sessions. Does not: check permits.
Follows: API facts, section 2.2.
"""

import base64
from dataclasses import dataclass

from ovis.engine.access.directory import RememberedPasswords, SignInFailed, load_principal
from ovis.engine.access.tokens import COOKIE_IDLE, Session, Sessions
from ovis.engine.declare.call import Principal
from ovis.engine.declare.faults import Fault
from ovis.engine.http.messages import Request
from ovis.engine.store.store import Store

CHALLENGE = ("WWW-Authenticate", 'Basic realm="RESTAPI"')
API_SCOPE = "ovirt-app-api"
_LONGEST = 366 * 86_400


class Unauthenticated(Fault):
    """Nobody, or somebody unknown: 401 with a challenge."""

    status = 401
    reason = "Unauthorized"


class CsrfRefused(Fault):
    """The session asked for CSRF protection and the request lacks its id."""

    status = 403


@dataclass(slots=True)
class Caller:
    """An authenticated caller. cookie: to set on the answer. session: the id of his session, if he has one."""

    principal: Principal
    cookie: str | None = None
    session: str = ""


def preferences(request: Request) -> frozenset[str]:
    """The words of `Prefer`."""
    return frozenset(p.strip().lower() for p in request.headers.get("prefer", "").split(","))


class Authenticator:
    """Authenticates requests of the API."""

    def __init__(self, store: Store, sessions: Sessions) -> None:
        self.sessions = sessions
        self._store = store
        self._passwords = RememberedPasswords(store)

    async def caller(self, request: Request, api_path: str) -> Caller:
        """The caller, or Unauthenticated."""
        prefer = preferences(request)
        persistent = "persistent-auth" in prefer and "new-auth" not in prefer
        cookie = _cookie(request)
        if not cookie and persistent:
            cookie = request.headers.get("jsessionid")  # plugins of 3.x, in a browser: what they were told
        if cookie and not persistent:
            ending = await self.sessions.find(cookie)
            if ending is not None and ending.token.kind == "cookie":
                await self.sessions.close(cookie)  # the logout signal of 3.x clients
        if cookie and persistent:
            session = await self.sessions.find(cookie)
            if session is not None and _as_cookie(session):
                self._csrf(request, session, cookie)
                return Caller(session.principal, session=session.token.id)
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        scheme = scheme.lower()
        if scheme == "bearer":
            return await self._bearer(credentials.strip())
        if scheme == "basic":
            principal = await self._basic(credentials.strip())
            if "persistent-auth" not in prefer:
                return Caller(principal)
            text = await self.sessions.open(
                principal,
                API_SCOPE,
                kind="cookie",
                idle=_session_ttl(request),
                csrf="csrf-protection" in prefer,
            )
            secure = "; Secure" if request.scheme == "https" else ""
            return Caller(principal, f"JSESSIONID={text}; Path={api_path}; HttpOnly{secure}; SameSite=Lax")
        raise Unauthenticated("Sign in first.")

    async def still(self, caller: Caller) -> Principal | None:
        """Who the caller is now: None once his session is over or he is nobody here any more."""
        if caller.session:
            return await self.sessions.still(caller.session)
        return await self._store.read(lambda rd: load_principal(rd, caller.principal.user_id))

    def _csrf(self, request: Request, session: Session, cookie: str) -> None:
        if session.csrf and request.headers.get("jsessionid") != cookie:
            raise CsrfRefused("The session's id must be repeated in a header.")

    async def _bearer(self, text: str) -> Caller:
        session = await self.sessions.find(text) if text else None
        if session is None or session.token.kind != "bearer" or API_SCOPE not in session.token.scope.split():
            raise Unauthenticated("The token is unknown or expired.")
        return Caller(session.principal, session=session.token.id)

    async def _basic(self, credentials: str) -> Principal:
        try:
            name, password = read_basic(credentials)
        except ValueError as err:
            raise Unauthenticated("The credentials cannot be read.") from err
        try:
            return await self._passwords.principal(name, password)
        except SignInFailed as err:
            raise Unauthenticated(err.detail) from err


def _as_cookie(session: Session) -> bool:
    """Whether it counts as JSESSIONID: the web admin's own session does, which plugins hand on to their servers."""
    return session.token.kind == "cookie" or API_SCOPE in session.token.scope.split()


def _cookie(request: Request) -> str | None:
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "JSESSIONID" and value:
            return value
    return None


def read_basic(credentials: str) -> tuple[str, str]:
    """(name, password) of Basic credentials; ValueError if they are none."""
    name, colon, password = base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")
    if not colon or "\0" in name:
        raise ValueError("no name and password")
    return name, password


def _session_ttl(request: Request) -> int:
    """Seconds of `Session-TTL` (given in minutes); what is no number from 1 up is ignored."""
    text = request.headers.get("session-ttl", "").strip()
    if not (text.isascii() and text.isdigit()) or int(text[:12]) < 1:
        return COOKIE_IDLE
    return min(int(text[:12]) * 60, _LONGEST)
