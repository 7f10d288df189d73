"""Streams over a real store: who is told what, in which form, and what becomes of readers that do not read."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ovis.engine import events
from ovis.engine.access.grants import grant, seed
from ovis.engine.access.tables import TABLES as ACCESS_TABLES, Grant
from ovis.engine.commands import TABLES as COMMAND_TABLES
from ovis.engine.declare.call import Principal
from ovis.engine.hostlink import TABLES as HOSTLINK_TABLES
from ovis.engine.hostlink.live import Live
from ovis.engine.model.enums import LogSeverity, VmStatus
from ovis.engine.model.types import Cluster, DataCenter, Event, Host, Tag, Template, Vm
from ovis.engine.resources import RESOURCES, TABLES
from ovis.engine.resources.stream import changes, follower
from ovis.engine.resources.stream.changes import Changes
from ovis.engine.resources.stream.follower import Follower
from ovis.engine.store.session import Tx
from ovis.engine.store.store import Store
from ovis.engine.wire.codecs import Codecs

ADMIN = Principal(user_id="admin", name="admin@internal", administrator=True)
USER = Principal(user_id="una", name="una@internal")
CODECS = Codecs(RESOURCES)


class Place:
    """A store with a source of changes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.live = Live()
        self.source = Changes(store, self.live, CODECS, RESOURCES, {})
        self.present: Principal | None = ADMIN

    async def alive(self) -> Principal | None:
        return self.present

    def open(self, principal: Principal = ADMIN, **more: Any) -> "Reading":
        made = Follower(self.source, principal, self.alive, restricted=not principal.administrator, **more)
        return Reading(made)


class Reading:
    """A stream with what came of it, as (event, data)."""

    def __init__(self, made: Follower) -> None:
        self.follower = made
        self._chunks = made.messages()
        self.id = ""
        self._left: list[tuple[str, Any]] = []

    async def next(self) -> tuple[str, Any]:
        while not self._left:
            chunk = (await asyncio.wait_for(anext(self._chunks), 20)).decode()
            for block in chunk.strip("\n").split("\n\n"):
                lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
                self.id = lines.get("id", self.id)
                if "event" in lines:
                    self._left.append((lines["event"], json.loads(lines["data"])))
        return self._left.pop(0)

    async def until(self, event: str) -> Any:
        while True:
            name, data = await self.next()
            if name == event:
                return data

    async def close(self) -> None:
        await self._chunks.aclose()  # type: ignore[attr-defined]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    tables = (*events.TABLES, *ACCESS_TABLES, *COMMAND_TABLES, *HOSTLINK_TABLES, *TABLES)
    store = Store(f"sqlite:///{tmp_path / 'engine.db'}", tables)
    store.create_tables()
    store.start(asyncio.get_running_loop())

    def fill(tx: Tx) -> None:
        seed(tx)
        tx.insert(DataCenter(id="d", name="Default"))
        tx.insert(Template(id="t", name="Blank"))
        tx.insert(Cluster(id="c", name="Default", data_center=DataCenter(id="d")))
        for n in range(40):
            vm = Vm(id=f"v{n}", name=f"vm{n}", cluster=Cluster(id="c"), template=Template(id="t"), status=VmStatus.DOWN)
            tx.insert(vm)
        grant(tx, "una", "UserRole", "vm", "v7")

    await store.write(fill)
    made = Place(store)
    yield made
    made.source.close()
    await asyncio.to_thread(store.close)


async def put(place: Place, id_: str, **values: Any) -> None:
    await place.store.write(lambda tx: tx.update(replace(tx.need(Vm, id_), **values)))


async def test_changes_come_with_what_changed_in_the_forms_of_the_api(place: Place) -> None:
    reading = place.open()
    assert (await reading.until("hello"))["user"] == "admin"
    await put(place, "v1", status=VmStatus.UP, host=Host(id="h"), memory=1 << 30, initialization=None)
    (item,) = await reading.until("changed")
    assert item["type"] == "vms" and item["href"] == "/ovirt-engine/api/vms/v1" and item["version"] > 0
    assert set(item["fields"]) == {"status", "host", "memory"}
    assert item["values"] == {
        "status": "up",
        "memory": str(1 << 30),
        "host": {"href": "/ovirt-engine/api/hosts/h", "id": "h"},
    }
    await put(place, "v1", status=VmStatus.DOWN, host=None)
    (item,) = await reading.until("changed")
    assert item["emptied"] == ["host"] and item["values"] == {"status": "down"}

    def more(tx: Tx) -> None:
        tx.insert(Tag(id="blue", name="blue"))
        tx.delete(Vm, "v2")
        tx.insert(Event(code=1, severity=LogSeverity.ALERT, description="<script>", vm=Vm(id="v1")))

    await place.store.write(more)
    assert [i["values"] for i in await reading.until("added")] == [{"name": "blue"}]
    assert [i["id"] for i in await reading.until("removed")] == ["v2"]
    (event,) = await reading.until("event")
    assert event["values"]["severity"] == "alert" and event["values"]["description"] == "<script>"
    await reading.close()
    assert not place.source.followers


async def test_a_stream_goes_on_where_it_was_left(place: Place) -> None:
    reading = place.open()
    await reading.until("hello")
    await put(place, "v1", comment="one")
    await reading.until("changed")
    left = reading.id
    await reading.close()
    await put(place, "v3", comment="missed")
    again = place.open(after=left)
    await again.until("hello")
    again.follower.wake()
    assert [i["id"] for i in await again.until("changed")] == ["v3"]
    await again.close()
    for after, reason in ((f"{place.source.epoch}-99999", "gap"), ("0123abcd-1", "restart"), ("junk", "restart")):
        other = place.open(after=after)
        assert (await other.until("reload"))["reason"] == reason
        await other.close()


async def test_a_reader_that_does_not_read_costs_nothing_and_reloads(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = place.open()
    await reading.until("hello")

    def many(tx: Tx) -> None:
        for n in range(40):
            for turn in range(20):
                tx.update(replace(tx.need(Vm, f"v{n}"), comment=str(turn)))

    await place.store.write(many)
    items = await reading.until("changed")
    assert len(items) == 40 and {i["values"]["comment"] for i in items} == {"19"}
    for _ in range(changes.KEPT // 800 + 1):
        await place.store.write(many)
    await place.store.write(lambda tx: None)
    await asyncio.sleep(0)
    assert len(place.source.ring) <= 2 * changes.KEPT
    assert (await reading.until("reload"))["reason"] == "gap"
    await put(place, "v1", comment="after")
    assert (await reading.until("changed"))[0]["values"] == {"comment": "after"}
    await reading.close()


async def test_users_are_told_of_what_they_see_and_of_nothing_else(place: Place) -> None:
    una, admin = place.open(USER), place.open()
    place.present = USER
    await una.until("hello")
    await admin.until("hello")

    def both(tx: Tx) -> None:
        for id_ in ("v6", "v7"):
            tx.update(replace(tx.need(Vm, id_), comment="x"))
        for vm in ("v6", "v7"):
            tx.insert(Event(code=1, severity=LogSeverity.NORMAL, description=vm, vm=Vm(id=vm)))
        tx.insert(Event(code=2, severity=LogSeverity.NORMAL, description="nobody's"))

    await place.store.write(both)
    assert {i["id"] for i in await admin.until("changed")} == {"v6", "v7"}
    assert [i["id"] for i in await una.until("changed")] == ["v7"]
    assert [i["values"]["description"] for i in await una.until("event")] == ["v7"]
    await place.store.write(lambda tx: grant(tx, "una", "UserRole", "vm", "v8"))
    assert (await una.until("reload"))["reason"] == "permissions"
    await place.store.write(lambda tx: tx.update(replace(tx.need(Vm, "v8"), comment="y")))
    assert [i["id"] for i in await una.until("changed")] == ["v8"]
    await place.store.write(lambda tx: tx.delete(Vm, "v8"))
    assert [i["id"] for i in await una.until("removed")] == ["v8"]
    await place.store.write(lambda tx: tx.delete(Grant, tx.find(Grant, principal_id="una", object_id="v7")[0].id))
    assert (await una.until("reload"))["reason"] == "permissions"
    await una.close()
    await admin.close()


async def test_figures_come_for_the_rows_in_sight_and_when_they_differ(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "TICK_SECONDS", 0.02)

    def used(vm: str, cpu: int) -> None:
        place.live.vm_row("h", vm, {"cpuUser": cpu, "cpuSys": 0, "memUsage": 50, "vcpuCount": 1})

    for vm in ("v1", "v2", "v7"):
        used(vm, 10)
    reading = place.open()
    reading.follower.narrow(None, ["v1", "v7", "nothing"])
    items = await reading.until("statistics")
    assert {i["id"]: (i["type"], i["cpu"], i["memory"]) for i in items} == {
        "v1": ("vms", 10, 50),
        "v7": ("vms", 10, 50),
    }
    used("v1", 30)
    used("v2", 30)
    assert [(i["id"], i["cpu"]) for i in await reading.until("statistics")] == [("v1", 30)]
    place.live.forget_vm("v1")
    assert [(i["id"], i["cpu"]) for i in await reading.until("statistics")] == [("v1", None)]
    una = place.open(USER)
    una.follower.narrow(["vms"], ["v2", "v7"])
    assert [i["id"] for i in await una.until("statistics")] == ["v7"]
    await una.close()
    await reading.close()


async def test_a_stream_ends_with_its_session_and_narrows_to_types(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "HEARTBEAT", 0.05)
    reading = place.open()
    reading.follower.narrow(["tags"], [])
    await reading.until("hello")
    await put(place, "v1", comment="not told")
    await place.store.write(lambda tx: tx.insert(Tag(id="red", name="red")))
    assert (await reading.next())[0] == "added"
    place.present = replace_principal(ADMIN, administrator=False)
    assert (await reading.until("reload"))["reason"] == "permissions"
    place.present = None
    with pytest.raises(StopAsyncIteration):
        await reading.until("nothing")
    assert not place.source.followers


def replace_principal(principal: Principal, **values: Any) -> Principal:
    return Principal(
        **{"user_id": principal.user_id, "name": principal.name, "administrator": principal.administrator, **values}
    )


async def test_what_others_changed_makes_everybody_read_again(place: Place) -> None:
    reading = place.open()
    await reading.until("hello")
    other = Store(str(place.store.engine.url), tuple(place.store.schema.by_name.values()))
    other.owner = "other"
    other.start()
    try:
        await asyncio.to_thread(other.write_now, lambda tx: tx.insert(Tag(id="far", name="far")))
    finally:
        await asyncio.to_thread(other.close)
    await place.store.look_elsewhere()
    assert (await reading.until("reload"))["reason"] == "elsewhere"
    await reading.close()
