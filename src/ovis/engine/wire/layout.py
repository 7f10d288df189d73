"""Where things are in the URL space, as writers need it: links, actions and paths by resource and dialect.

Does: precompute from the declarations what every object of a resource shows around its attributes.
Does not: write bytes. Follows: API facts, sections 5 and 7 (rels without underscores; v3 spellings and absences).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ovis.engine.declare.resource import Resource

# rels that v3 never shows, beside what declarations say with v3_collection="".
_NOT_IN_V3 = frozenset(
    """affinitylabels clusterlevels externaltemplateimports externalvmimports imagetransfers networkfilters hostlabels
    vmlabels enabledfeatures externalnetworkproviders disksnapshots cpuunits externalnetworkproviderconfigurations
    linklayerdiscoveryprotocolelements networkfilterparameters mediateddevices eventsubscriptions options backups
    checkpoints""".split()
)
_V3_NAMES = {
    "diskattachments": "disks",
    "networklabels": "labels",
    "glusterbricks": "bricks",
    "storageserverconnections": "storageconnections",
}


def collection_name(resource: Resource, dialect: int) -> str | None:
    """The path segment of a resource in a dialect; None where it has none."""
    if dialect == 4:
        return resource.collection if resource.in_v4 else None
    if resource.v3_collection is not None:
        return resource.v3_collection or None
    if resource.collection in _NOT_IN_V3:
        return None
    return _V3_NAMES.get(resource.collection, resource.collection)


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds an object's attributes: rels of its links, names of its actions."""

    links: tuple[str, ...]
    actions: tuple[str, ...]


class Layout:
    """Answers for every resource and type of a composition."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.roots = tuple(resources)
        self.paths: dict[type, str] = {}
        self.by_type: dict[type, Resource] = {}
        for resource in resources:
            self.paths.setdefault(resource.type, "/" + resource.collection)
            self.by_type.setdefault(resource.type, resource)
        self._subs_of: dict[type, dict[str, Resource]] = {}
        self._walk(resources)
        self._around: dict[tuple[int, int], Around] = {}

    def _walk(self, resources: Sequence[Resource]) -> None:
        for resource in resources:
            self.by_type.setdefault(resource.type, resource)
            for sub in resource.subs:
                self._subs_of.setdefault(resource.type, {})[sub.collection] = sub
            self._walk(resource.subs)

    def root(self, type_: type) -> Resource | None:
        """The root collection of a type's objects."""
        found = self.by_type.get(type_)
        return found if found is not None and type_ in self.paths else None

    def sub(self, type_: type, rel: str) -> Resource | None:
        """The resource below objects of a type with this rel."""
        return self._subs_of.get(type_, {}).get(rel)

    def around(self, resource: Resource | None, dialect: int) -> Around:
        """Links and actions of a resource's objects."""
        if resource is None:
            return Around((), ())
        key = (id(resource), dialect)
        found = self._around.get(key)
        if found is None:
            links = [collection_name(s, dialect) for s in resource.subs if s.link]
            names = [
                (a.v3_name or a.name) if dialect == 3 else a.name
                for a in resource.actions
                if a.on == "object" and (a.v3 if dialect == 3 else a.v4)
            ]
            found = Around(tuple(x for x in links if x), tuple(dict.fromkeys(names)))
            self._around[key] = found
        return found
