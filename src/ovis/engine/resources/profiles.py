"""CPU and disk profiles: /cpuprofiles, /diskprofiles, and those of a cluster or storage domain.

Does: the profile that is born with its owner, and further ones. QoS entries follow with their own room.
Follows: profiles of engine 4.5 (names unique per owner; everyone may use them).
"""

from typing import Any

from ovis.engine.access.grants import forget_object, grant, grant_on_creation
from ovis.engine.access.predefined import EVERYONE_ID
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.model.types import Cluster, CpuProfile, DiskProfile, StorageDomain
from ovis.engine.resources import bodies
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.store.session import Tx
from ovis.engine.store.tables import Column, Table, name_columns

CPU = Table(
    name="cpu_profiles",
    type=CpuProfile,
    columns=(*name_columns(), Column(name="cluster_id", path="cluster.id", references="clusters")),
    unique=(("cluster_id", "name_key"),),
)
DISK = Table(
    name="disk_profiles",
    type=DiskProfile,
    columns=(*name_columns(), Column(name="storage_domain_id", path="storage_domain.id", references="storage_domains")),
    unique=(("storage_domain_id", "name_key"),),
)


def default_cpu_profile(tx: Tx, cluster_id: str, *, id_: str | None = None) -> CpuProfile:
    """The profile that a cluster is born with, named like it."""
    cluster = tx.need(Cluster, cluster_id)
    made = tx.insert(CpuProfile(id=id_ or bodies.new_id(), name=cluster.name, cluster=Cluster(id=cluster_id)))
    grant(tx, EVERYONE_ID, "CpuProfileOperator", "cpu_profile", str(made.id), group=True)
    return made


def default_disk_profile(tx: Tx, storage_domain_id: str, name: str | None = None) -> DiskProfile:
    """The profile that a storage domain is born with, named like it."""
    label = name or tx.need(StorageDomain, storage_domain_id).name
    made = tx.insert(DiskProfile(id=bodies.new_id(), name=label, storage_domain=StorageDomain(id=storage_domain_id)))
    grant(tx, EVERYONE_ID, "DiskProfileUser", "disk_profile", str(made.id), group=True)
    return made


def _resource(
    type_: Any, owner: Any, attribute: str, table: Table, object_type: str, permits: tuple[Permit, Permit, Permit]
) -> tuple[Resource, Resource]:
    """(root collection, collection below the owner) of one kind of profile."""
    scope = f"{attribute}_id"

    def check(tx: Tx, profile: Any) -> None:
        bodies.raise_all(bodies.text_refusals(profile.name, "name", bodies.TextRule(50, 1, bodies.ASCII_NAME)))
        bodies.require_free_name(
            tx,
            type_,
            profile.name,
            "ACTION_TYPE_FAILED_PROFILE_NAME_IN_USE",
            own_id=profile.id,
            **{scope: getattr(profile, attribute).id},
        )

    def add(tx: Tx, call: Call, body: Any) -> Any:
        held: Any = tx.need(owner, call.ids[-1]) if call.ids else bodies.resolve(tx, owner, getattr(body, attribute))
        made = type_(
            id=bodies.new_id(),
            name=body.name,
            description=body.description,
            comment=body.comment,
            **{attribute: owner(id=held.id)},
        )
        check(tx, made)
        tx.insert(made)
        grant_on_creation(tx, call, object_type, made.id)
        return made

    def update(tx: Tx, call: Call, body: Any) -> Any:
        new = bodies.merge(tx.need(type_, call.ids[-1]), body, keep=(attribute, "qos"))
        check(tx, new)
        tx.update(new)
        return new

    def remove(tx: Tx, call: Call, body: Any) -> None:
        old: Any = tx.need(type_, call.ids[-1])
        if tx.count(type_, **{scope: getattr(old, attribute).id}) == 1:
            raise refuse("ACTION_TYPE_FAILED_CANNOT_REMOVE_LAST_PROFILE", f"{old.name} is the only profile left.")
        forget_object(tx, object_type, old.id)
        tx.delete(type_, old.id)

    create, change, delete = permits
    common: dict[str, Any] = {
        "type": type_,
        "collection": type_.names.many.replace("_", ""),
        "object_type": object_type,
        "table": table,
        "list": Op(needs=PUBLIC),
        "get": Op(needs=PUBLIC),
        "update": Op(run=update, needs=(Need(change),)),
        "remove": Op(run=remove, needs=(Need(delete),)),
    }
    root = Resource(
        **common,
        add=Op(run=add, needs=(Need(create, attribute),), mandatory=("name", f"{attribute}.id|{attribute}.name")),
        subs=(permissions_of(object_type),),
    )
    below = Resource(
        **common, parent_column=scope, add=Op(run=add, needs=(Need(create, "parent"),), mandatory=("name",))
    )
    return root, below


CPU_PROFILES, PROFILES_OF_CLUSTER = _resource(
    CpuProfile,
    Cluster,
    "cluster",
    CPU,
    "cpu_profile",
    (Permit.CREATE_CPU_PROFILE, Permit.UPDATE_CPU_PROFILE, Permit.DELETE_CPU_PROFILE),
)
DISK_PROFILES, PROFILES_OF_STORAGE_DOMAIN = _resource(
    DiskProfile,
    StorageDomain,
    "storage_domain",
    DISK,
    "disk_profile",
    (Permit.CREATE_STORAGE_DISK_PROFILE, Permit.CONFIGURE_STORAGE_DISK_PROFILE, Permit.DELETE_STORAGE_DISK_PROFILE),
)
TABLES = (CPU, DISK)
