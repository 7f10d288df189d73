"""The audit log: what is written, what is never written, what is dismissed, brought back and dropped."""

import importlib
import pkgutil
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

import ovis.engine
from ovis.engine.declare.call import Call, Principal
from ovis.engine.declare.faults import NotFound
from ovis.engine.events import RANKS, TABLES, Audit, drop_old, hide, record, restore_alerts
from ovis.engine.events.audit import _SECRETS
from ovis.engine.events.hiding import HiddenEvent
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Event, Host, Vm
from ovis.engine.store.session import Tx
from ovis.engine.store.store import Store

ALERT = Audit(code=7, severity=LogSeverity.ALERT, text="{vm} on {host}: {what}")
NORMAL = Audit(code=8, severity=LogSeverity.NORMAL, text="{user} did {what}")
CALL = Call(
    principal=Principal(user_id="u", name="joe@internal"), correlation_id="corr-1", now=datetime(2026, 1, 1, tzinfo=UTC)
)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url, TABLES)
    made.create_tables()
    made.start()
    yield made
    made.close()


def written(store: Store, audit: Audit, **words: Any) -> Event:
    def work(tx: Tx) -> Event:
        return record(tx, audit, **words)

    return store.write_now(work)


def everything(store: Store) -> list[Event]:
    return store.read_now(lambda rd: rd.select(Event))


def test_an_event_says_who_did_what_to_which_object_and_in_which_request(store: Store) -> None:
    event = written(
        store, ALERT, call=CALL, vm=Vm(id="v", name="web", comment="x"), host=Host(id="h", name="one"), what="fell"
    )
    store.cache.drop("events", "")
    assert everything(store) == [event]
    assert (event.code, event.severity, event.description) == (7, LogSeverity.ALERT, "web on one: fell")
    assert (event.correlation_id, event.origin, event.custom_id) == ("corr-1", "oVirt", -1)
    assert event.vm == Vm(id="v", name="web") and event.host == Host(id="h", name="one")
    assert event.user is not None and (event.user.id, event.user.user_name) == ("u", "joe@internal")
    rows = store.read_now(lambda rd: rd.find(Event, vm_id="v", host_id="h", user_id="u", correlation_id="corr-1"))
    assert rows == [event]


def test_without_a_user_the_engine_speaks_and_a_missing_word_shows_instead_of_failing(store: Store) -> None:
    event = written(store, NORMAL, correlation_id="c")
    assert (event.description, event.user, event.correlation_id) == ("SYSTEM did <what>", None, "c")
    by_name = written(store, NORMAL, user=SimpleNamespace(user_id="", name="monitor"), what="look")
    assert (by_name.description, by_name.user, by_name.correlation_id) == ("monitor did look", None, None)


def test_numbers_grow_in_the_order_of_events(store: Store) -> None:
    numbers = [int(str(written(store, NORMAL, what=str(n)).id)) for n in range(5)]
    assert numbers == sorted(numbers) and len(set(numbers)) == 5


@pytest.mark.parametrize("what", ["a\0b", "\ud800", "x" * 100_000, "{vm} %s", 'it\'s <b>"bold"</b>\n'])
def test_names_that_users_chose_never_break_an_event(store: Store, what: str) -> None:
    event = written(store, NORMAL, what=what)
    assert str(event.description).startswith("SYSTEM did ") and len(str(event.description)) <= 4000
    assert "\0" not in str(event.description)


def test_secrets_are_not_shown_even_if_a_text_asks_for_them(store: Store) -> None:
    audit = Audit(code=9, severity=LogSeverity.NORMAL, text="{root_password} {ticket_value} {token} {name}")
    event = written(store, audit, root_password="s3cret", ticket_value="s3cret", token="s3cret", name="n")
    assert event.description == "*** *** *** n"


def _audits() -> dict[str, Audit]:
    """Every event that any room of the engine declares."""
    found = {}
    for module in pkgutil.walk_packages(ovis.engine.__path__, "ovis.engine."):
        if ".migrations" in module.name:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Audit):
                found[f"{module.name}.{name}"] = value
    return found


def test_no_declared_event_asks_for_a_secret_or_has_a_text_that_cannot_be_formed() -> None:
    audits = _audits()
    assert len(audits) > 20
    for where, audit in audits.items():
        assert audit.code >= 0 and audit.severity in RANKS and audit.text, where
        words = [word for _, word, _, _ in string.Formatter().parse(audit.text) if word is not None]
        assert all(word.isidentifier() for word in words), f"{where}: {words}"
        assert not [w for w in words if any(secret in w for secret in _SECRETS)], where


def test_a_code_has_one_severity_wherever_it_is_declared() -> None:
    by_code: dict[int, set[LogSeverity]] = {}
    for audit in _audits().values():
        by_code.setdefault(audit.code, set()).add(audit.severity)
    assert {code: severities for code, severities in by_code.items() if len(severities) > 1} == {}


# -- dismissed and dropped ---------------------------------------------------------------------------------------


def test_a_dismissed_event_is_gone_and_alerts_come_back_as_they_were(store: Store) -> None:
    alert, normal = written(store, ALERT, what="a"), written(store, NORMAL, what="n")
    for event in (alert, normal):
        store.write_now(lambda tx, id_=str(event.id): hide(tx, id_))  # type: ignore[misc]
    assert everything(store) == []
    assert store.cache.latest("events", str(alert.id)) is None
    with pytest.raises(NotFound):
        store.write_now(lambda tx: hide(tx, str(alert.id)))
    later = written(store, NORMAL, what="later")
    assert store.write_now(restore_alerts) == 1
    assert store.write_now(restore_alerts) == 0
    store.cache.drop("events", "")
    assert sorted(everything(store), key=lambda e: int(str(e.id))) == [alert, later]
    store.write_now(lambda tx: hide(tx, str(alert.id)))  # and may be dismissed again
    assert [e.id for e in everything(store)] == [later.id]
    assert int(str(written(store, NORMAL, what="next").id)) > int(str(later.id))


def test_old_events_are_dropped_dismissed_ones_too_and_nobody_remembers_them(store: Store) -> None:
    now = datetime.now(UTC)
    events = [written(store, ALERT, what=str(n)) for n in range(4)]

    def age(tx: Tx) -> None:
        for event, days in zip(events, (31, 31, 29, 0), strict=True):
            tx.update(replace(event, time=now - timedelta(days=days)))
        hide(tx, str(events[1].id))

    store.write_now(age)
    before = store.counters["events"]
    assert store.write_now(lambda tx: drop_old(tx, now)) == 2
    assert {e.id for e in everything(store)} == {events[2].id, events[3].id}
    assert store.read_now(lambda rd: rd.count(HiddenEvent)) == 0
    assert store.cache.latest("events", str(events[0].id)) is None
    assert store.counters["events"] > before
    assert store.write_now(lambda tx: drop_old(tx, now, timedelta(days=1))) == 1
