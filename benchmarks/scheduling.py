"""Scheduling: one decision against a NumPy floor and Nova, a burst of starts on paper, and a day of load per policy.

Does: time decisions over a snapshot in memory at 100, 1,000 and 10,000 hosts against the same work as bare NumPy lines (8 filters and 9
ranks, goal <= 4x) and against OpenStack Nova's filter scheduler with its defaults in memory (goal <= 1/20); place 1,000 VMs on 100
hosts one after another and look for overbooked hosts; replay a day (day.py).
`--trace FILE` replays that day alone, `--hosts N` on so many hosts. Starts through an engine: placement.py.
"""

import argparse
import random
import statistics
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import day
from benchmarks.nova import VERSION, NoNova, seconds
from ovis.engine.scheduling.decision import decide
from ovis.engine.scheduling.hosts import Hosts
from ovis.engine.scheduling.policies import SHIPPED, policy_of
from ovis.engine.scheduling.world import Nic, VmFacts, World

_GOAL, _NOVA_GOAL = 4.0, 1 / 20
_POLICIES = ("none", "evenly_distributed", "power_saving", "vm_evenly_distributed")
_SIZES = (100, 1000, 10000)


def _hosts(count: int, seed: int = 1) -> Hosts:
    dice = random.Random(seed)
    return Hosts.of(
        [
            {
                "id": f"h{i}",
                "name": f"host{i:05}",
                "cores": 32,
                "threads": 64,
                "usage": dice.uniform(0, 95),
                "overload_minutes": float("nan"),
                "memory": 262144,
                "free": dice.randrange(8192, 262144),
                "schedulable": dice.randrange(4096, 262144),
                "largest_vm": dice.randrange(1, 16),
                "running": dice.randrange(0, 40),
                "networks": frozenset({"ovirtmgmt", "red"} if dice.random() < 0.9 else {"ovirtmgmt"}),
            }
            for i in range(count)
        ]
    )


VM = VmFacts(memory=8192, vcpus=4, nics=(Nic("red"),))


def _floor(columns: dict[str, Any], codes: Any) -> int:
    """What a decision cannot do without: 8 filters and 9 ranks over arrays, and the best of the sum."""
    ok = columns["cores"] >= 4
    ok &= columns["cores"] - np.maximum(columns["largest_vm"], 4) >= 0
    ok &= columns["usage"] <= 95
    ok &= columns["free"] >= 8272
    ok &= columns["schedulable"] >= 8304
    ok &= columns["running"] < 60
    ok &= np.array([True, True])[codes]
    ok &= np.array([True, False])[codes]
    index = np.flatnonzero(ok)
    load = columns["usage"][index] + 1
    room = columns["schedulable"][index] - 8304
    many = columns["running"][index]
    total = np.zeros(len(index))
    for factor, weight in ((2, load), (1, -room), (1, many)) * 3:
        ordered = np.sort(weight)
        total += factor * (len(index) - 1 - np.searchsorted(ordered, weight, side="left"))
    return int(index[np.argmax(total)])


def _alternating(ours: Any, floor: Any, rounds: int) -> tuple[float, float]:
    """Medians of both, in turns, so that a busy machine hits both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for work, taken in zip((ours, floor), times, strict=True):
            begun = time.perf_counter()
            work()
            taken.append(time.perf_counter() - begun)
    return statistics.median(times[0]), statistics.median(times[1])


def decisions() -> None:
    """A decision by the policy `none`, ratios to the floor and to Nova."""
    policy = policy_of(SHIPPED[0])
    ours: dict[int, float] = {}
    for count in _SIZES:
        hosts = _hosts(count)
        world = World(hosts=hosts, vm=VM, params=policy.params)
        columns = {
            name: hosts[name].copy() for name in ("cores", "largest_vm", "usage", "free", "schedulable", "running")
        }
        codes = hosts.value("networks").codes
        rounds = max(40, 200000 // count // 4)
        decide(world, policy)
        mine, floors = _alternating(partial(decide, world, policy), partial(_floor, columns, codes), rounds)
        ours[count] = mine
        print(
            f"{count:6} hosts: decision {mine * 1e3:.3f} ms, NumPy floor {floors * 1e3:.3f} ms, "
            f"ratio {mine / floors:.1f} (goal {_GOAL:.0f})",
            flush=True,
        )
    try:
        nova = seconds(_SIZES, 3000)
    except NoNova as err:
        print(f"Nova is SKIPPED, it cannot be had here: {err}", flush=True)
        return
    for count, theirs in nova.items():
        print(
            f"{count:6} hosts: Nova {VERSION}'s filters and weighers {theirs * 1e3:.1f} ms, ours {ours[count] / theirs:.4f} of it "
            f"(goal {_NOVA_GOAL:.2f})",
            flush=True,
        )


def burst(vms: int = 1000, count: int = 100) -> None:
    """Starts one after another; each decision sees what those before it were promised."""
    policy = policy_of(SHIPPED[0])
    hosts = Hosts.of(
        [
            {"id": f"h{i}", "name": f"h{i:03}", "cores": 32, "memory": 65536, "free": 65536, "schedulable": 65536}
            for i in range(count)
        ]
    )
    room, running = hosts["schedulable"].copy(), np.zeros(count)
    load = np.zeros(count)
    vm, refused = VmFacts(memory=8192, vcpus=2), 0
    begun = time.perf_counter()
    for _ in range(vms):
        now = hosts.with_numbers(schedulable=room, running=running, pending_load=load)
        found = decide(World(hosts=now, vm=vm, params=policy.params), policy)
        if found.chosen is None:
            refused += 1
            continue
        room[found.chosen] -= vm.need
        running[found.chosen] += 1
        load[found.chosen] += vm.points
    taken = time.perf_counter() - begun
    fit = count * (65536 // vm.need)
    print(
        f"{vms} starts on {count} hosts: {vms / taken:.0f} decisions/s, placed {vms - refused} of {min(vms, fit)} that fit, "
        f"overbooked hosts {int((room < 0).sum())}"
    )


def replay(trace: day.Day) -> None:
    """One line a policy."""
    print(
        f"a day of {len(trace.vms)} VMs on {trace.hosts} hosts of {trace.cores} CPUs, one migration a minute at most:"
    )
    for shipped in SHIPPED:
        if shipped.name in _POLICIES:
            print(f"  {shipped.name:22}{day.replay(trace, policy_of(shipped)).line()}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ovis bench scheduling")
    parser.add_argument("--trace", type=Path, help="a day of load, JSON lines as benchmarks/day.py says")
    parser.add_argument("--hosts", type=int, help="so many hosts, not as many as the trace says")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    args = _arguments()
    try:
        with (args.trace or day.SAMPLE).open(encoding="utf-8") as file:
            trace = day.read(file, args.hosts)
    except (OSError, day.BadTrace) as err:
        raise SystemExit(f"{args.trace} cannot be read: {err}") from err
    if args.trace is None:
        decisions()
        burst()
    replay(trace)


if __name__ == "__main__":
    main()
