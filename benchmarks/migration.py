"""Live migration by VM.migrate against `virsh migrate` of the same guest between the same hosts. Goal: 1.1x.

Does: two real hosts of a rack, a small ticking guest, both ways in turn in one run; wall time until the guest is at home on
the target and gone from the source, and the downtime that QEMU told. Needs root, libvirt, QEMU.
"""

import asyncio
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

import libvirt

from tests.agent.rack import MIB, Agent, Client, Lab, Rack, Storage, console, create, domain, missing, nic, ticks

_ROUNDS = 9
_SETTLE = 1.0
_MEMORY = 128 * MIB
_DONE = libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED | libvirt.VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED


async def _event(client: Client, vm_id: str, *statuses: str) -> None:
    """Wait for a status that is told; much closer than polling."""
    name = f"|virt|VM_status|{vm_id}"
    async with asyncio.timeout(60):
        while not any(n == name and b[vm_id]["status"] in statuses for n, b in client.events):
            await asyncio.sleep(0.002)


async def _by_agent(lab: Lab, one: Client, two: Client) -> tuple[float, float, str, str, str]:
    """(seconds, milliseconds of downtime, id, XML on the source, XML on the target)."""
    vm_id, xml = domain("bench", disks=[await lab.guest(one)], nics=[nic()], memory=_MEMORY, max_memory=_MEMORY)
    await create(one, vm_id, xml)
    await one.until(vm_id, "Powering up")
    await asyncio.to_thread(ticks, console(one.agent, vm_id))
    await asyncio.sleep(_SETTLE)
    source = lab.rack.virsh("h1", "dumpxml", "--security-info", "--migratable", vm_id)
    one.events.clear()
    two.events.clear()
    begun = time.perf_counter()
    wish = {"vmId": vm_id, "dst": f"{two.agent.address}:54321", "abortOnError": True, "autoConverge": True}
    await one("VM.migrate", vmID=vm_id, params=wish)
    await asyncio.gather(_event(one, vm_id, "Down"), _event(two, vm_id, "Up", "Powering up"))
    spent = time.perf_counter() - begun
    row = await one.stats(vm_id)
    assert row["exitReason"] == 4, row
    downtime = (await one("VM.getMigrationStatus", vmID=vm_id))["downtime"]
    target = lab.rack.virsh("h2", "dumpxml", "--security-info", "--migratable", vm_id)
    for client in (one, two):
        await client("VM.destroy", vmID=vm_id)
    return spent, float(downtime), vm_id, source, target


def _by_virsh(lab: Lab, vm_id: str, source: str, target: str, target_uri: str) -> tuple[float, float]:
    """(seconds, milliseconds of downtime); nothing is left."""
    files = {name: lab.rack.dir / f"bench-{name}.xml" for name in ("source", "target")}
    files["source"].write_text(source)
    files["target"].write_text(target)
    uri, address = lab.rack.host("h1")["uri_unix"], lab.rack.host("h2")["address"]
    for verb in (("define", str(files["source"])), ("start", vm_id)):
        subprocess.run(["virsh", "-c", uri, *verb], check=True, capture_output=True, timeout=60)
    ticks(Path(f"{lab.rack.dir}/h1a/run/consoles/{vm_id}.sock"))
    time.sleep(_SETTLE)
    command = ["virsh", "-c", uri, "migrate", "--live", "--p2p", "--persistent", "--undefinesource", "--abort-on-error"]
    command += ["--unsafe", "--auto-converge", "--xml", str(files["target"]), "--persistent-xml", str(files["target"])]
    command += [vm_id, f"qemu+tcp://{address}/system", f"tcp://{address}"]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    spent = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(done.stderr)
    connection = libvirt.open(target_uri)
    found = connection.lookupByUUIDString(vm_id)
    downtime = float(found.jobStats(_DONE).get("downtime", 0))
    found.destroy()
    found.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
    connection.close()
    return spent, downtime


async def _measure(lab: Lab) -> None:
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    target_uri = lab.rack.host("h2")["uri_unix"]
    async with lab.clients() as (one, two):
        for _ in range(_ROUNDS):
            spent, downtime, vm_id, source, target = await _by_agent(lab, one, two)
            ours.append((spent, downtime))
            theirs.append(await asyncio.to_thread(_by_virsh, lab, vm_id, source, target, target_uri))

    def middle(rows: list[tuple[Any, ...]], column: int) -> float:
        return statistics.median(float(row[column]) for row in rows)

    total = middle(ours, 0), middle(theirs, 0)
    down = middle(ours, 1), middle(theirs, 1)
    print(
        f"migration of a {_MEMORY // MIB} MiB guest, median of {_ROUNDS}: total VM.migrate {total[0] * 1e3:.0f} ms, virsh "
        f"{total[1] * 1e3:.0f} ms, {total[0] / total[1]:.2f}x (goal 1.1x); downtime {down[0]:.0f} ms and {down[1]:.0f} ms, "
        f"{down[0] / down[1]:.2f}x (goal 1.1x)"
    )


def main() -> None:
    """Measure and print."""
    why = missing()
    if why:
        print(f"skipped: {why}")
        return
    rack = Rack(2)
    agents: dict[str, Agent] = {}
    try:
        rack.up()
        agents = {name: Agent(rack, name) for name in ("h1", "h2")}
        asyncio.run(_measure(Lab(rack, agents, Storage())))
    finally:
        for agent in agents.values():
            agent.stop()
        rack.down()


if __name__ == "__main__":
    main()
