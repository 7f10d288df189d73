"""Consoles over the engine's origin: a ticket opens one once, bytes pass both ways, and it ends with the guest or the session."""

import asyncio
import ssl
import subprocess
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.engine.resources.lab import add_vm
from tests.installation import Installation, installation, program, until
from tests.rfb import Rfb

LIMIT = 60.0
T = TypeVar("T")
BINARY = "ovis.console"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("consoles"), hosts=1) as made:
        yield made


@pytest.fixture
def client(site: Installation) -> Iterator[httpx.Client]:
    with site.client() as found:
        yield found


def token(site: Installation, user: str, password: str) -> str:
    form = {"grant_type": "password", "scope": "ovirt-app-api", "username": user, "password": password}
    answer = httpx.post(
        f"{site.url}/ovirt-engine/sso/oauth/token", data=form, headers={"Accept": "application/json"}, verify=False
    )
    return str(answer.json()["access_token"])


def running(client: httpx.Client, name: str) -> str:
    """A VM that is up, with a serial console."""
    boot = {"boot": {"devices": {"device": ["network"]}}}
    vm = add_vm(client, name, disk=False, os=boot, console={"enabled": True}, display={"type": "vnc"})
    started = client.post(f"/vms/{vm}/start", json={})
    assert started.status_code == 200, started.text
    until(lambda: client.get(f"/vms/{vm}").json()["status"] == "up", "a VM that is up")
    return vm


def opened(client: httpx.Client, vm: str, kind: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/ovis/console/{vm}/{kind}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def socket(site: Installation, path: str, *offered: str) -> ClientConnection:
    """A WebSocket, with its ticket among the protocols."""
    return connect(
        f"wss://127.0.0.1:{site.port}{path}",
        ssl=ssl.create_default_context(cafile=site.ca),
        subprotocols=[*offered] or None,  # type: ignore[list-item]
        open_timeout=LIMIT,
        max_size=1 << 24,
    )


def console(site: Installation, given: dict[str, Any]) -> ClientConnection:
    return socket(site, given["path"], BINARY, f"ovis.ticket.{given['ticket']}")


class Bytes:
    """The messages of a socket as one stream."""

    def __init__(self, found: ClientConnection) -> None:
        self._socket, self._rest = found, b""

    def _more(self) -> None:
        data = self._socket.recv(LIMIT)
        assert isinstance(data, bytes)
        self._rest += data

    async def exactly(self, count: int) -> bytes:
        while len(self._rest) < count:
            self._more()
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    async def write(self, data: bytes) -> None:
        self._socket.send(data)

    def until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._more()
        data, _, self._rest = self._rest.partition(mark)
        return data + mark


def run(what: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(what)


def ended(found: ClientConnection) -> tuple[int, str]:
    """Code and reason of the end."""
    while True:
        try:
            found.recv(LIMIT)
        except ConnectionClosed as err:
            return (err.rcvd.code, err.rcvd.reason) if err.rcvd is not None else (0, "")


def seen(client: httpx.Client, code: int, text: str) -> None:
    def look() -> bool:
        events = client.get("/events?max=100").json()["event"]
        return any(int(e["code"]) == code and text in e["description"] for e in events)

    until(look, f"event {code}: {text}")


def test_a_screen_is_shown_once_for_each_ticket_and_ends_with_the_guest(
    site: Installation, client: httpx.Client
) -> None:
    vm = running(client, "screen")
    given = opened(client, vm, "vnc")
    with console(site, given) as found:
        assert found.subprotocol == BINARY
        stream = Bytes(found)
        rfb = Rfb(stream.exactly, stream.write)
        assert run(rfb.enter(given["password"]))
        before = run(rfb.screen())
        run(rfb.type("a"))
        assert run(rfb.screen(changes=True)) != before
        about = client.get(f"/ovis/console/{vm}").json()
        assert [(v["user"], v["kind"]) for v in about["viewers"]] == [("admin@internal", "vnc")]
        assert (about["graphics"], about["serial"], about["host"]["name"]) == (["vnc"], True, "sim-host-001")
        seen(client, 167, "admin@internal is connected to VM screen")
        with console(site, given) as again:
            assert ended(again)[0] == 4401
        assert client.post(f"/vms/{vm}/stop", json={}).status_code == 200
        assert ended(found) == (1000, "The console is over.")
    refused = client.post(f"/ovis/console/{vm}/vnc", json={})
    assert (refused.status_code, "VM screen" in refused.json()["detail"]) == (409, True)
    assert client.get(f"/ovis/console/{vm}").json()["viewers"] == []


def test_a_serial_line_echoes_for_one_and_is_taken_over_by_who_says_so(
    site: Installation, client: httpx.Client
) -> None:
    vm = running(client, "line")
    first = opened(client, vm, "serial")
    assert first["password"] is None
    with console(site, first) as found:
        stream = Bytes(found)
        stream.until(b"login: ")
        found.send("echo me\r")
        assert b"echo me\r\n" in stream.until(b"login: ")
        with console(site, opened(client, vm, "serial")) as other:
            code, why = ended(other)
            assert (code, "Somebody else" in why) == (4409, True)
        with console(site, opened(client, vm, "serial", take=True)) as other:
            Bytes(other).until(b"login: ")
            assert ended(found)[0] == 1000
    seen(client, 9931, "admin@internal is connected to the serial console of VM line")
    seen(client, 9932, "admin@internal left the serial console of VM line")


def test_who_may_not_gets_no_ticket_and_a_session_that_ends_takes_its_console_along(
    site: Installation, client: httpx.Client
) -> None:
    vm = running(client, "guarded")
    command = [program("ovis-engine"), "user", "add", "ann", "--data", str(site.folder)]
    subprocess.run(command, input="Ann-pass-1\n", text=True, check=True, timeout=60)
    bearer = token(site, "ann@internal", "Ann-pass-1")
    with site.client(Authorization=f"Bearer {bearer}") as ann:
        ann.auth = None  # type: ignore[assignment]
        assert ann.post(f"/ovis/console/{vm}/vnc", json={}).status_code == 404
        me = next(u for u in client.get("/users").json()["user"] if u["user_name"].startswith("ann"))
        role = {"role": {"name": "UserRole"}, "user": {"id": me["id"]}}
        assert client.post(f"/vms/{vm}/permissions", json=role).status_code == 201
        assert ann.post(f"/ovis/console/{vm}/serial", json={}).status_code == 403
        assert ann.post(f"/ovis/console/{vm}/vnc", json={"take": True}).status_code == 403
        for path, body, status in (
            (f"{vm}/film", b"{}", 404),
            ("no-such-vm/vnc", b"{}", 404),
            (f"{vm}/vnc", b"{", 400),
            (f"{vm}/vnc", b'{"take": "yes"}', 400),
        ):
            assert ann.post(f"/ovis/console/{path}", content=body).status_code == status, path
        given = opened(ann, vm, "vnc")
        for offered in ([], [f"ovis.ticket.{given['ticket']}"]):
            with pytest.raises(InvalidStatus):  # without our protocol there is no handshake
                socket(site, given["path"], *offered)
        with console(site, given) as found:
            Bytes(found).until(b"RFB 003.008\n")
            form = {"token": bearer, "scope": "ovirt-app-api"}
            assert httpx.post(f"{site.url}/ovirt-engine/services/sso-logout", data=form, verify=False).json() == {}
            assert ended(found) == (4403, "The session has ended.")
