"""Rows of hosts and of enrolment tokens."""

from datetime import datetime

from msgspec import Struct

from ovis.engine.model.types import Host
from ovis.engine.resources.hosts import attachments
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


def _cpus(host: Host) -> int | None:
    """Logical CPUs."""
    topology = host.cpu.topology if host.cpu else None
    if topology is None:
        return None
    return (topology.sockets or 1) * (topology.cores or 1) * (topology.threads or 1)


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
        Column(name="external_status", index=False),
        Column(name="cpus", value=lambda host: _cpus(host), kind="int", index=False),
        Column(name="cpu_speed", path="cpu.speed", kind="float", index=False),
        Column(name="update_available", kind="bool", index=False),
        Column(name="cpu_model", path="cpu.name", index=False),
        Column(name="software_version", path="version.full_version", index=False),
    ),
    unique=(("name_key",),),
)
TOKENS = Table(name="host_tokens", type=HostToken)
IDENTITIES = Table(
    name="host_identities",
    type=HostIdentity,
    columns=(Column(name="hardware_id", unique=True), Column(name="spm_id", kind="int", index=False)),
)
TABLES = (HOSTS, TOKENS, IDENTITIES, *attachments.TABLES)
