"""The collections of a host's networks: /hosts/ID/nics with what lies below, and /hosts/ID/networkattachments.

Does: join what is read (networking) with what can be done (setup_networks).
"""

from ovis.engine.declare.resource import PUBLIC, Op, Resource
from ovis.engine.model.types import (
    HostNic,
    LinkLayerDiscoveryProtocolElement,
    Network,
    NetworkAttachment,
    NetworkLabel,
    Statistic,
)
from ovis.engine.resources.absent import absent
from ovis.engine.resources.hosts import legacy_nics as legacy, networking, setup_networks as setup

NICS_OF_HOST = Resource(
    type=HostNic,
    collection="nics",
    list=Op(run=networking.host_nics, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    actions=(*legacy.COLLECTION_ACTIONS, *legacy.NIC_ACTIONS),
    subs=(
        Resource(
            type=Statistic,
            collection="statistics",
            list=Op(run=networking.nic_statistics, needs=PUBLIC),
            get=Op(needs=PUBLIC),
        ),
        Resource(
            type=NetworkAttachment,
            collection="networkattachments",
            list=Op(run=networking.attachments_of_nics, needs=PUBLIC),
            get=Op(needs=PUBLIC),
            add=Op(run=setup.add, needs=setup.PARENT_NEEDS, mandatory=("network.id|network.name",)),
            update=Op(run=setup.update, needs=setup.NEEDS),
            remove=Op(run=setup.remove, needs=setup.NEEDS),
        ),
        Resource(
            type=NetworkLabel,
            collection="networklabels",
            v3_collection="labels",
            list=Op(run=networking.labels_of_nics, needs=PUBLIC),
            get=Op(needs=PUBLIC),
            add=Op(run=setup.add_label, needs=setup.PARENT_NEEDS, mandatory=("id|name",)),
            remove=Op(run=setup.remove_label, needs=setup.NEEDS),
        ),
        absent(LinkLayerDiscoveryProtocolElement, "linklayerdiscoveryprotocolelements", v3_collection=""),
        absent(NetworkLabel, "virtualfunctionallowedlabels"),
        absent(Network, "virtualfunctionallowednetworks"),
    ),
)
ATTACHMENTS_OF_HOST = Resource(
    type=NetworkAttachment,
    collection="networkattachments",
    list=Op(run=networking.attachments, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=setup.add, needs=setup.PARENT_NEEDS, mandatory=("network.id|network.name",)),
    update=Op(run=setup.update, needs=setup.NEEDS),
    remove=Op(run=setup.remove, needs=setup.NEEDS),
)
