"""Who holds which role where: granting, revoking, and what creators receive.

Follows: grants on creation of engine 4.5.
"""

import uuid
from collections.abc import Sequence
from functools import lru_cache

from ovis.engine.access.ancestry import lineage
from ovis.engine.access.predefined import EVERYONE_ID, INITIAL, ROLES, SHOWING_CHILDREN, SYSTEM_ID
from ovis.engine.access.tables import Grant
from ovis.engine.declare.call import Call, Principal
from ovis.engine.declare.permits import Permit
from ovis.engine.model.types import Group, Permit as ApiPermit, Role
from ovis.engine.store.session import Reader, Tx

_BY_NAME = {role.name: role for role in ROLES}
# object type -> roles that its creator receives.
_CREATOR: dict[str, tuple[str, ...]] = {
    "disk": ("DiskOperator",),
    "template": ("TemplateOwner", "UserTemplateBasedVm"),
    "network": ("NetworkAdmin",),
    "vnic_profile": ("NetworkAdmin",),
    "cpu_profile": ("CpuProfileCreator",),
    "mac_pool": ("MacPoolAdmin",),
}
_EVERYONE: dict[str, tuple[str, ...]] = {
    "disk_profile": ("DiskProfileUser",),
    "cpu_profile": ("CpuProfileOperator",),
}


def role_permits(role: Role) -> frozenset[Permit]:
    """The permits of a stored role; names that this engine does not know allow nothing."""
    return _permits(tuple(p.name or "" for p in role.permits or ()))


def shows_children(role: Role) -> bool:
    """Whether holding the role on an object shows what lies below it."""
    shipped = SHOWING_CHILDREN.get(str(role.id))
    return any(p.view_children for p in role_permits(role)) if shipped is None else shipped


@lru_cache(maxsize=256)
def _permits(names: tuple[str, ...]) -> frozenset[Permit]:
    return frozenset(Permit[name.upper()] for name in names if name.upper() in Permit.__members__)


def grant(tx: Tx, principal_id: str, role_name: str, object_type: str, object_id: str, *, group: bool = False) -> Grant:
    """Give a predefined role on an object, once."""
    return grant_role(tx, principal_id, _BY_NAME[role_name].id, object_type, object_id, group=group)


def grant_role(
    tx: Tx,
    principal_id: str,
    role_id: str,
    object_type: str,
    object_id: str,
    *,
    group: bool = False,
    id_: str | None = None,
) -> Grant:
    """Give a role on an object, once."""
    where = {"principal_id": principal_id, "role_id": role_id, "object_type": object_type, "object_id": object_id}
    known = tx.one(Grant, **where)
    return known or tx.insert(Grant(id=id_ or str(uuid.uuid4()), group=group, **where))


def grant_on_creation(tx: Tx, call: Call, object_type: str, object_id: str) -> None:
    """What the creator and everyone receive on a new object.

    A VM's creator becomes its manager only if he could not manage its permissions anyway, or asked as a user.
    """
    user = call.principal.user_id
    if object_type == "vm" and (
        call.filtered or not holds(tx, call.principal, Permit.MANIPULATE_PERMISSIONS, "vm", object_id)
    ):
        grant(tx, user, "UserVmManager", object_type, object_id)
    for role in _CREATOR.get(object_type, ()):
        grant(tx, user, role, object_type, object_id)
    for role in _EVERYONE.get(object_type, ()):
        grant(tx, EVERYONE_ID, role, object_type, object_id, group=True)


def forget_object(tx: Tx, object_type: str, object_id: str) -> None:
    """Drop the grants on an object that is going away."""
    for found in tx.find(Grant, object_id=object_id):
        if found.object_type == object_type:
            tx.delete(Grant, found.id)


def principals_of(principal: Principal) -> Sequence[str]:
    """The ids under which a user may hold roles."""
    return (principal.user_id, EVERYONE_ID, *principal.groups)


def holds(rd: Reader, principal: Principal, permit: Permit, object_type: str, object_id: str) -> bool:
    """Whether the user, one of his groups or everyone holds the permit on the object or above it."""
    ids = tuple(dict.fromkeys(principals_of(principal)))
    # On the system first: a creator holds roles on thousands of objects, and often needs none of them.
    if ("system", SYSTEM_ID) in _held(rd, rd.find(Grant, principal_id=ids, object_id=SYSTEM_ID), permit):
        return True
    held = _held(rd, rd.find(Grant, principal_id=ids), permit)
    return bool(held and held & lineage(rd, object_type, object_id))


def _held(rd: Reader, grants: Sequence[Grant], permit: Permit) -> set[tuple[str, str]]:
    """The objects on which grants give a permit."""
    roles = rd.get_many(Role, {g.role_id for g in grants})
    fitting = {r.id for r in roles.values() if permit in role_permits(r)}
    return {(g.object_type, g.object_id) for g in grants if g.role_id in fitting}


def seed(tx: Tx) -> None:
    """Roles and first permissions of an empty installation."""
    for role in ROLES:
        permits = [
            ApiPermit(id=str(p.id), name=p.rest_name, administrative=p.administrative)
            for p in (Permit[name.upper()] for name in role.permits)
        ]
        document = Role(
            id=role.id,
            name=role.name,
            description=role.name,
            administrative=role.administrative,
            mutable=False,
            permits=permits,
        )
        if tx.get(Role, role.id) is None:
            tx.insert(document)
    if tx.get(Group, EVERYONE_ID) is None:
        tx.insert(Group(id=EVERYONE_ID, name="Everyone", namespace="*"))
    for id_, role_name, object_type, object_id in INITIAL:
        if tx.get(Grant, id_) is None:
            grant_role(tx, EVERYONE_ID, _BY_NAME[role_name].id, object_type, object_id, group=True, id_=id_)
