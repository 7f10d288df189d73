"""What a host reports of its network: /hosts/ID/nics with what lies below, /networkattachments, /unmanagednetworks.

Does: NICs, bonds and VLAN devices; which logical networks lie on which of them, and whether they are as they should be.
Does not: change a host's network. Labels, link layer neighbours and virtual functions of NICs are not reported by hosts
yet: these collections are there and empty. Follows: capabilities of VDSM; network attachments of engine 4.5.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import PUBLIC, Op, Resource
from ovis.engine.model.enums import BootProtocol, IpVersion, NetworkUsage, NicStatus
from ovis.engine.model.types import (
    Bonding,
    Cluster,
    DnsResolverConfiguration,
    ExternalNetworkProviderConfiguration,
    Host,
    HostNic,
    Ip,
    IpAddressAssignment,
    Mac,
    Network,
    NetworkAttachment,
    NetworkLabel,
    Option,
    ReportedConfiguration,
    Statistic,
    UnmanagedNetwork,
    Vlan,
)
from ovis.engine.resources import bodies
from ovis.engine.resources.absent import absent
from ovis.engine.resources.hosts.attachments import HostAttachment, NicLabel
from ovis.engine.resources.hosts.report import number
from ovis.engine.resources.live import capabilities, host_facts, known_hosts
from ovis.engine.resources.statistics import NIC_STATISTICS, build, nic_values
from ovis.engine.store.session import Reader

_KINDS = ("nics", "bondings", "vlans")
_DEFAULT_MTU = 1500
_MBIT = 1_000_000


_MODES = {
    "0": "Round Robin",
    "1": "Active-Backup",
    "2": "Load balance (balance-xor)",
    "3": "Broadcast",
    "4": "Dynamic link aggregation (802.3ad)",
    "5": "Adaptive transmit load balancing (balance-tlb)",
    "6": "Adaptive load balancing (balance-alb)",
}


class Placed(NamedTuple):
    """A network of a host. known: the logical network of that name, if there is one. nic: the device it lies on."""

    name: str
    facts: Mapping[str, Any]
    nic: str
    known: Network | None


def nic_id(host_id: str, name: str) -> str:
    """A NIC's id, the same for ever."""
    return bodies.derived_id("host_nic", host_id, name)


def known_networks(rd: Reader, host_ids: Sequence[str]) -> dict[str, dict[str, Network]]:
    """Logical networks of each host's data center, by their names on hosts."""
    hosts = rd.get_many(Host, host_ids)
    clusters = rd.get_many(Cluster, {str(h.cluster.id) for h in hosts.values() if h.cluster})
    centers = {i: str(c.data_center.id) for i, c in clusters.items() if c.data_center}
    of_center: dict[str, dict[str, Network]] = {}
    for network in rd.find(Network, data_center_id=sorted(set(centers.values()))) if centers else ():
        names = of_center.setdefault(str(network.data_center.id if network.data_center else ""), {})
        names[str(network.vdsm_name or network.name)] = network
    return {i: of_center.get(centers.get(str(h.cluster.id) if h.cluster else "", ""), {}) for i, h in hosts.items()}


def placed(caps: Mapping[str, Any], known: Mapping[str, Network]) -> list[Placed]:
    """Networks of a host, by name."""
    devices = {name for kind in _KINDS for name in caps.get(kind) or {}}
    found = []
    for name, facts in sorted((caps.get("networks") or {}).items()):
        if isinstance(facts, Mapping):
            candidates = [facts.get("southbound"), *(facts.get("ports") or ()), facts.get("iface")]
            nic = next((str(c) for c in candidates if c in devices), "")
            found.append(Placed(name, facts, nic, known.get(name)))
    return found


def base_nic(caps: Mapping[str, Any], device: str) -> str:
    """The NIC or bond that a VLAN device lies on; any other device itself."""
    return str(((caps.get("vlans") or {}).get(device) or {}).get("iface") or device)


def _devices(caps: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for kind in _KINDS:
        for name, facts in (caps.get(kind) or {}).items():
            yield kind, name, facts


def _method(facts: Mapping[str, Any]) -> BootProtocol:
    if facts.get("dhcpv4"):
        return BootProtocol.DHCP
    return BootProtocol.STATIC if facts.get("addr") else BootProtocol.NONE


def _method6(facts: Mapping[str, Any]) -> BootProtocol:
    automatic, leased = bool(facts.get("ipv6autoconf")), bool(facts.get("dhcpv6"))
    if automatic and leased:
        return BootProtocol.POLY_DHCP_AUTOCONF
    if automatic or leased:
        return BootProtocol.AUTOCONF if automatic else BootProtocol.DHCP
    return BootProtocol.STATIC if facts.get("ipv6addrs") else BootProtocol.NONE


def _ip(facts: Mapping[str, Any]) -> Ip | None:
    if not facts.get("addr"):
        return None
    return Ip(
        address=str(facts["addr"]),
        netmask=facts.get("netmask") or None,
        gateway=facts.get("gateway") or None,
        version=IpVersion.V4,
    )


def _ip6(facts: Mapping[str, Any]) -> Ip | None:
    first = next(iter(facts.get("ipv6addrs") or ()), None)
    if first is None:
        return None
    address, _, prefix = str(first).partition("/")
    gateway = str(facts.get("ipv6gateway") or "")
    return Ip(
        address=address, netmask=prefix or None, gateway=gateway if gateway.strip(":") else None, version=IpVersion.V6
    )


def _bond(host_id: str, facts: Mapping[str, Any]) -> Bonding:
    active = facts.get("active_slave")
    return Bonding(
        slaves=[HostNic(id=nic_id(host_id, s)) for s in facts.get("slaves") or ()] or None,
        active_slave=HostNic(id=nic_id(host_id, str(active))) if active else None,
        options=[
            Option(name=str(k), value=str(v), type=_MODES.get(str(v)) if k == "mode" else None)
            for k, v in sorted((facts.get("opts") or {}).items())
        ]
        or None,
    )


def host_nics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[HostNic]]:
    """NICs, bonds and VLAN devices of each host, by name."""
    known, stats = known_networks(rd, parents), host_facts(rd, parents)
    out: dict[str, list[HostNic]] = {}
    for parent in parents:
        caps = capabilities(parent)
        carries = {p.nic: p for p in placed(caps, known.get(parent, {}))}
        rows = []
        for kind, name, facts in _devices(caps):
            network = carries.get(name)
            addresses = network.facts if network is not None else facts
            live = (stats.get(parent, {}).get("network") or {}).get(name) or {}
            vlan = kind == "vlans"
            rows.append(
                HostNic(
                    id=nic_id(parent, name),
                    name=name,
                    mac=Mac(address=facts["hwaddr"]) if facts.get("hwaddr") else None,
                    mtu=int(number(facts.get("mtu"), _DEFAULT_MTU)),
                    speed=None if vlan else int(number(facts.get("speed"))) * 1_000_000,
                    status=NicStatus.UP if live.get("state", "up") == "up" else NicStatus.DOWN,
                    bridged=network is not None and network.facts.get("bridged") is not False,
                    boot_protocol=_method(addresses),
                    ip=_ip(addresses),
                    ipv6_boot_protocol=_method6(addresses),
                    ipv6=_ip6(addresses),
                    network=Network(id=network.known.id) if network is not None and network.known else None,
                    bonding=_bond(parent, facts) if kind == "bondings" else None,
                    vlan=Vlan(id=int(number(facts.get("vlanid")))) if vlan else None,
                    base_interface=str(facts.get("iface") or "") or None if vlan else None,
                    host=Host(id=parent),
                    custom_configuration=False,
                )
            )
        out[parent] = sorted(rows, key=lambda n: n.name or "")
    return out


def _owners(call: Call, nic_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """NIC id -> (host, device). The request's host first; a link that is followed may come from anywhere."""
    wanted, found = set(nic_ids), {}
    for host_id in (*call.ids[:1], *known_hosts()):
        if not wanted:
            break
        for _, name, _ in _devices(capabilities(host_id)):
            id_ = nic_id(host_id, name)
            if id_ in wanted:
                found[id_] = (host_id, name)
        wanted -= found.keys()
    return found


def nic_statistics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Statistic]]:
    owners = _owners(call, parents)
    facts = host_facts(rd, {host_id for host_id, _ in owners.values()})
    out = {}
    for parent in parents:
        host_id, name = owners.get(parent, ("", ""))
        reported = (facts.get(host_id, {}).get("network") or {}).get(name) or {}
        out[parent] = build("host_nic", parent, NIC_STATISTICS, nic_values(reported), host_nic=HostNic(id=parent))
    return out


# -- networks on the NICs -----------------------------------------------------------------------------------------


_Pairs = list[tuple[str, str | None, str | None]]


def _four(found: Placed, given: IpAddressAssignment) -> _Pairs:
    method, has, ip = given.assignment_method or BootProtocol.NONE, _ip(found.facts) or Ip(), given.ip
    pairs: _Pairs = [("ipv4_boot_protocol", _method(found.facts).value, method.value)]
    if method is BootProtocol.STATIC and ip is not None:
        pairs += [("ipv4_address", has.address, ip.address), ("netmask", has.netmask, ip.netmask)]
        pairs += [("gateway", has.gateway, ip.gateway)] if ip.gateway else []
    return pairs


def _six(found: Placed, given: IpAddressAssignment) -> _Pairs:
    method, has, ip = given.assignment_method or BootProtocol.NONE, _ip6(found.facts) or Ip(), given.ip
    pairs: _Pairs = [("ipv6_boot_protocol", _method6(found.facts).value, method.value)]
    if method is BootProtocol.STATIC and ip is not None:
        pairs += [("ipv6_address", has.address, ip.address), ("ipv6_prefix", has.netmask, str(ip.netmask or 64))]
        pairs += [("ipv6_gateway", has.gateway, ip.gateway)] if ip.gateway else []
    return pairs


def _differences(found: Placed, network: Network, stored: HostAttachment | None) -> list[ReportedConfiguration]:
    """What the host has, beside what the network is meant to be."""
    wanted_mtu = network.mtu or _DEFAULT_MTU
    bridged = NetworkUsage.VM in (network.usages if network.usages is not None else (NetworkUsage.VM,))
    wanted_vlan = network.vlan.id if network.vlan and network.vlan.id else None
    has_vlan = found.facts.get("vlan")
    pairs: _Pairs = [
        ("mtu", str(int(number(found.facts.get("mtu"), _DEFAULT_MTU))), str(wanted_mtu)),
        ("bridged", str(found.facts.get("bridged") is not False).lower(), str(bridged).lower()),
        (
            "vlan",
            str(has_vlan) if has_vlan is not None else None,
            str(wanted_vlan) if wanted_vlan is not None else None,
        ),
    ]
    for given in stored.addresses if stored is not None else ():
        pairs += (
            _six(found, given) if given.ip is not None and given.ip.version is IpVersion.V6 else _four(found, given)
        )
    if stored is not None and stored.qos is not None:
        out, asked = (found.facts.get("hostQos") or {}).get("out") or {}, stored.qos
        for curve, name, value, unit in (
            ("ls", "out_average_linkshare", asked.outbound_average_linkshare, 1),
            ("ul", "out_average_upperlimit", asked.outbound_average_upperlimit, _MBIT),
            ("rt", "out_average_realtime", asked.outbound_average_realtime, _MBIT),
        ):
            if value is not None:
                has = int(number((out.get(curve) or {}).get("m2"))) // unit
                pairs.append((name, str(has), str(value)))
    return [
        ReportedConfiguration(name=name, actual_value=has, expected_value=wanted, in_sync=has == wanted)
        for name, has, wanted in pairs
    ]


def _attachment(host_id: str, found: Placed, network: Network, stored: HostAttachment | None) -> NetworkAttachment:
    reported = _differences(found, network, stored)
    nic = base_nic(capabilities(host_id), found.nic)
    return NetworkAttachment(
        id=bodies.derived_id("network_attachment", host_id, str(network.id)),
        host=Host(id=host_id),
        host_nic=HostNic(id=nic_id(host_id, nic)) if nic else None,
        network=Network(id=network.id),
        properties=list(stored.properties) if stored is not None and stored.properties else None,
        dns_resolver_configuration=DnsResolverConfiguration(name_servers=list(stored.resolvers))
        if stored is not None and stored.resolvers is not None
        else None,
        in_sync=all(r.in_sync for r in reported),
        ip_address_assignments=[
            IpAddressAssignment(
                assignment_method=_method(found.facts), ip=_ip(found.facts) or Ip(version=IpVersion.V4)
            ),
            IpAddressAssignment(
                assignment_method=_method6(found.facts), ip=_ip6(found.facts) or Ip(version=IpVersion.V6)
            ),
        ],
        reported_configurations=reported,
    )


def attachments(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[NetworkAttachment]]:
    """Logical networks that each host has."""
    known = known_networks(rd, parents)
    stored = {r.id: r for r in rd.find(HostAttachment, host_id=list(parents))}
    return {
        p: [
            _attachment(p, f, f.known, stored.get(bodies.derived_id("network_attachment", p, str(f.known.id))))
            for f in placed(capabilities(p), known.get(p, {}))
            if f.known is not None
        ]
        for p in parents
    }


def attachments_of_nics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[NetworkAttachment]]:
    hosts = sorted({host_id for host_id, _ in _owners(call, parents).values()})
    out: dict[str, list[NetworkAttachment]] = {p: [] for p in parents}
    for found in (a for of_host in attachments(rd, call, hosts).values() for a in of_host):
        nic = str(found.host_nic.id) if found.host_nic else ""
        if nic in out:
            out[nic].append(found)
    return out


def labels_of_nics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[NetworkLabel]]:
    owners = _owners(call, parents)
    rows = rd.find(NicLabel, host_id=sorted({host_id for host_id, _ in owners.values()})) if owners else []
    return {
        p: [
            NetworkLabel(id=row.label, host_nic=HostNic(id=p))
            for row in sorted(rows, key=lambda r: r.label)
            if (row.host_id, row.nic) == owners.get(p)
        ]
        for p in parents
    }


def _unmanaged(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[UnmanagedNetwork]]:
    known = known_networks(rd, parents)
    return {
        p: [
            UnmanagedNetwork(
                id=bodies.derived_id("unmanaged_network", p, found.name),
                name=found.name,
                host=Host(id=p),
                host_nic=HostNic(id=nic_id(p, found.nic)) if found.nic else None,
            )
            for found in placed(capabilities(p), known.get(p, {}))
            if found.known is None
        ]
        for p in parents
    }


UNMANAGED_OF_HOST = Resource(
    type=UnmanagedNetwork, collection="unmanagednetworks", list=Op(run=_unmanaged, needs=PUBLIC), get=Op(needs=PUBLIC)
)
PROVIDERS_OF_HOST = absent(
    ExternalNetworkProviderConfiguration, "externalnetworkproviderconfigurations", v3_collection=""
)
