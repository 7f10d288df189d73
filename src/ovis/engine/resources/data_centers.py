"""Data centers: /datacenters.

Does: the data center itself, its defaults and its life until storage is attached. Does not: attach storage
(`storage_domains.attached`) or elect an SPM (`hostlink`).
Follows: defaults of engine 4.5; data center part of the status matrix.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.access.grants import forget_object
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Param, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import DataCenterStatus, LogSeverity, QuotaModeType, StorageFormat
from ovis.engine.model.types import (
    Cluster,
    DataCenter,
    IscsiBond,
    MacPool,
    Network,
    Qos,
    StorageConnection,
)
from ovis.engine.resources import bodies, cross_search as cross
from ovis.engine.resources.absent import absent
from ovis.engine.resources.bodies import TextRule
from ovis.engine.resources.clusters import CLUSTERS_OF_DATA_CENTER
from ovis.engine.resources.levels import LATEST, LEVELS, level_of, level_text, supported, version_of
from ovis.engine.resources.networks import NETWORKS_OF_DATA_CENTER, drop as drop_network, make_management_network
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.resources.quotas.resource import QUOTAS_OF_DATA_CENTER
from ovis.engine.resources.storage_domains.attached import ATTACHED_STORAGE_DOMAINS
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table, name_columns

TABLE = Table(
    name="data_centers",
    type=DataCenter,
    columns=(
        *name_columns(),
        Column(name="description", index=False),
        Column(name="comment", index=False),
        Column(name="status"),
        Column(name="local", kind="bool", index=False),
        Column(name="version_key", value=lambda d: level_text(d.version), index=False),
        Column(name="mac_pool_id", path="mac_pool.id", references="mac_pools"),
    ),
    unique=(("name_key",),),
)
NAME_RULE = TextRule(40, 1, bodies.ASCII_NAME)
DESCRIPTION_RULE = TextRule(4000, 0, bodies.ASCII_TEXT, "VALIDATION_DATA_CENTER_DESCRIPTION_INVALID")
ADDED = Audit(code=950, severity=LogSeverity.NORMAL, text="Data Center {data_center} was added by {user}.")
UPDATED = Audit(code=952, severity=LogSeverity.NORMAL, text="Data Center {data_center} was updated by {user}.")
REMOVED = Audit(code=954, severity=LogSeverity.NORMAL, text="Data Center {data_center} was removed by {user}.")
_KEEP = ("status", "storage_format", "supported_versions")


def _check(rd: Reader, document: DataCenter) -> None:
    bodies.raise_all(
        bodies.text_refusals(document.name, "name", NAME_RULE)
        + bodies.text_refusals(document.description, "description", DESCRIPTION_RULE)
    )
    bodies.require_free_name(
        rd, DataCenter, document.name, "ACTION_TYPE_FAILED_STORAGE_POOL_NAME_ALREADY_EXIST", own_id=document.id
    )
    if document.version is not None and not supported(document.version):
        raise refuse(
            "ACTION_TYPE_FAILED_GIVEN_VERSION_NOT_SUPPORTED",
            f"Compatibility version {level_text(document.version)} is not supported.",
            f"Use one of {', '.join(level_text(version_of(level)) for level in LEVELS)}.",
            bad=True,
        )


def create(tx: Tx, body: DataCenter, *, network_id: str | None = None, profile_id: str | None = None) -> DataCenter:
    """Store a new data center with its management network. `body` is checked."""
    pool = tx.need(MacPool, body.mac_pool.id) if body.mac_pool and body.mac_pool.id else None
    made = DataCenter(
        id=body.id or bodies.new_id(),
        name=body.name,
        description=body.description,
        comment=body.comment,
        local=bool(body.local),
        version=body.version or version_of(LATEST),
        quota_mode=body.quota_mode or QuotaModeType.DISABLED,
        status=DataCenterStatus.UNINITIALIZED,
        storage_format=StorageFormat.V5,
        mac_pool=MacPool(id=pool.id) if pool else None,
    )
    made = tx.insert(made)
    make_management_network(tx, made, id_=network_id, profile_id=profile_id)
    return made


def add(tx: Tx, call: Call, body: DataCenter) -> DataCenter:
    """POST /datacenters."""
    fresh = replace(body, id=None)
    _check(tx, fresh)
    if body.mac_pool is not None:
        fresh = replace(fresh, mac_pool=bodies.link(MacPool, bodies.resolve(tx, MacPool, body.mac_pool)))
    made = create(tx, fresh)
    record(tx, ADDED, call=call, data_center=made)
    return made


def update(tx: Tx, call: Call, body: DataCenter) -> DataCenter:
    """PUT /datacenters/ID."""
    old = tx.need(DataCenter, call.ids[-1])
    new = bodies.without_subs(bodies.merge(old, body, keep=_KEEP))
    _check(tx, new)
    if new.local != old.local and old.status is not DataCenterStatus.UNINITIALIZED:
        raise refuse(
            "ERROR_CANNOT_CHANGE_STORAGE_POOL_TYPE_WITH_LOCAL",
            "The storage type of a data center with storage cannot change.",
        )
    if level_of(new.version) < level_of(old.version):
        used = [c.name for c in tx.find(Cluster, data_center_id=old.id) if level_of(c.version) > level_of(new.version)]
        if used or old.status is not DataCenterStatus.UNINITIALIZED:
            raise refuse(
                "ACTION_TYPE_FAILED_CANNOT_DECREASE_DATA_CENTER_COMPATIBILITY_VERSION",
                f"The compatibility version cannot go below that of its storage and clusters {used}.",
            )
    tx.update(new)
    record(tx, UPDATED, call=call, data_center=new)
    return new


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /datacenters/ID: only without storage and clusters that are in use."""
    old = tx.need(DataCenter, call.ids[-1])
    if old.status is DataCenterStatus.UP:
        raise refuse(
            "ERROR_CANNOT_REMOVE_ACTIVE_STORAGE_POOL",
            f"Data center {old.name} is up.",
            "Put its storage into maintenance and detach it first.",
        )
    attached = tx.rows(
        tx.schema.sql["storage_domain_attachments"]
        .select()
        .where(tx.schema.sql["storage_domain_attachments"].c.data_center_id == old.id)
    )
    if attached:
        raise refuse(
            "ERROR_CANNOT_REMOVE_POOL_WITH_ACTIVE_DOMAINS",
            f"Data center {old.name} still has {len(attached)} storage domain(s).",
            "Detach them first.",
        )
    for cluster in tx.find(Cluster, data_center_id=old.id):
        tx.update(replace(cluster, data_center=None))
    for network in tx.find(Network, data_center_id=old.id):
        drop_network(tx, network)
    forget_object(tx, "data_center", str(old.id))
    tx.delete(DataCenter, str(old.id))
    record(tx, REMOVED, call=call, data_center=old)


def shown(rd: Reader, call: Call, found: Sequence[DataCenter]) -> Sequence[DataCenter]:
    """With the versions that the data center could be raised to."""
    return [
        replace(d, supported_versions=[version_of(level) for level in LEVELS if level >= level_of(d.version)])
        for d in found
    ]


SEARCH = SearchObject(
    table=TABLE,
    prefix="Datacenter",
    fields={
        "name": Field("text", "name"),
        "description": Field("text", "description"),
        "comment": Field("text", "comment"),
        "local": Field("bool", "local"),
        "status": Field("enum", "status", words={"nonresponsive": ("problematic",)}),
        "compatibility_version": Field("version", "version_key"),
    },
    cross={
        "cluster": (cross.clusters, Join("clusters", "id", "id", "data_center_id")),
        "network": (cross.networks, Join("networks", "id", "id", "data_center_id")),
        "storage": (
            cross.storage_domains,
            Join("storage_domain_attachments", "id", "storage_domain_id", "data_center_id"),
        ),
    },
)

RESOURCE = Resource(
    type=DataCenter,
    collection="datacenters",
    object_type="data_center",
    table=TABLE,
    search=SEARCH,
    derive=shown,
    list=Op(needs=PUBLIC, doc="Lists the data centers."),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=(Need(Permit.CREATE_STORAGE_POOL, "system"),), mandatory=("name", "local|storage_type")),
    update=Op(run=update, needs=(Need(Permit.EDIT_STORAGE_POOL_CONFIGURATION),)),
    remove=Op(run=remove, needs=(Need(Permit.DELETE_STORAGE_POOL),), params=(Param(name="force"),)),
    subs=(
        ATTACHED_STORAGE_DOMAINS,
        CLUSTERS_OF_DATA_CENTER,
        NETWORKS_OF_DATA_CENTER,
        QUOTAS_OF_DATA_CENTER,
        absent(Qos, "qoss"),
        absent(
            IscsiBond,
            "iscsibonds",
            subs=(absent(Network, "networks"), absent(StorageConnection, "storageserverconnections")),
        ),
        permissions_of("data_center"),
    ),
)
