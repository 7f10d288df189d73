"""What is proposed at a cursor, over a store with a few objects."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ovis.engine import events
from ovis.engine.access.grants import grant, seed
from ovis.engine.access.tables import TABLES as ACCESS_TABLES
from ovis.engine.commands import TABLES as COMMAND_TABLES
from ovis.engine.declare.call import Call, Principal
from ovis.engine.hostlink import TABLES as HOSTLINK_TABLES
from ovis.engine.model.types import Cluster, DataCenter, Tag, Template, Vm
from ovis.engine.resources import TABLES, cross_search
from ovis.engine.resources.completion.propose import Completion
from ovis.engine.store.session import Tx
from ovis.engine.store.store import Store

ADMIN = Principal(user_id="a", name="admin@internal", administrator=True)
USER = Principal(user_id="u", name="una@internal")
SEARCHES = {c: what for c, what in cross_search.KNOWN.items() if c not in ("cluster_networks", "vnics")}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    tables = (*events.TABLES, *ACCESS_TABLES, *COMMAND_TABLES, *HOSTLINK_TABLES, *TABLES)
    made = Store(f"sqlite:///{tmp_path_factory.mktemp('completion') / 'engine.db'}", tables)
    made.create_tables()
    made.start()

    def fill(tx: Tx) -> None:
        seed(tx)
        tx.insert(DataCenter(id="d", name="Default"))
        tx.insert(Template(id="t", name="Blank"))
        for name in ("prod", "Production West", "test"):
            tx.insert(Cluster(id=name, name=name, data_center=DataCenter(id="d")))
        for n in range(60):
            tx.insert(Vm(id=f"v{n}", name=f"web-{n:02}", cluster=Cluster(id="prod"), template=Template(id="t")))
        tx.insert(Tag(id="blue", name="blue"))
        grant(tx, "u", "UserRole", "vm", "v7")

    made.write_now(fill)
    yield made
    made.close()


def ask(store: Store, text: str, *, entity: str = "", principal: Principal = ADMIN) -> dict[str, Any]:
    """`|` in the text is the cursor."""
    at = text.index("|") if "|" in text else len(text)
    call = Call(principal=principal, now=datetime(2026, 1, 5, tzinfo=UTC))
    text = text.replace("|", "")
    return store.read_now(lambda rd: Completion(rd, call, SEARCHES, 30).answer(text, at, entity))


def texts(answer: dict[str, Any]) -> list[str]:
    return [item["text"] for item in answer["items"]]


def applied(text: str, answer: dict[str, Any], number: int = 0) -> str:
    item = answer["items"][number]
    insert: str = item["insert"]
    return text[: answer["from"]] + insert + text[answer["to"] :]


def test_each_place_of_the_grammar_proposes_what_fits_there(store: Store) -> None:
    assert {"Vms", "Hosts", "Storage", "Events"} <= set(texts(ask(store, "")))
    assert texts(ask(store, "vm")) == ["Vms"] and applied("vm", ask(store, "vm")) == "Vms: "
    fields = ask(store, "Vms: sta")
    assert texts(fields) == ["status"] and (fields["from"], fields["to"], fields["entity"]) == (5, 8, "vms")
    assert applied("Vms: sta", fields) == "Vms: status "
    assert texts(ask(store, "Vms: status |"))[:2] == ["=", "!="]
    assert texts(ask(store, "Vms: memory <|")) == [] and "<=" in texts(ask(store, "Vms: memory |"))
    assert texts(ask(store, "Vms: status !|")) == ["!="]
    assert texts(ask(store, "Vms: status = po")) == ["powering_down", "powering_up"]
    assert texts(ask(store, "Vms: status=po")) == ["powering_down", "powering_up"]
    assert texts(ask(store, "Vms: status = up |"))[:3] == ["and", "or", "sortby"]
    assert texts(ask(store, "Vms: status = up a")) == ["and", "architecture"]
    assert "sortby" not in texts(ask(store, "Vms: status = up and |"))
    assert texts(ask(store, "Vms: sortby mem")) == ["mem_usage", "memory"]
    assert texts(ask(store, "Vms: sortby name |")) == ["asc", "desc", "page"]
    assert texts(ask(store, "Vms: ho")) == ["host", "host."] and "host.status" in texts(ask(store, "Vms: host.st"))
    assert texts(ask(store, "Vms: host.status = main")) == ["maintenance"]
    assert texts(ask(store, "Events: severity = a")) == ["alert"]
    assert texts(ask(store, "Events: time > yes")) == ["yesterday"]
    assert texts(ask(store, "sta", entity="vms")) == ["status"]


def test_names_that_are_there_are_values_and_written_so_that_they_are_found(store: Store) -> None:
    answer = ask(store, "Vms: cluster = pro")
    assert texts(answer) == ["prod", "Production West"]
    assert applied("Vms: cluster = pro", answer, 1) == 'Vms: cluster = "Production West" '
    quoted = 'Vms: cluster = "Production W|ab" and status = up'
    answer = ask(store, quoted)
    assert applied(quoted.replace("|", ""), answer) == 'Vms: cluster = "Production West"  and status = up'
    assert texts(ask(store, "Vms: datacenter = ")) == ["Default"]
    assert texts(ask(store, "Vms: tag = b")) == ["blue"]
    names = texts(ask(store, "Vms: name = web-"))
    assert names[0] == "web-00" and len(names) == 30
    middle = "Vms: cluster = t|ex and status = up"
    assert applied(middle.replace("|", ""), ask(store, middle)) == "Vms: cluster = test  and status = up"


def test_users_are_told_the_names_of_what_they_see(store: Store) -> None:
    assert texts(ask(store, "Vms: name = web-", principal=USER)) == ["web-07"]
    assert texts(ask(store, "Vms: cluster = ", principal=USER)) == []


def test_a_wrong_text_says_where_and_why(store: Store) -> None:
    def fault(text: str) -> tuple[int, str] | None:
        error = ask(store, text)["error"]
        return (error["at"], error["text"]) if error else None

    assert fault("Vms: status = up and cluster = prod sortby name desc") is None
    assert fault("Vms: ") is None and fault("Vms: web") is None
    assert fault("Vms: status = up and colour = red") == (21, "VMs have no colour")
    assert fault("Vms: memory = many") == (5, "'many' is no number")
    assert fault("Vms: host.colour = red") == (5, "Hosts have no colour")
    assert fault("Vms: sortby colour") == (18, "VMs have no colour to sort by")
    at, text = fault("Vms: and up") or (0, "")
    assert at == 5 and "condition before" in text
    assert (fault("Vms: name = 'x'") or (0, ""))[0] == 12
    assert fault("Nothing: x") == (0, "there is nothing called Nothing")
