"""Sessions of browsers: the cookie finds the token again, and is of no use to anybody else."""

import httpx
import pytest

from ovis.engine.http.browser import COOKIE, PATH
from tests.engine.http.lab import ADMIN_PASSWORD, USER_PASSWORD, Lab

API = "/ovirt-engine/api"
ADMIN = {"user": "admin", "password": ADMIN_PASSWORD, "profile": "internal"}


def anybody(place: Lab) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=place.url, timeout=30)


async def test_a_page_signs_in_finds_its_token_again_and_signs_out(place: Lab) -> None:
    async with anybody(place) as client:
        nobody = await client.get(PATH)
        assert (nobody.status_code, nobody.json()) == (200, {"profiles": ["internal"]})
        told = await client.post(PATH, json=ADMIN)
        assert told.status_code == 200, told.text
        assert told.headers["cache-control"] == "no-store"
        who = told.json()
        assert (who["user"], who["administrator"], who["idle_seconds"]) == ("admin@internal", True, 1800)
        again = await client.get(PATH)
        assert again.json() == who
        bearer = {"Authorization": f"Bearer {who['token']}", "Accept": "application/json"}
        assert (await client.get(f"{API}/vms", headers=bearer)).status_code == 200
        left = await client.delete(PATH)
        assert left.status_code == 204
        assert "Max-Age=0" in left.headers["set-cookie"]
        assert (await client.get(f"{API}/vms", headers=bearer)).status_code == 401


async def test_the_cookie_is_read_at_one_address_alone_and_by_no_script(place: Lab) -> None:
    async with anybody(place) as client:
        told = await client.post(PATH, json={**ADMIN, "user": "admin@internal"})
        cookie = told.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Path" not in cookie  # so it belongs to the folder of this address, behind any proxy
        text = cookie.partition("=")[2].partition(";")[0]
        refused = await client.get(f"{API}/vms", headers={"Cookie": f"{COOKIE}={text}; JSESSIONID={text}"})
        assert refused.status_code == 401


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, b"{}", 403),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"user=admin&password=x", 415),
        ({"Content-Type": "text/plain"}, b'{"user":"admin","password":"x"}', 415),
        ({"Content-Type": "application/json"}, b'{"user": 5}', 400),
        ({"Content-Type": "application/json"}, b"\xff\xfe", 400),
        ({"Content-Type": "application/json"}, b'{"user":"admin","password":"wrong"}', 401),
        ({"Content-Type": "application/json"}, b'{"user":"nobody","password":"wrong"}', 401),
    ],
)
async def test_what_no_page_of_ours_sends_signs_nobody_in(
    place: Lab, headers: dict[str, str], body: bytes, status: int
) -> None:
    async with anybody(place) as client:
        refused = await client.post(PATH, content=body, headers=headers)
        assert refused.status_code == status, refused.text
        assert "set-cookie" not in refused.headers


async def test_an_ordinary_user_is_told_to_be_one_and_other_methods_are_none(place: Lab) -> None:
    async with anybody(place) as client:
        told = await client.post(PATH, json={"user": "jane", "password": USER_PASSWORD})
        assert told.json()["administrator"] is False
        assert (await client.put(PATH, json={})).status_code == 405


async def test_the_session_goes_on_to_a_plugins_server_and_is_not_ended_by_it(place: Lab) -> None:
    async with anybody(place) as client:
        token = (await client.post(PATH, json=ADMIN)).json()["token"]
    async with anybody(place) as server:
        persistent = {"Prefer": "persistent-auth"}
        for handed in ({"Cookie": f"JSESSIONID={token}"}, {"JSESSIONID": token}):
            assert (await server.get(f"{API}/vms", headers={**handed, **persistent})).status_code == 200
            assert (await server.get(f"{API}/vms", headers=handed)).status_code == 401
        wrong = {"JSESSIONID": token[:-1] + "!", **persistent}
        assert (await server.get(f"{API}/vms", headers=wrong)).status_code == 401
        assert (await server.get(f"{API}/vms", headers={"Authorization": f"Bearer {token}"})).status_code == 200
