"""Clusters: /clusters, and those of a data center.

Does: the cluster with its defaults, networks and profiles. Does not: schedule (scheduling) or upgrade hosts.
Follows: permits `clusters`; status matrix, cluster rules.
"""

from typing import Any

from msgspec.structs import replace

from ovis.engine.access.grants import forget_object
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Action as ApiAction, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity, NetworkUsage
from ovis.engine.model.types import (
    Action,
    Cluster,
    ClusterFeature,
    CpuProfile,
    DataCenter,
    ExternalProvider,
    GlusterBrick,
    GlusterHook,
    GlusterVolume,
    MacPool,
    Network,
    SchedulingPolicy,
    Statistic,
)
from ovis.engine.resources import bodies, cross_search as cross
from ovis.engine.resources.absent import absent
from ovis.engine.resources.affinity import GROUPS_OF_CLUSTER
from ovis.engine.resources.balancing.action import BALANCE
from ovis.engine.resources.clusters import rules
from ovis.engine.resources.clusters.scheduling import scheduled
from ovis.engine.resources.custom_properties import checks as custom_checks
from ovis.engine.resources.levels import level_of
from ovis.engine.resources.network_filters import FILTERS_OF_CLUSTER
from ovis.engine.resources.networks import MANAGEMENT, NETWORKS_OF_CLUSTER, ClusterNetwork, attach
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.resources.profiles import PROFILES_OF_CLUSTER, default_cpu_profile
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table, name_columns

DEFAULT_MAC_POOL = "58ca604b-017d-0374-0220-00000000014e"
TABLE = Table(
    name="clusters",
    type=Cluster,
    columns=(
        *name_columns(),
        Column(name="data_center_id", path="data_center.id", references="data_centers"),
        Column(name="mac_pool_id", path="mac_pool.id", references="mac_pools"),
        Column(name="description", index=False),
        Column(name="comment", index=False),
        Column(name="cpu_type", path="cpu.type", index=False),
        Column(name="architecture", path="cpu.architecture", index=False),
        Column(name="version_key", value=lambda c: "{}.{}".format(*level_of(c.version)), index=False),
        Column(name="scheduling_policy_id", path="scheduling_policy.id"),
    ),
    unique=(("name_key",),),
)
ADDED = Audit(code=809, severity=LogSeverity.NORMAL, text="Cluster {cluster} was added by {user}.")
UPDATED = Audit(code=811, severity=LogSeverity.NORMAL, text="Cluster {cluster} was updated by {user}.")
REMOVED = Audit(code=813, severity=LogSeverity.NORMAL, text="Cluster {cluster} was removed by {user}.")
_KEEP = ("supported_versions", "management_network", "upgrade_in_progress", "upgrade_percent_complete")
_ALL_ROLES = (
    NetworkUsage.MANAGEMENT,
    NetworkUsage.DISPLAY,
    NetworkUsage.MIGRATION,
    NetworkUsage.DEFAULT_ROUTE,
)


def _resolved(tx: Reader, body: Cluster) -> Cluster:
    """References by name turned into ids."""
    changes: dict[str, Any] = {}
    if body.data_center is not None:
        changes["data_center"] = bodies.link(DataCenter, bodies.resolve(tx, DataCenter, body.data_center))
    if body.mac_pool is not None:
        changes["mac_pool"] = bodies.link(MacPool, bodies.resolve(tx, MacPool, body.mac_pool))
    if body.scheduling_policy is not None and (body.scheduling_policy.id or body.scheduling_policy.name):
        changes["scheduling_policy"] = bodies.link(
            SchedulingPolicy, bodies.resolve(tx, SchedulingPolicy, body.scheduling_policy)
        )
    return replace(body, **changes)


def _check(tx: Reader, cluster: Cluster) -> None:
    data_center = tx.get(DataCenter, cluster.data_center.id) if cluster.data_center else None
    bodies.raise_all(rules.refusals(cluster, level_of(data_center.version) if data_center else None))
    bodies.require_free_name(tx, Cluster, cluster.name, "CLUSTER_CANNOT_DO_ACTION_NAME_IN_USE", own_id=cluster.id)


def create(tx: Tx, body: Cluster, *, cpu_profile_id: str | None = None) -> Cluster:
    """Store a new cluster with its networks and default CPU profile. References in `body` are ids."""
    cluster = rules.settled(bodies.with_defaults(bodies.without_subs(body), rules.defaults()))
    management = body.management_network
    cluster = replace(
        cluster,
        id=body.id or bodies.new_id(),
        mac_pool=cluster.mac_pool or MacPool(id=DEFAULT_MAC_POOL),
        management_network=None,
        upgrade_in_progress=False,
    )
    if body.version is None and cluster.data_center is not None:
        cluster = replace(cluster, version=tx.need(DataCenter, cluster.data_center.id).version)
    _check(tx, cluster)
    cluster = tx.insert(scheduled(tx, cluster, None, body.custom_scheduling_policy_properties))
    if cluster.data_center is not None:
        scope = {"data_center_id": cluster.data_center.id}
        wanted = bodies.resolve(tx, Network, management or Network(name=MANAGEMENT), **scope)
        attach(tx, str(cluster.id), str(wanted.id), usages=_ALL_ROLES)
    default_cpu_profile(tx, str(cluster.id), id_=cpu_profile_id)
    return cluster


def add(tx: Tx, call: Call, body: Cluster) -> Cluster:
    """POST /clusters, and POST /datacenters/ID/clusters."""
    given = replace(body, id=None, data_center=DataCenter(id=call.ids[0])) if call.ids else replace(body, id=None)
    made = create(tx, _resolved(tx, given))
    record(tx, ADDED, call=call, cluster=made)
    return made


def update(tx: Tx, call: Call, body: Cluster) -> Cluster:
    """PUT /clusters/ID."""
    old = tx.need(Cluster, call.ids[-1])
    patch = _resolved(tx, body)
    new = rules.settled(bodies.without_subs(bodies.merge(old, patch, keep=_KEEP)))
    if old.data_center is not None and new.data_center is not None and old.data_center.id != new.data_center.id:
        raise refuse(
            "CLUSTER_CANNOT_CHANGE_STORAGE_POOL", "A cluster cannot move to another data center.", "Make a new cluster."
        )
    if level_of(new.version) < level_of(old.version) and _hosts(tx, str(old.id)):
        raise refuse(
            "ACTION_TYPE_FAILED_CANNOT_DECREASE_CLUSTER_WITH_HOSTS_COMPATIBILITY_VERSION",
            "The compatibility version of a cluster with hosts cannot go down.",
        )
    _check(tx, new)
    if level_of(new.version) != level_of(old.version):
        bodies.raise_all(custom_checks.of_cluster(tx, new))
    new = scheduled(tx, new, old, body.custom_scheduling_policy_properties)
    tx.update(new)
    if old.data_center is None and new.data_center is not None:
        network = bodies.resolve(tx, Network, Network(name=MANAGEMENT), data_center_id=new.data_center.id)
        attach(tx, str(new.id), str(network.id), usages=_ALL_ROLES)
    record(tx, UPDATED, call=call, cluster=new)
    return new


def _hosts(rd: Reader, cluster_id: str) -> int:
    sql = rd.schema.sql["hosts"]
    return len(rd.rows(sql.select().where(sql.c.cluster_id == cluster_id).limit(1)))


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /clusters/ID: only when empty."""
    old = tx.need(Cluster, call.ids[-1])
    if _hosts(tx, str(old.id)):
        raise refuse(
            "CLUSTER_CANNOT_REMOVE_HOST_CLUSTER", f"Cluster {old.name} has hosts.", "Remove or move them first."
        )
    for table, code in (
        ("vms", "VDS_CANNOT_REMOVE_CLUSTER_VMS_DETECTED"),
        ("templates", "CLUSTER_CANNOT_REMOVE_HAS_TEMPLATES"),
        ("vm_pools", "CLUSTER_CANNOT_REMOVE_HAS_VM_POOLS"),
    ):
        sql = tx.schema.sql[table]
        if tx.rows(sql.select().where(sql.c.cluster_id == old.id).limit(1)):
            raise refuse(code, f"Cluster {old.name} has {table.replace('_', ' ')}.", "Remove or move them first.")
    for role in tx.find(ClusterNetwork, cluster_id=str(old.id)):
        tx.delete(ClusterNetwork, role.id)
    for profile in tx.find(CpuProfile, cluster_id=str(old.id)):
        forget_object(tx, "cpu_profile", str(profile.id))
        tx.delete(CpuProfile, str(profile.id))
    forget_object(tx, "cluster", str(old.id))
    tx.delete(Cluster, str(old.id))
    record(tx, REMOVED, call=call, cluster=old)


def reset_emulated_machine(tx: Tx, call: Call, action: Action) -> None:
    """POST resetemulatedmachine: the next host decides again; machines are named by each VM or its level."""
    tx.update(tx.need(Cluster, call.ids[-1]))


def shown(rd: Reader, call: Call, found: list[Cluster]) -> list[Cluster]:
    """With the network that manages it."""
    roles = rd.find(ClusterNetwork, cluster_id=[str(c.id) for c in found])
    managing = {r.cluster_id: r.network_id for r in roles if NetworkUsage.MANAGEMENT in r.usages}
    return [
        replace(c, management_network=Network(id=managing[str(c.id)])) if str(c.id) in managing else c for c in found
    ]


SEARCH = SearchObject(
    table=TABLE,
    prefix="Clusters",
    fields={
        "name": Field("text", "name"),
        "description": Field("text", "description"),
        "comment": Field("text", "comment"),
        "architecture": Field("enum", "architecture"),
        "cpu_type": Field("text", "cpu_type"),
        "compatibility_level": Field("version", "version_key"),
        "datacenter": Field("text", via=Join("data_centers", "data_center_id", "name")),
    },
    cross={
        "datacenter": (cross.data_centers, Join("data_centers", "data_center_id", "id")),
        "cluster_network": (cross.cluster_networks, Join("cluster_networks", "id", "id", "cluster_id")),
        "storage": (
            cross.storage_domains,
            Join("storage_domain_attachments", "data_center_id", "storage_domain_id", "data_center_id"),
        ),
    },
)
_SUBS = (
    NETWORKS_OF_CLUSTER,
    PROFILES_OF_CLUSTER,
    FILTERS_OF_CLUSTER,
    GROUPS_OF_CLUSTER,
    absent(ClusterFeature, "enabledfeatures"),
    absent(ExternalProvider, "externalnetworkproviders"),
    absent(GlusterHook, "glusterhooks"),
    absent(
        GlusterVolume,
        "glustervolumes",
        subs=(
            absent(GlusterBrick, "glusterbricks", subs=(absent(Statistic, "statistics"),)),
            absent(Statistic, "statistics"),
        ),
    ),
    permissions_of("cluster"),
)
_MAC_POOL = Need(Permit.CONFIGURE_MAC_POOL, "mac_pool", when=lambda c: c.mac_pool is not None)
_CRUD: dict[str, Any] = {
    "type": Cluster,
    "collection": "clusters",
    "object_type": "cluster",
    "table": TABLE,
    "derive": shown,
    "list": Op(needs=PUBLIC),
    "get": Op(needs=PUBLIC),
    "update": Op(run=update, needs=(Need(Permit.EDIT_CLUSTER_CONFIGURATION), _MAC_POOL)),
    "remove": Op(run=remove, needs=(Need(Permit.DELETE_CLUSTER),)),
    "actions": (
        ApiAction(
            name="resetemulatedmachine",
            run=reset_emulated_machine,
            needs=(Need(Permit.EDIT_CLUSTER_CONFIGURATION),),
            body=("async",),
        ),
        BALANCE,
    ),
    "subs": _SUBS,
}
RESOURCE = Resource(
    **_CRUD,
    search=SEARCH,
    add=Op(
        run=add,
        needs=(Need(Permit.CREATE_CLUSTER, "data_center"), _MAC_POOL),
        mandatory=("name", "data_center.id|data_center.name"),
    ),
)
CLUSTERS_OF_DATA_CENTER = Resource(
    **_CRUD,
    parent_column="data_center_id",
    add=Op(run=add, needs=(Need(Permit.CREATE_CLUSTER, "parent"), _MAC_POOL), mandatory=("name",)),
)
