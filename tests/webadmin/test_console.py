"""Consoles in the browser: the guest's own pixels, its serial line, keys both ways, and what is said when they end."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ovis.agent.simulated.screen import Screen
from tests.engine.resources.lab import add_vm
from tests.installation import Installation, until

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Page, expect

from tests.webadmin.axe import serious
from tests.webadmin.canvas import drawn, pixels, unlike
from tests.webadmin.conftest import WAIT_MS

Visit = Callable[..., Page]
expect.set_options(timeout=WAIT_MS)


@contextmanager
def guest(place: Installation, name: str) -> Iterator[str]:
    """A VM with a screen and a serial line, for a while; its id."""
    boot = {"boot": {"devices": {"device": ["network"]}}}
    with place.client() as client:
        vm = add_vm(client, name, disk=False, os=boot, console={"enabled": True}, display={"type": "vnc"})
        assert client.post(f"/vms/{vm}/start", json={}).status_code == 200
        until(lambda: client.get(f"/vms/{vm}").json()["status"] == "up", "a VM that is up")
        try:
            yield vm
        finally:
            client.post(f"/vms/{vm}/stop", json={})
            until(lambda: client.get(f"/vms/{vm}").json()["status"] == "down", "a VM that is down")
            assert client.delete(f"/vms/{vm}").status_code < 300


def connected(page: Page) -> None:
    expect(page.get_by_role("contentinfo").get_by_text("Connected", exact=True)).to_be_visible()


def shows(page: Page, screen: Screen) -> None:
    """The canvas is, pixel by pixel, what the guest has drawn."""
    canvas = page.locator(".cn-screen canvas")
    until(lambda: unlike(pixels(canvas)[2], drawn(screen)) == 0.0, f"the screen {screen.lines[-1]!r}")


def typed(screen: Screen, text: str) -> Screen:
    for letter in text:
        screen.type(0xFF0D if letter == "\n" else ord(letter))
    return screen


def test_the_screen_is_the_guests_pixel_by_pixel_and_keys_reach_it(
    visit: Visit, place: Installation, forgiven: set[str]
) -> None:
    forgiven.add("409")  # a ticket may be asked for just before the VM is seen to be down
    with guest(place, "kvm-1") as vm:
        page = visit(f"#console;vm={vm}")
        connected(page)
        screen = Screen("kvm-1")
        shows(page, screen)
        assert serious(page) == []
        page.keyboard.type("Hello 42")
        shows(page, typed(screen, "Hello 42"))
        page.get_by_role("button", name="Send Keys").click()
        page.get_by_role("menuitem", name="Type text ...").click()
        dialog = page.get_by_role("dialog", name="Type text")
        dialog.get_by_label("Text").fill("\nA/b:")
        dialog.get_by_role("button", name="Type", exact=True).click()
        expect(dialog).to_be_hidden()
        shows(page, typed(screen, "\nA/b:"))
        page.keyboard.down("Control")  # Ctrl and Alt alone: the page has the keyboard again
        page.keyboard.press("Alt")
        page.keyboard.up("Control")
        expect(page.get_by_role("tab", name="Screen")).to_be_focused()
        page.keyboard.type("z")
        with page.expect_download() as loaded:
            page.get_by_role("button", name="Download the .vv file").click()
        assert "type=vnc" in loaded.value.path().read_text()
        shows(page, screen)  # the z went nowhere
        with place.client() as client:
            assert client.post(f"/vms/{vm}/stop", json={}).status_code == 200
        expect(page.get_by_text(re.compile("kvm-1 is not running|kvm-1: it is down"))).to_be_visible()
        page.get_by_role("button", name="Run", exact=True).click()
        connected(page)
        shows(page, Screen("kvm-1"))
        page.close()


def test_the_serial_line_echoes_and_is_taken_over_when_asked(visit: Visit, place: Installation) -> None:
    with guest(place, "tty-1") as vm:
        page = visit(f"#console;vm={vm};kind=serial")
        connected(page)
        terminal = page.locator(".xterm-rows")
        expect(terminal).to_contain_text("tty-1 login:")
        assert serious(page) == []
        page.keyboard.type("uptime\r")
        expect(terminal).to_contain_text("login: uptime")
        expect(page.get_by_text("Nobody else is connected")).to_be_visible()
        other = visit(f"#console;vm={vm};kind=serial")
        expect(other.get_by_text("Somebody else is at the VM's serial console.")).to_be_visible()
        other.get_by_role("button", name="Take over").click()
        connected(other)
        expect(other.locator(".xterm-rows")).to_contain_text("tty-1 login:")
        expect(page.get_by_text("The console is over, or somebody took the line.")).to_be_visible()
        page.close()
        other.close()
