"""Sessions of people at a browser: GET, POST and DELETE of /ovirt-engine/sso/browser.

Does: turn a name and a password into a session that a page finds again after a reload, tell the page its token, end it.
The cookie is read here alone (no Path: the browser sends it to this folder, whatever stands before it in a proxy), so
no other request can be made in somebody's name by another site; the API takes the token in a header.
Does not: decide what a user may see. Follows: ADR 6.
"""

from http.cookies import CookieError, SimpleCookie
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ovis.engine.access.directory import INTERNAL, SignInFailed, authenticate, full_name
from ovis.engine.access.tokens import Session, Sessions
from ovis.engine.http.auth import API_SCOPE
from ovis.engine.http.messages import Answer, Request
from ovis.engine.store.store import Store

PATH = "/ovirt-engine/sso/browser"
COOKIE = "OVIS_BROWSER"
PROFILES = (INTERNAL,)
_OTHER_SITES = ("cross-site", "same-site")


class SignIn(Struct):
    """What the sign-in page sends."""

    user: Annotated[str, Meta(min_length=1, max_length=1000)]
    password: Annotated[str, Meta(max_length=4096)]
    profile: Annotated[str, Meta(min_length=1, max_length=100)] = INTERNAL


class BrowserSessions:
    """The endpoint. idle_minutes: how long a session lasts without use."""

    def __init__(self, store: Store, sessions: Sessions, idle_minutes: int) -> None:
        self._store = store
        self._sessions = sessions
        self._idle = idle_minutes * 60

    async def answer(self, request: Request) -> Answer:
        """Who is signed in, sign in, sign out."""
        if request.headers.get("sec-fetch-site") in _OTHER_SITES:
            return _json(403, {"detail": "Another site's page cannot use this."})
        if request.method == "GET":
            text = _cookie(request)
            session = await self._sessions.find(text) if text else None
            if text is None or session is None:
                return _json(200, {"profiles": PROFILES})  # nobody: no failure, so that browsers do not log one
            return _json(200, self._told(text, session))
        if request.method == "POST":
            return await self._sign_in(request)
        if request.method == "DELETE":
            text = _cookie(request)
            if text is not None:
                await self._sessions.close(text)
            return Answer(204, b"", None, [("Set-Cookie", self._set(request, "", 0))])
        return Answer(405, b"", None, [("Allow", "GET, POST, DELETE")])

    async def _sign_in(self, request: Request) -> Answer:
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            return _json(415, {"detail": "JSON is expected."})  # a form of another site cannot send it
        try:
            given = msgspec.json.decode(await request.body(), type=SignIn)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            return _json(400, {"detail": str(err)})
        name = given.user if _has_profile(given.user) else full_name(given.user, given.profile)
        try:
            principal = await authenticate(self._store, name, given.password)
        except SignInFailed as err:
            return _json(401, {"detail": err.detail, "profiles": PROFILES})
        old = _cookie(request)
        if old is not None:
            await self._sessions.close(old)
        text = await self._sessions.open(principal, API_SCOPE, idle=self._idle)
        session = await self._sessions.find(text)
        if session is None:
            return _json(401, {"detail": "The user is gone.", "profiles": PROFILES})
        answer = _json(200, self._told(text, session))
        answer.headers.append(("Set-Cookie", self._set(request, text, None)))
        return answer

    def _told(self, text: str, session: Session) -> dict[str, Any]:
        principal = session.principal
        return {
            "token": text,
            "user": principal.name,
            "user_id": principal.user_id,
            "administrator": principal.administrator,
            "idle_seconds": self._idle,
        }

    def _set(self, request: Request, text: str, age: int | None) -> str:
        secure = "; Secure" if request.scheme == "https" else ""
        limit = "" if age is None else f"; Max-Age={age}"
        return f"{COOKIE}={text}{limit}; HttpOnly{secure}; SameSite=Strict"


def _has_profile(name: str) -> bool:
    return any(name.endswith("@" + profile) for profile in PROFILES)


def _cookie(request: Request) -> str | None:
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None and found.value else None


def _json(status: int, value: Any) -> Answer:
    return Answer(status, msgspec.json.encode(value), "application/json;charset=UTF-8", [("Cache-Control", "no-store")])
