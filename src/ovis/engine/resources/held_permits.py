"""`GET ovis/permits`: what the user may do, on the system and on a set of objects.

Does: read it for a whole set at once, so that a page can leave out what nobody is allowed. Does not: allow anything; every
operation asks for itself.
Follows: docs/reference/live.md.
"""

from typing import Any

from ovis.engine.access.ancestry import TABLE_OF, lineages
from ovis.engine.access.check import visible_ids
from ovis.engine.access.grants import principals_of, role_permits
from ovis.engine.access.tables import Grant
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import InvalidValue
from ovis.engine.declare.page import Asked, Page
from ovis.engine.declare.permits import Permit
from ovis.engine.model.types import Role
from ovis.engine.store.session import Reader

MOST_IDS = 500
SYSTEM = "system"


def asked_ids(call: Call) -> list[str]:
    """`ids=A,B` of a page; refused when there are too many."""
    ids = [id_ for part in call.params.get("ids", "").split(",") if (id_ := part.strip())]
    if len(ids) > MOST_IDS:
        raise InvalidValue(f"{len(ids)} ids are too many: at most {MOST_IDS}.")
    return list(dict.fromkeys(ids))


def visible(rd: Reader, call: Call, object_type: str, ids: list[str]) -> list[str]:
    """Those of the ids that are there and that the caller sees."""
    found = [id_ for id_ in ids if id_ in _there(rd, object_type, ids)]
    if call.principal.administrator and not call.filtered:
        return found
    seen = visible_ids(rd, call.principal, object_type)
    return found if seen is None else [id_ for id_ in found if id_ in seen]


def _there(rd: Reader, object_type: str, ids: list[str]) -> set[str]:
    return set(rd.get_many(rd.schema.by_name[TABLE_OF[object_type]].type, ids))


def _names(permits: set[Permit]) -> list[str]:
    return sorted(permit.rest_name for permit in permits)


def held(rd: Reader, call: Call, object_type: str, ids: list[str]) -> dict[str, Any]:
    """The answer. object_type "": the system alone."""
    grants = rd.find(Grant, principal_id=tuple(dict.fromkeys(principals_of(call.principal))))
    roles = {str(id_): role_permits(role) for id_, role in rd.get_many(Role, {g.role_id for g in grants}).items()}
    on: dict[tuple[str, str], set[Permit]] = {}
    for grant in grants:
        on.setdefault((grant.object_type, grant.object_id), set()).update(roles.get(grant.role_id, ()))
    system = {permit for (kind, _), permits in on.items() if kind == SYSTEM for permit in permits}
    objects = {}
    if object_type:
        shown = visible(rd, call, object_type, ids)
        for id_, refs in lineages(rd, object_type, shown).items() if shown else ():
            further = {permit for ref in refs & on.keys() for permit in on[ref]} - system
            objects[id_] = _names(further)
    return {
        "user": {"id": call.principal.user_id, "name": call.principal.name},
        "administrator": call.principal.administrator,
        "system": _names(system),
        "objects": objects,
    }


async def permits(services: Any, asked: Asked) -> dict[str, Any]:
    """GET."""
    call = asked.call
    collection = call.params.get("type", "")
    object_type = services.stream.object_type(collection) if collection else ""
    if collection and object_type not in TABLE_OF:
        raise InvalidValue(f"Nobody holds permits on {collection[:100]} themselves.")
    ids = asked_ids(call)
    found: dict[str, Any] = await services.store.read(lambda rd: held(rd, call, object_type, ids))
    return found


PAGES = (Page(name="permits", run=permits, doc="What the user may do, on the system and on a set of objects."),)
