"""Shipped permits, roles and first permissions, against the facts in tests/data/access/permits.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from ovis.engine.access import grants
from ovis.engine.access.grants import role_permits, shows_children
from ovis.engine.access.predefined import INITIAL, ROLES
from ovis.engine.access.tables import TABLES, Grant
from ovis.engine.declare.permits import Permit
from ovis.engine.model.types import Permit as ApiPermit, Role
from ovis.engine.store.store import Store

FACTS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data/access/permits.json").read_text())


def test_permits_have_the_names_ids_and_marks_of_the_facts() -> None:
    declared = {(p.rest_name, p.id, p.administrative, p.view_children) for p in Permit}
    assert declared == {tuple(row) for row in FACTS["permits"]}


@pytest.mark.parametrize("row", FACTS["roles"], ids=[row[0] for row in FACTS["roles"]])
def test_a_role_is_as_in_the_facts(row: list[Any]) -> None:
    name, id_, administrative, view_children, permits = row
    (role,) = [r for r in ROLES if r.name == name]
    assert (role.id, role.administrative, set(role.permits)) == (id_, administrative, set(permits.split()))
    assert role.view_children is view_children
    assert shows_children(Role(id=id_, permits=[ApiPermit(name=p) for p in role.permits])) is view_children


def test_roles_that_users_make_show_children_if_a_permit_of_theirs_does() -> None:
    assert shows_children(Role(id="x", permits=[ApiPermit(name="run_vm")]))
    assert not shows_children(Role(id="x", permits=[ApiPermit(name="create_vm"), ApiPermit(name="login")]))


def test_there_are_no_other_roles_and_user_roles_hold_no_administrative_permit() -> None:
    assert {r.name for r in ROLES} == {row[0] for row in FACTS["roles"]}


def test_what_everyone_holds_at_first_is_as_in_the_facts() -> None:
    assert {tuple(row) for row in INITIAL} == {tuple(row) for row in FACTS["initial"]}


def test_seeding_stores_them_once(database_url: str) -> None:
    store = Store(database_url, TABLES)
    store.create_tables()
    store.start()
    for _ in range(2):
        store.write_now(grants.seed)
    roles = {str(r.name): r for r in store.read_now(lambda rd: rd.select(Role))}
    assert len(roles) == len(ROLES)
    assert all({p.rest_name for p in role_permits(roles[r.name])} == set(r.permits) for r in ROLES)
    held = {(g.id, g.object_type, g.object_id) for g in store.read_now(lambda rd: rd.select(Grant))}
    assert held == {(id_, kind, object_id) for id_, _, kind, object_id in INITIAL}
    store.close()


def test_permits_of_a_later_version_allow_nothing_and_break_nothing() -> None:
    role = Role(id="r", permits=[ApiPermit(name="run_vm"), ApiPermit(name="fly_to_moon"), ApiPermit()])
    assert role_permits(role) == {Permit.RUN_VM}
