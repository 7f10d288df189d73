"""Hosts of a virtual rack with real agents in them: libvirt, QEMU by emulation, mutual TLS, shared file storage.

Does: a rack a test process (hostlab), agents as processes inside its hosts, keys, one storage domain, small guests.
Needs root, libvirtd, QEMU; tests skip with the reason otherwise.
"""

import asyncio
import base64
import contextlib
import datetime
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ovis.agent.main.identity import Identity
from ovis.agent.rpc.client import AgentClient
from ovis.contract.domain.builder import build_domain
from ovis.contract.domain.specs import Disk, Domain, Nic
from ovis.contract.errors import VerbError

ROOT = Path(__file__).resolve().parents[2]
HOSTLAB = ROOT / "tools/hostlab.py"
MIB = 1 << 20
PORT = 54321


def missing() -> str:
    """Why no rack can be had here; empty if one can."""
    if os.geteuid():
        return "a rack needs root"
    for program in ("libvirtd", "virsh", "qemu-system-x86_64", "ip", "nsenter", "qemu-img"):
        if shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            return f"a rack needs {program}"
    return ""


def _hostlab_module() -> Any:
    spec = importlib.util.spec_from_file_location("hostlab", HOSTLAB)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def boot_sector() -> bytes:
    """A disk of a guest that prints GUEST-UP and then a counter on its serial port."""
    sector: bytes = _hostlab_module().BOOT_SECTOR
    return sector.ljust(510, b"\0") + b"\x55\xaa" + bytes(MIB)


# -- keys ---------------------------------------------------------------------------------------------------------


class Keys:
    """A CA, and certificates for hosts and the engine."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rack CA")])
        self._ca = self._sign(self._name, self._key.public_key(), ca=True)

    def _sign(self, subject: x509.Name, public: Any, *, ca: bool = False) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def give(self, folder: Path, name: str) -> Identity:
        """An identity of that name in a folder."""
        identity = Identity(folder)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key.public_key())
        pem = serialization.Encoding.PEM
        for file, data in (
            (identity.key, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())),
            (identity.certificate, certificate.public_bytes(pem)),
            (identity.ca, self._ca.public_bytes(pem)),
        ):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return identity


# -- the rack -----------------------------------------------------------------------------------------------------


class Rack:
    """Hosts h1, h2, ..."""

    def __init__(self, hosts: int) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="ovr"))  # short: sockets lie below it
        self.hosts = hosts
        self.nics = 2
        self.keys = Keys()
        self.report: dict[str, Any] = {}

    def hostlab(self, verb: str, *args: str, check: bool = True) -> str:
        """Run hostlab on this rack."""
        done = subprocess.run(
            [sys.executable, str(HOSTLAB), verb, "--dir", str(self.dir), *args],
            capture_output=True,
            text=True,
            timeout=120,
        )
        if check and done.returncode:
            raise RuntimeError(f"hostlab {verb}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def up(self, *options: str) -> None:
        """Power on; also after hosts went."""
        self.report = json.loads(
            self.hostlab("up", "-n", str(self.hosts), "--nics", str(self.nics), "--ttl", "1800", *options)
        )

    def down(self) -> None:
        """Everything ends."""
        self.hostlab("down", "--purge", check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def host(self, name: str) -> dict[str, Any]:
        """hostlab's report of a host."""
        found: dict[str, Any] = next(h for h in self.report["hosts"] if h["name"] == name)
        return found

    def virsh(self, name: str, *args: str) -> str:
        """virsh on a host."""
        uri = self.host(name)["uri_unix"]
        return subprocess.run(["virsh", "-c", uri, *args], capture_output=True, text=True, timeout=60).stdout

    @property
    def shared(self) -> Path:
        """The folder that all hosts see."""
        return Path(self.report["shared"])


class Agent:
    """An agent process inside a host."""

    def __init__(self, rack: Rack, name: str, *options: str) -> None:
        self.rack, self.name, self.options = rack, name, options
        self.address = str(rack.host(name)["address"])
        self.data = rack.dir / f"{name}a"
        self.identity = Identity(self.data)
        if not self.identity.joined:
            rack.keys.give(self.data, self.address)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = rack.dir / f"{name}.log"

    @property
    def run_dir(self) -> Path:
        """Sockets, payloads and records."""
        return self.data / "run"

    def start(self) -> None:
        """Run `ovis-agent run` in the host's namespaces."""
        pid = json.loads((Path(self.rack.dir) / self.name / "init.json").read_text())["pid"]
        command = ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "--"]
        command += [sys.executable, "-m", "ovis.agent.main.program", "run", "--data", str(self.data)]
        command += ["--listen", self.address, "--address", self.address, "--port", str(PORT)]
        command += ["--resolv-conf", str(self.data / "resolv.conf"), *self.options]  # hosts share the machine's /etc
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")

    def pid(self) -> int:
        """The agent itself: nsenter's child, once it is there."""
        assert self.process is not None
        file = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while not (children := file.read_text().split()) and self.process.poll() is None:
            time.sleep(0.01)
        return int(children[0])

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.pid(), signal.SIGKILL)
        self.process.wait(20)
        self.process = None

    def stop(self) -> None:
        """Politely."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, IndexError, FileNotFoundError):
                os.kill(self.pid(), signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def told(self) -> str:
        """The end of its log, for failures."""
        return self.log.read_text(errors="replace")[-6000:]


class Client:
    """The engine's side: calls verbs, keeps events."""

    def __init__(self, client: AgentClient, agent: Agent) -> None:
        self._client, self.agent = client, agent
        self.events: list[tuple[str, dict[str, Any]]] = []
        client.on_event = lambda name, body: self.events.append((name, dict(body)))

    async def __call__(self, verb: str, /, within: float = 60, **params: Any) -> Any:
        """A verb's result."""
        return await self._client.call(verb, params, within)

    async def close(self) -> None:
        """Hang up."""
        await self._client.close()

    async def stats(self, vm_id: str) -> dict[str, Any]:
        """A VM's row."""
        return dict((await self("VM.getStats", vmID=vm_id))[0])

    async def until(self, vm_id: str, *statuses: str, limit: float = 40, **values: Any) -> dict[str, Any]:
        """The row, once its status is one of these (and its values are such)."""
        end = time.monotonic() + limit
        row: dict[str, Any] = {}
        while time.monotonic() < end:
            row = await self.stats(vm_id)
            if row["status"] in statuses and all(row.get(k) == v for k, v in values.items()):
                return row
            if row["status"] == "Down" and "Down" not in statuses:
                break
            await asyncio.sleep(0.1)
        raise AssertionError(f"{vm_id} is {row}, not {statuses} {values}\n{self.agent.told()}")

    def statuses(self, vm_id: str) -> list[str]:
        """Statuses that events told, in order."""
        wanted = f"|virt|VM_status|{vm_id}"
        return [str(body[vm_id]["status"]) for name, body in self.events if name == wanted]


async def connect(agent: Agent, limit: float = 30) -> Client:
    """A client of an agent that is starting: served once it has found its VMs."""
    keys = agent.rack.dir / "engine"
    identity = Identity(keys)
    if not identity.joined:
        agent.rack.keys.give(keys, "engine")
    end = time.monotonic() + limit
    while True:
        client: Client | None = None
        try:
            client = Client(await AgentClient.connect(agent.address, PORT, identity.client_context(), 5), agent)
            await client("Host.getVMList")
            return client
        except VerbError as err:
            if client is not None:
                await client.close()
            if time.monotonic() > end:
                raise AssertionError(f"{agent.name}: {err}\n{agent.told()}") from err
            await asyncio.sleep(0.1)


# -- storage and guests -------------------------------------------------------------------------------------------


@dataclass
class Storage:
    """One pool with one domain, on the shared folder."""

    pool: str = field(default_factory=lambda: str(uuid.uuid4()))
    domain: str = field(default_factory=lambda: str(uuid.uuid4()))

    async def make(self, client: Client, folder: Path) -> None:
        """Create and activate it on the first host, which becomes its manager."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)
        await self._server(client, folder)
        await client(
            "StorageDomain.create",
            storagedomainID=self.domain,
            domainType=4,
            typeArgs=str(folder),
            name="store",
            domainClass=1,
            version=5,
        )
        await client(
            "StoragePool.create",
            storagepoolID=self.pool,
            name="pool",
            masterSdUUID=self.domain,
            masterVersion=1,
            domainList=[self.domain],
            lockRenewalIntervalSec=5,
            leaseTimeSec=60,
            ioOpTimeoutSec=10,
            leaseRetries=3,
        )
        await self.connect(client, folder, 1)
        task = await client(
            "StoragePool.spmStart", storagepoolID=self.pool, prevID=-1, prevLver=-1, enableScsiFencing="false"
        )
        await self.task(client, task)

    async def _server(self, client: Client, folder: Path) -> None:
        await client(
            "StoragePool.connectStorageServer",
            storagepoolID=self.pool,
            domainType=4,
            connectionParams=[{"id": str(uuid.uuid4()), "connection": str(folder)}],
        )

    async def connect(self, client: Client, folder: Path, number: int) -> None:
        """Let a host use it."""
        await self._server(client, folder)
        await client(
            "StoragePool.connect",
            storagepoolID=self.pool,
            hostID=number,
            scsiKey=self.pool,
            masterSdUUID=self.domain,
            masterVersion=1,
            domainDict={self.domain: "active"},
        )

    async def task(self, client: Client, task: Any) -> None:
        """Wait for a task's good end."""
        task_id = str(task.get("taskID") if isinstance(task, Mapping) else task)
        for _ in range(300):
            row = await client("Task.getStatus", taskID=task_id)
            if row.get("taskState") == "finished":
                assert int(row.get("code") or 0) == 0, row
                await client("Task.clear", taskID=task_id)
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the task did not end")

    async def volume(self, client: Client, size: int, content: bytes = b"", *, cow: bool = False) -> Disk:
        """A new disk; raw ones may have content."""
        image, volume = str(uuid.uuid4()), str(uuid.uuid4())
        blank = "00000000-0000-0000-0000-000000000000"
        task = await client(
            "Volume.create",
            volumeID=volume,
            storagepoolID=self.pool,
            storagedomainID=self.domain,
            imageID=image,
            size=str(size),
            volFormat=4 if cow else 5,
            preallocate=2,
            diskType="DATA",
            desc="",
            srcImgUUID=blank,
            srcVolUUID=blank,
        )
        await self.task(client, task)
        disk = Disk(
            id=image,
            interface="virtio",
            format="qcow2" if cow else "raw",
            bootable=True,
            pool_id=self.pool,
            domain_id=self.domain,
            image_id=image,
            volume_id=volume,
        )
        if content:
            path = await self.path(client, disk)
            with path.open("r+b") as out:
                out.write(content)
        return disk

    async def path(self, client: Client, disk: Disk) -> Path:
        """The file of a volume."""
        found = await client(
            "Image.prepare",
            storagepoolID=disk.pool_id,
            storagedomainID=disk.domain_id,
            imageID=disk.image_id,
            volumeID=disk.volume_id,
        )
        return Path(found["path"] if "path" in found else found["info"]["path"])


@dataclass
class Lab:
    """A rack with agents on all hosts and one storage domain."""

    rack: Rack
    agents: dict[str, Agent]
    storage: Storage
    ready: bool = False

    @property
    def folder(self) -> Path:
        """The storage domain's folder."""
        return self.rack.shared / "store"

    @asynccontextmanager
    async def clients(self, *names: str) -> AsyncIterator[list[Client]]:
        """Clients of hosts; agents are started as needed, storage is connected. What tests leave is destroyed."""
        clients = []
        for number, agent in enumerate(self.agents.values(), 1):
            if agent.process is None or agent.process.poll() is not None:
                agent.start()
            client = await connect(agent)
            if not self.ready and number == 1:
                await self.storage.make(client, self.folder)
            elif number > 1 or not self.ready:
                await self.storage.connect(client, self.folder, number)
            clients.append(client)
        self.ready = True
        try:
            wanted = names or tuple(self.agents)
            yield [c for c in clients if c.agent.name in wanted]
        finally:
            for client in clients:
                with contextlib.suppress(VerbError, TimeoutError, OSError):
                    for row in await client("Host.getVMList"):
                        await client("VM.destroy", vmID=row["vmId"])
                await client.close()

    async def guest(self, client: Client) -> Disk:
        """The disk of the ticking guest."""
        return await self.storage.volume(client, 2 * MIB, boot_sector())


def domain(name: str = "guest", **values: Any) -> tuple[str, str]:
    """(id, the engine's XML) of a small VM."""
    vm_id = str(uuid.uuid4())
    given: dict[str, Any] = {
        "memory": 32 * MIB,
        "max_memory": 32 * MIB,
        "guaranteed": 32 * MIB,
        "cpu": "Nehalem",
        "virtio_scsi": False,
        "console": True,
        "graphics": [],
    }
    return vm_id, build_domain(Domain(id=vm_id, name=f"{name}-{vm_id[:8]}", **{**given, **values}))


def nic(bridge: str | None = "ovirtmgmt", **values: Any) -> Nic:
    """A NIC with a MAC of its own."""
    raw = uuid.uuid4().hex
    mac = "56:6f:" + ":".join(raw[i : i + 2] for i in range(0, 8, 2))
    return Nic(id=str(uuid.uuid4()), mac=mac, bridge=bridge, **values)


def ticks(console: Path, count: int = 1, limit: float = 30) -> list[int]:
    """Counter values that a ticking guest prints on its console now (blocks)."""
    end = time.monotonic() + limit
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(1)
        while True:
            try:
                sock.connect(str(console))
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        data = b""
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                data += sock.recv(4096)
            lines = data.split(b"\n")[1:-1]  # the first may be cut
            found = [int(line, 16) for line in (part.strip() for part in lines) if len(line) == 4 and line.isalnum()]
            if len(found) >= count:
                return found
    raise AssertionError(f"the guest does not tick: {data[-200:]!r}")


def console(agent: Agent, vm_id: str) -> Path:
    """The serial console's socket of a VM."""
    return agent.run_dir / "consoles" / f"{vm_id}.sock"


async def create(client: Client, vm_id: str, xml: str, **more: Any) -> dict[str, Any]:
    """VM.create."""
    return dict(await client("VM.create", vmID=vm_id, vmParams={"vmId": vm_id, "xml": xml, **more}))


def base64_of(text: str) -> str:
    """A payload's content."""
    return base64.b64encode(text.encode()).decode()


def rack_of(hosts: int, *options: str) -> Callable[[], Iterator[Lab]]:
    """The body of a fixture: a lab of so many hosts."""

    def body() -> Iterator[Lab]:
        why = missing()
        if why:
            pytest.skip(why)
        rack = Rack(hosts)
        agents: dict[str, Agent] = {}
        try:
            rack.up(*options)
            agents = {h["name"]: Agent(rack, h["name"]) for h in rack.report["hosts"]}
            yield Lab(rack, agents, Storage())
        finally:
            for agent in agents.values():
                agent.stop()
            rack.down()

    return body
