"""VLANs and bonds as Open vSwitch has them: bridges, ports, commands, the kernel's filters. Pure.

Does: for each NIC or bond with something on it, one bridge; for each VLAN (and for a bond's untagged frames) a veth pair,
one end the device that networks lie on, the other an access port; bonds as bond ports. Does not: run anything (ovs).
Follows: ovs-vswitchd.conf.db(5); Linux' bonding for modes and options.
"""

import json
import zlib
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ovis.agent.network.below import Layout
from ovis.agent.network.kernel import Link
from ovis.agent.network.request import BAD_BOND, MODES, Bond
from ovis.contract.errors import VerbError

Bridges = dict[str, dict[str, tuple[str, ...]]]
"""Bridge -> port -> interfaces."""
# The kernel's modes by number, as the switch's; what needs another kind of neighbour is not among them.
_MODES = {1: "active-backup", 4: "balance-tcp", 5: "balance-slb", 6: "balance-slb"}
# Options that say nothing to the switch: it watches carriers, and hashes what balance-tcp hashes.
_IGNORED = frozenset({"miimon", "use_carrier", "xmit_hash_policy", "fail_over_mac", "num_grat_arp", "num_unsol_na"})


class Pair(Struct, frozen=True):
    """A veth pair. device: the kernel's end; end: the switch's; like: the NIC whose MAC the device has."""

    device: str
    end: str
    like: str


def _hash(name: str) -> str:
    return f"{zlib.crc32(name.encode()):08x}"


def bridge_of(lower: str) -> str:
    """The switch's bridge of a NIC or bond."""
    return f"ovs{_hash(lower)}"


def bond_port(bond: str) -> str:
    """A bond's port; no device of that name."""
    return f"ovb{_hash(bond)}"


def end_of(device: str) -> str:
    """The switch's end of a device's veth pair."""
    return f"ove{_hash(device)}"


def is_ours(name: str) -> bool:
    """Whether a device is the switch's own end of something."""
    return len(name) == 11 and name[:3] in ("ovs", "ove") and all(c in "0123456789abcdef" for c in name[3:])


def nics_of(layout: Layout) -> set[str]:
    """NICs that the switch reads."""
    return {v.nic for v in layout.vlans.values() if v.nic not in layout.bonds} | set(slaves_of(layout))


def slaves_of(layout: Layout) -> dict[str, str]:
    """NIC -> its bond."""
    return {nic: b.name for b in layout.bonds.values() for nic in b.nics}


def pairs_of(layout: Layout) -> list[Pair]:
    """Devices, by name."""

    def like(lower: str) -> str:
        return layout.bonds[lower].nics[0] if lower in layout.bonds else lower

    found = [Pair(b, end_of(b), like(b)) for b in layout.bonds]
    return sorted([*found, *(Pair(d, end_of(d), like(v.nic)) for d, v in layout.vlans.items())], key=lambda p: p.device)


def _lowers(layout: Layout) -> list[str]:
    return sorted({v.nic for v in layout.vlans.values()} | set(layout.bonds))


def _tags(layout: Layout, lower: str) -> list[int]:
    return sorted(v.tag for v in layout.vlans.values() if v.nic == lower)


def _bond_settings(bond: Bond) -> list[str]:
    """Columns of a bond's port. VerbError for what the switch cannot."""
    if bond.mode not in _MODES:
        able = ", ".join(f"{n} ({MODES[n]})" for n in _MODES)
        text = f"Bond {bond.name}: mode {bond.mode} ({MODES[bond.mode]}) cannot be had of Open vSwitch, but {able}."
        raise VerbError(BAD_BOND, text)
    other = {"bond-detect-mode": "carrier"}
    found = [f"bond_mode={_MODES[bond.mode]}", f"lacp={'active' if bond.mode == 4 else 'off'}"]
    if bond.mode == 4:
        other["lacp-fallback-ab"] = "true"
    for name, value in bond.options.items():
        if name in ("updelay", "downdelay") and value.isdigit():
            found.append(f"bond_{name}={value}")
        elif name == "primary" and value in bond.nics:
            other["bond-primary"] = value
        elif name == "lacp_rate" and value in ("0", "slow", "1", "fast"):
            other["lacp-time"] = "fast" if value in ("1", "fast") else "slow"
        elif name not in _IGNORED:
            raise VerbError(BAD_BOND, f"Bond {bond.name}: Open vSwitch has no option {name[:40]}={value[:40]}.")
    words = ",".join(f"{json.dumps(k)}={json.dumps(v)}" for k, v in sorted(other.items()))
    return [*found, f"other_config={{{words}}}"]


def _ports(layout: Layout, lower: str) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
    """(port, interfaces, settings) of a bridge."""
    bond = layout.bonds.get(lower)
    tags = _tags(layout, lower)
    if bond is None:
        yield lower, (lower,), ["vlan_mode=trunk", f"trunks={','.join(map(str, tags))}"]
    elif len(bond.nics) == 1:
        yield bond.nics[0], bond.nics, []
    else:
        yield bond_port(lower), bond.nics, _bond_settings(bond)
    if bond is not None:
        yield end_of(lower), (end_of(lower),), ["vlan_mode=access", "tag=0"]
    for tag in tags:
        device = next(d for d, v in layout.vlans.items() if (v.nic, v.tag) == (lower, tag))
        yield end_of(device), (end_of(device),), ["vlan_mode=access", f"tag={tag}"]


def commands(layout: Layout, there: Bridges) -> list[str]:
    """Words for ovs-vsctl that make one out of the other, in one transaction. VerbError for what the switch cannot.

    What frees an interface comes before what takes it.
    """
    out: list[list[str]] = []
    lowers = {bridge_of(lower): lower for lower in _lowers(layout)}
    plans = {bridge: list(_ports(layout, lower)) for bridge, lower in lowers.items()}
    for bridge, ports in there.items():
        if bridge not in plans:
            out.append(["del-br", bridge])
            continue
        wanted = {name: set(nics) for name, nics, _ in plans[bridge]}
        for port, nics in ports.items():
            if port == bridge:
                continue
            if port not in wanted or (set(nics) != wanted[port] and 1 in (len(nics), len(wanted[port]))):
                out.append(["del-port", bridge, port])
            else:
                out += [["del-bond-iface", port, n] for n in nics if n not in wanted[port]]
    gone = {(c[1], c[2]) for c in out if c[0] == "del-port"}
    for bridge, planned in plans.items():
        before = {p: n for p, n in there.get(bridge, {}).items() if (bridge, p) not in gone}
        if bridge not in there:
            out.append(["add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev"])
        for port, nics, settings in planned:
            if port not in before:
                out.append(
                    ["add-port" if len(nics) == 1 else "add-bond", bridge, port, *(nics if len(nics) > 1 else ())]
                )
            else:
                out += [["add-bond-iface", port, n] for n in nics if n not in before[port]]
            if settings:
                out.append(["set", "port", port, *settings])
    return [word for command in out for word in ("--", *command)][1:]


def filters(layout: Layout) -> str:
    """Rules for nft: frames that the switch has are not the kernel's too, and bridges do not send into its VLANs."""
    taken = [(nic, "drop") for nic in sorted(slaves_of(layout))]
    shared = [(lower, _tags(layout, lower)) for lower in _lowers(layout) if lower not in layout.bonds]
    words = {nic: "{ " + ", ".join(map(str, tags)) + " }" for nic, tags in shared}
    taken += [(nic, f"vlan id {tags} drop") for nic, tags in words.items()]
    chains = [
        f'  chain in{k} {{ type filter hook ingress device "{nic}" priority -450; {rule}; }}\n'
        for k, (nic, rule) in enumerate(taken)
    ]
    forward = "".join(f'    oifname "{nic}" vlan id {tags} drop\n' for nic, tags in words.items())
    return (
        "table netdev ovis_switch {}\ndelete table netdev ovis_switch\n"
        "table bridge ovis_switch {}\ndelete table bridge ovis_switch\n"
        + (f"table netdev ovis_switch {{\n{''.join(chains)}}}\n" if chains else "")
        + (
            "table bridge ovis_switch {\n  chain forward {\n    type filter hook forward priority 0;\n"
            f"{forward}  }}\n}}\n"
            if forward
            else ""
        )
    )


def seen(links: Mapping[str, Link], layout: Layout, actives: Mapping[str, str]) -> dict[str, Link]:
    """The kernel's links as the switch lets them be. actives: bond -> MAC of its active slave."""
    found = {n: x for n, x in links.items() if not is_ours(n)}
    for nic, bond in slaves_of(layout).items():
        if nic in found:
            found[nic] = replace(found[nic], master=bond)
    for name, made in layout.bonds.items():
        if name in found:
            slaves = [found[n] for n in made.nics if n in found]
            active = next((s.name for s in slaves if s.mac == actives.get(name)), "")
            working = [s for s in slaves if s.up and s.carrier]
            shown = working if made.mode != 1 else working[:1]
            found[name] = replace(
                found[name],
                kind="bond",
                opts=made.opts,
                active=active if made.mode == 1 else "",
                carrier=bool(working),
                speed=sum(s.speed for s in shown),
            )
    for device, vlan in layout.vlans.items():
        if device in found:
            below = found.get(vlan.nic)
            carrier = below is not None and below.carrier
            found[device] = replace(found[device], kind="vlan", lower=vlan.nic, vlan=vlan.tag, carrier=carrier)
    return found
