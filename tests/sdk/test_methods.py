"""Every operation that the engine describes has its method, and every method is understood by the engine."""

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from ovirtsdk.api import API
from ovirtsdk.codegen import generate
from ovirtsdk.infrastructure.common import Collection, Resource
from ovirtsdk.infrastructure.connection import Connection
from ovirtsdk.infrastructure.errors import FormatError, RequestError
from ovirtsdk.xml import params
from ovis.cli.generate import sdk as generated
from ovis.engine.http.entry import VERSION
from ovis.engine.resources import RESOURCES
from ovis.engine.wire.operations3 import Description3, Operation3
from ovis.engine.wire.rsdl import rsdl, schema

NOBODY = "00000000-0000-4000-8000-00000000dead"
FINE = {400, 403, 404, 409}  # refusals of what does not exist or is not given


@cache
def operations() -> tuple[Operation3, ...]:
    return Description3(RESOURCES).operations


class _Nowhere(Connection):
    """Says what would be sent."""

    def __init__(self) -> None:
        super().__init__("http://nowhere")
        self.sent: list[tuple[str, str]] = []

    def request(self, method: str, path: str, **_: Any) -> Any:
        self.sent.append((method, path))
        return None

    def stream(self, path: str, item: str, headers: Any = None) -> Iterator[Any]:
        self.sent.append(("GET", path))
        return iter(())


def place(connection: Connection, href: str) -> tuple[Any, Any]:
    """(collection, object) at a described address, reached by attributes as users do."""
    api = API.__new__(API)
    api._connection = connection
    at: Any = api
    collection: Any = None
    for part in href.split("/"):
        if part.startswith("{"):
            at = collection._placed(collection._of(id=NOBODY))
        else:
            collection = at = getattr(at, part + "_" if part in ("import", "global") else part)
    return collection, at


def called(connection: Connection, op: Operation3) -> None:
    """Its method, with as little as it takes."""
    href = op.href if op.rel in ("get", "add", "update", "delete") else op.href.rpartition("/")[0]
    collection, at = place(connection, href)
    if op.rel == "get" and isinstance(at, Collection):
        list(at.list())  # type: ignore[attr-defined]
    elif op.rel == "get":
        collection.get(id=NOBODY)
    elif op.rel == "add":
        collection.add(getattr(params, op.body)())
    else:
        getattr(at, op.rel + "_" if op.rel in ("import",) else op.rel)()


@pytest.mark.parametrize("op", operations(), ids=lambda op: f"{op.rel} {op.href}")
def test_an_operation_has_its_method(op: Operation3) -> None:
    link = _Nowhere()
    try:
        called(link, op)
    except FormatError:
        assert op.rel == "add"
    methods = {"get": "GET", "add": "POST", "update": "PUT", "delete": "DELETE"}
    method, path = link.sent[-1]
    want = "/" + "/".join(NOBODY if part.startswith("{") else part for part in op.href.split("/"))
    assert (method, path.split(";")[0].split("?")[0]) == (methods.get(op.rel, "POST"), want)


def test_the_engine_understands_every_method(api: API) -> None:
    wrong = []
    for op in operations():
        try:
            called(api._connection, op)
        except RequestError as err:
            if err.status not in FINE:
                wrong.append(f"{op.rel} {op.href}: {err.status} {err.detail[:200]}")
        except FormatError as err:
            wrong.append(f"{op.rel} {op.href}: {err}")
    assert wrong == []


def test_methods_are_documented_and_typed(api: API) -> None:
    signature = inspect.signature(api.vms.add)
    assert list(signature.parameters)[:3] == ["vm", "correlation_id", "expect"]
    assert "[vm.memory]: long" in (api.vms.add.__doc__ or "")
    assert "vm.name: string" in (api.vms.add.__doc__ or "")
    assert {"add", "get", "list", "context"} <= set(dir(api.vms))
    assert list(inspect.signature(api.vms.list).parameters)[:3] == ["query", "case_sensitive", "max"]
    assert issubclass(type(api.vms)._of, Resource)


def test_the_same_description_makes_the_same_code() -> None:
    first, second = Description3(RESOURCES), Description3(RESOURCES)
    made = [generate(rsdl(d, VERSION, "/api", "xml"), schema(d)) for d in (first, second)]
    assert made[0] == made[1]
    from pathlib import Path

    assert {f"sdk/src/ovirtsdk/{k}": v for k, v in made[0].items()} == dict(generated(Path()))


def test_a_running_engine_describes_itself_as_the_generator_saw_it(api: API) -> None:
    documents = [api._connection.document(name) for name in ("rsdl", "schema")]
    d = Description3(RESOURCES)
    assert generate(*documents) == generate(rsdl(d, VERSION, "/api", "xml"), schema(d))
