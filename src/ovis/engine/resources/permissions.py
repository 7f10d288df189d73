"""Permissions: /permissions, and those of every object that has some.

Does: show grants as the API's permissions, give and take them under the original's rules. `permissions_of("vm")` makes
the sub-collection of a room. Does not: decide what a role allows (access).
Follows: permission rules of engine 4.5.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.access.ancestry import lineages
from ovis.engine.access.grants import grant_role, holds
from ovis.engine.access.predefined import EVERYONE_ID, SUPER_USER, SYSTEM_ID
from ovis.engine.access.tables import Grant
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Forbidden, NotFound, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import ADMIN, PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import (
    Cluster,
    DataCenter,
    Disk,
    Group,
    Host,
    Permission,
    Role,
    StorageDomain,
    Template,
    User,
    Vm,
    VmPool,
)
from ovis.engine.resources import bodies
from ovis.engine.store.session import Reader, Tx

_SHOWN: dict[str, Any] = {
    "vm": Vm,
    "host": Host,
    "cluster": Cluster,
    "data_center": DataCenter,
    "disk": Disk,
    "template": Template,
    "storage_domain": StorageDomain,
    "vm_pool": VmPool,
}
ADDED = Audit(code=850, severity=LogSeverity.NORMAL, text="{user} granted role {role} to {principal}.")
REMOVED = Audit(code=852, severity=LogSeverity.NORMAL, text="{user} revoked role {role} from {principal}.")


def shown(grant: Grant) -> Permission:
    """A grant as the API shows it."""
    references: dict[str, Any] = {}
    type_ = _SHOWN.get(grant.object_type)
    if type_ is not None:
        references[grant.object_type] = type_(id=grant.object_id)
    holder = {"group": Group(id=grant.principal_id)} if grant.group else {"user": User(id=grant.principal_id)}
    return Permission(id=grant.id, role=Role(id=grant.role_id), **holder, **references)


def give(tx: Tx, call: Call, body: Permission, object_type: str, object_id: str) -> Permission:
    """Grant a role; administrative ones only by a SuperUser of the system."""
    if object_type == "vm" and tx.need(Vm, object_id).vm_pool is not None:
        raise refuse(
            "PERMISSION_ADD_FAILED_VM_IN_POOL",
            "Permissions on a VM of a pool come and go with its use.",
            "Give them on the pool, or detach the VM.",
        )
    role = bodies.resolve(tx, Role, body.role)
    is_group = body.group is not None
    holder: Any = bodies.resolve(tx, Group, body.group) if is_group else bodies.resolve(tx, User, body.user)
    _may_handle(tx, call, role)
    grant = grant_role(tx, str(holder.id), str(role.id), object_type, object_id, group=is_group)
    record(tx, ADDED, call=call, role=role.name, principal=holder.name)
    return shown(grant)


def _may_handle(rd: Reader, call: Call, role: Role) -> None:
    if role.administrative and not _super(rd, call):
        raise Forbidden("Only a SuperUser on the system may give or take administrative roles.")


def _super(rd: Reader, call: Call) -> bool:
    return bool(
        rd.one(
            Grant,
            principal_id=(call.principal.user_id, *call.principal.groups),
            role_id=SUPER_USER,
            object_id=SYSTEM_ID,
        )
    )


def require_another_super_user(rd: Reader, going: Sequence[Grant]) -> None:
    """Refuse if nobody would be SuperUser of the system once these permissions are gone."""
    known = {g.id for g in rd.find(Grant, role_id=SUPER_USER, object_id=SYSTEM_ID)}
    if known and known <= {g.id for g in going}:
        raise refuse("ERROR_CANNOT_REMOVE_LAST_SUPER_USER_ROLE", "The last SuperUser of the system cannot go.")


def take(tx: Tx, call: Call, body: Any) -> None:
    """Revoke a permission: never the last SuperUser, nor everyone's on the system."""
    grant = tx.need(Grant, call.ids[-1])
    role = tx.need(Role, grant.role_id)
    _may_handle(tx, call, role)
    require_another_super_user(tx, [grant])
    if grant.principal_id == EVERYONE_ID and grant.object_id == SYSTEM_ID:
        raise refuse("SYSTEM_PERMISSIONS_CANT_BE_REMOVED_FROM_EVERYONE", "Everyone keeps this permission.")
    if not holds(tx, call.principal, Permit.MANIPULATE_PERMISSIONS, grant.object_type, grant.object_id):
        raise Forbidden("User is not authorized to perform this action.")
    tx.delete(Grant, grant.id)
    record(tx, REMOVED, call=call, role=role.name, principal=grant.principal_id)


def _list_of(object_type: str) -> Any:
    def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Permission]]:
        refs = lineages(rd, object_type, parents)
        grants = rd.find(Grant, object_id=sorted({id_ for found in refs.values() for _, id_ in found}))
        return {p: [shown(g) for g in grants if (g.object_type, g.object_id) in refs[p]] for p in parents}

    return listed


def _adder(object_type: str) -> Any:
    def add(tx: Tx, call: Call, body: Permission) -> Permission:
        return give(tx, call, body, object_type, call.ids[-1])

    return add


def _get(rd: Reader, call: Call) -> Permission:
    return shown(rd.need(Grant, call.ids[-1]))


def permissions_of(object_type: str) -> Resource:
    """`/OBJECTS/ID/permissions` of one object type."""
    return Resource(
        type=Permission,
        collection="permissions",
        list=Op(run=_list_of(object_type), needs=PUBLIC),
        get=Op(run=_get, needs=PUBLIC),
        add=Op(
            run=_adder(object_type),
            needs=(Need(Permit.MANIPULATE_PERMISSIONS, "parent"),),
            mandatory=("role.id|role.name", "user.id|user.name|group.id|group.name"),
        ),
        remove=Op(run=take, needs=PUBLIC),  # checked on the object that the permission is about
    )


def _all(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Permission]]:
    return {"": [shown(g) for g in rd.find(Grant, object_id=SYSTEM_ID)]}


def _add_system(tx: Tx, call: Call, body: Permission) -> Permission:
    for object_type in _SHOWN:
        reference = getattr(body, object_type, None)
        if reference is not None:
            target: Any = bodies.resolve(tx, _SHOWN[object_type], reference)
            return give(tx, call, body, object_type, str(target.id))
    return give(tx, call, body, "system", SYSTEM_ID)


RESOURCE = Resource(
    type=Permission,
    collection="permissions",
    list=Op(run=_all, needs=ADMIN),
    get=Op(run=_get, needs=ADMIN),
    add=Op(
        run=_add_system,
        needs=(Need(Permit.MANIPULATE_PERMISSIONS, "system"),),
        mandatory=("role.id|role.name", "user.id|user.name|group.id|group.name"),
    ),
    remove=Op(run=take, needs=PUBLIC),
)


def _of_principals(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Permission]]:
    found: dict[str, list[Permission]] = {parent: [] for parent in parents}
    for grant in rd.find(Grant, principal_id=list(parents)):
        found[grant.principal_id].append(shown(grant))
    return found


def _add_for_principal(tx: Tx, call: Call, body: Permission) -> Permission:
    user = tx.get(User, call.ids[-1])
    if user is None and tx.get(Group, call.ids[-1]) is None:
        raise NotFound(f"User: id={call.ids[-1]}")
    holder: dict[str, Any] = {"user": user, "group": None} if user else {"user": None, "group": Group(id=call.ids[-1])}
    return _add_system(tx, call, replace(body, **holder))


PERMISSIONS_OF_PRINCIPAL = Resource(
    type=Permission,
    collection="permissions",
    list=Op(run=_of_principals, needs=PUBLIC),
    get=Op(run=_get, needs=PUBLIC),
    add=Op(
        run=_add_for_principal, needs=(Need(Permit.MANIPULATE_PERMISSIONS, "system"),), mandatory=("role.id|role.name",)
    ),
    remove=Op(run=take, needs=PUBLIC),
)
__all__ = ["PERMISSIONS_OF_PRINCIPAL", "RESOURCE", "permissions_of"]
