"""One engine with simulated hosts, and one Chromium, for all tests of the web admin.

Skips, saying why, where Chromium, Playwright or Node are missing.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ovis.cli import web
from ovis.cli.faults import CliFault
from tests.faults.kill import QUICK
from tests.installation import Installation, installation, until

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
WAIT_MS = 30_000
VMS = ("alpha", "beta", "gamma")


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An engine with two hosts, storage, and three VMs that are down."""
    try:
        web.build(ROOT)
    except web.NoNode as err:
        pytest.skip(f"the web admin cannot be built: {err}")
    except CliFault as err:
        pytest.fail(str(err))
    with installation(tmp_path_factory.mktemp("webadmin"), hosts=2, storage=True, **QUICK) as found:
        with found.client() as client:
            for name in VMS:
                body = {"name": name, "cluster": {"name": "Default"}, "template": {"name": "Blank"}}
                made = client.post("/vms", json=body)
                assert made.status_code in (201, 202), made.text
                disk = {
                    "alias": f"{name}_disk",
                    "provisioned_size": 1 << 20,
                    "format": "cow",
                    "storage_domains": {"storage_domain": [{"name": "data"}]},
                }
                attachment = {"bootable": True, "interface": "virtio", "active": True, "disk": disk}
                attached = client.post(f"/vms/{made.json()['id']}/diskattachments", json=attachment)
                assert attached.status_code in (201, 202), attached.text
            until(
                lambda: (
                    [vm["status"] for vm in client.get("/vms").json().get("vm", ())] == ["down"] * len(VMS)
                    and [disk["status"] for disk in client.get("/disks").json().get("disk", ())] == ["ok"] * len(VMS)
                ),
                "VMs that are down, with disks",
            )
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; of one file, since Playwright keeps a loop running that other files' asynchronous tests cannot share."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture
def forgiven() -> set[str]:
    """Statuses of refused requests that a test means to see: Chromium complains about each in its console."""
    return set()


@pytest.fixture
def visit(place: Installation, browser: Browser, forgiven: set[str]) -> Iterator[Callable[..., Page]]:
    """Open a browser of its own at an address of the web admin; at the end its console must be clean."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_(address: str = "", *, signed_in: bool = True, **options: Any) -> Page:
        context = browser.new_context(
            ignore_https_errors=True, **{"viewport": {"width": 1440, "height": 900}, **options}
        )
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(f"{place.url}/ovirt-engine/webadmin/{address}")
        if signed_in:
            sign_in(page, place.password)
        return page

    yield open_
    for context in contexts:
        context.close()
    # Chromium breaks requests off when an interface of the machine comes or goes; other tests' hosts bring theirs.
    meant = ["net::ERR_NETWORK_CHANGED", *(f"status of {status}" for status in forgiven)]
    unexpected = [said for said in complaints if not any(part in said for part in meant)]
    assert not unexpected, unexpected


def sign_in(page: Page, password: str, user: str = "admin") -> None:
    """Fill in the form."""
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def vm_id(place: Installation, name: str) -> str:
    """A VM's id."""
    with place.client() as client:
        return str(client.get(f"/vms?search=name%3D{name}").json()["vm"][0]["id"])
