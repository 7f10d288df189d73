"""The way in: `api = API(url="https://engine/api", username="admin@internal", password=..., ca_file=...)`.

Does: open one kept session, hand out collections (`api.vms`, `api.clusters`, ...), read the entry point. Collections and types
are loaded when first used.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from ovirtsdk.infrastructure.connection import Connection
from ovirtsdk.infrastructure.entry import Collections
from ovirtsdk.infrastructure.errors import ConnectionError, FormatError, OvirtSdkError


class API(Collections):
    """A session with an engine. Usable in `with`, from several threads, and any number at once.

    url: `https://server[:port]/api`; without a path the API of version 3 at `/api`.
    key_file, cert_file: PEM files of a client certificate. ca_file: PEM file of the engine's CA; must be there for https unless
    insecure. timeout: seconds for each answer. session_timeout: minutes without a request. persistent_auth: sign in once.
    renew_session: sign in again when the session has ended. session_id: go on with a session of before. filter: as an
    ordinary user sees it. debug: print each request (never what it holds).
    Raises NoCertificatesError, ConnectionError, UnsecuredConnectionAttemptError, RequestError (401 for a wrong password).
    """

    def __init__(
        self,
        url: str,
        username: Optional[str] = None,
        password: Optional[str] = None,
        key_file: Optional[str] = None,
        cert_file: Optional[str] = None,
        ca_file: Optional[str] = None,
        port: Optional[int] = None,
        timeout: Optional[float] = None,
        session_timeout: Optional[int] = None,
        persistent_auth: bool = True,
        renew_session: bool = False,
        insecure: bool = False,
        validate_cert_chain: bool = True,
        filter: bool = False,
        debug: bool = False,
        kerberos: bool = False,
        session_id: Optional[str] = None,
    ) -> None:
        if kerberos:
            raise OvirtSdkError("Kerberos is not spoken by this SDK; give a user name and a password.")
        self._connection = Connection(
            url,
            username=username,
            password=password,
            key_file=key_file,
            cert_file=cert_file,
            ca_file=ca_file,
            port=port,
            timeout=timeout,
            session_timeout=session_timeout,
            persistent_auth=persistent_auth,
            renew_session=renew_session,
            insecure=insecure,
            validate_cert_chain=validate_cert_chain,
            filter=filter,
            debug=debug,
            session_id=session_id,
        )
        self._entry = self._read()

    def __enter__(self) -> "API":
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def _read(self) -> Any:
        from ovirtsdk.xml import params

        answer = self._connection.request("GET", "")
        if answer is None or answer.tag != "api":
            raise FormatError(answer.tag if answer is not None else "")
        return params.API.decode(answer)

    @property
    def id(self) -> int:
        """Of this session object."""
        return id(self)

    @property
    def session_id(self) -> Optional[str]:
        """For `API(session_id=...)` elsewhere."""
        return self._connection._cookie

    def disconnect(self) -> None:
        """End the session. Whatever came from it says DisconnectedError from now on."""
        try:
            self._connection.close()
        except OvirtSdkError:
            self._connection.closed = True

    def test(self, throw_exception: bool = False) -> bool:
        """Whether the engine answers, now."""
        try:
            self._entry = self._read()
        except ConnectionError:
            if throw_exception:
                raise
            return False
        return True

    def get_product_info(self) -> Any:
        """Name, vendor and version (`.version.major`, `.full_version`)."""
        return self._entry.product_info

    def get_special_objects(self) -> Any:
        """Links to the template Blank and the root tag."""
        return self._entry.special_objects

    def get_summary(self) -> Any:
        """Counts of hosts, storage domains, users and VMs, read anew; None for ordinary users."""
        self._entry = self._read()
        return self._entry.summary

    def get_time(self) -> Any:
        """The engine's clock, read anew."""
        self._entry = self._read()
        return self._entry.time

    def get_links(self) -> List[Any]:
        """Links of the entry point."""
        return list(self._entry.link)

    @property
    def product_info(self) -> Any:
        """As get_product_info."""
        return self.get_product_info()

    @property
    def special_objects(self) -> Any:
        """As get_special_objects."""
        return self.get_special_objects()

    @property
    def summary(self) -> Any:
        """As get_summary."""
        return self.get_summary()

    @property
    def time(self) -> Any:
        """As get_time."""
        return self.get_time()

    def set_debug(self, value: bool) -> None:
        """Print each request, or stop it."""
        self._connection._how["debug"] = value

    def get_collections(self) -> Dict[str, Any]:
        """All root collections by name."""
        return {name: getattr(self, name) for name in type(self)._names}
