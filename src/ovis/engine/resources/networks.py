"""Logical networks: /networks, those of a data center, those of a cluster, and their labels.

Does: networks with their VLAN, MTU and usages; attaching them to clusters with a role. Does not: configure hosts.
Follows: defaults of engine 4.5; permits `networks`; field limits.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.grants import forget_object, grant_on_creation
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Kind, NotFound, Refusal, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity, NetworkStatus, NetworkUsage
from ovis.engine.model.types import Cluster, DataCenter, Network, NetworkLabel, VnicProfile
from ovis.engine.resources import bodies, cross_search as cross
from ovis.engine.resources.bodies import TextRule
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.resources.vnic_profiles import PROFILES_OF_NETWORK, make_profile
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table, name_columns

MANAGEMENT = "ovirtmgmt"
TABLE = Table(
    name="networks",
    type=Network,
    columns=(
        *name_columns(),
        Column(name="data_center_id", path="data_center.id", references="data_centers"),
        Column(name="description", index=False),
        Column(name="comment", index=False),
        Column(name="vlan_id", path="vlan.id", kind="int", index=False),
        Column(name="mtu", kind="int", index=False),
        Column(name="stp", kind="bool", index=False),
        Column(name="vm_network", value=lambda n: NetworkUsage.VM in (n.usages or ()), kind="bool", index=False),
    ),
    unique=(("data_center_id", "name_key"),),
)


class ClusterNetwork(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A network's role in one cluster. usages: display, migration, management, default_route, gluster."""

    id: str
    cluster_id: str
    network_id: str
    required: bool = True
    usages: tuple[NetworkUsage, ...] = ()


class Label(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A network's label; a network has one at most."""

    id: str
    network_id: str


CLUSTER_NETWORKS = Table(
    name="cluster_networks",
    type=ClusterNetwork,
    columns=(
        Column(name="cluster_id", references="clusters", on_delete="cascade"),
        Column(name="network_id", references="networks", on_delete="cascade"),
    ),
    unique=(("cluster_id", "network_id"),),
)
LABELS = Table(
    name="network_labels",
    type=Label,
    columns=(
        Column(name="network_id", references="networks", on_delete="cascade", unique=True),
        Column(name="label", value=lambda row: row.id.partition("/")[2], index=False),
    ),
)
NAME_RULE = TextRule(256, 1)
TEXT_RULE = TextRule(4000)
ADDED = Audit(code=942, severity=LogSeverity.NORMAL, text="Network {network} was added to data center {data_center}.")
UPDATED = Audit(
    code=1114, severity=LogSeverity.NORMAL, text="Network {network} was updated in data center {data_center}."
)
REMOVED = Audit(
    code=944, severity=LogSeverity.NORMAL, text="Network {network} was removed from data center {data_center}."
)
ATTACHED = Audit(code=946, severity=LogSeverity.NORMAL, text="Network {network} was attached to cluster {cluster}.")
DETACHED = Audit(code=948, severity=LogSeverity.NORMAL, text="Network {network} was detached from cluster {cluster}.")
ROLE_CHANGED = Audit(code=1112, severity=LogSeverity.NORMAL, text="Network {network} was updated on cluster {cluster}.")
LABELLED = Audit(code=1132, severity=LogSeverity.NORMAL, text="Network {network} was labelled {label}.")
UNLABELLED = Audit(code=1134, severity=LogSeverity.NORMAL, text="Label {label} was removed from network {network}.")
_KEEP = (
    "status",
    "data_center",
    "cluster",
    "required",
    "display",
    "vdsm_name",
    "external_provider",
    "profile_required",
)
_CLUSTER_ROLES = (
    NetworkUsage.DISPLAY,
    NetworkUsage.MIGRATION,
    NetworkUsage.MANAGEMENT,
    NetworkUsage.DEFAULT_ROUTE,
    NetworkUsage.GLUSTER,
)


def vdsm_name(name: str, id_: str) -> str:
    """The bridge's name on hosts: the network's own if a kernel takes it, else `on` and the id's first 13 digits."""
    return name if len(name) <= 15 and name.isascii() else "on" + id_.replace("-", "")[:13]


def _check(rd: Reader, network: Network) -> None:
    reasons = bodies.text_refusals(network.name, "name", NAME_RULE)
    reasons += bodies.text_refusals(network.description, "description", TEXT_RULE)
    vlan = network.vlan.id if network.vlan else None
    if vlan is not None and not 0 <= vlan <= 4094:
        reasons.append(
            Refusal("NETWORK_VLAN_OUT_OF_RANGE", f"VLAN {vlan} is out of range.", "Use 0 to 4094.", Kind.BAD)
        )
    if network.mtu is not None and network.mtu != 0 and not 68 <= network.mtu <= 65535:
        reasons.append(
            Refusal("NETWORK_MTU_INVALID", f"MTU {network.mtu} is invalid.", "Use 0 or 68 to 65535.", Kind.BAD)
        )
    bodies.raise_all(reasons)
    scope = {"data_center_id": network.data_center.id} if network.data_center else {}
    bodies.require_free_name(
        rd, Network, network.name, "ACTION_TYPE_FAILED_NETWORK_NAME_IN_USE", own_id=network.id, **scope
    )


def create(
    tx: Tx,
    call: Call | None,
    data_center_id: str,
    body: Network,
    *,
    id_: str | None = None,
    profile_id: str | None = None,
) -> Network:
    """Store a network and, if wanted, its vNIC profile of the same name."""
    new_id = id_ or bodies.new_id()
    network = replace(
        bodies.without_subs(body),
        id=new_id,
        data_center=DataCenter(id=data_center_id),
        cluster=None,
        status=None,
        required=None,
        display=None,
        mtu=body.mtu or 0,
        stp=bool(body.stp),
        port_isolation=bool(body.port_isolation),
        usages=[u for u in body.usages if u is NetworkUsage.VM] if body.usages is not None else [NetworkUsage.VM],
        vdsm_name=vdsm_name(str(body.name), new_id),
        profile_required=None,
    )
    _check(tx, network)
    network = tx.insert(network)
    if NetworkUsage.VM in (network.usages or ()) and body.profile_required is not False:
        make_profile(tx, call, network, id_=profile_id)
    return network


def make_management_network(
    tx: Tx, data_center: DataCenter, *, id_: str | None = None, profile_id: str | None = None
) -> Network:
    """The management network that every data center is born with."""
    body = Network(name=MANAGEMENT, description="Management Network", usages=[NetworkUsage.VM])
    return create(tx, None, str(data_center.id), body, id_=id_, profile_id=profile_id)


def add(tx: Tx, call: Call, body: Network) -> Network:
    """POST /networks, and POST /datacenters/ID/networks."""
    if call.ids:
        data_center = tx.need(DataCenter, call.ids[-1])
    else:
        data_center = bodies.resolve(tx, DataCenter, body.data_center)
    made = create(tx, call, str(data_center.id), body)
    grant_on_creation(tx, call, "network", str(made.id))
    record(tx, ADDED, call=call, network=made.name, data_center=data_center)
    return made


def update(tx: Tx, call: Call, body: Network) -> Network:
    """PUT /networks/ID: name, VLAN, MTU, usages, texts."""
    old = tx.need(Network, call.ids[-1])
    new = bodies.without_subs(bodies.merge(old, body, keep=_KEEP))
    if body.usages is not None:
        new = replace(new, usages=[u for u in body.usages if u is NetworkUsage.VM])
    if old.name == MANAGEMENT and new.name != old.name and _manages(tx, str(old.id)):
        raise refuse("NETWORK_CANNOT_CHANGE_MANAGEMENT_NETWORK_NAME", "The management network cannot be renamed.")
    _check(tx, new)
    tx.update(new)
    record(tx, UPDATED, call=call, network=new.name, data_center=tx.get(DataCenter, new.data_center.id))  # type: ignore[union-attr]
    return new


def _manages(rd: Reader, network_id: str) -> list[ClusterNetwork]:
    return [c for c in rd.find(ClusterNetwork, network_id=network_id) if NetworkUsage.MANAGEMENT in c.usages]


def drop(tx: Tx, network: Network) -> None:
    """Take a network away with its profiles, and what may be done with them; refused while a NIC uses one."""
    for profile in tx.find(VnicProfile, network_id=str(network.id)):
        for table, what in (("vm_nics", "VM"), ("template_nics", "template")):
            sql = tx.schema.sql[table]
            if tx.rows(sql.select().where(sql.c.vnic_profile_id == profile.id).limit(1)):
                raise refuse(
                    "ACTION_TYPE_FAILED_NETWORK_IN_USE",
                    f"Network {network.name} is used by a {what}.",
                    "Change its NIC.",
                )
        forget_object(tx, "vnic_profile", str(profile.id))
        tx.delete(VnicProfile, str(profile.id))
    forget_object(tx, "network", str(network.id))
    tx.delete(Network, str(network.id))


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /networks/ID: not while it manages a cluster or a VM's NIC uses it."""
    old = tx.need(Network, call.ids[-1])
    if _manages(tx, str(old.id)):
        raise refuse("NETWORK_CANNOT_REMOVE_MANAGEMENT_NETWORK", f"{old.name} is the management network of a cluster.")
    drop(tx, old)
    record(tx, REMOVED, call=call, network=old.name, data_center=tx.get(DataCenter, old.data_center.id))  # type: ignore[union-attr]


# -- networks of a cluster ---------------------------------------------------------------------------------


def attach(
    tx: Tx, cluster_id: str, network_id: str, *, required: bool = True, usages: Sequence[NetworkUsage] = ()
) -> ClusterNetwork:
    """Give a network a role in a cluster; a role that only one network may have moves over."""
    made = ClusterNetwork(
        id=bodies.new_id(), cluster_id=cluster_id, network_id=network_id, required=required, usages=tuple(usages)
    )
    _take_roles(tx, made)
    return tx.insert(made)


def _take_roles(tx: Tx, mine: ClusterNetwork) -> None:
    for other in tx.find(ClusterNetwork, cluster_id=mine.cluster_id):
        left = tuple(u for u in other.usages if u not in mine.usages)
        if other.id != mine.id and left != other.usages:
            tx.update(replace(other, usages=left))


def _roles(body: Network, before: tuple[NetworkUsage, ...] = ()) -> tuple[NetworkUsage, ...]:
    roles = tuple(u for u in body.usages if u in _CLUSTER_ROLES) if body.usages is not None else before
    if body.display is True and NetworkUsage.DISPLAY not in roles:
        roles += (NetworkUsage.DISPLAY,)
    return roles


def in_cluster(network: Network, role: ClusterNetwork) -> Network:
    """The network as its cluster shows it."""
    base = f"/clusters/{role.cluster_id}/networks/{network.id}"
    return replace(
        network,
        href=base,
        cluster=Cluster(id=role.cluster_id),
        required=role.required,
        display=NetworkUsage.DISPLAY in role.usages,
        usages=[*role.usages, *(network.usages or ())],
        status=NetworkStatus.OPERATIONAL,
    )


def networks_of_clusters(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Network]]:
    """The networks of each cluster, with their role there."""
    roles = rd.find(ClusterNetwork, cluster_id=list(parents))
    found = rd.get_many(Network, [r.network_id for r in roles])
    shown: dict[str, list[Network]] = {parent: [] for parent in parents}
    for role in roles:
        shown[role.cluster_id].append(in_cluster(found[role.network_id], role))
    for networks in shown.values():
        networks.sort(key=lambda n: (n.name or "").lower())
    return shown


def attach_to_cluster(tx: Tx, call: Call, body: Network) -> Network:
    """POST /clusters/ID/networks."""
    cluster = tx.need(Cluster, call.ids[-1])
    data_center_id = cluster.data_center.id if cluster.data_center else None
    network = bodies.resolve(tx, Network, body, data_center_id=data_center_id)
    if network.data_center is None or network.data_center.id != data_center_id:
        raise refuse(
            "NETWORK_NOT_EXISTS_IN_CLUSTER_DC", f"Network {network.name} is not in the cluster's data center.", bad=True
        )
    if tx.one(ClusterNetwork, cluster_id=str(cluster.id), network_id=str(network.id)):
        raise refuse("NETWORK_ALREADY_ATTACHED_TO_CLUSTER", f"Network {network.name} is already attached.")
    role = attach(tx, str(cluster.id), str(network.id), required=body.required is not False, usages=_roles(body))
    record(tx, ATTACHED, call=call, network=network.name, cluster=cluster)
    return in_cluster(network, role)


def _role(rd: Reader, call: Call) -> ClusterNetwork:
    role = rd.one(ClusterNetwork, cluster_id=call.ids[-2], network_id=call.ids[-1])
    if role is None:
        raise NotFound(f"Network: id={call.ids[-1]}")
    return role


def update_in_cluster(tx: Tx, call: Call, body: Network) -> Network:
    """PUT /clusters/ID/networks/ID: required and the roles."""
    role = _role(tx, call)
    network = tx.need(Network, role.network_id)
    new = replace(
        role, required=role.required if body.required is None else body.required, usages=_roles(body, role.usages)
    )
    if NetworkUsage.MANAGEMENT in role.usages and NetworkUsage.MANAGEMENT not in new.usages:
        raise refuse(
            "NETWORK_MANAGEMENT_ROLE_REQUIRED",
            "A cluster always has a management network.",
            "Give the role to another.",
        )
    _take_roles(tx, new)
    tx.update(new)
    record(tx, ROLE_CHANGED, call=call, network=network.name, cluster=tx.get(Cluster, role.cluster_id))
    return in_cluster(network, new)


def detach_from_cluster(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /clusters/ID/networks/ID."""
    role = _role(tx, call)
    network = tx.need(Network, role.network_id)
    if NetworkUsage.MANAGEMENT in role.usages:
        raise refuse("NETWORK_CANNOT_REMOVE_MANAGEMENT_NETWORK", f"{network.name} is the cluster's management network.")
    tx.delete(ClusterNetwork, role.id)
    record(tx, DETACHED, call=call, network=network.name, cluster=tx.get(Cluster, role.cluster_id))


# -- labels ------------------------------------------------------------------------------------------------


def labels(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[NetworkLabel]]:
    """The label of each network."""
    shown: dict[str, list[NetworkLabel]] = {parent: [] for parent in parents}
    for label in rd.find(Label, network_id=list(parents)):
        shown[label.network_id].append(NetworkLabel(id=label.id.split("/", 1)[1], network=Network(id=label.network_id)))
    return shown


def add_label(tx: Tx, call: Call, body: NetworkLabel) -> NetworkLabel:
    """POST /networks/ID/networklabels."""
    network = tx.need(Network, call.ids[-1])
    text = body.id or body.name or ""
    bodies.raise_all(bodies.text_refusals(text, "label", TextRule(50, 1, bodies.ASCII_NAME)))
    if tx.one(Label, network_id=str(network.id)):
        raise refuse("NETWORK_ALREADY_LABELED", f"Network {network.name} already has a label.", "Remove it first.")
    tx.insert(Label(id=f"{network.id}/{text}", network_id=str(network.id)))
    record(tx, LABELLED, call=call, network=network.name, label=text)
    return NetworkLabel(id=text, network=Network(id=network.id))


def remove_label(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /networks/ID/networklabels/LABEL."""
    tx.delete(Label, f"{call.ids[-2]}/{call.ids[-1]}")
    network = tx.need(Network, call.ids[-2])
    record(tx, UNLABELLED, call=call, network=network.name, label=call.ids[-1])


_LABELS = Resource(
    type=NetworkLabel,
    collection="networklabels",
    v3_collection="labels",
    list=Op(run=labels, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add_label, needs=(Need(Permit.CONFIGURE_STORAGE_POOL_NETWORK, "parent"),)),
    remove=Op(run=remove_label, needs=(Need(Permit.CONFIGURE_STORAGE_POOL_NETWORK, "parent"),)),
)
SEARCH = SearchObject(
    table=TABLE,
    prefix="Networks",
    fields={
        "name": Field("text", "name"),
        "description": Field("text", "description"),
        "comment": Field("text", "comment"),
        "vlanid": Field("int", "vlan_id"),
        "stp": Field("bool", "stp"),
        "mtu": Field("int", "mtu"),
        "vmnetwork": Field("bool", "vm_network"),
        "datacenter": Field("text", via=Join("data_centers", "data_center_id", "name")),
        "label": Field("text", via=Join("network_labels", "id", "label", "network_id")),
    },
    cross={"cluster_network": (cross.cluster_networks, Join("cluster_networks", "id", "id", "network_id"))},
)
_CRUD: dict[str, Any] = {
    "type": Network,
    "object_type": "network",
    "table": TABLE,
    "list": Op(needs=PUBLIC),
    "get": Op(needs=PUBLIC),
    "update": Op(run=update, needs=(Need(Permit.CONFIGURE_STORAGE_POOL_NETWORK),)),
    "remove": Op(run=remove, needs=(Need(Permit.CONFIGURE_STORAGE_POOL_NETWORK),)),
}
RESOURCE = Resource(
    **_CRUD,
    collection="networks",
    search=SEARCH,
    add=Op(
        run=add,
        needs=(Need(Permit.CREATE_STORAGE_POOL_NETWORK, "data_center"),),
        mandatory=("name", "data_center.id|data_center.name"),
    ),
    subs=(PROFILES_OF_NETWORK, _LABELS, permissions_of("network")),
)
NETWORKS_OF_DATA_CENTER = Resource(
    **_CRUD,
    collection="networks",
    parent_column="data_center_id",
    subs=(PROFILES_OF_NETWORK, _LABELS, permissions_of("network")),
    add=Op(run=add, needs=(Need(Permit.CREATE_STORAGE_POOL_NETWORK, "parent"),), mandatory=("name",)),
)
NETWORKS_OF_CLUSTER = Resource(
    type=Network,
    collection="networks",
    object_type="network",
    list=Op(run=networks_of_clusters, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=attach_to_cluster, needs=(Need(Permit.ASSIGN_CLUSTER_NETWORK, "body:network"),), mandatory=("id|name",)),
    update=Op(
        run=update_in_cluster,
        needs=(Need(Permit.ASSIGN_CLUSTER_NETWORK), Need(Permit.CONFIGURE_CLUSTER_NETWORK, "parent")),
    ),
    remove=Op(run=detach_from_cluster, needs=(Need(Permit.ASSIGN_CLUSTER_NETWORK),)),
)
TABLES = (TABLE, CLUSTER_NETWORKS, LABELS)
# Networks of clusters, by either's name: no collection of its own, but other searches ask for it.
CLUSTER_NETWORK_SEARCH = SearchObject(
    table=CLUSTER_NETWORKS,
    prefix="Cluster_network",
    fields={
        "network_name": Field("text", via=Join("networks", "network_id", "name")),
        "cluster_name": Field("text", via=Join("clusters", "cluster_id", "name")),
    },
)
