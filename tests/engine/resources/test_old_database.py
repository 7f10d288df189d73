"""A database of an older engine becomes what this one declares, with every new column filled from its documents."""

import sqlalchemy as sa

from ovis.engine import events, resources
from ovis.engine.access.tables import TABLES as ACCESS
from ovis.engine.commands import TABLES as COMMANDS
from ovis.engine.hostlink import TABLES as HOSTLINK
from ovis.engine.model.enums import Architecture, CpuPinningPolicy, VnicPassThroughMode
from ovis.engine.model.types import (
    Cpu,
    CpuTopology,
    Disk,
    Host,
    InstanceType,
    Quota,
    StorageDomain,
    Version,
    Vm,
    VnicPassThrough,
    VnicProfile,
)
from ovis.engine.resources.hosts.tables import HostIdentity
from ovis.engine.store.migrations.run import upgrade
from ovis.engine.store.session import Tx
from ovis.engine.store.store import Store

TABLES = (*events.TABLES, *ACCESS, *COMMANDS, *HOSTLINK, *resources.TABLES)
ADDED = {
    "vms": ("architecture", "custom_level", "vm_pool_id", "quota_id", "cpu_pinning_policy"),
    "disks": ("quota_id",),
    "hosts": ("external_status", "cpus", "cpu_speed", "update_available"),
    "host_identities": ("spm_id",),
    "storage_domains": (
        "total_size",
        "low_space",
        "critical_space",
        "wipe_after_delete",
        "discard_after_delete",
        "backup",
        "external_status",
    ),
    "network_labels": ("label",),
    "vnic_profiles": ("passthrough",),
    "instance_types": ("comment", "memory"),
}


def fill(tx: Tx) -> None:
    """One row of each that has something in its new columns."""
    cpu = Cpu(speed=2600.5, topology=CpuTopology(sockets=2, cores=4, threads=2))
    tx.insert(Host(id="h", name="h", cpu=cpu, update_available=True))
    tx.insert(HostIdentity(id="h", hardware_id="x", spm_id=7))
    level = Version(major=4, minor=7)
    tx.insert(Vm(id="v", name="v", cpu=Cpu(architecture=Architecture.X86_64), custom_compatibility_version=level))
    tx.insert(Vm(id="w", name="w", quota=Quota(id="q"), cpu_pinning_policy=CpuPinningPolicy.DEDICATED))
    tx.insert(Disk(id="d", name="d", quota=Quota(id="q")))
    tx.insert(
        StorageDomain(id="s", name="s", available=5, used=6, warning_low_space_indicator=10, wipe_after_delete=True)
    )
    tx.insert(
        VnicProfile(id="p", name="p", pass_through=VnicPassThrough(mode=VnicPassThroughMode.ENABLED), description="d")
    )
    tx.insert(InstanceType(id="i", name="i", comment="c", memory=1 << 30))


def content(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    """The new columns of every row."""
    with engine.connect() as connection:
        return {
            table: [
                tuple(row)
                for row in connection.exec_driver_sql(f"SELECT id, {', '.join(columns)} FROM {table} ORDER BY id")
            ]
            for table, columns in ADDED.items()
        }


def test_columns_that_are_new_are_added_and_filled(database_url: str) -> None:
    store = Store(database_url, TABLES)
    upgrade(store.engine, store.schema.metadata)
    store.start()
    store.write_now(fill)
    wanted = content(store.engine)
    with store.engine.begin() as connection:
        for table, columns in ADDED.items():
            for column in columns:
                connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    upgrade(store.engine, store.schema.metadata)
    assert content(store.engine) == wanted
    assert wanted["hosts"] == [("h", None, 16, 2600.5, True)]
    declared = {c.name: set(c.columns.keys()) for c in store.schema.metadata.tables.values()}
    found = {t: {c["name"] for c in sa.inspect(store.engine).get_columns(t)} for t in declared}
    assert found == declared
    store.close()
