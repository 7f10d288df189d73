"""The operations of dialect 3, as values: what `?rsdl`, the SDK, the shell and their documentation are made from.

Does: walk the declarations as dialect 3 spells them; say for each operation its address, parameters, body and answer.
Does not: write a document. Follows: API facts, section 7 (RSDL).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ovis.engine.declare.resource import Action, Op, Param, Resource
from ovis.engine.model import types as model
from ovis.engine.wire.facts3 import names3
from ovis.engine.wire.layout import collection_name
from ovis.engine.wire.schema3 import Property3, Schema3, Type3, list_name, type_name

# What the engine says and nobody gives, whatever the type.
OUTPUT = frozenset(
    """actions actual_size available certificate committed creation_status creation_time date external_status guest_info
    guest_operating_system guest_time_zone hardware_information image_id job katello_errata kdump_status last_updated
    libvirt_version live_snapshot_support logged_in logical_name max_scheduling_memory next_run_configuration_exists
    numa_supported auto_numa_status reported_configurations reported_devices run_once selinux snapshot_status spm
    start_time statistics status status_detail stop_reason stop_time summary supported_versions update_available
    used fault floppies sessions applications host_devices host_numa_nodes graphics_consoles hosted_engine
    optional_reason mutable default_policy locked master owner external steps device_passthrough""".split()
)
# The same, where it depends on whose property it is.
_OUTPUT_PATHS = ("disk.type", "nic.port_mirroring")
_ONLY_INSIDE = ("scheduling_policy.thresholds",)  # read in a cluster, not in a policy
_PLAIN_LISTS = ("template.disks",)  # without the flags that the list has elsewhere
_DEEPEST = 4
_WORDS = re.compile(r"[A-Z]{2,}s?(?![a-z])|[A-Z][a-z0-9]*|[A-Z]+")


@dataclass(frozen=True, slots=True)
class Parameter3:
    """One parameter. name: dotted, `vm.cluster.id|name` for alternatives. kind: as Property3, or `collection` with members."""

    name: str
    kind: str
    required: bool = False
    members: tuple["Parameter3", ...] = ()


@dataclass(frozen=True, slots=True)
class UrlParameter3:
    """One parameter of the address. context: `matrix` or `query`."""

    name: str
    kind: str
    context: str
    doc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation3:
    """One operation. rel: get, add, update, delete or the action's name. body, answer: names of types, "" for none."""

    href: str
    rel: str
    method: str
    doc: str
    body: str = ""
    answer: str = ""
    parameters: tuple[Parameter3, ...] = ()
    url: tuple[UrlParameter3, ...] = ()
    headers: tuple[str, ...] = ()
    chain: tuple[Resource, ...] = field(default=(), repr=False)


def singular(segment: str) -> str:
    """The name of one member of a collection, as in `{vm:id}`."""
    if segment in ("katelloerrata", "storage"):
        return segment
    if segment.endswith("ies"):
        return segment[:-3] + "y"
    return segment.removesuffix("s")


def words(type3: str) -> str:
    """A type's name for people: `storage domain`, `VM`."""
    parts = _WORDS.findall(type3)
    return " ".join(part if part[:2].isupper() else part.lower() for part in parts)


class Description3:
    """Types and operations of a composition in dialect 3."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.resources = resources
        found = list(_walk(resources, "", ()))
        roots: list[type] = [model.Api, model.Action, model.Fault]
        bodies = [op.body for _, _, r in found for op in (r.add, r.update, r.remove) if op is not None and op.body]
        self.schema = Schema3([*roots, *(chain[-1].type for _, chain, _ in found), *bodies])
        for _, chain, _ in found:
            self.schema.list_of(chain[-1].type)
        self.schema.types = dict(sorted(self.schema.types.items()))
        self.operations: tuple[Operation3, ...] = tuple(
            op for href, chain, resource in found for op in self._of(href, chain, resource)
        )

    def _of(self, href: str, chain: tuple[Resource, ...], r: Resource) -> Iterator[Operation3]:
        one = href if r.singleton else f"{href}/{{{singular(href.rpartition('/')[2])}:id}}"
        name, many = type_name(r.type), list_name(r.type)
        said = words(name)
        reads = ("Filter", "All-Content")
        if r.list is not None and not r.singleton:
            yield Operation3(
                href=href,
                rel="get",
                method="GET",
                doc=r.list.doc or f"List the {words(many)}.",
                answer=many,
                url=_list_url(r, r.list),
                headers=reads,
                chain=chain,
            )
        if r.get is not None or (r.list is not None and not r.singleton):
            yield Operation3(
                href=one,
                rel="get",
                method="GET",
                doc=(r.get.doc if r.get else "") or f"Read one {said}.",
                answer=name,
                url=_url(r.get),
                headers=reads,
                chain=chain,
            )
        if r.add is not None:
            yield self._write(href, "add", "POST", chain, r, r.add, f"Add a {said}.", name)
        if r.update is not None:
            yield self._write(one, "update", "PUT", chain, r, r.update, f"Change a {said}.", name)
        if r.remove is not None:
            body = (Parameter3("action.async", "boolean"),) if r.remove.body is None else ()
            yield Operation3(
                href=one,
                rel="delete",
                method="DELETE",
                doc=r.remove.doc or f"Remove a {said}.",
                body="Action" if r.remove.body is None else type_name(r.remove.body),
                parameters=body,
                url=(UrlParameter3("async", "boolean", "matrix", "answer before it is done"), *_url(r.remove)),
                chain=chain,
            )
        for action in r.actions:
            if action.v3:
                spelled = action.v3_name or action.name
                yield self._action(href if action.on == "collection" else one, spelled, chain, action, said)

    def _write(
        self, href: str, rel: str, method: str, chain: tuple[Resource, ...], r: Resource, op: Op, doc: str, answer: str
    ) -> Operation3:
        body = op.body or r.type
        type3 = self.schema.of(body)
        element = names3(body)[0]
        required = self._required(op.mandatory, element, type3)
        return Operation3(
            href=href,
            rel=rel,
            method=method,
            doc=op.doc or doc,
            body=type3.name,
            answer=answer,
            parameters=(*required, *self._optional(type3, element, _settled(required))),
            url=_url(op)
            if rel == "add"
            else (UrlParameter3("async", "boolean", "matrix", "answer before it is done"), *_url(op)),
            headers=("Expect", "Correlation-Id"),
            chain=chain,
        )

    def _action(self, href: str, name: str, chain: tuple[Resource, ...], action: Action, said: str) -> Operation3:
        type3 = self.schema.types["Action"]
        required = self._required(action.mandatory, "action", type3)
        given = _settled(required)
        optional: list[Parameter3] = []
        for member in action.body:
            prop = type3.get(member)
            if prop is not None:
                optional += self._property(prop, "action", 0, given, open_=member == "vm")
        seen = {p.name for p in optional} | {p.name for p in required}
        if "action.async" not in seen:
            optional.append(Parameter3("action.async", "boolean"))
        return Operation3(
            href=f"{href}/{name}",
            rel=name,
            method="POST",
            doc=action.doc or f"Action {name} of a {said}.",
            body="Action",
            answer="Action",
            parameters=(*required, *optional),
            url=(UrlParameter3("async", "boolean", "matrix", "answer before it is done"),),
            headers=("Correlation-Id",),
            chain=chain,
        )

    def _required(self, mandatory: Sequence[str], element: str, type3: Type3) -> tuple[Parameter3, ...]:
        """`cluster.id|cluster.name` is `vm.cluster.id|name`; alternatives of other shapes stand as they are."""
        found = []
        for given in mandatory:
            head, *others = given.split("|")
            stem = head.rpartition(".")[0]
            same = all(o.rpartition(".")[0] == stem for o in others)
            tails = (head, *(o.rpartition(".")[2] for o in others))
            name = f"{element}.{'|'.join(tails)}" if same else "|".join(f"{element}.{g}" for g in (head, *others))
            found.append(self._of_kind(name, head.split("."), type3))
        return tuple(found)

    def _of_kind(self, name: str, path: Sequence[str], type3: Type3) -> Parameter3:
        """A mandatory parameter with the kind that its property has; a list has its members."""
        prop = None
        at: Type3 | None = type3
        for part in path:
            prop = at.get(part) if at is not None else None
            at = self.schema.types.get(prop.kind) if prop is not None else None
            if at is not None and at.wraps and part != path[-1]:
                at = self.schema.types.get(at.wraps)
        if prop is None:
            return Parameter3(name, "string", required=True)
        if at is not None and at.wraps and "|" not in name:
            (found,) = self._members(f"{name}.{at.properties[0].name}", at.properties[0], None)
            return Parameter3(found.name, found.kind, required=True, members=found.members)
        return Parameter3(name, prop.kind, required=True)

    def _optional(self, type3: Type3, prefix: str, given: set[str]) -> list[Parameter3]:
        found: list[Parameter3] = []
        for prop in type3.properties:
            found += self._property(prop, prefix, 0, given)
        return found

    def _property(
        self, prop: Property3, prefix: str, depth: int, given: set[str], *, open_: bool = False
    ) -> Iterator[Parameter3]:
        """Parameters of one property. open_: a whole object is read, not a reference."""
        name = f"{prefix}.{prop.name}"
        if prop.name in OUTPUT or name.endswith(_OUTPUT_PATHS) or name in _ONLY_INSIDE:
            return
        if depth > _DEEPEST or any(g == name or g.startswith(name + ".") for g in given):
            return
        type3 = self.schema.types.get(prop.kind)
        if type3 is None:
            if prop.many:
                yield Parameter3(name, "collection", members=(Parameter3(prop.name, prop.kind),))
            else:
                yield Parameter3(name, prop.kind)
        elif prop.many:
            yield from self._members(name, prop, type3)
        elif type3.wraps:
            yield from self._members(f"{name}.{type3.properties[0].name}", type3.properties[0], None)
            for extra in type3.properties[1:] if name not in _PLAIN_LISTS else ():
                yield Parameter3(f"{name}.{extra.name}", extra.kind)
        elif type3.identified and not open_:
            yield Parameter3(f"{name}.id|name" if type3.get("name") else f"{name}.id", "string")
        else:
            for inner in type3.properties:
                kind = self.schema.types.get(inner.kind)
                if open_ and kind is not None and (kind.wraps and self._is_object(kind.wraps)):
                    continue
                yield from self._property(inner, name, depth + 1, given)

    def _members(self, name: str, prop: Property3, type3: Type3 | None) -> Iterator[Parameter3]:
        """A list: of references, of scalars or of plain values."""
        known = type3 or self.schema.types.get(prop.kind)
        if known is None:
            yield Parameter3(name, "collection", members=(Parameter3(prop.name, prop.kind),))
        elif known.identified:
            either = "id|name" if known.get("name") else "id"
            yield Parameter3(name, "collection", members=(Parameter3(f"{prop.name}.{either}", "string"),))
        else:
            members: list[Parameter3] = []
            for inner in known.properties:
                members += self._property(inner, prop.name, _DEEPEST - 1, set())
            yield Parameter3(name, "collection", members=tuple(members))

    def _is_object(self, name: str) -> bool:
        found = self.schema.types.get(name)
        return found is not None and found.identified


def _walk(
    resources: Sequence[Resource], prefix: str, chain: tuple[Resource, ...]
) -> Iterator[tuple[str, tuple[Resource, ...], Resource]]:
    for resource in resources:
        name = collection_name(resource, 3)
        if not name:
            continue
        href = f"{prefix}{name}"
        full = (*chain, resource)
        yield href, full, resource
        below = href if resource.singleton else f"{href}/{{{singular(name)}:id}}"
        yield from _walk(resource.subs, below + "/", full)


_KINDS = {bool: "boolean", int: "int", str: "string"}


def _url(op: Op | None) -> tuple[UrlParameter3, ...]:
    return tuple(_url_of(p) for p in op.params) if op is not None else ()


def _url_of(param: Param) -> UrlParameter3:
    return UrlParameter3(param.name, _KINDS[param.type], "matrix", param.doc)


def _list_url(r: Resource, op: Op) -> tuple[UrlParameter3, ...]:
    found = [*_url(op)]
    if r.search is not None:
        found.append(UrlParameter3("search", "string", "query", "only those that this search finds"))
        found.append(UrlParameter3("case_sensitive", "boolean", "matrix", "whether the search heeds case"))
    if not any(p.name == "max" for p in found):
        found.append(UrlParameter3("max", "int", "matrix", "at most so many"))
    return tuple(found)


def _settled(required: Sequence[Parameter3]) -> set[str]:
    """Names of which nothing more is to be said: a whole object's parts still are."""
    return {p.name for p in required if not p.kind[0].isupper()}


__all__ = ["Description3", "Operation3", "Parameter3", "UrlParameter3", "singular", "words"]
