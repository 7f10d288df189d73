"""Who is calling: tokens, Basic, cookies, and how each refusal looks."""

import base64
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from tests.engine.http.lab import ADMIN_PASSWORD, USER_PASSWORD, Lab

TOKEN = "/ovirt-engine/sso/oauth/token"
API = "/ovirt-engine/api"
FORM = {"grant_type": "password", "scope": "ovirt-app-api", "username": "admin@internal", "password": ADMIN_PASSWORD}
JSON = {"Accept": "application/json"}


def anybody(place: Lab) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=place.url, timeout=30)


async def token(client: httpx.AsyncClient) -> str:
    answer = await client.post(TOKEN, data=FORM, headers=JSON)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def test_a_token_is_given_by_form_or_query_with_any_method(place: Lab) -> None:
    async with anybody(place) as client:
        for answer in (
            await client.post(TOKEN, data=FORM, headers=JSON),
            await client.get(TOKEN, params=FORM, headers=JSON),
            await client.post(TOKEN, params=FORM, headers=JSON),
            await client.put(TOKEN, data=FORM, headers=JSON),
        ):
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("application/json")
            found = answer.json()
            assert found["token_type"] == "bearer"
            assert isinstance(found["exp"], str)
            assert int(found["exp"]) > 10**12
            assert found["scope"] == "ovirt-app-api"
            assert len(base64.urlsafe_b64decode(found["access_token"] + "==")) == 64


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "wrong"}, "access_denied"),
        ({"username": "nobody@internal"}, "access_denied"),
        ({"username": "admin"}, "access_denied"),
        ({"username": "admin@nowhere"}, "access_denied"),
        ({"username": "ad\0min@internal"}, "access_denied"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"username": None}, "invalid_request"),
        ({"password": None}, "invalid_request"),
        ({"scope": "ovirt-app-api nonsense"}, "invalid_scope"),
    ],
)
async def test_refusals_of_the_token_are_400_with_a_code(place: Lab, change: dict[str, Any], code: str) -> None:
    form = {k: v for k, v in {**FORM, **change}.items() if v is not None}
    async with anybody(place) as client:
        answer = await client.post(TOKEN, data=form, headers=JSON)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json().keys() == {"error_code", "error"}
    assert answer.json()["error_code"] == code


async def test_other_scopes_get_the_other_form_of_error(place: Lab) -> None:
    async with anybody(place) as client:
        answer = await client.post(TOKEN, data={**FORM, "scope": "ovirt-app-admin", "password": "wrong"}, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["error"] == "access_denied"
    assert answer.json()["error_description"]


@pytest.mark.parametrize("accept", ["application/xml", "text/html", "application/json;q=0.5, text/plain"])
async def test_sign_in_demands_that_json_is_accepted(place: Lab, accept: str) -> None:
    async with anybody(place) as client:
        answer = await client.post(TOKEN, data=FORM, headers={"Accept": accept})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "invalid_request")
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"a=1&" * 5000, b"x" * (11 << 20)])
async def test_forms_that_cannot_be_read_are_refused_in_json(place: Lab, body: bytes) -> None:
    headers = {**JSON, "Content-Type": "application/x-www-form-urlencoded"}
    async with anybody(place) as client:
        answer = await client.post(TOKEN, content=body, headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "invalid_request")


async def test_the_last_at_sign_parts_name_and_profile(place: Lab) -> None:
    async with anybody(place) as client:
        answer = await client.post(TOKEN, data={**FORM, "username": "a@b@internal"}, headers=JSON)
    assert answer.json()["error_code"] == "access_denied"


async def test_a_token_opens_the_api_until_it_is_revoked(place: Lab) -> None:
    async with anybody(place) as client:
        text = await token(client)
        bearer = {"Authorization": f"Bearer {text}"}
        assert (await client.get(API, headers=bearer)).status_code == 200
        info = await client.post("/ovirt-engine/sso/oauth/token-info", data={"token": text}, headers=JSON)
        assert info.json()["user_id"] == "admin@internal"
        assert info.json()["active"] is True
        assert info.json()["ovirt"]["principal_id"]
        validated = await client.post(
            "/ovirt-engine/sso/oauth/token-info",
            data={"token": text, "scope": "ovirt-ext=token-info:validate"},
            headers=JSON,
        )
        assert validated.json() == {}
        revoked = await client.post(
            "/ovirt-engine/sso/oauth/revoke", data={"token": text, "scope": "ovirt-app-api"}, headers=JSON
        )
        assert (revoked.status_code, revoked.json()) == (200, {})
        assert (await client.get(API, headers=bearer)).status_code == 401
        again = await client.post("/ovirt-engine/sso/oauth/revoke", data={"token": text}, headers=JSON)
        assert (again.status_code, again.json()) == (200, {})
        gone = await client.post("/ovirt-engine/sso/oauth/token-info", data={"token": text}, headers=JSON)
        assert (gone.status_code, gone.json()["error_code"]) == (400, "invalid_grant")
        missing = await client.post("/ovirt-engine/sso/oauth/revoke", headers=JSON)
        assert (missing.status_code, missing.json()["error_code"]) == (400, "invalid_request")


async def test_sso_logout_is_what_clients_call_at_their_end(place: Lab) -> None:
    async with anybody(place) as client:
        text = await token(client)
        answer = await client.post(
            "/ovirt-engine/services/sso-logout", data={"scope": "ovirt-app-api", "token": text}, headers=JSON
        )
        assert answer.status_code == 200
        assert "error" not in answer.json()
        assert answer.headers["content-type"].startswith("application/json")
        assert (await client.get(API, headers={"Authorization": f"Bearer {text}"})).status_code == 401


async def test_a_token_by_basic_credentials(place: Lab) -> None:
    path = "/ovirt-engine/sso/oauth/token-http-auth/"
    async with anybody(place) as client:
        refused = await client.get(path, headers=JSON)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic")
        given = await client.get(path, headers=JSON, auth=("admin@internal", ADMIN_PASSWORD))
        assert given.json()["token_type"] == "bearer"
        broken = await client.get(path, headers=[(b"accept", b"application/json"), (b"authorization", b"Basic \xff")])
        assert (broken.status_code, broken.json()["error_code"]) == (400, "invalid_request")


def refused(answer: httpx.Response) -> None:
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="RESTAPI"'
    if answer.headers["content-type"].startswith("application/json"):
        assert answer.json()["reason"]
    else:
        assert ElementTree.fromstring(answer.content).tag == "fault"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer unknown",
        "Basic",
        "Basic !!!",
        "Basic \xff\xfe",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b"admin@internal:wrong").decode(),
        "Basic " + base64.b64encode(b"ad\0min@internal:x").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Negotiate abc",
        "Digest a=b",
    ],
)
async def test_who_is_not_known_gets_a_challenge_and_a_fault(place: Lab, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with anybody(place) as client:
        raw = [(k.encode(), v.encode("latin-1")) for k, v in headers.items()]
        for path in (API, f"{API}/vms", "/api", f"{API}/nothing"):
            refused(await client.get(path, headers=raw))
            refused(await client.post(path, headers=[*raw, (b"accept", b"application/json")], content=b"x" * 100))


async def test_3x_clients_write_the_profile_first(place: Lab) -> None:
    async with anybody(place) as client:
        assert (await client.get(API, auth=("internal\\admin", ADMIN_PASSWORD))).status_code == 200


PERSIST = {"Prefer": "persistent-auth"}


async def cookie(client: httpx.AsyncClient, **headers: str) -> str:
    answer = await client.get(API, auth=("admin@internal", ADMIN_PASSWORD), headers={**PERSIST, **headers})
    assert answer.status_code == 200
    shown = str(answer.headers["set-cookie"])
    client.cookies.clear()
    assert shown.startswith("JSESSIONID=")
    assert f"; Path={API};" in shown
    assert "; HttpOnly" in shown
    return shown.partition(";")[0]


async def test_a_cookie_replaces_credentials_as_long_as_prefer_is_sent(place: Lab) -> None:
    async with anybody(place) as client:
        held = await cookie(client)
        for _ in range(2):
            answer = await client.get(f"{API}/vms", headers={**PERSIST, "Cookie": held})
            assert answer.status_code == 200
            assert "set-cookie" not in answer.headers
        refused(await client.get(f"{API}/vms", headers={"Cookie": held}))  # no Prefer: signs out
        refused(await client.get(f"{API}/vms", headers={**PERSIST, "Cookie": held}))
        refused(await client.get(f"{API}/vms", headers={**PERSIST, "Cookie": "JSESSIONID=unknown"}))


async def test_new_auth_closes_the_old_session_and_opens_another(place: Lab) -> None:
    async with anybody(place) as client:
        held = await cookie(client)
        answer = await client.get(
            API,
            auth=("admin@internal", ADMIN_PASSWORD),
            headers={"Prefer": "persistent-auth, new-auth", "Cookie": held},
        )
        fresh = answer.headers["set-cookie"].partition(";")[0]
        client.cookies.clear()
        assert fresh != held
        refused(await client.get(API, headers={**PERSIST, "Cookie": held}))
        assert (await client.get(API, headers={**PERSIST, "Cookie": fresh})).status_code == 200


async def test_prefer_may_be_sent_in_two_headers(place: Lab) -> None:
    basic = base64.b64encode(f"admin@internal:{ADMIN_PASSWORD}".encode()).decode()
    async with anybody(place) as client:
        headers = [("Prefer", "csrf-protection"), ("Prefer", "persistent-auth"), ("Authorization", f"Basic {basic}")]
        assert "set-cookie" in (await client.get(API, headers=headers)).headers


async def test_basic_without_prefer_leaves_no_session(place: Lab) -> None:
    async with anybody(place) as client:
        answer = await client.get(API, auth=("admin@internal", ADMIN_PASSWORD))
        assert "set-cookie" not in answer.headers


async def test_csrf_protection_demands_the_id_in_a_header(place: Lab) -> None:
    async with anybody(place) as client:
        held = await cookie(client, Prefer="persistent-auth, csrf-protection")
        answer = await client.get(API, headers={**PERSIST, "Cookie": held})
        assert answer.status_code == 403
        assert ElementTree.fromstring(answer.content).tag == "fault"
        id_ = held.partition("=")[2]
        for sent, status in ((id_, 200), (id_[:-1], 403)):
            answer = await client.get(API, headers={**PERSIST, "Cookie": held, "JSESSIONID": sent})
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("5", 300), ("0", 1800), ("-1", 1800), ("x", 1800), ("\xb2", 1800), ("", 1800), ("9" * 40, 366 * 86400)],
)
async def test_session_ttl_is_minutes_and_garbage_is_ignored(place: Lab, given: str, seconds: int) -> None:
    basic = base64.b64encode(f"admin@internal:{ADMIN_PASSWORD}".encode())
    async with anybody(place) as client:
        answer = await client.get(
            API,
            headers=[
                (b"authorization", b"Basic " + basic),
                (b"prefer", b"persistent-auth"),
                (b"session-ttl", given.encode("latin-1")),
            ],
        )
    text = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
    session = await place.sessions.find(text)
    assert session is not None
    assert session.token.idle_seconds == seconds


async def test_ordinary_users_see_what_is_theirs(place: Lab) -> None:
    async with place.client(user="jane") as client:
        listed = ElementTree.fromstring((await client.get("/vms")).content)
        assert [vm.findtext("name") for vm in listed] == ["alpha"]
        assert (await client.get(f"/vms/{place.vms['beta']}")).status_code == 404
        assert (await client.get(f"/vms/{place.vms['beta']}/nics")).status_code == 404
        assert (await client.get(f"/vms/{place.vms['alpha']}/nics")).status_code == 200
        # `Filter: false` does not widen it.
        assert len(ElementTree.fromstring((await client.get("/vms", headers={"Filter": "false"})).content)) == 1
    async with place.client(user="jane", dialect=3) as client:
        refused_ = await client.get("/vms")
        assert refused_.status_code == 403
        for value in ("true", "True"):
            answer = await client.get("/vms", headers={"Filter": value})
            assert [vm.findtext("name") for vm in ElementTree.fromstring(answer.content)] == ["alpha"]
        assert len(ElementTree.fromstring((await client.get("/vms?filter=true")).content)) == 1


async def test_an_administrator_may_take_the_users_view(place: Lab) -> None:
    async with place.client() as client:
        for headers, query in (({"Filter": "true"}, ""), ({"Filter": "True"}, ""), ({}, "?filter=true"), ({}, "")):
            answer = await client.get(f"/vms{query}", headers=headers)
            assert len(ElementTree.fromstring(answer.content)) == 5


async def test_following_shows_a_user_no_more_than_he_sees(place: Lab) -> None:
    async with place.client(user="jane") as client:
        answer = await client.get(f"/vms/{place.vms['alpha']}?follow=cluster")
        cluster = ElementTree.fromstring(answer.content).find("cluster")
        assert cluster is not None
        assert cluster.findtext("name") is None
    async with place.client() as client:
        answer = await client.get(f"/vms/{place.vms['alpha']}?follow=cluster")
        assert ElementTree.fromstring(answer.content).findtext("cluster/name") == "Default"


async def test_what_declares_no_needs_is_refused_to_everybody(place: Lab) -> None:
    async with place.client() as client:
        made = await client.post("/icons", content=b"<icon id='i1'/>", headers={"Content-Type": "application/xml"})
        assert made.status_code == 201
        for answer in (
            await client.get("/icons"),
            await client.get("/icons/i1"),
            await client.put("/icons/i1", content=b"<icon/>", headers={"Content-Type": "application/xml"}),
            await client.delete("/icons/i1"),
            await client.post(f"/vms/{place.vms['alpha']}/undeclared", content=b""),
        ):
            assert answer.status_code == 403
            assert ElementTree.fromstring(answer.content).tag == "fault"
    async with place.client(user="jane") as client:
        assert (
            await client.post("/icons", content=b"<icon id='i2'/>", headers={"Content-Type": "application/xml"})
        ).status_code == 403


async def test_permits_are_asked_for(place: Lab) -> None:
    body = b"<bookmark><name>x</name><value>y</value></bookmark>"
    async with place.client(user="jane") as client:
        answer = await client.post("/bookmarks", content=body, headers={"Content-Type": "application/xml"})
        assert answer.status_code == 403
        assert "not authorized" in answer.text
    assert USER_PASSWORD not in answer.text
