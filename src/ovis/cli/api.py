"""A small client of our own API, v4 in JSON, for what `up` sets up.

Does: log in, keep a connection a thread, wait for statuses with a limit. Does not: know resources; it says paths as the
API guide does, like any client.
"""

import base64
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from ovis.cli.faults import CliFault

T = TypeVar("T")
R = TypeVar("R")
Document = dict[str, Any]
_TRY_S = 60


class ApiFault(CliFault):
    """The engine's answer was a fault."""

    def __init__(self, what: str, code: int, detail: str) -> None:
        super().__init__(f"{what}: the engine answered {code}: {detail}")
        self.code = code


class Client:
    """A session with an engine at `https://HOST:PORT`, trusting `ca_file` alone."""

    def __init__(self, url: str, ca_file: Path, user: str, password: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 443
        self._context = ssl.create_default_context(cafile=str(ca_file))
        self._user, self._password = user, password
        self._token = ""
        self._local = threading.local()

    def login(self) -> None:
        """Get a token for all later calls."""
        form = {"grant_type": "password", "scope": "ovirt-app-api"}
        form |= {"username": self._user, "password": self._password}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        answer = self._send("POST", "/ovirt-engine/sso/oauth/token", urlencode(form).encode(), headers)
        self._token = str(answer["access_token"])

    def get(self, path: str, **query: str) -> Document:
        """GET below `/ovirt-engine/api`."""
        return self._call("GET", path + ("?" + urlencode(query, quote_via=quote) if query else ""), None)

    def post(self, path: str, body: Document | None = None) -> Document:
        """POST below `/ovirt-engine/api`."""
        return self._call("POST", path, body or {})

    def put(self, path: str, body: Document) -> Document:
        """PUT below `/ovirt-engine/api`."""
        return self._call("PUT", path, body)

    def delete(self, path: str) -> Document:
        """DELETE below `/ovirt-engine/api`."""
        return self._call("DELETE", path, None)

    def find(self, collection: str, name: str) -> Document | None:
        """The one object of a root collection with that name, or None."""
        rows = self.list(collection, search=f'name="{name}"')
        return next((row for row in rows if row.get("name") == name), None)

    def list(self, path: str, **query: str) -> list[Document]:
        """The members of a collection; v4's JSON has them under the element's name."""
        answer = self.get(path, **query)
        rows: Any = next(iter(answer.values()), [])
        return list(rows) if isinstance(rows, list) else []

    def wait(self, path: str, wanted: Callable[[Document], bool], limit: float, what: str) -> Document:
        """Ask until `wanted` is true of the answer; CliFault after `limit` seconds says how it stood then."""
        deadline = time.monotonic() + limit
        while True:
            found = self.get(path)
            if wanted(found):
                return found
            if time.monotonic() > deadline:
                raise CliFault(f"{what} did not happen within {limit:.0f} s; status {found.get('status', 'unknown')}.")
            time.sleep(0.2)

    def _call(self, method: str, path: str, body: Document | None) -> Document:
        headers = {"Accept": "application/json", "Version": "4", "Authorization": f"Bearer {self._token}"}
        if not self._token:
            basic = base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
            headers["Authorization"] = f"Basic {basic}"
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        return self._send(method, "/ovirt-engine/api" + path, data, headers)

    def _send(self, method: str, target: str, data: bytes | None, headers: dict[str, str]) -> Document:
        what = f"{method} {target.partition('?')[0]}"
        for attempt in (1, 2):
            connection = self._connection()
            try:
                connection.request(method, target, data, headers)
                answer = connection.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException) as err:
                connection.close()
                self._local.connection = None
                # A kept connection may have been closed by the server meanwhile: nothing was answered, ask once more.
                if attempt == 2 or isinstance(err, socket.timeout) or method == "POST":
                    raise CliFault(f"{what}: the engine cannot be reached: {err}") from err
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = {}
        if answer.status >= 400:
            raise ApiFault(what, answer.status, _detail(found, text))
        return found if isinstance(found, dict) else {}

    def _connection(self) -> http.client.HTTPSConnection:
        found: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        if found is None:
            found = http.client.HTTPSConnection(self._host, self._port, timeout=_TRY_S, context=self._context)
            found.connect()
            found.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._local.connection = found
        return found


def _detail(found: Any, text: bytes) -> str:
    if isinstance(found, dict):
        fault = found.get("fault", found)
        said = fault.get("detail") or fault.get("reason") or fault.get("error_description")
        if said:
            return str(said)
    return text.decode("utf-8", "replace")[:300]


def at_once(work: Callable[[T], R], items: Iterable[T], threads: int) -> list[R]:
    """Do `work` on every item, so many at a time; the first fault ends the rest."""
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def read_password(file: Path) -> str:
    """The password that set-up wrote; CliFault if it is not there."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as err:
        raise CliFault(f"The admin's password cannot be read from {file}: {err.strerror}.") from err
