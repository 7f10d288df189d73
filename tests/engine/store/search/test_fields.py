"""The fields that can be searched, against the facts in tests/data/search/fields.json.

What is declared must be of the kind that the facts say; what is not declared yet must be listed here (and no more).
Every declared field, cross reference and order must compile to SQL that both databases take.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ovis.engine import events, resources
from ovis.engine.access.tables import TABLES as ACCESS
from ovis.engine.commands import TABLES as COMMANDS
from ovis.engine.declare.resource import collect
from ovis.engine.hostlink import TABLES as HOSTLINK
from ovis.engine.store.search import SearchObject
from ovis.engine.store.search.grammar import parse
from ovis.engine.store.search.select import compile_query
from ovis.engine.store.store import Store

FACTS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "data/search/fields.json").read_text())
KINDS = {
    "string": {"text", "uuid", "version"},
    "uuid": {"uuid", "text"},
    "enum": {"enum", "severity"},
    "integer": {"int", "size"},
    "decimal": {"int", "version"},
    "date": {"date"},
    "boolean": {"bool"},
    "timespan": {"timespan"},
}
NOT_YET: dict[str, str] = {
    "VMs": """address migration_progress_percent apps loggedinuser quota compatibility_level created_by_user_id
        has_illegal_images k8s_namespace""",
    "Hosts": "active_vms migrating_vms committed_mem architecture ha_score",
    "Template": "childcount sealed quota",
    "Instancetypes": """os creationdate childcount status sealed cluster datacenter quota architecture version_name
        tag""",
    "Users": "pool type",
    "Pools": "assigned_vm_count running_vm_count",
    "Storage": "shared_status",
    "Disks": "creation_date number_of_vms quota last_modified",
    "Networks": "provider_name qos_name",
    "Events": "event_volume deleted _event_quota_id",
    "VnicProfiles": "compatibility_version qos_name network_filter failover",
}
# Declared under the name, but of another kind than the facts say.
OTHER_KIND = {("Hosts", "active_vms")}
SEARCHED: dict[str, SearchObject] = {
    resource.search.prefix: resource.search
    for path, resource in collect(resources.RESOURCES)
    if resource.search is not None and path.count("/") == 1
}


def test_every_object_of_the_facts_is_searched() -> None:
    assert set(SEARCHED) == set(FACTS)


@pytest.mark.parametrize("prefix", FACTS)
def test_fields_are_there_and_of_their_kind(prefix: str) -> None:
    declared, facts = SEARCHED[prefix].fields, FACTS[prefix]["fields"]
    later = set(NOT_YET.get(prefix, "").split())
    missing = {name for name in facts if name not in declared or (prefix, name) in OTHER_KIND}
    assert missing == later, "fields that came or went: bring NOT_YET up to date"
    wrong = {
        name: (declared[name].kind, kind)
        for name, kind in facts.items()
        if name in declared and declared[name].kind not in KINDS[kind] and (prefix, name) not in OTHER_KIND
    }
    assert wrong == {}
    print(prefix, "not yet:", *sorted(later), "| cross:", *(c for c in FACTS[prefix]["cross"]))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('fields')}/engine.db"
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.create())
    made = Store(url, (*events.TABLES, *ACCESS, *COMMANDS, *HOSTLINK, *resources.TABLES))
    made.create_tables()
    yield made
    made.close()


VALUES = {
    "date": "today",
    "timespan": "1:00",
    "bool": "true",
    "severity": "error",
    "int": "1",
    "size": "1",
    "version": "4.7",
}


@pytest.mark.parametrize("prefix", FACTS)
def test_every_field_order_and_cross_reference_is_sql_for_both(store: Store, prefix: str) -> None:
    what = SEARCHED[prefix]
    queries = ["free", *(f"sortby {name} desc" for name in what.fields)]
    for name, field in what.fields.items():
        value = VALUES.get(field.kind, "x*")
        queries += [f"{name}={value}", f"{name}!={value}"] if field.kind != "timespan" else [f"{name}>{value}"]
        if field.via is not None and field.kind == "text":
            queries.append(f"{name}.name=x")
    for other, (found, _) in what.cross.items():
        queries += [
            f"{other}=x",
            *(f"{other}.{name}={VALUES.get(f.kind, 'x')}" for name, f in found().fields.items()),
        ]

    def ask(text: str, sensitive: bool) -> list[tuple[str, int]]:
        # Not `search`, which answers nothing to what it does not understand.
        return store.read_now(
            lambda rd: rd.keys(
                compile_query(rd, what, parse(text), limit=5, case_sensitive=sensitive, where=(), now=datetime.now(UTC))
            )
        )

    for text in queries:
        assert ask(text, False) == ask(text, True) == [], text
