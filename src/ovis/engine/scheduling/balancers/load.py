"""What balancers by load share: which hosts are busy, which VMs may leave, and where they would fit. Pure."""

import numpy as np

from ovis.engine.scheduling.hosts import Flags, Numbers
from ovis.engine.scheduling.unit import Move
from ovis.engine.scheduling.world import VmFacts, World


def loads(w: World) -> Numbers:
    """Per cent of the shared CPUs, rounded up."""
    found: Numbers = np.ceil(w.points() / np.maximum(1.0, w.shared_cpus()))
    return found


def busy(w: World, high: float, minutes: float) -> Flags:
    """Hosts whose load has reached `high` for that long, with VMs."""
    hosts = w.hosts
    long: Flags = np.nan_to_num(hosts["overload_minutes"], nan=-1.0) >= minutes
    found: Flags = (hosts["up"] > 0) & (loads(w) >= high) & long & (hosts["vms"] > 0)
    return found


def movable(w: World, host_id: str) -> list[VmFacts]:
    """VMs of a host that may be moved without asking, the smallest user of CPU first."""
    found = [
        v
        for v in w.vms
        if v.host == host_id and v.migration == "migratable" and not v.hosted_engine and v.status in MOVING
    ]
    return sorted(found, key=lambda v: (v.points, v.name))


MOVING = ("up", "powering_up", "down")  # "down": the case does not say


def cpu_moves(w: World, sources: Flags, targets: Flags, high: float) -> list[Move]:
    """VMs of the busiest source first that still fit below `high` on a target, which keeps memory to promise."""
    hosts, load, points, cpus = w.hosts, loads(w), w.points(), np.maximum(1.0, w.shared_cpus())
    keep = w.number("MaxFreeMemoryForOverUtilized", 0)
    moves = []
    for source in _ordered(sources, -load, hosts.names):
        for vm in movable(w, hosts.ids[source]):
            fits = (
                targets
                & ((points + vm.points) / cpus <= high)
                & (hosts["schedulable"] - vm.need > keep if keep else hosts["schedulable"] >= vm.need)
            )
            fits[source] = False
            ids = [hosts.ids[i] for i in _ordered(fits, load, hosts.names)]
            if ids:
                why = f"host {hosts.names[source]} uses {load[source]:.0f} % of its CPUs"
                moves.append(Move(vm.id, (*ids, hosts.ids[source]), why))
    return moves


def memory_moves(w: World, sources: Flags, targets: Flags) -> list[Move]:
    """VMs of the source with the least memory left, the largest last, to targets that keep enough."""
    hosts, room = w.hosts, w.hosts["schedulable"]
    keep = w.number("MaxFreeMemoryForOverUtilized", 0)
    moves = []
    for source in _ordered(sources, room, hosts.names):
        for vm in sorted(movable(w, hosts.ids[source]), key=lambda v: (v.memory, v.name)):
            fits = targets & (room - vm.need > keep)
            fits[source] = False
            ids = [hosts.ids[i] for i in _ordered(fits, -room, hosts.names)]
            if ids:
                why = f"host {hosts.names[source]} has {room[source]:.0f} MiB left to promise"
                moves.append(Move(vm.id, (*ids, hosts.ids[source]), why))
    return moves


def _ordered(flags: Flags, by: Numbers, names: tuple[str, ...]) -> list[int]:
    return sorted((int(i) for i in np.flatnonzero(flags)), key=lambda i: (by[i], names[i]))
