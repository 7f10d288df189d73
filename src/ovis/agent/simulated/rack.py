"""A rack of simulated hosts: shared storage, many drivers in one process, each with its own key, certificate and port.

Does: keep what hosts share (storage domains, volumes), save it, run the hosts, cut them off on demand. The engine cannot
tell them from real ones: same server, same verbs. What a verb has answered outlives a killed rack, as it would on disks.
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

FAULT_SECONDS = 0.2  # how often a host's faults are looked at


class SimulatedRack:
    """Shared state of all hosts of one data folder: a plain dict tree, saved as JSON at the end of the loop's turn."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "simulated.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.drivers: dict[str, Any] = {}  # by the host's name
        self.state: dict[str, Any] = {"domains": {}, "pools": {}}
        if self._file.exists():
            self.state = msgspec.json.decode(self._file.read_bytes())
        self._dirty = False

    def changed(self) -> None:
        """Something is to be saved: now, together with what else changes in this turn of the loop."""
        if not self._dirty:
            self._dirty = True
            asyncio.get_running_loop().call_soon(self.save)

    def save(self) -> None:
        """Write the state in one step."""
        if not self._dirty:
            return
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
    hosts: list[_Host] = []
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
        host = _Host(RpcServer(Dispatcher(driver)), driver, port, server_context(identity))
        await host.answer()
        await driver.start(host.server.publish)
        hosts.append(host)
    print(f"{len(hosts)} simulated hosts on ports {args.base_port} to {args.base_port + args.hosts - 1}", flush=True)
    watch = asyncio.create_task(_faults(hosts))
    await stopped.wait()
    watch.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watch
    for host in hosts:
        await host.fall_silent()
        await host.driver.stop()
    rack.save()
    return 0


class _Host:
    """One host's server and driver; it may be cut off from the world and come back."""

    def __init__(self, server: Any, driver: Any, port: int, context: Any) -> None:
        self.server, self.driver = server, driver
        self._port, self._context = port, context
        self.listening = False

    async def answer(self) -> None:
        """Listen."""
        await self.server.start("127.0.0.1", self._port, self._context)
        self.listening = True

    async def fall_silent(self) -> None:
        """Hang up and listen no more."""
        self.listening = False
        await self.server.stop()


async def _faults(hosts: list[_Host]) -> None:
    """Faults of the world around a host: `partitioned` (nobody reaches it, guests go on), `off` (its guests die)."""
    while True:
        await asyncio.sleep(FAULT_SECONDS)
        for host in hosts:
            faults = host.driver.faults()
            off = bool(faults.get("off"))
            away = off or bool(faults.get("partitioned"))
            if off:
                host.driver.power_cut()
            if away and host.listening:
                await host.fall_silent()
            elif not away and not host.listening:
                await host.answer()
