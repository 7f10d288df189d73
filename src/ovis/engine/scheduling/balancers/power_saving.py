"""Balancer OptimalForPowerSaving: VMs gather on few hosts; empty ones rest. Pure."""

import numpy as np

from ovis.engine.scheduling.balancers.load import busy, cpu_moves, loads, memory_moves
from ovis.engine.scheduling.hosts import Flags, Hosts
from ovis.engine.scheduling.unit import AMOUNT, LOW, MINUTES, UTILIZATION, Balance, Balancer, PowerAction
from ovis.engine.scheduling.world import World


def rule(w: World) -> Balance:
    """Busy hosts first (they count as busy early), then hardly used ones are emptied; then the hosts' power."""
    hosts = w.hosts
    high = w.number("HighUtilization", 75)
    low = w.number("LowUtilization", 20)
    up = (hosts["up"] > 0) & (hosts["migrating"] == 0)
    load = loads(w)
    early = min(high * 0.8, high - 10)
    minutes = w.number("CpuOverCommitDurationMinutes", 2)
    over = busy(w, early, minutes) & up
    under = up & (load < low) & (hosts["vms"] >= 1) & ~over
    targets = up & (load < early) & (hosts["vms"] >= 1)
    moves = cpu_moves(w, over, up & (load < early), high)
    moves += cpu_moves(w, under, targets & ~under, high) or cpu_moves(w, _least(under, w), targets, high)
    keep = w.number("MaxFreeMemoryForOverUtilized", 0)
    if keep:
        room = hosts["schedulable"]
        short = up & (room < keep) & (hosts["vms"] >= 1)
        moves += memory_moves(w, short, up & (room > keep) & ~short)
    power = _power(w) if w.params.get("EnableAutomaticHostPowerManagement", "false") == "true" else None
    return Balance(tuple(moves), power)


def _least(under: Flags, w: World) -> Flags:
    """Of hosts that are hardly used the least used one alone: two must not empty into each other."""
    found = np.zeros(len(w.hosts), dtype=np.bool_)
    if int(under.sum()) > 1:
        load = w.points() / np.maximum(
            1.0, w.shared_cpus()
        )  # not rounded, as weights see it: else they bring the VM back
        many = w.hosts["vms"]
        found[min((int(i) for i in np.flatnonzero(under)), key=lambda i: (load[i], many[i], w.hosts.names[i]))] = True
    return found


def _power(w: World) -> PowerAction | None:
    """One change a round, so that HostsInReserve empty hosts are up: the rest rest, first in maintenance, then off."""
    hosts = w.hosts
    reserve = int(w.number("HostsInReserve", 0))
    managed = hosts["pm"] > 0
    empty = (hosts["up"] > 0) & (hosts["vms"] + hosts["pending_vms"] <= 0) & (hosts["migrating"] == 0)
    resting = (hosts["resting"] > 0) & (hosts["pm_by_policy"] > 0)
    off = (hosts["off"] > 0) & (hosts["pm_by_policy"] > 0) & managed
    spare = int(empty.sum())
    if spare > reserve:
        first = _first(empty & managed & (hosts["spm"] == 0), hosts)
        if first is not None:
            return PowerAction(first, "maintenance")
    if int(resting.sum()) > 1 or (spare >= reserve and resting.any()):
        first = _first(resting & managed, hosts)
        if first is not None:
            return PowerAction(first, "down")
    if spare < reserve:
        first = _first(resting, hosts) or _first(off, hosts)
        if first is not None:
            return PowerAction(first, "up")
    return None


def _first(flags: Flags, hosts: Hosts) -> str | None:
    found = np.flatnonzero(flags)
    return hosts.ids[min(found, key=lambda i: hosts.names[i])] if len(found) else None


UNIT = Balancer(
    id="736999d0-1023-46a4-9a75-1316ed50e151",
    name="OptimalForPowerSaving",
    doc="VMs gather on few hosts; empty ones rest.",
    rule=rule,
    parameters={
        "HighUtilization": UTILIZATION,
        "MaxFreeMemoryForOverUtilized": AMOUNT,
        "MinFreeMemoryForUnderUtilized": AMOUNT,
        "CpuOverCommitDurationMinutes": MINUTES,
        "LowUtilization": LOW,
        "EnableAutomaticHostPowerManagement": "^(true|false)$",
        "HostsInReserve": "^[0-9][0-9]*$",
    },
)
