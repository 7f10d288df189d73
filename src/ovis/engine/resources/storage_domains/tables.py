"""Rows of storage domains: the API's document, its data centers, its connection, the pool's master.

Follows: a domain at top level shows a status only when it is unattached; the real one stands with the attachment.
"""

from msgspec import Struct

from ovis.engine.model.enums import StorageDomainStatus
from ovis.engine.model.types import StorageConnection, StorageDomain
from ovis.engine.store.tables import Column, Table, name_columns


class Attachment(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A domain in a data center. id: `DATA_CENTER/DOMAIN`."""

    id: str
    storage_domain_id: str
    data_center_id: str
    status: StorageDomainStatus
    master: bool = False


class PoolFacts(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the hosts know of a data center as a storage pool. id: the data center's."""

    id: str
    master_version: int = 1


class DomainConnection(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """How hosts reach a domain. id: the domain's."""

    id: str
    connection_id: str


DOMAINS = Table(
    name="storage_domains",
    type=StorageDomain,
    columns=(
        *name_columns(),
        Column(name="type", index=False),
        Column(name="storage_type", path="storage.type", index=False),
        Column(name="description", index=False),
        Column(name="comment", index=False),
        Column(name="free_size", path="available", kind="int", index=False),
        Column(name="used_size", path="used", kind="int", index=False),
        Column(name="committed", kind="int", index=False),
        Column(name="total_size", value=lambda d: (d.available or 0) + (d.used or 0), kind="int", index=False),
        Column(name="low_space", path="warning_low_space_indicator", kind="int", index=False),
        Column(name="critical_space", path="critical_space_action_blocker", kind="int", index=False),
        Column(name="wipe_after_delete", kind="bool", index=False),
        Column(name="discard_after_delete", kind="bool", index=False),
        Column(name="backup", kind="bool", index=False),
        Column(name="external_status", index=False),
    ),
    unique=(("name_key",),),
)
ATTACHMENTS = Table(
    name="storage_domain_attachments",
    type=Attachment,
    columns=(
        Column(name="storage_domain_id", references="storage_domains"),
        Column(name="data_center_id", references="data_centers"),
        Column(name="status"),
        Column(name="master", kind="bool", index=False),
    ),
    unique=(("storage_domain_id", "data_center_id"),),
)
FACTS = Table(name="pool_facts", type=PoolFacts)
CONNECTIONS = Table(name="storage_connections", type=StorageConnection)
DOMAIN_CONNECTIONS = Table(
    name="domain_connections",
    type=DomainConnection,
    columns=(Column(name="connection_id", references="storage_connections"),),
)
TABLES = (DOMAINS, ATTACHMENTS, FACTS, CONNECTIONS, DOMAIN_CONNECTIONS)
