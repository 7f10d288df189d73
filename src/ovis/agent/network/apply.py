"""A checked request carried out: NICs freed, VLANs and bonds made, bridges and addresses put. Blocks.

Does: refuse what cannot be before anything changes, then every change that can be taken back (apply), then those that
cannot (finish). Does not: wait for anybody, or remember (setup).
"""

from pathlib import Path

from msgspec import Struct
from pyroute2.netlink.exceptions import NetlinkError

from ovis.agent.network import addresses, kernel, options, resolvers, shares
from ovis.agent.network.below import Below, layout_of
from ovis.agent.network.bridges import Changes
from ovis.agent.network.checks import check
from ovis.agent.network.report import ports_of
from ovis.agent.network.request import BAD_BRIDGE, BAD_PARAMETERS, Kept, Net, Plan
from ovis.contract.errors import VerbError


class Host(Struct, frozen=True):
    """What changes are made on."""

    below: Below
    resolv_conf: Path


def apply(host: Host, changes: Changes, wanted: Plan, kept: Kept) -> None:
    """Everything that can be undone; undone at once if a part fails."""
    start = changes.mark
    try:
        after = kept.after(wanted)
        check(host.below.seen(kernel.snapshot()), wanted, kept, after)
        _free(changes, wanted, kept)
        host.below.become(changes, layout_of(kept), layout_of(after))
        for net in wanted.networks:
            _make(host, changes, net, kept.networks.get(net.name), after)
        before = shares.by_nic(kept.networks.values(), kept.bonds)
        shares.become(changes, before, shares.by_nic(after.networks.values(), after.bonds))
    except (VerbError, NetlinkError) as err:
        changes.undo(start)
        if isinstance(err, VerbError):
            raise
        raise VerbError(BAD_PARAMETERS, f"The kernel refused: {err}") from err


def finish(changes: Changes, wanted: Plan, kept: Kept) -> None:
    """What cannot be undone, at the end: bridges that nothing needs go."""
    bare = {n.name for n in wanted.networks if not n.bridged and n.name in kept.networks}
    links = kernel.snapshot()
    for name in (*wanted.removed, *bare):
        if name in links and links[name].kind == "bridge":
            changes.remove(name, BAD_BRIDGE)


def _free(changes: Changes, wanted: Plan, kept: Kept) -> None:
    """NICs, VLANs and bonds leave networks that go, or that are to lie on another."""
    links = kernel.snapshot()
    named = {n.name for n in wanted.networks}
    for name in wanted.removed:
        old, bridge = kept.networks.get(name), links.get(name)
        if old is not None and not old.bridged:
            addresses.drop(changes, old)
        if bridge is None or bridge.kind != "bridge":
            continue
        for port in ports_of(links, name):
            changes.enslave(port, "")
            if bridge.ipv4 is not None and links[port].is_nic and not port.count("."):
                changes.move_addresses(name, port)
    for net in wanted.networks:
        old, bridge = kept.networks.get(net.name), links.get(net.name)
        if old is not None and not old.bridged and (net.bridged or old.device != net.device):
            addresses.drop(changes, old)
        if bridge is not None and bridge.kind == "bridge":
            for port in ports_of(links, net.name):
                if port != net.port or not net.bridged:
                    changes.enslave(port, "")
            if not net.bridged and net.name in named and not net.ip and not net.bare and net.device in links:
                changes.move_addresses(net.name, net.device)


def _make(host: Host, changes: Changes, net: Net, before: Net | None, after: Kept) -> None:
    bond = after.bonds.get(net.nic)
    nics = frozenset(bond.nics) if bond is not None else frozenset({net.nic} if net.nic else ())
    if net.nic and net.mtu > kernel.snapshot()[net.nic].mtu:
        _mtu(host, changes, net.nic, net.mtu)
    if net.vlan_device:
        _mtu(host, changes, net.vlan_device, net.mtu)
    if net.bridged:
        _bridge(changes, net)
    elif not net.vlan_device:
        _mtu(host, changes, net.device, net.mtu)
    addresses.put(changes, net, before)
    options.put(changes, net, nics)
    if net.nameservers is not None and net.default_route:
        resolvers.change(changes, host.resolv_conf, net.nameservers)


def _mtu(host: Host, changes: Changes, device: str, value: int) -> None:
    for also in host.below.along(device):
        if also in kernel.snapshot():
            changes.mtu(also, value)
    changes.mtu(device, value)


def _bridge(changes: Changes, net: Net) -> None:
    if not changes.exists(net.name):
        changes.add(net.name, "bridge", BAD_BRIDGE, br_forward_delay=0)
    links = kernel.snapshot()
    if links[net.name].kind != "bridge":
        raise VerbError(BAD_BRIDGE, f"{net.name} is there and is no bridge.")
    options.bridge(changes, net.name, "stp_state", "1" if net.stp else "0")
    if net.port:
        had = links[net.port].ipv4 is not None and not net.vlan_device
        if links[net.port].master != net.name:
            changes.enslave(net.port, net.name)
        if had and not net.ip and not net.bare:
            changes.move_addresses(net.port, net.name)
    changes.mtu(net.name, net.mtu)
