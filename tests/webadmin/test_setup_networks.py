"""Networks are laid onto a host's NICs in a real browser, by mouse, keyboard and menu; the host has them afterwards."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.installation import Installation

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

from tests.webadmin.conftest import WAIT_MS

Visit = Callable[..., Page]
expect.set_options(timeout=WAIT_MS)


@pytest.fixture
def networks(place: Installation) -> Iterator[tuple[httpx.Client, dict[str, str]]]:
    """The administrator, and the ids of three VLANs of the cluster that no host has; gone from hosts and cluster afterwards."""
    with place.client() as client:
        cluster = client.get("/clusters?search=name%3DDefault").json()["cluster"][0]
        made = {}
        for tag, name in enumerate(("wired", "keyed", "spare"), 61):
            body = {"name": name, "data_center": {"id": cluster["data_center"]["id"]}, "vlan": {"id": str(tag)}}
            made[name] = str(client.post("/networks", json=body).json()["id"])
            client.post(f"/clusters/{cluster['id']}/networks", json={"id": made[name], "required": "false"})
        yield client, made
        for host in client.get("/hosts").json()["host"]:
            for laid in client.get(f"/hosts/{host['id']}/networkattachments").json()["network_attachment"]:
                if laid["network"]["id"] in made.values():
                    client.delete(f"/hosts/{host['id']}/networkattachments/{laid['id']}")
        for network in made.values():
            assert client.delete(f"/networks/{network}").status_code == 200


def test_networks_are_laid_by_mouse_keyboard_and_menu(
    visit: Visit, networks: tuple[httpx.Client, dict[str, str]]
) -> None:
    api, made = networks
    host = api.get("/hosts?search=sortby%20name").json()["host"][0]
    page = visit("#hosts")
    page.get_by_role("row", name=host["name"], exact=True).click(button="right")
    page.get_by_role("menuitem", name="Setup Host Networks").click()
    dialog = page.get_by_role("dialog", name=f"Setup Host {host['name']} Networks")
    pending = dialog.get_by_role("status", name="Pending changes")
    expect(pending).to_have_text("No changes ")

    onto = dialog.get_by_label("Networks of eth1")
    dialog.get_by_role("button", name="wired", exact=True).drag_to(onto)
    expect(onto.get_by_role("button", name="wired", exact=True)).to_be_visible()

    keyed = dialog.get_by_role("button", name="keyed", exact=True)
    keyed.press(" ")
    keyed.press("ArrowDown")
    keyed.press("Escape")  # back; nothing has changed and the dialog is there
    expect(pending).to_have_text("1 change: wired to eth1")
    for key in (" ", "ArrowDown", "ArrowDown", " "):
        keyed.press(key)
    expect(onto.get_by_role("button", name="keyed", exact=True)).to_be_focused()

    dialog.get_by_role("button", name="Menu of ovirtmgmt").click()
    refused = page.get_by_role("menuitem", name="Unassign")
    expect(refused).to_have_attribute("aria-disabled", "true")
    expect(refused).to_have_attribute("title", "ovirtmgmt is the management network; the host cannot be without it.")
    page.keyboard.press("Escape")

    dialog.get_by_role("button", name="Menu of eth0").click()  # a bond of both, and back
    page.get_by_role("menuitem", name="Bond with eth1").click()
    expect(pending).to_contain_text("bond0 is made of eth0 and eth1 (mode 4)")
    expect(dialog.get_by_label("Networks of bond0").get_by_role("listitem")).to_have_count(3)
    dialog.get_by_label("Bonding mode").select_option("1")
    dialog.get_by_role("button", name="Edit wired").click()
    dialog.get_by_label("IPv4 boot protocol").select_option("static")
    dialog.get_by_label("IPv4 address").fill("10.61.0.500")
    dialog.get_by_label("Netmask / Routing prefix").fill("24")
    dialog.get_by_role("button", name="OK", exact=True).click()
    expect(dialog.get_by_text("1 thing to correct")).to_be_visible()
    dialog.get_by_label("IPv4 address").fill("10.61.0.5")
    dialog.get_by_role("button", name="OK", exact=True).click()
    expect(dialog).to_be_hidden()

    nics = {nic["id"]: nic for nic in api.get(f"/hosts/{host['id']}/nics").json()["host_nic"]}
    bond = next(nic for nic in nics.values() if nic["name"] == "bond0")
    assert sorted(nics[slave["id"]]["name"] for slave in bond["bonding"]["slaves"]["host_nic"]) == ["eth0", "eth1"]
    assert {o["name"]: o["value"] for o in bond["bonding"]["options"]["option"]}["mode"] == "1"
    laid = {
        one["network"]["id"]: one
        for one in api.get(f"/hosts/{host['id']}/networkattachments").json()["network_attachment"]
    }
    assert [laid[made[name]]["host_nic"]["id"] for name in ("wired", "keyed")] == [bond["id"]] * 2
    assert made["spare"] not in laid
    four = laid[made["wired"]]["ip_address_assignments"]["ip_address_assignment"][0]
    assert (four["assignment_method"], four["ip"]["address"], four["ip"]["netmask"]) == (
        "static",
        "10.61.0.5",
        "255.255.255.0",
    )

    page.get_by_role("row", name=host["name"], exact=True).click(button="right")
    page.get_by_role("menuitem", name="Setup Host Networks").click()
    dialog.get_by_role("button", name="Break bond0").click()
    dialog.get_by_role("button", name="Menu of keyed").click()
    page.get_by_role("menuitem", name="Unassign").click()
    expect(pending).to_contain_text("keyed off bond0")
    dialog.get_by_role("button", name="OK", exact=True).click()
    expect(dialog).to_be_hidden()
    after = api.get(f"/hosts/{host['id']}/nics").json()["host_nic"]
    assert not any(nic["name"] == "bond0" for nic in after)
    assert {
        one["network"]["id"] for one in api.get(f"/hosts/{host['id']}/networkattachments").json()["network_attachment"]
    } & set(made.values()) == {made["wired"]}
