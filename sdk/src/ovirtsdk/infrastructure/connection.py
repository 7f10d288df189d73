"""One kept session with an engine.

Does: send requests over one connection pool, sign in with every request and by cookie, turn refusals into errors, read lists
while they arrive. Does not: know types.
"""

from __future__ import annotations

import base64
import threading
from typing import Any, Dict, Iterator, Mapping, Optional
from urllib.parse import urlsplit
from xml.etree import ElementTree

from ovirtsdk.infrastructure.errors import (
    ConnectionError,
    DisconnectedError,
    FormatError,
    NoCertificatesError,
    RequestError,
    UnsecuredConnectionAttemptError,
)
from ovirtsdk.infrastructure.members import members
from ovirtsdk.infrastructure.transport import Answer, NoHttp, Pool


class Connection:
    """To the API at one address; may be shared by threads."""

    def __init__(self, url: str, **how: Any) -> None:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConnectionError(f"{url!r} is no address of an engine (https://server[:port]/ovirt-engine/api)")
        port = how.get("port")
        address = f"{parts.hostname}:{port}" if port and not parts.port else parts.netloc
        self.secure = parts.scheme == "https"
        if self.secure and not how.get("insecure") and not how.get("ca_file") and how.get("validate_cert_chain", True):
            raise NoCertificatesError
        self.prefix = parts.path.rstrip("/") or "/api"
        self.root = f"{parts.scheme}://{address}"
        self._address = address
        try:
            self._server = parts.hostname, parts.port or int(port or (443 if self.secure else 80))
        except ValueError as err:
            raise ConnectionError(f"{url!r} has no good port") from err
        self._how = how
        self._pool: Optional[Pool] = None
        self._cookie: Optional[str] = how.get("session_id")
        self._lock = threading.Lock()
        self.closed = False

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Optional[str] = None,
        headers: Optional[Mapping[str, Any]] = None,
        last: bool = False,
    ) -> Optional[ElementTree.Element]:
        """The root element of the answer, None for an empty one. path: below the API's prefix."""
        answer = self._send(method, path, body, headers, last=last)
        data = self._whole(answer)
        if answer.status >= 400:
            raise refusal(answer.status, answer.reason, data)
        if not data.strip():
            return None
        try:
            return ElementTree.fromstring(data)
        except ElementTree.ParseError as err:
            raise FormatError(data[:80].decode("utf-8", "replace")) from err

    def stream(
        self, path: str, item: str, headers: Optional[Mapping[str, Any]] = None
    ) -> "Iterator[ElementTree.Element | bytes]":
        """The members of a list one by one, while it arrives, as elements or as their text."""
        answer = self._send("GET", path, None, headers, last=False)
        try:
            if answer.status >= 400:
                raise refusal(answer.status, answer.reason, answer.data)
            yield from members(answer.parts(), item)
        except OSError as err:
            raise ConnectionError(err) from err
        finally:
            answer.release()

    def document(self, name: str) -> bytes:
        """`rsdl` or `schema`, as bytes."""
        answer = self._send("GET", f"?{name}", None, None, last=False)
        data = self._whole(answer)
        if answer.status >= 400:
            raise refusal(answer.status, answer.reason, data)
        return data

    def text(self, path: str, accept: str) -> str:
        """An answer that is no XML, such as a viewer's file."""
        answer = self._send("GET", path, None, {"Accept": accept}, last=False)
        data = self._whole(answer)
        if answer.status >= 400:
            raise refusal(answer.status, answer.reason, data)
        return data.decode()

    def close(self) -> None:
        """End the session; the engine forgets it."""
        if self.closed:
            return
        try:
            self.request("GET", "", last=True)
        finally:
            self.closed = True
            if self._pool is not None:
                self._pool.clear()

    def _whole(self, answer: Answer) -> bytes:
        try:
            return answer.data
        except OSError as err:
            raise ConnectionError(err) from err

    def _send(
        self,
        method: str,
        path: str,
        body: Optional[str],
        headers: Optional[Mapping[str, Any]],
        *,
        last: bool,
    ) -> Answer:
        if self.closed:
            raise DisconnectedError
        answer = self._once(method, path, body, headers, last=last)
        if answer.status == 401 and self._cookie and self._how.get("renew_session"):
            self._whole(answer)
            self._cookie = None
            answer = self._once(method, path, body, headers, last=last)
        return answer

    def _once(
        self,
        method: str,
        path: str,
        body: Optional[str],
        headers: Optional[Mapping[str, Any]],
        *,
        last: bool,
    ) -> Answer:
        target = f"{self.prefix}{path}"
        made = self._headers(body is not None, headers, last=last)
        try:
            answer = self._opened().request(method, target, made, body.encode() if body is not None else None)
        except NoHttp as err:
            if not self.secure:
                raise UnsecuredConnectionAttemptError from err
            raise ConnectionError(err) from err
        except (OSError, ValueError) as err:
            raise ConnectionError(err) from err
        cookie = answer.headers.get("set-cookie", "")
        if cookie.startswith("JSESSIONID="):
            self._cookie = cookie.split(";", 1)[0][len("JSESSIONID=") :] or None
        if self._how.get("debug"):
            print(f"{method} {self.root}{target} -> {answer.status}")
        return answer

    def _headers(self, has_body: bool, extra: Optional[Mapping[str, Any]], *, last: bool) -> Dict[str, str]:
        how = self._how
        made = {
            "Host": self._address,
            "Accept": "application/xml",
            "Version": "3",
            "Filter": "true" if how.get("filter") else "false",
        }
        if has_body:
            made["Content-Type"] = "application/xml"
        persistent = how.get("persistent_auth", True)
        if persistent and not last:
            made["Prefer"] = "persistent-auth"
            if how.get("session_timeout"):
                made["Session-TTL"] = str(how["session_timeout"])
        if self._cookie and persistent:
            made["Cookie"] = f"JSESSIONID={self._cookie}"
        if how.get("username") is not None:
            pair = f"{how['username']}:{how.get('password') or ''}".encode()
            made["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        made.update((k, _text(v)) for k, v in (extra or {}).items() if v is not None)
        return made

    def _opened(self) -> Pool:
        with self._lock:
            if self._pool is None:
                timeout = self._how.get("timeout")
                context = self._context() if self.secure else None
                self._pool = Pool(*self._server, context, float(timeout) if timeout else None)
            return self._pool

    def _context(self) -> Any:
        import ssl

        how = self._how
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if how.get("insecure") or not how.get("validate_cert_chain", True):
            made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        else:
            made.load_verify_locations(how["ca_file"])
        if how.get("cert_file"):
            made.load_cert_chain(how["cert_file"], how.get("key_file"))
        return made


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def refusal(status: int, reason: str, data: bytes) -> RequestError:
    """The error of an answer."""
    detail = data.decode("utf-8", "replace").strip()
    try:
        root = ElementTree.fromstring(data) if data.strip() else None
    except ElementTree.ParseError:
        root = None
    if root is not None:
        fault = root if root.tag == "fault" else root.find("fault")
        if fault is not None:
            detail = (fault.findtext("detail") or "").strip()
            detail = detail[1:-1] if detail.startswith("[") and detail.endswith("]") else detail
            reason = fault.findtext("reason") or reason
        elif root.tag == "html":
            detail = " ".join("".join(root.itertext()).split())[:200]
    return RequestError(status, reason, detail)
