"""What a host reports of itself: /hosts/ID/statistics, /numanodes with their statistics, /hooks.

Follows: capabilities and statistics of VDSM; statistic names of engine 4.5.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import PUBLIC, Op, Resource
from ovis.engine.model.types import Core, Cpu, Hook, Host, NumaNode, Statistic
from ovis.engine.resources import bodies
from ovis.engine.resources.hosts import report
from ovis.engine.resources.hosts.report import MIB, number
from ovis.engine.resources.live import capabilities, host_facts, known_hosts
from ovis.engine.resources.statistics import NUMA_STATISTICS, C, Measure, U, build, huge_page_statistics
from ovis.engine.store.session import Reader

MEASURES: tuple[Measure, ...] = (
    *(
        Measure(f"memory.{name}", f"{name.capitalize()} memory", U.BYTES)
        for name in ("total", "used", "free", "shared", "buffers", "cached")
    ),
    *(Measure(f"swap.{name}", f"{name.capitalize()} swap", U.BYTES) for name in ("total", "free", "used", "cached")),
    Measure("ksm.cpu.current", "KSM CPU usage", U.PERCENT),
    Measure("cpu.current.user", "User CPU usage", U.PERCENT),
    Measure("cpu.current.system", "System CPU usage", U.PERCENT),
    Measure("cpu.current.idle", "Idle CPU usage", U.PERCENT),
    Measure("cpu.load.avg.5m", "CPU 5 minute load average", U.PERCENT),
    Measure("boot.time", "Boot time of the machine", U.NONE, C),
)


def _statistics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Statistic]]:
    facts = host_facts(rd, parents)
    # The size of memory is the host's own, where another engine has met the machine.
    hosts = rd.get_many(Host, parents)
    out = {}
    for parent in parents:
        host, stats = hosts.get(parent), facts.get(parent, {})
        values = report.statistics(stats, (host.memory if host else None) or 0)
        pools = {int(number(size)): pool for size, pool in (stats.get("hugepages") or {}).items()}
        for size, pool in pools.items():
            values[f"hugepages.{size}.free"] = number(pool.get("free_hugepages"))
            values[f"hugepages.{size}.total"] = number(pool.get("nr_hugepages"))
        measures = (*MEASURES, *huge_page_statistics(pools))
        out[parent] = build("host", parent, measures, values, host=Host(id=parent))
    return out


def _hooks(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Hook]]:
    return {
        parent: [
            Hook(
                id=bodies.derived_id("hook", parent, point, script),
                name=script,
                event_name=point,
                md5=str((facts or {}).get("checksum") or (facts or {}).get("md5") or ""),
                host=Host(id=parent),
            )
            for point, scripts in sorted((capabilities(parent).get("hooks") or {}).items())
            for script, facts in sorted(scripts.items())
        ]
        for parent in parents
    }


# -- NUMA ---------------------------------------------------------------------------------------------------------


def _node_id(host_id: str, index: str) -> str:
    return bodies.derived_id("numa", host_id, index)


def _nodes(host_id: str) -> list[tuple[str, Mapping[str, Any]]]:
    found = (capabilities(host_id).get("numaNodes") or {}).items()
    return sorted(((str(index), facts) for index, facts in found), key=lambda row: int(row[0]))


def _numa(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[NumaNode]]:
    out = {}
    for parent in parents:
        distances = capabilities(parent).get("numaNodeDistance") or {}
        out[parent] = [
            NumaNode(
                id=_node_id(parent, index),
                index=int(index),
                memory=int(number(facts.get("totalMemory"))),
                cpu=Cpu(cores=[Core(index=int(number(c))) for c in facts.get("cpus") or ()]),
                node_distance=" ".join(str(d) for d in distances.get(index) or ()) or None,
                host=Host(id=parent),
            )
            for index, facts in _nodes(parent)
        ]
    return out


def _node_values(index: str, node: Mapping[str, Any], stats: Mapping[str, Any]) -> dict[str, float]:
    total = number(node.get("totalMemory")) * MIB
    reported = (stats.get("numaNodeMemFree") or {}).get(index)
    free = number(reported.get("memFree")) * MIB if reported else 0.0
    cpus = [c for c in (stats.get("cpuStatistics") or {}).values() if str(c.get("nodeIndex")) == index]

    def mean(key: str) -> float:
        return sum(number(c.get(key)) for c in cpus) / len(cpus) if cpus else 0.0

    return {
        "memory.total": total,
        "memory.free": free,
        "memory.used": total - free if reported else 0.0,
        "cpu.current.user": mean("cpuUser"),
        "cpu.current.system": mean("cpuSys"),
        "cpu.current.idle": mean("cpuIdle"),
    }


def _node_statistics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Statistic]]:
    wanted, owners = set(parents), dict[str, tuple[str, str, Mapping[str, Any]]]()
    for host_id in (*call.ids[:1], *known_hosts()):
        if wanted <= owners.keys():
            break
        owners |= {id_: (host_id, i, f) for i, f in _nodes(host_id) if (id_ := _node_id(host_id, i)) in wanted}
    facts = host_facts(rd, {host_id for host_id, _, _ in owners.values()})
    out = {}
    for parent in parents:
        host_id, index, node = owners.get(parent, ("", "", {}))
        values = _node_values(index, node, facts.get(host_id, {}))
        out[parent] = build("numa", parent, NUMA_STATISTICS, values, host_numa_node=NumaNode(id=parent))
    return out


STATISTICS_OF_HOST = Resource(
    type=Statistic, collection="statistics", list=Op(run=_statistics, needs=PUBLIC), get=Op(needs=PUBLIC)
)
HOOKS_OF_HOST = Resource(type=Hook, collection="hooks", list=Op(run=_hooks, needs=PUBLIC), get=Op(needs=PUBLIC))
NUMA_OF_HOST = Resource(
    type=NumaNode,
    collection="numanodes",
    list=Op(run=_numa, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    subs=(
        Resource(
            type=Statistic, collection="statistics", list=Op(run=_node_statistics, needs=PUBLIC), get=Op(needs=PUBLIC)
        ),
    ),
)
