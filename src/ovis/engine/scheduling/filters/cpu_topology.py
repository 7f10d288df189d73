"""Filter CPUTopology: CPU policies that follow the host's topology find one that fits. Pure."""

from collections.abc import Sequence

import numpy as np

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """resize_and_pin: several cores a socket, a NUMA node each socket; dedicated: as many threads a core as the VM."""
    hosts, policy = w.hosts, w.vm.cpu_policy
    if policy.startswith("resize_and_pin"):
        per_socket = hosts["cores"] / np.maximum(1, hosts["sockets"])
        nodes = hosts.value("numa").map(lambda found: float(len(found)))
        bad = (per_socket <= 1) | ((nodes > 0) & (nodes != hosts["sockets"]))
        return (
            Drop(bad, "VAR__DETAIL__HOST_CPU_TOPOLOGY", lambda i: "its CPU topology does not allow to resize and pin"),
        )
    if policy in ("dedicated", "isolate_threads", "siblings"):
        threads = hosts["threads"] / np.maximum(1, hosts["cores"])
        bad = threads < w.vm.threads
        return (
            Drop(
                bad,
                "VAR__DETAIL__HOST_CPU_TOPOLOGY",
                lambda i: f"its cores have {int(threads[i])} threads, the VM's have {w.vm.threads}",
            ),
        )
    return ()


UNIT = Filter(
    id="35c2f1a5-8928-48e9-81ac-4c49eb49d60e",
    name="CPUTopology",
    doc="CPU policies that follow the host's topology find one that fits.",
    rule=rule,
    mandatory=True,
)
