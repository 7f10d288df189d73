"""Names of the services of version 4, as links into documentation spell them: `vms`, `vm`, `vm_nics`, `vm_nic`.

Does: name a declared collection and its objects. Follows: API model 4.6, whose documentation has anchors of these names.
"""

from collections.abc import Sequence

from ovis.engine.declare.resource import Resource
from ovis.engine.declare.shape import names_of

# Segments whose words are not those of their type.
_WORDS = {
    "explainplacement": "explain_placement",
    "fenceagents": "fence_agents",
    "glusterbricks": "gluster_bricks",
    "mediateddevices": "mediated_devices",
    "numanodes": "numa_nodes",
    "operatingsystems": "operating_systems",
    "clusterlevels": "cluster_levels",
    "clusterfeatures": "cluster_features",
    "cpuunits": "cpu_units",
    "devices": "devices",
    "disksnapshots": "disk_snapshots",
    "enabledfeatures": "enabled_features",
    "externalnetworkproviderconfigurations": "external_network_provider_configurations",
    "externalnetworkproviders": "external_providers",
    "hostlabels": "host_labels",
    "katelloerrata": "katello_errata",
    "linklayerdiscoveryprotocolelements": "link_layer_discovery_protocol",
    "networkfilterparameters": "network_filter_parameters",
    "qoss": "qoss",
    "storageconnectionextensions": "storage_server_connection_extensions",
    "storageconnections": "storage_server_connections",
    "storageserverconnections": "storage_server_connections",
    "unmanagednetworks": "unmanaged_networks",
    "virtualfunctionallowedlabels": "virtual_function_allowed_labels",
    "virtualfunctionallowednetworks": "virtual_function_allowed_networks",
    "vmlabels": "vm_labels",
}
_ASSIGNED = frozenset("affinitylabels cpuprofiles diskprofiles permissions roles tags vnicprofiles".split())
# Named after what they hang below.
_OWNED = frozenset(
    """applications backups cdroms checkpoints cpuunits devices enabledfeatures externalnetworkproviders graphicsconsoles hooks
    hostdevices hostlabels mediateddevices networkfilterparameters nics numanodes reporteddevices sessions storage vmlabels
    watchdogs""".split()
)
_OWNED_BELOW = {
    ("affinitygroups", "hosts"),
    ("affinitygroups", "vms"),
    ("affinitylabels", "hosts"),
    ("affinitylabels", "vms"),
    ("clusters", "networks"),
    ("datacenters", "networks"),
    ("domains", "groups"),
    ("domains", "users"),
    ("snapshots", "disks"),
    ("storagedomains", "disks"),
    ("storagedomains", "templates"),
    ("storagedomains", "vms"),
    ("templates", "diskattachments"),
}
_EXACT = {
    ("", "katelloerrata"): "engine_katello_errata",
    ("", "options"): "system_options",
    ("", "permissions"): "system_permissions",
    ("nics", "reporteddevices"): "vm_reported_devices",
    ("nics", "virtualfunctionallowedlabels"): "network_labels",
    ("users", "groups"): "domain_user_groups",
    ("users", "options"): "user_options",
    ("clusters", "enabledfeatures"): "cluster_enabled_features",
    ("datacenters", "storagedomains"): "attached_storage_domains",
    ("storagedomains", "storageconnections"): "storage_domain_server_connections",
}
# Below a collection that is itself below another.
_DEEP: dict[tuple[str, ...], str] = {
    ("datacenters", "storagedomains", "disks"): "attached_storage_domain_disks",
    ("storagedomains", "templates", "disks"): "storage_domain_content_disks",
    ("storagedomains", "vms", "diskattachments"): "storage_domain_vm_disk_attachments",
    ("storagedomains", "vms", "disks"): "storage_domain_content_disks",
}
_MEMBERS = {
    "engine_katello_errata": "katello_erratum",
    "assigned_permissions": "permission",
    "assigned_roles": "role",
    "system_permissions": "permission",
}
_IRREGULAR = {"qoss": "qos", "katello_errata": "katello_erratum", "statistics": "statistic", "host_storage": "storage"}


def segment_words(resource: Resource) -> str:
    """A collection's segment with its words apart: `disk_attachments`."""
    segment = resource.collection
    known = _WORDS.get(segment)
    if known is not None:
        return known
    many = names_of(resource.type).many
    return many if many.replace("_", "") == segment else segment


def one_of(words: str) -> str:
    """The name of one member."""
    if words in _IRREGULAR:
        return _IRREGULAR[words]
    if words.endswith("ies"):
        return words[:-3] + "y"
    return words.removesuffix("s") if not words.endswith("ss") else words


def title(resource: Resource, *, one: bool) -> str:
    """`DiskAttachments`, `DiskAttachment`."""
    words = segment_words(resource)
    shown = one_of(words) if one else words
    return "".join(part.capitalize() for part in shown.split("_"))


def service(chain: Sequence[Resource], *, one: bool) -> str:
    """The service of a collection, or of one of its objects."""
    resource, path = chain[-1], tuple(r.collection for r in chain)
    words = segment_words(resource)
    above = segment_words(chain[-2]) if len(chain) > 1 else ""
    pair = (path[-2] if above else "", path[-1])
    exact = _DEEP.get(path[-3:]) or _EXACT.get(pair)
    if exact is not None:
        words = exact
    elif above and resource.collection in _ASSIGNED:
        words = f"assigned_{words}"
    elif above and (resource.collection in _OWNED or pair in _OWNED_BELOW):
        words = f"{one_of(above)}_{words}"
    return (_MEMBERS.get(words) or one_of(words)) if one and not resource.singleton else words


__all__ = ["one_of", "segment_words", "service", "title"]
