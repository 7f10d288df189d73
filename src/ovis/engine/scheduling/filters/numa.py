"""Filter NUMA: virtual NUMA nodes that are pinned fit the host's nodes. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import NumaNode, World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Every pinned node's memory and CPUs on the nodes it names."""
    pinned = [n for n in w.vm.numa if n.pinned]
    if not pinned:
        return ()
    nodes = w.hosts.value("numa")
    strict = [n for n in pinned if n.mode != "preferred"]
    return (
        Drop(
            w.elsewhere(nodes.where(lambda found: len(found) < 2)),
            "VAR__DETAIL__NUMA_NOT_SUPPORTED",
            lambda i: "it has no NUMA nodes",
        ),
        Drop(
            w.elsewhere(nodes.where(lambda found: not fits(strict, found))),
            "VAR__DETAIL__NOT_MEMORY_PINNED_NUMA",
            lambda i: "its NUMA nodes have too little memory for the VM's",
        ),
    )


def fits(wanted: Sequence[NumaNode], found: Sequence[tuple[int, int, int]]) -> bool:
    """Whether nodes find a place each. found: (index, MiB free, CPUs) of the host's nodes.

    Tried node by node with a way back: a node that may lie on either of two leaves one for the next.
    """
    free = {index: memory for index, memory, _ in found}

    def placed(left: Sequence[NumaNode]) -> bool:
        if not left:
            return True
        node = left[0]
        for index in node.pinned or tuple(free):
            if free.get(index, -1) >= node.memory:
                free[index] -= node.memory
                if placed(left[1:]):
                    return True
                free[index] += node.memory
        return False

    return placed(sorted(wanted, key=lambda n: len(n.pinned)))


UNIT = Filter(
    id="fcbfe4b1-b83e-4428-b9d3-b3d348b93be6",
    name="NUMA",
    doc="virtual NUMA nodes that are pinned fit the host's nodes.",
    rule=rule,
)
