"""What stands against a request, given what the host has. Pure.

Follows: VDSM's codes: 23 no such NIC, 24 NIC in use, 27 bridge, 31 bond in use.
"""

from collections.abc import Mapping

from ovis.agent.network.kernel import Link
from ovis.agent.network.request import BAD_BRIDGE, BAD_NIC, USED_BOND, USED_NIC, Bond, Kept, Net, Plan
from ovis.contract.errors import VerbError


def check(links: Mapping[str, Link], wanted: Plan, kept: Kept, after: Kept) -> None:
    """VerbError for the first thing that cannot be. links: with bonds and VLANs as such."""
    for name in wanted.removed:
        _removed(links, name, kept)
    for net in wanted.networks:
        old = kept.networks.get(net.name)
        if old is not None and old.bridged and not net.bridged:
            _unused(links, net.name)
    freed = {*wanted.removed, *(n.name for n in wanted.networks)}
    for bond in wanted.removed_bonds:
        _bond_free(links, bond, after, freed)
    _bonds(links, wanted, kept, after, freed)
    owners: dict[str, str] = {}
    for net in after.networks.values():
        if net.nic:
            _lies(links, net, after, freed if net.name in freed else {net.name})
            if owners.setdefault(net.port, net.name) != net.name:
                raise VerbError(USED_NIC, f"{net.port} is used by network {owners[net.port]} already.")


def _removed(links: Mapping[str, Link], name: str, kept: Kept) -> None:
    bridge = links.get(name)
    if name not in kept.networks and (bridge is None or bridge.kind != "bridge"):
        raise VerbError(BAD_BRIDGE, f"There is no network {name} on this host.")
    _unused(links, name)


def _unused(links: Mapping[str, Link], name: str) -> None:
    guests = sorted(p.name for p in links.values() if p.master == name and p.of_guest)
    if guests:
        raise VerbError(BAD_BRIDGE, f"Network {name} is used by running VMs ({', '.join(guests)}).")


def _bond_free(links: Mapping[str, Link], bond: str, after: Kept, freed: set[str]) -> None:
    users = {n for n, x in after.networks.items() if x.nic == bond}
    master = links[bond].master if bond in links else ""
    users |= {master} if master and master not in freed else set()
    users |= {x.name for x in links.values() if x.lower == bond and x.master and x.master not in freed}
    if users:
        raise VerbError(USED_BOND, f"Bond {bond} is used by network {', '.join(sorted(users))}.")


def _bonds(links: Mapping[str, Link], wanted: Plan, kept: Kept, after: Kept, freed: set[str]) -> None:
    owners: dict[str, str] = {}
    for bond in after.bonds.values():
        for nic in bond.nics:
            if owners.setdefault(nic, bond.name) != bond.name or bond.nics.count(nic) > 1:
                raise VerbError(USED_NIC, f"{nic} is used by {owners[nic]} already.")
    users = {x.nic: n for n, x in after.networks.items()}
    for bond in wanted.bonds:
        for nic in bond.nics:
            _slave(links, bond, nic, kept, after, freed)
            if nic in users:
                raise VerbError(USED_NIC, f"{nic} is used by network {users[nic]} already.")


def _slave(links: Mapping[str, Link], bond: Bond, nic: str, kept: Kept, after: Kept, freed: set[str]) -> None:
    link = links.get(nic)
    if link is None or link.kind in ("bridge", "bond", "vlan"):
        raise VerbError(BAD_NIC, f"There is no NIC {nic} on this host.")
    other = after.bonds.get(link.master)
    left = link.master in kept.bonds and (other is None or nic not in other.nics)
    if link.master not in ("", bond.name) and link.master not in freed and not left:
        raise VerbError(USED_NIC, f"{nic} is used by {link.master} already.")
    named = {n.nic for n in kept.networks.values() if n.name in freed}
    if link.ipv4 is not None and nic not in named:
        raise VerbError(USED_NIC, f"{nic} has the address {link.ipv4.ip}, which a bond would cut off.")


def _lies(links: Mapping[str, Link], net: Net, after: Kept, mine: set[str]) -> None:
    if net.nic not in links and net.nic not in after.bonds:
        raise VerbError(BAD_NIC, f"There is no network device {net.nic} on this host.")
    bond = next((b.name for b in after.bonds.values() if net.nic in b.nics), "")
    if bond:
        raise VerbError(USED_NIC, f"{net.nic} is used by bond {bond} already.")
    port = links.get(net.port)
    if port is not None and port.master and port.master not in mine and net.nic not in after.bonds:
        raise VerbError(USED_NIC, f"{net.port} is used by network {port.master} already.")
