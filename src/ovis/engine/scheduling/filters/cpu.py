"""Filter CPU: the host has as many CPUs as the largest of its VMs and this one, beside those that VMs have for themselves. Pure."""

from collections.abc import Sequence

import numpy as np

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """CPUs of VMs are not added up: they are shared."""
    hosts = w.hosts
    wanted = max(v.vcpus for v in w.all_vms)
    largest = np.maximum(hosts["largest_vm"], wanted) if hosts.has("largest_vm") else wanted
    if hosts.has("pending_largest"):
        largest = np.maximum(largest, hosts["pending_largest"])
    bad = w.shared_cpus() < largest
    return (
        Drop(
            w.elsewhere(bad),
            "VAR__DETAIL__NOT_ENOUGH_CORES",
            lambda i: (
                f"it has {int(w.shared_cpus()[i])} CPUs, the VM needs {wanted}"
                + (f" and another one {int(hosts['largest_vm'][i])}" if hosts["largest_vm"][i] > wanted else "")
            ),
        ),
    )


UNIT = Filter(
    id="6d636bf6-a35c-4f9d-b68d-0731f720cddc",
    name="CPU",
    doc="the host has as many CPUs as the largest of its VMs and this one, beside those that VMs have for themselves.",
    rule=rule,
)
