"""The messages by which a host joins: a token and a certificate request, answered by a certificate.

The token's text is `SECRET.FINGERPRINT`; FINGERPRINT is the SHA-256 of the engine's CA certificate (DER, hex), by which
the host knows the engine before it trusts any certificate.
"""

from msgspec import Struct


class EnrolRequest(Struct, kw_only=True, frozen=True):
    """What the host sends. csr: PEM; its subject's CN is the address."""

    token: str
    csr: str
    name: str
    address: str
    port: int
    uuid: str
    cluster: str | None = None


class EnrolAnswer(Struct, kw_only=True, frozen=True):
    """What it gets: its certificate, the CA's, and its id in the API."""

    certificate: str
    ca: str
    host_id: str


def split_token(text: str) -> tuple[str, str]:
    """(secret, fingerprint); ValueError if it is no token."""
    secret, dot, fingerprint = text.strip().rpartition(".")
    if not dot or not secret or len(fingerprint) != 64:
        raise ValueError("not an enrolment token: SECRET.FINGERPRINT is expected")
    return secret, fingerprint.lower()
