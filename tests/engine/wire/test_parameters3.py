"""What `?rsdl` says of bodies is what is read: every parameter is understood, every mandatory one missed by name."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from ovis.engine.declare.faults import Incomplete, InvalidValue
from ovis.engine.http.operations import _require
from ovis.engine.model.types import Action
from ovis.engine.resources import RESOURCES
from ovis.engine.wire.codecs import Codecs
from ovis.engine.wire.operations3 import Description3, Operation3, Parameter3

# An object that must be there, whose parts are described by themselves: what stands for it in a body.
OBJECTS = {"Storage": "<address>x</address>", "StorageDomains": "<storage_domain><name>x</name></storage_domain>"}
VALUES = OBJECTS | {
    "string": "x",
    "int": "1",
    "long": "1",
    "boolean": "true",
    "date": "2016-09-08T09:53:35+02:00",
    "decimal": "1",
}


@cache
def codecs() -> Codecs:
    return Codecs(RESOURCES)


@cache
def operations() -> tuple[Operation3, ...]:
    return tuple(op for op in Description3(RESOURCES).operations if op.body)


def wrapped(path: str, value: str) -> str:
    """`vm.cpu.cores`, `1` as `<cpu><cores>1</cores></cpu>`: the root is the caller's."""
    for part in reversed(path.split(".")[1:]):
        value = f"<{part}>{value}</{part}>"
    return value


def ways(name: str) -> list[str]:
    """`vm.cluster.id|name` as whole paths."""
    head, *others = name.split("|")
    root = head.split(".")[0]
    stem = head.rpartition(".")[0]
    return [head, *(o if o.startswith(root + ".") else f"{stem}.{o}" for o in others)]


def inside(p: Parameter3) -> Iterator[str]:
    """The body's content for each way to give a parameter."""
    if p.members:
        for member in p.members:
            item, _, rest = member.name.partition(".")
            head = p.name if p.name.endswith(f".{item}") else f"{p.name}.{item}"
            if member.members:
                continue
            for way in ways(f"x.{rest}") if rest else [""]:
                told = VALUES.get(member.kind, "x")
                yield wrapped(head, wrapped(way, told) if way else told)
        return
    for way in ways(p.name):
        yield wrapped(way, VALUES.get(p.kind, "x"))


def body_of(op: Operation3) -> Any:
    """(type of the body, the declared operation, the name by which a refusal calls the type)."""
    r = op.chain[-1]
    if op.rel in ("add", "update"):
        declared = r.add if op.rel == "add" else r.update
        assert declared is not None
        return declared.body or r.type, declared
    if op.rel == "delete":
        assert r.remove is not None
        return r.remove.body or Action, r.remove
    return Action, next(a for a in r.actions if op.rel in (a.name, a.v3_name))


def read(op: Operation3, content: str, flags: dict[str, str]) -> Any:
    type_, _ = body_of(op)
    root = codecs().names(type_, 3)[0]
    return codecs().read(f"<{root}>{content}</{root}>".encode(), fmt="xml", dialect=3, type_=type_, params=flags)


def fitting(op: Operation3, p: Parameter3, content: str) -> str:
    """The same with a value that its enumeration has, if it is one."""
    try:
        read(op, content, {})
    except InvalidValue as err:
        possible = re.search(r"Possible values are: ([^,.]+)", err.detail)
        if possible is not None:
            return content.replace(f">{VALUES.get(p.kind, 'x')}<", f">{possible.group(1)}<")
    return content


def understood(op: Operation3, p: Parameter3) -> bool:
    """Whether each way to give it makes a difference."""
    empty = read(op, "", {})
    for content in inside(p):
        flags: dict[str, str] = {}
        found = read(op, fitting(op, p, content), flags)
        if found == empty and not flags:
            return False
    return True


def test_every_parameter_is_read() -> None:
    seen: set[tuple[Any, str]] = set()
    wrong = set()
    for op in operations():
        for p in op.parameters:
            key = body_of(op)[0], p.name
            if key not in seen:
                seen.add(key)
                if not understood(op, p):
                    wrong.add(p.name)
    assert wrong == set()
    assert len(seen) > 1000


def mandatory() -> list[Operation3]:
    return [op for op in operations() if any(p.required for p in op.parameters)]


@pytest.mark.parametrize("op", mandatory(), ids=lambda op: f"{op.rel} {op.href}")
def test_what_is_mandatory_suffices_and_is_missed(op: Operation3) -> None:
    _, declared = body_of(op)
    required = [p for p in op.parameters if p.required]

    def check(content: list[str]) -> None:
        _require(read(op, "".join(content), {}), declared, op.chain[-1], op.rel)

    def given(p: Parameter3) -> list[str]:
        return [fitting(op, p, content) for content in inside(p)]

    for position, p in enumerate(required):
        others = [given(q)[0] for q in required if q is not p]
        for way in given(p):
            check([*others, way])
        with pytest.raises(Incomplete) as caught:
            check(others)
        assert caught.value.status == 400
        assert declared.mandatory[position] in caught.value.detail
        assert caught.value.detail.endswith(f"required for {op.rel}")


def test_what_is_not_described_is_passed_over() -> None:
    op = next(o for o in operations() if (o.href, o.rel) == ("vms", "add"))
    assert read(op, "<colour>red</colour><cpu><flavour/></cpu><name>x</name>", {}).name == "x"
