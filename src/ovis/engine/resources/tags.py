"""Tags: the tree at /tags, and the tags of VMs, hosts, templates, users and groups.

Does: tags with a parent, names unique everywhere; `tags_of("vm")` makes a room's sub-collection.
Follows: root tag with the all-zero id, which lists do not show; search by tag includes descendants.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, refuse
from ovis.engine.declare.ids import ROOT_TAG
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Group, Host, Tag, Template, User, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.bodies import TextRule
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table, name_columns

TABLE = Table(
    name="tags",
    type=Tag,
    columns=(*name_columns(), Column(name="parent_id", path="parent.id"), Column(name="description", index=False)),
    unique=(("name_key",),),
)


class Assignment(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A tag on an object."""

    id: str
    tag_id: str
    object_type: str
    object_id: str
    tag_name: str = ""


ASSIGNMENTS = Table(
    name="tag_assignments",
    type=Assignment,
    columns=(
        Column(name="tag_id", references="tags", on_delete="cascade"),
        Column(name="object_id"),
        Column(name="object_type", index=False),
    ),
    unique=(("tag_id", "object_id"),),
)
ADDED = Audit(code=432, severity=LogSeverity.NORMAL, text="Tag {tag} was created by {user}.")
_TYPES: dict[str, Any] = {"vm": Vm, "host": Host, "template": Template, "user": User, "group": Group}
_NAME = TextRule(50, 1, bodies.NAME, "VALIDATION_TAGS_INVALID_TAG_NAME")
_DESCRIPTION = TextRule(4000)


def _check(rd: Reader, tag: Tag) -> None:
    bodies.raise_all(
        bodies.text_refusals(tag.name, "name", _NAME)
        + bodies.text_refusals(tag.description, "description", _DESCRIPTION)
    )
    bodies.require_free_name(rd, Tag, tag.name, "TAGS_SPECIFY_TAG_IS_IN_USE", own_id=tag.id)


def add(tx: Tx, call: Call, body: Tag) -> Tag:
    """POST /tags."""
    parent = bodies.resolve(tx, Tag, body.parent) if body.parent and (body.parent.id or body.parent.name) else None
    made = Tag(
        id=bodies.new_id(),
        name=body.name,
        description=body.description,
        parent=Tag(id=parent.id if parent else ROOT_TAG),
    )
    _check(tx, made)
    tx.insert(made)
    record(tx, ADDED, call=call, tag=made.name)
    return made


def update(tx: Tx, call: Call, body: Tag) -> Tag:
    """PUT /tags/ID: name, description, parent (never below itself)."""
    old = tx.need(Tag, call.ids[-1])
    if old.id == ROOT_TAG:
        raise refuse("TAGS_CANNOT_EDIT_ROOT", "The root tag cannot change.")
    new = bodies.merge(old, body, keep=("parent",))
    if body.parent is not None:
        parent = bodies.resolve(tx, Tag, body.parent)
        if str(parent.id) in descendants(tx, str(old.id)):
            raise refuse(
                "TAGS_SPECIFIED_TAG_CANNOT_BE_THE_PARENT_OF_ITSELF", "A tag cannot lie below itself.", bad=True
            )
        new = replace(new, parent=Tag(id=parent.id))
    _check(tx, new)
    tx.update(new)
    return new


def descendants(rd: Reader, tag_id: str) -> set[str]:
    """A tag and everything below it."""
    found = {tag_id}
    waiting = [tag_id]
    while waiting:
        for child in rd.find(Tag, parent_id=waiting.pop()):
            if child.id not in found:
                found.add(str(child.id))
                waiting.append(str(child.id))
    return found


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /tags/ID, with everything below it."""
    if call.ids[-1] == ROOT_TAG:
        raise refuse("TAGS_CANNOT_REMOVE_ROOT", "The root tag cannot go.")
    tx.need(Tag, call.ids[-1])
    for tag_id in descendants(tx, call.ids[-1]):
        tx.delete(Tag, tag_id)


def _list(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Tag]]:
    return {"": [t for t in rd.find(Tag) if t.id != ROOT_TAG]}


def _assigned(object_type: str) -> Any:
    def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Tag]]:
        rows = [a for a in rd.find(Assignment, object_id=list(parents)) if a.object_type == object_type]
        tags = rd.get_many(Tag, [a.tag_id for a in rows])
        shown: dict[str, list[Tag]] = {parent: [] for parent in parents}
        for row in rows:
            tag = tags[row.tag_id]
            owner = {object_type: _TYPES[object_type](id=row.object_id)} if object_type != "group" else {}
            shown[row.object_id].append(replace(tag, **owner))
        return shown

    return listed


def _assigner(object_type: str) -> Any:
    def assign(tx: Tx, call: Call, body: Tag) -> Tag:
        tag = bodies.resolve(tx, Tag, body)
        owner = call.ids[-1]
        if tx.one(Assignment, tag_id=str(tag.id), object_id=owner) is None:
            tx.insert(
                Assignment(
                    id=bodies.new_id(),
                    tag_id=str(tag.id),
                    object_type=object_type,
                    object_id=owner,
                    tag_name=str(tag.name),
                )
            )
        return tag

    return assign


def _unassign(tx: Tx, call: Call, body: Any) -> None:
    row = tx.one(Assignment, tag_id=call.ids[-1], object_id=call.ids[-2])
    if row is None:
        raise NotFound(f"Tag: id={call.ids[-1]}")
    tx.delete(Assignment, row.id)


def forget_tags(tx: Tx, object_id: str) -> None:
    """Drop the assignments of an object that is going away."""
    for row in tx.find(Assignment, object_id=object_id):
        tx.delete(Assignment, row.id)


def tags_of(object_type: str) -> Resource:
    """`/OBJECTS/ID/tags`; ids there are those of the tags."""
    return Resource(
        type=Tag,
        collection="tags",
        list=Op(run=_assigned(object_type), needs=PUBLIC),
        get=Op(needs=PUBLIC),
        add=Op(run=_assigner(object_type), needs=(Need(Permit.TAG_MANAGEMENT, "system"),), mandatory=("id|name",)),
        remove=Op(run=_unassign, needs=(Need(Permit.TAG_MANAGEMENT, "system"),)),
    )


RESOURCE = Resource(
    type=Tag,
    collection="tags",
    table=TABLE,
    list=Op(run=_list, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=(Need(Permit.TAG_MANAGEMENT, "system"),), mandatory=("name",)),
    update=Op(run=update, needs=(Need(Permit.TAG_MANAGEMENT, "system"),)),
    remove=Op(run=remove, needs=(Need(Permit.TAG_MANAGEMENT, "system"),)),
)
TABLES = (TABLE, ASSIGNMENTS)


def seed(tx: Tx) -> None:
    """The root of the tree."""
    if tx.get(Tag, ROOT_TAG) is None:
        tx.insert(Tag(id=ROOT_TAG, name="root", description="root"))
