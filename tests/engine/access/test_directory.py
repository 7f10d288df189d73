"""Passwords: right, wrong, locked, changed; and that nobody learns which names exist."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from msgspec.structs import replace

from ovis.engine.access import directory, grants
from ovis.engine.access.directory import (
    RememberedPasswords,
    SignInFailed,
    add_internal_user,
    authenticate,
    forget_failures,
    hash_password,
    seed_admin,
    set_password,
    split_name,
)
from ovis.engine.access.predefined import EVERYONE_ID, SYSTEM_ID
from ovis.engine.access.tables import TABLES, Failures, Grant, Secret
from ovis.engine.model.types import User
from ovis.engine.store.store import Store


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    made = Store(database_url, TABLES)
    await asyncio.to_thread(made.create_tables)
    made.start(asyncio.get_running_loop())

    def seed(tx: Any) -> None:
        grants.seed(tx)
        seed_admin(tx, "admin-id", hash_password("right"))
        add_internal_user(tx, "Jörg", hash_password("pässwörd"), user_id="user-id")

    await made.write(seed)
    yield made
    await asyncio.to_thread(made.close)


async def refused(store: Store, name: str, password: str) -> str:
    with pytest.raises(SignInFailed) as caught:
        await authenticate(store, name, password)
    assert caught.value.status == 401
    return caught.value.detail


def test_hashes_have_the_chosen_cost_and_differ_each_time() -> None:
    one, two = hash_password("x"), hash_password("x")
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and one != two


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("admin@internal", ("admin", "internal")),
        ("a@b@internal", ("a@b", "internal")),
        ("internal\\admin", ("admin", "internal")),
        ("admin", ("admin", "")),
        ("@", ("", "")),
        ("", ("", "")),
    ],
)
def test_names_are_split_at_the_last_at(name: str, wanted: tuple[str, str]) -> None:
    assert split_name(name) == wanted


async def test_the_right_password_gives_a_principal_with_what_his_roles_make_of_him(store: Store) -> None:
    admin = await authenticate(store, "admin@internal", "right")
    assert (admin.user_id, admin.name, admin.administrator) == ("admin-id", "admin@internal", True)
    assert EVERYONE_ID in admin.groups
    for name in ("jörg@internal", "JÖRG@INTERNAL", "internal\\Jörg"):
        user = await authenticate(store, name, "pässwörd")
        assert (user.user_id, user.administrator) == ("user-id", False)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("admin@internal", "wrong"),
        ("admin@internal", ""),
        ("admin@internal", "right\0"),
        ("admin@internal", "x" * 1_000_000),
        ("admin@internal", "\ud800"),
        ("admin", "right"),
        ("admin@elsewhere", "right"),
        ("nobody@internal", "right"),
        ("", ""),
        ("a\0b@internal", "x"),
        ("\ud800@internal", "x"),
        ("x" * 1_000_000, "x"),
    ],
)
async def test_everything_else_gets_one_and_the_same_answer(store: Store, name: str, password: str) -> None:
    assert await refused(store, name, password) == "The user name or password is incorrect."


async def test_a_name_is_locked_after_five_failures_whether_it_exists_or_not(store: Store) -> None:
    """Names that exist and names that do not leave the same traces, so neither answer nor time tells them apart."""
    traces = []
    for name in ("admin@internal", "nobody@internal"):
        before = {f.id for f in await store.read(lambda rd: rd.select(Failures))}
        for n in range(7):
            await refused(store, name, f"wrong {n}")
        (trace,) = [f for f in await store.read(lambda rd: rd.select(Failures)) if f.id not in before]
        assert "admin" not in trace.id and "nobody" not in trace.id
        traces.append((trace.count, trace.locked_until is not None))
    assert traces[0] == traces[1] == (5, True)
    assert await refused(store, "admin@internal", "right") == "The user name or password is incorrect."
    assert (await authenticate(store, "jörg@internal", "pässwörd")).user_id == "user-id"  # others are not


async def test_a_lock_ends_by_itself_and_the_right_password_forgets_failures(store: Store) -> None:
    for _ in range(5):
        await refused(store, "admin@internal", "wrong")

    def earlier(tx: Any) -> None:
        for failures in tx.select(Failures):
            past = datetime.now(UTC) - timedelta(seconds=1)
            tx.update(replace(failures, locked_until=past))

    await store.write(earlier)
    await refused(store, "admin@internal", "wrong")  # counts from one again
    assert [f.count for f in await store.read(lambda rd: rd.select(Failures))] == [1]
    await authenticate(store, "admin@internal", "right")
    assert await store.read(lambda rd: rd.count(Failures)) == 0


async def test_failures_are_swept_when_they_count_no_more(store: Store) -> None:
    await refused(store, "nobody@internal", "x")
    now = datetime.now(UTC)
    await store.write(lambda tx: forget_failures(tx, now))
    assert await store.read(lambda rd: rd.count(Failures)) == 1
    await store.write(lambda tx: forget_failures(tx, now + timedelta(minutes=6)))
    assert await store.read(lambda rd: rd.count(Failures)) == 0


async def test_a_hash_of_other_cost_is_renewed_at_the_next_sign_in(store: Store) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("right")
    await store.write(lambda tx: tx.update(Secret(id="admin-id", hash=old)))
    await authenticate(store, "admin@internal", "right")
    secret = await store.read(lambda rd: rd.need(Secret, "admin-id"))
    assert secret.hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await authenticate(store, "admin@internal", "right")


async def test_a_broken_hash_lets_nobody_in(store: Store) -> None:
    await store.write(lambda tx: tx.update(Secret(id="admin-id", hash="nonsense")))
    await refused(store, "admin@internal", "nonsense")


async def test_many_attempts_at_once_are_all_answered(store: Store) -> None:
    results = await asyncio.gather(
        *(authenticate(store, "admin@internal", "right") for _ in range(6)),
        *(authenticate(store, f"nobody{n}@internal", "x") for n in range(6)),
        return_exceptions=True,
    )
    assert [type(r).__name__ for r in results] == ["Principal"] * 6 + ["SignInFailed"] * 6


# -- remembered passwords ----------------------------------------------------------------------------------------


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often a password was really checked."""
    seen: list[str] = []
    verify = directory._verify

    def counting(hashed: str, password: str) -> bool:
        seen.append(password)
        return verify(hashed, password)

    monkeypatch.setattr(directory, "_verify", counting)
    return seen


async def test_a_password_that_was_right_is_not_hashed_again_for_a_while(store: Store, checks: list[str]) -> None:
    remembered = RememberedPasswords(store)
    for _ in range(3):
        assert (await remembered.principal("admin@internal", "right")).administrator
    assert checks == ["right"]
    for _ in range(2):
        with pytest.raises(SignInFailed):
            await remembered.principal("admin@internal", "wrong")
    assert checks == ["right", "wrong", "wrong"]
    at_once = RememberedPasswords(store, seconds=0)
    for _ in range(2):
        await at_once.principal("admin@internal", "right")
    assert checks[3:] == ["right", "right"]


async def test_a_changed_password_is_not_taken_any_more(store: Store) -> None:
    remembered = RememberedPasswords(store)
    await remembered.principal("admin@internal", "right")
    fresh = hash_password("new")
    await store.write(lambda tx: set_password(tx, tx.need(User, "admin-id"), fresh))
    with pytest.raises(SignInFailed):
        await remembered.principal("admin@internal", "right")
    assert (await remembered.principal("admin@internal", "new")).user_id == "admin-id"


async def test_a_new_password_unlocks(store: Store) -> None:
    for _ in range(5):
        await refused(store, "admin@internal", "wrong")
    fresh = hash_password("new")
    await store.write(lambda tx: set_password(tx, tx.need(User, "admin-id"), fresh))
    assert (await authenticate(store, "admin@internal", "new")).user_id == "admin-id"


async def test_a_revoked_role_counts_at_once_and_a_removed_user_is_nobody(store: Store) -> None:
    remembered = RememberedPasswords(store)
    assert (await remembered.principal("admin@internal", "right")).administrator
    grant = await store.read(lambda rd: rd.one(Grant, principal_id="admin-id", object_id=SYSTEM_ID))
    assert grant is not None
    await store.write(lambda tx: tx.delete(Grant, grant.id))
    assert not (await remembered.principal("admin@internal", "right")).administrator
    await store.write(lambda tx: tx.delete(Secret, "admin-id"))
    await store.write(lambda tx: tx.delete(User, "admin-id"))
    with pytest.raises(SignInFailed):
        await remembered.principal("admin@internal", "right")
