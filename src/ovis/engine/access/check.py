"""May this user do this? Deny if nothing is declared.

Does: check an operation's needs against grants, and say which rows a user sees. Does not: know HTTP.
Follows: permits of engine 4.5; what cannot be seen is not found, what can be seen but not done is forbidden.
"""

from collections.abc import Iterable
from typing import Any

from ovis.engine.access.ancestry import TABLE_OF, ObjectRef, below, types_of
from ovis.engine.access.grants import holds, principals_of, shows_children
from ovis.engine.access.predefined import EVERYONE_ID, SYSTEM_ID
from ovis.engine.access.tables import Grant
from ovis.engine.declare.call import Call, Principal
from ovis.engine.declare.faults import Forbidden
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import AdminOnly, Need, Needs, Public
from ovis.engine.model.types import Role
from ovis.engine.store.session import Reader

_REFUSED = "User is not authorized to perform this action."


def check(
    rd: Reader,
    principal: Principal,
    needs: Needs | None,
    *,
    self_ref: ObjectRef | None,
    parent_ref: ObjectRef | None,
    body: Any = None,
) -> None:
    """Raise Forbidden unless every need is met. self_ref, parent_ref: (object type, id) that permissions hang on."""
    if isinstance(needs, Public):
        return
    if isinstance(needs, AdminOnly):
        if principal.administrator:
            return
        raise Forbidden(_REFUSED)
    if not needs:
        raise Forbidden(_REFUSED)
    for need in needs:
        if need.when is not None and not need.when(body):
            continue
        for object_type, object_id in _objects(rd, need, self_ref, parent_ref, body):
            if not holds(rd, principal, need.permit, object_type, object_id):
                raise Forbidden(_REFUSED)


def require(rd: Reader, call: Call, permit: Permit, object_type: str, object_id: str) -> None:
    """Raise Forbidden unless the caller holds the permit on the object or above it: for what `needs` cannot know."""
    if not holds(rd, call.principal, permit, object_type, object_id):
        raise Forbidden(_REFUSED)


def _objects(
    rd: Reader, need: Need, self_ref: ObjectRef | None, parent_ref: ObjectRef | None, body: Any
) -> Iterable[ObjectRef]:
    if need.on == "system":
        return [("system", SYSTEM_ID)]
    if need.on in ("self", "parent"):
        ref = self_ref if need.on == "self" else parent_ref
        return [ref or ("system", SYSTEM_ID)]
    if need.on.startswith("body:"):
        return _refs(rd, need.on.removeprefix("body:"), [body])
    return _named(rd, need.on, body)


def _named(rd: Reader, path: str, body: Any) -> list[ObjectRef]:
    """The objects that a body names at a dotted path. Nothing named: the system, so only its holders pass."""
    found: list[Any] = [body]
    *_, last = path.split(".")
    for part in path.split("."):
        step: list[Any] = []
        for value in found:
            given = getattr(value, part, None)
            step += given if isinstance(given, list) else [given] if given is not None else []
        found = step
    return _refs(rd, last.removesuffix("s") if last not in TABLE_OF else last, found)


def _refs(rd: Reader, object_type: str, found: Iterable[Any]) -> list[ObjectRef]:
    """The objects of a type that references name by id or name; the system if they name none."""
    table = TABLE_OF.get(object_type)
    refs: list[ObjectRef] = []
    for reference in found:
        if reference.id is not None:
            refs.append((object_type, reference.id))
        elif reference.name is not None and table in rd.schema.by_name:
            type_ = rd.schema.by_name[table].type
            refs += [(object_type, str(row.id)) for row in rd.find(type_, name_key=reference.name.lower())]
    return refs or [("system", SYSTEM_ID)]


def visible_ids(rd: Reader, principal: Principal, object_type: str) -> set[str] | None:
    """Ids of the objects a user sees; None means all of them.

    Seen is what one holds any role on, and what lies below an object on which one holds a role that shows children.
    """
    grants = rd.find(Grant, principal_id=principals_of(principal))
    roles = rd.get_many(Role, {g.role_id for g in grants})
    showing = {r.id for r in roles.values() if shows_children(r)}
    if any(g.object_type == "system" and g.role_id in showing for g in grants):
        return None
    direct = {g.object_id for g in grants if g.object_type == object_type}
    held = types_of((g.object_type, g.object_id) for g in grants if g.role_id in showing)
    return direct | below(rd, object_type, held)


def is_administrator(rd: Reader, user_id: str, groups: tuple[str, ...] = ()) -> bool:
    """Holds an administrative role on anything, himself or by one of his groups."""
    ids = tuple(dict.fromkeys((user_id, EVERYONE_ID, *groups)))
    for where in ({"object_id": SYSTEM_ID}, {}):  # creators hold roles on thousands of objects
        grants = rd.find(Grant, principal_id=ids, **where)
        if any(role.administrative for role in rd.get_many(Role, {g.role_id for g in grants}).values()):
            return True
    return False
