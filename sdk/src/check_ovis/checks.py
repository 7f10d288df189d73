"""What is looked at, and how it is judged: one function a check, each an Outcome.

Plain classes: importing dataclasses takes longer than a check. Does: read from the SDK, count and compare. Does not: parse options or print. Names of checks and sub-checks are check_rhev3's.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


class CannotTell(Exception):
    """UNKNOWN, with one line."""


class Outcome:
    """state: 0 to 3. topic: `Datacenters`. text: what was seen. perf: performance data in order."""

    def __init__(self, topic: str, text: str, state: int = OK, perf: Sequence[str] = ()) -> None:
        self.topic, self.text, self.state, self.perf = topic, text, state, list(perf)


class Limits:
    """Ranges of -w and -c as given; None: the check's own."""

    def __init__(self, warning: Optional[str] = None, critical: Optional[str] = None) -> None:
        self.warning, self.critical = warning, critical

    def judge(self, value: float, warning: str, critical: str) -> int:
        """The state of a value; the check's own limits where none were given."""
        from nagiosplugin import Range

        try:
            if value not in Range(self.critical or critical):
                return CRITICAL
            return WARNING if value not in Range(self.warning or warning) else OK
        except ValueError as err:
            raise CannotTell(f"-w and -c want numbers or ranges: {err}") from err

    def shown(self, warning: str, critical: str) -> str:
        """`90;95` for performance data."""
        return f"{self.warning or warning};{self.critical or critical}"


_STATES: Mapping[str, Sequence[str]] = {
    "Datacenters": ("contend", "problematic", "not_operational", "uninitialized", "maintenance"),
    "Hosts": (
        "down error initializing installing install_failed maintenance non_operational non_responsive pending_approval "
        "preparing_for_maintenance connecting reboot unassigned"
    ).split(),
    "Vms": (
        "unassigned down powering_up powered_down paused migrating_from migrating_to unknown not_responding wait_for_launch "
        "reboot_in_progress saving_state restoring_state suspended image_illegal image_locked powering_down"
    ).split(),
    "Storagedomains": "unattached inactive locked mixed maintenance preparing_for_maintenance unknown".split(),
}


def state_of(o: Any) -> str:
    """The word of an object's status; a storage domain without one is active."""
    return str(o.status.state) if o.status is not None else "active"


def count_up(
    topic: str, objects: Sequence[Any], limits: Limits, *, up: Sequence[str] = ("up",), word: str = "UP"
) -> Outcome:
    """How many are up; fewer than all is critical unless the limits (numbers that must be up) say otherwise."""
    total = len(objects)
    states: Dict[str, int] = {}
    for o in objects:
        states[state_of(o)] = states.get(state_of(o), 0) + 1
    alive = sum(states.get(name, 0) for name in up)
    try:
        warning, critical = (int(x) if x is not None else total for x in (limits.warning, limits.critical))
    except ValueError as err:
        raise CannotTell("-w and -c want how many must be up") from err
    state = CRITICAL if alive < critical else WARNING if alive < warning else OK
    perf = [f"{up[0]}={alive};{warning};{critical};0;"]
    perf += [f"{name}={states.get(name, 0)};;;;0;" for name in _STATES.get(topic, ())]
    return Outcome(topic, f"{alive}/{total} {topic} with state {word}", state, perf)


def some(collection: Any, name: str, what: str) -> List[Any]:
    """Objects of that name (`*` stands for any text)."""
    found: List[Any] = collection.list(query=f'name="{name}"' if "*" not in name else f"name={name}")
    if not found:
        raise CannotTell(f"{what} {name} not found")
    return found


def values_of(o: Any) -> Dict[str, float]:
    """An object's statistics by name."""
    found = {}
    for statistic in o.statistics.list():
        held = statistic.values.value if statistic.values is not None else []
        if held and held[0].datum is not None:
            found[statistic.name] = float(held[0].datum)
    return found


def need(values: Mapping[str, float], *names: str) -> float:
    """The first value that is there."""
    for name in names:
        if name in values:
            return values[name]
    raise CannotTell(f"the engine gives no {names[0]}")


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """Many as one."""
    first = max(outcomes, key=lambda o: o.state)
    perf = [p for o in outcomes for p in o.perf]
    text = ", ".join(o.text for o in outcomes)
    return Outcome(first.topic, text, first.state, perf)


def percent(
    topic: str, label: str, name: str, value: float, limits: Limits, warning: str = "80", critical: str = "90"
) -> Outcome:
    """A share of a whole."""
    state = limits.judge(value, warning, critical)
    return Outcome(
        topic, f"{name} {value:.2f}% used", state, [f"{label}={value:.2f}%;{limits.shown(warning, critical)};0;100"]
    )


# Data centers -------------------------------------------------------------------------------------------------


def dc_status(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    return count_up("Datacenters", some(api.datacenters, name, "Datacenter"), limits)


def dc_version(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    rows = []
    for dc in some(api.datacenters, name, "Datacenter"):
        known = dc.supported_versions.version if dc.supported_versions is not None else []
        newest = max(((v.major, v.minor) for v in known), default=(dc.version.major, dc.version.minor))
        old = (dc.version.major, dc.version.minor) < newest
        text = f"{dc.name} {dc.version.major}.{dc.version.minor}"
        rows.append(Outcome("Datacenters version", text, WARNING if old else OK))
    return worst(rows)


def dc_storage(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    domains = [d for dc in some(api.datacenters, name, "Datacenter") for d in dc.storagedomains.list()]
    if not domains:
        raise CannotTell(f"Datacenter {name} has no storage domain")
    if sub == "usage":
        return worst([_usage(d, limits) for d in domains if d.used is not None])
    if sub == "overall-usage":
        used, free = (sum(int(getattr(d, key) or 0) for d in domains) for key in ("used", "available"))
        return percent(
            "Storage", "usage", f"Datacenter {name}", 100 * used / (used + free) if used + free else 0, limits
        )
    if sub not in ("", "status"):
        raise CannotTell(f"storage has no sub-check {sub}; it has status, usage, overall-usage")
    return count_up("Storagedomains", domains, limits, up=("active",), word="ACTIVE")


# Clusters -----------------------------------------------------------------------------------------------------


def _of_clusters(objects: Sequence[Any], clusters: Sequence[Any]) -> List[Any]:
    ids = {c.id for c in clusters}
    return [o for o in objects if o.cluster is not None and o.cluster.id in ids]


def cluster_hosts(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    return count_up("Hosts", _of_clusters(api.hosts.list(), some(api.clusters, name, "Cluster")), limits)


def cluster_vms(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    return count_up("Vms", _of_clusters(api.vms.list(), some(api.clusters, name, "Cluster")), limits)


def cluster_networks(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    networks = [n for c in some(api.clusters, name, "Cluster") for n in c.networks.list()]
    return count_up("Networks", networks, limits, up=("operational",), word="OPERATIONAL")


# Hosts --------------------------------------------------------------------------------------------------------


def host_status(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    return count_up("Hosts", some(api.hosts, name, "Host"), limits)


def _each_host(api: Any, name: str) -> Iterator[Tuple[Any, Dict[str, float]]]:
    for host in some(api.hosts, name, "Host"):
        if state_of(host) != "up":
            raise CannotTell(f"Host {host.name} is {state_of(host)}, it has no figures")
        yield host, values_of(host)


def host_load(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    rows = []
    for host, values in _each_host(api, name):
        load = need(values, "cpu.load.avg.5m")
        state = limits.judge(load, "5", "10")
        rows.append(
            Outcome("Load", f"{host.name} load {load:g}", state, [f"load5={load:g};{limits.shown('5', '10')};0;"])
        )
    return worst(rows)


def host_cpu(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    if sub not in ("", "usage"):
        raise CannotTell(f"cpu has no sub-check {sub}; it has usage")
    rows = []
    for host, values in _each_host(api, name):
        user, system, idle = (need(values, f"cpu.current.{part}") for part in ("user", "system", "idle"))
        row = percent("CPU", "cpu", host.name, max(0.0, 100 - idle), limits)
        row.perf += [f"user={user:g}%;;;0;100", f"system={system:g}%;;;0;100", f"idle={idle:g}%;;;0;100"]
        rows.append(row)
    return worst(rows)


def host_ksm(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    rows = [percent("KSM", "ksm", h.name, need(v, "ksm.cpu.current"), limits) for h, v in _each_host(api, name)]
    return worst(rows)


def host_memory(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    if sub not in ("", "mem", "swap"):
        raise CannotTell(f"memory has no sub-check {sub}; it has mem, swap")
    kind = "swap" if sub == "swap" else "memory"
    rows = []
    for host, values in _each_host(api, name):
        total, used = need(values, f"{kind}.total"), need(values, f"{kind}.used")
        row = percent(kind.capitalize(), kind, host.name, 100 * used / total if total else 0.0, limits)
        row.perf.append(f"{kind}_used={used:.0f}B;;;0;{total:.0f}")
        rows.append(row)
    return worst(rows)


def _nics(o: Any, wanted: Sequence[str]) -> List[Any]:
    found = [n for n in o.nics.list() if not wanted or n.name in wanted]
    missing = set(wanted) - {n.name for n in found}
    if missing or not found:
        raise CannotTell(f"{o.name} has no NIC {', '.join(sorted(missing))}".rstrip())
    return found


def _network(o: Any, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    rows = []
    for nic in _nics(o, nics):
        values = values_of(nic)
        if sub == "traffic":
            rx, tx = (need(values, f"data.current.{way}") * 8 / 1e6 for way in ("rx", "tx"))
            state = max(limits.judge(v, "500", "700") for v in (rx, tx))
            shown = limits.shown("500", "700")
            perf = [f"{nic.name}_rx={rx:.3f};{shown};0;", f"{nic.name}_tx={tx:.3f};{shown};0;"]
            rows.append(Outcome("Traffic", f"{nic.name} {rx:.3f}/{tx:.3f} Mbit/s", state, perf))
        else:
            rx, tx = (need(values, f"errors.total.{way}") for way in ("rx", "tx"))
            state = max(limits.judge(v, "5", "10") for v in (rx, tx))
            shown = limits.shown("5", "10")
            perf = [f"{nic.name}_rx_errors={rx:g};{shown};0;", f"{nic.name}_tx_errors={tx:g};{shown};0;"]
            rows.append(Outcome("Errors", f"{nic.name} {rx:g}/{tx:g} errors", state, perf))
    return worst(rows)


def host_network(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    hosts = some(api.hosts, name, "Host")
    if sub in ("traffic", "errors"):
        return worst([_network(host, limits, sub, nics) for host in hosts])
    if sub not in ("", "status"):
        raise CannotTell(f"network has no sub-check {sub}; it has status, traffic, errors")
    return count_up("Nics", [n for host in hosts for n in _nics(host, nics)], limits)


# Storage domains, VMs, pools ----------------------------------------------------------------------------------


def _usage(domain: Any, limits: Limits) -> Outcome:
    used, free = int(domain.used or 0), int(domain.available or 0)
    share = 100 * used / (used + free) if used + free else 0.0
    row = percent("Storage", domain.name, domain.name, share, limits)
    row.perf.append(f"{domain.name}_used={used}B;;;0;{used + free}")
    return row


def storage_status(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    return count_up(
        "Storagedomains", some(api.storagedomains, name, "Storage domain"), limits, up=("active",), word="ACTIVE"
    )


def storage_usage(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    return worst([_usage(d, limits) for d in some(api.storagedomains, name, "Storage domain")])


def vm_status(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    return count_up("Vms", some(api.vms, name, "VM"), limits)


def vm_cpu(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    rows = []
    for vm in some(api.vms, name, "VM"):
        rows.append(percent("CPU", "cpu", vm.name, min(100.0, need(values_of(vm), "cpu.current.total")), limits))
    return worst(rows)


def vm_memory(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    rows = []
    for vm in some(api.vms, name, "VM"):
        values = values_of(vm)
        total = need(values, "memory.installed")
        rows.append(
            percent("Memory", "memory", vm.name, 100 * need(values, "memory.used") / total if total else 0.0, limits)
        )
    return worst(rows)


def vm_network(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    if sub not in ("", "traffic", "errors"):
        raise CannotTell(f"network has no sub-check {sub}; it has traffic, errors")
    return worst([_network(vm, limits, sub or "traffic", nics) for vm in some(api.vms, name, "VM")])


def pool_usage(api: Any, name: str, limits: Limits, sub: str, nics: Sequence[str]) -> Outcome:
    pools = [
        p for p in api.vmpools.list() if name in ("*", p.name) or ("*" in name and p.name.startswith(name.rstrip("*")))
    ]
    if not pools:
        raise CannotTell(f"VM pool {name} not found")
    ids = {p.id for p in pools}
    vms = [v for v in api.vms.list() if v.vmpool is not None and v.vmpool.id in ids]
    if not vms:
        raise CannotTell(f"VM pool {name} has no VMs")
    busy = sum(state_of(v) != "down" for v in vms)
    return percent("Vmpool", "usage", f"{name} {busy}/{len(vms)} VMs,", 100 * busy / len(vms), limits)


Check = Callable[[Any, str, Limits, str, Sequence[str]], Outcome]
# Of each option: the checks by name; the first is what is done without -l.
CHECKS: Mapping[str, Mapping[str, Check]] = {
    "dc": {"status": dc_status, "version": dc_version, "storage": dc_storage},
    "cluster": {"hosts": cluster_hosts, "vms": cluster_vms, "networks": cluster_networks},
    "host": {
        "status": host_status,
        "load": host_load,
        "cpu": host_cpu,
        "ksm": host_ksm,
        "memory": host_memory,
        "network": host_network,
    },
    "storage": {"status": storage_status, "usage": storage_usage},
    "vm": {"status": vm_status, "cpu": vm_cpu, "memory": vm_memory, "network": vm_network},
    "vmpool": {"usage": pool_usage},
}
