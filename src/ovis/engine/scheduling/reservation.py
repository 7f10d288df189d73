"""HA reservation: whether the highly available VMs of every host fit on the others. Pure.

Follows: engine 4.5: memory (guaranteed or used, whichever is more) and CPU, first host that fits.
"""

from ovis.engine.scheduling.balancers.load import loads
from ovis.engine.scheduling.world import World


def unsafe_hosts(w: World) -> list[str]:
    """Names of hosts whose highly available VMs would not all find a place if the host failed."""
    hosts = w.hosts
    load, cpus = loads(w), w.cpus()
    failed = []
    for source in range(len(hosts)):
        if hosts["up"][source] == 0:
            continue
        own = [v for v in w.vms if v.ha and v.host == hosts.ids[source]]
        memory = {i: float(hosts["schedulable"][i]) for i in range(len(hosts)) if i != source and hosts["up"][i] > 0}
        points = {i: float((100 - load[i]) * max(1.0, cpus[i])) for i in memory}
        for vm in sorted(own, key=lambda v: (-_memory(v.promise, v.memory, v.used_memory), v.name)):
            need, load_ = _memory(vm.promise, vm.memory, vm.used_memory), vm.load or 0.0
            for i in sorted(memory, key=lambda i: hosts.names[i]):
                if memory[i] >= need and points[i] >= load_:
                    memory[i] -= need
                    points[i] -= load_
                    break
            else:
                failed.append(hosts.names[source])
                break
    return failed


def _memory(promise: int | None, memory: int, used: int | None) -> int:
    return max(memory if promise is None else promise, used or 0)
