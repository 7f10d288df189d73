"""Users, groups and the domains they come from: /users, /groups, /domains.

Does: show and admit users of the internal directory, their roles and permissions. Does not: check passwords (access).
Follows: permits `users`; API facts, section 2.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.access.directory import INTERNAL, INTERNAL_DOMAIN_ID, full_name, split_name
from ovis.engine.access.tables import GROUPS, USERS, Grant, Secret, Token
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import ADMIN, PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import (
    Domain,
    EventSubscription,
    Group,
    Permit as ApiPermit,
    Role,
    SshPublicKey,
    User,
)
from ovis.engine.resources import bodies, cross_search as cross
from ovis.engine.resources.absent import absent
from ovis.engine.resources.permissions import PERMISSIONS_OF_PRINCIPAL, require_another_super_user
from ovis.engine.resources.roles import permits
from ovis.engine.resources.tags import forget_tags, tags_of
from ovis.engine.resources.user_options import OPTIONS_OF_USER, UPDATE_USER
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx

REMOVED = Audit(code=326, severity=LogSeverity.NORMAL, text="User {name} was removed from the system by {user}.")
ADDED = Audit(code=325, severity=LogSeverity.NORMAL, text="User {name} was added by {user}.")
NAME_RULE = bodies.TextRule(255, 1, r"[^\s/@\\]+")
_AUTHZ = f"{INTERNAL}-authz"


def add_user(tx: Tx, call: Call, body: User) -> User:
    """POST /users: admit a user of a directory; an internal one who is not there yet is made, without a password."""
    given = body.user_name or body.principal or body.name or ""
    name, profile = split_name(given)
    profile = profile or (body.domain.name if body.domain and body.domain.name else INTERNAL)
    if profile.removesuffix("-authz") != INTERNAL:
        raise refuse("USER_MUST_EXIST_IN_DIRECTORY", f"There is no directory {profile}.", bad=True)
    bodies.raise_all(bodies.text_refusals(name, "user name", NAME_RULE))
    known = tx.one(User, user_name=full_name(name).lower())
    if known is not None:
        return known
    user_id = bodies.new_id()
    made = tx.insert(
        User(
            id=user_id,
            name=name,
            last_name=body.last_name or "",
            email=body.email,
            department=body.department,
            principal=name,
            user_name=full_name(name),
            namespace="*",
            domain=Domain(id=INTERNAL_DOMAIN_ID, name=_AUTHZ),
            domain_entry_id=user_id,
        )
    )
    record(tx, ADDED, call=call, name=made.user_name)
    return made


def remove_user(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /users/ID, with his permissions and sessions; never oneself."""
    user = tx.need(User, call.ids[-1])
    if user.id == call.principal.user_id:
        raise refuse("USER_CANNOT_REMOVE_HIMSELF", "You cannot remove yourself.")
    grants = tx.find(Grant, principal_id=str(user.id))
    require_another_super_user(tx, grants)
    for grant in grants:
        tx.delete(Grant, grant.id)
    for token in tx.find(Token, user_id=str(user.id)):
        tx.delete(Token, token.id)
    if tx.get(Secret, str(user.id)) is not None:
        tx.delete(Secret, str(user.id))
    forget_tags(tx, str(user.id))
    tx.delete(User, str(user.id))
    record(tx, REMOVED, call=call, name=user.user_name)


def add_group(tx: Tx, call: Call, body: Group) -> Group:
    """POST /groups."""
    bodies.raise_all(bodies.text_refusals(body.name, "name", bodies.TextRule(255, 1)))
    known = tx.one(Group, name_key=(body.name or "").lower())
    return known or tx.insert(
        Group(
            id=bodies.new_id(),
            name=body.name,
            namespace="*",
            domain=Domain(id=INTERNAL_DOMAIN_ID, name=_AUTHZ),
        )
    )


def remove_group(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /groups/ID, with its permissions."""
    group = tx.need(Group, call.ids[-1])
    if group.namespace == "*" and group.name == "Everyone":
        raise refuse("USER_CANNOT_REMOVE_EVERYONE", "Everyone cannot be removed.")
    grants = tx.find(Grant, principal_id=str(group.id))
    require_another_super_user(tx, grants)
    for grant in grants:
        tx.delete(Grant, grant.id)
    forget_tags(tx, str(group.id))
    tx.delete(Group, str(group.id))


def roles_of(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Role]]:
    """Roles that a user or group holds anywhere."""
    shown: dict[str, list[Role]] = {parent: [] for parent in parents}
    grants = rd.find(Grant, principal_id=list(parents))
    roles = rd.get_many(Role, [g.role_id for g in grants])
    for grant in grants:
        role = replace(roles[grant.role_id], permits=None)
        if role not in shown[grant.principal_id]:
            shown[grant.principal_id].append(role)
    return shown


def domains(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Domain]]:
    """The directories."""
    return {"": [Domain(id=INTERNAL_DOMAIN_ID, name=_AUTHZ)]}


def users_of_domain(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[User]]:
    """Users of a directory."""
    return {parent: rd.find(User) if parent == INTERNAL_DOMAIN_ID else [] for parent in parents}


def groups_of_domain(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Group]]:
    """Groups of a directory."""
    return {parent: rd.find(Group) if parent == INTERNAL_DOMAIN_ID else [] for parent in parents}


_ROLES = Resource(
    type=Role,
    collection="roles",
    list=Op(run=roles_of, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    subs=(Resource(type=ApiPermit, collection="permits", list=Op(run=permits, needs=PUBLIC), get=Op(needs=PUBLIC)),),
)


def _as_stored(written: str) -> str:
    """A user name as queries have it: with the profile, with the directory's own name, or alone."""
    if "@" in written:
        return written.removesuffix("-authz")
    return written if "*" in written else full_name(written)


USERS_SEARCH = SearchObject(
    table=USERS,
    prefix="Users",
    fields={
        "name": Field("text", "name"),
        "lastname": Field("text", "last_name"),
        "usrname": Field("text", "user_name", convert=_as_stored),
        "user_and_domain": Field("text", "user_name", convert=_as_stored),
        "department": Field("text", "department"),
        "login": Field("text", "user_name", convert=_as_stored),
        "directory": Field("text", "domain_name"),
        "tag": Field(
            "text",
            via=Join(
                "tag_assignments", "id", "tag_id", "object_id", then=Join("tags", "tag_id", "name", tree="parent_id")
            ),
            free=False,
        ),
    },
    cross={
        "vm": (cross.vms, cross.OF_USERS),
        "template": (cross.templates, cross.OF_USERS),
        "host": (cross.hosts, cross.OF_USERS),
        "event": (cross.events, Join("events", "id", "id", "user_id")),
    },
)
USERS_RESOURCE = Resource(
    type=User,
    collection="users",
    table=USERS,
    search=USERS_SEARCH,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add_user, needs=(Need(Permit.MANIPULATE_USERS, "system"),), mandatory=("user_name|principal|name",)),
    update=UPDATE_USER,
    remove=Op(run=remove_user, needs=(Need(Permit.MANIPULATE_USERS, "system"),)),
    subs=(
        PERMISSIONS_OF_PRINCIPAL,
        _ROLES,
        tags_of("user"),
        absent(SshPublicKey, "sshpublickeys"),
        OPTIONS_OF_USER,
        absent(EventSubscription, "eventsubscriptions"),
        absent(Group, "groups", v3_collection=""),
    ),
)
GROUPS_RESOURCE = Resource(
    type=Group,
    collection="groups",
    table=GROUPS,
    search=SearchObject(
        table=GROUPS, prefix="Groups", fields={"grpname": Field("text", "name"), "name": Field("text", "name")}
    ),
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add_group, needs=(Need(Permit.MANIPULATE_USERS, "system"),), mandatory=("name",)),
    remove=Op(run=remove_group, needs=(Need(Permit.MANIPULATE_USERS, "system"),)),
    subs=(PERMISSIONS_OF_PRINCIPAL, _ROLES, tags_of("group")),
)
DOMAINS_RESOURCE = Resource(
    type=Domain,
    collection="domains",
    list=Op(run=domains, needs=ADMIN),
    get=Op(needs=ADMIN),
    subs=(
        Resource(type=User, collection="users", list=Op(run=users_of_domain, needs=ADMIN), get=Op(needs=ADMIN)),
        Resource(type=Group, collection="groups", list=Op(run=groups_of_domain, needs=ADMIN), get=Op(needs=ADMIN)),
    ),
)
