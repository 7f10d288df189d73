"""Host.getAllVmStats for 20 VMs against libvirt's own getAllDomainStats on the same host. Goal: 1.3x.

Does: a real host of a rack with 20 small guests, both ways in turn in one run. What counts is a call for which the agent
asked libvirt anew; most polls are answered from its last sample, which is told beside it. Needs root, libvirt, QEMU.
"""

import asyncio
import statistics
import time
from typing import Any

import libvirt

from ovis.agent.virt.stats import SAMPLE_SECONDS
from tests.agent.rack import Agent, Client, Lab, Rack, Storage, create, domain, missing, nic

_VMS = 20
_ROUNDS = 7
_GROUPS = (
    libvirt.VIR_DOMAIN_STATS_STATE
    | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)


async def _fill(lab: Lab, client: Client) -> None:
    for number in range(_VMS):
        vm_id, xml = domain(f"b{number}", disks=[await lab.guest(client)], nics=[nic()], paused=True)
        await create(client, vm_id, xml)
        await client.until(vm_id, "Paused", limit=120)


async def _by_agent(client: Client) -> tuple[float, bool]:
    """(seconds, whether libvirt was asked for it)."""
    at, begun = time.time(), time.perf_counter()
    rows = await client("Host.getAllVmStats")
    spent = time.perf_counter() - begun
    assert len(rows) == _VMS
    return spent, all(n["sampleTime"] >= at for row in rows for n in row["network"].values())


def _by_libvirt(connection: Any) -> float:
    begun = time.perf_counter()
    found = connection.getAllDomainStats(_GROUPS, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT)
    spent = time.perf_counter() - begun
    assert len(found) == _VMS
    return spent


async def _measure(lab: Lab, uri: str) -> None:
    fresh: list[float] = []
    kept: list[float] = []
    own: list[float] = []
    async with lab.clients("h1") as (client,):
        await _fill(lab, client)
        connection = libvirt.openReadOnly(uri)
        await _by_agent(client)
        while len(fresh) < _ROUNDS:
            await asyncio.sleep(SAMPLE_SECONDS / 2 + 0.1)
            own.append(await asyncio.to_thread(_by_libvirt, connection))
            spent, asked = await _by_agent(client)
            if asked:
                fresh.append(spent)
                kept.append((await _by_agent(client))[0])
        connection.close()
    agent, theirs, memory = (statistics.median(v) * 1e3 for v in (fresh, own, kept))
    print(
        f"statistics of {_VMS} VMs, median of {_ROUNDS}: Host.getAllVmStats {agent:.1f} ms, libvirt's getAllDomainStats "
        f"{theirs:.1f} ms, {agent / theirs:.2f}x (goal 1.3x); from the last sample {memory:.1f} ms"
    )


def main() -> None:
    """Measure and print."""
    why = missing()
    if why:
        print(f"skipped: {why}")
        return
    rack = Rack(1)
    agents: dict[str, Agent] = {}
    try:
        rack.up()
        agents = {"h1": Agent(rack, "h1")}
        asyncio.run(_measure(Lab(rack, agents, Storage()), rack.host("h1")["uri_unix"]))
    finally:
        for agent in agents.values():
            agent.stop()
        rack.down()


if __name__ == "__main__":
    main()
