"""Who may do what, and who sees what: inheritance of every object type, needs, visibility."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import Struct

from ovis.engine.access import grants
from ovis.engine.access.ancestry import TABLE_OF, WAYS, lineage
from ovis.engine.access.check import check, is_administrator, visible_ids
from ovis.engine.access.grants import grant, grant_on_creation, holds
from ovis.engine.access.predefined import ROLES, SYSTEM_ID
from ovis.engine.access.tables import TABLES as ACCESS, Grant
from ovis.engine.declare.call import Call, Principal
from ovis.engine.declare.faults import Forbidden
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import ADMIN, PUBLIC, Need
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.store import Store
from ovis.engine.store.tables import Column, Table

ME = Principal(user_id="me", name="me@internal")
SYSTEM = ("system", SYSTEM_ID)


class Row(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Any object or relation: an id, a name and what it belongs to."""

    id: str
    name: str | None = None
    up: dict[str, str] = {}


def _table(name: str, *ups: str) -> Table:
    type_: Any = type(name.title().replace("_", ""), (Row,), {}, kw_only=True, frozen=True, omit_defaults=True)

    def reads(up: str) -> Any:
        return lambda row: row.up.get(up)

    columns = [Column(name=up, value=reads(up)) for up in ups]
    return Table(name=name, type=type_, columns=(Column(name="name_key", path="name", key=True), *columns))


RELATIONS = {
    "data_centers": (),
    "clusters": ("data_center_id",),
    "hosts": ("cluster_id",),
    "vms": ("cluster_id",),
    "vm_pools": ("cluster_id",),
    "templates": (),
    "storage_domains": (),
    "disks": ("storage_domain_id",),
    "networks": ("data_center_id",),
    "vnic_profiles": ("network_id",),
    "disk_profiles": ("storage_domain_id",),
    "cpu_profiles": ("cluster_id",),
    "mac_pools": (),
    "quotas": ("data_center_id",),
    "storage_domain_attachments": ("storage_domain_id", "data_center_id"),
    "disk_attachments": ("disk_id", "vm_id"),
    "template_disk_attachments": ("template_id", "disk_id"),
}
TABLES = {name: _table(name, *ups) for name, ups in RELATIONS.items()}
# Two data centers with everything below them; `x2` is what belongs to the other one.
ROWS: dict[str, list[tuple[str, dict[str, str]]]] = {
    "data_centers": [("dc", {}), ("dc2", {})],
    "clusters": [("cl", {"data_center_id": "dc"}), ("cl2", {"data_center_id": "dc2"})],
    "hosts": [("host", {"cluster_id": "cl"}), ("host2", {"cluster_id": "cl2"})],
    "vms": [("vm", {"cluster_id": "cl"}), ("vm2", {"cluster_id": "cl2"})],
    "vm_pools": [("pool", {"cluster_id": "cl"})],
    "templates": [("template", {}), ("diskless", {})],
    "storage_domains": [("sd", {}), ("free", {})],
    "disks": [
        ("disk", {"storage_domain_id": "sd"}),
        ("image", {"storage_domain_id": "sd"}),
        ("lun", {}),
    ],
    "networks": [("net", {"data_center_id": "dc"})],
    "vnic_profiles": [("vnic", {"network_id": "net"})],
    "disk_profiles": [("dp", {"storage_domain_id": "sd"})],
    "cpu_profiles": [("cp", {"cluster_id": "cl"})],
    "mac_pools": [("mac", {})],
    "quotas": [("quota", {"data_center_id": "dc"})],
    "storage_domain_attachments": [("a1", {"storage_domain_id": "sd", "data_center_id": "dc"})],
    "disk_attachments": [("a2", {"disk_id": "disk", "vm_id": "vm"}), ("a3", {"disk_id": "lun", "vm_id": "vm2"})],
    "template_disk_attachments": [("a4", {"template_id": "template", "disk_id": "image"})],
}


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    made = Store(request.getfixturevalue(f"{request.param}_url"), (*ACCESS, *TABLES.values()))
    made.create_tables()
    made.start()

    def fill(tx: Any) -> None:
        grants.seed(tx)
        for grant_ in tx.select(Grant):
            tx.delete(Grant, grant_.id)
        for name, rows in ROWS.items():
            for id_, up in rows:
                tx.insert(TABLES[name].type(id=id_, name=id_.upper(), up=up))

    made.write_now(fill)
    yield made
    made.close()


# Object -> everything on which a permission counts for it (besides the system): the facts' `inheritance`.
INHERITS: dict[tuple[str, str], set[tuple[str, str]]] = {
    ("data_center", "dc"): set(),
    ("cluster", "cl"): {("data_center", "dc")},
    ("host", "host"): {("cluster", "cl"), ("data_center", "dc")},
    ("vm", "vm"): {("cluster", "cl"), ("data_center", "dc")},
    ("vm_pool", "pool"): {("cluster", "cl"), ("data_center", "dc")},
    ("template", "template"): {("data_center", "dc")},
    ("template", "diskless"): set(),
    ("storage_domain", "sd"): {("data_center", "dc")},
    ("storage_domain", "free"): set(),
    ("disk", "disk"): {("vm", "vm"), ("cluster", "cl"), ("storage_domain", "sd"), ("data_center", "dc")},
    ("disk", "lun"): {("vm", "vm2"), ("cluster", "cl2"), ("data_center", "dc2")},
    ("network", "net"): {("data_center", "dc")},
    ("vnic_profile", "vnic"): {("network", "net"), ("data_center", "dc")},
    ("disk_profile", "dp"): {("storage_domain", "sd"), ("data_center", "dc")},
    ("cpu_profile", "cp"): {("cluster", "cl"), ("data_center", "dc")},
    ("mac_pool", "mac"): set(),
    ("quota", "quota"): {("data_center", "dc")},
    ("user", "somebody"): set(),
    ("role", "some-role"): set(),
}
EVERY_OBJECT = [(kind, id_) for kind, table in TABLE_OF.items() for id_, _ in ROWS[table]]


def granting(role: str, place: tuple[str, str]) -> Callable[[Tx], Grant]:
    return lambda tx: grant(tx, "me", role, *place)


def seeing(kind: str) -> Callable[[Reader], set[str] | None]:
    return lambda rd: visible_ids(rd, ME, kind)


def test_every_kind_of_object_is_looked_at() -> None:
    assert set(TABLE_OF) <= {kind for kind, _ in INHERITS}
    assert {way.table for ways in WAYS.values() for way in ways} <= set(RELATIONS)


@pytest.mark.parametrize("target", INHERITS, ids=["-".join(t) for t in INHERITS])
def test_a_permission_counts_exactly_where_the_facts_say(store: Store, target: tuple[str, str]) -> None:
    counting = INHERITS[target] | {target, SYSTEM}
    for place in (*EVERY_OBJECT, SYSTEM, ("user", "somebody"), ("role", "some-role")):
        store.write_now(granting("SuperUser", place))
        found = store.read_now(lambda rd: holds(rd, ME, Permit.RUN_VM, *target))
        assert found is (place in counting), f"SuperUser on {place} for {target}"
        store.write_now(lambda tx: tx.delete_where(Grant, tx.sql(Grant).c.principal_id == "me"))
    shown = {ref for ref in store.read_now(lambda rd: lineage(rd, *target)) if ref[0] in {*TABLE_OF, "system"}}
    assert shown == counting - ({target} if target[0] not in TABLE_OF else set())


def test_groups_and_everyone_count_and_other_users_do_not(store: Store) -> None:
    member = Principal(user_id="me", name="me@internal", groups=("crew",))
    store.write_now(lambda tx: grant(tx, "crew", "UserRole", "vm", "vm", group=True))
    assert store.read_now(lambda rd: holds(rd, member, Permit.RUN_VM, "vm", "vm"))
    assert not store.read_now(lambda rd: holds(rd, ME, Permit.RUN_VM, "vm", "vm"))
    assert not store.read_now(lambda rd: holds(rd, member, Permit.DELETE_VM, "vm", "vm"))
    assert not store.read_now(lambda rd: holds(rd, member, Permit.RUN_VM, "vm", "vm2"))


def allowed(store: Store, needs: Any, body: Any = None, principal: Principal = ME, **refs: Any) -> bool:
    refs = {"self_ref": None, "parent_ref": None} | refs
    try:
        store.read_now(lambda rd: check(rd, principal, needs, body=body, **refs))
    except Forbidden:
        return False
    return True


def test_what_is_not_declared_nobody_may(store: Store) -> None:
    store.write_now(lambda tx: grant(tx, "me", "SuperUser", *SYSTEM))
    boss = Principal(user_id="me", name="me@internal", administrator=True)
    assert not allowed(store, None, principal=boss)
    assert not allowed(store, (), principal=boss)
    assert allowed(store, PUBLIC) and not allowed(store, ADMIN) and allowed(store, ADMIN, principal=boss)


def test_all_needs_must_be_met_on_the_objects_they_name(store: Store) -> None:
    store.write_now(lambda tx: grant(tx, "me", "UserVmManager", "vm", "vm"))
    store.write_now(lambda tx: grant(tx, "me", "VmCreator", "cluster", "cl"))
    run, make, host = Need(Permit.RUN_VM), Need(Permit.CREATE_VM, "cluster"), Need(Permit.MANIPULATE_HOST, "system")
    mine, other = ("vm", "vm"), ("vm", "vm2")

    def named(**values: Any) -> Any:
        return SimpleNamespace(**{"id": None, "name": None} | values)

    assert allowed(store, (run,), self_ref=mine)
    assert not allowed(store, (run,), self_ref=other)
    assert not allowed(store, (run,))  # no object: the system
    assert allowed(store, (Need(Permit.RUN_VM, "parent"),), self_ref=other, parent_ref=mine)
    assert not allowed(store, (run, host), self_ref=mine)
    assert allowed(store, (make,), SimpleNamespace(cluster=named(id="cl")))
    assert allowed(store, (make,), SimpleNamespace(cluster=named(name="cL")))
    assert not allowed(store, (make,), SimpleNamespace(cluster=named(name="cl2")))
    assert not allowed(store, (make,), SimpleNamespace(cluster=named(id="none")))
    assert not allowed(store, (make,), SimpleNamespace(cluster=named(name="none")))
    assert not allowed(store, (make,), SimpleNamespace(cluster=None))
    both = SimpleNamespace(clusters=[named(id="cl"), named(id="cl2")])
    assert not allowed(store, (Need(Permit.CREATE_VM, "clusters"),), both)
    assert allowed(store, (Need(Permit.CREATE_VM, "body:cluster"),), named(id="cl"))
    assert not allowed(store, (Need(Permit.CREATE_VM, "body:cluster"),), named(id="cl2"))
    sometimes = Need(Permit.MANIPULATE_HOST, "system", when=lambda body: body.host)
    assert allowed(store, (run, sometimes), SimpleNamespace(host=False), self_ref=mine)
    assert not allowed(store, (run, sometimes), SimpleNamespace(host=True), self_ref=mine)


@pytest.mark.parametrize(
    ("role", "place", "seen"),
    [
        ("UserRole", ("vm", "vm"), {"vm": {"vm"}, "disk": {"disk"}, "cluster": set(), "host": set()}),
        ("UserRole", ("data_center", "dc"), {"vm": {"vm"}, "vm_pool": {"pool"}, "cluster": {"cl"}, "disk": {"disk", "image"}}),
        ("UserRole", ("data_center", "dc"), {"template": {"template"}, "network": {"net"}, "vnic_profile": {"vnic"}}),
        ("UserRole", ("data_center", "dc"), {"storage_domain": {"sd"}, "disk_profile": {"dp"}, "cpu_profile": {"cp"}}),
        ("VmCreator", ("data_center", "dc"), {"data_center": {"dc"}, "cluster": set(), "vm": set(), "disk": set()}),
        ("DiskCreator", ("storage_domain", "sd"), {"storage_domain": {"sd"}, "disk": set()}),
        ("HostAdmin", ("cluster", "cl"), {"host": {"host"}, "cluster": {"cl"}, "data_center": set()}),
        ("StorageAdmin", ("storage_domain", "sd"), {"disk": {"disk", "image"}, "template": set(), "vm": set()}),
    ],
)  # fmt: skip
def test_seen_is_what_one_holds_a_role_on_and_what_lies_below_if_the_role_shows_it(
    store: Store, role: str, place: tuple[str, str], seen: dict[str, set[str]]
) -> None:
    store.write_now(lambda tx: grant(tx, "me", role, *place))
    for kind, ids in seen.items():
        assert store.read_now(seeing(kind)) == ids, kind


def test_on_the_system_a_role_that_shows_children_shows_everything(store: Store) -> None:
    store.write_now(lambda tx: grant(tx, "me", "VmCreator", *SYSTEM))
    assert store.read_now(lambda rd: visible_ids(rd, ME, "vm")) == set()
    store.write_now(lambda tx: grant(tx, "me", "ClusterAdmin", *SYSTEM))
    assert store.read_now(lambda rd: visible_ids(rd, ME, "vm")) is None


def test_an_administrator_is_who_holds_an_administrative_role_on_anything(store: Store) -> None:
    assert not store.read_now(lambda rd: is_administrator(rd, "me"))
    store.write_now(lambda tx: grant(tx, "me", "UserVmManager", *SYSTEM))
    assert not store.read_now(lambda rd: is_administrator(rd, "me"))
    store.write_now(lambda tx: grant(tx, "me", "VmPoolAdmin", "cluster", "cl"))
    assert store.read_now(lambda rd: is_administrator(rd, "me"))
    store.write_now(lambda tx: grant(tx, "crew", "HostAdmin", "host", "host", group=True))
    assert store.read_now(lambda rd: is_administrator(rd, "you", ("crew",)))


@pytest.mark.parametrize(
    ("kind", "received"),
    [
        ("disk", {("me", "DiskOperator")}),
        ("template", {("me", "TemplateOwner"), ("me", "UserTemplateBasedVm")}),
        ("network", {("me", "NetworkAdmin")}),
        ("vnic_profile", {("me", "NetworkAdmin")}),
        ("disk_profile", {("everyone", "DiskProfileUser")}),
        ("cpu_profile", {("everyone", "CpuProfileOperator"), ("me", "CpuProfileCreator")}),
        ("mac_pool", {("me", "MacPoolAdmin")}),
        ("vm", {("me", "UserVmManager")}),
        ("cluster", set()),
        ("host", set()),
    ],
)
def test_creators_and_everyone_receive_what_the_facts_say(store: Store, kind: str, received: set[Any]) -> None:
    by_id = {role.id: role.name for role in ROLES}

    def made(principal: Principal, filtered: bool) -> set[tuple[str, str]]:
        call = Call(principal=principal, filtered=filtered, now=datetime.now(UTC))
        store.write_now(lambda tx: grant_on_creation(tx, call, kind, "new"))
        rows = store.read_now(lambda rd: rd.find(Grant, object_id="new"))
        store.write_now(lambda tx: tx.delete_where(Grant, tx.sql(Grant).c.object_id == "new"))
        return {(g.principal_id if g.principal_id == "me" else "everyone", by_id[g.role_id]) for g in rows}

    assert made(ME, False) == received
    # Who could manage the permissions of a VM anyway receives none on it, unless he asked as a user.
    store.write_now(lambda tx: grant(tx, "me", "SuperUser", *SYSTEM))
    assert made(ME, False) == (set() if kind == "vm" else received)
    assert made(ME, True) == received
