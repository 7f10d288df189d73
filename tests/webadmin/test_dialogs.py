"""Dialogs in a real browser: what they make, change and remove is in the API; what the API refuses stands at its field."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.installation import Installation, until

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Locator, Page, expect

from tests.webadmin.conftest import WAIT_MS

Visit = Callable[..., Page]
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def api(place: Installation) -> Iterator[httpx.Client]:
    """The administrator, beside the browser."""
    with place.client() as client:
        yield client


@pytest.fixture
def beta(api: httpx.Client) -> Iterator[str]:
    """The VM `beta`, started; down again for others."""
    vm = only(api, "vms", "beta")
    assert vm is not None
    assert api.post(f"/vms/{vm['id']}/start", json={}).status_code == 200
    until(lambda: (only(api, "vms", "beta") or {}).get("status") == "up", "a VM that runs")
    yield str(vm["id"])
    assert api.post(f"/vms/{vm['id']}/stop", json={}).status_code == 200
    until(lambda: (only(api, "vms", "beta") or {}).get("status") == "down", "a VM that is down")


@pytest.fixture
def default_policy(api: httpx.Client) -> Iterator[None]:
    """The cluster Default has its policy again afterwards."""
    yield
    cluster = only(api, "clusters", "Default") or {}
    assert api.put(f"/clusters/{cluster['id']}", json={"scheduling_policy": {"name": "none"}}).status_code == 200


def only(api: httpx.Client, collection: str, name: str) -> dict[str, Any] | None:
    """The object of that name."""
    answer: dict[str, list[dict[str, Any]]] = api.get(f"/{collection}?search=name%3D{name}").json()
    return next((row for rows in answer.values() for row in rows if row["name"] == name), None)


def button(where: Page | Locator, name: str) -> Locator:
    """A button by its exact name."""
    return where.get_by_role("button", name=name, exact=True)


def accepted(dialog: Locator) -> None:
    """OK, and the dialog closes."""
    button(dialog, "OK").click()
    expect(dialog).to_be_hidden()


def test_a_vm_is_made_with_disk_and_nic_changed_and_removed(
    visit: Visit, api: httpx.Client, forgiven: set[str]
) -> None:
    forgiven.update(("409", "400", "404"))
    page = visit("#vms")
    button(page, "New").click()
    dialog = page.get_by_role("dialog", name="New Virtual Machine")
    button(dialog, "OK").click()
    expect(dialog.get_by_role("alert")).to_have_text("Name is needed.")
    name = dialog.get_by_role("textbox", name="Name", exact=True)
    name.fill("alpha")
    button(dialog, "Create").click()
    dialog.get_by_label("Disk name").fill("made_disk")
    dialog.get_by_label("Size of made_disk").fill("2 GiB")
    button(dialog, "Add").click()
    dialog.get_by_role("tab", name="System").click()
    dialog.get_by_label("Memory Size").fill("512 MiB")
    dialog.get_by_label("Virtual Sockets").fill("2")
    expect(dialog.get_by_text("2 vCPUs, 512 MiB, 2 GiB")).to_be_visible()
    button(dialog, "OK").click()  # a VM named so is there
    expect(dialog.get_by_text("1 field to correct")).to_be_visible()
    expect(name).to_have_attribute("aria-invalid", "true")
    name.fill("made")
    accepted(dialog)
    made = only(api, "vms", "made")
    assert made is not None
    assert (made["memory"], made["cpu"]["topology"]["sockets"]) == (str(512 << 20), "2")
    attachments = api.get(f"/vms/{made['id']}/diskattachments?follow=disk").json()["disk_attachment"]
    assert [(a["disk"]["name"], a["disk"]["provisioned_size"], a["bootable"]) for a in attachments] == [
        ("made_disk", str(2 << 30), "true")
    ]
    assert [n["name"] for n in api.get(f"/vms/{made['id']}/nics").json()["nic"]] == ["nic1"]
    until(lambda: (only(api, "vms", "made") or {}).get("status") == "down", "a VM that is down")

    page.get_by_role("row", name="made", exact=True).click()
    button(page, "Edit").click()
    dialog = page.get_by_role("dialog", name="Edit Virtual Machine")
    dialog.get_by_label("Description").fill("changed")
    dialog.get_by_role("tab", name="High Availability").click()
    dialog.get_by_label("Highly Available").check()
    accepted(dialog)
    changed = api.get(f"/vms/{made['id']}").json()
    assert (changed["description"], changed["high_availability"]["enabled"]) == ("changed", "true")
    assert changed["memory"] == made["memory"]

    button(page, "Remove").click()
    button(page.get_by_role("dialog", name="Remove Virtual Machine(s)"), "Remove").click()
    until(lambda: only(api, "vms", "made") is None, "a VM that is gone")
    page.reload()  # what was chosen stays in sight, struck out, until then
    expect(page.get_by_role("row", name="alpha", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name="made", exact=True)).to_be_hidden()


def test_migration_says_of_each_host_why_and_moves_the_vm(visit: Visit, api: httpx.Client, beta: str) -> None:
    home = (only(api, "vms", "beta") or {})["host"]["id"]
    page = visit("#vms")
    page.get_by_role("row", name="beta", exact=True).click()
    button(page, "Migrate").click()
    dialog = page.get_by_role("dialog", name="Migrate Virtual Machine(s)")
    expect(dialog.get_by_text("Not possible")).to_be_visible()
    dialog.get_by_label("Choose a host").check()
    dialog.get_by_role("button", name="Migrate to").click()
    expect(dialog).to_be_hidden()
    until(
        lambda: (only(api, "vms", "beta") or {}).get("host", {}).get("id") not in (None, home), "a VM on another host"
    )
    until(lambda: (only(api, "vms", "beta") or {}).get("status") == "up", "a VM that runs there")

    button(page, "Create Snapshot").click()
    dialog = page.get_by_role("dialog", name="Create Snapshot")
    dialog.get_by_label("Description").fill("before")
    accepted(dialog)
    snapshots = api.get(f"/vms/{beta}/snapshots").json()["snapshot"]
    assert "before" in [s["description"] for s in snapshots]


def test_infrastructure_is_made_by_its_dialogs(visit: Visit, api: httpx.Client) -> None:
    page = visit("#dataCenters")
    button(page, "New").click()
    dialog = page.get_by_role("dialog", name="New Data Center")
    dialog.get_by_label("Name").fill("west")
    accepted(dialog)
    center = only(api, "datacenters", "west")
    assert center is not None

    page.goto(f"{page.url.partition('#')[0]}#clusters")
    button(page, "New").click()
    dialog = page.get_by_role("dialog", name="New Cluster")
    dialog.get_by_label("Data Center").select_option("west")
    dialog.get_by_label("Name", exact=False).first.fill("west-1")
    dialog.get_by_role("tab", name="Optimization").click()
    dialog.get_by_label("Memory Page Sharing").select_option("150")
    accepted(dialog)
    cluster = only(api, "clusters", "west-1")
    assert cluster is not None and cluster["memory_policy"]["over_commit"]["percent"] == "150"

    page.goto(f"{page.url.partition('#')[0]}#networks")
    button(page, "New").click()
    dialog = page.get_by_role("dialog", name="New Logical Network")
    dialog.get_by_label("Data Center").select_option("west")
    dialog.get_by_role("textbox", name="Name", exact=True).fill("blue")
    dialog.get_by_label("VLAN tag").fill("70")
    dialog.get_by_role("tab", name="Cluster").click()
    dialog.get_by_label("Required in west-1").uncheck()
    accepted(dialog)
    network = only(api, "networks", "blue")
    assert network is not None and network["vlan"]["id"] == "70"
    (held,) = [n for n in api.get(f"/clusters/{cluster['id']}/networks").json()["network"] if n["id"] == network["id"]]
    assert held["required"] == "false"


def test_a_policy_is_copied_edited_by_mouse_and_keyboard_and_given_to_a_cluster(
    visit: Visit, api: httpx.Client, default_policy: None
) -> None:
    page = visit("#clusters")
    button(page, "Configure").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("tab", name="Scheduling Policies").click()
    dialog.get_by_role("option", name="none", exact=True).click()
    button(dialog, "Copy").click()
    dialog.get_by_label("Name").fill("mine")
    enabled = dialog.get_by_role("listbox", name="Enabled Filters")
    disabled = dialog.get_by_role("listbox", name="Disabled Filters")
    enabled.get_by_role("option", name="Swap", exact=True).drag_to(disabled)
    expect(disabled.get_by_role("option", name="Swap", exact=True)).to_be_visible()
    moved = disabled.get_by_role("option", name="ClusterInMaintenance", exact=True)
    moved.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    expect(enabled.get_by_role("option", name="ClusterInMaintenance", exact=True)).to_be_visible()
    button(dialog, "Increase factor of OptimalForCpuEvenDistribution").click()
    dialog.get_by_label("HighUtilization", exact=True).fill("many")
    button(dialog, "OK").click()
    expect(dialog.get_by_text("Must match")).to_be_visible()
    dialog.get_by_label("HighUtilization", exact=True).fill("85")
    button(dialog, "OK").click()
    expect(dialog.get_by_role("option", name="mine", exact=True)).to_be_visible()
    button(dialog, "Close").click()

    policy = next(p for p in api.get("/schedulingpolicies").json()["scheduling_policy"] if p["name"] == "mine")
    units = {u["id"]: u["name"] for u in api.get("/schedulingpolicyunits").json()["scheduling_policy_unit"]}
    filters = api.get(f"/schedulingpolicies/{policy['id']}/filters").json()["filter"]
    names = [units[f["id"]] for f in filters]
    assert "Swap" not in names and "ClusterInMaintenance" in names
    assert [units[f["id"]] for f in filters if f["position"] == "-1"] == ["CPU"]
    factors = {
        units[w["id"]]: w["factor"] for w in api.get(f"/schedulingpolicies/{policy['id']}/weights").json()["weight"]
    }
    assert factors["OptimalForCpuEvenDistribution"] == "3"
    assert {p["name"]: p["value"] for p in policy["properties"]["property"]}["HighUtilization"] == "85"

    page.get_by_role("row", name="Default", exact=True).click()
    button(page, "Edit").click()
    dialog = page.get_by_role("dialog", name="Edit Cluster")
    dialog.get_by_role("tab", name="Scheduling Policy").click()
    dialog.get_by_label("Select Policy").select_option("mine")
    accepted(dialog)
    assert (only(api, "clusters", "Default") or {})["scheduling_policy"]["id"] == policy["id"]
