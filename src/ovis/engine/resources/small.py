"""Small collections: operating systems, cluster levels, bookmarks, and those that this engine answers with nothing.

Does: what clients look up at start. An empty collection here means: the API has it, no provider of its objects exists.
Follows: API facts, section 5.3.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ovis.engine.declare.call import Call
from ovis.engine.declare.permits import Permit as PermitName
from ovis.engine.declare.resource import ADMIN, PUBLIC, Need, Op, Resource
from ovis.engine.model.enums import Architecture, TpmSupport
from ovis.engine.model.types import (
    Bookmark,
    ClusterFeature,
    ClusterLevel,
    CpuType,
    ExternalHostProvider,
    ExternalTemplateImport,
    ExternalVmImport,
    ImageTransfer,
    KatelloErratum,
    OpenStackImageProvider,
    OpenStackNetworkProvider,
    OpenStackVolumeProvider,
    OperatingSystemInfo,
    Permit,
)
from ovis.engine.resources import bodies
from ovis.engine.resources.absent import absent
from ovis.engine.resources.bodies import TextRule
from ovis.engine.resources.cpu_catalog import CPU_MODELS
from ovis.engine.resources.icons import icons_of
from ovis.engine.resources.levels import LEVELS
from ovis.engine.resources.os_catalog import SYSTEMS, Os
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table, name_columns

# -- operating systems and levels ---------------------------------------------------------------------------


def _system_id(number: int) -> str:
    return str(number)


def _systems(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[OperatingSystemInfo]]:
    return {"": [_system(s) for s in SYSTEMS]}


def _system(found: Os) -> OperatingSystemInfo:
    large, small = icons_of(found.name)
    return OperatingSystemInfo(
        id=_system_id(found.id),
        name=found.name,
        description=found.title,
        architecture=Architecture(found.architecture),
        tpm_support=TpmSupport(found.tpm),
        large_icon=large,
        small_icon=small,
    )


def _levels(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[ClusterLevel]]:
    permits = [Permit(id=str(p.id), name=p.rest_name, administrative=p.administrative) for p in PermitName]
    found = []
    for major, minor in LEVELS:
        label = f"{major}.{minor}"
        types = [
            CpuType(name=m.name, level=m.levels[label], architecture=Architecture(m.architecture))
            for m in CPU_MODELS
            if label in m.levels
        ]
        found.append(ClusterLevel(id=label, cpu_types=types, permits=permits))
    return {"": found}


OPERATING_SYSTEMS = Resource(
    type=OperatingSystemInfo, collection="operatingsystems", list=Op(run=_systems, needs=PUBLIC), get=Op(needs=PUBLIC)
)
CLUSTER_LEVELS = Resource(
    type=ClusterLevel,
    collection="clusterlevels",
    v3_collection="",
    list=Op(run=_levels, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    subs=(absent(ClusterFeature, "clusterfeatures", v3_collection=""),),
)

# -- bookmarks ----------------------------------------------------------------------------------------------

BOOKMARKS_TABLE = Table(
    name="bookmarks",
    type=Bookmark,
    columns=(*name_columns(), Column(name="value", index=False)),
    unique=(("name_key",),),
)


def _check_bookmark(rd: Reader, found: Bookmark) -> None:
    bodies.raise_all(
        bodies.text_refusals(found.name, "name", TextRule(40, 1))
        + bodies.text_refusals(found.value, "value", TextRule(300, 1))
    )
    bodies.require_free_name(rd, Bookmark, found.name, "ACTION_TYPE_FAILED_NAME_ALREADY_USED", own_id=found.id)


def add_bookmark(tx: Tx, call: Call, body: Bookmark) -> Bookmark:
    """POST /bookmarks."""
    made = Bookmark(id=bodies.new_id(), name=body.name, value=body.value)
    _check_bookmark(tx, made)
    return tx.insert(made)


def update_bookmark(tx: Tx, call: Call, body: Bookmark) -> Bookmark:
    """PUT /bookmarks/ID."""
    new = bodies.merge(tx.need(Bookmark, call.ids[-1]), body)
    _check_bookmark(tx, new)
    return tx.update(new)


def remove_bookmark(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /bookmarks/ID."""
    tx.delete(Bookmark, call.ids[-1])


_MAY = (Need(PermitName.BOOKMARK_MANAGEMENT, "system"),)
BOOKMARKS = Resource(
    type=Bookmark,
    collection="bookmarks",
    table=BOOKMARKS_TABLE,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add_bookmark, needs=_MAY, mandatory=("name", "value")),
    update=Op(run=update_bookmark, needs=_MAY),
    remove=Op(run=remove_bookmark, needs=_MAY),
)

# -- what exists in the API and is empty here -----------------------------------------------------------------


EMPTY = (
    absent(ExternalHostProvider, "externalhostproviders", needs=ADMIN),
    absent(OpenStackImageProvider, "openstackimageproviders", needs=ADMIN),
    absent(OpenStackVolumeProvider, "openstackvolumeproviders", needs=ADMIN),
    absent(OpenStackNetworkProvider, "openstacknetworkproviders", needs=ADMIN),
    absent(KatelloErratum, "katelloerrata", needs=ADMIN),
    absent(ImageTransfer, "imagetransfers"),
    absent(ExternalVmImport, "externalvmimports", needs=ADMIN),
    absent(ExternalTemplateImport, "externaltemplateimports", needs=ADMIN),
)
TABLES = (BOOKMARKS_TABLE,)
