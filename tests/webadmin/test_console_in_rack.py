"""The console of a real guest in a browser: what QEMU draws and what the page shows are the same picture."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ovis.cli import web
from ovis.cli.faults import CliFault
from tests.agent.rack import missing
from tests.installation import until
from tests.real_rack import Place, real_place

pytest.importorskip("playwright", reason="playwright is not installed")
from playwright.sync_api import Browser, Page, expect

from tests.webadmin.canvas import pixels, unlike
from tests.webadmin.conftest import ROOT, sign_in

WAIT_MS = 90_000
_DECODE = """async data => {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes]));
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image, 0, 0);
  const found = canvas.getContext("2d").getImageData(0, 0, image.width, image.height).data;
  let text = "";
  for (let at = 0; at < found.length; at += 32768) text += String.fromCharCode(...found.subarray(at, at + 32768));
  return btoa(text);
}"""


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    try:
        web.build(ROOT)
    except web.NoNode as err:
        pytest.skip(f"the web admin cannot be built: {err}")
    except CliFault as err:
        pytest.fail(str(err))
    with real_place(tmp_path_factory.mktemp("real"), hosts=1) as found:
        yield found


def picture(rack: Place, page: Page, name: str, folder: Path) -> bytes:
    """QEMU's own picture of the screen, as libvirt gives it."""
    file = folder / "screen.png"
    rack.rack.virsh("h1", "screenshot", name, str(file))
    return base64.b64decode(page.evaluate(_DECODE, base64.b64encode(file.read_bytes()).decode()))


@pytest.mark.long  # a rack and a browser
def test_a_real_guests_firmware_is_seen_and_its_serial_line_heard(
    rack: Place, browser: Browser, tmp_path: Path
) -> None:
    with rack.engine.client() as client:
        vm = rack.add_guest(client, "bios")
        rack.start(client, vm)
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900})
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(f"{rack.engine.url}/ovirt-engine/webadmin/#console;vm={vm}")
        sign_in(page, rack.engine.password)
        connected = page.get_by_role("contentinfo").get_by_text("Connected", exact=True)
        expect(connected).to_be_visible(timeout=WAIT_MS)
        canvas = page.locator(".cn-screen canvas")

        def same() -> Any:
            width, height, shown = pixels(canvas)
            drawn = picture(rack, page, "bios", tmp_path)
            lit = sum(1 for i in range(0, len(shown), 4) if max(shown[i : i + 3]) > 60)
            # A cursor may blink between the two looks.
            return lit > 200 and len(drawn) == 4 * width * height and unlike(shown, drawn) < 0.001

        until(same, "the page's picture is QEMU's", seconds=120)
        page.get_by_role("tab", name="Serial").click()
        expect(page.locator(".xterm-rows")).to_contain_text("0", timeout=WAIT_MS)  # the guest ticks
        before = page.locator(".xterm-rows").inner_text()
        until(lambda: page.locator(".xterm-rows").inner_text() != before, "another tick")
        assert ticking(client, vm)
        assert complaints == []
        context.close()


def ticking(client: httpx.Client, vm: str) -> bool:
    """Who looked was told of."""
    told = [
        e["description"] for e in client.get("/events?max=50").json()["event"] if (e.get("vm") or {}).get("id") == vm
    ]
    return any("is connected to VM bios" in t for t in told) and any(
        "connected to the serial console" in t for t in told
    )
