"""What live pages read, over HTTP from a running engine: the stream, history, dashboard, completion."""

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx

from tests.engine.resources.lab import add_vm, is_status, named
from tests.engine.resources.people import person
from tests.installation import Installation, until


class Stream:
    """An open stream, read in a thread: (event, data) as they come."""

    def __init__(self, client: httpx.Client, query: str = "") -> None:
        self.seen: list[tuple[str, Any]] = []
        self._client = client
        self._query = query
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        until(lambda: self.seen, "the beginning of a stream")

    def _read(self) -> None:
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip"}
        # The test's end closes the connection below the reader.
        with (
            contextlib.suppress(httpx.HTTPError),
            self._client.stream("GET", f"/ovis/stream{self._query}", headers=headers) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            for event, data in _events(answer.iter_lines()):
                self.seen.append((event, data))

    def items(self, event: str) -> list[dict[str, Any]]:
        return [item for name, data in list(self.seen) if name == event for item in data]


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    event = ""
    for line in lines:
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield event, json.loads(line.removeprefix("data: "))


def test_the_life_of_a_vm_is_told_as_it_happens(lab: Installation) -> None:
    with lab.client() as admin, lab.client() as watching, person(lab, "wanda") as wanda:
        vm = add_vm(admin, "watched")
        stream, hers = Stream(watching, f"?ids={vm}"), Stream(wanda)
        key = stream.seen[0][1]["stream"]
        assert admin.post(f"/vms/{vm}/start", json={}).status_code == 200
        is_status(admin, f"/vms/{vm}", "up")

        def values(name: str) -> list[Any]:
            return [i["values"].get(name) for i in stream.items("changed") if i["id"] == vm and "values" in i]

        until(lambda: "up" in values("status"), "the status up")
        until(lambda: [i for i in stream.items("statistics") if i["id"] == vm], "figures of the VM")
        done = until(
            lambda: [i for i in stream.items("job") if "watched" in i["values"]["description"]], "the job of the start"
        )
        until(lambda: stream.items("job")[-1]["values"]["status"] == "finished", "the end of the job")
        job = f"/jobs/{done[0]['id']}/end"
        refused = admin.post(job, json={"force": "true"})
        assert refused.status_code == 409 and "cannot be cancelled" in refused.json()["fault"]["detail"]
        assert admin.post(job, json={"succeeded": "true"}).status_code == 400
        assert done[0]["steps"] and done[0]["cancellable"] in (True, False)
        assert any(i["values"].get("code") == "153" for i in stream.items("event"))
        assert watching.post(f"/ovis/stream/{key}", json={"types": ["tags"], "ids": []}).status_code == 204
        assert wanda.post(f"/ovis/stream/{key}", json={"types": ["tags"]}).status_code == 404
        assert watching.post(f"/ovis/stream/{key}", json={"types": ["nonsense"]}).status_code == 400
        assert watching.post(f"/ovis/stream/{key}", content=b"[]").status_code == 400
        assert admin.post(f"/vms/{vm}/stop", json={}).status_code == 200
        is_status(admin, f"/vms/{vm}", "down")
        told = len(stream.items("changed"))
        assert admin.delete(f"/vms/{vm}").status_code == 200
        tag = admin.post("/tags", json={"name": "seen-by-all"}).json()["id"]
        until(lambda: [i for i in stream.items("added") if i["id"] == tag], "a tag")
        until(lambda: [i for i in hers.items("added") if i["id"] == tag], "a tag, by an ordinary user")
        assert len(stream.items("changed")) == told and not stream.items("removed")
        assert {event for event, _ in hers.seen} <= {"hello", "added"}
        assert admin.delete(f"/tags/{tag}").status_code == 200


def test_pages_show_what_is_there_and_refuse_what_is_wrong(lab: Installation) -> None:
    with lab.client() as admin, person(lab, "paula") as paula:
        running, host = named(admin, "vms", "running")["id"], admin.get("/hosts").json()["host"][0]
        found = until(
            lambda: (
                (answer := admin.get(f"/ovis/history?type=vms&ids={running},nothing").json())
                and answer["objects"][running]["cpu"][-1] is not None
                and answer
            ),
            "a sample of the VM",
        )
        assert found["samples"] == 14 and set(found["objects"]) == {running}
        assert {len(values) for values in found["objects"][running].values()} == {14}
        assert paula.get(f"/ovis/history?type=vms&ids={running}").json()["objects"] == {}
        for bad in ("type=tags", "type=vms&span=1", "type=vms&samples=1000", "type=vms&span=x"):
            assert admin.get(f"/ovis/history?{bad}").status_code == 400, bad

        board = admin.get("/ovis/dashboard").json()
        assert board["inventory"]["hosts"]["total"] == 2 and board["inventory"]["hosts"]["states"]["up"] == 2
        assert board["inventory"]["vms"]["states"]["up"] >= 1 and board["memory"]["total"] > 0
        assert len(board["cpu"]["history"]) == 96 and board["cpu"]["promised"] >= 1
        assert "running" in {row["name"] for row in board["top"]["cpu"]}
        assert {row["name"] for row in board["hosts"]} >= {host["name"]}
        alert = next(a for a in board["alerts"] if a["severity"] == "alert")
        assert alert["entity"] == {"type": "vms", "id": running, "name": "running"}
        hers = paula.get("/ovis/dashboard").json()
        assert hers["inventory"]["vms"]["total"] == 0 and hers["hosts"] == [] and hers["top"]["cpu"] == []
        assert hers["alerts"] == [] and hers["storage"]["total"] == 0

        theirs = httpx.get(
            f"{lab.url}/ovirt-engine/webadmin/dashboard_data", auth=admin.auth, verify=lab.ca and False, timeout=60
        ).json()
        assert theirs["inventory"]["host"]["statuses"] == [{"type": "up", "count": 2, "statusValues": ["up"]}]
        assert {"cpu", "memory", "storage"} == set(theirs["globalUtilization"])
        assert theirs["heatMapData"]["memory"] and theirs["globalUtilization"]["memory"]["total"] > 0

        proposed = admin.get("/ovis/completion?q=Vms: cluster = De").json()
        assert [i["insert"] for i in proposed["items"]] == ["Default "] and proposed["error"] is None
        assert admin.get(f"/ovis/completion?q={'x' * 2001}").status_code == 400
        assert admin.get("/ovis/completion?entity=nothing").status_code == 400

        assert admin.get("/ovis/nothing").status_code == 404 and admin.get("/ovis").status_code == 404
        refused = admin.delete("/ovis/dashboard")
        assert refused.status_code == 405 and "GET" in refused.headers["allow"]
        assert httpx.get(f"{lab.url}/ovirt-engine/api/ovis/permits", verify=False, timeout=60).status_code == 401
        assert lab.client("/api").get("/ovis/permits").status_code == 404
