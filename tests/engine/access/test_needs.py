"""Conformance: what every declared operation asks for, against the facts in tests/data/access/needs.json.

A fact is an address with the permits that are always asked (`all`) and those that depend on the request (`maybe`), each
as `object:permit`. A declaration that forgets one that is always asked, asks for one that is never asked, or asks on
another kind of object is a contradiction and fails, unless DEVIATIONS says why. Conditional permits that are not
declared as conditions (rooms may check them inside) are printed.
"""

import json
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from ovis.engine.access.ancestry import TABLE_OF
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import AdminOnly, Public, Resource
from ovis.engine.resources import RESOURCES

FACTS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data/access/needs.json").read_text())
_INSIDE = "asked inside the operation, on the object that the permission or event is about"
# Addresses (patterns) and why their declaration may differ. Each must still be needed, see the last tests.
DEVIATIONS: dict[str, str] = {
    "POST /hosts/{id}/nics/{id}/networklabels": "asked on the host, whose networks change",
    "DELETE /hosts/{id}/nics/{id}/networklabels/{id}": "asked on the host, whose networks change",
    "DELETE */permissions/{id}": _INSIDE,
    "DELETE /permissions/{id}": _INSIDE,
    "DELETE /events/{id}": _INSIDE,
    "POST /vms/{id}/detach": "asked inside the operation, on the VM's pool",
    "DELETE /disks/{id}/disksnapshots/{id}": "asked on the disk, where its VM's holders pass, and inside on the VM",
    "POST /templates": "asked on the source VM: its data center's holders pass; so do holders on the VM or its cluster",
}
# Reads for administrators alone, because what they show belongs to no user.
READS_FOR_ADMINISTRATORS: dict[str, str] = {
    "GET /vms/{id}/placements*": "names of hosts",
    "GET /*explainplacement*": "names of hosts",
    "GET /domains*": "directories with everybody in them",
    "GET /storageconnections*": "paths and servers of the storage",
    "GET /schedulingpolicyunits*": "how the engine is set up",
    "GET /permissions*": "everybody's permissions on the system",
    "GET /openstackvolumeproviders*": "how the engine is set up",
    "GET /external*imports*": "commands of administrators",
}
# Nobody holds permissions on these themselves: only those on the system count.
_SYSTEM_ALONE = frozenset(("role", "group"))


def _walk(resources: tuple[Resource, ...], path: str, chain: tuple[Resource, ...]) -> Iterator[tuple[str, Any, Any]]:
    """(address, operation, chain) of every declared operation in v4's paths."""
    for resource in resources:
        if not resource.in_v4:
            continue
        here = (*chain, resource)
        collection = f"{path}/{resource.collection}"
        one = collection if resource.singleton else collection + "/{id}"
        for method, address, op in (
            ("GET", collection, None if resource.singleton else resource.list),
            ("GET", one, resource.get),
            ("POST", collection, resource.add),
            ("PUT", one, resource.update),
            ("DELETE", one, resource.remove),
        ):
            if op is not None:
                yield f"{method} {address}", op, (here, address == collection and not resource.singleton)
        for action in resource.actions:
            if action.v4:
                on_collection = action.on == "collection"
                base = collection if on_collection else one
                yield f"POST {base}/{action.name}", action, (here, on_collection)
        yield from _walk(resource.subs, one, here)


def _object(on: str, where: Any) -> str:
    """The kind of object that a need is checked on."""
    chain, on_collection = where
    kinds = [r.object_type for r in chain]
    if on == "system":
        return "system"
    if on in ("self", "parent"):
        known = kinds[:-1] if on_collection or on == "parent" else kinds
        return next((str(k) for k in reversed(known) if k), "system")
    last = on.removeprefix("body:").rsplit(".", 1)[-1]
    return last if last in TABLE_OF else last.removesuffix("s")


OPERATIONS = list(_walk(RESOURCES, "", ()))
WRITES = [row for row in OPERATIONS if not row[0].startswith("GET ")]


def contradictions(address: str, op: Any, where: Any) -> list[str]:
    """Everything in a declaration that the facts do not allow."""
    fact = FACTS["operations"].get(address)
    needs = op.needs
    if needs is None or needs == ():
        return ["nothing is declared, so nobody may do it"]
    if fact is None:
        return []  # an address that the facts do not know
    if isinstance(needs, (Public, AdminOnly)):
        return [f"anybody may, yet it needs {fact['all']}"] if fact["all"] or fact.get("maybe") else []
    objects: dict[str, set[str]] = {}
    for pair in (*fact["all"], *fact.get("maybe", ())):
        kinds, permit = pair.split(":")
        objects.setdefault(permit, set()).update(
            "system" if kind in _SYSTEM_ALONE else kind for kind in kinds.split("|")
        )
    found = []
    declared = {need.permit.rest_name for need in needs}
    for pair in fact["all"]:
        if pair.split(":")[1] not in declared:
            found.append(f"forgets {pair}")
    for need in needs:
        name = need.permit.rest_name
        if name not in objects:
            found.append(f"asks for {name}, the facts for {sorted(objects) or 'nothing'}")
            continue
        kind = _object(need.on, where)
        if kind not in objects[name] and "target" not in objects[name]:
            found.append(f"asks for {name} on {kind}, the facts on {sorted(objects[name])}")
    return found


def test_there_are_operations_to_look_at() -> None:
    assert len(WRITES) > 50
    assert len({address for address, _, _ in OPERATIONS}) == len(OPERATIONS), "an address is declared twice"


@pytest.mark.parametrize(("address", "op", "where"), WRITES, ids=[row[0] for row in WRITES])
def test_a_change_needs_what_the_facts_say(address: str, op: Any, where: Any) -> None:
    if not any(fnmatch(address, pattern) for pattern in DEVIATIONS):
        assert contradictions(address, op, where) == []


def test_reads_are_open_to_users_or_to_administrators_and_the_difference_is_printed() -> None:
    closed = set(FACTS["administrators_only"])
    undeclared = [address for address, op, _ in OPERATIONS if address.startswith("GET ") and op.needs is None]
    assert not undeclared, "nobody may read these"
    more_open = [a for a, op, _ in OPERATIONS if a in closed and isinstance(op.needs, Public)]
    more_closed = [
        a for a, op, _ in OPERATIONS if a.startswith("GET ") and a not in closed and not isinstance(op.needs, Public)
    ]
    print("open to users here, to administrators alone there:", *more_open, sep="\n  ")
    print("open to administrators alone here:", *more_closed, sep="\n  ")
    wrong = [a for a in more_closed if not any(fnmatch(a, pattern) for pattern in READS_FOR_ADMINISTRATORS)]
    assert not wrong
    idle = [p for p in READS_FOR_ADMINISTRATORS if not any(fnmatch(a, p) for a in more_closed)]
    assert not idle, "these match nothing any more: drop them"


def test_conditional_permits_that_are_checked_inside_or_not_at_all_are_printed() -> None:
    for address, op, _ in WRITES:
        fact = FACTS["operations"].get(address, {})
        declared = {n.permit.rest_name for n in op.needs} if isinstance(op.needs, tuple) else set()
        declared |= {permit.rest_name for permit in op.asks}
        left = [pair for pair in fact.get("maybe", ()) if pair.split(":")[1] not in declared]
        if left:
            print(address, "not declared:", *left)


def test_every_deviation_is_still_one() -> None:
    differing = [address for address, op, where in WRITES if contradictions(address, op, where)]
    stale = [pattern for pattern in DEVIATIONS if not any(fnmatch(address, pattern) for address in differing)]
    assert not stale, "these conform or are gone: drop them from DEVIATIONS"


def test_the_facts_name_permits_that_exist() -> None:
    names = {p.rest_name for p in Permit}
    for fact in FACTS["operations"].values():
        assert {pair.split(":")[1] for pair in (*fact["all"], *fact.get("maybe", ()))} <= names
