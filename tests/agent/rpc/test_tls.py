"""Mutual TLS: who has no certificate of the engine's CA does not get a word in."""

import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ovis.agent.main.identity import Identity
from ovis.agent.rpc.client import AgentClient
from ovis.agent.rpc.server import RpcServer, server_context
from ovis.agent.verbs.dispatch import Dispatcher
from ovis.contract.errors import Code, VerbError
from tests.agent.rack import Keys
from tests.agent.rpc.wire import Driver, House, call, house


class Dated(Keys):
    """The same CA; certificates of another time."""

    days: tuple[int, int] = (-1, 1)

    def give(self, folder: Path, name: str) -> Identity:
        """An identity that is valid between these days from now."""
        identity = super().give(folder, name)
        given = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
        now = datetime.datetime.now(datetime.UTC)
        again = (
            x509.CertificateBuilder()
            .subject_name(given.subject)
            .issuer_name(given.issuer)
            .public_key(given.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=self.days[0]))
            .not_valid_after(now + datetime.timedelta(days=self.days[1]))
            .sign(self._key, hashes.SHA256())
        )
        identity.certificate.write_bytes(again.public_bytes(serialization.Encoding.PEM))
        return identity


@pytest.fixture(scope="module")
def keys() -> Dated:
    """The engine's CA."""
    return Dated()


@pytest.fixture
async def at(keys: Dated, tmp_path: Path) -> AsyncIterator[House]:
    keys.days = (-1, 1)
    async with house(server_context(keys.give(tmp_path / "host", "host"))) as found:
        yield found


def trusting(ca: Path) -> ssl.SSLContext:
    """A client without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(ca)
    return context


def self_signed(folder: Path, ca: Path) -> ssl.SSLContext:
    """A client that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "engine")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = folder / "self.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = trusting(ca)
    context.load_cert_chain(file)
    return context


async def served(at: House, context: ssl.SSLContext | None) -> bool:
    """Whether a verb is answered."""
    try:
        raw = await at.raw(context)
        await raw.ready()
        return bool((await raw.ask(call("Host.echo", {"message": "in"})))["result"] == "in")
    except (OSError, EOFError, ssl.SSLError):
        return False


async def test_a_certificate_of_the_engines_ca_gets_in(at: House, keys: Dated, tmp_path: Path) -> None:
    assert await served(at, keys.give(tmp_path / "engine", "engine").client_context())


Stranger = Callable[[Dated, Path], ssl.SSLContext | None]


def _none(keys: Dated, folder: Path) -> ssl.SSLContext:
    return trusting(keys.give(folder / "x", "x").ca)


def _of_another_ca(keys: Dated, folder: Path) -> ssl.SSLContext:
    context = trusting(keys.give(folder / "x", "x").ca)
    other = Keys().give(folder / "other", "engine")
    context.load_cert_chain(other.certificate, other.key)
    return context


def _self_signed(keys: Dated, folder: Path) -> ssl.SSLContext:
    return self_signed(folder, keys.give(folder / "x", "x").ca)


def _expired(keys: Dated, folder: Path) -> ssl.SSLContext:
    keys.days = (-10, -1)
    return keys.give(folder / "x", "engine").client_context()


def _not_yet_valid(keys: Dated, folder: Path) -> ssl.SSLContext:
    keys.days = (1, 10)
    return keys.give(folder / "x", "engine").client_context()


def _old_tls(keys: Dated, folder: Path) -> ssl.SSLContext:
    context = keys.give(folder / "x", "engine").client_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def _plain(keys: Dated, folder: Path) -> None:
    return None


STRANGERS: list[Stranger] = [_none, _of_another_ca, _self_signed, _expired, _not_yet_valid, _old_tls, _plain]


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda s: s.__name__.strip("_"))
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_strangers_are_refused_and_nothing_is_done(
    at: House, keys: Dated, tmp_path: Path, stranger: Stranger
) -> None:
    assert not await served(at, stranger(keys, tmp_path))
    assert at.verbs.calls == [] and not at.server.connections


async def test_who_does_not_shake_hands_in_time_is_hung_up_on(keys: Dated, tmp_path: Path) -> None:
    context = server_context(keys.give(tmp_path / "host", "host"))
    async with house(context, patience=0.1) as at:
        raw = await at.raw()
        assert await raw.hung_up() == b""


async def test_strangers_at_the_door_do_not_keep_the_engine_out(at: House, keys: Dated, tmp_path: Path) -> None:
    silent = [await at.raw() for _ in range(20)]
    assert await served(at, keys.give(tmp_path / "engine", "engine").client_context())
    assert len(silent) == 20


async def test_without_tls_it_listens_on_loopback_only() -> None:
    server = RpcServer(Dispatcher(Driver()))
    with pytest.raises(ValueError, match="loopback"):
        await server.start("0.0.0.0", 0, None)


async def test_our_own_client_learns_that_it_was_refused(at: House, keys: Dated, tmp_path: Path) -> None:
    async def ping() -> None:
        client = await AgentClient.connect("127.0.0.1", at.port, _of_another_ca(keys, tmp_path), 10)
        try:
            await client.call("Host.ping2", {}, 20)
        finally:
            await client.close()

    with pytest.raises(VerbError) as caught:
        await ping()
    assert caught.value.code == Code.PEER_UNREACHABLE


async def test_who_was_at_the_handshake_when_the_server_stopped_does_not_get_in(
    at: House, keys: Dated, tmp_path: Path
) -> None:
    context = keys.give(tmp_path / "engine", "engine").client_context()
    raw = await at.raw()
    await served(at, context)  # it has been accepted, like this one after it
    await at.server.stop()
    with contextlib.suppress(OSError, ssl.SSLError):
        await raw.writer.start_tls(context)
        await raw.say("CONNECT\naccept-version:1.2\n\n\0")
    assert await raw.hung_up() == b""
    assert not at.server.connections
