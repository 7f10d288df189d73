"""What front ends keep for a user: /users/ID/options, and `user_options` of PUT /users/ID.

Does: named values in JSON, one's own; administrators see and change everybody's. Does not: know what they mean.
Follows: user profile properties of engine 4.5. Changing one in place (PUT) is ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from ovis.engine.access.grants import holds
from ovis.engine.access.predefined import SYSTEM_ID
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Forbidden, Immutable, Kind, NotFound, Refusal, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.model.types import User, UserOption
from ovis.engine.resources import bodies
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table

MOST_OPTIONS = 200  # of one user
LONGEST = 256 * 1024  # characters
_NAME = bodies.TextRule(255, 1)
TABLE = Table(
    name="user_options",
    type=UserOption,
    columns=(
        Column(name="user_id", path="user.id", references="users", on_delete="cascade"),
        Column(name="name", index=False),
    ),
    unique=(("user_id", "name"),),
)


def _is_his(rd: Reader, call: Call, user_id: str) -> bool:
    """Oneself, or who administers users."""
    own = user_id == call.principal.user_id
    return own or holds(rd, call.principal, Permit.MANIPULATE_USERS, "system", SYSTEM_ID)


def _may(rd: Reader, call: Call, user_id: str) -> None:
    if not _is_his(rd, call, user_id):
        raise Forbidden("The options of others are not yours.")


def _checked(name: str | None, content: str | None) -> None:
    reasons = bodies.text_refusals(name, "name", _NAME)
    if content is None or len(content) > LONGEST:
        text = f"The content of an option is JSON of at most {LONGEST} characters."
        reasons.append(Refusal("VALIDATION_USER_PROFILE_PROPERTY_TOO_LONG", text, kind=Kind.BAD))
    else:
        try:
            msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as err:
            text = f"The content of option {name} is no JSON: {err}"
            reasons.append(Refusal("VALIDATION_USER_PROFILE_PROPERTY_JSON", text, kind=Kind.BAD))
    bodies.raise_all(reasons)


def _list(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[UserOption]]:
    found: dict[str, list[UserOption]] = {parent: [] for parent in parents}
    mine = [p for p in parents if p == call.principal.user_id]
    others = (
        holds(rd, call.principal, Permit.MANIPULATE_USERS, "system", SYSTEM_ID) if len(mine) < len(parents) else True
    )
    for option in rd.find_in_order(UserOption, ("name",), user_id=list(parents) if others else mine):
        if option.user is not None:  # each has one, as its column says
            found[str(option.user.id)].append(option)
    return found


def _get(rd: Reader, call: Call) -> UserOption:
    return _option(rd, call)


def _option(rd: Reader, call: Call) -> UserOption:
    option = rd.need(UserOption, call.ids[1])
    if option.user is None or option.user.id != call.ids[0] or not _is_his(rd, call, call.ids[0]):
        raise NotFound(f"UserOption: id={call.ids[1]}")
    return option


def _insert(tx: Tx, user_id: str, name: str | None, content: str | None) -> UserOption:
    _checked(name, content)
    if tx.count(UserOption, user_id=user_id) >= MOST_OPTIONS:
        raise refuse("USER_PROFILE_TOO_MANY_PROPERTIES", f"A user has at most {MOST_OPTIONS} options.", "Remove some.")
    return tx.insert(UserOption(id=bodies.new_id(), name=name, content=content, user=User(id=user_id)))


def add(tx: Tx, call: Call, body: UserOption) -> UserOption:
    """POST: names are unique."""
    user = tx.need(User, call.ids[0])
    _may(tx, call, str(user.id))
    if tx.count(UserOption, user_id=str(user.id), name=body.name or ""):
        raise refuse(
            "ACTION_TYPE_FAILED_PROFILE_PROPERTY_ALREADY_EXISTS",
            f"There is already an option {body.name}.",
            "Change it.",
        )
    return _insert(tx, str(user.id), body.name, body.content)


def update(tx: Tx, call: Call, body: UserOption) -> UserOption:
    """PUT: the content, for the name stays."""
    old = _option(tx, call)
    if body.name is not None and body.name != old.name:
        raise refuse("ACTION_TYPE_FAILED_PROFILE_PROPERTY_NAME", "An option's name cannot change.", bad=True)
    new = replace(old, content=body.content if body.content is not None else old.content)
    _checked(new.name, new.content)
    return tx.update(new) if new != old else old


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE."""
    tx.delete(UserOption, str(_option(tx, call).id))


def update_user(tx: Tx, call: Call, body: User) -> User:
    """PUT /users/ID: `user_options` as a whole: new ones are added, others changed, those not given removed."""
    user = tx.need(User, call.ids[0])
    _may(tx, call, str(user.id))
    for attribute in ("name", "user_name", "last_name", "email", "department", "principal", "namespace"):
        wanted = getattr(body, attribute)
        if wanted is not None and wanted != (getattr(user, attribute) or ""):
            raise Immutable(f"The {attribute.replace('_', ' ')} of a user is his directory's.")
    if body.user_options is None:
        return user
    given = {option.name: option.value for option in body.user_options}
    known = {option.name: option for option in tx.find(UserOption, user_id=str(user.id))}
    for name, option in known.items():
        if name not in given:
            tx.delete(UserOption, str(option.id))
        elif given[name] != option.content:
            _checked(name, given[name])
            tx.update(replace(option, content=given[name]))
    for name, content in given.items():
        if name not in known:
            _insert(tx, str(user.id), name, content)
    return user


_EDIT = (Need(Permit.EDIT_PROFILE, "system"),)
OPTIONS_OF_USER = Resource(
    type=UserOption,
    collection="options",
    table=TABLE,
    list=Op(run=_list, needs=PUBLIC),
    get=Op(run=_get, needs=PUBLIC),
    add=Op(run=add, needs=_EDIT, mandatory=("content", "name")),
    update=Op(run=update, needs=_EDIT),
    remove=Op(run=remove, needs=_EDIT),
)
UPDATE_USER = Op(run=update_user, needs=_EDIT)
