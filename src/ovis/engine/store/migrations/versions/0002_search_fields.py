"""Columns of what can be searched since: of VMs, hosts, storage domains, networks' labels, vNIC profiles, instance types.

Does: add them and fill them from the documents, whatever form these have in the running engine.
"""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Document = dict[str, Any]


def _at(path: str) -> Callable[[Document], Any]:
    def read(document: Document) -> Any:
        found: Any = document
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found

    return read


def _level(vm: Document) -> str | None:
    version = vm.get("custom_compatibility_version") or {}
    return f"{version['major']}.{version.get('minor')}" if version.get("major") is not None else None


def _cpus(host: Document) -> int | None:
    topology = (host.get("cpu") or {}).get("topology")
    if topology is None:
        return None
    return (topology.get("sockets") or 1) * (topology.get("cores") or 1) * (topology.get("threads") or 1)


def _passes_through(profile: Document) -> bool:
    return (profile.get("pass_through") or {}).get("mode") == "enabled"


_TEXT, _INT, _FLOAT, _BOOL = sa.Text(), sa.BigInteger(), sa.Float(), sa.Boolean()
# table -> (column, type, value of a document)
_ADDED: dict[str, tuple[tuple[str, Any, Callable[[Document], Any]], ...]] = {
    "vms": (
        ("architecture", _TEXT, _at("cpu.architecture")),
        ("custom_level", _TEXT, _level),
        ("vm_pool_id", _TEXT, _at("vm_pool.id")),
    ),
    "hosts": (
        ("external_status", _TEXT, _at("external_status")),
        ("cpus", _INT, _cpus),
        ("cpu_speed", _FLOAT, _at("cpu.speed")),
        ("update_available", _BOOL, _at("update_available")),
    ),
    "host_identities": (("spm_id", _INT, lambda row: row.get("spm_id", 0)),),
    "storage_domains": (
        ("total_size", _INT, lambda row: (row.get("available") or 0) + (row.get("used") or 0)),
        ("low_space", _INT, _at("warning_low_space_indicator")),
        ("critical_space", _INT, _at("critical_space_action_blocker")),
        ("wipe_after_delete", _BOOL, _at("wipe_after_delete")),
        ("discard_after_delete", _BOOL, _at("discard_after_delete")),
        ("backup", _BOOL, _at("backup")),
        ("external_status", _TEXT, _at("external_status")),
    ),
    "network_labels": (("label", _TEXT, lambda row: str(row["id"]).partition("/")[2]),),
    "vnic_profiles": (("passthrough", _BOOL, _passes_through),),
    "instance_types": (("comment", _TEXT, _at("comment")), ("memory", _INT, _at("memory"))),
}


def upgrade() -> None:
    """Add what is missing, then fill it."""
    connection = op.get_bind()
    for name, columns in _ADDED.items():
        if not sa.inspect(connection).has_table(name):
            continue
        for column, type_, _ in columns:
            kind = sa.Text(collation="C") if type_ is _TEXT and connection.dialect.name == "postgresql" else type_
            op.add_column(name, sa.Column(column, kind, nullable=True))
        table = sa.table(name, sa.column("id"), sa.column("doc"), *(sa.column(c, t) for c, t, _ in columns))
        for id_, doc in connection.execute(sa.select(table.c.id, table.c.doc)).fetchall():
            document = json.loads(bytes(doc))
            values = {column: value(document) for column, _, value in columns}
            connection.execute(sa.update(table).where(table.c.id == id_).values(**values))
