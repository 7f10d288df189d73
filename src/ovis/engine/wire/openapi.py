"""The API of version 4 as an OpenAPI 3.1 description, made from the declarations.

Does: paths, parameters, bodies, answers, faults and ways to sign in, in plain values; one schema describes JSON and, by its
`xml` marks, XML. Does not: write bytes, or know any resource. Follows: API facts, sections 4 to 6; OpenAPI 3.1.1.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ovis.engine.declare.resource import ADMIN, PUBLIC, Action, Needs, Op, Param, Resource
from ovis.engine.declare.shape import Attribute, attributes, has_href, names_of
from ovis.engine.model import types as model
from ovis.engine.wire.operations3 import words
from ovis.engine.wire.schema3 import list_name, type_name
from ovis.engine.wire.services4 import service, title

Json = dict[str, Any]
SCHEMES: Json = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of /ovirt-engine/sso/oauth/token."},
    "password": {"type": "http", "scheme": "basic", "description": "USER@DOMAIN and password."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "JSESSIONID",
        "description": "What an answer to a request with the header `Prefer: persistent-auth` has set.",
    },
    "sso": {
        "type": "oauth2",
        "flows": {
            "password": {
                "tokenUrl": "/ovirt-engine/sso/oauth/token",
                "scopes": {"ovirt-app-api": "everything that the user may do"},
            }
        },
    },
}
_SCALARS: Mapping[str, Json] = {
    "str": {"type": "string"},
    "int": {"$ref": "#/components/schemas/Integer"},
    "bool": {"$ref": "#/components/schemas/Boolean"},
    "float": {"$ref": "#/components/schemas/Decimal"},
    "date": {"$ref": "#/components/schemas/Date"},
}
_COMMON: Json = {
    "Integer": {
        "description": "Text in answers; text or a number in bodies.",
        "type": ["string", "integer"],
        "pattern": "^[+-]?[0-9]*$",
    },
    "Boolean": {"description": "Text in answers; either in bodies.", "enum": ["true", "false", True, False]},
    "Decimal": {"description": "A number; in bodies as text, too.", "type": ["number", "string"]},
    "Date": {
        "description": "Milliseconds since 1970 in JSON, RFC 3339 in XML; bodies may have either.",
        "type": ["integer", "string"],
    },
    "Link": {
        "type": "object",
        "xml": {"name": "link"},
        "properties": {
            "href": {"type": "string", "xml": {"attribute": True}},
            "rel": {"type": "string", "xml": {"attribute": True}},
        },
    },
    "Actions": {
        "type": "object",
        "xml": {"name": "actions"},
        "properties": {"link": {"type": "array", "items": {"$ref": "#/components/schemas/Link"}}},
    },
}
_LINKS: Json = {
    "link": {"type": "array", "readOnly": True, "items": {"$ref": "#/components/schemas/Link"}},
    "actions": {"readOnly": True, "$ref": "#/components/schemas/Actions"},
}
_PARAMETERS: Json = {
    "follow": ("query", "string", "Links to follow, as in `nics,disk_attachments.disk`: what is there comes along."),
    "search": ("query", "string", "Only those that this search finds, as in `name=web* and status=up sortby name`."),
    "case_sensitive": ("query", "boolean", "Whether the search heeds case."),
    "max": ("query", "integer", "At most so many."),
    "async": ("query", "boolean", "Answer before it is done, with 202."),
    "Filter": (
        "header",
        "boolean",
        "Only what the user's own permissions show; others than administrators see no more.",
    ),
    "Correlation-Id": ("header", "string", "At most 36 letters, digits, `-` and `_` that logs and events repeat."),
}
_FAULTS: Mapping[str, str] = {
    "400": "The request is not understood or not complete; the detail says what.",
    "401": "Not signed in.",
    "403": "The user lacks a permit.",
    "404": "It is not there, or not the user's to see; the body may be empty.",
    "409": "It is not possible now; the detail has every reason.",
}
_URL_KINDS = {bool: "boolean", int: "integer", str: "string"}


class Description4:
    """Of one composition. version: of the engine."""

    def __init__(self, resources: Sequence[Resource], version: tuple[int, int, int, int]) -> None:
        self._resources, self._version = resources, version
        self._schemas: Json = dict(_COMMON)
        self._types: set[type] = set()

    def document(self) -> Json:
        """The whole description."""
        paths: Json = {"/": {"get": self._entry()}}
        services: Json = {}
        for resource in self._resources:
            self._walk(resource, (), "", (), paths, services)
        self._schema_of(model.Fault)
        return {
            "openapi": "3.1.1",
            "info": {
                "title": "Ovis",
                "version": ".".join(map(str, self._version)),
                "summary": "The API of version 4.",
                "description": _INTRODUCTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/ovirt-engine/api"}],
            "security": [{"token": []}, {"password": []}, {"session": []}, {"sso": ["ovirt-app-api"]}],
            "tags": [{"name": name, "description": text} for name, text in sorted(services.items())],
            "paths": paths,
            "components": {
                "schemas": dict(sorted(self._schemas.items())),
                "parameters": {n: _parameter(n, *row) for n, row in _PARAMETERS.items()},
                "responses": {code: self._refusal(text) for code, text in _FAULTS.items()},
                "securitySchemes": SCHEMES,
            },
        }

    # paths --------------------------------------------------------------------------------------------------

    def _entry(self) -> Json:
        answer = self._ref(model.Api)
        self._schemas["Api"]["properties"]["link"] = _LINKS["link"]
        return {
            "operationId": "getApi",
            "x-method": "get",
            "tags": ["system"],
            "summary": "The entry point: versions, counts, links to every collection.",
            "responses": self._answers("200", answer),
        }

    def _walk(
        self,
        r: Resource,
        above: tuple[Resource, ...],
        prefix: str,
        ids: tuple[Json, ...],
        paths: Json,
        services: Json,
    ) -> None:
        if not r.in_v4:
            return
        chain = (*above, r)
        path = f"{prefix}/{r.collection}"
        name = f"{title(r, one=True)[:1].lower()}{title(r, one=True)[1:]}Id"
        while any(i["name"] == name for i in ids):
            name = "inner" + name[:1].upper() + name[1:]
        one = path if r.singleton else f"{path}/{{{name}}}"
        own = ids if r.singleton else (*ids, _id(name, type_name(r.type)))
        for where, given, rows in ((path, ids, self._on_collection(r, chain)), (one, own, self._on_object(r, chain))):
            for method, operation in rows:
                at = paths.setdefault(where, {"parameters": list(given)} if given else {})
                at[method] = operation
                services.setdefault(operation["tags"][0], r.doc or f"The {words(list_name(r.type))}.")
        for action in r.actions:
            if action.v4:
                where, given = (path, ids) if action.on == "collection" else (one, own)
                at = paths.setdefault(f"{where}/{action.name}", {"parameters": list(given)} if given else {})
                at["post"] = self._action(r, chain, action)
        for sub in r.subs:
            self._walk(sub, chain, one, own, paths, services)

    def _on_collection(self, r: Resource, chain: tuple[Resource, ...]) -> Iterator[tuple[str, Json]]:
        many, one = words(list_name(r.type)), words(type_name(r.type))
        if r.list is not None and not r.singleton:
            shared = ["follow", "max", "Filter", *(("search", "case_sensitive") if r.search is not None else ())]
            made = self._operation("list", r.list, chain, f"List the {many}.", shared)
            yield "get", made | {"responses": self._answers("200", self._list(r.type))}
        if r.add is not None:
            made = self._operation("add", r.add, chain, f"Add one to the {many}.", ["Correlation-Id"])
            made["requestBody"] = self._body(r.add.body or r.type, r.add.mandatory)
            answers = self._answers(str(r.add.status), self._ref(r.type), changes=True)
            answers["202"] = {
                "description": f"The {one} is there, and being made.",
                "content": _content(self._ref(r.type)),
            }
            yield "post", made | {"responses": answers}

    def _on_object(self, r: Resource, chain: tuple[Resource, ...]) -> Iterator[tuple[str, Json]]:
        one = words(type_name(r.type))
        if r.get is not None:
            made = self._operation("get", r.get, chain, f"Read one {one}.", ["follow", "Filter"])
            yield "get", made | {"responses": self._answers("200", self._ref(r.type))}
        if r.update is not None:
            made = self._operation("update", r.update, chain, f"Change a {one}.", ["async", "Correlation-Id"])
            made["requestBody"] = self._body(r.update.body or r.type, r.update.mandatory)
            yield "put", made | {"responses": self._answers("200", self._ref(r.type), changes=True)}
        if r.remove is not None:
            made = self._operation("remove", r.remove, chain, f"Remove a {one}.", ["async", "Correlation-Id"])
            if r.remove.body is not None:
                made["requestBody"] = self._body(r.remove.body, r.remove.mandatory)
            yield "delete", made | {"responses": self._answers("200", None, changes=True)}

    def _action(self, r: Resource, chain: tuple[Resource, ...], action: Action) -> Json:
        object_ = action.on == "object"
        made = {
            "operationId": action.name + "".join(_path_words(chain, one=object_)),
            "x-method": action.name,
            "tags": [service(chain, one=object_)],
            "summary": action.doc
            or f"Action {action.name} of {'a ' + words(type_name(r.type)) if object_ else 'all'}.",
            **_needs(action.needs),
            "parameters": [{"$ref": f"#/components/parameters/{p}"} for p in ("async", "Correlation-Id")],
        }
        given = (*action.body, *(_head(p) for m in action.mandatory for p in m.split("|")), "async", "grace_period")
        rows = {a.name: a for a in attributes(model.Action)} | {a.tag: a for a in attributes(model.Action)}
        told: Json = {"type": "object", "xml": {"name": "action"}, "properties": {}}
        for member in given:
            told["properties"][rows[member].tag] = self._property(rows[member])
        body = _with(told, model.Action, action.mandatory)
        made["requestBody"] = {"required": bool(action.mandatory), "content": _content(body)}
        answers = self._answers("200", self._ref(model.Action), changes=True)
        answers["202"] = {
            "description": "It goes on; the href says where to look for its end.",
            "content": _content(self._ref(model.Action)),
        }
        return made | {"responses": answers}

    def _operation(self, verb: str, op: Op, chain: tuple[Resource, ...], text: str, shared: Sequence[str]) -> Json:
        collection = verb in ("list", "add")
        own = [_own_parameter(p) for p in op.params]
        names = {p["name"] for p in own}
        refs = [{"$ref": f"#/components/parameters/{p}"} for p in shared if p not in names]
        return {
            "operationId": verb + "".join(_path_words(chain, one=verb != "list")),
            "x-method": verb,
            "tags": [service(chain, one=not collection)],
            "summary": op.doc or text,
            **_needs(op.needs),
            **({"parameters": [*own, *refs]} if own or refs else {}),
        }

    def _body(self, type_: type, mandatory: Sequence[str]) -> Json:
        return {"required": True, "content": _content(_with(self._ref(type_), type_, mandatory))}

    def _answers(self, status: str, schema: Json | None, *, changes: bool = False) -> Json:
        done: Json = {"description": "Done." if changes else "As it is."}
        if schema is not None:
            done["content"] = _content(schema)
        codes = [c for c in _FAULTS if changes or c != "409"]
        return {status: done, **{c: {"$ref": f"#/components/responses/{c}"} for c in codes}}

    def _refusal(self, text: str) -> Json:
        return {"description": text, "content": _content({"$ref": "#/components/schemas/Fault"})}

    # schemas ------------------------------------------------------------------------------------------------

    def _ref(self, type_: type) -> Json:
        self._schema_of(type_)
        return {"$ref": f"#/components/schemas/{type_.__name__}"}

    def _list(self, type_: type) -> Json:
        names, name = names_of(type_), type_.__name__ + "List"
        if name not in self._schemas:
            self._schemas[name] = {
                "type": "object",
                "xml": {"name": names.many},
                "properties": {names.one: {"type": "array", "items": self._ref(type_)}},
            }
        return {"$ref": f"#/components/schemas/{name}"}

    def _schema_of(self, type_: type) -> None:
        if type_ in self._types:
            return
        self._types.add(type_)
        made: Json = {"type": "object", "xml": {"name": names_of(type_).one}, "properties": {}}
        self._schemas[type_.__name__] = made
        properties = made["properties"]
        if has_href(type_):
            properties["href"] = {"type": "string", "readOnly": True, "xml": {"attribute": True}}
            properties |= _LINKS
        for row in attributes(type_):
            properties[row.tag] = self._property(row)

    def _property(self, row: Attribute) -> Json:
        if row.kind == "struct":
            value = self._ref(row.type)
            if not row.many and row.tag != names_of(row.type).one:
                value |= {"xml": {"name": row.tag}}
        elif row.kind == "enum":
            name = row.type.__name__
            self._schemas.setdefault(name, {"type": "string", "enum": [m.value for m in row.type]})
            value = {"$ref": f"#/components/schemas/{name}"}
        else:
            value = dict(_SCALARS[row.kind])
        if row.many:
            return {"type": "object", "properties": {row.item: {"type": "array", "items": value}}}
        return value | {"xml": {"attribute": True}} if row.xml_attribute else value


def _head(path: str) -> str:
    return path.split(".")[0]


def _path_words(chain: tuple[Resource, ...], *, one: bool) -> list[str]:
    """`VmNic` of /vms/{}/nics/{}, `VmNics` of its collection."""
    return [*(title(r, one=True) for r in chain[:-1]), title(chain[-1], one=one)]


def _id(name: str, what: str) -> Json:
    said = f"Identifier of the {words(what)}."
    return {"name": name, "in": "path", "required": True, "description": said, "schema": {"type": "string"}}


def _parameter(name: str, place: str, kind: str, text: str) -> Json:
    return {"name": name, "in": place, "description": text, "schema": {"type": kind}}


def _own_parameter(param: Param) -> Json:
    made = _parameter(param.name, "query", _URL_KINDS[param.type], param.doc)
    return made if param.doc else {k: v for k, v in made.items() if k != "description"}


def _needs(needs: Needs | None) -> Json:
    """What the user must hold, said in words."""
    if needs is PUBLIC:
        return {"description": "Any user may."}
    if needs is ADMIN:
        return {"description": "Administrators may."}
    if needs is None:
        return {"description": "Nobody may, for now."}
    assert isinstance(needs, tuple)
    rows = [f"`{n.permit.name}` on {n.on}" + (" (sometimes)" if n.when is not None else "") for n in needs]
    return {"description": f"Needs {', '.join(rows)}."} if rows else {}


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}, "application/xml": {"schema": schema}}


def _with(schema: Json, type_: type, mandatory: Sequence[str]) -> Json:
    """A body's schema with what must be in it; alternatives as `anyOf`."""
    if not mandatory:
        return schema
    wanted = []
    for either in mandatory:
        ways = [way for path in either.split("|") if (way := _must(type_, path.split("."))) is not None]
        wanted.append(ways[0] if len(ways) == 1 else {"anyOf": ways})
    return {"allOf": [schema, *wanted]}


def _must(type_: type, path: Sequence[str]) -> Json | None:
    """That a value is given; None for one that only version 3 has."""
    row = next((a for a in attributes(type_) if a.name == path[0]), None)
    if row is None:
        return None
    below = _must(row.type, path[1:]) if len(path) > 1 else None
    if row.many:
        items: Json = {"minItems": 1} if below is None else {"minItems": 1, "items": below}
        below = {"required": [row.item], "properties": {row.item: items}}
    return {"required": [row.tag]} if below is None else {"required": [row.tag], "properties": {row.tag: below}}


_INTRODUCTION = """\
Bodies and answers are JSON or XML, by `Content-Type` and `Accept`; XML where nothing is said. In JSON a list is an object \
with one member that holds it, and an empty one is `{}`. Numbers and truths are text in answers. Parameters of the address \
may also be given in the path, as in `/vms;max=10`. An answer of 202 has links by which its end can be watched."""

__all__ = ["Description4"]
