"""Host NICs as version 3 sets them up: POST /hosts/ID/nics/setupnetworks, nics/ID/attach and detach.

Does: take a whole picture of a host's NICs (what it does not show goes), or one network on or off one NIC, as changes of
attachments and bonds. Does not: read v3's bodies (the wire's shims make attachments of host_nics and of network).
Follows: v3 only operations; set-up of host networks of engine 3.x.
"""

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.resource import Action as ApiAction, Started
from ovis.engine.model.types import Action, Host, HostNic, Network, NetworkAttachment
from ovis.engine.resources.hosts import networking
from ovis.engine.resources.hosts.network_wishes import nic_id
from ovis.engine.resources.hosts.setup_networks import NEEDS, begin_setup, scene
from ovis.engine.store.session import Tx


def setup_all(tx: Tx, call: Call, action: Action) -> Started:
    """The host's networks are those of the body, and no others."""
    if action.modified_network_attachments is None and action.modified_bonds is None:
        raise refuse(
            "HOST_NICS_MISSING", "Action [setup_networks] needs host_nics: all NICs as they are to be.", bad=True
        )
    host = tx.need(Host, call.ids[0])
    now = scene(tx, host)
    wanted = [a.network for a in action.modified_network_attachments or () if a.network is not None]
    named = {n.id for n in wanted} | {n.name for n in wanted}
    gone = [
        NetworkAttachment(network=Network(id=network.id))
        for name, network in now.networks.items()
        if name in now.lies and network.id not in named and network.name not in named
    ]
    bonds = {b.name for b in action.modified_bonds or ()} | {b.id for b in action.modified_bonds or ()}
    loose = [HostNic(name=b) for b in now.bonds if b not in bonds and nic_id(now.host_id, b) not in bonds]
    return begin_setup(tx, call, replace(action, removed_network_attachments=gone, removed_bonds=loose))


def _asked(action: Action) -> Network | None:
    return next((a.network for a in action.modified_network_attachments or () if a.network is not None), None)


def attach(tx: Tx, call: Call, action: Action) -> Started:
    """One more network on this NIC."""
    network = _asked(action)
    if network is None:
        raise refuse("NETWORK_NOT_EXISTS", "Action [attach] needs network.id|name.", bad=True)
    wanted = NetworkAttachment(network=network, host_nic=HostNic(id=call.ids[1]))
    return begin_setup(tx, call, replace(action, modified_network_attachments=[wanted]))


def detach(tx: Tx, call: Call, action: Action) -> Started:
    """The network of the body leaves this NIC; without one, that which lies on it."""
    below = networking.attachments_of_nics(tx, call, (call.ids[1],))[call.ids[1]]
    network = _asked(action)
    if network is not None:
        known = networking.known_networks(tx, (call.ids[0],)).get(call.ids[0], {}).values()
        ids = {n.id for n in known if network.id == n.id or (not network.id and network.name == n.name)}
        below = [a for a in below if a.network is not None and a.network.id in ids]
    if len(below) != 1:
        text = "There is no such network on this NIC." if not below else "Several networks lie on this NIC."
        raise refuse("NETWORK_ATTACHMENT_NOT_EXISTS", text, "" if not below else "Name one.", bad=True)
    gone = [NetworkAttachment(id=below[0].id)]
    return begin_setup(tx, call, replace(action, modified_network_attachments=None, removed_network_attachments=gone))


COLLECTION_ACTIONS = (
    ApiAction(
        name="setupnetworks",
        run=setup_all,
        needs=NEEDS,
        on="collection",
        body=("async", "check_connectivity", "connectivity_timeout", "host_nics"),
        v4=False,
    ),
)
NIC_ACTIONS = tuple(
    ApiAction(name=name, run=run, needs=NEEDS, body=("async", "network"), v4=False)
    for name, run in (("attach", attach), ("detach", detach))
)
