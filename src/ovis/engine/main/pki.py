"""The engine as certificate authority: its own certificate, and those of hosts.

Does: make and keep CA and engine keys (EC P-256, files 0600), sign hosts' requests. No secret leaves the data folder.
"""

import hashlib
import ipaddress
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CA_YEARS, _YEARS = 10, 5
_RENEW = timedelta(days=60)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Replace a file in one step, never readable by others meanwhile."""
    temporary = path.with_suffix(path.suffix + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
    os.replace(temporary, path)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ovis"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _alternatives(names: list[str]) -> x509.SubjectAlternativeName:
    rows: list[x509.GeneralName] = []
    for name in dict.fromkeys(n for n in names if n):
        try:
            rows.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            rows.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(rows)


class Pki:
    """Keys and certificates under DATA/pki."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self, names: list[str]) -> None:
        """Make what is missing, renew what is about to expire or does not name the engine's addresses."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self.folder / "ca.key").exists():
            self._make_ca()
        if not self._engine_fits(names):
            self._make_engine(names)

    def _make_ca(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        name = _name(f"Ovis CA {os.urandom(4).hex()}")
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=365 * _CA_YEARS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    key_cert_sign=True,
                    crl_sign=True,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .sign(key, hashes.SHA256())
        )
        _write(self.folder / "ca.key", _key_pem(key), 0o600)
        _write(self.folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def _engine_fits(self, names: list[str]) -> bool:
        path = self.folder / "engine.pem"
        if not path.exists() or not (self.folder / "engine.key").exists():
            return False
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        wanted = {str(n.value) for n in _alternatives(names)}
        return wanted <= {str(n.value) for n in known} and certificate.not_valid_after_utc - datetime.now(UTC) > _RENEW

    def _make_engine(self, names: list[str]) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(key.public_key(), names[0], names, days=365 * _YEARS)
        _write(self.folder / "engine.key", _key_pem(key), 0o600)
        _write(self.folder / "engine.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def _sign(
        self, public_key: ec.EllipticCurvePublicKey, common: str, names: list[str], *, days: int
    ) -> x509.Certificate:
        ca_key = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
        assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
        ca = x509.load_pem_x509_certificate(self.ca_pem())
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(common))
            .issuer_name(ca.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_alternatives(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .sign(ca_key, hashes.SHA256())
        )

    def sign_request(self, pem: str, names: list[str]) -> str:
        """A host's certificate for its request; ValueError if the request is malformed or not signed by its key."""
        request = x509.load_pem_x509_csr(pem.encode())
        if not request.is_signature_valid:
            raise ValueError("the request is not signed by its own key")
        public = request.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise ValueError("an EC key is expected")
        return self._sign(public, names[0], names, days=365 * _YEARS).public_bytes(serialization.Encoding.PEM).decode()

    def ca_pem(self) -> bytes:
        """The CA's certificate."""
        return (self.folder / "ca.pem").read_bytes()

    def engine_pem(self) -> bytes:
        """The engine's certificate."""
        return (self.folder / "engine.pem").read_bytes()

    def engine_ssh_key(self) -> bytes:
        """The engine's public key in OpenSSH's form."""
        public = x509.load_pem_x509_certificate(self.engine_pem()).public_key()
        return (
            public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH) + b" ovirt-engine\n"
        )

    def fingerprint(self) -> str:
        """SHA-256 of the CA's certificate, hex."""
        der = x509.load_pem_x509_certificate(self.ca_pem()).public_bytes(serialization.Encoding.DER)
        return hashlib.sha256(der).hexdigest()

    def client_context(self) -> ssl.SSLContext:
        """How the engine dials agents: with its certificate, trusting only its CA. Hosts are known by key, not by name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.load_verify_locations(self.folder / "ca.pem")
        context.load_cert_chain(self.folder / "engine.pem", self.folder / "engine.key")
        return context


def engine_names(listen: str, fqdn: str) -> list[str]:
    """Names and addresses that the engine's certificate carries."""
    names = [
        fqdn,
        listen if listen not in ("0.0.0.0", "::") else "",
        "localhost",
        "127.0.0.1",
        "::1",
        socket.gethostname(),
    ]
    return [n for n in dict.fromkeys(names) if n]
