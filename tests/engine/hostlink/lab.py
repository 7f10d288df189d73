"""A small lab: real agents with the simulated driver behind real TLS sockets, and a store that knows them.

Does: keys, agents, rows. The observer here notes what it is told and gives statuses the simplest way.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from ovis.agent.main.identity import Identity
from ovis.agent.main.settings import AgentSettings
from ovis.agent.rpc.server import RpcServer, server_context
from ovis.agent.simulated.driver import SimulatedDriver
from ovis.agent.simulated.rack import SimulatedRack
from ovis.agent.verbs.dispatch import Dispatcher
from ovis.engine import hostlink
from ovis.engine.hostlink.hosts import Hosts
from ovis.engine.main.pki import Pki
from ovis.engine.model.enums import DataCenterStatus, HostStatus
from ovis.engine.model.types import Cluster, DataCenter, Host
from ovis.engine.store.store import Store
from ovis.engine.store.tables import Column, Table

DATA_CENTER, CLUSTER, DOMAIN = "dc", "cl", "sd"
TABLES = (
    Table(name="data_centers", type=DataCenter, columns=(Column(name="status"),)),
    Table(name="clusters", type=Cluster, columns=(Column(name="data_center_id", path="data_center.id"),)),
    Table(name="hosts", type=Host, columns=(Column(name="cluster_id", path="cluster.id"), Column(name="status"))),
)


class NotingObserver:
    """Implements hostlink.observer.Observer: notes calls, writes the status that follows from them."""

    def __init__(self, lab: "Lab") -> None:
        self.lab = lab
        self.seen: list[tuple[Any, ...]] = []
        self.changed = asyncio.Event()

    def _note(self, *what: Any) -> None:
        self.seen.append(what)
        self.changed.set()

    async def until(self, *what: Any) -> tuple[Any, ...]:
        """The first noted call that begins so."""
        while True:
            for seen in self.seen:
                if seen[: len(what)] == what:
                    return seen
            self.changed.clear()
            await self.changed.wait()

    async def _status(self, host_id: str, status: HostStatus) -> None:
        await self.lab.store.write(lambda tx: tx.update(replace(tx.need(Host, host_id), status=status)))

    async def host_answers(self, host_id: str, capabilities: Any, hardware: Any, stats: Any) -> None:
        await self._status(host_id, HostStatus.UP)
        self._note("answers", host_id, capabilities["cpuModel"])

    async def host_stats(self, host_id: str, stats: Any) -> None:
        self._note("stats", host_id)

    async def host_silent(self, host_id: str, grace: float) -> None:
        await self._status(host_id, HostStatus.CONNECTING)
        self._note("silent", host_id)

    async def host_lost(self, host_id: str) -> None:
        await self._status(host_id, HostStatus.NON_RESPONSIVE)
        self._note("lost", host_id)

    async def vm_rows(self, host_id: str, rows: Sequence[Mapping[str, Any]], full: bool) -> None:
        self._note("rows", host_id, {r["vmId"]: r["status"] for r in rows})

    async def vm_event(self, host_id: str, vm_id: str, row: Mapping[str, Any]) -> None:
        self._note("vm", host_id, vm_id, row["status"])

    async def host_event(self, host_id: str, name: str, params: Any) -> None:
        self._note("event", host_id, name)

    async def connect_pool(self, host_id: str, data_center_id: str) -> None:
        number = sorted(self.lab.agents).index(host_id) + 1
        await self.lab.hosts.call(
            host_id,
            "StoragePool.connect",
            {
                "storagepoolID": data_center_id,
                "hostID": number,
                "scsiKey": data_center_id,
                "masterSdUUID": DOMAIN,
                "masterVersion": 1,
                "domainDict": {DOMAIN: "active"},
            },
        )

    async def pool_state(self, data_center_id: str, state: str, spm_host_id: str | None) -> None:
        self._note("pool", state, spm_host_id)

    async def pool_info(self, data_center_id: str, info: Any) -> None:
        self._note("info", data_center_id, info)


@dataclass
class Agent:
    """One simulated host and where it listens."""

    settings: AgentSettings
    identity: Identity
    rack: SimulatedRack
    name: str
    port: int = 0
    server: RpcServer | None = None
    driver: SimulatedDriver | None = None

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self.driver = SimulatedDriver(self.settings, self.identity, self.rack, name=self.name)
        self.server = RpcServer(Dispatcher(self.driver))
        self.port = await self.server.start("127.0.0.1", self.port, server_context(self.identity))
        await self.driver.start(self.server.publish)

    async def stop(self) -> None:
        """Hang up; the port is free afterwards."""
        if self.server is not None and self.driver is not None:
            await self.server.stop()
            await self.driver.stop()
            self.server = None


@dataclass
class Lab:
    """Everything of one test."""

    folder: Path
    store: Store
    pki: Pki
    hosts: Hosts
    agents: dict[str, Agent] = field(default_factory=dict)
    observer: NotingObserver = field(init=False)

    async def add(self, host_id: str) -> Agent:
        """A host whose agent listens, and its row."""
        agent = self._agent(host_id)
        await agent.start()
        self.agents[host_id] = agent
        row = Host(
            id=host_id,
            name=host_id,
            address="127.0.0.1",
            port=agent.port,
            cluster=Cluster(id=CLUSTER),
            status=HostStatus.INITIALIZING,
        )
        await self.store.write(lambda tx: tx.insert(row))
        return agent

    def _agent(self, name: str) -> Agent:
        settings = AgentSettings(data=str(self.folder / name), address="127.0.0.1", driver="simulated")
        identity = Identity(settings.folder)
        give_certificate(self.pki, identity)
        rack = next((a.rack for a in self.agents.values()), None) or SimulatedRack(self.folder)
        return Agent(settings, identity, rack, name)

    async def status(self, host_id: str) -> HostStatus | None:
        """A host's status in the store."""
        return (await self.store.read(lambda rd: rd.need(Host, host_id))).status


def give_certificate(pki: Pki, identity: Identity) -> None:
    """What `ovis-agent join` does, without HTTP."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    signed = pki.sign_request(request.public_bytes(serialization.Encoding.PEM).decode(), ["127.0.0.1"])
    for path, data in (
        (
            identity.key,
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        ),
        (identity.certificate, signed.encode()),
        (identity.ca, pki.ca_pem()),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@asynccontextmanager
async def laboratory(folder: Path, **clocks: float) -> AsyncIterator[Lab]:
    """A lab without hosts; clocks: other than the test's defaults."""
    store = Store(f"sqlite:///{folder}/engine.db", (*hostlink.TABLES, *TABLES))
    store.create_tables()
    store.start(asyncio.get_running_loop())
    pki = Pki(folder / "pki")
    pki.prepare(["127.0.0.1"])
    settings = SimpleNamespace(
        vds_refresh_seconds=0.05,
        host_stats_seconds=0.2,
        vm_stats_seconds=0.2,
        host_grace_seconds=60.0,
        call_timeout_seconds=20.0,
    )
    for name, value in clocks.items():
        setattr(settings, name, value)
    lab = Lab(folder, store, pki, Hosts(store, pki.client_context(), settings))
    lab.observer = NotingObserver(lab)

    def seed(tx: Any) -> None:
        tx.insert(DataCenter(id=DATA_CENTER, name="dc", status=DataCenterStatus.UNINITIALIZED))
        tx.insert(Cluster(id=CLUSTER, name="cl", data_center=DataCenter(id=DATA_CENTER)))

    await store.write(seed)
    await lab.hosts.start(lab.observer)
    try:
        yield lab
    finally:
        await lab.hosts.stop()
        for agent in lab.agents.values():
            await agent.stop()
        await asyncio.to_thread(store.close)
