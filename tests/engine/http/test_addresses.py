"""Addresses: dialect by path, header and default; the root; parameters in queries and path segments."""

import re
from xml.etree import ElementTree

import httpx
import pytest

from tests.engine.http.lab import Lab

ALPHA = "00000000-1111-4222-8333-000000000000"


async def get(place: Lab, path: str, **headers: str) -> httpx.Response:
    async with place.client() as client:
        return await client.get(place.url + path, headers=headers)


def is_v3(text: str) -> bool:
    return "<state>" in text


@pytest.mark.parametrize(
    ("prefix", "version", "dialect"),
    [
        ("/ovirt-engine/api", None, 4),
        ("/ovirt-engine/api", "3", 3),
        ("/ovirt-engine/api", "4", 4),
        ("/ovirt-engine/api", "", 4),
        ("/ovirt-engine/api/v3", None, 3),
        ("/ovirt-engine/api/v3", "4", 3),
        ("/ovirt-engine/api/v4", "3", 4),
        ("/ovirt-engine/api/v4", "nonsense", 4),
        ("/api", None, 3),
        ("/api", "3", 3),
        ("/api", "4", 4),
        ("/api/v4", None, 4),
    ],
)
async def test_path_then_header_then_default_and_hrefs_keep_the_prefix(
    place: Lab, prefix: str, version: str | None, dialect: int
) -> None:
    headers = {"Version": version} if version is not None else {}
    for path in ("/vms", f"/vms/{ALPHA}"):
        found = await get(place, prefix + path, **headers)
        assert found.status_code == 200
        assert is_v3(found.text) is (dialect == 3)
        hrefs = re.findall(r'href="([^"]+)"', found.text)
        assert hrefs
        assert all(href.startswith((f"{prefix}/vms/", f"{prefix}/clusters/")) for href in hrefs)


@pytest.mark.parametrize("path", ["/ovirt-engine/api/vms", "/api", "/ovirt-engine/api"])
async def test_an_unknown_version_is_400_without_a_body(place: Lab, path: str) -> None:
    found = await get(place, path, Version="5")
    assert (found.status_code, found.content) == (400, b"")
    assert (await get(place, "/ovirt-engine/api/v7/vms")).status_code == 400


@pytest.mark.parametrize("path", ["/ovirt-engine/api", "/ovirt-engine/api/", "/api", "/api/", "/ovirt-engine/api/v3/"])
async def test_the_root_answers_where_it_is_without_redirecting(place: Lab, path: str) -> None:
    found = await get(place, path)
    assert found.status_code == 200
    root = ElementTree.fromstring(found.content)
    assert root.tag == "api"
    base = path.rstrip("/")
    links = {link.get("rel"): link.get("href") for link in root.findall("link")}
    assert links["vms"] == f"{base}/vms"
    assert links["vms/search"] == f"{base}/vms?search={{query}}"
    assert f"<{place.url}{base}/vms>; rel=vms" in found.headers["link"]
    assert f"<{place.url}{base}/vms?search={{query}}>; rel=vms/search" in found.headers["link"]


async def test_head_of_the_root_has_the_links_and_no_body(place: Lab) -> None:
    async with place.client() as client:
        found = await client.head(place.url + "/ovirt-engine/api")
    assert (found.status_code, found.content) == (200, b"")
    assert "rel=vms" in found.headers["link"]
    assert int(found.headers["content-length"]) > 0


async def test_the_root_says_who_made_it_and_what_is_there(place: Lab) -> None:
    root = ElementTree.fromstring((await get(place, "/ovirt-engine/api")).content)
    for part in ("major", "minor", "build", "revision", "full_version"):
        assert root.findtext(f"product_info/version/{part}")
    assert root.findtext("summary/vms/total") == "5"
    assert root.find("special_objects/blank_template").get("id") == "00000000-0000-0000-0000-000000000000"  # type: ignore[union-attr]
    old = ElementTree.fromstring((await get(place, "/api")).content)
    assert old.find("product_info/version").get("major")  # type: ignore[union-attr]
    assert [link.get("rel") for link in old.findall("special_objects/link")] == ["templates/blank", "tags/root"]
    assert old.find("link").get("rel") == "capabilities"  # type: ignore[union-attr]
    async with place.client(user="jane") as client:
        shown = ElementTree.fromstring((await client.get("")).content)
    assert shown.find("summary") is None


async def test_the_root_as_json(place: Lab) -> None:
    found = (await get(place, "/ovirt-engine/api", Accept="application/json")).json()
    assert isinstance(found["product_info"]["version"]["major"], str)
    assert {"rel": "vms", "href": "/ovirt-engine/api/vms"} in found["link"]
    assert isinstance(found["time"], int)


def names(answer: httpx.Response) -> list[str | None]:
    assert answer.status_code == 200, answer.text
    return [e.findtext("name") for e in ElementTree.fromstring(answer.content)]


@pytest.mark.parametrize(
    "path",
    [
        "/vms;max=2",
        "/vms;max=2/",
        "/vms/;max=2",
        "/vms?max=2",
        ";max=2/vms",
        "/vms;max=2;case_sensitive=False?search=",
        "/vms;current;max=%32",
        "/vms?max=2&max_results=7",
    ],
)
async def test_parameters_stand_in_the_query_or_on_any_segment(place: Lab, path: str) -> None:
    assert names(await get(place, "/ovirt-engine/api" + path)) == ["alpha", "beta"]
    assert names(await get(place, "/api" + path)) == ["alpha", "beta"]


@pytest.mark.parametrize("value", ["", "-1", "many", "1.5", "9" * 30, "0x1", "%00", "1_0"])
async def test_bad_numbers_are_ignored(place: Lab, value: str) -> None:
    assert len(names(await get(place, f"/ovirt-engine/api/vms?max={value}"))) == 5


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["alpha", "beta", "doomed", "kept", "slow"]),
        ("name=alpha", ["alpha"]),
        ("name=ALPHA", ["alpha"]),
        ("name=*a*", ["alpha", "beta"]),
        ('name="beta" and status=down', ["beta"]),
        ("sortby name desc", ["slow", "kept", "doomed", "beta", "alpha"]),
        ("cluster=Default", ["alpha", "beta", "doomed", "kept", "slow"]),
        ("status=flying", []),
        (" page 2", []),
        ("name=", []),
        ("(((", []),
        ("name='x';drop", []),
    ],
)
async def test_searches_never_fail(place: Lab, query: str, found: list[str]) -> None:
    async with place.client() as client:
        assert names(await client.get("/vms", params={"search": query, "max": "1000"})) == found


async def test_case_counts_only_if_asked(place: Lab) -> None:
    async with place.client() as client:
        for wanted, expected in (("true", []), ("false", ["alpha"]), ("True", []), ("False", ["alpha"])):
            answer = await client.get("/vms", params={"search": "name=ALPHA", "case_sensitive": wanted})
            assert names(answer) == expected


@pytest.mark.parametrize("path", ["/vms/", "/vms//", "/clusters/", "//vms", "/vms/?search="])
async def test_slashes_at_the_end_or_doubled_do_not_matter(place: Lab, path: str) -> None:
    assert (await get(place, "/ovirt-engine/api" + path)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/vms/missing",
        "/vms/missing/nics",
        f"/vms/{ALPHA}/nothing",
        f"/vms/{ALPHA}/nics/missing",
        "/vms/%2e%2e/clusters",
        "/vms/..%2fclusters",
        "/vms/%00",
        "/vms/%ff%fe",
        "/vms/a%2Fb",
        f"/vms/{ALPHA}/nics/nic-1",
        "/vms/" + "x" * 4000,
    ],
)
async def test_what_is_not_there_is_404_with_an_empty_body(place: Lab, path: str) -> None:
    for base in ("/ovirt-engine/api", "/api"):
        found = await get(place, base + path)
        assert (found.status_code, found.content) == (404, b"")


async def test_encoded_ids_are_decoded(place: Lab) -> None:
    encoded = "".join(f"%{ord(c):02x}" for c in ALPHA)
    found = await get(place, f"/ovirt-engine/api/vms/{encoded}")
    assert ElementTree.fromstring(found.content).get("id") == ALPHA


@pytest.mark.parametrize(
    "path", ["/ovirt-engine/apidoc2", "/apix", "/ovirt-engine/nothing", "/ovirt-engine/sso/nothing"]
)
async def test_what_only_begins_like_the_api_is_not_the_api(place: Lab, path: str) -> None:
    assert (await get(place, path)).status_code == 404


async def test_health_and_certificates_need_no_sign_in(place: Lab) -> None:
    async with httpx.AsyncClient(base_url=place.url) as client:
        health = await client.get("/ovirt-engine/services/health")
        assert (health.status_code, health.text) == (200, "DB Up!Welcome to Health Status!")
        assert health.headers["content-type"].startswith("text/html")
        for query, text in (
            ("resource=ca-certificate&format=X509-PEM-CA", "ca"),
            ("resource=engine-certificate&format=X509-PEM", "engine"),
            ("resource=engine-certificate&format=OPENSSH-PUBKEY", "ssh-rsa"),
            ("", "ca"),
        ):
            found = await client.get(f"/ovirt-engine/services/pki-resource?{query}")
            assert found.status_code == 200
            assert text in found.text
        assert (await client.get("/ovirt-engine/services/pki-resource?resource=key")).status_code == 404


@pytest.mark.parametrize("path", ["/api?rsdl", "/api/?rsdl", "/ovirt-engine/api/v3?rsdl"])
async def test_the_root_of_dialect_3_describes_itself(place: Lab, path: str) -> None:
    found = await get(place, path)
    root = ElementTree.fromstring(found.content)
    assert (found.status_code, root.tag) == (200, "rsdl")
    assert root.get("href") == path.split("?")[0].rstrip("/") + "?rsdl"
    assert root.find("links/link") is not None
    as_json = await get(place, path, Accept="application/json")
    assert as_json.json()["rel"] == "rsdl"


async def test_the_schema_of_dialect_3_is_a_file(place: Lab) -> None:
    found = await get(place, "/api?schema")
    assert found.headers["content-type"] == "application/octet-stream"
    assert "ovirt-engine-api-schema.xsd" in found.headers["content-disposition"]
    assert ElementTree.fromstring(found.content).tag.endswith("schema")
