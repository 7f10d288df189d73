"""Sessions: opened, found, idle, swept, bounded, over a restart, and never older than the roles."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from ovis.engine.access import grants, tokens
from ovis.engine.access.directory import load_principal, seed_admin
from ovis.engine.access.predefined import SYSTEM_ID
from ovis.engine.access.tables import TABLES, Grant, Token
from ovis.engine.access.tokens import Sessions
from ovis.engine.declare.call import Principal
from ovis.engine.model.types import User
from ovis.engine.store.store import Store


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    made = Store(database_url, TABLES)
    await asyncio.to_thread(made.create_tables)
    made.start(asyncio.get_running_loop())

    def seed(tx: Any) -> None:
        grants.seed(tx)
        seed_admin(tx, "admin-id", "no hash")

    await made.write(seed)
    yield made
    await asyncio.to_thread(made.close)


async def admin(store: Store) -> Principal:
    found = await store.read(lambda rd: load_principal(rd, "admin-id"))
    assert found is not None
    return found


async def age(store: Store, seconds: float) -> None:
    def work(tx: Any) -> None:
        for token in tx.select(Token):
            tx.update(replace(token, used=token.used - timedelta(seconds=seconds)))

    await store.write(work)


async def test_a_token_is_long_found_and_nowhere_stored(store: Store) -> None:
    sessions = Sessions(store)
    text = await sessions.open(await admin(store), "ovirt-app-api")
    assert len(text) == 86 and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    found = await sessions.find(text)
    assert found is not None and found.principal.administrator and found.token.scope == "ovirt-app-api"
    assert await sessions.find(text[:-1]) is None
    assert await sessions.find("") is None
    rows = await store.read(lambda rd: rd.rows(rd.sql(Token).select()))
    assert text not in repr(rows) and found.token.id in repr(rows)


async def test_a_session_outlives_a_restart_with_everything_it_was_opened_with(store: Store) -> None:
    text = await Sessions(store).open(await admin(store), "s", kind="cookie", idle=120, csrf=True)
    found = await Sessions(store).find(text)
    assert found is not None and found.csrf and found.token.kind == "cookie" and found.token.idle_seconds == 120


async def test_a_closed_session_is_gone_here_and_after_a_restart(store: Store) -> None:
    sessions = Sessions(store)
    text = await sessions.open(await admin(store), "s")
    assert await sessions.close(text) is True
    assert await sessions.close(text) is False
    assert await sessions.find(text) is None and await Sessions(store).find(text) is None


async def test_an_idle_session_ends_and_use_keeps_it_alive(store: Store) -> None:
    sessions = Sessions(store)
    text = await sessions.open(await admin(store), "s", idle=100)
    await age(store, 90)
    assert await Sessions(store).find(text) is not None  # used: the table is told
    await age(store, 90)
    assert await Sessions(store).find(text) is not None
    await age(store, 110)
    assert await Sessions(store).find(text) is None
    assert await store.read(lambda rd: rd.count(Token)) == 0


async def test_the_time_of_use_survives_that_principals_are_read_anew(store: Store) -> None:
    """A change of anybody's permission must not make sessions look idle."""
    sessions = Sessions(store)
    text = await sessions.open(await admin(store), "s", idle=100)
    await sessions.find(text)
    await age(store, 99.5)  # what the table knows is older than what this engine knows
    await store.write(lambda tx: tx.insert(User(id="other", user_name="other@internal")))
    found = await sessions.find(text)
    assert found is not None and datetime.now(UTC) - found.used < timedelta(seconds=10)


async def test_roles_count_from_the_next_request_on_and_a_removed_user_has_no_session(store: Store) -> None:
    sessions = Sessions(store)
    text = await sessions.open(await admin(store), "s")
    grant = await store.read(lambda rd: rd.one(Grant, principal_id="admin-id", object_id=SYSTEM_ID))
    assert grant is not None
    await store.write(lambda tx: tx.delete(Grant, grant.id))
    found = await sessions.find(text)
    assert found is not None and not found.principal.administrator
    await store.write(lambda tx: grants.grant(tx, "admin-id", "SuperUser", "system", SYSTEM_ID))
    found = await sessions.find(text)
    assert found is not None and found.principal.administrator
    await store.write(lambda tx: tx.delete(User, "admin-id"))
    assert await sessions.find(text) is None


async def test_a_principal_that_was_read_before_a_role_went_is_not_kept(store: Store) -> None:
    """Signing in takes a while; what is revoked meanwhile must not come back with the session."""
    sessions = Sessions(store)
    principal = await admin(store)
    grant = await store.read(lambda rd: rd.one(Grant, principal_id="admin-id", object_id=SYSTEM_ID))
    assert grant is not None
    await store.write(lambda tx: tx.delete(Grant, grant.id))
    found = await sessions.find(await sessions.open(principal, "s"))
    assert found is not None and not found.principal.administrator


async def test_sweeping_drops_the_expired_and_what_is_above_the_bound(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = Sessions(store)
    principal = await admin(store)
    old = [await sessions.open(principal, "s", idle=60) for _ in range(3)]
    await age(store, 1000)
    fresh = [await sessions.open(principal, "s", idle=600 + n) for n in range(5)]
    await Sessions(store).sweep()
    assert await store.read(lambda rd: rd.count(Token)) == 5
    monkeypatch.setattr(tokens, "MOST_SESSIONS", 2)
    restarted = Sessions(store)
    await restarted.sweep()
    assert [await restarted.find(text) is not None for text in old + fresh] == [False] * 6 + [True] * 2


async def test_memory_is_bounded_and_what_was_forgotten_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_MOST_LIVE", 10)
    sessions = Sessions(store)
    principal = await admin(store)
    texts = [await sessions.open(principal, "s") for _ in range(25)]
    assert len(sessions._live) <= 10
    assert all([await sessions.find(text) for text in texts])
    assert len(sessions._live) <= 10


async def test_what_another_process_ends_is_over_here_soon(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = Sessions(store)
    text = await sessions.open(await admin(store), "s")
    assert await sessions.find(text) is not None
    other = Store(database_url, TABLES)
    other.start()
    await other.write(lambda tx: tx.delete(User, "admin-id"))
    await asyncio.to_thread(other.close)
    monkeypatch.setattr(tokens, "LOOK_AGAIN_SECONDS", 0.0)  # the time has passed
    assert await sessions.find(text) is None


async def test_an_idle_time_without_end_is_cut(store: Store) -> None:
    sessions = Sessions(store)
    text = await sessions.open(await admin(store), "s", idle=10**12)
    found = await sessions.find(text)
    assert found is not None and found.token.idle_seconds == tokens.LONGEST_IDLE
