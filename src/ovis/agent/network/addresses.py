"""Addresses and routes of a network's device, IPv4 and IPv6, undoably. Blocks.

Does: static addresses, gateways, the kernel's own IPv6 autoconfiguration, what a network without the host's default route
needs to answer from its own address. Does not: leases (leases), resolvers (resolvers).
"""

import contextlib
import errno
import ipaddress
import socket
import zlib
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from ovis.agent.network import kernel
from ovis.agent.network.bridges import Changes
from ovis.agent.network.kernel import Address
from ovis.agent.network.request import BAD_ADDRESS, Net
from ovis.contract.errors import VerbError

_SYSCTL = Path("/proc/sys/net/ipv6/conf")
_RULES = 32000  # priority of our rules


def put(changes: Changes, net: Net, before: Net | None) -> None:
    """What a network wants of its device. before: as it was kept."""
    _four(changes, net, before)
    _six(changes, net, before)


def drop(changes: Changes, net: Net) -> None:
    """Take away what a network that has no bridge of its own gave its device."""
    links = kernel.snapshot()
    if net.device not in links:
        return
    if net.ip:
        changes.address("del", net.device, Address(net.ip, net.prefix, socket.AF_INET))
        _own_routes(changes, net, on=False)
    if net.ipv6:
        changes.address("del", net.device, _six_of(net.ipv6))
    if net.autoconf or net.dhcp6:
        _automatic(changes, net.device, router=False, own=False)


def _four(changes: Changes, net: Net, before: Net | None) -> None:
    device = net.device
    there = kernel.snapshot()[device]
    had_route = before is not None and bool(before.ip and before.gateway and not before.default_route)
    if had_route and before is not None and (before.ip, before.gateway) != (net.ip, net.gateway):
        _own_routes(changes, before, on=False)
    if net.ip:
        for old in there.addresses:
            if old.family == socket.AF_INET and (old.ip, old.prefix) != (net.ip, net.prefix):
                changes.address("del", device, old)
        changes.address("add", device, Address(net.ip, net.prefix, socket.AF_INET))
        if net.gateway and net.default_route:
            changes.gateway(device, net.gateway)
        elif net.gateway:
            _own_routes(changes, net, on=True)
    elif net.bare:
        for old in there.addresses:
            if old.family == socket.AF_INET:
                changes.address("del", device, old)


def _six_of(text: str) -> Address:
    found = ipaddress.IPv6Interface(text)
    return Address(str(found.ip), found.network.prefixlen, socket.AF_INET6)


def _six(changes: Changes, net: Net, before: Net | None) -> None:
    device = net.device
    if before is not None and before.ipv6 and before.ipv6 != net.ipv6:
        changes.address("del", device, _six_of(before.ipv6))
    if net.ipv6:
        if _read(device, "disable_ipv6") == "1":
            _write(changes, device, "disable_ipv6", "0")
        changes.address("add", device, _six_of(net.ipv6))
        if net.gateway6:
            changes.gateway(device, net.gateway6)
    automatic = net.autoconf or net.dhcp6
    if automatic or (before is not None and (before.autoconf or before.dhcp6)):
        _automatic(changes, device, router=automatic, own=net.autoconf)


def _automatic(changes: Changes, device: str, *, router: bool, own: bool) -> None:
    """Whether the kernel hears routers on a device, and makes addresses of its own by them."""
    if router and not (_SYSCTL / device).exists():
        raise VerbError(BAD_ADDRESS, f"{device}: this kernel has no IPv6.")
    if router and _read(device, "disable_ipv6") == "1":
        _write(changes, device, "disable_ipv6", "0")
    _write(changes, device, "accept_ra", "2" if router else "0")  # 2: though the host forwards
    _write(changes, device, "autoconf", "1" if own else "0")
    if not own:
        for old in kernel.snapshot()[device].addresses:
            if old.family == socket.AF_INET6 and old.dynamic and not ipaddress.ip_address(old.ip).is_link_local:
                changes.address("del", device, old)


def _read(device: str, name: str) -> str:
    try:
        return (_SYSCTL / device / name).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _write(changes: Changes, device: str, name: str, value: str) -> None:
    before = _read(device, name)
    if before in ("", value):
        return
    file = _SYSCTL / device / name

    def back() -> None:
        with contextlib.suppress(FileNotFoundError):  # the device is gone
            file.write_text(before, encoding="ascii")

    try:
        file.write_text(value, encoding="ascii")
    except OSError as err:
        raise VerbError(BAD_ADDRESS, f"{device}: {name}={value} is not taken: {err.strerror}") from err
    changes.later(back)


# -- networks that are not the host's default route -----------------------------------------------------------------------


def table_of(device: str) -> int:
    """Number of a device's own routing table. Pure."""
    return 0x10000 + (zlib.crc32(device.encode()) & 0xFFFFFF)


def _own_routes(changes: Changes, net: Net, *, on: bool) -> None:
    """Answers from the network's address leave by its own gateway."""
    if not net.gateway or net.default_route:
        return
    changes.later(lambda: _routed(net, on=not on))
    _routed(net, on=on)


def _routed(net: Net, *, on: bool) -> None:
    table, own = table_of(net.device), ipaddress.ip_interface(f"{net.ip}/{net.prefix}")
    with IPRoute() as netlink:
        index = netlink.link_lookup(ifname=net.device)
        routes: list[dict[str, Any]] = []
        if index:
            routes = [
                {"dst": str(own.network), "oif": index[0], "scope": "link", "table": table},
                {"dst": "0.0.0.0/0", "gateway": net.gateway, "oif": index[0], "table": table},
            ]
        rule = {"src": net.ip, "src_len": 32, "table": table, "priority": _RULES}
        try:
            for route in routes if on else reversed(routes):
                _quiet(netlink.route, "replace" if on else "del", **route)
            _quiet(netlink.rule, "add" if on else "del", **rule)
        except NetlinkError as err:
            raise VerbError(BAD_ADDRESS, f"Network {net.name}: gateway {net.gateway}: {err}") from err


def _quiet(call: Any, what: str, **values: Any) -> None:
    """What is so already is no error."""
    try:
        call(what, **values)
    except NetlinkError as err:
        if err.code not in (errno.EEXIST, errno.ENOENT, errno.ESRCH):
            raise
