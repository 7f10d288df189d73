"""Networks as capabilities and statistics show them. Pure over a snapshot of the kernel.

Follows: VDSM's keys of networks, bridges, nics, bondings, vlans and of network statistics.
"""

import ipaddress
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ovis.agent.network.kernel import Link, bridges_of


def _addresses(link: Link) -> dict[str, Any]:
    v4 = [a for a in link.addresses if a.family == socket.AF_INET]
    v6 = [a for a in link.addresses if a.family == socket.AF_INET6]
    first = v4[0] if v4 else None
    return {
        "addr": first.ip if first else "",
        "netmask": str(ipaddress.ip_network(f"0.0.0.0/{first.prefix}").netmask) if first else "",
        "ipv4addrs": [f"{a.ip}/{a.prefix}" for a in v4],
        "ipv6addrs": [f"{a.ip}/{a.prefix}" for a in v6 if not a.ip.lower().startswith("fe80")],
        "gateway": link.gateway,
        "ipv4defaultroute": bool(link.gateway),
        "ipv6gateway": "::",
        "dhcpv4": bool(first and first.dynamic),
        "dhcpv6": False,
        "ipv6autoconf": False,
        "mtu": str(link.mtu),
    }


def ports_of(links: Mapping[str, Link], name: str) -> list[str]:
    """A bridge's ports that are not guests'."""
    return sorted(link.name for link in links.values() if link.master == name and not link.of_guest)


def capabilities(links: dict[str, Link], plain: Mapping[str, str] = {}) -> dict[str, Any]:
    """networks, bridges, nics, bondings, vlans. plain: networks without a bridge, by device."""
    bridges, networks = {}, {}
    for name, link in bridges_of(links).items():
        row = _addresses(link) | {"ports": ports_of(links, name), "stp": "off", "opts": {}}
        bridges[name] = row
        networks[name] = row | {"iface": name, "bridged": True, "switch": "legacy", "southbound": (row["ports"] or [name])[0]}  # fmt: skip
    for network, device in plain.items():
        if device in links:
            networks[network] = _addresses(links[device]) | {
                "iface": device,
                "bridged": False,
                "switch": "legacy",
                "southbound": device,
                "ports": [device],
            }
    vlans = {
        n: _addresses(link) | {"iface": link.lower, "vlanid": link.vlan}
        for n, link in links.items()
        if link.kind == "vlan"
    }
    for row in networks.values():
        port = row["southbound"]
        if port in vlans:
            row["vlan"] = vlans[port]["vlanid"]
    return {
        "networks": networks,
        "bridges": bridges,
        "nics": {
            n: _addresses(link) | {"hwaddr": link.mac, "speed": link.speed} for n, link in links.items() if link.is_nic
        },
        "vlans": vlans,
        "bondings": {
            n: _addresses(link)
            | {
                "hwaddr": link.mac,
                "speed": link.speed,
                "slaves": sorted(s.name for s in links.values() if s.master == n),
                "active_slave": "",
                "opts": {},
            }
            for n, link in links.items()
            if link.kind == "bond"
        },
    }


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


def nameservers(file: Path = Path("/etc/resolv.conf")) -> list[str]:
    """The host's resolvers."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line.split()[1] for line in lines if line.startswith("nameserver ") and len(line.split()) > 1]
