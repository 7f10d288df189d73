"""Roles and their permits: /roles.

Does: show predefined roles, add and change users' own under the original's rules.
Follows: a user role holds no administrative permit; predefined roles and roles in use stay.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.access.tables import ROLES, Grant
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Permit as ApiPermit, Role
from ovis.engine.resources import bodies
from ovis.engine.store.session import Reader, Tx

N = LogSeverity.NORMAL
ADDED = Audit(code=864, severity=N, text="Role {role} was added by {user}.")
UPDATED = Audit(code=856, severity=N, text="Role {role} was changed by {user}.")
REMOVED = Audit(code=858, severity=N, text="Role {role} was removed by {user}.")
PERMIT_ADDED = Audit(code=860, severity=N, text="{user} added the permit {permit} to role {role}.")
PERMIT_REMOVED = Audit(code=862, severity=N, text="{user} took the permit {permit} from role {role}.")
_NAME = bodies.TextRule(126, 1, bodies.ASCII_NAME, too_long="VALIDATION_ROLES_NAME_MAX")
_BY_ID = {str(p.id): p for p in Permit}


def _permits(given: Sequence[ApiPermit] | None, *, administrative: bool) -> list[ApiPermit]:
    found = []
    for permit in given or ():
        known = _BY_ID.get(permit.id or "") or Permit.__members__.get((permit.name or "").upper())
        if known is None:
            raise NotFound(f"Permit: {permit.id or permit.name}", named=True)
        if known.administrative and not administrative:
            raise refuse(
                "CANNOT_ADD_ACTION_GROUPS_TO_ROLE_TYPE",
                f"{known.rest_name} is for administrative roles only.",
                bad=True,
            )
        found.append(ApiPermit(id=str(known.id), name=known.rest_name, administrative=known.administrative))
    return found


def _check(rd: Reader, role: Role, own_id: str | None) -> None:
    bodies.raise_all(
        bodies.text_refusals(role.name, "name", _NAME)
        + bodies.text_refusals(role.description, "description", bodies.TextRule(4000))
    )
    bodies.require_free_name(rd, Role, role.name, "ACTION_TYPE_FAILED_NAME_ALREADY_USED", own_id=own_id)


def add(tx: Tx, call: Call, body: Role) -> Role:
    """POST /roles."""
    _check(tx, body, None)
    administrative = bool(body.administrative)
    permits = _permits(body.permits, administrative=administrative)
    if not any(p.name == "login" for p in permits):
        permits += _permits([ApiPermit(name="login")], administrative=administrative)
    made = tx.insert(
        Role(
            id=bodies.new_id(),
            name=body.name,
            description=body.description,
            administrative=administrative,
            mutable=True,
            permits=permits,
        )
    )
    record(tx, ADDED, call=call, role=made.name)
    return made


def _mutable(rd: Reader, role_id: str) -> Role:
    role = rd.need(Role, role_id)
    if not role.mutable:
        raise refuse("ACTION_TYPE_FAILED_ROLE_IS_READ_ONLY", f"The predefined role {role.name} cannot change.")
    return role


def update(tx: Tx, call: Call, body: Role) -> Role:
    """PUT /roles/ID: name and description."""
    old = _mutable(tx, call.ids[-1])
    new = bodies.merge(old, body, keep=("administrative", "mutable", "permits"))
    _check(tx, new, new.id)
    tx.update(new)
    record(tx, UPDATED, call=call, role=new.name)
    return new


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /roles/ID."""
    role = _mutable(tx, call.ids[-1])
    if tx.count(Grant, role_id=str(role.id)):
        raise refuse("ERROR_CANNOT_REMOVE_ROLE_ATTACHED_TO_PERMISSION", f"The role {role.name} is in use.")
    tx.delete(Role, str(role.id))
    record(tx, REMOVED, call=call, role=role.name)


def permits(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[ApiPermit]]:
    """Permits of roles."""
    roles = rd.get_many(Role, parents)
    return {p: [replace(x, role=Role(id=p)) for x in roles[p].permits or ()] if p in roles else [] for p in parents}


def add_permit(tx: Tx, call: Call, body: ApiPermit) -> ApiPermit:
    """POST /roles/ID/permits."""
    role = _mutable(tx, call.ids[-1])
    (made,) = _permits([body], administrative=bool(role.administrative))
    if all(p.id != made.id for p in role.permits or ()):
        tx.update(replace(role, permits=[*(role.permits or ()), made]))
        record(tx, PERMIT_ADDED, call=call, role=role.name, permit=made.name)
    return made


def remove_permit(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /roles/ID/permits/ID."""
    role = _mutable(tx, call.ids[-2])
    left = [p for p in role.permits or () if p.id != call.ids[-1]]
    if len(left) == len(role.permits or ()):
        raise NotFound(f"Permit: id={call.ids[-1]}")
    tx.update(replace(role, permits=left))
    gone = next(p for p in role.permits or () if p.id == call.ids[-1])
    record(tx, PERMIT_REMOVED, call=call, role=role.name, permit=gone.name)


def shown(rd: Reader, call: Call, found: Sequence[Role]) -> list[Role]:
    """Permits are a link, not part of the object."""
    return [replace(role, permits=None) for role in found]


_HANDLE = (Need(Permit.MANIPULATE_ROLES, "system"),)
RESOURCE = Resource(
    type=Role,
    collection="roles",
    table=ROLES,
    derive=shown,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=_HANDLE, mandatory=("name",)),
    update=Op(run=update, needs=_HANDLE),
    remove=Op(run=remove, needs=_HANDLE),
    subs=(
        Resource(
            type=ApiPermit,
            collection="permits",
            list=Op(run=permits, needs=PUBLIC),
            get=Op(needs=PUBLIC),
            add=Op(run=add_permit, needs=_HANDLE, mandatory=("id|name",)),
            remove=Op(run=remove_permit, needs=_HANDLE),
        ),
    ),
)
