"""What a host's network was before changes that nobody agreed to yet, and the way back to it.

Does: remember links before the first such change; take back what an agent that died, or was restarted, left behind.
Does not: decide when (setup). Blocks; call it in a thread. Devices that running VMs use stay, and are named.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct, field

from ovis.agent.network import kernel
from ovis.agent.network.below import Below, Layout
from ovis.agent.network.bridges import Changes
from ovis.agent.network.kernel import Address, Link
from ovis.agent.network.request import BAD_BRIDGE


class Before(Struct, frozen=True, kw_only=True):
    """A link as it was. addresses: those that last; a lease's belong to its client."""

    kind: str
    master: str
    mtu: int
    addresses: tuple[Address, ...] = ()
    gateway: str = ""


class Journal(Struct, kw_only=True):
    """links: as they were, by name. devices: what the changes may have made, upper ones first.

    layout: what the switch had made.
    """

    links: dict[str, Before] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)
    layout: Layout = field(default_factory=Layout)


def lasting(link: Link) -> tuple[Address, ...]:
    """Addresses that somebody set: neither leased nor link-local."""
    return tuple(a for a in link.addresses if not a.dynamic and not ipaddress.ip_address(a.ip).is_link_local)


def record(links: Mapping[str, Link]) -> dict[str, Before]:
    """Links that are the host's own. Pure."""
    return {
        n: Before(kind=x.kind, master=x.master, mtu=x.mtu, addresses=lasting(x), gateway=x.gateway)
        for n, x in links.items()
        if n != "lo" and not x.of_guest
    }


def write(path: Path, journal: Journal) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode(journal))
    temporary.replace(path)


def read(path: Path) -> Journal | None:
    """None if nothing is open. msgspec.DecodeError if it is no journal."""
    return msgspec.json.decode(path.read_bytes(), type=Journal) if path.exists() else None


def in_use(links: Mapping[str, Link], devices: Iterable[str]) -> list[str]:
    """Those of the devices that carry NICs of running VMs. Pure."""
    used = {x.master for x in links.values() if x.of_guest}
    return [d for d in devices if d in used]


def _held(layout: Layout, now: Layout, links: Mapping[str, Link], used: Iterable[str]) -> Layout:
    """What the switch has to go on with: what it had, and what bridges that stay lie on. Pure."""
    vlans = {d: v for d, v in now.vlans.items() if d in links and links[d].master in used}
    below = {v.nic for v in vlans.values()}
    bonds = {b: x for b, x in now.bonds.items() if b in below or (b in links and links[b].master in used)}
    return Layout(bonds=layout.bonds | bonds, vlans=layout.vlans | vlans)


def take_back(journal: Journal, below: Below) -> list[str]:
    """The host as it was; the devices that had to stay because VMs use them. May run again at any point."""
    changes = Changes()
    try:
        links = kernel.snapshot()
        now = below.switched
        ours = {*now.vlans, *now.bonds}
        made = [d for d in journal.devices if d in links and d not in journal.links and d not in ours]
        used = in_use(links, made)
        held = {*used, *(x.name for x in links.values() if x.master in used)}
        for name in made:
            if name not in held:
                changes.remove(name, BAD_BRIDGE)
        if now or journal.layout:
            below.restore(changes, _held(journal.layout, now, links, used))
        for name, before in journal.links.items():
            if before.kind == "bridge" and not changes.exists(name):
                changes.add(name, "bridge", BAD_BRIDGE, br_forward_delay=0)
        links = kernel.snapshot()
        there = {n: b for n, b in journal.links.items() if n in links and n not in held}
        for name, before in there.items():
            if links[name].master != before.master and (not before.master or before.master in links):
                changes.enslave(name, before.master)
            changes.mtu(name, before.mtu)
            for address in lasting(links[name]):
                if address not in before.addresses:
                    changes.address("del", name, address)
        for name, before in there.items():
            for address in before.addresses:
                if address not in links[name].addresses:
                    changes.address("add", name, address)
        for name, before in there.items():
            if before.gateway and kernel.snapshot()[name].gateway != before.gateway:
                changes.gateway(name, before.gateway)
    finally:
        changes.close()
    return used
