"""UI plugins in a real browser: what they add is in the frame, they hear of the selection, and broken ones harm nobody."""

import json
import shutil
from collections.abc import Iterator

import pytest

from tests.installation import Installation

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Browser, Page, expect

from tests.webadmin.conftest import ROOT, WAIT_MS, sign_in

expect.set_options(timeout=WAIT_MS)
BROKEN = {
    "throws": "const api = parent.pluginApi('throws'); api.register({ UiInit() { api.addMainTab('Left', 'left-over-tab', 'about:blank'); },"
    " VirtualMachineSelectionChange() { throw new Error('on purpose'); } }); api.ready();",
    "wrong": "const api = = parent.pluginApi('wrong');",
}


@pytest.fixture
def plugged(place: Installation, browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """The web admin with the sample and two broken plugins, and what the browser complained about."""
    folder, own = place.folder / "ui-plugins", place.folder / "etc" / "ui-plugins"
    shutil.copytree(ROOT / "ui_plugins" / "first-steps", folder, dirs_exist_ok=True)
    own.mkdir(parents=True, exist_ok=True)
    (own / "first-steps-config.json").write_text('{"config": {"greeting": "Good day"}} // ours', encoding="utf-8")
    for name, script in BROKEN.items():
        descriptor = {"name": name, "url": f"plugin/{name}/x.html", "resourcePath": name}
        (folder / f"{name}.json").write_text(json.dumps(descriptor), encoding="utf-8")
        (folder / name).mkdir()
        (folder / name / "x.html").write_text(f"<script>{script}</script>", encoding="utf-8")
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1600, "height": 900})
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    yield page, complaints
    context.close()
    shutil.rmtree(folder)
    shutil.rmtree(own)


def test_plugins_add_tabs_buttons_and_dialogs_and_broken_ones_harm_nobody(
    place: Installation, plugged: tuple[Page, list[str]]
) -> None:
    page, complaints = plugged
    page.goto(f"{place.url}/ovirt-engine/webadmin/#vms")
    sign_in(page, place.password)
    hello = page.get_by_role("button", name="Say hello", exact=True)
    expect(hello).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_role("navigation", name="Places").get_by_role("link", name="Left")).to_have_count(1)

    page.get_by_role("row").filter(has_text="alpha").click()
    expect(hello).not_to_have_attribute("aria-disabled", "true")
    page.get_by_role("tab", name="Notes").click()
    notes = page.frame_locator("iframe[title=Notes]").locator("#text")
    expect(notes).to_have_text("alpha is Down.")
    page.get_by_role("row").filter(has_text="beta").click()
    expect(notes).to_have_text("beta is Down.")

    page.get_by_role("row").filter(has_text="gamma").click(modifiers=["Control"])
    hello.click()
    dialog = page.get_by_role("dialog", name="Say hello")
    expect(page.frame_locator("iframe[title='Say hello']").locator("#text")).to_have_text("Good day, beta and gamma.")
    dialog.get_by_role("button", name="Enough").click()
    expect(dialog).to_have_count(0)

    page.evaluate("location.hash = 'first-steps'")
    greeting = page.frame_locator("iframe[title='First steps']").locator("#text")
    expect(greeting).to_have_text("Good day, admin@internal.")
    token = page.evaluate("pluginApi('first-steps').ssoToken()")
    session = page.request.get(
        f"{place.url}/ovirt-engine/api/vms",
        headers={"Cookie": f"JSESSIONID={token}", "Prefer": "persistent-auth", "Accept": "application/json"},
    )
    assert session.ok, session.text()
    assert any("plugin throws failed: VirtualMachineSelectionChange: on purpose" in said for said in complaints)
    ours = [said for said in complaints if "on purpose" not in said and "Unexpected token '='" not in said]
    assert not ours, ours
