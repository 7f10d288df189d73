"""Weight OptimalForCpuEvenDistribution: the least loaded CPUs, with the VM. Pure."""

import numpy as np

from ovis.engine.scheduling.hosts import Flags, Numbers
from ovis.engine.scheduling.numbers import MAX_WEIGHT, stretched
from ovis.engine.scheduling.unit import RATIO, Weight
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Numbers:
    """(load + the VM's) by shared CPU, a thousandfold where VCpuToPhysicalCpuRatio is reached; unknown load: 1000."""
    hosts = w.hosts
    shared = np.maximum(1.0, w.shared_cpus())
    load = (w.points() + sum(v.points for v in w.all_vms)) / shared
    here = w.here
    if here is not None:
        load[here] = w.points()[here] / shared[here]
    ratio = w.number("VCpuToPhysicalCpuRatio", 0)
    if ratio > 0:
        vcpus = hosts["vcpus"] + sum(v.vcpus for v in w.all_vms)
        load = np.where(vcpus / shared >= ratio, load * 1000, load)
    found = stretched(load, alive)
    return np.where(hosts["statistics"] > 0, found, MAX_WEIGHT) if hosts.has("statistics") else found


UNIT = Weight(
    id="7db4ab05-81ab-42e8-868a-aee2df483edb",
    name="OptimalForCpuEvenDistribution",
    doc="the least loaded CPUs, with the VM.",
    rule=rule,
    parameters={"VCpuToPhysicalCpuRatio": RATIO},
)
