"""The frame of the web admin in a real browser: sign-in, places, addresses, what is live, what ends."""

import re
from collections.abc import Callable

import pytest

from tests.installation import Installation

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

from tests.webadmin.conftest import ROOT, WAIT_MS, sign_in, vm_id

Visit = Callable[..., Page]
expect.set_options(timeout=WAIT_MS)
PLACES = {
    "dataCenters": "Data Centers",
    "clusters": "Clusters",
    "hosts": "Hosts",
    "networks": "Networks",
    "storage": "Storage",
    "disks": "Disks",
    "vms": "Virtual Machines",
    "pools": "Pools",
    "templates": "Templates",
    "users": "Users",
    "events": "Events",
}


def test_a_wrong_password_is_refused_in_place_and_the_right_one_lets_in(
    visit: Visit, place: Installation, forgiven: set[str]
) -> None:
    forgiven.add("401")
    page = visit("#vms", signed_in=False)
    sign_in(page, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("is incorrect")
    sign_in(page, place.password)
    expect(page.get_by_role("row", name="alpha", exact=True)).to_be_visible()
    assert page.context.cookies(f"{place.url}/ovirt-engine/api") == []  # the API never sees the browser's cookie
    page.reload()
    expect(page.get_by_role("row", name="alpha", exact=True)).to_be_visible()
    page.get_by_role("button", name="User menu").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_every_place_has_its_list_by_its_old_address_and_nobody_is_locked_out(visit: Visit) -> None:
    """Each place is a grid of its name with a current tab; axe finds nothing serious in any of them."""
    page = visit()
    axe = (ROOT / "webadmin/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
    for token, label in PLACES.items():
        page.get_by_role("navigation", name="Places").get_by_role("link", name=label, exact=True).click()
        expect(page).to_have_url(re.compile(f"#{token}"))
        grid = page.get_by_role("grid", name=label, exact=True)
        expect(grid).to_be_visible()
        expect(grid).to_have_attribute("aria-rowcount", re.compile(r"^\d+$"))
    page.get_by_role("navigation", name="Places").get_by_role("link", name="Hosts", exact=True).click()
    page.get_by_role("grid", name="Hosts").get_by_role("row").nth(1).click(position={"x": 300, "y": 10})
    expect(page.get_by_role("tab", name="Network Interfaces", exact=True)).to_be_visible()
    page.evaluate(axe)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']}).then((all) => all.violations)")
    serious = [
        (v["id"], [n["html"][:160] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")
    ]
    assert not serious, serious


def test_search_completes_says_what_is_wrong_and_narrows_the_list(visit: Visit) -> None:
    page = visit("#vms")
    search = page.get_by_role("combobox", name="Search")
    search.fill("Vms: na")
    expect(page.get_by_role("option", name=re.compile("^name"))).to_be_visible()
    search.fill("Vms: name = be*")
    search.press("Enter")
    expect(page).to_have_url(re.compile("search=name"))
    grid = page.get_by_role("grid", name="Virtual Machines")
    expect(grid.get_by_role("row", name="beta", exact=True)).to_be_visible()
    expect(grid.get_by_role("row", name="alpha", exact=True)).to_have_count(0)
    expect(grid).to_have_attribute("aria-rowcount", "2")
    search.fill("Hosts: status = up")
    search.press("Enter")
    expect(page.get_by_role("grid", name="Hosts")).to_have_attribute("aria-rowcount", "3")


def test_a_vm_is_started_from_the_menu_and_another_browser_sees_it(visit: Visit, place: Installation) -> None:
    one, two = visit("#vms"), visit("#vms;search=name%20=%20alpha")
    row = one.get_by_role("row", name="alpha", exact=True)
    row.click(button="right", position={"x": 200, "y": 10})
    expect(one.get_by_role("menuitem", name="Suspend", exact=True)).to_have_attribute("aria-disabled", "true")
    one.get_by_role("menuitem", name="Run", exact=True).click()
    expect(row.get_by_role("gridcell", name="Up", exact=True).last).to_be_visible()
    expect(two.get_by_role("row", name="alpha", exact=True)).to_contain_text("Up")
    # toolbar: the same action is refused now, with its reason
    run = one.get_by_role("toolbar", name="Actions").first.get_by_role("button", name="Run", exact=True)
    expect(run).to_have_attribute("aria-disabled", "true")
    run.hover()
    expect(one.get_by_role("tooltip")).to_contain_text("alpha is Up")
    # the task of it is in the drawer
    one.get_by_role("tab", name="Tasks", exact=True).click()
    expect(one.get_by_role("tabpanel", name="Tasks")).to_contain_text("alpha")
    # two at once: one cannot, the other can
    one.get_by_label("Select alpha").click()
    one.get_by_label("Select alpha").click()
    one.get_by_label("Select beta").click()
    one.get_by_role("row", name="beta", exact=True).click(button="right", position={"x": 200, "y": 10})
    expect(one.get_by_role("menuitem", name="Run", exact=True)).to_contain_text("1 of 2")
    one.keyboard.press("Escape")
    with place.client() as client:
        client.post(f"/vms/{vm_id(place, 'alpha')}/stop", json={})
    expect(two.get_by_role("row", name="alpha", exact=True)).to_contain_text("Down")


def test_an_address_brings_back_the_same_view_after_a_reload(
    visit: Visit, place: Installation, forgiven: set[str]
) -> None:
    forgiven.add("404")
    page = visit("#vms")
    page.get_by_role("row", name="gamma", exact=True).click(position={"x": 300, "y": 10})
    page.get_by_role("tab", name="Disks", exact=True).click()
    expect(page).to_have_url(re.compile("sel=.*tab=disks"))
    page.reload()
    expect(page.get_by_role("tab", name="Disks", exact=True)).to_have_attribute("aria-selected", "true")
    page.get_by_role("grid", name="Virtual Machines").get_by_role("link", name="gamma", exact=True).click()
    expect(page.get_by_role("heading", name="gamma", exact=True)).to_be_visible()
    page.goto(f"{place.url}/ovirt-engine/webadmin/#vms-snapshots;name=gamma")
    expect(page.get_by_role("tab", name="Snapshots", exact=True)).to_have_attribute("aria-selected", "true")
    page.get_by_role("tab", name="General", exact=True).click()
    page.go_back()
    expect(page.get_by_role("tab", name="Snapshots", exact=True)).to_have_attribute("aria-selected", "true")
    page.goto(f"{place.url}/ovirt-engine/webadmin/#vms-general;id=00000000-0000-0000-0000-00000000dead")
    expect(page.get_by_text("is not here any more")).to_be_visible()


def test_a_session_that_ends_asks_again_and_the_page_is_still_there(
    visit: Visit, place: Installation, forgiven: set[str]
) -> None:
    forgiven.add("401")
    page = visit("#hosts;search=status%20=%20up")
    expect(page.get_by_role("grid", name="Hosts")).to_have_attribute("aria-rowcount", "3")
    page.evaluate("fetch('../sso/browser', {method: 'DELETE'})")
    page.evaluate("location.hash = '#hosts;search=status%20=%20down'")  # the next request, or the stream, finds it out
    expect(page.get_by_text("Your session has ended. After this")).to_be_visible()
    sign_in(page, place.password)
    expect(page.get_by_role("grid", name="Hosts")).to_have_attribute("aria-rowcount", "1")
    expect(page).to_have_url(re.compile("#hosts;search=status"))
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Log in")).to_have_count(0)


def test_the_tree_narrows_a_list_and_the_narrowing_can_be_taken_back(visit: Visit) -> None:
    page = visit("#vms")
    tree = page.get_by_role("tree", name="System")
    expect(tree.get_by_role("treeitem", name="Default", exact=True)).to_be_visible()
    tree.get_by_role("treeitem", name="System", exact=True).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    tree.get_by_role("treeitem", name="Clusters", exact=True).focus()
    page.keyboard.press("ArrowRight")
    cluster = tree.get_by_role("treeitem", name="Default", exact=True).nth(1)
    cluster.focus()
    page.keyboard.press("ArrowRight")
    tree.get_by_role("treeitem", name="VMs", exact=True).click()
    expect(page.get_by_role("button", name="Not only in cluster Default")).to_be_visible()
    expect(page.get_by_role("row", name="alpha", exact=True)).to_be_visible()
    page.get_by_role("button", name="Not only in cluster Default").click()
    expect(page).not_to_have_url(re.compile("scope"))


def test_text_of_the_api_is_shown_as_text(visit: Visit, place: Installation) -> None:
    """Markup in texts that people can write does nothing but be read."""
    evil = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    with place.client() as client:
        for path, body in (
            (f"/vms/{vm_id(place, 'gamma')}", {"comment": evil, "description": evil}),
            ("/networks/00000000-0000-0000-0000-000000000009", {"comment": evil, "description": evil}),
        ):
            done = client.put(path, json=body)
            assert done.status_code == 200, done.text
        client.post("/bookmarks", json={"name": evil[:40], "value": f"Vms: {evil}"[:300]})
        client.post("/events", json={"description": evil, "severity": "normal", "origin": "test", "custom_id": "7"})
    page = visit("#vms;search=name%20=%20gamma")
    page.get_by_role("row", name="gamma", exact=True).click(position={"x": 300, "y": 10})
    expect(page.get_by_text(evil).first).to_be_visible()
    page.get_by_role("button", name="Bookmarks").click()
    for token in ("networks", "events", "vms;search=%3Cimg%20src=x%20onerror=alert(1)%3E"):
        page.goto(f"{place.url}/ovirt-engine/webadmin/#{token}")
        expect(page.get_by_role("grid").first).to_be_visible()
    assert page.evaluate("window.hacked") is None


def test_on_a_narrow_screen_rows_are_chosen_and_acted_upon(visit: Visit) -> None:
    page = visit("#vms", viewport={"width": 390, "height": 844})
    page.get_by_label("Select beta").click()
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("link", name="Hosts", exact=True).click()
    expect(page.get_by_role("grid", name="Hosts")).to_be_visible()
