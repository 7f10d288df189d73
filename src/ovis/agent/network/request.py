"""Host.setupNetworks' request, checked: networks and bonds as this host is asked for them. Pure.

Does: read what engines send (numbers and truths come as text or not), refuse what makes no sense with VDSM's codes: 21
parameters, 22 addresses. Does not: know what the host has (setup). Follows: verb Host.setupNetworks.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from ovis.contract.errors import Code, VerbError

BAD_PARAMETERS = int(Code.NETWORK_PARAMETERS)
BAD_ADDRESS, BAD_NIC, USED_NIC, BAD_BOND, BAD_VLAN, BAD_BRIDGE, USED_BOND = 22, 23, 24, 25, 26, 27, 31
NOT_CONFIRMED = int(Code.PEER_UNREACHABLE)
_NAME = 15  # bytes of a device's name
MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
"""Names of a bond's modes by number."""


class Share(Struct, frozen=True, kw_only=True):
    """A network's part of its NIC, outwards. weight: beside other networks; rate, ceiling: bit/s, 0 for none."""

    weight: int = 0
    rate: int = 0
    ceiling: int = 0


class Net(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One network as asked for. nic: NIC or bond below, "" for none.

    bare: it is to have no IPv4 address; else, one that is there stays when none is named.
    ipv6: address/prefix. default_route: its gateway is the host's. nameservers: None: not said. custom: for hooks, and
    bridge_opts and ethtool_opts for us.
    """

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
    bare: bool = False
    ipv6: str = ""
    gateway6: str = ""
    autoconf: bool = False
    dhcp6: bool = False
    default_route: bool = True
    nameservers: tuple[str, ...] | None = None
    stp: bool = False
    custom: dict[str, str] = field(default_factory=dict)
    share: Share | None = None

    @property
    def vlan_device(self) -> str:
        """The device of its tag; "" if it has none."""
        return f"{self.nic}.{self.vlan}" if self.nic and self.vlan is not None else ""

    @property
    def port(self) -> str:
        """What lies below its bridge: VLAN device, NIC or bond; "" for none."""
        return self.vlan_device or self.nic

    @property
    def device(self) -> str:
        """What carries its address."""
        return self.name if self.bridged else self.port


class Bond(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One bond. options: beside the mode, by name."""

    name: str
    nics: tuple[str, ...]
    mode: int = 1
    options: dict[str, str] = field(default_factory=dict)

    @property
    def opts(self) -> dict[str, str]:
        """As capabilities tell them."""
        return {"mode": str(self.mode), **self.options}


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

    def after(self, done: Plan) -> "Kept":
        """What there is once a request is done. Pure."""
        networks = {n: x for n, x in self.networks.items() if n not in done.removed}
        bonds = {n: x for n, x in self.bonds.items() if n not in done.removed_bonds}
        return Kept(
            networks=networks | {n.name: n for n in done.networks}, bonds=bonds | {b.name: b for b in done.bonds}
        )


def truth(value: Any, default: bool) -> bool:
    """A truth, or the text of one."""
    return default if value is None else value is True or str(value).lower() in ("true", "1", "yes")


def number(value: Any, what: str, low: int, high: int) -> int:
    """A number, or the text of one, in its range."""
    try:
        found = int(value)
    except (TypeError, ValueError) as err:
        raise VerbError(BAD_PARAMETERS, f"{what} is no number: {str(value)[:40]!r}") from err
    if not low <= found <= high:
        raise VerbError(BAD_PARAMETERS, f"{what} must be {low} to {high}, not {found}.")
    return found


def device_name(value: Any, what: str) -> str:
    """A name that the kernel takes."""
    name = str(value)
    if not 1 <= len(name.encode()) <= _NAME or "/" in name or name.split() != [name] or name in (".", ".."):
        raise VerbError(BAD_PARAMETERS, f"{what} {name[:40]!r} cannot be a device's name (1 to {_NAME} characters).")
    return name


def plan(networks: Any, bondings: Any) -> Plan:
    """A request as the engine sends it. VerbError 21 or 22 with what is wrong."""
    if not isinstance(networks, Mapping) or not isinstance(bondings, Mapping):
        raise VerbError(BAD_PARAMETERS, "networks and bondings are objects.")
    made, removed, bonds, removed_bonds = [], [], [], []
    for name, wish in networks.items():
        if not isinstance(wish, Mapping):
            raise VerbError(BAD_PARAMETERS, f"Network {name} is no object.")
        if truth(wish.get("remove"), False):
            removed.append(device_name(name, "Network"))
        else:
            made.append(_net(device_name(name, "Network"), wish))
    for name, wish in bondings.items():
        if not isinstance(wish, Mapping):
            raise VerbError(BAD_PARAMETERS, f"Bond {name} is no object.")
        if truth(wish.get("remove"), False):
            removed_bonds.append(device_name(name, "Bond"))
        else:
            bonds.append(_bond(device_name(name, "Bond"), wish))
    return Plan(networks=tuple(made), removed=tuple(removed), bonds=tuple(bonds), removed_bonds=tuple(removed_bonds))


def _bond(name: str, wish: Mapping[str, Any]) -> Bond:
    nics = wish.get("nics")
    if not isinstance(nics, list) or not nics:
        raise VerbError(BAD_PARAMETERS, f"Bond {name} names no NICs.")
    _switch(f"Bond {name}", wish)
    options: dict[str, str] = {}
    for word in str(wish.get("options") or "").split():
        key, found, value = word.partition("=")
        if not found or not key or not value:
            raise VerbError(BAD_PARAMETERS, f"Bond {name}: {word[:40]!r} is no option: name=value.")
        if key != "custom":  # an administrator's note, not an option
            options[key] = value
    mode = options.pop("mode", "1")
    chosen = MODES.index(mode) if mode in MODES else number(mode, f"Bond {name}: the mode", 0, len(MODES) - 1)
    return Bond(name=name, nics=tuple(device_name(n, "NIC") for n in nics), mode=chosen, options=options)


def _switch(what: str, wish: Mapping[str, Any]) -> None:
    switch = wish.get("switch") or "legacy"
    if switch != "legacy":
        raise VerbError(BAD_PARAMETERS, f"{what}: switch type {str(switch)[:40]} is not served by this host.")


def _ip4(what: str, value: Any) -> str:
    text = str(value or "")
    try:
        return str(ipaddress.IPv4Address(text)) if text else ""
    except ValueError as err:
        raise VerbError(BAD_ADDRESS, f"{what}: {err}") from err


def _ip6(what: str, value: Any) -> str:
    """With its prefix."""
    text = str(value or "")
    try:
        return str(ipaddress.IPv6Interface(text)) if text else ""
    except ValueError as err:
        raise VerbError(BAD_ADDRESS, f"{what}: {err}") from err


def _net(name: str, wish: Mapping[str, Any]) -> Net:
    what = f"Network {name}"
    _switch(what, wish)
    ip, prefix = _ip4(what, wish.get("ipaddr")), 0
    if ip and wish.get("prefix"):
        prefix = number(wish["prefix"], "prefix", 1, 32)
    elif ip:
        try:
            prefix = ipaddress.ip_network(f"0.0.0.0/{wish.get('netmask') or ''}").prefixlen
        except ValueError as err:
            raise VerbError(BAD_ADDRESS, f"{what}: {err}") from err
    below = wish.get("bonding") or wish.get("nic") or ""
    gateway6 = _ip6(what, wish.get("ipv6gateway")).partition("/")[0]
    found = Net(
        name=name,
        bridged=truth(wish.get("bridged"), True),
        nic=device_name(below, "NIC") if below else "",
        bond=bool(wish.get("bonding")),
        vlan=number(wish["vlan"], "vlan", 0, 4094) if wish.get("vlan") not in (None, "") else None,
        mtu=number(wish.get("mtu") or 1500, "mtu", 68, 65535),
        ip=ip,
        prefix=prefix,
        gateway=_ip4(what, wish.get("gateway")),
        dhcp=wish.get("bootproto") == "dhcp",
        bare=wish.get("bootproto") == "none" and not ip,
        ipv6=_ip6(what, wish.get("ipv6addr")),
        gateway6=gateway6,
        autoconf=truth(wish.get("ipv6autoconf"), False),
        dhcp6=truth(wish.get("dhcpv6"), False),
        default_route=truth(wish.get("defaultRoute"), True),
        nameservers=_nameservers(what, wish.get("nameservers")),
        stp=truth(wish.get("STP", wish.get("stp")), False),
        custom=_custom(what, wish.get("custom")),
        share=_share(what, wish.get("hostQos")),
    )
    if found.dhcp and found.ip:
        raise VerbError(BAD_ADDRESS, f"{what}: DHCP and an address exclude each other.")
    if not found.bridged and not found.nic:
        raise VerbError(BAD_PARAMETERS, f"{what}: without a bridge it needs a NIC.")
    if found.vlan_device:
        device_name(found.vlan_device, "VLAN")
    return found


def _nameservers(what: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise VerbError(BAD_PARAMETERS, f"{what}: nameservers is no list.")
    try:
        return tuple(str(ipaddress.ip_address(str(v))) for v in value)
    except ValueError as err:
        raise VerbError(BAD_ADDRESS, f"{what}: {err}") from err


def _custom(what: str, value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise VerbError(BAD_PARAMETERS, f"{what}: custom is no object.")
    return {str(k): str(v) for k, v in value.items()}


def _share(what: str, value: Any) -> Share | None:
    """hostQos: {"out": {"ls": {"m2"}, "rt": {"m2"}, "ul": {"m2"}}}, bit/s."""
    if not value:
        return None
    out = value.get("out") if isinstance(value, Mapping) else None
    curves = out if isinstance(out, Mapping) else {}
    if not isinstance(value, Mapping) or any(not isinstance(c, Mapping) for c in curves.values()):
        raise VerbError(BAD_PARAMETERS, f"{what}: hostQos has no such form.")

    def rate(curve: str) -> int:
        given = curves.get(curve) or {}
        return number(given.get("m2") or 0, f"{what}: hostQos.out.{curve}.m2", 0, 1 << 40)

    found = Share(weight=rate("ls"), rate=rate("rt"), ceiling=rate("ul"))
    if found.ceiling and found.rate > found.ceiling:
        raise VerbError(BAD_PARAMETERS, f"{what}: hostQos promises more (rt) than it allows (ul).")
    return found if found != Share() else None
