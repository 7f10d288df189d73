"""A rack of simulated hosts: shared storage, many drivers in one process, each with its own key, certificate and port.

Does: keep what hosts share (storage domains, volumes, tasks), save it, run the hosts. The engine cannot tell them from
real ones: same server, same verbs.
"""

import argparse
import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from ovis.contract.errors import Code, VerbError


class SimulatedRack:
    """Shared state of all hosts of one data folder; a plain dict tree, saved as JSON at most every two seconds."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "simulated.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.drivers: dict[str, Any] = {}  # address:port -> driver
        self.state: dict[str, Any] = {"domains": {}, "pools": {}, "hosts": {}}
        if self._file.exists():
            self.state = msgspec.json.decode(self._file.read_bytes())
        self._dirty = False
        self._saver: asyncio.Task[None] | None = None

    def changed(self) -> None:
        """Something is to be saved."""
        self._dirty = True

    async def start(self) -> None:
        """Begin saving."""
        if self._saver is None:
            self._saver = asyncio.get_running_loop().create_task(self._save_loop())

    async def stop(self) -> None:
        """Save for the last time."""
        if self._saver is not None:
            self._saver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._saver
            self._saver = None
            self.save()

    async def _save_loop(self) -> None:
        while True:
            await asyncio.sleep(2)
            if self._dirty:
                self.save()

    def save(self) -> None:
        """Write the state in one step."""
        self._dirty = False
        temporary = self._file.with_suffix(".new")
        temporary.write_bytes(msgspec.json.encode(self.state))
        os.replace(temporary, self._file)

    # -- storage -----------------------------------------------------------------------------------------------

    def domain(self, domain_id: str) -> dict[str, Any]:
        """A storage domain, or the verb's error."""
        found: dict[str, Any] | None = self.state["domains"].get(domain_id)
        if found is None:
            raise VerbError(Code.STORAGE_DOMAIN_MISSING, f"Storage domain does not exist: {domain_id}")
        return found

    def pool(self, pool_id: str) -> dict[str, Any]:
        """A storage pool, or the verb's error."""
        found: dict[str, Any] | None = self.state["pools"].get(pool_id)
        if found is None:
            raise VerbError(Code.POOL_UNKNOWN, f"Unknown pool id, pool not connected: {pool_id}")
        return found

    def volume(self, domain_id: str, image_id: str, volume_id: str) -> dict[str, Any]:
        """A volume, or the verb's error."""
        found: dict[str, Any] | None = self.domain(domain_id)["images"].get(image_id, {}).get(volume_id)
        if found is None:
            raise VerbError(Code.VOLUME_NOT_FOUND, f"Volume does not exist: {volume_id}")
        return found


async def run_rack(args: argparse.Namespace, stopped: asyncio.Event) -> int:
    """`ovis-agent simulate`: join what has not joined yet, then serve until stopped."""
    from ovis.agent.main.identity import Identity, JoinRefused, join
    from ovis.agent.main.settings import AgentSettings
    from ovis.agent.rpc.server import RpcServer, server_context
    from ovis.agent.simulated.driver import SimulatedDriver
    from ovis.agent.verbs.dispatch import Dispatcher

    folder = Path(args.data).resolve()
    rack = SimulatedRack(folder)
    servers: list[tuple[RpcServer, SimulatedDriver]] = []
    for number in range(1, args.hosts + 1):
        name = f"sim-host-{number:03d}"
        port = args.base_port + number - 1
        settings = AgentSettings(data=str(folder / name), port=port, address="127.0.0.1", driver="simulated")
        identity = Identity(settings.folder)
        driver = SimulatedDriver(settings, identity, rack, name=name)
        if not identity.joined:
            try:
                await asyncio.to_thread(
                    join,
                    args.url,
                    args.token,
                    identity,
                    name=name,
                    address="127.0.0.1",
                    port=port,
                    cluster=args.cluster,
                )
            except JoinRefused as err:
                print(f"ovis-agent: {name}: {err}", file=sys.stderr)
                return 1
        server = RpcServer(Dispatcher(driver))
        await server.start("127.0.0.1", port, server_context(identity))
        await driver.start(server.publish)
        servers.append((server, driver))
    await rack.start()
    print(f"{len(servers)} simulated hosts on ports {args.base_port} to {args.base_port + args.hosts - 1}", flush=True)
    await stopped.wait()
    for server, driver in servers:
        await server.stop()
        await driver.stop()
    await rack.stop()
    return 0
