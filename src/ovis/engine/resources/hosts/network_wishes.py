"""What a user wants of a host's networks, as the request that its agent gets; or every reason why not. Pure.

Does: resolve NICs, bonds, networks and labels by id or name; check the whole as it will be afterwards. Does not: ask
hosts or the store. Follows: set-up of host networks of engine 4.5.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ovis.engine.declare.faults import Kind, Refusal
from ovis.engine.model.enums import BootProtocol, IpVersion, NetworkUsage
from ovis.engine.model.types import Action, HostNic, IpAddressAssignment, Network, NetworkAttachment, Qos
from ovis.engine.resources import bodies
from ovis.engine.resources.hosts.attachments import HostAttachment, NicLabel

_MBIT = 1_000_000
_BOND = re.compile(r"bond[A-Za-z0-9_]{1,11}")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A host as it is. networks: logical ones of its data center by name on hosts. allowed: ids in its cluster.

    routing: ids whose gateway is the host's way out. lies: network's name on hosts -> NIC or bond. labelled: label -> ids of networks.
    """

    host_id: str
    nics: Mapping[str, Any]
    bonds: Mapping[str, Any]
    networks: Mapping[str, Network]
    allowed: frozenset[str]
    managing: frozenset[str]
    routing: frozenset[str]
    lies: Mapping[str, str]
    stored: Mapping[str, HostAttachment]
    labels: tuple[NicLabel, ...] = ()
    labelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(kw_only=True)
class Wish:
    """What is sent and what is stored afterwards. gone: ids of networks; labels_gone: ids of labels."""

    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    bondings: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: list[HostAttachment] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    labels: list[NicLabel] = field(default_factory=list)
    labels_gone: list[str] = field(default_factory=list)


def attachment_id(host_id: str, network_id: str) -> str:
    """An attachment's id, the same for ever."""
    return bodies.derived_id("network_attachment", host_id, network_id)


def nic_id(host_id: str, name: str) -> str:
    """A NIC's id, the same for ever."""
    return bodies.derived_id("host_nic", host_id, name)


def addresses_wire(addresses: Iterable[IpAddressAssignment]) -> dict[str, Any]:
    """Addresses as agents are asked for them; what is not named is left as it is."""
    wish: dict[str, Any] = {}
    for given in addresses:
        ip, method = given.ip, given.assignment_method
        if ip is not None and ip.version is IpVersion.V6:
            if method is BootProtocol.STATIC and ip.address:
                wish["ipv6addr"] = f"{ip.address}/{ip.netmask or 64}"
                wish |= {"ipv6gateway": ip.gateway} if ip.gateway else {}
            wish |= {"ipv6autoconf": True} if method in (BootProtocol.AUTOCONF, BootProtocol.POLY_DHCP_AUTOCONF) else {}
            wish |= {"dhcpv6": True} if method in (BootProtocol.DHCP, BootProtocol.POLY_DHCP_AUTOCONF) else {}
        elif method is BootProtocol.DHCP:
            wish["bootproto"] = "dhcp"
        elif ip is not None and ip.address:
            wish |= {"bootproto": "none", "ipaddr": ip.address, "netmask": ip.netmask or ""}
            wish |= {"gateway": ip.gateway} if ip.gateway else {}
        elif method is BootProtocol.NONE:
            wish["bootproto"] = "none"
    return wish


def qos_wire(qos: Qos | None) -> dict[str, Any]:
    """hostQos: shares as they are, rates in bit/s out of Mbit/s."""
    if qos is None:
        return {}
    rates = (("rt", qos.outbound_average_realtime), ("ul", qos.outbound_average_upperlimit))
    curves = {"ls": qos.outbound_average_linkshare, **{k: v * _MBIT for k, v in rates if v is not None}}
    found = {k: {"m2": v} for k, v in curves.items() if v is not None}
    return {"hostQos": {"out": found}} if found else {}


def resolvers_of(network: Network, row: HostAttachment) -> tuple[str, ...] | None:
    """Servers that a host on this network asks for names; None if nobody said."""
    own = network.dns_resolver_configuration
    return row.resolvers if row.resolvers is not None else tuple(own.name_servers or ()) if own is not None else None


def wire(network: Network, row: HostAttachment, *, bond: bool, routed: bool) -> dict[str, Any]:
    """One network as agents are asked for it. routed: it is the host's way out."""
    usages = network.usages if network.usages is not None else (NetworkUsage.VM,)
    vm = NetworkUsage.VM in usages
    wish: dict[str, Any] = {
        "bonding" if bond else "nic": row.nic,
        "bridged": "true" if vm else "false",
        "mtu": str(network.mtu or 1500),
        "switch": "legacy",
        "defaultRoute": routed,
        **({"STP": "yes" if network.stp else "no"} if vm else {}),
        **addresses_wire(row.addresses),
        **qos_wire(row.qos),
    }
    if network.vlan and network.vlan.id is not None:
        wish["vlan"] = str(network.vlan.id)
    if row.properties:
        wish["custom"] = {str(p.name): p.value or "" for p in row.properties}
    servers = resolvers_of(network, row) if routed else None
    if servers is not None:
        wish["nameservers"] = list(servers)
    return wish


class _Planner:
    def __init__(self, scene: Scene, action: Action) -> None:
        self.scene, self.action = scene, action
        self.reasons: list[Refusal] = []
        self.wish = Wish()
        self.lies = dict(scene.lies)
        self.slaves = {name: tuple(facts.get("slaves") or ()) for name, facts in scene.bonds.items()}

    def refuse(self, code: str, text: str, hint: str = "", *, bad: bool = False) -> None:
        self.reasons.append(Refusal(code, text, hint, Kind.BAD if bad else Kind.CONFLICT))

    def device(self, reference: HostNic | None) -> str | None:
        """A NIC's or bond's name; None and a reason if there is none."""
        names = (*self.scene.nics, *self.slaves)
        for name in names:
            if reference is not None and (
                reference.id == nic_id(self.scene.host_id, name) or (not reference.id and reference.name == name)
            ):
                return str(name)
        shown = (reference.id or reference.name) if reference is not None else "(none)"
        self.refuse("HOST_NETWORK_INTERFACE_NOT_EXIST", f"The host has no network interface {shown}.", bad=True)
        return None

    def known(self, given: NetworkAttachment) -> tuple[str, Network] | None:
        """A network's name on hosts, and the network, by the attachment's id or by its network."""
        wanted = given.network
        for name, network in self.scene.networks.items():
            by_id = given.id and given.id == attachment_id(self.scene.host_id, str(network.id))
            if by_id or (
                wanted is not None
                and (wanted.id == network.id or (not wanted.id and wanted.name and wanted.name == network.name))
            ):
                return name, network
        shown = given.id if wanted is None else wanted.id or wanted.name
        self.refuse("NETWORK_NOT_EXISTS", f"There is no network or attachment {shown} for this host.", bad=True)
        return None

    def bonds(self) -> None:
        for given in self.action.removed_bonds or ():
            name = self.device(given)
            if name is not None and name not in self.slaves:
                self.refuse("NETWORK_BOND_NOT_EXISTS", f"{name} is no bond.", bad=True)
            elif name is not None:
                del self.slaves[name]
                self.wish.bondings[name] = {"remove": "true"}
        for given in self.action.modified_bonds or ():
            self._bond(given)
        owners: dict[str, str] = {}
        for bond, nics in self.slaves.items():
            for nic in nics:
                if owners.setdefault(nic, bond) != bond:
                    self.refuse("NETWORK_INTERFACE_ALREADY_IN_BOND", f"{nic} is in bond {owners[nic]} already.")

    def _bond(self, given: HostNic) -> None:
        name = given.name or next((b for b in self.slaves if given.id == nic_id(self.scene.host_id, b)), "")
        bonding = given.bonding
        if not _BOND.fullmatch(name):
            self.refuse("NETWORK_BOND_NAME_BAD_FORMAT", f"A bond's name begins with bond, not {name!r}.", bad=True)
            return
        if name in self.wish.bondings and "nics" in self.wish.bondings[name]:
            self.refuse("NETWORK_BONDS_DUPLICATED", f"Bond {name} is named twice.", bad=True)
        before = self.slaves.get(name, ())
        wanted = bonding.slaves if bonding is not None else None
        found = [self.device(s) for s in wanted] if wanted is not None else list(before)
        nics = tuple(n for n in found if n is not None)
        if len(found) < 2:
            self.refuse("NETWORK_BONDS_INVALID_SLAVE_COUNT", f"Bond {name} needs two interfaces at least.", bad=True)
        if len(set(nics)) != len(nics) or any(n not in self.scene.nics for n in nics):
            self.refuse("NETWORK_INTERFACES_ALREADY_SPECIFIED", f"Bond {name} needs NICs, each once.", bad=True)
        options = " ".join(f"{o.name}={o.value}" for o in (bonding.options if bonding else None) or ())
        self.slaves[name] = nics
        self.wish.bondings[name] = {"nics": list(nics), "options": options or "mode=4 miimon=100", "switch": "legacy"}

    def drop(self, name: str, network: Network) -> None:
        """A network leaves the host."""
        if str(network.id) in self.scene.managing:
            self.refuse(
                "NETWORK_CANNOT_REMOVE_MANAGEMENT_NETWORK", f"{network.name} is the management network of the host."
            )
        self.lies.pop(name, None)
        self.wish.networks[name] = {"remove": "true"}
        self.wish.gone.append(str(network.id))

    def put(self, name: str, network: Network, nic: str, given: NetworkAttachment | None) -> None:
        """A network lies on that NIC or bond from now on."""
        before = self.scene.stored.get(str(network.id))
        if str(network.id) not in self.scene.allowed:
            self.refuse(
                "NETWORK_NOT_EXISTS_IN_CLUSTER", f"Network {network.name} is not in the host's cluster.", bad=True
            )
        if name in self.wish.networks:
            self.refuse("NETWORKS_ALREADY_ATTACHED_TO_IFACES", f"Network {network.name} is named twice.", bad=True)
        addresses = given.ip_address_assignments if given is not None else None
        properties = given.properties if given is not None else None
        asked = given.dns_resolver_configuration if given is not None else None
        servers = tuple(asked.name_servers or ()) if asked is not None else None
        qos = given.qos if given is not None else None
        row = HostAttachment(
            id=attachment_id(self.scene.host_id, str(network.id)),
            host_id=self.scene.host_id,
            network_id=str(network.id),
            nic=nic,
            addresses=tuple(addresses) if addresses is not None else before.addresses if before else (),
            properties=tuple(properties) if properties is not None else before.properties if before else (),
            resolvers=servers if servers is not None else before.resolvers if before else None,
            qos=qos if qos is not None else before.qos if before else None,
        )
        self.lies[name] = nic
        self.wish.rows.append(row)
        routed = row.network_id in self.scene.routing
        self.wish.networks[name] = wire(network, row, bond=nic in self.slaves, routed=routed)

    def attachments(self) -> None:
        for given in self.action.removed_network_attachments or ():
            found = self.known(given)
            if found is not None and found[0] not in self.scene.lies:
                self.refuse("NETWORK_ATTACHMENT_NOT_EXISTS", f"The host has no network {found[1].name}.", bad=True)
            elif found is not None:
                self.drop(*found)
        for given in self.action.modified_network_attachments or ():
            found = self.known(given)
            if found is None:
                continue
            there = self.scene.lies.get(found[0])
            nic = self.device(given.host_nic) if given.host_nic is not None or there is None else there
            if nic is not None:
                self.put(*found, nic, given)
        for given in self.action.synchronized_network_attachments or ():
            found = self.known(given)
            if found is not None and found[0] not in self.wish.networks:
                there = self.scene.lies.get(found[0])
                if there is None:
                    self.refuse("NETWORK_ATTACHMENT_NOT_EXISTS", f"The host has no network {found[1].name}.", bad=True)
                else:
                    self.put(*found, there, None)

    def labels(self) -> None:
        by_id = {str(n.id): (name, n) for name, n in self.scene.networks.items()}
        for gone in self.action.removed_labels or ():
            rows = [x for x in self.scene.labels if x.label == (gone.id or gone.name)]
            if not rows:
                self.refuse("INTERFACE_NOT_LABELED", f"No interface has the label {gone.id or gone.name}.", bad=True)
            for row in rows:
                self.wish.labels_gone.append(row.id)
                for name, network in (by_id[i] for i in self.scene.labelled.get(row.label, ()) if i in by_id):
                    if self.lies.get(name) == row.nic and name not in self.wish.networks:
                        self.drop(name, network)
        for given in self.action.modified_labels or ():
            nic, label = self.device(given.host_nic), str(given.id or given.name or "")
            self.reasons += bodies.text_refusals(label, "label", bodies.TextRule(50, 1, bodies.ASCII_NAME))
            if nic is None:
                continue
            for old in self.scene.labels:
                if old.label == label:
                    if old.nic == nic:
                        self.refuse("INTERFACE_ALREADY_LABELED", f"{nic} has the label {label} already.")
                    self.wish.labels_gone.append(old.id)
            key = f"{self.scene.host_id}/{nic}/{label}"
            self.wish.labels.append(NicLabel(id=key, host_id=self.scene.host_id, nic=nic, label=label))
            for name, network in (by_id[i] for i in self.scene.labelled.get(label, ()) if i in by_id):
                if str(network.id) in self.scene.allowed and self.lies.get(name) != nic:
                    self.put(name, network, nic, None)

    def whole(self) -> None:
        """What will be, looked at once more."""
        enslaved = {nic: bond for bond, nics in self.slaves.items() for nic in nics}
        owners: dict[tuple[str, int | None], str] = {}
        for name, nic in self.lies.items():
            if not nic:
                continue
            if nic in enslaved:
                self.refuse("NETWORK_INTERFACE_IN_USE", f"{nic} is in bond {enslaved[nic]}, so {name} cannot use it.")
            if nic not in self.slaves and nic not in self.scene.nics:
                self.refuse("BOND_USED_BY_NETWORK_ATTACHMENTS", f"{nic} is used by network {name}.", "Move it first.")
            network = self.scene.networks.get(name)
            tag = network.vlan.id if network is not None and network.vlan else None
            other = owners.setdefault((nic, tag), name)
            if other != name:
                self.refuse(
                    "NETWORK_INTERFACES_NOT_EXCLUSIVELY_USED_BY_NETWORK", f"{nic} is used by {other} and by {name}."
                )


def wish(scene: Scene, action: Action) -> tuple[Wish, Sequence[Refusal]]:
    """The request, and all reasons against it."""
    planner = _Planner(scene, action)
    planner.bonds()
    planner.attachments()
    planner.labels()
    planner.whole()
    return planner.wish, planner.reasons
