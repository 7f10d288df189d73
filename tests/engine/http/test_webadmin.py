"""The web admin's files: pages with their policy, files with their caching, nothing from outside the folder."""

import base64
import gzip
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from ovis.engine.http.messages import Answer, Request
from ovis.engine.http.webadmin import WebAdmin

BASE = "/ovirt-engine/webadmin/"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as Vite leaves it, with a secret beside it."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<head><!--definitions--></head>", encoding="utf-8")
    (folder / "portal.html").write_text("<head>portal</head>", encoding="utf-8")
    (folder / "assets" / "app-1.js").write_text("x" * 5000, encoding="utf-8")
    (folder / "mark.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "secret.js").write_text("secret", encoding="utf-8")
    return folder


def ask(web: WebAdmin, path: str, method: str = "GET", **headers: str) -> Answer | None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.answer(Request(method, path, "", named, receive, "127.0.0.1", "https"))


def header(answer: Answer | None, name: str) -> str:
    assert answer is not None
    return dict(answer.headers).get(name, "")


def test_the_page_carries_the_plugins_and_a_policy_that_allows_only_that_script(built: Path) -> None:
    plugins = [{"name": "</script><b>", "url": "x"}]
    web = WebAdmin(built, lambda: plugins)
    page = ask(web, BASE)
    assert page is not None
    assert isinstance(page.body, bytes)
    script = re.search(rb"<script>(.*?)</script>", page.body)
    assert script is not None
    assert script[1] == b'var pluginDefinitions = [{"name": "\\u003c/script>\\u003cb>", "url": "x"}];'
    digest = base64.b64encode(hashlib.sha256(script[1]).digest()).decode()
    policy = header(page, "Content-Security-Policy")
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "frame-src *" in policy
    tag = header(page, "ETag")
    unchanged = ask(web, BASE, if_none_match=tag)
    assert unchanged is not None
    assert unchanged.status == 304
    plugins.clear()
    other = ask(web, BASE, if_none_match=tag)
    assert other is not None
    assert other.status == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (BASE + "assets/app-1.js", 200),
        (BASE + "mark.svg", 200),
        ("/ovirt-engine/web-ui/assets/app-1.js", 200),
        ("/ovirt-engine/web-ui/", 200),
        ("/ovirt-engine/webadmin/WebAdmin.html", 200),
        ("/webadmin/webadmin/WebAdmin.html", 200),
        ("/ovirt-engine/webadmin", 302),
        (BASE + "../secret.js", None),
        (BASE + "assets/../../secret.js", None),
        (BASE + "%2e%2e/secret.js", None),
        (BASE + "assets/", None),
        (BASE + "portal.html", None),
        (BASE + "a\0b", None),
        ("/ovirt-engine/webadministration", None),
    ],
)
def test_files_of_the_folder_are_served_and_no_others(built: Path, path: str, status: int | None) -> None:
    answer = ask(WebAdmin(built), path)
    assert (answer.status if answer is not None else None) == status


def test_files_that_never_change_are_kept_and_sent_compressed(built: Path) -> None:
    web = WebAdmin(built)
    packed = ask(web, BASE + "assets/app-1.js", accept_encoding="gzip, br")
    assert packed is not None
    assert isinstance(packed.body, bytes)
    assert gzip.decompress(packed.body) == b"x" * 5000
    assert "immutable" in header(packed, "Cache-Control")
    plain = ask(web, BASE + "assets/app-1.js")
    assert plain is not None
    assert plain.body == b"x" * 5000
    assert header(ask(web, BASE + "mark.svg"), "Cache-Control") == "no-cache"


def test_what_is_not_built_says_so_and_other_methods_are_none(tmp_path: Path, built: Path) -> None:
    web = WebAdmin(tmp_path / "nothing")
    missing = ask(web, BASE)
    assert missing is not None
    assert missing.status == 503
    assert not web.built
    refused = ask(WebAdmin(built), BASE, "POST")
    assert refused is not None
    assert refused.status == 405
