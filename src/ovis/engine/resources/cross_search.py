"""What one object's search may ask of another's: `host.name`, `vm.status`, `event.severity`.

Does: find the other object by its collection's name when a query asks, since rooms refer to each other in circles and
import nobody for it. Does not: say how rooms hang together; each room's `cross` does.
Follows: cross references of engine 4.5's search language.
"""

from collections.abc import Callable

from ovis.engine.store.search import Field, Join, SearchObject

# By collection; the composition (`resources`) fills it.
KNOWN: dict[str, SearchObject] = {}


def _of(collection: str) -> Callable[[], SearchObject]:
    return lambda: KNOWN[collection]


vms = _of("vms")
hosts = _of("hosts")
templates = _of("templates")
users = _of("users")
clusters = _of("clusters")
data_centers = _of("datacenters")
storage_domains = _of("storagedomains")
networks = _of("networks")
events = _of("events")
cluster_networks = _of("cluster_networks")
vnics = _of("vnics")

# Users hold roles on objects; (their side of a role, the object's side).
HELD_BY_USERS = Join("permissions", "id", "principal_id", "object_id")
OF_USERS = Join("permissions", "id", "object_id", "principal_id")


def usage(column: str) -> Field:
    """A per cent that hosts report: `cpu_usage`, `mem_usage`, `network_usage`."""
    return Field("int", via=Join("statistics", "id", column))
