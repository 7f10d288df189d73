"""Linux bridges over NICs: made, undone, and put back as they were.

Does: netlink changes with a memory of how to undo each (blocks; call it in a thread). Does not: decide which (setup).
Errors are VerbError with the kernel's reason: 22 address, 23 NIC, 25 bond, 26 VLAN, 27 bridge; Unsupported if the kernel
has no such thing at all.
"""

import contextlib
import errno
import ipaddress
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from ovis.agent.network import kernel
from ovis.agent.network.kernel import Address
from ovis.agent.network.request import BAD_ADDRESS, BAD_BRIDGE, BAD_NIC
from ovis.agent.virt.complete import DUMMY_BRIDGE
from ovis.contract.errors import VerbError

log = structlog.get_logger(__name__)


class Unsupported(VerbError):
    """The kernel cannot do it, whatever the values."""


def _why(err: NetlinkError) -> str:
    text = str(err.args[1]) if len(err.args) > 1 else str(err)
    if err.code == errno.EOPNOTSUPP:
        return f"this kernel does not support it ({text})"
    return text


class Changes:
    """A run of changes; `undo` takes back what was done, last first."""

    def __init__(self) -> None:
        self._netlink = IPRoute()
        self._undo: list[Callable[[], object]] = []

    def close(self) -> None:
        """End the netlink socket."""
        self._netlink.close()

    def undo(self, mark: int = 0) -> None:
        """Take everything back (since a mark); goes on after a failure, which is logged."""
        while len(self._undo) > mark:
            step = self._undo.pop()
            try:
                step()
            except NetlinkError as err:
                log.error("a network change was not undone", error=_why(err))
            except (VerbError, OSError) as err:
                log.error("a network change was not undone", error=str(err))

    @property
    def mark(self) -> int:
        """How much there is to undo by now."""
        return len(self._undo)

    def later(self, step: Callable[[], object]) -> None:
        """How to take back what somebody else just did."""
        self._undo.append(step)

    def index(self, name: str, code: int = BAD_NIC) -> int:
        """A link's number; VerbError if there is none."""
        found = self._netlink.link_lookup(ifname=name)
        if not found:
            raise VerbError(code, f"There is no network device {name} on this host.")
        return int(found[0])

    def exists(self, name: str) -> bool:
        """Whether a link is there."""
        return bool(self._netlink.link_lookup(ifname=name))

    def _link(self, what: str, **arguments: Any) -> None:
        self._netlink.link(what, **arguments)

    def add(self, name: str, kind: str, code: int, **values: Any) -> int:
        """Make a link and bring it up."""
        try:
            self._link("add", ifname=name, kind=kind, **values)
        except NetlinkError as err:
            kept = Unsupported if err.code == errno.EOPNOTSUPP else VerbError
            raise kept(code, f"{kind} {name} cannot be made: {_why(err)}") from err
        index = self.index(name)
        self._undo.append(lambda: self._link("del", index=index))
        self._link("set", index=index, state="up")
        return index

    def remove(self, name: str, code: int) -> None:
        """Take a link away for good (done last: it is not undone)."""
        try:
            self._link("del", index=self.index(name, code))
        except NetlinkError as err:
            raise VerbError(code, f"{name} cannot be removed: {_why(err)}") from err

    def take(self, name: str, code: int, kind: str, lower: str = "", **values: Any) -> None:
        """Take a link away so that it can be had back, with its addresses and its master. kind, lower, values: of add."""
        before = kernel.snapshot()[name]
        self.remove(name, code)

        def back() -> None:
            given = {**values, "link": self.index(lower)} if lower else values
            self._link("add", ifname=name, kind=kind, **given)
            index = self.index(name)
            self._link("set", index=index, address=before.mac)
            self._link("set", index=index, mtu=before.mtu)
            self._link("set", index=index, state="up")
            if before.master and self.exists(before.master):
                self._link("set", index=index, master=self.index(before.master))
            for a in before.addresses:
                if not _is_link_local(a):
                    self._netlink.addr("replace", index=index, address=a.ip, prefixlen=a.prefix, family=a.family)
            for gateway in filter(None, (before.gateway, before.gateway6)):
                self._default("replace", name, gateway)

        self._undo.append(back)

    def state(self, name: str, *, up: bool) -> None:
        """Up or down; whoever does this does it for a moment only."""
        try:
            self._link("set", index=self.index(name), state="up" if up else "down")
        except NetlinkError as err:
            raise VerbError(BAD_NIC, f"{name} cannot be set {'up' if up else 'down'}: {_why(err)}") from err

    def enslave(self, name: str, master: str) -> None:
        """Put a NIC under a bridge or a bond ("" for none)."""
        links = kernel.snapshot()
        if name not in links:
            raise VerbError(BAD_NIC, f"There is no network device {name} on this host.")
        before = links[name].master
        index = links[name].index

        def put(above: str) -> None:
            number = self.index(above) if above else 0
            if above and kernel.snapshot()[above].kind == "bond":
                self._link("set", index=index, state="down")  # bonds take no NIC that is up
            self._link("set", index=index, master=number)
            self._link("set", index=index, state="up")

        try:
            put(master)
        except NetlinkError as err:
            raise VerbError(BAD_NIC, f"{name} cannot be put under {master}: {_why(err)}") from err
        self._undo.append(lambda: put(before if before and self.exists(before) else ""))

    def mtu(self, name: str, value: int) -> None:
        """Set a link's MTU."""
        before = kernel.snapshot()[name].mtu
        if before == value:
            return
        index = self.index(name)
        try:
            self._link("set", index=index, mtu=value)
        except NetlinkError as err:
            raise VerbError(BAD_NIC, f"{name} does not take MTU {value}: {_why(err)}") from err
        self._undo.append(lambda: self._link("set", index=index, mtu=before))

    def address(self, what: str, name: str, address: Address) -> None:
        """`add` or `del` an address."""
        index = self.index(name)
        values: dict[str, Any] = {"index": index, "address": address.ip, "prefixlen": address.prefix}
        values["family"] = address.family
        try:
            self._netlink.addr(what, **values)
        except NetlinkError as err:
            if err.code in (errno.EEXIST, errno.EADDRNOTAVAIL):
                return
            raise VerbError(BAD_ADDRESS, f"{address.ip}/{address.prefix} on {name}: {_why(err)}") from err
        other = "del" if what == "add" else "add"
        self._undo.append(lambda: self._netlink.addr(other, **values))

    def gateway(self, name: str, gateway: str) -> None:
        """The default route through a link; IPv6's if the gateway is of that kind."""
        six = ":" in gateway
        before = next((x for x in kernel.snapshot().values() if (x.gateway6 if six else x.gateway)), None)
        had = "" if before is None else before.gateway6 if six else before.gateway
        if before is not None and (before.name, had) == (name, gateway):
            return
        try:
            self._default("replace", name, gateway)
        except NetlinkError as err:
            raise VerbError(BAD_ADDRESS, f"gateway {gateway} on {name}: {_why(err)}") from err

        def back() -> None:
            with contextlib.suppress(NetlinkError, VerbError):  # it went with its address, or its link
                self._default("del", name, gateway)
            if before is not None:
                self._default("replace", before.name, had)

        self._undo.append(back)

    def _default(self, what: str, name: str, gateway: str) -> None:
        """`replace` or `del` the default route."""
        family = socket.AF_INET6 if ":" in gateway else socket.AF_INET
        self._netlink.route(what, dst="default", gateway=gateway, oif=self.index(name), family=family)

    def move_addresses(self, source: str, target: str) -> None:
        """Addresses and the default routes go with the network."""
        link = kernel.snapshot()[source]
        gateways = [g for g in (link.gateway, link.gateway6) if g]
        start = self.mark
        for address in link.addresses:
            if not _is_link_local(address):
                self.address("del", source, address)
                self.address("add", target, address)
        for gateway in gateways:
            self.gateway(target, gateway)
            self._undo.insert(start, partial(self._default, "replace", source, gateway))  # once its address is back


def _is_link_local(address: Address) -> bool:
    return address.family == socket.AF_INET6 and ipaddress.ip_address(address.ip).is_link_local


def ensure_bridge(name: str, nic: str) -> bool:
    """The management network's bridge over a NIC, made if it is missing; the NIC's addresses move to it.

    Whether it was made. Everything is taken back if a part fails.
    """
    changes = Changes()
    try:
        if changes.exists(name):
            return False
        changes.index(nic)
        changes.add(name, "bridge", BAD_BRIDGE, br_forward_delay=0)
        changes.mtu(name, kernel.snapshot()[nic].mtu)
        changes.enslave(nic, name)
        changes.move_addresses(nic, name)
    except (VerbError, NetlinkError):
        changes.undo()
        raise
    finally:
        changes.close()
    return True


def ensure_dummy() -> None:
    """The bridge without ports, for NICs without a network."""
    changes = Changes()
    try:
        if not changes.exists(DUMMY_BRIDGE):
            with contextlib.suppress(FileExistsError):
                changes.add(DUMMY_BRIDGE, "bridge", BAD_BRIDGE)
    finally:
        changes.close()
