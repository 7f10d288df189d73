"""Power of simulated hosts: what a host's fence agent `simulated` does to another host of the rack.

Does: switch the fault `off` of the host that `addr` names, and tell the power. Other agents are not installed here.
Faults of the host that is asked: `fail_fence` (why). With a policy, a host that has power renews its leases: it is spared.
"""

import os
from collections.abc import Callable
from typing import Any

import msgspec

from ovis.agent.simulated.rack import SimulatedRack
from ovis.contract.errors import Code, VerbError


class SimulatedFence:
    """Mixed into the driver."""

    rack: SimulatedRack
    faults: Callable[[], dict[str, Any]]

    async def host_fence_node(self, addr: str, agent: str, action: str, policy: Any = None) -> dict[str, Any]:
        if agent != "simulated":
            raise VerbError(Code.GENERAL, f"Fence agent {agent[:40]!r} is not installed on this host.")
        why = self.faults().get("fail_fence")
        if why:
            raise VerbError(Code.GENERAL, f"Fence agent {agent} failed: {why}")
        host = next((d for d in self.rack.drivers.values() if d.name == addr), None)
        if host is None:
            raise VerbError(Code.GENERAL, f"Fence agent {agent} failed: no host {addr[:60]!r} is in this rack")
        faults = dict(host.faults())
        if action == "status":
            return {"power": "off" if faults.get("off") else "on", "operationStatus": "initiated"}
        if policy and action != "on" and not faults.get("off"):
            return {"power": "unknown", "operationStatus": "skipped"}
        for wanted in {"reboot": (True, False), "off": (True,), "on": (False,)}[action]:
            _write(host, faults | {"off": wanted})
            if wanted:
                host.power_cut()
        return {"power": "unknown", "operationStatus": "initiated"}


def _write(host: Any, faults: dict[str, Any]) -> None:
    """Its control file, in one step."""
    temporary = host._faults_file.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode({name: value for name, value in faults.items() if value}))
    os.replace(temporary, host._faults_file)
