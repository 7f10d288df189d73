"""`follow=nics,disk_attachments.disk`: linked objects inline, fetched by sets.

Does: walk dotted paths over a set of objects; one fetch per step, whatever the number of objects.
Follows: API facts, section 4 (names match ignoring case and `_`; `max` is not applied inside).
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault
from ovis.engine.declare.resource import Op, Public, Resource
from ovis.engine.declare.shape import Attribute, attributes
from ovis.engine.store.session import Reader
from ovis.engine.wire.layout import Layout


def paths_of(text: str) -> list[tuple[str, ...]]:
    """The dotted paths of a parameter's value."""
    found = (tuple(p for p in path.strip().split(".") if p) for path in text.split(","))
    return [path for path in found if path]


def _flat(name: str) -> str:
    return name.replace("_", "").lower()


def _attribute(type_: type, name: str) -> Attribute:
    wanted = _flat(name)
    for row in attributes(type_):
        if row.kind == "struct" and (_flat(row.name) == wanted or (row.rel and _flat(row.rel) == wanted)):
            return row
    raise Fault(f"The path {name} cannot be followed: {type_.__name__} has no such link.", reason="Invalid value")


def _readable(call: Call, op: Op | None) -> bool:
    """Whether the caller may read by this operation without a look at single objects."""
    needs = op.needs if op is not None else None
    return isinstance(needs, Public) or (bool(needs) and call.principal.administrator)


class Follower:
    """Follows paths for one composition. `list_subs(rd, call, resource, parents)` fetches a sub-collection by sets.

    `seen(rd, call, resource)`: ids of the objects that the caller sees, None for all. What he does not see, or may not
    read, stays a link.
    """

    def __init__(self, layout: Layout, list_subs: Any, seen: Any) -> None:
        self._layout = layout
        self._list_subs = list_subs
        self._seen = seen

    def follow(
        self, rd: Reader, call: Call, found: Sequence[Any], resource: Resource, paths: Sequence[tuple[str, ...]]
    ) -> list[Any]:
        """The objects with what the paths lead to inline."""
        grouped: dict[str, list[tuple[str, ...]]] = {}
        for path in paths:
            row = _attribute(resource.type, path[0])
            grouped.setdefault(row.name, []).append(path[1:])
        objects = list(found)
        for name, rest in grouped.items():
            row = next(r for r in attributes(resource.type) if r.name == name)
            deeper = [p for p in rest if p]
            if row.many and row.rel:
                objects = self._follow_sub(rd, call, objects, resource, row, deeper)
            else:
                objects = self._follow_link(rd, call, objects, row, deeper)
        return objects

    def _follow_sub(
        self,
        rd: Reader,
        call: Call,
        objects: list[Any],
        resource: Resource,
        row: Attribute,
        deeper: Sequence[tuple[str, ...]],
    ) -> list[Any]:
        sub = next((s for s in resource.subs if s.collection == row.rel), None) or self._layout.sub(
            resource.type, row.rel or ""
        )
        if sub is None or not _readable(call, sub.list):
            return objects
        lists = self._list_subs(rd, call, sub, [str(o.id) for o in objects])
        seen = self._seen(rd, call, sub)
        if seen is not None:
            lists = {parent: [c for c in children if c.id in seen] for parent, children in lists.items()}
        if deeper:
            flat = [child for children in lists.values() for child in children]
            followed = iter(self.follow(rd, call, flat, sub, deeper))
            lists = {parent: [next(followed) for _ in children] for parent, children in lists.items()}
        return [replace(o, **{row.name: list(lists.get(str(o.id), ()))}) for o in objects]

    def _follow_link(
        self, rd: Reader, call: Call, objects: list[Any], row: Attribute, deeper: Sequence[tuple[str, ...]]
    ) -> list[Any]:
        resource = self._layout.by_type.get(row.type)
        ids = []
        for o in objects:
            value = getattr(o, row.name)
            members = value if isinstance(value, list) else [value] if value is not None else []
            ids += [m.id for m in members if m.id]
        if not ids or resource is None or not _readable(call, resource.get):
            return objects
        seen = self._seen(rd, call, resource)
        if seen is not None:
            ids = [i for i in ids if i in seen]
        if resource.table is not None and resource.table.type is row.type:
            fetched = rd.get_many(row.type, ids)
            if resource.derive is not None:
                fetched = {str(o.id): o for o in resource.derive(rd, call, list(fetched.values()))}
        elif resource.list is not None and resource.list.run is not None and resource in self._layout.roots:
            wanted = set(ids)
            fetched = {str(o.id): o for o in resource.list.run(rd, call, [""]).get("", []) if str(o.id) in wanted}
        else:
            return objects
        if deeper:
            fetched = {str(o.id): o for o in self.follow(rd, call, list(fetched.values()), resource, deeper)}
        out = []
        for o in objects:
            value = getattr(o, row.name)
            if isinstance(value, list):
                out.append(replace(o, **{row.name: [fetched.get(m.id, m) for m in value]}))
            else:
                out.append(replace(o, **{row.name: fetched.get(value.id, value)}) if value is not None else o)
        return out
