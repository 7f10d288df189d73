"""The VM portal: an ordinary user sees what is his, does what he may, and is told why he may not."""

import subprocess
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.engine.resources.lab import add_vm
from tests.installation import Installation, program, until

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

from tests.webadmin.axe import serious
from tests.webadmin.conftest import WAIT_MS, sign_in

Visit = Callable[..., Page]
expect.set_options(timeout=WAIT_MS)
PASSWORD = "Ann-pass-1"


@pytest.fixture
def ann(place: Installation) -> Iterator[str]:
    """A user with two VMs and the right to make more; her name."""
    command = [program("ovis-engine"), "user", "add", "ann", "--data", str(place.folder)]
    subprocess.run(command, input=f"{PASSWORD}\n", text=True, check=True, timeout=60)
    form = {
        "grant_type": "password",
        "scope": "ovirt-app-api",
        "username": "ann@internal",
        "password": PASSWORD,
    }
    accept = {"Accept": "application/json"}
    assert httpx.post(f"{place.url}/ovirt-engine/sso/oauth/token", data=form, headers=accept, verify=False).is_success
    with place.client() as client:
        me = next(u["id"] for u in client.get("/users").json()["user"] if u["user_name"].startswith("ann"))
        boot = {"boot": {"devices": {"device": ["network"]}}}
        vms = [add_vm(client, n, disk=False, os=boot, display={"type": "vnc"}) for n in ("ann-desk", "ann-view")]
        cluster = client.get("/clusters").json()["cluster"][0]["id"]
        given = (
            (f"/vms/{vms[0]}", "UserVmManager"),
            (f"/vms/{vms[1]}", "UserRole"),
            (f"/clusters/{cluster}", "VmCreator"),
        )
        for where, role in given:
            answer = client.post(f"{where}/permissions", json={"role": {"name": role}, "user": {"id": me}})
            assert answer.status_code == 201, answer.text
        yield "ann"
        for vm in client.get("/vms?search=name%3Dann-*").json().get("vm", []):
            if vm["status"] != "down":
                client.post(f"/vms/{vm['id']}/stop", json={})
                until(lambda v=vm["id"]: client.get(f"/vms/{v}").json()["status"] == "down", "down")  # type: ignore[misc]
            client.delete(f"/vms/{vm['id']}")


def test_a_user_sees_his_own_runs_one_opens_its_console_and_makes_another(visit: Visit, ann: str) -> None:
    page = visit("../web-ui/", signed_in=False)
    sign_in(page, PASSWORD, ann)
    grid = page.get_by_role("grid", name="Virtual Machines")
    expect(grid.get_by_role("row", name="ann-desk", exact=True)).to_be_visible()
    expect(grid).to_have_attribute("aria-rowcount", "3")  # hers, and the head
    assert serious(page) == []
    page.get_by_label("Search").fill("ann-v")
    expect(grid.get_by_role("row", name="ann-desk", exact=True)).to_be_hidden()
    expect(grid.get_by_role("row", name="ann-view", exact=True)).to_be_visible()
    page.get_by_label("Search").fill("")
    grid.get_by_role("row", name="ann-desk", exact=True).click()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(grid.get_by_role("row", name="ann-desk", exact=True)).to_contain_text("Up")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Console", exact=True).click()
    console = opened.value
    expect(console.get_by_role("contentinfo").get_by_text("Connected", exact=True)).to_be_visible()
    console.close()
    grid.get_by_role("row", name="ann-view", exact=True).click()
    page.get_by_role("button", name="More actions").click()
    refused = page.get_by_role("menuitem", name="Remove", exact=True)
    if refused.count() == 0:  # it fits into the toolbar
        page.keyboard.press("Escape")
        refused = page.get_by_role("button", name="Remove", exact=True)
    expect(refused).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="New", exact=True).click()
    dialog = page.get_by_role("dialog", name="New VM")
    dialog.get_by_label("Name").fill("ann-new")
    dialog.get_by_role("button", name="OK").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="1 new").click()  # nothing moves under a selection by itself
    expect(grid.get_by_role("row", name="ann-new", exact=True)).to_be_visible()
    page.get_by_role("link", name="Pools").click()
    expect(page.get_by_text("No pools yet.")).to_be_visible()
