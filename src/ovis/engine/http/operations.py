"""What every operation of every resource has in common: find, check, run, answer.

Does: list, get, add, update, remove, actions and their polls, from declarations. Does not: authenticate (auth) or write
bytes (rows). Each mutating operation runs, with its permission check, in one write transaction.
Follows: API facts, sections 4 and 6.
"""

import asyncio
import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from ovis.engine.access.ancestry import TABLE_OF, ObjectRef
from ovis.engine.access.check import check, visible_ids
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault, Forbidden, Incomplete, Malformed, NotFound, Refused
from ovis.engine.declare.resource import Action as Verb, AdminOnly, Op, Public, Resource, Started
from ovis.engine.declare.shape import attributes, names_of
from ovis.engine.http.auth import preferences
from ovis.engine.http.follow import Follower, paths_of
from ovis.engine.http.messages import Answer, Request, location
from ovis.engine.http.router import Route
from ovis.engine.http.rows import Rows, object_href
from ovis.engine.model.types import Action, Job
from ovis.engine.store.search import count, search
from ovis.engine.store.session import Reader, Tx
from ovis.engine.wire.codecs import CONTENT_TYPES, Format
from ovis.engine.wire.dialect3 import Context
from ovis.engine.wire.layout import collection_name

VIEWER = "application/x-virt-viewer"
_V3_DETAILS = {
    "disks": ("disk_attachments", "disk"),
    "nics": ("nics",),
    "tags": ("tags",),
    "statistics": ("statistics",),
}


class MethodNotAllowed(Fault):
    """The path exists, the operation does not. allowed: methods that do."""

    status = 405

    def __init__(self, detail: str, *, allowed: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.allowed = tuple(allowed)


@dataclass(slots=True)
class _Found:
    """Rows of a list: keys in order, objects where needed, fragments where kept."""

    rows: list[tuple[str, int, Any]]
    context: Context
    ready: dict[str, bytes]
    cacheable: bool
    total: int | None = None


class Operations:
    """Runs the operations of one composition."""

    def __init__(self, services: Services, rows: Rows) -> None:
        self._services = services
        self._store = services.store
        self._rows = rows
        self._codecs = rows.codecs
        self._follower = Follower(rows.codecs.layout, self.list_subs, self.seen)
        self._keys: dict[tuple[Any, ...], tuple[int, list[tuple[str, int]]]] = {}

    async def run(self, request: Request, route: Route, call: Call, fmt: Format) -> Answer:
        """Answer one request on a route. HEAD is answered like GET; its body is not sent."""
        method = "GET" if request.method == "HEAD" else request.method
        resource = route.resource
        if call.dialect == 3 and not call.principal.administrator and not call.filtered:
            raise Forbidden("Ordinary users must send the header Filter: true.")
        if route.place == "collection":
            if method == "GET" and resource.list is not None:
                return await self._list(request, route, call, fmt)
            if method == "POST" and resource.add is not None:
                return await self._add(request, route, call, fmt)
        elif route.place == "object":
            if method == "GET" and resource.get is not None:
                if request.accepts(VIEWER) and (action := _viewer_action(resource)) is not None:
                    return await self._viewer_file(route, call, action)
                return await self._get(route, call, fmt)
            if method == "PUT" and resource.update is not None:
                return await self._update(request, route, call, fmt)
            if method == "DELETE" and resource.remove is not None:
                return await self._remove(request, route, call, fmt)
        elif route.place == "action" and method == "POST":
            return await self._action(request, route, call, fmt)
        elif route.place in ("poll", "creation") and method == "GET":
            return await self._poll(route, call, fmt)
        raise MethodNotAllowed(f"{request.method} is not possible here.", allowed=_allowed(route))

    # -- reading ---------------------------------------------------------------------------------------------

    async def _get(self, route: Route, call: Call, fmt: Format) -> Answer:
        resource = route.resource
        follow = self._follow_paths(call, resource)
        plain = (
            resource.cacheable
            and resource.derive is None
            and resource.table is not None
            and resource.table.type is resource.type
            and not follow
            and len(route.chain) == 1
            and resource.get is not None
            and resource.get.run is None
            and isinstance(resource.get.needs, (Public, AdminOnly))
            and not (call.dialect == 3 and resource.v3_context)
        )
        if plain and call.principal.administrator and not call.filtered:
            latest = self._store.cache.latest(resource.table.name, call.ids[0])
            if latest is not None:
                key = self._rows.key(resource.table.name, call.ids[0], latest[0], call, fmt)
                fragment = self._rows.get(key)
                if fragment is None:
                    href = object_href(call, self._prefix(route, call), latest[1])
                    fragment = self._rows.encode(
                        latest[1], call, fmt, resource, href, Context(), "  " if fmt == "xml" else ""
                    )
                    self._rows.put(key, fragment)
                return self._one(fragment, fmt)

        def read(rd: Reader) -> tuple[Any, Context]:
            found = self._visible_object(rd, route, call)
            self._may_read(rd, route, call, resource.get)
            if follow:
                found = self._follower.follow(rd, call, [found], resource, follow)[0]
            return found, self._context(rd, resource, call, [found])

        o, context = await self._store.read(read)
        href = object_href(call, self._prefix(route, call), o)
        return self._one(self._rows.encode(o, call, fmt, resource, href, context), fmt)

    def _one(self, fragment: bytes, fmt: Format, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        return Answer(status, self._codecs.document(fragment, fmt), CONTENT_TYPES[fmt], list(headers))

    def _may_read(self, rd: Reader, route: Route, call: Call, op: Op | None, *, collection: bool = False) -> None:
        """Forbidden unless the reading operation's needs are met; who declares none, is read by nobody."""
        needs = op.needs if op is not None else None
        if isinstance(needs, Public):
            return
        self_ref, parent_ref = self._refs(route, call)
        check(rd, call.principal, needs, self_ref=parent_ref if collection else self_ref, parent_ref=parent_ref)

    def _visible_object(self, rd: Reader, route: Route, call: Call) -> Any:
        """The addressed object, if it exists and the caller may see it; its parents likewise."""
        self._visible_parents(
            rd, route, call, len(route.chain) if not route.resource.singleton else len(route.chain) - 1
        )
        return self._object(rd, route, call)

    def _object(self, rd: Reader, route: Route, call: Call) -> Any:
        resource = route.resource
        op = resource.get
        if op is not None and op.run is not None:
            return op.run(rd, call)
        id_ = call.ids[-1]
        if resource.table is not None and resource.table.type is resource.type:
            found = rd.need(resource.type, id_)
            if resource.parent_column is not None:
                column = next(c for c in resource.table.columns if c.name == resource.parent_column)
                if column.read(found) != call.ids[-2]:
                    raise NotFound(f"{resource.type.__name__}: id={id_}")
            return resource.derive(rd, call, [found])[0] if resource.derive else found
        parents = [call.ids[-2]] if len(route.chain) > 1 else [""]
        for found in self.list_subs(rd, call, resource, parents).get(parents[0], ()):
            if str(found.id) == id_:
                return found
        raise NotFound(f"{resource.type.__name__}: id={id_}")

    def _visible_parents(self, rd: Reader, route: Route, call: Call, depth: int) -> None:
        """Every object on the path exists and may be seen."""
        restricted = call.filtered or not call.principal.administrator
        position = 0
        for level, resource in enumerate(route.chain[:depth]):
            if resource.singleton:
                continue
            id_ = call.ids[position]
            position += 1
            last = level == len(route.chain) - 1
            if not last:
                self._object(
                    rd,
                    Route("object", resource, route.chain[: level + 1]),
                    replace_ids(call, call.ids[:position]),
                )
            if restricted and resource.object_type in TABLE_OF:
                seen = visible_ids(rd, call.principal, str(resource.object_type))
                if seen is not None and id_ not in seen:
                    raise NotFound(f"{resource.type.__name__}: id={id_}")

    def seen(self, rd: Reader, call: Call, resource: Resource) -> set[str] | None:
        """Ids of a resource's objects that the caller sees; None means all."""
        if (call.filtered or not call.principal.administrator) and resource.object_type in TABLE_OF:
            return visible_ids(rd, call.principal, str(resource.object_type))
        return None

    def list_subs(self, rd: Reader, call: Call, resource: Resource, parents: Sequence[str]) -> Mapping[str, list[Any]]:
        """Objects of a sub-collection for a set of parents (or of a computed root collection for "")."""
        if resource.list is not None and resource.list.run is not None:
            listed: Mapping[str, list[Any]] = resource.list.run(rd, call, parents)
            return listed
        table = resource.table
        if table is None or table.type is not resource.type:
            return {parent: [] for parent in parents}
        if resource.parent_column is None:
            found = rd.select(resource.type)
            return {"": resource.derive(rd, call, found) if resource.derive else found}
        column = next(c for c in table.columns if c.name == resource.parent_column)
        objects = rd.find(resource.type, **{resource.parent_column: list(parents)})
        if resource.derive is not None:
            objects = resource.derive(rd, call, objects)
        grouped: dict[str, list[Any]] = {parent: [] for parent in parents}
        for o in objects:
            grouped[column.read(o)].append(o)
        return grouped

    async def _list(self, request: Request, route: Route, call: Call, fmt: Format) -> Answer:
        resource = route.resource
        follow = self._follow_paths(call, resource)
        counted = "count=exact" in preferences(request)
        found = await self._store.read(lambda rd: self._fetch(rd, route, call, fmt, follow, counted=counted))
        headers = [] if found.total is None else [("Total-Count", str(found.total))]
        chunks = self._rows.collection(
            call,
            fmt,
            resource,
            self._prefix(route, call),
            found.rows,
            found.context,
            cacheable=found.cacheable,
            ready=found.ready,
        )
        if len(found.rows) <= 100:
            body = b"".join([chunk async for chunk in chunks])
            return Answer(200, body, CONTENT_TYPES[fmt], headers)
        return Answer(200, chunks, CONTENT_TYPES[fmt], headers)

    def _fetch(
        self,
        rd: Reader,
        route: Route,
        call: Call,
        fmt: Format,
        follow: Sequence[tuple[str, ...]],
        *,
        counted: bool = False,
    ) -> _Found:
        resource = route.resource
        self._visible_parents(rd, route, call, len(route.chain) - 1)
        self._may_read(rd, route, call, resource.list, collection=True)
        seen = self.seen(rd, call, resource)
        limit = call.number("max")
        if limit is not None and limit < 0:
            limit = None
        root = len(route.chain) == 1
        computed = resource.list is not None and resource.list.run is not None
        text = call.params.get("search", "")
        if root and resource.table is not None and not computed:
            keys = self._search(rd, resource, call, text, limit, seen)
            found = self._from_keys(rd, resource, call, fmt, keys, follow)
            if counted:
                found.total = self._count(rd, resource, call, text, seen) if limit is not None else len(keys)
            return found
        parent = "" if root else call.ids[-1]
        objects = list(self.list_subs(rd, call, resource, [parent]).get(parent, ()))
        if text.strip() and resource.search is not None:
            order = {id_: n for n, (id_, _) in enumerate(self._search(rd, resource, call, text, None, None))}
            objects = sorted((o for o in objects if o.id in order), key=lambda o: order[o.id])
        if seen is not None:
            objects = [o for o in objects if o.id in seen]
        total = len(objects) if counted else None
        if limit is not None:
            objects = objects[:limit]
        if follow:
            objects = self._follower.follow(rd, call, objects, resource, follow)
        context = self._context(rd, resource, call, objects)
        return _Found([(str(o.id), 0, o) for o in objects], context, {}, False, total)

    def _count(self, rd: Reader, resource: Resource, call: Call, text: str, seen: set[str] | None) -> int:
        """How many a search finds on all its pages."""
        where = self._where(rd, resource, call, seen)
        if resource.search is None:
            return len(rd.select_rows(resource.type, *where, limit=None))
        sensitive = call.flag("case_sensitive")
        return count(rd, resource.search, text, case_sensitive=sensitive, where=where, now=call.now)

    def _where(self, rd: Reader, resource: Resource, call: Call, seen: set[str] | None) -> tuple[Any, ...]:
        """What narrows every search of a list: what the caller sees, and parameters like `from`."""
        table = rd.schema.sql[resource.table.name]
        where: tuple[Any, ...] = (rd.among(table.c.id, seen),) if seen is not None else ()
        extra = resource.list.params if resource.list else ()
        if any(p.name == "from" for p in extra) and (start := call.number("from")) is not None:
            where += (table.c.id > start,)
        return where

    def _search(
        self, rd: Reader, resource: Resource, call: Call, text: str, limit: int | None, seen: set[str] | None
    ) -> list[tuple[str, int]]:
        where = self._where(rd, resource, call, seen)
        if not text.strip() and not where and limit is None:
            counter = rd.counters[resource.table.name]
            memo = self._keys.get((resource.collection,))
            if memo is not None and memo[0] == counter:
                return memo[1]
            keys = self._run_search(rd, resource, "", None, call, ())
            self._keys[(resource.collection,)] = (counter, keys)
            return keys
        return self._run_search(rd, resource, text, limit, call, where)

    def _run_search(
        self, rd: Reader, resource: Resource, text: str, limit: int | None, call: Call, where: tuple[Any, ...]
    ) -> list[tuple[str, int]]:
        if resource.search is not None:
            return search(
                rd,
                resource.search,
                text,
                limit=limit,
                case_sensitive=call.flag("case_sensitive"),
                where=where,
                now=call.now,
            )
        rows = rd.select_rows(resource.type, *where, limit=limit)
        return [(id_, version) for id_, version, _ in rows]

    def _from_keys(
        self,
        rd: Reader,
        resource: Resource,
        call: Call,
        fmt: Format,
        keys: Sequence[tuple[str, int]],
        follow: Sequence[tuple[str, ...]],
    ) -> _Found:
        cacheable = (
            resource.cacheable
            and resource.derive is None
            and not follow
            and not (call.dialect == 3 and resource.v3_context)
        )
        table = resource.table.name
        ready: dict[str, bytes] = {}
        if cacheable:
            for id_, version in keys:
                kept = self._rows.get(self._rows.key(table, id_, version, call, fmt))
                if kept is not None:
                    ready[id_] = kept
        wanted = [id_ for id_, _ in keys if id_ not in ready]
        objects = rd.get_many(resource.type, wanted) if wanted else {}
        if resource.derive is not None or follow:
            ordered = [objects[id_] for id_ in wanted if id_ in objects]
            if resource.derive is not None:
                ordered = resource.derive(rd, call, ordered)
            if follow:
                ordered = self._follower.follow(rd, call, ordered, resource, follow)
            objects = {str(o.id): o for o in ordered}
        rows = [(id_, version, objects.get(id_)) for id_, version in keys if id_ in ready or id_ in objects]
        return _Found(rows, self._context(rd, resource, call, list(objects.values())), ready, cacheable)

    def _context(self, rd: Reader, resource: Resource, call: Call, objects: Sequence[Any]) -> Context:
        if call.dialect != 3 or resource.v3_context is None:
            return Context()
        found: Context = resource.v3_context(rd, objects)
        return found

    def _follow_paths(self, call: Call, resource: Resource) -> list[tuple[str, ...]]:
        paths = paths_of(call.params.get("follow", ""))
        if call.dialect == 3 and call.params.get("detail"):
            words = call.params["detail"].replace("+", " ").replace(",", " ").split()
            known = {row.name for row in attributes(resource.type)}
            details = [_V3_DETAILS[w] for w in words if w in _V3_DETAILS]
            paths += [path for path in details if path[0] in known]  # details of others are ignored
        return paths

    def _prefix(self, route: Route, call: Call) -> str:
        """The href of the collection that the route's object or list belongs to."""
        parts = [call.base]
        position = 0
        for level, resource in enumerate(route.chain):
            parts.append(collection_name(resource, call.dialect) or resource.collection)
            if level < len(route.chain) - 1 and not resource.singleton:
                parts.append(call.ids[position])
                position += 1
        return "/".join(parts)

    # -- writing ---------------------------------------------------------------------------------------------

    def _refs(self, route: Route, call: Call) -> tuple[ObjectRef | None, ObjectRef | None]:
        """(what permissions of the addressed object hang on, those of its owner)."""
        refs: list[ObjectRef | None] = []
        position = 0
        for resource in route.chain:
            known = refs[-1] if refs else None
            if resource.singleton or position >= len(call.ids):
                refs.append(known)
                continue
            id_ = call.ids[position]
            position += 1
            refs.append((resource.object_type, id_) if resource.object_type else known)
        parent = refs[-2] if len(refs) > 1 else None
        return refs[-1], parent

    def _check(self, tx: Reader, route: Route, call: Call, op: Any, body: Any, *, collection: bool = False) -> None:
        depth = len(route.chain) - 1 if collection else len(route.chain)
        self._visible_parents(tx, route, call, depth)
        if not collection:
            self._object(tx, route, call)  # 404 before 403 and 409
        self_ref, parent_ref = self._refs(route, call)
        check(
            tx,
            call.principal,
            op.needs,
            self_ref=parent_ref if collection else self_ref,
            parent_ref=parent_ref,
            body=body,
        )

    async def _body(self, request: Request, type_: type, call: Call) -> tuple[Any, Call]:
        """The body, and the call with what v3 says in the body and v4 in the URL."""
        data = await request.body()
        if not data.strip():
            raise Malformed("A body is needed. For correct usage, see the API guide.")
        return self._read(data, request, type_, call)

    def _read(self, data: bytes, request: Request, type_: type, call: Call) -> tuple[Any, Call]:
        params: dict[str, str] = {}
        body = self._codecs.read(data, fmt=request.body_format(), dialect=call.dialect, type_=type_, params=params)
        return body, _with_params(call, params)

    async def _run(self, op: Any, route: Route, call: Call, body: Any, *, collection: bool = False) -> Any:
        """Check and run, in one transaction; async operations are checked first."""
        if inspect.iscoroutinefunction(op.run):
            await self._store.read(lambda rd: self._check(rd, route, call, op, body, collection=collection))
            return await op.run(self._services, call, body)

        def work(tx: Tx) -> Any:
            self._check(tx, route, call, op, body, collection=collection)
            return op.run(tx, call, body)

        return await self._store.write(work)

    async def _add(self, request: Request, route: Route, call: Call, fmt: Format) -> Answer:
        resource = route.resource
        op = resource.add
        assert op is not None
        body, call = await self._body(request, op.body or resource.type, call)
        _require(body, op, resource, "add")
        result = await self._run(op, route, call, body, collection=True)
        if not isinstance(result, Started):
            return await self._created(route, call, fmt, result, op.status)
        expect = request.headers.get("x-ovirt-expect") or request.headers.get("expect", "")
        if result.wait or "201-created" in expect.lower():
            await self._services.runner.wait(result.command_id)
            return await self._created(route, call, fmt, result.entity, 201)
        return await self._created(route, call, fmt, result.entity, 202, result.command_id)

    async def _created(
        self, route: Route, call: Call, fmt: Format, o: Any, status: int, command_id: str | None = None
    ) -> Answer:
        inner = replace_ids(call, (*call.ids, str(o.id)))
        one = Route("object", route.resource, route.chain, template=route.template)

        def read(rd: Reader) -> tuple[Any, Context]:
            try:
                shown = self._object(rd, one, inner)
            except NotFound:
                shown = o
            return shown, self._context(rd, route.resource, call, [shown])

        shown, context = await self._store.read(read)
        href = object_href(call, self._prefix(one, inner), shown)
        fragment = self._rows.encode(shown, call, fmt, route.resource, href, context)
        if command_id is not None:
            pending = f"{href}/creation_status/{command_id}"
            fragment = self._codecs.with_creation_status(fragment, pending, fmt=fmt, dialect=call.dialect)
        return self._one(fragment, fmt, status, [location(call.origin, href)])

    async def _update(self, request: Request, route: Route, call: Call, fmt: Format) -> Answer:
        resource = route.resource
        op = resource.update
        assert op is not None
        body, call = await self._body(request, op.body or resource.type, call)
        _require(body, op, resource, "update")
        result = await self._run(op, route, call, body)
        if isinstance(result, Started) and (result.wait or not call.flag("async")):
            await self._services.runner.wait(result.command_id)
        return await self._get(route, call, fmt)

    async def _remove(self, request: Request, route: Route, call: Call, fmt: Format) -> Answer:
        resource = route.resource
        op = resource.remove
        assert op is not None
        body: Any = None
        data = await request.body()
        if data.strip():
            body, call = self._removal_body(data, request, resource, call)
        result = await self._run(op, route, call, body)
        if isinstance(result, Started):
            if call.flag("async"):
                return self._complete(Action(status="pending", job=Job(id=result.command_id)), fmt, call)
            await self._services.runner.wait(result.command_id)
        return self._complete(Action(status="complete"), fmt, call)

    def _removal_body(self, data: bytes, request: Request, resource: Resource, call: Call) -> tuple[Any, Call]:
        """v3 sends an `<action>` or the object itself with DELETE, and in it what v4 has as parameters."""
        try:
            body, call = self._read(data, request, Action, call)
        except Malformed:
            body, call = self._read(data, request, resource.type, call)
        params: dict[str, str] = {}
        for name in ("force", "async_"):
            given = getattr(body, name, None)
            if isinstance(given, bool):
                params[name.rstrip("_")] = str(given).lower()
        for name in ("host", "storage_domain"):
            given = getattr(body, name, None)
            if given is not None and (given.id or given.name):
                params[name] = given.id or given.name
        vm = getattr(body, "vm", None)
        if isinstance(body, Action) and vm is not None and vm.disk_attachments is not None:
            params["detach_only"] = "true"
        return body, _with_params(call, params)

    async def _action(self, request: Request, route: Route, call: Call, fmt: Format) -> Answer:
        action = route.action
        assert action is not None
        data = await request.body()
        given = Action()
        if data.strip():
            given, call = self._read(data, request, Action, call)
        _require(given, action, route.resource, action.name, prefix="Action")
        delay = given.grace_period.expiry if given.grace_period and given.grace_period.expiry else 0
        if delay > 0:
            await asyncio.sleep(min(delay, 600_000) / 1000)
        try:
            result = await self._run(action, route, call, given, collection=action.on == "collection")
        except Refused as err:
            err.of_action = True
            raise
        # The posted action comes back, without what is secret.
        answer = replace(
            given, status="complete", fault=None, href=None, id=None, grace_period=None, root_password=None, ssh=None
        )
        if isinstance(result, Action):
            return self._complete(replace(result, status=result.status or "complete"), fmt, call)
        if not isinstance(result, Started):
            return self._complete(answer, fmt, call)
        answer = replace(answer, job=Job(id=result.command_id), **result.result)
        if result.entity is not None:
            answer = replace(answer, **{names_of(type(result.entity)).one: result.entity})
        wanted_async = given.async_ or (given.async_ is None and call.flag("async"))
        if wanted_async:
            return self._pending(answer, route, call, fmt, action, result.command_id)
        if action.sync or result.wait or given.async_ is False:
            await self._services.runner.wait(result.command_id)
        return self._complete(answer, fmt, call)

    def _pending(self, answer: Action, route: Route, call: Call, fmt: Format, action: Verb, command_id: str) -> Answer:
        """202: where to look for the end, what it is about, how to ask again."""
        parent = self._addressed(route, call, action)
        name = (action.v3_name or action.name) if call.dialect == 3 else action.name
        own = f"{parent}/{name}/{command_id}"
        pending = replace(answer, status="pending", id=command_id, href=own)
        fragment = self._codecs.fragment(pending, fmt=fmt, dialect=call.dialect, base=call.base, href=own)
        links = (("parent", parent), ("replay", f"{parent}/{name}"))
        return self._one(self._codecs.with_links(fragment, links, fmt=fmt), fmt, 202, [location(call.origin, own)])

    def _addressed(self, route: Route, call: Call, action: Verb) -> str:
        """The href of what an action is called on: an object, or a collection."""
        prefix = self._prefix(route, call)
        return prefix if action.on == "collection" else f"{prefix}/{call.ids[_objects_in(route) - 1]}"

    def _complete(self, action: Action, fmt: Format, call: Call, status: int = 200) -> Answer:
        fragment = self._codecs.fragment(action, fmt=fmt, dialect=call.dialect, base=call.base, href=action.href)
        return self._one(fragment, fmt, status)

    async def _poll(self, route: Route, call: Call, fmt: Format) -> Answer:
        """Where a pending action or creation stands; a finished action points back to its object."""
        depth = len(route.chain) - (route.action is not None and route.action.on == "collection")
        await self._store.read(lambda rd: self._visible_parents(rd, route, call, depth))
        state = await self._services.runner.state(call.ids[-1])
        if state is None:
            raise NotFound(f"Command: id={call.ids[-1]}")
        if route.place == "creation" or route.action is None:
            body = self._codecs.creation(state, fmt=fmt, dialect=call.dialect)
            return Answer(200, body, CONTENT_TYPES[fmt])
        if state == "complete":
            href = self._addressed(route, call, route.action)
            return Answer(301, b"", CONTENT_TYPES[fmt], [location(call.origin, href)])
        return self._complete(Action(status=state, id=call.ids[-1], job=Job(id=call.ids[-1])), fmt, call)

    async def _viewer_file(self, route: Route, call: Call, action: Verb) -> Answer:
        """GET of a console as a viewer asks for it: the file that opens it."""
        made = await self._run(action, route, call, Action())
        text = made.remote_viewer_connection_file if isinstance(made, Action) else None
        return Answer(200, (text or "").encode(), VIEWER)


def _viewer_action(resource: Resource) -> Verb | None:
    return next((a for a in resource.actions if a.name == "remoteviewerconnectionfile"), None)


def _objects_in(route: Route) -> int:
    """How many ids a route's path has before the action."""
    return sum(not r.singleton for r in route.chain)


def _allowed(route: Route) -> list[str]:
    """Methods of a route."""
    resource = route.resource
    if route.place == "collection":
        found = [("GET", resource.list), ("HEAD", resource.list), ("POST", resource.add)]
    elif route.place == "object":
        found = [("GET", resource.get), ("HEAD", resource.get), ("PUT", resource.update), ("DELETE", resource.remove)]
    else:
        return ["POST"] if route.place == "action" else ["GET", "HEAD"]
    return [method for method, op in found if op is not None]


def replace_ids(call: Call, ids: tuple[str, ...]) -> Call:
    """The same call on another path."""
    return dataclasses.replace(call, ids=ids)


def _with_params(call: Call, params: Mapping[str, str]) -> Call:
    """The call with parameters that the URL does not give."""
    return dataclasses.replace(call, params={**params, **call.params}) if params else call


def _require(body: Any, op: Op | Any, resource: Resource, operation: str, prefix: str | None = None) -> None:
    """Incomplete unless every mandatory path has a value."""
    missing = [path for path in op.mandatory if not any(_has(body, p) for p in path.split("|"))]
    if missing:
        raise Incomplete(prefix or resource.type.__name__, missing, operation)


def _has(body: Any, path: str) -> bool:
    value = body
    for part in path.split("."):
        value = getattr(value, part, None)
        if isinstance(value, list):
            value = value[0] if value else None
        if value is None:
            return False
    return True
