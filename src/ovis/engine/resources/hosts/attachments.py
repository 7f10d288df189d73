"""What is wanted of a host's networks: attachments and labels, as rows.

Does: keep addresses and properties that users gave a network on a host, and labels of NICs. Does not: know what the
host has (networking) or change it (setup_networks).
Follows: network attachments and labels of engine 4.5.
"""

from msgspec import Struct

from ovis.engine.model.types import IpAddressAssignment, Property, Qos
from ovis.engine.store.tables import Column, Table


class HostAttachment(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A network as it was attached. nic: the NIC or bond by name. addresses: empty if the user gave none.

    resolvers: None if they are the network's. qos: what is to count instead of the network's.
    """

    id: str
    host_id: str
    network_id: str
    nic: str
    addresses: tuple[IpAddressAssignment, ...] = ()
    properties: tuple[Property, ...] = ()
    resolvers: tuple[str, ...] | None = None
    qos: Qos | None = None


class NicLabel(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A label of a host's NIC. id: host, NIC and label."""

    id: str
    host_id: str
    nic: str
    label: str


ATTACHMENTS = Table(
    name="host_attachments",
    type=HostAttachment,
    columns=(
        Column(name="host_id", references="hosts", on_delete="cascade"),
        Column(name="network_id", references="networks", on_delete="cascade"),
    ),
    unique=(("host_id", "network_id"),),
)
NIC_LABELS = Table(
    name="host_nic_labels", type=NicLabel, columns=(Column(name="host_id", references="hosts", on_delete="cascade"),)
)
TABLES = (ATTACHMENTS, NIC_LABELS)
