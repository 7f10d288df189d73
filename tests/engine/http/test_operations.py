"""Operations over real HTTP: what each answers, in both dialects and forms, and how each refusal looks."""

import asyncio
import json
import zlib
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from ovis.engine.model.enums import VmStatus
from ovis.engine.model.types import Vm
from tests.engine.http.lab import Lab

XML = {"Content-Type": "application/xml"}
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
BOOKMARK = b"<bookmark><name>mine</name><value>Vms:</value></bookmark>"
VM = b"<vm><name>%s</name><cluster id='c1'/></vm>"


def fault(answer: httpx.Response, status: int) -> tuple[str, str]:
    """(reason, detail) of a refusal in whichever form it came."""
    assert answer.status_code == status, answer.text
    if answer.headers["content-type"].startswith("application/json"):
        found = answer.json()
        found = found.get("fault", found)
        return found["reason"], found.get("detail", "")
    root = ElementTree.fromstring(answer.content)
    if root.tag == "action":  # one that failed
        assert root.findtext("status/state", root.findtext("status")) == "failed"
    found_in = root if root.tag == "fault" else root.find("fault")
    assert found_in is not None
    return found_in.findtext("reason") or "", found_in.findtext("detail") or ""


async def test_a_life_in_xml(place: Lab) -> None:
    async with place.client() as client:
        made = await client.post("/bookmarks", content=BOOKMARK, headers=XML)
        assert made.status_code == 201
        root = ElementTree.fromstring(made.content)
        href = root.get("href") or ""
        assert made.headers["location"] == place.url + href
        assert made.headers["content-type"] == "application/xml;charset=UTF-8"
        got = await client.get(place.url + href)
        assert got.content.split() == made.content.split()
        changed = await client.put(place.url + href, content=b"<bookmark><value>Hosts:</value></bookmark>", headers=XML)
        assert changed.status_code == 200
        assert ElementTree.fromstring(changed.content).findtext("name") == "mine"
        assert ElementTree.fromstring(changed.content).findtext("value") == "Hosts:"
        gone = await client.delete(place.url + href)
        assert gone.status_code == 200
        assert ElementTree.fromstring(gone.content).findtext("status") == "complete"
        assert (await client.get(place.url + href)).status_code == 404
        assert (await client.delete(place.url + href)).status_code == 404


async def test_a_life_in_json(place: Lab) -> None:
    async with place.client() as client:
        made = await client.post("/bookmarks", json={"name": "mine", "value": "x"}, headers=JSON)
        assert made.status_code == 201
        href = made.json()["href"]
        assert made.headers["content-type"] == "application/json"
        listed = (await client.get("/bookmarks", headers=JSON)).json()
        assert listed == {"bookmark": [made.json()]}
        gone = await client.delete(place.url + href, headers=JSON)
        assert gone.json() == {"status": "complete"}
        assert (await client.get("/bookmarks", headers=JSON)).json() == {}
    async with place.client() as client:
        assert (await client.get("/bookmarks")).text.endswith("<bookmarks/>\n")


async def test_v3_statuses_and_actions(place: Lab) -> None:
    alpha = place.vms["alpha"]
    async with place.client(dialect=3) as client:
        found = ElementTree.fromstring((await client.get(f"/vms/{alpha}")).content)
        assert found.findtext("status/state") == "down"
        assert [a.get("rel") for a in found.findall("actions/link")][2] == "preview_snapshot"
        for name in ("preview_snapshot", "previewsnapshot"):
            done = await client.post(f"/vms/{alpha}/{name}", content=b"<action/>", headers=XML)
            assert ElementTree.fromstring(done.content).findtext("status/state") == "complete"
        assert (await client.get(f"/vms/{alpha}", headers={"Accept": "application/json"})).json()["memory"] == 1 << 30
    async with place.client() as client:
        found4 = (await client.get(f"/vms/{alpha}", headers={"Accept": "application/json"})).json()
        assert found4["memory"] == str(1 << 30)
        assert (await client.post(f"/vms/{alpha}/preview_snapshot", content=b"")).status_code == 404


@pytest.mark.parametrize("how", ["accept", "matrix", "query"])
async def test_v3_shows_details_inline(place: Lab, how: str) -> None:
    alpha = place.vms["alpha"]
    path, headers = f"/vms/{alpha}", {}
    if how == "accept":
        headers = {"Accept": "application/xml; detail=disks; detail=nics"}
    else:
        path += {"matrix": ";detail=disks+nics", "query": "?detail=disks%2Bnics"}[how]
    async with place.client(dialect=3) as client:
        found = ElementTree.fromstring((await client.get(path, headers=headers)).content)
        disk = found.find("disks/disk")
        assert disk is not None
        assert disk.findtext("bootable") == "true"
        assert disk.get("href") == f"/api/vms/{alpha}/disks/d-{alpha}"
        assert found.find("nics/nic").get("href") == f"/api/vms/{alpha}/nics/nic-0"  # type: ignore[union-attr]
        one = ElementTree.fromstring((await client.get(f"/vms/{alpha}/disks/d-{alpha}")).content)
        assert (one.tag, one.findtext("size"), one.findtext("interface")) == ("disk", str(1 << 30), "virtio")


async def test_following_makes_links_whole(place: Lab) -> None:
    alpha = place.vms["alpha"]
    async with place.client() as client:
        for follow in ("nics,disk_attachments.disk,cluster", "NICS,diskattachments.disk,Cluster"):
            answer = await client.get(f"/vms/{alpha}?follow={follow}")
            found = ElementTree.fromstring(answer.content)
            assert found.findtext("nics/nic/name") == "nic1"
            assert found.findtext("disk_attachments/disk_attachment/disk/name") == "disk1"
            assert found.findtext("cluster/name") == "Default"
        listed = ElementTree.fromstring((await client.get("/vms?follow=nics&max=3")).content)
        assert [vm.findtext("nics/nic/name") for vm in listed] == ["nic1"] * 3
        assert (await client.get("/vms?follow=")).status_code == 200
        for wrong in ("nonsense", "nics.nonsense", "name", "nics,,%00", "..."):
            answer = await client.get(f"/vms/{alpha}?follow={wrong}")
            if wrong == "...":
                assert answer.status_code == 200
            else:
                assert fault(answer, 400)[1]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "json"),
        ("application/xml", "xml"),
        ("*/*", "xml"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "xml"),
        ("application/xml;q=0.5, application/json", "json"),
        ("application/json;q=0.5, application/xml;q=0.4", "json"),
        ("application/json; q=0, application/xml", "xml"),
        ("image/png, application/json;q=0.1", "json"),
        ("application/json;q=x, application/xml;q=0.1", "xml"),
        ("APPLICATION/JSON", "json"),
        ("", "xml"),
    ],
)
async def test_the_form_is_what_the_client_likes_most(place: Lab, accept: str, kind: str) -> None:
    async with place.client() as client:
        answer = await client.get("/bookmarks", headers={"Accept": accept})
        assert answer.headers["content-type"].startswith(f"application/{kind}")
        other = "json" if kind == "xml" else "xml"
        over = await client.get(f"/bookmarks?accept=application/{other}", headers={"Accept": accept})
        assert over.headers["content-type"].startswith(f"application/{other}")


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "nonsense", "text/csv;q=1.0"])
async def test_forms_that_cannot_be_made_are_406(place: Lab, accept: str) -> None:
    async with place.client() as client:
        fault(await client.get("/bookmarks", headers={"Accept": accept}), 406)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png", "nonsense"])
async def test_bodies_of_other_types_are_415(place: Lab, kind: str) -> None:
    async with place.client() as client:
        for method, path in (("POST", "/bookmarks"), ("POST", "/vms/x/start"), ("DELETE", "/vms/x")):
            fault(await client.request(method, path, content=BOOKMARK, headers={"Content-Type": kind}), 415)


@pytest.mark.parametrize("kind", ["application/xml", "application/xml; charset=utf-8", "text/xml", "Application/XML"])
async def test_bodies_of_known_types_are_read(place: Lab, kind: str) -> None:
    async with place.client() as client:
        assert (await client.post("/bookmarks", content=BOOKMARK, headers={"Content-Type": kind})).status_code == 201
        fault(await client.post("/bookmarks", content=BOOKMARK, headers={"Content-Type": kind}), 409)


async def test_methods_that_a_path_has_not_are_405(place: Lab) -> None:
    alpha = place.vms["alpha"]
    async with place.client() as client:
        for method, path, allowed in (
            ("POST", "", "GET, HEAD"),
            ("DELETE", "/vms", "GET, HEAD, POST"),
            ("PUT", "/vms", "GET, HEAD, POST"),
            ("POST", f"/vms/{alpha}", "GET, HEAD, PUT, DELETE"),
            ("PATCH", f"/vms/{alpha}", "GET, HEAD, PUT, DELETE"),
            ("GET", f"/vms/{alpha}/start", "POST"),
            ("DELETE", f"/vms/{alpha}/start", "POST"),
            ("POST", "/clusters", "GET, HEAD"),
            ("OPTIONS", "/clusters", "GET, HEAD"),
        ):
            answer = await client.request(method, path)
            fault(answer, 405)
            assert answer.headers["allow"] == allowed
        for path in ("/vms", f"/vms/{alpha}", f"/vms/{alpha}/nics"):
            head = await client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == (await client.get(path)).headers["content-length"]


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"", XML, "Request syntactically incorrect."),
        (b"   ", XML, "Request syntactically incorrect."),
        (b"<vm>", XML, "Request syntactically incorrect."),
        (b"{", JSON, "Request syntactically incorrect."),
        (b"[]", JSON, "Request syntactically incorrect."),
        (b"<host/>", XML, "Request syntactically incorrect."),
        (b"<vm/>", JSON, "Request syntactically incorrect."),
        (b"<!DOCTYPE vm [<!ENTITY a 'b'>]><vm><name>&a;</name></vm>", XML, "Request syntactically incorrect."),
        (b"<vm><status>flying</status></vm>", XML, "Invalid value"),
        (b'{"memory": "much"}', JSON, "Invalid value"),
        (b"<vm/>", XML, "Incomplete parameters"),
        (b"<vm><name>x</name></vm>", XML, "Incomplete parameters"),
        (b"<vm><name>x</name><cluster/></vm>", XML, "Incomplete parameters"),
    ],
)
async def test_bad_bodies_are_400_and_change_nothing(
    place: Lab, body: bytes, headers: dict[str, str], reason: str
) -> None:
    async with place.client() as client:
        assert fault(await client.post("/vms", content=body, headers=headers), 400)[0] == reason
        assert len(ElementTree.fromstring((await client.get("/vms")).content)) == 5


async def test_incomplete_names_type_paths_and_operation(place: Lab) -> None:
    alpha = place.vms["alpha"]
    async with place.client() as client:
        found = fault(await client.post("/vms", content=b"<vm/>", headers=XML), 400)
        assert found[1] == "Vm [name, cluster.id|cluster.name] required for add"
        found = fault(await client.post(f"/vms/{alpha}/demand", content=b"<action/>", headers=XML), 400)
        assert found == ("Incomplete parameters", "Action [host.id|host.name] required for demand")


async def test_v3_answers_a_body_that_cannot_be_read_with_a_usage_message(place: Lab) -> None:
    async with place.client(dialect=3) as client:
        answer = await client.post("/vms", content=b"<vm><reason>", headers=XML)
        assert answer.status_code == 400
        root = ElementTree.fromstring(answer.content)
        assert root.tag == "usage_message"
        assert root.findtext("message")
        assert root.findtext("detailedLink")
        fault(await client.post("/vms", content=b"<vm><status><state>flying</state></status></vm>", headers=XML), 400)


async def test_bodies_beyond_10_mb_are_413(place: Lab) -> None:
    async with place.client() as client:
        body = b"<vm><name>" + b"x" * (11 << 20) + b"</name></vm>"
        fault(await client.post("/vms", content=body, headers=XML), 413)

        async def pieces() -> Any:
            for _ in range(12):
                yield b"x" * (1 << 20)

        fault(await client.post("/vms", content=pieces(), headers=XML), 413)
        assert (await client.get("/vms")).status_code == 200


async def test_several_reasons_come_together_and_bad_input_wins(place: Lab) -> None:
    async with place.client() as client:
        found = fault(await client.post(f"/vms/{place.vms['alpha']}/refuse", content=b""), 400)
        assert found == ("Operation Failed", "[One., Two.]")


async def test_the_unexpected_is_a_fault_with_a_correlation_id_and_a_log_line(
    place: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    async with place.client() as client:
        answer = await client.post(
            f"/vms/{place.vms['alpha']}/crash", content=b"", headers={"Correlation-Id": "find-me"}
        )
    reason, detail = fault(answer, 500)
    assert reason == "Operation Failed"
    assert "find-me" in detail
    assert "RuntimeError" not in answer.text
    logged = "".join(capsys.readouterr())
    assert "find-me" in logged
    assert "the lab's own crash" in logged


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("abc-DEF_123", "abc-DEF_123"),
        ("a b;c<d>\xe4", "abcd"),
        ("x" * 50, "x" * 36),
    ],
)
async def test_correlation_ids_are_cleaned_and_come_back(place: Lab, given: str, shown: str) -> None:
    async with place.client() as client:
        answer = await client.get("/vms", headers=[(b"correlation-id", given.encode("latin-1"))])
        assert answer.headers["correlation-id"] == shown
        by_query = await client.get("/vms", params={"correlation_id": given})
        assert by_query.headers["correlation-id"] == shown
        missing = await client.get("/nothing", headers={"Correlation-Id": "lost"})
        assert missing.headers["correlation-id"] == "lost"


async def test_a_request_without_a_correlation_id_gets_a_random_one(place: Lab) -> None:
    async with place.client() as client:
        seen = {(await client.get("/vms", headers={"Correlation-Id": v})).headers["correlation-id"] for v in ("", "!!")}
        assert len(seen) == 2
        assert all(len(s) == 36 for s in seen)


async def test_answers_are_packed_if_asked_and_worth_it(place: Lab) -> None:
    async with place.client() as client:
        plain = await client.get("/vms", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        for asked, used in (("gzip", "gzip"), ("deflate, gzip", "gzip"), ("deflate", "deflate"), ("gzip;q=0", None)):
            answer = await client.get("/vms", headers={"Accept-Encoding": asked})
            assert answer.headers.get("content-encoding") == used
            assert answer.content == plain.content
        small = await client.get("/bookmarks", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in small.headers


async def test_long_lists_come_in_pieces_and_whole(place: Lab) -> None:
    def fill(tx: Any) -> None:
        for n in range(350):
            tx.insert(Vm(id=f"many-{n}", name=f"many{n:03}", status=VmStatus.DOWN))

    await place.store.write(fill)
    async with place.client() as client:
        for _ in range(2):  # cold, then from kept rows
            found = ElementTree.fromstring((await client.get("/vms?search=name%3Dmany*")).content)
            assert [vm.findtext("name") for vm in found] == [f"many{n:03}" for n in range(350)]
        listed = await client.get("/vms", headers={"Accept": "application/json", "Accept-Encoding": "gzip"})
        assert len(listed.json()["vm"]) == 355
        async with client.stream("GET", "/vms", headers={"Accept-Encoding": "gzip"}) as raw:
            packed = b"".join([part async for part in raw.aiter_raw()])
        assert len(ElementTree.fromstring(zlib.decompress(packed, 31))) == 355
        head = await client.head("/vms")
        assert (head.status_code, head.content) == (200, b"")


async def test_a_change_shows_at_once(place: Lab) -> None:
    alpha = place.vms["alpha"]
    async with place.client() as client:
        for n in range(3):
            body = f"<vm><description>now {n}</description></vm>".encode()
            changed = await client.put(f"/vms/{alpha}", content=body, headers=XML)
            assert ElementTree.fromstring(changed.content).findtext("description") == f"now {n}"
            for path in (f"/vms/{alpha}", "/vms?search=name%3Dalpha", "/vms"):
                assert f"now {n}" in (await client.get(path)).text


async def test_a_whole_object_may_be_put_back(place: Lab) -> None:
    alpha = place.vms["alpha"]
    for dialect in (3, 4):
        async with place.client(dialect=dialect) as client:
            shown = (await client.get(f"/vms/{alpha}?follow=nics")).content
            answer = await client.put(f"/vms/{alpha}", content=shown, headers=XML)
            assert answer.status_code == 200


# -- long work -----------------------------------------------------------------------------------------------


async def test_a_creation_that_goes_on_is_202_and_can_be_watched(place: Lab) -> None:
    place.gates.open.clear()
    async with place.client() as client:
        answer = await client.post("/vms", content=VM % b"slow", headers=XML)
        assert answer.status_code == 202
        root = ElementTree.fromstring(answer.content)
        assert root.findtext("creation_status") == "pending"
        link = next(e.get("href") for e in root.findall("link") if e.get("rel") == "creation_status")
        watched = ElementTree.fromstring((await client.get(f"{place.url}{link}")).content)
        assert (watched.tag, watched.findtext("status")) in (("creation", "in_progress"), ("creation", "pending"))
        shown = (await client.get(f"{place.url}{link}", headers={"Accept": "application/json"})).json()
        assert shown["status"] in ("in_progress", "pending")
        old = ElementTree.fromstring((await client.get(f"{place.url}{link}", headers={"Version": "3"})).content)
        assert old.findtext("status/state") in ("in_progress", "pending")
        place.gates.open.set()
        for _ in range(200):
            watched = ElementTree.fromstring((await client.get(f"{place.url}{link}")).content)
            if watched.findtext("status") == "complete":
                break
            await asyncio.sleep(0.02)
        assert watched.findtext("status") == "complete"
        assert (await client.get(f"{place.url}{(link or '').rpartition('/')[0]}/unknown")).status_code == 404


async def test_a_creation_that_goes_on_in_json_and_in_v3(place: Lab) -> None:
    async with place.client() as client:
        body = {"name": "slow", "cluster": {"id": "c1"}}
        found = (await client.post("/vms", json=body, headers=JSON)).json()
        assert found["creation_status"] == "pending"
        assert found["link"][0]["rel"] == "creation_status"
        assert any(row["rel"] == "nics" for row in found["link"])
        assert all(row["rel"] != "creation_status" for row in found["actions"]["link"])
    async with place.client(dialect=3) as client:
        old = ElementTree.fromstring((await client.post("/vms", content=VM % b"slow", headers=XML)).content)
        assert old.findtext("creation_status/state") == "pending"


@pytest.mark.parametrize("header", ["X-Ovirt-Expect", "Expect"])
async def test_expecting_201_waits_for_the_end(place: Lab, header: str) -> None:
    async with place.client() as client:
        answer = await client.post("/vms", content=VM % b"slow", headers={**XML, header: "201-created"})
        assert answer.status_code == 201
        assert ElementTree.fromstring(answer.content).findtext("status") == "up"
        failed = await client.post("/vms", content=VM % b"doomed", headers={**XML, header: "201-created"})
        assert failed.status_code == 409
        assert "It was to fail." in fault(failed, 409)[1]


def action(answer: httpx.Response, status: int) -> ElementTree.Element:
    assert answer.status_code == status, answer.text
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "action"
    return root


@pytest.mark.parametrize("body", [b"", b"<action/>", b"<action></action>", b"<action><unknown>1</unknown></action>"])
async def test_an_action_answers_an_action(place: Lab, body: bytes) -> None:
    async with place.client() as client:
        done = action(await client.post(f"/vms/{place.vms['alpha']}/start", content=body, headers=XML), 200)
        assert done.findtext("status") == "complete"
        assert done.find("job") is not None


async def test_an_action_that_waits_or_not(place: Lab) -> None:
    beta = place.vms["beta"]
    async with place.client() as client:
        await client.post(f"/vms/{beta}/start", content=b"<action><async>false</async></action>", headers=XML)
        assert (await place.store.read(lambda rd: rd.need(Vm, beta))).status is VmStatus.UP
        again = await client.post(f"/vms/{beta}/start", content=b"", headers=XML)
        assert fault(again, 409) == ("Operation Failed", "[The VM is up. Stop it first.]")
        doomed = f"/vms/{place.vms['doomed']}/start"
        failed = await client.post(doomed, content=b"<action><async>false</async></action>", headers=XML)
        assert "It was to fail." in fault(failed, 409)[1]


@pytest.mark.parametrize("how", ["body", "query", "matrix"])
async def test_an_asynchronous_action_is_202_and_can_be_watched(place: Lab, how: str) -> None:
    alpha = place.vms["alpha"]
    place.gates.open.clear()
    path = f"/vms/{alpha}/start" + {"body": "", "query": "?async=true", "matrix": ";async=true"}[how]
    body = b"<action><async>true</async></action>" if how == "body" else b"<action/>"
    async with place.client() as client:
        pending = action(await client.post(path, content=body, headers=XML), 202)
        assert pending.findtext("status") == "pending"
        links = {e.get("rel"): e.get("href") for e in pending.findall("link")}
        assert links["parent"] == f"/ovirt-engine/api/vms/{alpha}"
        assert links["replay"] == f"/ovirt-engine/api/vms/{alpha}/start"
        own = f"{place.url}{pending.get('href')}"
        assert action(await client.get(own), 200).findtext("status") in ("pending", "in_progress")
        place.gates.open.set()
        for _ in range(200):
            answer = await client.get(own)
            if answer.status_code == 301:
                break
            await asyncio.sleep(0.02)
        assert answer.headers["location"] == f"{place.url}/ovirt-engine/api/vms/{alpha}"
        assert (await client.get(f"/vms/{alpha}/start/unknown")).status_code == 404


async def test_a_removal_is_always_200_with_an_action(place: Lab) -> None:
    async with place.client() as client:
        for path in (f"/vms/{place.vms['slow']}?async=true", f"/vms/{place.vms['alpha']};async=true"):
            found = action(await client.delete(path), 200)
            assert found.findtext("status") in ("pending", "complete")
        action(await client.delete(f"/vms/{place.vms['slow']}"), 200)


@pytest.mark.parametrize(
    ("body", "flags"),
    [
        (b"", "nothing"),
        (b"<action/>", "nothing"),
        (b"<action><force>true</force></action>", "force=true"),
        (b"<action><vm><disks><detach_only>true</detach_only></disks></vm></action>", "detach_only=true"),
        (b"<action><detach>true</detach></action>", "detach_only=true"),
        (b"<action><host id='h1'/></action>", "host=h1"),
        (b"<vm><name>whatever</name></vm>", "nothing"),
    ],
)
async def test_v3_says_in_the_body_of_a_removal_what_v4_has_in_the_url(place: Lab, body: bytes, flags: str) -> None:
    async with place.client(dialect=3) as client:
        answer = await client.request("DELETE", f"/vms/{place.vms['kept']}", content=body, headers=XML)
    assert fault(answer, 409)[1] == f"[Kept with {flags}.]"


async def test_v3_says_in_the_body_of_an_add_what_v4_has_in_the_url(place: Lab) -> None:
    body = (
        b"<vm><name>n</name><cluster id='c1'/><disks><clone>true</clone></disks>"
        b"<permissions><clone>false</clone></permissions></vm>"
    )
    async with place.client(dialect=3) as client:
        made = ElementTree.fromstring((await client.post("/vms", content=body, headers=XML)).content)
        assert made.findtext("comment") == "clone=true clone_permissions=false"
    async with place.client() as client:
        made = ElementTree.fromstring(
            (await client.post("/vms?clone=false;x", content=VM % b"m", headers={**XML, "All-Content": "true"})).content
        )
        assert made.findtext("comment") == "clone=false;x all_content=true"


async def test_bad_bodies_of_removals_and_actions_are_refused(place: Lab) -> None:
    alpha = place.vms["alpha"]
    async with place.client() as client:
        fault(await client.request("DELETE", f"/vms/{alpha}", content=b"<nonsense", headers=XML), 400)
        fault(await client.request("DELETE", f"/vms/{alpha}", content=b"<host/>", headers=XML), 400)
        fault(await client.post(f"/vms/{alpha}/start", content=b"<vm/>", headers=XML), 400)
        fault(await client.post(f"/vms/{alpha}/start", content=b"{]", headers=JSON), 400)
        assert (await client.get(f"/vms/{alpha}")).status_code == 200


async def test_actions_on_a_collection_and_those_that_talk_to_hosts(place: Lab) -> None:
    async with place.client() as client:
        assert action(await client.post("/vms/sweep", content=b"", headers=XML), 200).findtext("reason") == "nothing"
        asked = await client.post(f"/vms/{place.vms['alpha']}/ask?force=true", content=b"", headers=XML)
        assert action(asked, 200).findtext("reason") == "force=true"
        assert (await client.post("/vms/missing/ask", content=b"", headers=XML)).status_code == 404


async def test_secrets_of_an_action_do_not_come_back(place: Lab) -> None:
    body = b"<action><root_password>hush</root_password><ssh><user><password>hush</password></user></ssh></action>"
    async with place.client() as client:
        answer = await client.post(f"/vms/{place.vms['alpha']}/previewsnapshot", content=body, headers=XML)
        assert answer.status_code == 200
        assert "hush" not in answer.text
        ticket = await client.post(f"/vms/{place.vms['alpha']}/ticket", json={}, headers=JSON)
        assert ticket.json()["ticket"] == {"expiry": "7200", "value": "secret"}
        assert ticket.json()["status"] == "complete"


async def test_a_console_is_also_the_file_that_viewers_open(place: Lab) -> None:
    path = f"/vms/{place.vms['alpha']}/graphicsconsoles/766e63"
    async with place.client() as client:
        file = await client.get(path, headers={"Accept": "application/x-virt-viewer"})
        assert file.headers["content-type"] == "application/x-virt-viewer"
        assert file.text.startswith("[virt-viewer]")
        assert ElementTree.fromstring((await client.get(path)).content).tag == "graphics_console"
        done = await client.post(f"{path}/remoteviewerconnectionfile", content=b"", headers=XML)
        assert action(done, 200).findtext("remote_viewer_connection_file")


async def test_hostile_texts_in_names_and_ids_stay_well_formed(place: Lab) -> None:
    odd = 'a"<&>\n\r\tü'
    async with place.client() as client:
        made = await client.post("/icons", content=json.dumps({"id": odd, "media_type": odd}), headers=JSON)
        assert made.status_code in (201, 403)
        assert "\n" not in made.headers.get("location", "")
        listed = await client.post("/bookmarks", json={"name": odd, "value": odd}, headers=JSON)
        assert listed.json()["name"] == odd
        found = ElementTree.fromstring((await client.get("/bookmarks")).content)
        assert found.findtext("bookmark/name") == odd
        assert (await client.post("/bookmarks", json={"name": "a\0", "value": "b"}, headers=JSON)).status_code == 400
