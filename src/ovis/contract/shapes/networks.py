"""Shapes of a host's networks.

Follows: the published schema of VDSM: names, types and what may be missing are facts of the wire.
"""

from typing import NotRequired, TypedDict

from ovis.contract.shapes.basics import (
    BoolText,
    HostNetworkInterfaceStatsMap,
    HostQoSParams,
    NetInfoBondMap,
    NetInfoBridgeMap,
    NetInfoNetworkMap,
    NetInfoNicMap,
    NetInfoVlanMap,
    StringMap,
    UintText,
)

StringListMap = dict[str, list[str]]


class Tlv(TypedDict):
    name: str
    properties: StringMap
    type: UintText
    oui: UintText
    subtype: UintText


class Lldp(TypedDict):
    enabled: BoolText
    tlvs: list[Tlv]


LldpMap = dict[str, Lldp]


class SetupNetworkBondAttributes(TypedDict):
    remove: NotRequired[bool]
    nics: list[str]
    options: NotRequired[str]
    hwaddr: NotRequired[str]
    switch: NotRequired[str]


SetupNetworkBondConfig = dict[str, SetupNetworkBondAttributes]


class SetupNetworkNetAttributes(TypedDict):
    bootproto: NotRequired[str]
    dhcpv6: NotRequired[bool]
    ipv6autoconf: NotRequired[bool]
    nic: NotRequired[list[str]]
    hostQos: NotRequired[HostQoSParams]
    ipv6addr: NotRequired[str]
    ipv6gateway: NotRequired[str]
    gateway: NotRequired[str]
    vlan: NotRequired[str]
    ipaddr: NotRequired[str]
    remove: NotRequired[bool]
    custom: NotRequired[StringMap]
    bonding: NotRequired[str]
    netmask: NotRequired[str]
    defaultRoute: NotRequired[bool]
    nameservers: NotRequired[list[str]]
    switch: NotRequired[str]


SetupNetworkNetConfig = dict[str, SetupNetworkNetAttributes]


class SetupNetworkOptions(TypedDict):
    connectivityCheck: NotRequired[bool | int]
    connectivityTimeout: NotRequired[int]
    commitOnSuccess: NotRequired[bool | int]


class VdsmNetworkCapabilities(TypedDict):
    networks: NetInfoNetworkMap
    bridges: NetInfoBridgeMap
    vlans: NetInfoVlanMap
    bondings: NetInfoBondMap
    nics: NetInfoNicMap
    netConfigDirty: BoolText
    supportsIPv6: bool
    nameservers: list[str]


class HostNetworkStatistics(TypedDict):
    network: HostNetworkInterfaceStatsMap
    txDropped: UintText
    rxDropped: UintText
