"""Deciding one case on paper: a world in JSON's values in, the decision out. Pure.

Does: read hosts, VM, policy, groups and what runs; answer who is filtered by what, weights, totals, ranking, choice, balance
moves, power action, the HA check, validity. Names are ids. Does not: read files (`ovis-engine schedule` does).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ovis.engine.scheduling.decision import Decision, decide
from ovis.engine.scheduling.external import Answer
from ovis.engine.scheduling.hosts import Hosts
from ovis.engine.scheduling.policies import KnownUnit, Policy, wrong_with
from ovis.engine.scheduling.reservation import unsafe_hosts
from ovis.engine.scheduling.selectors import SELECTORS
from ovis.engine.scheduling.unit import Balancer, Kind
from ovis.engine.scheduling.units import BY_ID, BY_NAME, UNITS
from ovis.engine.scheduling.world import (
    ClusterFacts,
    ClusterNetwork,
    Group,
    Nic,
    NumaNode,
    Rule,
    VmFacts,
    World,
)

Case = Mapping[str, Any]
# Number of a host in a case -> its column.
_NUMBERS = {
    "cpu_sockets": "sockets",
    "cpu_cores": "cores",
    "cpu_threads": "threads",
    "cpu_usage": "usage",
    "overload_minutes": "overload_minutes",
    "exclusive_cpus": "exclusive",
    "max_running_vm_vcpus": "largest_vm",
    "pending_vcpus": "pending_largest",
    "vms_vcpus_total": "vcpus",
    "pending_cpu_load": "pending_load",
    "mem_total_mb": "memory",
    "mem_free_mb": "free",
    "swap_total_mb": "swap",
    "swap_free_mb": "swap_free",
    "max_scheduling_memory_mb": "schedulable",
    "pending_memory_mb": "pending_memory",
    "guest_overhead_mb": "overhead",
    "spm": "spm",
    "vm_active": "running",
    "vm_count": "vms",
    "pending_vms": "pending_vms",
    "ha_vms": "ha_vms",
    "he_configured": "he_configured",
    "he_active": "he_active",
    "he_score": "he_score",
    "tsc_frequency": "tsc",
    "tsc_scaling": "tsc_scaling",
    "os_major": "os_major",
    "hostdev_passthrough": "passthrough",
    "iommu": "passthrough",
    "pm_enabled": "pm",
    "pm_by_policy": "pm_by_policy",
    "migrating_vms": "migrating",
    "free_vfs": "free_vfs",
}


class BadCase(ValueError):
    """A case that cannot be read; the text says where."""


def solve(case: Case, defaults: Case | None = None) -> dict[str, Any]:
    """Decide. defaults: values of `host`, `vm`, `cluster` that the case leaves out; a case may bring its own."""
    if not isinstance(case, Mapping):
        raise BadCase("a case is an object")
    given = defaults if defaults is not None else case.get("defaults") or {}
    policy, names = _policy(_part(case, "policy"))
    names |= {str(name): str(name) for name in _part(case, "given_weights")}
    users = tuple((n, 0.0) for n in names if n not in {w for w, _ in policy.weights})
    checked = replace(policy, weights=(*policy.weights, *users))
    wrong = wrong_with(checked, _known(names, policy, strict=not case.get("hosts")))
    if wrong:
        return {"valid": False, "error": wrong[0].code, "problems": [w.text for w in wrong]}
    world = _world(case, given, policy)
    found: dict[str, Any] = {"valid": True}
    if world.cluster.ha_reservation and "vms" in case:
        failed = unsafe_hosts(world)
        found |= {"ha_safe": not failed, "ha_failed_hosts": failed}
    balancer = BY_ID.get(policy.balance or "")
    if isinstance(balancer, Balancer) and ("vms" in case or "vm" not in case):
        found |= _balanced(world, balancer)
    if "vm" in case or "given_weights" in case or not ("vms" in case or policy.balance):
        found |= _decided(world, policy, case, names)
    return found


def _balanced(world: World, balancer: Balancer) -> dict[str, Any]:
    balance = balancer.rule(world)
    return {
        "balance": [{"vm": m.vm, "hosts": list(m.hosts), "reason": m.reason} for m in balance.moves],
        "power_action": {"host": balance.power.host, "to": balance.power.to} if balance.power else None,
    }


def _decided(world: World, policy: Policy, case: Case, names: Mapping[str, str]) -> dict[str, Any]:
    decision = decide(
        world,
        policy,
        answer=_answer(case),
        only=case.get("white_list") or (),
        wanted=case.get("destinations") or case.get("run_at") or (),
        out=dict.fromkeys(case.get("black_list") or (), "it is not to be used"),
        external={id_: (name, 1.0) for id_, name in names.items()},
        given=case.get("given_weights") or {},
    )
    return explained(decision, names)


def explained(decision: Decision, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A decision in the format of cases, by names of hosts."""
    hosts = decision.hosts
    fitting = [hosts.names[int(i)] for i in decision.fitting]
    found: dict[str, Any] = {
        "filtered": {
            name: {"unit": r.unit, "reason": r.code, "text": r.text} for name, r in decision.refused().items()
        },
        "candidates": fitting,
        "selected": None if decision.chosen is None else hosts.names[decision.chosen],
        "error": decision.error,
    }
    if decision.columns:
        found["weights"] = {
            c.name: dict(zip(fitting, map(_plain, c.weights.tolist()), strict=True)) for c in decision.columns
        }
    if decision.totals is not None:
        sums = decision.totals.tolist()
        found["totals"] = dict(zip(fitting, map(_plain, sums), strict=True))
        groups: list[list[str]] = []
        last: float | None = None
        for index in decision.ranking():
            if last is None or sums[index] != last:
                groups.append([])
            groups[-1].append(fitting[index])
            last = sums[index]
        found["ranking"] = groups if any(len(g) > 1 for g in groups) else [g[0] for g in groups]
    return found


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _answer(case: Case) -> Answer:
    """external_answer: one object or several."""
    given = case.get("external_answer")
    if given is None:
        return Answer()
    kept: dict[str, frozenset[str]] = {}
    scores: dict[str, Mapping[str, int]] = {}
    names = list((case.get("policy") or {}).get("external_filters") or [])
    for row in given if isinstance(given, list) else [given]:
        kind, unit = row.get("kind"), row.get("unit")
        if kind == "filter" and "kept" in row:
            for name in [unit] if unit else names[:1] if len(names) == 1 else [", ".join(map(str, names))]:
                kept[str(name)] = frozenset(row["kept"])
        elif kind in ("score", "weight") and "scores" in row:
            listed = row["scores"]
            scores[str(unit or "external")] = dict(listed if isinstance(listed, Mapping) else map(tuple, listed))
    return Answer(kept=kept, scores=scores)


def _part(case: Case, name: str) -> Case:
    found = case.get(name) or {}
    if not isinstance(found, Mapping):
        raise BadCase(f"{name} is an object")
    return found


def _policy(given: Case) -> tuple[Policy, dict[str, str]]:
    """The policy, and the names of units that the engine does not have: those of users, or of given weights."""

    def id_of(kind: Kind, row: Any) -> str:
        name = str(row.get("unit") if isinstance(row, Mapping) else row)
        unit = BY_NAME.get((kind, name))
        if unit is not None:
            return unit.id
        other = next((u for u in UNITS if u.name == name and u.kind != "selector"), None)
        if other is not None:
            return other.id  # of another kind: that is what is wrong with the policy
        return name

    filters = [(id_of("filter", f), int(f.get("position", 0))) for f in map(_row, given.get("filters") or [])]
    weights = [(id_of("weight", f), float(f.get("factor", 1))) for f in map(_row, given.get("weights") or [])]
    weights += [(id_of("weight", f), float(f.get("factor", 1))) for f in map(_row, given.get("external_weights") or [])]
    selector = SELECTORS.get(str(given.get("selector", "rank")))
    if selector is None:
        raise BadCase(f"there is no selector {given.get('selector')}; there are {', '.join(SELECTORS)}")
    balance = given.get("balance")
    params = {str(k): str(v) for k, v in (given.get("params") or {}).items()}
    return (
        Policy(
            name=str(given.get("name", "")),
            filters=filters,
            weights=weights,
            balance=id_of("load_balancing", balance) if balance else None,
            selector=selector,
            params=params,
        ),
        {str(n): str(n) for n in _units_of_users(given)},
    )


def _row(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {"unit": given}


def _units_of_users(given: Case) -> Iterable[str]:
    for key in ("external_filters", "external_weights"):
        for row in given.get(key) or []:
            yield str(_row(row).get("unit"))


def _known(names: Mapping[str, str], policy: Policy, *, strict: bool) -> dict[str, KnownUnit]:
    """Units as a policy's check asks for them. A unit of users may know any property that no other knows.

    strict: no hosts are given, so the policy itself is what is asked about. A decision reads the cluster's properties,
    which may be more than its policy's units know.
    """
    others = {p: ".*" for p in policy.params if p not in _PARAMETERS}
    return {u.id: KnownUnit(u.kind, u.name, u.parameters if strict else _PARAMETERS) for u in UNITS} | {
        n: KnownUnit("weight", n, others) for n in names
    }


_PARAMETERS: dict[str, str] = {name: pattern for u in UNITS for name, pattern in u.parameters.items()}


def _host(row: Case) -> dict[str, Any]:
    """A host of a case as columns have it."""
    if "name" not in row:
        raise BadCase("a host needs a name")
    found: dict[str, Any] = {"id": str(row["name"]), "name": str(row["name"])}
    for theirs, ours in _NUMBERS.items():
        if row.get(theirs) is not None:
            found[ours] = _number(row, theirs)
    status = str(row.get("status", "up"))
    found["up"] = float(status == "up")
    found["resting"] = float(status == "maintenance")
    found["off"] = float(status == "down")
    if "cpu_usage" in row and row["cpu_usage"] is None:
        found |= {"usage": 0.0, "statistics": 0.0}
    if row.get("max_scheduling_memory_mb") is None and ("committed_memory_mb" in row or "reserved_memory_mb" in row):
        percent = float(row.get("memory_overcommit_percent", 100))
        total = float(row.get("mem_total_mb", 65536)) * percent / 100
        kept = float(row.get("committed_memory_mb") or 0) + float(row.get("reserved_memory_mb") or 0)
        pending = float(row.get("pending_memory_mb") or row.get("pending_overcommit_memory_mb") or 0)
        found["schedulable"] = max(0.0, max(0.0, total - kept) - pending)
    found["networks"] = frozenset(map(str, row.get("networks", ("ovirtmgmt",))))
    protocols = row.get("boot_protocols")
    if isinstance(protocols, Mapping):
        found["no_boot"] = frozenset(n for n, p in protocols.items() if str(p).lower() in ("none", ""))
    found["versions"] = frozenset(map(str, row.get("supported_versions", ("4.6", "4.7"))))
    found["machines"] = frozenset(map(str, row.get("emulated_machines") or ()))
    if row.get("cpu_flags") is not None:
        found["flags"] = frozenset(map(str, row["cpu_flags"]))
    if row.get("online_cpus") is not None:
        found["online"] = frozenset(map(int, row["online_cpus"]))
    found["taken"] = frozenset(map(int, row.get("exclusively_pinned") or ()))
    found["hugepages"] = _pages(row.get("hugepages_free"), row.get("pending_hugepages"))
    nodes = row.get("numa_nodes") or ()
    found["numa"] = tuple(
        (int(n.get("index", i)), int(n.get("mem_free_mb", n.get("memory_mb", 0))), int(n.get("cpus", 0)))
        for i, n in enumerate(nodes)
    )
    found["mdevs"] = tuple(sorted((str(k), int(v)) for k, v in (row.get("mdevs") or {}).items()))
    found["devices"] = frozenset(map(str, row.get("host_devices") or ()))
    if row.get("leases_ready") is not None:
        found["leases"] = frozenset(map(str, row["leases_ready"]))
    if row.get("hooks") is not None:
        found["hooks"] = frozenset(map(str, row["hooks"]))
    found["address"] = str(row.get("address") or "")
    return found


def _number(row: Case, name: str) -> float:
    try:
        return float(row[name])
    except (TypeError, ValueError) as err:
        raise BadCase(f"{name} of {row.get('name', 'the VM')} is no number") from err


def _pages(free: Any, pending: Any) -> tuple[tuple[int, int], ...]:
    less = {int(k): int(v) for k, v in (pending or {}).items()}
    return tuple(sorted((int(k), int(v) - less.get(int(k), 0)) for k, v in (free or {}).items()))


def _vm(row: Case) -> VmFacts:
    name = str(row.get("name", "vm"))
    vcpus = int(row.get("vcpus", 1))
    usage = row.get("cpu_usage")
    pinning = row.get("cpu_pinning") or ()
    return VmFacts(
        id=name,
        name=name,
        status=str(row.get("status", "down")),
        host=row.get("run_on"),
        memory=int(row.get("memory_mb", 512)),
        promise=None if row.get("guaranteed_mb") is None else int(row["guaranteed_mb"]),
        used_memory=None if row.get("used_mb") is None else int(row["used_mb"]),
        vcpus=vcpus,
        sockets=int(row.get("sockets", 1)),
        cores=int(row.get("cores", 1)),
        threads=int(row.get("threads", 1)),
        iothreads=int(row.get("iothreads", 0)),
        migration=str(row.get("migration", "migratable")),
        dedicated=frozenset(map(str, row.get("dedicated_hosts") or ())),
        nics=tuple(
            Nic(n.get("network"), bool(n.get("plugged", True)), bool(n.get("passthrough", False)))
            for n in row.get("nics") or ()
        ),
        ha=bool(row.get("ha")),
        hosted_engine=bool(row.get("hosted_engine")),
        type=str(row.get("type", "server")),
        pages={int(k): int(v) for k, v in (row.get("hugepages") or {}).items()},
        version=row.get("custom_compatibility_version"),
        flags=frozenset(map(str, row.get("cpu_flags") or ())),
        cpu_passthrough=bool(row.get("cpu_passthrough")),
        machine=row.get("emulated_machine"),
        pinning=frozenset(int(c) for c in (pinning.values() if isinstance(pinning, Mapping) else pinning)),
        cpu_policy=str(row.get("cpu_pinning_policy", "none")),
        devices=frozenset(map(str, row.get("host_devices") or ())),
        leases=frozenset([str(row["lease"])] if row.get("lease") else map(str, row.get("leases") or ())),
        mdevs=tuple(map(str, row.get("mdevs") or ())),
        numa=tuple(
            NumaNode(
                int(n.get("memory_mb", 0)),
                int(n.get("cpus", 0)),
                tuple(map(int, n.get("pinned") or ())),
                str(n.get("mode", "strict")),
            )
            for n in row.get("numa_nodes") or ()
        ),
        load=None if usage is None else float(usage) * vcpus,
        tsc=row.get("tsc_frequency"),
        sap_agent=bool(row.get("sap_agent")),
        os_major=row.get("os_major"),
    )


def _rule(given: Any) -> Rule:
    row = given or {}
    return Rule(
        enabled=bool(row.get("enabled", bool(row))),
        positive=bool(row.get("positive", True)),
        enforcing=bool(row.get("enforcing", False)),
    )


def _group(row: Case) -> Group:
    return Group(
        id=str(row.get("name")),
        name=str(row.get("name")),
        priority=float(row.get("priority", 1)),
        vms=frozenset(map(str, row.get("vms") or ())),
        hosts=frozenset(map(str, row.get("hosts") or ())),
        vm_rule=_rule(row.get("vm_rule") or row.get("vms_rule")),
        host_rule=_rule(row.get("host_rule") or row.get("hosts_rule")),
    )


def _cluster(row: Case) -> ClusterFacts:
    return ClusterFacts(
        threads_as_cores=bool(row.get("threads_as_cores")),
        ha_reservation=bool(row.get("ha_reservation")),
        version=str(row.get("version", "4.7")),
        networks=tuple(
            ClusterNetwork(
                str(n["name"]), bool(n.get("required")), bool(n.get("display")), bool(n.get("external", False))
            )
            for n in row.get("networks") or ({"name": "ovirtmgmt", "required": True, "display": True},)
        ),
        flags=frozenset(map(str, row.get("cpu_flags") or ())),
    )


def _world(case: Case, defaults: Case, policy: Policy) -> World:
    of_host, of_vm = _part(defaults, "host"), _part(defaults, "vm")
    cluster = {**_part(defaults, "cluster"), **_part(case, "cluster")}
    rows: Sequence[Case] = case.get("hosts") or ()
    hosts = []
    for row in rows:
        whole = {**of_host, **row}
        whole.setdefault("memory_overcommit_percent", cluster.get("memory_overcommit_percent", 100))
        if "max_scheduling_memory_mb" not in row and ("committed_memory_mb" in row or "reserved_memory_mb" in row):
            whole["max_scheduling_memory_mb"] = None
        if "mem_total_mb" in row and "max_scheduling_memory_mb" not in row and "committed_memory_mb" not in row:
            whole.setdefault("max_scheduling_memory_mb", row["mem_total_mb"])
        hosts.append(_host(whole))
    engine = case.get("hosted_engine_vm")
    running = {str(k): str(v) for k, v in (case.get("running") or {}).items()}
    running |= {str(k): str(v) for k, v in (case.get("pending") or {}).items() if isinstance(v, str)}
    vms = [_vm({**of_vm, **v}) for v in case.get("vms") or ()]
    for vm in vms:
        if vm.host is not None:
            running.setdefault(vm.id, vm.host)
    return World(
        hosts=Hosts.of(hosts) if hosts else Hosts((), ()),
        vm=_vm({**of_vm, **_part(case, "vm")}),
        cluster=_cluster(cluster),
        params=policy.params,
        groups=[_group(g) for g in case.get("affinity_groups") or ()],
        running=running,
        vms=vms,
        engine_vm=_vm({**of_vm, "name": "HostedEngine", **engine}) if engine else None,
    )
