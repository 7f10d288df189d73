"""Networks as capabilities and statistics show them, out of a snapshot of the kernel and what was asked for.

Follows: VDSM's keys of networks, bridges, nics, bondings, vlans and of network statistics.
"""

import ipaddress
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from ovis.agent.network.kernel import Link, bridges_of
from ovis.agent.network.request import Kept, Net

_SYS = Path("/sys/class/net")


class View(Struct, frozen=True, kw_only=True):
    """What there is to tell. leased: (device, family) of those that a DHCP client serves."""

    links: dict[str, Link]
    kept: Kept = field(default_factory=Kept)
    leased: frozenset[tuple[str, int]] = frozenset()
    nameservers: tuple[str, ...] = ()


def _addresses(link: Link, view: View) -> dict[str, Any]:
    v4 = [a for a in link.addresses if a.family == socket.AF_INET]
    v6 = [a for a in link.addresses if a.family == socket.AF_INET6 and not a.ip.lower().startswith("fe80")]
    first = v4[0] if v4 else None
    dhcp6 = (link.name, 6) in view.leased
    return {
        "addr": first.ip if first else "",
        "netmask": str(ipaddress.ip_network(f"0.0.0.0/{first.prefix}").netmask) if first else "",
        "ipv4addrs": [f"{a.ip}/{a.prefix}" for a in v4],
        "ipv6addrs": [f"{a.ip}/{a.prefix}" for a in v6],
        "gateway": link.gateway,
        "ipv4defaultroute": bool(link.gateway),
        "ipv6gateway": link.gateway6 or "::",
        "dhcpv4": (link.name, 4) in view.leased or bool(first and first.dynamic),
        "dhcpv6": dhcp6,
        "ipv6autoconf": any(a.dynamic and a.prefix != 128 for a in v6) or _wants_autoconf(link.name, view.kept),
        "mtu": str(link.mtu),
    }


def _wants_autoconf(device: str, kept: Kept) -> bool:
    return any(n.autoconf and n.device == device for n in kept.networks.values())


def ports_of(links: Mapping[str, Link], name: str) -> list[str]:
    """A bridge's ports that are not guests'."""
    return sorted(link.name for link in links.values() if link.master == name and not link.of_guest)


def host_qos(net: Net) -> dict[str, Any]:
    """hostQos as it was asked for."""
    share = net.share
    curves = {"ls": share.weight, "rt": share.rate, "ul": share.ceiling} if share is not None else {}
    return {"out": {k: {"m2": v} for k, v in curves.items() if v}}


def _network(name: str, row: Mapping[str, Any], view: View, **more: Any) -> dict[str, Any]:
    """A network's row, with what only its request says."""
    net = view.kept.networks.get(name)
    found = {**row, "switch": "legacy", **more}
    if net is not None and net.share is not None:
        found["hostQos"] = host_qos(net)
    if net is not None and net.gateway and not net.default_route and net.device in view.links:
        found["gateway"] = net.gateway  # in a table of its own
    if net is not None and net.custom:
        found["custom"] = dict(net.custom)
    return found


def _bridge(name: str, link: Link, view: View) -> dict[str, Any]:
    options = _bridge_options(name)
    stp = "on" if options.get("stp_state", "0") != "0" else "off"
    return _addresses(link, view) | {"ports": ports_of(view.links, name), "stp": stp, "opts": options}


def _bridge_options(name: str) -> dict[str, str]:
    """What was set, not what goes by."""
    found = {}
    for file in sorted((_SYS / name / "bridge").glob("*")):
        if file.name.endswith("_timer") or file.name.startswith("topology_change"):
            continue
        try:
            found[file.name] = file.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue  # some can only be written
    return found


def capabilities(view: View) -> dict[str, Any]:
    """networks, bridges, nics, bondings, vlans, nameservers (reads /sys; blocks)."""
    links = view.links
    bridges, networks = {}, {}
    for name, link in bridges_of(links).items():
        row = _bridge(name, link, view)
        bridges[name] = row
        south = (row["ports"] or [name])[0]
        networks[name] = _network(name, row, view, iface=name, bridged=True, southbound=south)
    for name, net in view.kept.networks.items():
        if not net.bridged and net.device in links:
            row = _addresses(links[net.device], view)
            more = {"iface": net.device, "bridged": False, "southbound": net.device, "ports": [net.device]}
            networks[name] = _network(name, row, view, **more)
    vlans = {
        n: _addresses(link, view) | {"iface": link.lower, "vlanid": link.vlan}
        for n, link in links.items()
        if link.kind == "vlan"
    }
    for row in networks.values():
        port = row["southbound"]
        if port in vlans:
            row["vlan"] = vlans[port]["vlanid"]
    qos = shared(view.kept)
    return {
        "networks": networks,
        "bridges": bridges,
        "nics": {
            n: _addresses(link, view)
            | {"hwaddr": link.mac, "speed": link.speed}
            | ({"qos": qos[n]} if n in qos else {})
            for n, link in links.items()
            if link.is_nic
        },
        "vlans": vlans,
        "bondings": {
            n: _addresses(link, view)
            | {
                "hwaddr": link.mac,
                "speed": link.speed,
                "slaves": ports_of(links, n),
                "active_slave": link.active,
                "opts": dict(link.opts),
                "switch": "legacy",
            }
            | ({"qos": qos[n]} if n in qos else {})
            for n, link in links.items()
            if link.kind == "bond"
        },
        "nameservers": list(view.nameservers),
    }


def shared(kept: Kept) -> dict[str, list[dict[str, Any]]]:
    """NIC or bond -> what its networks may have of it. Pure."""
    found: dict[str, list[dict[str, Any]]] = {}
    for net in kept.networks.values():
        if net.nic and net.share is not None:
            found.setdefault(net.nic, []).append(
                {"hostQos": host_qos(net), "vlan": net.vlan if net.vlan is not None else -1}
            )
    return found


def statistics(links: Mapping[str, Link], at: float) -> dict[str, Any]:
    """Host.getStats' network."""
    return {
        n: {
            "name": n,
            "rx": str(link.rx),
            "tx": str(link.tx),
            "rxErrors": str(link.rx_errors),
            "txErrors": str(link.tx_errors),
            "rxDropped": str(link.rx_dropped),
            "txDropped": str(link.tx_dropped),
            "speed": str(link.speed or 1000),
            "state": "up" if link.up and link.carrier else "down",
            "sampleTime": at,
        }
        for n, link in links.items()
        if not link.of_guest
    }
