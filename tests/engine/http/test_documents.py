"""What describes the API is given to everybody, and a browser shows it without anything from elsewhere."""

import asyncio
import shutil
from pathlib import Path

import httpx
import pytest

from tests.engine.http.lab import Lab

API, PAGE = "/ovirt-engine/api/openapi.json", "/ovirt-engine/apidoc/"


async def test_the_description_needs_no_user_and_is_kept_by_browsers(place: Lab) -> None:
    async with httpx.AsyncClient() as client:
        found = await client.get(place.url + API)
        assert (found.status_code, found.headers["content-type"]) == (200, "application/json")
        assert {"/bookmarks", "/vms/{vmId}/nics/{nicId}", "/vms/{vmId}/work"} & set(found.json()["paths"])
        again = await client.get(place.url + API, headers={"If-None-Match": found.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await client.get(place.url + "/api/openapi.json")).status_code == 401
        assert (await client.post(place.url + API)).status_code == 401


async def test_the_pages_are_ours_alone(place: Lab) -> None:
    async with place.client() as client:
        found = await client.get(place.url + PAGE)
        assert "default-src 'none'" in found.headers["content-security-policy"]
        assert "unsafe" not in found.headers["content-security-policy"]
        for name in ("apidoc.js", "apidoc.css"):
            file = await client.get(place.url + PAGE + name)
            assert file.status_code == 200
            assert "://" not in file.text
        assert (await client.get(place.url + PAGE.rstrip("/"))).headers["location"] == "apidoc/"
        for wrong in ("apidoc/../app.py", "apidoc/%2e%2e/app.py", "apidoc/nothing", "apidocs"):
            assert (await client.get(f"{place.url}/ovirt-engine/{wrong}")).status_code == 404
        assert (await client.post(place.url + PAGE)).status_code == 405


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
async def test_a_browser_shows_and_searches_it(place: Lab, tmp_path: Path) -> None:
    async def shown(address: str) -> str:
        words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
        run = await asyncio.create_subprocess_exec(
            "chromium",
            *words,
            f"--user-data-dir={tmp_path}/browser",
            place.url + PAGE + address,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await asyncio.wait_for(run.communicate(), 120)
        return out.decode()

    page = await shown("?q=add+bookmark#services/vm_nics/methods/list")
    assert 'id="services/vm_nics/methods/list"' in page
    assert "/vms/<b>{vmId}</b>/nics" in page
    assert 'href="#services/bookmarks/methods/add"' in page
    assert "<h2>1 operation</h2>" in page
