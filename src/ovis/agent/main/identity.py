"""A host's key and certificate, and how it gets them.

Does: make the key here, ask the engine to sign, keep files where VDSM's tools expect them. No secret travels.
"""

import hashlib
import ipaddress
import json
import os
import ssl
import urllib.error
import urllib.request
import uuid as uuid_module
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ovis.contract.enrol import split_token


class JoinRefused(Exception):
    """The engine, or our own check of it, said no."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Files of one host."""

    folder: Path

    @property
    def key(self) -> Path:
        """Private key, 0600."""
        return self.folder / "pki/vdsm/keys/vdsmkey.pem"

    @property
    def certificate(self) -> Path:
        """Its certificate."""
        return self.folder / "pki/vdsm/certs/vdsmcert.pem"

    @property
    def ca(self) -> Path:
        """The engine's CA."""
        return self.folder / "pki/vdsm/certs/cacert.pem"

    @property
    def joined(self) -> bool:
        """Whether the host has all three."""
        return self.key.exists() and self.certificate.exists() and self.ca.exists()

    def uuid(self) -> str:
        """The host's id: DMI's if there is one, else made once and kept."""
        file = self.folder / "vdsm.id"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(str(uuid_module.uuid4()) + "\n", encoding="ascii")
        return file.read_text(encoding="ascii").strip()

    def client_context(self) -> ssl.SSLContext:
        """For dialling other agents of the same engine."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.load_verify_locations(self.ca)
        context.load_cert_chain(self.certificate, self.key)
        return context


def join(url: str, token: str, identity: Identity, *, name: str, address: str, port: int, cluster: str | None) -> str:
    """Get a certificate; returns the host's id in the engine. JoinRefused with the reason otherwise."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    try:
        secret, fingerprint = split_token(token)
    except ValueError as err:
        raise JoinRefused(str(err)) from err
    ca = _fetch_ca(origin, fingerprint)
    key, csr = _make_request(address, identity.uuid())
    body = {
        "token": secret,
        "csr": csr,
        "name": name,
        "address": address,
        "port": port,
        "uuid": identity.uuid(),
        "cluster": cluster,
    }
    context = ssl.create_default_context(cadata=ca)
    answer = _post(f"{origin}/ovirt-engine/services/host-register", body, context)
    _write(identity.key, key, 0o600)
    _write(identity.certificate, answer["certificate"].encode(), 0o644)
    _write(identity.ca, answer["ca"].encode(), 0o644)
    return str(answer["host_id"])


def _fetch_ca(origin: str, fingerprint: str) -> str:
    url = f"{origin}/ovirt-engine/services/pki-resource?resource=ca-certificate&format=X509-PEM-CA"
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusted only after its fingerprint was compared
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=20, context=blind) as answer:
            pem = str(answer.read().decode())
    except (OSError, ValueError) as err:
        raise JoinRefused(f"The engine at {origin} cannot be reached: {err}") from err
    if hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() != fingerprint:
        raise JoinRefused("The engine's CA is not the one that the token names.")
    return pem


def _make_request(address: str, host_uuid: str) -> tuple[bytes, str]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        alternative = x509.DNSName(address)
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)]))
        .add_extension(x509.SubjectAlternativeName([alternative, x509.DNSName(host_uuid)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, request.public_bytes(serialization.Encoding.PEM).decode()


def _post(url: str, body: dict[str, Any], context: ssl.SSLContext) -> dict[str, Any]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", "Accept": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as err:
        try:
            detail = json.load(err).get("error", "")
        except ValueError:
            detail = ""
        raise JoinRefused(f"The engine refused: {detail or err.reason}") from err
    except (OSError, ValueError) as err:
        raise JoinRefused(f"The engine cannot be reached: {err}") from err


def _write(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
