"""vNIC profiles: /vnicprofiles and those of a network.

Does: how a VM's NIC uses a network: filter, mirroring, pass-through, custom properties. Does not: plug NICs.
Follows: defaults of engine 4.5 (filter vdsm-no-mac-spoofing); permits `vnic_profiles`.
"""

from typing import Any

from msgspec.structs import replace

from ovis.engine.access.grants import forget_object, grant_on_creation
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity, VnicPassThroughMode
from ovis.engine.model.types import Network, NetworkFilter, VnicPassThrough, VnicProfile
from ovis.engine.resources import bodies
from ovis.engine.resources.bodies import TextRule
from ovis.engine.resources.custom_properties import checks as custom_checks
from ovis.engine.resources.network_filters import DEFAULT_FILTER_ID, resolve_filter
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table, name_columns

TABLE = Table(
    name="vnic_profiles",
    type=VnicProfile,
    columns=(
        *name_columns(),
        Column(name="network_id", path="network.id", references="networks"),
        Column(name="description", index=False),
        Column(name="port_mirroring", kind="bool", index=False),
        Column(name="passthrough", value=lambda p: _passes_through(p), kind="bool", index=False),
    ),
    unique=(("network_id", "name_key"),),
)


def _passes_through(profile: VnicProfile) -> bool:
    return profile.pass_through is not None and profile.pass_through.mode is VnicPassThroughMode.ENABLED


ADDED = Audit(code=1122, severity=LogSeverity.NORMAL, text="vNIC profile {profile} was added to network {network}.")
UPDATED = Audit(code=1124, severity=LogSeverity.NORMAL, text="vNIC profile {profile} of network {network} was updated.")
REMOVED = Audit(
    code=1126, severity=LogSeverity.NORMAL, text="vNIC profile {profile} was removed from network {network}."
)


def _check(rd: Reader, profile: VnicProfile) -> None:
    bodies.raise_all(
        bodies.text_refusals(profile.name, "name", TextRule(256, 1)) + custom_checks.of_profile(rd, profile)
    )
    bodies.require_free_name(
        rd,
        VnicProfile,
        profile.name,
        "ACTION_TYPE_FAILED_VNIC_PROFILE_NAME_IN_USE",
        own_id=profile.id,
        network_id=profile.network.id if profile.network else None,
    )


def make_profile(
    tx: Tx, call: Call | None, network: Network, body: VnicProfile | None = None, *, id_: str | None = None
) -> VnicProfile:
    """Store a profile of `network`; without a body, the one that is born with it."""
    given = body or VnicProfile(name=network.name)
    pass_through = given.pass_through or VnicPassThrough(mode=VnicPassThroughMode.DISABLED)
    plain = pass_through.mode is VnicPassThroughMode.DISABLED
    if given.network_filter is not None:
        chosen = (
            resolve_filter(tx, given.network_filter) if given.network_filter.id or given.network_filter.name else None
        )
    else:
        chosen = NetworkFilter(id=DEFAULT_FILTER_ID) if plain else None
    profile = replace(
        bodies.without_subs(given),
        id=id_ or bodies.new_id(),
        network=Network(id=network.id),
        port_mirroring=bool(given.port_mirroring),
        pass_through=pass_through,
        migratable=None if plain else given.migratable is not False,
        network_filter=NetworkFilter(id=chosen.id) if chosen else None,
    )
    _check(tx, profile)
    made = tx.insert(profile)
    if call is not None:
        grant_on_creation(tx, call, "vnic_profile", str(made.id))
    return made


def add(tx: Tx, call: Call, body: VnicProfile) -> VnicProfile:
    """POST /vnicprofiles, and POST /networks/ID/vnicprofiles."""
    network = tx.need(Network, call.ids[-1]) if call.ids else bodies.resolve(tx, Network, body.network)
    made = make_profile(tx, call, network, body)
    record(tx, ADDED, call=call, profile=made.name, network=network.name)
    return made


def update(tx: Tx, call: Call, body: VnicProfile) -> VnicProfile:
    """PUT: everything but the network."""
    old = tx.need(VnicProfile, call.ids[-1])
    network = tx.need(Network, old.network.id)  # type: ignore[union-attr]
    if body.network is not None and body.network.id not in (None, network.id):
        raise refuse(
            "ACTION_TYPE_FAILED_CANNOT_CHANGE_VNIC_PROFILE_NETWORK",
            "A profile cannot move to another network.",
            bad=True,
        )
    new = bodies.without_subs(bodies.merge(old, body, keep=("network",)))
    if body.network_filter is not None:
        named = body.network_filter.id or body.network_filter.name
        new = replace(
            new, network_filter=NetworkFilter(id=resolve_filter(tx, body.network_filter).id) if named else None
        )
    _check(tx, new)
    tx.update(new)
    record(tx, UPDATED, call=call, profile=new.name, network=network.name)
    return new


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE: not while a NIC uses it."""
    old = tx.need(VnicProfile, call.ids[-1])
    for table, what in (("vm_nics", "VMs"), ("template_nics", "templates")):
        sql = tx.schema.sql[table]
        if tx.rows(sql.select().where(sql.c.vnic_profile_id == old.id).limit(1)):
            raise refuse(
                "ACTION_TYPE_FAILED_VNIC_PROFILE_IN_USE", f"Profile {old.name} is used by {what}.", "Change their NICs."
            )
    forget_object(tx, "vnic_profile", str(old.id))
    tx.delete(VnicProfile, str(old.id))
    network = tx.get(Network, old.network.id if old.network else None)
    record(tx, REMOVED, call=call, profile=old.name, network=network.name if network else "")


SEARCH = SearchObject(
    table=TABLE,
    prefix="VnicProfiles",
    fields={
        "name": Field("text", "name"),
        "description": Field("text", "description"),
        "port_mirroring": Field("bool", "port_mirroring"),
        "network_name": Field("text", via=Join("networks", "network_id", "name")),
        "passthrough": Field("bool", "passthrough"),
        "datacenter": Field(
            "text",
            via=Join("networks", "network_id", "data_center_id", then=Join("data_centers", "data_center_id", "name")),
        ),
    },
)
_CRUD: dict[str, Any] = {
    "type": VnicProfile,
    "collection": "vnicprofiles",
    "object_type": "vnic_profile",
    "table": TABLE,
    "list": Op(needs=PUBLIC),
    "get": Op(needs=PUBLIC),
    "update": Op(run=update, needs=(Need(Permit.CONFIGURE_NETWORK_VNIC_PROFILE),)),
    "remove": Op(run=remove, needs=(Need(Permit.DELETE_NETWORK_VNIC_PROFILE),)),
}
RESOURCE = Resource(
    **_CRUD,
    search=SEARCH,
    add=Op(
        run=add,
        needs=(Need(Permit.CREATE_NETWORK_VNIC_PROFILE, "network"),),
        mandatory=("name", "network.id|network.name"),
    ),
    subs=(permissions_of("vnic_profile"),),
)
PROFILES_OF_NETWORK = Resource(
    **_CRUD,
    parent_column="network_id",
    subs=(permissions_of("vnic_profile"),),
    add=Op(run=add, needs=(Need(Permit.CREATE_NETWORK_VNIC_PROFILE, "parent"),), mandatory=("name",)),
)
