"""Everything that may go wrong, with the engine's own words where it gave any."""

from __future__ import annotations

from typing import Any, Iterable, Union


class OvirtSdkError(Exception):
    """Base of all."""

    def __init__(self, text: str) -> None:
        super().__init__(f"[ERROR]::{text}")


class ConnectionError(OvirtSdkError):
    """The engine cannot be reached, or the answer broke off."""

    def __init__(self, why: Any) -> None:
        super().__init__(f"oVirt API connection failure, {why}")


class NoCertificatesError(OvirtSdkError):
    """HTTPS without a CA file; `insecure=True` goes without."""

    def __init__(self) -> None:
        super().__init__("ca_file (CA certificate) must be specified for SSL connection.")


class UnsecuredConnectionAttemptError(OvirtSdkError):
    """Plain HTTP to a server that speaks HTTPS."""

    def __init__(self) -> None:
        super().__init__("No answer. Is this an HTTPS server? Then the address begins with https://.")


class DisconnectedError(OvirtSdkError):
    """Used after `disconnect()`."""

    def __init__(self) -> None:
        super().__init__("oVirt sdk is disconnected from the server.")


class MissingParametersError(OvirtSdkError):
    """One of some parameters is needed."""

    def __init__(self, params: Union[str, Iterable[str]]) -> None:
        names = params if isinstance(params, str) else ", ".join(params)
        super().__init__(f"One of the following parameters has to be specified: {names}.")


class ImmutableError(OvirtSdkError):
    """A property that never changes."""

    def __init__(self, key: str) -> None:
        super().__init__(f"'{key}' is immutable.")


class FormatError(OvirtSdkError):
    """The answer is no XML of the API: a proxy's page, or another service."""

    def __init__(self, text: str = "") -> None:
        super().__init__("Server reply is in inappropriate format." + (f" It begins: {text[:80]!r}" if text else ""))


class AmbiguousQueryError(OvirtSdkError):
    """More than one object fits."""

    def __init__(self, query: str = "") -> None:
        super().__init__(f"Used query{f' ({query})' if query else ''} produces ambiguous results.")


class RequestError(OvirtSdkError):
    """The engine refused. status: of HTTP. reason: of the fault or HTTP. detail: the engine's words."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(f"oVirt API request failure.\r\nstatus: {status}\r\nreason: {reason}\r\ndetail: {detail}")
        self.status, self.reason, self.detail = status, reason, detail

    def __str__(self) -> str:
        return f"\r\nstatus: {self.status}\r\nreason: {self.reason}\r\ndetail: {self.detail}"
