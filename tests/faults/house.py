"""A whole engine in this process with simulated hosts behind real TLS, for proofs that break commands' steps.

Does: begin operations like a client, swap a command for a broken variant, cut the runner off and start another, compare.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from ovis.agent.main.identity import Identity
from ovis.agent.main.settings import AgentSettings
from ovis.agent.simulated.rack import SimulatedRack
from ovis.engine import resources
from ovis.engine.commands import Command, CommandRow
from ovis.engine.commands.locks import locked_ids
from ovis.engine.commands.runner import Runner
from ovis.engine.commands.table import OPEN, LockRow
from ovis.engine.declare.call import Call, Principal
from ovis.engine.declare.resource import Started
from ovis.engine.main import setup
from ovis.engine.main.composition import Engine
from ovis.engine.main.settings import Settings
from ovis.engine.model.enums import HostStatus, StorageType
from ovis.engine.model.types import Cluster, DataCenter, Disk, Host, StorageDomain, Template, User, Vm
from ovis.engine.resources.hosts.enrol import new_host
from ovis.engine.resources.hosts.tables import HostIdentity
from ovis.engine.resources.storage_domains.tables import Attachment
from ovis.engine.resources.vms.state import VmRuntime
from ovis.engine.store.session import Reader, Tx
from tests.commands_harness import Cut
from tests.engine.hostlink.lab import Agent, give_certificate
from tests.faults import invariants

# Rows that come and go by their nature.
PASSING = frozenset(
    "commands engines jobs steps events hidden_events statistics sessions pool_managers pool_facts".split()
)
Begin = Callable[[Tx, Call], Any]


@dataclass
class House:
    """The engine, its rack and its hosts."""

    engine: Engine
    rack: SimulatedRack
    agents: list[Agent] = field(default_factory=list)
    user: str = ""

    def call(self, *ids: str, **params: str) -> Call:
        """What the administrator asks."""
        principal = Principal(user_id=self.user, name="admin@internal", administrator=True)
        return Call(principal=principal, ids=ids, params=params, now=datetime.now(UTC))

    async def read(self, run: Callable[[Reader], Any]) -> Any:
        """Read the store."""
        return await self.engine.store.read(run)

    async def begin(self, operation: Any, call: Call, body: Any) -> Any:
        """An operation's result: an entity, or what it began."""
        return await self.engine.store.write(lambda tx: operation(tx, call, body))

    async def run(self, operation: Any, call: Call, body: Any) -> Any:
        """An operation to its end; its entity. Raises if its command fails."""
        result = await self.begin(operation, call, body)
        if isinstance(result, Started):
            await self.engine.runner.wait(result.command_id)
            return result.entity
        return result

    async def until(self, look: Callable[[Reader], Any], what: str) -> Any:
        """The first true answer of a look."""
        async with asyncio.timeout(30):
            while True:
                found = await self.read(look)
                if found:
                    return found
                await asyncio.sleep(0.02)
        raise AssertionError(what)

    async def vm_becomes(self, vm_id: str, status: str) -> None:
        """Wait for a VM's status and for the end of what holds it."""
        await self.until(
            lambda rd: rd.need(Vm, vm_id).status == status and not locked_ids(rd, "vm", [vm_id]), f"VM {status}"
        )

    async def at_rest(self) -> None:
        """Wait until no command runs."""
        await self.until(lambda rd: not rd.find(CommandRow, status=[s.value for s in OPEN]), "rest")

    # -- breaking ------------------------------------------------------------------------------------------------

    async def broken(self, command: Command, begin: Callable[[], Any]) -> CommandRow:
        """Begin with a variant in the command's place; its row at the end."""
        runner = self.engine.runner
        whole = runner.commands[command.name]
        runner.commands[command.name] = command
        try:
            started = await begin()
            assert isinstance(started, Started)
            return await runner.wait(started.command_id, quiet=True)
        finally:
            runner.commands[command.name] = whole

    async def cut(self, command: Command, begin: Callable[[], Any]) -> CommandRow:
        """Begin with a variant that kills its runner; another runner finishes the whole command."""
        runner = self.engine.runner
        runner.commands[command.name] = command
        started = await begin()
        assert isinstance(started, Started)
        async with asyncio.timeout(20):
            while started.command_id in runner._tasks or not await self._begun(started.command_id):
                await asyncio.sleep(0.01)
        await runner.stop()
        self.engine.runner = self.engine.services.runner = Runner(
            self.engine.services, resources.COMMANDS, owner=runner.owner, undo_delays=(0.05,)
        )
        await self.engine.runner.start()
        return await self.engine.runner.wait(started.command_id, quiet=True)

    async def _begun(self, command_id: str) -> bool:
        row = await self.read(lambda rd: rd.get(CommandRow, command_id))
        return row is not None

    # -- comparing -----------------------------------------------------------------------------------------------

    async def picture(self) -> dict[str, Any]:
        """Which rows there are, the statuses that users see, and what is on storage and hosts."""

        def look(rd: Reader) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for name in rd.schema.by_name:
                if name not in PASSING:
                    found[name] = sorted(str(row[0]) for row in rd.rows(sa.select(rd.schema.sql[name].c.id)))
            for type_ in (Vm, Disk, Template, StorageDomain, Attachment, Host, DataCenter):
                rows: list[Any] = rd.select(type_)
                found[type_.__name__] = {str(row.id): row.status for row in rows}
            found["places"] = {r.id: (r.host_id, r.target_id, r.saved is None) for r in rd.select(VmRuntime)}
            return found

        seen = self.seen()
        stored: dict[str, Any] = await self.read(look)
        return stored | {"volumes": seen.volumes, "alive": seen.alive}

    async def pictures(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """The picture once it is as wanted, or as it stays: monitoring may have the last word on a host."""
        found = await self.picture()
        for _ in range(60):
            if found == wanted:
                break
            await asyncio.sleep(0.05)
            found = await self.picture()
        return found

    def seen(self) -> invariants.Seen:
        """What the simulated hosts have."""
        seen = invariants.Seen()
        for agent in self.agents:
            assert agent.driver is not None
            for vm in agent.driver.vms.values():
                seen.vms.setdefault(vm.vm_id, []).append((agent.name, vm.status))
        for domain_id, domain in self.rack.state["domains"].items():
            seen.volumes[domain_id] = {(image, v) for image, row in domain["images"].items() for v in row}
        return seen

    async def violations(self, known: Collection[str] = ()) -> list[str]:
        """Everything that is wrong once nothing moves. known: what is waited for no more."""
        wrong: list[str] = []
        for _ in range(100):
            wrong = await self.read(self._wrong)
            if set(wrong) <= set(known):
                break
            await asyncio.sleep(0.05)
        return wrong

    def _wrong(self, rd: Reader) -> list[str]:
        seen = self.seen()
        held = [f"lock {row.id} is held" for row in rd.select(LockRow)]
        moving = [f"VM {vm.name} is {vm.status}" for vm in rd.select(Vm) if vm.status not in invariants.AT_REST]
        return [
            *held,
            *moving,
            *invariants._of_vms(rd, seen),
            *invariants._of_storage(rd, seen),
            *invariants._of_rows(rd),
            *invariants._of_promises(rd),
        ]


@asynccontextmanager
async def house(folder: Path, *, hosts: int = 2, db: str = "") -> AsyncIterator[House]:
    """An engine with hosts that are up and an active storage domain `data`."""
    from ovis.engine.model.types import HostStorage
    from ovis.engine.resources.storage_domains import attached, resource as domains

    settings = Settings(
        data=str(folder / "engine"),
        db=db,
        vds_refresh_seconds=0.1,
        host_stats_seconds=1.0,
        vm_stats_seconds=0.5,
        host_grace_seconds=1.0,
    )
    await asyncio.to_thread(setup.run, settings)
    engine = Engine(settings, setup.instance_id(settings.folder))
    made = House(engine, SimulatedRack(folder / "rack"))
    await engine.start()
    try:
        made.user = str((await made.read(lambda rd: rd.select(User)))[0].id)
        cluster = await made.read(lambda rd: rd.one(Cluster, name_key="default"))
        for number in range(1, hosts + 1):
            name = f"sim-host-{number:03d}"
            values = AgentSettings(data=str(folder / "rack" / name), address="127.0.0.1", driver="simulated")
            identity = Identity(values.folder)
            give_certificate(engine.pki, identity)
            agent = Agent(values, identity, made.rack, name)
            await agent.start()
            made.agents.append(agent)

            def admit(tx: Tx, agent: Agent = agent, number: int = number) -> None:
                host = new_host(tx, agent.name, "127.0.0.1", agent.port, cluster)
                tx.insert(HostIdentity(id=str(host.id), hardware_id=agent.name, spm_id=number))
                tx.update(replace(host, status=HostStatus.INITIALIZING))

            await engine.store.write(admit)
        await made.until(lambda rd: all(h.status == "up" for h in rd.select(Host)), "hosts up")
        host = await made.read(lambda rd: rd.select(Host)[0])
        center = await made.read(lambda rd: rd.one(DataCenter, name_key="default"))
        storage = HostStorage(type=StorageType.POSIXFS, path="/srv/data", vfs_type="none")
        body = StorageDomain(name="data", host=Host(id=host.id), storage=storage)
        domain = await made.run(domains.add, made.call(), body)
        await made.run(attached.add, made.call(str(center.id)), StorageDomain(id=domain.id))
        yield made
    finally:
        await engine.stop()
        for agent in made.agents:
            await agent.stop()


def with_step(command: Command, n: int, run: Any) -> Command:
    """The command with another function in a step."""
    steps = list(command.steps)
    steps[n] = dataclasses.replace(steps[n], run=run)
    return dataclasses.replace(command, steps=tuple(steps))


__all__ = ["Cut", "House", "house", "with_step"]
