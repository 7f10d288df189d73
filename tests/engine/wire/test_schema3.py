"""The description of dialect 3 names what clients of 3.x know; what is missing is counted and said."""

import json
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ovis.engine.resources import RESOURCES
from ovis.engine.wire.operations3 import Description3, singular, words
from ovis.engine.wire.rsdl import rsdl, schema

YARDSTICK = json.loads((Path(__file__).parents[2] / "data/wire/schema3.json").read_text())
XS = "{http://www.w3.org/2001/XMLSchema}"
# Number kinds that the yardstick tells apart and the wire does not.
SAME = {"unsigned_short": "int", "unsigned_int": "int", "double": "decimal"}


@cache
def described() -> Description3:
    return Description3(RESOURCES)


def _known(name: str) -> dict[str, str]:
    return dict(pair.split(":", 1) for pair in YARDSTICK["types"][name].split())


def _plain(kind: str) -> str:
    return SAME.get(kind.lstrip("@"), kind.lstrip("@"))


@pytest.mark.parametrize("name", sorted(set(described().schema.types) & set(YARDSTICK["types"])))
def test_properties_have_the_shape_that_clients_know(name: str) -> None:
    known = _known(name)
    for prop in described().schema.types[name].properties:
        if prop.name not in known or (prop.kind not in YARDSTICK["types"] and prop.kind[0].isupper()):
            continue
        want = known[prop.name]
        assert prop.attribute == want.startswith("@"), prop
        kind = f"list<{prop.kind}>" if prop.many else prop.kind
        if _plain(want) in described().schema.types or not want.lstrip("@")[0].isupper():
            single = (kind, f"list<{kind}>", kind.removeprefix("list<").removesuffix(">"))
            assert _plain(want) in single or (name, prop.name) in UNLIKE, (prop, want)


UNLIKE = {("ApiSummary", n) for n in ("hosts", "storage_domains", "users", "vms")}


def test_most_of_what_clients_know_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    want = {(href, rel) for href, rels in YARDSTICK["operations"].items() for rel in rels.split()}
    have = {(op.href, op.rel) for op in described().operations}
    missing = want - have
    with capsys.disabled():
        print(f"\ndialect 3: {len(want & have)} of {len(want)} operations, {len(missing)} not declared yet")
    assert len(want & have) >= 490


def test_every_operation_names_types_that_are_described() -> None:
    types = described().schema.types
    for op in described().operations:
        assert not op.body or op.body in types, op
        assert not op.answer or op.answer in types, op
        assert len({p.name for p in op.parameters}) == len(op.parameters), op.href
    for t in types.values():
        for prop in t.properties:
            assert prop.kind in types or prop.kind[0].islower(), (t.name, prop)


def test_operations_are_named_once() -> None:
    names = [(op.href, op.rel) for op in described().operations]
    assert len(names) == len(set(names))


def test_the_document_lists_every_operation_in_both_forms() -> None:
    root = ElementTree.fromstring(rsdl(described(), (4, 5, 6, 0), "/api", "xml"))
    rows = [(link.get("href"), link.get("rel")) for link in root.find("links") or ()]
    data = json.loads(rsdl(described(), (4, 5, 6, 0), "/api", "json"))
    assert rows == [(link["href"], link["rel"]) for link in data["links"]["link"]]
    assert rows == [(op.href, op.rel) for op in described().operations]
    add = next(link for link in data["links"]["link"] if (link["href"], link["rel"]) == ("vms", "add"))
    required = [p["name"] for p in add["request"]["body"]["parameters_set"][0]["parameter"] if p["required"] == "true"]
    assert "vm.name" in required


def test_the_schema_defines_each_type_and_element_once() -> None:
    root = ElementTree.fromstring(schema(described()))
    types = [e.get("name") for e in root.findall(f"{XS}complexType")]
    elements = [e.get("name") for e in root.findall(f"{XS}element")]
    assert len(types) == len(set(types))
    assert len(elements) == len(set(elements))
    assert {"vm", "vms", "action", "fault", "api", "host_nic"} <= set(elements)
    assert {e.get("type") for e in root.findall(f"{XS}element")} <= set(types)


@pytest.mark.parametrize(
    ("collection", "one"), [("vms", "vm"), ("policies", "policy"), ("qoss", "qos"), ("storage", "storage")]
)
def test_members_are_named_in_the_singular(collection: str, one: str) -> None:
    assert singular(collection) == one


@pytest.mark.parametrize(
    ("name", "said"), [("VM", "VM"), ("StorageDomain", "storage domain"), ("HostNIC", "host NIC"), ("VMs", "VMs")]
)
def test_types_have_words_for_people(name: str, said: str) -> None:
    assert words(name) == said
