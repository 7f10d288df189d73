"""Tables of users, groups, roles, grants, secrets and tokens."""

from datetime import datetime, timedelta

from msgspec import Struct

from ovis.engine.model.types import Group, Role, User
from ovis.engine.store.tables import Column, Table, name_columns


class Grant(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A role held by a user or group on an object: what the API calls a permission."""

    id: str
    principal_id: str
    group: bool = False
    role_id: str
    object_type: str
    object_id: str


class Secret(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """How an internal user proves who he is. id: the user's. hash: argon2id."""

    id: str
    hash: str


class Failures(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Failed attempts in a row for a name, whether there is such a user or not. id: SHA-256 of the name, in hex."""

    id: str
    count: int
    last: datetime
    locked_until: datetime | None = None


class Token(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A signed-in session. id: SHA-256 of the token, in hex. scope: space separated. kind: bearer or cookie.

    csrf: its id must be repeated in a header.
    """

    id: str
    user_id: str
    scope: str
    created: datetime
    used: datetime
    idle_seconds: int
    kind: str = "bearer"
    csrf: bool = False


USERS = Table(
    name="users",
    type=User,
    columns=(
        *name_columns(),
        Column(name="user_name", key=True, unique=True),
        Column(name="last_name", index=False),
        Column(name="department", index=False),
        Column(name="email", index=False),
        Column(name="namespace", index=False),
        Column(name="domain_name", path="domain.name", index=False),
    ),
)
GROUPS = Table(name="groups", type=Group, columns=name_columns())
ROLES = Table(name="roles", type=Role, columns=name_columns(), unique=(("name_key",),))
GRANTS = Table(
    name="permissions",
    type=Grant,
    columns=(
        Column(name="principal_id"),
        Column(name="role_id", references="roles"),
        Column(name="object_type", index=False),
        Column(name="object_id"),
    ),
    unique=(("principal_id", "role_id", "object_type", "object_id"),),
)
SECRETS = Table(name="user_secrets", type=Secret)
FAILURES = Table(name="sign_in_failures", type=Failures, columns=(Column(name="last", kind="time"),))
TOKENS = Table(
    name="tokens",
    type=Token,
    columns=(
        Column(name="user_id"),
        Column(name="expires", kind="time", value=lambda token: token.used + timedelta(seconds=token.idle_seconds)),
    ),
)
TABLES = (USERS, GROUPS, ROLES, GRANTS, SECRETS, FAILURES, TOKENS)
