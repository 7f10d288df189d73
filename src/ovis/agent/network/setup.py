"""Host.setupNetworks: VM networks as Linux bridges over NICs, all or nothing.

Does: check the request, make and remove, wait for the engine to confirm that it still reaches us, else take everything
back; keep what was agreed in a file and put it up again at start, after what was not agreed is taken back (journal).
The hook points around a set-up run here. VLANs and bonds are tried: a kernel without them says so. Does not: DHCP
clients, Open vSwitch. Follows: flows, section 1, step 5.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from msgspec import Struct, field
from pyroute2.netlink.exceptions import NetlinkError

from ovis.agent.hooks import Hooks
from ovis.agent.main.settings import AgentSettings
from ovis.agent.network import journal, kernel
from ovis.agent.network.bridges import BAD_ADDRESS, BAD_BOND, BAD_BRIDGE, BAD_NIC, BAD_VLAN, Changes, ensure_bridge
from ovis.agent.network.kernel import Address
from ovis.agent.virt.link import in_thread
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
BAD_PARAMETERS = int(Code.NETWORK_PARAMETERS)
USED_NIC, USED_BOND = 24, 31
NOT_CONFIRMED = int(Code.PEER_UNREACHABLE)
_NAME = 15  # bytes of a device's name
_CONFIRM_SECONDS = 120.0


class Net(Struct, frozen=True, kw_only=True):
    """One network as asked for. nic: NIC or bond below, "" for none."""

    name: str
    bridged: bool = True
    nic: str = ""
    bond: bool = False
    vlan: int | None = None
    mtu: int = 1500
    ip: str = ""
    prefix: int = 0
    gateway: str = ""
    dhcp: bool = False


class Bond(Struct, frozen=True, kw_only=True):
    """One bond."""

    name: str
    nics: tuple[str, ...]
    mode: int = 1


class Plan(Struct, frozen=True, kw_only=True):
    """A request, checked."""

    networks: tuple[Net, ...] = ()
    removed: tuple[str, ...] = ()
    bonds: tuple[Bond, ...] = ()
    removed_bonds: tuple[str, ...] = ()


class Kept(Struct, kw_only=True):
    """networks.json: what is to be there after a reboot."""

    networks: dict[str, Net] = field(default_factory=dict)
    bonds: dict[str, Bond] = field(default_factory=dict)


def _truth(value: Any, default: bool) -> bool:
    return default if value is None else value is True or str(value).lower() in ("true", "1", "yes")


def _number(value: Any, what: str, low: int, high: int) -> int:
    try:
        found = int(value)
    except (TypeError, ValueError) as err:
        raise VerbError(BAD_PARAMETERS, f"{what} is no number: {value!r}") from err
    if not low <= found <= high:
        raise VerbError(BAD_PARAMETERS, f"{what} must be {low} to {high}, not {found}.")
    return found


def _name(value: Any, what: str) -> str:
    name = str(value)
    if not 1 <= len(name.encode()) <= _NAME or "/" in name or name.split() != [name] or name in (".", ".."):
        raise VerbError(BAD_PARAMETERS, f"{what} {name[:40]!r} cannot be a device's name (1 to {_NAME} characters).")
    return name


def plan(networks: Any, bondings: Any) -> Plan:
    """A request as the engine sends it. VerbError 21 with what is wrong. Pure."""
    if not isinstance(networks, Mapping) or not isinstance(bondings, Mapping):
        raise VerbError(BAD_PARAMETERS, "networks and bondings are objects.")
    made, removed, bonds, removed_bonds = [], [], [], []
    for name, wish in networks.items():
        if not isinstance(wish, Mapping):
            raise VerbError(BAD_PARAMETERS, f"Network {name} is no object.")
        if _truth(wish.get("remove"), False):
            removed.append(_name(name, "Network"))
        else:
            made.append(_net(_name(name, "Network"), wish))
    for name, wish in bondings.items():
        if not isinstance(wish, Mapping):
            raise VerbError(BAD_PARAMETERS, f"Bond {name} is no object.")
        if _truth(wish.get("remove"), False):
            removed_bonds.append(_name(name, "Bond"))
            continue
        nics = wish.get("nics")
        if not isinstance(nics, list) or not nics:
            raise VerbError(BAD_PARAMETERS, f"Bond {name} names no NICs.")
        options = dict(o.split("=", 1) for o in str(wish.get("options") or "").split() if "=" in o)
        mode = _number(options.get("mode", 1), "A bond's mode", 0, 6) if str(options.get("mode", "1")).isdigit() else 1
        bonds.append(Bond(name=_name(name, "Bond"), nics=tuple(_name(n, "NIC") for n in nics), mode=mode))
    return Plan(networks=tuple(made), removed=tuple(removed), bonds=tuple(bonds), removed_bonds=tuple(removed_bonds))


def _net(name: str, wish: Mapping[str, Any]) -> Net:
    switch = wish.get("switch") or "legacy"
    if switch != "legacy":
        raise VerbError(BAD_PARAMETERS, f"Network {name}: switch type {switch} is not served by this host.")
    ip, prefix = str(wish.get("ipaddr") or ""), 0
    if ip:
        try:
            ipaddress.IPv4Address(ip)
            if wish.get("prefix"):
                prefix = _number(wish["prefix"], "prefix", 1, 32)
            else:
                prefix = ipaddress.ip_network(f"0.0.0.0/{wish.get('netmask') or ''}").prefixlen
        except ValueError as err:
            raise VerbError(BAD_ADDRESS, f"Network {name}: {err}") from err
    gateway = str(wish.get("gateway") or "")
    if gateway:
        try:
            ipaddress.IPv4Address(gateway)
        except ValueError as err:
            raise VerbError(BAD_ADDRESS, f"Network {name}: {err}") from err
    return Net(
        name=name,
        bridged=_truth(wish.get("bridged"), True),
        nic=_name(wish.get("bonding") or wish.get("nic"), "NIC") if wish.get("bonding") or wish.get("nic") else "",
        bond=bool(wish.get("bonding")),
        vlan=_number(wish["vlan"], "vlan", 0, 4094) if wish.get("vlan") not in (None, "") else None,
        mtu=_number(wish.get("mtu") or 1500, "mtu", 68, 65535),
        ip=ip,
        prefix=prefix,
        gateway=gateway,
        dhcp=wish.get("bootproto") == "dhcp",
    )


def _upper(net: Net) -> str:
    """The device that carries the network's address."""
    if net.bridged:
        return net.name
    return f"{net.nic}.{net.vlan}" if net.vlan is not None else net.nic


def _devices(wanted: Plan) -> list[str]:
    """Devices that the plan may make, upper ones first."""
    bridges = [n.name for n in wanted.networks if n.bridged]
    vlans = [f"{n.nic}.{n.vlan}" for n in wanted.networks if n.nic and n.vlan is not None]
    return [*bridges, *vlans, *(b.name for b in wanted.bonds)]


def _bonds_in_use(wanted: Plan, kept: Kept) -> None:
    """VerbError 31 for a bond that is to go although a network lies on it."""
    after = {n: x for n, x in kept.networks.items() if n not in wanted.removed} | {x.name: x for x in wanted.networks}
    for bond in wanted.removed_bonds:
        users = sorted(n for n, x in after.items() if x.nic == bond)
        if users:
            raise VerbError(USED_BOND, f"Bond {bond} is used by network {', '.join(users)}.")


def _make_bond(changes: Changes, bond: Bond) -> None:
    if changes.exists(bond.name):
        return
    links = kernel.snapshot()
    for nic in bond.nics:
        if nic not in links:
            raise VerbError(BAD_NIC, f"There is no network device {nic} on this host.")
        if links[nic].master:
            raise VerbError(USED_NIC, f"{nic} is used by {links[nic].master} already.")
    changes.add(bond.name, "bond", BAD_BOND, bond_mode=bond.mode)
    for nic in bond.nics:
        changes.enslave(nic, bond.name)


def _make(changes: Changes, net: Net, keeps_address: bool) -> None:
    below = net.nic
    if below:
        changes.index(below)
        if net.mtu > kernel.snapshot()[below].mtu:
            changes.mtu(below, net.mtu)
    if below and net.vlan is not None:
        port = f"{below}.{net.vlan}"
        if not changes.exists(port):
            changes.add(_name(port, "VLAN"), "vlan", BAD_VLAN, link=changes.index(below), vlan_id=net.vlan)
        below = port
    if net.bridged:
        if not changes.exists(net.name):
            changes.add(net.name, "bridge", BAD_BRIDGE, br_forward_delay=0)
        links = kernel.snapshot()
        if links[net.name].kind != "bridge":
            raise VerbError(BAD_BRIDGE, f"{net.name} is there and is no bridge.")
        for other in links.values():
            if other.master == net.name and other.name != below and not other.of_guest:
                changes.enslave(other.name, "")
        if below:
            if links[below].master not in ("", net.name):
                raise VerbError(USED_NIC, f"{below} is used by network {links[below].master} already.")
            changes.enslave(below, net.name)
            if keeps_address:
                changes.move_addresses(below, net.name)
        changes.mtu(net.name, net.mtu)
    if net.dhcp and not keeps_address:
        raise VerbError(BAD_ADDRESS, f"Network {net.name}: this host has no DHCP client; give an address.")
    if net.ip:
        device = _upper(net)
        wanted = Address(net.ip, net.prefix, socket.AF_INET)
        for old in kernel.snapshot()[device].addresses:
            if old.family == socket.AF_INET and (old.ip, old.prefix) != (net.ip, net.prefix):
                changes.address("del", device, old)
        changes.address("add", device, wanted)
        if net.gateway:
            changes.gateway(device, net.gateway)


def _carries_address(net: Net) -> bool:
    """A NIC that has the host's address keeps it when a bridge comes over it without one of its own."""
    links = kernel.snapshot()
    below = links.get(net.nic)
    return bool(below and net.vlan is None and not net.ip and (below.ipv4 is not None or net.name in links))


class NetworkVerbs:
    """The verbs, and what networks there are."""

    def __init__(self, settings: AgentSettings, hooks: Hooks) -> None:
        self._settings, self._hooks = settings, hooks
        self._file = settings.folder / "networks.json"
        self._open = settings.folder / "networks.open.json"
        self._running: asyncio.Task[None] | None = None
        self._kept = Kept()
        self._busy = asyncio.Lock()
        self._confirmed = asyncio.Event()
        self.dirty = False

    @property
    def plain(self) -> dict[str, str]:
        """Networks without a bridge, by device."""
        return {n.name: _upper(n) for n in self._kept.networks.values() if not n.bridged}

    async def start(self) -> None:
        """Put up again what was agreed, and the management bridge of the settings."""
        for word in self._settings.ensure_bridge.split(","):
            name, _, nic = word.strip().partition("=")
            if not name or not nic:
                continue
            made = await in_thread(ensure_bridge, name, nic)
            if made:
                log.info("management bridge made", bridge=name, nic=nic)
        await self._take_back_open()
        if self._file.exists():
            try:
                self._kept = msgspec.json.decode(self._file.read_bytes(), type=Kept)
            except msgspec.DecodeError as err:
                log.error("networks.json cannot be read", error=str(err))
                return
            wanted = Plan(networks=tuple(self._kept.networks.values()), bonds=tuple(self._kept.bonds.values()))
            try:
                await in_thread(_apply, wanted, Kept(), None)
            except VerbError as err:
                log.error("a network was not put up again", error=err.message)

    async def _take_back_open(self) -> None:
        """Changes that were not agreed to before the agent ended are no more."""
        try:
            found = await in_thread(journal.read, self._open)
            if found is None:
                return
            used = await in_thread(journal.take_back, found)
        except (msgspec.DecodeError, VerbError, NetlinkError, OSError) as err:
            log.error("network changes that were not kept are still there", error=str(err))
            self.dirty = True
            return
        if used:
            log.warning("networks that were not kept are used by running VMs", networks=used)
            self.dirty = True
            return
        self._open.unlink()
        log.info("network changes that were not kept are taken back", devices=found.devices)

    def confirm(self) -> None:
        """The engine reached us."""
        self._confirmed.set()

    async def host_confirm_connectivity(self) -> None:
        """The engine says that it still reaches us."""
        self.confirm()

    async def host_set_safe_network_config(self) -> None:
        """What is there now is to be there after a reboot."""
        self._save()
        self.dirty = False

    async def host_setup_networks(self, networks: Any, bondings: Any, options: Any) -> None:
        """All of it, or none. Goes on to its end if the caller's connection breaks: that is what is being tested."""
        if self._busy.locked():
            raise VerbError(Code.UNAVAILABLE, "Networks are being changed already.")
        await self._busy.acquire()
        document = {"request": {"networks": networks, "bondings": bondings, "options": options}}
        self._running = asyncio.create_task(self._hooked(document))
        await asyncio.shield(self._running)

    async def _hooked(self, document: Any) -> None:
        """The set-up between its hook points; frees the way for the next one."""
        try:
            document = await self._hooks.data("before_network_setup", document)
            try:
                await self._set_up(document)
            except VerbError:
                await self._hooks.data("after_network_setup_fail", document)
                raise
            await self._hooks.data("after_network_setup", document)
        finally:
            self._busy.release()

    async def _set_up(self, document: Any) -> None:
        request = document.get("request") if isinstance(document, Mapping) else None
        if not isinstance(request, Mapping):
            raise VerbError(BAD_PARAMETERS, "A hook left no request.")
        wanted = plan(request.get("networks"), request.get("bondings"))
        options = request.get("options")
        given = options if isinstance(options, Mapping) else {}
        _bonds_in_use(wanted, self._kept)
        self._confirmed.clear()
        earlier = await in_thread(self._write_down, wanted)
        changes = await in_thread(Changes)  # its socket has a loop of its own
        try:
            await in_thread(_apply, wanted, self._kept, changes)
            if _truth(given.get("connectivityCheck"), True):
                await self._await_engine(given)
            await in_thread(_finish, wanted, self._kept, changes)
        except (VerbError, NetlinkError):
            await in_thread(changes.undo)
            await in_thread(self._cross_out, earlier)
            raise
        finally:
            await in_thread(changes.close)
        self._take(wanted)
        self.dirty = True
        if _truth(given.get("commitOnSuccess"), False):
            await self.host_set_safe_network_config()

    def _write_down(self, wanted: Plan) -> journal.Journal | None:
        """The way back is on disk before anything changes. What was open already. Blocks."""
        earlier = journal.read(self._open)
        links = earlier.links if earlier else journal.record(kernel.snapshot())
        devices = dict.fromkeys([*_devices(wanted), *(earlier.devices if earlier else ())])
        journal.write(self._open, journal.Journal(links=links, devices=list(devices)))
        return earlier

    def _cross_out(self, earlier: journal.Journal | None) -> None:
        """Nothing changed: open is what was open before. Blocks."""
        if earlier is None:
            self._open.unlink(missing_ok=True)
        else:
            journal.write(self._open, earlier)

    async def _await_engine(self, options: Mapping[str, Any]) -> None:
        limit = _number(options.get("connectivityTimeout") or _CONFIRM_SECONDS, "connectivityTimeout", 1, 3600)
        try:
            await asyncio.wait_for(self._confirmed.wait(), limit)
        except TimeoutError as err:
            raise VerbError(
                NOT_CONFIRMED, f"The engine did not reach this host within {limit} s: the change was taken back."
            ) from err

    def _take(self, done: Plan) -> None:
        for name in done.removed:
            self._kept.networks.pop(name, None)
        for name in done.removed_bonds:
            self._kept.bonds.pop(name, None)
        self._kept.networks.update({n.name: n for n in done.networks})
        self._kept.bonds.update({b.name: b for b in done.bonds})

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".new")
        temporary.write_bytes(msgspec.json.encode(self._kept))
        temporary.replace(self._file)
        self._open.unlink(missing_ok=True)


def _apply(wanted: Plan, kept: Kept, changes: Changes | None) -> None:
    """Everything that can be undone; undone at once if a part fails. Blocks."""
    own = changes or Changes()
    try:
        links = kernel.snapshot()
        for name in wanted.removed:
            old = kept.networks.get(name)
            bridge = links.get(name)
            if old is None and (bridge is None or bridge.kind != "bridge"):
                raise VerbError(BAD_BRIDGE, f"There is no network {name} on this host.")
            if bridge is None:
                continue
            guests = [p.name for p in links.values() if p.master == name and p.of_guest]
            if guests:
                raise VerbError(BAD_BRIDGE, f"Network {name} is used by running VMs ({', '.join(sorted(guests))}).")
            for port in [p for p in links.values() if p.master == name]:
                own.enslave(port.name, "")
                if bridge.ipv4 is not None and port.is_nic and name not in {n.name for n in wanted.networks}:
                    own.move_addresses(name, port.name)
        for bond in wanted.bonds:
            _make_bond(own, bond)
        for net in wanted.networks:
            _make(own, net, _carries_address(net))
    except (VerbError, NetlinkError) as err:
        own.undo()
        if isinstance(err, VerbError):
            raise
        raise VerbError(BAD_PARAMETERS, f"The kernel refused: {err}") from err
    finally:
        if changes is None:
            own.close()


def _finish(wanted: Plan, kept: Kept, changes: Changes) -> None:
    """What cannot be undone, at the end: devices go. Blocks."""
    for name in wanted.removed:
        old = kept.networks.get(name)
        if changes.exists(name) and kernel.snapshot()[name].kind == "bridge":
            changes.remove(name, BAD_BRIDGE)
        if old is not None and old.vlan is not None and changes.exists(f"{old.nic}.{old.vlan}"):
            changes.remove(f"{old.nic}.{old.vlan}", BAD_VLAN)
    for name in wanted.removed_bonds:
        if changes.exists(name):
            changes.remove(name, BAD_BOND)
