"""Links, addresses and routes as the kernel has them, by netlink.

Does: one snapshot (blocks for milliseconds; call it in a thread). Does not: change anything (bridges does).
"""

import socket
from pathlib import Path
from typing import Any

from msgspec import Struct
from pyroute2 import IPRoute

INTERNAL = ("virbr", ";vdsmdummy;", "docker", "br-int")
_OURS = ("vnet", "tap", "macvtap")


class Address(Struct, frozen=True):
    """An address of a link."""

    ip: str
    prefix: int
    family: int
    dynamic: bool = False


class Link(Struct, frozen=True, kw_only=True):
    """A network device. kind: bridge, vlan, bond, veth, tun, ... or "" (iron). speed: Mbit/s. opts, active: of a bond."""

    index: int
    name: str
    kind: str
    mac: str
    mtu: int
    up: bool
    carrier: bool
    master: str = ""
    lower: str = ""
    vlan: int | None = None
    speed: int = 0
    addresses: tuple[Address, ...] = ()
    gateway: str = ""
    gateway6: str = ""
    opts: dict[str, str] = {}
    active: str = ""
    rx: int = 0
    tx: int = 0
    rx_errors: int = 0
    tx_errors: int = 0
    rx_dropped: int = 0
    tx_dropped: int = 0

    @property
    def ipv4(self) -> Address | None:
        """The first IPv4 address."""
        return next((a for a in self.addresses if a.family == socket.AF_INET), None)

    @property
    def is_nic(self) -> bool:
        """Whether VM networks can be put over it: iron, or a cable of a network namespace."""
        return self.kind in ("", "veth") and self.name != "lo"

    @property
    def of_guest(self) -> bool:
        """Whether it is a VM's end."""
        return self.kind in ("tun", "macvtap") or self.name.startswith(_OURS)


def snapshot() -> dict[str, Link]:
    """All links by name."""
    with IPRoute() as netlink:
        messages = list(netlink.get_links())
        addresses = list(netlink.get_addr())
        routes = [r for family in (socket.AF_INET, socket.AF_INET6) for r in netlink.get_routes(family=family)]
    names = {m["index"]: m.get_attr("IFLA_IFNAME") for m in messages}
    by_link: dict[int, list[Address]] = {}
    for a in addresses:
        ip = a.get_attr("IFA_LOCAL") or a.get_attr("IFA_ADDRESS")
        if ip:
            dynamic = not a["flags"] & 0x80  # IFA_F_PERMANENT
            by_link.setdefault(a["index"], []).append(Address(ip, a["prefixlen"], a["family"], dynamic))
    gateways: dict[tuple[int, int], str] = {}
    for r in routes:
        if r["dst_len"] == 0 and r.get_attr("RTA_GATEWAY") and r.get_attr("RTA_TABLE") == 254:
            gateways.setdefault((r["family"], r.get_attr("RTA_OIF")), r.get_attr("RTA_GATEWAY"))
    found = [_link(m, names, tuple(by_link.get(m["index"], ())), gateways) for m in messages]
    return {link.name: link for link in found}


def _link(m: Any, names: dict[int, str], addresses: tuple[Address, ...], gateways: dict[tuple[int, int], str]) -> Link:
    name = m.get_attr("IFLA_IFNAME")
    info = m.get_attr("IFLA_LINKINFO")
    kind = (info.get_attr("IFLA_INFO_KIND") or "") if info else ""
    data = info.get_attr("IFLA_INFO_DATA") if info and kind == "vlan" else None
    counters = m.get_attr("IFLA_STATS64") or {}
    lower = names.get(m.get_attr("IFLA_LINK") or 0, "") if kind == "vlan" else ""
    return Link(
        index=m["index"],
        name=name,
        kind=kind,
        mac=m.get_attr("IFLA_ADDRESS") or "",
        mtu=m.get_attr("IFLA_MTU") or 0,
        up=bool(m["flags"] & 1),
        carrier=bool(m.get_attr("IFLA_CARRIER")),
        master=names.get(m.get_attr("IFLA_MASTER") or 0, ""),
        lower=lower,
        vlan=data.get_attr("IFLA_VLAN_ID") if data else None,
        speed=_speed(name),
        addresses=addresses,
        gateway=gateways.get((socket.AF_INET, m["index"]), ""),
        gateway6=gateways.get((socket.AF_INET6, m["index"]), ""),
        opts=_bond_options(name) if kind == "bond" else {},
        active=_bonding(name, "active_slave") if kind == "bond" else "",
        rx=counters.get("rx_bytes", 0),
        tx=counters.get("tx_bytes", 0),
        rx_errors=counters.get("rx_errors", 0),
        tx_errors=counters.get("tx_errors", 0),
        rx_dropped=counters.get("rx_dropped", 0),
        tx_dropped=counters.get("tx_dropped", 0),
    )


def _speed(name: str) -> int:
    try:
        found = int(Path(f"/sys/class/net/{name}/speed").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0  # bridges, and links that are down, do not say
    return max(0, found)


def _bonding(name: str, option: str) -> str:
    try:
        return (Path("/sys/class/net") / name / "bonding" / option).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _bond_options(name: str) -> dict[str, str]:
    """The mode's number, and miimon."""
    mode, miimon = _bonding(name, "mode").split(), _bonding(name, "miimon")
    return {**({"mode": mode[-1]} if mode else {}), **({"miimon": miimon} if miimon not in ("", "0") else {})}


def bridges_of(links: dict[str, Link]) -> dict[str, Link]:
    """Bridges that may be VM networks."""
    return {n: link for n, link in links.items() if link.kind == "bridge" and not n.startswith(INTERNAL)}
