"""Filter CpuPinning: the host's CPUs that the VM is pinned to are online and free. Pure."""

from collections.abc import Sequence

import numpy as np

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Pinned to CPUs by number, or to CPUs that it has for itself."""
    hosts, pinned = w.hosts, w.vm.pinning
    if w.vm.cpu_policy in ("dedicated", "isolate_threads", "siblings"):
        bad = w.elsewhere(w.shared_cpus() < w.vm.vcpus)
        text = f"it has not {w.vm.vcpus} CPUs that the VM could have for itself"
        return (Drop(bad, "VAR__DETAIL__NOT_ENOUGH_CPUS_FOR_DEDICATED", lambda i: text),)
    if not pinned:
        return ()
    online, taken = hosts.value("online"), hosts.value("taken")

    def lacking(i: int) -> list[int]:
        known = online[i] if online[i] is not None else frozenset(range(int(hosts["threads"][i])))
        return sorted(pinned - (known - taken[i]))

    bad = np.fromiter((bool(lacking(i)) for i in range(len(hosts))), dtype=np.bool_, count=len(hosts))
    return (
        Drop(
            w.elsewhere(bad),
            "VAR__DETAIL__VM_PINNING_PCPU_DOES_NOT_EXIST",
            lambda i: f"these of its CPUs are away or taken: {', '.join(map(str, lacking(i)))}",
        ),
    )


UNIT = Filter(
    id="6d636bf6-a35c-4f9d-b68d-0731f731cddc",
    name="CpuPinning",
    doc="the host's CPUs that the VM is pinned to are online and free.",
    rule=rule,
    mandatory=True,
)
