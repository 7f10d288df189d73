"""Networks of a simulated host: what it reports follows Host.setupNetworks.

Does: make, change and remove networks, VLANs and bonds in memory, wait for the engine's confirmation, take all back
without one, keep in a file what was committed. Does not: touch a device of this machine.
Follows: agent.network.setup, whose rules for requests hold here too.
"""

import asyncio
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from ovis.agent.network.report import host_qos
from ovis.agent.network.request import (
    BAD_BRIDGE,
    BAD_NIC,
    NOT_CONFIRMED,
    USED_BOND,
    USED_NIC,
    Bond,
    Kept,
    Net,
    Plan,
    plan,
)
from ovis.contract import statuses as st
from ovis.contract.errors import Code, VerbError

NICS = ("eth0", "eth1")
_CONFIRM_SECONDS = 120.0


class Now(Struct, kw_only=True, frozen=True):
    """Networks and bonds of a host, by name."""

    networks: dict[str, Net] = field(default_factory=dict)
    bonds: dict[str, Bond] = field(default_factory=dict)


def changed(now: Now, wanted: Plan, used: Mapping[str, str]) -> Now:
    """What a host has after a request. VerbError if that cannot be. used: network -> VM that runs on it. Pure."""
    networks, bonds = dict(now.networks), dict(now.bonds)
    for name in wanted.removed:
        if name not in networks:
            raise VerbError(BAD_BRIDGE, f"There is no network {name} on this host.")
        if name in used:
            raise VerbError(BAD_BRIDGE, f"Network {name} is used by running VMs ({used[name]}).")
        del networks[name]
    for name in wanted.removed_bonds:
        bonds.pop(name, None)
    bonds |= {b.name: b for b in wanted.bonds}
    for net in wanted.networks:
        before = networks.get(net.name)
        keeps = before is not None and not net.ip and not net.dhcp and not net.bare
        networks[net.name] = replace(net, ip=before.ip, prefix=before.prefix, gateway=before.gateway) if keeps else net  # type: ignore[union-attr]
    _check(networks, bonds, wanted)
    return Now(networks=networks, bonds=bonds)


def _check(networks: Mapping[str, Net], bonds: Mapping[str, Bond], wanted: Plan) -> None:
    owner: dict[str, str] = {}
    for bond in bonds.values():
        for nic in bond.nics:
            if nic not in NICS:
                raise VerbError(BAD_NIC, f"There is no network device {nic} on this host.")
            if owner.setdefault(nic, bond.name) != bond.name:
                raise VerbError(USED_NIC, f"{nic} is used by {owner[nic]} already.")
    plain: dict[str, str] = {}
    for net in networks.values():
        if net.nic in wanted.removed_bonds and net.nic not in bonds:
            raise VerbError(USED_BOND, f"Bond {net.nic} is used by network {net.name}.")
        if net.nic and net.nic not in NICS and net.nic not in bonds:
            raise VerbError(BAD_NIC, f"There is no network device {net.nic} on this host.")
        if net.nic in owner:
            raise VerbError(USED_NIC, f"{net.nic} is used by {owner[net.nic]} already.")
        if net.nic and net.vlan is None and plain.setdefault(net.nic, net.name) != net.name:
            raise VerbError(USED_NIC, f"{net.nic} is used by network {plain[net.nic]} already.")


class SimulatedNetworks:
    """Part of a simulated host."""

    _now: Now

    def _init_networks(self, folder: Path, address: str) -> None:
        self._networks_file = folder / "networks.json"
        management = Net(name="ovirtmgmt", nic="eth0", ip=address, prefix=24, gateway="127.0.0.1")
        self._now = Now(networks={"ovirtmgmt": management})
        if self._networks_file.exists():
            kept = msgspec.json.decode(self._networks_file.read_bytes(), type=Kept)
            self._now = Now(networks=kept.networks, bonds=kept.bonds)
        self._networks_dirty = False
        self._networks_busy = asyncio.Lock()
        self._networks_confirmed = asyncio.Event()
        self._networks_task: asyncio.Task[None] | None = None

    # -- verbs -------------------------------------------------------------------------------------------------------

    async def host_setup_networks(self, networks: Any, bondings: Any, options: Any) -> None:
        """All of it or none; goes on if the caller's connection breaks."""
        if self._networks_busy.locked():
            raise VerbError(Code.UNAVAILABLE, "Networks are being changed already.")
        wanted = plan(networks, bondings)
        after = changed(self._now, wanted, self._networks_in_use())
        await self._networks_busy.acquire()
        self._networks_confirmed.clear()
        self._networks_task = asyncio.create_task(self._change(after, options if isinstance(options, Mapping) else {}))
        await asyncio.shield(self._networks_task)

    def _networks_in_use(self) -> dict[str, str]:
        """Network -> the name of a VM that runs on it."""
        running = [vm for vm in self.vms.values() if vm.status != st.DOWN]  # type: ignore[attr-defined]
        return {
            str(source.get("bridge")): vm.name
            for vm in running
            for source in ElementTree.fromstring(vm.xml).iter("source")
            if source.get("bridge")
        }

    async def _change(self, after: Now, options: Mapping[str, Any]) -> None:
        before, self._now = self._now, after
        try:
            if str(options.get("connectivityCheck", "true")).lower() in ("true", "1", "yes"):
                limit = float(options.get("connectivityTimeout") or _CONFIRM_SECONDS)
                try:
                    await asyncio.wait_for(self._networks_confirmed.wait(), limit)
                except TimeoutError as err:
                    self._now = before
                    text = f"The engine did not reach this host within {limit:g} s: the change was taken back."
                    raise VerbError(NOT_CONFIRMED, text) from err
            self._networks_dirty = True
            if str(options.get("commitOnSuccess", "false")).lower() in ("true", "1", "yes"):
                await self.host_set_safe_network_config()
        finally:
            self._networks_busy.release()

    async def host_confirm_connectivity(self) -> None:
        self._networks_confirmed.set()

    async def host_set_safe_network_config(self) -> None:
        kept = Kept(networks=self._now.networks, bonds=self._now.bonds)
        self._networks_file.write_bytes(msgspec.json.encode(kept))
        self._networks_dirty = False

    # -- reports -----------------------------------------------------------------------------------------------------

    def _network_names(self) -> list[str]:
        """Devices that statistics are told of."""
        vlans = [f"{n.nic}.{n.vlan}" for n in self._now.networks.values() if n.nic and n.vlan is not None]
        return list(dict.fromkeys((*NICS, *self._now.bonds, *vlans, *self._now.networks)))

    def _network_rows(self) -> dict[str, dict[str, Any]]:
        """Networks as capabilities have them."""
        rows = {}
        for net in self._now.networks.values():
            port = f"{net.nic}.{net.vlan}" if net.nic and net.vlan is not None else net.nic
            rows[net.name] = {
                "iface": net.name if net.bridged else port,
                "bridged": net.bridged,
                "ports": [port] if port and net.bridged else [],
                "southbound": port,
                "stp": "on" if net.stp else "off",
                "ipv4addrs": [f"{net.ip}/{net.prefix}"] if net.ip else [],
                "ipv6addrs": [net.ipv6] if net.ipv6 else [],
                "ipv6gateway": net.gateway6 or "::",
                "ipv6autoconf": net.autoconf,
                "dhcpv6": net.dhcp6,
                "mtu": str(net.mtu),
                "addr": net.ip,
                "netmask": str(ipaddress.ip_network(f"0.0.0.0/{net.prefix}").netmask) if net.ip else "",
                "gateway": net.gateway,
                "dhcpv4": net.dhcp,
                "switch": "legacy",
                **({"vlan": net.vlan} if net.vlan is not None else {}),
                **({"hostQos": host_qos(net)} if net.share is not None else {}),
                **({"custom": dict(net.custom)} if net.custom else {}),
            }
        return rows

    def _network_resolvers(self) -> list[str]:
        """What it asks for names: what its way out says."""
        told = [n.nameservers for n in self._now.networks.values() if n.default_route and n.nameservers is not None]
        return list(told[-1]) if told else ["127.0.0.53"]

    def _bond_rows(self, nic: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        return {
            b.name: {
                **nic,
                "slaves": list(b.nics),
                "active_slave": b.nics[0] if b.mode == 1 else "",
                "opts": b.opts,
                "switch": "legacy",
                "ipv4addrs": [],
                "ipv6addrs": [],
                "ipv6gateway": "::",
                "ipv6autoconf": False,
                "dhcpv6": False,
                "gateway": "",
                "ipv4defaultroute": False,
            }
            for b in self._now.bonds.values()
        }

    def _vlan_rows(self, nic: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        rows = {}
        for net in self._now.networks.values():
            if net.nic and net.vlan is not None:
                own = {k: v for k, v in nic.items() if k not in ("hwaddr", "speed")}
                more = {"ipv4addrs": [], "ipv6addrs": [], "ipv6gateway": "::", "ipv6autoconf": False, "dhcpv6": False}
                rows[f"{net.nic}.{net.vlan}"] = {
                    **own,
                    **more,
                    "iface": net.nic,
                    "vlanid": net.vlan,
                    "mtu": net.mtu,
                    "ipv4defaultroute": False,
                }
        return rows
