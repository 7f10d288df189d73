"""A whole installation for tests: an engine process and simulated hosts in another, over real HTTPS and the true protocol.

Does: set up, start, kill and restart them; hand out clients. Everything lies in one folder and ends with the test.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

_PATIENCE = 60.0


def free_port() -> int:
    """A port that nobody uses now, and that Linux gives to no outgoing connection while a server is restarted."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row."""
    for _ in range(100):
        first = free_port()
        if first + count > 65000:
            continue
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise RuntimeError("no free ports")


def until(look: Callable[[], Any], what: str, seconds: float = _PATIENCE) -> Any:
    """The first true value of `look`; fails with `what` when it takes too long."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not seen in {seconds:g} s: {what}")
        time.sleep(0.05)


def program(name: str) -> str:
    """Path of one of our programs."""
    return str(Path(sys.executable).parent / name)


@dataclass
class Installation:
    """One engine and its rack. settings: OVIS_* variables of the engine."""

    folder: Path
    db: str = ""
    port: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    hosts: int = 0
    base_port: int = 0
    engine: subprocess.Popen[bytes] | None = None
    rack: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The engine's address."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        """The administrator's password."""
        return (self.folder / "admin-password").read_text().strip()

    @property
    def ca(self) -> str:
        """The CA's certificate."""
        return str(self.folder / "pki/ca.pem")

    def _base(self, verb: str) -> list[str]:
        return [program("ovis-engine"), verb, "--data", str(self.folder), *(["--db", self.db] if self.db else [])]

    def set_up(self) -> None:
        """Keys, database, first data."""
        subprocess.run(self._base("setup"), check=True, timeout=120, env=self._environment())

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.settings}

    def start_engine(self, *, wait: bool = True) -> None:
        """Run the engine until `stop_engine` or `kill_engine`."""
        log = (self.folder / "engine.log").open("ab")
        self.engine = subprocess.Popen(
            [*self._base("run"), "--port", str(self.port)], stdout=log, stderr=log, env=self._environment()
        )
        log.close()
        if wait:
            until(self.healthy, "a healthy engine")

    def healthy(self) -> bool:
        """Whether the engine answers."""
        assert self.engine is not None
        if self.engine.poll() is not None:
            raise AssertionError(f"the engine ended: {self.log()[-2000:]}")
        try:
            return httpx.get(f"{self.url}/ovirt-engine/services/health", verify=False, timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def log(self) -> str:
        """What the engine logged."""
        return (self.folder / "engine.log").read_text(errors="replace")

    def kill_engine(self) -> None:
        """Power cut."""
        assert self.engine is not None
        self.engine.send_signal(signal.SIGKILL)
        self.engine.wait(10)

    def stop_engine(self) -> None:
        """Orderly."""
        assert self.engine is not None
        self.engine.terminate()
        try:
            self.engine.wait(20)
        except subprocess.TimeoutExpired:
            self.engine.kill()
            self.engine.wait(10)

    def start_rack(self, hosts: int) -> None:
        """Simulated hosts; the first time they join."""
        token = "joined.already"
        if not self.hosts:
            found = subprocess.run(
                [*self._base("host-token"), "--uses", str(hosts)],
                check=True,
                capture_output=True,
                text=True,
                timeout=60,
            )
            token = found.stdout.strip().splitlines()[-1]
            self.hosts, self.base_port = hosts, free_ports(hosts)
        log = (self.folder / "rack.log").open("ab")
        self.rack = subprocess.Popen(
            [
                *(program("ovis-agent"), "simulate", self.url, token, "--data", str(self.folder / "rack")),
                *("--hosts", str(hosts), "--base-port", str(self.base_port)),
            ],
            stdout=log,
            stderr=log,
        )
        log.close()

    def kill_rack(self) -> None:
        """Power cut of all simulated hosts' agents."""
        assert self.rack is not None
        self.rack.send_signal(signal.SIGKILL)
        self.rack.wait(10)

    def stop_rack(self) -> None:
        """Orderly: the rack remembers its VMs."""
        assert self.rack is not None
        self.rack.terminate()
        try:
            self.rack.wait(20)
        except subprocess.TimeoutExpired:
            self.rack.kill()
            self.rack.wait(10)

    def client(self, base: str = "/ovirt-engine/api", fmt: str = "json", **headers: str) -> httpx.Client:
        """An HTTP client signed in as the administrator."""
        kind = f"application/{fmt}"
        return httpx.Client(
            base_url=self.url + base,
            auth=("admin@internal", self.password),
            verify=self._context(),
            timeout=60,
            headers={"Accept": kind, "Content-Type": kind, **headers},
        )

    def _context(self) -> Any:
        import ssl

        return ssl.create_default_context(cafile=self.ca)

    @contextmanager
    def sdk(self) -> Iterator[Any]:
        """The real ovirtsdk4, connected."""
        import ovirtsdk4

        connection = ovirtsdk4.Connection(
            url=f"{self.url}/ovirt-engine/api", username="admin@internal", password=self.password, ca_file=self.ca
        )
        try:
            yield connection.system_service()
        finally:
            connection.close()

    def hosts_up(self, count: int) -> None:
        """Wait until so many hosts are up."""
        with self.client() as client:
            until(
                lambda: sum(h.get("status") == "up" for h in client.get("/hosts").json().get("host", ())) >= count,
                f"{count} hosts up",
            )

    def add_storage(self, name: str = "data", path: str = "") -> str:
        """An active storage domain; its id."""
        with self.client() as client:
            host = client.get("/hosts").json()["host"][0]
            body = {
                "name": name,
                "type": "data",
                "host": {"id": host["id"]},
                "storage": {"type": "posixfs", "path": path or f"/srv/{name}", "vfs_type": "none"},
            }
            made = client.post("/storagedomains", json=body)
            assert made.status_code in (201, 202), made.text
            id_ = str(made.json()["id"])
            center = client.get("/datacenters?search=name%3DDefault").json()["data_center"][0]["id"]
            attached = client.post(f"/datacenters/{center}/storagedomains", json={"id": id_})
            assert attached.status_code in (201, 202), attached.text
            until(
                lambda: client.get(f"/datacenters/{center}/storagedomains/{id_}").json().get("status") == "active",
                "an active storage domain",
            )
        return id_


@contextmanager
def installation(
    folder: Path, *, hosts: int = 0, db: str = "", storage: bool = False, **settings: str
) -> Iterator[Installation]:
    """A running installation; settings: OVIS_* variables without the prefix, in lower case."""
    made = Installation(folder, db=db, port=free_port(), settings={f"OVIS_{k.upper()}": v for k, v in settings.items()})
    made.set_up()
    try:
        made.start_engine()
        if hosts:
            made.start_rack(hosts)
            made.hosts_up(hosts)
            if storage:
                made.add_storage()
        yield made
    finally:
        if made.rack is not None and made.rack.poll() is None:
            made.stop_rack()
        if made.engine is not None and made.engine.poll() is None:
            made.stop_engine()
