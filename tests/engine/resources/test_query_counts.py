"""A list of twenty-five asks the database no more often than a list of five; how often is written down.

The numbers are committed: tests/data/resources/query_counts.json. One that rises is a question to its change, one that
falls is written anew (OVIS_TEST_WRITE_COUNTS=1).
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from ovis.engine.access import directory, tokens
from ovis.engine.main.composition import Engine
from ovis.engine.main.settings import load
from ovis.engine.main.setup import instance_id
from tests.engine.resources.lab import add_vm, made, named
from tests.engine.resources.samples import SAMPLES
from tests.engine.resources.walk import SPOTS, Walker
from tests.installation import Installation, installation

COUNTS = Path(__file__).parents[2] / "data/resources/query_counts.json"
FILLED = (
    "/bookmarks /clusters /cpuprofiles /datacenters /events /groups /instancetypes /jobs /macpools /networks /roles "
    "/tags /users /vnicprofiles"
).split()
LISTS = [
    *(
        p
        for p in sorted(SPOTS)
        if p.count("/") == 1 and 4 in SPOTS[p].dialects and SPOTS[p].resource.list and p != "/events"
    ),
    "/vms?follow=nics,tags,cluster,template,permissions,disk_attachments.disk",
    "/vms?search=name%3Dvm*%20and%20cluster%3DDefault",
    "/vnicprofiles?follow=network.data_center",
    "/clusters?follow=networks,permissions",
    "/users?follow=roles,permissions,tags",
    "/events?max=50",
    "/vms/{vm}/nics",
    "/vms/{vm}/permissions",
    "/vms/{vm}/tags",
    "/datacenters/{center}/networks",
    "/datacenters/{center}/clusters",
    "/clusters/{cluster}/networks",
]


def fill(place: Installation, count: int) -> None:
    """So many more of everything."""
    walker = Walker(place)
    try:
        client = walker.client(4, "json")
        for path in FILLED:
            for _ in range(count):
                made(client.post(path, json=SAMPLES[path].make(walker, ())))
        for number in range(count):
            vm = add_vm(client, f"vm-{count}-{number}", disk=False)
            made(client.post(f"/vms/{vm}/tags", json={"name": client.get("/tags").json()["tag"][number]["name"]}))
        first = client.get("/vms").json()["vm"][0]["id"]
        profile = client.get("/vnicprofiles").json()["vnic_profile"][0]["id"]
        users, role = client.get("/users").json()["user"], client.get("/roles").json()["role"][0]["id"]
        cluster = named(client, "clusters", "Default")["id"]
        known = {n["id"] for n in client.get(f"/clusters/{cluster}/networks").json()["network"]}
        center = named(client, "datacenters", "Default")["id"]
        networks = [n["id"] for n in client.get("/networks").json()["network"] if n["data_center"]["id"] == center]
        for number in range(count):
            nic = {"name": f"n-{count}-{number}", "vnic_profile": {"id": profile}}
            made(client.post(f"/vms/{first}/nics", json=nic))
            user = users[-1 - number]["id"]
            made(client.post(f"/vms/{first}/permissions", json={"role": {"id": role}, "user": {"id": user}}))
        for network in [n for n in networks if n not in known][:count]:
            made(client.post(f"/clusters/{cluster}/networks", json={"id": network, "required": "false"}))
    finally:
        walker.close()


async def count_queries(place: Installation) -> dict[str, tuple[int, int]]:
    """Queries and rows of each list, asked of a fresh engine that runs in this process."""
    engine = Engine(load({"data": str(place.folder)}, {}), instance_id(place.folder))
    engine.store.start(asyncio.get_running_loop())  # nothing in the background: what is counted is the list alone
    app: Any = engine.app
    asked = 0

    def count(*_: object) -> None:
        nonlocal asked
        asked += 1

    sa.event.listen(engine.store.engine, "before_cursor_execute", count)
    found: dict[str, tuple[int, int]] = {}
    try:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="https://engine/ovirt-engine/api",
            auth=("admin@internal", place.password),
            headers={"Accept": "application/json"},
        ) as client:
            ids = {
                "vm": (await client.get("/vms?max=1")).json()["vm"][0]["id"],
                "center": (await client.get("/datacenters?search=name%3DDefault")).json()["data_center"][0]["id"],
                "cluster": (await client.get("/clusters?search=name%3DDefault")).json()["cluster"][0]["id"],
            }
            for path in LISTS:
                await client.get("")  # who asks is known from here on
                asked = 0
                answer = await client.get(path.format(**ids))
                assert answer.status_code == 200, f"{path} {answer.text}"
                found[path] = (asked, len(next(iter(answer.json().values()), ())))
    finally:
        sa.event.remove(engine.store.engine, "before_cursor_execute", count)
        await asyncio.to_thread(engine.store.close)
    return found


async def test_lists_do_not_ask_for_each_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for room, name in ((directory, "_LOOK_AGAIN_SECONDS"), (tokens, "LOOK_AGAIN_SECONDS")):
        monkeypatch.setattr(room, name, float("inf"))  # what is asked every few seconds is no part of a list
    with installation(tmp_path) as place:
        fill(place, 5)
        place.stop_engine()
        few = await count_queries(place)
        place.start_engine()
        fill(place, 20)
        place.stop_engine()
        many = await count_queries(place)
    grown = {p: (few[p], many[p]) for p in LISTS if many[p][0] > few[p][0]}
    assert not grown, "queries and rows of a short list, of a long one"
    longer = [p for p in LISTS if many[p][1] >= few[p][1] + 20]
    assert {"/events?max=50" if p == "/events" else p for p in FILLED} <= {*longer, "/events?max=50"}
    seen = {path: queries for path, (queries, _) in sorted(many.items())}
    if os.environ.get("OVIS_TEST_WRITE_COUNTS"):
        COUNTS.write_text(json.dumps(seen, indent=1) + "\n")
    assert seen == json.loads(COUNTS.read_text())
