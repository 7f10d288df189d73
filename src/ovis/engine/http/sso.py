"""Sign-in endpoints under /ovirt-engine/sso, and /ovirt-engine/services/sso-logout.

Does: issue, describe and revoke tokens, with the original's parameters, answers and error codes.
Follows: API facts, section 2.1.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ovis.engine.access.directory import SignInFailed, authenticate, split_name
from ovis.engine.access.tokens import Sessions
from ovis.engine.declare.faults import Fault
from ovis.engine.http.auth import API_SCOPE, read_basic
from ovis.engine.http.messages import Answer, Request
from ovis.engine.store.store import Store

_MOST_FIELDS = 100
_HTTP_GRANT = "urn:ovirt:params:oauth:grant-type:http"
_SCOPES = frozenset(
    """ovirt-app-api ovirt-app-admin ovirt-app-portal ovirt-ext=auth:identity ovirt-ext=auth:sequence-priority
    ovirt-ext=token:password-access ovirt-ext=token:login-on-behalf ovirt-ext=token-info:validate
    ovirt-ext=token-info:authz-search ovirt-ext=token-info:public-authz-search ovirt-ext=revoke:revoke-all openid""".split()
)


class _Error(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _json(status: int, value: Any) -> Answer:
    return Answer(status, msgspec.json.encode(value), "application/json;charset=UTF-8", [("Cache-Control", "no-store")])


async def _params(request: Request) -> dict[str, str]:
    """Parameters of the query and of a form."""
    try:
        params = dict(parse_qsl(request.query, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        kind = request.headers.get("content-type", "application/x-www-form-urlencoded").split(";")[0].strip().lower()
        if request.method not in ("GET", "HEAD") and kind == "application/x-www-form-urlencoded":
            form = (await request.body()).decode("utf-8")
            params.update(parse_qsl(form, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError as err:
        raise _Error("invalid_request", "The parameters cannot be read.") from err
    return params


class Sso:
    """The endpoints."""

    def __init__(self, store: Store, sessions: Sessions) -> None:
        self._store = store
        self._sessions = sessions
        self._paths = {
            "/ovirt-engine/sso/oauth/token": self.token,
            "/ovirt-engine/sso/oauth/token-info": self.token_info,
            "/ovirt-engine/sso/oauth/revoke": self.revoke,
            "/ovirt-engine/services/sso-logout": self.logout,
        }

    def handles(self, path: str) -> bool:
        """Whether a path is one of these."""
        return path.rstrip("/") in self._paths or path.startswith("/ovirt-engine/sso/oauth/token-http-auth")

    async def answer(self, request: Request) -> Answer:
        """Answer a request; errors are 400 with JSON."""
        params: dict[str, str] = {}
        try:
            params = await _params(request)
            path = request.path.rstrip("/")
            if request.headers.get("accept", "application/json").strip() not in ("application/json", "*/*"):
                raise _Error("invalid_request", "The Accept header must be application/json.")
            handler = self._paths.get(path)
            return await handler(request, params) if handler else await self.token_http(request, params)
        except _Error as err:
            return self._error(err.code, str(err), params)
        except Fault as err:
            return self._error("server_error" if err.status >= 500 else "invalid_request", err.detail, params)

    def _error(self, code: str, message: str, params: dict[str, str]) -> Answer:
        if API_SCOPE in params.get("scope", API_SCOPE).split():
            return _json(400, {"error_code": code, "error": message})
        return _json(400, {"error": code, "error_description": message})

    async def token(self, request: Request, params: dict[str, str]) -> Answer:
        """grant_type=password."""
        grant = params.get("grant_type")
        if not grant:
            raise _Error("invalid_request", "The parameter grant_type is missing.")
        if grant != "password":
            raise _Error("unsupported_grant_type", f"The grant type {grant} is not supported here.")
        for name in ("username", "password", "scope"):
            if name not in params:
                raise _Error("invalid_request", f"The parameter {name} is missing.")
        return await self._issue(params["username"], params["password"], params["scope"])

    async def token_http(self, request: Request, params: dict[str, str]) -> Answer:
        """Credentials in an Authorization header."""
        if params.get("grant_type", _HTTP_GRANT) != _HTTP_GRANT:
            raise _Error("unsupported_grant_type", "The grant type is not supported here.")
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return Answer(401, b"{}", "application/json", [("WWW-Authenticate", 'Basic realm="RESTAPI"')])
        try:
            name, password = read_basic(credentials.strip())
        except ValueError as err:
            raise _Error("invalid_request", "The credentials cannot be read.") from err
        return await self._issue(name, password, params.get("scope", API_SCOPE))

    async def _issue(self, name: str, password: str, scope: str) -> Answer:
        unknown = [s for s in scope.split() if s not in _SCOPES]
        if unknown or not scope.split():
            raise _Error("invalid_scope", f"These scopes are not known: {' '.join(unknown)}.")
        if not split_name(name)[1] or "\0" in name:
            raise _Error("access_denied", "Cannot authenticate user: a profile is needed, as in user@profile.")
        try:
            principal = await authenticate(self._store, name, password)
        except SignInFailed as err:
            raise _Error("access_denied", f"Cannot authenticate user {name}: {err.detail}") from err
        text = await self._sessions.open(principal, scope)
        expires = datetime.now(UTC) + timedelta(days=3650)
        return _json(
            200,
            {
                "access_token": text,
                "scope": scope,
                "exp": str(round(expires.timestamp() * 1000)),
                "token_type": "bearer",
            },
        )

    async def token_info(self, request: Request, params: dict[str, str]) -> Answer:
        """Who a token belongs to."""
        session = await self._sessions.find(params.get("token", "")) if params.get("token") else None
        if session is None:
            raise _Error("invalid_grant", "The token is unknown or expired.")
        if "ovirt-ext=token-info:validate" in params.get("scope", "").split():
            return _json(200, {})
        user, profile = split_name(session.principal.name)
        return _json(
            200,
            {
                "active": True,
                "token_type": "bearer",
                "client_id": "ovirt-engine-core",
                "user_id": session.principal.name,
                "user_authz": f"{profile}-authz",
                "scope": session.token.scope,
                "exp": str(round((session.used + timedelta(seconds=session.token.idle_seconds)).timestamp() * 1000)),
                "ovirt": {
                    "version": "0",
                    "principal_id": session.principal.user_id,
                    "email": "",
                    "namespace": "*",
                    "first_name": user,
                    "last_name": "",
                    "group_ids": list(session.principal.groups),
                    "capability_credentials_change": True,
                },
            },
        )

    async def revoke(self, request: Request, params: dict[str, str]) -> Answer:
        """End a token; unknown ones are no error."""
        if not params.get("token"):
            raise _Error("invalid_request", "The parameter token is missing.")
        await self._sessions.close(params["token"])
        return _json(200, {})

    async def logout(self, request: Request, params: dict[str, str]) -> Answer:
        """What clients call at their end."""
        return await self.revoke(request, params)
