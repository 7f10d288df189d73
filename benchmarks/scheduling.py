"""Scheduling: one decision against a NumPy floor, a burst of starts, and a day of load per policy.

Does: time decisions over a snapshot in memory at 100, 1,000 and 10,000 hosts against the same work as bare NumPy lines (8
filters and 9 ranks, goal <= 4x); place 1,000 VMs on 100 hosts one after another, counting what is promised, and look for
overbooked hosts; with `--trace FILE` replay load and say imbalance, migrations and violations for each policy.
A trace is JSON lines `{"minute": M, "vm": NAME, "usage": PER CENT}` after a first line `{"hosts": N, "vms": N, "vcpus": N}`;
without a file a day of 50 hosts and 500 VMs is made up, always the same.
"""

import argparse
import json
import math
import random
import statistics
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ovis.engine.scheduling.decision import decide
from ovis.engine.scheduling.hosts import Hosts
from ovis.engine.scheduling.policies import SHIPPED, Policy, policy_of
from ovis.engine.scheduling.unit import Balancer
from ovis.engine.scheduling.units import BY_ID
from ovis.engine.scheduling.world import Nic, VmFacts, World

_GOAL = 4.0
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


def _median(work: Any, rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def decisions() -> None:
    """A decision by the policy `none`, ratios to the floor."""
    policy = policy_of(SHIPPED[0])
    for count in _SIZES:
        hosts = _hosts(count)
        world = World(hosts=hosts, vm=VM, params=policy.params)
        columns = {
            name: hosts[name].copy() for name in ("cores", "largest_vm", "usage", "free", "schedulable", "running")
        }
        codes = hosts.value("networks").codes
        rounds = max(20, 200000 // count // 10)
        decide(world, policy)
        ours, floor = _median(partial(decide, world, policy), rounds), _median(partial(_floor, columns, codes), rounds)
        print(
            f"{count:6} hosts: decision {ours * 1e3:.3f} ms, NumPy floor {floor * 1e3:.3f} ms, "
            f"ratio {ours / floor:.1f} (goal {_GOAL:.0f})",
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


@dataclass
class _Day:
    hosts: int
    vms: int
    vcpus: int
    samples: list[tuple[int, str, float]]


def _made_up() -> _Day:
    """Office hours: most VMs are busy by day, some by night, each with its own noise."""
    dice = random.Random(7)
    samples = []
    night = {f"vm{i}" for i in range(500) if dice.random() < 0.2}
    for minute in range(0, 1440, 5):
        wave = 0.5 - 0.5 * math.cos(2 * math.pi * (minute - 180) / 1440)
        for i in range(500):
            name = f"vm{i}"
            level = (1 - wave if name in night else wave) * 70 * (0.4 + (i % 7) / 5)
            samples.append((minute, name, max(0.0, min(100.0, level + dice.gauss(0, 8)))))
    return _Day(50, 500, 2, samples)


def _read(path: Path) -> _Day:
    with path.open(encoding="utf-8") as file:
        head = json.loads(next(file))
        rows = [json.loads(line) for line in file if line.strip()]
    return _Day(
        int(head["hosts"]),
        int(head["vms"]),
        int(head.get("vcpus", 2)),
        [(int(r["minute"]), str(r["vm"]), float(r["usage"])) for r in rows],
    )


def replay(day: _Day) -> None:
    """One line a policy: standard deviation of host loads, migrations, minutes of hosts above 90 %, empty hosts."""
    by_minute: dict[int, dict[str, float]] = {}
    for minute, vm, usage in day.samples:
        by_minute.setdefault(minute, {})[vm] = usage
    for shipped in SHIPPED:
        if shipped.name in ("none", "evenly_distributed", "power_saving", "vm_evenly_distributed"):
            print(f"  {shipped.name:22}" + _replayed(day, by_minute, policy_of(shipped)), flush=True)


def _replayed(day: _Day, by_minute: dict[int, dict[str, float]], policy: Policy) -> str:
    cores = 16
    names = [f"h{i:03}" for i in range(day.hosts)]
    vms = {
        f"vm{i}": VmFacts(id=f"vm{i}", name=f"vm{i}", status="up", memory=4096, vcpus=day.vcpus) for i in range(day.vms)
    }
    place: dict[str, str] = {}
    usage: dict[str, float] = dict.fromkeys(vms, 10.0)
    since: dict[str, int] = {}

    def world(vm: VmFacts, minute: int, everything: bool) -> World:
        points = dict.fromkeys(names, 0.0)
        count = dict.fromkeys(names, 0)
        for v, host in place.items():
            points[host] += usage[v] * day.vcpus
            count[host] += 1
        rows = []
        for name in names:
            load = min(100.0, points[name] / cores)
            since.setdefault(name, minute) if load >= 60 else since.pop(name, None)
            rows.append(
                {
                    "id": name,
                    "name": name,
                    "cores": cores,
                    "usage": load,
                    "overload_minutes": minute - since[name] if name in since else float("nan"),
                    "schedulable": 131072 - count[name] * 4200,
                    "free": 131072 - count[name] * 4200,
                    "memory": 131072,
                    "vms": count[name],
                    "running": count[name],
                    "largest_vm": day.vcpus,
                }
            )
        found = [replace(vms[v], host=h, load=usage[v] * day.vcpus) for v, h in place.items()] if everything else []
        return World(hosts=Hosts.of(rows), vm=vm, params=policy.params, vms=found)

    for vm in vms.values():
        found = decide(world(vm, 0, False), policy)
        if found.host_id is not None:
            place[vm.id] = found.host_id
    unit = BY_ID[policy.balance or ""]
    assert isinstance(unit, Balancer)
    moves = hot = samples = 0
    spread: list[float] = []
    empty: list[int] = []
    for minute in sorted(by_minute):
        usage.update({v: u for v, u in by_minute[minute].items() if v in vms})
        scene = world(next(iter(vms.values())), minute, True)
        for move in unit.rule(scene).moves[:1]:
            vm = next(v for v in scene.vms if v.id == move.vm)
            scene.vm = vm
            chosen = decide(scene, policy, only=move.hosts).host_id
            if chosen is not None and chosen != vm.host:
                place[vm.id] = chosen
                moves += 1
        loads = scene.hosts["usage"]
        spread.append(float(loads.std()))
        hot += int((loads > 90).sum())
        samples += len(names)
        empty.append(int((scene.hosts["vms"] == 0).sum()))
    return (
        f"placed {len(place)}, imbalance {statistics.mean(spread):5.1f} points, migrations {moves:4}, "
        f"hosts above 90 %: {100 * hot / max(1, samples):.1f} % of the time, empty hosts {statistics.mean(empty):.1f}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ovis bench scheduling")
    parser.add_argument("--trace", type=Path, help="a day of load, JSON lines")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    args = _arguments()
    decisions()
    burst()
    day = _read(args.trace) if args.trace else _made_up()
    print(f"a day of {day.vms} VMs on {day.hosts} hosts, one move in five minutes at most:")
    replay(day)


if __name__ == "__main__":
    main()
