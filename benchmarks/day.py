"""A day of load on paper: what a policy does with it, minute by minute, as balancing rounds do.

Does: read a trace, start and stop its VMs, give every minute one round (affinity rules first, then the balancer, one migration at
most, nothing goes back within ten minutes), and count. Does not: time anything, or touch an engine; decisions are the engine's own.
`python -m benchmarks.day > benchmarks/data/day.jsonl` makes the sample trace.

A trace is JSON lines. First what there is: `{"hosts": 10, "cores": 32, "memory_mib": 131072, "vms": [{"name": "web0", "vcpus": 4,
"memory_mib": 8192}, ...], "apart": [["db0", "db1"]], "together": []}`; then, in order, `{"minute": 0, "usage": [12, null, ...]}`: of every VM the
per cent of its CPUs that it uses from then on, null while it is off.
"""

import json
import math
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ovis.engine.resources.balancing.affinity_moves import candidates
from ovis.engine.resources.balancing.damping import Damping
from ovis.engine.scheduling.decision import decide
from ovis.engine.scheduling.hosts import Hosts
from ovis.engine.scheduling.policies import Policy
from ovis.engine.scheduling.unit import Balancer, Move
from ovis.engine.scheduling.units import BY_ID
from ovis.engine.scheduling.world import Group, Rule, VmFacts, World

BACK_MINUTES = 10
DAY = 1440
SAMPLE = Path(__file__).parent / "data/day.jsonl"
Usage = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Day:
    """A trace. samples: (minute, use of each VM)."""

    hosts: int
    cores: int
    memory: int
    vms: tuple[VmFacts, ...]
    groups: tuple[Group, ...]
    samples: tuple[tuple[int, Usage], ...]


@dataclass(slots=True)
class Report:
    """What came of it. imbalance: the hosts' loads' standard deviation, each minute's. Minutes are those of hosts or rules."""

    imbalance: list[float] = field(default_factory=list)
    memory_imbalance: list[float] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)
    migrations: int = 0
    refused: int = 0
    hot_minutes: int = 0
    overbooked_minutes: int = 0
    rule_minutes: int = 0

    def line(self) -> str:
        """One line."""
        return (
            f"imbalance CPU {np.mean(self.imbalance):4.1f}, memory {np.mean(self.memory_imbalance):4.1f} points; "
            f"migrations {self.migrations:4}; violations: hosts above 90 % {self.hot_minutes} min, overbooked {self.overbooked_minutes} min, "
            f"rules broken {self.rule_minutes} min, starts refused {self.refused}; empty hosts {np.mean(self.empty):.1f}"
        )


class BadTrace(Exception):
    """A trace that cannot be read; says where."""


def read(lines: Iterable[str], hosts: int | None = None) -> Day:
    """A trace; hosts: their number instead of what it says."""
    rows: list[dict[str, Any]] = []
    try:
        for line in lines:
            if line.strip():
                rows.append(json.loads(line))
        head, *rest = rows
        vms = tuple(
            VmFacts(id=v["name"], name=v["name"], status="up", vcpus=int(v["vcpus"]), memory=int(v["memory_mib"]))
            for v in head["vms"]
        )
        groups = tuple(
            Group(
                id=f"{key}{n}",
                name=f"{key}{n}",
                vms=frozenset(names),
                vm_rule=Rule(enabled=True, positive=key == "together", enforcing=True),
            )
            for key in ("apart", "together")
            for n, names in enumerate(head.get(key) or ())
        )
        samples = tuple((int(r["minute"]), tuple(r["usage"])) for r in rest)
        if not vms or not samples or any(len(usage) != len(vms) for _, usage in samples):
            raise BadTrace("a trace has VMs, and in every line a use of each")
        return Day(hosts or int(head["hosts"]), int(head["cores"]), int(head["memory_mib"]), vms, groups, samples)
    except (KeyError, TypeError, ValueError) as err:
        raise BadTrace(f"line {len(rows) + 1} or its parts: {type(err).__name__}: {err}") from err


class _Place:
    """The hosts in mid-day."""

    def __init__(self, day: Day, policy: Policy) -> None:
        self.day, self.policy = day, policy
        ids = [f"host{n:03}" for n in range(day.hosts)]
        columns = {"cores": day.cores, "threads": day.cores, "memory": day.memory}
        self.hosts = Hosts.of([{"id": i, "name": i, **columns} for i in ids])
        self.where: dict[str, str] = {}
        self.usage: dict[str, float] = {}
        self.busy_since = np.full(day.hosts, np.nan)
        self.minute = 0
        self._now: World | None = None
        self.damping = Damping(BACK_MINUTES, lambda: self.minute)

    def world(self, vm: VmFacts | None = None) -> World:
        """As the scheduler sees it now. vm: what is to be placed."""
        if self._now is None:
            self._now = self._look()
        long = self.minute - self.busy_since
        hosts = self._now.hosts.with_numbers(overload_minutes=long)
        found = replace(self._now, hosts=hosts)
        if vm is not None:
            found.vm = next((v for v in found.vms if v.id == vm.id), vm)
        return found

    def _look(self) -> World:
        count = len(self.hosts)
        points, many, largest, promised = (np.zeros(count) for _ in range(4))
        running = []
        for each in self.day.vms:
            home = self.where.get(each.id)
            at = self.hosts.at(home)
            if at is None:
                continue
            load = self.usage[each.id] * each.vcpus
            points[at] += load
            many[at] += 1
            largest[at] = max(float(largest[at]), each.vcpus)
            promised[at] += each.need
            running.append(replace(each, host=home, load=load))
        usage = np.minimum(100.0, points / self.day.cores)
        self.busy_since = np.where(usage >= 50, np.fmin(self.busy_since, self.minute), np.nan)
        room = self.hosts["memory"] - promised
        hosts = self.hosts.with_numbers(
            usage=usage,
            vms=many,
            running=many,
            largest_vm=largest,
            schedulable=np.maximum(0.0, room),
            free=np.maximum(0.0, room),
            reserved=room,
        )
        params, groups = self.policy.params, self.day.groups
        return World(hosts=hosts, params=params, groups=groups, running=dict(self.where), vms=running)

    def _put(self, vm_id: str, host_id: str | None) -> None:
        self._now = None
        if host_id is None:
            self.where.pop(vm_id, None)
        else:
            self.where[vm_id] = host_id

    def sample(self, usage: Usage, report: Report) -> None:
        """VMs that are on and off from now on."""
        for vm, now in zip(self.day.vms, usage, strict=True):
            if now is None:
                self._put(vm.id, None)
                continue
            self.usage[vm.id] = min(100.0, max(0.0, float(now)))
            self._now = None
            if vm.id not in self.where:
                chosen = decide(self.world(vm), self.policy).host_id
                if chosen is None:
                    report.refused += 1
                else:
                    self._put(vm.id, chosen)

    def round(self) -> int:
        """One round: the migrations that it made, 0 or 1."""
        world = self.world()
        vms = {v.id: v for v in world.vms}
        for vm, group, _ in candidates(world.groups, vms, world.running):
            if self._move(vm, Move(vm.id, (), group.name)):
                return 1
        unit = BY_ID.get(self.policy.balance or "")
        moves = unit.rule(world).moves if isinstance(unit, Balancer) else ()
        return int(any(self._move(vms[move.vm], move) for move in moves))

    def _move(self, vm: VmFacts, move: Move) -> bool:
        source = self.where[vm.id]
        barred = self.damping.forbidden(vm.id) - {source}
        only = [h for h in move.hosts if h not in barred]
        if move.hosts and set(only) <= {source}:
            return False
        chosen = decide(self.world(vm), self.policy, only=only, out=dict.fromkeys(barred, "left lately")).host_id
        if chosen is None or chosen == source:
            return False
        self._put(vm.id, chosen)
        self.damping.moved(vm.id, source)
        return True

    def count(self, report: Report) -> None:
        """One minute as it is."""
        world = self.world()
        hosts = world.hosts
        report.imbalance.append(float(hosts["usage"].std()))
        report.memory_imbalance.append(float((100 * hosts["schedulable"] / hosts["memory"]).std()))
        report.empty.append(int((hosts["vms"] == 0).sum()))
        report.hot_minutes += int((hosts["usage"] > 90).sum())
        report.overbooked_minutes += int((hosts["reserved"] < 0).sum())
        report.rule_minutes += sum(_broken(group, self.where) for group in self.day.groups)


def _broken(group: Group, where: dict[str, str]) -> bool:
    places = [where[v] for v in group.vms if v in where]
    different = len(set(places))
    return different > 1 if group.vm_rule.positive else different < len(places)


def replay(day: Day, policy: Policy) -> Report:
    """The whole day under a policy."""
    report, place = Report(), _Place(day, policy)
    ends = [minute for minute, _ in day.samples[1:]] + [day.samples[-1][0] + 1]
    for (minute, usage), end in zip(day.samples, ends, strict=True):
        place.minute = minute
        place.sample(usage, report)
        for now in range(minute, max(end, minute + 1)):
            place.minute = now
            report.migrations += place.round()
            place.count(report)
    return report


def sample() -> Iterator[str]:
    """The sample trace: web servers that are busy by day, batch by night, databases apart, desktops in office hours."""
    dice = random.Random(7)
    kinds = [("web", 24, 4, 8192), ("batch", 12, 8, 16384), ("db", 6, 8, 32768), ("desk", 38, 2, 4096)]
    vms = [
        {"name": f"{kind}{n}", "vcpus": vcpus, "memory_mib": mib}
        for kind, many, vcpus, mib in kinds
        for n in range(many)
    ]
    rush = {n: dice.randrange(360, 1200) for n in range(len(vms)) if dice.random() < 0.3}  # two hours when it uses all
    pairs = [[f"db{n}", f"db{n + 1}"] for n in (0, 2, 4)]
    head = {"hosts": 7, "cores": 24, "memory_mib": 131072, "vms": vms, "apart": pairs, "together": [["web0", "web1"]]}
    yield json.dumps(head)
    for minute in range(0, DAY, 15):
        sun = 0.5 - 0.5 * math.cos(2 * math.pi * (minute - 120) / DAY)
        usage: list[int | None] = []
        for number, vm in enumerate(vms):
            kind = str(vm["name"]).rstrip("0123456789")
            base = {"web": 15 + 65 * sun, "batch": 5 + 90 * (1 - sun) ** 2, "db": 20 + 40 * sun, "desk": 10 + 30 * sun}[
                kind
            ]
            off = kind == "desk" and not 420 + 7 * (number % 9) <= minute < 1080 + 11 * (number % 9)
            level = base * (0.6 + number % 5 / 5) + dice.gauss(0, 6)
            if number in rush and rush[number] <= minute < rush[number] + 120:
                level = 98.0
            usage.append(None if off else round(min(100.0, max(1.0, level))))
        yield json.dumps({"minute": minute, "usage": usage})


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in sample())
