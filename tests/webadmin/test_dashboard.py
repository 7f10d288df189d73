"""The dashboard counts what there is and leads to it; the topology shows what belongs together."""

import re
from collections.abc import Callable

import pytest

from tests.installation import Installation

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

from tests.webadmin.axe import serious
from tests.webadmin.conftest import WAIT_MS

Visit = Callable[..., Page]
expect.set_options(timeout=WAIT_MS)


def test_numbers_are_the_apis_and_lead_to_their_lists(visit: Visit, place: Installation) -> None:
    page = visit("#dashboard")
    inventory = page.get_by_role("region", name="Inventory")
    expect(inventory.locator("[data-kind=hosts] .total")).to_have_text("2")
    expect(inventory.locator("[data-kind=storagedomains] .total")).to_have_text("1")
    with place.client() as client:
        client.get("/vms")
        body = {"name": "counted", "cluster": {"name": "Default"}, "template": {"name": "Blank"}}
        before = len(client.get("/vms").json()["vm"])
        expect(inventory.locator("[data-kind=vms] .total")).to_have_text(str(before))
        vm = client.post("/vms", json=body).json()["id"]
        expect(inventory.locator("[data-kind=vms] .total")).to_have_text(str(before + 1))  # without a reload
        client.delete(f"/vms/{vm}")
    use = page.get_by_role("region", name="Utilisation")
    for name in ("CPU", "Memory", "Storage"):
        expect(use.get_by_role("heading", name=name)).to_be_visible()
    expect(use.get_by_text(re.compile(r"of 64 cores"))).to_be_visible()
    assert serious(page) == []
    inventory.get_by_role("link", name=re.compile(r"\d+ Virtual Machines Down")).click()
    expect(page).to_have_url(re.compile(r"#vms;search=status"))
    expect(page.get_by_role("row", name="alpha", exact=True)).to_be_visible()


def test_the_topology_joins_networks_hosts_and_storage(visit: Visit) -> None:
    page = visit("#dashboard")
    page.get_by_role("link", name="Topology").click()
    center = page.get_by_role("region", name="Data center Default")
    for kind, name in (("Networks", "ovirtmgmt"), ("Hosts", "sim-host-002"), ("Storage", "data")):
        expect(center.get_by_role("list", name=kind).get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(center.locator("svg.tp-lines path")).to_have_count(2)
    assert serious(page) == []
    center.get_by_role("link", name="data", exact=True).hover()
    expect(center.locator("svg.tp-lines path.lit")).to_have_count(1)
    center.get_by_role("link", name="sim-host-002", exact=True).click()
    expect(page).to_have_url(re.compile(r"#hosts-"))
