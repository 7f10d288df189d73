"""Custom properties of things that are stored: which definitions count for them, and what does not fit.

Does: find the cluster level, look definitions up, collect refusals; for VMs, templates, instance types, vNIC profiles,
network attachments, and for a cluster whose level changes.
"""

from collections.abc import Sequence

from ovis.engine.declare.faults import Refusal
from ovis.engine.model.types import (
    Cluster,
    CustomProperty,
    DataCenter,
    Network,
    Template,
    Version,
    Vm,
    VmBase,
    VnicProfile,
)
from ovis.engine.resources.custom_properties import rules, settings
from ovis.engine.resources.levels import LATEST, level_of
from ovis.engine.store.session import Reader

INTERFACE = "interface"
_SHOWN = 5  # objects that a refusal names


def _level(rd: Reader, owner: VmBase) -> settings.Level:
    own: Version | None = owner.custom_compatibility_version
    if own is not None and own.major is not None:
        return level_of(own)
    cluster = rd.get(Cluster, owner.cluster.id) if owner.cluster else None
    return level_of(cluster.version) if cluster is not None else LATEST


def _of_vm(rd: Reader, owner: VmBase, words: str, level: settings.Level) -> list[Refusal]:
    given = owner.custom_properties
    if not given:
        return []
    defined = settings.of_vms(rd, level)
    found = rules.problems(defined, given)
    return rules.refusals(found, level=settings.label(level), owner=words, known=defined) + rules.too_long(given, words)


def of_vm(rd: Reader, owner: VmBase, kind: str = "VM") -> list[Refusal]:
    """Of a VM, template or instance type (the latest level counts for what has no cluster)."""
    return _of_vm(rd, owner, f"{kind} {owner.name}", _level(rd, owner))


def of_profile(rd: Reader, profile: VnicProfile) -> list[Refusal]:
    """Of a vNIC profile: its data center's level counts."""
    given = profile.custom_properties
    if not given:
        return []
    network = rd.get(Network, profile.network.id) if profile.network else None
    center = rd.get(DataCenter, network.data_center.id) if network and network.data_center else None
    level = level_of(center.version) if center is not None else LATEST
    defined = settings.of_devices(rd, level)
    words = f"vNIC profile {profile.name}"
    found = rules.device_problems(defined, INTERFACE, given)
    known = defined.get(INTERFACE, {})
    return rules.refusals(found, level=settings.label(level), owner=words, known=known) + rules.too_long(given, words)


def of_attachment(
    rd: Reader, cluster: Cluster | None, network: str, given: Sequence[CustomProperty] | None
) -> list[Refusal]:
    """Of a network on a host. network: its name."""
    if not given:
        return []
    level = level_of(cluster.version) if cluster is not None else LATEST
    defined = settings.of_networks(rd, level)
    words = f"network {network}"
    found = rules.problems(defined, given)
    return rules.refusals(found, level=settings.label(level), owner=words, known=defined) + rules.too_long(given, words)


def of_cluster(rd: Reader, cluster: Cluster) -> list[Refusal]:
    """Of all VMs and templates of a cluster at the level that it is about to have."""
    level = level_of(cluster.version)
    out: list[Refusal] = []
    codes: set[str] = set()
    for kind, type_ in (("VM", Vm), ("template", Template)):
        rows: Sequence[VmBase] = rd.find(type_, cluster_id=str(cluster.id))
        for owner in rows:
            own = owner.custom_compatibility_version
            if own is None or own.major is None:
                out += _of_vm(rd, owner, f"{kind} {owner.name}", level)
    # One fault carries them all; a cluster of thousands is told by its first few, each code at least once.
    kept = out[:_SHOWN]
    codes.update(r.code for r in kept)
    return kept + [r for r in {r.code: r for r in out}.values() if r.code not in codes]


def unfit(rd: Reader) -> list[str]:
    """Names of what has properties that are not defined (any more), as `VM web`; for whoever changes definitions."""
    found: list[str] = []
    for kind, type_ in (("VM", Vm), ("template", Template)):
        rows: Sequence[VmBase] = rd.find(type_)
        found += [f"{kind} {owner.name}" for owner in rows if of_vm(rd, owner)]
    found += [f"vNIC profile {p.name}" for p in rd.find(VnicProfile) if of_profile(rd, p)]
    return found
