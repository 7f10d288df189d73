"""Rows of hosts and of enrolment tokens."""

from datetime import datetime

from msgspec import Struct

from ovis.engine.model.types import Host
from ovis.engine.store.tables import Column, Table, name_columns


class HostToken(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A token by which hosts may join. id: SHA-256 of its secret, hex."""

    id: str
    uses: int
    expires: datetime


class HostIdentity(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A host's own id (hardware or made by its agent), by which it is known again. id: the host's.

    spm_id: its number on its data center's storage, 1 to 250, which no other host has while it has it.
    """

    id: str
    hardware_id: str
    spm_id: int = 0


HOSTS = Table(
    name="hosts",
    type=Host,
    columns=(
        *name_columns(),
        Column(name="cluster_id", path="cluster.id", references="clusters"),
        Column(name="status"),
        Column(name="address"),
        Column(name="port", kind="int", index=False),
        Column(name="comment", index=False),
        Column(name="type", index=False),
        Column(name="memory", kind="int", index=False),
        Column(name="cpu_model", path="cpu.name", index=False),
        Column(name="software_version", path="version.full_version", index=False),
    ),
    unique=(("name_key",),),
)
TOKENS = Table(name="host_tokens", type=HostToken)
IDENTITIES = Table(name="host_identities", type=HostIdentity, columns=(Column(name="hardware_id", unique=True),))
TABLES = (HOSTS, TOKENS, IDENTITIES)
