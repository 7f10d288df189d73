"""Networks that get their addresses by DHCP: a client for each, of the agent's own.

Does: keep the clients that the kept networks want; put an address on its device for as long as it is lent, with the
default route and resolvers where the network has those. Goes on without servers, for ever. An address stays when the
agent ends, until its time is over; the next agent asks for the same one.
Does not: send releases, hand addresses out. Follows: dhcp4, dhcp6.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterable
from functools import partial

import structlog
from msgspec import Struct
from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from ovis.agent.network import dhcp4, dhcp6, kernel
from ovis.agent.network.kernel import Link
from ovis.agent.network.lease import Exchange, Lent, Refused
from ovis.agent.network.request import Net
from ovis.agent.virt.link import in_thread

log = structlog.get_logger(__name__)
_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_AGAIN = 60.0
_SHORTEST = 10.0


class Wanted(Struct, frozen=True):
    """One client. family: 4 or 6. resolvers: the host takes the server's."""

    device: str
    family: int
    default_route: bool = True
    resolvers: bool = True


def wanted(networks: Iterable[Net]) -> set[Wanted]:
    """The clients of these networks. Pure."""
    found = set()
    for net in networks:
        if net.dhcp:
            resolvers = net.default_route and net.nameservers is None
            found.add(Wanted(net.device, 4, net.default_route, resolvers))
        if net.dhcp6:
            found.add(Wanted(net.device, 6))
    return found


class Leases:
    """All clients. resolve: told of servers that the host is to ask for names."""

    def __init__(self, resolve: Callable[[tuple[str, ...]], None]) -> None:
        self._resolve = resolve
        self._clients: dict[Wanted, asyncio.Task[None]] = {}
        self._bound: dict[Wanted, asyncio.Event] = {}

    @property
    def devices(self) -> set[tuple[str, int]]:
        """(device, family) of those that have a client."""
        return {(w.device, w.family) for w in self._clients}

    async def follow(self, networks: Iterable[Net]) -> None:
        """Exactly these clients, from now on; those that go on keep what they have."""
        now = wanted(networks)
        for gone in set(self._clients) - now:
            await self._end(gone)
            if (gone.device, gone.family) not in {(w.device, w.family) for w in now}:
                await in_thread(_drop, gone)
        for new in now - set(self._clients):
            self._bound[new] = asyncio.Event()
            self._clients[new] = asyncio.create_task(self._run(new), name=f"dhcp{new.family} {new.device}")

    async def bound(self, limit: float) -> None:
        """Wait a while for those that have no address yet."""
        waits = [asyncio.create_task(e.wait()) for e in self._bound.values()]
        if waits:
            _, late = await asyncio.wait(waits, timeout=limit)
            for task in late:
                task.cancel()

    async def stop(self) -> None:
        """End; addresses stay."""
        for client in list(self._clients):
            await self._end(client)

    async def _end(self, client: Wanted) -> None:
        task = self._clients.pop(client)
        self._bound.pop(client)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _run(self, client: Wanted) -> None:
        """For ever; what goes wrong is logged and tried again."""
        lent: Lent | None = None
        while True:
            try:
                lent = await self._lease(client, lent)
                pause = max(_SHORTEST, float(lent.renew))
                self._bound[client].set()
            except Refused:
                log.warning("a DHCP server took its address back", device=client.device)
                await in_thread(_drop, client)
                lent, pause = None, 0.0
            except (OSError, NetlinkError) as err:
                log.warning("DHCP does not work on a device", device=client.device, error=str(err))
                pause = _AGAIN / 6
            await asyncio.sleep(pause)

    async def _lease(self, client: Wanted, lent: Lent | None) -> Lent:
        """Ask until somebody answers."""
        expires = time.monotonic() + lent.valid - lent.renew if lent is not None else 0.0
        for tried in range(1_000_000):
            links = await in_thread(kernel.snapshot)
            if client.device not in links:
                raise OSError(f"there is no device {client.device}")
            if lent is not None and time.monotonic() > expires:
                lent = None
            link = links[client.device]
            exchange: Exchange = dhcp4.Exchange4(link) if client.family == 4 else dhcp6.Exchange6(link)
            ip = _leased(link, client.family)
            found = await exchange.ask(lent, ip if tried % 2 == 0 else "", _PAUSES[min(tried, len(_PAUSES) - 1)])
            if found is not None:
                await in_thread(partial(_apply, client, link, found))
                if client.resolvers and found.nameservers:
                    self._resolve(found.nameservers)
                log.info("address by DHCP", device=client.device, address=found.ip, seconds=found.valid)
                return found
            if tried == len(_PAUSES):
                log.warning("no DHCP server answers", device=client.device)
            if tried > len(_PAUSES):
                await asyncio.sleep(_AGAIN)
        raise OSError("no server")


def _leased(link: Link, family: int) -> str:
    """The address that an earlier client left, to be asked for again."""
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    whole = 32 if family == 4 else 128
    return next(
        (a.ip for a in link.addresses if a.family == kind and a.dynamic and (family == 4 or a.prefix == whole)), ""
    )


def _apply(client: Wanted, link: Link, lent: Lent) -> None:
    family = socket.AF_INET if client.family == 4 else socket.AF_INET6
    with IPRoute() as netlink:
        for old in link.addresses:
            if old.family == family == socket.AF_INET and old.ip != lent.ip:  # a network by DHCP has one address
                netlink.addr("del", index=link.index, address=old.ip, prefixlen=old.prefix, family=family)
        times = {"preferred_lft": lent.valid, "valid_lft": lent.valid}
        netlink.addr("replace", index=link.index, address=lent.ip, prefixlen=lent.prefix, family=family, **times)
        if client.default_route and lent.gateway:
            netlink.route("replace", dst="default", gateway=lent.gateway, oif=link.index)


def _drop(client: Wanted) -> None:
    """An address that is nobody's any more."""
    family = socket.AF_INET if client.family == 4 else socket.AF_INET6
    link = kernel.snapshot().get(client.device)
    if link is None:
        return
    ip = _leased(link, client.family)
    with IPRoute() as netlink:
        for old in link.addresses:
            if old.family == family and old.ip == ip:
                with contextlib.suppress(NetlinkError):
                    netlink.addr("del", index=link.index, address=old.ip, prefixlen=old.prefix, family=family)
