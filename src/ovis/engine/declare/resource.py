"""The vocabulary in which a room declares its resource: paths, operations, permits, actions, search.

Does: hold declarations as values that `http`, `wire`, generators and generic tests read. Does not: run anything.
An operation without `needs` is refused for everybody (deny if undeclared); `PUBLIC` says "any signed-in user".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ovis.engine.declare.permits import Permit


@dataclass(frozen=True, slots=True)
class Need:
    """A permit that must be held. on: whose permissions count:

    `self` the addressed object, `parent` the object that owns the collection, `system`, or a dotted path of the body
    that names a reference (`cluster`, `disk.storage_domains`; lists: each), or `body:TYPE` when the body itself is the
    reference. when(body): applies only if it is true. A resource without an object type of its own hangs on its owner.
    """

    permit: Permit
    on: str = "self"
    when: Callable[[Any], bool] | None = None


class Public:
    """Marker: any signed-in user (rows are still filtered by visibility)."""


class AdminOnly:
    """Marker: only administrators (anyone holding an administrative role)."""


PUBLIC, ADMIN = Public(), AdminOnly()
Needs = tuple[Need, ...] | Public | AdminOnly


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A URL parameter. type: `bool`, `int` or `str`."""

    name: str
    type: type = bool
    doc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One operation on a collection or an object; `run` is what does it.

    Signatures (sync ones run inside one transaction of the writer, or inside a reader for `list` and `get`):
      list    (rd, call, parents) -> Mapping[parent id, list of objects]; a root collection has the one parent ""
      get     (rd, call) -> object                      ids in call.ids
      add     (tx, call, body) -> object | Started
      update  (tx, call, body) -> object | Started      body holds only what was given
      remove  (tx, call, body | None) -> None | Started
    or `async (services, call, body)` with the same results, for operations that must talk to a host.
    mandatory: dotted names, `a|b` alternatives (`cluster.id|cluster.name`). body: type of the request's body when it is
    not the resource's. asks: further permits that depend on what is stored; `run` itself asks for them (access.require).
    status: what an add answers that is done at once (200: it counts as an edit of the parent).
    """

    run: Callable[..., Any] | None = None
    needs: Needs | None = None
    params: tuple[Param, ...] = ()
    mandatory: tuple[str, ...] = ()
    body: type | None = None
    asks: tuple[Permit, ...] = ()
    status: int = 201
    doc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """POST .../NAME with an `<action>` body: `run(tx, call, action) -> Action | Started | None`, or async with services.

    name: v4 path segment and rel. v3_name: where v3 spells it differently. on: the object or its collection.
    body: the members of `<action>` that it reads. sync: waits for its command unless `<async>true</async>`. asks: as in Op.
    """

    name: str
    run: Callable[..., Any]
    needs: Needs | None = None
    body: tuple[str, ...] = ()
    mandatory: tuple[str, ...] = ()
    on: Literal["object", "collection"] = "object"
    v3_name: str | None = None
    v3: bool = True
    v4: bool = True
    sync: bool = False
    asks: tuple[Permit, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One collection of the API with its objects; `subs` hang below each object.

    type: model type. collection: path segment (and link rel) in v4. v3_collection: its v3 spelling, None = same,
    "" = not in v3. object_type: what permissions are attached to (`vm`, `disk`, ...); None: those of the parent object.
    table: the store's table (ovis.engine.store.tables.Table) of rows that are this very type; None when the rows are
    computed by `list`. parent_column: in a sub-collection, the column that holds the parent's id.
    search: SearchObject (ovis.engine.store.search) or None. prefix: search prefix of the REST layer (`VMs`).
    derive: fills computed attributes of a whole set at once: (rd, call, objects) -> objects.
    cacheable: encoded rows depend on (id, version) alone; False when derive shows live values.
    link: shown as a link of the root or the parent. singleton: no collection, one object at this path.
    v3_context: what v3's shims need of the store for a set of objects: (rd, objects) -> wire.dialect3.Context.
    """

    type: Any
    collection: str
    v3_collection: str | None = None
    object_type: str | None = None
    table: Any = None
    parent_column: str | None = None
    search: Any = None
    list: Op | None = None
    get: Op | None = None
    add: Op | None = None
    update: Op | None = None
    remove: Op | None = None
    actions: tuple[Action, ...] = ()
    subs: tuple["Resource", ...] = ()
    derive: Callable[..., Any] | None = None
    cacheable: bool = True
    link: bool = True
    in_v4: bool = True
    singleton: bool = False
    v3_context: Callable[..., Any] | None = None
    doc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An operation that began a command. entity: the object as it stands now (an add answers it); None for actions.

    wait: the answer waits for the command's end unless the client asked for async.
    """

    command_id: str
    entity: Any = None
    wait: bool = False
    result: Mapping[str, Any] = field(default_factory=dict)


def collect(resources: Sequence[Resource]) -> Sequence[tuple[str, Resource]]:
    """Every resource with its path template, depth first: `/vms`, `/vms/{id}/nics`, ..."""
    rows: list[tuple[str, Resource]] = []

    def walk(prefix: str, found: Sequence[Resource]) -> None:
        for resource in found:
            path = f"{prefix}/{resource.collection}"
            rows.append((path, resource))
            walk(path if resource.singleton else path + "/{id}", resource.subs)

    walk("", resources)
    return rows
