"""Where a domain's CPUs and memory lie: vNUMA nodes, pinning, shares. Pure; used by the builder.

Follows: domain XML facts, section 1: rows 5 and 10 to 12.
"""

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from ovis.contract.domain.specs import Domain, NumaNode

_KIB = 1 << 10
EXCLUSIVE = ("dedicated", "isolate_threads", "siblings", "resize_and_pin_numa")
# What the metadata calls the policies that the host itself carries out, and the ones whose pinning is in the document.
POLICIES = {"isolate_threads": "isolate-threads", "resize_and_pin_numa": "manual"}
_SET = re.compile(r"\^?\d+(-\d+)?")


def cpu_set(text: str) -> frozenset[int] | None:
    """The CPUs of `0-3,^2,8`; None if it is no such set, or an empty one."""
    chosen: set[int] = set()
    for part in text.replace(" ", "").split(","):
        if not _SET.fullmatch(part):
            return None
        first, _, last = part.lstrip("^").partition("-")
        low, high = int(first), int(last or first)
        if high < low or high > 4095:
            return None
        span = range(low, high + 1)
        chosen = chosen - set(span) if part.startswith("^") else chosen | set(span)
    return frozenset(chosen) or None


def cpu_text(cpus: Sequence[int]) -> str:
    """CPUs as `0-3,8`."""
    runs: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def cells(nodes: Sequence[NumaNode], current: int, maximum: int) -> dict[int, list[int]]:
    """node -> its CPUs; those that are not plugged yet are spread over them."""
    found = {node.index: list(node.cpus) for node in nodes}
    order = sorted(found)
    for n, cpu in enumerate(range(current, maximum)):
        found[order[n % len(order)]].append(cpu)
    return found


def add_cells(numa: Element, spec: Domain, current: int, maximum: int) -> None:
    """`<cell>`s of the guest: the user's nodes, or one for all."""
    more = {"memAccess": "shared"} if spec.hugepages else {}
    if not spec.numa:
        cpus = f"0-{maximum - 1}" if maximum > 1 else "0"
        SubElement(numa, "cell", {"id": "0", "cpus": cpus, "memory": str(spec.memory // _KIB), **more})
        return
    of = cells(spec.numa, current, maximum)
    for node in sorted(spec.numa, key=lambda n: n.index):
        attrs = {"id": str(node.index), "cpus": cpu_text(of[node.index]), "memory": str(node.memory // _KIB), **more}
        SubElement(numa, "cell", attrs)


def add_numatune(domain: Element, spec: Domain) -> None:
    """`<numatune>`, where a node is bound to nodes of the host."""
    bound = [n for n in sorted(spec.numa, key=lambda n: n.index) if n.pins]
    if not bound:
        return
    tune = SubElement(domain, "numatune")
    for node in bound:
        attrs = {"cellid": str(node.index), "mode": node.mode, "nodeset": cpu_text(node.pins)}
        SubElement(tune, "memnode", attrs)


def add_cputune(domain: Element, spec: Domain, maximum: int) -> None:
    """`<cputune>`, always, maybe empty."""
    tune = SubElement(domain, "cputune")
    for vcpu in sorted(spec.pins):
        if vcpu < maximum:
            SubElement(tune, "vcpupin", {"vcpu": str(vcpu), "cpuset": spec.pins[vcpu]})
    if spec.shares:
        SubElement(tune, "shares").text = str(spec.shares)


def policy_word(spec: Domain) -> str:
    """What the metadata says of pinning."""
    if spec.pin_policy in ("", "none"):
        return "manual" if spec.pins else "none"
    return POLICIES.get(spec.pin_policy, spec.pin_policy)
