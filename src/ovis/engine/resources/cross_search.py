"""What one object's search may ask of another's: `host.name`, `vm.status`, `event.severity`.

Does: name the other objects, looked up when a query asks, since rooms refer to each other in circles; and the two that
are no collections of their own. Does not: say how rooms hang together; each room's `cross` does.
Follows: cross references of engine 4.5's search language.
"""

from ovis.engine.store.search import Field, Join, SearchObject


def vms() -> SearchObject:
    """Virtual machines."""
    from ovis.engine.resources.vms.resource import SEARCH

    return SEARCH


def hosts() -> SearchObject:
    """Hosts."""
    from ovis.engine.resources.hosts.resource import SEARCH

    return SEARCH


def templates() -> SearchObject:
    """Templates."""
    from ovis.engine.resources.templates.resource import SEARCH

    return SEARCH


def users() -> SearchObject:
    """Users."""
    from ovis.engine.resources.users import USERS_SEARCH

    return USERS_SEARCH


def clusters() -> SearchObject:
    """Clusters."""
    from ovis.engine.resources.clusters.resource import SEARCH

    return SEARCH


def data_centers() -> SearchObject:
    """Data centers."""
    from ovis.engine.resources.data_centers import SEARCH

    return SEARCH


def storage_domains() -> SearchObject:
    """Storage domains."""
    from ovis.engine.resources.storage_domains.resource import SEARCH

    return SEARCH


def networks() -> SearchObject:
    """Networks."""
    from ovis.engine.resources.networks import SEARCH

    return SEARCH


def events() -> SearchObject:
    """Events."""
    from ovis.engine.resources.events import SEARCH

    return SEARCH


def cluster_networks() -> SearchObject:
    """Networks of clusters, by either's name."""
    from ovis.engine.resources.networks import CLUSTER_NETWORKS

    return SearchObject(
        table=CLUSTER_NETWORKS,
        prefix="Cluster_network",
        fields={
            "network_name": Field("text", via=Join("networks", "network_id", "name")),
            "cluster_name": Field("text", via=Join("clusters", "cluster_id", "name")),
        },
    )


def vnics() -> SearchObject:
    """NICs of virtual machines."""
    from ovis.engine.resources.vms.state import NICS

    network = Join("vnic_profiles", "vnic_profile_id", "network_id", then=Join("networks", "network_id", "name"))
    return SearchObject(
        table=NICS,
        prefix="Vnic",
        fields={"network_name": Field("text", via=network), "mac": Field("text", "mac_key")},
    )


# Users hold roles on objects; (their side of a role, the object's side).
HELD_BY_USERS = Join("permissions", "id", "principal_id", "object_id")
OF_USERS = Join("permissions", "id", "object_id", "principal_id")


def usage(column: str) -> Field:
    """A per cent that hosts report: `cpu_usage`, `mem_usage`, `network_usage`."""
    return Field("int", via=Join("statistics", "id", column))
